//! A run's books, kept from the chain's events alone.

use std::collections::BTreeMap;
use wattpool_core::io::BlockRef;
use wattpool_report::outcome::{TradeKind as RowKind, TradeRow};
use wattpool_report::Outcome;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::event::{Delivered, MarketEvent, Stated, TradeClosed};
use wattpool_schema::record::record_digest;
use wattpool_schema::{Digest32, MeterId, Micro, TradeKind, Window};

use crate::household::Household;
use crate::street::net;

/// Sums of one metered window, Wh and micro-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Minted against statements.
    pub minted: u64,
    /// Stated when it was too late to mint.
    pub late: u64,
    /// Arrived by trade.
    pub net: u64,
    /// Sent for it.
    pub gross: u64,
    /// Paid to sellers.
    pub paid: u64,
    /// Credited as feed-in: expired in its owner's hands.
    pub credited: u64,
}

/// Everything that the events of a run add up to. Matrices are row-major: `[window * homes + home]`.
#[derive(Debug, Default)]
pub struct Books {
    homes: usize,
    windows: usize,
    first: Window,
    numbers: BTreeMap<MeterId, usize>,
    /// Minted per window and home.
    pub minted: Vec<u32>,
    stated: Vec<bool>,
    bought: Vec<u32>,
    sold: Vec<u32>,
    spent: Vec<u64>,
    earned: Vec<u64>,
    rows: Vec<TradeRow>,
    /// Sums per window.
    pub sums: BTreeMap<Window, Sums>,
    /// Credited as feed-in that was stated late.
    pub late_credited: u64,
    /// Head of the hash chain over the closed trades.
    pub head: Digest32,
    /// Network charges.
    pub charges: u64,
    /// Paid in by an owner, and paid out for feed-in.
    pub money: BTreeMap<String, (u64, u64)>,
    /// Items and transactions of batches that were refused, by code.
    pub refused: BTreeMap<String, u64>,
    /// What should not be.
    pub violations: Vec<String>,
}

impl Books {
    /// Adds the events up. `n`: the neighbourhood at the times of the chain.
    pub fn of(
        n: &Neighbourhood,
        households: &[Household],
        events: &[(BlockRef, MarketEvent)],
    ) -> Self {
        let cells = n.homes.len() * n.windows;
        let mut books = Self {
            homes: n.homes.len(),
            windows: n.windows,
            first: n.first_window,
            numbers: households.iter().map(|h| (h.meter, h.number)).collect(),
            minted: vec![0; cells],
            stated: vec![false; cells],
            bought: vec![0; cells],
            sold: vec![0; cells],
            spent: vec![0; cells],
            earned: vec![0; cells],
            ..Self::default()
        };
        for (_, event) in events {
            books.take(n, event);
        }
        for cell in 0..cells {
            let (window, home) = (cell / books.homes, cell % books.homes);
            if !books.stated[cell] {
                let what = format!("home {home}, window {window}: never stated");
                books.violations.push(what);
            }
        }
        books
    }

    fn take(&mut self, n: &Neighbourhood, event: &MarketEvent) {
        match event {
            MarketEvent::Stated(s) => self.take_stated(n, s),
            MarketEvent::Delivered(d) => self.take_delivered(d),
            MarketEvent::TradeClosed(t) => self.take_closed(t),
            MarketEvent::Deposited(d) => {
                self.money.entry(d.owner.clone()).or_default().0 += d.amount.0;
            }
            MarketEvent::FeedInCredited(c) => {
                // Late credit is that of the window in which it was stated.
                if c.late {
                    self.late_credited += c.wh.0;
                } else {
                    self.sums.entry(c.window).or_default().credited += c.wh.0;
                }
            }
            MarketEvent::FeedInPaid(p) => {
                self.money.entry(p.owner.clone()).or_default().1 += p.amount.0;
            }
            MarketEvent::ItemRefused(r) => {
                *self.refused.entry(r.code.clone()).or_default() += 1;
            }
            _ => {}
        }
    }

    /// Number of a meter's home; a stranger's is none.
    fn number(&mut self, meter: &MeterId) -> Option<usize> {
        let number = self.numbers.get(meter).copied();
        if number.is_none() {
            let what = format!("an event of meter {meter}, which nobody registered");
            self.violations.push(what);
        }
        number
    }

