//! The loop: one event at a time goes into the agent, what it wants is begun at once.

use crate::control::{Control, Handle};
use crate::follow::{Follower, News, WAITING_BLOCKS};
use crate::health::{Board, Part};
use crate::publish::Publisher;
use crate::registry::Registry;
use crate::start::{standing, Standing};
use crate::status::{Awaiting, Counters, Noticed};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use wattpool_core::context::{Context, Identity, Market};
use wattpool_core::io::{
    concerned, BlockRef, Command, Event, JournalEntry, Millis, Reading, Timer,
};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{GridGate, History, Journal, JournalError, Meter};
use wattpool_core::ports::ledger::{Executed, Ledger};
use wattpool_core::ports::network::{Discovery, Peers, Replier};
use wattpool_core::ports::Signer;
use wattpool_core::Agent;
use wattpool_optimizer::Workspace;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{SignedRecord, SignedRequest};
use wattpool_schema::{MeterId, Seconds, Window};

/// Requests of other meters that wait for the agent; more are not answered.
const WAITING_REQUESTS: usize = 64;
/// Ranges of windows that wait for the meter; what is dropped is asked for again.
pub(crate) const WAITING_READS: usize = 8;
/// The owner's wishes that wait.
const WAITING_CONTROLS: usize = 16;
/// With no timer set the loop still turns so often.
const IDLE: Duration = Duration::from_secs(3600);

/// What an agent stands on.
pub struct Ports<L, N, M> {
    /// The chain.
    pub ledger: Arc<L>,
    /// Other meters.
    pub network: Arc<N>,
    /// The meter.
    pub meter: Arc<M>,
    /// The gate to the national grid.
    pub gate: Arc<dyn GridGate>,
    /// What survives a crash.
    pub journal: Box<dyn Journal>,
    /// What the owner may look up later.
    pub history: Box<dyn History>,
    /// Keys.
    pub signer: Arc<dyn Signer + Send + Sync>,
}

/// Who the agent is, and how it begins.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The meter, as registered.
    pub identity: Identity,
    /// The market.
    pub market: Arc<Market>,
    /// The policy, unless the journal knows one.
    pub policy: Policy,
    /// Local time. It may be wrong: only differences count.
    pub started_at: Millis,
}

/// Why a runtime ended without a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// The chain has another registration of this meter now: another agent, device, zone or limits, or none.
    RegistrationChanged,
}

/// Why a runtime cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// What must be durable is not. The agent starts again from what is.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What a task brought.
pub(crate) enum Done {
    Nothing,
    Event(Event),
    Tx(u64, Executed),
}

/// Drives one agent.
pub struct Runtime<L, N, M> {
    pub(crate) agent: Agent,
    pub(crate) settings: Settings,
    pub(crate) ledger: Arc<L>,
    pub(crate) network: Arc<N>,
    meter: Arc<M>,
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) history: Box<dyn History>,
    signer: Arc<dyn Signer + Send + Sync>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) board: Arc<Board>,
    workspace: Workspace,
    begun: Instant,
    pub(crate) block: BlockRef,
    pub(crate) timers: BTreeMap<Timer, Millis>,
    /// Block times of which the first later block is to be told.
    pub(crate) watches: Vec<Seconds>,
    /// Transactions that ended in blocks not followed yet.
    held: Vec<Outcome>,
    pub(crate) tasks: JoinSet<Done>,
    pub(crate) publisher: Publisher<N>,
    /// Who waits for an answer, oldest first.
    pub(crate) repliers: VecDeque<((MeterId, u64), Replier)>,
    /// The newest offer of each meter met, for its peer id.
    pub(crate) offers: BTreeMap<MeterId, Arc<SignedRecord>>,
    pub(crate) reads: Option<mpsc::Sender<(Window, Window)>>,
    pub(crate) counters: Counters,
    pub(crate) awaiting: Vec<Awaiting>,
    pub(crate) notices: VecDeque<Noticed>,
    /// The history is complete up to the last block followed.
    caught_up: bool,
    changed: bool,
    controls: mpsc::Receiver<Control>,
    stop: watch::Receiver<bool>,
}

/// A transaction that ended, by the agent's number.
struct Outcome {
    intent: u64,
    executed: Executed,
}

