//! Requests over lines of limited capacity: nobody asks for more than a line still carries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use wattpool_core::io::{BlockRef, Millis};
use wattpool_host::Effect;
use wattpool_runtime::{Observer, Registry};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{MeterId, TradeKind, Wh, Window, Zone};

use crate::household::Household;

/// A request for energy of one window, and what its home knew of the line then.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    seller: MeterId,
    buyer: MeterId,
    window: Window,
    wh: Wh,
    left: Option<Wh>,
}

/// From one zone to another.
type Line = (Zone, Zone);
/// What a line has carried, Wh, and had carried after each block.
type Carried = (u64, BTreeSet<u64>);

/// Requests of all homes.
#[derive(Clone, Default)]
pub struct Requests(Arc<Mutex<Vec<Asked>>>);

impl Requests {
    /// Notes a home's spot requests as they are sent.
    pub fn observer(&self, zones: BTreeMap<MeterId, Zone>, registry: Arc<Registry>) -> Observer {
        let to = Arc::clone(&self.0);
        Box::new(move |_: Millis, effect: &Effect| {
            let Effect::Ask { request, .. } = effect else {
                return;
            };
            let r = &request.request;
            let (Some(from), Some(at)) = (zones.get(&r.seller), zones.get(&r.buyer)) else {
                return;
            };
            if r.kind == TradeKind::Spot {
                let asked = Asked {
                    seller: r.seller,
                    buyer: r.buyer,
                    window: r.first_window,
                    wh: r.wh,
                    left: registry.capacity_left(*from, *at),
                };
                to.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(asked);
            }
        })
    }

    /// All of them, so far.
    pub fn all(&self) -> Vec<Asked> {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

/// Meters and their zones.
pub fn zones(n: &Neighbourhood, households: &[Household]) -> BTreeMap<MeterId, Zone> {
    let zone = |h: &Household| (h.meter, n.homes[h.number].zone);
    households.iter().map(zone).collect()
}

/// How many requests went over limited lines, the most that one of them carried in a window, and what is wrong: more
/// asked for than was left, or something else believed to be left than the chain's events had left at some time.
pub fn check(
    n: &Neighbourhood,
    zones: &BTreeMap<MeterId, Zone>,
    events: &[(BlockRef, MarketEvent)],
    asked: &[Asked],
) -> (usize, Wh, Vec<String>) {
    let line = |seller: &MeterId, buyer: &MeterId| Some((*zones.get(seller)?, *zones.get(buyer)?));
    let capacity = |line: (Zone, Zone)| {
        let pair = n.zone_pairs.iter().find(|p| (p.from, p.to) == line);
        pair.and_then(|p| p.capacity)
    };
    // What a line had carried after each block.
    let mut carried: BTreeMap<(Window, Line), Carried> = BTreeMap::new();
    let mut height = 0;
    for (block, event) in events {
        if block.height != height {
            height = block.height;
            carried.values_mut().for_each(|(sum, seen)| {
                seen.insert(*sum);
            });
        }
        if let MarketEvent::Delivered(d) = event {
            if let Some(line) = line(&d.seller, &d.buyer) {
                carried.entry((d.window, line)).or_default().0 += d.net.0;
            }
        }
    }
    let (mut count, mut found) = (0, Vec::new());
    for a in asked {
        let Some((line, most)) = line(&a.seller, &a.buyer).and_then(|l| Some((l, capacity(l)?)))
        else {
            continue;
        };
        count += 1;
        let (sum, seen) = carried.get(&(a.window, line)).cloned().unwrap_or_default();
        let known = |left: u64| {
            let gone = most.0.saturating_sub(left);
            gone == 0 || gone == sum || seen.contains(&gone)
        };
        match a.left {
            Some(left) if a.wh <= left && known(left.0) => {}
            other => found.push(format!(
                "window {}: {} Wh asked for over line {line:?} of {most} Wh, of which {other:?} were believed to be left",
                a.window, a.wh
            )),
        }
    }
    let limited = carried
        .iter()
        .filter(|((_, line), _)| capacity(*line).is_some());
    let most = limited.map(|(_, (sum, _))| *sum).max().unwrap_or(0);
    (count, Wh(most), found)
}
