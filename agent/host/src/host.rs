//! The host: one input at a time goes in, what is to be done comes out.

mod lookups;
mod questions;
mod view;

use crate::io::{Effect, Input, Owner, Start};
use crate::meters::Meters;
use crate::news::{is_history, is_news, registers_anew};
use crate::status::{add, Awaiting, Counters, Noticed};
use std::collections::VecDeque;
use std::sync::Arc;
use wattpool_core::context::{ChoiceClock, Context, Identity, Market};
use wattpool_core::genuine::Genuine;
use wattpool_core::io::{
    BlockRef, Command, Event, JournalEntry, Millis, Notice, Timer, TxFailure, WindowTerms,
};
use wattpool_core::policy::Policy;
use wattpool_core::ports::ledger::{BlockNews, Executed};
use wattpool_core::ports::Signer;
use wattpool_core::Agent;
use wattpool_optimizer::Workspace;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{MeterId, Seconds, Window};

/// Resolution of local time: an agent's timers fire on its multiples, and what happens between two of them happens at
/// the same time. What happens together can then be computed together.
pub const TICK_MS: u64 = 10;
/// Trades that may wait for the owner at once.
const AWAITING: usize = 50;

/// What a world wants of its hosts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How many of the last things told are kept in memory.
    pub notices: usize,
    /// There is a history: [`Effect::Record`], [`Effect::RecordTariffs`], [`Effect::RecordedTo`] and [`Effect::CatchUp`] are wanted.
    pub history: bool,
}

/// What a host is lent while it handles an input.
pub struct Tools<'a> {
    /// The meter's keys.
    pub signer: &'a dyn Signer,
    /// The registry.
    pub meters: &'a Meters,
    /// Scratch memory of the choice.
    pub workspace: &'a mut Workspace,
    /// Told when the choice begins and ends.
    pub choice_clock: Option<&'a mut dyn ChoiceClock>,
}

/// A transaction that ended in a block that is not followed yet.
struct Held {
    intent: u64,
    executed: Executed,
}

/// A look-up that waits for its sellers' records.
struct Looked {
    lookup: u32,
    records: Vec<Genuine>,
    complete: bool,
    until: Millis,
}

/// Another meter that asks.
struct Question {
    ticket: u64,
    buyer: MeterId,
    id: u64,
}

/// Hosts one agent.
pub struct Host {
    agent: Agent,
    id: Identity,
    me: MeterId,
    market: Arc<Market>,
    options: Options,
    started: bool,
    block: BlockRef,
    window: Option<Window>,
    timers: [Option<Millis>; Timer::COUNT],
    /// Block times of which the first later block is to be told.
    watches: Vec<Seconds>,
    submitted: Vec<u64>,
    held: Vec<Held>,
    looking: Vec<(u32, Millis)>,
    looked: Vec<Looked>,
    /// The one that is being answered.
    question: Option<Question>,
    awaiting: Vec<Awaiting>,
    notices: VecDeque<Noticed>,
    counters: Counters,
    stated: Option<Window>,
    refused: Option<String>,
    /// The history is complete up to the last block followed.
    caught_up: bool,
}

impl Host {
    /// A host that has not begun. The policy is in force until the journal or the owner say otherwise.
    pub fn new(id: Identity, market: Arc<Market>, policy: Policy, options: Options) -> Self {
        Self {
            me: id.meter,
            agent: Agent::new(id.clone(), Arc::clone(&market), policy),
            id,
            market,
            options,
            started: false,
            block: BlockRef::default(),
            window: None,
            timers: [None; Timer::COUNT],
            watches: Vec::new(),
            submitted: Vec::new(),
            held: Vec::new(),
            looking: Vec::new(),
            looked: Vec::new(),
            question: None,
            awaiting: Vec::new(),
            notices: VecDeque::new(),
            counters: Counters::default(),
            stated: None,
            refused: None,
            caught_up: false,
        }
    }

    /// The same host before its start, as after a crash: what was journalled goes on. What the owner saw stays.
    #[must_use]
    pub fn again(&self) -> Self {
        let policy = self.policy().clone();
        Self {
            counters: self.counters,
            notices: self.notices.clone(),
            ..Self::new(
                self.id.clone(),
                Arc::clone(&self.market),
                policy,
                self.options,
            )
        }
    }

