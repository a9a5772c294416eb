//! In what the scenarios of runs differ: their settings as they were simulated, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::error::RunError;
use crate::write::SCENARIO;

/// Settings by their dotted names.
pub type Inputs = BTreeMap<String, Value>;

/// Keys that say nothing of what was simulated, or say it again.
const LEFT_OUT: [&str; 4] = ["program", "notes", "start_local", "windows"];
/// Most homes and values that a line names.
const NAMED: usize = 4;
/// Most lines of a comparison.
pub const MOST_LINES: usize = 40;

/// A setting that is not the same in all runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its dotted name, or a sentence's subject such as `homes`.
    pub key: String,
    /// Its value in each run, in their order.
    pub values: Vec<String>,
}

/// Reads the settings that lie beside a run's results; nothing where an older version left none.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read(folder: &Path) -> Result<Option<Inputs>, RunError> {
    let path = folder.join(SCENARIO);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(|source| RunError::Io {
        path: path.clone(),
        source,
    })?;
    let value: Value =
        serde_json::from_str(&text).map_err(|source| RunError::Summary { path, source })?;
    let mut inputs = Inputs::new();
    flatten(&value, String::new(), &mut inputs);
    inputs.retain(|key, _| !LEFT_OUT.contains(&key.as_str()));
    Ok(Some(inputs))
}

/// A list's items by what tells them apart, else by number.
fn name(item: &Value, index: usize) -> String {
    let text = |key: &str| item.get(key).map(plain);
    match (text("name"), text("from"), text("to")) {
        (Some(name), _, _) => format!("[{name}]"),
        (None, Some(from), Some(to)) => format!("[{from} to {to}]"),
        _ => format!("[{}]", index.saturating_add(1)),
    }
}

fn flatten(value: &Value, key: String, out: &mut Inputs) {
    let inner = |name: &str| match key.as_str() {
        "" => name.to_owned(),
        key => format!("{key}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(value, inner(name), out);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, item) in items.iter().enumerate() {
                flatten(item, format!("{key}{}", name(item, i)), out);
            }
        }
        other => {
            out.insert(key, other.clone());
        }
    }
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        other => other.to_string(),
    }
}

/// The part of a key in brackets, and the key with a star in its place.
fn starred(key: &str) -> Option<(String, String)> {
    let (before, rest) = key.split_once('[')?;
    let (item, after) = rest.rsplit_once(']')?;
    Some((format!("{before}[*]{after}"), item.to_owned()))
}

fn some(names: &[&str]) -> String {
    let mut text: Vec<String> = names.iter().take(NAMED).map(|n| (*n).to_owned()).collect();
    if names.len() > NAMED {
        text.push(format!("{} more", names.len().saturating_sub(NAMED)));
    }
    text.join(", ")
}

/// Homes or pairs of a run, by the star's key.
fn items<'a>(inputs: &'a Inputs, list: &str) -> BTreeSet<&'a str> {
    let of = inputs.keys().filter_map(|key| {
        let rest = key.strip_prefix(list)?.strip_prefix('[')?;
        Some(rest.rsplit_once(']')?.0)
    });
    of.collect()
}

