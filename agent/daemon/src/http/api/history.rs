//! What was: energy and money of spans, windows, trades, notices.

use super::read;
use crate::http::answer::{Answer, Asked, Refusal};
use crate::http::Shared;
use axum::extract::State;
use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_journal_sqlite::{
    ApprovalRow, NoticeRow, Sums, TradeFilter, TradeRow, WindowRow, MOST_SPANS,
};
use wattpool_schema::{MeterId, Micro, Seconds, Wh};

/// Rows given when none are asked for, and at most.
const ROWS: (u32, u32) = (50, 1_000);
/// Windows at most: five weeks of quarters of an hour.
const WINDOWS: usize = 3_400;

/// Spans side by side.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spans {
    /// Where spans begin and end: Unix times with commas between, ascending, 2 to 401. Whoever asks knows where days and
    /// months begin where the home is.
    edges: String,
}

/// A span of time; what is absent does not bind.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// First second, Unix time.
    from: u64,
    /// First second after it.
    to: u64,
}

/// Which trades.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trades {
    /// Closed at this Unix time or later.
    from: Option<u64>,
    /// Closed before this Unix time.
    to: Option<u64>,
    /// With this meter.
    partner: Option<MeterId>,
    /// Bought or sold; both if absent.
    side: Option<Side>,
    /// The page that follows: what the one before it gave as next.
    before: Option<u64>,
    /// Rows at most: 50, up to 1,000.
    limit: Option<u32>,
}

/// Which side of a trade this meter is on.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// It bought.
    Bought,
    /// It sold.
    Sold,
}

/// A page of rows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paged {
    /// The page that follows: what the one before it gave as next.
    pub before: Option<u64>,
    /// Rows at most: 50, up to 1,000.
    pub limit: Option<u32>,
}

/// Energy of spans.
#[derive(Serialize, JsonSchema)]
pub struct Energy {
    /// In their order.
    spans: Vec<EnergySpan>,
}

/// Energy of one span, Wh.
#[derive(Serialize, JsonSchema)]
pub struct EnergySpan {
    /// First second.
    from: Seconds,
    /// First second after it.
    to: Seconds,
    /// Windows metered in it.
    windows: u64,
    /// Net export.
    surplus: Wh,
    /// Net import.
    deficit: Wh,
    /// Bought from neighbours, as it arrived.
    bought: Wh,
    /// Sold to neighbours, as it left.
    sold: Wh,
    /// What of the import the grid supplied.
    from_grid: Wh,
    /// What of the export the grid took.
    to_grid: Wh,
    /// Windows of which generation and use are known.
    use_windows: u64,
    /// Generated in them, what the home used at once included; none: generation is not measured.
    generated: Option<Wh>,
    /// Used in them, wherever it came from; none: generation is not measured.
    used: Option<Wh>,
}

/// Money of spans.
#[derive(Serialize, JsonSchema)]
pub struct Money {
    /// What one coin, 1,000,000 micro-units, is called.
    currency: String,
    /// The fees are paid by somebody else, under a grant.
    fees_granted: bool,
    /// In their order.
    spans: Vec<MoneySpan>,
}

/// Money of one span, micro-units.
#[derive(Serialize, JsonSchema)]
pub struct MoneySpan {
    /// First second.
    from: Seconds,
    /// First second after it.
    to: Seconds,
    /// Windows metered in it.
    windows: u64,
    /// Windows of unknown tariffs: their energy is in no comparison.
    unpriced: u64,
    /// Paid to sellers.
    paid: Micro,
    /// Network charges paid.
    charge: Micro,
    /// Earned from buyers.
    earned: Micro,
    /// What the grid pays for what no neighbour took, rounded down; in windows of known tariffs.
    feed_in: i64,
    /// Fees of the agent's transactions on the chain, as signed; in no other figure.
    fees: Micro,
    /// What it would have cost with the grid alone; negative: earned.
    without: i64,
    /// What it came to.
    with: i64,
    /// What trading saved, rounded down.
    saved: i64,
}

/// Windows.
#[derive(Serialize, JsonSchema)]
pub struct Windows {
    /// Oldest first, at most 3,400.
    windows: Vec<WindowRow>,
}

/// Trades.
#[derive(Serialize, JsonSchema)]
pub struct TradePage {
    /// Newest first.
    trades: Vec<TradeRow>,
    /// To be asked for as `before`; none: there are no more.
    next: Option<u64>,
}

/// Trades that waited for the owner.
#[derive(Serialize, JsonSchema)]
pub struct Waited {
    /// Newest first, at most 50.
    approvals: Vec<ApprovalRow>,
}

/// Notices.
#[derive(Serialize, JsonSchema)]
pub struct NoticePage {
    /// Newest first.
    notices: Vec<NoticeRow>,
    /// To be asked for as `before`; none: there are no more.
    next: Option<u64>,
}

impl Spans {
    fn edges(&self) -> Result<Vec<Seconds>, Refusal> {
        let bad = |found: &str| {
            Refusal::bad(format!(
                "edges: expected 2 to {} Unix times, ascending, with commas between, found {found}",
                MOST_SPANS.saturating_add(1)
            ))
        };
        let mut edges: Vec<Seconds> = Vec::new();
        for text in self.edges.split(',').take(MOST_SPANS.saturating_add(2)) {
            let short: String = text.chars().take(20).collect();
            let edge = Seconds(text.parse().map_err(|_| bad(&format!("{short:?}")))?);
            if edges.last().is_some_and(|last| *last >= edge) {
                return Err(bad(&format!("{edge} where it has to rise")));
            }
            edges.push(edge);
        }
        if !(2..=MOST_SPANS.saturating_add(1)).contains(&edges.len()) {
            return Err(bad(&format!("{}", edges.len())));
        }
        Ok(edges)
    }
}

