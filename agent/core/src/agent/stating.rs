//! Readings become signed statements, and statements reach the chain (FR-01, FR-02).

use super::{Agent, Intent, Out};
use crate::context::Context;
use crate::io::{Command, JournalEntry, MarketTx, Millis, Notice, Reading, Timer, TxFailure};
use crate::metering::{Exchange, Metered, ReadingProblem};
use wattpool_schema::error::Code;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{
    signing, Commitment, Seconds, SignedStatement, Statement, Window, RECORD_VERSION,
};

/// The market takes statements for so long; what is older earns nothing.
const STATEMENT_S: u64 = 30 * 86_400;
/// Most statements of one transaction.
const BATCH: usize = 40;
/// How often the meter is asked again for one window.
const METER_RETRIES: u8 = 4;
/// Windows asked for at once: a first one that is not believed must not have all after it read again and again.
const METER_WINDOWS: u64 = 32;
/// Refused readings that are remembered as told.
const TOLD: usize = 64;
/// Refusals that no other time and no other answer will change: they are about the one statement. Whatever else is
/// answered (a pause, a registration, a version, a node in trouble) says nothing of it.
const REFUSED_FOR_GOOD: [Code; 5] = [
    Code::AboveRegistered,
    Code::BadSignature,
    Code::SequenceUsed,
    Code::TooOld,
    Code::WindowStated,
];

/// Statements that the chain has not confirmed, and the last window's energy.
#[derive(Debug, Default)]
pub(super) struct Stating {
    waiting: Vec<SignedStatement>,
    /// Batches in a row that were refused as a whole: each is half as long as the one before.
    halvings: u32,
    /// Windows of the batch that is on its way.
    in_flight: Vec<Window>,
    last: Option<Metered>,
    commitment: Commitment,
    sequence: u64,
    /// Readings in a row that came after a gap.
    gaps: u8,
    /// What the owner was told of readings that were refused: each is told once.
    told: Vec<(Window, ReadingProblem)>,
}

impl Stating {
    /// The energy of a window, if it is the last one metered.
    pub fn of(&self, window: Window) -> Option<Metered> {
        self.last.filter(|m| m.reading.window == window)
    }

    /// Takes up what was journalled: a statement may or may not have reached the chain.
    pub fn resume(&mut self, metered: Metered, statement: SignedStatement, stated: Option<Window>) {
        self.commitment = statement.statement.commitment;
        self.sequence = statement.statement.sequence;
        self.last = Some(metered);
        if stated.is_none_or(|s| s < statement.statement.window) {
            self.waiting.push(statement);
        }
    }

    /// Statements that the chain has not confirmed.
    pub fn unconfirmed_statements(&self) -> usize {
        self.waiting.len()
    }

    /// The oldest window that the chain has not confirmed.
    pub fn oldest_waiting(&self) -> Option<Window> {
        self.waiting.first().map(|s| s.statement.window)
    }

    /// Tells the owner why a reading was refused, once for each window and reason.
    fn tell_once(&mut self, window: Window, problem: ReadingProblem, out: &mut Out) {
        let told = (window, problem);
        if self.told.contains(&told) {
            return;
        }
        if self.told.len() >= TOLD {
            self.told.remove(0);
        }
        self.told.push(told);
        out.push(Command::Tell(Notice::BadReading { window, problem }));
    }

    /// Continues after the chain's last sequence, so that a lost journal cannot stall the meter.
    pub fn at_least(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }
}

impl Agent {
    pub(super) fn on_reading(
        &mut self,
        now: Millis,
        reading: Reading,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        // Before the first block there is no other clock than the meter's.
        let chain_now = if self.block.height == 0 {
            reading.taken_at
        } else {
            self.chain_now(now)
        };
        match self.metering.take(reading, chain_now) {
            Ok(None) => {}
            Ok(Some(metered)) => {
                self.meter_retries = 0;
                self.stating.gaps = 0;
                self.state(metered, cx, out);
                self.open_trading(now, cx, out);
            }
            Err(ReadingProblem::Repeated) => {}
            Err(ReadingProblem::Gap { missing }) => {
                if self.stating.gaps < METER_RETRIES {
                    self.stating.gaps = self.stating.gaps.saturating_add(1);
                    out.push(Command::ReadMeter {
                        from: missing,
                        to: reading.window.min(missing.plus(METER_WINDOWS)),
                    });
                } else {
                    self.go_on_after_gap(now, reading, chain_now, cx, out);
                }
            }
            Err(problem) => {
                self.stating.tell_once(reading.window, problem, out);
                // Twice as long after each question: what is wrong now may be wrong for days.
                let factor = 1u64.checked_shl(self.meter_retries.into()).unwrap_or(1);
                let pause = self.market.timing.block_ms.saturating_mul(factor);
                out.push(Command::SetTimer {
                    timer: Timer::Meter,
                    at: now.plus(pause.min(self.market.timing.window_ms / 4)),
                });
            }
        }
    }

