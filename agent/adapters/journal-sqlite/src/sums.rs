//! What a meter used, traded, paid and earned in spans of time, added up from the figures of its windows.

use crate::beside::first_from;
use crate::figures::signed;
use crate::history::HistoryReader;
use crate::schema::failed;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use wattpool_core::ports::home::JournalError;
use wattpool_schema::{MeterId, Micro, Seconds, Wh, Window, WH_PER_KWH};

/// Most spans of one question.
pub const MOST_SPANS: usize = 400;

/// What one span of time came to. A window counts where it begins. Money without trading, with it and saved are known
/// for windows of known tariffs alone; the others are counted in `unpriced`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Sums {
    /// First second.
    pub from: Seconds,
    /// First second after it.
    pub to: Seconds,
    /// Windows metered.
    pub windows: u64,
    /// Windows metered or traded whose tariffs are not known.
    pub unpriced: u64,
    /// Net export, Wh.
    pub surplus: Wh,
    /// Net import, Wh.
    pub deficit: Wh,
    /// Bought from neighbours, as it arrived, Wh.
    pub bought: Wh,
    /// Sold to neighbours, as it left, Wh.
    pub sold: Wh,
    /// Paid to sellers, micro-units.
    pub paid: Micro,
    /// Network charges paid, micro-units.
    pub charge: Micro,
    /// Earned from buyers, micro-units.
    pub earned: Micro,
    /// What the grid pays for what no neighbour took, rounded down, micro-units; in windows of known tariffs.
    pub feed_in: i64,
    /// What the same energy would have cost with the grid alone, micro-units; negative where it would have earned.
    pub without: i64,
    /// What it came to: `without` less `saved`, micro-units.
    pub with: i64,
    /// What trading saved, rounded down, micro-units.
    pub saved: i64,
}

/// One window.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct WindowRow {
    /// Its index.
    pub window: Window,
    /// First second.
    pub from: Seconds,
    /// Net export, Wh; none: not metered.
    pub surplus: Option<Wh>,
    /// Net import, Wh; none: not metered.
    pub deficit: Option<Wh>,
    /// What the grid asks, micro-units per kWh; none: not known.
    pub import: Option<i64>,
    /// What the grid pays, micro-units per kWh; none: not known.
    pub feed_in: Option<i64>,
    /// Bought, as it arrived, Wh.
    pub bought: Wh,
    /// Sold, as it left, Wh.
    pub sold: Wh,
    /// Paid to sellers, micro-units.
    pub paid: Micro,
    /// Network charges paid, micro-units.
    pub charge: Micro,
    /// Earned, micro-units.
    pub earned: Micro,
}

/// Sums that are not rounded yet: money is in micro-units times Wh per kWh.
#[derive(Clone, Copy, Default)]
struct Exact {
    sums: Sums,
    without: i128,
    saved: i128,
    feed_in: i128,
}

const KWH: i128 = WH_PER_KWH as i128;

impl Exact {
    fn rounded(self) -> Sums {
        let micro = |exact: i128| i64::try_from(exact.div_euclid(KWH)).unwrap_or(i64::MAX);
        let (without, saved) = (micro(self.without), micro(self.saved));
        Sums {
            without,
            saved,
            with: without.saturating_sub(saved),
            feed_in: micro(self.feed_in),
            ..self.sums
        }
    }
}

