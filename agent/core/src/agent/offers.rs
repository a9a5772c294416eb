//! What the agent publishes: its status, its offer, and the price it asks (FR-04, FR-07).

use super::{Agent, Out};
use crate::context::Context;
use crate::genuine::Genuine;
use crate::io::{Command, Millis, Timer};
use std::sync::Arc;
use wattpool_rules::price::{
    announced_most, corridor, robust_demand, sale_floor, selling_price, with_owner_limits,
};
use wattpool_schema::peer::{self, Location, Offer, Record, SignedRecord, Status};
use wattpool_schema::pool::ZonePairTerms;
use wattpool_schema::{Price, Wh, Zone, RECORD_VERSION};

/// Meters of the zone whose announcements are looked at before pricing, or all where there are fewer.
const SAMPLE: u64 = 128;
/// Locations in one look-up, at most.
pub(super) const FAN_OUT: usize = 16;

/// An offer that is out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    pub location: Location,
    pub wh: Wh,
}

impl Agent {
    /// Tells the neighbourhood of surplus or deficit, coarsely.
    pub(super) fn announce_status(
        &mut self,
        now: Millis,
        surplus: bool,
        wh: Wh,
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let shards = peer::shards_for(terms.meters_in(self.id.zone));
        let shard = peer::shard(&self.id.meter, shards);
        let location = self.market.statuses_at(self.id.zone, shard);
        let record = Record::Status(Status {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            meter: self.id.meter,
            zone: self.id.zone,
            window: terms.live(),
            surplus,
            wh: peer::coarse(wh),
            sequence: self.next_sequence(now),
            expires_at: terms.now.end(self.market.window_s),
        });
        self.publish(location, record, cx, out);
    }

    /// Record sequences follow the local clock and never fall behind what was used.
    fn next_sequence(&mut self, now: Millis) -> u64 {
        self.record_sequence = self.record_sequence.saturating_add(1).max(now.0);
        self.record_sequence
    }

    fn publish(&self, location: Location, record: Record, cx: &mut Context<'_>, out: &mut Out) {
        let mut signed = SignedRecord {
            record,
            signature: Default::default(),
        };
        signed.signature = cx.signer.sign_agent(&signed.sign_bytes());
        out.push(Command::Announce {
            location,
            record: Arc::new(signed),
        });
    }

    /// Looks at what the neighbours announced, before pricing.
    pub(super) fn look_at_ratio(&mut self, now: Millis, out: &mut Out) {
        if !self.selling.opened || self.selling.pricing.is_some() {
            return;
        }
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let meters = terms.meters_in(self.id.zone);
        let shards = peer::shards_for(meters);
        let shard = peer::shard(&self.id.meter, shards);
        let locations = (0..sampled(meters, shards))
            .map(|lap| (shard ^ lap) & shards.saturating_sub(1))
            .map(|shard| self.market.statuses_at(self.id.zone, shard))
            .collect();
        let lookup = self.next_lookup();
        self.selling.pricing = Some(lookup);
        let deadline = now.plus(self.market.timing.lookup_ms);
        out.push(Command::Lookup {
            lookup,
            locations,
            deadline,
        });
    }

    /// Takes the neighbours' statuses as demand, and as supply where the chain's is not known. Anybody may announce: a
    /// status is worth no more than its meter is registered for, and no more than four times the usual. Where there is
    /// none the last ratio stays.
    pub(super) fn take_ratio(
        &mut self,
        now: Millis,
        records: &[Genuine],
        cx: &mut Context<'_>,
        out: &mut Out,
    ) {
        self.selling.pricing = None;
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let mut statuses: Vec<&Status> = records
            .iter()
            .filter_map(|record| match &record.record {
                Record::Status(s) if s.window == terms.live() && s.zone == self.id.zone => Some(s),
                _ => None,
            })
            .collect();
        // A meter counts once, by its last word.
        statuses.sort_unstable_by_key(|s| (s.meter, std::cmp::Reverse(s.sequence)));
        statuses.dedup_by_key(|s| s.meter);
        let (mut supply, mut deficits) = (Wh::ZERO, Vec::with_capacity(statuses.len()));
        for s in statuses {
            let wh = credible(s, cx);
            if s.surplus {
                supply = supply.saturating_add(wh);
            } else {
                deficits.push(wh);
            }
        }
        let demand = robust_demand(&mut deficits);
        if !(supply.is_zero() && demand.is_zero()) {
            // Of a large zone only some shards were looked at: the rest is taken to be like them.
            let meters = terms.meters_in(self.id.zone);
            let shards = peer::shards_for(meters);
            let all = |wh: Wh| {
                let wh = wh.0.saturating_mul(u64::from(shards));
                let looked = u64::from(sampled(meters, shards));
                Wh(wh.checked_div(looked).unwrap_or(wh))
            };
            self.ratio = (all(supply), all(demand));
            self.ratio_of = Some(terms.live());
        }
        self.selling.priced = true;
        self.refresh_offer(now, cx, out);
    }

