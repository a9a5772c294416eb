//! Carrying out what the agent wants, and what the owner and other meters want of it.

use crate::backoff::{pause, pauses};
use crate::control::Control;
use crate::health::{Board, Part};
use crate::registry::Registry;
use crate::runtime::{Done, RunError, Runtime};
use crate::status::{Awaiting, Noticed, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use wattpool_core::io::{Command, Event, JournalEntry, Notice, Reading, TxFailure};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_core::ports::ledger::{Executed, Ledger};
use wattpool_core::ports::network::{Discovery, NetworkError, Peers, Replier};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Answer, Record, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::{MeterId, Window};

/// Other meters whose question is open; the oldest gets silence beyond that.
const OPEN_QUESTIONS: usize = 256;
/// Things told that are kept in memory.
const NOTICES: usize = 50;
/// Sellers' records asked for side by side.
const SELLERS_AT_ONCE: usize = 8;

impl<L, N, M> Runtime<L, N, M>
where
    L: Ledger + 'static,
    N: Discovery + Peers + 'static,
    M: Meter + 'static,
{
    pub(crate) fn carry(&mut self, command: Command) -> Result<(), RunError> {
        match command {
            Command::Journal(entry) => {
                self.journal.append(&entry)?;
                self.journalled(&entry);
            }
            Command::Prune(before) => self.journal.prune(before)?,
            Command::Submit { intent, tx } => {
                self.counters.transactions = self.counters.transactions.saturating_add(1);
                let ledger = Arc::clone(&self.ledger);
                self.tasks
                    .spawn(async move { Done::Tx(intent, ledger.execute(tx).await) });
            }
            Command::Announce { location, record } => {
                self.counters.announcements = self.counters.announcements.saturating_add(1);
                self.publisher.announce(location, record);
            }
            Command::Withdraw { location } => self.publisher.withdraw(location),
            Command::Lookup {
                lookup,
                locations,
                deadline,
            } => {
                let within = Duration::from_millis(deadline.since(self.now()));
                let network = Arc::clone(&self.network);
                let (ledger, registry) = (Arc::clone(&self.ledger), Arc::clone(&self.registry));
                self.tasks.spawn(async move {
                    let found = network.lookup(locations, within).await;
                    // Records of sellers never met before; without them they count as new ones.
                    let learning = learn_sellers(&ledger, &registry, &found.records);
                    if tokio::time::timeout(within, learning).await.is_err() {
                        tracing::debug!("not all sellers' records were read in time");
                    }
                    Done::Event(Event::LookupDone {
                        lookup,
                        records: found.records,
                        complete: found.complete,
                    })
                });
            }
            Command::Ask(request) => self.ask_peer(*request),
            Command::Reply(answer) => self.reply(*answer),
            Command::SetTimer { timer, at } => {
                self.timers.insert(timer, at);
            }
            Command::ReadMeter { from, to } => self.ask_meter(from, to),
            Command::WatchBlock { after } => self.watches.push(after),
            Command::SetGate(gate) => self.board.set_gate(gate),
            Command::Tell(notice) => self.tell(notice),
        }
        Ok(())
    }

    fn journalled(&mut self, entry: &JournalEntry) {
        self.counters.journal_entries = self.counters.journal_entries.saturating_add(1);
        if matches!(entry, JournalEntry::Approved { .. }) {
            self.counters.approvals = self.counters.approvals.saturating_add(1);
        }
    }

    /// Has the meter read; what does not fit is asked for again by the agent.
    pub(crate) fn ask_meter(&self, from: Window, to: Window) {
        if let Some(reads) = &self.reads {
            if reads.try_send((from, to)).is_err() {
                tracing::debug!(%from, %to, "the meter is busy");
            }
        }
    }

    fn ask_peer(&mut self, request: SignedRequest) {
        let seller = request.request.seller;
        // Verified only now: of many offers few are asked.
        let offer = self.offers.get(&seller).filter(|r| self.registry.holds(r));
        let Some(peer) = offer.and_then(|r| peer_of(r)) else {
            tracing::debug!(%seller, "no valid offer names its peer");
            return;
        };
        self.counters.requests_sent = self.counters.requests_sent.saturating_add(1);
        let within = Duration::from_millis(self.settings.market.timing.answer_ms);
        let (network, board) = (Arc::clone(&self.network), Arc::clone(&self.board));
        let (id, buyer) = (request.request.id, request.request.buyer);
        self.tasks.spawn(async move {
            match network.ask(peer, request, within).await {
                Ok(a) if a.id == id && a.seller == seller && a.buyer == buyer => {
                    board.well(Part::Network);
                    Done::Event(Event::Answer(Box::new(a)))
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

    fn reply(&mut self, answer: TradeAnswer) {
        let asker = (answer.buyer, answer.id);
        let waiting = self.repliers.iter().position(|(who, _)| *who == asker);
        match waiting.and_then(|at| self.repliers.remove(at)) {
            Some((_, replier)) => {
                if let Answer::Denied { reason, .. } = &answer.answer {
                    tracing::debug!(buyer = %answer.buyer, ?reason, "denied");
                }
                replier(answer);
            }
            // The owner decided late: asked again, the agent has the same answer.
            None => tracing::debug!(buyer = %answer.buyer, "nobody waits for this answer any more"),
        }
    }

    /// Another meter asks.
    pub(crate) fn request(
        &mut self,
        request: SignedRequest,
        replier: Replier,
    ) -> Result<(), RunError> {
        self.counters.requests_received = self.counters.requests_received.saturating_add(1);
        let asker = (request.request.buyer, request.request.id);
        self.repliers.retain(|(who, _)| *who != asker);
        if self.repliers.len() >= OPEN_QUESTIONS {
            self.repliers.pop_front();
        }
        self.repliers.push_back((asker, replier));
        self.feed(Event::Request(Box::new(request)))
    }

    /// What the runtime learns from an event before the agent does.
    pub(crate) fn before(&mut self, event: &Event) {
        match event {
            Event::LookupDone {
                records, complete, ..
            } => {
                let c = &mut self.counters;
                c.lookups = c.lookups.saturating_add(1);
                c.lookups_partial = c.lookups_partial.saturating_add(u64::from(!complete));
                let found = u64::try_from(records.len()).unwrap_or(u64::MAX);
                c.records_found = c.records_found.saturating_add(found);
                for record in records {
                    self.remember_offer(record);
                }
            }
            Event::Answer(_) => self.counters.answers = self.counters.answers.saturating_add(1),
            _ => {}
        }
    }

    fn remember_offer(&mut self, record: &Arc<SignedRecord>) {
        if peer_of(record).is_none() {
            return;
        }
        let newest = self.offers.get(&record.meter());
        if newest.is_none_or(|known| known.sequence() < record.sequence()) {
            self.offers.insert(record.meter(), Arc::clone(record));
        }
    }

    pub(crate) fn count_outcome(&mut self, executed: &Executed) {
        let c = &mut self.counters;
        let outcome = match &executed.outcome {
            Ok(events) => {
                for event in events {
                    if let MarketEvent::ItemRefused(item) = event {
                        tracing::warn!(code = %item.code, "the chain refused an item");
                    }
                }
                &mut c.transactions_done
            }
            Err(TxFailure::Refused(code)) => {
                tracing::warn!(%code, "the chain refused a transaction");
                &mut c.transactions_refused
            }
            Err(TxFailure::Unknown(why)) => {
                tracing::warn!(%why, "the chain refused a transaction with an unknown code");
                &mut c.transactions_refused
            }
            Err(TxFailure::Unsent(why)) => {
                tracing::warn!(%why, "a transaction could not be sent");
                &mut c.transactions_lost
            }
            Err(TxFailure::Lost) => {
                tracing::warn!("it is not known what became of a transaction");
                &mut c.transactions_lost
            }
        };
        *outcome = outcome.saturating_add(1);
    }

    fn tell(&mut self, notice: Notice) {
        tracing::info!(?notice, "told");
        let c = &mut self.counters;
        match &notice {
            Notice::Bought { wh, .. } => {
                c.purchases = c.purchases.saturating_add(1);
                c.bought_wh = c.bought_wh.saturating_add(wh.0);
            }
            Notice::GridSupplied { wh, .. } => c.grid_wh = c.grid_wh.saturating_add(wh.0),
            Notice::BadReading { .. } => {
                c.readings_refused = c.readings_refused.saturating_add(1);
            }
            Notice::AwaitingApproval {
                request,
                partner,
                wh,
            } => {
                let awaiting = Awaiting {
                    request: *request,
                    partner: *partner,
                    wh: *wh,
                };
                self.awaiting.push(awaiting);
                let too_many = self.awaiting.len().saturating_sub(NOTICES);
                self.awaiting.drain(..too_many);
            }
            _ => {}
        }
        let at = self.block.time;
        let noted = self.history.note(at, &notice);
        self.history_went(noted);
        if self.notices.len() >= NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(Noticed { at, notice });
    }

    /// A sale of this meter, for the counters.
    pub(crate) fn count_sale(&mut self, event: &MarketEvent) {
        if let MarketEvent::Delivered(d) = event {
            if d.seller == self.settings.identity.meter {
                self.counters.sales = self.counters.sales.saturating_add(1);
                self.counters.sold_wh = self.counters.sold_wh.saturating_add(d.net.0);
            }
        }
    }

    /// What the owner wants. Nobody may be left to hear the answer: that is no failure.
    pub(crate) fn control(&mut self, control: Control) -> Result<(), RunError> {
        match control {
            Control::Policy(policy, done) => {
                self.feed(Event::PolicyChanged(policy))?;
                let _ = done.send(());
            }
            Control::Paused(paused, done) => {
                let policy = Policy {
                    paused,
                    ..self.agent.policy().clone()
                };
                self.feed(Event::PolicyChanged(Box::new(policy)))?;
                let _ = done.send(());
            }
            Control::Decide {
                request,
                accept,
                done,
            } => {
                let waiting = self.awaiting.len();
                self.awaiting.retain(|a| a.request != request);
                let known = self.awaiting.len() < waiting;
                if known {
                    self.feed(Event::TradeDecided { request, accept })?;
                }
                let _ = done.send(known);
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
            block: self.block,
            meters: self.registry.meters(),
            gate: self.board.gate(),
            window: self.agent.snapshot(),
            policy: self.agent.policy().clone(),
            awaiting: self.awaiting.clone(),
            notices: self.notices.iter().cloned().collect(),
            counters: self.counters,
        }
    }
}

fn peer_of(record: &SignedRecord) -> Option<Vec<u8>> {
    match &record.record {
        Record::Offer(offer) => Some(offer.peer.clone()),
        Record::Status(_) => None,
    }
}

/// Reads the records of the sellers among these that are not known yet.
async fn learn_sellers<L: Ledger + 'static>(
    ledger: &Arc<L>,
    registry: &Arc<Registry>,
    records: &[Arc<SignedRecord>],
) {
    let mut unknown: Vec<MeterId> = records
        .iter()
        .filter(|r| peer_of(r).is_some())
        .map(|r| r.meter())
        .filter(|m| !registry.knows_seller(m))
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    let mut unknown = unknown.into_iter();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < SELLERS_AT_ONCE {
            let Some(meter) = unknown.next() else { break };
            let (ledger, registry) = (Arc::clone(ledger), Arc::clone(registry));
            asking.spawn(async move {
                // The answer is at least as new as this head; a trade in between is counted twice at worst.
                let (Ok(head), Ok(record)) = (ledger.head().await, ledger.seller(meter).await)
                else {
                    return;
                };
                registry.learn_seller(meter, record, head.height);
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
