//! Questions to the index. Every answer is bounded.

use super::rows::{
    meter, window, Cursor, DayFees, Entry, HoldRow, MeterRow, OrderRow, Prefix, Setter, Sort,
    TradeFilter, TradePage, WindowRow, METER, WINDOW,
};
use super::write::{bits, int};
use super::{progress, IndexError, Progress};
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter, Connection, OpenFlags, OptionalExtension, Row as Record};
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

    /// Holds of feed-in credit, the newest first, at most [`PAGE`].
    ///
    /// # Errors
    /// As [`Self::progress`].
    pub fn holds(&self) -> Result<Vec<HoldRow>, IndexError> {
        let sql = format!("SELECT owner, first, last, reason, set_at, until, held, struck, state FROM holds ORDER BY set_at DESC, owner, first LIMIT {PAGE}");
        self.all(&sql, [], |r| {
            Ok(HoldRow {
                owner: r.get(0)?,
                first: r.get(1)?,
                last: r.get(2)?,
                reason: r.get(3)?,
                set_at: r.get(4)?,
                until: r.get(5)?,
                held: r.get(6)?,
                struck: r.get(7)?,
                state: r.get(8)?,
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
