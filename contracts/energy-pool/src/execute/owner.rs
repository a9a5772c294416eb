//! `ProposeOwner` and `AcceptOwner`: a meter changes hands in two steps.

use super::meter::{give_notice, notice_end, refuse_objected};
use super::Call;
use crate::permission;
use crate::state::{self, History};
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AgentSet, NoticeGiven, OwnerChanged, OwnerProposed};
use wattpool_schema::{MeterId, Seconds};

/// Proposes another owner, or withdraws the proposal. The owner's proposal can be accepted at once; the registrar's is a notice to the owner.
pub fn propose_owner(
    call: Call,
    id: MeterId,
    owner: Option<String>,
) -> Result<Response, MarketError> {
    let ready = notice_end(&call)?;
    let time = Seconds(call.env.block.time.seconds());
    let owner = owner.map(|o| call.address(&o)).transpose()?;
    let storage = call.deps.storage;
    let mut meter = state::active_meter(storage, id)?;
    permission::owner_or_registrar(storage, &call.info.sender, &meter)?;
    meter.proposed_owner = owner;
    let proposed = OwnerProposed {
        meter: id,
        owner: meter.proposed_owner.as_ref().map(ToString::to_string),
    };
    let mut response = Response::new().add_event(proposed);
    let by_owner = call.info.sender == meter.latest().owner;
    if by_owner || meter.proposed_owner.is_none() {
        let fell = meter.notice.is_some_and(|notice| !notice.retire);
        // The owner's own proposal needs no notice; an objection stays until it is decided.
        if fell && (by_owner || !meter.notice.is_some_and(|notice| notice.objected)) {
            meter.notice = None;
            response = response.add_event(NoticeGiven {
                meter: id,
                retire: false,
                from: None,
            });
        }
        state::save_meter(storage, id, &meter);
    } else {
        response = response.add_event(give_notice(storage, id, meter, false, ready(time)));
    }
    Ok(response)
}

/// The proposed owner takes the meter, from the next window on: the energy of the running one and those before stays the former owner's. The agent was
/// the former owner's: its key is cleared.
pub fn accept_owner(call: Call, id: MeterId) -> Result<Response, MarketError> {
    let now = call.now();
    let time = Seconds(call.env.block.time.seconds());
    let storage = &mut *call.deps.storage;
    let mut meter = state::active_meter(storage, id)?;
    let proposed = meter
        .proposed_owner
        .take()
        .ok_or(MarketError::NothingProposed)?;
    permission::must_be(&call.info.sender, &proposed, "proposed owner")?;
    refuse_objected(&meter, id)?;
    if let Some(notice) = meter.notice.take().filter(|notice| time < notice.from) {
        let until = notice.from.0;
        return Err(MarketError::NoticeRuns { until });
    }
    let former = meter.latest().owner.clone();
    let tenure = meter.latest().tenure.saturating_add(1);
    let from_window = now.next();
    state::remove_owned(storage, &former, id);
    state::add_owned(storage, &proposed, id);
    let changed = OwnerChanged {
        meter: id,
        from: former.into_string(),
        to: proposed.to_string(),
        from_window,
        tenure,
    };
    meter.change(storage, id, (now, from_window), &|terms| {
        terms.owner = proposed.clone();
        terms.tenure = tenure;
    });
    meter.agent = None;
    meter.agent_address = None;
    state::save_meter(storage, id, &meter);
    Ok(Response::new().add_event(changed).add_event(AgentSet {
        meter: id,
        agent: None,
        agent_address: None,
        zone: meter.latest().zone,
        kind: meter.kind,
        max_export: meter.latest().max_export,
        max_import: meter.latest().max_import,
    }))
}
