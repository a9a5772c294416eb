//! What the agent is at, what waits for its owner, what is wrong.

use super::market::limits_lately;
use super::reached::{reached, Reached};
use super::read;
use crate::http::answer::{Answer, Refusal};
use crate::http::{reason, Shared};
use crate::status::Running;
use axum::extract::State;
use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use wattpool_core::agent::{OfferSeen, Snapshot};
use wattpool_core::io::{BlockRef, Gate};
use wattpool_core::policy::Policy;
use wattpool_journal_sqlite::NoticeRow;
use wattpool_meter_codec::household::PowerNow;
use wattpool_runtime::{Awaiting, Counters, Health, Part};
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{MeterId, Window, Zone};

/// A busy agent answers within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// Notices among which alerts are looked for, and alerts shown.
const LATELY: (u32, usize) = (400, 50);

/// What the agent is at. What is absent is known only while an agent runs.
#[derive(Serialize, JsonSchema)]
pub struct Status {
    /// Version of the program.
    version: &'static str,
    /// The meter.
    meter: MeterId,
    /// Length of a window, seconds.
    window_seconds: u32,
    /// How people read its figures.
    #[serde(flatten)]
    shown: super::Shown,
    /// What the process waits for before an agent runs; none: it runs.
    waiting_for: Option<String>,
    /// What works.
    health: Health,
    /// The owner's policy in force.
    policy: Policy,
    /// What the grid asked and paid in the last window it is known of.
    grid: Option<Grid>,
    /// The meter's zone.
    zone: Option<Zone>,
    /// As what the meter is registered.
    kind: Option<MeterKind>,
    /// The last block followed.
    block: Option<BlockRef>,
    /// Meters in service.
    meters: Option<usize>,
    /// Other agents that are connected now.
    peers: Option<u64>,
    /// The gate to the national grid.
    gate: Option<Gate>,
    /// Power now, where the devices tell it.
    power: PowerNow,
    /// The running window.
    window: Option<Snapshot>,
    /// Limits of the day that leave no trade any more.
    reached: Vec<Reached>,
    /// Trades that wait for the owner.
    awaiting: Vec<Awaiting>,
    /// Counted since the start.
    counters: Option<Counters>,
}

/// Tariffs of the national grid, micro-units per kWh.
#[derive(Clone, Copy, Serialize, JsonSchema)]
pub struct Grid {
    /// Of this window.
    window: Window,
    /// What it asks.
    import: i64,
    /// What it pays.
    feed_in: i64,
}

/// Offers of the running window.
#[derive(Serialize, JsonSchema)]
pub struct Offers {
    /// The metered window that is traded now.
    window: Option<Window>,
    /// As far as the owner's limits let them pass.
    offers: Vec<OfferSeen>,
}

/// Trades that wait for the owner.
#[derive(Serialize, JsonSchema)]
pub struct Approvals {
    /// Each trade waits for the owner before it is made.
    manual_approval: bool,
    /// These.
    awaiting: Vec<Awaiting>,
}

/// What is wrong, by kind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The chain, or the way to it.
    Chain,
    /// The meter.
    Meter,
    /// Other meters.
    Network,
    /// What the owner may look up later.
    History,
    /// The home does not trade though it should.
    Trading,
    /// Little is left for fees.
    Fees,
    /// No agent runs yet.
    Waiting,
    /// A trade waits for the owner.
    Approval,
}

/// Something that is so now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Alert {
    /// What.
    pub kind: Kind,
    /// In the agent's own words; of a trade that waits its number.
    pub text: String,
}

/// What needs the owner's eye.
#[derive(Serialize, JsonSchema)]
pub struct Alerts {
    /// What is so now.
    now: Vec<Alert>,
    /// What was told lately, newest first: readings that were not believed, refusals, energy that was never stated.
    lately: Vec<NoticeRow>,
}

/// The state of a running agent, or what it waits for.
pub async fn live(shared: &Shared) -> Result<Box<wattpool_runtime::Status>, String> {
    live_of(&shared.running).await
}

async fn live_of(running: &Running) -> Result<Box<wattpool_runtime::Status>, String> {
    let handle = running.handle()?;
    match tokio::time::timeout(PATIENCE, handle.status()).await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(gone)) => Err(gone.to_string()),
        Err(_) => Err("the agent is busy".to_owned()),
    }
}

