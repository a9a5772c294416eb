//! Who may do what: the permission is declared on the message and checked here.

use crate::state::{self, Config};
use cosmwasm_std::{Addr, Deps, MessageInfo};
use wattpool_schema::error::MarketError;
use wattpool_schema::token::Permission;

/// Refuses coins: the token has no use for them and could not give them back.
pub fn no_coins(info: &MessageInfo) -> Result<(), MarketError> {
    if info.funds.is_empty() {
        Ok(())
    } else {
        Err(MarketError::BadFunds {
            expected: "no coins".into(),
        })
    }
}

/// Checks a sender against a message's permission. `Nobody` passes: its messages answer with their own code.
pub fn check(
    deps: &Deps,
    config: &Config,
    sender: &Addr,
    permission: Permission,
) -> Result<(), MarketError> {
    let (holder, needs) = match permission {
        Permission::Anyone | Permission::Nobody => return Ok(()),
        Permission::Deployer => (Some(&config.deployer), "deployer"),
        Permission::Pool => (Some(config.pool()?), "energy pool"),
        Permission::Escrow => (Some(config.escrow()?), "trade escrow"),
        Permission::Marketing => {
            let holder = state::marketing(deps.storage)?.and_then(|m| m.marketing);
            return allow(holder.as_ref(), sender, "marketing account");
        }
    };
    allow(holder, sender, needs)
}

fn allow(holder: Option<&Addr>, sender: &Addr, needs: &str) -> Result<(), MarketError> {
    if holder == Some(sender) {
        Ok(())
    } else {
        Err(MarketError::Unauthorized {
            needs: needs.into(),
        })
    }
}
