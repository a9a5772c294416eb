//! `Wire`: the administrator names the escrow, once.

use super::{bad_input, Call};
use crate::state;
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Wired;
use wattpool_schema::token::{QueryMsg, TokenConfig};

/// Names the escrow. A token with windows of another length is refused: it would never mint.
pub fn wire(mut call: Call, escrow: &str) -> Result<Response, MarketError> {
    if call.settings.escrow.is_some() {
        return Err(MarketError::AlreadyWired);
    }
    let escrow = call.address(escrow)?;
    let token: TokenConfig = call
        .deps
        .querier
        .query_wasm_smart(&call.settings.token, &QueryMsg::Config {})?;
    if token.window_seconds != call.settings.window_seconds {
        let expected = format!("{}, as at the token", token.window_seconds);
        return Err(bad_input("window_seconds", expected));
    }
    let event = Wired {
        pool: None,
        escrow: escrow.to_string(),
    };
    call.settings.escrow = Some(escrow);
    state::save_settings(call.deps.storage, &call.settings);
    Ok(Response::new().add_event(event))
}