pub async fn energy(State(shared): State<Shared>, Asked(asked): Asked<Spans>) -> Answer<Energy> {
    let edges = asked.edges()?;
    let (me, len, generated) = (shared.meter, shared.market.window_seconds, shared.generated);
    let told = read(&shared, move |history| {
        let sums = history.sums(me, len, &edges)?;
        let uses = generated.map(|kept| history.uses(me, len, &edges, kept));
        Ok((sums, uses.transpose()?))
    });
    let (spans, uses) = told.await?;
    let span = |(number, s): (usize, Sums)| {
        let uses = uses.as_ref().and_then(|uses| uses.get(number));
        EnergySpan {
            from: s.from,
            to: s.to,
            windows: s.windows,
            surplus: s.surplus,
            deficit: s.deficit,
            bought: s.bought,
            sold: s.sold,
            from_grid: s.deficit.saturating_sub(s.bought),
            to_grid: s.surplus.saturating_sub(s.sold),
            use_windows: uses.map_or(0, |u| u.windows),
            generated: uses.map(|u| u.generated),
            used: uses.map(|u| u.used),
        }
    };
    Ok(Json(Energy {
        spans: spans.into_iter().enumerate().map(span).collect(),
    }))
}

pub async fn money(State(shared): State<Shared>, Asked(asked): Asked<Spans>) -> Answer<Money> {
    let edges = asked.edges()?;
    let (me, len) = (shared.meter, shared.market.window_seconds);
    let told = read(&shared, move |history| {
        let sums = history.sums(me, len, &edges)?;
        let fees = history.spent(len, &edges)?;
        Ok(sums.into_iter().zip(fees).collect::<Vec<_>>())
    });
    let span = |(s, fees): (Sums, Micro)| MoneySpan {
        from: s.from,
        to: s.to,
        windows: s.windows,
        unpriced: s.unpriced,
        paid: s.paid,
        charge: s.charge,
        earned: s.earned,
        feed_in: s.feed_in,
        fees,
        without: s.without,
        with: s.with,
        saved: s.saved,
    };
    Ok(Json(Money {
        currency: shared.shown.currency.clone(),
        fees_granted: shared.fees_granted,
        spans: told.await?.into_iter().map(span).collect(),
    }))
}

pub async fn windows(
    State(shared): State<Shared>,
    Asked(asked): Asked<Between>,
) -> Answer<Windows> {
    let (me, len) = (shared.meter, shared.market.window_seconds);
    let (from, to) = (Seconds(asked.from), Seconds(asked.to));
    let windows = read(&shared, move |history| {
        history.windows(me, len, from, to, WINDOWS)
    });
    Ok(Json(Windows {
        windows: windows.await?,
    }))
}

impl Trades {
    /// As the journal asks.
    pub fn filter(&self, me: MeterId) -> TradeFilter {
        TradeFilter {
            from: self.from.map(Seconds),
            to: self.to.map(Seconds),
            partner: self.partner,
            buyer: matches!(self.side, Some(Side::Bought)).then_some(me),
            seller: matches!(self.side, Some(Side::Sold)).then_some(me),
            before: self.before,
        }
    }
}

/// One row more than is shown tells whether there is another page.
/// As many rows as were asked for, and where the next page begins.
pub fn page<T>(mut rows: Vec<T>, limit: u32, key: impl Fn(&T) -> u64) -> (Vec<T>, Option<u64>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(key);
    (rows, next)
}

/// Rows that are asked for.
pub fn rows(limit: Option<u32>) -> Result<u32, Refusal> {
    let limit = limit.unwrap_or(ROWS.0);
    if (1..=ROWS.1).contains(&limit) {
        Ok(limit)
    } else {
        let most = ROWS.1;
        Err(Refusal::bad(format!(
            "limit: expected 1 to {most}, found {limit}"
        )))
    }
}

pub async fn trades(
    State(shared): State<Shared>,
    Asked(asked): Asked<Trades>,
) -> Answer<TradePage> {
    let limit = rows(asked.limit)?;
    let filter = asked.filter(shared.meter);
    let found = read(&shared, move |history| {
        history.trades(&filter, limit.saturating_add(1))
    });
    let (trades, next) = page(found.await?, limit, |t| t.trade.sequence);
    Ok(Json(TradePage { trades, next }))
}

pub async fn approvals(State(shared): State<Shared>) -> Answer<Waited> {
    let (me, len) = (shared.meter, shared.market.window_seconds);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Seconds(since.map_or(0, |since| since.as_secs()));
    let approvals = read(&shared, move |history| {
        history.approvals(me, len, now, ROWS.0)
    });
    Ok(Json(Waited {
        approvals: approvals.await?,
    }))
}

pub async fn notices(
    State(shared): State<Shared>,
    Asked(asked): Asked<Paged>,
) -> Answer<NoticePage> {
    let limit = rows(asked.limit)?;
    let found = read(&shared, move |history| {
        history.notices(asked.before, limit.saturating_add(1))
    });
    let (notices, next) = page(found.await?, limit, |n| n.number);
    Ok(Json(NoticePage { notices, next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_rise_and_are_not_too_many() {
        let edges = |text: &str| {
            let spans = Spans {
                edges: text.to_owned(),
            };
            spans.edges().map_err(|r| r.error)
        };
        assert_eq!(edges("0,900,1800").unwrap().len(), 3);
        for bad in ["", "1", "2,1", "1,1", "1,x", "1,-2", "1,2,"] {
            assert!(edges(bad).unwrap_err().contains("edges: expected"), "{bad}");
        }
        let many = |n: u64| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(edges(&many(401)).unwrap().len(), 401);
        assert!(edges(&many(402)).is_err());
        assert!(edges(&many(100_000)).is_err());
    }
}
