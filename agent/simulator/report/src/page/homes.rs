//! The homes: the table that is sorted by gain, and the data of a page for each.

use std::collections::BTreeMap;

use serde::Serialize;
use wattpool_scenario::model::{HomeKind, Neighbourhood};

use super::flows::Flows;
use super::words::{length, money, round_percent, Per};
use crate::accounts::HomeAccount;
use crate::format::{kwh, percent, UNDEFINED};
use crate::measures::Measures;
use crate::money::to_i64;
use crate::outcome::Outcome;
use crate::summary::Summary;
use crate::time::wall_seconds;

/// Hours of a home's average day.
const HOURS: usize = 24;
/// Partners that a home's page names.
const PARTNERS: usize = 8;

/// One line of the table of homes.
pub struct HomeLine {
    /// Place in the neighbourhood.
    pub number: usize,
    /// Name.
    pub name: String,
    /// Zone.
    pub zone: u16,
    /// What stands behind the meter.
    pub kind: &'static str,
    /// Gain after fees.
    pub gain: String,
    /// Length of its bar in percent of the largest.
    pub length: String,
    /// The home loses.
    pub loses: bool,
    /// Gain over the bill without trading.
    pub share: String,
    /// Fees.
    pub fees: String,
    /// Bill without trading, and with.
    pub bills: [String; 2],
    /// Self-sufficiency without trading, and with.
    pub sufficiency: [String; 2],
}

fn kind(kind: HomeKind) -> &'static str {
    match kind {
        HomeKind::Pv => "panels",
        HomeKind::Wind => "wind",
        HomeKind::Battery => "battery",
        HomeKind::Mixed => "mixed",
        HomeKind::Consumer => "no generation",
    }
}

fn share(account: &HomeAccount) -> String {
    let without = account.money.bill_without_trading();
    if without <= 0 {
        return UNDEFINED.into();
    }
    let share = account.money.gain() as f64 / without as f64;
    format!("{:.0} %", share * 100.0).replace('-', "−")
}

/// Numbers of the homes, those that gain most first, at most so many.
pub fn ranking(measures: &Measures, most: usize) -> Vec<usize> {
    let homes = &measures.accounts.homes;
    let mut order: Vec<usize> = (0..homes.len()).collect();
    order.sort_by_key(|home| std::cmp::Reverse(homes.get(*home).map(|h| h.money.gain())));
    order.truncate(most);
    order
}

/// The table's lines in this order.
pub fn lines(n: &Neighbourhood, measures: &Measures, order: &[usize]) -> Vec<HomeLine> {
    let homes = &measures.accounts.homes;
    let largest = homes.iter().map(|h| h.money.gain().saturating_abs()).max();
    let largest = largest.unwrap_or(0).max(1) as f64;
    let line = |number: &usize| {
        let (home, account) = (n.homes.get(*number)?, homes.get(*number)?);
        let m = &account.money;
        let amount = |micro| crate::format::coins(to_i64(micro));
        Some(HomeLine {
            number: *number,
            name: home.name.clone(),
            zone: home.zone.get(),
            kind: kind(home.kind),
            gain: amount(m.gain()),
            length: format!("{:.1}", m.gain().saturating_abs() as f64 / largest * 100.0),
            loses: m.gain() < 0,
            share: share(account),
            fees: amount(m.fees),
            bills: [amount(m.bill_without_trading()), amount(m.bill())],
            sufficiency: [
                round_percent(account.energy.self_sufficiency_without_trading()),
                round_percent(account.energy.self_sufficiency()),
            ],
        })
    };
    order.iter().filter_map(line).collect()
}

/// What the pages of the homes are made of.
#[derive(Serialize)]
pub struct Pages {
    /// What the figures of each home are.
    labels: Vec<&'static str>,
    /// The homes that have a page, by number.
    homes: BTreeMap<usize, Page>,
}

#[derive(Serialize)]
struct Page {
    name: String,
    what: String,
    lead: String,
    /// In the order of the labels.
    figures: Vec<String>,
    /// Mean W by hour of the wall clock: own use, bought, from the grid, generation, sold.
    day: Vec<[u32; 5]>,
    /// Name, bought from, sold to.
    partners: Vec<[String; 3]>,
}

const LABELS: [&str; 15] = [
    "Gain after fees",
    "of which from selling",
    "of which from buying",
    "Fees",
    "Bill without trading",
    "Bill with trading",
    "Paid to neighbours, network charge included",
    "Earned from neighbours",
    "Self-sufficiency without trading",
    "Self-sufficiency with trading",
    "Demand",
    "Generation",
    "Bought from neighbours",
    "Sold to neighbours, losses included",
    "From the national grid",
];

fn figures(s: &Summary, account: &HomeAccount) -> Vec<String> {
    let (m, e) = (&account.money, &account.energy);
    let amount = |micro| money(s, to_i64(micro));
    vec![
        amount(m.gain()),
        amount(m.prosumer_gain()),
        amount(m.consumer_savings()),
        amount(m.fees),
        amount(m.bill_without_trading()),
        amount(m.bill()),
        amount(m.spent),
        amount(m.earned),
        percent(e.self_sufficiency_without_trading()),
        percent(e.self_sufficiency()),
        kwh(e.demand),
        kwh(e.generation),
        kwh(e.bought),
        kwh(e.sold_gross),
        kwh(e.grid_import),
    ]
}

