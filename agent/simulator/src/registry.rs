//! The chain's registry as all agents see it: one table, read by agents, written between ticks.

use std::collections::HashMap;
use std::sync::Arc;
use wattpool_core::io::WindowTerms;
use wattpool_core::lines::{Line, Lines, Place};
use wattpool_core::ports::{MeterInfo, Registry, SellerRecord};
use wattpool_scenario::model::Feeders;
use wattpool_schema::event::{Delivered, TradeClosed};
use wattpool_schema::{MeterId, Wh, Window, Zone};

/// Meters by id and by number.
#[derive(Default)]
pub(crate) struct Table {
    numbers: HashMap<MeterId, u32>,
    meters: Vec<(MeterId, MeterInfo)>,
    records: Vec<SellerRecord>,
    /// Terms of the running window, and what has arrived over lines of limited capacity in it.
    terms: Option<Arc<WindowTerms>>,
    carried: Vec<(Zone, Zone, Wh)>,
    /// The plan of the lines and the weather.
    plan: Option<Plan>,
}

/// What the grid operator publishes of the lines, and the weather feed.
#[derive(Clone)]
struct Plan {
    feeders: Feeders,
    first: Window,
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

    /// Publishes the plan of the lines.
    pub fn publish_lines(&mut self, feeders: &Feeders, first: Window) {
        self.plan = Some(Plan {
            feeders: feeders.clone(),
            first,
        });
    }

    /// A window is open: nothing has been carried in it.
    pub fn open(&mut self, terms: &Arc<WindowTerms>) {
        self.terms = Some(Arc::clone(terms));
        self.carried.clear();
    }

    /// Counts a delivery of the traded window to the line it came over.
    pub fn carry(&mut self, d: &Delivered) {
        let zone = |id: &MeterId| self.meter(id).map(|m| m.zone);
        let (Some(from), Some(to), Some(terms)) = (zone(&d.seller), zone(&d.buyer), &self.terms)
        else {
            return;
        };
        let limited = terms.pair(from, to).is_some_and(|p| p.capacity.is_some());
        if d.window != terms.live() || !limited {
            return;
        }
        match self
            .carried
            .iter_mut()
            .find(|(f, t, _)| (*f, *t) == (from, to))
        {
            Some((_, _, wh)) => *wh = wh.saturating_add(d.net),
            None => self.carried.push((from, to, d.net)),
        }
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

impl Lines for Table {
    fn place(&self, meter: &MeterId) -> Option<Place> {
        let number = usize::try_from(self.number(meter)?).ok()?;
        let place = self.plan.as_ref()?.feeders.places.get(number)?;
        Some(place.published())
    }
    fn line(&self, _zone: Zone) -> Option<Line> {
        Some(self.plan.as_ref()?.feeders.line)
    }
    fn air_c(&self, window: Window) -> Option<f64> {
        let plan = self.plan.as_ref()?;
        let index = usize::try_from(window.0.checked_sub(plan.first.0)?).ok()?;
        // A weather feed tells whole degrees.
        plan.feeders.air_c.get(index).map(|c| c.round())
    }
}

impl Registry for Table {
    fn meter(&self, id: &MeterId) -> Option<MeterInfo> {
        self.number(id)
            .and_then(|n| self.info(n))
            .map(|(_, info)| *info)
    }
    fn lines(&self) -> Option<&dyn Lines> {
        self.plan.is_some().then_some(self as &dyn Lines)
    }
    fn capacity_left(&self, from: Zone, to: Zone) -> Option<Wh> {
        let capacity = self.terms.as_ref()?.pair(from, to)?.capacity?;
        let carried = self.carried.iter().find(|(f, t, _)| (*f, *t) == (from, to));
        Some(carried.map_or(capacity, |(_, _, wh)| capacity.saturating_sub(*wh)))
    }
    fn record(&self, id: &MeterId) -> SellerRecord {
        let number = self.number(id).and_then(|n| usize::try_from(n).ok());
        number
            .and_then(|n| self.records.get(n))
            .copied()
            .unwrap_or_default()
    }
}
