//! `wattpool audit trade`.

use crate::chain::{block_on, failed, time, Session};
use crate::Failure;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use wattpool_ledger_wasmd::proof::light::TRUSTING_PERIOD;
use wattpool_ledger_wasmd::proof::{
    ProofError, ProvenTrade, Prover, TradeProof, Trust, TrustedBlock,
};
use wattpool_ledger_wasmd::rpc::TxHash;
use wattpool_ledger_wasmd::{Client, Market};
use wattpool_schema::escrow::{QueryMsg, TradeStatus};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::MeterId;

/// How old a header may be that a node gives as its newest: a chain that stood for a day still proves what it stored.
const NEWEST: Duration = Duration::from_secs(86_400);
/// Largest file that is read as a proof, bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Proves.
#[derive(clap::Args)]
pub struct Args {
    /// The trade: its place in the log, BUYER/TRADE_ID, or the hash of the transaction that closed it. With --proof it may be left out.
    id: Option<String>,
    /// Block that you trust, HEIGHT:HASH, from people whom you trust; without it the one of the market's addresses file.
    #[arg(long, value_name = "HEIGHT:HASH")]
    trusted: Option<String>,
    /// Keep the proof in this file; it must not be there yet.
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    save: Option<PathBuf>,
    /// Check a proof that was kept; no node is asked.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

/// It does not hold: exit code 3.
fn refused(why: impl std::fmt::Display) -> Failure {
    Failure {
        code: 3,
        error: anyhow!("not proven: {why}"),
    }
}

/// A block that somebody trusts.
///
/// # Errors
/// It is none (exit code 2).
pub fn trusted(text: Option<&str>, market: &Market) -> Result<TrustedBlock, Failure> {
    let Some(text) = text else {
        return market.trusted.clone().ok_or_else(|| {
            Failure::input(anyhow!(
                "--trusted: expected HEIGHT:HASH of a block that you trust; the addresses file names none"
            ))
        });
    };
    let bad = || {
        Failure::input(anyhow!(
            "--trusted: expected HEIGHT:HASH, a number and 64 hexadecimal digits, found {text:?}"
        ))
    };
    let (height, hash) = text.split_once(':').ok_or_else(bad)?;
    let block = TrustedBlock {
        height: height.parse().map_err(|_| bad())?,
        hash: hash.to_ascii_uppercase(),
    };
    block.check().map_err(|_| bad())?;
    Ok(block)
}

/// Verifies a proof, and that the record does not contradict itself.
///
/// # Errors
/// In a line: what does not hold.
pub fn proven(
    file: &TradeProof,
    market: &Market,
    trusted: &TrustedBlock,
) -> Result<ProvenTrade, String> {
    let proven = file.check(market, trusted)?;
    match wattpool_audit::record::wrong(&proven.record, file.sequence) {
        None => Ok(proven),
        Some((field, what)) => Err(format!("the record contradicts itself: {field}: {what}")),
    }
}

/// Proves trades of a market by a node.
pub fn prover(client: Arc<Client>, market: &Market, origin: TrustedBlock) -> Prover {
    let trust = Trust {
        origin,
        period: TRUSTING_PERIOD,
        newest: NEWEST,
    };
    Prover::new(client, trust, market.window_seconds, None).unbounded()
}

/// Which trade is meant, and what the record has to say.
struct Wanted {
    sequence: u64,
    of: Option<(MeterId, u64)>,
}

/// Proves and prints; exit code 3 if it is not proven.
///
/// # Errors
/// The input is none (exit code 2), no node answers, or the trade is not proven (3).
pub fn run(session: &Session, args: &Args) -> Result<u8, Failure> {
    let market = session.market()?;
    let trusted = trusted(args.trusted.as_deref(), &market)?;
    let file = match &args.proof {
        Some(file) => kept(file, args.id.as_deref())?,
        None => {
            let id = args.id.as_deref().ok_or_else(|| {
                Failure::input(anyhow!("expected a trade: its place in the log, BUYER/TRADE_ID, or a transaction's hash"))
            })?;
            if let Some(save) = args.save.as_ref().filter(|f| f.exists()) {
                let shown = save.display();
                return Err(Failure::input(anyhow!(
                    "{shown}: is there already; a proof replaces nothing"
                )));
            }
            block_on(asked(session, &market, &trusted, id))?
        }
    };
    let proven = proven(&file, &market, &trusted).map_err(refused)?;
    if let Some(save) = &args.save {
        let text = serde_json::to_vec(&file).context("the proof")?;
        std::fs::write(save, text).with_context(|| save.display().to_string())?;
    }
    print(session, args, &file, &proven, &trusted)
}

fn kept(path: &Path, id: Option<&str>) -> Result<TradeProof, Failure> {
    let named = || path.display().to_string();
    let size = std::fs::metadata(path)
        .with_context(named)
        .map_err(Failure::input)?
        .len();
    if size > LARGEST {
        return Err(Failure::input(anyhow!(
            "{}: expected a proof of at most {LARGEST} bytes",
            named()
        )));
    }
    let text = std::fs::read(path)
        .with_context(named)
        .map_err(Failure::input)?;
    let read: Result<TradeProof, _> = serde_json::from_slice(&text);
    let file = read.map_err(|e| {
        let why = e.to_string().replace(['\n', '\r'], " ");
        Failure::input(anyhow!(
            "{}: expected a proof as audit trade --save writes it: {why}",
            named()
        ))
    })?;
    if let Some(id) = id {
        let sequence: u64 = id.parse().map_err(|_| {
            Failure::input(anyhow!(
                "{id:?}: with --proof expected the trade's place in the log"
            ))
        })?;
        if sequence != file.sequence {
            return Err(refused(format!(
                "the file is of trade {}, not of trade {sequence}",
                file.sequence
            )));
        }
    }
    Ok(file)
}

async fn asked(
    session: &Session,
    market: &Market,
    trusted: &TrustedBlock,
    id: &str,
) -> Result<TradeProof, Failure> {
    let client = session.client().await?;
    let wanted = find(&client, market, id).await?;
    let prover = prover(client, market, trusted.clone());
    let file = TradeProof::gather(&prover, market, wanted.sequence)
        .await
        .map_err(|error| match error {
            ProofError::Chain(error) => failed(error),
            ProofError::Expired { .. } => {
                Failure::input(anyhow!("{error}; here: --trusted HEIGHT:HASH"))
            }
            other => refused(other),
        })?;
    if let Some((buyer, trade_id)) = wanted.of {
        let proven = proven(&file, market, trusted).map_err(refused)?;
        if (proven.record.buyer, proven.record.trade_id) != (buyer, trade_id) {
            let found = format!("{}/{}", proven.record.buyer, proven.record.trade_id);
            return Err(refused(format!(
                "the node says that {buyer}/{trade_id} is trade {}, and that is {found}",
                wanted.sequence
            )));
        }
    }
    Ok(file)
}

/// The place of a trade in the log, as a node says; the record shows whether that is right.
async fn find(client: &Client, market: &Market, id: &str) -> Result<Wanted, Failure> {
    if let Ok(sequence) = id.parse() {
        return Ok(Wanted { sequence, of: None });
    }
    if let Some((buyer, trade_id)) = id.split_once('/') {
        let parsed = MeterId::from_str(buyer)
            .ok()
            .zip(trade_id.parse::<u64>().ok());
        let (buyer, trade_id) = parsed.ok_or_else(|| {
            Failure::input(anyhow!(
                "{id:?}: expected BUYER/TRADE_ID, a meter's 32 hexadecimal digits and a number"
            ))
        })?;
        let question = QueryMsg::TradeOf { buyer, trade_id };
        let found = client.rpc().smart(&market.escrow.address, &question).await;
        return match found.map_err(failed)? {
            TradeStatus::Closed { record } => Ok(Wanted {
                sequence: record.sequence,
                of: Some((buyer, trade_id)),
            }),
            TradeStatus::Open { .. } => Err(refused(format!(
                "{id} is an order that is not closed: nothing is final"
            ))),
            TradeStatus::Unknown {} => Err(refused(format!("there is no trade {id}"))),
        };
    }
    if id.len() == 64 {
        let mut hash = TxHash([0; 32]);
        if hex::decode_to_slice(id, &mut hash.0).is_ok() {
            return of_transaction(client, market, id, &hash).await;
        }
    }
    Err(Failure::input(anyhow!(
        "{id:?}: expected a trade's place in the log, BUYER/TRADE_ID, or a transaction's hash of 64 hexadecimal digits"
    )))
}

/// The trade that a transaction closed. That it is in a block proves nothing: it may have failed.
async fn of_transaction(
    client: &Client,
    market: &Market,
    id: &str,
    hash: &TxHash,
) -> Result<Wanted, Failure> {
    let found = client.rpc().tx(hash).await.map_err(failed)?;
    let found = found.ok_or_else(|| refused(format!("the node has no transaction {id}")))?;
    if !found.result.is_ok() {
        return Err(refused(format!(
            "transaction {id} is in block {} and failed there (code {}): that a block holds it proves no trade",
            found.height, found.result.code
        )));
    }
    let mut closed: Vec<u64> = Vec::new();
    for event in &found.result.events {
        let from = event.value("_contract_address");
        if from != Some(market.escrow.address.as_str()) || event.kind != "wasm-trade_closed" {
            continue;
        }
        let attributes: Vec<_> = event
            .attributes
            .iter()
            .map(|a| cosmwasm_std::Attribute {
                key: a.key.clone(),
                value: a.value.clone(),
            })
            .collect();
        if let Ok(Some(MarketEvent::TradeClosed(e))) = MarketEvent::parse(&event.kind, &attributes)
        {
            closed.push(e.sequence);
        }
    }
    match closed.as_slice() {
        [sequence] => Ok(Wanted {
            sequence: *sequence,
            of: None,
        }),
        [] => Err(refused(format!(
            "transaction {id} closed no trade of this market"
        ))),
        several => {
            let list: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failure::input(anyhow!(
                "transaction {id} closed several trades, name one: {}",
                list.join(", ")
            )))
        }
    }
}

