//! One file per message, or group of messages that belong together.

mod claim;
mod cover;
mod hold;
mod instantiate;
mod keys;
mod meter;
mod owner;
mod pause;
mod redeem;
mod reserve;
mod roles;
mod statement;
mod terms;
mod wire;

pub use claim::{claim_feed_in, owed};
pub use cover::cover;
pub use hold::{confirm_hold, hold_credit, release_hold, strike_out, Holds};
pub use instantiate::instantiate;
pub use keys::{set_agent, set_device};
pub use meter::{decide, object, register_meter, retire_meter, update_meter};
pub use owner::{accept_owner, propose_owner};
pub use pause::set_pause;
pub use redeem::redeem;
pub use reserve::{confirm_feed_in, fund_reserve, take_back};
pub use roles::{accept_admin, propose_admin, set_role};
pub use statement::state;
pub use terms::{set_tariffs, set_zone_pair};
pub use wire::wire;

use crate::state::{Live, Settings};
use crate::{books, permission};
use cosmwasm_std::{Addr, Binary, DepsMut, Env, MessageInfo};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::MAX_BATCH;
use wattpool_schema::event::ItemRefused;
use wattpool_schema::pool::ItemAnswer;
use wattpool_schema::{Window, RECORD_VERSION};

/// What every message comes with.
pub struct Call<'a> {
    /// Storage, api, querier.
    pub deps: DepsMut<'a>,
    /// Block, chain and contract.
    pub env: Env,
    /// Sender and coins.
    pub info: MessageInfo,
    /// The pool's settings.
    pub settings: Settings,
}

impl Call<'_> {
    /// The running window.
    pub fn now(&self) -> Window {
        self.settings.now(&self.env.block)
    }
    /// Refuses windows up to and including one whose trading has not ended.
    pub fn must_be_closed(&self, through: Window) -> Result<(), MarketError> {
        let now = self.now();
        if through.plus(2) > now {
            return Err(MarketError::TooEarly {
                window: through.next(),
                now,
            });
        }
        Ok(())
    }
    /// The live record, rolled forward; the caller stores it.
    pub fn roll(&mut self) -> Result<Live, MarketError> {
        books::roll(self.deps.storage, &self.env.block, &self.settings)
    }
    /// Validates an address.
    pub fn address(&self, text: &str) -> Result<Addr, MarketError> {
        Ok(self.deps.api.addr_validate(text)?)
    }
    /// Refuses everybody but the given one.
    pub fn must_be(&self, holder: &Addr, needs: &str) -> Result<(), MarketError> {
        permission::must_be(&self.info.sender, holder, needs)
    }
}

/// A field's value is not what it must be.
fn bad_input(field: &str, expected: impl Into<String>) -> MarketError {
    MarketError::BadInput {
        field: field.into(),
        expected: expected.into(),
    }
}

/// Refuses a batch that is empty or too long.
fn check_batch<T>(field: &str, items: &[T]) -> Result<(), MarketError> {
    match u32::try_from(items.len()) {
        Ok(1..=MAX_BATCH) => Ok(()),
        _ => Err(bad_input(field, format!("1 to {MAX_BATCH} items"))),
    }
}

/// Refuses a signed record that was made for another version, chain or contract.
fn check_domain(env: &Env, version: u16, chain: &str, pool: &str) -> Result<(), MarketError> {
    if version != RECORD_VERSION {
        return Err(MarketError::UnknownVersion {
            found: version,
            known: RECORD_VERSION,
        });
    }
    if chain != env.block.chain_id {
        return Err(MarketError::WrongChain {
            found: chain.into(),
        });
    }
    if pool != env.contract.address.as_str() {
        return Err(MarketError::WrongContract { found: pool.into() });
    }
    Ok(())
}

/// Collects the answers to a batch.
#[derive(Default)]
struct Answers(Vec<ItemAnswer>);

impl Answers {
    /// Notes that an item was taken.
    fn taken(&mut self) {
        self.0.push(ItemAnswer { refused: None });
    }
    /// Notes why an item was refused. What is no refusal but a fault of the storage or the arithmetic ends the whole message.
    fn refused(&mut self, why: &MarketError) -> Result<ItemRefused, MarketError> {
        if matches!(why, MarketError::Std { .. } | MarketError::Overflow { .. }) {
            return Err(why.clone());
        }
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let code = why.code().to_string();
        self.0.push(ItemAnswer {
            refused: Some(code.clone()),
        });
        Ok(ItemRefused { index, code })
    }
    /// The answers as a message's data.
    fn data(&self) -> Result<Binary, MarketError> {
        Ok(cosmwasm_std::to_json_binary(&self.0)?)
    }
}
