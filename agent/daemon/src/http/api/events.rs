//! News as they come, for whoever keeps the connection: what changed is asked for where it is told in full.

use super::status::{live, now};
use crate::http::access::Who;
use crate::http::Shared;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::Extension;
use futures_util::stream::{unfold, Stream};
use schemars::JsonSchema;
use serde::Serialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use wattpool_schema::Window;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// Something changed: this is how it stands now.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct News {
    /// Trading is paused by the owner; none: no agent runs.
    paused: Option<bool>,
    /// The metered window that is traded now.
    window: Option<Window>,
    /// Purchases and sales since the start.
    trades: Option<u64>,
    /// Trades that wait for the owner.
    awaiting: Vec<u64>,
    /// Kinds of what is wrong.
    alerts: Vec<super::Kind>,
}

async fn look(shared: &Shared) -> News {
    let live = live(shared).await.ok();
    let alerts = now(&shared.running).await;
    News {
        paused: live.as_ref().map(|l| l.policy.paused),
        window: live.as_ref().and_then(|l| l.window.live),
        trades: live
            .as_ref()
            .map(|l| l.counters.purchases.saturating_add(l.counters.sales)),
        awaiting: live
            .iter()
            .flat_map(|l| l.awaiting.iter().map(|a| a.request))
            .collect(),
        alerts: alerts.into_iter().map(|alert| alert.kind).collect(),
    }
}

/// One event for how it stands, then one for each change, as long as whoever listens is known.
pub async fn events(
    State(shared): State<Shared>,
    Extension(who): Extension<Who>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let begin = (Arc::clone(&shared), who, None);
    let stream = unfold(
        begin,
        |(shared, who, last): (Shared, Who, Option<News>)| async move {
            while shared.access.lasts(&who) {
                let news = look(&shared).await;
                if last.as_ref() != Some(&news) {
                    let event = Event::default().event("changed");
                    // A number or a name is always JSON.
                    let event = event.json_data(&news).unwrap_or_default();
                    return Some((Ok(event), (shared, who, Some(news))));
                }
                tokio::time::sleep(EVERY).await;
            }
            None
        },
    );
    Sse::new(stream).keep_alive(KeepAlive::default())
}
