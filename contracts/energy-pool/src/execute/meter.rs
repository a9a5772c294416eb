//! `RegisterMeter`, `UpdateMeter`, `RetireMeter`, `Object`, `Decide`.

use super::{bad_input, Call};
use crate::state::{self, History, Meter, MeterTerms};
use crate::{permission, MAX_METER_WH};
use cosmwasm_std::{Response, Storage};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{
    Decided, MeterRegistered, MeterRetired, MeterUpdated, NoticeGiven, Objected,
};
use wattpool_schema::pool::{MeterKind, Notice, Registration};
use wattpool_schema::{MeterId, Seconds, Wh, Zone};

const DAY: u64 = 86_400;

/// Registers a meter, or a retired one again: where it stood survives. Under another owner only when the notice that began with the retirement has run.
pub fn register_meter(call: Call, r: Registration) -> Result<Response, MarketError> {
    check_max("max_export", r.max_export)?;
    check_max("max_import", r.max_import)?;
    let owner = call.address(&r.owner)?;
    let since = call.now();
    let ready = notice_end(&call)?;
    let storage = call.deps.storage;
    let mut tenure = 1;
    if let Some(mut old) = state::may_meter(storage, r.meter)? {
        let Some(retired) = old.retired else {
            return Err(MarketError::MeterExists { meter: r.meter });
        };
        if old.latest().owner != owner {
            refuse_objected(&old, r.meter)?;
            let from = ready(retired);
            if Seconds(call.env.block.time.seconds()) < from {
                return Err(MarketError::NoticeRuns { until: from.0 });
            }
        }
        state::remove_owned(storage, &old.latest().owner, r.meter);
        tenure = old.latest().tenure.saturating_add(1);
        old.settle(storage, r.meter, since);
        old.archive(storage, r.meter);
    }
    let meter = Meter {
        terms: MeterTerms {
            owner,
            tenure,
            zone: r.zone,
            max_export: r.max_export,
            max_import: r.max_import,
        },
        terms_from: since,
        coming: Vec::new(),
        proposed_owner: None,
        notice: None,
        device: r.device,
        agent: None,
        agent_address: None,
        agent_tenure: 0,
        household: r.household,
        kind: r.kind,
        retired: None,
        since,
    };
    state::save_meter(storage, r.meter, &meter);
    state::add_owned(storage, &meter.terms.owner, r.meter);
    count_in_service(storage, true)?;
    Ok(Response::new().add_event(MeterRegistered {
        meter: r.meter,
        owner: meter.terms.owner.into_string(),
        tenure,
        device: r.device,
        household: r.household,
        zone: r.zone,
        kind: r.kind,
        max_export: r.max_export,
        max_import: r.max_import,
    }))
}

/// Changes what the registrar knows of a meter. Zone and maxima change with the second next window, so that no running trade changes its terms.
pub fn update_meter(
    call: Call,
    id: MeterId,
    zone: Option<Zone>,
    kind: Option<MeterKind>,
    max_export: Option<Wh>,
    max_import: Option<Wh>,
) -> Result<Response, MarketError> {
    for (field, max) in [("max_export", max_export), ("max_import", max_import)] {
        check_max(field, max.unwrap_or_default())?;
    }
    let now = call.now();
    let from_window = now.plus(2);
    let storage = call.deps.storage;
    let mut meter = state::active_meter(storage, id)?;
    meter.kind = kind.unwrap_or(meter.kind);
    if zone.is_some() || max_export.is_some() || max_import.is_some() {
        meter.change(storage, id, (now, from_window), &|terms| {
            terms.zone = zone.unwrap_or(terms.zone);
            terms.max_export = max_export.unwrap_or(terms.max_export);
            terms.max_import = max_import.unwrap_or(terms.max_import);
        });
    }
    state::save_meter(storage, id, &meter);
    let latest = meter.latest();
    Ok(Response::new().add_event(MeterUpdated {
        meter: id,
        from_window,
        zone: latest.zone,
        kind: meter.kind,
        max_export: latest.max_export,
        max_import: latest.max_import,
    }))
}

