//! What goes into the agent and what comes out of it.

use crate::genuine::Genuine;
use crate::metering::{Carried, Exchange};
use crate::partners::Partners;
use crate::policy::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wattpool_optimizer::predict::{Conditions, Expectation, Kind, Outcome, Predictor};
use wattpool_schema::error::Code;
use wattpool_schema::escrow::{OpenOrder, SettleTrade};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Location, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::pool::{MeterPosition, Tariffs, ZonePairTerms};
use wattpool_schema::{
    MeterId, Micro, Price, Seconds, SignedApproval, SignedCover, SignedStatement, Wh, Window, Zone,
};

/// Local time in milliseconds since the Unix epoch. Only differences and timers depend on it; what
/// the market knows as time is block time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Millis(pub u64);

impl Millis {
    /// So many milliseconds later.
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
    /// Milliseconds since an earlier time (zero if that is later).
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A block, as seen.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
pub struct BlockRef {
    /// Height.
    pub height: u64,
    /// Block time.
    pub time: Seconds,
}

/// Cumulative registers of the meter at the end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The window that ended.
    pub window: Window,
    /// The meter's own stamp.
    pub taken_at: Seconds,
    /// OBIS 1-0:1.8.0, Wh.
    pub import_register: Wh,
    /// OBIS 1-0:2.8.0, Wh.
    pub export_register: Wh,
    /// Mean net power over the window's last seconds if the meter tells (import positive), W.
    pub power_w: Option<i64>,
}

/// What holds in the window that opens, the same for all meters.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowTerms {
    /// The running window; what was metered in the one before it is traded now.
    pub now: Window,
    /// The block it is told with: the first one in it, or after a restart the last one seen.
    pub at: BlockRef,
    /// Tariffs of the metered window.
    pub tariffs: Tariffs,
    /// Terms of all zone pairs in the metered window.
    pub pairs: Vec<ZonePairTerms>,
    /// Meters in service per zone (for the shards of the DHT).
    pub meters: Vec<(Zone, u64)>,
    /// Tokenising and trading are stopped.
    pub paused: bool,
}

impl WindowTerms {
    /// The metered window that is being traded.
    pub const fn live(&self) -> Window {
        self.now.prev()
    }
    /// Terms from one zone to another; none when they cannot trade.
    pub fn pair(&self, from: Zone, to: Zone) -> Option<&ZonePairTerms> {
        self.pairs.iter().find(|p| p.from == from && p.to == to)
    }
    /// Number of meters in a zone.
    pub fn meters_in(&self, zone: Zone) -> u64 {
        self.meters
            .iter()
            .find(|(z, _)| *z == zone)
            .map_or(0, |(_, n)| *n)
    }
}

/// Why a transaction did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxFailure {
    /// The contracts refused it.
    Refused(Code),
    /// Refused with something this version does not know.
    Unknown(String),
    /// It is not known whether it was executed.
    Lost,
    /// It could not be sent, and why: for want of fees, say. It is not under way, but the same content submitted
    /// earlier may have been executed.
    Unsent(String),
}

/// Energy and money of a meter that were traded on one UTC day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970.
    pub number: u64,
    /// Bought, as it arrived.
    pub bought: Wh,
    /// Sold, as it left.
    pub sold: Wh,
    /// Spent, network charges included.
    pub spent: Micro,
}

impl Day {
    /// The day of a time, on which nothing was traded yet.
    pub fn of(time: Seconds) -> Self {
        Self {
            number: time.0.checked_div(86_400).unwrap_or(0),
            ..Self::default()
        }
    }
}

/// What the outside tells the agent.
#[derive(Clone, Debug)]
pub enum Event {
    /// The agent starts, for the first time or after a crash.
    Started {
        /// What it journalled before, oldest first.
        journal: Vec<JournalEntry>,
        /// Where the chain says the meter stands.
        position: MeterPosition,
        /// What it has traded today.
        today: Day,
    },
    /// The meter's registers at the end of a window.
    Reading(Reading),
    /// The first block of a window was seen.
    WindowOpened(Arc<WindowTerms>),
    /// A look-up ended.
    LookupDone {
        /// Its number.
        lookup: u32,
        /// What was found; judged where it came in.
        records: Vec<Genuine>,
        /// False: the deadline cut it short.
        complete: bool,
    },
    /// Another meter asks.
    Request(Box<SignedRequest>),
    /// Another meter answers.
    Answer(Box<TradeAnswer>),
    /// A transaction of this agent ended.
    TxDone {
        /// As submitted.
        intent: u64,
        /// The block it is in, or the last one seen.
        at: BlockRef,
        /// Its market events, or why not.
        outcome: Result<Vec<MarketEvent>, TxFailure>,
    },
    /// Something that concerns this meter was done on the chain by somebody else.
    Chain {
        /// The block.
        at: BlockRef,
        /// What.
        event: MarketEvent,
    },
    /// A block was seen (the answer to [`Command::WatchBlock`]).
    Block(BlockRef),
    /// A timer fired.
    Timer(Timer),
    /// The owner changed the policy.
    PolicyChanged(Box<Policy>),
    /// The owner put another meter in the place of the old one.
    MeterExchanged(Exchange),
    /// The owner decided on a trade held back by manual approval.
    TradeDecided {
        /// The notice's request id.
        request: u64,
        /// Go on with it.
        accept: bool,
    },
}

