//! What the energy pool answers to questions.

use super::{HoldReason, MeterKind, Tariffs, ZonePairTerms};
use crate::reading::read_struct;
use crate::{
    AgentKey, Commitment, DeviceKey, HouseholdId, MeterId, Micro, Price, Seconds, Wh, Window, Zone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Roles, wiring, settings.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// Administrator.
    pub admin: String,
    /// Proposed successor.
    pub proposed_admin: Option<String>,
    /// Registrar.
    pub registrar: String,
    /// Grid operator.
    pub grid_operator: String,
    /// Regulator.
    pub regulator: String,
    /// The token.
    pub token: String,
    /// The escrow, once wired.
    pub escrow: Option<String>,
    /// Denomination.
    pub denom: String,
    /// Window length.
    pub window_seconds: u32,
    /// Days until credit is due unconfirmed.
    pub credit_delay_days: u32,
    /// Seconds beyond the usual between two blocks from which the chain counts as halted.
    pub halt_seconds: u32,
    /// Longest usual time between two blocks.
    pub block_seconds: u32,
    /// How long tokens and cover are held for standing orders.
    pub first_part_seconds: u32,
    /// Days of notice to a meter's owner.
    pub notice_days: u32,
    /// Tokenising and trading stopped.
    pub paused: bool,
    /// Feed-in confirmed up to and including this window.
    pub confirmed_through: Option<Window>,
}

/// A meter as registered, and where it stands.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterResponse {
    /// Pseudonym.
    pub meter: MeterId,
    /// Owner.
    pub owner: String,
    /// Proposed owner.
    pub proposed_owner: Option<String>,
    /// The registrar's notice to the owner, if one runs.
    pub notice: Option<Notice>,
    /// Which tenure it is: each registration and each change of owner counts it up.
    pub tenure: u64,
    /// Marks the meters of one household.
    pub household: Option<HouseholdId>,
    /// The agent's key.
    pub agent: Option<AgentKey>,
    /// The agent's address, derived from the key.
    pub agent_address: Option<String>,
    /// The device's key.
    pub device: DeviceKey,
    /// Zone.
    pub zone: Zone,
    /// Kind.
    pub kind: MeterKind,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
    /// Out of service.
    pub retired: bool,
    /// Where it stands.
    pub position: MeterPosition,
}

/// What the registrar has announced to a meter's owner.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct Notice {
    /// The meter is to be retired; otherwise it is to be given to the proposed owner.
    pub retire: bool,
    /// From this block time on it can be done.
    pub from: Seconds,
    /// The owner objects: the administrator decides.
    pub objected: bool,
}

/// Several meters.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetersResponse {
    /// Ascending by id.
    pub meters: Vec<MeterResponse>,
}

/// A meter's running figures. The figures of a window that is not the live one count as zero.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default)]
pub struct MeterPosition {
    /// Last window stated.
    pub stated: Option<Window>,
    /// Its sequence.
    pub sequence: u64,
    /// Last commitment.
    pub commitment: Option<Commitment>,
    /// Ranges skipped, ascending, at most 8: may still be stated for feed-in credit.
    pub skipped: Vec<SkippedRange>,
    /// Window of `minted` and `sold`.
    pub minted_window: Window,
    /// Tokenised in it.
    pub minted: Wh,
    /// Of these sold (gross).
    pub sold: Wh,
    /// Window of `covered` and `redeemed`.
    pub cover_window: Window,
    /// Highest cover.
    pub covered: Wh,
    /// Of this used.
    pub redeemed: Wh,
}

/// Windows that were not stated in time.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct SkippedRange {
    /// First window that may still be stated.
    pub from: Window,
    /// Last.
    pub to: Window,
    /// Sequences must be above this
    pub above: u64,
    /// and below this.
    pub below: u64,
}

/// All pairs' terms.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZonePairsResponse {
    /// Ascending by (from, to), a page of them.
    pub pairs: Vec<ZonePairTerms>,
}

impl ZonePairsResponse {
    /// Pairs of a page, at most.
    pub const PAGE: u32 = 100;

    /// The question for a window's next page; none when `pages` holds all of them already.
    pub fn next(window: Window, pages: &[Self]) -> Option<super::QueryMsg> {
        let full = |page: &Self| u32::try_from(page.pairs.len()).is_ok_and(|n| n >= Self::PAGE);
        let start_after = match pages.last() {
            None => None,
            Some(page) if full(page) => page.pairs.last().map(|pair| (pair.from, pair.to)),
            Some(_) => return None,
        };
        Some(super::QueryMsg::ZonePairs {
            window,
            start_after,
            limit: Some(Self::PAGE),
        })
    }
}

