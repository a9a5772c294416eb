//! Where thin lines shut surplus in: a plan of which zone supplies which, from what all zones announced.
//!
//! Every buyer reads the same statuses and solves the same small problem ([`crate::flows`]); only where its plan
//! beats links filled by falling efficiency is it followed, in the first class of loss. The buyers of a zone,
//! in an order that changes with the window, share what the plan gives their zone; what is left open is then
//! looked for class by class as ever.

use super::offers::{credible, FAN_OUT};
use super::{Agent, Out};
use crate::context::Context;
use crate::flows::{Link, Zones};
use crate::genuine::Genuine;
use crate::io::{Command, Millis, Timer};
use wattpool_chance::mix;
use wattpool_rules::price::corridor;
use wattpool_schema::peer::{self, Record};
use wattpool_schema::{MeterId, Wh, Window, Zone};

/// Share by which a plan must be better to be followed: amounts are announced to an eighth.
const GAIN: f64 = 0.005;

/// The survey of a window and what came of it.
#[derive(Debug, Default)]
pub(super) struct Survey {
    due: bool,
    lookup: Option<u32>,
    /// Zones, the status shards they have, and how many were looked at.
    zones: Vec<(Zone, u16, u16)>,
    /// There is a plan to follow.
    pub planned: bool,
    /// The plan has had its time: what is left is anybody's.
    over: bool,
    /// What this buyer shall take from which zone, Wh that arrive.
    pub quotas: Vec<(Zone, Wh)>,
}

impl Survey {
    /// True once for a survey that is due.
    pub fn take_due(&mut self) -> bool {
        std::mem::take(&mut self.due)
    }

    /// Whether no more than the quotas may be asked for.
    pub const fn limits(&self) -> bool {
        self.planned && !self.over
    }

    /// Lifts the quotas; true if there were any to lift.
    pub fn end_quotas(&mut self) -> bool {
        let limited = self.limits();
        self.over = true;
        limited
    }

    pub fn is_answer(&self, lookup: u32) -> bool {
        self.lookup == Some(lookup)
    }
}

impl Agent {
    /// Two zones need no plan, nor do lines without limit.
    pub(super) fn plan_survey(&mut self, now: Millis, out: &mut Out) {
        let Some(terms) = &self.terms else { return };
        let inhabited = terms.meters.iter().filter(|(_, n)| *n > 0).count();
        let thin = terms.pairs.iter().any(|p| p.capacity.is_some());
        if inhabited < 3 || !thin || self.policy.local_first {
            return;
        }
        self.buying.survey.due = true;
        let delay = self
            .market
            .timing
            .price_ms
            .saturating_add(self.jitter(self.buying.window, 5));
        self.schedule(now, Timer::Price, delay, out);
    }

