//! Carrying out what the host wants, and what the owner and other meters want of it.

use crate::backoff::{pause, pauses};
use crate::control::Control;
use crate::health::{Board, Part};
use crate::registry::Registry;
use crate::runtime::{Done, RunError, Runtime};
use crate::status::Status;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use wattpool_core::io::{Notice, Reading};
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_core::ports::ledger::Ledger;
use wattpool_core::ports::network::{Discovery, NetworkError, Peers, Replier};
use wattpool_host::{Effect, Input, Owner};
use wattpool_schema::peer::SignedRequest;
use wattpool_schema::{MeterId, Window};

/// What the log may tell: at `info` what goes wrong and what waits, at `debug` everything. What a home needs and makes is a load profile, and logs go
/// where journals do not.
fn log(notice: &Notice) {
    tracing::debug!(?notice, "told");
    match notice {
        Notice::BadReading { window, .. } => tracing::info!(%window, "a reading was not believed"),
        Notice::Refused { code } => tracing::info!(?code, "refused by the chain"),
        Notice::OtherVersion { found } => tracing::info!(found, "a message of another version"),
        Notice::AwaitingApproval { request, .. } => {
            tracing::info!(request, "a trade waits for the owner");
        }
        Notice::Unstated { window, .. } => {
            tracing::warn!(%window, "a window's export was never stated");
        }
        Notice::Metered { .. }
        | Notice::TradeDecided { .. }
        | Notice::Bought { .. }
        | Notice::Experienced(_)
        | Notice::GridSupplied { .. } => {}
    }
}

/// Sellers' records asked for side by side.
const SELLERS_AT_ONCE: usize = 8;

impl<L, N, M> Runtime<L, N, M>
where
    L: Ledger + 'static,
    N: Discovery + Peers + 'static,
    M: Meter + 'static,
{
    /// Carries out one effect. Only what must be durable before the next one is waited for.
    pub(crate) fn execute(&mut self, effect: Effect) -> Result<(), RunError> {
        match effect {
            Effect::Persist(entry) => self.journal.append(&entry)?,
            Effect::Prune(before) => self.journal.prune(before)?,
            Effect::Submit { intent, tx } => {
                let ledger = Arc::clone(&self.ledger);
                self.tasks.spawn(async move {
                    let executed = ledger.execute(tx).await;
                    Done::Input(Input::TxEnded { intent, executed })
                });
            }
            Effect::Announce { location, record } => self.publisher.announce(location, record),
            Effect::Withdraw { location } => self.publisher.withdraw(location),
            Effect::Lookup {
                lookup,
                locations,
                deadline,
            } => {
                let within = Duration::from_millis(deadline.since(self.now()));
                let network = Arc::clone(&self.network);
                self.tasks.spawn(async move {
                    let found = network.lookup(locations, within).await;
                    Done::Input(Input::Looked {
                        lookup,
                        records: found.records,
                        complete: found.complete,
                    })
                });
            }
            Effect::FetchSellers {
                lookup,
                meters,
                deadline,
            } => {
                let within = Duration::from_millis(deadline.since(self.now()));
                let (ledger, registry) = (Arc::clone(&self.ledger), Arc::clone(&self.registry));
                self.tasks.spawn(async move {
                    let fetching = fetch_sellers(&ledger, &registry, meters);
                    // After the deadline the host goes on without them.
                    let _ = tokio::time::timeout(within, fetching).await;
                    Done::Input(Input::SellersRead { lookup })
                });
            }
            Effect::Ask { peer, request } => self.ask_peer(peer, *request),
            Effect::Reply { ticket, answer } => {
                if let Some(replier) = self.repliers.remove(&ticket) {
                    replier(*answer);
                }
            }
            Effect::Silence { ticket } => {
                self.repliers.remove(&ticket);
            }
            Effect::ReadMeter { from, to } => self.ask_meter(from, to),
            // Every block is brought.
            Effect::WatchBlock { .. } => {}
            Effect::SetGate(gate) => self.board.set_gate(gate),
            Effect::Tell { at, notice } => {
                log(&notice);
                let noted = self.history.note(at, &notice);
                self.history_went(noted);
            }
            Effect::Record { block, events } => {
                let noted = self.history.note_events(block, &events);
                self.history_went(noted);
            }
            Effect::RecordTariffs { window, tariffs } => {
                let noted = self.history.note_tariffs(window, tariffs);
                self.history_went(noted);
            }
            Effect::RecordedTo(height) => {
                let noted = self.history.set_noted_to(height);
                self.history_went(noted);
            }
            Effect::CatchUp { from, to } => {
                if let Some(follower) = self.follower.clone() {
                    self.following
                        .push(tokio::spawn(follower.catch_up(from, to)));
                }
            }
            Effect::RegistrationChanged => self.changed = true,
        }
        Ok(())
    }

    /// Has the meter read; what does not fit is asked for again by the agent.
    fn ask_meter(&self, from: Window, to: Window) {
        if let Some(reads) = &self.reads {
            if reads.try_send((from, to)).is_err() {
                tracing::debug!(%from, %to, "the meter is busy");
            }
        }
    }

    fn ask_peer(&mut self, peer: Vec<u8>, request: SignedRequest) {
        let within = Duration::from_millis(self.settings.market.timing.answer_ms);
        let (network, board) = (Arc::clone(&self.network), Arc::clone(&self.board));
        let r = &request.request;
        let (id, buyer, seller) = (r.id, r.buyer, r.seller);
        self.tasks.spawn(async move {
            match network.ask(peer, request, within).await {
                Ok(a) if a.id == id && a.seller == seller && a.buyer == buyer => {
                    board.well(Part::Network);
                    Done::Input(Input::Answer(Box::new(a)))
                }
                Ok(_) => {
                    tracing::debug!(%seller, "the answer is to another question");
                    Done::Nothing
                }
                Err(error @ NetworkError::Alone(_)) => {
                    board.trouble(Part::Network, &error);
                    Done::Nothing
                }
                Err(error) => {
                    tracing::debug!(%seller, %error, "no answer");
                    Done::Nothing
                }
            }
        });
    }

    /// Another meter asks.
    pub(crate) fn request(
        &mut self,
        request: SignedRequest,
        replier: Replier,
    ) -> Result<(), RunError> {
        self.tickets = self.tickets.wrapping_add(1);
        let ticket = self.tickets;
        self.repliers.insert(ticket, replier);
        let request = Box::new(request);
        self.take(Input::Request { ticket, request })
    }

    /// What the owner wants. Nobody may be left to hear the answer: that is no failure.
    pub(crate) fn control(&mut self, control: Control) -> Result<(), RunError> {
        match control {
            Control::Policy(policy, done) => {
                self.take(Input::Owner(Owner::Policy(policy)))?;
                let _ = done.send(());
            }
            Control::Paused(paused, done) => {
                self.take(Input::Owner(Owner::Pause(paused)))?;
                let _ = done.send(());
            }
            Control::Decide {
                request,
                accept,
                done,
            } => {
                let known = self.host.awaits(request);
                self.take(Input::Owner(Owner::Decide { request, accept }))?;
                let _ = done.send(known);
            }
            Control::Exchange(exchange, done) => {
                let checked = self.host.check_exchange(self.now(), &exchange);
                if checked.is_ok() {
                    self.take(Input::Owner(Owner::Exchange(exchange)))?;
                }
                let _ = done.send(checked);
            }
            Control::Status(answer) => {
                let _ = answer.send(Box::new(self.status()));
            }
        }
        Ok(())
    }

    fn status(&self) -> Status {
        let identity = &self.settings.identity;
        Status {
            meter: identity.meter,
            zone: identity.zone,
            health: self.board.health(),
            block: self.host.block(),
            meters: self.registry.meters(),
            gate: self.board.gate(),
            window: self.host.snapshot(),
            policy: self.host.policy().clone(),
            awaiting: self.host.awaiting().to_vec(),
            notices: self.host.notices().cloned().collect(),
            counters: *self.host.counters(),
        }
    }
}