/// What differs between runs, the general before the particular. What many homes have in common is one line.
pub fn differences(runs: &[&Inputs]) -> Vec<Difference> {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|r| r.keys()).collect();
    let differs = |key: &str| {
        let mut values = runs.iter().map(|r| r.get(key));
        let first = values.next();
        values.any(|v| Some(v) != first)
    };
    let shown = |run: &Inputs, key: &str| run.get(key).map_or_else(|| "–".into(), plain);
    let (mut general, mut lists) = (Vec::new(), Vec::new());
    // By the star's key, each run's values by item.
    let mut grouped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // A series that stays at its mean has one line.
    let level = |key: &str| {
        let mean = [".least", ".most"]
            .iter()
            .find_map(|end| Some(format!("{}.mean", key.strip_suffix(end)?)));
        mean.is_some_and(|mean| runs.iter().all(|r| r.get(key) == r.get(&mean)))
    };
    for key in keys.into_iter().filter(|key| differs(key) && !level(key)) {
        match starred(key) {
            None => general.push(Difference {
                key: key.clone(),
                values: runs.iter().map(|r| shown(r, key)).collect(),
            }),
            Some((star, item)) => {
                grouped.entry(star).or_default().insert(item);
            }
        }
    }
    let names: BTreeSet<&str> = grouped
        .keys()
        .filter_map(|k| k.split_once('['))
        .map(|(l, _)| l)
        .collect();
    for list in names {
        let all: Vec<BTreeSet<&str>> = runs.iter().map(|r| items(r, list)).collect();
        let every = |item: &&str| all.iter().all(|of| of.contains(*item));
        if all.windows(2).any(|p| matches!(p, [a, b] if a != b)) {
            // Which items only some runs have.
            let own = |of: &BTreeSet<&str>| {
                let own: Vec<&str> = of.iter().copied().filter(|i| !every(i)).collect();
                match own.is_empty() {
                    true => format!("{}", of.len()),
                    false => format!("{}, {} not in all: {}", of.len(), own.len(), some(&own)),
                }
            };
            lists.push(Difference {
                key: list.into(),
                values: all.iter().map(own).collect(),
            });
        }
        for (star, changed) in grouped
            .iter()
            .filter(|(s, _)| s.split_once('[').is_some_and(|(l, _)| l == list))
        {
            let changed: Vec<&str> = changed.iter().map(String::as_str).filter(every).collect();
            let Some((before, after)) = star.split_once("[*]").filter(|_| !changed.is_empty())
            else {
                continue;
            };
            let of_run = |run: &Inputs| -> String {
                let of = |item: &&str| format!("{before}[{item}]{after}");
                // Energies of many homes are told in all.
                let energy = ["].demand_wh", "].generation_wh"]
                    .iter()
                    .any(|end| star.ends_with(end));
                if energy && changed.len() > 1 {
                    let wh = changed
                        .iter()
                        .filter_map(|item| run.get(&of(item))?.as_u64())
                        .sum();
                    return crate::format::kwh(wh);
                }
                let different: BTreeSet<String> =
                    changed.iter().map(|item| shown(run, &of(item))).collect();
                let different: Vec<&str> = different.iter().map(String::as_str).collect();
                some(&different)
            };
            let shared = all
                .first()
                .map_or(0, |of| of.iter().filter(|i| every(i)).count());
            let key = match changed[..] {
                [one] => format!("{before}[{one}]{after}"),
                _ if changed.len() == shared => format!("{star} of all {shared}"),
                _ => format!("{star} of {}", some(&changed)),
            };
            lists.push(Difference {
                key,
                values: runs.iter().map(|r| of_run(r)).collect(),
            });
        }
    }
    general.extend(lists);
    general
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inputs(value: Value) -> Inputs {
        let mut all = Inputs::new();
        flatten(&value, String::new(), &mut all);
        all
    }

    #[test]
    fn differences_are_told_once_for_all_homes() {
        let run = |threshold: u32, mean: f64, names: &[&str]| {
            let homes: Vec<Value> = names
                .iter()
                .map(|n| json!({"name": n, "policy": {"threshold_wh": threshold, "sell": true}}))
                .collect();
            inputs(json!({"seed": 1, "tariff": {"import": {"mean": mean}}, "homes": homes}))
        };
        let said = |a: &Inputs, b: &Inputs| -> Vec<String> {
            let all = differences(&[a, b]);
            all.iter()
                .map(|d| format!("{}: {}", d.key, d.values.join(" | ")))
                .collect()
        };
        let a = run(5, 0.3, &["anna", "bert"]);
        assert!(said(&a, &a.clone()).is_empty());
        assert_eq!(
            said(&a, &run(1, 0.35, &["anna", "bert"])),
            [
                "tariff.import.mean: 0.3 | 0.35",
                "homes[*].policy.threshold_wh of all 2: 5 | 1"
            ]
        );
        assert_eq!(
            said(&a, &run(5, 0.3, &["anna", "carl", "dora"])),
            ["homes: 2, 1 not in all: bert | 3, 2 not in all: carl, dora"]
        );
        let mut one = a.clone();
        one.insert("homes[anna].policy.sell".into(), json!(false));
        assert_eq!(said(&a, &one), ["homes[anna].policy.sell: true | false"]);
    }
}