/// The meters that must learn of an event if another's transaction brought it about.
pub const fn concerned(event: &MarketEvent) -> [Option<MeterId>; 2] {
    match event {
        MarketEvent::TradeClosed(t) => [Some(t.seller), Some(t.buyer)],
        MarketEvent::Delivered(d) => [Some(d.seller), Some(d.buyer)],
        MarketEvent::OrderOpened(o) => [Some(o.seller), None],
        MarketEvent::OrderCancelled(o) => [Some(o.seller), Some(o.buyer)],
        _ => [None, None],
    }
}

/// Timers; setting one again moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// Ask the meter (again) for the window that ended last.
    Meter,
    /// Look at supply and demand, then price and offer.
    Price,
    /// Look for offers.
    Seek,
    /// Answers of the current round are overdue.
    Answers,
    /// Deliver standing orders.
    Deliver,
    /// Sell what standing orders left.
    Release,
    /// Submit again what was refused for now.
    Resubmit,
    /// Think about standing orders.
    Orders,
}

/// A transaction the agent wants; the adapter adds account, sequence, gas and signature.
#[derive(Clone, Debug, PartialEq)]
pub enum MarketTx {
    /// Statements to the pool, in one message.
    State(Vec<SignedStatement>),
    /// A spot trade.
    Settle(Box<SettleTrade>),
    /// Opens a standing order.
    OpenOrder(Box<OpenOrder>),
    /// Delivers a standing order.
    Deliver {
        /// Buying meter.
        buyer: MeterId,
        /// Its id.
        trade_id: u64,
        /// The buyer's import.
        cover: Option<SignedCover>,
    },
    /// Ends a standing order.
    CancelOrder {
        /// Buying meter.
        buyer: MeterId,
        /// Its id.
        trade_id: u64,
    },
    /// Closes an ended standing order.
    CloseOrder {
        /// Buying meter.
        buyer: MeterId,
        /// Its id.
        trade_id: u64,
    },
}

/// State of the grid gate for the coming window. The gate never cuts below demand: a limit is what the
/// agent expects to need; when demand reaches it, the gate opens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// No limit.
    Open,
    /// Expected import in the coming window, with headroom.
    Limit(Wh),
}

/// What is written down before the act that follows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalEntry {
    /// A window was metered and stated.
    Metered {
        /// Registers at its end.
        reading: Reading,
        /// Net import.
        deficit: Wh,
        /// What is left to count in the windows to come.
        #[serde(default)]
        carried: Carried,
        /// What the device signed.
        statement: SignedStatement,
    },
    /// The owner put another meter in the place of the old one.
    Exchanged {
        /// In which window.
        window: Window,
        /// What was noted.
        exchange: Exchange,
    },
    /// An approval was given.
    Approved {
        /// The request it answers.
        request: u64,
        /// The approval.
        approval: SignedApproval,
    },
    /// A trade is about to be settled.
    Settling(Box<SettleTrade>),
    /// A standing order is about to be opened.
    Ordering(Box<OpenOrder>),
    /// The owner's policy.
    Policy(Box<Policy>),
    /// What was learned of sellers so far; each one replaces the ones before.
    Learned(Box<Learned>),
    /// What is remembered of buyers; each one replaces the ones before.
    Partners(Box<Partners>),
}

/// A checkpoint of what the agent has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Expected quality and duration of trades.
    pub predictor: Predictor<MeterId>,
}

impl Timer {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// All of them, each at its own [`Self::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Meter,
        Self::Price,
        Self::Seek,
        Self::Answers,
        Self::Deliver,
        Self::Release,
        Self::Resubmit,
        Self::Orders,
    ];

    /// Its place among [`Self::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Meter => 0,
            Self::Price => 1,
            Self::Seek => 2,
            Self::Answers => 3,
            Self::Deliver => 4,
            Self::Release => 5,
            Self::Resubmit => 6,
            Self::Orders => 7,
        }
    }
}

impl JournalEntry {
    /// The window after which the entry is of no use, if any.
    pub fn useful_until(&self) -> Option<Window> {
        match self {
            Self::Metered { reading, .. } => Some(reading.window),
            Self::Approved { approval, .. } => Some(last_window(&approval.approval)),
            Self::Settling(trade) => Some(last_window(&trade.approval.approval)),
            Self::Ordering(order) => Some(last_window(&order.approval.approval)),
            Self::Exchanged { .. } | Self::Policy(_) | Self::Learned(_) | Self::Partners(_) => None,
        }
    }
}

