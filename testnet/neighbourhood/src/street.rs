//! The input: a generated neighbourhood, cut to the windows of a day that can trade most.

use anyhow::{ensure, Result};
use wattpool_scenario::model::{Home, Neighbourhood, ZonePair};
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_schema::{Ppm, Price, Tariff, Wh, Window, Zone};

/// Net energy of a home in one of its windows, counted from 0: import and export, Wh. Zero beyond the last.
pub fn net(home: &Home, window: usize) -> (u64, u64) {
    let at = |series: &[u32]| u64::from(series.get(window).copied().unwrap_or(0));
    let (demand, generation) = (at(&home.demand_wh), at(&home.generation_wh));
    (
        demand.saturating_sub(generation),
        generation.saturating_sub(demand),
    )
}

/// A street of generated homes, in the zones in turn, with the consecutive windows of a day in which the least of
/// surplus and deficit is largest in sum.
///
/// # Errors
/// A number is out of range.
pub fn street(homes: u32, zones: &[Zone], windows: usize) -> Result<Neighbourhood> {
    ensure!(!zones.is_empty(), "a street lies in at least one zone");
    let mut day = neighbourhood(&GenerateOptions {
        homes,
        days: 1,
        ..GenerateOptions::default()
    })?;
    ensure!(
        (1..=day.windows).contains(&windows),
        "windows {windows}: expected 1 to {}",
        day.windows
    );
    let matched: Vec<u64> = (0..day.windows).map(|w| matched(&day, w)).collect();
    let sums = matched
        .windows(windows)
        .map(|part| part.iter().sum::<u64>());
    let from = sums
        .enumerate()
        .max_by_key(|(at, sum)| (*sum, std::cmp::Reverse(*at)))
        .map_or(0, |(at, _)| at);
    for (number, home) in day.homes.iter_mut().enumerate() {
        home.zone = zones[number % zones.len()];
        cut(&mut home.demand_wh, from, windows);
        cut(&mut home.generation_wh, from, windows);
    }
    cut(&mut day.import_tariff, from, windows);
    cut(&mut day.feed_in_tariff, from, windows);
    cut(&mut day.carbon_g_per_kwh, from, windows);
    day.first_window = day.first_window.plus(from as u64);
    day.windows = windows;
    day.zone_pairs = pairs(zones);
    Ok(day)
}

/// The same street with thin lines between its zones: so much arrives over each in a window at most.
#[must_use]
pub fn with_thin_lines(mut n: Neighbourhood, capacity: Wh) -> Neighbourhood {
    for pair in n.zone_pairs.iter_mut().filter(|p| p.from != p.to) {
        pair.capacity = Some(capacity);
    }
    n
}

/// The least of all surplus and all deficit in a window, Wh.
fn matched(n: &Neighbourhood, window: usize) -> u64 {
    let sums = n.homes.iter().fold((0, 0), |sums: (u64, u64), home| {
        let (import, export) = net(home, window);
        (sums.0 + import, sums.1 + export)
    });
    sums.0.min(sums.1)
}

fn cut<T>(series: &mut Vec<T>, from: usize, windows: usize) {
    series.drain(..from);
    series.truncate(windows);
}

/// Terms between the zones: what crosses a border loses more and costs more.
fn pairs(zones: &[Zone]) -> Vec<ZonePair> {
    let pair = |from: Zone, to: Zone| {
        let (loss, charge) = if from == to {
            (10_000, 15_000)
        } else {
            (30_000, 30_000)
        };
        ZonePair {
            from,
            to,
            loss: Ppm(loss),
            charge: Price(charge),
            capacity: None,
        }
    };
    let from = zones.iter();
    from.flat_map(|from| zones.iter().map(move |to| pair(*from, *to)))
        .collect()
}

/// The tariffs, which are the same in all windows of a generated neighbourhood: import and feed-in.
pub fn tariffs(n: &Neighbourhood) -> (Tariff, Tariff) {
    let first = |series: &[Tariff]| series.first().copied().unwrap_or_default();
    (first(&n.import_tariff), first(&n.feed_in_tariff))
}

/// The same homes at other times: windows of another length, from another one on.
pub fn at_times(n: &Neighbourhood, window_s: u32, first_window: Window) -> Neighbourhood {
    Neighbourhood {
        window_s,
        first_window,
        ..n.clone()
    }
}
