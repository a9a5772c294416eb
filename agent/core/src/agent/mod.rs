//! The agent: one state machine per meter. It takes an event and the time and returns commands; it never
//! reads a clock, a socket, a file or a random device.

mod buying;
mod choosing;
mod classes;
mod estimating;
mod learning;
mod offers;
mod order_book;
mod order_events;
mod orders;
mod promising;
mod restart;
mod selling;
mod settling;
mod snapshot;
mod stating;
mod surveying;

use crate::clock::ChainClock;
use crate::context::{Context, Identity, Market};
use crate::forecast::Forecast;
use crate::io::{
    BlockRef, Command, Day, Event, Gate, JournalEntry, Millis, Notice, Timer, WindowTerms,
};
use crate::metering::{Balance, Metering};
use crate::partners::Partners;
use crate::policy::Policy;
use buying::Buying;
use learning::Learning;
use order_book::Orders;
use restart::Recovered;
use selling::Selling;
pub use snapshot::{OfferSeen, OrderSeen, Snapshot};
use stating::Stating;
use std::sync::Arc;
use wattpool_chance::{mix, STEP};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{MeterId, Seconds, Wh, Window};

/// What an agent's submitted transaction was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    State,
    Settle { trade_id: u64 },
    Open { trade_id: u64 },
    Deliver { buyer: MeterId, trade_id: u64 },
    Close { buyer: MeterId, trade_id: u64 },
    Cancel { buyer: MeterId, trade_id: u64 },
}

/// The agent of one meter.
pub struct Agent {
    id: Identity,
    market: Arc<Market>,
    policy: Policy,
    /// The policy is journalled: the owner set it, not the start.
    policy_known: bool,
    metering: Metering,
    balance: Balance,
    forecast: Forecast,
    learning: Learning,
    terms: Option<Arc<WindowTerms>>,
    /// When the running window was seen to open, local time.
    opened_at: Millis,
    block: BlockRef,
    block_seen_at: Millis,
    clock: ChainClock,
    stating: Stating,
    selling: Selling,
    buying: Buying,
    orders: Orders,
    day: Day,
    intents: Vec<(u64, Intent)>,
    next_intent: u64,
    record_sequence: u64,
    lookups: u32,
    /// Tokenising and trading are stopped.
    paused: bool,
    /// Requests that have waited for the owner so far.
    held_requests: u64,
    /// Supply and demand last announced, for the price.
    ratio: (Wh, Wh),
    /// Of which window that was looked up.
    ratio_of: Option<Window>,
    partners: Partners,
    /// They are not written down yet as they are.
    partners_changed: bool,
    meter_retries: u8,
    /// Submissions in a row that came to nothing.
    retries: u32,
    /// What a restart brought, until the running window is known.
    recovered: Option<Recovered>,
}

/// Where commands go.
type Out = Vec<Command>;

impl Agent {
    /// An agent that has seen nothing yet. It begins with [`Event::Started`].
    pub fn new(id: Identity, market: Arc<Market>, policy: Policy) -> Self {
        let block_s = market.timing.block_ms.div_ceil(1000);
        Self {
            metering: Metering::new(market.window_s, id.max_export, id.max_import),
            balance: Balance::Even,
            forecast: Forecast::new(market.window_s),
            learning: Learning::new(block_s, orders::usual_s(market.window_s)),
            terms: None,
            opened_at: Millis(0),
            block: BlockRef::default(),
            block_seen_at: Millis(0),
            clock: ChainClock::default(),
            stating: Stating::default(),
            selling: Selling::default(),
            buying: Buying::default(),
            orders: Orders::default(),
            day: Day::default(),
            intents: Vec::new(),
            next_intent: 0,
            record_sequence: 0,
            lookups: 0,
            paused: false,
            held_requests: 0,
            ratio: (Wh(1), Wh(1)),
            ratio_of: None,
            partners: Partners::default(),
            partners_changed: false,
            meter_retries: 0,
            retries: 0,
            recovered: None,
            policy_known: false,
            id,
            market,
            policy,
        }
    }

    /// The owner's policy in force.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes an event; what is to be done is appended to `out`, in order.
    pub fn handle(&mut self, now: Millis, event: Event, cx: &mut Context<'_>, out: &mut Out) {
        match event {
            Event::Started {
                journal,
                position,
                today,
            } => {
                self.day = today;
                self.restart(now, journal, &position, out);
            }
            Event::Reading(reading) => self.on_reading(now, reading, cx, out),
            Event::WindowOpened(terms) => self.on_window(now, terms, cx, out),
            Event::LookupDone {
                lookup, records, ..
            } => self.on_lookup(now, lookup, &records, cx, out),
            Event::Request(request) => self.on_request(now, &request, cx, out),
            Event::Answer(answer) => self.on_answer(now, *answer, cx, out),
            Event::TxDone {
                intent,
                at,
                outcome,
            } => {
                self.saw_block(now, at);
                self.on_tx(now, at, intent, outcome, cx, out);
            }
            Event::Chain { at, event } => {
                self.saw_block(now, at);
                self.on_chain(now, at, &event, cx, out);
            }
            Event::Block(at) => {
                self.saw_block(now, at);
                self.release_expired(now, cx, out);
            }
            Event::Timer(timer) => self.on_timer(now, timer, cx, out),
            // Heard twice.
            Event::PolicyChanged(policy) if self.policy_known && *policy == self.policy => {}
            Event::PolicyChanged(policy) => {
                self.policy = *policy;
                self.policy_known = true;
                out.push(Command::Journal(JournalEntry::Policy(Box::new(
                    self.policy.clone(),
                ))));
                self.apply_policy(now, cx, out);
            }
            Event::MeterExchanged(exchange) => self.on_exchange(now, exchange, out),
            Event::TradeDecided { request, accept } => {
                self.on_decision(now, request, accept, cx, out)
            }
        }
    }