/// A number of the file that cannot be negative.
fn count(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

/// Deliveries of a meter, added up by window: bought, sold, paid, charge, earned.
const DEALS: &str = "
    SELECT window,
           sum(CASE WHEN buyer = ?1 THEN net ELSE 0 END),
           sum(CASE WHEN seller = ?1 THEN gross ELSE 0 END),
           sum(CASE WHEN buyer = ?1 THEN paid ELSE 0 END),
           sum(CASE WHEN buyer = ?1 THEN charge ELSE 0 END),
           sum(CASE WHEN seller = ?1 THEN paid ELSE 0 END)
    FROM deliveries WHERE window >= ?2 AND window < ?3 AND (buyer = ?1 OR seller = ?1) GROUP BY window";

impl HistoryReader {
    /// Sums of a meter over the spans between ascending times. Windows last `len` seconds.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sums(
        &self,
        me: MeterId,
        len: u32,
        edges: &[Seconds],
    ) -> Result<Vec<Sums>, JournalError> {
        let mut all: Vec<Exact> = edges
            .windows(2)
            .filter_map(|pair| match pair {
                [from, to] => Some(Exact {
                    sums: Sums {
                        from: *from,
                        to: *to,
                        ..Sums::default()
                    },
                    ..Exact::default()
                }),
                _ => None,
            })
            .collect();
        let (Some(first), Some(last)) = (edges.first(), edges.last()) else {
            return Ok(Vec::new());
        };
        // Windows come in their order: the span they fall into is the last one or a later one.
        let mut at = 0;
        self.each_window(me, len, *first, *last, |row| {
            while all.get(at).is_some_and(|span| span.sums.to <= row.from) {
                at = at.saturating_add(1);
            }
            if let Some(span) = all.get_mut(at) {
                add(span, &row);
            }
        })?;
        Ok(all.into_iter().map(Exact::rounded).collect())
    }

    /// Windows that begin in a span of time and were metered, traded or priced, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn windows(
        &self,
        me: MeterId,
        len: u32,
        from: Seconds,
        to: Seconds,
        most: usize,
    ) -> Result<Vec<WindowRow>, JournalError> {
        let mut rows = Vec::new();
        self.each_window(me, len, from, to, |row| {
            if rows.len() < most {
                rows.push(row);
            }
        })?;
        Ok(rows)
    }

    /// The last window of known tariffs: what the grid asks and pays, micro-units per kWh.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_tariffs(&self) -> Result<Option<(Window, i64, i64)>, JournalError> {
        let mut select = self
            .db
            .prepare(
                "SELECT window, import, feed_in FROM windows WHERE import IS NOT NULL AND feed_in IS NOT NULL
                 ORDER BY window DESC LIMIT 1",
            )
            .map_err(|e| failed(&self.file, e))?;
        let mut rows = select.query([]).map_err(|e| failed(&self.file, e))?;
        let Some(row) = rows.next().map_err(|e| failed(&self.file, e))? else {
            return Ok(None);
        };
        let read = || Ok((Window(count(row.get(0)?)), row.get(1)?, row.get(2)?));
        read()
            .map(Some)
            .map_err(|e: rusqlite::Error| failed(&self.file, e))
    }

    pub(crate) fn each_window(
        &self,
        me: MeterId,
        len: u32,
        from: Seconds,
        to: Seconds,
        mut each: impl FnMut(WindowRow),
    ) -> Result<(), JournalError> {
        let first_from = |time| signed(first_from(time, len).0);
        let query = format!(
            "WITH deals (window, bought, sold, paid, charge, earned) AS ({DEALS})
             SELECT w.window, surplus, deficit, import, feed_in, bought, sold, paid, charge, earned
             FROM windows w LEFT JOIN deals d ON d.window = w.window
             WHERE w.window >= ?2 AND w.window < ?3
             UNION ALL
             SELECT window, NULL, NULL, NULL, NULL, bought, sold, paid, charge, earned
             FROM deals WHERE window NOT IN (SELECT window FROM windows)
             ORDER BY 1"
        );
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let mut select = self.db.prepare(&query).map_err(fail)?;
        let mut rows = select
            .query(params![me.to_string(), first_from(from), first_from(to)])
            .map_err(fail)?;
        while let Some(row) = rows.next().map_err(fail)? {
            let number = |at: usize| row.get::<_, Option<i64>>(at).map_err(fail);
            let sum = |at: usize| number(at).map(|n| n.map_or(0, count));
            let window = Window(sum(0)?);
            each(WindowRow {
                window,
                from: window.start(len),
                surplus: number(1)?.map(count).map(Wh),
                deficit: number(2)?.map(count).map(Wh),
                import: number(3)?,
                feed_in: number(4)?,
                bought: Wh(sum(5)?),
                sold: Wh(sum(6)?),
                paid: Micro(sum(7)?),
                charge: Micro(sum(8)?),
                earned: Micro(sum(9)?),
            });
        }
        Ok(())
    }
}

/// Adds a window to a span. A purchase replaces the grid's import, a sale the grid's feed-in.
fn add(span: &mut Exact, row: &WindowRow) {
    let sums = &mut span.sums;
    let metered = row.surplus.is_some() && row.deficit.is_some();
    let traded = !row.bought.is_zero() || !row.sold.is_zero();
    if metered {
        sums.windows = sums.windows.saturating_add(1);
    }
    let (surplus, deficit) = (
        row.surplus.unwrap_or_default(),
        row.deficit.unwrap_or_default(),
    );
    sums.surplus = sums.surplus.saturating_add(surplus);
    sums.deficit = sums.deficit.saturating_add(deficit);
    sums.bought = sums.bought.saturating_add(row.bought);
    sums.sold = sums.sold.saturating_add(row.sold);
    sums.paid = sums.paid.saturating_add(row.paid);
    sums.charge = sums.charge.saturating_add(row.charge);
    sums.earned = sums.earned.saturating_add(row.earned);
    let (Some(import), Some(feed_in)) = (row.import, row.feed_in) else {
        if metered || traded {
            sums.unpriced = sums.unpriced.saturating_add(1);
        }
        return;
    };
    let times = |wh: Wh, tariff: i64| i128::from(wh.0).saturating_mul(i128::from(tariff));
    let money = |micro: Micro| i128::from(micro.0).saturating_mul(KWH);
    span.without = span
        .without
        .saturating_add(times(deficit, import))
        .saturating_sub(times(surplus, feed_in));
    let rest = surplus.saturating_sub(row.sold);
    span.feed_in = span.feed_in.saturating_add(times(rest, feed_in));
    span.saved = span
        .saved
        .saturating_add(times(row.bought, import))
        .saturating_sub(times(row.sold, feed_in))
        .saturating_add(money(row.earned))
        .saturating_sub(money(row.paid))
        .saturating_sub(money(row.charge));
}
