//! The whole measurement and its tables.

use super::growth::{cast, grow, Growth, FEW};
use super::parts::{of_a_settle, Share};
use super::script::{people, play, Scene, METERS};
use super::{InProcess, OnWasmd};
use anyhow::{Context, Result};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// Gas of a naive two-step escrow of cw20 tokens, create and approve, on a wasmd of this line (unpinned).
pub const NAIVE_ESCROW: u64 = 379_000;
/// Messages that only the market's own contracts send: what they take is in the figures of those that lead to them.
pub const INDIRECT: [&str; 4] = [
    "token mint_surplus",
    "token settle",
    "pool redeem",
    "escrow settle_item",
];
/// Messages of cw20 that the token always refuses.
pub const REFUSED: [&str; 4] = [
    "token burn",
    "token burn_from",
    "token mint",
    "token update_minter",
];
/// Most gas that a settle may take, pinned.
pub const SETTLE_LIMIT: u64 = 250_000;
/// Most gas that a statement in a batch of fifty may take, pinned.
pub const STATE_LIMIT: u64 = 25_000;

/// Gas of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Contract and message.
    pub message: String,
    /// Items in it.
    pub items: u64,
    /// With contracts that are loaded for every transaction.
    pub unpinned: u64,
    /// With contracts that stay loaded.
    pub pinned: u64,
    /// Of it, storage and events.
    pub storage_and_events: u64,
}

impl Row {
    /// Gas of an item, pinned.
    pub fn each(&self) -> u64 {
        self.pinned.div_ceil(self.items.max(1))
    }
}

/// Everything measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// A transfer of coins, for comparison.
    pub bank_send: u64,
    /// [`NAIVE_ESCROW`].
    pub naive_escrow: u64,
    /// Every message.
    pub messages: Vec<Row>,
    /// What a pinned settle is made of.
    pub settle: Vec<Share>,
    /// A market that has seen much; none when it was not asked for.
    pub growth: Option<Growth>,
}

/// Measures on a network of one node of its own. `many`: meters and trades of the large market, or none.
/// `say` is told what is being done.
///
/// # Errors
/// There is no wasmd, a contract is missing, or a message fails that should not.
pub fn measure(contracts: &Path, many: Option<usize>, say: &mut dyn FnMut(&str)) -> Result<Report> {
    let (first, second) = (people(1, METERS), people(2, METERS));
    let large = many.map(|many| cast(3, many));
    let crowd = large.iter().flat_map(|(_, senders)| senders);
    let everybody = first.all.iter().chain(&second.all).chain(crowd);
    say("in process");
    let in_process = play(&mut InProcess::new(&first.all), 1)?;
    say("starting a network");
    let mut stage = OnWasmd::start(everybody, 1, contracts)?;
    say("every message, unpinned");
    let unpinned = play(&mut stage, 1)?;
    say("pinning the contracts");
    stage.pin()?;
    say("every message, pinned");
    let pinned = play(&mut stage, 2)?;
    let mut messages = Vec::new();
    for scene in &pinned {
        let find = |scenes: &[Scene]| {
            let found = scenes.iter().find(|other| other.name == scene.name);
            let gas = found.map(|found| found.used.gas);
            gas.with_context(|| format!("{} was not played", scene.name))
        };
        messages.push(Row {
            message: scene.name.clone(),
            items: scene.items,
            unpinned: find(&unpinned)?,
            pinned: scene.used.gas,
            storage_and_events: find(&in_process)?,
        });
    }
    let settle = |scenes: &[Scene]| {
        let found = scenes.iter().find(|scene| scene.name == "escrow settle");
        found.cloned().context("no settle was played")
    };
    let calls = settle(&in_process)?.used.calls;
    let parts = of_a_settle(&mut stage, &second, &settle(&pinned)?, &calls)?;
    let bank_send = match &second.all[..] {
        [one, other, ..] => stage.bank_send(one, other)?,
        _ => 0,
    };
    let growth = large
        .map(|(people, _)| {
            say("filling a market");
            grow(&mut stage, people, 0)
        })
        .transpose()?;
    Ok(Report {
        bank_send,
        naive_escrow: NAIVE_ESCROW,
        messages,
        settle: parts,
        growth,
    })
}

impl Report {
    /// Gas of a message by its name.
    ///
    /// # Errors
    /// There is no such message.
    pub fn row(&self, message: &str) -> Result<&Row> {
        let found = self.messages.iter().find(|row| row.message == message);
        found.with_context(|| format!("no message {message}"))
    }

    /// The tables as Markdown.
    ///
    /// # Errors
    /// A message is missing.
    pub fn markdown(&self) -> Result<String> {
        let mut text = String::new();
        let settle = self.row("escrow settle")?;
        let batch = self.row("escrow settle_batch (10 trades)")?;
        let alone = self.row("pool state")?;
        let fifty = self.row("pool state (50 statements)")?;
        text.push_str("| a whole spot trade | unpinned | pinned |\n|---|---|---|\n");
        for (what, unpinned, pinned) in [
            (
                "statement in a batch of 50, settle",
                fifty.unpinned.div_ceil(fifty.items) + settle.unpinned,
                fifty.each() + settle.pinned,
            ),
            (
                "statement in a batch of 50, settle in a batch of 10",
                fifty.unpinned.div_ceil(fifty.items) + batch.unpinned.div_ceil(batch.items),
                fifty.each() + batch.each(),
            ),
            (
                "statement alone, settle",
                alone.unpinned + settle.unpinned,
                alone.pinned + settle.pinned,
            ),
        ] {
            writeln!(
                text,
                "| {what} | {} | {} |",
                grouped(unpinned),
                grouped(pinned)
            )?;
        }
        writeln!(
            text,
            "| naive escrow of cw20 tokens, create and approve | {} | |",
            grouped(self.naive_escrow)
        )?;
        let send = grouped(self.bank_send);
        writeln!(text, "| a bank send | {send} | {send} |\n")?;
        text.push_str("| a settle, pinned | gas |\n|---|---|\n");
        for share in &self.settle {
            writeln!(text, "| {} | {} |", share.what, grouped(share.gas))?;
        }
        writeln!(text, "| together | {} |\n", grouped(settle.pinned))?;
        if let Some(growth) = &self.growth {
            let many = grouped(growth.many as u64);
            writeln!(
                text,
                "| meters and trades in the market | {FEW} | {many} |\n|---|---|---|"
            )?;
            for (what, [few, many]) in
                [("settle", growth.settle), ("statement alone", growth.state)]
            {
                writeln!(text, "| {what} | {} | {} |", grouped(few), grouped(many))?;
            }
            text.push('\n');
        }
        text.push_str(
            "| message | unpinned | pinned | of it storage and events |\n|---|---|---|---|\n",
        );
        for row in &self.messages {
            let [unpinned, pinned, stored] = [row.unpinned, row.pinned, row.storage_and_events]
                .map(|gas| {
                    if row.items > 1 {
                        format!(
                            "{} ({} each)",
                            grouped(gas),
                            grouped(gas.div_ceil(row.items))
                        )
                    } else {
                        grouped(gas)
                    }
                });
            writeln!(
                text,
                "| {} | {unpinned} | {pinned} | {stored} |",
                row.message
            )?;
        }
        let list = |names: [&str; 4]| format!("`{}`", names.join("`, `"));
        writeln!(
            text,
            "\nOf the messages, {} come from the market's own contracts alone and are within those above; {} are \
             always refused.",
            list(INDIRECT),
            list(REFUSED)
        )?;
        Ok(text)
    }
}

/// A number in groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
