//! `SetDevice` and `SetAgent`: whose signatures count.

use super::{bad_input, Call};
use crate::state;
use cosmwasm_std::{Addr, Api, CanonicalAddr, Response};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AgentSet, DeviceSet};
use wattpool_schema::{AgentKey, DeviceKey, MeterId};

/// Another device signs from now on; where the meter stands survives.
pub fn set_device(call: Call, id: MeterId, device: DeviceKey) -> Result<Response, MarketError> {
    let mut meter = state::active_meter(call.deps.storage, id)?;
    meter.device = device;
    state::save_meter(call.deps.storage, id, &meter);
    Ok(Response::new().add_event(DeviceSet { meter: id, device }))
}

/// Names the agent that may trade in this tenure; none stops it.
pub fn set_agent(
    call: Call,
    id: MeterId,
    agent: Option<AgentKey>,
) -> Result<Response, MarketError> {
    let mut meter = state::meter(call.deps.storage, id)?;
    call.must_be(&meter.latest().owner, "meter's owner")?;
    if meter.retired.is_some() {
        return Err(MarketError::MeterRetired { meter: id });
    }
    meter.agent = agent;
    meter.agent_address = agent
        .map(|key| agent_address(call.deps.api, &key))
        .transpose()?;
    meter.agent_tenure = meter.latest().tenure;
    state::save_meter(call.deps.storage, id, &meter);
    Ok(Response::new().add_event(AgentSet {
        meter: id,
        agent,
        zone: meter.latest().zone,
        kind: meter.kind,
        max_export: meter.latest().max_export,
        max_import: meter.latest().max_import,
        agent_address: meter.agent_address.map(Addr::into_string),
    }))
}

/// Address of an agent key as Cosmos chains derive it: RIPEMD-160(SHA-256(compressed secp256k1 key)),
/// in the chain's own text form.
pub fn agent_address(api: &dyn Api, key: &AgentKey) -> Result<Addr, MarketError> {
    if !matches!(key.0.first(), Some(2 | 3)) {
        let expected = "a compressed secp256k1 public key (first byte 2 or 3)";
        return Err(bad_input("agent", expected));
    }
    let hash: [u8; 20] = Ripemd160::digest(Sha256::digest(key.0)).into();
    Ok(api.addr_humanize(&CanonicalAddr::from(hash))?)
}
