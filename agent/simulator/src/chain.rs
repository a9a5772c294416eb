//! Windows, blocks and halts: the chain's side of virtual time.

use crate::chance::{whole_ms, Chance, Stream};
use crate::queue::Task;
use crate::world::World;
use anyhow::{anyhow, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use wattpool_core::io::{BlockRef, Day, TxFailure, WindowTerms};
use wattpool_core::ports::ledger::BlockNews;
use wattpool_host::{concerns, Concerned, Input, Start};
use wattpool_ledger_embedded::{Executed, Sender};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{MeterPosition, Tariffs};
use wattpool_schema::{Seconds, Window};

/// Block interval, seconds.
pub(crate) const BLOCK_S: u32 = 5;
const BLOCK_MS: u64 = BLOCK_S as u64 * 1000;
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

    /// Schedules the first block after a time, if it is not.
    pub fn need_block(&mut self, after: u64) {
        let at = self.first_block_after(after);
        if self.blocks_due.insert(at) {
            self.queue.add(at, Task::Block);
        }
    }

    /// A host waits for the first block with a later time, whatever is in it.
    pub fn watch_block(&mut self, now: u64, number: u32, after: Seconds) {
        self.watchers.entry(after).or_default().push(number);
        // A time that has passed asks for the next block, not for one in the past.
        self.need_block(now.max(after.0.saturating_mul(1000)));
    }

    /// Halts of the chain, drawn for the whole run.
    pub fn draw_halts(&mut self, from: u64, to: u64) {
        let faults = &self.n.faults;
        if faults.halts_per_day <= 0.0 || faults.halt_seconds <= 0.0 {
            return;
        }
        let mut chance = Chance::new(self.options.seed, Stream::Halts);
        let mean_gap_ms = 86_400_000.0 / faults.halts_per_day;
        let longest = whole_ms(faults.longest_halt_seconds * 1000.0).max(BLOCK_MS);
        let mut at = from;
        loop {
            at = at.saturating_add(chance.exponential_ms(mean_gap_ms));
            if at >= to {
                return;
            }
            let length = chance.exponential_ms(faults.halt_seconds * 1000.0);
            let until = at.saturating_add(length.clamp(BLOCK_MS, longest));
            let until = until.min(to);
            self.queue.add(at, Task::Halt { until });
            at = until;
        }
    }

    /// When each home's account has nothing left for fees, drawn for the whole run.
    pub fn draw_unfunded(&mut self, from: u64, to: u64) {
        let faults = &self.n.faults;
        if faults.unfunded_per_day <= 0.0 || faults.unfunded_hours <= 0.0 {
            return;
        }
        let mut chance = Chance::new(self.options.seed, Stream::Fees);
        let mean_gap_ms = 86_400_000.0 / faults.unfunded_per_day;
        for home in &mut self.homes {
            let mut at = from;
            loop {
                at = at.saturating_add(chance.exponential_ms(mean_gap_ms));
                if at >= to {
                    break;
                }
                let length = chance.exponential_ms(faults.unfunded_hours * 3_600_000.0);
                let until = at.saturating_add(length).min(to);
                home.unfunded.push_back((at, until));
                self.faults.unfunded = self.faults.unfunded.saturating_add(1);
                at = until;
            }
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

    /// A block: what waits is executed.
    pub fn block(&mut self, now: u64) {
        self.blocks_due.remove(&now);
        if now < self.halted_until {
            self.need_block(now);
            return;
        }
        let block = self.block_at(now);
        self.ledger_clock.start();
        self.ledger.begin_block(block.height, block.time);
        for number in std::mem::take(&mut self.drains) {
            self.drain(number);
        }
        let executed = self.ledger.execute_block();
        let opening = self.opening.take();
        self.ledger_clock.stop();
        for done in &executed {
            let number = done.sender.node;
            self.books.transactions = self.books.transactions.saturating_add(1);
            self.books.pay(number, &done.sent, done.outcome.is_err());
            match &done.outcome {
                Ok(events) => {
                    for event in events {
                        self.books.take(self.n, &self.registry, block, event);
                        self.record_event(block, Some(number), event);
                        if let MarketEvent::Delivered(d) = event {
                            let number = |m| self.registry.number(m).unwrap_or(u32::MAX);
                            let (from, to) = (number(&d.seller), number(&d.buyer));
                            self.physics.deliver(self.n, from, to, d);
                        }
                    }
                }
                Err(failure) => self.books.refused(failure),
            }
        }
        self.queue.add(
            now.saturating_add(NEWS_MS),
            Task::News(block, executed, opening),
        );
    }

    /// The agents hear of a block: the registry follows it, then everybody concerned is told what it did, and who
    /// submitted what became of it.
    pub fn tell_block(
        &mut self,
        now: u64,
        block: BlockRef,
        executed: Vec<Executed>,
        opening: Option<Arc<WindowTerms>>,
    ) {
        if let Some(terms) = opening {
            self.tell_terms(now, terms);
        }
        let events = || executed.iter().filter_map(|e| e.outcome.as_ref().ok());
        self.registry.meters.follow(block, events().flatten());
        if let Some(tap) = &mut self.tap {
            let events = events().flatten().cloned().collect();
            tap.blocks.push((now, BlockNews { block, events }));
        }
        let mut told: BTreeMap<u32, Vec<MarketEvent>> = BTreeMap::new();
        for event in events().flatten() {
            match concerns(event) {
                Concerned::Meters(meters) => {
                    let [one, other] = meters.map(|m| m.and_then(|m| self.registry.number(&m)));
                    for number in one.into_iter().chain(other.filter(|_| other != one)) {
                        told.entry(number).or_default().push(event.clone());
                    }
                }
                Concerned::All => {
                    for number in 0..u32::try_from(self.homes.len()).unwrap_or(u32::MAX) {
                        told.entry(number).or_default().push(event.clone());
                    }
                }
            }
        }
        let later = self.watchers.split_off(&block.time);
        for watchers in std::mem::replace(&mut self.watchers, later).into_values() {
            for number in watchers {
                told.entry(number).or_default();
            }
        }
        for done in executed {
            let Sender { node, intent } = done.sender;
            told.entry(node).or_default();
            // Before the block that it is in: the host waits for that.
            let executed = wattpool_core::ports::ledger::Executed {
                at: block,
                outcome: done.outcome,
            };
            self.tell(now, node, Input::TxEnded { intent, executed });
        }
        for (number, events) in told {
            let news = BlockNews { block, events };
            self.tell(now, number, Input::Block(Arc::new(news)));
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

    /// A window begins: the meters' registers stand, and the terms are told.
    pub fn open_window(&mut self, now: u64, window: Window) -> Result<()> {
        self.meters.advance(self.n, window.prev());
        self.queue.add(
            window.next().start(self.n.window_s).0.saturating_mul(1000),
            Task::Window(window.next()),
        );
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

    /// Reads the window's terms from the chain; the agents hear of them with the news of the block.
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
        self.newest = Some(Arc::clone(&terms));
        self.opening = Some(terms);
        if !self.blocks_due.contains(&now) {
            self.block(now);
        }
        Ok(())
    }

    /// The agents hear of a window's terms; with the first window they start.
    fn tell_terms(&mut self, now: u64, terms: Arc<WindowTerms>) {
        if let Some(tap) = &mut self.tap {
            tap.windows.push((now, Arc::clone(&terms)));
        }
        let first = self.terms.replace(Arc::clone(&terms)).is_none();
        if first {
            self.registry.meters.open_first(&terms);
        } else {
            self.registry.meters.open(&terms);
        }
        for number in 0..u32::try_from(self.homes.len()).unwrap_or(u32::MAX) {
            let input = if first {
                Input::Start(Box::new(self.first_start(number, &terms)))
            } else {
                Input::Window(Arc::clone(&terms))
            };
            self.tell(now, number, input);
        }
    }

    /// All agents start with an empty journal and the registers of the installation.
    fn first_start(&self, number: u32, terms: &Arc<WindowTerms>) -> Start {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        Start {
            head: terms.at,
            position: MeterPosition::default(),
            today: Day::default(),
            terms: Some(Arc::clone(terms)),
            journal: Vec::new(),
            installed: self.meters.truth(self.n, index, self.n.first_window.prev()),
            noted_to: None,
        }
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