/// Takes a meter out of service: the owner at once, the registrar under notice. A proposal of another owner lapses.
pub fn retire_meter(call: Call, id: MeterId) -> Result<Response, MarketError> {
    let ready = notice_end(&call)?;
    let time = Seconds(call.env.block.time.seconds());
    let storage = call.deps.storage;
    let mut meter = state::active_meter(storage, id)?;
    permission::owner_or_registrar(storage, &call.info.sender, &meter)?;
    if call.info.sender != meter.latest().owner {
        let running = meter.notice.filter(|notice| notice.retire);
        let Some(notice) = running else {
            let from = ready(time);
            meter.proposed_owner = None;
            return Ok(Response::new().add_event(give_notice(storage, id, meter, true, from)));
        };
        refuse_objected(&meter, id)?;
        if time < notice.from {
            let until = notice.from.0;
            return Err(MarketError::NoticeRuns { until });
        }
    }
    meter.retired = Some(time);
    meter.proposed_owner = None;
    meter.notice = None;
    state::save_meter(storage, id, &meter);
    count_in_service(storage, false)?;
    Ok(Response::new().add_event(MeterRetired { meter: id }))
}

/// Notes a notice of the registrar.
pub fn give_notice(
    storage: &mut dyn Storage,
    id: MeterId,
    mut meter: Meter,
    retire: bool,
    from: Seconds,
) -> NoticeGiven {
    // An objection stays until it is decided.
    let objected = meter.notice.is_some_and(|notice| notice.objected);
    meter.notice = Some(Notice {
        retire,
        from,
        objected,
    });
    state::save_meter(storage, id, &meter);
    NoticeGiven {
        meter: id,
        retire,
        from: Some(from),
    }
}

/// When a notice that is given at a time has run.
pub fn notice_end(call: &Call) -> Result<impl Fn(Seconds) -> Seconds, MarketError> {
    let days = u64::from(state::payments(call.deps.storage)?.notice_days);
    Ok(move |given: Seconds| given.saturating_add(Seconds(days.saturating_mul(DAY))))
}

/// Refuses while the owner's objection stands.
pub fn refuse_objected(meter: &Meter, id: MeterId) -> Result<(), MarketError> {
    match meter.notice {
        Some(notice) if notice.objected => Err(MarketError::ObjectionStands { meter: id }),
        _ => Ok(()),
    }
}

/// The owner objects: to a notice that runs, or to losing a meter that is retired.
pub fn object(call: Call, id: MeterId) -> Result<Response, MarketError> {
    let mut meter = state::meter(call.deps.storage, id)?;
    call.must_be(&meter.latest().owner, "meter's owner")?;
    let mut notice = match (meter.notice, meter.retired) {
        (Some(notice), _) => notice,
        (None, Some(at)) => Notice {
            retire: false,
            from: at,
            objected: false,
        },
        (None, None) => return Err(MarketError::NothingProposed),
    };
    notice.objected = true;
    meter.notice = Some(notice);
    state::save_meter(call.deps.storage, id, &meter);
    Ok(Response::new().add_event(Objected { meter: id }))
}

/// The administrator decides on an objection. Upheld, the notice and the proposal fall; otherwise the notice runs anew.
pub fn decide(call: Call, id: MeterId, uphold: bool) -> Result<Response, MarketError> {
    let ready = notice_end(&call)?;
    let time = Seconds(call.env.block.time.seconds());
    let mut meter = state::meter(call.deps.storage, id)?;
    let notice = meter.notice.filter(|notice| notice.objected);
    let notice = notice.ok_or(MarketError::NothingProposed)?;
    let decided = Decided { meter: id, uphold };
    let mut response = Response::new().add_event(decided);
    let from = if uphold {
        meter.notice = None;
        meter.proposed_owner = None;
        None
    } else {
        let from = ready(time);
        meter.notice = Some(Notice {
            from,
            objected: false,
            ..notice
        });
        Some(from)
    };
    response = response.add_event(NoticeGiven {
        meter: id,
        retire: notice.retire,
        from,
    });
    state::save_meter(call.deps.storage, id, &meter);
    Ok(response)
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