/// Everything the escrow needs.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsResponse {
    /// The live metered window.
    pub window: Window,
    /// Tokenising and trading stopped.
    pub paused: bool,
    /// The live window has seen a halt of the chain.
    pub halted: bool,
    /// The grid's prices in the live metered window.
    pub tariffs: Tariffs,
    /// Chain id is the escrow's own affair; addresses and keys of the seller
    pub seller: TradingMeter,
    /// and the buyer.
    pub buyer: TradingMeter,
    /// Terms from the seller's to the buyer's zone for the live metered window.
    pub pair: Option<ZonePairTerms>,
    /// Capacity of the pair that is left.
    pub capacity_left: Option<Wh>,
}

read_struct!(TermsResponse {
    window,
    paused,
    halted,
    tariffs,
    seller,
    buyer,
    pair,
    capacity_left
});

/// What trading needs to know of a meter.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradingMeter {
    /// Owner in the live window.
    pub owner: String,
    /// Agent's key, if it was named in the tenure of the live window.
    pub agent: Option<AgentKey>,
    /// Agent's address.
    pub agent_address: Option<String>,
    /// Out of service.
    pub retired: bool,
    /// Tenure in the live window.
    pub tenure: u64,
    /// Zone in the live window.
    pub zone: Zone,
    /// Largest import per window.
    pub max_import: Wh,
    /// Marks the meters of one household.
    pub household: Option<HouseholdId>,
    /// Tokenised in the live window.
    pub minted: Wh,
    /// Tokens of the live window that this meter may still sell.
    pub unsold: Wh,
    /// Cover of the live window that is unused.
    pub uncovered_left: Wh,
    /// Highest cover of the live window.
    pub covered: Wh,
}

read_struct!(TradingMeter {
    owner,
    agent,
    agent_address,
    retired,
    tenure,
    zone,
    max_import,
    household,
    minted,
    unsold,
    uncovered_left,
    covered,
});

/// The live window so far.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GridState {
    /// The live metered window.
    pub window: Window,
    /// Its books so far.
    pub books: PoolWindow,
    /// Tariffs of it.
    pub tariffs: Tariffs,
    /// Tokenising and trading stopped.
    pub paused: bool,
    /// Meters in service.
    pub meters: u64,
}

/// A window's books at the pool.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default)]
pub struct PoolWindow {
    /// Surplus stated and tokenised.
    pub minted: Wh,
    /// Surplus stated too late or while paused: feed-in credit without a token.
    pub late: Wh,
    /// Import covered by devices: the demand that came to market.
    pub covered: Wh,
    /// Tokens used for trades (gross).
    pub sold: Wh,
    /// Arrived (net).
    pub redeemed: Wh,
    /// Paid to sellers.
    pub paid: Micro,
    /// Statements taken.
    pub statements: u64,
    /// The chain halted while the window was live.
    pub halted: bool,
    /// The market was paused at some time while the window was live.
    pub paused: bool,
}

/// Signal for prices.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceSignal {
    /// The last closed window.
    pub window: Window,
    /// Its supply.
    pub supply: Wh,
    /// Its demand.
    pub demand: Wh,
    /// Mean price per arriving kWh, rounded down; none without trades.
    pub mean_price: Option<Price>,
}

/// Feed-in money of an owner.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedInResponse {
    /// Turned into money, not covered by the reserve yet.
    pub owed: Micro,
    /// Turned into money and set aside by holds that are not over.
    pub held: Micro,
    /// Paid so far.
    pub paid: Micro,
    /// Credit has been turned into money, and paid, up to and including this window.
    pub claimed_through: Option<Window>,
    /// Late credit not turned into money yet, ascending, a page of it.
    pub late: Vec<LateCredit>,
}

/// Credit that was stated late, without a token.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct LateCredit {
    /// The window that was live when it was stated: it falls due with that window's tokens.
    pub window: Window,
    /// Energy of all windows that were stated then.
    pub wh: Wh,
    /// What it earns, each part at the tariff of its own window.
    pub amount: Micro,
}

/// The feed-in reserve.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReserveResponse {
    /// There.
    pub reserve: Micro,
    /// All that has accrued to all owners, due or not, claimed or not, held too, less what was paid and what was struck out; tokens of the live window as
    /// if nobody bought them.
    pub owed: Micro,
    /// Paid so far.
    pub paid: Micro,
    /// Funded so far, less what the operator took back.
    pub funded: Micro,
    /// When the first block of the live window was seen.
    pub as_of: Seconds,
}

/// Holds of feed-in credit.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldsResponse {
    /// Ascending by account and first window, a page of them.
    pub holds: Vec<HoldResponse>,
}

/// A hold of an account's feed-in credit.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldResponse {
    /// The account.
    pub owner: String,
    /// First window in which held credit was stated,
    pub from: Window,
    /// and last.
    pub through: Window,
    /// Why.
    pub reason: HoldReason,
    /// Block time at which it was set.
    pub set_at: Seconds,
    /// Block time from which on it is over, released or by itself; none: the regulator has confirmed it.
    pub until: Option<Seconds>,
    /// Set aside by it and neither paid nor struck out.
    pub set_aside: Micro,
}
