//! How long the account's fees last.

use crate::backoff::{self, pause};
use crate::health::Board;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wattpool_core::ports::ledger::Ledger;
use wattpool_schema::Micro;

/// Between two looks at the account.
pub(crate) const EVERY: Duration = Duration::from_secs(15 * 60);
/// What was spent in less time says nothing about a day.
const LEAST: Duration = Duration::from_secs(3600);
/// What lasts shorter is told, days.
const FEW_DAYS: u64 = 7;
const DAY_S: u128 = 86_400;

/// What is left for fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Fees {
    /// Micro-units; none: whoever pays them has set no bound.
    pub left: Option<Micro>,
    /// Days that they last at the present rate, rounded down; none until that is known.
    pub days: Option<u64>,
    /// Days until the grant ends that pays them, rounded down; none: it has no end, or there is none.
    #[serde(default)]
    pub grant_days: Option<u64>,
}

impl Fees {
    /// Why somebody should see to them, if so.
    pub fn warnings(&self) -> Vec<String> {
        let ends = self.grant_days.filter(|days| *days < FEW_DAYS);
        let ends = ends.map(|days| format!("the grant that pays the fees ends in {days} days"));
        self.warning().into_iter().chain(ends).collect()
    }

    fn warning(&self) -> Option<String> {
        let days = self.days.filter(|days| *days < FEW_DAYS);
        match (self.left, days) {
            (Some(Micro(0)), _) => Some("nothing is left for fees".to_owned()),
            (Some(left), Some(days)) => Some(format!(
                "what is left for fees ({left} micro-units) lasts {days} days"
            )),
            _ => None,
        }
    }
}

/// What was spent since the first look; what is paid in between is no spending.
#[derive(Default)]
pub(crate) struct Spending {
    first: Option<Instant>,
    last: Option<Micro>,
    spent: u128,
}

impl Spending {
    pub fn look(&mut self, now: Instant, left: Option<Micro>) -> Fees {
        let first = *self.first.get_or_insert(now);
        if let (Some(before), Some(left)) = (self.last, left) {
            let less = before.0.saturating_sub(left.0);
            self.spent = self.spent.saturating_add(u128::from(less));
        }
        self.last = left;
        let over = now.duration_since(first);
        let days = left.filter(|_| over >= LEAST).and_then(|left| {
            let days = u128::from(left.0)
                .saturating_mul(u128::from(over.as_secs()))
                .checked_div(self.spent)?
                .checked_div(DAY_S)?;
            Some(u64::try_from(days).unwrap_or(u64::MAX))
        });
        Fees {
            left,
            days,
            grant_days: None,
        }
    }
}

/// Looks at the account from time to time.
pub(crate) async fn watch<L: Ledger>(ledger: Arc<L>, board: Arc<Board>) {
    let mut spending = Spending::default();
    let mut pauses = backoff::pauses();
    loop {
        match ledger.fees_left().await {
            Ok(left) => {
                let mut fees = spending.look(Instant::now(), left);
                // Not to be had: it is looked for again with the next look.
                let ends = ledger.fee_grant_ends().await.ok().flatten();
                let now = board.block_time();
                fees.grant_days = ends
                    .filter(|_| now.0 > 0)
                    .and_then(|ends| ends.0.saturating_sub(now.0).checked_div(86_400));
                board.fees(fees);
                pauses = backoff::pauses();
                tokio::time::sleep(EVERY).await;
            }
            // A node may refuse this question and answer all others: what is known stays, and the home goes on trading.
            Err(error) => {
                tracing::debug!(%error, "what is left for fees is not to be had");
                pause(&mut pauses).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(begun: Instant, hours: u64) -> Instant {
        begun
            .checked_add(Duration::from_secs(hours.saturating_mul(3600)))
            .unwrap()
    }

    #[test]
    fn days_follow_from_what_was_spent_whatever_was_paid_in() {
        let begun = Instant::now();
        let mut spending = Spending::default();
        let first = spending.look(begun, Some(Micro(10_000)));
        assert_eq!((first.left, first.days), (Some(Micro(10_000)), None));
        // 1,000 in 12 hours: 9,000 last four days and a half.
        let next = spending.look(hours(begun, 12), Some(Micro(9_000)));
        assert_eq!(next.days, Some(4));
        assert_eq!(
            next.warning().as_deref(),
            Some("what is left for fees (9000 micro-units) lasts 4 days")
        );
        // Topped up by 20,000; nothing was spent meanwhile.
        let filled = spending.look(hours(begun, 24), Some(Micro(29_000)));
        assert_eq!((filled.days, filled.warning()), (Some(29), None));
        let empty = spending.look(hours(begun, 48), Some(Micro(0)));
        assert_eq!(empty.warning().as_deref(), Some("nothing is left for fees"));
    }

    #[test]
    fn a_grant_that_ends_soon_is_told_though_it_has_no_bound() {
        let fees = |grant_days| Fees {
            left: None,
            days: None,
            grant_days,
        };
        assert_eq!(fees(Some(7)).warnings(), [""; 0]);
        assert_eq!(
            fees(Some(6)).warnings(),
            ["the grant that pays the fees ends in 6 days"]
        );
        let both = Fees {
            left: Some(Micro(0)),
            ..fees(Some(0))
        };
        assert_eq!(both.warnings().len(), 2);
    }

    #[test]
    fn without_a_bound_or_spending_nothing_runs_out() {
        let begun = Instant::now();
        let mut spending = Spending::default();
        for (hour, left) in [
            (0, None),
            (2, None),
            (4, Some(Micro(5))),
            (8, Some(Micro(5))),
        ] {
            let fees = spending.look(hours(begun, hour), left);
            assert_eq!((fees.days, fees.warning()), (None, None), "{hour}");
        }
    }
}
