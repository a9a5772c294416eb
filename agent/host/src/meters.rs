//! The chain's registry of meters, as its events tell it: one value for all hosts of a world.

use std::collections::BTreeMap;
use std::sync::Arc;
use wattpool_core::io::{BlockRef, WindowTerms};
use wattpool_core::lines::Lines;
use wattpool_core::ports::{MeterInfo, Purchases, Registry, SellerRecord};
use wattpool_schema::event::{Delivered, MarketEvent, Stated};
use wattpool_schema::{MeterId, Seconds, Wh, Window, Zone};

/// Looked up by id alone, by ten thousand hosts many times a window: its order is never seen.
#[allow(clippy::disallowed_types)]
type ById<T> = std::collections::HashMap<MeterId, T>;

/// A seller's record, with the height up to which it counts.
#[derive(Clone, Copy, Debug)]
struct Known {
    record: SellerRecord,
    as_of: u64,
}

/// Meters in service, sellers' records, and what the lines of the running window still carry.
///
/// A shell loads it once, opens each window in it and lets it follow each block *before* it brings the block to its
/// hosts. It holds nothing that differs from host to host: ten thousand of them read one value.
#[derive(Default)]
pub struct Meters {
    meters: ById<MeterInfo>,
    sellers: ById<Known>,
    block: BlockRef,
    terms: Option<Arc<WindowTerms>>,
    /// What has arrived in the traded window over lines of limited capacity.
    carried: Vec<(Zone, Zone, Wh)>,
    /// What has been minted in the traded window, by zone.
    minted: Vec<(Zone, Wh)>,
    /// What has been bought in the traded window.
    purchases: ById<Purchases>,
    /// All that happened in the traded window has been followed.
    whole: bool,
    plan: Option<Arc<dyn Lines + Send + Sync>>,
}

impl Meters {
    /// An empty one: until it is loaded no meter is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the chain's list of meters.
    pub fn load(&mut self, meters: impl IntoIterator<Item = (MeterId, MeterInfo)>) {
        self.meters = meters.into_iter().collect();
    }

    /// The grid operator's plan of the lines and the weather feed, where there is one.
    pub fn publish_lines(&mut self, plan: Arc<dyn Lines + Send + Sync>) {
        self.plan = Some(plan);
    }

    /// The newest block followed, or seen at the start.
    pub const fn block(&self) -> BlockRef {
        self.block
    }

    /// Time of the newest block: records that expired before it hold no more.
    pub const fn chain_time(&self) -> Seconds {
        self.block.time
    }

    /// Begins behind a block that was not followed here. What blocks in between did to sellers' records and lines is
    /// not known.
    pub fn begin(&mut self, head: BlockRef) {
        if head.height > self.block.height {
            self.block = head;
            self.sellers.clear();
            self.whole = false;
        }
    }

    /// A window is open. What was delivered in it is known whole only if its first block has not been followed yet.
    pub fn open(&mut self, terms: &Arc<WindowTerms>) {
        if self.terms.as_ref().is_some_and(|t| t.now >= terms.now) {
            return;
        }
        // Without a window before this one the agent came in somewhere in the middle.
        self.whole = self.terms.is_some() && terms.at.height > self.block.height;
        self.terms = Some(Arc::clone(terms));
        self.carried.clear();
        self.minted.clear();
        self.purchases.clear();
    }

    /// The running window is followed from its first delivery on: a chain on which nothing can have happened yet.
    pub fn open_first(&mut self, terms: &Arc<WindowTerms>) {
        self.open(terms);
        self.whole = true;
    }

    /// Whether a seller's record is known.
    pub fn knows_seller(&self, id: &MeterId) -> bool {
        self.sellers.contains_key(id)
    }

    /// Takes a seller's record, which counts all blocks up to `as_of`.
    pub fn learn_seller(&mut self, id: MeterId, record: SellerRecord, as_of: u64) {
        self.sellers.insert(id, Known { record, as_of });
    }

