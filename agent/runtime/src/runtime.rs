//! The loop: one input at a time goes into the host, what it wants is begun at once.

use crate::control::{Control, Handle};
use crate::follow::{Follower, News, WAITING_BLOCKS};
use crate::health::{Board, Part};
use crate::publish::Publisher;
use crate::registry::Registry;
use crate::start::{standing, Standing};
use crate::time::LocalClock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use wattpool_core::context::{Identity, Market};
use wattpool_core::io::{JournalEntry, Millis, Reading};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{GridGate, History, Journal, JournalError, Meter};
use wattpool_core::ports::ledger::Ledger;
use wattpool_core::ports::network::{Discovery, Peers, Replier};
use wattpool_core::ports::Signer;
use wattpool_host::{Effect, Host, Input, Options, Start, Tools};
use wattpool_optimizer::Workspace;
use wattpool_schema::peer::SignedRequest;
use wattpool_schema::Window;

/// Requests of other meters that wait for the agent; more are not answered.
const WAITING_REQUESTS: usize = 64;
/// Ranges of windows that wait for the meter; what is dropped is asked for again.
pub(crate) const WAITING_READS: usize = 8;
/// The owner's wishes that wait.
const WAITING_CONTROLS: usize = 16;
/// Things told that are kept in memory.
const NOTICES: usize = 50;
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
    Input(Input),
}

/// Sees every effect before it is carried out.
pub type Observer = Box<dyn FnMut(Millis, &Effect) + Send>;

