//! `Wire`: the deployer names the market's contracts, once.

use super::Call;
use crate::state::{self, Config};
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::Wired;

/// Names the energy pool (which mints) and the trade escrow (which settles).
pub fn wire(call: Call, pool: &str, escrow: &str) -> Result<Response, MarketError> {
    if call.config.pool.is_some() {
        return Err(MarketError::AlreadyWired);
    }
    let pool = call.deps.api.addr_validate(pool)?;
    let escrow = call.deps.api.addr_validate(escrow)?;
    let event = Wired {
        pool: Some(pool.to_string()),
        escrow: escrow.to_string(),
    };
    let config = Config {
        pool: Some(pool),
        escrow: Some(escrow),
        ..call.config
    };
    state::save_config(call.deps.storage, &config);
    Ok(Response::new().add_event(event))
}
