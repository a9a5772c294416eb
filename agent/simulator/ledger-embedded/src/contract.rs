//! The three contracts' entry points.

use crate::machine::Refusal;
use cosmwasm_std::{from_json, Binary, Deps, DepsMut, Env, MessageInfo, Reply, Response};
use serde::de::DeserializeOwned;

/// One of the market's contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contract {
    Token,
    Pool,
    Escrow,
}

fn read<T: DeserializeOwned>(message: &[u8]) -> Result<T, Refusal> {
    from_json(message).map_err(|e| e.to_string())
}

impl Contract {
    /// All, by their numbers.
    pub const ALL: [Self; 3] = [Self::Token, Self::Pool, Self::Escrow];

    pub const fn number(self) -> usize {
        match self {
            Self::Token => 0,
            Self::Pool => 1,
            Self::Escrow => 2,
        }
    }

    pub fn execute(
        self,
        deps: DepsMut,
        env: Env,
        info: MessageInfo,
        message: &[u8],
    ) -> Result<Response, Refusal> {
        match self {
            Self::Token => energy_token::contract::execute(deps, env, info, read(message)?),
            Self::Pool => energy_pool::contract::execute(deps, env, info, read(message)?),
            Self::Escrow => trade_escrow::contract::execute(deps, env, info, read(message)?),
        }
        .map_err(|e| e.to_string())
    }

    pub fn query(self, deps: Deps, env: Env, message: &[u8]) -> Result<Binary, Refusal> {
        match self {
            Self::Token => energy_token::contract::query(deps, env, read(message)?),
            Self::Pool => energy_pool::contract::query(deps, env, read(message)?),
            Self::Escrow => trade_escrow::contract::query(deps, env, read(message)?),
        }
        .map_err(|e| e.to_string())
    }

    pub fn reply(self, deps: DepsMut, env: Env, reply: Reply) -> Result<Response, Refusal> {
        match self {
            Self::Escrow => {
                trade_escrow::contract::reply(deps, env, reply).map_err(|e| e.to_string())
            }
            Self::Token | Self::Pool => Err("this contract expects no replies".to_owned()),
        }
    }
}
