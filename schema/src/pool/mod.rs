//! Messages of the energy pool: meters, statements, covers, tariffs, feed-in credit.

mod answers;

pub use answers::*;

use crate::reading::{answers, read_enum, read_struct};
use crate::{
    AgentKey, DeviceKey, HouseholdId, MeterId, Micro, Ppm, Price, SignedCover, SignedStatement,
    Tariff, Wh, Window, Zone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Instantiates the pool. The administrator may later [`ExecuteMsg::Wire`] it, once.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {
    /// Administrator: roles, wiring, pause.
    pub admin: String,
    /// Registers meters.
    pub registrar: String,
    /// National grid operator: tariffs, zone terms, reserve, confirmation, holds.
    pub grid_operator: String,
    /// Regulator: decides on holds of feed-in credit.
    pub regulator: String,
    /// The energy token.
    pub token: String,
    /// Denomination of all payments.
    pub denom: String,
    /// Window length in seconds, at least 1.
    pub window_seconds: u32,
    /// Days after which feed-in credit is due without the operator's confirmation.
    pub credit_delay_days: u32,
    /// Seconds beyond the usual between two blocks from which the chain counts as halted; at most half of `first_part_seconds`.
    pub halt_seconds: u32,
    /// Longest usual time between two blocks, in seconds.
    pub block_seconds: u32,
    /// How long, in seconds from the beginning of a window, tokens and cover are held for standing orders: four blocks' time to half a window, or zero
    /// where there is no room for that and no standing orders are opened.
    pub first_part_seconds: u32,
    /// Days of notice to a meter's owner before the registrar can give the meter to another or retire it.
    pub notice_days: u32,
    /// Tariffs from the beginning.
    pub tariffs: Tariffs,
    /// Zone terms from the beginning. A pair that is not listed cannot trade.
    pub zone_pairs: Vec<ZonePairTerms>,
}

read_struct!(InstantiateMsg {
    admin,
    registrar,
    grid_operator,
    regulator,
    token,
    denom,
    window_seconds,
    credit_delay_days,
    halt_seconds,
    block_seconds,
    first_part_seconds,
    notice_days,
    tariffs,
    zone_pairs,
});

/// Migration: keeps everything.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateMsg {}

/// The grid's prices.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct Tariffs {
    /// Price of a kWh from the national grid.
    pub import: Tariff,
    /// Price the national grid pays for a kWh.
    pub feed_in: Tariff,
}

read_struct!(Tariffs { import, feed_in });

/// Terms between a seller's and a buyer's zone.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct ZonePairTerms {
    /// Seller's zone.
    pub from: Zone,
    /// Buyer's zone.
    pub to: Zone,
    /// Lost on the way, below 1,000,000.
    pub loss: Ppm,
    /// Network charge per arriving kWh.
    pub charge: Price,
    /// Most that may arrive per window; none is unlimited.
    pub capacity: Option<Wh>,
}

read_struct!(ZonePairTerms {
    from,
    to,
    loss,
    charge,
    capacity
});

/// What stands behind a meter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[derive(Copy, Eq)]
pub enum MeterKind {
    /// Photovoltaics.
    Pv,
    /// Wind.
    Wind,
    /// Battery.
    Battery,
    /// Several of these.
    Mixed,
    /// Load only.
    Consumer,
}

impl MeterKind {
    /// Generates from a renewable source (what a green-only buyer accepts).
    pub const fn is_green(self) -> bool {
        matches!(self, Self::Pv | Self::Wind)
    }
}

/// Who may send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Anybody (what counts is signed by a device, or does no harm).
    Anyone,
    /// The administrator.
    Admin,
    /// Who has been proposed as administrator.
    ProposedAdmin,
    /// The registrar.
    Registrar,
    /// The grid operator.
    GridOperator,
    /// The regulator.
    Regulator,
    /// The grid operator or the regulator.
    GridOperatorOrRegulator,
    /// The meter's owner.
    Owner,
    /// Who has been proposed as the meter's owner.
    ProposedOwner,
    /// The meter's owner or the registrar.
    OwnerOrRegistrar,
    /// The trade escrow.
    Escrow,
}

