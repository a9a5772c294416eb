//! Who sells how much, money beside trades, disputes, what the operator changed.

use super::{limit, meter_of, read, EventRow, Events, Shared};
use crate::index::{DayFees, HoldRow, MeterRow, OrderRow, Setter, PAGE};
use crate::live::Validator;
use axum::extract::State;
use axum::http::StatusCode;
use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wattpool_audit::market::Report;
use wattpool_schema::event::EVENT_NAMES;
use wattpool_web::answer::{Answer, Asked, Refusal};

/// Sellers, pairs and days that are told.
const TOLD: usize = 100;
/// Days that are told.
const DAYS: usize = 400;

/// Concentration.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Concentration {
    /// As `wattpool audit market` has it: the newest 400 days, the 100 largest sellers and pairs.
    #[serde(flatten)]
    report: Report,
    /// Sellers altogether.
    all_sellers: usize,
    /// Pairs altogether.
    all_pairs: usize,
    /// Who asked the highest price of a window, and how often.
    setters: Vec<Setter>,
}

pub async fn market(State(shared): State<Shared>) -> Answer<Concentration> {
    let told = read(&shared, |site, reader| {
        let mut report = site.explorer.book().market();
        let (all_sellers, all_pairs) = (report.sellers.len(), report.pairs.len());
        report.sellers.truncate(TOLD);
        report.pairs.truncate(TOLD);
        let old = report.days.len().saturating_sub(DAYS);
        report.days.drain(..old);
        Ok(Concentration {
            report,
            all_sellers,
            all_pairs,
            setters: reader.setters()?,
        })
    });
    Ok(Json(told.await?))
}

/// Money beside trades, micro-units.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Money {
    /// Put into the feed-in reserve,
    reserve_funded: i64,
    /// taken back,
    reserve_taken: i64,
    /// credit that became money,
    feed_in_credited: i64,
    /// of that paid out,
    feed_in_paid: i64,
    /// struck out
    feed_in_struck: i64,
    /// and still owed, held or not.
    feed_in_owed: i64,
    /// What the reserve holds.
    reserve: i64,
    /// Feed-in is confirmed through this window.
    feed_in_through: Option<i64>,
    /// Money that came into accounts
    deposited: i64,
    /// and left them.
    withdrawn: i64,
    /// Network charges of trades,
    charges: u64,
    /// of these paid out to the operator.
    charges_withdrawn: i64,
    /// Locked for standing orders.
    locked: i64,
    /// Items of batches that were refused.
    refused: i64,
    /// Fees of the chain's transactions by day, newest first; a file has none.
    fees: Vec<DayFees>,
    /// What was put into the reserve, taken back, confirmed and paid lately, newest first.
    events: Vec<EventRow>,
}

/// Events of the reserve.
const RESERVE: [&str; 5] = [
    "reserve_funded",
    "reserve_taken",
    "feed_in_confirmed",
    "feed_in_paid",
    "charges_withdrawn",
];

pub async fn money(State(shared): State<Shared>) -> Answer<Money> {
    let told = read(&shared, |site, reader| {
        let sums: BTreeMap<String, i64> = reader.sums()?;
        let of = |name: &str| sums.get(name).copied().unwrap_or_default();
        let totals = site.explorer.book().totals(None);
        let events = reader.events(&RESERVE, None, None, 50)?;
        let (funded, taken) = (of("reserve_funded"), of("reserve_taken"));
        let (credited, paid) = (of("feed_in_credited"), of("feed_in_paid"));
        let struck = of("feed_in_struck");
        Ok(Money {
            reserve_funded: funded,
            reserve_taken: taken,
            feed_in_credited: credited,
            feed_in_paid: paid,
            feed_in_struck: struck,
            feed_in_owed: credited.saturating_sub(paid).saturating_sub(struck),
            reserve: funded.saturating_sub(taken).saturating_sub(paid),
            feed_in_through: sums.get("feed_in_through").copied(),
            deposited: of("deposited"),
            withdrawn: of("withdrawn"),
            charges: totals.charges.0,
            charges_withdrawn: of("charges_withdrawn"),
            locked: reader.counts()?.get("locked").copied().unwrap_or_default(),
            refused: of("refused"),
            fees: reader.fees()?,
            events: events.into_iter().map(Into::into).collect(),
        })
    });
    Ok(Json(told.await?))
}

