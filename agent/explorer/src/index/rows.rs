//! What is asked of an index, and what it answers: rows as programs get them.

use rusqlite::Row as Record;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_audit::export::Row;
use wattpool_audit::trades::Trade;
use wattpool_schema::MeterId;

/// The order of a list of trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The newest first.
    #[default]
    Time,
    /// The dearest first.
    Price,
    /// The one with most energy first.
    Energy,
}

/// Where a page goes on: the sorted value of the last row before it, and its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The value.
    pub value: i64,
    /// The place.
    pub sequence: i64,
}

/// Which trades.
#[derive(Clone, Debug, Default)]
pub struct TradeFilter {
    /// Sold or bought by one of these meters.
    pub meter: Option<Prefix>,
    /// Sold by.
    pub seller: Option<MeterId>,
    /// Bought by.
    pub buyer: Option<MeterId>,
    /// `spot` or `forward`.
    pub kind: Option<&'static str>,
    /// Metered windows from this one on
    pub from: Option<u64>,
    /// and before this one.
    pub to: Option<u64>,
    /// Prices from
    pub least: Option<u64>,
    /// to.
    pub most: Option<u64>,
    /// Their order.
    pub sort: Sort,
    /// After this one.
    pub after: Option<Cursor>,
}

/// A page of trades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradePage {
    /// The trades.
    pub trades: Vec<Trade>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<Cursor>,
}

/// An event, with its number in the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// What was said, and where.
    pub row: Row,
}

/// Windows, one by one or added up. Energy in Wh, money in micro-units, prices in micro-units per kWh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WindowRow {
    /// The first window of it.
    pub window: u64,
    /// Statements.
    pub statements: i64,
    /// Surplus that became tokens.
    pub minted: i64,
    /// Surplus stated late, as feed-in credit.
    pub late: i64,
    /// Import that devices showed for purchases.
    pub covered: i64,
    /// Sent for trades.
    pub sent: i64,
    /// Arrived.
    pub arrived: i64,
    /// Lost on the way: sent less arrived.
    pub lost: i64,
    /// Not sold: surplus that became tokens less what was sent.
    pub unsold: i64,
    /// Paid to sellers.
    pub paid: i64,
    /// Network charges.
    pub charges: i64,
    /// Closed trades whose first window it is.
    pub trades: i64,
    /// Paid for a kWh that arrived, rounded down; none: nothing arrived.
    pub mean_price: Option<i64>,
    /// The lowest price of a closed trade with energy,
    pub low_price: Option<i64>,
    /// and the highest.
    pub top_price: Option<i64>,
}

/// How windows are added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// Not at all.
    #[default]
    Window,
    /// By the hour (UTC).
    Hour,
    /// By the day (UTC).
    Day,
}

/// A meter. Energy in Wh, money in micro-units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeterRow {
    /// Its pseudonym, 32 hexadecimal digits.
    pub meter: String,
    /// Its owner's address; none: it was registered before the index begins.
    pub owner: Option<String>,
    /// Its zone.
    pub zone: Option<u16>,
    /// What is behind it.
    pub kind: Option<String>,
    /// Most that it exports in a window.
    pub max_export: Option<i64>,
    /// Most that it imports in a window.
    pub max_import: Option<i64>,
    /// Block in which it was registered first.
    pub registered: Option<i64>,
    /// Out of service.
    pub retired: bool,
    /// A notice of the registrar runs: Unix time from which it can be carried out.
    pub notice: Option<i64>,
    /// That notice is to retire it.
    pub notice_retires: Option<bool>,
    /// The owner objected, and nobody decided yet.
    pub objected: bool,
    /// Statements.
    pub statements: i64,
    /// Last window stated.
    pub stated_to: Option<i64>,
    /// Surplus that became tokens,
    pub minted: i64,
    /// and that was stated late.
    pub late: i64,
    /// Trades in which it sold,
    pub sales: i64,
    /// sent for them,
    pub sent: i64,
    /// arrived of that,
    pub sold: i64,
    /// earned.
    pub earned: i64,
    /// Trades in which it bought,
    pub purchases: i64,
    /// bought,
    pub bought: i64,
    /// paid for it,
    pub spent: i64,
    /// and network charges.
    pub charges: i64,
}

/// A standing order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderRow {
    /// Who buys,
    pub buyer: String,
    /// its number for it,
    pub trade_id: u64,
    /// who sells.
    pub seller: String,
    /// First window,
    pub first: i64,
    /// last window,
    pub last: i64,
    /// Wh in each,
    pub wh: i64,
    /// price.
    pub price: i64,
    /// The buyer's money that is still held for it.
    pub locked: i64,
    /// Delivered so far,
    pub delivered: i64,
    /// paid for it with network charges.
    pub spent: i64,
    /// Block in which it was opened.
    pub opened: i64,
    /// `open`, `cancelled` or `closed`.
    pub state: String,
}

