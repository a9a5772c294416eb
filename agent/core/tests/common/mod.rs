//! One agent on a bench: a signer of keyed checksums, a registry of neighbours, and a driver that feeds
//! events and keeps what the agent journals.
//!
//! Home 1 is under test. Homes 2–90 are in its zone 0 (home 9 is a battery), homes 101–110 in zone 1, homes
//! 201–210 in zone 2 where a test has one.

mod commands;

pub use commands::*;
use std::sync::Arc;
use wattpool_core::context::{Context, Identity, Market};
use wattpool_core::genuine::{admissible, Genuine};
use wattpool_core::io::{
    BlockRef, Command, Day, Event, JournalEntry, Millis, Reading, Timer, TxFailure, WindowTerms,
};
use wattpool_core::lines::Lines;
use wattpool_core::policy::Policy;
use wattpool_core::ports::{MeterInfo, Purchases, Registry, SellerRecord, Signer};
use wattpool_core::timing::Timing;
use wattpool_core::Agent;
use wattpool_optimizer::Workspace;
use wattpool_schema::event::{MarketEvent, Stated, TradeClosed};
use wattpool_schema::peer::{
    DenialReason, Offer, Record, SignedRecord, SignedRequest, Status, TradeRequest,
};
use wattpool_schema::pool::{MeterKind, MeterPosition, Tariffs, ZonePairTerms};
use wattpool_schema::{
    AgentKey, Approval, Digest32, MeterId, Micro, Ppm, Price, Seconds, Signature, SignedApproval,
    Tariff, TradeKind, Wh, Window, Zone, RECORD_VERSION,
};

pub const LEN: u32 = 900;
/// The window metered first; it begins at 16:00 UTC.
pub const W: Window = Window(1_000_000);
pub const ME: MeterId = MeterId([1; 16]);
/// Registers at the end of `W.prev()`.
const REGISTERS: (u64, u64) = (50_000, 20_000);

pub const fn meter(n: u8) -> MeterId {
    MeterId([n; 16])
}

fn agent_key(n: u8) -> AgentKey {
    let mut key = AgentKey::default();
    key.0.fill(n);
    key
}

/// A keyed checksum (FNV-1a) in place of a signature.
fn checksum(key: &[u8], bytes: &[u8]) -> Signature {
    let hash = key
        .iter()
        .chain(bytes)
        .fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
            (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
        });
    let mut signature = Signature::default();
    signature.0[..8].copy_from_slice(&hash.to_be_bytes());
    signature
}

/// What home `n`'s agent key signs.
pub fn signed_by(n: u8, bytes: &[u8]) -> Signature {
    checksum(&agent_key(n).0, bytes)
}

pub struct Keys;

