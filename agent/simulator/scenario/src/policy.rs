//! The owners' policies: a default, and what groups and homes change about it.

use crate::errors::ScenarioError;
use crate::source::{Key, Source};
use serde::Deserialize;
use toml::{Table, Value};
use wattpool_core::policy::Policy;

/// Checks one table of policy settings at `path`, key by key, so that an error names its line.
pub(crate) fn check(source: &Source, path: &[Key<'_>], table: &Table) -> Result<(), ScenarioError> {
    for (key, value) in table {
        let at = [path, &[Key::Name(key)]].concat();
        match value {
            Value::Table(weights) if key == "weights" => {
                for (weight, share) in weights {
                    let single = Table::from_iter([(weight.clone(), share.clone())]);
                    let layer = Table::from_iter([(key.clone(), Value::Table(single))]);
                    let at = [&at[..], &[Key::Name(weight)]].concat();
                    parsed(source, &at, over(default_table(), &layer))?;
                }
            }
            _ => {
                let layer = Table::from_iter([(key.clone(), value.clone())]);
                parsed(source, &at, over(default_table(), &layer))?;
            }
        }
    }
    Ok(())
}

/// The default policy as a table; what it leaves out does not bind.
fn default_table() -> Table {
    Table::try_from(Policy::default()).unwrap_or_default()
}

/// Puts the layers (each checked, with its place in the file) over the default policy, the last one on
/// top, and checks what comes out. Weights must sum to 1 as closely as the optimizer asks.
pub(crate) fn merged(
    source: &Source,
    layers: &[(&[Key<'_>], &Table)],
) -> Result<Policy, ScenarioError> {
    let mut all = default_table();
    let mut last: &[Key<'_>] = &[Key::Name("policy")];
    for (path, layer) in layers {
        if !layer.is_empty() {
            last = path;
        }
        all = over(all, layer);
    }
    let policy = parsed(source, last, all)?;
    let refuse = |key: &'static str, problem: String, expected: &str| {
        Err(source.refuse(&[last, &[Key::Name(key)]].concat(), problem, expected))
    };
    if policy.weights.check().is_err() {
        let (weights, sum) = (policy.weights.named().map(|(_, w)| w), policy.weights.sum());
        return refuse(
            "weights",
            format!("they are {weights:?} and sum to {sum}"),
            "shares that sum to 1",
        );
    }
    if let Some(hours) = policy.hours {
        if hours.from > 23 || hours.to > 24 || hours.from == hours.to {
            let problem = format!("from {} to {}", hours.from, hours.to);
            return refuse("hours", problem, "from 0–23 and to 0–24, not the same");
        }
    }
    if let (Some(low), Some(high)) = (policy.min_sell_price, policy.max_sell_price) {
        if low > high {
            let problem = format!("{low} is above max_sell_price, {high}");
            return refuse("min_sell_price", problem, "at most max_sell_price");
        }
    }
    Ok(policy)
}

/// A table with a layer put over it; weights are changed one by one.
fn over(mut all: Table, layer: &Table) -> Table {
    for (key, value) in layer {
        let value = match (all.remove(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) if key == "weights" => {
                Value::Table(over(below, above))
            }
            _ => value.clone(),
        };
        all.insert(key.clone(), value);
    }
    all
}

fn parsed(source: &Source, path: &[Key<'_>], table: Table) -> Result<Policy, ScenarioError> {
    Policy::deserialize(table).map_err(|e| {
        let message = e.message().replace('\n', ", ");
        let (problem, expected) = match message.split_once(", expected ") {
            Some((problem, expected)) => (problem.to_string(), expected.to_string()),
            None => (message, "a setting of the owner's policy".to_string()),
        };
        source.refuse(path, problem, expected)
    })
}
