//! A meter's bill, rebuilt: what was traded from the chain's events, what was the grid's from registers that the owner opens.
//!
//! Window by window: net import = rise of the import register − rise of the export register, not below zero; net export the other way round. Of the net
//! import, what arrived by trade was bought, the rest is the grid's; of the net export, what was sent for trades was sold, the rest is fed in. What a home
//! pays is rounded up, what it is credited is rounded down, per window; a negative tariff swaps the direction, never in the home's favour.

use crate::export::{Row, Said};
use crate::finding::{Finding, Place, Rule};
use crate::opening::{differs, verify, Coverage, Openings, Registers, Span};
use serde::Serialize;
use std::collections::BTreeMap;
use wattpool_schema::event::{MarketEvent as E, Stated};
use wattpool_schema::{Commitment, MeterId, Tariff, Wh, Window};

/// What a meter traded in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traded {
    bought: u64,
    sold: u64,
    spent: u64,
    charges: u64,
    earned: u64,
}

/// Collects of a chain what is in a meter's bill.
#[derive(Clone, Debug)]
pub struct Ledger {
    meter: MeterId,
    stated: BTreeMap<Window, (Place, Stated)>,
    traded: BTreeMap<Window, Traded>,
    tariffs: BTreeMap<Window, (Tariff, Tariff)>,
}

/// Those of several meters.
#[derive(Clone, Debug, Default)]
pub struct Ledgers(BTreeMap<MeterId, Ledger>);

impl Ledgers {
    /// For these meters.
    pub fn new(meters: impl IntoIterator<Item = MeterId>) -> Self {
        let ledgers = meters.into_iter().map(|meter| (meter, Ledger::new(meter)));
        Self(ledgers.collect())
    }

    /// Takes a row: a market of many meters has most rows about one or two of them.
    pub fn take(&mut self, line: Option<u64>, row: &Row) {
        let Said::Event(event) = &row.said else {
            return;
        };
        let concerned = match event.as_ref() {
            E::Stated(s) => [Some(s.meter), None],
            E::Delivered(d) => [Some(d.buyer), Some(d.seller).filter(|s| *s != d.buyer)],
            E::TariffsSet(_) => {
                self.0.values_mut().for_each(|l| l.take(line, row));
                return;
            }
            _ => return,
        };
        for meter in concerned.into_iter().flatten() {
            if let Some(ledger) = self.0.get_mut(&meter) {
                ledger.take(line, row);
            }
        }
    }

    /// That of a meter.
    pub fn of(&self, meter: MeterId) -> Option<&Ledger> {
        self.0.get(&meter)
    }
}

/// A window of a bill. Energy in Wh, money in micro-units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The metered window.
    pub window: u64,
    /// Windows that the registers rose in: more than one where some were not stated.
    pub windows: u64,
    /// Net import.
    pub import_wh: u64,
    /// Net export.
    pub export_wh: u64,
    /// Arrived by trade.
    pub bought_wh: u64,
    /// Sent for trades.
    pub sold_wh: u64,
    /// From the grid.
    pub grid_import_wh: u64,
    /// Into the grid.
    pub feed_in_wh: u64,
    /// Import tariff, micro-units per kWh.
    pub import_tariff: i64,
    /// Feed-in tariff, micro-units per kWh.
    pub feed_in_tariff: i64,
    /// Paid for trades, network charge included.
    pub spent: i64,
    /// Network charges in it.
    pub charges: i64,
    /// Earned with trades.
    pub earned: i64,
    /// Paid for the grid's supply.
    pub grid_cost: i64,
    /// Credited for feed-in.
    pub feed_in_credit: i64,
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bill {
    /// Whose.
    pub meter: MeterId,
    /// First window,
    pub from: u64,
    /// and last.
    pub to: u64,
    /// Sums.
    pub total: Item,
    /// To pay: grid cost − feed-in credit + spent − earned; negative is income. Fees of the chain's transactions are the agent's, not the meter's, and
    /// are not in it.
    pub due: i64,
    /// How much of the period was stated, and is opened.
    pub coverage: Coverage,
    /// Every window.
    pub items: Vec<Item>,
    /// What is odd and no violation.
    pub remarks: Vec<String>,
}

