//! `wattpool owner set-limits`: what is named changes, the rest stays.

use super::MeterArgs;
use crate::chain::{block_on, unusable, Session};
use crate::market::call;
use crate::wallet::balances::ask;
use crate::Failure;
use anyhow::anyhow;
use serde_json::Value;
use wattpool_schema::escrow::{
    ExecuteMsg, LimitName, Limits, LimitsChange, MeterBookResponse, QueryMsg,
};
use wattpool_schema::pool::{self, MeterResponse};
use wattpool_schema::{Micro, Price, Wh};
use wattpool_wallet::amount::{energy, money, price, show_energy, show_money, show_price};

/// Changes limits.
#[derive(clap::Args)]
pub struct SetLimits {
    #[command(flatten)]
    meter: MeterArgs,
    /// Nothing may be traded.
    #[arg(long, conflicts_with = "trading_on")]
    trading_off: bool,
    /// Trading is allowed again.
    #[arg(long)]
    trading_on: bool,
    /// Lowest price to sell at, such as 0.10/kWh.
    #[arg(long, value_name = "PRICE")]
    min_sell_price: Option<String>,
    /// Highest price to buy at, network charge included, such as 0.30/kWh.
    #[arg(long, value_name = "PRICE")]
    max_buy_price: Option<String>,
    /// Most money a day (UTC), such as "3 watt".
    #[arg(long, value_name = "AMOUNT")]
    max_spend_per_day: Option<String>,
    /// Most energy bought a day, such as "10 kWh".
    #[arg(long, value_name = "ENERGY")]
    max_buy_per_day: Option<String>,
    /// Most energy sold a day.
    #[arg(long, value_name = "ENERGY")]
    max_sell_per_day: Option<String>,
    /// A limit whose default is to bind, such as max-buy-price, or all (repeat it).
    #[arg(long, value_name = "LIMIT")]
    clear: Vec<String>,
}

/// Limits that can be removed, by their names.
const REMOVABLE: [(&str, LimitName); 5] = [
    ("min-sell-price", LimitName::MinSellPrice),
    ("max-buy-price", LimitName::MaxBuyPrice),
    ("max-spend-per-day", LimitName::MaxSpendPerDay),
    ("max-buy-per-day", LimitName::MaxBuyPerDay),
    ("max-sell-per-day", LimitName::MaxSellPerDay),
];

impl SetLimits {
    /// What is set, and what is removed so that its default binds.
    fn change(&self, denom: &str) -> Result<(LimitsChange, Vec<LimitName>), Failure> {
        let mut remove = Vec::new();
        for name in &self.clear {
            if name == "all" {
                remove = REMOVABLE.iter().map(|(_, limit)| *limit).collect();
            } else if let Some((_, limit)) = REMOVABLE.iter().find(|(known, _)| known == name) {
                remove.push(*limit);
            } else {
                let known: Vec<&str> = REMOVABLE.iter().map(|(known, _)| *known).collect();
                return Err(Failure::input(anyhow!(
                    "--clear: expected all or one of {}, found {name:?}",
                    known.join(", ")
                )));
            }
        }
        let at = |what: &str, text: &Option<String>| {
            let read = text.as_deref().map(|text| price(what, text, denom));
            read.transpose().map_err(unusable)
        };
        let much = |what: &str, text: &Option<String>| {
            let read = text.as_deref().map(|text| energy(what, text));
            read.transpose().map_err(unusable)
        };
        let spend = self.max_spend_per_day.as_deref();
        let spend = spend.map(|text| money("--max-spend-per-day", text, denom));
        let set = LimitsChange {
            trading_off: (self.trading_off || self.trading_on).then_some(self.trading_off),
            min_sell_price: at("--min-sell-price", &self.min_sell_price)?,
            max_buy_price: at("--max-buy-price", &self.max_buy_price)?,
            max_spend_per_day: spend.transpose().map_err(unusable)?,
            max_buy_per_day: much("--max-buy-per-day", &self.max_buy_per_day)?,
            max_sell_per_day: much("--max-sell-per-day", &self.max_sell_per_day)?,
        };
        // What is set and removed in one command: the command contradicts itself.
        let both = REMOVABLE.iter().find(|(_, limit)| {
            remove.contains(limit)
                && match limit {
                    LimitName::MinSellPrice => set.min_sell_price.is_some(),
                    LimitName::MaxBuyPrice => set.max_buy_price.is_some(),
                    LimitName::MaxSpendPerDay => set.max_spend_per_day.is_some(),
                    LimitName::MaxBuyPerDay => set.max_buy_per_day.is_some(),
                    LimitName::MaxSellPerDay => set.max_sell_per_day.is_some(),
                }
        });
        if let Some((name, _)) = both {
            return Err(Failure::input(anyhow!(
                "--clear {name}: --{name} sets it in the same command"
            )));
        }
        Ok((set, remove))
    }
}

/// A limit for people, by its name.
fn shown(name: &str, value: &Value, denom: &str) -> String {
    let number = value.as_u64();
    match (value, number) {
        (Value::Null, _) => by_default(name).to_owned(),
        (Value::Bool(off), _) if name == "trading_off" => {
            if *off { "off" } else { "on" }.to_owned()
        }
        (_, Some(n)) if name.ends_with("_price") => show_price(Price(n), denom),
        (_, Some(n)) if name.contains("spend") => show_money(Micro(n), denom),
        (_, Some(n)) if name.contains("buy") || name.contains("sell") => show_energy(Wh(n)),
        (other, _) => other.to_string(),
    }
}

