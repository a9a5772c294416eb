//! Messages of the trade escrow: accounts, limits, settles, standing orders, the log of closed trades.

use crate::reading::{answers, read_enum, read_struct};
use crate::{
    Digest32, MeterId, Micro, Price, Seconds, SignedApproval, SignedCover, TradeKind, Wh, Window,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::limits::{LimitName, Limits, LimitsChange};
pub use crate::record::record_digest;

/// Most windows a standing order may run.
pub const MAX_ORDER_WINDOWS: u32 = 96;
/// Most standing orders a meter may hold on each side.
pub const MAX_ORDERS: u32 = 8;
/// Most items of a batch.
pub const MAX_BATCH: u32 = 50;
/// Trades below this do not count in the statistics.
pub const TINY_TRADE: Wh = Wh(5);

/// Instantiates the escrow.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {
    /// The energy token.
    pub token: String,
    /// The energy pool.
    pub pool: String,
    /// Denomination of all payments.
    pub denom: String,
    /// Window length in seconds, as the pool's.
    pub window_seconds: u32,
}

read_struct!(InstantiateMsg {
    token,
    pool,
    denom,
    window_seconds
});

/// Migration: keeps everything, above all the closed trades.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateMsg {}

/// Who may send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Anybody.
    Anyone,
    /// The account's holder.
    Holder,
    /// The meter's owner.
    Owner,
    /// The buying meter's agent.
    BuyerAgent,
    /// The agent of either side.
    EitherAgent,
    /// Agent or owner of either side.
    EitherParty,
    /// The grid operator.
    GridOperator,
    /// The escrow itself.
    Itself,
}

impl Permission {
    /// In words.
    pub const fn who(self) -> &'static str {
        match self {
            Self::Anyone => "anybody",
            Self::Holder => "the account's holder",
            Self::Owner => "the meter's owner",
            Self::BuyerAgent => "the buying meter's agent",
            Self::EitherAgent => "the agent of either side",
            Self::EitherParty => "agent or owner of either side",
            Self::GridOperator => "the grid operator",
            Self::Itself => "the escrow itself",
        }
    }
}

/// Messages to the escrow.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[allow(missing_docs)] // what a message carries is said at the message
pub enum ExecuteMsg {
    /// Adds the sent coins to the sender's account.
    Deposit {},
    /// Takes free money out of the sender's account (all of it by default).
    Withdraw { amount: Option<Micro> },
    /// Sets some of the limits within which a meter's agent may trade in this tenure; what is neither set nor removed stays.
    SetLimits {
        meter: MeterId,
        set: LimitsChange,
        remove: Vec<LimitName>,
    },
    /// A spot trade, whole or not at all. Repeated with the same content it succeeds unchanged.
    Settle { trade: SettleTrade },
    /// Several spot trades, each answered by itself ([`crate::pool::ItemAnswer`] list as data).
    SettleBatch { trades: Vec<SettleTrade> },
    /// One item of a batch; by the escrow itself.
    SettleItem { sender: String, trade: SettleTrade },
    /// Opens a standing order and locks the buyer's money.
    OpenOrder { order: OpenOrder },
    /// Delivers what a standing order can get now for the live window; records the evidence even if that is nothing.
    Deliver {
        buyer: MeterId,
        trade_id: u64,
        cover: Option<SignedCover>,
    },
    /// Ends a standing order with the next window.
    CancelOrder { buyer: MeterId, trade_id: u64 },
    /// Closes an ended order: refunds, records.
    CloseOrder { buyer: MeterId, trade_id: u64 },
    /// Pays the accrued network charges out to the grid operator.
    WithdrawCharges {},
}

read_enum!(ExecuteMsg {
    "deposit" Deposit {}
    "withdraw" Withdraw { amount }
    "set_limits" SetLimits { meter, set, remove }
    "settle" Settle { trade }
    "settle_batch" SettleBatch { trades }
    "settle_item" SettleItem { sender, trade }
    "open_order" OpenOrder { order }
    "deliver" Deliver { buyer, trade_id, cover }
    "cancel_order" CancelOrder { buyer, trade_id }
    "close_order" CloseOrder { buyer, trade_id }
    "withdraw_charges" WithdrawCharges {}
});

impl ExecuteMsg {
    /// Who may send this message.
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Deposit {} | Self::CloseOrder { .. } => Permission::Anyone,
            Self::Withdraw { .. } => Permission::Holder,
            Self::SetLimits { .. } => Permission::Owner,
            Self::Settle { .. } | Self::SettleBatch { .. } | Self::OpenOrder { .. } => {
                Permission::BuyerAgent
            }
            Self::SettleItem { .. } => Permission::Itself,
            Self::Deliver { .. } => Permission::EitherAgent,
            Self::CancelOrder { .. } => Permission::EitherParty,
            Self::WithdrawCharges {} => Permission::GridOperator,
        }
    }
}

/// A spot trade.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleTrade {
    /// Chosen by the buyer, unique per buying meter (orders included).
    pub trade_id: u64,
    /// Energy to take: arrives in full, at most what is approved.
    pub wh: Wh,
    /// The seller's approval.
    pub approval: SignedApproval,
    /// The buyer's import, unless the pool knows enough.
    pub cover: Option<SignedCover>,
}

