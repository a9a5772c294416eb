//! The page's charts in their order, each only where there is something to show.

use wattpool_scenario::model::Neighbourhood;

use super::bars::{histogram, homes, HomeBars};
use super::draw::Figure;
use super::lines::{prices, supply, Axis};
use super::palette::{GENERATION, GRID, OWN, TRADED};
use super::series::{average_day, whole_period, windows_per_point};
use crate::accounts::HomeAccount;
use crate::format::duration;
use crate::measures::{counted_trades, Measures};
use crate::outcome::{Outcome, TradeKind};

/// Homes shown as bars; with more, those that traded most.
const HOMES_SHOWN: usize = 30;

/// Draws every chart of a measured run.
pub fn figures(
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    measures: &Measures,
) -> Result<Vec<Figure>, String> {
    let mut all = over_time(measures)?;
    all.extend(by_home(neighbourhood, measures)?);
    all.extend(of_trades(neighbourhood, outcome)?);
    Ok(all)
}

fn over_time(measures: &Measures) -> Result<Vec<Figure>, String> {
    let windows = &measures.accounts.windows;
    let window_s = measures.summary.window_s;
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let points = whole_period(windows, window_s);
    let length = windows_per_point(windows.len(), window_s) as u64;
    let length = duration(length.saturating_mul(window_s.into()));
    let day = average_day(windows, window_s);
    let mut all = Vec::new();
    if let Some(day) = &day {
        let caption =
            "Mean power by time of day (UTC), kW. The filled areas add up to the demand.".into();
        all.push(supply("day", "The average day", caption, day, Axis::Day)?);
    }
    let caption =
        format!("Mean power over {length} (UTC), kW. The filled areas add up to the demand.");
    all.push(supply(
        "period",
        "The whole period",
        caption,
        &points,
        Axis::Period,
    )?);
    if let Some(day) = &day {
        let caption =
            "Coins per kWh by time of day (UTC), weighted by energy, without network charge."
                .into();
        all.push(prices(
            "day-price",
            "Price over the average day",
            caption,
            day,
            Axis::Day,
        )?);
    }
    let caption =
        format!("Coins per kWh over {length} (UTC), weighted by energy, without network charge.");
    all.push(prices(
        "price",
        "Price over the whole period",
        caption,
        &points,
        Axis::Period,
    )?);
    Ok(all)
}

fn by_home(neighbourhood: &Neighbourhood, measures: &Measures) -> Result<Vec<Figure>, String> {
    let mut rows: Vec<(&str, &HomeAccount)> = neighbourhood
        .homes
        .iter()
        .map(|home| home.name.as_str())
        .zip(&measures.accounts.homes)
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut which = String::new();
    if rows.len() > HOMES_SHOWN {
        let traded = |home: &HomeAccount| home.energy.bought.saturating_add(home.energy.sold_gross);
        rows.sort_by_key(|(_, home)| std::cmp::Reverse(traded(home)));
        rows.truncate(HOMES_SHOWN);
        which = format!(" The {HOMES_SHOWN} homes that traded most.");
    }
    let bars = |values: &dyn Fn(&HomeAccount) -> Vec<f64>| -> Vec<HomeBars> {
        rows.iter()
            .map(|(name, home)| HomeBars {
                name: (*name).into(),
                values: values(home),
            })
            .collect()
    };
    let coins = |micro: i128| micro as f64 / 1e6;
    let kwh = |wh: u64| wh as f64 / 1e3;
    let bills = bars(&|home| {
        vec![
            coins(home.money.bill_without_trading()),
            coins(home.money.bill()),
        ]
    });
    let traded = bars(&|home| vec![kwh(home.energy.bought), kwh(home.energy.sold_gross)]);
    Ok(vec![
        homes(
            "bills",
            "Bill per home",
            format!("Coins over the whole period; negative is income.{which}"),
            "",
            &bills,
            &[(GRID, "without trading"), (OWN, "with trading")],
        )?,
        homes(
            "traded",
            "Traded energy per home",
            format!("kWh over the whole period; sales include what was lost on the way.{which}"),
            "kWh",
            &traded,
            &[(TRADED, "bought"), (GENERATION, "sold")],
        )?,
    ])
}

fn of_trades(neighbourhood: &Neighbourhood, outcome: &Outcome) -> Result<Vec<Figure>, String> {
    let sizes: Vec<u64> = counted_trades(neighbourhood, outcome)
        .map(|trade| trade.arrived.get())
        .collect();
    let spot = counted_trades(neighbourhood, outcome).filter(|trade| trade.kind == TradeKind::Spot);
    let durations: Vec<u64> = spot
        .map(|trade| trade.closed.saturating_sub(trade.requested).get())
        .collect();
    let mut all = Vec::new();
    if !sizes.is_empty() {
        let caption = "Number of trades by energy that arrived.";
        all.push(histogram("sizes", "Size of trades", caption, "Wh", &sizes)?);
    }
    if !durations.is_empty() {
        let caption = "Number of spot trades by time from request to close, chain time.";
        all.push(histogram(
            "durations",
            "Duration of trades",
            caption,
            "s",
            &durations,
        )?);
    }
    Ok(all)
}
