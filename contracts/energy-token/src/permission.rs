//! Who may do what: the permission is declared on the message and checked here.

use crate::state::{self, Config};
use cosmwasm_std::{Addr, Deps};
use wattpool_contract_common::permission::allow;
use wattpool_schema::error::MarketError;
use wattpool_schema::token::Permission;

/// Checks a sender against a message's permission. `Nobody` passes: its messages answer with their own code.
pub fn check(
    deps: &Deps,
    config: &Config,
    sender: &Addr,
    permission: Permission,
) -> Result<(), MarketError> {
    let (holder, needs) = match permission {
        Permission::Anyone | Permission::Nobody => return Ok(()),
        Permission::Deployer => (Some(config.deployer.clone()), "deployer"),
        Permission::Pool => (Some(config.pool()?.clone()), "energy pool"),
        Permission::Escrow => (Some(config.escrow()?.clone()), "trade escrow"),
        Permission::Marketing => {
            let holder = state::marketing(deps.storage)?.and_then(|m| m.marketing);
            (holder, "marketing account")
        }
    };
    allow(holder.as_ref() == Some(sender), needs)
}