read_struct!(SettleTrade {
    trade_id,
    wh,
    approval,
    cover
});

/// A standing order.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenOrder {
    /// Chosen by the buyer, unique per buying meter (spot trades included).
    pub trade_id: u64,
    /// Energy per window to take: at most what is approved.
    pub wh: Wh,
    /// The seller's approval.
    pub approval: SignedApproval,
}

read_struct!(OpenOrder {
    trade_id,
    wh,
    approval
});

/// Questions to the escrow. `limit` is 30 by default and at most 100.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[allow(missing_docs)] // what a question carries is said at the question
pub enum QueryMsg {
    /// The wiring.
    Config {},
    /// An account.
    Account { owner: String },
    /// A meter's limits, day counters, orders and statistics.
    Meter { meter: MeterId },
    /// A closed trade by its place in the log.
    Trade { sequence: u64 },
    /// A trade or order by the buyer's id.
    TradeOf { buyer: MeterId, trade_id: u64 },
    /// The log, ascending.
    Trades {
        start_after: Option<u64>,
        limit: Option<u32>,
    },
    /// A meter's purchases, ascending by trade id.
    Purchases {
        meter: MeterId,
        start_after: Option<u64>,
        limit: Option<u32>,
    },
    /// A meter's sales, ascending by the approvals' nonces.
    Sales {
        meter: MeterId,
        start_after: Option<u64>,
        limit: Option<u32>,
    },
    /// Whether a seller's nonce is consumed.
    NonceUsed { seller: MeterId, nonce: u64 },
    /// A standing order that is not closed.
    Order { buyer: MeterId, trade_id: u64 },
    /// The books: what the contract owes, and the head of the log's hash chain.
    Book {},
}

answers!(QueryMsg {
    config: EscrowConfig,
    account: AccountResponse,
    meter: MeterBookResponse,
    trade: TradeRecord,
    trade_of: TradeStatus,
    trades: TradesResponse,
    purchases: TradesResponse,
    sales: TradesResponse,
    nonce_used: bool,
    order: OrderResponse,
    book: BookResponse,
});

read_enum!(QueryMsg {
    "config" Config {}
    "account" Account { owner }
    "meter" Meter { meter }
    "trade" Trade { sequence }
    "trade_of" TradeOf { buyer, trade_id }
    "trades" Trades { start_after, limit }
    "purchases" Purchases { meter, start_after, limit }
    "sales" Sales { meter, start_after, limit }
    "nonce_used" NonceUsed { seller, nonce }
    "order" Order { buyer, trade_id }
    "book" Book {}
});

/// The escrow's wiring.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscrowConfig {
    /// The energy token.
    pub token: String,
    /// The energy pool.
    pub pool: String,
    /// Denomination.
    pub denom: String,
    /// Window length.
    pub window_seconds: u32,
    /// Chain id at instantiation.
    pub chain: String,
}

/// A money account.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default)]
pub struct AccountResponse {
    /// Free to spend and withdraw.
    pub free: Micro,
    /// Locked for standing orders.
    pub locked: Micro,
}

/// A meter at the escrow.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterBookResponse {
    /// The owner's limits.
    pub limits: Limits,
    /// The tenure they are for; in another one the meter buys nothing. None: the owner never set any.
    pub tenure: Option<u64>,
    /// Locked for its standing orders.
    pub locked: Micro,
    /// Today's spending (zero if the last trade was on another day).
    pub spent_today: Micro,
    /// Bought today.
    pub bought_today: Wh,
    /// Sold today.
    pub sold_today: Wh,
    /// Statistics.
    pub statistics: Statistics,
    /// Standing orders on the selling side, in the order of opening.
    pub sells: Vec<OrderRef>,
    /// Standing orders on the buying side, in the order of opening.
    pub buys: Vec<OrderRef>,
}

/// Names a standing order.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Copy, Eq)]
pub struct OrderRef {
    /// Buying meter.
    pub buyer: MeterId,
    /// Its trade id.
    pub trade_id: u64,
}

/// Statistics of a meter, Wh-weighted. Trades between meters of one owner or household and tiny ones do not count.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default, Copy, Eq)]
pub struct Statistics {
    /// Closed sales.
    pub sales: u64,
    /// Of these: arrived or missed.
    pub asked: Wh,
    /// Arrived.
    pub arrived: Wh,
    /// Missed through the seller's fault.
    pub missed: Wh,
    /// Closed purchases.
    pub purchases: u64,
    /// Bought.
    pub bought: Wh,
    /// Wh-weighted sum of sale durations, Wh·s.
    pub wh_seconds: u64,
    /// Windows in which it took part as a seller.
    pub part: Participation,
}

/// Windows in which at least half of what was minted was sold outside the household, by periods of 30 days.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default, Copy, Eq)]
pub struct Participation {
    /// The running period: Unix time by 30 days.
    pub period: u64,
    /// Windows in it.
    pub windows: u32,
    /// Windows in the one before.
    pub before: u32,
}