impl Signer for Keys {
    fn sign_device(&self, bytes: &[u8]) -> Signature {
        checksum(b"device", bytes)
    }
    fn sign_agent(&self, bytes: &[u8]) -> Signature {
        signed_by(1, bytes)
    }
    fn verify_agent(&self, key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool {
        checksum(&key.0, bytes) == *signature
    }
    fn salt(&self, window: Window) -> [u8; 16] {
        u128::from(window.0).to_be_bytes()
    }
}

/// The registry, and what of the chain the agent sees through it.
#[derive(Default)]
pub struct Town {
    pub minted: Option<Wh>,
    pub purchases: Purchases,
}

impl Registry for Town {
    fn meter(&self, id: &MeterId) -> Option<MeterInfo> {
        let n = id.0[0];
        let zone = match n {
            1..=90 => Zone(0),
            101..=110 => Zone(1),
            201..=210 => Zone(2),
            _ => return None,
        };
        let kind = if n == 9 {
            MeterKind::Battery
        } else {
            MeterKind::Pv
        };
        (*id == meter(n)).then(|| MeterInfo {
            agent: agent_key(n),
            zone,
            kind,
            max_export: Wh(5_000),
            max_import: Wh(5_000),
        })
    }
    fn lines(&self) -> Option<&dyn Lines> {
        None
    }
    fn capacity_left(&self, _: Zone, _: Zone) -> Option<Wh> {
        None
    }
    fn record(&self, _: &MeterId) -> SellerRecord {
        SellerRecord::default()
    }
    fn minted(&self, _: Zone) -> Option<Wh> {
        self.minted
    }
    fn purchases(&self, _: &MeterId) -> Purchases {
        self.purchases
    }
}

pub fn market() -> Arc<Market> {
    let timing = Timing::for_chain(LEN, 5_000, 150);
    Arc::new(Market::new(
        "chain-1".into(),
        "pool".into(),
        "escrow".into(),
        LEN,
        timing,
    ))
}

pub fn pair(from: u16, to: u16) -> ZonePairTerms {
    let (loss, charge) = if from == to {
        (20_000, 10_000)
    } else {
        (50_000, 40_000)
    };
    ZonePairTerms {
        from: Zone(from),
        to: Zone(to),
        loss: Ppm(loss),
        charge: Price(charge),
        capacity: None,
    }
}

/// The grid sells at 0.30 and buys at 0.10 per kWh.
pub fn terms(now: Window, at: BlockRef) -> WindowTerms {
    WindowTerms {
        now,
        at,
        tariffs: Tariffs {
            import: Tariff(300_000),
            feed_in: Tariff(100_000),
        },
        pairs: vec![pair(0, 0), pair(0, 1), pair(1, 0), pair(1, 1)],
        meters: vec![(Zone(0), 20), (Zone(1), 10)],
        paused: false,
    }
}

/// Whether a command does something in the world. A question may be asked again, and the same answer given.
fn is_act(command: &Command, before: &[Command]) -> bool {
    match command {
        Command::SetTimer { .. } | Command::ReadMeter { .. } | Command::WatchBlock { .. } => false,
        Command::Reply(answer) => !before
            .iter()
            .any(|c| matches!(c, Command::Reply(first) if first == answer)),
        _ => true,
    }
}

/// The agent under test and the little of the world it needs.
pub struct Home {
    pub agent: Agent,
    pub market: Arc<Market>,
    pub now: Millis,
    pub block: BlockRef,
    /// The running window.
    pub window: Window,
    pub journal: Vec<JournalEntry>,
    pub registers: (u64, u64),
    pub town: Town,
    workspace: Workspace,
}

impl Home {
    /// Not started yet; the running window is [`W`], just opened.
    pub fn idle(policy: Policy) -> Self {
        let market = market();
        let id = Identity {
            meter: ME,
            zone: Zone(0),
            kind: MeterKind::Pv,
            max_export: Wh(5_000),
            max_import: Wh(10_000),
            peer: vec![1, 2, 3],
        };
        Self {
            agent: Agent::new(id, market.clone(), policy),
            market,
            now: Millis(W.start(LEN).0 * 1000),
            block: BlockRef {
                height: 1,
                time: W.start(LEN),
            },
            window: W,
            journal: Vec::new(),
            registers: REGISTERS,
            town: Town::default(),
            workspace: Workspace::default(),
        }
    }

    /// Started for the first time; the registers at the end of the window before [`W`] are known.
    pub fn new(policy: Policy) -> Self {
        let mut home = Self::idle(policy);
        home.give(Event::Started {
            journal: Vec::new(),
            position: MeterPosition::default(),
            today: Day::default(),
        });
        home.give(Event::Reading(home.reading(W.prev())));
        home.give(Event::WindowOpened(Arc::new(terms(W, home.block))));
        home
    }

    /// The same home after a crash: a new agent with what was journalled, in the running window.
    pub fn crash(self, policy: Policy, position: MeterPosition) -> (Self, Vec<Command>) {
        let mut home = Self {
            now: self.now,
            block: self.block,
            window: self.window,
            registers: self.registers,
            ..Self::idle(policy)
        };
        home.journal = self.journal;
        let mut out = home.give(Event::Started {
            journal: home.journal.clone(),
            position,
            today: Day::default(),
        });
        out.extend(home.give(Event::WindowOpened(Arc::new(terms(
            home.window,
            home.block,
        )))));
        (home, out)
    }

