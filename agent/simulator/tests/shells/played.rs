//! A world that plays a tapped home's script to a real runtime.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use wattpool_core::io::{of_use, BlockRef, Gate, JournalEntry, MarketTx, Millis, Notice, Reading};
use wattpool_core::ports::home::{GridGate, History, Journal, JournalError, Meter, MeterError};
use wattpool_core::ports::ledger::{BlockNews, Executed, Ledger, LedgerError, Terms};
use wattpool_core::ports::network::{Discovery, Found, NetworkError, Peers, Replier};
use wattpool_core::ports::{MeterInfo, SellerRecord};
use wattpool_host::{Counters, Effect, Input, Start};
use wattpool_runtime::{Ports, Registry, Runtime, Settings};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Location, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::pool::{MeterPosition, Tariffs};
use wattpool_schema::{MeterId, Micro, Seconds, Window};
use wattpool_simulator::Tap;

/// A reading comes so soon after it was asked for, or not at all.
const METER_MS: u64 = 60;
/// After the last thing that happened.
const END_MS: u64 = 5_000;

/// An input, and its local time in the runtime: the millisecond after its tick that its place in the tick gives it.
struct Heard {
    tick: u64,
    at: u64,
    input: Input,
    taken: bool,
}

struct State {
    heard: Vec<Heard>,
    /// What the runtime begins before the port that it begins it through is called.
    submits: VecDeque<u64>,
    lookups: VecDeque<u32>,
    asks: VecDeque<(u64, MeterId)>,
    journal: Vec<JournalEntry>,
    effects: Vec<(u64, Effect)>,
    crashes: VecDeque<(usize, bool)>,
    /// The journal fails now; whether the entry is kept.
    failing: Option<bool>,
    start: Start,
    /// Nothing has been wanted since the start.
    starting: bool,
    told_twice: BTreeSet<u64>,
}

/// The script and the world that plays it.
pub struct Played {
    tap: Tap,
    blocks: Vec<(u64, BlockNews)>,
    twice: bool,
    begun: Mutex<Option<(Instant, u64)>>,
    state: Mutex<State>,
}

/// What the runtime wanted.
pub struct Sent {
    pub effects: Vec<(u64, Effect)>,
    pub starts: usize,
    /// What the last life had counted at the end of the script, unless it ended before.
    pub counted: Option<Counters>,
}

impl Played {
    pub fn new(mut tap: Tap, twice: bool) -> Arc<Self> {
        let mut heard: Vec<Heard> = Vec::new();
        for (tick, input) in std::mem::take(&mut tap.inputs) {
            // Ticks are the runtime's own.
            if matches!(input, Input::Tick) {
                continue;
            }
            let before = heard.iter().rev().take_while(|h| h.tick == tick).count() as u64;
            assert!(before < 9, "more than a tick can hold at {tick}");
            let at = tick + before + 1;
            let taken = false;
            heard.push(Heard {
                tick,
                at,
                input,
                taken,
            });
        }
        let start = heard.iter().find_map(|h| match &h.input {
            Input::Start(start) => Some((**start).clone()),
            _ => None,
        });
        // Every window has a first block, and agents hear of it with the window.
        let mut blocks: BTreeMap<u64, (u64, BlockNews)> = BTreeMap::new();
        for (tick, terms) in &tap.windows {
            let mine = |h: &&Heard| {
                h.tick == *tick && matches!(&h.input, Input::Window(t) if t.at == terms.at)
            };
            let at = heard.iter().find(mine).map_or(*tick + 9, |h| h.at);
            let news = BlockNews {
                block: terms.at,
                events: Vec::new(),
            };
            blocks.insert(terms.at.height, (at, news));
        }
        for (tick, news) in std::mem::take(&mut tap.blocks) {
            let mine = |h: &&Heard| match &h.input {
                Input::Block(b) => h.tick == tick && b.block == news.block,
                Input::Window(terms) => h.tick == tick && terms.at == news.block,
                _ => false,
            };
            // The last of what the host hears with it: outcomes come before their block.
            let at = heard.iter().filter(mine).map(|h| h.at).max();
            blocks.insert(news.block.height, (at.unwrap_or(tick + 9), news));
        }
        let state = State {
            heard,
            submits: VecDeque::new(),
            lookups: VecDeque::new(),
            asks: VecDeque::new(),
            journal: Vec::new(),
            effects: Vec::new(),
            crashes: tap.crashes.iter().copied().collect(),
            failing: None,
            starting: true,
            told_twice: BTreeSet::new(),
            start: start.expect("the home starts"),
        };
        Arc::new(Self {
            tap,
            blocks: blocks.into_values().collect(),
            twice,
            begun: Mutex::new(None),
            state: Mutex::new(state),
        })
    }

