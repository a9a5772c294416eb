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
/// top, and checks what comes out.
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
    policy
        .check()
        .map_err(|e| source.refuse(&[last, &[Key::Name(e.key)]].concat(), e.found, e.expected))?;
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
