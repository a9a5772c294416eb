//! Records in the shared table: the newest act at a location counts, and follows the one before it.

use crate::backoff::{pause, pauses};
use crate::health::{Board, Part};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use wattpool_core::ports::network::Discovery;
use wattpool_schema::peer::{Location, SignedRecord};

/// Tries to publish one record; a newer one follows within a window anyway.
const TRIES: usize = 6;
/// A farewell takes no longer.
const FAREWELL: Duration = Duration::from_secs(3);

struct Act {
    task: JoinHandle<()>,
    published: bool,
}

/// One act per location at a time.
pub(crate) struct Publisher<N> {
    network: Arc<N>,
    board: Arc<Board>,
    acts: BTreeMap<Location, Act>,
}

impl<N: Discovery + 'static> Publisher<N> {
    pub const fn new(network: Arc<N>, board: Arc<Board>) -> Self {
        Self {
            network,
            board,
            acts: BTreeMap::new(),
        }
    }

    /// The act before is given up, then this one begins.
    fn act(
        &mut self,
        location: Location,
        published: bool,
        act: impl std::future::Future<Output = ()> + Send + 'static,
    ) {
        self.acts
            .retain(|_, a| a.published || !a.task.is_finished());
        let before = self.acts.remove(&location).map(|a| a.task);
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                before.abort();
                // Aborted or done: either way it is over.
                let _ = before.await;
            }
            act.await;
        });
        self.acts.insert(location, Act { task, published });
    }

    pub fn announce(&mut self, location: Location, record: Arc<SignedRecord>) {
        let (network, board) = (Arc::clone(&self.network), Arc::clone(&self.board));
        self.act(location, true, async move {
            let mut pauses = pauses();
            for _ in 0..TRIES {
                match network.announce(location, Arc::clone(&record)).await {
                    Ok(()) => return board.well(Part::Network),
                    Err(error) => board.trouble(Part::Network, &error),
                }
                pause(&mut pauses).await;
            }
        });
    }

    pub fn withdraw(&mut self, location: Location) {
        let network = Arc::clone(&self.network);
        self.act(location, false, async move {
            network.withdraw(location).await;
        });
    }

    /// Takes everything back, as far as time allows.
    pub async fn farewell(&mut self) {
        let published = self.acts.iter().filter(|(_, a)| a.published);
        let locations: Vec<Location> = published.map(|(l, _)| *l).collect();
        for location in locations {
            self.withdraw(location);
        }
        let acts = std::mem::take(&mut self.acts);
        let all = async {
            for act in acts.into_values() {
                // A panic in an adapter's task ends that task; the farewell goes on.
                let _ = act.task.await;
            }
        };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::debug!(
                "some records could not be taken back in time: they expire by themselves"
            );
        }
    }
}
