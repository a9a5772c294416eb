//! `wattpool-agent policy`.

use super::{show, Paged, Shown};
use crate::client::Client;
use crate::Failure;
use anyhow::Context;
use clap::Subcommand;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_core::policy::Policy as Rules;
use wattpool_daemon::config::Config;
use wattpool_daemon::figures;
use wattpool_daemon::policy::changed_policy;

#[derive(Subcommand)]
pub enum Policy {
    /// Show the policy in force.
    Get(Shown),
    /// Change keys of the policy; the change holds at once and survives restarts.
    Set(Set),
    /// When the policy was changed, by whom and what, newest first.
    History(Paged),
}

#[derive(clap::Args)]
pub struct Set {
    #[command(flatten)]
    shown: Shown,
    /// Such as max_buy_price=0.30/kWh, max_buy_wh_per_day="20 kWh", sell=false, hours={from=6,to=22}; a key alone lifts its limit.
    #[arg(required = true, value_name = "KEY[=VALUE]")]
    changes: Vec<String>,
}

pub fn run(command: &Policy) -> Result<u8, Failure> {
    match command {
        Policy::Get(shown) => {
            let config = Config::read(&shown.at.config).map_err(Failure::input)?;
            let rules: Rules = Client::of(&config)?.get("/api/v1/policy")?;
            in_force(&rules, &config.http.currency, shown.json)
        }
        Policy::Set(set) => {
            let config = Config::read(&set.shown.at.config).map_err(Failure::input)?;
            let currency = &config.http.currency;
            let client = Client::of(&config)?;
            let rules: Rules = client.get("/api/v1/policy")?;
            let rules = changed_policy(&rules, &set.changes, currency).map_err(Failure::input)?;
            let rules: Rules = client.put("/api/v1/policy", &whole(&rules)?)?;
            in_force(&rules, currency, set.shown.json)
        }
        Policy::History(paged) => history(paged),
    }
}

/// All keys: what is absent is lifted, not left.
fn whole(rules: &Rules) -> anyhow::Result<serde_json::Value> {
    Ok(serde_json::to_value(rules)?)
}

/// A value of the policy with what it amounts to.
fn amount(key: &str, value: &Value, currency: &str) -> String {
    let whole = value.as_u64().and_then(|v| figure(key, v, currency));
    match (value, whole) {
        (Value::Null, _) => "none".to_owned(),
        (_, Some(figure)) => figure,
        (Value::Array(list), None) => match list.as_slice() {
            [] => "none".to_owned(),
            [meter] => figures::short(meter.as_str().unwrap_or_default()),
            more => format!("{} meters", more.len()),
        },
        (Value::Object(hours), None) if key == "hours" => {
            let hour = |end: &str| hours.get(end).and_then(Value::as_u64).unwrap_or(0);
            format!("{} to {} UTC", hour("from"), hour("to"))
        }
        (value, None) => value.to_string(),
    }
}

/// What a whole number amounts to.
fn figure(key: &str, value: u64, currency: &str) -> Option<String> {
    let signed = i64::try_from(value).unwrap_or(i64::MAX);
    match key {
        _ if key.contains("_wh") => Some(figures::energy(value)),
        _ if key.ends_with("_price") => Some(figures::price(signed, currency)),
        "max_spend_per_day" => Some(figures::money(signed, currency)),
        _ => None,
    }
}

fn history(paged: &Paged) -> Result<u8, Failure> {
    let config = Config::read(&paged.shown.at.config).map_err(Failure::input)?;
    let currency = &config.http.currency;
    let limit = paged.limit.min(1_000);
    let client = Client::of(&config)?;
    let page: Value = client.get(&format!("/api/v1/policy/history?limit={limit}"))?;
    show::print(&paged.shown, show::at(&page, "/changes")?, || {
        let mut lines = Vec::new();
        for change in show::rows(&page, "/changes")? {
            let by = match show::text(change, "/by")?.as_str() {
                "commands" => "commands".to_owned(),
                "page" => format!("page {}", show::text(change, "/session")?),
                _ => "not known".to_owned(),
            };
            let at = figures::time(show::number(change, "/at")?);
            for key in show::rows(change, "/keys")? {
                let name = show::text(key, "/key")?;
                let value = |side: &str| {
                    Ok::<_, anyhow::Error>(amount(&name, show::at(key, side)?, currency))
                };
                lines.push(vec![
                    at.clone(),
                    by.clone(),
                    name.clone(),
                    value("/before")?,
                    value("/after")?,
                ]);
            }
        }
        if lines.is_empty() {
            return Ok("never changed: the configuration's policy holds\n".to_owned());
        }
        show::table(&["time", "by", "key", "before", "after"], &lines)
    })?;
    Ok(0)
}

/// As in the configuration, with what figures amount to beside them.
fn in_force(rules: &Rules, currency: &str, json: bool) -> Result<u8, Failure> {
    if json {
        crate::print(&crate::json(rules)?)?;
        return Ok(0);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |d| d.as_secs());
    let mut text = String::new();
    for line in toml::to_string(rules).context("policy")?.lines() {
        let figure = line
            .split_once(" = ")
            .and_then(|(key, value)| figure(key, value.parse().ok()?, currency));
        text.push_str(line);
        if let Some(figure) = figure {
            text.push_str("  # ");
            text.push_str(&figure);
        }
        text.push('\n');
    }
    if let Some(hours) = rules.hours {
        let (from, to) = (
            figures::local_hour(now, hours.from),
            figures::local_hour(now, hours.to),
        );
        text.push_str(&format!(
            "# hours are of the UTC day: here {from} to {to} today\n"
        ));
    }
    crate::print(&text)?;
    Ok(0)
}