    /// Takes an input; what is to be done is appended to `out`, in order.
    pub fn take(
        &mut self,
        now: Millis,
        input: Input,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        let now = Millis(on_tick(now.0, false));
        if !self.started && !matches!(input, Input::Start(_) | Input::Owner(_)) {
            return;
        }
        match input {
            Input::Start(start) => self.start(now, *start, tools, out),
            Input::Window(terms) => self.open(now, terms, tools, out),
            Input::Missed(window) => {
                tracing::warn!(%window, "a window was over before it could be opened");
                add(&mut self.counters.windows_missed, 1);
            }
            Input::Block(news) => self.follow(now, &news, tools, out),
            Input::Past(news, last) => {
                self.record(&news, out);
                if last {
                    self.caught_up = true;
                    self.recorded(out);
                }
            }
            Input::TxEnded { intent, executed } => {
                let Some(at) = self.submitted.iter().position(|i| *i == intent) else {
                    return;
                };
                self.submitted.swap_remove(at);
                let ended = Held { intent, executed };
                // What the block did to this meter comes first: a promise must not be freed before its sale is seen.
                if ended.executed.at.height > self.block.height {
                    self.held.push(ended);
                } else {
                    self.tx_ended(now, ended, tools, out);
                }
            }
            Input::Reading(reading) => {
                add(&mut self.counters.readings, 1);
                self.feed(now, Event::Reading(reading), tools, out);
            }
            Input::Looked {
                lookup,
                records,
                complete,
            } => self.looked(now, lookup, records, complete, tools, out),
            Input::SellersRead { lookup } => {
                if let Some(at) = self.looked.iter().position(|l| l.lookup == lookup) {
                    let done = self.looked.swap_remove(at);
                    self.lookup_done(now, done, tools, out);
                }
            }
            Input::Request { ticket, request } => self.asked(now, ticket, request, tools, out),
            Input::Answer(answer) => {
                add(&mut self.counters.answers, 1);
                self.feed(now, Event::Answer(answer), tools, out);
            }
            Input::Tick => self.tick(now, tools, out),
            Input::Owner(owner) => self.owner(now, owner, tools, out),
        }
    }

    /// The local time at which [`Input::Tick`] is due next, if any.
    pub fn next_due(&self) -> Option<Millis> {
        let timers = self.timers.iter().flatten().copied();
        let looked = self.looked.iter().map(|l| l.until);
        timers.chain(looked).min()
    }

    /// The agent takes up what it journalled, in the running window.
    fn start(&mut self, now: Millis, start: Start, tools: &mut Tools<'_>, out: &mut Vec<Effect>) {
        if self.started {
            return;
        }
        self.started = true;
        let Start {
            head,
            position,
            today,
            terms,
            journal,
            installed,
            noted_to,
        } = start;
        self.block = head;
        let metered = |e: &JournalEntry| matches!(e, JournalEntry::Metered { .. });
        let installed = installed.filter(|_| !journal.iter().any(metered));
        let started = Event::Started {
            journal,
            position,
            today,
        };
        self.feed(now, started, tools, out);
        if let Some(reading) = installed {
            add(&mut self.counters.readings, 1);
            self.feed(now, Event::Reading(reading), tools, out);
        }
        self.caught_up = true;
        if let (true, Some(from)) = (self.options.history, noted_to) {
            if from < head.height {
                self.caught_up = false;
                out.push(Effect::CatchUp {
                    from,
                    to: head.height,
                });
            }
        }
        if let Some(terms) = terms {
            self.open(now, terms, tools, out);
        }
    }

    fn open(
        &mut self,
        now: Millis,
        terms: Arc<WindowTerms>,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        if self.window.is_some_and(|w| w >= terms.now) {
            return;
        }
        self.window = Some(terms.now);
        self.awaiting.retain(|a| a.until >= terms.at.time);
        let live = terms.live();
        add(&mut self.counters.windows, 1);
        self.recorded(out);
        if self.options.history {
            out.push(Effect::RecordTariffs {
                window: live,
                tariffs: terms.tariffs,
            });
        }
        self.feed(now, Event::WindowOpened(terms), tools, out);
        out.push(Effect::ReadMeter {
            from: live,
            to: live,
        });
    }

