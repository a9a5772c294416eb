//! The chain's governance: proposals, votes, deposits.

use crate::chain::{amounts, block_on, failed, time, unusable, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::{json, Value};
use std::fmt::Write;
use std::path::PathBuf;
use wattpool_ledger_wasmd::key::module_address;
use wattpool_ledger_wasmd::proto::cosmos::gov::v1::{Proposal, ProposalStatus, TallyResult};
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::amount::{coins, show_coin, show_coins};
use wattpool_wallet::codec;
use wattpool_wallet::message;

/// States in which a proposal can be.
const STATES: [(ProposalStatus, &str); 5] = [
    (ProposalStatus::DepositPeriod, "deposit"),
    (ProposalStatus::VotingPeriod, "voting"),
    (ProposalStatus::Passed, "passed"),
    (ProposalStatus::Rejected, "rejected"),
    (ProposalStatus::Failed, "failed"),
];

/// Lists proposals.
#[derive(clap::Args)]
pub struct List {
    /// Of this state only: deposit, voting, passed, rejected or failed.
    #[arg(long, value_name = "STATE", value_parser = ["deposit", "voting", "passed", "rejected", "failed"])]
    status: Option<String>,
}

/// Names a proposal.
#[derive(clap::Args)]
pub struct Named {
    /// Its number.
    proposal: u64,
}

/// An answer.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Answer {
    /// For it.
    Yes,
    /// Against it.
    No,
    /// Neither.
    Abstain,
    /// Against it, and its deposit be burned.
    NoWithVeto,
}

/// Votes.
#[derive(clap::Args)]
pub struct Vote {
    /// The proposal's number.
    proposal: u64,
    /// The answer.
    answer: Answer,
}

/// Adds to a deposit.
#[derive(clap::Args)]
pub struct Deposit {
    /// The proposal's number.
    proposal: u64,
    /// How much, such as "10 stake".
    amount: String,
}

/// Proposes.
#[derive(clap::Args)]
pub struct Submit {
    /// The proposal in JSON: {"messages": [...], "title": ..., "summary": ..., "deposit": "10 stake"}; messages in the
    /// form of the Cosmos SDK, by the governance's address.
    file: PathBuf,
}

/// Proposes to pin the market's codes.
#[derive(clap::Args)]
pub struct SubmitPin {
    /// How much to deposit, such as "10 stake"; without it, the least that the chain takes.
    #[arg(long, value_name = "AMOUNT")]
    deposit: Option<String>,
}

fn state(proposal: &Proposal) -> &'static str {
    let found = proposal.status();
    STATES
        .iter()
        .find(|(s, _)| *s == found)
        .map_or("unknown", |(_, name)| name)
}

fn messages(proposal: &Proposal) -> Vec<Value> {
    let all = proposal.messages.iter();
    all.map(|m| {
        codec::decode_any(&m.type_url, &m.value).unwrap_or_else(|_| json!({"@type": m.type_url}))
    })
    .collect()
}

/// What a message of a proposal does, in words; one that has none is shown as it is.
fn wish(message: &Value) -> String {
    let text = |path: &str| message.pointer(path).and_then(Value::as_str);
    let words = match text("/@type") {
        Some("/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade") => text("/plan/name")
            .zip(text("/plan/height"))
            .map(|(name, height)| {
                let info = text("/plan/info").filter(|i| !i.is_empty());
                let info = info.map_or_else(String::new, |i| format!(" ({i})"));
                format!(
                    "halt before block {height} until the program with upgrade {name:?} runs{info}"
                )
            }),
        Some("/cosmos.upgrade.v1beta1.MsgCancelUpgrade") => {
            Some("give up the upgrade that is planned".to_owned())
        }
        Some("/cosmwasm.wasm.v1.MsgPinCodes") => {
            let codes = message.get("code_ids").and_then(Value::as_array);
            codes.map(|codes| {
                let codes: Vec<&str> = codes.iter().filter_map(Value::as_str).collect();
                format!("keep codes {} loaded in every node", codes.join(", "))
            })
        }
        Some("/cosmwasm.wasm.v1.MsgMigrateContract") => text("/contract")
            .zip(text("/code_id"))
            .map(|(contract, code)| format!("give contract {contract} code {code}")),
        _ => None,
    };
    words.unwrap_or_else(|| format!("message {message}"))
}