    fn now(&self) -> u64 {
        let (begun, at) = self.begun.lock().unwrap().expect("it runs");
        at + begun.elapsed().as_millis() as u64
    }

    async fn until(&self, at: u64) {
        tokio::time::sleep(Duration::from_millis(at.saturating_sub(self.now()))).await;
    }

    /// Takes the first input not taken yet that fits, from now on or, where `within` is given, within so much.
    fn next<T>(
        &self,
        within: Option<u64>,
        fits: impl Fn(&Input) -> Option<T>,
    ) -> Option<(Taken<'_>, T)> {
        let now = self.now();
        let mut state = self.state.lock().unwrap();
        let mut all = state.heard.iter_mut().enumerate();
        let (index, at, found) = all.find_map(|(index, h)| {
            let in_time = h.tick + 10 > now && within.is_none_or(|w| h.tick <= now + w);
            let found = (!h.taken && in_time).then(|| fits(&h.input)).flatten()?;
            h.taken = true;
            Some((index, h.at, found))
        })?;
        let taken = Taken {
            played: self,
            index,
            at,
            heard: false,
        };
        Some((taken, found))
    }

    /// Waits for such an input; for ever if there is none.
    async fn hear<T>(&self, fits: impl Fn(&Input) -> Option<T>) -> T {
        match self.next(None, fits) {
            Some((taken, found)) => {
                taken.wait().await;
                found
            }
            None => std::future::pending().await,
        }
    }

    fn observe(&self, at: Millis, effect: &Effect) {
        let mut state = self.state.lock().unwrap();
        state.starting = false;
        state.effects.push((at.0 / 10 * 10, effect.clone()));
        match effect {
            Effect::Submit { intent, .. } => state.submits.push_back(*intent),
            Effect::Lookup { lookup, .. } => state.lookups.push_back(*lookup),
            Effect::Ask { request, .. } => {
                let r = &request.request;
                state.asks.push_back((r.id, r.seller));
            }
            Effect::Persist(_) => {
                // What only the runtime wants is not in the script.
                let own = |e: &Effect| {
                    matches!(
                        e,
                        Effect::FetchSellers { .. }
                            | Effect::Record { .. }
                            | Effect::RecordTariffs { .. }
                            | Effect::RecordedTo(_)
                            | Effect::CatchUp { .. }
                    )
                };
                let wanted = state.effects.iter().filter(|(_, e)| !own(e)).count();
                if let Some((_, durable)) = state.crashes.front().filter(|(n, _)| *n == wanted) {
                    state.failing = Some(*durable);
                    state.crashes.pop_front();
                }
            }
            _ => {}
        }
    }
}

/// An input that somebody waits for. Who is killed before it comes leaves it to the next one.
struct Taken<'p> {
    played: &'p Played,
    index: usize,
    at: u64,
    heard: bool,
}

impl Taken<'_> {
    async fn wait(mut self) {
        self.played.until(self.at).await;
        self.heard = true;
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.heard {
            self.played.state.lock().unwrap().heard[self.index].taken = false;
        }
    }
}

impl Ledger for Played {
    async fn head(&self) -> Result<BlockRef, LedgerError> {
        let now = self.now();
        let start = self.state.lock().unwrap().start.head;
        let told = self.blocks.iter().rev().find(|(at, _)| *at <= now);
        Ok(told.map_or(start, |(_, news)| news.block.max(start)))
    }

    async fn execute(&self, _: MarketTx) -> Executed {
        let intent = self.state.lock().unwrap().submits.pop_front().unwrap();
        self.hear(|input| match input {
            Input::TxEnded {
                intent: i,
                executed,
            } if *i == intent => Some(executed.clone()),
            _ => None,
        })
        .await
    }

