//! `wattpool admin status`: a market's health at a glance.

use super::meters::all;
use crate::chain::{block_on, failed, time, unusable, Session};
use crate::wallet::balances::ask;
use crate::Failure;
use serde_json::json;
use std::fmt::Write;
use wattpool_ledger_wasmd::fee_grant::allowance;
use wattpool_schema::escrow::{self, BookResponse};
use wattpool_schema::pool::{self, GridState, PoolConfig, ReserveResponse};
use wattpool_schema::Seconds;
use wattpool_wallet::amount::{money, show_coin, show_energy, show_money, show_tariff};

/// Shows a market's health.
#[derive(clap::Args)]
pub struct Status {
    /// Who pays agents' fees, to tell how much is left: name of a key or an address.
    #[arg(long, value_name = "ADDRESS")]
    payer: Option<String>,
    /// Least that the payer should hold, such as "10 watt".
    #[arg(long, value_name = "AMOUNT", requires = "payer")]
    least: Option<String>,
    /// Windows that a meter may be silent before it is named.
    #[arg(long, value_name = "N", default_value_t = 8)]
    silent: u64,
    /// Days before its end at which a fee grant is named.
    #[arg(long, value_name = "N", default_value_t = 14)]
    soon: u64,
}

/// Asks and prints; exit code 3 if something is wrong.
///
/// # Errors
/// The input is wrong (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Status) -> Result<u8, Failure> {
    let market = session.market()?;
    let denom = market.denom.clone();
    let payer = args
        .payer
        .as_ref()
        .map(|p| session.resolve("--payer", p))
        .transpose()?;
    let least = args
        .least
        .as_deref()
        .map(|t| money("--least", t, &denom))
        .transpose()
        .map_err(unusable)?;
    block_on(async {
        let client = session.client().await?;
        let head = client.last_seen();
        let pool = &market.pool.address;
        let config: PoolConfig = ask(&client, pool, &pool::QueryMsg::Config {}).await?;
        let grid: GridState = ask(&client, pool, &pool::QueryMsg::GridState {}).await?;
        let reserve: ReserveResponse = ask(&client, pool, &pool::QueryMsg::Reserve {}).await?;
        let book: BookResponse =
            ask(&client, &market.escrow.address, &escrow::QueryMsg::Book {}).await?;
        let meters = all(&client, &market).await?;
        let rpc = client.rpc();
        let pinned = rpc.pinned_codes().await.map_err(failed)?;
        let (mut wrong, mut notes): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());

        for (name, place) in [
            ("energy-token", &market.token),
            ("energy-pool", &market.pool),
            ("trade-escrow", &market.escrow),
        ] {
            let info = rpc.contract_info(&place.address).await.map_err(failed)?;
            match info {
                None => wrong.push(format!("{name}: there is no contract at {}", place.address)),
                Some(info) if info.code_id != place.code_id => {
                    wrong.push(format!(
                        "{name}: it has code {}, the addresses file says {}",
                        info.code_id, place.code_id
                    ));
                }
                Some(info) => {
                    let code = rpc.code_info(info.code_id).await.map_err(failed)?;
                    if code.is_none_or(|c| hex::encode(c.data_hash) != place.checksum) {
                        wrong.push(format!(
                            "{name}: the checksum of its code is not that of the addresses file"
                        ));
                    }
                    if !pinned.contains(&info.code_id) {
                        notes.push(format!(
                            "{name}: code {} is not pinned: every call costs more gas",
                            info.code_id
                        ));
                    }
                }
            }
        }
        if config.paused {
            wrong.push("the market is paused".to_owned());
        }
        if grid.books.halted {
            wrong.push("the chain halted in the live window: nothing is traded in it".to_owned());
        }
        let held = rpc
            .balance(&market.escrow.address, &denom)
            .await
            .map_err(failed)?;
        let owed = [book.accounts, book.locked, book.charges]
            .iter()
            .fold(0_u128, |sum, m| sum.saturating_add(u128::from(m.get())));
        if held < owed {
            wrong.push(format!(
                "the escrow holds {}, and owes {}",
                show_coin(held, &denom),
                show_coin(owed, &denom)
            ));
        }
        let held_by_pool = rpc.balance(pool, &denom).await.map_err(failed)?;
        if held_by_pool < u128::from(reserve.reserve.get()) {
            wrong.push(format!(
                "the pool holds {}, its reserve says {}",
                show_coin(held_by_pool, &denom),
                show_money(reserve.reserve, &denom)
            ));
        }
        if reserve.reserve < reserve.owed {
            wrong.push(format!(
                "the feed-in reserve of {} does not cover the {} that are owed",
                show_money(reserve.reserve, &denom),
                show_money(reserve.owed, &denom)
            ));
        }
        if let Some(other) = &config.proposed_admin {
            notes.push(format!(
                "the administration is offered to {other}, who has not accepted it"
            ));
        }
        let in_service = meters.iter().filter(|m| !m.retired);
        let old = grid.window.get().saturating_sub(args.silent);
        for meter in in_service.clone() {
            match meter.position.stated {
                Some(window) if window.get() < old => notes.push(format!(
                    "meter {}: silent since {}",
                    meter.meter,
                    time(window.end(market.window_seconds).get())
                )),
                None => notes.push(format!("meter {}: has stated nothing yet", meter.meter)),
                Some(_) => {}
            }
            if meter.agent.is_none() {
                notes.push(format!("meter {}: has no agent", meter.meter));
            }
        }
        let mut left = None;
        if let Some(payer) = &payer {
            let held = rpc.balance(payer, &denom).await.map_err(failed)?;
            left = Some(held);
            if least.is_some_and(|l| held < u128::from(l.get())) {
                wrong.push(format!(
                    "{payer}, who pays fees, holds {} only",
                    show_coin(held, &denom)
                ));
            }
            let end = head
                .time
                .get()
                .saturating_add(args.soon.saturating_mul(86_400));
            for grant in rpc.fee_grants_by(payer).await.map_err(failed)? {
                if let (_, Some(until)) = allowance(&grant) {
                    if until <= end {
                        notes.push(format!(
                            "the fee grant of {} ends {}",
                            grant.grantee,
                            time(until)
                        ));
                    }
                }
            }
        }
        let Seconds(now) = head.time;
        let value = json!({
            "height": head.height, "time": now, "chain_id": market.chain_id, "config": config, "grid": grid, "reserve": reserve,
            "book": book, "meters": meters.len(), "in_service": in_service.clone().count(), "payer_holds": left.map(|l| l.to_string()),
            "wrong": wrong, "notes": notes,
        });
        session.answer(&value, || {
            let mut text = format!(
                "market on {} at block {} of {}\n",
                market.chain_id,
                head.height,
                time(now)
            );
            let books = &grid.books;
            writeln!(
                text,
                "  window     {} (until {}): {} minted, {} covered, {} sold, {} paid",
                grid.window,
                time(grid.window.end(market.window_seconds).get()),
                show_energy(books.minted),
                show_energy(books.covered),
                show_energy(books.sold),
                show_money(books.paid, &denom)
            )
            .ok();
            writeln!(
                text,
                "  tariffs    import {}, feed-in {}",
                show_tariff(grid.tariffs.import, &denom),
                show_tariff(grid.tariffs.feed_in, &denom)
            )
            .ok();
            writeln!(
                text,
                "  meters     {} in service of {}",
                in_service.count(),
                meters.len()
            )
            .ok();
            writeln!(
                text,
                "  escrow     {} free, {} locked, {} charges, {} trades",
                show_money(book.accounts, &denom),
                show_money(book.locked, &denom),
                show_money(book.charges, &denom),
                book.trades
            )
            .ok();
            writeln!(
                text,
                "  feed-in    reserve {}, owed {}, paid {}",
                show_money(reserve.reserve, &denom),
                show_money(reserve.owed, &denom),
                show_money(reserve.paid, &denom)
            )
            .ok();
            writeln!(
                text,
                "  admin      {}\n  registrar  {}\n  grid       {}\n  regulator  {}",
                config.admin, config.registrar, config.grid_operator, config.regulator
            )
            .ok();
            for note in &notes {
                writeln!(text, "  note       {note}").ok();
            }
            for line in &wrong {
                writeln!(text, "  WRONG      {line}").ok();
            }
            if wrong.is_empty() {
                text.push_str("  nothing is wrong\n");
            }
            text
        })?;
        Ok(if wrong.is_empty() { 0 } else { 3 })
    })
}