fn value(proposal: &Proposal, tally: Option<&TallyResult>) -> Value {
    let seconds =
        |t: &Option<wattpool_ledger_wasmd::proto::Timestamp>| t.as_ref().map(|t| t.seconds);
    json!({
        "id": proposal.id, "status": state(proposal), "title": proposal.title, "summary": proposal.summary, "proposer": proposal.proposer,
        "messages": messages(proposal), "deposit_ends": seconds(&proposal.deposit_end_time), "voting_ends": seconds(&proposal.voting_end_time),
        "failed_reason": proposal.failed_reason,
        "tally": tally.map(|t| json!({"yes": t.yes_count, "no": t.no_count, "abstain": t.abstain_count, "no_with_veto": t.no_with_veto_count})),
    })
}

fn line(proposal: &Proposal) -> String {
    let ends = match proposal.status() {
        ProposalStatus::VotingPeriod => proposal.voting_end_time.as_ref(),
        ProposalStatus::DepositPeriod => proposal.deposit_end_time.as_ref(),
        _ => None,
    };
    let ends = ends
        .and_then(|t| u64::try_from(t.seconds).ok())
        .map_or_else(String::new, |t| format!(", ends {}", time(t)));
    format!(
        "{:<5} {:<9} {}{ends}\n",
        proposal.id,
        state(proposal),
        proposal.title
    )
}

/// Lists and prints.
///
/// # Errors
/// No node answers.
pub fn list(session: &Session, args: &List) -> Result<u8, Failure> {
    block_on(async {
        let client = session.client().await?;
        let mut all = Vec::new();
        for (status, name) in STATES {
            if args.status.as_deref().is_none_or(|s| s == name) {
                all.extend(
                    client
                        .rpc()
                        .proposals(status.into())
                        .await
                        .map_err(failed)?,
                );
            }
        }
        all.sort_by_key(|p| p.id);
        let values: Vec<Value> = all.iter().map(|p| value(p, None)).collect();
        session.answer(&values, || all.iter().map(line).collect())
    })
}

/// Shows and prints.
///
/// # Errors
/// There is no such proposal, or no node answers.
pub fn show(session: &Session, args: &Named) -> Result<u8, Failure> {
    block_on(async {
        let client = session.client().await?;
        let found = client.rpc().proposal(args.proposal).await.map_err(failed)?;
        let Some(proposal) = found else {
            return Err(Failure::from(anyhow!(
                "proposal {}: there is none",
                args.proposal
            )));
        };
        let tally = client.rpc().tally(args.proposal).await.map_err(failed)?;
        session.answer(&value(&proposal, Some(&tally)), || {
            let mut text = line(&proposal);
            writeln!(text, "  {}\n  by {}", proposal.summary, proposal.proposer).ok();
            for message in messages(&proposal) {
                writeln!(text, "  {}", wish(&message)).ok();
            }
            writeln!(
                text,
                "  votes by stake: {} yes, {} no, {} abstain, {} no with veto",
                tally.yes_count, tally.no_count, tally.abstain_count, tally.no_with_veto_count
            )
            .ok();
            if !proposal.failed_reason.is_empty() {
                writeln!(text, "  failed: {}", proposal.failed_reason).ok();
            }
            text
        })
    })
}

/// Votes and prints what came of it.
///
/// # Errors
/// The chain refuses: there is no such proposal, or it is not being voted on.
pub fn vote(session: &Session, args: &Vote) -> Result<u8, Failure> {
    let (option, name) = match args.answer {
        Answer::Yes => ("VOTE_OPTION_YES", "yes"),
        Answer::No => ("VOTE_OPTION_NO", "no"),
        Answer::Abstain => ("VOTE_OPTION_ABSTAIN", "abstain"),
        Answer::NoWithVeto => ("VOTE_OPTION_NO_WITH_VETO", "no with veto"),
    };
    let words = format!("vote {name} on proposal {}", args.proposal);
    block_on(session.transact(&words, |from| {
        Ok(vec![message::vote(from, args.proposal, option)])
    }))
}

/// Deposits and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn deposit(session: &Session, args: &Deposit) -> Result<u8, Failure> {
    let amount = coins("amount", &args.amount).map_err(unusable)?;
    let words = format!(
        "add {} to the deposit of proposal {}, which is burned if it is vetoed",
        show_coins(&amount),
        args.proposal
    );
    block_on(session.transact(&words, |from| {
        Ok(vec![message::deposit(from, args.proposal, &amount)])
    }))
}

