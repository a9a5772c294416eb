//! `wattpool validator`: what those who run the chain's nodes do every day.

mod governance;
mod node;
mod stake;
mod status;
mod upgrade;
mod verify;

use crate::chain::{Options, Session};
use crate::Failure;

/// A validator's stake, rewards, votes, jailing; checks of trades and codes.
#[derive(clap::Args)]
pub struct Validator {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a validator of this account and a node's consensus key.
    Create(node::Create),
    /// Change what the validator says of itself, its commission or least own stake.
    Edit(node::Edit),
    /// Show how a validator stands; exit code 1 while it misses blocks, 3 when it is jailed or not signing.
    Status(status::Status),
    /// List the validators by their stake.
    List,
    /// Let the validator sign again after it was jailed; refused while a node that is asked (--node) has not caught up.
    Unjail,
    /// Stake with a validator.
    Delegate(stake::Delegate),
    /// Move stake to another validator.
    Redelegate(stake::Redelegate),
    /// Take stake back; it is free after the unbonding time.
    Undelegate(stake::Delegate),
    /// Show rewards, or take them out.
    #[command(subcommand)]
    Rewards(stake::Rewards),
    /// List proposals.
    Proposals(governance::List),
    /// Show a proposal and how its vote stands.
    Proposal(governance::Named),
    /// Vote on a proposal.
    Vote(governance::Vote),
    /// Add to a proposal's deposit.
    Deposit(governance::Deposit),
    /// Propose messages to governance.
    Submit(governance::Submit),
    /// Propose to pin the market's codes.
    SubmitPin(governance::SubmitPin),
    /// Propose an upgrade of the chain's program.
    SubmitUpgrade(upgrade::Upgrade),
    /// Propose to give up the upgrade that is planned.
    SubmitCancelUpgrade(upgrade::About),
    /// Show the upgrade that is planned.
    UpgradePlan,
    /// Recompute a market's log of trades against the contracts' state; exit code 3 if they differ.
    VerifyTrades(verify::Trades),
    /// Compare the codes on the chain with a build; exit code 3 if they differ.
    VerifyCode(verify::Code),
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(validator: &Validator) -> Result<u8, Failure> {
    let session = &Session::new(&validator.options)?;
    match &validator.command {
        Command::Create(args) => node::create(session, args),
        Command::Edit(args) => node::edit(session, args),
        Command::Status(args) => status::run(session, args),
        Command::List => status::list(session),
        Command::Unjail => node::unjail(session),
        Command::Delegate(args) => stake::delegate(session, args),
        Command::Redelegate(args) => stake::redelegate(session, args),
        Command::Undelegate(args) => stake::undelegate(session, args),
        Command::Rewards(rewards) => stake::rewards(session, rewards),
        Command::Proposals(args) => governance::list(session, args),
        Command::Proposal(args) => governance::show(session, args),
        Command::Vote(args) => governance::vote(session, args),
        Command::Deposit(args) => governance::deposit(session, args),
        Command::Submit(args) => governance::submit(session, args),
        Command::SubmitPin(args) => governance::submit_pin(session, args),
        Command::SubmitUpgrade(args) => upgrade::submit(session, args),
        Command::SubmitCancelUpgrade(args) => upgrade::cancel(session, args),
        Command::UpgradePlan => upgrade::show(session),
        Command::VerifyTrades(args) => verify::trades(session, args),
        Command::VerifyCode(args) => verify::code(session, args),
    }
}