/// Seconds of a period of [`Participation`].
pub const PERIOD_SECONDS: u64 = 30 * 86_400;

impl Participation {
    /// As of a time: periods that are over move on.
    #[must_use]
    pub fn at(self, now: Seconds) -> Self {
        let period = now.0.checked_div(PERIOD_SECONDS).unwrap_or_default();
        match period.checked_sub(self.period) {
            None | Some(0) => self,
            Some(1) => Self {
                period,
                windows: 0,
                before: self.windows,
            },
            Some(_) => Self {
                period,
                windows: 0,
                before: 0,
            },
        }
    }

    /// Windows within the last 30 days: those of the running period, and of the one before the share that is still within 30 days, rounded down.
    pub fn windows(self, now: Seconds) -> u64 {
        let part = self.at(now);
        let gone = now.0.checked_rem(PERIOD_SECONDS).unwrap_or_default();
        let left = PERIOD_SECONDS.saturating_sub(gone);
        let before = u64::from(part.before).saturating_mul(left);
        let before = before.checked_div(PERIOD_SECONDS).unwrap_or_default();
        u64::from(part.windows).saturating_add(before)
    }
}

/// A closed trade: immutable.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradeRecord {
    /// Version of the record.
    pub version: u16,
    /// Place in the log, from 0.
    pub sequence: u64,
    /// Spot or forward.
    pub kind: TradeKind,
    /// Buyer-scoped id.
    pub trade_id: u64,
    /// Receiver.
    pub buyer: MeterId,
    /// Sender.
    pub seller: MeterId,
    /// The approval's nonce.
    pub nonce: u64,
    /// First metered window.
    pub window: Window,
    /// Number of windows.
    pub count: u32,
    /// Asked over all windows.
    pub asked: Wh,
    /// Arrived.
    pub arrived: Wh,
    /// Declined by the buyer.
    pub declined: Wh,
    /// Missed through the seller's fault. The rest of what did not arrive is nobody's.
    pub missed: Wh,
    /// Lost on the way (sent - arrived).
    pub lost: Wh,
    /// Per arriving kWh.
    pub price: Price,
    /// To the seller.
    pub paid: Micro,
    /// Network charge on top.
    pub charge: Micro,
    /// When the buyer asked.
    pub requested_at: Seconds,
    /// Block time of closing (spot: of the settle; forward: of the last chunk, if any arrived).
    pub closed_at: Seconds,
}

/// Where a trade stands.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum TradeStatus {
    /// There is none under this id.
    Unknown {},
    /// A standing order that is not closed.
    Open {
        /// As it stands now.
        order: Box<OrderResponse>,
    },
    /// Closed.
    Closed {
        /// As it is logged.
        record: Box<TradeRecord>,
    },
}

/// Several closed trades.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradesResponse {
    /// In the order asked for.
    pub trades: Vec<TradeRecord>,
}

/// A standing order.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderResponse {
    /// Buying meter.
    pub buyer: MeterId,
    /// Its id.
    pub trade_id: u64,
    /// Selling meter.
    pub seller: MeterId,
    /// The approval's nonce.
    pub nonce: u64,
    /// First metered window.
    pub first_window: Window,
    /// Last metered window (moves forward when cancelled).
    pub last_window: Window,
    /// Per window.
    pub wh: Wh,
    /// Per arriving kWh.
    pub price: Price,
    /// Locked for it.
    pub locked: Micro,
    /// Delivered in all.
    pub delivered: Wh,
    /// Paid to the seller in all.
    pub paid: Micro,
    /// Network charge in all.
    pub charge: Micro,
    /// Window of the figures below.
    pub current: Window,
    /// Delivered in it.
    pub delivered_now: Wh,
    /// Import shown to it in time and not delivered.
    pub shown_now: Wh,
    /// The seller had too few tokens for it.
    pub short_now: bool,
    /// Cancelled.
    pub cancelled: bool,
}

/// The escrow's books. Its bank balance is never below `accounts + locked + charges`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BookResponse {
    /// Free money of all accounts.
    pub accounts: Micro,
    /// Locked money of all orders.
    pub locked: Micro,
    /// Network charges not paid out.
    pub charges: Micro,
    /// Number of closed trades.
    pub trades: u64,
    /// Head of the hash chain over the closed trades: h' = SHA-256(h ‖ record).
    pub head: Digest32,
    /// Orders opened so far.
    pub orders: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn participation_fades_over_a_month() {
        let day = |d: u64| Seconds(PERIOD_SECONDS * 20 + d * 86_400);
        let part = Participation {
            period: 20,
            windows: 300,
            before: 100,
        };
        assert_eq!(part.windows(day(0)), 400);
        assert_eq!(part.windows(day(15)), 350);
        assert_eq!(part.windows(day(30)), 300);
        assert_eq!(part.windows(day(45)), 150);
        assert_eq!(part.windows(day(60)), 0);
        // A clock that goes backwards loses nothing.
        assert_eq!(part.at(day(0).saturating_sub(Seconds(1))), part);
    }
}
