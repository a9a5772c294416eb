//! The page's charts in their order, each only where there is something to show.

use wattpool_scenario::model::Neighbourhood;

use super::bars::histogram;
use super::draw::Figure;
use super::lines::{prices, supply, Axis, Chart};
use super::series::{average_day, whole_period, windows_per_point};
use crate::format::duration;
use crate::measures::{counted_trades, Measures};
use crate::outcome::{Outcome, TradeKind};

/// Draws every chart of a measured run.
pub fn figures(
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    measures: &Measures,
) -> Result<Vec<Figure>, String> {
    let mut all = over_time(neighbourhood, measures)?;
    all.extend(of_trades(neighbourhood, outcome)?);
    Ok(all)
}

fn over_time(neighbourhood: &Neighbourhood, measures: &Measures) -> Result<Vec<Figure>, String> {
    let windows = &measures.accounts.windows;
    let window_s = measures.summary.window_s;
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let clock = neighbourhood.clock;
    let points = whole_period(windows, window_s, clock);
    let length = windows_per_point(windows.len(), window_s) as u64;
    let length = duration(length.saturating_mul(window_s.into()));
    let day = average_day(windows, window_s, clock);
    let unit = measures.summary.currency.as_deref().unwrap_or("Money");
    let mut all = Vec::new();
    if let Some(day) = &day {
        all.push(supply(Chart {
            id: "day",
            title: "The average day",
            caption: format!(
                "Mean power by time of day ({clock}), kW. The filled areas add up to the demand."
            ),
            points: day,
            axis: Axis::Day,
        })?);
    }
    all.push(supply(Chart {
        id: "period",
        title: "The whole period",
        caption: format!(
            "Mean power over {length} ({clock}), kW. The filled areas add up to the demand."
        ),
        points: &points,
        axis: Axis::Period,
    })?);
    if let Some(day) = &day {
        all.push(prices(Chart {
            id: "day-price",
            title: "Price over the average day",
            caption: format!(
                "{unit} per kWh by time of day ({clock}), weighted by energy, without network charge and fees."
            ),
            points: day,
            axis: Axis::Day,
        })?);
    }
    all.push(prices(Chart {
        id: "price",
        title: "Price over the whole period",
        caption: format!(
            "{unit} per kWh over {length} ({clock}), weighted by energy, without network charge and fees."
        ),
        points: &points,
        axis: Axis::Period,
    })?);
    Ok(all)
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
        let along = ("energy that arrived", "Wh");
        all.push(histogram(
            "sizes",
            "Size of trades",
            caption,
            along,
            &sizes,
        )?);
    }
    if !durations.is_empty() {
        let caption = "Number of spot trades by time from request to close, chain time.";
        let along = ("from request to close", "s");
        all.push(histogram(
            "durations",
            "Duration of trades",
            caption,
            along,
            &durations,
        )?);
    }
    Ok(all)
}