impl Ledger {
    /// For a meter.
    pub const fn new(meter: MeterId) -> Self {
        Self {
            meter,
            stated: BTreeMap::new(),
            traded: BTreeMap::new(),
            tariffs: BTreeMap::new(),
        }
    }

    /// Takes a row.
    pub fn take(&mut self, line: Option<u64>, row: &Row) {
        let Said::Event(event) = &row.said else {
            return;
        };
        match event.as_ref() {
            E::Stated(s) if s.meter == self.meter => {
                let at = Place {
                    line,
                    height: row.height,
                    time: row.time,
                    tx: row.tx,
                    index: row.index,
                };
                self.stated.insert(s.window, (at, s.clone()));
            }
            E::TariffsSet(t) => {
                self.tariffs.insert(t.from_window, (t.import, t.feed_in));
            }
            E::Delivered(d) if d.buyer == self.meter => {
                let t = self.traded.entry(d.window).or_default();
                t.bought = t.bought.saturating_add(d.net.0);
                t.spent = t.spent.saturating_add(d.paid.saturating_add(d.charge).0);
                t.charges = t.charges.saturating_add(d.charge.0);
            }
            E::Delivered(d) if d.seller == self.meter => {
                let t = self.traded.entry(d.window).or_default();
                t.sold = t.sold.saturating_add(d.gross.0);
                t.earned = t.earned.saturating_add(d.paid.0);
            }
            _ => {}
        }
    }

    /// The window that a bill begins with unless another is asked for: the meter's first statement, if the registers before it are known; otherwise the
    /// one after the first that is opened. `whole`: the source begins before the market's first event.
    pub fn first_billed(&self, openings: &Openings, whole: bool) -> Window {
        let first = openings.openings.first().map(|o| o.window);
        let second = openings.openings.get(1).map(|o| o.window);
        let from_installed = openings.installed.is_some() && whole;
        let stated = self.stated.keys().next().copied();
        if from_installed && (stated.is_none() || first == stated) {
            first.unwrap_or_default()
        } else {
            second.or(first).unwrap_or_default()
        }
    }

    /// What the registers showed when window `from` began, and the window that they are of: the last one that was stated before, which has to be opened.
    /// Those of the installation count before the meter's first statement alone, and only where the source shows that it is the first.
    fn begins(
        &self,
        openings: &Openings,
        from: Window,
        whole: bool,
    ) -> Result<(Option<Window>, Registers), Vec<Finding>> {
        let needed = |window: &str, why: &str| {
            let what = format!("{window} has to be opened: {why}; without it, what the registers showed when window {from} began is not known");
            vec![finding(Place::default(), "window", what)]
        };
        if let Some((last, _)) = self.stated.range(..from).next_back() {
            let why = "it is the last one stated before the period";
            let Some(opening) = openings.of(*last) else {
                return Err(needed(&format!("window {last}"), why));
            };
            if let Some(wrong) = differs(opening, &self.stated) {
                return Err(vec![wrong]);
            }
            return Ok((Some(*last), opening.registers));
        }
        if !whole {
            // The source does not have the statement before; the first one in it commits to it.
            let mut inside = openings.openings.iter().filter(|o| o.window >= from);
            let first = inside.next().filter(|o| differs(o, &self.stated).is_none());
            let earlier = openings.openings.iter().take_while(|o| o.window < from);
            let before = earlier.last();
            return match first.zip(before) {
                Some((first, before)) if first.previous == before.commitment() => {
                    Ok((Some(before.window), before.registers))
                }
                _ => {
                    let why = "the source begins later, and the meter's first statement in it need not be its first";
                    Err(needed("the last window stated before the period", why))
                }
            };
        }
        let first = self.stated.keys().next();
        match (openings.installed, openings.openings.first()) {
            // A first statement commits to none before it.
            (Some(installed), Some(opening))
                if first == Some(&opening.window) && opening.previous == Commitment::default() =>
            {
                Ok((None, installed))
            }
            _ => {
                let what = first.map_or_else(
                    || "the meter stated nothing in this source".to_owned(),
                    |first| format!("window {first} is the meter's first statement, and its openings do not say what was installed: begin with window {} (--since)", first.next()),
                );
                Err(vec![finding(Place::default(), "installed", what)])
            }
        }
    }

