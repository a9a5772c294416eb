//! Windows, blocks and halts: the chain's side of virtual time.

use crate::chance::{Chance, Stream};
use crate::queue::Task;
use crate::world::World;
use anyhow::{anyhow, Result};
use std::sync::Arc;
use wattpool_core::io::{concerned, BlockRef, Event, TxFailure, WindowTerms};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{Seconds, Window};

/// Block interval, seconds.
pub(crate) const BLOCK_S: u32 = 5;
const BLOCK_MS: u64 = BLOCK_S as u64 * 1000;
/// A halt lasts at most two hours, milliseconds.
const LONGEST_HALT_MS: u64 = 7_200_000;
/// From a block to its news at the agents, milliseconds.
pub(crate) const NEWS_MS: u64 = 80;

impl World<'_> {
    /// Time of the first block after a time.
    pub fn first_block_after(&self, ms: u64) -> u64 {
        let next = ms
            .saturating_div(BLOCK_MS)
            .saturating_add(1)
            .saturating_mul(BLOCK_MS);
        let resumed = self
            .halted_until
            .div_ceil(BLOCK_MS)
            .saturating_mul(BLOCK_MS);
        next.max(resumed)
    }

    /// The block of a time (a multiple of the interval).
    pub fn block_at(&self, ms: u64) -> BlockRef {
        let time = Seconds(ms / 1000);
        let since = time.0.saturating_sub(self.genesis.0);
        let height = since.checked_div(u64::from(BLOCK_S)).unwrap_or(0);
        BlockRef {
            height: height.saturating_sub(self.skipped_blocks).saturating_add(1),
            time,
        }
    }

    /// The last block before a time.
    pub fn last_block(&self, now: u64) -> BlockRef {
        if now < self.halted_until {
            return self.ledger.block();
        }
        let past = now.checked_rem(BLOCK_MS).unwrap_or(0);
        self.block_at(now.saturating_sub(past))
    }

    /// Schedules the next block, if none is.
    pub fn need_block(&mut self, now: u64) {
        if !self.block_due {
            self.block_due = true;
            let at = self.first_block_after(now);
            self.queue.add(at, Task::Block);
        }
    }

    /// Halts of the chain, drawn for the whole run.
    pub fn draw_halts(&mut self, from: u64, to: u64) {
        let faults = &self.n.faults;
        if faults.halts_per_day <= 0.0 || faults.halt_seconds <= 0.0 {
            return;
        }
        let mut chance = Chance::new(self.options.seed, Stream::Halts);
        let mean_gap_ms = 86_400_000.0 / faults.halts_per_day;
        let mut at = from;
        loop {
            at = at.saturating_add(chance.exponential_ms(mean_gap_ms));
            if at >= to {
                return;
            }
            let length = chance.exponential_ms(faults.halt_seconds * 1000.0);
            let until = at.saturating_add(length.clamp(BLOCK_MS, LONGEST_HALT_MS));
            self.queue.add(at, Task::Halt { until });
            at = until;
        }
    }

    /// The chain stops.
    pub fn halt(&mut self, now: u64, until: u64) {
        if until <= self.halted_until {
            return;
        }
        self.faults.halts = self.faults.halts.saturating_add(1);
        let from = now.max(self.halted_until);
        self.halted_until = until;
        let missing = until
            .div_ceil(BLOCK_MS)
            .saturating_sub(from.div_ceil(BLOCK_MS));
        self.skipped_blocks = self.skipped_blocks.saturating_add(missing);
    }

    /// A block: what waits is executed, and everybody concerned is told.
    pub fn block(&mut self, now: u64) {
        if now < self.halted_until {
            let at = self.first_block_after(now);
            self.queue.add(at, Task::Block);
            return;
        }
        self.block_due = false;
        let block = self.block_at(now);
        self.ledger_clock.start();
        self.ledger.begin_block(block.height, block.time);
        for number in std::mem::take(&mut self.drains) {
            self.drain(number);
        }
        let executed = self.ledger.execute_block();
        self.ledger_clock.stop();
        let news = now.saturating_add(NEWS_MS);
        for done in executed {
            let number = done.sender.node;
            self.books.transactions = self.books.transactions.saturating_add(1);
            self.books.pay(number, &done.sent, done.outcome.is_err());
            match &done.outcome {
                Ok(events) => {
                    for event in events {
                        self.books.take(self.n, &self.registry, block, event);
                        self.record_event(block, Some(number), event);
                        match event {
                            MarketEvent::TradeClosed(trade) => self.registry.count(trade),
                            MarketEvent::Delivered(d) => {
                                self.registry.carry(d);
                                let number = |m| self.registry.number(m).unwrap_or(u32::MAX);
                                let (from, to) = (number(&d.seller), number(&d.buyer));
                                self.physics.deliver(self.n, from, to, d);
                            }
                            _ => {}
                        }
                        self.tell_others(news, number, block, event);
                    }
                }
                Err(failure) => self.books.refused(failure),
            }
            if let Some(home) = self.home_mut(number) {
                let incarnation = home.incarnation;
                let event = Event::TxDone {
                    intent: done.sender.intent,
                    at: block,
                    outcome: done.outcome,
                };
                self.queue.add(
                    news,
                    Task::Deliver {
                        home: number,
                        incarnation,
                        event,
                    },
                );
            }
        }
    }

    fn drain(&mut self, number: u32) {
        let Some(owner) = self.home_mut(number).map(|h| h.account.owner.clone()) else {
            return;
        };
        match self.ledger.drain_tokens(&owner) {
            Ok(wh) => {
                self.faults.drains = self.faults.drains.saturating_add(1);
                self.books.drained(number, wh);
            }
            Err(failure) => self.books.violation(format!(
                "home {number}: sending tokens away failed: {failure:?}"
            )),
        }
    }

    /// The other side of a trade learns of it.
    fn tell_others(&mut self, news: u64, sender: u32, block: BlockRef, event: &MarketEvent) {
        for meter in concerned(event).into_iter().flatten() {
            let Some(number) = self.registry.number(&meter).filter(|n| *n != sender) else {
                continue;
            };
            let Some(home) = self.home_mut(number) else {
                continue;
            };
            let incarnation = home.incarnation;
            let event = Event::Chain {
                at: block,
                event: event.clone(),
            };
            self.queue.add(
                news,
                Task::Deliver {
                    home: number,
                    incarnation,
                    event,
                },
            );
        }
    }

    /// A window begins: books of the one before are closed, meters are read, terms are told.
    pub fn open_window(&mut self, now: u64, window: Window) -> Result<()> {
        self.meters.advance(self.n, window.prev());
        self.queue.add(
            window.next().start(self.n.window_s).0.saturating_mul(1000),
            Task::Window(window.next()),
        );
        for number in 0..u32::try_from(self.homes.len()).unwrap_or(u32::MAX) {
            let Some(incarnation) = self.home_mut(number).map(|h| h.incarnation) else {
                continue;
            };
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            if let Some(reading) = self.meters.read(self.n, index, window.prev()) {
                self.queue.add(
                    now.saturating_add(20),
                    Task::Deliver {
                        home: number,
                        incarnation,
                        event: Event::Reading(reading),
                    },
                );
            }
        }
        self.network_clock.start();
        self.network.expire(now / 1000);
        self.network_clock.stop();
        if now < self.halted_until {
            // The window opens for the agents with the first block after the halt, if it is still running then.
            let at = self.first_block_after(now);
            if at < window.next().start(self.n.window_s).0.saturating_mul(1000) {
                self.queue.add(at, Task::Late(window));
            }
            return Ok(());
        }
        self.tell_window(now, window)
    }

    /// Reads the window's terms from the chain and tells all agents.
    ///
    /// # Errors
    /// A query fails, or the pool refuses the operator's tariffs.
    pub fn tell_window(&mut self, now: u64, window: Window) -> Result<()> {
        let block = self.block_at(now);
        self.ledger_clock.start();
        self.ledger.begin_block(block.height, block.time);
        self.check_closed_windows(window)?;
        self.operate_grid(window)?;
        let (tariffs, pairs, paused) = self.ledger.window_terms(window.prev())?;
        self.ledger_clock.stop();
        let terms = Arc::new(WindowTerms {
            now: window,
            at: block,
            tariffs,
            pairs,
            meters: self.zones.clone(),
            paused,
        });
        self.registry.open(&terms);
        self.terms = Some(Arc::clone(&terms));
        for number in 0..u32::try_from(self.homes.len()).unwrap_or(u32::MAX) {
            let Some(home) = self.home_mut(number).filter(|h| h.online) else {
                continue;
            };
            home.inbox.push(Event::WindowOpened(Arc::clone(&terms)));
            self.touched.touch(number);
        }
        Ok(())
    }

    /// Tariffs of a metered window; the last one goes on.
    pub fn tariffs_of(&self, window: Window) -> Tariffs {
        let index =
            usize::try_from(window.0.saturating_sub(self.n.first_window.0)).unwrap_or(usize::MAX);
        let index = index.min(self.n.windows.saturating_sub(1));
        let at =
            |series: &[wattpool_schema::Tariff]| series.get(index).copied().unwrap_or_default();
        Tariffs {
            import: at(&self.n.import_tariff),
            feed_in: at(&self.n.feed_in_tariff),
        }
    }

    /// The grid operator publishes tariffs two windows ahead, where they change.
    fn operate_grid(&mut self, window: Window) -> Result<()> {
        let ahead = window.plus(2);
        if ahead <= self.n.first_window || ahead <= self.tariffs_set {
            return Ok(());
        }
        let mut from = self.tariffs_set.next();
        while from <= ahead {
            let tariffs = self.tariffs_of(from);
            // After a halt some windows are too near: they keep the tariffs before them.
            if tariffs != self.last_tariffs && from >= ahead {
                match self.ledger.set_tariffs(from, tariffs) {
                    Ok(_) => self.last_tariffs = tariffs,
                    Err(TxFailure::Refused(code)) => {
                        return Err(anyhow!("tariffs of window {from}: {code}"))
                    }
                    Err(other) => return Err(anyhow!("tariffs of window {from}: {other:?}")),
                }
            }
            self.tariffs_set = from;
            from = from.next();
        }
        Ok(())
    }
}