    /// The price asked from a buyer behind a zone pair: no more than what was announced comes to there. None when nobody
    /// gains, or when what was announced is too little by now.
    pub(super) fn asking_price(&self, pair: &ZonePairTerms, cx: &Context<'_>) -> Option<Price> {
        let tariffs = self.terms.as_ref()?.tariffs;
        let corridor = corridor(tariffs.import, tariffs.feed_in, pair.charge, pair.loss)?;
        // What was minted nobody can make up.
        let (announced, demand) = self.ratio;
        let minted = cx.registry.minted(self.id.zone);
        let supply = minted.filter(|wh| !wh.is_zero()).unwrap_or(announced);
        let price = selling_price(corridor, supply, demand);
        let p = &self.policy;
        let price = with_owner_limits(price, p.margin_permille, p.min_sell_price, p.max_sell_price);
        let Some(told) = self.selling.told else {
            return Some(price);
        };
        let least = match p.min_sell_price {
            Some(least) => least,
            None => sale_floor(tariffs.feed_in, pair.loss)?,
        };
        let most = announced_most(told, pair.loss)?;
        (most >= least).then(|| price.min(most))
    }

    /// Publishes what can be sold now, or takes the offer back.
    pub(super) fn refresh_offer(&mut self, now: Millis, cx: &mut Context<'_>, out: &mut Out) {
        let Some(terms) = self.terms.clone() else {
            return;
        };
        let wh = self.sellable();
        if wh.is_zero() || !self.selling.ready() || now >= self.closing_at() || !self.may_sell(now)
        {
            self.withdraw_offer(out);
            return;
        }
        let Some(price) = terms
            .pair(self.id.zone, self.id.zone)
            .and_then(|pair| self.asking_price(pair, cx))
        else {
            // Within the own zone nobody gains; another zone may, but only where the charge is lower.
            self.withdraw_offer(out);
            return;
        };
        let price = self.selling.told.map_or(price, |told| told.min(price));
        let shards = peer::shards_for(terms.meters_in(self.id.zone));
        let shard = peer::shard(&self.id.meter, shards);
        let location = self.market.offers_at(self.id.zone, peer::bucket(wh), shard);
        if let Some(old) = self.selling.announced {
            if old.location == location && old.wh == wh {
                return;
            }
            if old.location != location {
                out.push(Command::Withdraw {
                    location: old.location,
                });
            }
        }
        let record = Record::Offer(Offer {
            version: RECORD_VERSION,
            network: self.market.network.clone(),
            meter: self.id.meter,
            zone: self.id.zone,
            window: terms.live(),
            wh,
            price,
            sequence: self.next_sequence(now),
            expires_at: terms.now.end(self.market.window_s),
            peer: self.id.peer.clone(),
        });
        self.selling.announced = Some(Announced { location, wh });
        self.selling.told = Some(price);
        self.publish(location, record, cx, out);
    }

    pub(super) fn withdraw_offer(&mut self, out: &mut Out) {
        if let Some(old) = self.selling.announced.take() {
            out.push(Command::Withdraw {
                location: old.location,
            });
        }
    }

    pub(super) fn next_lookup(&mut self) -> u32 {
        self.lookups = self.lookups.wrapping_add(1);
        self.lookups
    }

