//! Asking again, with growing pauses that differ from agent to agent.

use crate::health::{Board, Part};
use backon::{BackoffBuilder, ExponentialBuilder};
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

/// First and longest pause; jitter adds as much again at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Pauses: doubling, with jitter, without end.
pub fn pauses() -> impl Iterator<Item = Duration> + Send {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_factor(2.0)
        .with_jitter()
        .without_max_times()
        .build();
    pauses.chain(std::iter::repeat(PAUSES.1))
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
        pause(&mut pauses).await;
    }
}

/// Sleeps for the next pause.
pub(crate) async fn pause(pauses: &mut (impl Iterator<Item = Duration> + Send)) {
    if let Some(pause) = pauses.next() {
        tokio::time::sleep(pause).await;
    }
}
