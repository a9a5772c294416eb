//! Carries out what hosts want: journal, network, ledger, meters; and lets their agents crash.

use crate::chain::NEWS_MS;
use crate::queue::Task;
use crate::world::World;
use anyhow::Result;
use std::sync::Arc;
use wattpool_core::genuine::{judge, Verdict};
use wattpool_core::io::{Gate, JournalEntry, Notice, TxFailure, WindowTerms};
use wattpool_core::metering::ReadingProblem;
use wattpool_core::ports::ledger::Executed;
use wattpool_core::ports::Signer;
use wattpool_host::{Effect, Host, Input, Options, Start};
use wattpool_ledger_embedded::{Sender, Signatures};
use wattpool_schema::peer::{Answer, Location, SignedRecord};
use wattpool_schema::{AgentKey, MeterId, Seconds, Signature, TradeKind, Window};

/// What is heard twice is heard again within this, milliseconds.
const LATEST_DUPLICATE_MS: u64 = 20_000;
/// The meter answers its agent after this, milliseconds.
const METER_MS: u64 = 20;
/// How soon a crashed agent is back, milliseconds: within an approval's life.
const QUICK_RESTART_MS: (u64, u64) = (1_000, 12_000);

impl World<'_> {
    /// Carries out what a host wants, and wakes it when it is due.
    pub fn execute_all(&mut self, now: u64, number: u32) {
        let Some(home) = self.home_mut(number) else {
            return;
        };
        let mut effects = std::mem::take(&mut home.outbox);
        for effect in effects.drain(..) {
            if !self.execute(now, number, effect) {
                break;
            }
        }
        effects.clear();
        let Some(home) = self.home_mut(number) else {
            return;
        };
        home.outbox = effects;
        let due = home.host.next_due().map(|at| at.0).filter(|_| home.online);
        if let Some(at) = due.filter(|at| home.wake.is_none_or(|wake| *at < wake)) {
            home.wake = Some(at);
            let incarnation = home.incarnation;
            let wake = Task::Wake {
                home: number,
                incarnation,
            };
            self.queue.add(at, wake);
        }
    }

    /// Notes in a home's history what its shell would, where one is kept.
    fn keep_history(&mut self, number: u32, effect: &Effect) {
        let index = usize::try_from(number).ok();
        let Some(history) = index.and_then(|index| self.histories.get_mut(index)) else {
            return;
        };
        let kept = match effect {
            Effect::Tell { at, notice } => history.note(*at, notice),
            Effect::Record { block, events } => history.note_events(*block, events),
            Effect::RecordTariffs { window, tariffs } => history.note_tariffs(*window, *tariffs),
            Effect::RecordedTo(height) => history.set_noted_to(*height),
            _ => Ok(()),
        };
        if let Err(error) = kept {
            self.books.violation(format!("home {number}: {error}"));
        }
    }

    /// False: the agent crashed on it, and what would have followed is not done.
    fn execute(&mut self, now: u64, number: u32, effect: Effect) -> bool {
        if let Some(tap) = self.tap.as_mut().filter(|tap| tap.home == number) {
            tap.effects.push((now, effect.clone()));
        }
        self.keep_history(number, &effect);
        let Some(home) = self.home_mut(number) else {
            return false;
        };
        let incarnation = home.incarnation;
        let effect = match home.attack {
            Some(attack) => match self.twist(now, number, attack, effect) {
                Some(effect) => effect,
                None => return true,
            },
            None => effect,
        };
        let Some(home) = self.home_mut(number) else {
            return false;
        };
        match effect {
            Effect::Persist(entry) => {
                if let JournalEntry::Settling(trade) = &entry {
                    // Less is journalled again where a line carries less; the promise was one.
                    if trade.wh == trade.approval.approval.wh {
                        self.books.promised = self.books.promised.saturating_add(trade.wh.0);
                    }
                }
                return self.journal(now, number, entry);
            }
            Effect::Prune(before) => home.prune(before),
            Effect::Submit { intent, tx } => {
                if home.is_unfunded(now) {
                    self.refuse_to_send(now, number, incarnation, intent);
                    return true;
                }
                let address = home.account.agent.clone();
                self.ledger.submit(
                    Sender {
                        node: number,
                        intent,
                    },
                    &address,
                    tx,
                );
                self.need_block(now);
            }
            Effect::Announce { location, record } => self.announce(now, number, location, &record),
            Effect::Withdraw { location } => {
                let meter = home.identity.meter;
                self.network_clock.start();
                self.network.withdraw(now, number, location, meter);
                self.network_clock.stop();
            }
            Effect::Lookup {
                lookup,
                locations,
                deadline,
            } => {
                self.network_clock.start();
                let found = self.network.lookup(now, number, &locations, deadline.0);
                self.network_clock.stop();
                let input = Input::Looked {
                    lookup,
                    records: found.records,
                    complete: found.complete,
                };
                self.deliver_at(found.completed_at, number, incarnation, input);
            }
            // All homes' records have been followed since the chain began.
            Effect::FetchSellers { lookup, .. } => {
                let input = Input::SellersRead { lookup };
                self.deliver_at(now, number, incarnation, input);
            }
            Effect::Ask { peer, request } => {
                self.books.requests = self.books.requests.saturating_add(1);
                let meter = <[u8; 16]>::try_from(peer.as_slice()).ok().map(MeterId);
                let to = meter.and_then(|m| self.registry.number(&m));
                self.record_request(now, number, to, &request.request);
                if to.and_then(|t| self.home_mut(t)).is_some_and(|h| h.silent) {
                    self.faults.silences = self.faults.silences.saturating_add(1);
                    return true;
                }
                self.tickets = self.tickets.wrapping_add(1);
                let ticket = self.tickets;
                self.send(now, number, to, Input::Request { ticket, request });
            }
            Effect::Reply { answer, .. } => {
                if let Answer::Approved(approval) = &answer.answer {
                    self.books.approvals = self.books.approvals.saturating_add(1);
                    let spot = approval.approval.kind == TradeKind::Spot;
                    let bad = self.home_mut(number).is_some_and(|h| h.bad);
                    let fails = spot && self.failing.happens(self.n.faults.failing_sellers);
                    let fails_again = spot && bad && self.bad.happens(self.n.faults.bad_failures);
                    if fails || fails_again {
                        self.drains.push(number);
                    }
                }
                let to = self.registry.number(&answer.buyer);
                self.record_answer(now, to, &answer);
                self.send(now, number, to, Input::Answer(answer));
            }
            Effect::ReadMeter { from, to } => self.read_meter(now, number, incarnation, from, to),
            Effect::WatchBlock { after } => self.watch_block(now, number, after),
            Effect::SetGate(gate) => self.books.set_gate(
                number,
                match gate {
                    Gate::Open => None,
                    Gate::Limit(wh) => Some(wh),
                },
            ),
            Effect::Tell { notice, .. } => match *notice {
                Notice::Experienced(experience) => {
                    if let Some(seen) = &mut self.experiences {
                        seen.push((number, *experience));
                    }
                }
                Notice::BadReading { problem, .. } => {
                    let gap = matches!(problem, ReadingProblem::Gap { .. });
                    let books = &mut self.books;
                    books.bad_readings = books.bad_readings.saturating_add(1);
                    books.gaps_left = books.gaps_left.saturating_add(u64::from(gap));
                }
                _ => {}
            },
            // A simulated asker sees for itself that no answer comes. Histories have been kept above, and nobody registers
            // anew.
            Effect::Silence { .. }
            | Effect::Record { .. }
            | Effect::RecordTariffs { .. }
            | Effect::RecordedTo(_)
            | Effect::CatchUp { .. }
            | Effect::RegistrationChanged => {}
        }
        true
    }

    /// Publishes a record; every node that stores it judges it.
    pub fn announce(
        &mut self,
        now: u64,
        number: u32,
        location: Location,
        record: &Arc<SignedRecord>,
    ) {
        self.record_offer(now, number, record);
        self.network_clock.start();
        let (meters, keys) = (
            &self.registry.meters,
            Judge(self.options.signatures == Signatures::Verified),
        );
        self.network.announce(now, number, location, record, |r| {
            judge(r, meters, &keys) == Verdict::Holds
        });
        self.network_clock.stop();
    }

    /// A node takes no transaction of an account without money for its fee; it says so at once.
    fn refuse_to_send(&mut self, now: u64, number: u32, incarnation: u32, intent: u64) {
        self.faults.unsent = self.faults.unsent.saturating_add(1);
        let failure = TxFailure::Unsent("insufficient fees".to_owned());
        self.end_unsent(now, number, incarnation, intent, failure);
    }

    /// Tells an agent that a transaction ended without a block.
    pub fn end_unsent(
        &mut self,
        now: u64,
        number: u32,
        incarnation: u32,
        intent: u64,
        failure: TxFailure,
    ) {
        let executed = Executed {
            at: self.last_block(now),
            outcome: Err(failure),
        };
        // The host waits for that block: nothing in it may concern the home.
        let before = Seconds(executed.at.time.0.saturating_sub(1));
        self.watch_block(now, number, before);
        let at = now.saturating_add(NEWS_MS);
        self.deliver_at(at, number, incarnation, Input::TxEnded { intent, executed });
    }

    /// Brings an input at a time, unless the agent has crashed by then; with the scenario's probability it is heard
    /// once more later.
    fn deliver_at(&mut self, at: u64, home: u32, incarnation: u32, input: Input) {
        if self.twice.happens(self.n.faults.duplicates) {
            self.faults.duplicates = self.faults.duplicates.saturating_add(1);
            let later = at.saturating_add(self.twice.between(0, LATEST_DUPLICATE_MS));
            let task = Task::Deliver {
                home,
                incarnation,
                input: input.clone(),
            };
            self.queue.add(later, task);
        }
        let task = Task::Deliver {
            home,
            incarnation,
            input,
        };
        self.queue.add(at, task);
    }

    /// Brings an input now, as [`Self::deliver_at`] would.
    pub fn tell(&mut self, now: u64, number: u32, input: Input) {
        let Some(home) = self.home_mut(number).filter(|h| h.online) else {
            return;
        };
        let incarnation = home.incarnation;
        let once = matches!(input, Input::Start(_));
        if !once && self.twice.happens(self.n.faults.duplicates) {
            self.faults.duplicates = self.faults.duplicates.saturating_add(1);
            let later = now.saturating_add(self.twice.between(0, LATEST_DUPLICATE_MS));
            let task = Task::Deliver {
                home: number,
                incarnation,
                input: input.clone(),
            };
            self.queue.add(later, task);
        }
        self.deliver(number, incarnation, input);
    }

    pub fn send(&mut self, now: u64, from: u32, to: Option<u32>, input: Input) {
        let Some(to) = to else { return };
        self.network_clock.start();
        let arrives = self.network.send(now, from, to);
        self.network_clock.stop();
        let (Some(at), Some(home)) = (arrives, self.home_mut(to)) else {
            return;
        };
        let incarnation = home.incarnation;
        self.deliver_at(at, to, incarnation, input);
    }

    fn read_meter(&mut self, now: u64, number: u32, incarnation: u32, from: Window, to: Window) {
        let mut window = from;
        while window <= to {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            if let Some(reading) = self.meters.read(self.n, index, window) {
                let at = now.saturating_add(METER_MS);
                self.deliver_at(at, number, incarnation, Input::Reading(reading));
            }
            window = window.next();
        }
    }

    /// Writes an entry down. The agent may crash just before it is durable, or just after.
    fn journal(&mut self, now: u64, number: u32, entry: JournalEntry) -> bool {
        let crash = self.crashes.happens(self.crash_share());
        let durable = !crash || self.crashes.happens(0.5);
        if let (JournalEntry::Metered { reading, .. }, true) = (&entry, durable) {
            self.record_opening(number, reading);
        }
        let Some(home) = self.home_mut(number) else {
            return false;
        };
        if durable {
            home.journal.push(entry);
        }
        if !crash {
            return true;
        }
        home.crash();
        if let Some(tap) = self.tap.as_mut().filter(|tap| tap.home == number) {
            tap.crashes.push((tap.effects.len(), durable));
        }
        self.network.set_online(number, false);
        self.faults.crashes = self.faults.crashes.saturating_add(1);
        let late = self.crashes.happens(self.n.faults.late_restarts);
        let delay = if late {
            self.faults.late_restarts = self.faults.late_restarts.saturating_add(1);
            let window_ms = u64::from(self.n.window_s).saturating_mul(1000);
            self.crashes.between(window_ms, window_ms.saturating_mul(3))
        } else {
            self.crashes.between(QUICK_RESTART_MS.0, QUICK_RESTART_MS.1)
        };
        self.queue
            .add(now.saturating_add(delay), Task::Restart { home: number });
        false
    }

    /// Probability of a crash at one journal entry, so that so many happen per day: about one and a half
    /// entries are written per window.
    fn crash_share(&self) -> f64 {
        let per_day = 1.5 * 86_400.0 / f64::from(self.n.window_s.max(1));
        (self.n.faults.crashes_per_day / per_day).min(1.0)
    }

    /// A crashed agent starts again from its journal and the chain.
    pub fn restart(&mut self, now: u64, number: u32) -> Result<()> {
        let market = Arc::clone(&self.market);
        let Some(meter) = self.home_mut(number).map(|h| h.identity.meter) else {
            return Ok(());
        };
        let position = self.ledger.position(meter)?;
        let at = self.last_block(now);
        let today = self.ledger.today(meter, at)?;
        let terms = self.newest.as_deref().map(|terms| {
            let at = at.max(terms.at);
            Arc::new(WindowTerms {
                at,
                ..terms.clone()
            })
        });
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let before_all = self.n.first_window.prev();
        let installed = self.meters.truth(self.n, index, before_all);
        self.network.set_online(number, true);
        let Some(home) = self.home_mut(number) else {
            return Ok(());
        };
        home.host = Host::new(
            home.identity.clone(),
            market,
            home.policy.clone(),
            Options::default(),
        );
        home.online = true;
        let bytes = home.journal_bytes();
        let start = Start {
            head: at,
            position,
            today,
            terms,
            journal: home.journal.clone(),
            installed,
            noted_to: None,
        };
        self.tell(now, number, Input::Start(Box::new(start)));
        self.largest_journal = self.largest_journal.max(bytes);
        Ok(())
    }
}

/// Checks agents' signatures as every node does before it stores a record; it has no keys of its own.
struct Judge(bool);

impl Signer for Judge {
    fn sign_device(&self, _: &[u8]) -> Signature {
        Signature::default()
    }
    fn sign_agent(&self, _: &[u8]) -> Signature {
        Signature::default()
    }
    fn verify_agent(&self, key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool {
        crate::keys::verify_agent(self.0, key, bytes, signature)
    }
    fn salt(&self, _: Window) -> [u8; 16] {
        [0; 16]
    }
}
