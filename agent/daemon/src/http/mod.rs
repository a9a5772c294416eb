//! The owner's page and the interface that it and the commands speak: over HTTP on a loopback address, over TLS on the
//! home network where the configuration says so.

pub mod access;
pub mod api;
mod guard;
pub mod names;
mod page;
mod reason;
pub mod tls;

use super::beside;
use super::home_meter::HomeMeter;
use super::metrics;
use super::status::Running;
use access::Access;
use answer::Refusal;
use anyhow::{Context, Result};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{header, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tls::Tls;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use wattpool_daemon::config::Config;
use wattpool_journal_sqlite::Generated;
use wattpool_ledger_wasmd::Market;
use wattpool_schema::MeterId;

pub use wattpool_web::{answer, serve};

/// A policy with long lists of partners fits; nothing else is that long.
const MOST_BYTES: usize = 256 * 1024;
/// Where sessions begin and end.
const SESSION: &str = "/api/v1/session";

/// What requests are answered from.
pub struct Interface {
    /// The agent.
    running: Arc<Running>,
    /// Who may ask.
    access: Access,
    /// Journal and history.
    history: PathBuf,
    /// This meter.
    meter: MeterId,
    /// The market.
    market: Market,
    /// How people call its money, and what a kWh of the grid emits.
    shown: api::Shown,
    /// Where registers of what is generated are kept, if they are.
    generated: Option<Generated>,
    /// Somebody else pays the fees.
    fees_granted: bool,
    /// Names under which it answers.
    names: Vec<String>,
    /// Fingerprint of the certificate; none: no TLS.
    fingerprint: Option<String>,
    /// Where the home network finds it.
    home: Option<std::net::SocketAddr>,
    /// The home's meter.
    home_meter: Arc<HomeMeter>,
    /// What the chain answered lately.
    cache: api::market::Cache,
    /// What the signal for the home was made of lately.
    signal: api::signal::Cache,
    /// One file is written at a time: it may take some megabytes.
    exporting: Semaphore,
}

type Shared = Arc<Interface>;

/// The listeners, taken but not answered yet.
pub struct Listeners {
    local: TcpListener,
    home: Option<(TcpListener, Arc<Tls>)>,
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

/// Listens; the addresses are taken when this returns.
///
/// # Errors
/// One is not to be had, or the certificate can be neither read nor made.
pub async fn listen(config: &Config) -> Result<Listeners> {
    let bind = |key, address| async move {
        let bound = TcpListener::bind(address).await;
        bound.with_context(|| format!("{key} {address}"))
    };
    let local = bind("http.listen", config.http.listen).await?;
    let home = match config.http.home {
        None => None,
        Some(address) => {
            let tls = Tls::open(&config.http.tls_file, || names::subjects(&config.http))?;
            tracing::info!(%address, fingerprint = %tls.fingerprint, "the page is on the home network");
            Some((bind("http.home", address).await?, Arc::new(tls)))
        }
    };
    Ok(Listeners { local, home })
}

/// What the listeners answer from.
///
/// # Errors
/// Token or sessions can be neither read nor made.
pub fn interface(
    config: &Config,
    market: Market,
    running: Arc<Running>,
    home_meter: Arc<HomeMeter>,
    listeners: &Listeners,
) -> Result<Interface> {
    let token = token(&config.http.token_file)?;
    let home = listeners.home.as_ref();
    let generated = beside::generated(&config.meter);
    Ok(Interface {
        running,
        access: Access::open(&config.http.access_file, token)?,
        history: config.storage.file.clone(),
        meter: config.meter.id,
        shown: api::Shown {
            home_name: config.http.home_name.clone(),
            market: market.chain_id.clone(),
            currency: config.http.currency.clone(),
            grid_co2: config.http.grid_co2,
            generation: generated.is_some(),
        },
        market,
        generated,
        fees_granted: !config.chain.fee_granter.is_empty(),
        names: names::names(&config.http),
        fingerprint: home.map(|(_, tls)| tls.fingerprint.clone()),
        home: config.http.home,
        home_meter,
        cache: api::market::Cache::default(),
        signal: api::signal::Cache::default(),
        exporting: Semaphore::new(1),
    })
}

/// Answers until `stop` ends.
pub async fn serve<S: Future<Output = ()> + Send + 'static>(
    listeners: Listeners,
    interface: Arc<Interface>,
    stop: impl Fn() -> S,
) {
    let app = app(interface);
    let local = serve::serve::<Tls>(listeners.local, None, app.clone(), stop());
    match listeners.home {
        None => local.await,
        Some((listener, tls)) => {
            let home = serve::serve(listener, Some(tls), app, stop());
            tokio::join!(local, home);
        }
    }
}

fn app(shared: Shared) -> Router {
    let state = || Arc::clone(&shared);
    let open = api::open().route_layer(from_fn_with_state(state(), guard::stranger));
    let own = api::own().route_layer(from_fn_with_state(state(), guard::known));
    let machine = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(figures))
        .route_layer(from_fn_with_state(state(), guard::local));
    open.merge(own)
        .merge(machine)
        .merge(page::router())
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(state(), guard::every))
        .with_state(shared)
}

async fn nothing() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "nothing is here: the page is at /, the interface is described at /api/v1/openapi.json",
    )
}

async fn not_so() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "not with this method: the interface is described at /api/v1/openapi.json",
    )
}

async fn health(State(shared): State<Shared>) -> Response {
    let health = shared.running.health();
    let code = if health.agent.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(health)).into_response()
}

async fn figures(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let status = match shared.running.handle() {
        Ok(handle) => handle.status().await.ok(),
        Err(_) => None,
    };
    let health = shared.running.health();
    let text = metrics::text(&health.agent, status.as_deref()).map_err(Refusal::broken)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
