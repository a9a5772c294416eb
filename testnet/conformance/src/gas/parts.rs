//! What the gas of a settle is made of.

use super::script::Scene;
use super::OnWasmd;
use crate::counted::{Call, Way};
use crate::people::People;
use crate::record::Part;
use anyhow::{anyhow, ensure, Context, Result};
use cosmwasm_std::{Api, Binary, CanonicalAddr};
use serde::Serialize;
use wattpool_fixtures::MarketApi;
use wattpool_schema::signing::digest;

/// Gas of a look-up of a contract that does not exist: a read of 33 bytes.
const LOOK_UP: u64 = 1_000 + 3 * 33;

/// A part of a message's gas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// What for.
    pub what: String,
    /// How much.
    pub gas: u64,
}

/// Takes a settle's gas apart: what the transaction costs by itself and what a contract costs to load is measured
/// with the same bytes sent to nowhere, and sent so that the contract cannot read them; storage and events
/// are counted in process; the rest is computed.
///
/// # Errors
/// A measurement fails.
pub fn of_a_settle(
    stage: &mut OnWasmd,
    people: &People,
    pinned: &Scene,
    in_process: &[Call],
) -> Result<Vec<Share>> {
    let sender = people.all.get(pinned.sender).context("a sender")?;
    let (contract, msg, _) = &pinned.message;
    let nobody = CanonicalAddr::from(digest(b"nobody").to_vec());
    let nobody = MarketApi::new(true).addr_humanize(&nobody);
    let nobody = nobody.map_err(|e| anyhow!("{e}"))?.into_string();
    let nowhere = stage.failing(sender, (nobody, msg.clone(), vec![]))?;
    let text = String::from_utf8(msg.to_vec())?;
    let unreadable = text.replacen("\"settle\"", "\"sEttle\"", 1);
    ensure!(unreadable != text, "the settle's name was not found");
    let unreadable = Binary::from(unreadable.into_bytes());
    let unread = stage.failing(sender, (contract.clone(), unreadable, vec![]))?;
    let own = nowhere.saturating_sub(LOOK_UP);
    let load = unread.saturating_sub(own);
    let loads = in_process.len() as u64;
    let mut shares = vec![
        share("the transaction itself: fee, signature, its bytes", own),
        share(
            &format!("{loads} calls of contracts: finding, loading, wiring them"),
            load * loads,
        ),
    ];
    for (name, part, entry) in [
        ("escrow", Part::Escrow, "execute"),
        ("pool, asked for the terms", Part::Pool, "query"),
        ("pool, redeeming", Part::Pool, "execute"),
        ("token", Part::Token, "execute"),
    ] {
        let mut calls = in_process.iter();
        let call = calls
            .find(|call| call.part == part && call.entry == entry)
            .context("a call of a settle")?;
        let (reads, read) = call.sum(Way::Read);
        let (steps, stepped) = call.sum(Way::Step);
        let (writes, written) = call.sum(Way::Write);
        shares.push(share(
            &format!("{name}: {} reads", reads + u64::from(steps > 0)),
            read + stepped,
        ));
        if writes > 0 {
            shares.push(share(&format!("{name}: {writes} writes"), written));
        }
    }
    let events = in_process.iter().map(|call| call.event_gas).sum();
    shares.push(share("events", events));
    let known: u64 = shares.iter().map(|share| share.gas).sum();
    let rest = pinned.used.gas.saturating_sub(known);
    shares.push(share("computing: two signatures, hashes, JSON", rest));
    Ok(shares)
}

fn share(what: &str, gas: u64) -> Share {
    Share {
        what: what.to_owned(),
        gas,
    }
}
