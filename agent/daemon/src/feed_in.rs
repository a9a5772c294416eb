//! The owner's feed-in credit is claimed by the agent, once a day.

use std::sync::Arc;
use std::time::Duration;
use wattpool_ledger_wasmd::WasmdLedger;
use wattpool_schema::MeterId;

/// Between two claims.
const DAY_S: u64 = 86_400;
/// After a claim that was taken: there may be more than fits into one.
const MORE: Duration = Duration::from_secs(60);
/// After a question that was not answered.
const AGAIN: Duration = Duration::from_secs(600);
/// The first claim comes an hour after a start, and up to another one later, at a time of the meter's own: a street that gets its power back
/// has better to do, and does not claim in one block.
const FIRST_S: u64 = 3_600;

/// Claims until the process ends.
pub fn start(ledger: Arc<WasmdLedger>, meter: MeterId) {
    let claiming = async move {
        tokio::time::sleep(first(meter)).await;
        loop {
            let pause = match ledger.claim_feed_in(meter).await {
                Ok(Some(claimed)) => {
                    if !claimed.held.is_zero() {
                        tracing::warn!(
                            micro = claimed.held.0,
                            "feed-in credit was set aside: the grid operator holds it (wattpool owner show says why)"
                        );
                    }
                    if !claimed.paid.is_zero() {
                        let micro = claimed.paid.0;
                        tracing::info!(micro, "feed-in credit was paid to the owner");
                    }
                    MORE
                }
                Ok(None) => Duration::from_secs(DAY_S),
                Err(error) => {
                    tracing::debug!(%error, "feed-in credit cannot be claimed");
                    AGAIN
                }
            };
            tokio::time::sleep(pause).await;
        }
    };
    drop(tokio::spawn(claiming));
}

fn first(meter: MeterId) -> Duration {
    let [.., a, b] = meter.0;
    let later = u64::from(u16::from_be_bytes([a, b])) % FIRST_S;
    Duration::from_secs(FIRST_S.saturating_add(later))
}
