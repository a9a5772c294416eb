//! How single keys of the owner's policy are changed.

use crate::figures;
use anyhow::anyhow;
use wattpool_core::policy::Policy;

/// The policy with some keys changed. Keys and values are written as in the configuration file, or with a unit: `0.30/kWh`,
/// `5 EUR`, `20 kWh`.
///
/// # Errors
/// There is no such key, or its value or what comes of them cannot hold.
pub fn changed_policy(
    rules: &Policy,
    changes: &[String],
    currency: &str,
) -> anyhow::Result<Policy> {
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
        if let Some(figure) = figures::read(value, currency) {
            let figure =
                i64::try_from(figure).map_err(|_| anyhow!("{key}: {value} is too much"))?;
            table.insert(key.to_owned(), toml::Value::Integer(figure));
            continue;
        }
        let parsed: toml::Table = format!("value = {value}").parse().map_err(|_| {
            anyhow!("{key}: expected a value as in the configuration, found {value}")
        })?;
        let value = parsed.get("value").cloned();
        table.insert(key.to_owned(), value.unwrap_or(toml::Value::Boolean(true)));
    }
    let keys = changes.join(" ");
    let rules: Policy = table
        .try_into()
        .map_err(|e: toml::de::Error| anyhow!("{keys}: {}", e.message()))?;
    rules.check()?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_core::policy::Hours;
    use wattpool_schema::Price;

    fn change(changes: &[&str]) -> anyhow::Result<Policy> {
        let changes: Vec<String> = changes.iter().map(|c| (*c).to_owned()).collect();
        let before = Policy {
            max_buy_price: Some(Price(7)),
            ..Policy::default()
        };
        changed_policy(&before, &changes, "EUR")
    }

    #[test]
    fn keys_change_and_limits_are_lifted() {
        let rules = change(&["max_buy_price", "sell=false", "hours = {from=22, to=6}"]).unwrap();
        assert_eq!(rules.max_buy_price, None);
        assert!(!rules.sell && rules.buy);
        assert_eq!(rules.hours, Some(Hours { from: 22, to: 6 }));
        let rules = change(&["max_buy_price=250000"]).unwrap();
        assert_eq!(rules.max_buy_price, Some(Price(250_000)));
        let rules = change(&["max_buy_price=0.25 EUR/kWh", "max_buy_wh_per_day=20 kWh"]).unwrap();
        assert_eq!(rules.max_buy_price, Some(Price(250_000)));
        assert_eq!(rules.max_buy_wh_per_day.map(|wh| wh.0), Some(20_000));
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |c: &str| change(&[c]).unwrap_err().to_string();
        assert!(refused("sel=false").contains("unknown field `sel`"));
        assert!(refused("sell=maybe").contains("sell: expected a value as in the configuration"));
        assert!(refused("sell=3").contains("sell=3: invalid type"));
        assert!(refused("hours={from=30,to=2}").contains("policy.hours: expected from 0–23"));
        assert!(refused(
            "weights={surplus=1.0,efficiency=1.0,duration=0.0,quality=0.0,participation=0.0}"
        )
        .contains("sum to 1"));
    }
}