    /// Looks at the statuses of all zones, one shard of each per lap, the own zone first.
    pub(super) fn survey(&mut self, now: Millis, out: &mut Out) {
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let mut zones: Vec<(Zone, u16, u16)> = terms
            .meters
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(zone, n)| (*zone, peer::shards_for(*n), 0))
            .collect();
        zones.sort_by_key(|(zone, _, _)| (*zone != self.id.zone, *zone));
        if zones.len() > FAN_OUT {
            return;
        }
        let mut locations = Vec::with_capacity(FAN_OUT);
        let most = zones
            .iter()
            .map(|(_, shards, _)| *shards)
            .max()
            .unwrap_or(0);
        for lap in 0..most {
            for (zone, shards, looked) in &mut zones {
                if lap < *shards && locations.len() < FAN_OUT {
                    let shard = peer::shard(&self.id.meter, *shards) ^ lap;
                    let shard = shard & shards.saturating_sub(1);
                    locations.push(self.market.statuses_at(*zone, shard));
                    *looked = looked.saturating_add(1);
                }
            }
        }
        let lookup = self.next_lookup();
        self.buying.survey.zones = zones;
        self.buying.survey.lookup = Some(lookup);
        let deadline = now.plus(self.market.timing.lookup_ms);
        out.push(Command::Lookup {
            lookup,
            locations,
            deadline,
        });
    }

    /// Plans with what the zones announced, where the announcements ask for a plan.
    pub(super) fn take_survey(&mut self, records: &[Genuine], cx: &Context<'_>) {
        self.buying.survey.lookup = None;
        let of_now = |record: &&Genuine| {
            matches!(&record.record, Record::Status(s)
                if s.window == self.buying.window && s.meter != self.id.meter)
        };
        let mut records: Vec<&Genuine> = records.iter().filter(of_now).collect();
        records.sort_unstable_by_key(|r| (r.meter(), std::cmp::Reverse(r.sequence())));
        if let (Some(quotas), false) = (self.quotas(&records, cx), self.buying.survey.over) {
            self.buying.survey.planned = true;
            self.buying.survey.quotas = quotas;
        }
    }

    /// What this buyer shall take from which zone; none where links filled by falling efficiency do as well.
    /// A meter counts once, by its first record.
    fn quotas(&self, records: &[&Genuine], cx: &Context<'_>) -> Option<Vec<(Zone, Wh)>> {
        let terms = self.terms.as_ref()?;
        let seen = &self.buying.survey.zones;
        let index = |zone: Zone| seen.iter().position(|(z, _, _)| *z == zone);
        let own = index(self.id.zone)?;
        // Of a large zone only some shards were looked at: the rest is taken to be like them.
        let scale = |at: usize| {
            seen.get(at).map_or(1.0, |(_, shards, looked)| {
                f64::from(*shards) / f64::from((*looked).max(1))
            })
        };
        let mut zones = Zones {
            surplus: vec![0.0; seen.len()],
            need: vec![0.0; seen.len()],
            links: Vec::new(),
        };
        let lot = |meter: &MeterId| order_of(meter, self.buying.window);
        let (mine, mut before, mut last) = (lot(&self.id.meter), 0.0, None);
        for record in records {
            let Record::Status(s) = &record.record else {
                continue;
            };
            let (Some(at), false) = (index(s.zone), last == Some(s.meter)) else {
                continue;
            };
            last = Some(s.meter);
            let wh = amount(credible(s, cx)) * scale(at);
            let sums = if s.surplus {
                &mut zones.surplus
            } else {
                &mut zones.need
            };
            if let Some(sum) = sums.get_mut(at) {
                *sum += wh;
            }
            if at == own && !s.surplus && lot(&s.meter) < mine {
                before += wh;
            }
        }
        let need = amount(self.buying.need);
        if let Some(sum) = zones.need.get_mut(own) {
            *sum += need;
        }
        let tariffs = terms.tariffs;
        let links = terms.pairs.iter().filter_map(|p| {
            corridor(tariffs.import, tariffs.feed_in, p.charge, p.loss)?;
            Some(Link {
                from: index(p.from)?,
                to: index(p.to)?,
                loss: p.loss,
                capacity: p.capacity,
            })
        });
        zones.links = links.collect();
        let flows = zones.better_than_greedy(GAIN)?;
        // The needs of the zone in a row, and under them what the plan gives it, zone by zone: what lies under
        // this buyer's need is its own.
        let mut quotas = Vec::new();
        let mut begin = 0.0;
        for (link, flow) in zones.links.iter().zip(&flows) {
            if link.to != own {
                continue;
            }
            let end = begin + flow;
            let overlap = end.min(before + need) - begin.max(before);
            if let (true, Some((zone, _, _))) = (overlap >= 1.0, seen.get(link.from)) {
                quotas.push((*zone, Wh(floor(overlap))));
            }
            begin = end;
        }
        Some(quotas)
    }
}

/// Place of a buyer among those of its zone, another in every window.
const fn order_of(meter: &MeterId, window: Window) -> u64 {
    let b = &meter.0;
    let id = u64::from_be_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
    mix(id ^ mix(window.0))
}

fn amount(wh: Wh) -> f64 {
    f64::from(u32::try_from(wh.0).unwrap_or(u32::MAX))
}

/// Whole Wh of an amount of at least one; at most what [`amount`] gives.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn floor(wh: f64) -> u64 {
    wh.clamp(0.0, f64::from(u32::MAX)) as u64
}
