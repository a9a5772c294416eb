//! `wattpool admin grant-fees`.

use crate::on_chain::{block_on, failed, MarketArgs};
use crate::{print, Failure};
use wattpool_ledger_wasmd::ended_well;
use wattpool_ledger_wasmd::key::check_address;
use wattpool_ledger_wasmd::{message, Gas};

/// Grants an agent the fees of its calls of contracts, up to an amount.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    market: MarketArgs,
    /// The agent's address.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Most that it may spend, micro-units of the payment denomination.
    #[arg(long, value_name = "MICRO")]
    limit: u64,
    /// Unix time at which the grant ends; without it, it does not.
    #[arg(long, value_name = "SECONDS")]
    until: Option<i64>,
}

/// Grants and prints where.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(args: &Args) -> Result<u8, Failure> {
    block_on(async {
        let (market, account) = args.market.open().await?;
        check_address("--to", &args.to, &market.address_prefix).map_err(failed)?;
        let granted = account
            .client()
            .rpc()
            .has_fee_grant(account.address(), &args.to);
        if granted.await.map_err(failed)? {
            print(&format!("fees of {}: granted already\n", args.to))?;
            return Ok(0);
        }
        let limit = vec![message::coin(args.limit.into(), &market.denom)];
        let grant = message::grant_fees(account.address(), &args.to, limit, args.until);
        let tx = account.send(vec![grant], Gas::Simulated).await;
        let tx = tx.and_then(ended_well).map_err(failed)?;
        args.market.print(&format!("fees of {}", args.to), &tx)
    })
}
