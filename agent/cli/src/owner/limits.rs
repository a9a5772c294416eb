//! `wattpool owner set-limits`: what is named changes, the rest stays.

use super::MeterArgs;
use crate::chain::{block_on, failed, unusable, Session};
use crate::market::call;
use crate::Failure;
use anyhow::anyhow;
use serde::Serialize;
use serde_json::{Map, Value};
use wattpool_schema::escrow::{ExecuteMsg, Limits, MeterBookResponse, QueryMsg};
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
    /// A limit that binds no longer, such as max-buy-price, or all (repeat it).
    #[arg(long, value_name = "LIMIT")]
    clear: Vec<String>,
}

fn set(object: &mut Map<String, Value>, name: &str, value: impl Serialize) -> Result<(), Failure> {
    object.insert(name.to_owned(), serde_json::to_value(value)?);
    Ok(())
}

impl SetLimits {
    fn apply(&self, old: &Limits, denom: &str) -> Result<Limits, Failure> {
        let Value::Object(mut object) = serde_json::to_value(old)? else {
            return Err(Failure::from(anyhow!("limits: expected an object")));
        };
        for name in &self.clear {
            let key = name.replace('-', "_");
            if name == "all" {
                let Value::Object(none) = serde_json::to_value(Limits::default())? else {
                    continue;
                };
                object = none;
            } else if let Some(place) = object.get_mut(&key).filter(|_| key != "trading_off") {
                *place = Value::Null;
            } else {
                let known: Vec<String> = object
                    .keys()
                    .filter(|k| *k != "trading_off")
                    .map(|k| k.replace('_', "-"))
                    .collect();
                return Err(Failure::input(anyhow!(
                    "--clear: expected all or one of {}, found {name:?}",
                    known.join(", ")
                )));
            }
        }
        let o = &mut object;
        if self.trading_off || self.trading_on {
            set(o, "trading_off", self.trading_off)?;
        }
        for (name, text) in [
            ("min_sell_price", &self.min_sell_price),
            ("max_buy_price", &self.max_buy_price),
        ] {
            if let Some(text) = text {
                let what = format!("--{}", name.replace('_', "-"));
                set(o, name, price(&what, text, denom).map_err(unusable)?)?;
            }
        }
        if let Some(text) = &self.max_spend_per_day {
            set(
                o,
                "max_spend_per_day",
                money("--max-spend-per-day", text, denom).map_err(unusable)?,
            )?;
        }
        for (name, text) in [
            ("max_buy_per_day", &self.max_buy_per_day),
            ("max_sell_per_day", &self.max_sell_per_day),
        ] {
            if let Some(text) = text {
                let what = format!("--{}", name.replace('_', "-"));
                set(o, name, energy(&what, text).map_err(unusable)?)?;
            }
        }
        Ok(serde_json::from_value(Value::Object(object))?)
    }
}

/// A limit for people, by its name.
fn shown(name: &str, value: &Value, denom: &str) -> String {
    let number = value.as_u64();
    match (value, number) {
        (Value::Null, _) => "no limit".to_owned(),
        (Value::Bool(off), _) if name == "trading_off" => {
            if *off { "off" } else { "on" }.to_owned()
        }
        (_, Some(n)) if name.ends_with("_price") => show_price(Price(n), denom),
        (_, Some(n)) if name.contains("spend") => show_money(Micro(n), denom),
        (_, Some(n)) if name.contains("buy") || name.contains("sell") => show_energy(Wh(n)),
        (other, _) => other.to_string(),
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

/// Changes the limits and prints what came of it.
///
/// # Errors
/// The input is wrong or names nothing (exit code 2), or the escrow refuses.
pub fn run(session: &Session, args: &SetLimits) -> Result<u8, Failure> {
    let market = session.market()?;
    let meter = args.meter.meter;
    // Bad input is told before anything is asked.
    if args.apply(&Limits::default(), &market.denom)? == Limits::default()
        && args.clear.is_empty()
        && !args.trading_on
    {
        return Err(Failure::input(anyhow!(
            "nothing to change: name a limit, or --clear one (`wattpool owner show` shows them)"
        )));
    }
    block_on(async {
        let client = session.client().await?;
        let question = QueryMsg::Meter { meter };
        let book: MeterBookResponse = client
            .rpc()
            .smart(&market.escrow.address, &question)
            .await
            .map_err(failed)?;
        let limits = args.apply(&book.limits, &market.denom)?;
        let changed = changes(&book.limits, &limits, &market.denom)?;
        if changed.is_empty() {
            eprintln!("limits of meter {meter}: they are so already");
            return session.answer(&book.limits, || {
                lines(&book.limits, &market.denom, "").unwrap_or_default()
            });
        }
        let words = format!("change limits of meter {meter}: {}", changed.join("; "));
        let msg = ExecuteMsg::SetLimits { meter, limits };
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

    #[test]
    fn setting_one_limit_leaves_the_others() {
        let old = Limits {
            trading_off: true,
            max_spend_per_day: Some(Micro(3_000_000)),
            ..Limits::default()
        };
        let change = args(|a| a.max_buy_price = Some("0.30/kWh".to_owned()));
        let new = change.apply(&old, "uwatt").unwrap();
        assert_eq!(
            new,
            Limits {
                max_buy_price: Some(Price(300_000)),
                ..old.clone()
            }
        );
        let told = changes(&old, &new, "uwatt").unwrap();
        assert_eq!(told, ["max buy price no limit → 0.3 watt/kWh"]);
        let change = args(|a| a.clear.push("max-spend-per-day".to_owned()));
        assert_eq!(change.apply(&new, "uwatt").unwrap().max_spend_per_day, None);
        let change = args(|a| a.clear.push("all".to_owned()));
        assert_eq!(change.apply(&new, "uwatt").unwrap(), Limits::default());
        let change = args(|a| a.clear.push("max-price".to_owned()));
        let error = change.apply(&new, "uwatt").unwrap_err();
        assert_eq!(error.code, 2);
        assert!(
            error.error.to_string().contains("max-buy-price"),
            "{}",
            error.error
        );
    }
}
