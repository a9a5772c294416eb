//! Running totals, kept from the chain's events alone: what the measures are made of, and what the
//! contracts' own books are held against.

use crate::fees::Till;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use wattpool_core::io::{BlockRef, TxFailure};
use wattpool_report::outcome::{TradeKind as RowKind, TradeRow};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::escrow::{record_digest, TradeRecord};
use wattpool_schema::event::{Delivered, MarketEvent, Stated, TradeClosed};
use wattpool_schema::{Digest32, MeterId, Micro, TradeKind, Wh, Window, Zone};

use crate::meters::energy;
use crate::registry::Table;

/// Violations that are written down; beyond that they are only counted.
const WRITTEN: usize = 100;

/// Totals of one metered window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WindowTotals {
    pub minted: u64,
    pub late: u64,
    pub net: u64,
    pub gross: u64,
    pub paid: u64,
}

/// What an owner's limits are checked against.
#[derive(Clone, Copy, Debug, Default)]
struct Today {
    day: u64,
    bought: u64,
    sold: u64,
    spent: u64,
}

/// What a home has stated so far.
#[derive(Clone, Copy, Debug, Default)]
struct MeteredSoFar {
    /// The last window.
    window: Option<Window>,
    stated: u64,
    /// What was exported up to the end of that window.
    exported: u64,
    /// Windows were left out, and joined with the next: what a single one carried does not show any more.
    joined: bool,
}

/// The books of a run.
pub(crate) struct Books {
    homes: usize,
    windows: usize,
    pub first: Window,
    pub minted: Vec<u32>,
    pub late: Vec<u32>,
    pub bought: Vec<u32>,
    pub sold_gross: Vec<u32>,
    pub spent: Vec<u64>,
    pub earned: Vec<u64>,
    pub fees: Vec<u32>,
    pub till: Till,
    pub stated: Vec<bool>,
    metered: Vec<MeteredSoFar>,
    /// By home, of the window checked last, or up to it.
    pub flows: Vec<Flows>,
    pub totals: BTreeMap<Window, WindowTotals>,
    pub rows: Vec<TradeRow>,
    pub head: Digest32,
    /// Deposited in all, and charges accrued in all.
    pub deposits: u64,
    pub charges: u64,
    /// Standing orders that are open: (buyer, id) to locked money is the contract's affair.
    pub orders: BTreeMap<(MeterId, u64), Window>,
    today: Vec<Today>,
    /// Gate limits asked for, and windows in which demand went beyond.
    gates: Vec<Option<Wh>>,
    pub gate_lifted: u64,
    pub drained: BTreeMap<u32, u64>,
    /// Missed in standing orders, by selling and buying home.
    pub missed: BTreeMap<(u32, u32), Wh>,
    pub needs: BTreeMap<u64, u32>,
    pub needs_served: u64,
    pub finished: usize,
    pub requests: u64,
    /// Arrived over zone pairs of limited capacity, and which those are.
    pub carried: BTreeMap<(Window, Zone, Zone), Wh>,
    limited: BTreeSet<(Zone, Zone)>,
    /// Approved by sellers and about to be settled, spot, Wh.
    pub promised: u64,
    pub approvals: u64,
    pub transactions: u64,
    pub refusals: BTreeMap<String, u64>,
    pub bad_readings: u64,
    /// Gaps that a meter could not fill, after which metering went on from a reading that nothing confirms.
    pub gaps_left: u64,
    pub checks: u64,
    pub violations: Vec<String>,
    pub violations_beyond: u64,
}

/// What a home needed and had, by its profile, and what it traded, Wh.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flows {
    pub deficit: u64,
    pub surplus: u64,
    pub bought: u64,
    pub sold: u64,
}

impl Flows {
    pub const fn plus(self, more: Self) -> Self {
        Self {
            deficit: self.deficit.saturating_add(more.deficit),
            surplus: self.surplus.saturating_add(more.surplus),
            bought: self.bought.saturating_add(more.bought),
            sold: self.sold.saturating_add(more.sold),
        }
    }
}

