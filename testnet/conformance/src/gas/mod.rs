//! What the market's messages cost: one script of messages, played on a wasmd for its gas and in process for what
//! the contracts do meanwhile.

mod growth;
mod in_process;
mod parts;
mod script;
mod table;
mod wasmd;

pub use growth::{cast, grow, Growth, FEW};
pub use in_process::InProcess;
pub use parts::Share;
pub(crate) use script::Script;
pub use script::{people, play, play_trades, Scene, METERS, WINDOW_S};
pub use table::{measure, Report, Row, INDIRECT, NAIVE_ESCROW, REFUSED, SETTLE_LIMIT, STATE_LIMIT};
pub(crate) use wasmd::refused;
pub use wasmd::OnWasmd;

use crate::counted::Call;
use crate::people::Person;
use crate::record::Part;
use anyhow::Result;
use cosmwasm_std::{Binary, Coin};
use wattpool_schema::Seconds;

/// Name of the event of a refused item.
const ITEM_REFUSED: &str = "wasm-item_refused";

/// A call of a contract: address, message, coins.
pub type Message = (String, Binary, Vec<Coin>);

/// What a transaction took.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// Gas. In process: of storage and events alone.
    pub gas: u64,
    /// Items of a batch that were refused.
    pub refused: usize,
    /// In process: what the contracts did.
    pub calls: Vec<Call>,
}

/// A chain on which a script is played.
pub trait Stage {
    /// Chain id.
    fn chain_id(&self) -> String;

    /// Time of the newest block.
    fn now(&mut self) -> Seconds;

    /// Waits until the chain's time is at least this.
    ///
    /// # Errors
    /// The chain stands still.
    fn wait_until(&mut self, time: Seconds) -> Result<()>;

    /// Makes a contract and tells its address.
    ///
    /// # Errors
    /// The chain refuses it.
    fn instantiate(&mut self, by: &Person, part: Part, msg: Binary) -> Result<(String, Used)>;

    /// Makes a contract that takes whatever is sent to it, and tells its address.
    ///
    /// # Errors
    /// The chain refuses it.
    fn receiver(&mut self, by: &Person) -> Result<String>;

    /// Sends messages in one transaction.
    ///
    /// # Errors
    /// One of them fails.
    fn send(&mut self, by: &Person, messages: Vec<Message>) -> Result<Used>;
}
