//! `Pause` and `Unpause`.

use super::Call;
use crate::state;
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::PauseSet;

/// Stops tokenising and trading, or goes on. A window that was paused for a moment counts as paused.
pub fn set_pause(mut call: Call, paused: bool) -> Result<Response, MarketError> {
    let mut live = call.roll()?;
    live.books.paused |= paused || call.settings.paused;
    state::save_live(call.deps.storage, &live);
    call.settings.paused = paused;
    state::save_settings(call.deps.storage, &call.settings);
    Ok(Response::new().add_event(PauseSet { paused }))
}