    async fn next_block(&self, after: u64) -> Result<BlockNews, LedgerError> {
        let next = |after| self.blocks.iter().find(|(_, n)| n.block.height > after);
        let last = self
            .blocks
            .iter()
            .rev()
            .find(|(_, n)| n.block.height <= after);
        match (next(after), last) {
            // A node may tell of a block once more: half of them here.
            (_, Some((_, news))) if self.twice && self.again(news.block.height) => Ok(news.clone()),
            (Some((at, news)), _) => {
                self.until(*at).await;
                Ok(news.clone())
            }
            (None, _) => std::future::pending().await,
        }
    }

    async fn position(&self, _: MeterId) -> Result<MeterPosition, LedgerError> {
        Ok(self.state.lock().unwrap().start.position.clone())
    }

    async fn terms(&self, metered: Window) -> Result<Terms, LedgerError> {
        let all = self.tap.windows.iter().map(|(_, terms)| terms);
        let terms = all.into_iter().find(|t| t.live() == metered);
        let terms = terms.expect("a window of the script");
        Ok(Terms {
            tariffs: terms.tariffs,
            pairs: terms.pairs.clone(),
            paused: terms.paused,
        })
    }

    async fn meters(&self) -> Result<Vec<(MeterId, MeterInfo)>, LedgerError> {
        Ok(self.tap.meters.clone())
    }

    async fn seller(&self, meter: MeterId) -> Result<SellerRecord, LedgerError> {
        let head = self.head().await?;
        let mut record = SellerRecord::default();
        for (_, news) in self
            .blocks
            .iter()
            .filter(|(_, n)| n.block.height <= head.height)
        {
            for event in &news.events {
                match event {
                    MarketEvent::TradeClosed(trade) if trade.seller == meter => record.count(trade),
                    _ => {}
                }
            }
        }
        Ok(record)
    }

    async fn fees_left(&self) -> Result<Option<Micro>, LedgerError> {
        Ok(None)
    }
}

impl Played {
    /// True once for every other block.
    fn again(&self, height: u64) -> bool {
        height % 2 == 1 && self.state.lock().unwrap().told_twice.insert(height)
    }
}

impl Discovery for Played {
    async fn announce(&self, _: Location, _: Arc<SignedRecord>) -> Result<(), NetworkError> {
        Ok(())
    }
    async fn withdraw(&self, _: Location) {}
    async fn lookup(&self, _: Vec<Location>, _: Duration) -> Found {
        let lookup = self.state.lock().unwrap().lookups.pop_front().unwrap();
        let (records, complete) = self
            .hear(|input| match input {
                Input::Looked {
                    lookup: l,
                    records,
                    complete,
                } if *l == lookup => Some((records.clone(), *complete)),
                _ => None,
            })
            .await;
        Found { records, complete }
    }
}

impl Peers for Played {
    async fn ask(
        &self,
        _: Vec<u8>,
        _: SignedRequest,
        _: Duration,
    ) -> Result<TradeAnswer, NetworkError> {
        let asked = self.state.lock().unwrap().asks.pop_front().unwrap();
        let answer = self.hear(|input| match input {
            Input::Answer(a) if (a.id, a.seller) == asked => Some((**a).clone()),
            _ => None,
        });
        Ok(answer.await)
    }
    async fn next_request(&self) -> Option<(SignedRequest, Replier)> {
        let request = self.hear(|input| match input {
            Input::Request { request, .. } => Some((**request).clone()),
            _ => None,
        });
        Some((request.await, Box::new(|_| ())))
    }
}

impl Meter for Played {
    async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
        let installed = {
            let state = self.state.lock().unwrap();
            state.start.installed.filter(|_| state.starting)
        };
        if let Some(reading) = installed {
            return Ok(reading);
        }
        let read = self.next(Some(METER_MS), |input| match input {
            Input::Reading(reading) if reading.window == end_of => Some(*reading),
            _ => None,
        });
        match read {
            Some((taken, reading)) => {
                taken.wait().await;
                Ok(reading)
            }
            None => Err(MeterError::NotKept {
                window: end_of,
                why: "not in the script".into(),
            }),
        }
    }
}

