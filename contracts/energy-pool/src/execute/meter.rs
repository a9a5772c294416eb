//! `RegisterMeter`, `UpdateMeter`, `RetireMeter`.

use super::keys::agent_address;
use super::{bad_input, Call};
use crate::state::{self, Meter};
use crate::{permission, MAX_METER_WH};
use cosmwasm_std::{Response, Storage};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{MeterRegistered, MeterRetired, MeterUpdated};
use wattpool_schema::pool::{MeterKind, Registration};
use wattpool_schema::{MeterId, Wh, Zone};

/// Registers a meter, or a retired one again: where it stood survives.
pub fn register_meter(call: Call, r: Registration) -> Result<Response, MarketError> {
    check_max("max_export", r.max_export)?;
    check_max("max_import", r.max_import)?;
    let owner = call.address(&r.owner)?;
    let agent_address = r
        .agent
        .map(|key| agent_address(call.deps.api, &key))
        .transpose()?;
    let since = call.now();
    let storage = call.deps.storage;
    if let Some(old) = state::may_meter(storage, r.meter)? {
        if !old.retired {
            return Err(MarketError::MeterExists { meter: r.meter });
        }
        state::remove_owned(storage, &old.owner, r.meter);
    }
    let meter = Meter {
        owner,
        proposed_owner: None,
        device: r.device,
        agent: r.agent,
        agent_address,
        zone: r.zone,
        kind: r.kind,
        max_export: r.max_export,
        max_import: r.max_import,
        retired: false,
        since,
    };
    state::save_meter(storage, r.meter, &meter);
    state::add_owned(storage, &meter.owner, r.meter);
    count_in_service(storage, true)?;
    Ok(Response::new().add_event(MeterRegistered {
        meter: r.meter,
        owner: meter.owner.into_string(),
        device: r.device,
        agent: r.agent,
        zone: r.zone,
        kind: r.kind,
        max_export: r.max_export,
        max_import: r.max_import,
    }))
}

/// Changes what the registrar knows of a meter.
pub fn update_meter(
    call: Call,
    id: MeterId,
    zone: Option<Zone>,
    kind: Option<MeterKind>,
    max_export: Option<Wh>,
    max_import: Option<Wh>,
) -> Result<Response, MarketError> {
    let storage = call.deps.storage;
    let mut meter = state::active_meter(storage, id)?;
    meter.zone = zone.unwrap_or(meter.zone);
    meter.kind = kind.unwrap_or(meter.kind);
    meter.max_export = max_export.unwrap_or(meter.max_export);
    meter.max_import = max_import.unwrap_or(meter.max_import);
    check_max("max_export", meter.max_export)?;
    check_max("max_import", meter.max_import)?;
    state::save_meter(storage, id, &meter);
    Ok(Response::new().add_event(MeterUpdated {
        meter: id,
        zone: meter.zone,
        kind: meter.kind,
        max_export: meter.max_export,
        max_import: meter.max_import,
    }))
}

/// Takes a meter out of service. A proposal of another owner lapses.
pub fn retire_meter(call: Call, id: MeterId) -> Result<Response, MarketError> {
    let storage = call.deps.storage;
    let mut meter = state::meter(storage, id)?;
    permission::owner_or_registrar(storage, &call.info.sender, &meter)?;
    if meter.retired {
        return Err(MarketError::MeterRetired { meter: id });
    }
    meter.retired = true;
    meter.proposed_owner = None;
    state::save_meter(storage, id, &meter);
    count_in_service(storage, false)?;
    Ok(Response::new().add_event(MeterRetired { meter: id }))
}

fn check_max(field: &str, wh: Wh) -> Result<(), MarketError> {
    if wh.0 <= MAX_METER_WH {
        Ok(())
    } else {
        Err(bad_input(field, format!("at most {MAX_METER_WH} Wh")))
    }
}

fn count_in_service(storage: &mut dyn Storage, more: bool) -> Result<(), MarketError> {
    let meters = state::in_service(storage)?;
    let meters = if more {
        meters.saturating_add(1)
    } else {
        meters.saturating_sub(1)
    };
    state::save_in_service(storage, meters);
    Ok(())
}
