//! Feed-in credit: what nobody bought becomes the owner's money by a claim, which anybody may send, and its agent does.

use crate::account::{ended_well, Gas};
use crate::error::ChainError;
use crate::events::market_events;
use crate::ledger::WasmdLedger;
use crate::message;
use crate::rpc::ChainEvent;
use wattpool_schema::error::Code;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{ExecuteMsg, MeterResponse, QueryMsg};
use wattpool_schema::{MeterId, Micro};

/// A claim that pays less than so many times its fee waits until more is due.
const WORTH: u128 = 10;
/// Windows that one claim turns into money: a day of quarter hours.
const WINDOWS: u32 = 100;
/// Most gas of a claim of [`WINDOWS`]: 226,653 with one window was measured (docs/bench/gas.md, not pinned), a window more takes less than a statement, 27,000; twice of both.
const MOST_GAS: u64 = 2 * (227_000 + 27_000 * WINDOWS as u64);

/// What a claim brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Paid to the owner.
    pub paid: Micro,
    /// Set aside, as the grid operator holds it.
    pub held: Micro,
}

impl WasmdLedger {
    /// Claims the feed-in credit that is due to a meter's owner, whoever that is by now: what was paid and set aside, or `None` while nothing is due or the
    /// claim is not worth its fee. A simulation tells both before anything is sent. Credit that is held is claimed as if it were paid: what comes after it is
    /// claimed no earlier.
    ///
    /// # Errors
    /// The chain does not answer, or refuses for another reason than that nothing is due.
    pub async fn claim_feed_in(&self, meter: MeterId) -> Result<Option<Claimed>, ChainError> {
        let pool = &self.market().pool.address;
        let rpc = self.account().client().rpc();
        let found: MeterResponse = rpc.smart(pool, &QueryMsg::Meter { meter }).await?;
        let claim = ExecuteMsg::ClaimFeedIn {
            owner: found.owner,
            limit: Some(WINDOWS),
        };
        let claim = serde_json::to_vec(&claim).map_err(|e| ChainError::input("message", e))?;
        let message = message::execute(self.account().address(), pool, claim, Vec::new());
        let simulated = match self.account().simulate(vec![message.clone()]).await {
            Ok(simulated) => simulated,
            Err(error) if is_nothing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let settings = self.account().client().settings();
        let fee = settings.gas_price.fee(simulated.gas_used);
        let promised = self.claimed(&simulated.events)?;
        let worth = u128::from(promised.paid.0).saturating_add(u128::from(promised.held.0));
        if worth < fee.saturating_mul(WORTH) {
            return Ok(None);
        }
        let sent = self.account().send(vec![message], Gas::AtMost(MOST_GAS));
        match sent.await.and_then(ended_well) {
            Ok(tx) => Ok(Some(self.claimed(&tx.result.events)?)),
            // Somebody else was quicker: the money is the owner's all the same.
            Err(error) if is_nothing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn claimed(&self, events: &[ChainEvent]) -> Result<Claimed, ChainError> {
        let events = market_events(events, self.market());
        let events = events.map_err(|e| ChainError::input("events of a claim", e))?;
        let mut claimed = Claimed::default();
        for event in events {
            match event {
                MarketEvent::FeedInPaid(e) => {
                    claimed.paid = claimed.paid.saturating_add(e.amount);
                }
                MarketEvent::CreditHeld(e) => {
                    claimed.held = claimed.held.saturating_add(e.amount);
                }
                _ => {}
            }
        }
        Ok(claimed)
    }
}

/// Nothing is due, or nothing of it is in the reserve.
fn is_nothing(error: &ChainError) -> bool {
    let ChainError::Refused { log, .. } = error else {
        return false;
    };
    matches!(
        Code::in_text(log),
        Some(Code::NothingDue | Code::ReserveEmpty)
    )
}
