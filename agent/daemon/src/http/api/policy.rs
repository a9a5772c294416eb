//! How the owner's policy changed: when, by whom, which keys.

use super::history::{page, rows, Paged};
use super::read;
use crate::http::access::Who;
use crate::http::answer::{Answer, Asked};
use crate::http::Shared;
use axum::extract::State;
use axum::Json;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use wattpool_core::policy::Policy;
use wattpool_journal_sqlite::{PolicyRow, SqliteJournal};
use wattpool_schema::Seconds;

/// Who changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Whoever holds this device's token: its commands.
    Commands,
    /// An owner who is signed in to the page.
    Page,
    /// It was not noted.
    Unknown,
}

/// A key that changed.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Key {
    /// Its name.
    key: String,
    /// Its value before; null: none.
    before: Value,
    /// Its value from then on; null: none.
    after: Value,
}

/// A change of the policy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    /// Its number: later ones have larger numbers.
    number: u64,
    /// When, Unix time by the device's clock.
    at: Seconds,
    /// By whom.
    by: By,
    /// By which session: the same digits, the same browser.
    session: Option<String>,
    /// What.
    keys: Vec<Key>,
}

/// Changes, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changes {
    /// These.
    changes: Vec<Changed>,
    /// Give this as before for the page that follows; none: that was all.
    next: Option<u64>,
}

/// How it is written down who asked.
fn name(who: &Who) -> String {
    match who {
        Who::Token => "commands".to_owned(),
        Who::Session { digest, .. } => {
            let short: String = digest.chars().take(6).collect();
            format!("page {short}")
        }
    }
}

/// Notes who asked for a policy. A change holds whether or not this can be written.
pub async fn asked(shared: &Shared, who: &Who, policy: &Policy) {
    let (file, who, policy) = (shared.history.clone(), name(who), policy.clone());
    let noted = tokio::task::spawn_blocking(move || {
        SqliteJournal::open_for_history(&file)
            .and_then(|mut history| history.note_policy_asked(&who, &policy))
    });
    match noted.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "who changed the policy is not noted"),
        Err(error) => tracing::warn!(%error, "who changed the policy is not noted"),
    }
}

fn keys(policy: &Policy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}

/// What differs between two policies.
fn between(before: &Policy, after: &Policy) -> Vec<Key> {
    let mut old = keys(before);
    let changed = keys(after).into_iter().filter_map(|(key, after)| {
        let before = old.remove(&key).unwrap_or_default();
        (before != after).then_some(Key { key, before, after })
    });
    changed.collect()
}

/// A row as it is told; `configured`: the configuration's policy.
fn told(row: PolicyRow, configured: &Policy) -> Changed {
    let who = row.who.as_deref().unwrap_or_default();
    let (by, session) = match who.split_once(' ') {
        Some(("page", session)) => (By::Page, Some(session.to_owned())),
        None if who == "commands" => (By::Commands, None),
        _ => (By::Unknown, None),
    };
    Changed {
        number: row.number,
        at: row.at,
        by,
        session,
        keys: between(row.before.as_ref().unwrap_or(configured), &row.policy),
    }
}

pub async fn history(State(shared): State<Shared>, Asked(asked): Asked<Paged>) -> Answer<Changes> {
    let limit = rows(asked.limit)?;
    let found = read(&shared, move |history| {
        history.policies(asked.before, limit.saturating_add(1))
    });
    let (rows, next) = page(found.await?, limit, |row| row.number);
    let configured = shared.running.configured_policy();
    let changes = rows.into_iter().map(|row| told(row, &configured));
    Ok(Json(Changes {
        changes: changes.collect(),
        next,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::Price;

    #[test]
    fn a_change_is_told_key_by_key() {
        let before = Policy::default();
        let after = Policy {
            max_buy_price: Some(Price(250_000)),
            sell: false,
            ..before.clone()
        };
        let row = |who: Option<&str>, before| PolicyRow {
            number: 3,
            at: Seconds(9),
            who: who.map(str::to_owned),
            before,
            policy: after.clone(),
        };
        let changed = told(row(Some("page 12ab34"), None), &before);
        assert_eq!(
            (changed.by, changed.session.as_deref()),
            (By::Page, Some("12ab34"))
        );
        let names: Vec<&str> = changed.keys.iter().map(|k| k.key.as_str()).collect();
        assert_eq!(names, ["max_buy_price", "sell"]);
        let price = changed.keys.first().map(|k| (&k.before, &k.after));
        assert_eq!(price, Some((&Value::Null, &Value::from(250_000))));
        assert_eq!(told(row(Some("commands"), None), &before).by, By::Commands);
        let nothing = told(row(None, Some(after.clone())), &before);
        assert_eq!((nothing.by, nothing.keys.len()), (By::Unknown, 0));
    }
}
