//! The chain's registry as all agents see it: one table, read by agents, written between ticks.

use std::collections::HashMap;
use wattpool_core::ports::{MeterInfo, Registry, SellerRecord};
use wattpool_schema::event::TradeClosed;
use wattpool_schema::MeterId;

/// Meters by id and by number.
#[derive(Default)]
pub(crate) struct Table {
    numbers: HashMap<MeterId, u32>,
    meters: Vec<(MeterId, MeterInfo)>,
    records: Vec<SellerRecord>,
}

impl Table {
    pub fn add(&mut self, id: MeterId, info: MeterInfo) {
        let number = u32::try_from(self.meters.len()).unwrap_or(u32::MAX);
        self.numbers.insert(id, number);
        self.meters.push((id, info));
        self.records.push(SellerRecord::default());
    }

    pub fn number(&self, id: &MeterId) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    pub fn info(&self, number: u32) -> Option<&(MeterId, MeterInfo)> {
        usize::try_from(number)
            .ok()
            .and_then(|n| self.meters.get(n))
    }

    /// Counts a closed trade to its seller's record.
    pub fn count(&mut self, trade: &TradeClosed) {
        let number = self
            .number(&trade.seller)
            .and_then(|n| usize::try_from(n).ok());
        if let Some(record) = number.and_then(|n| self.records.get_mut(n)) {
            record.count(trade);
        }
    }
}

impl Registry for Table {
    fn meter(&self, id: &MeterId) -> Option<MeterInfo> {
        self.number(id)
            .and_then(|n| self.info(n))
            .map(|(_, info)| *info)
    }
    fn record(&self, id: &MeterId) -> SellerRecord {
        let number = self.number(id).and_then(|n| usize::try_from(n).ok());
        number
            .and_then(|n| self.records.get(n))
            .copied()
            .unwrap_or_default()
    }
}
