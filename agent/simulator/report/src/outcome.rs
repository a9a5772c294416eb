//! What a run hands over to the measures: plain columns, filled by the engine from chain events.

use crate::gas::Message;
use crate::record::Recorded;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wattpool_schema::{Micro, Price, Seconds, Wh, Window, Zone};

/// Spot trade or standing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TradeKind {
    /// One settle.
    Spot,
    /// A standing order over several windows, closed.
    Forward,
}

/// A closed trade as the chain recorded it. Homes are indices into the neighbourhood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// Position in the chain's log of closed trades.
    pub sequence: u64,
    /// Spot or forward.
    pub kind: TradeKind,
    /// (First) window in which the energy was metered.
    pub window: Window,
    /// Selling home.
    pub seller: u32,
    /// Buying home.
    pub buyer: u32,
    /// Agreed, arriving energy.
    pub asked: Wh,
    /// Arrived.
    pub arrived: Wh,
    /// Declined by the buyer.
    pub declined: Wh,
    /// Lost on the way.
    pub lost: Wh,
    /// Price per arriving kWh.
    pub price: Price,
    /// Paid to the seller.
    pub paid: Micro,
    /// Network charge on top.
    pub charge: Micro,
    /// Fees of the messages that made it: of the settle, or of all that a standing order took.
    pub fee: Micro,
    /// When the buyer asked, chain time.
    pub requested: Seconds,
    /// When it closed, chain time.
    pub closed: Seconds,
}

/// Wall-clock seconds by part of the machinery, summed over threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Executing transactions.
    pub ledger_s: f64,
    /// Routing, storing and looking up.
    pub network_s: f64,
    /// Choosing trades.
    pub choice_s: f64,
    /// The agents' other logic.
    pub agent_s: f64,
    /// Everything else.
    pub rest_s: f64,
}

/// Everything measured in a run. Matrices are row-major: `[window * homes + home]`; they cover the
/// first `finished_windows` metered windows (all, unless the run was interrupted).
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Metered windows that are completely settled.
    pub finished_windows: usize,
    /// Minted against statements, per window and home; what was stated late is not in it.
    pub minted_wh: Vec<u32>,
    /// Stated too late to be minted, credited as feed-in at once, per window and home.
    pub late_wh: Vec<u32>,
    /// Arrived by trade, per window and home.
    pub bought_wh: Vec<u32>,
    /// Tokens given for trades (arrived + lost), per window and home.
    pub sold_gross_wh: Vec<u32>,
    /// Paid for trades, network charge included, micro-units.
    pub spent: Vec<u64>,
    /// Earned with trades, micro-units.
    pub earned: Vec<u64>,
    /// Fees for the messages sent for the window, per window and home, micro-units.
    pub fees: Vec<u32>,
    /// Messages sent by the homes, per metered window, by kind.
    pub sent: BTreeMap<Message, Vec<u32>>,
    /// Closed trades in the chain's order.
    pub trades: Vec<TradeRow>,
    /// Offers, requests and events, where they were asked for.
    pub recorded: Option<Recorded>,
    /// Needs for which at least one trade was made, and the trades made for them (sellers per need).
    pub needs_served: u64,
    /// Requests sent between meters, and the answers to them: approvals, counters, denials, none.
    pub requests: u64,
    /// Requests approved in full or in part.
    pub approvals: u64,
    /// Approved for spot trades and taken up by the buyers, Wh.
    pub promised_wh: u64,
    /// Lost on the low-voltage lines by what was traded, Wh, where they are modelled.
    pub line_loss_wh: Option<f64>,
    /// What arrived over zone pairs of limited capacity, per metered window.
    pub carried: BTreeMap<(Window, Zone, Zone), Wh>,
    /// Homes that were habitually bad sellers (a fault).
    pub bad_sellers: Vec<u32>,
    /// Homes that did not keep to the rules.
    pub attackers: Vec<u32>,
    /// Promised in standing orders and missed through the seller's fault, by selling and buying home.
    pub missed_wh: BTreeMap<(u32, u32), Wh>,
    /// Look-ups in the DHT.
    pub lookups: u64,
    /// Messages sent, all kinds.
    pub messages: u64,
    /// Executed transactions, and how many were refused.
    pub transactions: u64,
    /// Refused transactions.
    pub refused_transactions: u64,
    /// Incidents by name: faults injected, what they led to, refusals by code, limits of the grid gate lifted.
    pub faults: Vec<(String, u64)>,
    /// Invariants checked.
    pub invariant_checks: u64,
    /// What was violated, one line each.
    pub invariant_violations: Vec<String>,
    /// Wall-clock seconds of the run.
    pub elapsed_s: f64,
    /// By part.
    pub timings: Timings,
    /// Threads used.
    pub threads: usize,
    /// `trusted` or `verified`.
    pub signatures: String,
    /// The seed.
    pub seed: u64,
    /// Hash over the chain's whole state at the end, hex.
    pub state_hash: String,
    /// What the longest journal of a home took, as it is written to a device, bytes: looked at whenever an agent
    /// started again and at the end.
    pub largest_journal_bytes: u64,
    /// Peak resident memory in bytes where the system tells.
    pub peak_memory_bytes: Option<u64>,
}