    /// Follows what happened in a block; a block that was followed already changes nothing.
    pub fn follow<'e>(
        &mut self,
        block: BlockRef,
        events: impl IntoIterator<Item = &'e MarketEvent>,
    ) {
        if block.height <= self.block.height {
            return;
        }
        self.block = block;
        for event in events {
            match event {
                MarketEvent::TradeClosed(trade) => {
                    let known = self.sellers.get_mut(&trade.seller);
                    if let Some(known) = known.filter(|k| k.as_of < block.height) {
                        known.record.count(trade);
                    }
                }
                MarketEvent::Delivered(d) => {
                    self.carry(d);
                    self.buy(d.window, d.buyer, |p| {
                        p.bought = p.bought.saturating_add(d.net)
                    });
                }
                MarketEvent::Covered(c) => {
                    self.buy(c.window, c.meter, |p| p.covered = p.covered.max(c.covered));
                }
                MarketEvent::Stated(s) if s.minted => self.mint(s),
                MarketEvent::MeterRegistered(m) => {
                    // It trades once its owner names an agent.
                    self.meters.remove(&m.meter);
                }
                MarketEvent::MeterUpdated(m) => {
                    if let Some(info) = self.meters.get_mut(&m.meter) {
                        info.zone = m.zone;
                        info.kind = m.kind;
                        info.max_export = m.max_export;
                        info.max_import = m.max_import;
                    }
                }
                MarketEvent::MeterRetired(m) => {
                    self.meters.remove(&m.meter);
                }
                MarketEvent::AgentSet(m) => match m.agent {
                    Some(agent) => {
                        let info = MeterInfo {
                            agent,
                            zone: m.zone,
                            kind: m.kind,
                            max_export: m.max_export,
                            max_import: m.max_import,
                        };
                        self.meters.insert(m.meter, info);
                    }
                    None => {
                        self.meters.remove(&m.meter);
                    }
                },
                _ => {}
            }
        }
    }

    fn is_live(&self, window: Window) -> bool {
        self.terms.as_ref().is_some_and(|t| t.live() == window)
    }

    /// Counts tokens of the traded window to their zone.
    fn mint(&mut self, s: &Stated) {
        let zone = self.meters.get(&s.meter).map(|m| m.zone);
        let Some(zone) = zone.filter(|_| self.is_live(s.window)) else {
            return;
        };
        match self.minted.iter_mut().find(|(z, _)| *z == zone) {
            Some((_, wh)) => *wh = wh.saturating_add(s.wh),
            None => self.minted.push((zone, s.wh)),
        }
    }

    /// Counts what happened to a buyer in the traded window.
    fn buy(&mut self, window: Window, buyer: MeterId, count: impl FnOnce(&mut Purchases)) {
        if self.is_live(window) && self.meters.contains_key(&buyer) {
            count(self.purchases.entry(buyer).or_default());
        }
    }

    /// Counts a delivery of the traded window to the line that it came over.
    fn carry(&mut self, d: &Delivered) {
        let zone = |id: &MeterId| self.meters.get(id).map(|m| m.zone);
        let (Some(from), Some(to), Some(terms)) = (zone(&d.seller), zone(&d.buyer), &self.terms)
        else {
            return;
        };
        let limited = terms.pair(from, to).is_some_and(|p| p.capacity.is_some());
        if d.window != terms.live() || !limited {
            return;
        }
        let line = self
            .carried
            .iter_mut()
            .find(|(f, t, _)| (*f, *t) == (from, to));
        match line {
            Some((_, _, wh)) => *wh = wh.saturating_add(d.net),
            None => self.carried.push((from, to, d.net)),
        }
    }

    /// Meters in service per zone, ascending.
    pub fn zones(&self) -> Vec<(Zone, u64)> {
        let mut zones: BTreeMap<Zone, u64> = BTreeMap::new();
        for info in self.meters.values() {
            let count = zones.entry(info.zone).or_default();
            *count = count.saturating_add(1);
        }
        zones.into_iter().collect()
    }

    /// Number of meters in service.
    pub fn count(&self) -> usize {
        self.meters.len()
    }
}

impl Registry for Meters {
    fn meter(&self, id: &MeterId) -> Option<MeterInfo> {
        self.meters.get(id).copied()
    }
    fn lines(&self) -> Option<&dyn Lines> {
        self.plan.as_deref().map(|plan| plan as &dyn Lines)
    }
    fn capacity_left(&self, from: Zone, to: Zone) -> Option<Wh> {
        let capacity = self.terms.as_ref()?.pair(from, to)?.capacity?;
        if !self.whole {
            return None;
        }
        let carried = self.carried.iter().find(|(f, t, _)| (*f, *t) == (from, to));
        Some(carried.map_or(capacity, |(_, _, wh)| capacity.saturating_sub(*wh)))
    }
    fn record(&self, id: &MeterId) -> SellerRecord {
        self.sellers.get(id).map(|k| k.record).unwrap_or_default()
    }
    fn minted(&self, zone: Zone) -> Option<Wh> {
        let minted = self.minted.iter().find(|(z, _)| *z == zone);
        self.whole.then(|| minted.map_or(Wh::ZERO, |(_, wh)| *wh))
    }
    fn purchases(&self, id: &MeterId) -> Purchases {
        self.purchases.get(id).copied().unwrap_or_default()
    }
}
