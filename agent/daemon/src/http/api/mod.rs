//! The interface, version 1: each route once, with what it asks and answers. The description that
//! `docs/openapi.json` holds is made of the same table.

mod control;
mod events;
mod export;
mod history;
pub mod market;
mod meter;
#[cfg(test)]
mod openapi;
mod policy;
mod preview;
mod reached;
mod session;
pub mod signal;
mod status;

pub use control::{Decision, Pause};
pub use session::{Done, Paired, Pairing, Password};
pub use status::{now, Alert, Kind};

use super::answer::Refusal;
use super::Shared;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use axum::Router;
use schemars::JsonSchema;
use serde::Serialize;
#[cfg(test)]
use wattpool_web::openapi::{Described, Nothing};

/// How people read money and energy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// What the owner calls this home; "": nothing.
    pub home_name: String,
    /// What the market is called: the name of its chain.
    pub market: String,
    /// What one coin, 1,000,000 micro-units, is called.
    pub currency: String,
    /// What a kWh from the grid emits, g; none: not told.
    pub grid_co2: Option<u32>,
    /// What is generated and used is known, not only what passes the meter at the grid.
    pub generation: bool,
}

macro_rules! routes {
    ($name:ident, $described:ident, $open:literal: $(
        $method:ident $path:literal => $handler:path, $says:literal, $query:ty, $body:ty, $answer:ty;
    )*) => {
        /// These routes.
        pub fn $name() -> Router<Shared> {
            Router::new()$(.route(concat!("/api/v1/", $path), $method($handler)))*
        }

        #[cfg(test)]
        fn $described() -> Vec<Described> {
            vec![$(Described {
                method: stringify!($method),
                path: concat!("/api/v1/", $path),
                says: $says,
                open: $open,
                content: ($path == "events").then_some("text/event-stream"),
                query: |g| g.root_schema_for::<$query>(),
                body: |g| g.subschema_for::<$body>(),
                answer: |g| g.subschema_for::<$answer>(),
            }),*]
        }
    };
}

routes! { open, described_open, true:
    post "session" => session::begin, "Sign in with a password or a pairing code; the answer sets a cookie", Nothing, session::SignIn, session::Session;
    get "openapi.json" => description, "This description", Nothing, Nothing, serde_json::Value;
}

routes! { own, described_own, false:
    get "session" => session::show, "Who is signed in, and the x-csrf-token that changes need", Nothing, Nothing, session::Session;
    delete "session" => session::end, "Sign out", Nothing, Nothing, session::Done;
    post "pairing" => session::pair, "A code that signs one device in within ten minutes", Nothing, session::Pairing, session::Paired;
    put "password" => session::set_password, "Set a role's password, or take it away; its sessions end", Nothing, session::Password, session::Done;
    get "status" => status::status, "What the agent is at", Nothing, Nothing, status::Status;
    get "signal" => signal::signal, "Surplus or deficit of home and neighbourhood, the price, and what is expected, for what can use energy when there is some", Nothing, Nothing, wattpool_home_devices::Signal;
    get "alerts" => status::alerts, "What needs the owner's eye, and what was told lately", Nothing, Nothing, status::Alerts;
    get "events" => events::events, "News as they come (text/event-stream): each event 'changed' says how it stands", Nothing, Nothing, events::News;
    get "energy" => history::energy, "Energy of spans of time", history::Spans, Nothing, history::Energy;
    get "money" => history::money, "Money of spans of time, beside what it would have been without trading", history::Spans, Nothing, history::Money;
    get "windows" => history::windows, "Windows, oldest first", history::Between, Nothing, history::Windows;
    get "trades" => history::trades, "Closed trades, newest first", history::Trades, Nothing, history::TradePage;
    get "notices" => history::notices, "What the agent told its owner, newest first", history::Paged, Nothing, history::NoticePage;
    get "export" => export::export, "Trades or windows as CSV", export::Export, Nothing, String;
    get "offers" => status::offers, "Offers of neighbours that the owner's limits let pass, in this window", Nothing, Nothing, status::Offers;
    get "market" => market::market, "Supply, demand, price and zones of the market, from the chain", Nothing, Nothing, market::Market;
    get "market/windows" => market::windows, "Books of the market's closed windows, oldest first", market::Last, Nothing, market::Windows;
    get "limits" => market::limits, "The limits that the owner's key has set on the chain", Nothing, Nothing, market::Limits;
    get "policy" => control::policy, "The owner's policy in force", Nothing, Nothing, wattpool_core::policy::Policy;
    put "policy" => control::set_policy, "Change keys of the policy: what is not named stays, null takes a limit away", Nothing, wattpool_core::policy::Policy, wattpool_core::policy::Policy;
    get "policy/history" => policy::history, "How the policy changed: when, by whom, which keys; newest first", history::Paged, Nothing, policy::Changes;
    post "policy/preview" => preview::preview, "What a change would have left of the last week's trades", Nothing, wattpool_core::policy::Policy, preview::Preview;
    post "pause" => control::pause, "Stop trading (true), or go on (false)", Nothing, control::Pause, control::Pause;
    post "meter/replaced" => meter::replaced, "Another meter goes on in the place of the old one: its first reading is believed at once", Nothing, wattpool_core::metering::Exchange, wattpool_core::metering::Exchange;
    get "approvals" => status::approvals, "Trades that wait for the owner", Nothing, Nothing, status::Approvals;
    get "approvals/history" => history::approvals, "The last trades that waited for the owner, and what became of them; newest first", Nothing, Nothing, history::Waited;
    post "approvals" => control::decide, "Decide on a trade that waits", Nothing, control::Decision, control::Decision;
}

async fn description() -> impl IntoResponse {
    let text = include_str!("../../../../../docs/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], text)
}

/// Reads the history beside the agent, off its thread.
async fn read<T: Send + 'static>(
    shared: &Shared,
    ask: impl FnOnce(
            &wattpool_journal_sqlite::HistoryReader,
        ) -> Result<T, wattpool_core::ports::home::JournalError>
        + Send
        + 'static,
) -> Result<T, Refusal> {
    let file = shared.history.clone();
    let task = tokio::task::spawn_blocking(move || {
        wattpool_journal_sqlite::HistoryReader::open(&file).and_then(|reader| ask(&reader))
    });
    task.await
        .map_err(Refusal::broken)?
        .map_err(Refusal::broken)
}
