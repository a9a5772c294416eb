//! Getting to know peers: whose meter they are, where they are, whom they know.

use crate::addresses::{believed, told, Scope};
use crate::driver::Driver;
use crate::greeting::{decode_greeting, encode_greeting, Greeting, Neighbour, NEIGHBOURS};
use crate::handle::Failure;
use crate::keeper::MAX_BINDING_S;
use crate::links::{identity_of, in_common, Identity, GREETING, KAD, RECORDS, TRADE};
use crate::members::{Bound, Source};
use crate::wire::{Refusal, WireError};
use libp2p::request_response::{self, ResponseChannel};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{identify, Multiaddr, PeerId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wattpool_schema::peer::{Binding, SignedBinding};
use wattpool_schema::{Seconds, RECORD_VERSION};

/// How long the peer that dialled has to greet first.
const FIRST: Duration = Duration::from_secs(2);
/// How long until a peer whose binding is not known is greeted again.
const AGAIN: Duration = Duration::from_secs(30);
/// Greetings begun at once, and bindings judged again, per second.
const PER_TICK: usize = 8;
/// Nodes without a meter in the routing table, and of them from one host.
const STRANGERS: usize = 8;
const STRANGERS_OF_HOST: usize = 4;
/// With so many meters in the routing table none is sought that was only heard of; and so many are met at once.
const ENOUGH: usize = 40;
const MEET: usize = 3;
/// How often a meter of the zone is asked for neighbours.
const NEWS: Duration = Duration::from_secs(30);

/// What is known of a connected peer beside its meter.
pub(crate) struct Acquaintance {
    /// Its version greets.
    greets: bool,
    /// It answers searches.
    pub routes: bool,
    /// It forwards for others.
    pub relays: bool,
    dialled: bool,
    since: Instant,
    asked_at: Option<Instant>,
    /// When the newest binding that it was told was issued.
    told: Seconds,
    /// It has said whose meter it is, or that it is nobody's.
    answered: bool,
}

impl Driver {
    /// A peer said what it is and speaks.
    pub(crate) fn on_identified(&mut self, peer: PeerId, info: &identify::Info, now: Instant) {
        let versions = &self.state.versions;
        match identity_of(&info.protocol_version, &self.state.network) {
            Identity::Ours => {}
            // What two versions both speak they use: only whoever shares nothing is another.
            Identity::OtherVersion(_)
                if in_common(TRADE, versions, &info.protocols)
                    && in_common(RECORDS, versions, &info.protocols) => {}
            Identity::OtherVersion(why) => {
                tracing::warn!(%peer, "a node of another version: {why}");
                self.counters.other_version.one();
                self.remember_other(peer, now, why);
                return;
            }
            Identity::Foreign => {
                tracing::debug!(%peer, "a node of another network: {}", info.protocol_version);
                self.forget_member(&peer);
                // It may be gone already.
                let _ = self.swarm.disconnect_peer_id(peer);
                return;
            }
        }
        let greets = info.protocols.contains(&GREETING);
        let routes = info.protocols.contains(&KAD);
        let hop = libp2p::relay::HOP_PROTOCOL_NAME;
        let links = self.swarm.behaviour();
        let dialled = links.gate.peers().get(&peer).copied().unwrap_or(false);
        let known = self.state.acquainted.get(&peer);
        let acquaintance = Acquaintance {
            greets,
            routes,
            relays: info.protocols.contains(&hop),
            dialled,
            since: known.map_or(now, |k| k.since),
            asked_at: known.and_then(|k| k.asked_at),
            told: known.map_or(Seconds(0), |k| k.told),
            answered: known.is_some_and(|k| k.answered),
        };
        self.state.acquainted.insert(peer, acquaintance);
        if self.state.members.lock().is_bound(&peer) {
            self.state.members.lock().seen(&peer, None, now);
            self.route(peer, now);
        }
        if greets && dialled {
            self.greet(peer, now);
        } else if !greets {
            // A node from before greetings told where it listens when it introduced itself.
            self.admit_stranger(peer, info.listen_addrs.clone());
            self.settle(&peer, now);
        }
    }

    /// Whether it may yet turn out whose meter a connected peer is.
    pub(crate) fn is_unsure(&self, peer: &PeerId) -> bool {
        !self.state.members.lock().is_bound(peer)
            && self.swarm.is_connected(peer)
            && self
                .state
                .acquainted
                .get(peer)
                .is_none_or(|a| a.greets && !a.answered)
    }

    /// This node's own binding, renewed when half its life is over; none without a meter or before the chain is known.
    fn own_binding(&mut self) -> Option<SignedBinding> {
        let membership = self.state.membership.as_ref()?;
        let now = self.judge.now();
        if now == Seconds(0) {
            return None;
        }
        let half = MAX_BINDING_S / 4;
        let current = |b: &&SignedBinding| b.binding.expires_at.0 > now.0.saturating_add(half);
        if self.state.own.as_ref().filter(current).is_none() {
            let binding = Binding {
                version: RECORD_VERSION,
                network: self.judge.network().to_owned(),
                meter: membership.meter,
                peer: self.swarm.local_peer_id().to_bytes(),
                issued_at: now,
                expires_at: Seconds(now.0.saturating_add(MAX_BINDING_S / 2)),
            };
            let signature = (membership.sign)(&binding.sign_bytes());
            self.state.own = Some(SignedBinding { binding, signature });
        }
        self.state.own.clone()
    }

    /// The own meter's zone, as soon as the registry knows the meter.
    fn know_own_zone(&mut self) {
        let Some(own) = self.own_binding() else {
            return;
        };
        let zone = self.judge.binds(&own, &own.binding.peer).ok();
        self.state.members.lock().own = zone.map(|zone| (own.binding.meter, zone));
    }

    /// What a peer is told: whose meter this is, and where it is in the scope in which they met; a registered one also
    /// of meters of its zone.
    fn greeting_to(&mut self, peer: &PeerId, neighbours: bool) -> Greeting {
        let binding = self.own_binding();
        let links = self.swarm.behaviour();
        let met = links.gate.met(peer).cloned();
        let own = self
            .swarm
            .listeners()
            .chain(self.swarm.external_addresses());
        let addresses = met.as_ref().map(|met| told(own, met)).unwrap_or_default();
        let text = |addresses: &[Multiaddr]| addresses.iter().map(ToString::to_string).collect();
        let mut greeting = Greeting {
            binding,
            addresses: text(&addresses),
            neighbours: Vec::new(),
        };
        let members = self.state.members.lock();
        let asker = members.get(peer).map(|b| b.zone).filter(|_| neighbours);
        if let (Some(zone), Some(met)) = (asker, met) {
            let scope = Scope::of(&met);
            let mut of_zone: Vec<_> = members
                .alive()
                .filter(|(other, b)| b.zone == zone && *other != peer)
                .collect();
            // Another part of them each time.
            self.state.turn = self.state.turn.wrapping_add(7);
            of_zone.sort_unstable_by_key(|(peer, _)| **peer);
            if let Some(start) = self.state.turn.checked_rem(of_zone.len()) {
                of_zone.rotate_left(start);
            }
            for (_, bound) in of_zone {
                let meant = |a: &&Multiaddr| Scope::of(a) == scope;
                let addresses: Vec<_> = bound.addresses.iter().filter(meant).cloned().collect();
                if !addresses.is_empty() && greeting.neighbours.len() < NEIGHBOURS {
                    greeting.neighbours.push(Neighbour {
                        binding: SignedBinding::clone(&bound.signed),
                        addresses: text(&addresses),
                    });
                }
            }
        }
        greeting
    }

    /// Tells a peer whose meter this is, and asks the same of it.
    fn greet(&mut self, peer: PeerId, now: Instant) {
        let greeting = self.greeting_to(&peer, false);
        if let Some(known) = self.state.acquainted.get_mut(&peer) {
            known.asked_at = Some(now);
            known.told = issued(&greeting);
        }
        let bytes = encode_greeting(&greeting);
        self.counters.greetings.one();
        let greetings = &mut self.swarm.behaviour_mut().greetings;
        greetings.send_request(&peer, bytes);
    }

    pub(crate) fn on_greeting(
        &mut self,
        event: request_response::Event<Vec<u8>, Vec<u8>>,
        now: Instant,
    ) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request {
                    request, channel, ..
                } => self.answer_greeting(peer, &request, channel, now),
                request_response::Message::Response { response, .. } => {
                    self.heard(peer, &response, now);
                }
            },
            request_response::Event::OutboundFailure { peer, error, .. } => {
                let why = Failure::of(crate::handle::Exchange::Records, error);
                tracing::debug!(%peer, "no greeting: {why:?}");
                self.answered(&peer, now);
            }
            request_response::Event::InboundFailure { .. }
            | request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn answer_greeting(
        &mut self,
        peer: PeerId,
        request: &[u8],
        channel: ResponseChannel<Vec<u8>>,
        now: Instant,
    ) {
        let host = self.swarm.behaviour().gate.host(&peer);
        let source = self.state.members.source(&peer, host);
        if let Err(strikes) = self.state.guard.allows(source, now) {
            self.counters.limited.one();
            self.strike(peer, strikes, now);
            return;
        }
        self.heard(peer, request, now);
        let greeting = self.greeting_to(&peer, self.state.defences.exchange);
        if let Some(known) = self.state.acquainted.get_mut(&peer) {
            known.told = issued(&greeting);
        }
        // The asker may have gone.
        let links = self.swarm.behaviour_mut();
        let bytes = encode_greeting(&greeting);
        let _ = links.greetings.send_response(channel, bytes);
    }

    /// A peer has said whose meter it is.
    fn heard(&mut self, peer: PeerId, bytes: &[u8], now: Instant) {
        let strikes = match decode_greeting(bytes) {
            Ok(greeting) => self.take_greeting(peer, greeting, now),
            Err(WireError::OtherVersion { .. }) => {
                self.counters.other_version.one();
                0
            }
            // Nothing at all: it is turned away.
            Err(WireError::Malformed(_)) => u32::from(!bytes.is_empty()),
        };
        self.answered(&peer, now);
        if strikes > 0 {
            self.strike(peer, strikes, now);
        }
    }

    fn answered(&mut self, peer: &PeerId, now: Instant) {
        if let Some(known) = self.state.acquainted.get_mut(peer) {
            known.answered = true;
        }
        self.settle(peer, now);
    }

    fn take_greeting(&mut self, peer: PeerId, greeting: Greeting, now: Instant) -> u32 {
        let links = self.swarm.behaviour();
        let Some(met) = links.gate.met(&peer).cloned() else {
            return 0;
        };
        let source = self.state.members.source(&peer, links.gate.host(&peer));
        let claimed = parsed(&greeting.addresses);
        let mut strikes = 0;
        if let Some(signed) = greeting.binding {
            strikes = self.bind(peer, signed, source, now);
        }
        let registered = self.state.members.lock().is_bound(&peer);
        if !registered {
            self.swarm.behaviour_mut().gate.is_stranger(peer);
            self.admit_stranger(peer, claimed);
            return strikes;
        }
        let addresses = believed(claimed, &met, true);
        self.state.reach.meets(&met);
        self.state.members.lock().seen(&peer, Some(addresses), now);
        self.route(peer, now);
        for neighbour in greeting.neighbours {
            strikes = strikes.saturating_add(self.take_neighbour(peer, neighbour, &met, now));
        }
        strikes
    }

    /// Judges a binding that a peer shows of itself; the strikes that it earns.
    fn bind(&mut self, peer: PeerId, signed: SignedBinding, source: Source, now: Instant) -> u32 {
        if self.state.members.lock().knows(&peer, &signed) {
            return 0;
        }
        if !self.state.checks.take(source, now) {
            self.counters.limited.one();
            return 0;
        }
        match self.judge.binds(&signed, &peer.to_bytes()) {
            Ok(zone) => {
                let bound = Bound::new(Arc::new(signed), zone, Vec::new(), now);
                self.state.members.lock().learn(peer, bound);
                0
            }
            Err(why) => {
                tracing::debug!(%peer, "a binding is refused: {why:?}");
                u32::from(matches!(why, Refusal::Forged | Refusal::NotPublisher))
            }
        }
    }

    /// A registered meter tells of another one of the zone.
    fn take_neighbour(
        &mut self,
        teller: PeerId,
        neighbour: Neighbour,
        met: &Multiaddr,
        now: Instant,
    ) -> u32 {
        let signed = neighbour.binding;
        let Ok(peer) = PeerId::from_bytes(&signed.binding.peer) else {
            return 1;
        };
        let scope = Scope::of(met);
        let addresses = parsed(&neighbour.addresses);
        let addresses: Vec<_> = addresses
            .into_iter()
            .filter(|a| scope.is_some() && Scope::of(a) == scope)
            .take(crate::addresses::ADDRESSES)
            .collect();
        if peer == *self.swarm.local_peer_id()
            || addresses.is_empty()
            || self.state.members.lock().is_bound(&peer)
        {
            return 0;
        }
        let host = self.swarm.behaviour().gate.host(&teller);
        let source = self.state.members.source(&teller, host);
        if !self.state.checks.take(source, now) {
            return 0;
        }
        match self.judge.binds(&signed, &peer.to_bytes()) {
            Ok(zone) => {
                let mut members = self.state.members.lock();
                if members.own.is_some_and(|(_, own)| own == zone) {
                    members.learn(peer, Bound::new(Arc::new(signed), zone, addresses, now));
                }
                0
            }
            Err(why) => u32::from(why == Refusal::Forged),
        }
    }

    /// Puts a registered meter's node into the routing table.
    fn route(&mut self, peer: PeerId, now: Instant) {
        let routes = self.state.acquainted.get(&peer).is_some_and(|a| a.routes);
        let members = self.state.members.lock();
        let addresses = members.get(&peer).map(|b| b.addresses.clone());
        drop(members);
        self.state.strangers.remove(&peer);
        let kad = &mut self.swarm.behaviour_mut().kad;
        if routes {
            self.state.routed.insert(peer);
            for address in addresses.unwrap_or_default() {
                kad.add_address(&peer, address);
            }
        }
        self.state.closest.answered(&peer);
        self.settle(&peer, now);
    }

    /// A node without a meter has a place in the routing table while few others have.
    fn admit_stranger(&mut self, peer: PeerId, claimed: Vec<Multiaddr>) {
        let gate = &self.swarm.behaviour().gate;
        let (host, met) = (gate.host(&peer), gate.met(&peer).cloned());
        let routes = self.state.acquainted.get(&peer).is_some_and(|a| a.routes);
        let (Some(met), true) = (met, routes) else {
            return;
        };
        let addresses = believed(claimed, &met, false);
        let strangers = &mut self.state.strangers;
        let of_host = strangers.values().filter(|h| **h == host).count();
        let known = strangers.contains_key(&peer);
        if addresses.is_empty()
            || (!known
                && self.state.defences.table
                && (strangers.len() >= STRANGERS || of_host >= STRANGERS_OF_HOST))
        {
            return;
        }
        strangers.insert(peer, host);
        for address in addresses {
            self.swarm.behaviour_mut().kad.add_address(&peer, address);
        }
    }

    pub(crate) fn forget_member(&mut self, peer: &PeerId) {
        self.state.members.lock().forget(peer);
        self.state.strangers.remove(peer);
        self.state.routed.remove(peer);
        self.swarm.behaviour_mut().kad.remove_peer(peer);
    }

    /// Meets meters of the zone that others told of, while few are in the routing table: whoever hides this node from
    /// them, or them from it, would have to hide all who know both.
    fn seek_mates(&mut self) {
        if !self.state.defences.exchange || self.state.routed.len() >= ENOUGH {
            return;
        }
        let members = self.state.members.lock();
        let unmet: Vec<_> = members
            .mates()
            .filter(|(peer, _)| {
                !self.state.acquainted.contains_key(peer) && !self.state.routed.contains(peer)
            })
            .map(|(peer, bound)| (*peer, self.state.reach.first(bound.addresses.clone())))
            .filter(|(peer, addresses)| !addresses.is_empty() && !self.swarm.is_connected(peer))
            .take(MEET)
            .collect();
        drop(members);
        for (peer, addresses) in unmet {
            let to = DialOpts::peer_id(peer).addresses(addresses);
            self.dial(to.extend_addresses_through_behaviour().build());
        }
    }

    /// Greets who has to be greeted, looks again at old bindings, asks for news of the zone.
    pub(crate) fn acquaint(&mut self, now: Instant) {
        self.know_own_zone();
        let (gone, again) = {
            let time = self.judge.now();
            self.state.members.lock().tidy(time, now, PER_TICK)
        };
        for peer in gone {
            self.forget_member(&peer);
        }
        for (peer, signed) in again {
            if self.judge.binds(&signed, &peer.to_bytes()).is_err() {
                self.forget_member(&peer);
            }
        }
        if std::mem::take(&mut self.state.told_anew) {
            for known in self.state.acquainted.values_mut() {
                known.told = Seconds(0);
            }
        }
        let own = self
            .own_binding()
            .map_or(Seconds(0), |b| b.binding.issued_at);
        let members = self.state.members.clone();
        let waits = |peer: &PeerId, a: &Acquaintance| {
            let passed = |since, time| now.saturating_duration_since(since) >= time;
            let begun = a.dialled || passed(a.since, FIRST);
            let bound = members.lock().is_bound(peer);
            let stale = a.told < own || (!bound && a.asked_at.is_none_or(|at| passed(at, AGAIN)));
            a.greets && begun && stale
        };
        let acquainted = self.state.acquainted.iter();
        let mut due: Vec<PeerId> = acquainted
            .filter(|(peer, a)| waits(peer, a))
            .map(|(peer, _)| *peer)
            .take(PER_TICK)
            .collect();
        if now.saturating_duration_since(self.state.news_at) >= NEWS {
            self.state.news_at = now;
            // Whoever was asked longest ago tells of others.
            let list = members.lock();
            let mate = self.state.acquainted.iter();
            let mate = mate
                .filter(|(peer, a)| a.greets && list.mates().any(|(m, _)| m == *peer))
                .min_by_key(|(_, a)| a.asked_at)
                .map(|(peer, _)| *peer);
            due.extend(mate);
        }
        for peer in due {
            self.greet(peer, now);
        }
        self.seek_mates();
        // A binding that is not answered for is none.
        self.settle_due(now);
    }
}

/// When a greeting's binding was issued.
fn issued(greeting: &Greeting) -> Seconds {
    let binding = greeting.binding.as_ref();
    binding.map_or(Seconds(0), |b| b.binding.issued_at)
}

fn parsed(texts: &[String]) -> Vec<Multiaddr> {
    texts.iter().filter_map(|t| t.parse().ok()).collect()
}
