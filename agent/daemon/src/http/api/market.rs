//! The market, as the chain tells it. Closed windows do not change, the rest is asked again after a while.

use crate::http::answer::{Answer, Asked, Refusal};
use crate::http::{reason, Shared};
use axum::extract::State;
use axum::Json;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use wattpool_core::io::Day;
use wattpool_schema::escrow::{self, MeterBookResponse};
use wattpool_schema::pool::{
    GridState, PoolWindow, PriceSignal, QueryMsg, ZonePairTerms, ZonePairsResponse,
};
use wattpool_schema::{Micro, Seconds, Wh, Window};

/// An answer of the chain is good for so long.
const FRESH: Duration = Duration::from_secs(15);
/// The chain answers within this.
const PATIENCE: Duration = Duration::from_secs(8);
/// Limits are asked for again after this.
const LIMITS_FRESH: Duration = Duration::from_secs(60);
/// Closed windows kept, and asked for at once at most.
const WINDOWS: (usize, u64) = (192, 96);

/// What the chain answered lately.
#[derive(Default)]
pub struct Cache {
    market: Mutex<Option<(Instant, Market)>>,
    windows: Mutex<BTreeMap<Window, PoolWindow>>,
    limits: StdMutex<Book>,
}

/// Limits of this meter as they were told last.
#[derive(Default)]
struct Book {
    asked: Option<Instant>,
    /// The day that they count, by the chain's time when they were asked for.
    told: Option<(u64, Limits)>,
}

/// Supply, demand, price and zones.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Market {
    /// The live window so far.
    grid: GridState,
    /// The last closed window.
    signal: PriceSignal,
    /// What trades with what, in the live window.
    zones: Vec<ZonePairTerms>,
}

/// How far back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// Windows: 24, up to 96.
    last: Option<u64>,
}

/// Books of a closed window.
#[derive(Serialize, JsonSchema)]
pub struct MarketWindow {
    /// Which.
    window: Window,
    /// What was in it.
    books: PoolWindow,
}

/// Books of closed windows.
#[derive(Serialize, JsonSchema)]
pub struct Windows {
    /// Oldest first.
    windows: Vec<MarketWindow>,
}

/// Limits that the owner's key has set on the chain, out of the agent's reach, and what of them is used.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Limits {
    /// The limits.
    pub(super) limits: escrow::Limits,
    /// The owner has set some.
    pub(super) set: bool,
    /// Spent today (UTC), micro-units.
    pub(super) spent_today: Micro,
    /// Bought today (UTC).
    pub(super) bought_today: Wh,
    /// Sold today (UTC).
    pub(super) sold_today: Wh,
}

/// Asks a contract.
pub(super) async fn ask<A: DeserializeOwned>(
    shared: &Shared,
    contract: &str,
    question: &impl Serialize,
) -> Result<A, Refusal> {
    let away = |why: String| {
        Refusal::later(format!("the chain does not answer: {why}")).named(reason::CHAIN_AWAY)
    };
    let chain = shared
        .running
        .chain()
        .ok_or_else(|| away("it has not been reached yet".to_owned()))?;
    let asked = chain.rpc().smart(contract, question);
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|e| away(e.to_string())),
        Err(_) => Err(away("not within 8 s".to_owned())),
    }
}

pub async fn market(State(shared): State<Shared>) -> Answer<Market> {
    // Who asks meanwhile waits for the same answer.
    let mut cached = shared.cache.market.lock().await;
    if let Some((at, market)) = &*cached {
        if at.elapsed() < FRESH {
            return Ok(Json(market.clone()));
        }
    }
    let pool = &shared.market.pool.address;
    let grid: GridState = ask(&shared, pool, &QueryMsg::GridState {}).await?;
    let signal: PriceSignal = ask(&shared, pool, &QueryMsg::PriceSignal {}).await?;
    let mut pages: Vec<ZonePairsResponse> = Vec::new();
    while let Some(question) = ZonePairsResponse::next(grid.window, &pages) {
        pages.push(ask(&shared, pool, &question).await?);
    }
    let market = Market {
        grid,
        signal,
        zones: pages.into_iter().flat_map(|page| page.pairs).collect(),
    };
    *cached = Some((Instant::now(), market.clone()));
    Ok(Json(market))
}

pub async fn windows(State(shared): State<Shared>, Asked(asked): Asked<Last>) -> Answer<Windows> {
    let last = asked.last.unwrap_or(24);
    if !(1..=WINDOWS.1).contains(&last) {
        let most = WINDOWS.1;
        return Err(Refusal::bad(format!(
            "last: expected 1 to {most}, found {last}"
        )));
    }
    let Json(now) = market(State(Arc::clone(&shared))).await?;
    let end = now.grid.window.0;
    let mut known = shared.cache.windows.lock().await;
    let mut windows = Vec::new();
    for window in (end.saturating_sub(last)..end).map(Window) {
        let books = match known.get(&window) {
            Some(books) => books.clone(),
            None => {
                let question = QueryMsg::Window { window };
                let books: PoolWindow =
                    ask(&shared, &shared.market.pool.address, &question).await?;
                // The window before the live one may still be claimed late; older ones are kept.
                if window.0.saturating_add(1) < end {
                    known.insert(window, books.clone());
                    while known.len() > WINDOWS.0 {
                        known.pop_first();
                    }
                }
                books
            }
        };
        windows.push(MarketWindow { window, books });
    }
    Ok(Json(Windows { windows }))
}

pub async fn limits(State(shared): State<Shared>) -> Answer<Limits> {
    Ok(Json(limits_of(&shared).await?))
}

/// The limits on the chain as they were told last, if that was on the day of `now`. Nobody waits for the chain: it is asked beside.
pub fn limits_lately(shared: &Shared, now: Seconds) -> Option<Limits> {
    let today = Day::of(now).number;
    let mut book = lock(shared);
    if book.asked.is_none_or(|at| at.elapsed() > LIMITS_FRESH) {
        book.asked = Some(Instant::now());
        let shared = Arc::clone(shared);
        drop(tokio::spawn(async move {
            if let Ok(limits) = limits_of(&shared).await {
                lock(&shared).told = Some((today, limits));
            }
        }));
    }
    let told = book.told.as_ref().filter(|(of, _)| *of == today);
    told.map(|(_, limits)| limits.clone())
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Book> {
    // Plain assignments: nothing is left half-changed.
    let book = shared.cache.limits.lock();
    book.unwrap_or_else(PoisonError::into_inner)
}

async fn limits_of(shared: &Shared) -> Result<Limits, Refusal> {
    let question = escrow::QueryMsg::Meter {
        meter: shared.meter,
    };
    let book: MeterBookResponse = ask(shared, &shared.market.escrow.address, &question).await?;
    Ok(Limits {
        limits: book.limits,
        set: book.tenure.is_some(),
        spent_today: book.spent_today,
        bought_today: book.bought_today,
        sold_today: book.sold_today,
    })
}