    /// Feeds an event, and feeds it once more: heard twice it changes nothing. What is journalled is kept.
    pub fn give(&mut self, event: Event) -> Vec<Command> {
        let again = (!matches!(event, Event::Started { .. })).then(|| event.clone());
        let out = self.hear(event);
        // What comes after a gap is asked for a few times: each hearing is a try.
        let tried = out.iter().any(|c| matches!(c, Command::ReadMeter { .. }));
        let again = again.filter(|_| !tried);
        self.journal.extend(out.iter().filter_map(|c| match c {
            Command::Journal(entry) => Some(entry.clone()),
            _ => None,
        }));
        if let Some(event) = again {
            let before = self.agent.snapshot();
            let more = self.hear(event.clone());
            let acts: Vec<&Command> = more.iter().filter(|c| is_act(c, &out)).collect();
            assert!(acts.is_empty(), "{event:?} heard twice: {acts:?}");
            assert_eq!(self.agent.snapshot(), before, "{event:?} heard twice");
        }
        out
    }

    fn hear(&mut self, event: Event) -> Vec<Command> {
        let mut out = Vec::new();
        let mut cx = Context {
            signer: &Keys,
            registry: &self.town,
            workspace: &mut self.workspace,
            choice_clock: None,
        };
        self.agent.handle(self.now, event, &mut cx, &mut out);
        out
    }