/// What binds where a limit is not set.
fn by_default(name: &str) -> &'static str {
    match name {
        "min_sell_price" => "the feed-in tariff (default)",
        "max_buy_price" => "the grid's price (default)",
        "max_spend_per_day" => "what a day's largest import costs from the grid (default)",
        _ => "no limit",
    }
}

fn label(name: &str) -> String {
    if name == "trading_off" {
        "trading".to_owned()
    } else {
        name.replace('_', " ")
    }
}

/// Every limit in a line.
///
/// # Errors
/// Never for limits.
pub fn lines(limits: &Limits, denom: &str, indent: &str) -> Result<String, Failure> {
    let value = serde_json::to_value(limits)?;
    let object = value.as_object().cloned().unwrap_or_default();
    Ok(object
        .iter()
        .map(|(name, value)| {
            format!(
                "{indent}{:<18} {}\n",
                label(name),
                shown(name, value, denom)
            )
        })
        .collect())
}

/// What changes, old → new.
fn changes(old: &Limits, new: &Limits, denom: &str) -> Result<Vec<String>, Failure> {
    let (old, new) = (serde_json::to_value(old)?, serde_json::to_value(new)?);
    let object = new.as_object().cloned().unwrap_or_default();
    Ok(object
        .iter()
        .filter(|(name, value)| old.get(name.as_str()) != Some(*value))
        .map(|(name, value)| {
            let before = old.get(name.as_str()).unwrap_or(&Value::Null);
            format!(
                "{} {} → {}",
                label(name),
                shown(name, before, denom),
                shown(name, value, denom)
            )
        })
        .collect())
}

/// Changes the limits and prints what came of it. Without a limit it says that the meter may buy within those that bind by default.
///
/// # Errors
/// The input is wrong (exit code 2), or the escrow refuses.
pub fn run(session: &Session, args: &SetLimits) -> Result<u8, Failure> {
    let market = session.market()?;
    let meter = args.meter.meter;
    // Bad input is told before anything is asked.
    let (set, remove) = args.change(&market.denom)?;
    block_on(async {
        let client = session.client().await?;
        let question = QueryMsg::Meter { meter };
        let book: MeterBookResponse = ask(&client, &market.escrow.address, &question).await?;
        let question = pool::QueryMsg::Meter { meter };
        let found: MeterResponse = ask(&client, &market.pool.address, &question).await?;
        // Limits of another tenure are gone.
        let binding = book.tenure == Some(found.tenure);
        let old = if binding {
            book.limits
        } else {
            Limits::default()
        };
        let mut new = old.clone();
        new.change(set.clone(), &remove);
        let mut changed = changes(&old, &new, &market.denom)?;
        if !binding {
            changed.insert(0, "the meter may buy from now on".to_owned());
        }
        if changed.is_empty() {
            eprintln!("limits of meter {meter}: they are so already");
            return session.answer(&old, || lines(&old, &market.denom, "").unwrap_or_default());
        }
        let words = format!("change limits of meter {meter}: {}", changed.join("; "));
        let msg = ExecuteMsg::SetLimits { meter, set, remove };
        session
            .transact(&words, |from| {
                Ok(vec![call(from, &market.escrow.address, &msg, &[])?])
            })
            .await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(change: impl FnOnce(&mut SetLimits)) -> SetLimits {
        let mut args = SetLimits {
            meter: MeterArgs {
                meter: "00000000000000000000000000000001".parse().unwrap(),
            },
            trading_off: false,
            trading_on: false,
            min_sell_price: None,
            max_buy_price: None,
            max_spend_per_day: None,
            max_buy_per_day: None,
            max_sell_per_day: None,
            clear: Vec::new(),
        };
        change(&mut args);
        args
    }

    fn applied(old: &Limits, args: &SetLimits) -> Limits {
        let (set, remove) = args.change("uwatt").unwrap();
        let mut new = old.clone();
        new.change(set, &remove);
        new
    }

    #[test]
    fn setting_one_limit_leaves_the_others() {
        let old = Limits {
            trading_off: true,
            max_spend_per_day: Some(Micro(3_000_000)),
            ..Limits::default()
        };
        let change = args(|a| a.max_buy_price = Some("0.30/kWh".to_owned()));
        let new = applied(&old, &change);
        assert_eq!(
            new,
            Limits {
                max_buy_price: Some(Price(300_000)),
                ..old.clone()
            }
        );
        let told = changes(&old, &new, "uwatt").unwrap();
        assert_eq!(
            told,
            ["max buy price the grid's price (default) → 0.3 watt/kWh"]
        );
        let change = args(|a| a.clear.push("max-spend-per-day".to_owned()));
        assert_eq!(applied(&new, &change).max_spend_per_day, None);
        let change = args(|a| a.clear.push("all".to_owned()));
        let off = Limits {
            trading_off: true,
            ..Limits::default()
        };
        assert_eq!(applied(&new, &change), off, "a switch is no limit");
        for (clear, price, named) in [
            ("max-price", None, "max-buy-price"),
            ("max-buy-price", Some("0.30/kWh".to_owned()), "same command"),
        ] {
            let change = args(|a| {
                a.clear.push(clear.to_owned());
                a.max_buy_price = price;
            });
            let error = change.change("uwatt").unwrap_err();
            assert_eq!(error.code, 2);
            let text = error.error.to_string();
            assert!(text.contains(named), "{text}");
        }
    }
}
