//! What homes pay for their messages: each is booked at its measured gas, for the window that it is about.

use crate::books::Books;
use anyhow::Result;
use std::collections::BTreeMap;
use wattpool_ledger_embedded::{OrderStep, Sent};
use wattpool_report::gas::{Costs, Message};
use wattpool_schema::{MeterId, Micro, Window};

/// Fees so far.
pub(crate) struct Till {
    costs: Costs,
    windows: usize,
    /// Per metered window, by message.
    pub sent: BTreeMap<Message, Vec<u32>>,
    /// Of trades that are not closed yet, by buyer and number.
    open: BTreeMap<(MeterId, u64), Micro>,
    /// First windows of standing orders.
    orders: BTreeMap<(MeterId, u64), Window>,
}

impl Till {
    pub fn new(windows: usize) -> Result<Self> {
        Ok(Self {
            costs: Costs::measured()?,
            windows,
            sent: BTreeMap::new(),
            open: BTreeMap::new(),
            orders: BTreeMap::new(),
        })
    }

    /// Fees of a trade that is closed now.
    pub fn close(&mut self, buyer: MeterId, trade_id: u64) -> Micro {
        self.open.remove(&(buyer, trade_id)).unwrap_or_default()
    }
}

impl Books {
    /// A home has sent a transaction: what it costs belongs to the window that it is about. A refused one is paid
    /// for as well, as if it had been executed to its end. Before the events of the transaction are taken.
    pub fn pay(&mut self, home: u32, sent: &Sent, refused: bool) {
        match sent {
            Sent::State(windows) => {
                let count = u32::try_from(windows.len()).unwrap_or(u32::MAX);
                // One transaction, one fee: for the first of its windows that the run meters.
                let window = windows.iter().find(|w| self.cell(**w, home).is_some());
                if let Some(window) = window {
                    self.charge(home, *window, Message::State(count));
                }
            }
            Sent::Settle {
                buyer,
                trade_id,
                window,
            } => {
                let fee = self.charge(home, *window, Message::Settle);
                if !refused {
                    self.till.open.insert((*buyer, *trade_id), fee);
                }
            }
            Sent::Open {
                buyer,
                trade_id,
                window,
            } => {
                let fee = self.charge(home, *window, Message::OpenOrder);
                if !refused {
                    self.till.orders.insert((*buyer, *trade_id), *window);
                    self.till.open.insert((*buyer, *trade_id), fee);
                }
            }
            Sent::Order {
                buyer,
                trade_id,
                what,
            } => self.pay_order(home, (*buyer, *trade_id), *what),
        }
    }

    /// All that a standing order takes is booked for its first window, like its row in the table of trades.
    pub fn pay_order(&mut self, home: u32, order: (MeterId, u64), what: OrderStep) {
        let Some(window) = self.till.orders.get(&order).copied() else {
            return;
        };
        let message = match what {
            OrderStep::Deliver => Message::Deliver,
            OrderStep::Cancel => Message::CancelOrder,
            OrderStep::Close => Message::CloseOrder,
        };
        let fee = self.charge(home, window, message);
        if let Some(sum) = self.till.open.get_mut(&order) {
            *sum = sum.saturating_add(fee);
        }
    }

    /// Books a message of a home for a window of the run, and tells its fee; one outside costs nothing.
    pub fn charge(&mut self, home: u32, window: Window, message: Message) -> Micro {
        let Some(cell) = self.cell(window, home) else {
            return Micro(0);
        };
        let fee = self.till.costs.fee(message);
        if let Some(slot) = self.fees.get_mut(cell) {
            *slot = slot.saturating_add(u32::try_from(fee.0).unwrap_or(u32::MAX));
        }
        let windows = self.till.windows;
        let counts = self.till.sent.entry(message);
        let counts = counts.or_insert_with(|| vec![0; windows]);
        let row = window.0.saturating_sub(self.first.0);
        let slot = usize::try_from(row).ok().and_then(|r| counts.get_mut(r));
        if let Some(slot) = slot {
            *slot = slot.saturating_add(1);
        }
        fee
    }
}
