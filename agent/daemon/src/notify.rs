//! Telling others of alerts: each that begins and each that ends is posted to the owner's webhook, again and again until it
//! is taken.

use super::http::api::{now, Alert, Kind};
use super::status::Running;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wattpool_schema::MeterId;

/// Between two looks. What lasts shorter is not told.
const EVERY: Duration = Duration::from_secs(10);
/// The webhook answers within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is posted.
#[derive(Serialize)]
struct Told<'a> {
    meter: MeterId,
    /// Alerts that are so since the last one.
    began: &'a [Alert],
    /// Kinds that are so no more.
    ended: &'a [Kind],
}

/// What tells an alert from another: its kind, and for trades that wait which one.
fn key(alert: &Alert) -> (Kind, String) {
    let which = match alert.kind {
        Kind::Approval => alert.text.clone(),
        _ => String::new(),
    };
    (alert.kind, which)
}

/// Watches until it is dropped.
pub async fn watch(webhook: String, meter: MeterId, running: Arc<Running>) {
    let built = wattpool_home_devices::plain_http()
        .timeout(PATIENCE)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let client = match built {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "nobody can be told of alerts");
            return;
        }
    };
    let mut told: BTreeMap<(Kind, String), ()> = BTreeMap::new();
    let mut seen: BTreeMap<(Kind, String), ()> = BTreeMap::new();
    let mut failing = false;
    loop {
        let alerts = now(&running).await;
        let current: BTreeMap<_, ()> = alerts.iter().map(|alert| (key(alert), ())).collect();
        let lasts =
            |alert: &&Alert| seen.contains_key(&key(alert)) && !told.contains_key(&key(alert));
        let began: Vec<Alert> = alerts.iter().filter(lasts).cloned().collect();
        let gone = |key: &&(Kind, String)| !current.contains_key(*key) && !seen.contains_key(*key);
        let ended: Vec<(Kind, String)> = told.keys().filter(gone).cloned().collect();
        if !began.is_empty() || !ended.is_empty() {
            let kinds: Vec<Kind> = ended.iter().map(|(kind, _)| *kind).collect();
            let body = Told {
                meter,
                began: &began,
                ended: &kinds,
            };
            let posted = client.post(&webhook).json(&body).send().await;
            match posted.and_then(reqwest::Response::error_for_status) {
                Ok(_) => {
                    told.extend(began.iter().map(|alert| (key(alert), ())));
                    told.retain(|key, ()| !ended.contains(key));
                    failing = false;
                }
                Err(error) if !failing => {
                    tracing::warn!(%error, "the webhook of alerts does not take them; trying again");
                    failing = true;
                }
                Err(_) => {}
            }
        }
        seen = current;
        tokio::time::sleep(EVERY).await;
    }
}
