//! `wattpool agent policy`.

use super::Shown;
use crate::agent::client::Client;
use crate::Failure;
use anyhow::{anyhow, Context};
use clap::Subcommand;
use wattpool_core::policy::Policy as Rules;

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
            let rules = changed(&rules, &set.changes).map_err(Failure::input)?;
            let rules: Rules = client.put("/v1/policy", &rules)?;
            show(&rules, set.shown.json)
        }
    }
}

fn show(rules: &Rules, json: bool) -> Result<u8, Failure> {
    crate::print(&if json {
        super::json(rules)?
    } else {
        toml::to_string(rules).context("policy")?
    })?;
    Ok(0)
}

/// The policy with some keys changed. Keys and values are written as in the configuration file.
fn changed(rules: &Rules, changes: &[String]) -> anyhow::Result<Rules> {
    let mut table = toml::Table::try_from(rules)?;
    for change in changes {
        let (key, value) = match change.split_once('=') {
            None => (change.trim(), None),
            Some((key, value)) => (key.trim(), Some(value.trim())),
        };
        let Some(value) = value else {
            table.remove(key);
            continue;
        };
        let parsed: toml::Table = format!("value = {value}").parse().map_err(|_| {
            anyhow!("{key}: expected a value as in the configuration, found {value}")
        })?;
        let value = parsed.get("value").cloned();
        table.insert(key.to_owned(), value.unwrap_or(toml::Value::Boolean(true)));
    }
    let keys = changes.join(" ");
    let rules: Rules = table
        .try_into()
        .map_err(|e: toml::de::Error| anyhow!("{keys}: {}", e.message()))?;
    crate::agent::config::check_policy(&rules)?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_core::policy::Hours;
    use wattpool_schema::Price;

    fn change(changes: &[&str]) -> anyhow::Result<Rules> {
        let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
        let before = Rules {
            max_buy_price: Some(Price(7)),
            ..Rules::default()
        };
        changed(&before, &changes)
    }

    #[test]
    fn keys_change_and_limits_are_lifted() {
        let rules = change(&["max_buy_price", "sell=false", "hours = {from=22, to=6}"]).unwrap();
        assert_eq!(rules.max_buy_price, None);
        assert!(!rules.sell && rules.buy);
        assert_eq!(rules.hours, Some(Hours { from: 22, to: 6 }));
        let rules = change(&["max_buy_price=250000"]).unwrap();
        assert_eq!(rules.max_buy_price, Some(Price(250_000)));
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |c: &str| change(&[c]).unwrap_err().to_string();
        assert!(refused("sel=false").contains("unknown field `sel`"));
        assert!(refused("sell=maybe").contains("sell: expected a value as in the configuration"));
        assert!(refused("sell=3").contains("sell=3: invalid type"));
        assert!(refused("hours={from=30,to=2}").contains("expected hours from 0-23 to 0-24"));
        assert!(refused(
            "weights={surplus=1.0,efficiency=1.0,duration=0.0,quality=0.0,participation=0.0}"
        )
        .contains("sum to 1"));
    }
}