/// Proposes and prints what came of it.
///
/// # Errors
/// The file is no proposal (exit code 2), or the chain refuses.
pub fn submit(session: &Session, args: &Submit) -> Result<u8, Failure> {
    let file = args.file.display().to_string();
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| file.clone())
        .map_err(Failure::input)?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|e| Failure::input(anyhow!("{file}: expected JSON: {e}")))?;
    let field = |name: &str| {
        let found = value.get(name).and_then(Value::as_str);
        found.ok_or_else(|| Failure::input(anyhow!("{file}: expected text under {name:?}")))
    };
    let (title, summary) = (field("title")?, field("summary")?);
    let deposit = coins("deposit", field("deposit")?).map_err(unusable)?;
    let messages = value
        .get("messages")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for (n, message) in messages.iter().enumerate() {
        codec::encode_any(message, &format!("{file}: messages[{n}]")).map_err(unusable)?;
    }
    let words = format!(
        "propose {title:?} to the chain's governance with {} messages and a deposit of {}",
        messages.len(),
        show_coins(&deposit)
    );
    block_on(session.transact(&words, |from| {
        Ok(vec![message::propose(
            from, messages, &deposit, title, summary,
        )])
    }))
}

/// Proposes to pin the market's codes, and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn submit_pin(session: &Session, args: &SubmitPin) -> Result<u8, Failure> {
    let market = session.market()?;
    let given = args
        .deposit
        .as_deref()
        .map(|t| coins("--deposit", t))
        .transpose()
        .map_err(unusable)?;
    block_on(async {
        let client = session.client().await?;
        let pinned = client.rpc().pinned_codes().await.map_err(failed)?;
        let mut codes = vec![
            market.token.code_id,
            market.pool.code_id,
            market.escrow.code_id,
        ];
        codes.retain(|id| !pinned.contains(id));
        codes.dedup();
        if codes.is_empty() {
            return session.answer(&json!({"pinned": true}), || {
                "the market's codes are pinned already\n".to_owned()
            });
        }
        let deposit = match given {
            Some(given) => given,
            None => client.rpc().proposal_deposit().await.map_err(failed)?,
        };
        let authority = module_address("gov", ADDRESS_PREFIX).map_err(failed)?;
        let summary =
            format!("Keeps codes {codes:?} loaded in every node: a trade then costs less gas.");
        let proposal = Proposed {
            what: format!("pin codes {codes:?}"),
            title: "Pin Wattpool's codes".to_owned(),
            summary,
            deposit,
        };
        propose(session, &proposal, message::pin_codes(&authority, &codes)).await
    })
}

/// A proposal of one message.
pub struct Proposed {
    /// What it is for, after "propose to".
    pub what: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// What is deposited.
    pub deposit: Vec<(u128, String)>,
}

/// Proposes a message of the governance's own and prints the proposal's number.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub async fn propose(session: &Session, proposed: &Proposed, wish: Value) -> Result<u8, Failure> {
    let Proposed {
        what,
        title,
        summary,
        deposit,
    } = proposed;
    let shown: Vec<String> = deposit.iter().map(|(a, d)| show_coin(*a, d)).collect();
    let words = format!("propose to {what} with a deposit of {}", shown.join(", "));
    if session.options().generate_only {
        let all = |from: &str| {
            Ok(vec![message::propose(
                from,
                vec![wish],
                deposit,
                title,
                summary,
            )])
        };
        return session.transact(&words, all).await;
    }
    let signer = session.signer()?;
    let message = message::propose(&signer.address, vec![wish], deposit, title, summary);
    let Some(sent) = session.carry_out(&words, &signer, vec![message]).await? else {
        return Ok(0);
    };
    let events = sent
        .result
        .events
        .iter()
        .filter(|e| e.kind == "submit_proposal");
    let id = events
        .filter_map(|e| e.value("proposal_id"))
        .next()
        .and_then(|id| id.parse::<u64>().ok());
    if session.as_json() {
        let value = json!({"proposal": id, "hash": sent.hash.to_string(), "height": sent.height, "gas_used": sent.result.gas_used, "fee": amounts(&sent.fee)});
        return session.answer(&value, String::new);
    }
    let number = id.map_or_else(|| "a proposal".to_owned(), |id| format!("proposal {id}"));
    session.print_sent(&format!("{number} to {what}"), &sent)
}