    /// Where to look for offers in one probe, among the classes of loss that are open: near zones first (by
    /// charge and loss), own shard first, fitting buckets first; each probe goes on where the last one stopped.
    /// With `loads` the announced surpluses and deficits too, for what flows on the lines.
    pub(super) fn offer_locations(
        &mut self,
        probe: u32,
        need: Wh,
        loads: bool,
    ) -> (Vec<Location>, bool) {
        let Some(terms) = self.terms.clone() else {
            return (Vec::new(), false);
        };
        let open = self.buying.class;
        let mut zones: Vec<(u8, &ZonePairTerms)> = terms
            .pairs
            .iter()
            .filter(|p| p.to == self.id.zone)
            .map(|p| (self.loss_class(p), p))
            .filter(|(class, _)| *class <= open)
            .collect();
        // The class that opened last first: the others have been looked through.
        zones.sort_by_key(|(class, p)| {
            let class = std::cmp::Reverse(*class);
            (class, p.from != self.id.zone, p.charge, p.loss, p.from)
        });
        if self.policy.local_first && probe == 0 && open == 0 {
            zones.retain(|(_, p)| p.from == self.id.zone);
        }
        let shards_of = |p: &ZonePairTerms| peer::shards_for(terms.meters_in(p.from));
        let per_probe = FAN_OUT
            .checked_div(usize::from(peer::BUCKETS).saturating_add(usize::from(loads)))
            .unwrap_or(1)
            .max(1);
        let skip = usize::try_from(probe)
            .unwrap_or(0)
            .saturating_mul(per_probe);
        let total: usize = zones.iter().map(|(_, p)| usize::from(shards_of(p))).sum();
        let skip = skip.checked_rem(total.max(1)).unwrap_or(0);
        // (zone, shard) pairs in the order of preference: one shard of each zone of a class per lap.
        let places = zones.chunk_by(|a, b| a.0 == b.0).flat_map(|class| {
            let most = class.iter().map(|(_, p)| shards_of(p)).max().unwrap_or(1);
            (0..most)
                .flat_map(move |lap| class.iter().map(move |(_, p)| (lap, *p)))
                .filter_map(|(lap, p)| {
                    let shards = shards_of(p);
                    let shard = peer::shard(&self.id.meter, shards) ^ lap;
                    (lap < shards).then(|| (p.from, shard & shards.saturating_sub(1)))
                })
        });
        let own = peer::bucket(need);
        let mut locations = Vec::with_capacity(FAN_OUT);
        let places: Vec<(Zone, u16)> = places.skip(skip).take(per_probe).collect();
        for (zone, shard) in places {
            // The fitting bucket and larger ones, then smaller ones: together they may do.
            for bucket in (own..peer::BUCKETS).chain((0..own).rev()) {
                locations.push(self.market.offers_at(zone, bucket, shard));
            }
            if loads {
                self.buying.loading.look(zone);
                locations.push(self.market.statuses_at(zone, shard));
            }
        }
        (locations, skip.saturating_add(per_probe) < total)
    }

    pub(super) fn schedule(&self, now: Millis, timer: Timer, delay: u64, out: &mut Out) {
        out.push(Command::SetTimer {
            timer,
            at: now.plus(delay),
        });
    }
}

/// Shards whose statuses are looked at before pricing: about [`SAMPLE`] meters, as many locations as fit one look-up at most.
fn sampled(meters: u64, shards: u16) -> u16 {
    let wanted = u64::from(shards)
        .saturating_mul(SAMPLE)
        .div_ceil(meters.max(1));
    let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
    let most = u16::try_from(FAN_OUT).unwrap_or(u16::MAX);
    wanted.clamp(1, shards.min(most).max(1))
}

/// What a status is worth: no more than its meter is registered for.
pub(super) fn credible(s: &Status, cx: &Context<'_>) -> Wh {
    let registered = cx.registry.meter(&s.meter).map_or(Wh::ZERO, |m| {
        if s.surplus {
            m.max_export
        } else {
            m.max_import
        }
    });
    // Announced to three bits, rounded up or down.
    s.wh.min(peer::coarse(registered))
}
