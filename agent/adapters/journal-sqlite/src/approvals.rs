//! Trades that waited for their owner, and what became of them: put together from what the agent told and what the chain closed.

use crate::history::{HistoryReader, TradeFilter, TradeRow};
use crate::schema::failed;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wattpool_core::ports::home::JournalError;
use wattpool_schema::{MeterId, Micro, Price, Seconds, TradeKind, Wh, Window};

/// Trades with one partner between a question and the end of its window, at most.
const TRADES: u32 = 100;
/// What is closed in the last block of a window is heard of within this, seconds.
const HEARD: u64 = 120;

/// What became of a trade that waited for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Its owner may still decide.
    Waiting,
    /// Nobody decided in time.
    Lapsed,
    /// The owner refused it.
    Declined,
    /// The owner accepted it, and its window still runs.
    UnderWay,
    /// The owner accepted it, and it was traded.
    Traded,
    /// The owner accepted it, and nothing came of it: the other side or the chain did not go on with it in time.
    Failed,
}

/// A trade that waited for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ApprovalRow {
    /// Its number for the decision.
    pub request: u64,
    /// Block time when it began to wait, as well as it was known.
    pub at: Seconds,
    /// Block time of the owner's decision; none: there was none.
    pub decided_at: Option<Seconds>,
    /// The other side.
    pub partner: MeterId,
    /// This meter sells.
    pub selling: bool,
    /// How much was asked for.
    pub wh: Wh,
    /// At what price, network charge and all, micro-units per kWh: as a buyer the most, as a seller what was asked then.
    pub price: Price,
    /// What became of it.
    pub fate: Fate,
    /// How much of it was traded; none: nothing was.
    pub traded: Option<Wh>,
    /// What was paid for that, of a buyer network charge included, micro-units.
    pub money: Option<Micro>,
}

/// As the agent told that it waits.
#[derive(Deserialize)]
struct Told {
    request: u64,
    partner: MeterId,
    wh: Wh,
    price: Price,
    selling: bool,
    until: Seconds,
}

#[derive(Deserialize)]
struct Waited {
    awaiting_approval: Told,
}

/// As the agent told of the decision.
#[derive(Deserialize)]
struct Word {
    request: u64,
    accept: bool,
}

#[derive(Deserialize)]
struct Decided {
    trade_decided: Word,
}

impl HistoryReader {
    /// The last trades that waited for their owner, newest first, as it stands at a time. Windows last `len` seconds.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn approvals(
        &self,
        me: MeterId,
        len: u32,
        now: Seconds,
        limit: u32,
    ) -> Result<Vec<ApprovalRow>, JournalError> {
        // Ascending, each with the number of its notice: after a restart a number may be given again.
        let mut waited: Vec<(i64, Seconds, Waited)> =
            self.told(r#"{"awaiting_approval":%"#, 0, limit)?;
        waited.reverse();
        let first = waited.first().map_or(i64::MAX, |(number, ..)| *number);
        let mut words = BTreeMap::new();
        let mut decided: Vec<(i64, Seconds, Decided)> =
            self.told(r#"{"trade_decided":%"#, first, u32::MAX)?;
        decided.reverse();
        for (number, at, word) in decided {
            let word = word.trade_decided;
            let before = waited.iter().rev().find(|(waiting, _, told)| {
                *waiting < number && told.awaiting_approval.request == word.request
            });
            if let Some((waiting, ..)) = before {
                words.entry(*waiting).or_insert((at, word.accept));
            }
        }
        let mut rows = Vec::new();
        for (number, at, told) in waited.iter().rev() {
            let (told, word) = (&told.awaiting_approval, words.get(number));
            let trade = match word {
                Some((_, false)) => None,
                _ => self.came_of(told, me, len, *at)?,
            };
            // Told by its last second: a window's end is the next one's begin.
            let window = Window::at(told.until.saturating_sub(Seconds(1)), len);
            let fate = match (word, &trade) {
                (_, Some(_)) => Fate::Traded,
                (Some((_, false)), None) => Fate::Declined,
                (Some((_, true)), None) if window.end(len).0.saturating_add(HEARD) >= now.0 => {
                    Fate::UnderWay
                }
                (Some((_, true)), None) => Fate::Failed,
                (None, None) if told.until >= now => Fate::Waiting,
                (None, None) => Fate::Lapsed,
            };
            rows.push(ApprovalRow {
                request: told.request,
                at: *at,
                decided_at: word.map(|(at, _)| *at),
                partner: told.partner,
                selling: told.selling,
                wh: told.wh,
                price: told.price,
                fate,
                traded: trade.as_ref().map(|row| row.trade.arrived),
                money: trade.map(|TradeRow { trade, .. }| {
                    let charge = if told.selling { Micro(0) } else { trade.charge };
                    trade.paid.saturating_add(charge)
                }),
            });
        }
        Ok(rows)
    }

    /// The trade that came of a question: of a purchase the one of its number, of a sale the buyer's in the same window.
    fn came_of(
        &self,
        told: &Told,
        me: MeterId,
        len: u32,
        at: Seconds,
    ) -> Result<Option<TradeRow>, JournalError> {
        let running = Window::at(told.until.saturating_sub(Seconds(1)), len);
        let (buyer, seller) = if told.selling {
            (told.partner, me)
        } else {
            (me, told.partner)
        };
        let filter = TradeFilter {
            from: Some(at),
            to: Some(running.next().end(len)),
            buyer: Some(buyer),
            seller: Some(seller),
            ..TradeFilter::default()
        };
        let found = self.trades(&filter, TRADES)?;
        Ok(found.into_iter().rev().find(|row| {
            row.trade.kind == TradeKind::Spot
                && row.trade.window == running.prev()
                && (told.selling || row.trade.trade_id == told.request)
        }))
    }

    /// What was told of one kind after a number, newest first.
    fn told<T: for<'a> Deserialize<'a>>(
        &self,
        like: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Seconds, T)>, JournalError> {
        let fail = |e: rusqlite::Error| failed(&self.file, e);
        let query = "SELECT number, time, notice FROM notices WHERE number > ?1 AND notice LIKE ?2
                     ORDER BY number DESC LIMIT ?3";
        let mut select = self.db.prepare(query).map_err(fail)?;
        let rows = select
            .query_map(params![after, like, limit], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, String>(2)?,
                ))
            })
            .map_err(fail)?;
        rows.map(|row| {
            let (number, at, text) = row.map_err(fail)?;
            let told = serde_json::from_str(&text)
                .map_err(|e| failed(&self.file, format!("notice {number}: {e}")))?;
            Ok((number, Seconds(at.max(0).unsigned_abs()), told))
        })
        .collect()
    }
}