    /// Lets local and chain time pass.
    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds * 1000);
        self.block = BlockRef {
            height: self.block.height + 1,
            time: Seconds(self.block.time.0 + seconds),
        };
    }

    /// So many seconds pass, then the agent sees a block.
    pub fn block_after(&mut self, seconds: u64) -> Vec<Command> {
        self.wait(seconds);
        self.give(Event::Block(self.block))
    }

    /// The registers as they stand, at the end of a window.
    pub fn reading(&self, window: Window) -> Reading {
        Reading {
            window,
            taken_at: window.end(LEN),
            import_register: Wh(self.registers.0),
            export_register: Wh(self.registers.1),
            power_w: None,
        }
    }

    /// Goes to the end of the running window.
    pub fn end_window(&mut self) {
        self.now = Millis(self.window.end(LEN).0 * 1000);
        self.block = BlockRef {
            height: self.block.height + 180,
            time: self.window.end(LEN),
        };
        self.window = self.window.next();
    }

    /// Adds a net energy (export positive) to the registers.
    pub fn flow(&mut self, net: i64) {
        self.registers.0 += net.min(0).unsigned_abs();
        self.registers.1 += net.max(0).unsigned_abs();
    }

    /// The first block of the running window is seen.
    pub fn open(&mut self) -> Vec<Command> {
        self.give(Event::WindowOpened(Arc::new(terms(
            self.window,
            self.block,
        ))))
    }

    /// The running window ends with this net energy: it is metered and the next one opens.
    pub fn next_window(&mut self, net: i64) -> Vec<Command> {
        self.end_window();
        self.flow(net);
        let mut out = self.give(Event::Reading(self.reading(self.window.prev())));
        out.extend(self.open());
        out
    }

    /// A timer that was set fires at its time.
    pub fn fire(&mut self, set: &[Command], timer: Timer) -> Vec<Command> {
        let at =
            timer_at(set, timer).unwrap_or_else(|| panic!("timer {timer:?} is not set in {set:?}"));
        let seconds = at.since(self.now).div_ceil(1000);
        self.wait(seconds);
        self.give(Event::Timer(timer))
    }

    pub fn done(
        &mut self,
        intent: u64,
        outcome: Result<Vec<MarketEvent>, TxFailure>,
    ) -> Vec<Command> {
        self.give(Event::TxDone {
            intent,
            at: self.block,
            outcome,
        })
    }

    /// The chain takes all statements submitted in these commands.
    pub fn take_statements(&mut self, set: &[Command]) -> Vec<Command> {
        let (intent, statements) = stated(set);
        let live = self.window.prev();
        let events = statements.iter().map(|s| {
            MarketEvent::Stated(Stated {
                meter: ME,
                owner: "owner".into(),
                window: s.statement.window,
                sequence: s.statement.sequence,
                wh: s.statement.export_wh,
                commitment: s.statement.commitment,
                minted: s.statement.window == live,
            })
        });
        let events = events.collect();
        self.done(intent, Ok(events))
    }

    /// A home whose surplus of [`W`] is minted, priced and announced, with the commands that announced it.
    pub fn selling(policy: Policy, surplus: i64) -> (Self, Vec<Command>) {
        let mut home = Self::new(policy);
        let opened = home.next_window(surplus);
        home.take_statements(&opened);
        let looking = home.fire(&opened, Timer::Price);
        let (lookup, _) = looked_up(&looking);
        let out = home.found(lookup, Vec::new());
        (home, out)
    }

    /// A home with a deficit in [`W`] that has begun to look, with the number of its look-up.
    pub fn buying(policy: Policy, deficit: i64) -> (Self, u32) {
        let mut home = Self::new(policy);
        let opened = home.next_window(-deficit);
        home.take_statements(&opened);
        let looking = home.fire(&opened, Timer::Seek);
        let (lookup, _) = looked_up(&looking);
        (home, lookup)
    }

    /// A look-up ends; as every host does, only genuine records of this network are handed on.
    pub fn found(&mut self, lookup: u32, records: Vec<Arc<SignedRecord>>) -> Vec<Command> {
        let network = &self.market.network;
        let records = records.into_iter().filter(|r| admissible(r, network));
        let records = records
            .filter_map(|r| Genuine::judged(r, &self.town, &Keys).ok())
            .collect();
        self.give(Event::LookupDone {
            lookup,
            records,
            complete: true,
        })
    }

    /// An offer of home `n` in the traded window, changed and then signed.
    pub fn offer(&self, n: u8, wh: u64, change: impl FnOnce(&mut Offer)) -> Arc<SignedRecord> {
        let mut offer = Offer {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            meter: meter(n),
            zone: Zone(u16::from(n / 100)),
            window: self.window.prev(),
            wh: Wh(wh),
            price: Price(150_000),
            sequence: self.now.0,
            expires_at: self.window.end(LEN),
            peer: vec![n],
        };
        change(&mut offer);
        let signature = signed_by(n, &offer.sign_bytes());
        Arc::new(SignedRecord {
            record: Record::Offer(offer),
            signature,
        })
    }

    pub fn status(&self, n: u8, surplus: bool, wh: u64) -> Arc<SignedRecord> {
        let status = Status {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            meter: meter(n),
            zone: Zone(u16::from(n / 100)),
            window: self.window.prev(),
            surplus,
            wh: Wh(wh),
            sequence: 1,
            expires_at: self.window.end(LEN),
        };
        let signature = signed_by(n, &status.sign_bytes());
        Arc::new(SignedRecord {
            record: Record::Status(status),
            signature,
        })
    }

    /// A request of home `n` to this one, changed and then signed.
    pub fn request(
        &self,
        n: u8,
        id: u64,
        wh: u64,
        change: impl FnOnce(&mut TradeRequest),
    ) -> Event {
        let mut request = TradeRequest {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            id,
            buyer: meter(n),
            seller: ME,
            kind: TradeKind::Spot,
            first_window: self.window.prev(),
            count: 1,
            wh: Wh(wh),
            max_price: Price(290_000),
            requested_at: self.block.time,
            expires_at: Seconds(self.block.time.0 + 30),
        };
        change(&mut request);
        let signature = signed_by(n, &request.sign_bytes());
        Event::Request(Box::new(SignedRequest { request, signature }))
    }

    /// Asks for `wh`; the approval or the denial.
    pub fn ask(&mut self, n: u8, id: u64, wh: u64) -> Result<SignedApproval, DenialReason> {
        let request = self.request(n, id, wh, |_| {});
        decision(&self.give(request)).expect("an answer")
    }

    /// A sale of this home is seen on the chain.
    pub fn sold(&mut self, approval: &Approval, wh: u64) -> Vec<Command> {
        let event = closed(approval, wh);
        self.give(Event::Chain {
            at: self.block,
            event,
        })
    }
}

/// The record of a closed spot trade.
pub fn closed(a: &Approval, wh: u64) -> MarketEvent {
    let gross = wattpool_rules::loss::gross_for(Wh(wh), Ppm(20_000)).expect("fits");
    MarketEvent::TradeClosed(TradeClosed {
        sequence: 1,
        kind: a.kind,
        trade_id: 7,
        buyer: a.buyer,
        seller: a.seller,
        nonce: a.nonce,
        window: a.first_window,
        count: 1,
        asked: a.wh,
        arrived: Wh(wh),
        declined: Wh(0),
        missed: Wh(0),
        lost: gross.saturating_sub(Wh(wh)),
        price: a.price,
        paid: Micro(1),
        charge: Micro(0),
        requested_at: a.requested_at,
        closed_at: a.expires_at,
        head: Digest32::default(),
    })
}