impl Permission {
    /// In words.
    pub const fn who(self) -> &'static str {
        match self {
            Self::Anyone => "anybody",
            Self::Admin => "the administrator",
            Self::ProposedAdmin => "who has been proposed as administrator",
            Self::Registrar => "the registrar",
            Self::GridOperator => "the grid operator",
            Self::Regulator => "the regulator",
            Self::GridOperatorOrRegulator => "the grid operator or the regulator",
            Self::Owner => "the meter's owner",
            Self::ProposedOwner => "who has been proposed as the meter's owner",
            Self::OwnerOrRegistrar => "the meter's owner or the registrar",
            Self::Escrow => "the trade escrow",
        }
    }
}

/// Roles the administrator can give.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[derive(Copy, Eq)]
pub enum Role {
    /// Registers meters.
    Registrar,
    /// Tariffs, zone terms, reserve, confirmation, holds.
    GridOperator,
    /// Confirms, releases and strikes out holds.
    Regulator,
}

/// Messages to the pool.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[allow(missing_docs)] // what a message carries is said at the message
pub enum ExecuteMsg {
    /// Names the escrow; by the administrator, once.
    Wire { escrow: String },
    /// Proposes another administrator (none withdraws the proposal).
    ProposeAdmin { admin: Option<String> },
    /// The proposed one takes over.
    AcceptAdmin {},
    /// Gives a role to an address.
    SetRole { role: Role, address: String },
    /// Stops tokenising and trading; statements count as feed-in.
    Pause {},
    /// Goes on.
    Unpause {},
    /// Registers a meter, or a retired one again (its sequence and window survive); under another owner only once the notice to the one before has run
    /// out. Names no agent: only the owner does.
    RegisterMeter { registration: Registration },
    /// Changes what the registrar knows of a meter: zone and maxima from the second next window on.
    UpdateMeter {
        meter: MeterId,
        zone: Option<Zone>,
        kind: Option<MeterKind>,
        max_export: Option<Wh>,
        max_import: Option<Wh>,
    },
    /// Another device signs from now on; sequence and window survive.
    SetDevice { meter: MeterId, device: DeviceKey },
    /// Names the agent that may trade; none stops it.
    SetAgent {
        meter: MeterId,
        agent: Option<AgentKey>,
    },
    /// Hands the meter over to another owner, who must accept; none withdraws. By the registrar it is a notice to the owner.
    ProposeOwner {
        meter: MeterId,
        owner: Option<String>,
    },
    /// The proposed owner takes the meter from the next window on; its agent key is cleared.
    AcceptOwner { meter: MeterId },
    /// Takes a meter out of service. By the registrar it is a notice first, and an act when repeated after it.
    RetireMeter { meter: MeterId },
    /// The owner objects to the registrar's notice: nothing happens until the administrator decides.
    Object { meter: MeterId },
    /// The administrator decides on an objection: the notice falls (`uphold`), or runs anew.
    Decide { meter: MeterId, uphold: bool },
    /// Statements of devices; each is answered by itself ([`ItemAnswer`] list as data).
    State { statements: Vec<SignedStatement> },
    /// Covers of devices; each is answered by itself ([`ItemAnswer`] list as data).
    Cover { covers: Vec<SignedCover> },
    /// The physical side of a trade; by the escrow.
    Redeem { redeem: RedeemMsg },
    /// Tariffs from a window on, at the earliest the second next.
    SetTariffs {
        from_window: Window,
        tariffs: Tariffs,
    },
    /// Terms of a zone pair from a window on, at the earliest the second next.
    SetZonePair {
        from_window: Window,
        terms: ZonePairTerms,
    },
    /// Adds the sent coins to the feed-in reserve.
    FundReserve {},
    /// Takes back what the reserve holds beyond all that has accrued (all of it by default).
    TakeBack { amount: Option<Micro> },
    /// The operator confirms the feed-in that was stated while windows up to and including this one were live (the tokens of a window are those stated while it is).
    ConfirmFeedIn { through: Window },
    /// Turns up to `limit` (default 30, at most 100) windows of due credit of an owner into money, the oldest first, and pays what the reserve covers: the oldest
    /// window of all owners first, within a window pro rata. Credit under a hold is set aside; what was set aside by a hold that is over is paid first.
    ClaimFeedIn { owner: String, limit: Option<u32> },
    /// The operator holds an account's credit that was stated while windows `from` to `through` were live and is not claimed yet: a claim sets it aside.
    /// It ends 30 days later, unless the regulator confirms it. At most eight of an account.
    HoldCredit {
        owner: String,
        from: Window,
        through: Window,
        reason: HoldReason,
    },
    /// The regulator confirms the hold that begins with window `from`: it no longer ends by itself.
    ConfirmHold { owner: String, from: Window },
    /// The operator or the regulator ends a hold: what it set aside is paid by the next claims as if it had never been held.
    ReleaseHold { owner: String, from: Window },
    /// The regulator strikes out what a hold set aside, once all its credit is claimed: it counts as if it had never accrued. The oldest `limit` windows
    /// with credit (default and at most 200); repeated until none is left, which ends the hold.
    StrikeOut {
        owner: String,
        from: Window,
        limit: Option<u32>,
    },
}