/// Drives one agent.
pub struct Runtime<L, N, M> {
    pub(crate) host: Host,
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
    clock: LocalClock,
    pub(crate) tasks: JoinSet<Done>,
    pub(crate) publisher: Publisher<N>,
    /// Who waits for an answer, by ticket.
    pub(crate) repliers: BTreeMap<u64, Replier>,
    pub(crate) tickets: u64,
    pub(crate) reads: Option<mpsc::Sender<(Window, Window)>>,
    pub(crate) follower: Option<Follower<L>>,
    background: Vec<JoinHandle<()>>,
    /// Tasks that follow the chain for this life of the agent.
    pub(crate) following: Vec<JoinHandle<()>>,
    pub(crate) changed: bool,
    effects: Vec<Effect>,
    observer: Option<Observer>,
    controls: mpsc::Receiver<Control>,
    stop: watch::Receiver<bool>,
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
        let clock = LocalClock {
            begun: Instant::now(),
            started_at: settings.started_at,
        };
        let options = Options {
            notices: NOTICES,
            history: true,
        };
        let host = Host::new(
            settings.identity.clone(),
            Arc::clone(&settings.market),
            policy_in(&*ports.journal).unwrap_or_else(|| settings.policy.clone()),
            options,
        );
        let runtime = Self {
            host,
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
            clock,
            tasks: JoinSet::new(),
            repliers: BTreeMap::new(),
            tickets: 0,
            reads: None,
            follower: None,
            background: Vec::new(),
            following: Vec::new(),
            changed: false,
            effects: Vec::new(),
            observer: None,
            controls,
            stop: stopped,
        };
        (runtime, handle)
    }

    /// Has every effect seen before it is carried out.
    #[must_use]
    pub fn observed(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Local time.
    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Runs until it is told to stop, the registration changes or the journal fails.
    ///
    /// # Errors
    /// The journal fails: nothing may be done that would have to be remembered.
    pub async fn run(mut self) -> Result<Ended, RunError> {
        let mut readings = self.read_meter();
        let mut requests = self.listen();
        loop {
            match self.live(&mut readings, &mut requests).await? {
                Some(ended) => {
                    if ended == Ended::RegistrationChanged {
                        tracing::warn!("the meter's registration has changed");
                    }
                    self.publisher.farewell().await;
                    return Ok(ended);
                }
                None => self.begin_again(),
            }
        }
    }

    /// From a start to an end; none when blocks are not to be had any more and the agent has to begin again from its
    /// journal and the chain's state.
    async fn live(
        &mut self,
        readings: &mut mpsc::Receiver<Reading>,
        requests: &mut mpsc::Receiver<(SignedRequest, Replier)>,
    ) -> Result<Option<Ended>, RunError> {
        let metered_before = self
            .journal
            .entries()?
            .iter()
            .any(|e| matches!(e, JournalEntry::Metered { .. }));
        let (to, mut news) = mpsc::channel(WAITING_BLOCKS);
        let market = &self.settings.market;
        let follower = Follower {
            ledger: Arc::clone(&self.ledger),
            registry: Arc::clone(&self.registry),
            board: Arc::clone(&self.board),
            window_s: market.window_s,
            block_ms: market.timing.block_ms,
            clock: self.clock,
            to,
        };
        let meter = Arc::clone(&self.meter);
        let id = self.settings.identity.meter;
        let starting = standing(follower.clone(), meter, id, metered_before);
        let mut starting = std::pin::pin!(starting);
        let begin = loop {
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Ok(Some(Ended::Stopped)),
                begin = &mut starting => break begin,
                Some(control) = self.controls.recv() => self.control(control)?,
                // Without the chain there is nothing to answer: the asker is let go.
                Some(_) = requests.recv() => {}
            }
        };
        self.follower = Some(follower.clone());
        self.begin(begin, follower)?;
        loop {
            let due = self.next_due();
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Ok(Some(Ended::Stopped)),
                Some(news) = news.recv() => match news {
                    News::Input(input) => self.take(input)?,
                    News::LeftBehind => return Ok(None),
                },
                Some(done) = self.tasks.join_next() => self.done(done)?,
                Some(reading) = readings.recv() => self.take(Input::Reading(reading))?,
                () = tokio::time::sleep_until(due) => self.take(Input::Tick)?,
                Some(control) = self.controls.recv() => self.control(control)?,
                Some((request, replier)) = requests.recv() => self.request(request, replier)?,
            }
            if self.changed {
                return Ok(Some(Ended::RegistrationChanged));
            }
        }
    }

    /// What was under way is given up as in a crash; what is journalled goes on.
    fn begin_again(&mut self) {
        tracing::warn!("the agent goes on from the chain's state");
        for task in self.following.drain(..) {
            task.abort();
        }
        self.tasks = JoinSet::new();
        self.repliers.clear();
        self.host = self.host.again();
    }

    /// The agent takes up what it journalled, in the running window; then the chain is followed.
    fn begin(&mut self, begin: Standing, follower: Follower<L>) -> Result<(), RunError> {
        let Standing {
            head,
            position,
            today,
            terms,
            installed,
        } = begin;
        let noted_to = match self.history.noted_to() {
            Ok(noted) => noted,
            Err(error) => {
                self.board.trouble(Part::History, &error);
                None
            }
        };
        let window = terms.now;
        self.registry.write().open(&terms);
        let start = Start {
            head,
            position,
            today,
            terms: Some(terms),
            journal: self.journal.entries()?,
            installed,
            noted_to,
        };
        self.take(Input::Start(Box::new(start)))?;
        let fees = crate::fees::watch(Arc::clone(&self.ledger), Arc::clone(&self.board));
        self.following.push(tokio::spawn(fees));
        let following = tokio::spawn(follower.follow(head, window));
        self.following.push(following);
        Ok(())
    }

    /// A task that reads the meter, range by range, asking again while it is silent.
    fn read_meter(&mut self) -> mpsc::Receiver<Reading> {
        let (ask, mut asked) = mpsc::channel::<(Window, Window)>(WAITING_READS);
        let (to, readings) = mpsc::channel(1);
        self.reads = Some(ask);
        let (meter, board) = (Arc::clone(&self.meter), Arc::clone(&self.board));
        let task = tokio::spawn(async move {
            while let Some((from, through)) = asked.recv().await {
                let mut window = from;
                while window <= through {
                    let reading = crate::effects::registers(&*meter, &board, window).await;
                    if let Some(reading) = reading {
                        if to.send(reading).await.is_err() {
                            return;
                        }
                    }
                    window = window.next();
                }
            }
        });
        self.background.push(task);
        readings
    }

    /// A task that takes requests of other meters. When too many wait, the asker gets silence.
    fn listen(&mut self) -> mpsc::Receiver<(SignedRequest, Replier)> {
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
        self.background.push(task);
        requests
    }

    /// One input goes in; what the host wants is begun, in its order.
    pub(crate) fn take(&mut self, input: Input) -> Result<(), RunError> {
        if matches!(input, Input::Start(_) | Input::Window(_)) {
            self.board.started();
        }
        let now = self.now();
        let mut effects = std::mem::take(&mut self.effects);
        {
            let meters = self.registry.read();
            let mut tools = Tools {
                signer: &*self.signer,
                meters: &meters,
                workspace: &mut self.workspace,
                choice_clock: None,
            };
            self.host.take(now, input, &mut tools, &mut effects);
        }
        for effect in effects.drain(..) {
            if let Some(observer) = &mut self.observer {
                observer(now, &effect);
            }
            self.execute(effect)?;
        }
        self.effects = effects;
        self.board.knows(self.host.facts());
        Ok(())
    }

    fn done(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<(), RunError> {
        match done {
            Ok(Done::Nothing) => Ok(()),
            Ok(Done::Input(input)) => self.take(input),
            Err(error) => {
                tracing::error!(%error, "a task of the runtime failed");
                Ok(())
            }
        }
    }

    fn next_due(&self) -> Instant {
        let now = self.now();
        let wait = self
            .host
            .next_due()
            .map_or(IDLE, |at| Duration::from_millis(at.since(now)).min(IDLE));
        Instant::now()
            .checked_add(wait)
            .unwrap_or_else(Instant::now)
    }

    pub(crate) fn history_went(&self, outcome: Result<(), JournalError>) {
        match outcome {
            Ok(()) => self.board.well(Part::History),
            Err(error) => self.board.trouble(Part::History, &error),
        }
    }
}

/// The policy that the owner set last. A journal that cannot be read says so when the runtime runs.
fn policy_in(journal: &dyn Journal) -> Option<Policy> {
    let entries = journal.entries().ok()?;
    entries.into_iter().rev().find_map(|entry| match entry {
        JournalEntry::Policy(policy) => Some(*policy),
        _ => None,
    })
}

/// Background tasks end with the runtime. Without an agent nothing limits the home.
impl<L, N, M> Drop for Runtime<L, N, M> {
    fn drop(&mut self) {
        for task in self.background.iter().chain(&self.following) {
            task.abort();
        }
        self.board.leave();
    }
}

/// Waits until the runtime is told to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could tell.
        std::future::pending::<()>().await;
    }
}
