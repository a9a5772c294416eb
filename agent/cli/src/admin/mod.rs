//! `wattpool admin`: what a market's operators do.

mod backup;
mod bulk;
mod contract;
mod deploy;
mod fees;
mod grid;
mod holds;
mod invite;
mod meters;
mod migrate;
mod pseudonym;
mod roles;
mod status;

pub use holds::{holds, line as hold_line};
pub use meters::notice;

use crate::chain::{Options, Session};
use crate::Failure;

/// Deploy a market, register meters, set its terms, pay homes' fees.
#[derive(clap::Args)]
pub struct Admin {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Put the contracts on a chain and connect them; harmless when run again.
    Deploy(deploy::Args),
    /// Show a market's health at a glance; exit code 3 if something is wrong.
    Status(status::Status),
    /// Invite owners: one line, and a code for cameras, that lead to the market.
    Invite(invite::Invite),
    /// Compute a meter's pseudonym from its number, with the registrar's secret.
    Pseudonym(pseudonym::Pseudonym),
    /// Register a meter (by the registrar).
    RegisterMeter(meters::Register),
    /// Register the meters of a CSV file, with a report per line (by the registrar).
    RegisterMeters(bulk::Bulk),
    /// Change what is known of a meter (by the registrar).
    UpdateMeter(meters::Update),
    /// Give a meter another device's key (by the registrar).
    SetDevice(meters::SetDevice),
    /// Take a meter out of service: by its owner at once, by the registrar first a notice, and the act when that has run out.
    RetireMeter(meters::Named),
    /// Give a meter's owner notice that it is to be another's, who has to accept it then (by the registrar).
    ProposeOwner(meters::ProposeOwner),
    /// Decide on an owner's objection to a notice (by the administrator).
    Decide(meters::Decide),
    /// List the meters.
    Meters(meters::List),
    /// Show a meter.
    Meter(meters::Named),
    /// Set the national grid's prices from a window on (by the grid operator).
    SetTariffs(grid::SetTariffs),
    /// Set the terms between two zones from a window on (by the grid operator).
    SetZonePair(grid::SetZonePair),
    /// Confirm that feed-in up to a window reached the grid (by the grid operator).
    ConfirmFeedIn(grid::ConfirmFeedIn),
    /// Add money to the feed-in reserve (anybody may).
    FundReserve(grid::FundReserve),
    /// Take back what the feed-in reserve holds beyond all that is owed (by the grid operator).
    TakeBack(grid::TakeBack),
    /// Hold feed-in credit of an account for 30 days (by the grid operator).
    HoldCredit(holds::HoldCredit),
    /// Confirm a hold, which then no longer ends by itself (by the regulator).
    ConfirmHold(holds::Named),
    /// End a hold: what it set aside is paid (by the grid operator or the regulator).
    ReleaseHold(holds::Named),
    /// Strike out for good what a hold set aside, once its credit is claimed (by the regulator).
    StrikeOut(holds::StrikeOut),
    /// List the feed-in credit that is held.
    Holds(holds::List),
    /// Pay the network charges out to the grid operator (by it).
    WithdrawCharges,
    /// Stop tokenising and trading; what is stated counts as feed-in (by the administrator).
    Pause,
    /// Go on after a pause (by the administrator).
    Unpause,
    /// Give a role to an address (by the administrator).
    SetRole(roles::SetRole),
    /// Offer the administration to another address, which has to accept it.
    ProposeAdmin(roles::ProposeAdmin),
    /// Accept the administration that was offered.
    AcceptAdmin,
    /// Let an account pay its fees from this one; harmless when run again.
    GrantFees(fees::Grant),
    /// List the fee grants of an account, and those that end soon.
    FeeGrants(fees::List),
    /// Take a fee grant back.
    RevokeFees(fees::Revoke),
    /// Give the contracts another code, or propose it to the chain's governance.
    Migrate(migrate::Migrate),
    /// Write what an operator must keep (keys, configuration, the market's addresses, named files) into one encrypted file.
    Backup(backup::Backup),
    /// Restore such a file, or check that it opens; nothing that stands is changed.
    Restore(backup::Restore),
    /// Ask one of the contracts anything that it answers.
    Query(contract::Query),
    /// Send one of the contracts any message that it takes.
    Execute(contract::Execute),
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(admin: &Admin) -> Result<u8, Failure> {
    if let Command::Deploy(args) = &admin.command {
        if args.example {
            return deploy::example();
        }
    }
    let session = &Session::new(&admin.options)?;
    match &admin.command {
        Command::Deploy(args) => deploy::run(session, args),
        Command::Status(args) => status::run(session, args),
        Command::Invite(args) => invite::run(session, args),
        Command::Pseudonym(args) => pseudonym::run(session, args),
        Command::RegisterMeter(args) => meters::register(session, args),
        Command::RegisterMeters(args) => bulk::run(session, args),
        Command::UpdateMeter(args) => meters::update(session, args),
        Command::SetDevice(args) => meters::set_device(session, args),
        Command::RetireMeter(args) => meters::retire(session, args),
        Command::ProposeOwner(args) => meters::propose_owner(session, args),
        Command::Decide(args) => meters::decide(session, args),
        Command::Meters(args) => meters::list(session, args),
        Command::Meter(args) => meters::show(session, args),
        Command::SetTariffs(args) => grid::set_tariffs(session, args),
        Command::SetZonePair(args) => grid::set_zone_pair(session, args),
        Command::ConfirmFeedIn(args) => grid::confirm_feed_in(session, args),
        Command::FundReserve(args) => grid::fund_reserve(session, args),
        Command::TakeBack(args) => grid::take_back(session, args),
        Command::HoldCredit(args) => holds::hold(session, args),
        Command::ConfirmHold(args) => holds::confirm(session, args),
        Command::ReleaseHold(args) => holds::release(session, args),
        Command::StrikeOut(args) => holds::strike_out(session, args),
        Command::Holds(args) => holds::list(session, args),
        Command::WithdrawCharges => grid::withdraw_charges(session),
        Command::Pause => roles::pause(session),
        Command::Unpause => roles::unpause(session),
        Command::SetRole(args) => roles::set_role(session, args),
        Command::ProposeAdmin(args) => roles::propose(session, args),
        Command::AcceptAdmin => roles::accept(session),
        Command::GrantFees(args) => fees::grant(session, args),
        Command::FeeGrants(args) => fees::list(session, args),
        Command::RevokeFees(args) => fees::revoke(session, args),
        Command::Migrate(args) => migrate::run(session, args),
        Command::Backup(args) => backup::backup(session, args),
        Command::Restore(args) => backup::restore(session, args),
        Command::Query(args) => contract::query(session, args),
        Command::Execute(args) => contract::execute(session, args),
    }
}