    /// The meter does not have the windows that are missing, or what it said of them is not believed.
    fn go_on_after_gap(
        &mut self,
        now: Millis,
        reading: Reading,
        chain_now: Seconds,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let metered = self.metering.go_on(reading, chain_now);
        if metered.is_empty() {
            return;
        }
        self.stating.gaps = 0;
        for metered in metered {
            self.state(metered, cx, out);
        }
        self.open_trading(now, cx, out);
    }

    /// The owner put another meter in the place of the old one: durable before a reading of it is believed.
    pub(super) fn on_exchange(&mut self, now: Millis, exchange: Exchange, out: &mut Out) {
        // Heard twice.
        if self.metering.expects(&exchange) {
            return;
        }
        let window = self.running_window(now);
        match self.metering.exchange(&exchange, window) {
            Ok(()) => {
                out.push(Command::Journal(JournalEntry::Exchanged {
                    window,
                    exchange,
                }));
                for (window, problem) in self.metering.noted() {
                    out.push(Command::Tell(Notice::BadReading { window, problem }));
                }
                self.stating.gaps = 0;
                self.meter_retries = 0;
            }
            Err(problem) => self.stating.tell_once(window, problem, out),
        }
    }

    /// Why an exchange of the meter could not be taken.
    ///
    /// # Errors
    /// The closing registers cannot have followed the last ones believed, or none were believed yet.
    pub fn check_exchange(&self, now: Millis, exchange: &Exchange) -> Result<(), ReadingProblem> {
        let window = self.running_window(now);
        self.metering.clone().exchange(exchange, window)
    }

    fn running_window(&self, now: Millis) -> Window {
        let local = Seconds(now.0.checked_div(1_000).unwrap_or(0));
        let at = if self.block.height == 0 {
            local
        } else {
            self.chain_now(now)
        };
        Window::at(at, self.market.window_s)
    }

    /// Asks the meter again for all windows that are missing.
    pub(super) fn ask_meter(&mut self, _now: Millis, out: &mut Out) {
        let (Some(terms), Some(last)) = (&self.terms, self.metering.last()) else {
            return;
        };
        // Behind for long, the meter has little new to say about the past.
        let behind = terms.live().0.saturating_sub(last.window.0);
        let retries = if behind > METER_WINDOWS {
            1
        } else {
            METER_RETRIES
        };
        if behind > 0 && self.meter_retries < retries {
            self.meter_retries = self.meter_retries.saturating_add(1);
            let from = last.window.next();
            out.push(Command::ReadMeter {
                from,
                to: terms.live().min(from.plus(METER_WINDOWS)),
            });
        }
    }

    /// The device signs what it measured; the journal has it before the chain gets it.
    fn state(&mut self, metered: Metered, cx: &mut Context<'_>, out: &mut Out) {
        for (window, problem) in self.metering.noted() {
            out.push(Command::Tell(Notice::BadReading { window, problem }));
        }
        let Reading {
            window,
            import_register,
            export_register,
            ..
        } = metered.reading;
        let salt = cx.signer.salt(window);
        let commitment = signing::commitment(
            &salt,
            import_register,
            export_register,
            &self.stating.commitment,
        );
        self.stating.sequence = self.stating.sequence.saturating_add(1);
        let statement = Statement {
            version: RECORD_VERSION,
            chain: self.market.chain.clone(),
            pool: self.market.pool.clone(),
            meter: self.id.meter,
            window,
            sequence: self.stating.sequence,
            export_wh: metered.surplus,
            commitment,
        };
        let signature = cx.signer.sign_device(&statement.sign_bytes());
        let signed = SignedStatement {
            statement,
            signature,
        };
        self.stating.commitment = commitment;
        self.stating.last = Some(metered);
        self.forecast.add(window, metered.surplus, metered.deficit);
        out.push(Command::Journal(JournalEntry::Metered {
            reading: metered.reading,
            deficit: metered.deficit,
            carried: metered.carried,
            statement: signed.clone(),
        }));
        out.push(Command::Tell(Notice::Metered {
            window,
            surplus: metered.surplus,
            deficit: metered.deficit,
        }));
        self.stating.waiting.push(signed);
    }

