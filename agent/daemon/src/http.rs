//! Status, control, health and metrics over HTTP on a loopback address. Health and metrics are for everybody on the
//! machine; the rest asks for the token, which only the agent's user can read.

use super::metrics;
use super::status::Running;
use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::{header, HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use wattpool_core::policy::Policy;
use wattpool_daemon::config::Config;
use wattpool_journal_sqlite::HistoryReader;

/// Rows given when none are asked for, and at most.
const ROWS: (u32, u32) = (50, 10_000);
/// A policy with long lists of partners fits; nothing else is that long.
const MOST_BYTES: usize = 256 * 1024;

/// What requests are answered from.
pub struct Interface {
    /// The agent.
    pub running: Arc<Running>,
    /// Journal and history.
    pub history: PathBuf,
    /// The token.
    pub token: String,
}

/// What went wrong, as answered.
#[derive(Serialize, Deserialize)]
pub struct Refusal {
    /// In one line.
    pub error: String,
}

/// The owner's decision on a trade.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The number of the trade that waits.
    pub request: u64,
    /// Go on with it.
    pub accept: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
}

type Refused = (StatusCode, Json<Refusal>);
type Answer = std::result::Result<Response, Refused>;
type Shared = State<Arc<Interface>>;

fn refuse(code: StatusCode, error: impl ToString) -> Refused {
    let error = error.to_string();
    (code, Json(Refusal { error }))
}

/// Reads the token, or makes one that only this user can read.
///
/// # Errors
/// The file cannot be read or made, or is empty.
pub fn token(file: &Path) -> Result<String> {
    let context = || format!("token file {}", file.display());
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().is_empty() => {
            anyhow::bail!("{}: expected a token, found none", context())
        }
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)
                .map_err(|e| anyhow::anyhow!("the system gives no random bytes: {e}"))?;
            let token = hex::encode(bytes);
            let mut made = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(file)
                .with_context(context)?;
            writeln!(made, "{token}").with_context(context)?;
            Ok(token)
        }
        Err(error) => Err(error).with_context(context),
    }
}

/// Listens; the address is taken when this returns.
///
/// # Errors
/// It is not to be had.
pub async fn listen(config: &Config) -> Result<TcpListener> {
    let address = config.http.listen;
    TcpListener::bind(address)
        .await
        .with_context(|| format!("http.listen {address}"))
}

/// Answers until `stop` ends.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    interface: Interface,
    stop: impl std::future::Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let interface = Arc::new(interface);
    let guarded = Router::new()
        .route("/v1/status", get(status))
        .route("/v1/trades", get(trades))
        .route("/v1/history", get(history))
        .route("/v1/policy", get(policy).put(set_policy))
        .route("/v1/pause", post(pause))
        .route("/v1/resume", post(resume))
        .route("/v1/decide", post(decide))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&interface),
            guard,
        ));
    let open = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(figures));
    let app = open
        .merge(guarded)
        .layer(axum::extract::DefaultBodyLimit::max(MOST_BYTES))
        .with_state(interface);
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
        .context("http")
}

async fn guard(
    State(interface): Shared,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    if shown.is_some_and(|shown| same(shown.as_bytes(), interface.token.as_bytes())) {
        next.run(request).await
    } else {
        refuse(StatusCode::UNAUTHORIZED, "expected the agent's token").into_response()
    }
}

/// Compares in a time that does not tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

async fn health(State(interface): Shared) -> Response {
    let health = interface.running.health();
    let code = if health.agent.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(health)).into_response()
}

async fn figures(State(interface): Shared) -> Answer {
    let status = match interface.running.handle() {
        Ok(handle) => handle.status().await.ok(),
        Err(_) => None,
    };
    let health = interface.running.health();
    let text = metrics::text(&health.agent, status.as_deref())
        .map_err(|e| refuse(StatusCode::INTERNAL_SERVER_ERROR, e))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn agent(interface: &Interface) -> std::result::Result<wattpool_runtime::Handle, Refused> {
    interface.running.handle().map_err(|what| {
        refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no agent runs: {what}"),
        )
    })
}

fn gone(error: wattpool_runtime::Gone) -> Refused {
    refuse(StatusCode::SERVICE_UNAVAILABLE, error)
}

