//! `wattpool audit watch`.

use super::chain::Reading;
use super::Range;
use crate::chain::{block_on, failed, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::time::Duration;
use wattpool_audit::{Auditor, Finding};

/// Tries in a row that may fail before it gives up, and how long it waits between them.
const TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_secs(5);
/// How long a webhook may take.
const WEBHOOK: Duration = Duration::from_secs(10);

/// Follows.
#[derive(clap::Args)]
pub struct Args {
    /// Tell this address of the violation, too: a POST with JSON (http; put a proxy before an address that needs TLS).
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    #[command(flatten)]
    range: Range,
}

/// Follows a chain until a rule is broken (exit code 3) or the last block of the range is checked (0).
///
/// # Errors
/// The range or the address is none (exit code 2), or no node answers for ten minutes.
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    if let Some(url) = &args.webhook {
        let parsed = reqwest::Url::parse(url);
        if !parsed.is_ok_and(|u| u.scheme() == "http" && u.has_host()) {
            return Err(Failure::input(anyhow!(
                "--webhook: expected an address such as http://127.0.0.1:8080/alarm, found {url:?}"
            )));
        }
    }
    let Some(finding) = block_on(follow(session, args))? else {
        return Ok(0);
    };
    session.answer(&finding, || format!("VIOLATION {finding}\n"))?;
    if let Some(url) = &args.webhook {
        block_on(tell(url, &finding))?;
    }
    Ok(3)
}

/// Calls the webhook.
async fn tell(url: &str, finding: &Finding) -> Result<(), Failure> {
    let named = || format!("--webhook {url}");
    // Plain HTTP alone.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .timeout(WEBHOOK)
        .build()?;
    let body = json!({"text": finding.to_string(), "finding": finding});
    let answer = client
        .post(url)
        .json(&body)
        .send()
        .await
        .with_context(named)?;
    answer.error_for_status().with_context(named)?;
    Ok(())
}

/// The first violation; none: the range ended without one.
async fn follow(session: &Session, args: &Args) -> Result<Option<Finding>, Failure> {
    let market = session.market()?;
    let client = session.client().await?;
    let newest = Range {
        from_height: args.range.from_height,
        to_height: None,
    };
    let mut reading = Reading::new(client, market, newest).await?;
    let mut auditor = Auditor::new(reading.header.clone());
    let mut next = reading.header.from_height;
    let mut tries = 0_u32;
    loop {
        let step = async {
            let head = reading.client.next_height(next).await.map_err(failed)?;
            let last = head.height.min(next.saturating_add(19));
            let last = args.range.to_height.map_or(last, |to| last.min(to));
            let blocks = reading.some_blocks(next, last).await?;
            reading.to = last;
            // What the contracts owe and hold after the last of them; old state may not be kept.
            let state = if last == head.height {
                reading.books().await.ok()
            } else {
                None
            };
            Ok::<_, Failure>((last, blocks, state))
        };
        let (last, blocks, state) = match step.await {
            Ok(done) => {
                tries = 0;
                done
            }
            Err(failure) if failure.code == 1 && tries < TRIES => {
                tries = tries.saturating_add(1);
                let why = wattpool_program::line(&failure.error);
                eprintln!("wattpool: block {next}: {why}; trying again");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        for row in blocks.iter().flat_map(|block| &block.rows) {
            auditor.take(None, row);
        }
        for one in state.iter().flatten() {
            auditor.state(None, one);
        }
        if let Some(first) = auditor.findings().list.first() {
            return Ok(Some(first.clone()));
        }
        if last.checked_rem(100) == Some(0) || state.is_some() && next == reading.header.from_height
        {
            eprintln!("wattpool: every rule holds up to block {last}");
        }
        if args.range.to_height == Some(last) {
            return Ok(None);
        }
        next = last.saturating_add(1);
    }
}
