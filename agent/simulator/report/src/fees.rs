//! What the machinery costs the homes: gas and fees of a run's messages, and of what they are a share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wattpool_scenario::model::Neighbourhood;

use crate::dictionary::described;
use crate::error::MeasureError;
use crate::gas::Costs;
use crate::measures::counted_trades;
use crate::money::to_i64;
use crate::outcome::Outcome;

/// Share of what trading brings from which on fees are warned of.
pub const FEES_WARNED_FROM: f64 = 0.1;

described! {
/// All messages of a kind in the finished windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCost {
    /// How many.
    pub count: u64,
    /// Gas of one, as measured.
    pub gas_each: u64,
    /// Fee of one, micro-units.
    pub fee_each: u64,
    /// Gas of all.
    pub gas: u64,
    /// Fees of all, micro-units.
    pub fees: i64,
}
}

described! {
/// Gas and fees of the finished windows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fees {
    /// Micro-units per million gas.
    pub gas_price_per_million: u64,
    /// Gas of all messages.
    pub gas: u64,
    /// Gas per kWh that arrived by trade.
    pub gas_per_traded_kwh: Option<f64>,
    /// Fees of all messages, micro-units: the sum over homes, and over windows.
    pub fees: i64,
    /// Of it, for statements of energy.
    pub statements: i64,
    /// Of it, for messages that made the closed trades: the sum over trades.
    pub trades: i64,
    /// The rest: refused messages, orders that are not closed, claims of feed-in.
    pub other: i64,
    /// Fees per kWh that arrived by trade, micro-units.
    pub per_traded_kwh: Option<f64>,
    /// Fees over what trading brought before them; `None` where it brought nothing.
    pub share_of_welfare: Option<f64>,
    /// By the message's name in the measured table.
    pub messages: BTreeMap<String, MessageCost>,
}
}

impl Fees {
    /// True where fees eat more than a tenth of what trading brings, or there are fees and it brings nothing.
    pub fn is_warning(&self) -> bool {
        match self.share_of_welfare {
            Some(share) => share > FEES_WARNED_FROM,
            None => self.fees > 0,
        }
    }

    /// Adds up the finished windows. `welfare`: what trading brought before fees, `fees`: what the homes paid,
    /// both micro-units; `traded_wh`: what arrived.
    ///
    /// # Errors
    /// The measured table or a count of messages is incomplete.
    pub fn of(
        neighbourhood: &Neighbourhood,
        outcome: &Outcome,
        fees: i128,
        welfare: i128,
        traded_wh: u64,
    ) -> Result<Self, MeasureError> {
        let costs = Costs::measured()?;
        let mut messages = BTreeMap::new();
        let (mut gas, mut statements) = (0u64, 0i128);
        for (message, per_window) in &outcome.sent {
            let counted =
                per_window
                    .get(..outcome.finished_windows)
                    .ok_or_else(|| MeasureError::Sent {
                        message: message.name(),
                        expected: outcome.finished_windows,
                        found: per_window.len(),
                    })?;
            let count: u64 = counted.iter().copied().map(u64::from).sum();
            if count == 0 {
                continue;
            }
            let (gas_each, fee_each) = (costs.gas(*message), costs.fee(*message).get());
            let paid = i128::from(count).saturating_mul(i128::from(fee_each));
            let cost = MessageCost {
                count,
                gas_each,
                fee_each,
                gas: count.saturating_mul(gas_each),
                fees: to_i64(paid),
            };
            gas = gas.saturating_add(cost.gas);
            if message.is_statement() {
                statements = statements.saturating_add(paid);
            }
            messages.insert(message.name(), cost);
        }
        let trades: i128 = counted_trades(neighbourhood, outcome)
            .map(|trade| i128::from(trade.fee.get()))
            .sum();
        let other = fees.saturating_sub(statements).saturating_sub(trades);
        let per_kwh = |value: f64| (traded_wh > 0).then(|| value * 1_000.0 / traded_wh as f64);
        Ok(Self {
            gas_price_per_million: costs.price_per_million(),
            gas,
            gas_per_traded_kwh: per_kwh(gas as f64),
            fees: to_i64(fees),
            statements: to_i64(statements),
            trades: to_i64(trades),
            other: to_i64(other),
            per_traded_kwh: per_kwh(fees as f64),
            share_of_welfare: (welfare > 0).then(|| fees as f64 / welfare as f64),
            messages,
        })
    }
}