    /// A window's number, if it is one of the run.
    fn row(&self, window: Window) -> Option<usize> {
        let row = usize::try_from(window.0.checked_sub(self.first.0)?).ok()?;
        (row < self.windows).then_some(row)
    }

    fn cell(&mut self, window: Window, meter: &MeterId) -> Option<usize> {
        let home = self.number(meter)?;
        let row = self.row(window);
        if row.is_none() {
            let what = format!("home {home}: energy in window {window}, outside of the run");
            self.violations.push(what);
        }
        Some(row? * self.homes + home)
    }

    /// A statement is about what was really exported, and each window is stated once.
    fn take_stated(&mut self, n: &Neighbourhood, s: &Stated) {
        if s.wh.is_zero() && self.row(s.window).is_none() {
            return;
        }
        let Some(cell) = self.cell(s.window, &s.meter) else {
            return;
        };
        let (window, home) = (cell / self.homes, cell % self.homes);
        let (_, export) = net(&n.homes[home], window);
        if s.wh.0 != export || self.stated[cell] {
            self.violations.push(format!(
                "home {home}, window {window}: stated {} Wh of {export}, before: {}",
                s.wh, self.stated[cell]
            ));
        }
        self.stated[cell] = true;
        let sums = self.sums.entry(s.window).or_default();
        if s.minted {
            sums.minted += s.wh.0;
            self.minted[cell] += s.wh.0 as u32;
        } else {
            sums.late += s.wh.0;
        }
    }

    fn take_delivered(&mut self, d: &Delivered) {
        let sums = self.sums.entry(d.window).or_default();
        sums.net += d.net.0;
        sums.gross += d.gross.0;
        sums.paid += d.paid.0;
        self.charges += d.charge.0;
        if let Some(cell) = self.cell(d.window, &d.buyer) {
            self.bought[cell] += d.net.0 as u32;
            self.spent[cell] += d.paid.0 + d.charge.0;
        }
        if let Some(cell) = self.cell(d.window, &d.seller) {
            self.sold[cell] += d.gross.0 as u32;
            self.earned[cell] += d.paid.0;
        }
    }

    /// The log is a hash chain.
    fn take_closed(&mut self, t: &TradeClosed) {
        self.head = record_digest(&self.head, &TradeRecord::from(t));
        if self.head != t.head || t.sequence != self.trades() {
            let what = format!("trade {}: the log is broken", t.sequence);
            self.violations.push(what);
        }
        let (Some(seller), Some(buyer)) = (self.number(&t.seller), self.number(&t.buyer)) else {
            return;
        };
        self.rows.push(TradeRow {
            sequence: t.sequence,
            kind: match t.kind {
                TradeKind::Spot => RowKind::Spot,
                TradeKind::Forward => RowKind::Forward,
            },
            window: t.window,
            seller: seller as u32,
            buyer: buyer as u32,
            asked: t.asked,
            arrived: t.arrived,
            declined: t.declined,
            lost: t.lost,
            price: t.price,
            paid: t.paid,
            charge: t.charge,
            // Events do not tell fees.
            fee: Micro::default(),
            requested: t.requested_at,
            closed: t.closed_at,
        });
    }

    /// Number of closed trades.
    pub fn trades(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Spent and earned by a home in all, micro-units.
    pub fn spent_and_earned(&self, home: usize) -> (u64, u64) {
        let of = |matrix: &[u64]| matrix.iter().skip(home).step_by(self.homes.max(1)).sum();
        (of(&self.spent), of(&self.earned))
    }

    /// What is left of a home's minted energy in each window, Wh.
    pub fn unsold(&self, home: usize) -> impl Iterator<Item = u64> + '_ {
        let cells = self.minted.iter().zip(&self.sold).skip(home);
        cells
            .step_by(self.homes.max(1))
            .map(|(minted, sold)| u64::from(minted.saturating_sub(*sold)))
    }

    /// As the measures take it.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            finished_windows: self.windows,
            bought_wh: self.bought.clone(),
            sold_gross_wh: self.sold.clone(),
            spent: self.spent.clone(),
            earned: self.earned.clone(),
            // Events do not tell fees; the bank's accounts are checked for them.
            fees: vec![0; self.spent.len()],
            minted_wh: self.minted.clone(),
            trades: self.rows.clone(),
            ..Outcome::default()
        }
    }
}
