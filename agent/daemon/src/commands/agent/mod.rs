//! `wattpool agent`: the agent of a meter, and its owner's commands.

mod check_config;
mod init;
mod keys;
mod owner;
mod policy;
mod run;
mod show;

use crate::Failure;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Agent {
    /// Run the agent of a meter.
    Run(At),
    /// Write a commented configuration and new keys.
    Init(init::Args),
    /// Check a configuration and explain what it amounts to.
    CheckConfig(Shown),
    /// Show the public keys: what the registrar and the owner need.
    Keys(Shown),
    /// What the running agent is at.
    Status(Shown),
    /// Offers that the running agent knows in this window.
    Offers(Shown),
    /// Closed trades of this meter, newest first.
    Trades(Paged),
    /// What the agent told its owner, newest first.
    History(Paged),
    /// The owner's policy.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Stop trading for now; what is agreed is still settled.
    Pause(Shown),
    /// Go on trading.
    Resume(Shown),
    /// Decide on a trade that waits for its owner.
    Decide(owner::Decide),
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

pub fn run(command: &Agent) -> Result<u8, Failure> {
    match command {
        Agent::Run(at) => run::run(at),
        Agent::Init(args) => init::run(args),
        Agent::CheckConfig(shown) => check_config::run(shown),
        Agent::Keys(shown) => keys::run(shown),
        Agent::Status(shown) => show::status(shown),
        Agent::Offers(shown) => show::offers(shown),
        Agent::Trades(paged) => show::trades(paged),
        Agent::History(paged) => show::history(paged),
        Agent::Policy(command) => policy::run(command),
        Agent::Pause(shown) => owner::pause(shown),
        Agent::Resume(shown) => owner::resume(shown),
        Agent::Decide(args) => owner::decide(args),
    }
}

/// Pretty JSON with a line's end.
fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
