//! What the owner changes: policy, pause, decisions.

use super::policy::asked;
use super::status::{at_rest, live, waiting};
use crate::http::access::Who;
use crate::http::answer::{Answer, Refusal, Told};
use crate::http::{reason, Shared};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wattpool_core::policy::Policy;

/// Whether trading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// It stands. What was agreed before is still settled, and the meter is still read.
    pub paused: bool,
}

/// The owner's decision on a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The number of the trade that waits.
    pub request: u64,
    /// Go on with it.
    pub accept: bool,
}

/// The policy in force, whether an agent runs or not.
pub async fn in_force(shared: &Shared) -> Result<Policy, Refusal> {
    match live(shared).await {
        Ok(live) => Ok(live.policy),
        Err(_) => at_rest(shared, |_| Ok(None)).await,
    }
}

pub async fn policy(State(shared): State<Shared>) -> Answer<Policy> {
    Ok(Json(in_force(&shared).await?))
}

/// A policy with the keys that are named changed; null takes a limit away. What is not named stays.
///
/// # Errors
/// A key is unknown, its value cannot be one, or what comes of them cannot hold.
pub fn amended(policy: &Policy, named: Map<String, Value>) -> Result<Policy, String> {
    let mut keys = match serde_json::to_value(policy).map_err(|e| e.to_string())? {
        Value::Object(keys) => keys,
        _ => Map::new(),
    };
    keys.extend(named);
    let policy: Policy =
        serde_json::from_value(Value::Object(keys)).map_err(|e| format!("policy: {e}"))?;
    policy.check().map_err(|e| e.to_string())?;
    Ok(policy)
}

/// A policy that is not taken, and why.
pub fn not_so(why: String) -> Refusal {
    Refusal::bad(why).named(reason::BAD_POLICY)
}

/// Puts a changed policy in force. Without an agent the journal takes it, and the agent finds it there.
async fn change(shared: &Shared, who: &Who, named: Map<String, Value>) -> Result<Policy, Refusal> {
    let (before, policy) = match shared.running.handle() {
        Err(_) => {
            // Refused before the journal is asked, so that a wrong key is not taken for trouble with the file.
            let before = at_rest(shared, |_| Ok(None)).await?;
            if amended(&before, named.clone()).map_err(not_so)? == before {
                return Ok(before);
            }
            let changed = at_rest(shared, move |policy| amended(policy, named).map(Some));
            (before, changed.await?)
        }
        Ok(handle) => {
            let before = live(shared).await.map_err(waiting)?.policy;
            let policy = amended(&before, named).map_err(not_so)?;
            let set = handle.set_policy(policy.clone()).await;
            set.map_err(|gone| waiting(gone.to_string()))?;
            (before, policy)
        }
    };
    if policy != before {
        asked(shared, who, &policy).await;
    }
    Ok(policy)
}

pub async fn set_policy(
    State(shared): State<Shared>,
    Extension(who): Extension<Who>,
    Told(named): Told<Map<String, Value>>,
) -> Answer<Policy> {
    Ok(Json(change(&shared, &who, named).await?))
}

pub async fn pause(
    State(shared): State<Shared>,
    Extension(who): Extension<Who>,
    Told(wanted): Told<Pause>,
) -> Answer<Pause> {
    match shared.running.handle() {
        Ok(handle) => {
            let set = handle.set_paused(wanted.paused).await;
            set.map_err(|gone| waiting(gone.to_string()))?;
            // It stands; who wanted it is for the history alone.
            if let Ok(live) = live(&shared).await {
                asked(&shared, &who, &live.policy).await;
            }
        }
        Err(_) => {
            let mut named = Map::new();
            named.insert("paused".to_owned(), Value::Bool(wanted.paused));
            change(&shared, &who, named).await?;
        }
    }
    Ok(Json(wanted))
}

pub async fn decide(
    State(shared): State<Shared>,
    Told(decision): Told<Decision>,
) -> Answer<Decision> {
    let handle = shared.running.handle().map_err(waiting)?;
    let known = handle.decide(decision.request, decision.accept).await;
    if known.map_err(|gone| waiting(gone.to_string()))? {
        Ok(Json(decision))
    } else {
        let error = format!(
            "no trade of number {} waits (any more: what is not decided in time lapses)",
            decision.request
        );
        Err(Refusal::new(StatusCode::NOT_FOUND, error).named(reason::TRADE_GONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::{Price, Wh};

    #[test]
    fn a_partial_policy_changes_only_what_it_names() {
        let policy = Policy {
            max_buy_price: Some(Price(200_000)),
            reserve_wh: Wh(7),
            ..Policy::default()
        };
        let amended = |text: &str| amended(&policy, serde_json::from_str(text).unwrap());
        assert_eq!(amended("{}").unwrap(), policy);
        let paused = amended(r#"{"paused": true}"#).unwrap();
        assert_eq!(
            paused,
            Policy {
                paused: true,
                ..policy.clone()
            }
        );
        let free = amended(r#"{"max_buy_price": null}"#).unwrap();
        assert_eq!((free.max_buy_price, free.reserve_wh), (None, Wh(7)));
        let refused = |text: &str| amended(text).unwrap_err();
        assert!(refused(r#"{"max_buy_prize": 1}"#).contains("unknown field `max_buy_prize`"));
        assert!(refused(r#"{"paused": 3}"#).contains("invalid type"));
        let hours = refused(r#"{"hours": {"from": 30, "to": 2}}"#);
        assert!(hours.starts_with("policy.hours: expected"), "{hours}");
    }
}