impl<L, N, M> Runtime<L, N, M>
where
    L: Ledger + 'static,
    N: Discovery + Peers + 'static,
    M: Meter + 'static,
{
    /// A runtime that has not begun, and the hand on it. The registry is also what the network checks records with.
    pub fn new(
        settings: Settings,
        ports: Ports<L, N, M>,
        registry: Arc<Registry>,
    ) -> (Self, Handle) {
        let board = Arc::new(Board::new(ports.gate));
        let (to, controls) = mpsc::channel(WAITING_CONTROLS);
        let (stop, stopped) = watch::channel(false);
        let handle = Handle {
            to,
            stop: Arc::new(stop),
            board: Arc::clone(&board),
        };
        let agent = Agent::new(
            settings.identity.clone(),
            Arc::clone(&settings.market),
            settings.policy.clone(),
        );
        let runtime = Self {
            agent,
            settings,
            ledger: ports.ledger,
            publisher: Publisher::new(Arc::clone(&ports.network), Arc::clone(&board)),
            network: ports.network,
            meter: ports.meter,
            journal: ports.journal,
            history: ports.history,
            signer: ports.signer,
            registry,
            board,
            workspace: Workspace::new(),
            begun: Instant::now(),
            block: BlockRef::default(),
            timers: BTreeMap::new(),
            watches: Vec::new(),
            held: Vec::new(),
            tasks: JoinSet::new(),
            repliers: VecDeque::new(),
            offers: BTreeMap::new(),
            reads: None,
            counters: Counters::default(),
            awaiting: Vec::new(),
            notices: VecDeque::new(),
            caught_up: false,
            changed: false,
            controls,
            stop: stopped,
        };
        (runtime, handle)
    }

    /// Local time.
    pub(crate) fn now(&self) -> Millis {
        let passed = self.begun.elapsed().as_millis();
        self.settings
            .started_at
            .plus(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// Runs until it is told to stop, the registration changes or the journal fails.
    ///
    /// # Errors
    /// The journal fails: nothing may be done that would have to be remembered.
    pub async fn run(mut self) -> Result<Ended, RunError> {
        let metered_before = self
            .journal
            .entries()?
            .iter()
            .any(|e| matches!(e, JournalEntry::Metered { .. }));
        let (to, mut news) = mpsc::channel(WAITING_BLOCKS);
        let follower = Follower {
            ledger: Arc::clone(&self.ledger),
            registry: Arc::clone(&self.registry),
            board: Arc::clone(&self.board),
            window_s: self.settings.market.window_s,
            to,
        };
        let meter = Arc::clone(&self.meter);
        let id = self.settings.identity.meter;
        let starting = standing(follower.clone(), meter, id, metered_before);
        let mut starting = std::pin::pin!(starting);
        let begin = loop {
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Ok(Ended::Stopped),
                begin = &mut starting => break begin,
                Some(control) = self.controls.recv() => self.control(control)?,
            }
        };
        let (reads, mut readings) = self.read_meter();
        let (requests, asking) = self.listen();
        let mut background = Background(vec![reads, asking], Arc::clone(&self.board));
        background.0.extend(self.begin(begin, &follower)?);
        drop(follower);
        let mut requests = requests;
        loop {
            let due = self.next_due();
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => break,
                Some(news) = news.recv() => self.news(news)?,
                Some(done) = self.tasks.join_next() => self.done(done)?,
                Some(reading) = readings.recv() => self.reading(reading)?,
                () = tokio::time::sleep_until(due) => self.fire()?,
                Some(control) = self.controls.recv() => self.control(control)?,
                Some((request, replier)) = requests.recv() => self.request(request, replier)?,
            }
            if self.changed {
                tracing::warn!("the meter's registration has changed");
                self.publisher.farewell().await;
                return Ok(Ended::RegistrationChanged);
            }
        }
        self.publisher.farewell().await;
        Ok(Ended::Stopped)
    }

    /// The agent takes up what it journalled, in the running window; then the chain is followed.
    fn begin(
        &mut self,
        begin: Standing,
        follower: &Follower<L>,
    ) -> Result<Vec<JoinHandle<()>>, RunError> {
        let Standing {
            head,
            position,
            terms,
            installed,
        } = begin;
        self.block = head;
        let journal = self.journal.entries()?;
        self.feed(Event::Started { journal, position })?;
        if let Some(reading) = installed {
            self.reading(reading)?;
        }
        let window = terms.now;
        self.open(terms)?;
        let noted = match self.history.noted_to() {
            Ok(noted) => noted,
            Err(error) => {
                self.board.trouble(Part::History, &error);
                None
            }
        };
        let mut following = vec![tokio::spawn(follower.clone().follow(head, window))];
        match noted.filter(|n| *n < head.height) {
            Some(from) => {
                let catching_up = follower.clone().catch_up(from, head.height);
                following.push(tokio::spawn(catching_up));
            }
            None => self.caught_up = true,
        }
        Ok(following)
    }

    /// A task that reads the meter, range by range, asking again while it is silent.
    fn read_meter(&mut self) -> (JoinHandle<()>, mpsc::Receiver<Reading>) {
        let (ask, mut asked) = mpsc::channel::<(Window, Window)>(WAITING_READS);
        let (to, readings) = mpsc::channel(1);
        self.reads = Some(ask);
        let (meter, board) = (Arc::clone(&self.meter), Arc::clone(&self.board));
        let task = tokio::spawn(async move {
            while let Some((from, through)) = asked.recv().await {
                let mut window = from;
                while window <= through {
                    let reading = crate::carry::registers(&*meter, &board, window).await;
                    if let Some(reading) = reading {
                        if to.send(reading).await.is_err() {
                            return;
                        }
                    }
                    window = window.next();
                }
            }
        });
        (task, readings)
    }

    /// A task that takes requests of other meters. When too many wait, the asker gets silence.
    fn listen(&self) -> (mpsc::Receiver<(SignedRequest, Replier)>, JoinHandle<()>) {
        let (to, requests) = mpsc::channel(WAITING_REQUESTS);
        let network = Arc::clone(&self.network);
        let task = tokio::spawn(async move {
            while let Some(request) = network.next_request().await {
                match to.try_send(request) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        tracing::debug!("a request is left unanswered: too many wait");
                    }
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
        });
        (requests, task)
    }

    /// One event goes in; what the agent wants is begun, in its order.
    pub(crate) fn feed(&mut self, event: Event) -> Result<(), RunError> {
        let now = self.now();
        let mut out: Vec<Command> = Vec::new();
        let mut cx = Context {
            signer: &*self.signer,
            registry: &*self.registry,
            workspace: &mut self.workspace,
            choice_clock: None,
        };
        self.agent.handle(now, event, &mut cx, &mut out);
        for command in out {
            self.carry(command)?;
        }
        Ok(())
    }

    fn open(&mut self, terms: Arc<wattpool_core::io::WindowTerms>) -> Result<(), RunError> {
        let live = terms.live();
        self.counters.windows = self.counters.windows.saturating_add(1);
        self.offers
            .retain(|_, record| record.expires_at() >= terms.at.time);
        self.noted();
        self.feed(Event::WindowOpened(terms))?;
        self.board.started();
        self.ask_meter(live, live);
        Ok(())
    }

    fn reading(&mut self, reading: Reading) -> Result<(), RunError> {
        self.counters.readings = self.counters.readings.saturating_add(1);
        self.feed(Event::Reading(reading))
    }

    fn news(&mut self, news: News) -> Result<(), RunError> {
        match news {
            News::Window(terms) => self.open(terms)?,
            News::Missed(window) => {
                tracing::warn!(%window, "a window was over before it could be opened");
                self.counters.windows_missed = self.counters.windows_missed.saturating_add(1);
            }
            News::Past(past, last) => {
                self.note_events(past.block, &past.events);
                if last {
                    self.caught_up = true;
                    self.noted();
                }
            }
            News::Block(news) => {
                self.block = news.block;
                self.counters.blocks = self.counters.blocks.saturating_add(1);
                if self.note_events(news.block, &news.events) {
                    self.noted();
                }
                let me = self.settings.identity.meter;
                for event in news.events {
                    self.count_sale(&event);
                    self.changed |= registers_anew(&event, me);
                    if is_news(&event, me) {
                        let at = news.block;
                        self.feed(Event::Chain { at, event })?;
                    }
                }
                self.release_held()?;
                let before = self.watches.len();
                self.watches.retain(|after| *after >= news.block.time);
                if self.watches.len() < before {
                    self.feed(Event::Block(news.block))?;
                }
            }
        }
        Ok(())
    }

    /// Transactions of blocks that have been followed meanwhile.
    fn release_held(&mut self) -> Result<(), RunError> {
        let height = self.block.height;
        let held = std::mem::take(&mut self.held);
        let (due, held) = held
            .into_iter()
            .partition(|e| e.executed.at.height <= height);
        self.held = held;
        let due: Vec<Outcome> = due;
        for ended in due {
            self.tx_done(ended)?;
        }
        Ok(())
    }

    fn tx_done(&mut self, ended: Outcome) -> Result<(), RunError> {
        let Outcome { intent, executed } = ended;
        self.count_outcome(&executed);
        self.feed(Event::TxDone {
            intent,
            at: executed.at,
            outcome: executed.outcome,
        })
    }

    fn done(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<(), RunError> {
        match done {
            Ok(Done::Nothing) => Ok(()),
            Ok(Done::Event(event)) => {
                self.before(&event);
                self.feed(event)
            }
            Ok(Done::Tx(intent, executed)) => {
                let ended = Outcome { intent, executed };
                // What the block did to this meter comes first: an approval must not be freed before its sale is seen.
                if ended.executed.at.height > self.block.height {
                    self.held.push(ended);
                    return Ok(());
                }
                self.tx_done(ended)
            }
            Err(error) => {
                tracing::error!(%error, "a task of the runtime failed");
                Ok(())
            }
        }
    }

    fn next_due(&self) -> Instant {
        let now = self.now();
        let wait = self
            .timers
            .values()
            .min()
            .map_or(IDLE, |at| Duration::from_millis(at.since(now)).min(IDLE));
        Instant::now()
            .checked_add(wait)
            .unwrap_or_else(Instant::now)
    }

    /// Fires the timers that are due, the earliest first.
    fn fire(&mut self) -> Result<(), RunError> {
        let now = self.now();
        let mut due: Vec<(Millis, Timer)> = self
            .timers
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(timer, at)| (*at, *timer))
            .collect();
        due.sort_unstable();
        for (at, timer) in due {
            // An earlier one may have moved it.
            if self.timers.get(&timer) == Some(&at) {
                self.timers.remove(&timer);
                self.feed(Event::Timer(timer))?;
            }
        }
        Ok(())
    }

    /// Notes what a block did to this meter; false: nothing.
    fn note_events(&mut self, block: BlockRef, events: &[MarketEvent]) -> bool {
        let me = self.settings.identity.meter;
        let mine = |e: &&MarketEvent| meter_of(e, me);
        let mine: Vec<MarketEvent> = events.iter().filter(mine).cloned().collect();
        if mine.is_empty() {
            return false;
        }
        let noted = self.history.note_events(block, &mine);
        self.history_went(noted);
        true
    }

    /// Everything up to the last block followed is noted, unless older ones are still to come.
    fn noted(&mut self) {
        if self.caught_up {
            let noted = self.history.set_noted_to(self.block.height);
            self.history_went(noted);
        }
    }

    pub(crate) fn history_went(&self, outcome: Result<(), JournalError>) {
        match outcome {
            Ok(()) => self.board.well(Part::History),
            Err(error) => self.board.trouble(Part::History, &error),
        }
    }
}