impl Books {
    pub fn new(n: &Neighbourhood) -> Result<Self> {
        let cells = n.homes.len().saturating_mul(n.windows);
        Ok(Self {
            homes: n.homes.len(),
            windows: n.windows,
            first: n.first_window,
            minted: vec![0; cells],
            late: vec![0; cells],
            bought: vec![0; cells],
            sold_gross: vec![0; cells],
            spent: vec![0; cells],
            earned: vec![0; cells],
            fees: vec![0; cells],
            till: Till::new(n.windows)?,
            stated: vec![false; cells],
            metered: vec![MeteredSoFar::default(); n.homes.len()],
            flows: vec![Flows::default(); n.homes.len()],
            totals: BTreeMap::new(),
            rows: Vec::new(),
            head: Digest32::default(),
            deposits: 0,
            charges: 0,
            orders: BTreeMap::new(),
            today: vec![Today::default(); n.homes.len()],
            gates: vec![None; n.homes.len()],
            gate_lifted: 0,
            drained: BTreeMap::new(),
            missed: BTreeMap::new(),
            needs: BTreeMap::new(),
            needs_served: 0,
            finished: 0,
            requests: 0,
            carried: BTreeMap::new(),
            limited: n
                .zone_pairs
                .iter()
                .filter(|p| p.capacity.is_some())
                .map(|p| (p.from, p.to))
                .collect(),
            promised: 0,
            approvals: 0,
            transactions: 0,
            refusals: BTreeMap::new(),
            bad_readings: 0,
            gaps_left: 0,
            checks: 0,
            violations: Vec::new(),
            violations_beyond: 0,
        })
    }

    /// Number of closed trades.
    pub fn trades(&self) -> u64 {
        u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    /// Cell of a window and a home; none outside the profile.
    pub fn cell(&self, window: Window, home: u32) -> Option<usize> {
        let row = usize::try_from(window.0.checked_sub(self.first.0)?).ok()?;
        let home = usize::try_from(home).ok()?;
        (row < self.windows && home < self.homes)
            .then(|| row.saturating_mul(self.homes).saturating_add(home))
    }

    /// Counts a check; a failed one is a violation.
    pub fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.checks = self.checks.saturating_add(1);
        if !holds {
            self.violation(what());
        }
    }

    pub fn violation(&mut self, what: String) {
        if self.violations.len() < WRITTEN {
            self.violations.push(what);
        } else {
            self.violations_beyond = self.violations_beyond.saturating_add(1);
        }
    }

    pub fn refused(&mut self, failure: &TxFailure) {
        let code = match failure {
            TxFailure::Refused(code) => code.to_string(),
            TxFailure::Lost => "LOST".to_owned(),
            TxFailure::Unsent(why) => format!("UNSENT {why}"),
            TxFailure::Unknown(text) => format!("UNKNOWN {text}"),
        };
        let count = self.refusals.entry(code).or_default();
        *count = count.saturating_add(1);
    }

    pub fn drained(&mut self, home: u32, wh: Wh) {
        let total = self.drained.entry(home).or_default();
        *total = total.saturating_add(wh.0);
    }

    pub fn set_gate(&mut self, home: u32, limit: Option<Wh>) {
        if let Some(gate) = usize::try_from(home)
            .ok()
            .and_then(|h| self.gates.get_mut(h))
        {
            *gate = limit;
        }
    }

    /// The gate never cuts below demand: where the limit was too low it lifts itself, and that is counted.
    pub fn gates_after(&mut self, n: &Neighbourhood, window: Window) {
        for (home, gate) in self.gates.iter().enumerate() {
            let (import, _) = energy(n, home, window);
            if gate.is_some_and(|limit| import > limit.0) {
                self.gate_lifted = self.gate_lifted.saturating_add(1);
            }
        }
    }

    /// Takes an event of the chain.
    pub fn take(
        &mut self,
        n: &Neighbourhood,
        registry: &Table,
        block: BlockRef,
        event: &MarketEvent,
    ) {
        match event {
            MarketEvent::Stated(s) => self.take_stated(n, registry, s),
            MarketEvent::Delivered(d) => self.take_delivered(n, registry, block, d),
            MarketEvent::TradeClosed(t) => self.take_closed(registry, t),
            MarketEvent::OrderOpened(o) => {
                self.orders.insert((o.buyer, o.trade_id), o.last_window);
            }
            MarketEvent::ItemRefused(r) => {
                let count = self.refusals.entry(r.code.clone()).or_default();
                *count = count.saturating_add(1);
            }
            _ => {}
        }
    }

