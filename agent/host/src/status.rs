//! What an agent is at, as its owner sees it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_core::io::{BlockRef, Notice, TxFailure};
use wattpool_core::ports::ledger::Executed;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{MeterId, Price, Seconds, Wh, Window};

/// Counted since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Counters {
    /// Blocks followed.
    pub blocks: u64,
    /// Windows opened.
    pub windows: u64,
    /// Windows that had passed before the agent could open them.
    pub windows_missed: u64,
    /// Readings taken from the meter.
    pub readings: u64,
    /// Readings that were not believed.
    pub readings_refused: u64,
    /// Transactions submitted.
    pub transactions: u64,
    /// Of these in a block and accepted.
    pub transactions_done: u64,
    /// Of these refused.
    pub transactions_refused: u64,
    /// Of these of unknown outcome.
    pub transactions_lost: u64,
    /// Look-ups ended.
    pub lookups: u64,
    /// Of these cut short by the deadline.
    pub lookups_partial: u64,
    /// Records found in look-ups.
    pub records_found: u64,
    /// Records published.
    pub announcements: u64,
    /// Requests sent to other meters.
    pub requests_sent: u64,
    /// Of these answered.
    pub answers: u64,
    /// Requests of other meters.
    pub requests_received: u64,
    /// Of these let go without an answer.
    pub requests_unanswered: u64,
    /// Approvals given.
    pub approvals: u64,
    /// Purchases on the chain.
    pub purchases: u64,
    /// Wh bought.
    pub bought_wh: u64,
    /// Sales on the chain.
    pub sales: u64,
    /// Wh sold, as they arrived.
    pub sold_wh: u64,
    /// Wh that the grid supplied for want of offers.
    pub grid_wh: u64,
    /// Entries written to the journal.
    pub journal_entries: u64,
}

pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

impl Counters {
    pub(crate) fn tx_ended(&mut self, executed: &Executed) {
        let outcome = match &executed.outcome {
            Ok(events) => {
                for event in events {
                    if let MarketEvent::ItemRefused(item) = event {
                        tracing::warn!(code = %item.code, "the chain refused an item");
                    }
                }
                &mut self.transactions_done
            }
            Err(TxFailure::Refused(code)) => {
                tracing::warn!(%code, "the chain refused a transaction");
                &mut self.transactions_refused
            }
            Err(TxFailure::Unknown(why)) => {
                tracing::warn!(%why, "the chain refused a transaction with an unknown code");
                &mut self.transactions_refused
            }
            Err(TxFailure::Unsent(why)) => {
                tracing::warn!(%why, "a transaction could not be sent");
                &mut self.transactions_lost
            }
            Err(TxFailure::Lost) => {
                tracing::warn!("it is not known what became of a transaction");
                &mut self.transactions_lost
            }
        };
        add(outcome, 1);
    }

    pub(crate) fn told(&mut self, notice: &Notice) {
        match notice {
            Notice::Bought { wh, .. } => {
                add(&mut self.purchases, 1);
                add(&mut self.bought_wh, wh.0);
            }
            Notice::GridSupplied { wh, .. } => add(&mut self.grid_wh, wh.0),
            Notice::BadReading { .. } => add(&mut self.readings_refused, 1),
            _ => {}
        }
    }

    pub(crate) fn happened(&mut self, event: &MarketEvent, me: MeterId) {
        if let MarketEvent::Delivered(d) = event {
            if d.seller == me {
                add(&mut self.sales, 1);
                add(&mut self.sold_wh, d.net.0);
            }
        }
    }
}

/// A trade that waits for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Awaiting {
    /// Its number for the decision.
    pub request: u64,
    /// The other side.
    pub partner: MeterId,
    /// How much.
    pub wh: Wh,
    /// At what price, network charge and all, micro-units per kWh.
    pub price: Price,
    /// This meter sells.
    pub selling: bool,
    /// Block time after which it is too late to decide.
    pub until: Seconds,
}

/// Something the agent told its owner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Noticed {
    /// Block time, as well as it is known.
    pub at: Seconds,
    /// What.
    pub notice: Notice,
}

/// What a host knows of its agent's health.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Facts {
    /// The last block followed.
    pub block: BlockRef,
    /// The metered window that is traded now.
    pub live: Option<Window>,
    /// The last window of which the registers are believed.
    pub metered: Option<Window>,
    /// The last window of which the chain has confirmed a statement in this life.
    pub stated: Option<Window>,
    /// The oldest window that the chain has not confirmed.
    pub unstated: Option<Window>,
    /// Why the last transaction did not do what it should, until one does.
    pub refused: Option<String>,
}

/// Windows that a reading or a statement may be late before something is wrong.
const LATE: u64 = 2;

impl Facts {
    /// Why the home does not trade though it should; nothing if all is well.
    pub fn complaints(&self) -> Vec<String> {
        let mut all = Vec::new();
        let Some(live) = self.live else { return all };
        let late = |window: Window| window.plus(LATE) <= live;
        match self.metered {
            None => all.push("no reading of the meter is believed".to_owned()),
            Some(metered) if late(metered) => {
                all.push(format!(
                    "no reading of the meter is believed since window {metered}"
                ));
            }
            Some(_) => {}
        }
        if let Some(window) = self.unstated.filter(|w| late(*w)) {
            let why = self
                .refused
                .as_deref()
                .unwrap_or("the chain has not answered");
            all.push(format!(
                "the statement of window {window} is not confirmed: {why}"
            ));
        }
        all
    }
}
