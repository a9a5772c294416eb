//! An export: the market's events in a file of JSON lines, chained by hashes, signed by whoever made it.
//!
//! Every line is an object with one key and, last, `hash`: SHA-256 of the hash before (64 hex digits; zeros before the first line) and the line's bytes
//! up to `,"hash"`. The keys, in this order: `export` (once, the header), `event` and `transfer` (in the chain's order), `state` (what the contracts
//! store at the end), `end` (once: how many lines there are), `signed` (at most once: ADR-036, over the hash of the `end` line).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::BookResponse;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{MeterKind, MeterResponse, PoolConfig, PoolWindow, Tariffs};
use wattpool_schema::token::TokenWindow;
use wattpool_schema::{
    AgentKey, Commitment, DeviceKey, HouseholdId, MeterId, Micro, Wh, Window, Zone,
};

/// Version of the format.
pub const VERSION: u32 = 1;
/// What stands between a line and its hash.
pub(crate) const HASH_KEY: &str = ",\"hash\":\"";
/// The hash before the first line.
pub const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an export is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`VERSION`].
    pub version: u32,
    /// Chain id.
    pub chain_id: String,
    /// Address of the energy token.
    pub token: String,
    /// Address of the energy pool.
    pub pool: String,
    /// Address of the trade escrow.
    pub escrow: String,
    /// Denomination of payments.
    pub denom: String,
    /// Window length, seconds.
    pub window_seconds: u32,
    /// First block that was read.
    pub from_height: u64,
    /// Whether that is before the market's first event: then every balance is known from the beginning.
    pub whole: bool,
}

impl Header {
    /// Of an export from the market's beginning. `contracts`: token, pool, escrow.
    pub fn new(
        chain_id: &str,
        contracts: [&str; 3],
        denom: &str,
        window_seconds: u32,
        from_height: u64,
    ) -> Self {
        let [token, pool, escrow] = contracts.map(str::to_owned);
        Self {
            version: VERSION,
            chain_id: chain_id.to_owned(),
            token,
            pool,
            escrow,
            denom: denom.to_owned(),
            window_seconds,
            from_height,
            whole: true,
        }
    }
}

/// An event of one of the market's contracts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Height of the block.
    pub height: u64,
    /// Its time, unix seconds.
    pub time: u64,
    /// Place of the transaction in the block.
    pub tx: u32,
    /// Place among the market's events of the transaction.
    pub index: u32,
    /// Address of the contract that reports it.
    pub contract: String,
    /// What it reports.
    pub said: Said,
}

/// What a contract reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// One of the market's events.
    Event(Box<MarketEvent>),
    /// Tokens changed hands outside the market (a cw20 transfer or send).
    Transfer(Transfer),
}

/// A transfer of tokens that is no trade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// How much.
    pub wh: Wh,
}

/// What the contracts store when the export ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The escrow's books.
    Book(BookResponse),
    /// Coins that escrow and pool hold.
    Held(Held),
    /// A money account.
    Account(Account),
    /// A window's books.
    Window(Box<WindowBooks>),
    /// The feed-in reserve.
    Reserve(Reserve),
    /// Feed-in money of an owner.
    FeedIn(FeedIn),
    /// Where a meter stands.
    Meter(MeterState),
    /// Who holds the pool's roles.
    Roles(Roles),
}

macro_rules! state {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $( $(#[$fdoc])* pub $field: $ty ),* }
    )* };
}

/// What is not written.
fn nothing(money: &Micro) -> bool {
    money.is_zero()
}

state! {
    /// Coins in the contracts' bank accounts.
    Held {
        /// The escrow's.
        escrow: Micro,
        /// The pool's.
        pool: Micro,
    }
    /// A money account at the escrow.
    Account {
        /// Whose.
        owner: String,
        /// Free.
        free: Micro,
        /// Locked for standing orders.
        locked: Micro,
    }
    /// A window's books at token and pool.
    WindowBooks {
        /// Which.
        window: Window,
        /// At the token.
        token: TokenWindow,
        /// At the pool.
        pool: PoolWindow,
        /// The grid's tariffs in it; none: not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tariffs: Option<Tariffs>,
    }
    /// The feed-in reserve.
    Reserve {
        /// Funded, less what was taken back.
        funded: Micro,
        /// Paid so far.
        paid: Micro,
    }
    /// Feed-in money of an owner.
    FeedIn {
        /// Whose.
        owner: String,
        /// Turned into money, neither paid nor held.
        owed: Micro,
        /// Held; not said: nothing.
        #[serde(default, skip_serializing_if = "nothing")]
        held: Micro,
        /// Paid so far.
        paid: Micro,
    }
    /// Where a meter stands.
    MeterState {
        /// Which.
        meter: MeterId,
        /// Its owner.
        owner: String,
        /// Its tenure.
        tenure: u64,
        /// Last window stated,
        stated: Option<Window>,
        /// its sequence
        sequence: u64,
        /// and commitment.
        commitment: Option<Commitment>,
        /// Out of service.
        retired: bool,
        /// What it is registered with; none: not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        registered: Option<Registered>,
    }
    /// What a meter is registered with.
    Registered {
        /// Its device's key.
        device: DeviceKey,
        /// Its agent's key
        agent: Option<AgentKey>,
        /// and address.
        agent_address: Option<String>,
        /// The meters of one household.
        household: Option<HouseholdId>,
        /// Its zone, kind and maxima.
        zone: Zone,
        /// Kind.
        kind: MeterKind,
        /// Most that it exports in a window.
        max_export: Wh,
        /// Most that it imports in a window.
        max_import: Wh,
    }
    /// Who holds the pool's roles.
    Roles {
        /// Registers meters.
        registrar: String,
        /// Sets tariffs and terms.
        grid_operator: String,
        /// Decides on holds.
        regulator: String,
        /// Whether the market is paused.
        paused: bool,
    }
}

