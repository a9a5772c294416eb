//! The beginning: where the chain and the meter stand.

use crate::backoff::{pause, pauses, until_answered};
use crate::follow::Follower;
use crate::health::Part;
use std::sync::Arc;
use wattpool_core::clock::ChainClock;
use wattpool_core::io::{BlockRef, Day, Reading, WindowTerms};
use wattpool_core::ports::home::Meter;
use wattpool_core::ports::ledger::Ledger;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::MeterId;

/// Tries to read a position with no block in between.
const STEADY_TRIES: usize = 5;

/// Where everything stands when the agent starts.
pub(crate) struct Standing {
    pub head: BlockRef,
    pub position: MeterPosition,
    pub today: Day,
    pub terms: Arc<WindowTerms>,
    /// Registers to begin with, where nothing has been metered yet.
    pub installed: Option<Reading>,
}

/// Asks chain and meter until both have answered.
pub(crate) async fn standing<L: Ledger, M: Meter>(
    follower: Follower<L>,
    meter: Arc<M>,
    id: MeterId,
    metered_before: bool,
) -> Standing {
    follower.load_registry().await;
    let mut pauses = pauses();
    loop {
        let (head, position) = position(&follower, id).await;
        let (ledger, board) = (&follower.ledger, &follower.board);
        let today = until_answered(board, Part::Chain, || ledger.today(id, head)).await;
        if !ChainClock::default().believes(follower.clock.now(), head.time) {
            let why = format!(
                "block {} says that it is {}, which cannot be yet",
                head.height, head.time
            );
            follower.board.trouble(Part::Chain, &why);
            pause(&mut pauses).await;
            continue;
        }
        follower.registry.write().begin(head);
        let terms = follower.terms(head).await;
        let installed = if metered_before {
            None
        } else {
            match meter.registers(terms.live()).await {
                Ok(reading) => {
                    follower.board.well(Part::Meter);
                    Some(reading)
                }
                Err(error) => {
                    // By the next try another window may have ended: everything is asked again.
                    follower.board.trouble(Part::Meter, &error);
                    pause(&mut pauses).await;
                    continue;
                }
            }
        };
        return Standing {
            head,
            position,
            today,
            terms,
            installed,
        };
    }
}

/// A meter's position and the block it is of. If blocks are faster than answers it may be of a later one: a
/// sale in between is then counted twice and the less offered, for one window.
async fn position<L: Ledger>(follower: &Follower<L>, id: MeterId) -> (BlockRef, MeterPosition) {
    let ledger = &follower.ledger;
    let board = &follower.board;
    let mut before = until_answered(board, Part::Chain, || ledger.head()).await;
    for _ in 0..STEADY_TRIES {
        let position = until_answered(board, Part::Chain, || ledger.position(id)).await;
        let after = until_answered(board, Part::Chain, || ledger.head()).await;
        if after.height == before.height {
            return (before, position);
        }
        before = after;
    }
    let position = until_answered(board, Part::Chain, || ledger.position(id)).await;
    (before, position)
}