/// Which entries are of use from a window on: those useful in it or later, and the last of each of those that replace the ones before
/// (reading, exchange of the meter, policy, what was learned and what is remembered).
pub fn of_use(journal: &[JournalEntry], from: Window) -> Vec<bool> {
    let last = |wanted: fn(&JournalEntry) -> bool| journal.iter().rposition(wanted);
    let metered = last(|e| matches!(e, JournalEntry::Metered { .. }));
    let exchanged = last(|e| matches!(e, JournalEntry::Exchanged { .. }));
    let policy = last(|e| matches!(e, JournalEntry::Policy(_)));
    let learned = last(|e| matches!(e, JournalEntry::Learned(_)));
    let partners = last(|e| matches!(e, JournalEntry::Partners(_)));
    let kept = |(index, entry): (usize, &JournalEntry)| {
        Some(index) == metered
            || Some(index) == exchanged
            || Some(index) == policy
            || Some(index) == learned
            || Some(index) == partners
            || entry.useful_until().is_some_and(|until| until >= from)
    };
    journal.iter().enumerate().map(kept).collect()
}

fn last_window(approval: &wattpool_schema::Approval) -> Window {
    approval
        .first_window
        .plus(u64::from(approval.count.saturating_sub(1)))
}

/// What the agent wants done. Commands are carried out in their order; a journal command is durable
/// before what follows it is sent.
#[derive(Clone, Debug)]
pub enum Command {
    /// Write it down.
    Journal(JournalEntry),
    /// Entries useful only before this window may be dropped ([`of_use`] says which are kept).
    Prune(Window),
    /// Submit a transaction and confirm it.
    Submit {
        /// The agent's number for it.
        intent: u64,
        /// What.
        tx: MarketTx,
    },
    /// Publish a record at a location.
    Announce {
        /// Where.
        location: Location,
        /// What.
        record: Arc<SignedRecord>,
    },
    /// Take this meter's record at a location back.
    Withdraw {
        /// Where.
        location: Location,
    },
    /// Look up several locations in parallel.
    Lookup {
        /// The agent's number for it.
        lookup: u32,
        /// Where.
        locations: Vec<Location>,
        /// Partial results are due then.
        deadline: Millis,
    },
    /// Ask another meter.
    Ask {
        /// The peer id that its offer names.
        peer: Vec<u8>,
        /// What.
        request: Box<SignedRequest>,
    },
    /// Answer another meter.
    Reply(Box<TradeAnswer>),
    /// Fire a timer.
    SetTimer {
        /// Which.
        timer: Timer,
        /// When.
        at: Millis,
    },
    /// Ask the meter for its registers at the ends of these windows (inclusive).
    ReadMeter {
        /// First.
        from: Window,
        /// Last.
        to: Window,
    },
    /// Tell of the first block with a time after this.
    WatchBlock {
        /// Block time to pass.
        after: Seconds,
    },
    /// Set the grid gate.
    SetGate(Gate),
    /// Tell the user.
    Tell(Notice),
}

/// What became of a request to a seller, beside what was expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experience {
    /// Who was asked.
    pub seller: MeterId,
    /// For what.
    pub kind: Kind,
    /// What was known then.
    pub conditions: Conditions,
    /// What was expected with all that was learned before it.
    pub expected: Expectation,
    /// What came of it.
    pub outcome: Outcome,
}

/// What the user is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A window was metered.
    Metered {
        /// Which.
        window: Window,
        /// Net export.
        surplus: Wh,
        /// Net import.
        deficit: Wh,
    },
    /// A reading was not believed.
    BadReading {
        /// Of which window.
        window: Window,
        /// Why.
        problem: crate::metering::ReadingProblem,
    },
    /// Bought by trade.
    Bought {
        /// Metered window.
        window: Window,
        /// From.
        seller: MeterId,
        /// How much.
        wh: Wh,
    },
    /// A request has ended, and something was learned from it.
    Experienced(Box<Experience>),
    /// What the window took from the grid for want of offers.
    GridSupplied {
        /// Metered window.
        window: Window,
        /// How much.
        wh: Wh,
    },
    /// The chain refused something.
    Refused {
        /// The code; none: one that this version does not know.
        code: Option<Code>,
    },
    /// A record or message of another version was met.
    OtherVersion {
        /// Found.
        found: u16,
    },
    /// A trade waits for the owner.
    AwaitingApproval {
        /// To be named in [`Event::TradeDecided`].
        request: u64,
        /// The other side.
        partner: MeterId,
        /// How much.
        wh: Wh,
        /// At what price, network charge and all, micro-units per kWh: as a buyer the most that will be paid, as a seller
        /// what is asked now.
        price: Price,
        /// This meter sells.
        selling: bool,
        /// Block time after which it is too late to decide.
        until: Seconds,
    },
    /// The owner decided on a trade that waited.
    TradeDecided {
        /// Its number.
        request: u64,
        /// It goes on.
        accept: bool,
    },
    /// A window's export was never stated: the market takes statements for thirty days, and the chain was away longer.
    Unstated {
        /// Which.
        window: Window,
        /// How much.
        wh: Wh,
    },
}
