//! How much of a transfer would be lost on the lines, from what is publicly known (FR-12's efficiency).
//!
//! Known are the plan of the lines (places to 50 m), a weather feed, what the neighbours announced of surplus
//! and deficit, and the agent's own reading. The estimate only scores offers: what can be delivered and what is
//! paid follow from the contractual loss of the zone pair.

use super::offers::credible;
use super::Agent;
use crate::context::Context;
use crate::genuine::Genuine;
use crate::lines::{lost_between, Flows, Place};
use wattpool_schema::peer::{self, Record};
use wattpool_schema::{MeterId, Wh, Zone};

/// Statuses kept per window.
const KEPT: usize = 512;

/// What neighbours announced, where on the lines they are.
#[derive(Debug, Default)]
pub(super) struct Loading {
    homes: Vec<Announced>,
    /// Status shards looked at, by zone.
    looked: Vec<(Zone, u16)>,
}

#[derive(Clone, Copy, Debug)]
struct Announced {
    meter: MeterId,
    sequence: u64,
    zone: Zone,
    place: Place,
    /// Feeding in positive, Wh in the window.
    net: f64,
}

impl Loading {
    /// One more shard of a zone is looked at.
    pub(super) fn look(&mut self, zone: Zone) {
        match self.looked.iter_mut().find(|(z, _)| *z == zone) {
            Some((_, shards)) => *shards = shards.saturating_add(1),
            None => self.looked.push((zone, 1)),
        }
    }

    fn add(&mut self, announced: Announced) {
        let room = self.homes.len() < KEPT;
        match self.homes.iter_mut().find(|h| h.meter == announced.meter) {
            Some(home) if home.sequence >= announced.sequence => {}
            Some(home) => *home = announced,
            None if room => self.homes.push(announced),
            None => {}
        }
    }
}

impl Agent {
    /// Takes the statuses among what a look-up found, where there is a plan of the lines.
    pub(super) fn take_loading(&mut self, record: &Genuine, cx: &Context<'_>) {
        let Record::Status(s) = &record.record else {
            return;
        };
        let place = cx.registry.lines().and_then(|l| l.place(&s.meter));
        let Some(place) = place.filter(|_| s.meter != self.id.meter) else {
            return;
        };
        if s.window != self.buying.window {
            return;
        }
        let wh = whole(credible(s, cx));
        self.buying.loading.add(Announced {
            meter: s.meter,
            sequence: s.sequence,
            zone: s.zone,
            place,
            net: if s.surplus { wh } else { -wh },
        });
    }

    /// Estimated share of a seller's energy that would be lost on the lines; zero where nothing is published.
    pub(super) fn estimated_loss(&self, seller: &MeterId, zone: Zone, cx: &Context<'_>) -> f64 {
        let Some(lines) = cx.registry.lines() else {
            return 0.0;
        };
        let window = self.buying.window;
        let (Some(theirs), Some(own), Some(air_c)) = (
            lines.place(seller),
            lines.place(&self.id.meter),
            lines.air_c(window),
        ) else {
            return 0.0;
        };
        let to_watts = 3_600.0 / f64::from(self.market.window_s.max(1));
        let flows = |zone: Zone, line: u16| {
            // Of a large zone only some shards were looked at: the rest is taken to be like them.
            let shards = self
                .terms
                .as_ref()
                .map_or(1, |t| peer::shards_for(t.meters_in(zone)));
            let looked = self.buying.loading.looked.iter().find(|(z, _)| *z == zone);
            let looked = looked.map_or(1, |(_, n)| (*n).min(shards));
            let scale = to_watts * f64::from(shards) / f64::from(looked.max(1));
            let there = self.buying.loading.homes.iter();
            let there = there
                .filter(|h| h.zone == zone && h.place.line == line)
                .map(|h| (h.place.metres, h.net * scale));
            let here = (zone == self.id.zone && own.line == line)
                .then(|| (own.metres, -whole(self.buying.need) * to_watts));
            Some(Flows::new(there.chain(here)))
        };
        lost_between(
            (zone, theirs),
            (self.id.zone, own),
            |zone| lines.line(zone),
            flows,
            air_c,
        )
    }
}

fn whole(wh: Wh) -> f64 {
    f64::from(u32::try_from(wh.0).unwrap_or(u32::MAX))
}
