//! Who may do what: the permission is declared on the message and checked here. Where it depends on a
//! meter (`Owner`, `ProposedOwner`, `OwnerOrRegistrar`) the handler asks [`must_be`] or [`owner_or_registrar`] once it has the meter.

use crate::state::{self, Meter, Settings};
use cosmwasm_std::{Addr, MessageInfo, Storage};
use wattpool_contract_common::coins;
pub use wattpool_contract_common::permission::must_be;
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{ExecuteMsg, Permission};

/// Refuses coins, except where a message is there to bring them.
pub fn check_coins(info: &MessageInfo, msg: &ExecuteMsg) -> Result<(), MarketError> {
    if matches!(msg, ExecuteMsg::FundReserve {}) {
        return Ok(());
    }
    coins::none(info)
}

/// Checks a sender against a message's permission as far as it does not depend on a meter.
pub fn check(
    storage: &dyn Storage,
    settings: &Settings,
    sender: &Addr,
    permission: Permission,
) -> Result<(), MarketError> {
    match permission {
        Permission::Anyone
        | Permission::Owner
        | Permission::ProposedOwner
        | Permission::OwnerOrRegistrar => Ok(()),
        Permission::Admin => must_be(sender, &state::roles(storage)?.admin, "administrator"),
        Permission::ProposedAdmin => match state::roles(storage)?.proposed_admin {
            Some(proposed) => must_be(sender, &proposed, "proposed administrator"),
            None => Err(MarketError::NothingProposed),
        },
        Permission::Registrar => must_be(sender, &state::roles(storage)?.registrar, "registrar"),
        Permission::GridOperator => must_be(
            sender,
            &state::roles(storage)?.grid_operator,
            "grid operator",
        ),
        Permission::Regulator => must_be(sender, &state::roles(storage)?.regulator, "regulator"),
        Permission::GridOperatorOrRegulator => {
            let roles = state::roles(storage)?;
            if *sender == roles.grid_operator {
                return Ok(());
            }
            must_be(sender, &roles.regulator, "grid operator or the regulator")
        }
        Permission::Escrow => must_be(sender, settings.escrow()?, "trade escrow"),
    }
}

/// Refuses everybody but a meter's owner and the registrar.
pub fn owner_or_registrar(
    storage: &dyn Storage,
    sender: &Addr,
    meter: &Meter,
) -> Result<(), MarketError> {
    if *sender == meter.latest().owner {
        return Ok(());
    }
    let registrar = state::roles(storage)?.registrar;
    must_be(sender, &registrar, "meter's owner or the registrar")
}