/// Days after which a hold that the regulator has not confirmed ends.
pub const HOLD_DAYS: u32 = 30;
/// Holds of an account, those that are over and have something left set aside among them.
pub const MAX_HOLDS: u32 = 8;
/// Windows that are struck out with one message.
pub const MAX_STRUCK: u32 = 200;

/// Why the operator holds credit.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[derive(Copy, Eq)]
pub enum HoldReason {
    /// The operator's own readings say something else.
    ReadingsDiffer,
    /// The meter is faulty.
    MeterFault,
    /// The meter was tampered with.
    Tampering,
}

impl HoldReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ReadingsDiffer, Self::MeterFault, Self::Tampering];
    /// Its code, as in messages and events.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ReadingsDiffer => "readings_differ",
            Self::MeterFault => "meter_fault",
            Self::Tampering => "tampering",
        }
    }
    /// What a code stands for.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

read_enum!(ExecuteMsg {
    "wire" Wire { escrow }
    "propose_admin" ProposeAdmin { admin }
    "accept_admin" AcceptAdmin {}
    "set_role" SetRole { role, address }
    "pause" Pause {}
    "unpause" Unpause {}
    "register_meter" RegisterMeter { registration }
    "update_meter" UpdateMeter { meter, zone, kind, max_export, max_import }
    "set_device" SetDevice { meter, device }
    "set_agent" SetAgent { meter, agent }
    "propose_owner" ProposeOwner { meter, owner }
    "accept_owner" AcceptOwner { meter }
    "retire_meter" RetireMeter { meter }
    "object" Object { meter }
    "decide" Decide { meter, uphold }
    "state" State { statements }
    "cover" Cover { covers }
    "redeem" Redeem { redeem }
    "set_tariffs" SetTariffs { from_window, tariffs }
    "set_zone_pair" SetZonePair { from_window, terms }
    "fund_reserve" FundReserve {}
    "take_back" TakeBack { amount }
    "confirm_feed_in" ConfirmFeedIn { through }
    "claim_feed_in" ClaimFeedIn { owner, limit }
    "hold_credit" HoldCredit { owner, from, through, reason }
    "confirm_hold" ConfirmHold { owner, from }
    "release_hold" ReleaseHold { owner, from }
    "strike_out" StrikeOut { owner, from, limit }
});

impl ExecuteMsg {
    /// Who may send this message.
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Wire { .. }
            | Self::ProposeAdmin { .. }
            | Self::SetRole { .. }
            | Self::Decide { .. }
            | Self::Pause {}
            | Self::Unpause {} => Permission::Admin,
            Self::AcceptAdmin {} => Permission::ProposedAdmin,
            Self::RegisterMeter { .. } | Self::UpdateMeter { .. } | Self::SetDevice { .. } => {
                Permission::Registrar
            }
            Self::SetAgent { .. } | Self::Object { .. } => Permission::Owner,
            Self::ProposeOwner { .. } | Self::RetireMeter { .. } => Permission::OwnerOrRegistrar,
            Self::AcceptOwner { .. } => Permission::ProposedOwner,
            Self::State { .. }
            | Self::Cover { .. }
            | Self::FundReserve {}
            | Self::ClaimFeedIn { .. } => Permission::Anyone,
            Self::Redeem { .. } => Permission::Escrow,
            Self::SetTariffs { .. }
            | Self::SetZonePair { .. }
            | Self::TakeBack { .. }
            | Self::ConfirmFeedIn { .. }
            | Self::HoldCredit { .. } => Permission::GridOperator,
            Self::ConfirmHold { .. } | Self::StrikeOut { .. } => Permission::Regulator,
            Self::ReleaseHold { .. } => Permission::GridOperatorOrRegulator,
        }
    }
}

