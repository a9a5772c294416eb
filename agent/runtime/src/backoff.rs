//! Asking again, with growing pauses that differ from agent to agent.

use crate::health::{Board, Part};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

/// First and longest pause.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// Pauses: doubling, with jitter, without end.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Asks until there is an answer. Meanwhile the part's health says why there is none.
pub(crate) async fn until_answered<T, E, F>(
    board: &Board,
    part: Part,
    mut ask: impl FnMut() -> F,
) -> T
where
    E: Display,
    F: Future<Output = Result<T, E>>,
{
    let mut pauses = pauses();
    loop {
        match ask().await {
            Ok(answer) => {
                board.well(part);
                return answer;
            }
            Err(error) => board.trouble(part, &error),
        }
        tokio::time::sleep(pauses.next().unwrap_or(PAUSES.1)).await;
    }
}
