//! Messages of the energy token: the whole of cw20, and what only the market's own contracts may say.

use crate::reading::{answers, read_struct};
use crate::{MeterId, Seconds, Wh, Window};
use cosmwasm_std::{Binary, Uint128};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
// The answers are named for their schemas only, which are left out on the chain.
#[cfg_attr(target_arch = "wasm32", allow(unused_imports))]
use crate::cw20::{
    AllAccountsResponse, AllAllowancesResponse, AllSpenderAllowancesResponse, AllowanceResponse,
    BalanceResponse, DownloadLogoResponse, Expiration, Logo, MarketingInfoResponse, MinterResponse,
    TokenInfoResponse,
};

/// Instantiates the token. The sender may later [`ExecuteMsg::Wire`] it, once.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstantiateMsg {
    /// Such as `Wattpool energy`.
    pub name: String,
    /// Such as `KWH`; the token has 3 decimals, its base unit is 1 Wh.
    pub symbol: String,
    /// Window length in seconds.
    pub window_seconds: u32,
    /// May change the marketing information.
    pub marketing: Option<String>,
}

/// Migration: keeps everything.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateMsg {}

/// Who may send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Anybody, for what is theirs.
    Anyone,
    /// The deployer, once.
    Deployer,
    /// The energy pool.
    Pool,
    /// The trade escrow.
    Escrow,
    /// The marketing account.
    Marketing,
    /// Nobody: it is always refused with a code.
    Nobody,
}

impl Permission {
    /// In words.
    pub const fn who(self) -> &'static str {
        match self {
            Self::Anyone => "anybody, for what is theirs",
            Self::Deployer => "the deployer, once",
            Self::Pool => "the energy pool",
            Self::Escrow => "the trade escrow",
            Self::Marketing => "the marketing account",
            Self::Nobody => "nobody: it is always refused",
        }
    }
}

/// Messages to the token. The first twelve are cw20's.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[allow(missing_docs)] // what a message carries is said at the message
pub enum ExecuteMsg {
    /// Moves tokens; received ones are spent first and arrive as received.
    Transfer { recipient: String, amount: Uint128 },
    /// Refused (`BURN_REFUSED`).
    Burn { amount: Uint128 },
    /// Moves tokens to a contract and calls it.
    Send {
        contract: String,
        amount: Uint128,
        msg: Binary,
    },
    /// Lets a spender move more.
    IncreaseAllowance {
        spender: String,
        amount: Uint128,
        expires: Option<Expiration>,
    },
    /// Lets a spender move less.
    DecreaseAllowance {
        spender: String,
        amount: Uint128,
        expires: Option<Expiration>,
    },
    /// Moves another's tokens within the allowance.
    TransferFrom {
        owner: String,
        recipient: String,
        amount: Uint128,
    },
    /// Like `Send`, within the allowance.
    SendFrom {
        owner: String,
        contract: String,
        amount: Uint128,
        msg: Binary,
    },
    /// Refused (`BURN_REFUSED`).
    BurnFrom { owner: String, amount: Uint128 },
    /// Refused: tokens are minted with `MintSurplus` only (`MINTER_FIXED`).
    Mint { recipient: String, amount: Uint128 },
    /// Refused (`MINTER_FIXED`).
    UpdateMinter { new_minter: Option<String> },
    /// By the marketing account.
    UpdateMarketing {
        project: Option<String>,
        description: Option<String>,
        marketing: Option<String>,
    },
    /// By the marketing account.
    UploadLogo(Logo),
    /// Names the market's contracts; by the deployer, once.
    Wire { pool: String, escrow: String },
    /// By the pool: tokens for the surplus of `window`, each to its meter's owner.
    MintSurplus {
        window: Window,
        items: Vec<MintItem>,
    },
    /// By the escrow: `gross` of the seller's own tokens go to the buyer; `gross - net` are lost on the
    /// way and `net` redeemed. Emits cw20 transfer and burn events.
    Settle { trade: SettleMsg },
}

impl ExecuteMsg {
    /// Who may send this message.
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Transfer { .. }
            | Self::Send { .. }
            | Self::IncreaseAllowance { .. }
            | Self::DecreaseAllowance { .. }
            | Self::TransferFrom { .. }
            | Self::SendFrom { .. } => Permission::Anyone,
            Self::Burn { .. }
            | Self::BurnFrom { .. }
            | Self::Mint { .. }
            | Self::UpdateMinter { .. } => Permission::Nobody,
            Self::UpdateMarketing { .. } | Self::UploadLogo(_) => Permission::Marketing,
            Self::Wire { .. } => Permission::Deployer,
            Self::MintSurplus { .. } => Permission::Pool,
            Self::Settle { .. } => Permission::Escrow,
        }
    }
}

