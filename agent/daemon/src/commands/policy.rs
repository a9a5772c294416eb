//! `wattpool-agent policy`.

use super::Shown;
use crate::client::Client;
use crate::Failure;
use anyhow::Context;
use clap::Subcommand;
use wattpool_core::policy::Policy as Rules;
use wattpool_daemon::policy::changed_policy;

#[derive(Subcommand)]
pub enum Policy {
    /// Show the policy in force.
    Get(Shown),
    /// Change keys of the policy; the change holds at once and survives restarts.
    Set(Set),
}

#[derive(clap::Args)]
pub struct Set {
    #[command(flatten)]
    shown: Shown,
    /// Such as max_buy_price=300000, sell=false, hours={from=6,to=22}; a key alone lifts its limit.
    #[arg(required = true, value_name = "KEY[=VALUE]")]
    changes: Vec<String>,
}

pub fn run(command: &Policy) -> Result<u8, Failure> {
    match command {
        Policy::Get(shown) => {
            let rules: Rules = Client::at(&shown.at.config)?.get("/v1/policy")?;
            show(&rules, shown.json)
        }
        Policy::Set(set) => {
            let client = Client::at(&set.shown.at.config)?;
            let rules: Rules = client.get("/v1/policy")?;
            let rules = changed_policy(&rules, &set.changes).map_err(Failure::input)?;
            let rules: Rules = client.put("/v1/policy", &rules)?;
            show(&rules, set.shown.json)
        }
    }
}

fn show(rules: &Rules, json: bool) -> Result<u8, Failure> {
    crate::print(&if json {
        crate::json(rules)?
    } else {
        toml::to_string(rules).context("policy")?
    })?;
    Ok(0)
}
