//! Who trades with whom: the largest flows, and a map of sellers and buyers.

use std::collections::BTreeMap;
use std::fmt::Write;

use wattpool_scenario::model::Neighbourhood;

use super::draw::{escaped, Medium};
use super::words::money;
use crate::format::kwh;
use crate::measures::counted_trades;
use crate::money::to_i64;
use crate::outcome::Outcome;
use crate::summary::Summary;

/// Flows that are listed.
const LISTED: usize = 10;
/// Side of a cell in pixels.
const CELL: usize = 22;
/// Pixels for a character of a name.
const CHARACTER: usize = 8;
/// Characters of a name that fit.
const NAME: usize = 14;

/// What one home sold to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Arrived, Wh.
    pub wh: u64,
    /// Paid to the seller, micro-units.
    pub paid: u64,
    /// Trades.
    pub trades: u64,
}

/// Flows by seller and buyer.
pub type Flows = BTreeMap<(u32, u32), Flow>;

/// Adds up the closed trades of the finished windows.
pub fn flows(neighbourhood: &Neighbourhood, outcome: &Outcome) -> Flows {
    let mut all = Flows::new();
    for trade in counted_trades(neighbourhood, outcome) {
        let flow = all.entry((trade.seller, trade.buyer)).or_default();
        flow.wh = flow.wh.saturating_add(trade.arrived.get());
        flow.paid = flow.paid.saturating_add(trade.paid.get());
        flow.trades = flow.trades.saturating_add(1);
    }
    all
}

/// A line of the list of flows: seller, buyer, energy, money, trades.
pub struct FlowLine {
    /// Selling home or zone.
    pub from: String,
    /// Buying home or zone.
    pub to: String,
    /// Formatted figures.
    pub values: [String; 3],
}

fn name(neighbourhood: &Neighbourhood, home: u32) -> String {
    let found = usize::try_from(home)
        .ok()
        .and_then(|h| neighbourhood.homes.get(h));
    found.map_or_else(|| home.to_string(), |home| home.name.clone())
}

fn line(s: &Summary, from: String, to: String, flow: &Flow) -> FlowLine {
    FlowLine {
        from,
        to,
        values: [
            kwh(flow.wh),
            money(s, to_i64(flow.paid.into())),
            crate::format::grouped(flow.trades),
        ],
    }
}

/// The largest flows, and how many there are.
pub fn largest(n: &Neighbourhood, s: &Summary, flows: &Flows) -> (Vec<FlowLine>, usize) {
    let mut sorted: Vec<_> = flows.iter().collect();
    sorted.sort_by_key(|(pair, flow)| (std::cmp::Reverse(flow.wh), **pair));
    let lines = sorted.iter().take(LISTED);
    let lines = lines.map(|((from, to), flow)| line(s, name(n, *from), name(n, *to), flow));
    (lines.collect(), flows.len())
}

/// Flows between zones; none where there is one zone.
pub fn between_zones(n: &Neighbourhood, s: &Summary, flows: &Flows) -> Vec<FlowLine> {
    let zone = |home: u32| {
        let index = usize::try_from(home).unwrap_or(usize::MAX);
        n.homes.get(index).map(|home| home.zone.get())
    };
    let mut zones: BTreeMap<(u16, u16), Flow> = BTreeMap::new();
    for ((from, to), flow) in flows {
        let (Some(from), Some(to)) = (zone(*from), zone(*to)) else {
            continue;
        };
        let sum = zones.entry((from, to)).or_default();
        sum.wh = sum.wh.saturating_add(flow.wh);
        sum.paid = sum.paid.saturating_add(flow.paid);
        sum.trades = sum.trades.saturating_add(flow.trades);
    }
    let several = n.homes.windows(2).any(|pair| match pair {
        [a, b] => a.zone != b.zone,
        _ => false,
    });
    if !several {
        return Vec::new();
    }
    let lines = zones.iter().map(|((from, to), flow)| {
        let (from, to) = (format!("zone {from}"), format!("zone {to}"));
        line(s, from, to, flow)
    });
    lines.collect()
}

