//! `wattpool admin invite`: what a new owner is sent.

use crate::chain::{block_on, uninvited, warn, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::json;
use wattpool_ledger_wasmd::invitation::{
    checksum, is_local, line, peer, url, Invitation, BLOCK_MS,
};

/// Invites owners.
#[derive(clap::Args)]
pub struct Invite {
    /// Where the market's addresses file (--market) lies for everybody; it is looked for there, unless --offline is given.
    #[arg(long, value_name = "URL")]
    url: String,
    /// How to reach the registrar: a mail address, a telephone number.
    #[arg(long, value_name = "TEXT")]
    contact: String,
    /// Meters to begin with, such as /dns4/example.org/tcp/7400/p2p/12D3KooW… (repeat it, or separate by commas).
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    bootstrap: Vec<String>,
    /// Expected time between two blocks of the chain, milliseconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(BLOCK_MS))]
    block_ms: Option<u64>,
}

/// The text as a code for cameras, for terminals of light letters on a dark ground; `None` where it is too long for one.
fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let mut image = code.render::<Dense1x2>();
    image.dark_color(Dense1x2::Light);
    image.light_color(Dense1x2::Dark);
    Some(image.build())
}

/// Prints the invitation, and on standard error its code for cameras.
///
/// # Errors
/// The input is wrong (exit code 2), or another file than the market's lies there.
pub fn run(session: &Session, args: &Invite) -> Result<u8, Failure> {
    let market = session.market()?;
    let file = session.options().market.clone().unwrap_or_default();
    let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let mut nodes = Vec::new();
    for node in &session.options().node {
        let node = url("--node", node).map_err(uninvited)?;
        if is_local(&node) {
            warn(&format!(
                "--node {node}: it is this machine's own; others cannot reach it"
            ));
        }
        nodes.push(node.to_string());
    }
    let bootstrap = args.bootstrap.iter().map(|a| peer("--bootstrap", a));
    let bootstrap: Result<Vec<String>, _> = bootstrap.collect();
    let bootstrap = bootstrap.map_err(uninvited)?;
    let invitation = Invitation {
        market: url("--url", &args.url).map_err(uninvited)?,
        sha256: checksum(&bytes),
        chain: market.chain_id,
        contact: line("--contact", &args.contact).map_err(uninvited)?,
        nodes,
        bootstrap,
        block_ms: args.block_ms,
    };
    let text = invitation.text().map_err(uninvited)?;
    // What is handed out is taken as it will be read.
    Invitation::parse(&text).map_err(uninvited)?;
    if !session.options().offline {
        block_on(async { invitation.fetch().await.map_err(uninvited) }).map_err(|failure| {
            let error = failure.error.context("--url");
            Failure { error, ..failure }
        })?;
    }
    if !session.as_json() {
        let picture = picture(&text)
            .ok_or_else(|| Failure::input(anyhow!("the invitation is too long for a code")))?;
        eprintln!("{picture}");
    }
    session.answer(
        &json!({
            "invitation": text, "market": invitation.market.as_str(), "sha256": invitation.sha256,
            "chain": invitation.chain, "contact": invitation.contact, "node": invitation.nodes,
            "bootstrap": invitation.bootstrap, "block_ms": invitation.block_ms,
        }),
        || format!("{text}\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_invitation_fits_a_code() {
        let longest = picture(&"a".repeat(2_000)).unwrap();
        assert!(longest.lines().count() > 60, "{longest}");
        // The quiet zone around it is as light as its light squares.
        let short = picture("wattpool:join?").unwrap();
        assert!(short.starts_with("██"), "{short}");
    }
}