fn print(
    session: &Session,
    args: &Args,
    file: &TradeProof,
    proven: &ProvenTrade,
    trusted: &TrustedBlock,
) -> Result<u8, Failure> {
    let record = &proven.record;
    let value = json!({
        "proven": true, "height": proven.height, "time": proven.time, "header": proven.hash,
        "chain_id": file.evidence.chain_id, "contract": file.contract,
        "trusted": {"height": trusted.height, "hash": trusted.hash}, "headers": file.evidence.blocks.len(),
        "record": record, "saved": args.save,
    });
    session.answer(&value, || {
        let mut text = format!(
            "trade {} is stored by {} at height {}, chain {}:\n\
             {} of window {} ({} of them), {} bought of {}\n\
             {} Wh asked, {} arrived, {} lost; price {} per kWh, paid {}, network charge {} (micro-units)\n\
             asked {}, closed {}\n\
             proven by header {} ({}), which {} verified header(s) lead to from block {} that you trust\n",
            record.sequence,
            file.contract,
            proven.height,
            file.evidence.chain_id,
            if record.count == 1 { "spot trade" } else { "standing order" },
            record.window,
            record.count,
            record.buyer,
            record.seller,
            record.asked,
            record.arrived,
            record.lost,
            record.price,
            record.paid,
            record.charge,
            time(record.requested_at.0),
            time(record.closed_at.0),
            proven.hash,
            time(proven.time),
            file.evidence.blocks.len(),
            trusted.height,
        );
        if let Some(save) = &args.save {
            text.push_str(&format!("kept in {}: audit trade --proof checks it without a node\n", save.display()));
        }
        text
    })
}