/// A page of events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Before this event: where the page before ended.
    before: Option<i64>,
    /// At most so many, 1 to 200 [default: 50].
    limit: Option<u32>,
}

/// Disputes, and money that is held.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Disputes {
    /// Meters with a notice that runs or an objection that waits, at most 200.
    open: Vec<MeterRow>,
    /// Holds of feed-in credit, the newest 200.
    holds: Vec<HoldRow>,
    /// Notices, objections, decisions, changes of owners, holds.
    #[serde(flatten)]
    events: Events,
    /// Standing orders, the newest 200, with the buyer's money that is held.
    orders: Vec<OrderRow>,
}

/// What happens where owner and registrar disagree, or operator and feed-in.
const DISPUTES: [&str; 11] = [
    "notice_given",
    "objected",
    "decided",
    "meter_retired",
    "owner_proposed",
    "owner_changed",
    "credit_hold_set",
    "credit_hold_confirmed",
    "credit_hold_released",
    "credit_held",
    "credit_struck",
];

pub async fn disputes(
    State(shared): State<Shared>,
    Asked(asked): Asked<Before>,
) -> Answer<Disputes> {
    let limit = limit(asked.limit, 50, PAGE)?;
    let told = read(&shared, move |_, reader| {
        Ok(Disputes {
            open: reader.disputed()?,
            holds: reader.holds()?,
            events: Events::of(reader.events(&DISPUTES, None, asked.before, limit)?, limit),
            orders: reader.orders()?,
        })
    });
    Ok(Json(told.await?))
}

/// What holders of roles alone do.
const OPERATOR: [&str; 15] = [
    "tariffs_set",
    "zone_pair_set",
    "reserve_funded",
    "reserve_taken",
    "feed_in_confirmed",
    "pause_set",
    "role_set",
    "admin_proposed",
    "admin_changed",
    "wired",
    "charges_withdrawn",
    "meter_registered",
    "meter_updated",
    "notice_given",
    "decided",
];

pub async fn operator(State(shared): State<Shared>, Asked(asked): Asked<Before>) -> Answer<Events> {
    let limit = limit(asked.limit, 50, PAGE)?;
    let events = read(&shared, move |_, reader| {
        reader.events(&OPERATOR, None, asked.before, limit)
    })
    .await?;
    Ok(Json(Events::of(events, limit)))
}

/// Which events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// Of this name, such as `stated`; several are separated by commas.
    name: Option<String>,
    /// About this meter.
    meter: Option<String>,
    /// Before this event: where the page before ended.
    before: Option<i64>,
    /// At most so many, 1 to 200 [default: 50].
    limit: Option<u32>,
}

pub async fn events(State(shared): State<Shared>, Asked(asked): Asked<Find>) -> Answer<Events> {
    let limit = limit(asked.limit, 50, PAGE)?;
    let meter = asked
        .meter
        .map(|text| meter_of("meter", &text))
        .transpose()?;
    let mut names: Vec<&'static str> = Vec::new();
    for wanted in asked.name.iter().flat_map(|n| n.split(',')) {
        let known = EVENT_NAMES
            .iter()
            .copied()
            .chain(["transfer"])
            .find(|name| *name == wanted);
        let known = known.ok_or_else(|| {
            Refusal::bad("name: expected an event's, such as stated or trade_closed")
        })?;
        if !names.contains(&known) {
            names.push(known);
        }
    }
    let events = read(&shared, move |_, reader| {
        reader.events(&names, meter, asked.before, limit)
    })
    .await?;
    Ok(Json(Events::of(events, limit)))
}

/// Validators.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Validators {
    /// Those with most stake first.
    validators: Vec<Validator>,
}

pub async fn validators(State(shared): State<Shared>) -> Answer<Validators> {
    let Some(live) = shared.explorer.live.clone() else {
        let why = "a file has no validators: only a node can be asked";
        return Err(Refusal::new(StatusCode::NOT_FOUND, why));
    };
    let validators = live.validators().await.map_err(Refusal::later)?;
    Ok(Json(Validators { validators }))
}