    /// The running window goes on under the policy now in force: offers are priced anew or taken back,
    /// a side that was off begins.
    fn apply_policy(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        self.withdraw_offer(out);
        let live = self.terms.as_ref().map(|t| t.live());
        let Some(metered) = live
            .filter(|l| self.selling.window == *l)
            .and_then(|l| self.stating.of(l))
        else {
            return;
        };
        match self.balance {
            Balance::Surplus if !self.selling.opened => {
                self.open_selling(now, metered.surplus, cx, out)
            }
            Balance::Deficit if self.may_buy(now) => {
                self.seek_after(now, self.jitter(self.buying.window, 2), out)
            }
            _ => {}
        }
        self.refresh_offer(now, cx, out);
    }

    fn on_timer(&mut self, now: Millis, timer: Timer, cx: &mut Context<'_>, out: &mut Out) {
        match timer {
            Timer::Meter => self.ask_meter(now, out),
            Timer::Price if self.buying.survey.take_due() => self.survey(now, out),
            Timer::Price => self.look_at_ratio(now, out),
            Timer::Seek => self.seek(now, cx, out),
            Timer::Answers => self.answers_overdue(now, cx, out),
            Timer::Deliver => self.deliver_orders(now, cx, out),
            Timer::Release => self.release_order_hold(now, cx, out),
            Timer::Resubmit => self.resubmit(now, cx, out),
            Timer::Orders => self.think_of_orders(now, cx, out),
        }
    }

    fn on_window(
        &mut self,
        now: Millis,
        terms: Arc<WindowTerms>,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        if !self.saw_block(now, terms.at) || self.terms.as_ref().is_some_and(|t| t.now >= terms.now)
        {
            return;
        }
        self.close_window(out);
        let day = Day::of(terms.at.time);
        if day.number != self.day.number {
            self.day = day;
        }
        self.opened_at = now;
        self.meter_retries = 0;
        self.save_learned(out);
        self.save_partners(out);
        // What the chain has not confirmed stays in the journal, however old.
        let done = terms.live().prev();
        out.push(Command::Prune(
            self.stating.oldest_waiting().map_or(done, |w| w.min(done)),
        ));
        self.paused = terms.paused;
        self.terms = Some(terms);
        self.set_gate(out);
        self.open_trading(now, cx, out);
    }

    /// What was not traded in the window that ends is the grid's.
    fn close_window(&mut self, out: &mut Out) {
        let left = self.buying.left();
        if !left.is_zero() {
            out.push(Command::Tell(Notice::GridSupplied {
                window: self.buying.window,
                wh: left,
            }));
        }
        self.withdraw_offer(out);
        self.selling = Selling::default();
        self.buying = Buying::default();
    }

    /// Begins trading once both the window's energy and its terms are known.
    fn open_trading(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let live = terms.live();
        self.submit_statements(out);
        let Some(metered) = self.stating.of(live) else {
            if self.metering.last().is_some_and(|r| r.window < live) {
                let at = now.plus(self.market.timing.block_ms);
                out.push(Command::SetTimer {
                    timer: Timer::Meter,
                    at,
                });
            }
            return;
        };
        if self.selling.window == live || self.buying.window == live {
            return;
        }
        self.selling.window = live;
        self.buying.window = live;
        self.recover_window(now, out);
        self.balance =
            self.balance
                .after(metered.surplus, metered.deficit, self.policy.threshold_wh);
        if !self.paused {
            match self.balance {
                Balance::Surplus => self.open_selling(now, metered.surplus, cx, out),
                Balance::Deficit => self.open_buying(now, metered.deficit, cx, out),
                Balance::Even => {}
            }
        }
        self.open_orders(now, &metered, out);
    }

    /// The gate follows the forecast with half as much again for headroom; without one it is open.
    fn set_gate(&self, out: &mut Out) {
        let gate = self
            .terms
            .as_ref()
            .and_then(|t| self.forecast.net(t.now))
            .map_or(Gate::Open, |net| {
                let need = net.min(0).unsigned_abs();
                Gate::Limit(Wh(need.saturating_add(need / 2).saturating_add(100)))
            });
        out.push(Command::SetGate(gate));
    }