fn lead(s: &Summary, account: &HomeAccount) -> String {
    let per = Per::usual(s);
    let gain = to_i64(account.money.gain());
    let verb = if gain < 0 { "loses" } else { "saves" };
    let gain = gain.saturating_abs();
    let rate = match per.of(s, gain) {
        same if same == gain => String::new(),
        rate => format!(", about {} {}", money(s, rate), per.words()),
    };
    format!(
        "This home {verb} {} in {} by trading with its neighbours, after fees{rate}.",
        money(s, gain),
        length(s)
    )
}

/// Sums by hour of the day, in Wh, and the hours that they are of.
#[derive(Clone, Default)]
struct Day {
    sums: [[u64; 5]; HOURS],
}

impl Day {
    fn watts(&self, hours: &[f64; HOURS]) -> Vec<[u32; 5]> {
        let slots = self.sums.iter().zip(hours);
        // Rounded, positive, and far below the largest whole number.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let watts = |wh: u64, hours: f64| {
            if hours > 0.0 {
                (wh as f64 / hours).round() as u32
            } else {
                0
            }
        };
        slots
            .map(|(sums, hours)| sums.map(|wh| watts(wh, *hours)))
            .collect()
    }
}

/// Average days of these homes by the clock's hours; nothing where a window is longer than an hour.
fn days(n: &Neighbourhood, o: &Outcome, order: &[usize]) -> Option<(Vec<Day>, [f64; HOURS])> {
    if n.window_s > 3_600 {
        return None;
    }
    let count = n.homes.len();
    let mut all = vec![Day::default(); order.len()];
    let mut hours = [0.0; HOURS];
    for window in 0..o.finished_windows {
        let start = n
            .first_window
            .plus(u64::try_from(window).unwrap_or(u64::MAX))
            .start(n.window_s);
        let hour = wall_seconds(start, n.clock) % 86_400 / 3_600;
        let hour = usize::try_from(hour).unwrap_or(0);
        if let Some(sum) = hours.get_mut(hour) {
            *sum += f64::from(n.window_s) / 3_600.0;
        }
        let row = window.saturating_mul(count);
        for (day, number) in all.iter_mut().zip(order) {
            let cell = row.saturating_add(*number);
            let of = |series: &[u32], at: usize| series.get(at).copied().unwrap_or(0);
            let Some(home) = n.homes.get(*number) else {
                continue;
            };
            let demand = of(&home.demand_wh, window);
            let generation = of(&home.generation_wh, window);
            let bought = of(&o.bought_wh, cell);
            let own = demand.min(generation);
            let grid = demand.saturating_sub(own).saturating_sub(bought);
            let sold = of(&o.sold_gross_wh, cell);
            let Some(sums) = day.sums.get_mut(hour) else {
                continue;
            };
            for (sum, wh) in sums.iter_mut().zip([own, bought, grid, generation, sold]) {
                *sum = sum.saturating_add(wh.into());
            }
        }
    }
    Some((all, hours))
}

fn partners(n: &Neighbourhood, flows: &Flows) -> BTreeMap<u32, Vec<[String; 3]>> {
    // By home and partner: bought from, sold to.
    let mut sums: BTreeMap<u32, BTreeMap<u32, [u64; 2]>> = BTreeMap::new();
    for ((seller, buyer), flow) in flows {
        for (home, other, side) in [(*buyer, *seller, 0), (*seller, *buyer, 1)] {
            let pair = sums.entry(home).or_default().entry(other).or_default();
            if let Some(sum) = pair.get_mut(side) {
                *sum = sum.saturating_add(flow.wh);
            }
        }
    }
    let name = |home: u32| {
        let index = usize::try_from(home).unwrap_or(usize::MAX);
        n.homes
            .get(index)
            .map_or_else(|| home.to_string(), |h| h.name.clone())
    };
    let named = |others: BTreeMap<u32, [u64; 2]>| {
        let mut others: Vec<_> = others.into_iter().collect();
        let both = |[bought, sold]: &[u64; 2]| bought.saturating_add(*sold);
        others.sort_by_key(|(other, sums)| (std::cmp::Reverse(both(sums)), *other));
        let kept = others.into_iter().take(PARTNERS);
        kept.map(|(other, sums)| {
            let [bought, sold] = sums.map(kwh);
            [name(other), bought, sold]
        })
        .collect()
    };
    sums.into_iter()
        .map(|(home, others)| (home, named(others)))
        .collect()
}

/// The pages of these homes, as JSON that is safe inside a script element.
///
/// # Errors
/// It cannot be written.
pub fn pages(
    n: &Neighbourhood,
    outcome: &Outcome,
    measures: &Measures,
    flows: &Flows,
    order: &[usize],
) -> Result<String, String> {
    let s = &measures.summary;
    let days = days(n, outcome, order);
    let mut partners = partners(n, flows);
    let mut homes = BTreeMap::new();
    for (place, number) in order.iter().enumerate() {
        let (Some(home), Some(account)) =
            (n.homes.get(*number), measures.accounts.homes.get(*number))
        else {
            continue;
        };
        let key = u32::try_from(*number).unwrap_or(u32::MAX);
        let day = days
            .as_ref()
            .and_then(|(days, hours)| Some(days.get(place)?.watts(hours)));
        let page = Page {
            name: home.name.clone(),
            what: format!("{}, zone {}", kind(home.kind), home.zone),
            lead: lead(s, account),
            figures: figures(s, account),
            day: day.unwrap_or_default(),
            partners: partners.remove(&key).unwrap_or_default(),
        };
        homes.insert(*number, page);
    }
    let labels = LABELS.to_vec();
    script_json(&Pages { labels, homes })
}

/// JSON in which nothing ends a script element or begins a comment.
///
/// # Errors
/// It cannot be written.
pub fn script_json(value: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string(value).map_err(|error| error.to_string())?;
    Ok(text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026"))
}