/// Whether an event is of a meter's history.
fn meter_of(event: &MarketEvent, me: MeterId) -> bool {
    match event {
        MarketEvent::Stated(s) => s.meter == me,
        MarketEvent::StatedTooOld(s) => s.meter == me,
        MarketEvent::OrderWindow(o) => o.seller == me || o.buyer == me,
        MarketEvent::OrderOpened(o) => o.seller == me || o.buyer == me,
        _ => concerned(event).contains(&Some(me)) || registers_anew(event, me),
    }
}

/// The chain has another registration of the meter.
fn registers_anew(event: &MarketEvent, me: MeterId) -> bool {
    match event {
        MarketEvent::MeterRegistered(m) => m.meter == me,
        MarketEvent::MeterUpdated(m) => m.meter == me,
        MarketEvent::DeviceSet(m) => m.meter == me,
        MarketEvent::AgentSet(m) => m.meter == me,
        MarketEvent::MeterRetired(m) => m.meter == me,
        _ => false,
    }
}

/// What the agent must hear of. What its own transactions did comes with their outcome and is of the buying
/// side; heard a second time it changes nothing.
fn is_news(event: &MarketEvent, me: MeterId) -> bool {
    matches!(event, MarketEvent::PauseSet(_)) || concerned(event).contains(&Some(me))
}

/// Waits until the runtime is told to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could tell.
        std::future::pending::<()>().await;
    }
}

/// Tasks that end with the runtime. Without an agent nothing limits the home.
struct Background(Vec<JoinHandle<()>>, Arc<Board>);

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
        self.1.leave();
    }
}