    /// Makes the bill of windows `from` to `to`. What the openings say is held against the source; what contradicts it is among the findings. `whole`: the
    /// source begins before the market's first event.
    pub fn bill(
        &self,
        openings: &Openings,
        from: Window,
        to: Window,
        whole: bool,
    ) -> (Bill, Vec<Finding>) {
        let mut findings = verify(openings, &self.stated, from..=to);
        let coverage = Coverage::new(openings, &self.stated, from, to);
        let mut remarks = Vec::new();
        let mut items = Vec::new();
        for span in &coverage.not_opened {
            let (was, is) = if span.from == span.to {
                ("was", "is")
            } else {
                ("were", "are")
            };
            let at = self.stated.get(&span.from).map(|(at, _)| *at);
            let what = format!("{span} {was} stated and {is} not opened");
            findings.push(finding(at.unwrap_or_default(), "window", what));
        }
        if coverage.stated == 0 {
            let asked = Span { from, to };
            let what =
                format!("{asked}: the meter stated nothing there, and nothing can be billed");
            findings.push(finding(Place::default(), "window", what));
        }
        let mut before = match self.begins(openings, from, whole) {
            Ok(known) => Some(known),
            // Where nothing was stated there is nothing to begin with.
            Err(_) if coverage.stated == 0 => None,
            Err(found) => {
                findings.extend(found);
                None
            }
        };
        if matches!(before, Some((None, _))) {
            remarks.push("the registers before the first statement are the owner's word: nothing on the chain commits to them".to_owned());
        }
        let earlier = self.stated.range(..from).count();
        let first = self.stated.keys().next();
        if let Some((first, last)) = first.zip(Some(from.prev())).filter(|_| earlier > 0) {
            let span = Span {
                from: *first,
                to: last,
            };
            remarks.push(format!(
                "{span}: {earlier} of them stated, before the period and not in this bill"
            ));
        }
        let mut untold = self
            .traded
            .range(from..=to)
            .map(|(w, _)| *w)
            .collect::<Vec<_>>();
        let inside = openings.openings.iter();
        for opening in inside.filter(|o| from <= o.window && o.window <= to) {
            let window = opening.window;
            untold.retain(|w| *w != window);
            let Some((last, registers)) = before.replace((Some(window), opening.registers)) else {
                continue;
            };
            let windows = last.map_or(1, |last| window.0.saturating_sub(last.0));
            if windows > 1 {
                let early = from.0.saturating_sub(last.unwrap_or(from).0);
                let early = early.saturating_sub(1);
                let of_them = if early > 0 {
                    format!(" ({early} of them before the period)")
                } else {
                    String::new()
                };
                remarks.push(format!(
                    "window {window}: its registers hold the energy of {windows} windows{of_them}, billed at the tariffs of the last"
                ));
            }
            let (item, found) = self.item(window, windows, registers, opening.registers);
            findings.extend(found);
            if let Some((_, stated)) = self.stated.get(&window) {
                if stated.wh.0 != item.export_wh {
                    remarks.push(format!(
                        "window {window}: {} Wh were stated, the registers show {}",
                        stated.wh, item.export_wh
                    ));
                }
            }
            items.push(item);
        }
        for window in untold {
            let what =
                format!("window {window}: the meter traded, and its registers are not opened");
            findings.push(finding(Place::default(), "window", what));
        }
        let total = total(from, &items);
        let due = total.grid_cost.saturating_sub(total.feed_in_credit);
        let due = due.saturating_add(total.spent).saturating_sub(total.earned);
        let bill = Bill {
            meter: self.meter,
            from: from.0,
            to: to.0,
            total,
            due,
            coverage,
            items,
            remarks,
        };
        (bill, findings)
    }

