//! `wattpool audit verify`.

use super::chain::Reading;
use super::{export_file, open, Range};
use crate::chain::{block_on, unusable, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::path::{Path, PathBuf};
use wattpool_audit::read::{follow, About};
use wattpool_audit::subjects::Subjects;
use wattpool_audit::{Auditor, Finding, Place, Report, Rule};
use wattpool_wallet::adr36;

/// Checks.
#[derive(clap::Args)]
pub struct Args {
    /// An export, or the folder of a simulation that ran with --record; without it, the chain of --node and --market.
    source: Option<PathBuf>,
    /// The export has to be signed by this account.
    #[arg(long, value_name = "ADDRESS", requires = "source")]
    auditor: Option<String>,
    #[command(flatten)]
    range: Range,
    /// Print at most so many violations.
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
}

/// An audited file: what was found, and what the file says of itself.
///
/// # Errors
/// It cannot be read, or is no export (exit code 2).
pub fn file(path: &Path, auditor: Option<&str>) -> Result<(Report, About), Failure> {
    let file = export_file(path)?;
    let audited = follow(open(&file)?, |_, _| {});
    let (mut report, about) = audited
        .with_context(|| file.display().to_string())
        .map_err(Failure::input)?;
    if let Some(what) = wrong_signature(&about, auditor)? {
        report.findings.push(Finding {
            rule: Rule::Signature,
            at: Place {
                line: about.end.map(|e| e.lines.saturating_add(2)),
                ..Place::default()
            },
            event: "signed".to_owned(),
            field: "signature".to_owned(),
            what,
        });
    }
    Ok((report, about))
}

/// What is wrong with the signature of an export.
fn wrong_signature(about: &About, wanted: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(signed) = &about.signed else {
        return Ok(wanted.map(|wanted| format!("nobody signed it, expected {wanted}")));
    };
    let genuine = adr36::verify(&signed.address, about.head.as_bytes(), &signed.signature);
    Ok(match (genuine.map_err(unusable), wanted) {
        (Err(bad), _) => Some(wattpool_program::line(&bad.error)),
        (Ok(false), _) => Some(format!("it is not {}'s of this export", signed.address)),
        (Ok(true), Some(wanted)) if wanted != signed.address => {
            Some(format!("it is {}'s, expected {wanted}", signed.address))
        }
        (Ok(true), _) => None,
    })
}

/// Audits a chain.
async fn chain(session: &Session, range: Range) -> Result<Report, Failure> {
    let market = session.market()?;
    let client = session.client().await?;
    let reading = Reading::new(client, market, range).await?;
    let mut auditor = Auditor::new(reading.header.clone());
    let mut subjects = Subjects::default();
    reading
        .blocks(|rows| {
            for row in &rows {
                subjects.see(row);
                auditor.take(None, row);
            }
            Ok(())
        })
        .await?;
    reading
        .state(&subjects, |state| {
            auditor.state(None, &state);
            Ok(())
        })
        .await?;
    Ok(auditor.finish(Some(reading.to)))
}

/// Checks and prints; exit code 3 if a rule is broken.
///
/// # Errors
/// The source is no export (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let (report, about) = match &args.source {
        Some(source) => {
            if args.range.from_height.is_some() || args.range.to_height.is_some() {
                return Err(Failure::input(anyhow!(
                    "--from-height and --to-height: only for a chain; an export is checked whole"
                )));
            }
            let (report, about) = file(source, args.auditor.as_deref())?;
            (report, Some(about))
        }
        None => (block_on(chain(session, args.range))?, None),
    };
    let signed = about.and_then(|a| a.signed).map(|s| s.address);
    let value = json!({
        "totals": report.totals,
        "violations": report.findings.total(),
        "signed_by": signed,
        "findings": report.findings.list,
    });
    session.answer(&value, || text(&report, signed.as_deref(), args.show))?;
    Ok(if report.findings.total() == 0 { 0 } else { 3 })
}

/// For people.
fn text(report: &Report, signed: Option<&str>, show: usize) -> String {
    let t = &report.totals;
    let mut out = format!(
        "blocks {} to {}: {} events, {} entries of the contracts' state\n\
         energy {} Wh minted = {} arrived + {} lost + {} not sold, in {} windows; {} Wh stated late\n\
         money  {} paid to sellers, {} network charges, {} for feed-in (micro-units)\n\
         trades {}\n",
        t.first_height, t.last_height, t.events, t.states, t.minted, t.redeemed, t.lost, t.expired, t.windows, t.late,
        t.paid, t.charges, t.feed_in, t.trades
    );
    match signed {
        Some(address) => out.push_str(&format!("signed {address}\n")),
        None => out.push_str("signed by nobody\n"),
    }
    for finding in report.findings.list.iter().take(show) {
        out.push_str(&format!("VIOLATION {finding}\n"));
    }
    let total = report.findings.total();
    let shown = u64::try_from(show.min(report.findings.list.len())).unwrap_or(u64::MAX);
    if total > shown {
        let more = total.saturating_sub(shown);
        out.push_str(&format!("and {more} more violations\n"));
    }
    if total == 0 {
        out.push_str("every rule holds\n");
    }
    out
}
