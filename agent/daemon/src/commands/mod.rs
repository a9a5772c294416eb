//! The commands, one file each.

mod check_config;
mod check_online;
mod data;
mod init;
mod keys;
mod meter;
mod owner;
mod page;
mod policy;
mod run;
mod shell;
mod show;
mod sums;

use crate::Failure;
use clap::{Args, CommandFactory, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// The meter: read it, test it, decode what it says.
    #[command(subcommand)]
    Meter(meter::Meter),
    /// What this device keeps of its home: hand it out, or delete it.
    #[command(subcommand)]
    Data(data::Data),
    /// Run the agent of a meter.
    Run(At),
    /// Write a commented configuration and new keys.
    Init(init::Args),
    /// Check a configuration and explain what it amounts to.
    CheckConfig(check_config::Args),
    /// Show the public keys, what the registrar and the owner need; or make one of them, or the passphrase, anew.
    Keys(keys::Keys),
    /// What the running agent is at.
    Status(Shown),
    /// Offers that the running agent knows in this window.
    Offers(Shown),
    /// Closed trades of this meter, newest first.
    Trades(Paged),
    /// What the agent told its owner, newest first.
    History(Paged),
    /// What trading saved, earned and cost, by days, weeks, months or years.
    Money(sums::Spans),
    /// Energy taken and given, from and to whom, by days, weeks, months or years.
    Energy(sums::Spans),
    /// Supply, demand and price of the whole market.
    Market(sums::Market),
    /// Trades or windows as CSV.
    Export(sums::Export),
    /// The owner's policy.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// A code that signs a browser in to the page.
    Pair(page::Pair),
    /// Set the password of the page.
    Password(page::Password),
    /// Stop trading for now; what is agreed is still settled.
    Pause(Shown),
    /// Go on trading.
    Resume(Shown),
    /// Decide on a trade that waits for its owner.
    Decide(owner::Decide),
    /// Print the completions of a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages of all commands into a folder.
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

/// Where an agent's configuration is.
#[derive(Args)]
pub struct At {
    /// The agent's configuration file.
    #[arg(long, value_name = "FILE", default_value = "agent.toml")]
    config: PathBuf,
}

#[derive(Args)]
pub struct Shown {
    #[command(flatten)]
    at: At,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Paged {
    #[command(flatten)]
    shown: Shown,
    /// Rows at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

pub fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Meter(command) => meter::run(command),
        Command::Data(command) => data::run(command),
        Command::Run(at) => run::run(at),
        Command::Init(args) => init::run(args),
        Command::CheckConfig(args) => check_config::run(args),
        Command::Keys(keys) => keys::run(keys),
        Command::Status(shown) => show::status(shown),
        Command::Offers(shown) => show::offers(shown),
        Command::Trades(paged) => show::trades(paged),
        Command::History(paged) => show::history(paged),
        Command::Money(spans) => sums::money(spans),
        Command::Energy(spans) => sums::energy_of(spans),
        Command::Market(asked) => sums::market(asked),
        Command::Export(asked) => sums::export(asked),
        Command::Policy(command) => policy::run(command),
        Command::Pair(args) => page::pair(args),
        Command::Password(args) => page::password(args),
        Command::Pause(shown) => owner::pause(shown),
        Command::Resume(shown) => owner::resume(shown),
        Command::Decide(args) => owner::decide(args),
        Command::Completions { shell } => shell::completions(crate::Cli::command(), *shell),
        Command::Man { folder } => shell::man(crate::Cli::command(), folder),
    }
}