    /// Invariants 1 and 4: a statement is about a real export, and each window is stated once.
    fn take_stated(&mut self, n: &Neighbourhood, registry: &Table, s: &Stated) {
        let number = registry.number(&s.meter);
        let home = number
            .and_then(|h| usize::try_from(h).ok())
            .unwrap_or(usize::MAX);
        self.check_stated(n, home, s);
        if let Some(cell) = number.and_then(|h| self.cell(s.window, h)) {
            let twice = self.stated.get(cell).copied().unwrap_or(false);
            self.check(!twice, || {
                format!("window {}: home {home} stated twice", s.window)
            });
            if let Some(flag) = self.stated.get_mut(cell) {
                *flag = true;
            }
            let wh = u32::try_from(s.wh.0).unwrap_or(u32::MAX);
            let stated = if s.minted {
                &mut self.minted
            } else {
                &mut self.late
            };
            add(stated, cell, wh);
        }
        let totals = self.totals.entry(s.window).or_default();
        if s.minted {
            totals.minted = totals.minted.saturating_add(s.wh.0);
        } else {
            totals.late = totals.late.saturating_add(s.wh.0);
        }
    }

    /// A window is stated as it was. Windows that the meter could not tell are joined with the next one: then no more is
    /// stated than was exported until its end.
    fn check_stated(&mut self, n: &Neighbourhood, home: usize, s: &Stated) {
        let Some(so_far) = self.metered.get(home).copied() else {
            return;
        };
        let mut now = so_far;
        let mut window = so_far.window.map_or(self.first, Window::next);
        now.joined |= window < s.window;
        let (_, export) = energy(n, home, s.window);
        while window <= s.window {
            now.exported = now.exported.saturating_add(energy(n, home, window).1);
            window = window.next();
        }
        now.window = Some(s.window.max(so_far.window.unwrap_or(self.first)));
        now.stated = now.stated.saturating_add(s.wh.0);
        if let Some(slot) = self.metered.get_mut(home) {
            *slot = now;
        }
        let holds = if now.joined {
            now.stated <= now.exported
        } else {
            s.wh.0 == export
        };
        self.check(holds, || {
            format!(
                "window {}: home {home} stated {} Wh, exported {export}; {} Wh of {} in all",
                s.window, s.wh, now.stated, now.exported
            )
        });
    }

    fn take_delivered(
        &mut self,
        n: &Neighbourhood,
        registry: &Table,
        block: BlockRef,
        d: &Delivered,
    ) {
        let totals = self.totals.entry(d.window).or_default();
        totals.net = totals.net.saturating_add(d.net.0);
        totals.gross = totals.gross.saturating_add(d.gross.0);
        totals.paid = totals.paid.saturating_add(d.paid.0);
        self.charges = self.charges.saturating_add(d.charge.0);
        let (Some(seller), Some(buyer)) = (registry.number(&d.seller), registry.number(&d.buyer))
        else {
            self.violation(format!("window {}: a trade of unknown meters", d.window));
            return;
        };
        if !self.limited.is_empty() {
            let zone = |home| registry.info(home).map(|info| info.zone);
            if let (Some(from), Some(to)) = (zone(seller), zone(buyer)) {
                if self.limited.contains(&(from, to)) {
                    let sum = self.carried.entry((d.window, from, to)).or_default();
                    *sum = sum.saturating_add(d.net);
                }
            }
        }
        let spent = d.paid.saturating_add(d.charge).0;
        let to = u32::try_from(d.net.0).unwrap_or(u32::MAX);
        let from = u32::try_from(d.gross.0).unwrap_or(u32::MAX);
        if let Some(cell) = self.cell(d.window, buyer) {
            add(&mut self.bought, cell, to);
            add64(&mut self.spent, cell, spent);
        }
        if let Some(cell) = self.cell(d.window, seller) {
            add(&mut self.sold_gross, cell, from);
            add64(&mut self.earned, cell, d.paid.0);
        }
        self.check_limits(n, block, seller, buyer, d, spent);
        if d.kind == TradeKind::Spot {
            let key = (d.window.0 << 32) | u64::from(buyer);
            let sellers = self.needs.entry(key).or_default();
            if *sellers == 0 {
                self.needs_served = self.needs_served.saturating_add(1);
            }
            *sellers = sellers.saturating_add(1);
        }
    }