    fn item(
        &self,
        window: Window,
        windows: u64,
        from: Registers,
        to: Registers,
    ) -> (Item, Vec<Finding>) {
        let mut findings = Vec::new();
        let rise = |a: Wh, b: Wh| b.0.saturating_sub(a.0);
        let imported = rise(from.import, to.import);
        let exported = rise(from.export, to.export);
        let (import_wh, export_wh) = (
            imported.saturating_sub(exported),
            exported.saturating_sub(imported),
        );
        let t = self.traded.get(&window).copied().unwrap_or_default();
        let at = self
            .stated
            .get(&window)
            .map(|(at, _)| *at)
            .unwrap_or_default();
        for (what, traded, there) in [("bought", t.bought, import_wh), ("sold", t.sold, export_wh)]
        {
            if traded > there {
                let what =
                    format!("window {window}: {traded} Wh {what}, the registers show {there}");
                findings.push(finding(at, "registers", what));
            }
        }
        let tariffs = self.tariffs.range(..=window).next_back().map(|(_, t)| *t);
        if tariffs.is_none() {
            let what = format!("window {window}: the source does not say its tariffs");
            findings.push(finding(at, "tariffs", what));
        }
        let (import, feed_in) = tariffs.unwrap_or_default();
        let grid_import_wh = import_wh.saturating_sub(t.bought);
        let feed_in_wh = export_wh.saturating_sub(t.sold);
        let item = Item {
            window: window.0,
            windows,
            import_wh,
            export_wh,
            bought_wh: t.bought,
            sold_wh: t.sold,
            grid_import_wh,
            feed_in_wh,
            import_tariff: import.0,
            feed_in_tariff: feed_in.0,
            spent: i64::try_from(t.spent).unwrap_or(i64::MAX),
            charges: i64::try_from(t.charges).unwrap_or(i64::MAX),
            earned: i64::try_from(t.earned).unwrap_or(i64::MAX),
            grid_cost: up(grid_import_wh, import),
            feed_in_credit: down(feed_in_wh, feed_in),
        };
        (item, findings)
    }
}

fn finding(at: Place, field: &str, what: String) -> Finding {
    Finding {
        rule: Rule::Statement,
        at,
        event: "bill".to_owned(),
        field: field.to_owned(),
        what,
    }
}

fn product(wh: u64, tariff: Tariff) -> i128 {
    i128::from(wh).saturating_mul(i128::from(tariff.0))
}

fn held(micro: i128) -> i64 {
    i64::try_from(micro).unwrap_or(if micro < 0 { i64::MIN } else { i64::MAX })
}

/// `floor(wh · tariff / 1000)`.
fn down(wh: u64, tariff: Tariff) -> i64 {
    held(product(wh, tariff).div_euclid(1_000))
}

/// `ceil(wh · tariff / 1000)`.
fn up(wh: u64, tariff: Tariff) -> i64 {
    let negative = product(wh, tariff).saturating_neg();
    held(negative.div_euclid(1_000).saturating_neg())
}

/// Sums of items.
fn total(from: Window, items: &[Item]) -> Item {
    let mut sum = Item {
        window: from.0,
        windows: 0,
        import_wh: 0,
        export_wh: 0,
        bought_wh: 0,
        sold_wh: 0,
        grid_import_wh: 0,
        feed_in_wh: 0,
        import_tariff: 0,
        feed_in_tariff: 0,
        spent: 0,
        charges: 0,
        earned: 0,
        grid_cost: 0,
        feed_in_credit: 0,
    };
    for item in items {
        let energy = [
            (&mut sum.windows, item.windows),
            (&mut sum.import_wh, item.import_wh),
            (&mut sum.export_wh, item.export_wh),
            (&mut sum.bought_wh, item.bought_wh),
            (&mut sum.sold_wh, item.sold_wh),
            (&mut sum.grid_import_wh, item.grid_import_wh),
            (&mut sum.feed_in_wh, item.feed_in_wh),
        ];
        for (sum, term) in energy {
            *sum = sum.saturating_add(term);
        }
        let money = [
            (&mut sum.spent, item.spent),
            (&mut sum.charges, item.charges),
            (&mut sum.earned, item.earned),
            (&mut sum.grid_cost, item.grid_cost),
            (&mut sum.feed_in_credit, item.feed_in_credit),
        ];
        for (sum, term) in money {
            *sum = sum.saturating_add(term);
        }
    }
    sum
}

#[cfg(test)]
mod tests;
