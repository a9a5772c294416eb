//! How it stands: the index, the rules, the market; windows and what they add up to.

use super::{limit, read, window_at, Shared};
use crate::index::{Every, WindowRow, POINTS};
use crate::Source;
use axum::extract::State;
use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wattpool_audit::fold::Totals;
use wattpool_web::answer::{Answer, Asked, Refusal};

/// Violations that are told.
const TOLD: usize = 20;

/// How it stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Status {
    /// Chain id.
    chain_id: String,
    /// Address of the energy token,
    token: String,
    /// of the energy pool,
    pool: String,
    /// of the trade escrow.
    escrow: String,
    /// Denomination of payments.
    denom: String,
    /// What one coin, 1,000,000 micro-units, is called.
    currency: String,
    /// Length of a window, seconds.
    window_seconds: u32,
    /// Where blocks come from.
    source: Source,
    /// First block that is indexed,
    from_height: u64,
    /// and whether that is the market's first one. If not, less can be checked.
    whole: bool,
    /// Last block that is indexed; none: nothing yet.
    height: Option<u64>,
    /// Its time.
    time: u64,
    /// A file was read to its end.
    complete: bool,
    /// Newest block of the node.
    newest: Option<u64>,
    /// Oldest block that the node still has.
    oldest: Option<u64>,
    /// Why nothing new comes.
    trouble: Option<String>,
    /// Who signs exports.
    auditor: Option<String>,
    /// How many rows there are.
    counts: BTreeMap<String, i64>,
    /// Sums over everything, as `wattpool audit verify` has them.
    totals: Totals,
    /// Rules that were broken; 0: every rule holds.
    violations: u64,
    /// The first of them.
    findings: Vec<String>,
    /// The newest window in which something was traded.
    last_window: Option<WindowRow>,
    /// What the grid asks for a kWh,
    import: Option<i64>,
    /// what it pays,
    feed_in: Option<i64>,
    /// and from which window on.
    tariffs_from: Option<i64>,
    /// Tokenising and trading are stopped.
    paused: bool,
}

pub async fn status(State(shared): State<Shared>) -> Answer<Status> {
    let told = read(&shared, |site, reader| {
        let explorer = &site.explorer;
        let header = explorer.header().clone();
        let (counts, sums) = (reader.counts()?, reader.sums()?);
        let progress = reader.progress()?;
        let standing = explorer.standing();
        let of = |name: &str| sums.get(name).copied();
        let book = explorer.book();
        let findings = book.findings();
        let list = findings.map(|f| f.list.iter().take(TOLD).map(ToString::to_string).collect());
        Ok(Status {
            chain_id: header.chain_id,
            token: header.token,
            pool: header.pool,
            escrow: header.escrow,
            denom: header.denom,
            currency: explorer.shown.currency.clone(),
            window_seconds: header.window_seconds,
            source: explorer.shown.source,
            from_height: header.from_height,
            whole: header.whole,
            height: progress.height,
            time: progress.time,
            complete: progress.complete,
            newest: standing.newest,
            oldest: standing.oldest,
            trouble: standing.trouble,
            auditor: explorer.signer.as_ref().map(|s| s.address.clone()),
            counts: counts
                .into_iter()
                .map(|(name, n)| (name.to_owned(), n))
                .collect(),
            totals: book.totals(progress.height),
            violations: findings.map_or(0, wattpool_audit::Findings::total),
            findings: list.unwrap_or_default(),
            last_window: reader.last_traded()?,
            import: of("import"),
            feed_in: of("feed_in_tariff"),
            tariffs_from: of("tariffs_from"),
            paused: of("paused") == Some(1),
        })
    });
    Ok(Json(told.await?))
}

/// Which windows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paged {
    /// From this Unix time on.
    from: Option<u64>,
    /// Before this Unix time.
    to: Option<u64>,
    /// Before this window: where the page before ended.
    before: Option<u64>,
    /// At most so many, 1 to 200 [default: 50].
    limit: Option<u32>,
}

/// Windows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Windows {
    /// Windows, or sums over several.
    windows: Vec<WindowRow>,
    /// Ask for those before this window; none: these were the last.
    next: Option<u64>,
    /// Windows in each row.
    per: u32,
}

pub async fn windows(State(shared): State<Shared>, Asked(asked): Asked<Paged>) -> Answer<Windows> {
    let limit = limit(asked.limit, 50, crate::index::PAGE)?;
    let told = read(&shared, move |site, reader| {
        let from = asked.from.map_or(0, |t| window_at(site, t));
        let to = asked.to.map_or(u64::MAX, |t| window_at(site, t));
        let before = to.min(asked.before.unwrap_or(u64::MAX));
        let windows = reader.windows(from, before, limit)?;
        let full = windows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = windows.last().map(|w| w.window).filter(|_| full);
        Ok(Windows {
            windows,
            next,
            per: 1,
        })
    });
    Ok(Json(told.await?))
}

/// Which span of time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// From this Unix time on.
    from: Option<u64>,
    /// Before this Unix time.
    to: Option<u64>,
    /// How windows are added up [default: window].
    every: Option<Every>,
    /// At most so many, 1 to 1,000, the newest [default: 96].
    points: Option<u32>,
}

pub async fn series(State(shared): State<Shared>, Asked(asked): Asked<Series>) -> Answer<Windows> {
    let points = match asked.points {
        None => 96,
        Some(n) if (1..=POINTS).contains(&n) => n,
        Some(n) => {
            return Err(Refusal::bad(format!(
                "points: expected 1 to {POINTS}, found {n}"
            )))
        }
    };
    let told = read(&shared, move |site, reader| {
        let length = site.explorer.header().window_seconds.max(1);
        let per = match asked.every.unwrap_or_default() {
            Every::Window => 1,
            Every::Hour => 3_600_u32.checked_div(length).unwrap_or(1).max(1),
            Every::Day => 86_400_u32.checked_div(length).unwrap_or(1).max(1),
        };
        let from = asked.from.map_or(0, |t| window_at(site, t));
        let to = asked.to.map_or(u64::MAX, |t| window_at(site, t));
        let windows = reader.series(per, from, to, points)?;
        Ok(Windows {
            windows,
            next: None,
            per,
        })
    });
    Ok(Json(told.await?))
}