async fn status(State(interface): Shared) -> Answer {
    let status = agent(&interface)?.status().await.map_err(gone)?;
    Ok(Json(status).into_response())
}

async fn policy(State(interface): Shared) -> Answer {
    let status = agent(&interface)?.status().await.map_err(gone)?;
    Ok(Json(status.policy).into_response())
}

/// A policy with the keys that are named changed; null takes a limit away. What is not named stays.
fn amended(policy: &Policy, body: &[u8]) -> serde_json::Result<Policy> {
    let named: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)?;
    let mut keys = match serde_json::to_value(policy)? {
        serde_json::Value::Object(keys) => keys,
        _ => serde_json::Map::new(),
    };
    keys.extend(named);
    serde_json::from_value(serde_json::Value::Object(keys))
}

async fn set_policy(State(interface): Shared, body: Bytes) -> Answer {
    let handle = agent(&interface)?;
    let in_force = handle.status().await.map_err(gone)?.policy;
    let policy = amended(&in_force, &body)
        .map_err(|e| refuse(StatusCode::BAD_REQUEST, format!("policy: {e}")))?;
    policy
        .check()
        .map_err(|e| refuse(StatusCode::BAD_REQUEST, e))?;
    handle.set_policy(policy.clone()).await.map_err(gone)?;
    Ok(Json(policy).into_response())
}

async fn set_paused(interface: &Interface, paused: bool) -> Answer {
    let handle = agent(interface)?;
    handle.set_paused(paused).await.map_err(gone)?;
    Ok(Json(serde_json::json!({ "paused": paused })).into_response())
}

async fn pause(State(interface): Shared) -> Answer {
    set_paused(&interface, true).await
}

async fn resume(State(interface): Shared) -> Answer {
    set_paused(&interface, false).await
}

async fn decide(State(interface): Shared, body: Bytes) -> Answer {
    let decision: Decision = serde_json::from_slice(&body)
        .map_err(|e| refuse(StatusCode::BAD_REQUEST, format!("decision: {e}")))?;
    let handle = agent(&interface)?;
    let known = handle.decide(decision.request, decision.accept).await;
    if known.map_err(gone)? {
        Ok(Json(decision).into_response())
    } else {
        let error = format!(
            "no trade of number {} waits (any more: what is not decided in time lapses)",
            decision.request
        );
        Err(refuse(StatusCode::NOT_FOUND, error))
    }
}

/// Reads the history beside the agent, off its threads.
async fn read<T: Serialize + Send + 'static>(
    interface: &Interface,
    page: &Page,
    rows: impl FnOnce(
            &HistoryReader,
            u32,
        ) -> std::result::Result<Vec<T>, wattpool_core::ports::home::JournalError>
        + Send
        + 'static,
) -> Answer {
    let limit = page.limit.unwrap_or(ROWS.0).min(ROWS.1);
    let file = interface.history.clone();
    let task = tokio::task::spawn_blocking(move || {
        HistoryReader::open(&file).and_then(|reader| rows(&reader, limit))
    });
    let internal = |e: String| refuse(StatusCode::INTERNAL_SERVER_ERROR, e);
    let rows = task.await.map_err(|e| internal(e.to_string()))?;
    Ok(Json(rows.map_err(|e| internal(e.to_string()))?).into_response())
}

async fn trades(State(interface): Shared, Query(page): Query<Page>) -> Answer {
    read(&interface, &page, HistoryReader::trades).await
}

async fn history(State(interface): Shared, Query(page): Query<Page>) -> Answer {
    read(&interface, &page, HistoryReader::notices).await
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
        assert_eq!(amended(&policy, b"{}").unwrap(), policy);
        let paused = amended(&policy, br#"{"paused": true}"#).unwrap();
        assert_eq!(
            paused,
            Policy {
                paused: true,
                ..policy.clone()
            }
        );
        let free = amended(&policy, br#"{"max_buy_price": null}"#).unwrap();
        assert_eq!((free.max_buy_price, free.reserve_wh), (None, Wh(7)));
        for bad in [
            &br#"{"max_buy_prize": 1}"#[..],
            b"[]",
            b"",
            br#"{"paused": 3}"#,
        ] {
            assert!(amended(&policy, bad).is_err());
        }
    }
}
