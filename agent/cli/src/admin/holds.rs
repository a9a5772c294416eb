//! Feed-in credit in dispute: what the grid operator holds, and what the regulator makes of it.

use crate::chain::{block_on, time, Session};
use crate::market::to_pool;
use crate::wallet::balances::ask;
use crate::Failure;
use serde_json::json;
use std::fmt::Write;
use wattpool_ledger_wasmd::{Client, Market};
use wattpool_schema::pool::{
    ExecuteMsg, HoldReason, HoldResponse, HoldsResponse, QueryMsg, HOLD_DAYS, MAX_STRUCK,
};
use wattpool_schema::Window;
use wattpool_wallet::amount::show_money;

/// Holds of a page.
const PAGE: u32 = 100;

/// Why credit is held.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Reason {
    /// The operator's own readings say something else.
    ReadingsDiffer,
    /// The meter is faulty.
    MeterFault,
    /// The meter was tampered with.
    Tampering,
}

impl From<Reason> for HoldReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::ReadingsDiffer => Self::ReadingsDiffer,
            Reason::MeterFault => Self::MeterFault,
            Reason::Tampering => Self::Tampering,
        }
    }
}

/// Holds credit.
#[derive(clap::Args)]
pub struct HoldCredit {
    /// Whose credit: an address or the name of a key.
    #[arg(long, value_name = "ADDRESS")]
    owner: String,
    /// First window in which it was stated.
    #[arg(long, value_name = "WINDOW")]
    from_window: Window,
    /// Last window; without it, the first alone.
    #[arg(long, value_name = "WINDOW")]
    through: Option<Window>,
    /// Why; everybody sees it.
    #[arg(long, value_name = "REASON")]
    reason: Reason,
}

/// Names a hold.
#[derive(clap::Args)]
pub struct Named {
    /// Whose credit: an address or the name of a key.
    #[arg(long, value_name = "ADDRESS")]
    owner: String,
    /// First window of the hold.
    #[arg(long, value_name = "WINDOW")]
    from_window: Window,
}

/// Strikes credit out.
#[derive(clap::Args)]
pub struct StrikeOut {
    #[command(flatten)]
    named: Named,
    /// Most windows at once [default: 200].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_STRUCK)))]
    limit: Option<u32>,
}

/// Lists holds.
#[derive(clap::Args)]
pub struct List {
    /// Of one account alone: an address or the name of a key.
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
}

/// Holds and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the pool refuses.
pub fn hold(session: &Session, args: &HoldCredit) -> Result<u8, Failure> {
    let market = session.market()?;
    let owner = session.resolve("--owner", &args.owner)?;
    let (from, reason) = (args.from_window, HoldReason::from(args.reason));
    let through = args.through.unwrap_or(from);
    let words = format!(
        "hold the feed-in credit of {owner} that was stated in windows {from} to {through} (until {}) for {HOLD_DAYS} days: {}",
        time(through.end(market.window_seconds).get()),
        reason.code()
    );
    to_pool(
        session,
        &words,
        &ExecuteMsg::HoldCredit {
            owner,
            from,
            through,
            reason,
        },
    )
}

/// Confirms and prints what came of it.
///
/// # Errors
/// As [`hold`].
pub fn confirm(session: &Session, args: &Named) -> Result<u8, Failure> {
    let owner = session.resolve("--owner", &args.owner)?;
    let from = args.from_window;
    let words =
        format!("confirm the hold of {owner} from window {from} on: it no longer ends by itself");
    to_pool(session, &words, &ExecuteMsg::ConfirmHold { owner, from })
}

/// Releases and prints what came of it.
///
/// # Errors
/// As [`hold`].
pub fn release(session: &Session, args: &Named) -> Result<u8, Failure> {
    let owner = session.resolve("--owner", &args.owner)?;
    let from = args.from_window;
    let words = format!("end the hold of {owner} from window {from} on: its credit will be paid");
    to_pool(session, &words, &ExecuteMsg::ReleaseHold { owner, from })
}

/// Strikes out and prints what came of it.
///
/// # Errors
/// As [`hold`].
pub fn strike_out(session: &Session, args: &StrikeOut) -> Result<u8, Failure> {
    let owner = session.resolve("--owner", &args.named.owner)?;
    let (from, limit) = (args.named.from_window, args.limit);
    let words = format!(
        "strike out for good what the hold of {owner} from window {from} on has set aside, at most {} windows of it",
        limit.unwrap_or(MAX_STRUCK)
    );
    to_pool(
        session,
        &words,
        &ExecuteMsg::StrikeOut { owner, from, limit },
    )
}

/// All holds, of one account or of all.
///
/// # Errors
/// No answer.
pub async fn holds(
    client: &Client,
    market: &Market,
    owner: Option<&String>,
) -> Result<Vec<HoldResponse>, Failure> {
    let mut all: Vec<HoldResponse> = Vec::new();
    loop {
        let question = QueryMsg::Holds {
            owner: owner.cloned(),
            start_after: all.last().map(|hold| (hold.owner.clone(), hold.from)),
            limit: Some(PAGE),
        };
        let page: HoldsResponse = ask(client, &market.pool.address, &question).await?;
        let full = u32::try_from(page.holds.len()).is_ok_and(|n| n >= PAGE);
        all.extend(page.holds);
        if !full {
            return Ok(all);
        }
    }
}

/// A hold in a line.
pub fn line(market: &Market, hold: &HoldResponse) -> String {
    let ends = hold.until.map_or_else(
        || "confirmed by the regulator".to_owned(),
        |until| format!("until {}", time(until.get())),
    );
    format!(
        "windows {} to {}: {}, since {}, {ends}, {} set aside",
        hold.from,
        hold.through,
        hold.reason.code(),
        time(hold.set_at.get()),
        show_money(hold.set_aside, &market.denom)
    )
}

/// Asks and prints.
///
/// # Errors
/// The account is none (exit code 2), or no node answers.
pub fn list(session: &Session, args: &List) -> Result<u8, Failure> {
    let market = session.market()?;
    let resolve = |owner: &String| session.resolve("--owner", owner);
    let owner = args.owner.as_ref().map(resolve).transpose()?;
    block_on(async {
        let client = session.client().await?;
        let all = holds(&client, &market, owner.as_ref()).await?;
        let mut text = String::new();
        for hold in &all {
            writeln!(text, "{} {}", hold.owner, line(&market, hold)).ok();
        }
        if all.is_empty() {
            text.push_str("no credit is held\n");
        }
        session.answer(&json!({"holds": all}), || text)
    })
}