/// The policy while no agent runs.
pub async fn at_rest(
    shared: &Shared,
    change: impl FnOnce(&Policy) -> Result<Option<Policy>, String> + Send + 'static,
) -> Result<Policy, Refusal> {
    let running = std::sync::Arc::clone(&shared.running);
    let task = tokio::task::spawn_blocking(move || running.policy_at_rest(change));
    task.await.map_err(Refusal::broken)?.map_err(Refusal::later)
}

pub async fn status(State(shared): State<Shared>) -> Answer<Status> {
    let grid = read(&shared, |history| history.last_tariffs()).await;
    // Without a history the rest still counts.
    let grid = grid.ok().flatten();
    let grid = grid.map(|(window, import, feed_in)| Grid {
        window,
        import,
        feed_in,
    });
    let nothing = |waiting_for: Option<String>, health, policy| Status {
        version: env!("CARGO_PKG_VERSION"),
        meter: shared.meter,
        window_seconds: shared.market.window_seconds,
        shown: shared.shown.clone(),
        waiting_for,
        health,
        policy,
        grid,
        zone: None,
        kind: shared.running.kind(),
        block: None,
        meters: None,
        peers: shared.running.peers(),
        gate: None,
        power: shared.home_meter.power_now(),
        window: None,
        reached: Vec::new(),
        awaiting: Vec::new(),
        counters: None,
    };
    let status = match live(&shared).await {
        Err(waiting_for) => {
            let health = shared.running.health().agent;
            let policy = at_rest(&shared, |_| Ok(None)).await?;
            nothing(Some(waiting_for), health, policy)
        }
        Ok(live) => Status {
            reached: reached(
                &live.policy,
                &live.window,
                live.block.time,
                grid.as_ref().map(|grid| grid.import),
                limits_lately(&shared, live.block.time).as_ref(),
            ),
            zone: Some(live.zone),
            block: Some(live.block),
            meters: Some(live.meters),
            gate: Some(live.gate),
            window: Some(live.window),
            awaiting: live.awaiting,
            counters: Some(live.counters),
            ..nothing(None, live.health, live.policy)
        },
    };
    Ok(Json(status))
}

pub async fn offers(State(shared): State<Shared>) -> Answer<Offers> {
    let live = live(&shared).await.map_err(waiting)?;
    Ok(Json(Offers {
        window: live.window.live,
        offers: live.window.offers,
    }))
}

/// No agent runs.
pub fn waiting(what: String) -> Refusal {
    Refusal::later(format!("no agent runs: {what}")).named(reason::NO_AGENT)
}

pub async fn approvals(State(shared): State<Shared>) -> Answer<Approvals> {
    let live = live(&shared).await.map_err(waiting)?;
    Ok(Json(Approvals {
        manual_approval: live.policy.manual_approval,
        awaiting: live.awaiting,
    }))
}

/// Notices that an owner should look at.
const ALERTING: [&str; 4] = ["bad_reading", "refused", "unstated", "other_version"];

/// What needs the owner's eye now.
pub async fn now(running: &Running) -> Vec<Alert> {
    let health = running.health();
    let mut now = Vec::new();
    let mut add = |kind, text: String| now.push(Alert { kind, text });
    if let Some(what) = health.waiting_for {
        add(Kind::Waiting, what);
    } else if let Ok(live) = live_of(running).await {
        for awaiting in &live.awaiting {
            add(Kind::Approval, awaiting.request.to_string());
        }
    }
    for trouble in health.agent.troubles {
        let kind = match trouble.part {
            Part::Chain => Kind::Chain,
            Part::Meter => Kind::Meter,
            Part::Network => Kind::Network,
            Part::History => Kind::History,
            Part::Trading => Kind::Trading,
        };
        add(kind, trouble.why);
    }
    for warning in health.agent.warnings {
        add(Kind::Fees, warning);
    }
    now
}

pub async fn alerts(State(shared): State<Shared>) -> Answer<Alerts> {
    let now = now(&shared.running).await;
    let notices = read(&shared, |history| history.notices(None, LATELY.0)).await?;
    let alerting = |row: &NoticeRow| {
        ALERTING
            .iter()
            .any(|kind| row.notice.get(kind).is_some() || row.notice == **kind)
    };
    let lately = notices.into_iter().filter(alerting).take(LATELY.1);
    Ok(Json(Alerts {
        now,
        lately: lately.collect(),
    }))
}
