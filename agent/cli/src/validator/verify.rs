//! What anybody can check of a market: its log of trades against its state, and its codes against a build.

use crate::chain::{block_on, failed, Session};
use crate::wallet::balances::ask;
use crate::Failure;
use anyhow::anyhow;
use serde_json::json;
use std::path::PathBuf;
use wattpool_audit::record::wrong;
use wattpool_operator::deploy::read_codes;
use wattpool_schema::escrow::{record_digest, BookResponse, QueryMsg, TradesResponse};
use wattpool_schema::pool::{self, PoolWindow};
use wattpool_schema::Digest32;

/// Recomputes the log.
#[derive(clap::Args)]
pub struct Trades {
    /// First trade to recompute the sums of, by its place in the log.
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: u64,
    /// Last one; without it, all that there are.
    #[arg(long, value_name = "N")]
    last: Option<u64>,
}

/// Compares codes.
#[derive(clap::Args)]
pub struct Code {
    /// Folder of a build of your own from the release's tag, as scripts/build-contracts makes it. Of several (repeat it),
    /// made in different folders or on different machines, all have to be the same.
    #[arg(long, value_name = "DIR", default_value = "target/wasm-contracts")]
    contracts: Vec<PathBuf>,
}

/// Recomputes and prints; exit code 3 if something differs.
///
/// # Errors
/// No node answers.
pub fn trades(session: &Session, args: &Trades) -> Result<u8, Failure> {
    let market = session.market()?;
    block_on(async {
        let client = session.client().await?;
        let escrow = &market.escrow.address;
        // The log grows while it is read: what is compared is the state at which the book stood twice the same.
        let mut head = Digest32::default();
        let (mut next, mut found) = (0_u64, Vec::new());
        let (mut paid, mut charged, mut arrived) = (0_u128, 0_u128, 0_u128);
        let mut windows = std::collections::BTreeMap::<_, (u128, u128, bool)>::new();
        let book: BookResponse = loop {
            let book: BookResponse = ask(&client, escrow, &QueryMsg::Book {}).await?;
            while next < book.trades {
                let question = QueryMsg::Trades {
                    start_after: next.checked_sub(1),
                    limit: Some(100),
                };
                let page: TradesResponse = ask(&client, escrow, &question).await?;
                if page.trades.is_empty() {
                    found.push(format!(
                        "expected {} trades in the log, found {next}",
                        book.trades
                    ));
                    break;
                }
                for record in page.trades {
                    if next >= book.trades {
                        break;
                    }
                    found.extend(wrong(&record, next).map(|(_, what)| what));
                    head = record_digest(&head, &record);
                    if record.sequence >= args.first
                        && args.last.is_none_or(|to| record.sequence <= to)
                    {
                        paid = paid.saturating_add(u128::from(record.paid.get()));
                        charged = charged.saturating_add(u128::from(record.charge.get()));
                        arrived = arrived.saturating_add(u128::from(record.arrived.get()));
                        let window = windows.entry(record.window).or_default();
                        window.0 = window.0.saturating_add(u128::from(record.arrived.get()));
                        window.1 = window.1.saturating_add(u128::from(record.paid.get()));
                        window.2 |= record.count != 1;
                    }
                    next = next.saturating_add(1);
                }
            }
            if next >= book.trades || !found.is_empty() {
                break book;
            }
        };
        if head != book.head && found.is_empty() {
            found.push(format!(
                "the hash chain over {} trades ends in {head}, the contract says {}",
                book.trades, book.head
            ));
        }
        // What the log says of each window cannot be more than the pool booked for it.
        let mut checked = 0_u64;
        for (window, (wh, money, longer)) in &windows {
            if *longer {
                continue;
            }
            let books: PoolWindow = ask(
                &client,
                &market.pool.address,
                &pool::QueryMsg::Window { window: *window },
            )
            .await?;
            checked = checked.saturating_add(1);
            if *wh > u128::from(books.redeemed.get()) || *money > u128::from(books.paid.get()) {
                found.push(format!(
                    "window {window}: the log has {wh} Wh for {money}, the pool booked {} Wh for {}",
                    books.redeemed, books.paid
                ));
            }
        }
        let held = client
            .rpc()
            .balance(escrow, &market.denom)
            .await
            .map_err(failed)?;
        let owed = [book.accounts, book.locked, book.charges]
            .iter()
            .fold(0_u128, |sum, m| sum.saturating_add(u128::from(m.get())));
        if held < owed {
            found.push(format!("the escrow holds {held} and owes {owed}"));
        }
        let value = json!({
            "trades": book.trades, "head": book.head, "windows": checked, "arrived_wh": arrived.to_string(), "paid": paid.to_string(),
            "charged": charged.to_string(), "wrong": found,
        });
        session.answer(&value, || {
            let mut text = format!(
                "{} trades, hash chain {}; {checked} windows against the pool's books\n  {arrived} Wh arrived, {paid} paid, {charged} charged\n",
                book.trades, book.head
            );
            for line in &found {
                text.push_str(&format!("  WRONG {line}\n"));
            }
            if found.is_empty() {
                text.push_str("  everything agrees\n");
            }
            text
        })?;
        Ok(if found.is_empty() { 0 } else { 3 })
    })
}

/// Compares and prints; exit code 3 if something differs.
///
/// # Errors
/// The folder is none (exit code 2), or no node answers.
pub fn code(session: &Session, args: &Code) -> Result<u8, Failure> {
    let market = session.market()?;
    let mut codes = Vec::new();
    let mut apart = Vec::new();
    for folder in &args.contracts {
        let found = read_codes(folder).map_err(failed)?;
        if codes.is_empty() {
            codes.extend(found);
            continue;
        }
        for (first, other) in codes.iter().zip(&found) {
            if first.checksum != other.checksum {
                apart.push((first.name, folder.clone(), hex::encode(other.checksum)));
            }
        }
    }
    block_on(async {
        let client = session.client().await?;
        let (mut lines, mut differ) = (Vec::new(), !apart.is_empty());
        for (code, place) in codes
            .iter()
            .zip([&market.token, &market.pool, &market.escrow])
        {
            let info = client
                .rpc()
                .contract_info(&place.address)
                .await
                .map_err(failed)?;
            let id = info
                .ok_or_else(|| anyhow!("{}: there is no contract at {}", code.name, place.address))?
                .code_id;
            let on_chain = client.rpc().code_info(id).await.map_err(failed)?;
            let on_chain =
                on_chain.ok_or_else(|| anyhow!("{}: there is no code {id}", code.name))?;
            let same = on_chain.data_hash == code.checksum;
            differ |= !same;
            lines.push((
                code.name,
                id,
                hex::encode(&on_chain.data_hash),
                hex::encode(code.checksum),
                same,
            ));
        }
        let values: Vec<_> = lines.iter().map(|(name, id, chain, build, same)| json!({"contract": name, "code_id": id, "on_chain": chain, "build": build, "same": same, "builds_agree": apart.iter().all(|(other, ..)| other != name)})).collect();
        for (name, folder, build) in &apart {
            let folder = folder.display();
            eprintln!("wattpool: warning: {folder}: the build of {name} is another one than in the first folder: {build}");
        }
        session.answer(&values, || {
            lines
                .iter()
                .map(|(name, id, chain, build, same)| {
                    let word = if *same {
                        "same as the build".to_owned()
                    } else {
                        format!("DIFFERENT: the build has {build}")
                    };
                    format!("{name:<13} code {id}  {chain}  {word}\n")
                })
                .collect()
        })?;
        Ok(if differ { 3 } else { 0 })
    })
}