    /// What a block did to this meter, then what ended in it, then the block itself.
    fn follow(
        &mut self,
        now: Millis,
        news: &BlockNews,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        if news.block.height <= self.block.height {
            return;
        }
        self.block = news.block;
        add(&mut self.counters.blocks, 1);
        if self.record(news, out) {
            self.recorded(out);
        }
        let (me, at) = (self.me, news.block);
        let mut changed = false;
        for event in &news.events {
            self.counters.happened(event, me);
            changed |= registers_anew(event, me);
            if is_news(event, me) {
                let event = event.clone();
                self.feed(now, Event::Chain { at, event }, tools, out);
            }
        }
        let mut due = Vec::new();
        let mut index = 0;
        while let Some(held) = self.held.get(index) {
            if held.executed.at.height <= at.height {
                due.push(self.held.remove(index));
            } else {
                index = index.saturating_add(1);
            }
        }
        for ended in due {
            self.tx_ended(now, ended, tools, out);
        }
        // What has lapsed cannot be accepted any more.
        self.awaiting.retain(|a| a.until >= at.time);
        let before = self.watches.len();
        self.watches.retain(|after| *after >= at.time);
        if self.watches.len() < before {
            self.feed(now, Event::Block(at), tools, out);
        }
        if changed {
            out.push(Effect::RegistrationChanged);
        }
    }

    fn tx_ended(&mut self, now: Millis, ended: Held, tools: &mut Tools<'_>, out: &mut Vec<Effect>) {
        let Held { intent, executed } = ended;
        self.counters.tx_ended(&executed);
        self.note_outcome(&executed);
        let event = Event::TxDone {
            intent,
            at: executed.at,
            outcome: executed.outcome,
        };
        self.feed(now, event, tools, out);
    }

    fn note_outcome(&mut self, executed: &Executed) {
        match &executed.outcome {
            Ok(events) => {
                self.refused = None;
                for event in events {
                    match event {
                        MarketEvent::Stated(s) if s.meter == self.me => {
                            self.stated = self.stated.max(Some(s.window));
                        }
                        MarketEvent::ItemRefused(item) => {
                            self.refused = Some(format!("the chain refuses it: {}", item.code));
                        }
                        _ => {}
                    }
                }
            }
            Err(TxFailure::Refused(code)) => {
                self.refused = Some(format!("the chain refuses it: {code}"));
            }
            Err(TxFailure::Unknown(why) | TxFailure::Unsent(why)) => {
                self.refused = Some(why.clone());
            }
            Err(TxFailure::Lost) => {
                self.refused = Some("it is not known what became of it".to_owned());
            }
        }
    }

    /// Notes what a block did to this meter; false: nothing.
    fn record(&self, news: &BlockNews, out: &mut Vec<Effect>) -> bool {
        if !self.options.history {
            return false;
        }
        let mine = news.events.iter().filter(|e| is_history(e, self.me));
        let events: Vec<_> = mine.cloned().collect();
        let some = !events.is_empty();
        if some {
            out.push(Effect::Record {
                block: news.block,
                events,
            });
        }
        some
    }

    /// Everything up to the last block followed is noted, unless older ones are still to come.
    fn recorded(&self, out: &mut Vec<Effect>) {
        if self.options.history && self.caught_up {
            out.push(Effect::RecordedTo(self.block.height));
        }
    }

    /// Fires the timers that are due, the earliest first, and ends what has waited long enough.
    fn tick(&mut self, now: Millis, tools: &mut Tools<'_>, out: &mut Vec<Effect>) {
        let all = Timer::ALL.iter().zip(self.timers.iter());
        let mut due: Vec<(Millis, Timer)> = all
            .filter_map(|(timer, at)| at.filter(|at| *at <= now).map(|at| (at, *timer)))
            .collect();
        due.sort_unstable();
        for (at, timer) in due {
            let slot = self.timers.get_mut(timer.index());
            // An earlier one may have moved it.
            if let Some(slot) = slot.filter(|slot| **slot == Some(at)) {
                *slot = None;
                self.feed(now, Event::Timer(timer), tools, out);
            }
        }
        while let Some(at) = self.looked.iter().position(|l| l.until <= now) {
            tracing::debug!("not all sellers' records were read in time");
            let done = self.looked.swap_remove(at);
            self.lookup_done(now, done, tools, out);
        }
    }

