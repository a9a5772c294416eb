//! Homes that cannot be reached: told so by others (AutoNAT), they leave the routing table, take a place at relays and
//! are found there; two that met over a relay try to go on without it (hole punching).

use crate::addresses::is_relayed;
use crate::driver::Driver;
use libp2p::autonat::NatStatus;
use libp2p::core::transport::ListenerId;
use libp2p::kad::Mode;
use libp2p::multiaddr::Protocol;
use libp2p::{autonat, dcutr, relay, upnp, Multiaddr, PeerId};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Relays at which a node has a place.
const RELAYS: usize = 2;
/// How long until a relay that refused is asked again.
const REFUSED: Duration = Duration::from_secs(60);

/// Whether this node can be reached, and where it has a place if not.
#[derive(Default)]
pub(crate) struct Nat {
    hidden: bool,
    /// The owner said so: nothing that is found changes it.
    forced: bool,
    places: HashMap<PeerId, ListenerId>,
    refused: HashMap<PeerId, Instant>,
}

impl Nat {
    /// Hidden by the owner's word, or to be found out.
    pub fn new(forced: bool) -> Self {
        Self {
            hidden: forced,
            forced,
            ..Self::default()
        }
    }
}

impl Driver {
    pub(crate) fn on_nat(&mut self, event: autonat::Event) {
        let autonat::Event::StatusChanged { new, .. } = event else {
            return;
        };
        let mapped = self.swarm.external_addresses().any(|a| !is_relayed(a));
        let hidden = new == NatStatus::Private && !mapped;
        if hidden == self.state.nat.hidden || self.state.nat.forced {
            return;
        }
        self.state.nat.hidden = hidden;
        self.counters.hidden.set(u64::from(hidden));
        tracing::info!(
            "others can{} reach this node directly",
            if hidden { "not" } else { "" }
        );
        let mode = if hidden { Mode::Client } else { Mode::Server };
        self.swarm.behaviour_mut().kad.set_mode(Some(mode));
        if !hidden {
            for (_, listener) in self.state.nat.places.drain() {
                self.swarm.remove_listener(listener);
            }
        }
    }

    pub(crate) fn on_upnp(&mut self, event: &upnp::Event) {
        match event {
            upnp::Event::NewExternalAddr { external_addr, .. } => {
                tracing::info!(address = %external_addr, "the router forwards a port");
            }
            upnp::Event::ExpiredExternalAddr { external_addr, .. } => {
                tracing::info!(address = %external_addr, "the router forwards a port no more");
            }
            upnp::Event::GatewayNotFound | upnp::Event::NonRoutableGateway => {
                tracing::debug!("no router that forwards ports");
            }
        }
    }

    pub(crate) fn on_punch(&mut self, event: dcutr::Event) {
        let peer = event.remote_peer_id;
        match event.result {
            Ok(_) => {
                self.counters.punched.one();
                tracing::debug!(%peer, "connected without the relay");
            }
            Err(e) => tracing::debug!(%peer, "the relay remains: {e}"),
        }
    }

    pub(crate) fn on_relayed(&mut self, event: &relay::client::Event) {
        if let relay::client::Event::ReservationReqAccepted { relay_peer_id, .. } = event {
            tracing::info!(relay = %relay_peer_id, "a place at a relay");
            self.state.told_anew = true;
        }
    }

    pub(crate) fn on_relaying(&mut self, event: &relay::Event) {
        if let relay::Event::CircuitReqAccepted { .. } = event {
            self.counters.relayed.one();
        }
    }

    /// A place at a relay has ended.
    pub(crate) fn on_listener_closed(&mut self, id: ListenerId, now: Instant) {
        let lost = self.state.nat.places.iter().find(|(_, l)| **l == id);
        if let Some(relay) = lost.map(|(relay, _)| *relay) {
            self.state.nat.places.remove(&relay);
            let until = now.checked_add(REFUSED).unwrap_or(now);
            self.state.nat.refused.insert(relay, until);
        }
    }

    /// Takes places at relays of registered meters while this node cannot be reached.
    pub(crate) fn find_relays(&mut self, now: Instant) {
        self.state.nat.refused.retain(|_, until| *until > now);
        if !self.state.nat.hidden || self.state.nat.places.len() >= RELAYS {
            return;
        }
        let members = self.state.members.lock();
        let nat = &self.state.nat;
        let relays = self.state.acquainted.iter().filter(|(peer, known)| {
            known.relays
                && members.is_bound(peer)
                && !nat.places.contains_key(peer)
                && !nat.refused.contains_key(peer)
        });
        let gate = &self.swarm.behaviour().gate;
        let at: Vec<(PeerId, Multiaddr)> = relays
            .filter_map(|(peer, _)| gate.met(peer).map(|met| (*peer, met.clone())))
            .filter(|(_, met)| !is_relayed(met))
            .take(RELAYS.saturating_sub(nat.places.len()))
            .collect();
        drop(members);
        for (peer, met) in at {
            let bare: Multiaddr = met
                .into_iter()
                .take_while(|part| !matches!(part, Protocol::P2p(_)))
                .collect();
            let place = bare.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
            match self.swarm.listen_on(place) {
                Ok(listener) => {
                    self.state.nat.places.insert(peer, listener);
                }
                Err(e) => tracing::debug!(relay = %peer, "no place: {e}"),
            }
        }
    }
}
