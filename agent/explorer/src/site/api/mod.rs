//! The interface, version 1: each route once, with what it asks and answers. The description that `docs/explorer-openapi.json` holds is made of the same
//! table. Nobody signs in: what is told is public on the chain.

mod export;
mod market;
mod meters;
mod state;
mod trades;

use super::{Shared, Site};
use crate::index::{IndexError, Prefix, Reader};
use axum::http::{header, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::Router;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{json, Value};
use std::sync::Arc;
use wattpool_audit::export::{name, Said};
use wattpool_schema::{MeterId, Seconds, Window};
use wattpool_web::answer::Refusal;
use wattpool_web::openapi::{self, Described, Nothing};

macro_rules! api {
    ($( $path:literal => $handler:path, $says:literal, $query:ty, $answer:ty; )*) => {
        /// All routes.
        pub(crate) fn routes() -> Router<Shared> {
            Router::new()$(.route(concat!("/api/v1/", $path), get($handler)))*
        }

        fn described() -> Vec<Described> {
            vec![$(Described {
                method: "get",
                path: concat!("/api/v1/", $path),
                says: $says,
                open: false,
                content: None,
                query: |g| g.root_schema_for::<$query>(),
                body: |g| g.subschema_for::<Nothing>(),
                answer: |g| g.subschema_for::<$answer>(),
            }),*]
        }
    };
}

api! {
    "status" => state::status, "What is indexed, how far, whether every rule holds, and how the market stands", Nothing, state::Status;
    "windows" => state::windows, "Metered windows, newest first", state::Paged, state::Windows;
    "series" => state::series, "Energy and prices over time, oldest first: windows, or added up by hours or days", state::Series, state::Windows;
    "meters" => meters::meters, "Meters by their pseudonyms", meters::Find, meters::Meters;
    "meters/{meter}" => meters::meter, "One meter", Nothing, meters::MeterRow;
    "trades" => trades::trades, "Closed trades", trades::Find, trades::Trades;
    "trades/{sequence}" => trades::trade, "One trade: its settlement rebuilt from events, and checks of it", Nothing, trades::TradeDetail;
    "trades/{sequence}/proof" => trades::proof, "The stored record of a trade, proven against a header that the validators signed; a node is asked", Nothing, crate::live::Proof;
    "market" => market::market, "Concentration: who sells how much at which prices, by day and over all", Nothing, market::Concentration;
    "money" => market::money, "The feed-in reserve, deposits, charges, and fees by day", Nothing, market::Money;
    "disputes" => market::disputes, "Notices, objections and decisions; feed-in credit that is held; money that standing orders hold", market::Before, market::Disputes;
    "operator" => market::operator, "What operator, registrar and administrator changed, newest first", market::Before, Events;
    "validators" => market::validators, "The chain's validators; a node is asked", Nothing, market::Validators;
    "events" => market::events, "What the contracts said, newest first", market::Find, Events;
    "export" => export::export, "A table of what is indexed, CSV or JSON", export::Asked, String;
    "export/signature" => export::signature, "The auditor's signature of the same table", export::Asked, crate::export::Signed;
    "openapi.json" => description, "This description", Nothing, Value;
}

/// The description as the file has it.
pub fn route_description() -> String {
    let info = json!({
        "title": "Wattpool explorer",
        "version": "1",
        "description": "What a market's contracts said, indexed and held against its rules. Read-only and public. Energy is in Wh, money in \
                        micro-units (1,000,000 are one coin), prices in micro-units per kWh, times are Unix seconds, shares are in millionths; all of \
                        them integers. Every failure is an object with `error`.",
        "license": { "name": "Apache-2.0" },
    });
    openapi::description(&info, None, &described())
}

async fn description() -> impl IntoResponse {
    let text = include_str!("../../../../../docs/explorer-openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], text)
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EventRow {
    /// Its number in the index: where the next page begins.
    id: i64,
    /// Height of its block,
    height: u64,
    /// the block's time, Unix seconds,
    time: u64,
    /// place of the transaction,
    tx: u32,
    /// and its place there.
    index: u32,
    /// Its name, such as `tariffs_set`.
    name: String,
    /// Its fields.
    fields: Value,
}

/// Events.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Events {
    /// Newest first.
    events: Vec<EventRow>,
    /// Ask for those before this one; none: these were the last.
    next: Option<i64>,
}

impl From<crate::index::Entry> for EventRow {
    fn from(entry: crate::index::Entry) -> Self {
        let row = entry.row;
        let fields = match &row.said {
            Said::Transfer(transfer) => serde_json::to_value(transfer).ok(),
            Said::Event(event) => serde_json::to_value(event)
                .ok()
                .and_then(|v| v.as_object()?.values().next().cloned()),
        };
        Self {
            id: entry.id,
            height: row.height,
            time: row.time,
            tx: row.tx,
            index: row.index,
            name: name(&row.said),
            fields: fields.unwrap_or_default(),
        }
    }
}

impl Events {
    fn of(entries: Vec<crate::index::Entry>, limit: u32) -> Self {
        let full = entries.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = entries.last().map(|e| e.id).filter(|_| full);
        Self {
            events: entries.into_iter().map(Into::into).collect(),
            next,
        }
    }
}

/// Asks the index, off the server's thread, a few at a time.
async fn read<T: Send + 'static>(
    shared: &Shared,
    ask: impl FnOnce(&Site, &Reader) -> Result<T, IndexError> + Send + 'static,
) -> Result<T, Refusal> {
    let _place = shared.questions.acquire().await.map_err(Refusal::broken)?;
    let site = Arc::clone(shared);
    let task = tokio::task::spawn_blocking(move || {
        let explorer = Arc::clone(&site.explorer);
        explorer.read(|reader| ask(&site, reader))
    });
    task.await
        .map_err(Refusal::broken)?
        .map_err(Refusal::broken)
}

/// Rows of a page, within bounds.
fn limit(asked: Option<u32>, usual: u32, most: u32) -> Result<u32, Refusal> {
    match asked {
        None => Ok(usual),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(Refusal::bad(format!(
            "limit: expected 1 to {most}, found {n}"
        ))),
    }
}

/// A meter.
fn meter_of(name: &str, text: &str) -> Result<MeterId, Refusal> {
    let bad = || Refusal::bad(format!("{name}: expected a meter's 32 hexadecimal digits"));
    text.parse().map_err(|_| bad())
}

/// The beginning of a meter.
fn prefix_of(name: &str, text: &str) -> Result<Prefix, Refusal> {
    let bad = || {
        Refusal::bad(format!(
            "{name}: expected at most 32 hexadecimal digits of a meter"
        ))
    };
    Prefix::parse(&text.to_ascii_lowercase()).ok_or_else(bad)
}

/// The window that a time is in.
fn window_at(site: &Site, time: u64) -> u64 {
    Window::at(Seconds(time), site.explorer.header().window_seconds).0
}

/// Not in the index.
fn not_here(what: impl std::fmt::Display) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("{what} is not in the index"))
}

#[cfg(test)]
mod tests {
    /// Set: the file is written instead of compared.
    const WRITE: &str = "WATTPOOL_WRITE_OPENAPI";

    #[test]
    fn the_description_is_what_the_code_says() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/explorer-openapi.json"
        );
        let want = super::route_description();
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(file, want).unwrap();
            return;
        }
        let found = std::fs::read_to_string(file).unwrap();
        assert!(found == want, "docs/explorer-openapi.json is not what the code says: scripts/generate-commands writes it");
    }

    #[test]
    fn every_reference_of_the_description_leads_somewhere() {
        let (lost, count) = super::openapi::dangling(&super::route_description());
        assert_eq!(lost, Vec::<String>::new());
        assert!(count > 20, "{count} references");
    }
}