/// A new meter.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Pseudonym.
    pub meter: MeterId,
    /// Owner's address.
    pub owner: String,
    /// The device's key.
    pub device: DeviceKey,
    /// Marks the meters of one household, if the registrar knows it.
    pub household: Option<HouseholdId>,
    /// Zone of the local grid.
    pub zone: Zone,
    /// What stands behind it.
    pub kind: MeterKind,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
}

read_struct!(Registration {
    meter,
    owner,
    device,
    household,
    zone,
    kind,
    max_export,
    max_import
});

/// The physical side of a trade.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemMsg {
    /// Metered window: the live one.
    pub window: Window,
    /// Buyer-scoped trade id.
    pub trade_id: u64,
    /// Selling meter.
    pub seller: MeterId,
    /// Buying meter.
    pub buyer: MeterId,
    /// Taken from the seller meter's unsold.
    pub gross: Wh,
    /// Redeemed against the buyer meter's cover, and counted to the zone pair's capacity.
    pub net: Wh,
    /// What the buyer pays the seller for it (for the mean price).
    pub paid: Micro,
    /// The selling meter's zone, where what arrives from there at the buying meter is limited, as the pool has said in the terms of this
    /// transaction: what it has just told the escrow is not looked up once more.
    pub capped_from: Option<Zone>,
    /// Raises the buyer meter's cover first.
    pub cover: Option<SignedCover>,
}

read_struct!(RedeemMsg {
    window,
    trade_id,
    seller,
    buyer,
    gross,
    net,
    paid,
    capped_from,
    cover
});

/// Answer to one item of a batch.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemAnswer {
    /// `None` when it was taken; the code of [`crate::error::MarketError`] otherwise.
    pub refused: Option<String>,
}

/// Questions to the pool.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[allow(missing_docs)] // what a question carries is said at the question
pub enum QueryMsg {
    /// Roles, wiring, settings.
    Config {},
    /// A meter.
    Meter { meter: MeterId },
    /// All meters, ascending by id; `limit` default 30, at most 100.
    Meters {
        start_after: Option<MeterId>,
        limit: Option<u32>,
    },
    /// An owner's meters.
    MetersOf {
        owner: String,
        start_after: Option<MeterId>,
        limit: Option<u32>,
    },
    /// Tariffs of a window.
    Tariffs { window: Window },
    /// Terms of a zone pair in a window (`None`: no trade between them).
    ZonePair {
        from: Zone,
        to: Zone,
        window: Window,
    },
    /// The pairs' terms in a window, ascending by (from, to); `limit` default 30, at most 100.
    ZonePairs {
        window: Window,
        start_after: Option<(Zone, Zone)>,
        limit: Option<u32>,
    },
    /// Everything the escrow needs for a trade in the live window.
    Terms { seller: MeterId, buyer: MeterId },
    /// The live window so far.
    GridState {},
    /// A window's books.
    Window { window: Window },
    /// Signal for prices from the last closed window.
    PriceSignal {},
    /// Feed-in money of an owner, and a page of its late credit.
    FeedIn {
        owner: String,
        start_after: Option<Window>,
        limit: Option<u32>,
    },
    /// The feed-in reserve.
    Reserve {},
    /// Holds of feed-in credit, of one account or of all, ascending by account and window; `limit` default 30, at most 100. `start_after`: account and
    /// first window.
    Holds {
        owner: Option<String>,
        start_after: Option<(String, Window)>,
        limit: Option<u32>,
    },
}

answers!(QueryMsg {
    config: PoolConfig,
    meter: MeterResponse,
    meters: MetersResponse,
    meters_of: MetersResponse,
    tariffs: Tariffs,
    zone_pair: Option<ZonePairTerms>,
    zone_pairs: ZonePairsResponse,
    terms: TermsResponse,
    grid_state: GridState,
    window: PoolWindow,
    price_signal: PriceSignal,
    feed_in: FeedInResponse,
    reserve: ReserveResponse,
    holds: HoldsResponse,
});

read_enum!(QueryMsg {
    "config" Config {}
    "meter" Meter { meter }
    "meters" Meters { start_after, limit }
    "meters_of" MetersOf { owner, start_after, limit }
    "tariffs" Tariffs { window }
    "zone_pair" ZonePair { from, to, window }
    "zone_pairs" ZonePairs { window, start_after, limit }
    "terms" Terms { seller, buyer }
    "grid_state" GridState {}
    "window" Window { window }
    "price_signal" PriceSignal {}
    "feed_in" FeedIn { owner, start_after, limit }
    "reserve" Reserve {}
    "holds" Holds { owner, start_after, limit }
});
