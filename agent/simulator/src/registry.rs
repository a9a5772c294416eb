//! The chain's registry as all hosts see it, and the numbers of the homes.

use std::collections::HashMap;
use std::sync::Arc;
use wattpool_core::lines::{Line, Lines, Place};
use wattpool_core::ports::{MeterInfo, Registry};
use wattpool_host::Meters;
use wattpool_scenario::model::Feeders;
use wattpool_schema::{MeterId, Window, Zone};

/// Meters by id and by number. All hosts read the one [`Meters`]; it changes between ticks.
#[derive(Default)]
pub(crate) struct Table {
    numbers: Arc<HashMap<MeterId, u32>>,
    ids: Vec<MeterId>,
    pub meters: Meters,
}

/// What the grid operator publishes of the lines, and the weather feed.
struct Plan {
    numbers: Arc<HashMap<MeterId, u32>>,
    feeders: Feeders,
    first: Window,
}

impl Table {
    /// The homes' meters, by their numbers: registered before the first block, with nothing sold.
    pub fn new(homes: Vec<(MeterId, MeterInfo)>) -> Self {
        let mut numbers = HashMap::with_capacity(homes.len());
        let mut meters = Meters::new();
        let ids: Vec<MeterId> = homes.iter().map(|(id, _)| *id).collect();
        for (id, number) in ids.iter().zip(0u32..) {
            numbers.insert(*id, number);
            meters.learn_seller(*id, Default::default(), 0);
        }
        meters.load(homes);
        Self {
            numbers: Arc::new(numbers),
            ids,
            meters,
        }
    }

    pub fn number(&self, id: &MeterId) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    pub fn info(&self, number: u32) -> Option<MeterInfo> {
        let index = usize::try_from(number).ok()?;
        self.meters.meter(self.ids.get(index)?)
    }

    /// All meters by their numbers.
    pub fn all(&self) -> impl Iterator<Item = (MeterId, MeterInfo)> + '_ {
        let info = |id: &MeterId| self.meters.meter(id).map(|info| (*id, info));
        self.ids.iter().filter_map(info)
    }

    /// Publishes the plan of the lines.
    pub fn publish_lines(&mut self, feeders: &Feeders, first: Window) {
        self.meters.publish_lines(Arc::new(Plan {
            numbers: Arc::clone(&self.numbers),
            feeders: feeders.clone(),
            first,
        }));
    }
}

impl Lines for Plan {
    fn place(&self, meter: &MeterId) -> Option<Place> {
        let number = usize::try_from(*self.numbers.get(meter)?).ok()?;
        Some(self.feeders.places.get(number)?.published())
    }
    fn line(&self, _zone: Zone) -> Option<Line> {
        Some(self.feeders.line)
    }
    fn air_c(&self, window: Window) -> Option<f64> {
        let index = usize::try_from(window.0.checked_sub(self.first.0)?).ok()?;
        // A weather feed tells whole degrees.
        self.feeders.air_c.get(index).map(|c| c.round())
    }
}