/// Reads sellers' records from the chain into the registry.
async fn fetch_sellers<L: Ledger + 'static>(
    ledger: &Arc<L>,
    registry: &Arc<Registry>,
    meters: Vec<MeterId>,
) {
    let mut meters = meters.into_iter();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < SELLERS_AT_ONCE {
            let Some(meter) = meters.next() else { break };
            let (ledger, registry) = (Arc::clone(ledger), Arc::clone(registry));
            asking.spawn(async move {
                // The answer is at least as new as this head; a trade in between is counted twice at worst.
                let (Ok(head), Ok(record)) = (ledger.head().await, ledger.seller(meter).await)
                else {
                    return;
                };
                registry.write().learn_seller(meter, record, head.height);
            });
        }
        if asking.join_next().await.is_none() {
            return;
        }
    }
}

/// Registers at the end of a window; asks again while the meter is silent. None: it does not have them.
pub(crate) async fn registers<M: Meter>(
    meter: &M,
    board: &Board,
    window: Window,
) -> Option<Reading> {
    let mut pauses = pauses();
    loop {
        match meter.registers(window).await {
            Ok(reading) => {
                board.well(Part::Meter);
                return Some(reading);
            }
            Err(error @ MeterError::NotKept { .. }) => {
                board.well(Part::Meter);
                tracing::warn!(%error, "a window stays unread");
                return None;
            }
            Err(error) => board.trouble(Part::Meter, &error),
        }
        pause(&mut pauses).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Mutex;
    use tracing::Level;
    use wattpool_core::metering::ReadingProblem;
    use wattpool_schema::{Price, Seconds, Wh};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: Level, notice: &Notice) -> String {
        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(move || to.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || log(notice));
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Amounts of 4,711 Wh.
    #[test]
    fn the_log_tells_no_load_profile() {
        let (window, seller, wh) = (Window(7), MeterId([1; 16]), Wh(4_711));
        let quiet = [
            Notice::Metered {
                window,
                surplus: wh,
                deficit: wh,
            },
            Notice::Bought { window, seller, wh },
            Notice::GridSupplied { window, wh },
        ];
        for notice in &quiet {
            assert_eq!(logged(Level::INFO, notice), "", "{notice:?}");
        }
        let said = [
            Notice::BadReading {
                window,
                problem: ReadingProblem::Capped { beyond: wh },
            },
            Notice::Unstated { window, wh },
            Notice::AwaitingApproval {
                request: 3,
                partner: seller,
                wh,
                price: Price(1),
                selling: false,
                until: Seconds(9),
            },
        ];
        for notice in &said {
            let line = logged(Level::INFO, notice);
            assert!(!line.is_empty() && !line.contains("4711"), "{line}");
        }
        for notice in quiet.iter().chain(&said) {
            assert!(logged(Level::DEBUG, notice).contains("4711"), "{notice:?}");
        }
    }
}