impl GridGate for Played {
    fn set(&self, _: Gate) {}
}

struct Paper(Arc<Played>);

impl Journal for Paper {
    fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let mut state = self.0.state.lock().unwrap();
        let failing = state.failing.take();
        if failing != Some(false) {
            state.journal.push(entry.clone());
        }
        match failing {
            None => Ok(()),
            Some(_) => Err(JournalError {
                file: "paper".into(),
                why: "the agent is killed".into(),
            }),
        }
    }
    fn entries(&self) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.0.state.lock().unwrap().journal.clone())
    }
    fn prune(&mut self, before: Window) -> Result<(), JournalError> {
        let mut state = self.0.state.lock().unwrap();
        let mut keep = of_use(&state.journal, before).into_iter();
        state.journal.retain(|_| keep.next().unwrap());
        Ok(())
    }
}

impl History for Paper {
    fn noted_to(&self) -> Result<Option<u64>, JournalError> {
        Ok(None)
    }
    fn set_noted_to(&mut self, _: u64) -> Result<(), JournalError> {
        Ok(())
    }
    fn note_events(&mut self, _: BlockRef, _: &[MarketEvent]) -> Result<(), JournalError> {
        Ok(())
    }
    fn note_tariffs(&mut self, _: Window, _: Tariffs) -> Result<(), JournalError> {
        Ok(())
    }
    fn note(&mut self, _: Seconds, _: &Notice) -> Result<(), JournalError> {
        Ok(())
    }
}

/// The runtime lives through the script, killed and started again as the simulated agent was.
pub fn replay(played: Arc<Played>) -> Sent {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (starts, end) = {
        let state = played.state.lock().unwrap();
        let starts = state.heard.iter().filter_map(|h| match &h.input {
            Input::Start(start) => Some((h.tick, (**start).clone())),
            _ => None,
        });
        let starts: Vec<(u64, Start)> = starts.collect();
        let last = state.heard.last().map_or(0, |h| h.tick);
        let last = last.max(played.tap.effects.last().map_or(0, |(at, _)| *at));
        (starts, last + END_MS)
    };
    let (mut lived, mut counted) = (0, None);
    tokio.block_on(async {
        let who = played.tap.who.as_ref().unwrap();
        let registry = Arc::new(Registry::new(Arc::clone(&who.signer)));
        *played.begun.lock().unwrap() = Some((Instant::now(), starts[0].0));
        for (at, start) in starts {
            // A late duplicate of a start is one of a dead agent.
            played.until(at).await;
            {
                let mut state = played.state.lock().unwrap();
                state.start = start;
                state.starting = true;
                state.submits.clear();
                state.lookups.clear();
                state.asks.clear();
            }
            let settings = Settings {
                identity: who.identity.clone(),
                market: Arc::clone(&who.market),
                policy: who.policy.clone(),
                started_at: Millis(played.now()),
            };
            let ports = Ports {
                ledger: Arc::clone(&played),
                network: Arc::clone(&played),
                meter: Arc::clone(&played),
                gate: Arc::clone(&played) as Arc<dyn GridGate>,
                journal: Box::new(Paper(Arc::clone(&played))),
                history: Box::new(Paper(Arc::clone(&played))),
                signer: Arc::clone(&who.signer),
            };
            let (runtime, handle) = Runtime::new(settings, ports, Arc::clone(&registry));
            let seen = Arc::clone(&played);
            let runtime = runtime.observed(Box::new(move |at, effect| seen.observe(at, effect)));
            lived += 1;
            // Until it is killed, or the script is over.
            let rest = Duration::from_millis(end.saturating_sub(played.now()));
            let mut running = std::pin::pin!(runtime.run());
            let over = tokio::time::timeout(rest, &mut running).await.is_err();
            if over {
                tokio::select! {
                    status = handle.status() => counted = Some(status.unwrap().counters),
                    _ = &mut running => {}
                }
            }
        }
    });
    let mut state = played.state.lock().unwrap();
    Sent {
        effects: std::mem::take(&mut state.effects),
        starts: lived,
        counted,
    }
}
