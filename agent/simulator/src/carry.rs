//! Carries out what agents want: journal, network, ledger, timers, meters; and lets them crash.

use crate::queue::Task;
use crate::world::World;
use anyhow::Result;
use std::sync::Arc;
use wattpool_core::io::{Command, Event, Gate, JournalEntry, Notice, WindowTerms};
use wattpool_core::metering::ReadingProblem;
use wattpool_core::Agent;
use wattpool_ledger_embedded::{Sender, Signatures};
use wattpool_schema::peer::{Answer, SignedRecord};
use wattpool_schema::{MeterId, TradeKind, Window};

/// The meter answers its agent after this, milliseconds.
const METER_MS: u64 = 20;
/// How soon a crashed agent is back, milliseconds: within an approval's life.
const QUICK_RESTART_MS: (u64, u64) = (1_000, 12_000);

impl World<'_> {
    pub fn carry_out(&mut self, now: u64, number: u32) {
        let Some(home) = self.home_mut(number) else {
            return;
        };
        let mut commands = std::mem::take(&mut home.outbox);
        for command in commands.drain(..) {
            if !self.carry_one(now, number, command) {
                break;
            }
        }
        if let Some(home) = self.home_mut(number) {
            commands.clear();
            home.outbox = commands;
        }
    }

    /// False: the agent crashed on it, and what would have followed is not done.
    fn carry_one(&mut self, now: u64, number: u32, command: Command) -> bool {
        let Some(home) = self.home_mut(number) else {
            return false;
        };
        let incarnation = home.incarnation;
        match command {
            Command::Journal(entry) => {
                if let JournalEntry::Settling(trade) = &entry {
                    // Less is journalled again where a line carries less; the promise was one.
                    if trade.wh == trade.approval.approval.wh {
                        self.books.promised = self.books.promised.saturating_add(trade.wh.0);
                    }
                }
                return self.journal(now, number, entry);
            }
            Command::Prune(before) => home.prune(before),
            Command::Submit { intent, tx } => {
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
            Command::Announce { location, record } => {
                self.record_offer(now, number, &record);
                self.network_clock.start();
                let (registry, real) = (
                    &self.registry,
                    self.options.signatures == Signatures::Verified,
                );
                self.network.announce(now, number, location, &record, |r| {
                    verified(registry, real, r)
                });
                self.network_clock.stop();
            }
            Command::Withdraw { location } => {
                let meter = home.identity.meter;
                self.network_clock.start();
                self.network.withdraw(now, number, location, meter);
                self.network_clock.stop();
            }
            Command::Lookup {
                lookup,
                locations,
                deadline,
            } => {
                self.network_clock.start();
                let found = self.network.lookup(now, number, &locations, deadline.0);
                self.network_clock.stop();
                let event = Event::LookupDone {
                    lookup,
                    records: found.records,
                    complete: found.complete,
                };
                self.queue.add(
                    found.completed_at,
                    Task::Deliver {
                        home: number,
                        incarnation,
                        event,
                    },
                );
            }
            Command::Ask(request) => {
                self.books.requests = self.books.requests.saturating_add(1);
                let to = self.registry.number(&request.request.seller);
                self.record_request(now, number, to, &request.request);
                if to.and_then(|t| self.home_mut(t)).is_some_and(|h| h.silent) {
                    self.faults.silences = self.faults.silences.saturating_add(1);
                    return true;
                }
                self.send(now, number, to, Event::Request(request));
            }
            Command::Reply(answer) => {
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
                self.send(now, number, to, Event::Answer(answer));
            }
            Command::SetTimer { timer, at } => {
                let at = at.0.max(now.saturating_add(1));
                home.set_timer(timer, at);
                self.queue.add(
                    at,
                    Task::Fire {
                        home: number,
                        incarnation,
                        timer,
                    },
                );
            }
            Command::ReadMeter { from, to } => self.read_meter(now, number, incarnation, from, to),
            Command::WatchBlock { after } => {
                let at = self.first_block_after(after.0.saturating_mul(1000));
                let event = Event::Block(self.block_at(at));
                self.queue.add(
                    at.saturating_add(crate::chain::NEWS_MS),
                    Task::Deliver {
                        home: number,
                        incarnation,
                        event,
                    },
                );
            }
            Command::SetGate(gate) => self.books.set_gate(
                number,
                match gate {
                    Gate::Open => None,
                    Gate::Limit(wh) => Some(wh),
                },
            ),
            Command::Tell(notice) => {
                if let Notice::Experienced(experience) = notice {
                    if let Some(seen) = &mut self.experiences {
                        seen.push((number, *experience));
                    }
                } else if let Notice::BadReading { problem, .. } = notice {
                    let gap = matches!(problem, ReadingProblem::Gap { .. });
                    let books = &mut self.books;
                    books.bad_readings = books.bad_readings.saturating_add(1);
                    books.gaps_left = books.gaps_left.saturating_add(u64::from(gap));
                }
            }
        }
        true
    }

    fn send(&mut self, now: u64, from: u32, to: Option<u32>, event: Event) {
        let Some(to) = to else { return };
        self.network_clock.start();
        let arrives = self.network.send(now, from, to);
        self.network_clock.stop();
        let (Some(at), Some(home)) = (arrives, self.home_mut(to)) else {
            return;
        };
        let incarnation = home.incarnation;
        self.queue.add(
            at,
            Task::Deliver {
                home: to,
                incarnation,
                event,
            },
        );
    }

    fn read_meter(&mut self, now: u64, number: u32, incarnation: u32, from: Window, to: Window) {
        let mut window = from;
        while window <= to {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            if let Some(reading) = self.meters.read(self.n, index, window) {
                let event = Event::Reading(reading);
                self.queue.add(
                    now.saturating_add(METER_MS),
                    Task::Deliver {
                        home: number,
                        incarnation,
                        event,
                    },
                );
            }
            window = window.next();
        }
    }

    /// Writes an entry down. The agent may crash just before it is durable, or just after.
    fn journal(&mut self, now: u64, number: u32, entry: JournalEntry) -> bool {
        let crash = self.crashes.happens(self.crash_share());
        let durable = !crash || self.crashes.happens(0.5);
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
        let terms = self.terms.as_deref().map(|terms| {
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
        home.agent = Agent::new(home.identity.clone(), market, home.policy.clone());
        home.online = true;
        home.inbox.push(Event::Started {
            journal: home.journal.clone(),
            position,
        });
        // Nothing metered yet: it begins again with the registers of the installation, as at first.
        let metered = |e: &JournalEntry| matches!(e, JournalEntry::Metered { .. });
        if !home.journal.iter().any(metered) {
            home.inbox.extend(installed.map(Event::Reading));
        }
        home.inbox.extend(terms.map(Event::WindowOpened));
        self.touched.touch(number);
        Ok(())
    }
}

/// Registry and signature of a record, as every node checks it before storing.
fn verified(registry: &crate::registry::Table, real: bool, record: &SignedRecord) -> bool {
    use wattpool_core::ports::Registry;
    let meter: MeterId = record.meter();
    registry.meter(&meter).is_some_and(|m| {
        crate::keys::verify_agent(real, &m.agent, &record.sign_bytes(), &record.signature)
    })
}
