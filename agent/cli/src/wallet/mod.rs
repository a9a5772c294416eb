//! `wattpool wallet`: keys, signatures, balances, transfers.

pub mod balances;
mod documents;
mod exchange;
pub mod history;
mod keys;
mod multisig;
mod said;
mod send;

use crate::chain::{Options, Session};
use crate::Failure;

/// Keys, signatures, balances, transfers.
#[derive(clap::Args)]
pub struct Wallet {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a key, or add one from its words, public key or members.
    #[command(alias = "add")]
    New(keys::New),
    /// Add a key from its 12 or 24 words, on standard input or asked for.
    Recover(keys::Recover),
    /// List the keys.
    List,
    /// Show a key: its addresses and public key.
    Show(keys::Show),
    /// Give a key another name.
    Rename(keys::Rename),
    /// Delete a key from this keystore.
    Delete(keys::Delete),
    /// Give a key another passphrase.
    Passwd(keys::Passwd),
    /// Add a key that another wallet exported, armoured or in hexadecimal.
    Import(exchange::Import),
    /// Write a key armoured, for another wallet.
    Export(exchange::Export),
    /// Show an address as bytes and with other prefixes.
    #[command(alias = "parse")]
    Address(keys::AddressArgs),
    /// Show what an account holds: energy, money, stake, rewards.
    Balances(balances::Balances),
    /// Send coins.
    Send(send::Send),
    /// List an account's transactions, the newest first.
    History(history::History),
    /// List the closed trades of an account's meters.
    Trades(history::Trades),
    /// List the fee grants that an account gave and was given.
    FeeGrants(history::FeeGrants),
    /// Show a transaction, and what became of it.
    Tx(history::Tx),
    /// Sign a transaction that was generated.
    Sign(documents::Sign),
    /// Combine signatures of a multisig's members.
    #[command(alias = "multisign")]
    Combine(multisig::Combine),
    /// Send a signed transaction.
    Broadcast(documents::Broadcast),
    /// Sign a message that is no transaction (ADR-036).
    SignMessage(said::SignMessage),
    /// Check the signature of such a message; exit code 3 if it is not the account's.
    VerifyMessage(said::VerifyMessage),
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or the keystore or the chain refuses.
pub fn run(wallet: &Wallet) -> Result<u8, Failure> {
    let session = Session::new(&wallet.options)?;
    match &wallet.command {
        Command::New(args) => keys::new(&session, args),
        Command::Recover(args) => keys::recover(&session, args),
        Command::List => keys::list(&session),
        Command::Show(args) => keys::show(&session, args),
        Command::Rename(args) => keys::rename(&session, args),
        Command::Delete(args) => keys::delete(&session, args),
        Command::Passwd(args) => keys::passwd(&session, args),
        Command::Import(args) => exchange::import(&session, args),
        Command::Export(args) => exchange::export(&session, args),
        Command::Address(args) => keys::address(&session, args),
        Command::Balances(args) => balances::run(&session, args),
        Command::Send(args) => send::run(&session, args),
        Command::History(args) => history::run(&session, args),
        Command::Trades(args) => history::trades(&session, args),
        Command::FeeGrants(args) => history::fee_grants(&session, args),
        Command::Tx(args) => history::tx(&session, args),
        Command::Sign(args) => documents::sign(&session, args),
        Command::Combine(args) => multisig::combine(&session, args),
        Command::Broadcast(args) => documents::broadcast(&session, args),
        Command::SignMessage(args) => said::sign(&session, args),
        Command::VerifyMessage(args) => said::verify(&session, args),
    }
}
