//! Questions to the index. Every answer is bounded.

use super::write::{bits, int};
use super::{progress, IndexError, Progress};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter, Connection, OpenFlags, OptionalExtension, Row as Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use wattpool_audit::export::{Row, State};
use wattpool_audit::trades::Trade;
use wattpool_schema::{Digest32, MeterId};

/// Most rows of a page.
pub const PAGE: u32 = 200;
/// Most points of a chart.
pub const POINTS: u32 = 1_000;

/// An index that is read, while it may be written elsewhere.
pub struct Reader {
    db: Connection,
}

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

const WINDOW: &str = "min(window), sum(statements), sum(minted), sum(late), sum(covered), sum(sent), sum(arrived), sum(paid), sum(charges), \
    sum(trades), min(low_price), max(top_price)";

fn window(row: &Record<'_>) -> rusqlite::Result<WindowRow> {
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

const METER: &str = "id, owner, zone, kind, max_export, max_import, registered, retired, notice, notice_retires, objected, statements, stated_to, \
    minted, late, sales, sent, sold, earned, purchases, bought, spent, charges";

fn meter(row: &Record<'_>) -> rusqlite::Result<MeterRow> {
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
    low: [u8; 16],
    high: [u8; 16],
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

impl Reader {
    /// Opens an index to be read.
    ///
    /// # Errors
    /// It is not there.
    pub fn open(file: &Path) -> Result<Self, IndexError> {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(Self { db })
    }

    /// How far it is.
    ///
    /// # Errors
    /// As every question: the database cannot be read.
    pub fn progress(&self) -> Result<Progress, IndexError> {
        progress(&self.db)
    }

    fn all<T>(
        &self,
        sql: &str,
        with: impl rusqlite::Params,
        read: impl FnMut(&Record<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        let mut asked = self.db.prepare_cached(sql)?;
        let rows = asked.query_map(with, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Every event in the chain's order, with what a file said of the state at its end.
    ///
    /// # Errors
    /// As [`Self::progress`], or `each` fails.
    pub fn replay<E: From<IndexError>>(
        &self,
        mut each: impl FnMut(Row) -> Result<(), E>,
        mut state: impl FnMut(State) -> Result<(), E>,
    ) -> Result<(), E> {
        let broken = |e: rusqlite::Error| E::from(IndexError::from(e));
        let read =
            |text: String| serde_json::from_str(&text).map_err(|e| E::from(IndexError::from(e)));
        let mut asked = self
            .db
            .prepare_cached("SELECT row FROM events ORDER BY id")
            .map_err(broken)?;
        let mut rows = asked.query([]).map_err(broken)?;
        while let Some(row) = rows.next().map_err(broken)? {
            each(read(row.get(0).map_err(broken)?)?)?;
        }
        for text in self.all("SELECT state FROM states ORDER BY id", [], |r| {
            r.get::<_, String>(0)
        })? {
            state(serde_json::from_str(&text).map_err(IndexError::from)?)?;
        }
        Ok(())
    }

    /// Named sums of the market's money, and its last tariffs.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn sums(&self) -> Result<BTreeMap<String, i64>, IndexError> {
        let rows = self.all("SELECT name, value FROM sums", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// How many rows a list has altogether.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn counts(&self) -> Result<BTreeMap<&'static str, i64>, IndexError> {
        let mut found = BTreeMap::new();
        for (name, sql) in [
            ("events", "SELECT coalesce(max(id), 0) FROM events"),
            ("trades", "SELECT count(*) FROM trades"),
            ("windows", "SELECT count(*) FROM windows"),
            ("meters", "SELECT count(*) FROM meters"),
            ("retired", "SELECT count(*) FROM meters WHERE retired"),
            (
                "orders",
                "SELECT count(*) FROM orders WHERE state <> 'closed'",
            ),
            (
                "locked",
                "SELECT coalesce(sum(locked), 0) FROM orders WHERE state <> 'closed'",
            ),
            ("disputed", "SELECT count(*) FROM meters WHERE objected"),
            (
                "noticed",
                "SELECT count(*) FROM meters WHERE notice IS NOT NULL",
            ),
        ] {
            let count = self.db.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
            found.insert(name, count);
        }
        Ok(found)
    }

    /// Trades, a page of at most [`PAGE`].
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn trades(&self, filter: &TradeFilter, limit: u32) -> Result<TradePage, IndexError> {
        let mut conditions: Vec<&str> = Vec::new();
        let mut with: Vec<Value> = Vec::new();
        if let Some(Prefix { low, high }) = filter.meter {
            let ids = || [low, high].map(|id| Value::Blob(id.to_vec()));
            if low == high {
                conditions.push("(seller = ? OR buyer = ?)");
                with.extend(ids());
            } else {
                conditions.push("((seller >= ? AND seller <= ?) OR (buyer >= ? AND buyer <= ?))");
                with.extend(ids().into_iter().chain(ids()));
            }
        }
        for (meter, condition) in [(filter.seller, "seller = ?"), (filter.buyer, "buyer = ?")] {
            if let Some(meter) = meter {
                conditions.push(condition);
                with.push(Value::Blob(meter.0.to_vec()));
            }
        }
        if let Some(kind) = filter.kind {
            conditions.push("kind = ?");
            with.push(Value::Text(kind.to_owned()));
        }
        for (number, condition) in [
            (filter.from, "window >= ?"),
            (filter.to, "window < ?"),
            (filter.least, "price >= ?"),
            (filter.most, "price <= ?"),
        ] {
            if let Some(number) = number {
                conditions.push(condition);
                with.push(Value::Integer(int(number)));
            }
        }
        let (column, after) = match filter.sort {
            Sort::Time => ("sequence", "sequence < ?"),
            Sort::Price => ("price", "(price, sequence) < (?, ?)"),
            Sort::Energy => ("arrived", "(arrived, sequence) < (?, ?)"),
        };
        if let Some(cursor) = filter.after {
            conditions.push(after);
            if filter.sort != Sort::Time {
                with.push(Value::Integer(cursor.value));
            }
            with.push(Value::Integer(cursor.sequence));
        }
        let condition = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        let limit = limit.clamp(1, PAGE);
        with.push(Value::Integer(i64::from(limit).saturating_add(1)));
        let sql = format!("SELECT trade, {column}, sequence FROM trades {condition} ORDER BY {column} DESC, sequence DESC LIMIT ?");
        let read = |r: &Record<'_>| {
            let cursor = Cursor {
                value: r.get(1)?,
                sequence: r.get(2)?,
            };
            Ok((r.get::<_, String>(0)?, cursor))
        };
        let mut rows = self.all(&sql, params_from_iter(with), read)?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.pop();
        }
        let next = rows.last().map(|(_, cursor)| *cursor).filter(|_| more);
        let read = rows.iter().map(|(text, _)| Ok(serde_json::from_str(text)?));
        Ok(TradePage {
            trades: read.collect::<Result<_, IndexError>>()?,
            next,
        })
    }

    /// A trade, and the heads of the log before and after it.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn trade(
        &self,
        sequence: u64,
    ) -> Result<Option<(Trade, Option<Digest32>, Digest32)>, IndexError> {
        let mut asked = self
            .db
            .prepare_cached("SELECT trade, head FROM trades WHERE sequence = ?1")?;
        let read = |r: &Record<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, [u8; 32]>(1)?));
        let Some((text, head)) = asked.query_row([int(sequence)], read).optional()? else {
            return Ok(None);
        };
        let before = match sequence.checked_sub(1) {
            None => Some(Digest32([0; 32])),
            Some(before) => asked
                .query_row([int(before)], |r| r.get(1))
                .optional()?
                .map(Digest32),
        };
        Ok(Some((serde_json::from_str(&text)?, before, Digest32(head))))
    }

    /// What was said of a trade or order, the oldest first, at most [`POINTS`].
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn of_trade(&self, buyer: MeterId, trade_id: u64) -> Result<Vec<Entry>, IndexError> {
        let sql =
            "SELECT id, row FROM events WHERE buyer = ?1 AND trade_id = ?2 ORDER BY id LIMIT ?3";
        self.entries(sql, params![buyer.0, bits(trade_id), POINTS])
    }

    fn entries(&self, sql: &str, with: impl rusqlite::Params) -> Result<Vec<Entry>, IndexError> {
        let rows = self.all(sql, with, |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))?;
        let read = rows.into_iter().map(|(id, text)| {
            Ok(Entry {
                id,
                row: serde_json::from_str(&text)?,
            })
        });
        read.collect()
    }

    /// Events of some names and of a meter, the newest first, before one.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn events(
        &self,
        names: &[&str],
        about: Option<MeterId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Entry>, IndexError> {
        let limit = limit.clamp(1, PAGE);
        let before = before.unwrap_or(i64::MAX);
        match about {
            Some(meter) => {
                // Both sides by their own index.
                let sql = "SELECT id, row FROM (SELECT id, row, name FROM events WHERE meter = ?1 AND id < ?2 UNION SELECT id, row, name FROM events WHERE buyer = ?1 AND id < ?2) \
                    ORDER BY id DESC LIMIT ?3";
                if names.is_empty() {
                    return self.entries(sql, params![meter.0, before, limit]);
                }
                let list = names.iter().map(|_| "?").collect::<Vec<_>>().join(",");
                let sql = format!("SELECT id, row FROM events WHERE name IN ({list}) AND id < ? AND (meter = ? OR buyer = ?) ORDER BY id DESC LIMIT ?");
                let mut with: Vec<Value> =
                    names.iter().map(|n| Value::Text((*n).to_owned())).collect();
                let id = || Value::Blob(meter.0.to_vec());
                with.extend([
                    Value::Integer(before),
                    id(),
                    id(),
                    Value::Integer(limit.into()),
                ]);
                self.entries(&sql, params_from_iter(with))
            }
            None if names.is_empty() => self.entries(
                "SELECT id, row FROM events WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
                params![before, limit],
            ),
            None => {
                let list = names.iter().map(|_| "?").collect::<Vec<_>>().join(",");
                let sql = format!("SELECT id, row FROM events WHERE name IN ({list}) AND id < ? ORDER BY id DESC LIMIT ?");
                let mut with: Vec<Value> =
                    names.iter().map(|n| Value::Text((*n).to_owned())).collect();
                with.extend([Value::Integer(before), Value::Integer(limit.into())]);
                self.entries(&sql, params_from_iter(with))
            }
        }
    }

    /// Windows from one on and before another, the newest first, at most `limit`.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn windows(
        &self,
        from: u64,
        before: u64,
        limit: u32,
    ) -> Result<Vec<WindowRow>, IndexError> {
        let sql = format!("SELECT {WINDOW} FROM windows WHERE window >= ?1 AND window < ?2 GROUP BY window ORDER BY window DESC LIMIT ?3");
        self.all(
            &sql,
            params![int(from), int(before), limit.clamp(1, POINTS)],
            window,
        )
    }

    /// Windows added up, `per` windows together, the newest [`POINTS`] of them, oldest first.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn series(
        &self,
        per: u32,
        from: u64,
        before: u64,
        points: u32,
    ) -> Result<Vec<WindowRow>, IndexError> {
        let sql = format!(
            "SELECT {WINDOW} FROM windows WHERE window >= ?1 AND window < ?2 GROUP BY window / ?3 ORDER BY window / ?3 DESC LIMIT ?4"
        );
        let with = params![int(from), int(before), per.max(1), points.clamp(1, POINTS)];
        let mut rows = self.all(&sql, with, window)?;
        rows.reverse();
        Ok(rows)
    }

    /// The newest window in which something was traded.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn last_traded(&self) -> Result<Option<WindowRow>, IndexError> {
        let sql = format!("SELECT {WINDOW} FROM windows WHERE arrived > 0 GROUP BY window ORDER BY window DESC LIMIT 1");
        Ok(self.all(&sql, [], window)?.pop())
    }

    /// All windows added up.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn total(&self) -> Result<Option<WindowRow>, IndexError> {
        let sql = format!("SELECT {WINDOW} FROM windows HAVING count(*) > 0");
        Ok(self.all(&sql, [], window)?.pop())
    }

    /// Meters whose id begins so, after one, at most [`PAGE`].
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn meters(
        &self,
        prefix: Prefix,
        after: Option<MeterId>,
        limit: u32,
    ) -> Result<Vec<MeterRow>, IndexError> {
        let Prefix { low, high } = prefix;
        let after = after.map_or_else(Vec::new, |m| m.0.to_vec());
        let sql = format!("SELECT {METER} FROM meters WHERE id >= ?1 AND id <= ?2 AND id > ?3 ORDER BY id LIMIT ?4");
        self.all(&sql, params![low, high, after, limit.clamp(1, PAGE)], meter)
    }

    /// A meter.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn meter(&self, id: MeterId) -> Result<Option<MeterRow>, IndexError> {
        let sql = format!("SELECT {METER} FROM meters WHERE id = ?1");
        Ok(self.all(&sql, [id.0], meter)?.pop())
    }

    /// Meters with a notice or an objection, at most [`PAGE`].
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn disputed(&self) -> Result<Vec<MeterRow>, IndexError> {
        let sql = format!("SELECT {METER} FROM meters WHERE objected OR notice IS NOT NULL ORDER BY id LIMIT {PAGE}");
        self.all(&sql, [], meter)
    }

    /// Standing orders, the newest first, at most [`PAGE`].
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn orders(&self) -> Result<Vec<OrderRow>, IndexError> {
        let sql = format!(
            "SELECT buyer, trade_id, seller, first, last, wh, price, locked, delivered, spent, opened, state FROM orders ORDER BY opened DESC, buyer LIMIT {PAGE}"
        );
        self.all(&sql, [], |r| {
            Ok(OrderRow {
                buyer: hex::encode(r.get::<_, [u8; 16]>(0)?),
                trade_id: u64::from_ne_bytes(r.get::<_, i64>(1)?.to_ne_bytes()),
                seller: hex::encode(r.get::<_, [u8; 16]>(2)?),
                first: r.get(3)?,
                last: r.get(4)?,
                wh: r.get(5)?,
                price: r.get(6)?,
                locked: r.get(7)?,
                delivered: r.get(8)?,
                spent: r.get(9)?,
                opened: r.get(10)?,
                state: r.get(11)?,
            })
        })
    }

    /// Who asked the highest price of a window, how often; the most frequent first, at most 20.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn setters(&self) -> Result<Vec<Setter>, IndexError> {
        let sql = "SELECT top_seller, count(*) FROM windows WHERE top_seller IS NOT NULL GROUP BY top_seller ORDER BY 2 DESC, 1 LIMIT 20";
        self.all(sql, [], |r| {
            Ok(Setter {
                meter: hex::encode(r.get::<_, [u8; 16]>(0)?),
                windows: r.get(1)?,
            })
        })
    }

    /// Fees by day, the newest first, at most 400 days.
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn fees(&self) -> Result<Vec<DayFees>, IndexError> {
        let sql = "SELECT day, sum(transactions), sum(failed), sum(gas), sum(fees) FROM blocks GROUP BY day ORDER BY day DESC LIMIT 400";
        self.all(sql, [], |r| {
            Ok(DayFees {
                day: r.get(0)?,
                transactions: r.get(1)?,
                failed: r.get(2)?,
                gas: r.get(3)?,
                fees: r.get(4)?,
            })
        })
    }
}
