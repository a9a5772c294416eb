//! The token standard cw20, as far as the energy token speaks it: byte for byte the JSON of the crate `cw20` 2.0, which is not made for this version of
//! CosmWasm. (Messages and questions are variants of [`crate::token::ExecuteMsg`] and [`crate::token::QueryMsg`].)

use cosmwasm_std::{
    to_json_binary, Addr, Binary, BlockInfo, CosmosMsg, StdResult, Timestamp, Uint128, WasmMsg,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When an allowance ends.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Expiration {
    /// From this block height on.
    AtHeight(u64),
    /// From this block time on.
    AtTime(Timestamp),
    /// Not at all.
    Never {},
}

impl Default for Expiration {
    fn default() -> Self {
        Self::Never {}
    }
}

impl Expiration {
    /// Whether it has come.
    pub fn is_expired(&self, block: &BlockInfo) -> bool {
        match self {
            Self::AtHeight(height) => block.height >= *height,
            Self::AtTime(time) => block.time >= *time,
            Self::Never {} => false,
        }
    }
}

/// A logo to upload.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Logo {
    /// Found elsewhere.
    Url(String),
    /// Kept on the chain.
    Embedded(EmbeddedLogo),
}

/// A logo on the chain.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum EmbeddedLogo {
    /// An SVG document.
    Svg(Binary),
    /// A PNG image.
    Png(Binary),
}

/// Where the logo is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum LogoInfo {
    /// Elsewhere.
    Url(String),
    /// On the chain: to be asked for.
    Embedded,
}

/// What a contract is told that tokens were sent to.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cw20ReceiveMsg {
    /// Who sent them.
    pub sender: String,
    /// How many.
    pub amount: Uint128,
    /// What the sender wants said.
    pub msg: Binary,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Hook {
    Receive(Cw20ReceiveMsg),
}

impl Cw20ReceiveMsg {
    /// The message that tells the contract.
    ///
    /// # Errors
    /// It does not serialise.
    pub fn into_cosmos_msg(self, contract: impl Into<String>) -> StdResult<CosmosMsg> {
        let execute = WasmMsg::Execute {
            contract_addr: contract.into(),
            msg: to_json_binary(&Hook::Receive(self))?,
            funds: vec![],
        };
        Ok(execute.into())
    }
}

/// Defines answers.
macro_rules! answers {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $( $(#[$fdoc])* pub $field: $ty ),* }
    )* };
}

answers! {
    /// A balance.
    BalanceResponse {
        /// In base units.
        balance: Uint128,
    }
    /// What the token is.
    TokenInfoResponse {
        /// Name.
        name: String,
        /// Symbol.
        symbol: String,
        /// Decimals of a whole token.
        decimals: u8,
        /// All there is, in base units.
        total_supply: Uint128,
    }
    /// What a spender may move.
    #[derive(Default)]
    AllowanceResponse {
        /// How much.
        allowance: Uint128,
        /// Until when.
        expires: Expiration,
    }
    /// Who mints.
    MinterResponse {
        /// An address.
        minter: String,
        /// Most there may be.
        cap: Option<Uint128>,
    }
    /// What wallets show.
    #[derive(Default)]
    MarketingInfoResponse {
        /// A link to the project.
        project: Option<String>,
        /// A description.
        description: Option<String>,
        /// Where the logo is.
        logo: Option<LogoInfo>,
        /// Who may change this.
        marketing: Option<Addr>,
    }
    /// A logo from the chain.
    DownloadLogoResponse {
        /// Its type.
        mime_type: String,
        /// Its bytes.
        data: Binary,
    }
    /// One allowance of an owner.
    AllowanceInfo {
        /// Who may spend.
        spender: String,
        /// How much.
        allowance: Uint128,
        /// Until when.
        expires: Expiration,
    }
    /// An owner's allowances.
    #[derive(Default)]
    AllAllowancesResponse {
        /// Ascending by spender.
        allowances: Vec<AllowanceInfo>,
    }
    /// One allowance of a spender.
    SpenderAllowanceInfo {
        /// Whose tokens.
        owner: String,
        /// How many.
        allowance: Uint128,
        /// Until when.
        expires: Expiration,
    }
    /// A spender's allowances.
    #[derive(Default)]
    AllSpenderAllowancesResponse {
        /// Ascending by owner.
        allowances: Vec<SpenderAllowanceInfo>,
    }
    /// All accounts.
    #[derive(Default)]
    AllAccountsResponse {
        /// In the token's own order.
        accounts: Vec<String>,
    }
}
