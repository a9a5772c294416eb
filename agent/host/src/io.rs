//! What goes into a host and what comes out of it.

use std::sync::Arc;
use wattpool_core::io::{
    BlockRef, Day, Gate, JournalEntry, MarketTx, Millis, Notice, Reading, WindowTerms,
};
use wattpool_core::metering::Exchange;
use wattpool_core::policy::Policy;
use wattpool_core::ports::ledger::{BlockNews, Executed};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::peer::{Location, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::pool::{MeterPosition, Tariffs};
use wattpool_schema::{MeterId, Seconds, Window};

/// Where everything stands when an agent starts, for the first time or again.
#[derive(Clone, Debug)]
pub struct Start {
    /// The newest block; what follows it is told as [`Input::Block`].
    pub head: BlockRef,
    /// Where the chain says the meter stands, at that block.
    pub position: MeterPosition,
    /// What the meter has traded today.
    pub today: Day,
    /// The running window; none while the chain has not opened one.
    pub terms: Option<Arc<WindowTerms>>,
    /// What was journalled, oldest first.
    pub journal: Vec<JournalEntry>,
    /// Registers to begin with; they count only where nothing has been metered before.
    pub installed: Option<Reading>,
    /// The block up to which the owner's history is noted, if there is one.
    pub noted_to: Option<u64>,
}

/// What a shell brings. Everything but [`Input::Owner`] is ignored before [`Input::Start`]; everything may be brought
/// twice.
#[derive(Clone, Debug)]
pub enum Input {
    /// The agent begins.
    Start(Box<Start>),
    /// A window begins: told before the block that is the first one in it.
    Window(Arc<WindowTerms>),
    /// A window was over before it could be opened.
    Missed(Window),
    /// A block with its events, in their order. Blocks come by rising height; those without anything for this meter
    /// may be left out, unless [`Effect::WatchBlock`] waits for one.
    Block(Arc<BlockNews>),
    /// A block from before the start, for the owner's history alone. The last of them says so.
    Past(Arc<BlockNews>, bool),
    /// A transaction of this agent ended. It may come before the block that it is in.
    TxEnded {
        /// As submitted.
        intent: u64,
        /// What became of it.
        executed: Executed,
    },
    /// Registers of the meter at the end of a window.
    Reading(Reading),
    /// A look-up ended.
    Looked {
        /// Its number.
        lookup: u32,
        /// What the table gave: records that [`wattpool_core::genuine::judge`] let pass when they were stored or read.
        records: Vec<Arc<SignedRecord>>,
        /// False: the deadline cut it short.
        complete: bool,
    },
    /// The sellers' records asked for with a look-up are in the registry, or will not be.
    SellersRead {
        /// The look-up's number.
        lookup: u32,
    },
    /// Another meter asks. An [`Effect::Reply`] or [`Effect::Silence`] with this ticket follows in any case.
    Request {
        /// The shell's name for the waiting asker, each once.
        ticket: u64,
        /// What it asks.
        request: Box<SignedRequest>,
    },
    /// Another meter answers.
    Answer(Box<TradeAnswer>),
    /// A time that [`crate::Host::next_due`] named has come.
    Tick,
    /// What the owner wants.
    Owner(Owner),
}

/// What the owner wants.
#[derive(Clone, Debug)]
pub enum Owner {
    /// Another policy.
    Policy(Box<Policy>),
    /// Stop trading for now (true), or go on.
    Pause(bool),
    /// Another meter goes on in the place of the old one ([`crate::Host::check_exchange`]).
    Exchange(Exchange),
    /// Decides on a trade that waits ([`crate::Host::awaits`]).
    Decide {
        /// Its number.
        request: u64,
        /// Go on with it.
        accept: bool,
    },
}

/// What a host wants done. Effects are carried out in their order; [`Effect::Persist`] is durable before what follows
/// it is begun, and if it cannot be made durable nothing that follows may be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write it down.
    Persist(JournalEntry),
    /// Entries useful only before this window may be dropped.
    Prune(Window),
    /// Submit a transaction; [`Input::TxEnded`] follows.
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
    /// Look up several locations side by side; [`Input::Looked`] follows by the deadline.
    Lookup {
        /// The agent's number for it.
        lookup: u32,
        /// Where.
        locations: Vec<Location>,
        /// When.
        deadline: Millis,
    },
    /// Read these sellers' records from the chain into the registry; [`Input::SellersRead`] follows. After the deadline
    /// nobody waits for it.
    FetchSellers {
        /// The look-up that found them.
        lookup: u32,
        /// Whose, ascending.
        meters: Vec<MeterId>,
        /// When.
        deadline: Millis,
    },
    /// Ask another meter; an answer is [`Input::Answer`].
    Ask {
        /// The peer id that its offer names.
        peer: Vec<u8>,
        /// What.
        request: Box<SignedRequest>,
    },
    /// Answer an asker.
    Reply {
        /// Who waits.
        ticket: u64,
        /// What.
        answer: Box<TradeAnswer>,
    },
    /// Let an asker go without an answer: its stream ends.
    Silence {
        /// Who waits.
        ticket: u64,
    },
    /// Read the meter's registers at the ends of these windows (inclusive); each that it has is [`Input::Reading`].
    ReadMeter {
        /// First.
        from: Window,
        /// Last.
        to: Window,
    },
    /// Bring the first block with a time after this, whatever is in it. A shell that brings all blocks need not do more.
    WatchBlock {
        /// Block time to pass.
        after: Seconds,
    },
    /// Set the gate to the national grid.
    SetGate(Gate),
    /// The owner is told something.
    Tell {
        /// Block time, as well as it is known.
        at: Seconds,
        /// What.
        notice: Box<Notice>,
    },
    /// Note what a block did to this meter in the owner's history.
    Record {
        /// The block.
        block: BlockRef,
        /// Its events of this meter.
        events: Vec<MarketEvent>,
    },
    /// Note the grid's tariffs of a metered window in the owner's history.
    RecordTariffs {
        /// The metered window.
        window: Window,
        /// What the grid asks and pays in it.
        tariffs: Tariffs,
    },
    /// The history is complete up to this height.
    RecordedTo(u64),
    /// Bring the blocks after `from` up to and including `to` as [`Input::Past`].
    CatchUp {
        /// Height noted last.
        from: u64,
        /// Height of the start.
        to: u64,
    },
    /// The chain has another registration of this meter now: this agent ends.
    RegistrationChanged,
}
