//! What attackers make of what their agents want: a shell that does not do as it is told. The agents behind them are the honest ones; keys and
//! contracts are what holds an attacker.

use crate::chance::{Chance, Stream};
use crate::world::World;
use std::sync::Arc;
use wattpool_core::io::{MarketTx, TxFailure};
use wattpool_core::ports::Signer;
use wattpool_host::{Effect, Input};
use wattpool_scenario::attackers::Attack;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::peer::{
    bucket, coarse, shard, shards_for, Answer, DenialReason, Location, Offer, Record, SignedRecord,
    SignedRequest, Status, TradeRequest,
};
use wattpool_schema::{MeterId, Price, Seconds, TradeKind, Wh, RECORD_VERSION};

/// Numbers of forged requests begin here: no agent counts so far.
const FORGED_IDS: u64 = 1 << 63;

/// The scenario's share of all homes, to the nearest home but at least one: those that attack, drawn from the seed.
pub(crate) fn attackers(n: &Neighbourhood, seed: u64) -> Vec<usize> {
    let Some(attackers) = n.attackers.filter(|a| a.share > 0.0) else {
        return Vec::new();
    };
    let mut chance = Chance::new(seed, Stream::Attackers);
    let mut drawn: Vec<(f64, usize)> = (0..n.homes.len()).map(|i| (chance.unit(), i)).collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    let share = attackers.share.min(1.0) * n.homes.len() as f64;
    let counted = drawn.into_iter().zip(1u32..);
    let taken = counted.take_while(|(_, count)| *count == 1 || f64::from(*count) <= share + 0.5);
    taken.map(|((_, number), _)| number).collect()
}

