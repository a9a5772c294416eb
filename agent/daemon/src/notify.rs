//! Telling others of alerts: each that begins and each that ends goes to the owner's webhook and to a topic of a broker, to
//! each again and again until it is taken.

use super::http::api::{now, Alert, Kind};
use super::status::Running;
use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wattpool_daemon::config::AlertsConfig;
use wattpool_home_devices::Topic;
use wattpool_schema::MeterId;

/// Between two looks. What lasts shorter is not told.
const EVERY: Duration = Duration::from_secs(10);
/// The webhook answers within this.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is told.
#[derive(Serialize)]
struct Told<'a> {
    meter: MeterId,
    /// Alerts that are so since the last one.
    began: &'a [Alert],
    /// Kinds that are so no more.
    ended: &'a [Kind],
    /// Kinds that are so now.
    now: &'a [Kind],
}

/// Who is told.
enum To {
    Webhook(reqwest::Client, String),
    Topic(Box<Topic>),
}

impl To {
    /// What it is called in the log.
    const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(..) => "webhook",
            Self::Topic(_) => "broker",
        }
    }

    /// Ok: it is taken.
    async fn tell(&self, told: &Told<'_>) -> Result<(), String> {
        match self {
            Self::Webhook(client, address) => {
                let posted = client.post(address).json(told).send().await;
                let taken = posted.and_then(reqwest::Response::error_for_status);
                taken.map(drop).map_err(|error| error.to_string())
            }
            Self::Topic(topic) => {
                let text = serde_json::to_string(told).map_err(|error| error.to_string())?;
                topic.say(text).await
            }
        }
    }
}

/// Begins to tell whom the configuration names, in the running tokio runtime; it ends with the process.
///
/// # Errors
/// A setting cannot be meant, or a file that it names cannot be read.
pub fn start(config: &AlertsConfig, meter: MeterId, running: &Arc<Running>) -> Result<()> {
    let mut all = Vec::new();
    if !config.webhook.is_empty() {
        let client = wattpool_home_devices::plain_http()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("alerts.webhook")?;
        all.push(To::Webhook(client, config.webhook.clone()));
    }
    if let Some(at) = config.topic() {
        let topic = at.open("alerts").context("alerts")?;
        all.push(To::Topic(Box::new(topic)));
    }
    for to in all {
        drop(tokio::spawn(watch(to, meter, Arc::clone(running))));
    }
    Ok(())
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
async fn watch(to: To, meter: MeterId, running: Arc<Running>) {
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
            // As whoever is told knows them: those that were told and last, and those that begin.
            let lasting = told.keys().filter(|key| !ended.contains(key));
            let mut standing: Vec<Kind> = lasting.map(|(kind, _)| *kind).collect();
            standing.extend(began.iter().map(|alert| alert.kind));
            standing.sort_unstable();
            standing.dedup();
            let what = Told {
                meter,
                began: &began,
                ended: &kinds,
                now: &standing,
            };
            match to.tell(&what).await {
                Ok(()) => {
                    told.extend(began.iter().map(|alert| (key(alert), ())));
                    told.retain(|key, ()| !ended.contains(key));
                    failing = false;
                }
                Err(error) if !failing => {
                    let whom = to.name();
                    tracing::warn!(%error, "the {whom} of alerts does not take them; trying again");
                    failing = true;
                }
                Err(_) => {}
            }
        }
        seen = current;
        tokio::time::sleep(EVERY).await;
    }
}
