//! `wattpool admin invite`: what a new owner is sent.

use crate::chain::{block_on, warn, Session};
use crate::invitation::{checksum, line, url, Invitation};
use crate::Failure;
use anyhow::{anyhow, Context};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::json;

/// Invites owners.
#[derive(clap::Args)]
pub struct Invite {
    /// Where the market's addresses file (--market) lies for everybody; it is looked for there, unless --offline is given.
    #[arg(long, value_name = "URL")]
    url: String,
    /// How to reach the registrar: a mail address, a telephone number.
    #[arg(long, value_name = "TEXT")]
    contact: String,
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
        let node = url("--node", node)?;
        let local = ["localhost", "127.0.0.1", "[::1]"];
        if node.host_str().is_some_and(|h| local.contains(&h)) {
            warn(&format!(
                "--node {node}: it is this machine's own; others cannot reach it"
            ));
        }
        nodes.push(node.to_string());
    }
    let invitation = Invitation {
        market: url("--url", &args.url)?,
        sha256: checksum(&bytes),
        chain: market.chain_id,
        contact: line("--contact", &args.contact)?,
        nodes,
    };
    let text = invitation.text()?;
    // What is handed out is taken as it will be read.
    Invitation::parse(&text)?;
    if !session.options().offline {
        block_on(invitation.fetch()).map_err(|failure| {
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