impl World<'_> {
    /// What is done in place of what an attacker's agent wants; none: nothing.
    pub fn twist(
        &mut self,
        now: u64,
        number: u32,
        attack: Attack,
        effect: Effect,
    ) -> Option<Effect> {
        match (attack, effect) {
            (_, Effect::Announce { location, record }) => match &record.record {
                Record::Status(status) => {
                    let status = status.clone();
                    self.twist_status(now, number, attack, location, record, status)
                }
                Record::Offer(offer) if attack == Attack::FalseOffers => {
                    let meters_own = Location::of_meter(&offer.network, &offer.meter) == location;
                    let (at, record) = self.false_offer(number, offer)?;
                    let location = if meters_own { location } else { at };
                    Some(Effect::Announce { location, record })
                }
                Record::Offer(_) => Some(Effect::Announce { location, record }),
            },
            (
                Attack::Hoarding,
                Effect::Submit {
                    intent,
                    tx: MarketTx::Settle(_),
                },
            ) => self.swallow(now, number, intent),
            (
                Attack::BreakingOrders,
                Effect::Submit {
                    intent,
                    tx:
                        MarketTx::Deliver { .. }
                        | MarketTx::CancelOrder { .. }
                        | MarketTx::CloseOrder { .. },
                },
            ) => self.swallow(now, number, intent),
            (Attack::Defaulting, Effect::Reply { ticket, answer }) => {
                if matches!(answer.answer, Answer::Approved(_)) {
                    self.drains.push(number);
                }
                Some(Effect::Reply { ticket, answer })
            }
            (Attack::Clique, Effect::Ask { peer, request }) => self
                .attacks(request.request.seller)
                .then_some(Effect::Ask { peer, request }),
            (Attack::Clique, Effect::Reply { ticket, mut answer }) => {
                if !self.attacks(answer.buyer) {
                    answer.answer = Answer::Denied {
                        reason: DenialReason::SoldOut,
                        available: Wh::ZERO,
                    };
                }
                Some(Effect::Reply { ticket, answer })
            }
            (_, effect) => Some(effect),
        }
    }

    fn attacks(&mut self, meter: MeterId) -> bool {
        let number = self.registry.number(&meter);
        let home = number.and_then(|number| self.home_mut(number));
        home.is_some_and(|home| home.attack.is_some())
    }

    /// The transaction is never sent; the agent is told that nobody knows of it.
    fn swallow(&mut self, now: u64, number: u32, intent: u64) -> Option<Effect> {
        self.faults.swallowed = self.faults.swallowed.saturating_add(1);
        let incarnation = self.home_mut(number)?.incarnation;
        self.end_unsent(now, number, incarnation, intent, TxFailure::Lost);
        None
    }

    /// A status comes once a window from who has something to say: attackers do then what they do once a window.
    fn twist_status(
        &mut self,
        now: u64,
        number: u32,
        attack: Attack,
        location: Location,
        record: Arc<SignedRecord>,
        mut status: Status,
    ) -> Option<Effect> {
        let home = self.home_mut(number)?;
        let (most_in, most_out) = (home.identity.max_import, home.identity.max_export);
        match attack {
            Attack::FalseNeed => (status.surplus, status.wh) = (false, coarse(most_in)),
            Attack::FalseSurplus => (status.surplus, status.wh) = (true, coarse(most_out)),
            Attack::FalseOffers if !status.surplus => {
                let offer = Offer {
                    version: RECORD_VERSION,
                    network: status.network.clone(),
                    meter: status.meter,
                    zone: status.zone,
                    window: status.window,
                    wh: most_out,
                    price: Price::default(),
                    sequence: status.sequence,
                    expires_at: status.expires_at,
                    peer: status.meter.0.to_vec(),
                };
                if let Some((location, record)) = self.false_offer(number, &offer) {
                    self.announce(now, number, location, &record);
                }
                return Some(Effect::Announce { location, record });
            }
            Attack::Hoarding => {
                self.ask_everybody(now, number, &status);
                return Some(Effect::Announce { location, record });
            }
            _ => return Some(Effect::Announce { location, record }),
        }
        let signature = home.keys.sign_agent(&status.sign_bytes());
        let record = Arc::new(SignedRecord {
            record: Record::Status(status),
            signature,
        });
        Some(Effect::Announce { location, record })
    }

    /// The most that the meter is registered for at the lowest price, and where such an offer is looked for.
    fn false_offer(&mut self, number: u32, offer: &Offer) -> Option<(Location, Arc<SignedRecord>)> {
        let feed_in = self.terms.as_ref().map_or(0, |t| t.tariffs.feed_in.0);
        let meters = self.zones.iter().find(|(zone, _)| *zone == offer.zone)?.1;
        let home = self.home_mut(number)?;
        let mut offer = offer.clone();
        offer.wh = home.identity.max_export;
        offer.price = Price(feed_in.max(0).unsigned_abs());
        let of_shard = shard(&offer.meter, shards_for(meters));
        let location = Location::of_offers(&offer.network, offer.zone, bucket(offer.wh), of_shard);
        let signature = home.keys.sign_agent(&offer.sign_bytes());
        let record = SignedRecord {
            record: Record::Offer(offer),
            signature,
        };
        Some((location, Arc::new(record)))
    }

    /// Asks every other home for all that may be imported, at the grid's price.
    fn ask_everybody(&mut self, now: u64, number: u32, status: &Status) {
        let chain_now = self.last_block(now).time;
        let import = self.terms.as_ref().map_or(0, |t| t.tariffs.import.0);
        let life = self.market.timing.approval_s;
        for (seller, other) in (0u32..).zip(0..self.homes.len()) {
            let Some(to) = self.homes.get(other).map(|h| h.identity.meter) else {
                return;
            };
            let Some(home) = self.home_mut(number).filter(|_| seller != number) else {
                continue;
            };
            let id = FORGED_IDS | (status.window.0 << 20) | u64::from(seller);
            let request = TradeRequest {
                version: RECORD_VERSION,
                network: status.network.clone(),
                id,
                buyer: status.meter,
                seller: to,
                kind: TradeKind::Spot,
                first_window: status.window,
                count: 1,
                wh: home.identity.max_import,
                max_price: Price(import.max(0).unsigned_abs()),
                requested_at: chain_now,
                expires_at: Seconds(chain_now.0.saturating_add(life)),
            };
            let signature = home.keys.sign_agent(&request.sign_bytes());
            self.tickets = self.tickets.wrapping_add(1);
            let ticket = self.tickets;
            let request = Box::new(SignedRequest { request, signature });
            self.faults.forged_requests = self.faults.forged_requests.saturating_add(1);
            self.send(
                now,
                number,
                Some(seller),
                Input::Request { ticket, request },
            );
        }
    }
}