/// A hold of an account's feed-in credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HoldRow {
    /// The account.
    pub owner: String,
    /// First window in which held credit was stated,
    pub first: i64,
    /// and last.
    pub last: i64,
    /// `readings_differ`, `meter_fault` or `tampering`.
    pub reason: String,
    /// Unix time at which it was set,
    pub set_at: i64,
    /// and from which on it is over; none: the regulator has confirmed it.
    pub until: Option<i64>,
    /// What it has set aside and nobody struck out, micro-units,
    pub held: i64,
    /// and what was struck out.
    pub struck: i64,
    /// `held`, `confirmed`, `released` or `struck`; a `held` one is over at `until`.
    pub state: String,
}

/// Who asked the highest price of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setter {
    /// The seller.
    pub meter: String,
    /// Windows in which its price was the highest.
    pub windows: i64,
}

/// Fees of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DayFees {
    /// Its first second, Unix time.
    pub day: i64,
    /// Transactions on the chain, those of others included,
    pub transactions: i64,
    /// those that failed,
    pub failed: i64,
    /// gas used,
    pub gas: i64,
    /// fees paid, micro-units.
    pub fees: i64,
}

pub(super) const WINDOW: &str = "min(window), sum(statements), sum(minted), sum(late), sum(covered), sum(sent), sum(arrived), sum(paid), sum(charges), \
    sum(trades), min(low_price), max(top_price)";

pub(super) fn window(row: &Record<'_>) -> rusqlite::Result<WindowRow> {
    let (minted, sent, arrived): (i64, i64, i64) = (row.get(2)?, row.get(5)?, row.get(6)?);
    let paid: i64 = row.get(7)?;
    let mean = i128::from(paid)
        .saturating_mul(1_000)
        .checked_div(i128::from(arrived));
    Ok(WindowRow {
        window: row.get::<_, i64>(0).map(|n| n.unsigned_abs())?,
        statements: row.get(1)?,
        minted,
        late: row.get(3)?,
        covered: row.get(4)?,
        sent,
        arrived,
        lost: sent.saturating_sub(arrived),
        unsold: minted.saturating_sub(sent),
        paid,
        charges: row.get(8)?,
        trades: row.get(9)?,
        mean_price: mean.and_then(|m| i64::try_from(m).ok()),
        low_price: row.get(10)?,
        top_price: row.get(11)?,
    })
}

pub(super) const METER: &str = "id, owner, zone, kind, max_export, max_import, registered, retired, notice, notice_retires, objected, statements, stated_to, \
    minted, late, sales, sent, sold, earned, purchases, bought, spent, charges";

pub(super) fn meter(row: &Record<'_>) -> rusqlite::Result<MeterRow> {
    Ok(MeterRow {
        meter: hex::encode(row.get::<_, [u8; 16]>(0)?),
        owner: row.get(1)?,
        zone: row.get(2)?,
        kind: row.get(3)?,
        max_export: row.get(4)?,
        max_import: row.get(5)?,
        registered: row.get(6)?,
        retired: row.get(7)?,
        notice: row.get(8)?,
        notice_retires: row.get(9)?,
        objected: row.get(10)?,
        statements: row.get(11)?,
        stated_to: row.get(12)?,
        minted: row.get(13)?,
        late: row.get(14)?,
        sales: row.get(15)?,
        sent: row.get(16)?,
        sold: row.get(17)?,
        earned: row.get(18)?,
        purchases: row.get(19)?,
        bought: row.get(20)?,
        spent: row.get(21)?,
        charges: row.get(22)?,
    })
}

/// Meters whose id begins with some hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub(super) low: [u8; 16],
    pub(super) high: [u8; 16],
}

impl Prefix {
    /// All meters.
    pub const ALL: Self = Self {
        low: [0; 16],
        high: [0xff; 16],
    };

    /// Of hexadecimal digits, at most 32 of them.
    pub fn parse(digits: &str) -> Option<Self> {
        let padded = |with: &str| {
            let rest = 32_usize.checked_sub(digits.len())?;
            let mut id = [0; 16];
            hex::decode_to_slice(format!("{digits}{}", with.repeat(rest)), &mut id).ok()?;
            Some(id)
        };
        if !digits.is_ascii() {
            return None;
        }
        Some(Self {
            low: padded("0")?,
            high: padded("f")?,
        })
    }
}
