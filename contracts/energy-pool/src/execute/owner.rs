//! `ProposeOwner` and `AcceptOwner`: a meter changes hands in two steps.

use super::Call;
use crate::{permission, state};
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AgentSet, OwnerChanged, OwnerProposed};
use wattpool_schema::MeterId;

/// Proposes another owner, or withdraws the proposal.
pub fn propose_owner(
    call: Call,
    id: MeterId,
    owner: Option<String>,
) -> Result<Response, MarketError> {
    let mut meter = state::meter(call.deps.storage, id)?;
    permission::owner_or_registrar(call.deps.storage, &call.info.sender, &meter)?;
    if meter.retired {
        return Err(MarketError::MeterRetired { meter: id });
    }
    meter.proposed_owner = owner.map(|o| call.address(&o)).transpose()?;
    state::save_meter(call.deps.storage, id, &meter);
    Ok(Response::new().add_event(OwnerProposed {
        meter: id,
        owner: meter.proposed_owner.map(|o| o.into_string()),
    }))
}

/// The proposed owner takes the meter. The agent was the former owner's: its key is cleared.
pub fn accept_owner(call: Call, id: MeterId) -> Result<Response, MarketError> {
    let storage = &mut *call.deps.storage;
    let mut meter = state::active_meter(storage, id)?;
    let proposed = meter
        .proposed_owner
        .take()
        .ok_or(MarketError::NothingProposed)?;
    permission::must_be(&call.info.sender, &proposed, "proposed owner")?;
    state::remove_owned(storage, &meter.owner, id);
    state::add_owned(storage, &proposed, id);
    let changed = OwnerChanged {
        meter: id,
        from: meter.owner.to_string(),
        to: proposed.to_string(),
    };
    meter.owner = proposed;
    meter.agent = None;
    meter.agent_address = None;
    state::save_meter(storage, id, &meter);
    Ok(Response::new().add_event(changed).add_event(AgentSet {
        meter: id,
        agent: None,
        agent_address: None,
    }))
}
