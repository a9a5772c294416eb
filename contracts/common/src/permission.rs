//! Who may do what: what a message's declared permission comes down to.

use cosmwasm_std::Addr;
use wattpool_schema::error::MarketError;

/// Refuses everybody but one. `needs` names that one in words.
///
/// # Errors
/// `UNAUTHORIZED`
pub fn must_be(sender: &Addr, holder: &Addr, needs: &str) -> Result<(), MarketError> {
    allow(sender == holder, needs)
}

/// Refuses unless allowed. `needs` says in words who would be.
///
/// # Errors
/// `UNAUTHORIZED`
pub fn allow(allowed: bool, needs: &str) -> Result<(), MarketError> {
    if allowed {
        return Ok(());
    }
    Err(MarketError::Unauthorized {
        needs: needs.to_owned(),
    })
}
