//! The signal for the home: what of it comes from the devices, the history, the agent and the chain.

use super::market::ask;
use super::{read, status};
use crate::http::answer::{Answer, Refusal};
use crate::http::Shared;
use axum::extract::State;
use axum::Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{watch, Mutex};
use wattpool_home_devices::signal::{
    expect, mean_power, Expected, Home, Neighbourhood, Prices, DAYS,
};
use wattpool_home_devices::{SettingsError, Signal, SignalDevice, SignalTeller};
use wattpool_journal_sqlite::WindowRow;
use wattpool_schema::pool::{GridState, PriceSignal, QueryMsg};
use wattpool_schema::{Seconds, Window};

/// Windows that are looked ahead.
const AHEAD: u64 = 24;
/// What the chain and the history say is asked again after a fifteenth of a window, within these bounds.
const FRESH: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// Windows read of the history at most.
const MOST_ROWS: usize = 30_000;
/// The last metered window tells of now for so many windows.
const LATE: u64 = 2;

/// What does not change from second to second.
#[derive(Clone)]
struct Slow {
    /// In which window it was read.
    window: Window,
    chain: Option<(GridState, PriceSignal)>,
    /// The last metered window and its net export, Wh.
    metered: Option<(Window, i64)>,
    tariffs: Option<(i64, i64)>,
    expected: Vec<Expected>,
}

/// What was read lately.
#[derive(Default)]
pub struct Cache(Mutex<Option<(Instant, Slow)>>);

fn now() -> Seconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Seconds(since.map_or(0, |d| d.as_secs()))
}

async fn chain(shared: &Shared) -> Result<(GridState, PriceSignal), Refusal> {
    let pool = &shared.market.pool.address;
    let grid = ask(shared, pool, &QueryMsg::GridState {}).await?;
    let signal = ask(shared, pool, &QueryMsg::PriceSignal {}).await?;
    Ok((grid, signal))
}

/// Net export of a row, Wh.
fn net(row: &WindowRow) -> Option<i64> {
    let signed = |wh: u64| i64::try_from(wh).unwrap_or(i64::MAX);
    let (surplus, deficit) = (row.surplus?, row.deficit?);
    Some(signed(surplus.0).saturating_sub(signed(deficit.0)))
}

async fn slow(shared: &Shared, at: Seconds) -> Result<Slow, Refusal> {
    let len = shared.market.window_seconds;
    let window = Window::at(at, len);
    let mut cached = shared.signal.0.lock().await;
    let fresh = Duration::from_secs(u64::from(len) / 15).clamp(FRESH.0, FRESH.1);
    if let Some((read_at, slow)) = &*cached {
        if read_at.elapsed() < fresh && slow.window == window {
            return Ok(slow.clone());
        }
    }
    let me = shared.meter;
    let history = read(shared, move |history| {
        let days = DAYS.saturating_mul(2).saturating_add(1);
        let from = Seconds(at.0.saturating_sub(days.saturating_mul(86_400)));
        let rows = history.windows(me, len, from, at, MOST_ROWS)?;
        Ok((rows, history.last_tariffs()?))
    });
    let (rows, tariffs) = history.await?;
    let known: BTreeMap<Window, i64> = rows
        .iter()
        .filter_map(|row| Some((row.window, net(row)?)))
        .collect();
    let slow = Slow {
        window,
        // Without it the rest still counts.
        chain: chain(shared).await.ok(),
        metered: known.last_key_value().map(|(w, net)| (*w, *net)),
        tariffs: tariffs.map(|(_, import, feed_in)| (import, feed_in)),
        expected: expect(&known, len, window, AHEAD),
    };
    *cached = Some((Instant::now(), slow.clone()));
    Ok(slow)
}

/// What holds now, and what is expected.
async fn signal_now(shared: &Shared) -> Result<Signal, Refusal> {
    let at = now();
    let len = shared.market.window_seconds;
    let slow = slow(shared, at).await?;
    let power = shared.home_meter.power_now();
    let metered = slow.metered;
    let by_window = metered
        .filter(|(window, _)| window.plus(LATE) >= slow.window)
        .map(|(_, net)| mean_power(net, len));
    let surplus_w = power.power_w.map(i64::saturating_neg).or(by_window);
    let announced = match status::live(shared).await {
        Ok(live) => live.window.announced.zip(live.window.live),
        Err(_) => None,
    };
    let watts = |wh: u64| {
        let wh = i64::try_from(wh).unwrap_or(i64::MAX);
        mean_power(wh, len).max(0).unsigned_abs()
    };
    let neighbourhood = slow.chain.as_ref().map(|(grid, _)| {
        let unsold = grid.books.minted.saturating_sub(grid.books.sold);
        let announced = announced.filter(|(_, window)| *window == grid.window);
        Neighbourhood {
            window: grid.window,
            supply_wh: grid.books.minted,
            unsold_wh: unsold,
            demand_wh: announced.map(|(a, _)| a.demand),
            surplus_w: watts(unsold.0),
            deficit_w: announced.map(|(a, _)| watts(a.demand.saturating_sub(a.supply).0)),
        }
    });
    let chain = slow.chain.as_ref();
    let (import, feed_in) = match chain {
        Some((grid, _)) => (Some(grid.tariffs.import.0), Some(grid.tariffs.feed_in.0)),
        None => (slow.tariffs.map(|t| t.0), slow.tariffs.map(|t| t.1)),
    };
    let mean = chain.and_then(|(_, signal)| signal.mean_price);
    let traded = mean.and_then(|price| i64::try_from(price.0).ok());
    let spare = neighbourhood.is_some_and(|n| n.unsold_wh.0 > 0);
    Ok(Signal {
        meter: shared.meter,
        at,
        window_seconds: len,
        home: Home {
            surplus_w,
            now: power,
            window: metered.map(|(window, _)| window),
            net_wh: metered.map(|(_, net)| net),
        },
        neighbourhood,
        price: Prices {
            now: traded.or(import),
            mean,
            import,
            feed_in,
        },
        sun: spare || surplus_w.is_some_and(|w| w > 0),
        expected: slow.expected,
    })
}

pub async fn signal(State(shared): State<Shared>) -> Answer<Signal> {
    signal_now(&shared).await.map(Json)
}

/// Tells the signal to the home's broker until what is given back is dropped.
///
/// # Errors
/// A setting cannot be meant, or a file cannot be read.
pub fn tell(shared: Shared, device: &SignalDevice) -> Result<SignalTeller, SettingsError> {
    let (tell, told) = watch::channel(None);
    let teller = SignalTeller::start(device, shared.meter, &shared.shown.currency, told)?;
    let every = Duration::from_secs(device.refresh_s);
    let gather = async move {
        let mut said = String::new();
        while !tell.is_closed() {
            match signal_now(&Arc::clone(&shared)).await {
                Ok(signal) => {
                    said.clear();
                    tell.send_replace(Some(signal));
                }
                Err(why) if why.error != said => {
                    tracing::warn!("the signal is not known: {}", why.error);
                    said = why.error;
                }
                Err(_) => {}
            }
            tokio::time::sleep(every).await;
        }
    };
    drop(tokio::spawn(gather));
    Ok(teller)
}
