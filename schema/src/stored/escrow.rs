//! What the trade escrow stores of meters' limits and counters, standing orders and closed trades.

use super::key;
use crate::escrow::{Limits, Statistics};
use crate::packed::packed;
use crate::pool::TradingMeter;
use crate::{MeterId, Micro, Ppm, Price, Seconds, Wh, Window, Zone};

/// First byte of the keys of meters' books ([`MeterBook`]); the id follows.
pub const METERS: u8 = b'm';
/// First byte of the keys of lists of meters' standing orders ([`Promises`]); the id follows.
pub const PROMISES: u8 = b'l';
/// First byte of the keys of standing orders that are not closed ([`Order`]); the buyer's id and its trade id follow.
pub const ORDERS: u8 = b'o';
/// First byte of the keys of closed trades ([`crate::escrow::TradeRecord`]); the place in the log follows.
pub const RECORDS: u8 = b't';
/// First byte of the keys of places in the log (`Option<u64>`, none for an open order) by buyer and its trade id.
pub const BY_BUYER: u8 = b'b';
/// First byte of the keys of places in the log (`Option<u64>`, none for an open order) by seller and the approval's nonce.
pub const BY_SELLER: u8 = b's';

/// Key of what a meter names by a number.
pub fn numbered(kind: u8, meter: &MeterId, number: u64) -> Vec<u8> {
    key(kind, &[&meter.0, &number.to_be_bytes()])
}

/// Key of a meter's book.
pub fn meter(meter: &MeterId) -> Vec<u8> {
    key(METERS, &[&meter.0])
}

/// Key of the list of a meter's standing orders.
pub fn promises(meter: &MeterId) -> Vec<u8> {
    key(PROMISES, &[&meter.0])
}

/// Key of a standing order.
pub fn order(buyer: &MeterId, trade_id: u64) -> Vec<u8> {
    numbered(ORDERS, buyer, trade_id)
}

/// Key of a closed trade.
pub fn record(sequence: u64) -> Vec<u8> {
    key(RECORDS, &[&sequence.to_be_bytes()])
}

/// A meter's limits, day counters and statistics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterBook {
    /// The owner's limits,
    pub limits: Limits,
    /// and the tenure they are for.
    pub tenure: Option<u64>,
    /// Locked for its standing orders.
    pub locked: Micro,
    /// UTC day (since 1970) of the counters.
    pub day: u64,
    /// Spent that day.
    pub spent: Micro,
    /// Bought that day.
    pub bought: Wh,
    /// Sold that day (sent).
    pub sold: Wh,
    /// Statistics.
    pub statistics: Statistics,
    /// Of a window: import shown to all its standing orders and not delivered by them.
    pub shown: (Window, Wh),
    /// Of a window: sent outside the household, until that is half of what was minted.
    pub part: (Window, Wh),
}

/// A meter's standing orders, apart from what every trade reads and writes. None is stored for a meter without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// On the selling side, in the order of opening: buyer and its trade id.
    pub sells: Vec<(MeterId, u64)>,
    /// On the buying side, in the order of opening: own trade ids.
    pub buys: Vec<u64>,
}

/// A standing order that is not closed. Its buyer and trade id are its key. It holds nothing but its buyer's money: a promise, kept by agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Selling meter.
    pub seller: MeterId,
    /// The approval's nonce.
    pub nonce: u64,
    /// First metered window.
    pub first: Window,
    /// Last metered window; before `first` when the order was cancelled before it began.
    pub last: Window,
    /// Per window.
    pub wh: Wh,
    /// Per arriving kWh, to the seller.
    pub price: Price,
    /// Loss at opening.
    pub loss: Ppm,
    /// Network charge at opening, per arriving kWh.
    pub charge: Price,
    /// The selling meter at opening.
    pub selling: Side,
    /// The buying meter at opening: its owner's money is locked.
    pub buying: Side,
    /// Both meters were of one household at opening.
    pub inside: bool,
    /// When the buyer asked.
    pub requested_at: Seconds,
    /// Locked for it.
    pub locked: Micro,
    /// Arrived, sent, paid and charged so far.
    pub totals: (Wh, Wh, Micro, Micro),
    /// Declined in windows that have passed.
    pub declined: Wh,
    /// Missed through the seller's fault in windows that have passed.
    pub missed: Wh,
    /// Of windows that count for neither side.
    pub void: Wh,
    /// When the last chunk arrived.
    pub last_chunk: Option<Seconds>,
    /// Cancelled.
    pub cancelled: bool,
    /// The window that is being delivered, and its figures.
    pub now: Current,
}

/// A side of an order as it was at its opening. When any of it changes, the order ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Owner.
    pub owner: String,
    /// The meter's tenure.
    pub tenure: u64,
    /// Its zone.
    pub zone: Zone,
}

/// Figures of the window that is being delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Which window.
    pub window: Window,
    /// Arrived in it.
    pub net: Wh,
    /// Sent in it.
    pub gross: Wh,
    /// Import shown to this order in time, and not delivered.
    pub shown: Wh,
    /// The last try in time found the seller's tokens too few for that.
    pub short: bool,
    /// The order's price is beyond what binds in this window: it counts for neither side.
    pub skipped: bool,
}

packed!(MeterBook {
    limits,
    tenure,
    locked,
    day,
    spent,
    bought,
    sold,
    statistics,
    shown,
    part
});
packed!(Promises { sells, buys });
packed!(Order {
    seller,
    nonce,
    first,
    last,
    wh,
    price,
    loss,
    charge,
    selling,
    buying,
    inside,
    requested_at,
    locked,
    totals,
    declined,
    missed,
    void,
    last_chunk,
    cancelled,
    now
});
packed!(Side {
    owner,
    tenure,
    zone
});
packed!(Current {
    window,
    net,
    gross,
    shown,
    short,
    skipped
});

impl Side {
    /// A side as it is.
    pub fn of(meter: &TradingMeter) -> Self {
        Self {
            owner: meter.owner.clone(),
            tenure: meter.tenure,
            zone: meter.zone,
        }
    }

    /// Whether the meter is still this side.
    pub fn is(&self, meter: &TradingMeter) -> bool {
        !meter.retired && self.tenure == meter.tenure && self.zone == meter.zone
    }
}

impl Current {
    /// A window of which nothing is known.
    pub const fn begin(window: Window) -> Self {
        Self {
            window,
            net: Wh::ZERO,
            gross: Wh::ZERO,
            shown: Wh::ZERO,
            short: false,
            skipped: false,
        }
    }
}
