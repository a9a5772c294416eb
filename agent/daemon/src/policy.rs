//! The owner's policy: what cannot hold, and how single keys of it are changed.

use anyhow::anyhow;
use wattpool_core::policy::Policy;
use wattpool_schema::MeterId;

/// A policy that cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy: expected {expected}, found {found}")]
pub struct BadPolicy {
    /// What was expected.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

/// Checks what the types do not.
///
/// # Errors
/// Weights or a quality that are no shares of one, hours beyond a day, partners that are no meters, limits that are too
/// large or exclude each other.
pub fn check_policy(policy: &Policy) -> Result<(), BadPolicy> {
    let bad = |expected, found| Err(BadPolicy { expected, found });
    if policy.weights.check().is_err() {
        return bad(
            "weights from 0 to 1 that sum to 1",
            format!("a sum of {}", policy.weights.sum()),
        );
    }
    if let Some(hours) = policy.hours {
        if hours.from > 23 || hours.to > 24 {
            let found = format!("from {} to {}", hours.from, hours.to);
            return bad("hours from 0-23 to 0-24", found);
        }
    }
    for meter in policy.preferred.iter().chain(&policy.blocked) {
        if meter.parse::<MeterId>().is_err() {
            return bad("meters of 32 hexadecimal digits", format!("{meter:?}"));
        }
    }
    if !(0.0..=1.0).contains(&policy.min_quality) {
        return bad("min_quality from 0 to 1", policy.min_quality.to_string());
    }
    // A limit that only JSON can write could not be shown to the owner.
    if toml::Table::try_from(policy).is_err() {
        return bad(
            "limits up to 9223372036854775807",
            "a larger one".to_owned(),
        );
    }
    match (policy.min_sell_price, policy.max_sell_price) {
        (Some(least), Some(most)) if least > most => bad(
            "min_sell_price of at most max_sell_price",
            format!("{least} and {most}"),
        ),
        _ => Ok(()),
    }
}

/// The policy with some keys changed. Keys and values are written as in the configuration file.
///
/// # Errors
/// There is no such key, or its value or what comes of them cannot hold.
pub fn changed_policy(rules: &Policy, changes: &[String]) -> anyhow::Result<Policy> {
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
    let rules: Policy = table
        .try_into()
        .map_err(|e: toml::de::Error| anyhow!("{keys}: {}", e.message()))?;
    check_policy(&rules)?;
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
        changed_policy(&before, &changes)
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
