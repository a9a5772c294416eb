//! Closed trades, as a list.

use crate::export::{Row, Said};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_schema::event::{MarketEvent as E, TradeClosed};
use wattpool_schema::{MeterId, Micro, Price, TradeKind, Wh, Window};

/// A closed trade. Energy in Wh, money in micro-units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trade {
    /// Its place in the log of all trades, from 0.
    pub sequence: u64,
    /// Time of the block in which it was closed, unix seconds.
    pub time: u64,
    /// That block.
    pub height: u64,
    /// Place of the transaction in it.
    pub tx: u32,
    /// Spot or standing order.
    pub kind: TradeKind,
    /// The buyer's number for it.
    pub trade_id: u64,
    /// The metered window, or a standing order's first
    pub window: Window,
    /// and how many of them.
    pub count: u32,
    /// Who bought.
    pub buyer: MeterId,
    /// Who sold.
    pub seller: MeterId,
    /// Asked for.
    pub asked: Wh,
    /// Arrived.
    pub arrived: Wh,
    /// Lost on the way.
    pub lost: Wh,
    /// Per arriving kWh.
    pub price: Price,
    /// To the seller.
    pub paid: Micro,
    /// To the network.
    pub charge: Micro,
}

impl Trade {
    /// What `row` says of a trade.
    pub fn of(row: &Row, e: &TradeClosed) -> Self {
        Self {
            sequence: e.sequence,
            time: row.time,
            height: row.height,
            tx: row.tx,
            kind: e.kind,
            trade_id: e.trade_id,
            window: e.window,
            count: e.count,
            buyer: e.buyer,
            seller: e.seller,
            asked: e.asked,
            arrived: e.arrived,
            lost: e.lost,
            price: e.price,
            paid: e.paid,
            charge: e.charge,
        }
    }
}

/// What a list begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The first that was closed.
    #[default]
    Time,
    /// The dearest.
    Price,
    /// The one with most energy arrived.
    Energy,
}

/// Collects trades.
#[derive(Clone, Debug, Default)]
pub struct Trades {
    meter: Option<MeterId>,
    all: Vec<Trade>,
}

impl Trades {
    /// Of a meter that sells or buys, or of all.
    pub const fn new(meter: Option<MeterId>) -> Self {
        Self {
            meter,
            all: Vec::new(),
        }
    }

    /// Takes a row.
    pub fn take(&mut self, row: &Row) {
        let Said::Event(event) = &row.said else {
            return;
        };
        let E::TradeClosed(e) = event.as_ref() else {
            return;
        };
        if self.meter.is_some_and(|m| m != e.buyer && m != e.seller) {
            return;
        }
        self.all.push(Trade::of(row, e));
    }

    /// The list; those that are alike in the chain's order.
    pub fn sorted(mut self, by: Sort) -> Vec<Trade> {
        use std::cmp::Reverse;
        match by {
            Sort::Time => {}
            Sort::Price => self.all.sort_by_key(|t| Reverse(t.price)),
            Sort::Energy => self.all.sort_by_key(|t| Reverse(t.arrived)),
        }
        self.all
    }
}