    /// Sends what waits, oldest first, once the windows it is about have ended on the chain.
    pub(super) fn submit_statements(&mut self, out: &mut Out) {
        let Some(terms) = self.terms.clone() else {
            return;
        };
        if !self.stating.in_flight.is_empty() {
            return;
        }
        let live = terms.live();
        self.give_up_old_statements(terms.now, out);
        let batch: Vec<_> = self
            .stating
            .waiting
            .iter()
            .filter(|s| s.statement.window <= live)
            .take(BATCH.checked_shr(self.stating.halvings).unwrap_or(0).max(1))
            .cloned()
            .collect();
        if batch.is_empty() {
            return;
        }
        self.stating.in_flight = batch.iter().map(|s| s.statement.window).collect();
        self.submit(Intent::State, MarketTx::State(batch), out);
    }

    pub(super) fn on_stated(
        &mut self,
        now: Millis,
        outcome: Result<Vec<MarketEvent>, TxFailure>,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let sent = std::mem::take(&mut self.stating.in_flight);
        match outcome {
            Ok(events) => {
                self.stating.halvings = 0;
                self.take_stated(now, &events, &sent, cx, out);
            }
            // The batch as a whole: no word about a statement in it. One that spoils the others is found in parts.
            Err(failure) => {
                if matches!(failure, TxFailure::Refused(_) | TxFailure::Unknown(_)) {
                    self.stating.halvings = self.stating.halvings.saturating_add(1);
                }
                self.resubmit_later(now, out);
            }
        }
    }

    fn take_stated(
        &mut self,
        now: Millis,
        events: &[MarketEvent],
        sent: &[Window],
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let live = self.terms.as_ref().map(|t| t.live());
        let mut retry = false;
        for event in events {
            match event {
                MarketEvent::Stated(s) if s.meter == self.id.meter => {
                    self.stating
                        .waiting
                        .retain(|w| w.statement.window != s.window);
                    if s.minted && Some(s.window) == live {
                        self.on_minted(now, s.wh, cx, out);
                    }
                }
                MarketEvent::ItemRefused(r) => {
                    let code = Code::of(&r.code);
                    out.push(Command::Tell(Notice::Refused { code }));
                    let window = usize::try_from(r.index)
                        .ok()
                        .and_then(|i| sent.get(i))
                        .copied();
                    if !code.is_some_and(|code| REFUSED_FOR_GOOD.contains(&code)) {
                        retry = true;
                    } else if let Some(window) = window {
                        self.stating
                            .waiting
                            .retain(|w| w.statement.window != window);
                    }
                    // Stated by a transaction whose outcome was lost: nobody else can sign for this meter.
                    let metered = window
                        .filter(|w| Some(*w) == live)
                        .and_then(|w| self.stating.of(w));
                    if let (Some(m), Some(Code::WindowStated), false) =
                        (metered, code, self.selling.tokenised)
                    {
                        self.on_minted(now, m.surplus, cx, out);
                    }
                }
                _ => {}
            }
        }
        // What got no answer at all is no reason to send at once again.
        if retry
            || self
                .stating
                .waiting
                .iter()
                .any(|w| sent.contains(&w.statement.window))
        {
            self.resubmit_later(now, out);
        } else {
            self.submit_statements(out);
        }
    }

    /// Statements that the market takes no more.
    fn give_up_old_statements(&mut self, now: Window, out: &mut Out) {
        let windows = STATEMENT_S.checked_div(u64::from(self.market.window_s.max(1)));
        let oldest = Window(now.0.saturating_sub(windows.unwrap_or(0)));
        let waiting = &mut self.stating.waiting;
        while let Some(old) = waiting.first().filter(|s| s.statement.window < oldest) {
            out.push(Command::Tell(Notice::Unstated {
                window: old.statement.window,
                wh: old.statement.export_wh,
            }));
            waiting.remove(0);
        }
    }

    pub(super) fn resubmit_later(&mut self, now: Millis, out: &mut Out) {
        let delay = self.retry_delay();
        self.schedule(now, Timer::Resubmit, delay, out);
    }

    /// How long to wait before something is submitted again: twice as long after each failure, up to half a window,
    /// and not for all meters the same.
    fn retry_delay(&mut self) -> u64 {
        let t = self.market.timing;
        let factor = 1u64.checked_shl(self.retries).unwrap_or(u64::MAX);
        let delay = t.block_ms.saturating_mul(factor).min(t.window_ms / 2);
        let salt = u64::from(self.retries).saturating_add(32);
        self.retries = self.retries.saturating_add(1);
        delay.saturating_add(self.jitter(Window(self.next_intent), salt))
    }

    pub(super) fn resubmit(&mut self, now: Millis, cx: &Context<'_>, out: &mut Out) {
        self.submit_statements(out);
        self.resubmit_orders(cx, out);
        self.resubmit_settles(now, out);
    }
}