/// The homes that trade most on one side, by number.
fn most(flows: &Flows, side: impl Fn(&(u32, u32)) -> u32, count: usize) -> Vec<u32> {
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for (pair, flow) in flows {
        let sum = sums.entry(side(pair)).or_default();
        *sum = sum.saturating_add(flow.wh);
    }
    let mut homes: Vec<_> = sums.into_iter().collect();
    homes.sort_by_key(|(home, wh)| (std::cmp::Reverse(*wh), *home));
    homes.truncate(count);
    let mut homes: Vec<u32> = homes.into_iter().map(|(home, _)| home).collect();
    homes.sort_unstable();
    homes
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.into();
    }
    let kept: String = name.chars().take(NAME.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A map with a cell for each pair of a seller and a buyer, the fuller the more was sold. None without trades.
pub fn map(n: &Neighbourhood, flows: &Flows, medium: Medium) -> Option<String> {
    let (most_sellers, most_buyers) = match medium {
        // What fits beside the tables without shrinking the names.
        Medium::Wide => (24, 18),
        Medium::Narrow => (8, 8),
    };
    let sellers = most(flows, |pair| pair.0, most_sellers);
    let buyers = most(flows, |pair| pair.1, most_buyers);
    let highest = flows
        .values()
        .map(|flow| flow.wh)
        .max()
        .filter(|wh| *wh > 0)?;
    let longest = sellers
        .iter()
        .chain(&buyers)
        .map(|home| short(&name(n, *home)).chars().count());
    let label = longest
        .max()
        .unwrap_or(0)
        .saturating_mul(CHARACTER)
        .saturating_add(10);
    let at = |index: usize| label.saturating_add(index.saturating_mul(CELL));
    let (width, height) = (
        at(buyers.len()).saturating_add(8),
        at(sellers.len()).saturating_add(8),
    );
    let id = format!("flows{}", medium.suffix());
    let mut svg = format!(
        "<svg class=\"map\" viewBox=\"0 0 {width} {height}\" style=\"max-width:{width}px\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\"><title id=\"{id}-title\">Who sells to whom</title>\
         <desc id=\"{id}-desc\">Sellers in rows, buyers in columns; the fuller a cell's colour, the more energy. The table beside \
         it has the largest flows.</desc>"
    );
    let middle = CELL / 2;
    let mut text = |x: usize, y: usize, turn: &str, name: &str| {
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{y}\"{turn} text-anchor=\"{}\" font-size=\"13\">{}</text>",
            if turn.is_empty() { "end" } else { "start" },
            escaped(&short(name))
        );
    };
    for (row, seller) in sellers.iter().enumerate() {
        let y = at(row).saturating_add(middle).saturating_add(4);
        text(label.saturating_sub(6), y, "", &name(n, *seller));
    }
    for (column, buyer) in buyers.iter().enumerate() {
        let (x, y) = (
            at(column).saturating_add(middle).saturating_add(4),
            label.saturating_sub(6),
        );
        text(
            x,
            y,
            &format!(" transform=\"rotate(-90 {x} {y})\""),
            &name(n, *buyer),
        );
    }
    for (row, seller) in sellers.iter().enumerate() {
        for (column, buyer) in buyers.iter().enumerate() {
            let flow = flows.get(&(*seller, *buyer)).copied().unwrap_or_default();
            let (x, y) = (at(column), at(row));
            let side = CELL.saturating_sub(2);
            if flow.wh == 0 {
                let _ = write!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" class=\"none\"/>"
                );
                continue;
            }
            // From a visible tint to the full colour.
            let strength = 0.25 + 0.75 * (flow.wh as f64 / highest as f64);
            let _ = write!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" class=\"some\" \
                 fill-opacity=\"{strength:.2}\"><title>{} sold {} to {}</title></rect>",
                escaped(&name(n, *seller)),
                kwh(flow.wh),
                escaped(&name(n, *buyer))
            );
        }
    }
    svg.push_str("</svg>");
    Some(svg)
}