    /// Takes a block's word for what time it is; false: it cannot be so late.
    fn saw_block(&mut self, now: Millis, at: BlockRef) -> bool {
        let believed = self.clock.believes(now, at.time);
        if believed && at.time >= self.block.time {
            self.block = at;
            self.block_seen_at = now;
        }
        believed
    }

    /// Best guess of block time: the last block seen and what has passed since. Whether something has
    /// *expired* is decided by blocks seen, never by this.
    fn chain_now(&self, now: Millis) -> Seconds {
        let passed = now.since(self.block_seen_at).checked_div(1000).unwrap_or(0);
        Seconds(self.block.time.0.saturating_add(passed))
    }

    /// Local time at which nothing new is started in the running window any more.
    fn closing_at(&self) -> Millis {
        let t = &self.market.timing;
        let Some(terms) = &self.terms else {
            return Millis(0);
        };
        let left = terms
            .now
            .end(self.market.window_s)
            .0
            .saturating_sub(terms.at.time.0);
        self.opened_at
            .plus(left.saturating_mul(1000).saturating_sub(t.closing_ms))
    }

    /// A small delay that differs from meter to meter, without a random device.
    fn jitter(&self, window: Window, salt: u64) -> u64 {
        let id = u64::from_be_bytes([
            self.id.meter.0[0],
            self.id.meter.0[1],
            self.id.meter.0[2],
            self.id.meter.0[3],
            self.id.meter.0[4],
            self.id.meter.0[5],
            self.id.meter.0[6],
            self.id.meter.0[7],
        ]);
        mix(id ^ mix(window.0 ^ salt.wrapping_mul(STEP)))
            .checked_rem(self.market.timing.jitter_ms.max(1))
            .unwrap_or(0)
    }

    /// Writes down what changed in the memory of buyers.
    fn save_partners(&mut self, out: &mut Out) {
        if std::mem::take(&mut self.partners_changed) {
            let partners = Box::new(self.partners.clone());
            out.push(Command::Journal(JournalEntry::Partners(partners)));
        }
    }

    /// Whether the running window is in its second half.
    fn in_second_half(&self, now: Millis) -> bool {
        now >= self.half_at()
    }

    /// Local time at which the second half of the running window begins.
    fn half_at(&self) -> Millis {
        self.begun_at().plus(self.market.timing.window_ms / 2)
    }

    /// Local time at which the running window began.
    fn begun_at(&self) -> Millis {
        let t = &self.market.timing;
        let end = self.closing_at().plus(t.closing_ms);
        Millis(end.0.saturating_sub(t.window_ms))
    }

    fn submit(&mut self, intent: Intent, tx: crate::io::MarketTx, out: &mut Out) -> u64 {
        self.next_intent = self.next_intent.saturating_add(1);
        let number = self.next_intent;
        self.intents.push((number, intent));
        out.push(Command::Submit { intent: number, tx });
        number
    }

    fn on_tx(
        &mut self,
        now: Millis,
        at: BlockRef,
        number: u64,
        outcome: Result<Vec<MarketEvent>, crate::io::TxFailure>,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let Some(known) = self.intents.iter().position(|(n, _)| *n == number) else {
            return;
        };
        let (_, intent) = self.intents.swap_remove(known);
        if outcome.is_ok() {
            self.retries = 0;
        }
        if let Err(crate::io::TxFailure::Refused(code)) = &outcome {
            let code = Some(*code);
            out.push(Command::Tell(Notice::Refused { code }));
        }
        match intent {
            Intent::State => self.on_stated(now, outcome, cx, out),
            Intent::Settle { trade_id } => self.on_settled(now, trade_id, outcome, cx, out),
            Intent::Open { trade_id } => self.on_order_opened(now, trade_id, outcome, out),
            Intent::Deliver { buyer, trade_id } => {
                self.on_order_delivered(now, at, (buyer, trade_id), outcome, cx, out)
            }
            Intent::Close { buyer, trade_id } => {
                self.on_order_closed(buyer, trade_id, &outcome, out)
            }
            // Its event tells when it ends; cancelled or not, nobody is asked for another.
            Intent::Cancel { .. } => {}
        }
    }

    fn on_chain(
        &mut self,
        now: Millis,
        at: BlockRef,
        event: &MarketEvent,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        match event {
            MarketEvent::TradeClosed(t)
                if t.seller == self.id.meter && t.kind == wattpool_schema::TradeKind::Spot =>
            {
                self.on_sold(now, t, cx, out);
            }
            MarketEvent::TradeClosed(t)
                if t.buyer == self.id.meter && t.kind == wattpool_schema::TradeKind::Spot =>
            {
                self.on_bought(now, t, cx, out);
            }
            MarketEvent::PauseSet(p) => {
                self.paused = p.paused;
                self.refresh_offer(now, cx, out);
            }
            _ => self.on_order_event(now, at, event, cx, out),
        }
    }
}

fn seconds_f64(s: u64) -> f64 {
    u32::try_from(s).map_or(f64::from(u32::MAX), f64::from)
}
