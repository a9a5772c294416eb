//! The figures of a run, as `summary.json` holds them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wattpool_scenario::attackers::Attack;

use crate::dictionary::described;
use crate::fees::Fees;
use crate::gains::Group;
use crate::outcome::Timings;

described! {
/// Every figure of a run. Energy is in Wh, money in micro-units, shares are in `[0, 1]`; a figure that
/// is not defined (a share of nothing) is `null`, and a note says why. The fields keep this order.
///
/// Of an interrupted run only the finished windows count; `messages`, `lookups`, `transactions`,
/// `faults` and the timings are those of the whole elapsed run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the scenario.
    pub scenario: String,
    /// The run's seed.
    pub seed: u64,
    /// Homes.
    pub meters: u64,
    /// Windows that count: metered and completely settled.
    pub windows: u64,
    /// Windows the scenario has.
    pub windows_planned: u64,
    /// True when all of them were finished.
    pub finished: bool,
    /// Length of a window in seconds.
    pub window_s: u32,
    /// First second of the first window, RFC 3339.
    pub start: String,
    /// The same on the clock of the people's time zone.
    pub start_local: String,
    /// That zone: a name such as `Europe/Berlin`, or an offset.
    pub timezone: String,
    /// Days that count: finished windows × their length.
    pub days: f64,
    /// What a million micro-units are called; `null` where the scenario does not say.
    pub currency: Option<String>,
    /// `trusted` (signature arithmetic skipped) or `verified`.
    pub signatures: String,

    /// Own use and energy arrived by trade, over demand.
    pub self_sufficiency: Option<f64>,
    /// Own use over demand.
    pub self_sufficiency_without_trading: Option<f64>,
    /// The same with perfect matching in every window.
    pub self_sufficiency_ceiling: Option<f64>,
    /// Own use and energy arrived by trade, over generation.
    pub self_consumption: Option<f64>,
    /// Own use over generation.
    pub self_consumption_without_trading: Option<f64>,
    /// The same with perfect matching in every window.
    pub self_consumption_ceiling: Option<f64>,
    /// Energy arrived by trade, over what perfect matching could have delivered.
    pub ceiling_share: Option<f64>,

    /// Consumed.
    pub demand_wh: u64,
    /// Generated.
    pub generation_wh: u64,
    /// Generated and consumed in the same home and window.
    pub own_use_wh: u64,
    /// Arrived by trade.
    pub traded_wh: u64,
    /// Lost on the way between neighbours.
    pub lost_wh: u64,
    /// Lost on the low-voltage lines by what was traded, where they are modelled: physics, nobody's to pay.
    pub line_loss_wh: Option<f64>,
    /// Lost between neighbours and on the lines, over what arrived by trade.
    pub lost_per_traded: Option<f64>,
    /// What perfect matching could have delivered.
    pub ceiling_wh: f64,
    /// Of what the ceiling has and trading did not deliver: what could still have been matched at the windows'
    /// ends (thresholds, rounding, time).
    pub left_over_wh: f64,
    /// The rest of it: what could not be matched any more for what had been traded before (detours over
    /// lines that lose more, thin lines taken by those who had another).
    pub misplaced_wh: f64,
    /// Supplied by the national grid.
    pub grid_import_wh: u64,
    /// The same without trading.
    pub grid_import_without_trading_wh: u64,
    /// Fed into the national grid.
    pub feed_in_wh: u64,
    /// The same without trading.
    pub feed_in_without_trading_wh: u64,

    /// Sum of all homes' bills: grid supply − feed-in + spent − earned + fees. Negative is income.
    pub bill: i64,
    /// The same without trading.
    pub bill_without_trading: i64,
    /// What trading brings all homes together after fees: `bill_without_trading − bill`.
    pub welfare: i64,
    /// The same before fees: prosumers' gain and consumers' savings.
    pub welfare_before_fees: i64,
    /// Homes without generation.
    pub consumers: Group,
    /// Homes with generation.
    pub producers: Group,
    /// What attackers did, where the scenario has some (`[attackers]`).
    pub attack: Option<Attack>,
    /// The attackers; `attacks` in `meters.csv` says who they are.
    pub attackers: Option<Group>,
    /// All other homes, where there are attackers. The share of the ceiling is that of all homes: energy that an attacker keeps to itself is missing in it.
    pub honest: Option<Group>,
    /// Gas and fees of the homes' messages to the chain.
    pub machinery: Fees,
    /// Earned by selling to neighbours.
    pub prosumer_income: i64,
    /// Earned by selling, less the feed-in credit it replaced.
    pub prosumer_gain: i64,
    /// Grid cost avoided by buying from neighbours, less what was spent. Welfare before fees is this and the
    /// prosumers' gain.
    pub consumer_savings: i64,
    /// Network charges paid by buyers.
    pub network_charges: i64,
    /// Mean price per arrived kWh, weighted by energy, without network charge.
    pub mean_price: Option<f64>,

    /// Grid supply avoided × the grid's carbon intensity in that window, g.
    pub co2_avoided_g: f64,
    /// Largest total grid supply of a window, as average power in W.
    pub peak_import_w: f64,
    /// The same without trading.
    pub peak_import_without_trading_w: f64,
    /// Largest over mean grid supply of a window.
    pub peak_to_average: Option<f64>,
    /// The same without trading.
    pub peak_to_average_without_trading: Option<f64>,

    /// Closed trades.
    pub trades: u64,
    /// Of these, closed standing orders.
    pub forward_trades: u64,
    /// Homes and windows in which spot energy arrived.
    pub needs_served: u64,
    /// Different sellers per served need, spot.
    pub sellers_per_need: Option<f64>,
    /// From request to close, spot, seconds of chain time.
    pub mean_duration_s: Option<f64>,
    /// Fulfilment: arrived over asked.
    pub quality: Option<f64>,
    /// Approved for spot trades and taken up by the buyers, Wh.
    pub promised_wh: u64,
    /// Of what was approved and taken up (spot) or agreed and not declined (standing orders), the share that
    /// did not arrive. Not told of an interrupted run.
    pub shortfall: Option<f64>,
    /// Gini coefficient of Wh sold, among homes that had surplus.
    pub gini_sales: Option<f64>,
    /// Gini coefficient of the share of its own surplus that each of them sold: like with like.
    pub gini_sales_share: Option<f64>,
    /// The same among like sellers: of one zone, kind, size of surplus (within a factor of two) and conduct,
    /// the mean over such groups weighted by their sellers.
    pub gini_like_sellers: Option<f64>,

    /// Requests between meters.
    pub requests: u64,
    /// Requests approved in full or in part.
    pub approvals: u64,
    /// Look-ups in the DHT.
    pub lookups: u64,
    /// Messages of all kinds.
    pub messages: u64,
    /// Messages of all kinds per look-up.
    pub messages_per_lookup: Option<f64>,
    /// Executed transactions.
    pub transactions: u64,
    /// Transactions the chain refused.
    pub refused_transactions: u64,
    /// Incidents by name: faults injected, what they led to, refusals by code, limits of the grid gate lifted.
    pub faults: BTreeMap<String, u64>,
    /// Invariants checked.
    pub invariant_checks: u64,
    /// Invariants violated.
    pub invariant_violations: u64,
    /// The first of them, one line each.
    pub violations: Vec<String>,

    /// Threads used.
    pub threads: u64,
    /// Wall-clock seconds of the run.
    pub elapsed_s: f64,
    /// Meters × finished windows per wall-clock second.
    pub meter_windows_per_second: Option<f64>,
    /// Wall-clock seconds by part of the machinery, summed over threads.
    pub timings: Timings,
    /// Peak resident memory, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// Hash over the chain's whole state at the end, hex.
    pub state_hash: String,
    /// What was done to the inputs, and why a figure is missing.
    pub notes: Vec<String>,
}
}

impl Summary {
    /// True when signature arithmetic was skipped in the run.
    pub fn signatures_trusted(&self) -> bool {
        self.signatures == "trusted"
    }
}