    fn owner(&mut self, now: Millis, owner: Owner, tools: &mut Tools<'_>, out: &mut Vec<Effect>) {
        let event = match owner {
            Owner::Policy(policy) => Event::PolicyChanged(policy),
            Owner::Pause(paused) => Event::PolicyChanged(Box::new(Policy {
                paused,
                ..self.agent.policy().clone()
            })),
            Owner::Exchange(exchange) => Event::MeterExchanged(exchange),
            Owner::Decide { request, accept } => {
                let waiting = self.awaiting.len();
                self.awaiting.retain(|a| a.request != request);
                if self.awaiting.len() == waiting {
                    return;
                }
                self.tell(Notice::TradeDecided { request, accept }, out);
                Event::TradeDecided { request, accept }
            }
        };
        self.feed(now, event, tools, out);
    }

    fn tell(&mut self, notice: Notice, out: &mut Vec<Effect>) {
        self.counters.told(&notice);
        if let Notice::AwaitingApproval {
            request,
            partner,
            wh,
            price,
            selling,
            until,
        } = &notice
        {
            self.awaiting.push(Awaiting {
                request: *request,
                partner: *partner,
                wh: *wh,
                price: *price,
                selling: *selling,
                until: *until,
            });
            let too_many = self.awaiting.len().saturating_sub(AWAITING);
            self.awaiting.drain(..too_many);
        }
        let at = self.block.time;
        if self.options.notices > 0 {
            if self.notices.len() >= self.options.notices {
                self.notices.pop_front();
            }
            self.notices.push_back(Noticed {
                at,
                notice: notice.clone(),
            });
        }
        out.push(Effect::Tell {
            at,
            notice: Box::new(notice),
        });
    }

    /// One event goes into the agent; what it wants becomes effects.
    fn feed(&mut self, now: Millis, event: Event, tools: &mut Tools<'_>, out: &mut Vec<Effect>) {
        let mut commands = Vec::new();
        let mut cx = Context {
            signer: tools.signer,
            registry: tools.meters,
            workspace: &mut *tools.workspace,
            choice_clock: match &mut tools.choice_clock {
                Some(clock) => Some(&mut **clock),
                None => None,
            },
        };
        self.agent.handle(now, event, &mut cx, &mut commands);
        for command in commands {
            self.obey(now, command, out);
        }
    }

    fn obey(&mut self, now: Millis, command: Command, out: &mut Vec<Effect>) {
        let effect = match command {
            Command::Journal(entry) => {
                add(&mut self.counters.journal_entries, 1);
                if matches!(entry, JournalEntry::Approved { .. }) {
                    add(&mut self.counters.approvals, 1);
                }
                Effect::Persist(entry)
            }
            Command::Prune(before) => Effect::Prune(before),
            Command::Submit { intent, tx } => {
                add(&mut self.counters.transactions, 1);
                self.submitted.push(intent);
                Effect::Submit { intent, tx }
            }
            Command::Announce { location, record } => {
                add(&mut self.counters.announcements, 1);
                Effect::Announce { location, record }
            }
            Command::Withdraw { location } => Effect::Withdraw { location },
            Command::Lookup {
                lookup,
                locations,
                deadline,
            } => {
                self.looking.push((lookup, deadline));
                Effect::Lookup {
                    lookup,
                    locations,
                    deadline,
                }
            }
            Command::Ask { peer, request } => {
                add(&mut self.counters.requests_sent, 1);
                Effect::Ask { peer, request }
            }
            Command::Reply(answer) => return self.reply(answer, out),
            Command::SetTimer { timer, at } => {
                let at = at.max(Millis(now.0.saturating_add(1)));
                if let Some(slot) = self.timers.get_mut(timer.index()) {
                    *slot = Some(Millis(on_tick(at.0, true)));
                }
                return;
            }
            Command::ReadMeter { from, to } => Effect::ReadMeter { from, to },
            Command::WatchBlock { after } => {
                self.watches.push(after);
                Effect::WatchBlock { after }
            }
            Command::SetGate(gate) => Effect::SetGate(gate),
            Command::Tell(notice) => return self.tell(notice, out),
        };
        out.push(effect);
    }
}

/// The tick at or before a time, or at or after it.
fn on_tick(ms: u64, after: bool) -> u64 {
    let ticks = if after {
        ms.div_ceil(TICK_MS)
    } else {
        ms.checked_div(TICK_MS).unwrap_or(0)
    };
    ticks.saturating_mul(TICK_MS)
}
