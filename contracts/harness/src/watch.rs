//! Running totals of what the contracts reported, so that checking the invariants stays cheap. What must
//! hold of single events is checked as they pass.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use wattpool_rules::payment::payment;
use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::event::{Delivered, MarketEvent, TradeClosed};
use wattpool_schema::record::record_digest;
use wattpool_schema::{Digest32, MeterId, TradeKind, Window, RECORD_VERSION};

/// Energy of one window as reported, Wh; money in micro-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSums {
    /// Stated and tokenised.
    pub minted: u64,
    /// Stated without tokens.
    pub late: u64,
    /// Left the sellers.
    pub gross: u64,
    /// Arrived.
    pub net: u64,
    /// Paid to sellers.
    pub paid: u64,
}

/// What has been seen.
#[derive(Default)]
pub struct Watch {
    stated: HashSet<(MeterId, Window)>,
    credited: HashSet<(String, Window)>,
    trades_so_far: HashMap<(MeterId, u64), (u64, u64, u64, u64)>,
    /// Sums by window.
    pub windows: BTreeMap<Window, WindowSums>,
    /// Who ever had an account at the escrow.
    pub accounts: BTreeSet<String>,
    /// Coins sent without a message, by receiver.
    pub gifts: BTreeMap<String, u128>,
    /// Deposits less withdrawals and charges paid out.
    pub in_escrow: i128,
    /// Money funded into the feed-in reserve.
    pub funded: u128,
    /// Feed-in credit turned into money.
    pub feed_in: u128,
    /// Feed-in money paid.
    pub feed_in_paid: u128,
    /// Closed trades.
    pub closed: u64,
    /// Head of the hash chain as recomputed.
    pub head: Digest32,
    /// Orders opened.
    pub opened: u64,
    /// Chunks of standing orders delivered.
    pub chunks: u64,
    /// Windows of standing orders missed by their sellers.
    pub missed: u64,
}

impl Watch {
    /// Takes in the events of one transaction; panics when one contradicts those before.
    pub fn observe(&mut self, events: &[MarketEvent]) {
        for event in events {
            self.take(event);
        }
    }

    fn sums(&mut self, window: Window) -> &mut WindowSums {
        self.windows.entry(window).or_default()
    }

    fn take(&mut self, event: &MarketEvent) {
        match event {
            MarketEvent::Stated(e) => {
                assert!(
                    self.stated.insert((e.meter, e.window)),
                    "{} stated window {} twice",
                    e.meter,
                    e.window
                );
                let sums = self.sums(e.window);
                if e.minted {
                    sums.minted += e.wh.0;
                } else {
                    sums.late += e.wh.0;
                }
            }
            MarketEvent::Delivered(e) => self.delivered(e),
            MarketEvent::TradeClosed(e) => self.closed(e),
            MarketEvent::OrderOpened(_) => self.opened += 1,
            MarketEvent::OrderWindow(e) if !e.missed.is_zero() => self.missed += 1,
            MarketEvent::Deposited(e) => {
                self.in_escrow += i128::from(e.amount.0);
                self.accounts.insert(e.owner.clone());
            }
            MarketEvent::Withdrawn(e) => self.in_escrow -= i128::from(e.amount.0),
            MarketEvent::ChargesWithdrawn(e) => self.in_escrow -= i128::from(e.amount.0),
            MarketEvent::ReserveFunded(e) => self.funded += u128::from(e.amount.0),
            MarketEvent::FeedInCredited(e) => {
                self.feed_in += u128::from(e.amount.0);
                assert!(
                    e.late || self.credited.insert((e.owner.clone(), e.window)),
                    "window {} was credited to {} twice",
                    e.window,
                    e.owner
                );
            }
            MarketEvent::FeedInPaid(e) => self.feed_in_paid += u128::from(e.amount.0),
            _ => {}
        }
    }

    fn delivered(&mut self, e: &Delivered) {
        assert!(!e.net.is_zero(), "nothing was delivered: {e:?}");
        assert!(e.gross >= e.net, "more arrived than was sent: {e:?}");
        self.accounts.insert(e.seller_owner.clone());
        self.accounts.insert(e.buyer_owner.clone());
        self.chunks += u64::from(e.kind == TradeKind::Forward);
        let sums = self.sums(e.window);
        sums.gross += e.gross.0;
        sums.net += e.net.0;
        sums.paid += e.paid.0;
        let trade = self.trades_so_far.entry((e.buyer, e.trade_id)).or_default();
        trade.0 += e.net.0;
        trade.1 += e.gross.0;
        trade.2 += e.paid.0;
        trade.3 += e.charge.0;
    }

    /// A closed trade says what its chunks said, is paid by what arrived, and continues the hash chain.
    fn closed(&mut self, e: &TradeClosed) {
        let (net, gross, paid, charge) = self
            .trades_so_far
            .remove(&(e.buyer, e.trade_id))
            .unwrap_or_default();
        let record = record_of(e);
        assert_eq!(record.arrived.0, net, "{e:?}");
        assert_eq!(record.lost.0, gross - net, "{e:?}");
        assert_eq!(record.paid.0, paid, "{e:?}");
        assert_eq!(record.charge.0, charge, "{e:?}");
        assert_eq!(payment(record.arrived, record.price), Ok(record.paid));
        let known = record.arrived.0 + record.declined.0 + record.missed.0;
        assert!(known <= record.asked.0, "more than was asked: {e:?}");
        if record.kind == TradeKind::Spot {
            assert_eq!((record.arrived, record.count), (record.asked, 1));
        }
        assert_eq!(record.sequence, self.closed, "a gap in the log");
        self.closed += 1;
        self.head = record_digest(&self.head, &record);
        assert_eq!(self.head, e.head, "the hash chain is broken");
    }

    /// Trades that have delivered and are not closed.
    pub fn running(&self) -> usize {
        self.trades_so_far.len()
    }
}

/// The record that an event reports.
pub fn record_of(e: &TradeClosed) -> TradeRecord {
    TradeRecord {
        version: RECORD_VERSION,
        sequence: e.sequence,
        kind: e.kind,
        trade_id: e.trade_id,
        buyer: e.buyer,
        seller: e.seller,
        nonce: e.nonce,
        window: e.window,
        count: e.count,
        asked: e.asked,
        arrived: e.arrived,
        declined: e.declined,
        missed: e.missed,
        lost: e.lost,
        price: e.price,
        paid: e.paid,
        charge: e.charge,
        requested_at: e.requested_at,
        closed_at: e.closed_at,
    }
}
