//! What happened to an account: transactions, trades, fee grants.

use super::balances::{account, ask};
use crate::chain::{amounts, block_on, failed, time, Session};
use crate::Failure;
use anyhow::anyhow;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::fmt::Write;
use wattpool_ledger_wasmd::fee_grant::allowance;
use wattpool_ledger_wasmd::proto::cosmos::feegrant::v1beta1::Grant;
use wattpool_ledger_wasmd::rpc::{TxHash, TxIn};
use wattpool_ledger_wasmd::Client;
use wattpool_schema::escrow::{self, TradeRecord, TradesResponse};
use wattpool_schema::pool::{self, MetersResponse};
use wattpool_schema::MeterId;
use wattpool_wallet::amount::{show_coins, show_energy, show_money, show_price};
use wattpool_wallet::tx::Document;

/// Lists transactions.
#[derive(clap::Args)]
pub struct History {
    /// Name of a key or an address; without it, --from.
    key: Option<String>,
    /// Those that sent it coins, instead of those that it signed.
    #[arg(long)]
    received: bool,
    /// Page, from 1.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,
    /// Transactions a page, at most 100.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Lists trades.
#[derive(clap::Args)]
pub struct Trades {
    /// Name of a key or an address; without it, --from.
    key: Option<String>,
    /// This meter's only.
    #[arg(long, value_name = "ID")]
    meter: Option<MeterId>,
    /// Purchases with a larger trade id than this.
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// At most so many purchases and sales of each meter.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
}

/// Lists fee grants.
#[derive(clap::Args)]
pub struct FeeGrants {
    /// Name of a key or an address; without it, --from.
    key: Option<String>,
}

/// Shows a transaction.
#[derive(clap::Args)]
pub struct Tx {
    /// Its hash: 64 hexadecimal digits.
    hash: String,
}

/// What a message is called, without its module.
fn verb(message: &Value) -> String {
    let url = message
        .get("@type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = url
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .trim_start_matches("Msg");
    let inner = message
        .get("msg")
        .and_then(Value::as_object)
        .and_then(|m| m.keys().next());
    inner.map_or_else(|| name.to_owned(), |inner| format!("{name} {inner}"))
}

fn entry(bytes: &[u8], at: &TxIn, when: Option<u64>) -> Value {
    let document = Document::from_bytes(bytes).ok();
    let messages = document
        .as_ref()
        .map(|d| d.messages().to_vec())
        .unwrap_or_default();
    json!({
        "hash": TxHash::of(bytes).to_string(),
        "height": at.height,
        "time": when,
        "code": at.result.code,
        "log": if at.result.is_ok() { "" } else { at.result.log.as_str() },
        "gas_used": at.result.gas_used,
        "gas_wanted": at.result.gas_wanted,
        "fee": document.as_ref().map(|d| amounts(&d.fee())),
        "memo": document.as_ref().map(Document::memo),
        "messages": messages,
    })
}

fn line(entry: &Value) -> String {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| entry.get(name).and_then(Value::as_u64);
    let messages = entry.get("messages").and_then(Value::as_array);
    let verbs: Vec<String> = messages
        .map(|list| list.iter().map(verb).collect())
        .unwrap_or_default();
    let failed = if number("code") == Some(0) {
        ""
    } else {
        "  FAILED"
    };
    format!(
        "{}  block {}  {}{failed}\n  {}\n",
        number("time").map_or_else(String::new, time),
        number("height").unwrap_or_default(),
        verbs.join(", "),
        text("hash")
    )
}

async fn times(
    client: &Client,
    heights: impl Iterator<Item = u64>,
) -> Result<BTreeMap<u64, u64>, Failure> {
    let mut known = BTreeMap::new();
    for height in heights {
        if let std::collections::btree_map::Entry::Vacant(place) = known.entry(height) {
            // A node may have the index and no old block any more.
            if let Ok(metas) = client.rpc().headers(height, height).await {
                if let Some(meta) = metas.first() {
                    place.insert(meta.time.seconds.get());
                }
            }
        }
    }
    Ok(known)
}

/// Lists and prints.
///
/// # Errors
/// The account is none (exit code 2), or the node keeps no index.
pub fn run(session: &Session, args: &History) -> Result<u8, Failure> {
    let address = account(session, args.key.as_ref())?;
    let event = if args.received {
        "transfer.recipient"
    } else {
        "message.sender"
    };
    block_on(async {
        let client = session.client().await?;
        let query = format!("{event}='{address}'");
        let found = client
            .rpc()
            .search(&query, args.page, args.limit)
            .await
            .map_err(failed)?;
        let heights = found.transactions.iter().map(|(_, at)| at.height);
        let times = times(&client, heights).await?;
        let entries: Vec<Value> = found
            .transactions
            .iter()
            .map(|(bytes, at)| entry(bytes, at, times.get(&at.height).copied()))
            .collect();
        let pages = found.total.div_ceil(u64::from(args.limit));
        let value = json!({"address": address, "page": args.page, "pages": pages, "total": found.total, "transactions": entries});
        session.answer(&value, || {
            let mut text: String = entries.iter().map(line).collect();
            writeln!(
                text,
                "page {} of {pages}, {} transactions",
                args.page, found.total
            )
            .ok();
            text
        })
    })
}

/// Shows what became of a transaction.
///
/// # Errors
/// It is no hash (exit code 2), or the node does not know it.
pub fn tx(session: &Session, args: &Tx) -> Result<u8, Failure> {
    let bytes: Option<[u8; 32]> = hex::decode(&args.hash).ok().and_then(|b| b.try_into().ok());
    let Some(bytes) = bytes else {
        return Err(Failure::input(anyhow!(
            "hash: expected 64 hexadecimal digits, found {:?}",
            args.hash
        )));
    };
    block_on(async {
        let client = session.client().await?;
        let query = format!("tx.hash='{}'", hex::encode_upper(bytes));
        let found = client.rpc().search(&query, 1, 1).await.map_err(failed)?;
        let Some((bytes, at)) = found.transactions.first() else {
            let head = client.last_seen().height;
            return Err(Failure::from(anyhow!(
                "transaction {}: it is in no block up to {head} that this node knows",
                args.hash
            )));
        };
        session.settled(&TxHash::of(bytes).to_string());
        let times = times(&client, std::iter::once(at.height)).await?;
        let value = entry(bytes, at, times.get(&at.height).copied());
        session.answer(&value, || {
            let fee = Document::from_bytes(bytes)
                .map(|d| show_coins(&d.fee()))
                .unwrap_or_default();
            let log = if at.result.is_ok() {
                "executed".to_owned()
            } else {
                format!("failed: {}", at.result.log)
            };
            format!(
                "{}  gas {} of {}, fee {fee}\n  {log}\n",
                line(&value),
                at.result.gas_used,
                at.result.gas_wanted
            )
        })
    })
}

/// All meters of an owner.
///
/// # Errors
/// No answer.
pub async fn meters_of(
    client: &Client,
    pool: &str,
    owner: &str,
) -> Result<Vec<pool::MeterResponse>, Failure> {
    let (mut all, mut start_after) = (Vec::new(), None);
    loop {
        let question = pool::QueryMsg::MetersOf {
            owner: owner.to_owned(),
            start_after,
            limit: Some(100),
        };
        let page: MetersResponse = ask(client, pool, &question).await?;
        start_after = page.meters.last().map(|m| m.meter);
        let last = page.meters.len() < 100;
        all.extend(page.meters);
        if last {
            return Ok(all);
        }
    }
}

/// Lists and prints trades.
///
/// # Errors
/// The account is none (exit code 2), or no node answers.
pub fn trades(session: &Session, args: &Trades) -> Result<u8, Failure> {
    let market = session.market()?;
    let owner = match args.meter {
        Some(_) => None,
        None => Some(account(session, args.key.as_ref())?),
    };
    block_on(async {
        let client = session.client().await?;
        let meters = match (&args.meter, &owner) {
            (Some(meter), _) => vec![*meter],
            (None, Some(owner)) => meters_of(&client, &market.pool.address, owner)
                .await?
                .into_iter()
                .map(|m| m.meter)
                .collect(),
            (None, None) => Vec::new(),
        };
        let (limit, start_after) = (Some(args.limit), args.after);
        let mut all: Vec<(&str, TradeRecord)> = Vec::new();
        for meter in meters {
            let bought = escrow::QueryMsg::Purchases {
                meter,
                start_after,
                limit,
            };
            let sold = escrow::QueryMsg::Sales {
                meter,
                start_after: None,
                limit,
            };
            for (word, question) in [("bought", bought), ("sold", sold)] {
                let page: TradesResponse = ask(&client, &market.escrow.address, &question).await?;
                all.extend(page.trades.into_iter().map(|t| (word, t)));
            }
        }
        all.sort_by_key(|(_, t)| t.sequence);
        let values: Vec<Value> = all
            .iter()
            .map(|(word, t)| json!({"side": word, "trade": t}))
            .collect();
        session.answer(&values, || {
            all.iter()
                .map(|(word, t)| {
                    format!(
                        "{}  {word:<6} {} at {} for {}{}  from {} to {}\n",
                        time(t.closed_at.get()),
                        show_energy(t.arrived),
                        show_price(t.price, &market.denom),
                        show_money(t.paid, &market.denom),
                        if t.charge.is_zero() {
                            String::new()
                        } else {
                            format!(
                                " and {} network charge",
                                show_money(t.charge, &market.denom)
                            )
                        },
                        t.seller,
                        t.buyer,
                    )
                })
                .collect()
        })
    })
}

/// A grant for people.
pub fn grant_line(grant: &Grant) -> String {
    let (limit, until) = allowance(grant);
    let limit = limit.map_or_else(
        || "of another kind".to_owned(),
        |l| {
            if l.is_empty() {
                "without a limit".to_owned()
            } else {
                format!("{} left", show_coins(&l))
            }
        },
    );
    let until = until.map_or_else(|| "no end".to_owned(), |t| format!("until {}", time(t)));
    format!(
        "{} pays for {}: {limit}, {until}\n",
        grant.granter, grant.grantee
    )
}

/// A grant for programs.
pub fn grant_value(grant: &Grant) -> Value {
    let (limit, until) = allowance(grant);
    json!({"granter": grant.granter, "grantee": grant.grantee, "left": limit.map(|l| amounts(&l)), "until": until})
}

/// Lists and prints fee grants.
///
/// # Errors
/// The account is none (exit code 2), or no node answers.
pub fn fee_grants(session: &Session, args: &FeeGrants) -> Result<u8, Failure> {
    let address = account(session, args.key.as_ref())?;
    block_on(async {
        let client = session.client().await?;
        let mut grants = client.rpc().fee_grants_by(&address).await.map_err(failed)?;
        grants.extend(client.rpc().fee_grants_to(&address).await.map_err(failed)?);
        let values: Vec<Value> = grants.iter().map(grant_value).collect();
        session.answer(&values, || grants.iter().map(grant_line).collect())
    })
}
