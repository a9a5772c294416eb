//! `wattpool wallet send`.

use crate::chain::{block_on, unusable, Session};
use crate::Failure;
use anyhow::anyhow;
use wattpool_wallet::amount::{coins, show_coins};
use wattpool_wallet::message;

/// Sends coins.
#[derive(clap::Args)]
pub struct Send {
    /// To whom: an address, or the name of a key.
    to: String,
    /// How much, such as "20.5 watt"; several separated by commas.
    amount: String,
}

/// Sends and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(session: &Session, args: &Send) -> Result<u8, Failure> {
    let to = session.resolve("to", &args.to)?;
    let amount = coins("amount", &args.amount).map_err(unusable)?;
    if amount.is_empty() {
        return Err(Failure::input(anyhow!(
            "amount: expected more than nothing"
        )));
    }
    let words = format!("send {} to {to}", show_coins(&amount));
    block_on(session.transact(&words, |from| Ok(vec![message::send(from, &to, &amount)])))
}