    /// Invariant 8: the owner's limits hold.
    fn check_limits(
        &mut self,
        n: &Neighbourhood,
        block: BlockRef,
        seller: u32,
        buyer: u32,
        d: &Delivered,
        spent: u64,
    ) {
        let day = block.time.0 / 86_400;
        let index = |h: u32| usize::try_from(h).unwrap_or(usize::MAX);
        let mut today = |h: u32, bought: u64, sold: u64, spent: u64| {
            let slot = self.today.get_mut(index(h))?;
            if slot.day != day {
                *slot = Today {
                    day,
                    ..Today::default()
                };
            }
            slot.bought = slot.bought.saturating_add(bought);
            slot.sold = slot.sold.saturating_add(sold);
            slot.spent = slot.spent.saturating_add(spent);
            Some(*slot)
        };
        let (b, s) = (
            today(buyer, d.net.0, 0, spent),
            today(seller, 0, d.net.0, 0),
        );
        let policy = |h: u32| n.homes.get(index(h)).map(|home| &home.policy);
        let (Some(b), Some(s), Some(buys), Some(sells)) = (b, s, policy(buyer), policy(seller))
        else {
            return;
        };
        let within = |limit: Option<u64>, value: u64| limit.is_none_or(|l| value <= l);
        let spot = d.kind == TradeKind::Spot;
        let holds = buys.buy
            && sells.sell
            && within(buys.max_buy_wh_per_day.map(Wh::get), b.bought)
            && within(sells.max_sell_wh_per_day.map(Wh::get), s.sold)
            && (!spot || within(buys.max_spend_per_day.map(Micro::get), b.spent))
            // Rounding up may add one micro-unit to each of price and charge.
            && buys.max_buy_price.is_none_or(|p| spent.saturating_sub(2).saturating_mul(1000) <= p.0.saturating_mul(d.net.0))
            && sells.min_sell_price.is_none_or(|p| d.paid.0.saturating_mul(1000) >= p.0.saturating_mul(d.net.0).saturating_sub(1000));
        self.check(holds, || {
            format!(
                "window {}: a limit of home {buyer} or {seller} is broken by {d:?}",
                d.window
            )
        });
    }

    /// Invariant 5: the log is a hash chain.
    fn take_closed(&mut self, registry: &Table, t: &TradeClosed) {
        self.head = record_digest(&self.head, &TradeRecord::from(t));
        let (head, sequence) = (self.head, t.sequence);
        self.check(head == t.head && sequence == self.trades(), || {
            format!("trade {sequence}: the log is broken")
        });
        self.orders.remove(&(t.buyer, t.trade_id));
        let number = |m: &MeterId| registry.number(m).unwrap_or(u32::MAX);
        if !t.missed.is_zero() {
            let between = (number(&t.seller), number(&t.buyer));
            let missed = self.missed.entry(between).or_default();
            *missed = missed.saturating_add(t.missed);
        }
        self.rows.push(TradeRow {
            sequence,
            kind: match t.kind {
                TradeKind::Spot => RowKind::Spot,
                TradeKind::Forward => RowKind::Forward,
            },
            window: t.window,
            seller: number(&t.seller),
            buyer: number(&t.buyer),
            asked: t.asked,
            arrived: t.arrived,
            declined: t.declined,
            lost: t.lost,
            price: t.price,
            paid: t.paid,
            charge: t.charge,
            fee: self.till.close(t.buyer, t.trade_id),
            requested: t.requested_at,
            closed: t.closed_at,
        });
    }
}

fn add(series: &mut [u32], cell: usize, value: u32) {
    if let Some(slot) = series.get_mut(cell) {
        *slot = slot.saturating_add(value);
    }
}

fn add64(series: &mut [u64], cell: usize, value: u64) {
    if let Some(slot) = series.get_mut(cell) {
        *slot = slot.saturating_add(value);
    }
}