/// One meter's surplus.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MintItem {
    /// The meter.
    pub meter: MeterId,
    /// Its owner, who gets the tokens (validated by the pool).
    pub owner: String,
    /// How much.
    pub wh: Wh,
}

read_struct!(MintItem { meter, owner, wh });

/// The energy side of a trade.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleMsg {
    /// Metered window of the energy.
    pub window: Window,
    /// Buyer-scoped trade id.
    pub trade_id: u64,
    /// Selling meter.
    pub seller: MeterId,
    /// Buying meter.
    pub buyer: MeterId,
    /// Owner of the selling meter.
    pub from: String,
    /// Owner of the buying meter.
    pub to: String,
    /// Sent.
    pub gross: Wh,
    /// Arrived and redeemed.
    pub net: Wh,
}

read_struct!(SettleMsg {
    window,
    trade_id,
    seller,
    buyer,
    from,
    to,
    gross,
    net
});

/// Questions to the token. The first nine are cw20's.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
#[allow(missing_docs)] // what a question carries is said at the question
pub enum QueryMsg {
    /// Tokens of the live window.
    Balance { address: String },
    /// Name, symbol, 3 decimals, live supply.
    TokenInfo {},
    /// The pool; no cap.
    Minter {},
    /// One allowance.
    Allowance { owner: String, spender: String },
    /// An owner's allowances.
    AllAllowances {
        owner: String,
        start_after: Option<String>,
        limit: Option<u32>,
    },
    /// A spender's allowances.
    AllSpenderAllowances {
        spender: String,
        start_after: Option<String>,
        limit: Option<u32>,
    },
    /// All who ever held tokens.
    AllAccounts {
        start_after: Option<String>,
        limit: Option<u32>,
    },
    /// Marketing information.
    MarketingInfo {},
    /// The logo, if it is embedded.
    DownloadLogo {},
    /// Own and received part of a live balance.
    Holding { address: String },
    /// What expired in an account's hands per window, ascending: its feed-in credit.
    Credits {
        address: String,
        after: Option<Window>,
        through: Window,
        limit: Option<u32>,
    },
    /// A window's books.
    Window { window: Window },
    /// The wiring.
    Config {},
}

answers!(QueryMsg {
    balance: BalanceResponse,
    token_info: TokenInfoResponse,
    minter: Option<MinterResponse>,
    allowance: AllowanceResponse,
    all_allowances: AllAllowancesResponse,
    all_spender_allowances: AllSpenderAllowancesResponse,
    all_accounts: AllAccountsResponse,
    marketing_info: MarketingInfoResponse,
    download_logo: DownloadLogoResponse,
    holding: HoldingResponse,
    credits: CreditsResponse,
    window: TokenWindow,
    config: TokenConfig,
});

/// Live balance of an account.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldingResponse {
    /// The live metered window (block time's window - 1).
    pub window: Window,
    /// Minted to it and not moved.
    pub own: Wh,
    /// Received from others.
    pub received: Wh,
}

read_struct!(HoldingResponse {
    window,
    own,
    received
});

/// Expired holdings.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditsResponse {
    /// Ascending by window.
    pub credits: Vec<WindowWh>,
}

read_struct!(CreditsResponse { credits });

/// Energy of a window.
#[derive(Serialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowWh {
    /// The metered window.
    pub window: Window,
    /// How much.
    pub wh: Wh,
}

read_struct!(WindowWh { window, wh });

/// A window's token books. While it is live, balances sum to `minted - redeemed - lost`; afterwards that
/// is what expired.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
#[derive(Default)]
pub struct TokenWindow {
    /// Minted against statements.
    pub minted: Wh,
    /// Redeemed by buyers.
    pub redeemed: Wh,
    /// Lost on the way.
    pub lost: Wh,
    /// Of what expired: found in accounts so far.
    pub credited: Wh,
}

/// The token's configuration.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Who may wire it.
    pub deployer: String,
    /// The pool, once wired.
    pub pool: Option<String>,
    /// The escrow, once wired.
    pub escrow: Option<String>,
    /// Window length.
    pub window_seconds: u32,
    /// Block time at instantiation.
    pub since: Seconds,
}