impl From<MeterResponse> for MeterState {
    fn from(there: MeterResponse) -> Self {
        Self {
            meter: there.meter,
            owner: there.owner,
            tenure: there.tenure,
            stated: there.position.stated,
            sequence: there.position.sequence,
            commitment: there.position.commitment,
            retired: there.retired,
            registered: Some(Registered {
                device: there.device,
                agent: there.agent,
                agent_address: there.agent_address,
                household: there.household,
                zone: there.zone,
                kind: there.kind,
                max_export: there.max_export,
                max_import: there.max_import,
            }),
        }
    }
}

impl From<PoolConfig> for Roles {
    fn from(there: PoolConfig) -> Self {
        Self {
            registrar: there.registrar,
            grid_operator: there.grid_operator,
            regulator: there.regulator,
            paused: there.paused,
        }
    }
}

/// The end of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Lines before this one.
    pub lines: u64,
    /// Last block that was read.
    pub to_height: u64,
}

/// Whose word the export is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The auditor's address.
    pub address: String,
    /// The account's ADR-036 signature of the hash of the `end` line, as text.
    pub signature: Value,
}

/// A line of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Export(Header),
    /// What happened.
    Event(Box<Row>),
    /// What is stored at the end.
    State(Box<State>),
    /// The last that counts.
    End(End),
    /// Whose word it is.
    Signed(Signed),
}

/// The hash of a line.
pub(crate) fn chained(before: &str, line: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(line.as_bytes());
    hex::encode(hash.finalize())
}

/// Writes an export, line by line.
pub struct Writer<W> {
    out: W,
    head: String,
    lines: u64,
    to_height: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            out,
            head: NO_HASH.to_owned(),
            lines: 0,
            to_height: header.from_height,
        };
        writer.line(&Line::Export(header.clone()))?;
        Ok(writer)
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let text = serde_json::to_string(line)?;
        // All but the closing brace.
        let open = text.strip_suffix('}').unwrap_or(&text);
        let hash = chained(&self.head, open);
        writeln!(self.out, "{open}{HASH_KEY}{hash}\"}}")?;
        self.head = hash;
        self.lines = self.lines.saturating_add(1);
        Ok(())
    }

    /// An event.
    ///
    /// # Errors
    /// The writer's.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        self.to_height = self.to_height.max(row.height);
        self.line(&Line::Event(Box::new(row.clone())))
    }

    /// Blocks up to this one were read, whether there was anything in them or not.
    pub fn read_to(&mut self, height: u64) {
        self.to_height = self.to_height.max(height);
    }

    /// Something that is stored at the end.
    ///
    /// # Errors
    /// The writer's.
    pub fn state(&mut self, state: &State) -> io::Result<()> {
        self.line(&Line::State(Box::new(state.clone())))
    }

    /// Ends it. `sign` gets the last hash and may say whose word it is.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(mut self, sign: impl FnOnce(&str) -> Option<Signed>) -> io::Result<End> {
        let end = End {
            lines: self.lines,
            to_height: self.to_height,
        };
        self.line(&Line::End(end))?;
        if let Some(signed) = sign(&self.head) {
            self.line(&Line::Signed(signed))?;
        }
        self.out.flush()?;
        Ok(end)
    }
}

/// What a market's event is called.
pub fn name(said: &Said) -> String {
    let found = match said {
        Said::Transfer(_) => return "transfer".to_owned(),
        Said::Event(event) => serde_json::to_value(event).ok(),
    };
    let key = found.and_then(|v| v.as_object().and_then(|o| o.keys().next().cloned()));
    key.unwrap_or_default()
}

/// A refusal of the market's arithmetic, as text.
pub(crate) fn because(error: impl Into<MarketError>) -> String {
    error.into().to_string()
}
