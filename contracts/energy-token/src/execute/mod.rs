//! One file per message, or group of messages that belong together.

mod allowance;
mod marketing;
mod mint;
mod settle;
mod transfer;
mod wire;

pub use allowance::{decrease_allowance, increase_allowance, send_from, transfer_from};
pub use marketing::{update_marketing, upload_logo};
pub use mint::mint_surplus;
pub use settle::settle;
pub use transfer::{send, transfer};
pub use wire::wire;

use crate::state::Config;
use cosmwasm_std::{Addr, DepsMut, Env};
use wattpool_schema::error::MarketError;
use wattpool_schema::Window;

/// What every message comes with.
pub struct Call<'a> {
    /// Storage, api, querier.
    pub deps: DepsMut<'a>,
    /// Block and contract.
    pub env: Env,
    /// Who sent it.
    pub sender: Addr,
    /// The token's configuration.
    pub config: Config,
}

impl Call<'_> {
    /// The live metered window.
    pub fn live(&self) -> Window {
        self.config.live(&self.env.block)
    }

    /// Refuses a window that is not the live one.
    pub fn must_be_live(&self, window: Window) -> Result<(), MarketError> {
        let live = self.live();
        if window == live {
            Ok(())
        } else {
            Err(MarketError::WindowClosed { window, live })
        }
    }
}
