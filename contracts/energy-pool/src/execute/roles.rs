//! `ProposeAdmin`, `AcceptAdmin`, `SetRole`.

use super::Call;
use crate::state;
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{AdminChanged, AdminProposed, RoleSet};
use wattpool_schema::pool::Role;

/// Proposes another administrator, or withdraws the proposal.
pub fn propose_admin(call: Call, admin: Option<String>) -> Result<Response, MarketError> {
    let proposed_admin = admin.map(|a| call.address(&a)).transpose()?;
    let event = AdminProposed {
        admin: proposed_admin.as_ref().map(ToString::to_string),
    };
    let mut roles = state::roles(call.deps.storage)?;
    roles.proposed_admin = proposed_admin;
    state::save_roles(call.deps.storage, &roles);
    Ok(Response::new().add_event(event))
}

/// The proposed administrator (checked at dispatch) takes over.
pub fn accept_admin(call: Call) -> Result<Response, MarketError> {
    let mut roles = state::roles(call.deps.storage)?;
    let admin = call.info.sender.to_string();
    roles.admin = call.info.sender;
    roles.proposed_admin = None;
    state::save_roles(call.deps.storage, &roles);
    Ok(Response::new().add_event(AdminChanged { admin }))
}

/// Gives a role to an address.
pub fn set_role(call: Call, role: Role, address: &str) -> Result<Response, MarketError> {
    let address = call.address(address)?;
    let event = RoleSet {
        role,
        address: address.to_string(),
    };
    let mut roles = state::roles(call.deps.storage)?;
    match role {
        Role::Registrar => roles.registrar = address,
        Role::GridOperator => roles.grid_operator = address,
        Role::Regulator => roles.regulator = address,
    }
    state::save_roles(call.deps.storage, &roles);
    Ok(Response::new().add_event(event))
}
