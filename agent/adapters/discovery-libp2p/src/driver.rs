//! Drives the swarm: carries out commands, answers others, keeps the routing table.

use crate::addresses::{first, is_loopback, named, resolve, ADDRESSES};
use crate::closest::Closest;
use crate::config::{Checked, Limits};
use crate::counters::Counters;
use crate::guard::{make_room, Guard};
use crate::handle::{Command, Contact, Exchange, Failure, Near, Outgoing};
use crate::inbound::Inbound;
use crate::keeper::Keeper;
use crate::links::{identity_of, Identity, Links, LinksEvent, KAD};
use crate::outbound::{Entered, Message, Outbound};
use crate::wire::{encode_answer, encode_reply, RecordsAnswer, TradeReply};
use futures::StreamExt;
use libp2p::kad::{self, GetClosestPeersError, KBucketKey, QueryId, QueryResult};
use libp2p::request_response::{self, OutboundRequestId};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::SwarmEvent;
use libp2p::{identify, mdns, Multiaddr, PeerId, Swarm};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use wattpool_schema::peer::Location;

/// How often what has expired is dropped and what is lost is tried again.
const TICK: Duration = Duration::from_secs(1);
/// Longest pause between two tries to reach the nodes to begin with.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Peers remembered that speak another version, and banned ones.
const MOST_REMEMBERED: usize = 1_024;

type Waiter<T> = oneshot::Sender<T>;

enum Search {
    Location(Location, Vec<Waiter<Near>>),
    Peer(PeerId, Vec<Waiter<Vec<Multiaddr>>>),
}

impl Search {
    fn for_location(&mut self, location: &Location) -> Option<&mut Vec<Waiter<Near>>> {
        match self {
            Self::Location(at, waiters) if at == location => Some(waiters),
            _ => None,
        }
    }

    fn for_peer(&mut self, peer: &PeerId) -> Option<&mut Vec<Waiter<Vec<Multiaddr>>>> {
        match self {
            Self::Peer(of, waiters) if of == peer => Some(waiters),
            _ => None,
        }
    }
}

/// A request that was sent.
struct Sent {
    to: PeerId,
    answer: Waiter<Result<Vec<u8>, Failure>>,
}

/// The task that owns the swarm.
pub(crate) struct Driver {
    pub swarm: Swarm<Links>,
    pub commands: mpsc::Receiver<Command>,
    pub outgoing: mpsc::UnboundedReceiver<Outgoing>,
    pub inbound: Inbound,
    pub keeper: Box<dyn Keeper>,
    pub counters: Arc<Counters>,
    state: State,
}

struct State {
    network: String,
    limits: Limits,
    bootstrap: Vec<Multiaddr>,
    /// Back to this driver; weak, so that it ends when nobody else is left.
    commands: mpsc::WeakSender<Command>,
    closest: Closest,
    guard: Guard,
    searches: HashMap<QueryId, Search>,
    sent: HashMap<(Exchange, OutboundRequestId), Sent>,
    outbound: Outbound,
    banned: HashMap<PeerId, Instant>,
    /// Peers that speak another version, and what they say.
    others: HashMap<PeerId, (Instant, String)>,
    retry_at: Instant,
    pause: Duration,
}

impl Driver {
    /// A driver of a swarm that listens already.
    pub fn new(
        config: &Checked,
        swarm: Swarm<Links>,
        channels: (
            mpsc::Receiver<Command>,
            mpsc::UnboundedReceiver<Outgoing>,
            Inbound,
        ),
        back: mpsc::WeakSender<Command>,
        keeper: Box<dyn Keeper>,
        counters: Arc<Counters>,
    ) -> Self {
        let limits = config.limits.clone();
        let own = *swarm.local_peer_id();
        let (commands, outgoing, inbound) = channels;
        Self {
            swarm,
            commands,
            outgoing,
            inbound,
            keeper,
            counters,
            state: State {
                network: config.network.clone(),
                closest: Closest::new(own, limits.replicas, limits.remembered, limits.remember()),
                guard: Guard::new(limits.peer_burst, limits.peer_rate, limits.strikes),
                bootstrap: config.bootstrap.clone(),
                searches: HashMap::new(),
                sent: HashMap::new(),
                outbound: Outbound::default(),
                banned: HashMap::new(),
                others: HashMap::new(),
                commands: back,
                retry_at: Instant::now(),
                pause: TICK,
                limits,
            },
        }
    }

    /// Runs until it is stopped or nobody is left to ask for anything.
    pub async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stopped = loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                Some(outgoing) = self.outgoing.recv() => self.respond(Exchange::Trade, outgoing),
                command = self.commands.recv() => match command {
                    Some(Command::Stop(done)) => break Some(done),
                    Some(command) => self.carry_out(command),
                    None => break None,
                },
                _ = tick.tick() => self.tick(),
            }
        };
        drop(self);
        if let Some(done) = stopped {
            // Whoever asked for it may be gone.
            let _ = done.send(());
        }
    }

    fn carry_out(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Closest {
                location,
                fresh,
                known,
                found,
            } => self.closest(location, fresh, known, found, now),
            Command::Send {
                exchange,
                to,
                bytes,
                answer,
            } => self.send(exchange, to, bytes, answer),
            Command::Find { peer, found } => self.find(peer, found),
            Command::Strike { peer, strikes } => self.strike(peer, strikes, now),
            Command::Listening(answer) => {
                let _ = answer.send(self.swarm.listeners().cloned().collect());
            }
            Command::Banned(answer) => {
                let _ = answer.send(self.state.banned.keys().copied().collect());
            }
            Command::Dial(address) => self.dial(address),
            // Ends the loop before it comes here.
            Command::Stop(_) => {}
        }
    }

    /// Nodes of the routing table, nearest to a location first.
    fn known(&mut self, location: &Location, now: Instant) -> Near {
        let key = KBucketKey::new(location.0.to_vec());
        let own = *self.swarm.local_peer_id();
        let kad = &mut self.swarm.behaviour_mut().kad;
        let contacts = kad
            .find_closest_local_peers(&key, &own)
            .map(|peer| Contact {
                peer: peer.node_id,
                addresses: first(peer.multiaddrs),
            })
            .collect();
        self.state.closest.near(location, contacts, now, 0)
    }

    fn closest(
        &mut self,
        location: Location,
        fresh: bool,
        known: Waiter<Near>,
        found: Waiter<Near>,
        now: Instant,
    ) {
        if !fresh {
            if let Some(near) = self.state.closest.remembered(&location, now) {
                let _ = known.send(near);
                return;
            }
        }
        let near = self.known(&location, now);
        let alone = near.contacts.is_empty();
        let _ = known.send(near);
        if alone {
            return;
        }
        let mut searches = self.state.searches.values_mut();
        if let Some(waiters) = searches.find_map(|search| search.for_location(&location)) {
            waiters.push(found);
            return;
        }
        self.counters.searches.one();
        let kad = &mut self.swarm.behaviour_mut().kad;
        let query = kad.get_closest_peers(location.0.to_vec());
        let search = Search::Location(location, vec![found]);
        self.state.searches.insert(query, search);
    }

    fn find(&mut self, peer: PeerId, found: Waiter<Vec<Multiaddr>>) {
        let mut searches = self.state.searches.values_mut();
        if let Some(waiters) = searches.find_map(|search| search.for_peer(&peer)) {
            waiters.push(found);
            return;
        }
        let query = self
            .swarm
            .behaviour_mut()
            .kad
            .get_closest_peers(peer.to_bytes());
        let search = Search::Peer(peer, vec![found]);
        self.state.searches.insert(query, search);
    }

    fn send(
        &mut self,
        exchange: Exchange,
        to: Contact,
        bytes: Vec<u8>,
        answer: Waiter<Result<Vec<u8>, Failure>>,
    ) {
        let linked = self.swarm.is_connected(&to.peer);
        if let Some((_, why)) = self.state.others.get(&to.peer).filter(|_| linked) {
            let _ = answer.send(Err(Failure::OtherVersion(why.clone())));
            return;
        }
        let message = Message { to, bytes, answer };
        match self.state.outbound.enter(exchange, message) {
            Entered::Now(message) => self.send_now(exchange, message),
            Entered::Later => {}
            Entered::Full(message) => {
                let _ = message.answer.send(Err(Failure::Busy));
            }
        }
    }

    fn send_now(&mut self, exchange: Exchange, message: Message) {
        let links = self.swarm.behaviour_mut();
        let of = match exchange {
            Exchange::Records => &mut links.records,
            Exchange::Trade => &mut links.trade,
        };
        let Message { to, bytes, answer } = message;
        let id = of.send_request_with_addresses(&to.peer, bytes, to.addresses);
        let sent = Sent {
            to: to.peer,
            answer,
        };
        self.state.sent.insert((exchange, id), sent);
    }

    /// A request ended: whoever waited for it is told, and the next one to this peer may go.
    fn ended(
        &mut self,
        exchange: Exchange,
        id: OutboundRequestId,
        answer: Result<Vec<u8>, Failure>,
    ) {
        let Some(sent) = self.state.sent.remove(&(exchange, id)) else {
            return;
        };
        // Whoever waited may have given up.
        let _ = sent.answer.send(answer);
        if let Some(next) = self.state.outbound.leave(exchange, sent.to) {
            self.send_now(exchange, next);
        }
    }

    fn respond(&mut self, exchange: Exchange, outgoing: Outgoing) {
        let links = self.swarm.behaviour_mut();
        let of = match exchange {
            Exchange::Records => &mut links.records,
            Exchange::Trade => &mut links.trade,
        };
        // The asker may have given up or gone.
        let _ = of.send_response(outgoing.channel, outgoing.bytes);
    }

    /// Dials an address, or a peer at all addresses that mDNS tells of, once: with one dial per address two peers that
    /// find each other at the same time would have more connections than either allows, and each close the other's.
    fn dial(&mut self, to: impl Into<DialOpts>) {
        let to = to.into();
        let shown = format!("{to:?}");
        if let Err(e) = self.swarm.dial(to) {
            tracing::debug!("{shown} not dialled: {e}");
        }
    }

    fn strike(&mut self, peer: PeerId, strikes: u32, now: Instant) {
        self.counters.strikes.add(u64::from(strikes));
        self.ban_if_due(peer, strikes, now);
    }

    /// Bans a peer whose strikes, already counted, are too many.
    fn ban_if_due(&mut self, peer: PeerId, strikes: u32, now: Instant) {
        if strikes == 0 || !self.state.guard.strike(peer, strikes, now) {
            return;
        }
        tracing::warn!(%peer, "banned: it sends what is invalid");
        self.counters.bans.one();
        let unbanned = make_room(&mut self.state.banned, MOST_REMEMBERED, |until| *until);
        let until = now.checked_add(self.state.limits.ban()).unwrap_or(now);
        self.state.banned.insert(peer, until);
        self.state.closest.silent(peer, now);
        let links = self.swarm.behaviour_mut();
        if let Some((old, _)) = unbanned {
            links.banned.unblock_peer(old);
        }
        links.banned.block_peer(peer);
        links.kad.remove_peer(&peer);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.keeper.tidy();
        let banned = self.state.banned.iter();
        let over = banned.filter(|(_, until)| **until <= now);
        let over: Vec<_> = over.map(|(peer, _)| *peer).collect();
        for peer in over {
            self.state.banned.remove(&peer);
            self.swarm.behaviour_mut().banned.unblock_peer(peer);
        }
        let known = self.swarm.behaviour_mut().kad.kbuckets();
        let known = known.fold(0usize, |n, b| n.saturating_add(b.num_entries()));
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.counters.known.set(count(known));
        self.counters
            .linked
            .set(count(self.swarm.network_info().num_peers()));
        if known > 0 && self.swarm.network_info().num_peers() > 0 {
            self.state.pause = TICK;
        } else if self.state.retry_at <= now {
            self.state.retry_at = now.checked_add(self.state.pause).unwrap_or(now);
            self.state.pause = self.state.pause.saturating_mul(2).min(MAX_PAUSE);
            self.begin();
        }
    }

    /// Dials the nodes to begin with, and those of the local network.
    fn begin(&mut self) {
        let near = self.swarm.behaviour().mdns.as_ref();
        let near: BTreeSet<_> = near
            .into_iter()
            .flat_map(|mdns| mdns.discovered_nodes().copied())
            .collect();
        for peer in near {
            self.dial(peer);
        }
        for address in self.state.bootstrap.clone() {
            let Some(named) = named(&address) else {
                self.dial(address);
                continue;
            };
            // Names take their time, which the swarm does not have.
            let commands = self.state.commands.clone();
            tokio::spawn(async move {
                for resolved in resolve(address, named).await {
                    let Some(commands) = commands.upgrade() else {
                        return;
                    };
                    // Stopped: nobody is dialled.
                    let _ = commands.send(Command::Dial(resolved)).await;
                }
            });
        }
    }

    fn on_event(&mut self, event: SwarmEvent<LinksEvent>) {
        let now = Instant::now();
        match event {
            SwarmEvent::Behaviour(LinksEvent::Records(event)) => {
                self.on_exchange(Exchange::Records, event, now);
            }
            SwarmEvent::Behaviour(LinksEvent::Trade(event)) => {
                self.on_exchange(Exchange::Trade, event, now);
            }
            SwarmEvent::Behaviour(LinksEvent::Kad(event)) => self.on_kad(event, now),
            SwarmEvent::Behaviour(LinksEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => self.on_identified(peer_id, &info, now),
            SwarmEvent::Behaviour(LinksEvent::Mdns(mdns::Event::Discovered(found))) => {
                for peer in found
                    .into_iter()
                    .map(|(peer, _)| peer)
                    .collect::<BTreeSet<_>>()
                {
                    self.dial(peer);
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                // It may come back in another version.
                self.state.others.remove(&peer_id);
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error,
                ..
            } => {
                tracing::debug!(%peer, "not connected: {error}");
            }
            _ => {}
        }
    }

    fn on_exchange(
        &mut self,
        exchange: Exchange,
        event: request_response::Event<Vec<u8>, Vec<u8>>,
        now: Instant,
    ) {
        match event {
            request_response::Event::Message { peer, message, .. } => match message {
                request_response::Message::Request {
                    request, channel, ..
                } => self.on_request(exchange, peer, &request, channel, now),
                request_response::Message::Response {
                    request_id,
                    response,
                } => {
                    self.state.closest.answered(&peer);
                    let answer = if response.is_empty() {
                        Err(Failure::Silent("it did not answer".to_owned()))
                    } else {
                        Ok(response)
                    };
                    self.ended(exchange, request_id, answer);
                }
            },
            request_response::Event::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                // An agent that does not answer a trade request is no reason to think its node dead.
                if exchange == Exchange::Records {
                    self.state.closest.silent(peer, now);
                }
                self.ended(exchange, request_id, Err(Failure::of(exchange, error)));
            }
            request_response::Event::InboundFailure { .. }
            | request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn on_request(
        &mut self,
        exchange: Exchange,
        peer: PeerId,
        request: &[u8],
        channel: request_response::ResponseChannel<Vec<u8>>,
        now: Instant,
    ) {
        let (outgoing, strikes) = match (self.state.guard.allows(peer, now), exchange) {
            (Err(strikes), _) => {
                self.counters.limited.one();
                let bytes = match exchange {
                    Exchange::Records => encode_answer(&RecordsAnswer::Busy),
                    Exchange::Trade => encode_reply(&TradeReply::Busy),
                };
                (Some(Outgoing { channel, bytes }), strikes)
            }
            (Ok(()), Exchange::Records) => {
                let (answer, strikes) = self.keeper.answer(peer, request, now);
                (answer.map(|bytes| Outgoing { channel, bytes }), strikes)
            }
            (Ok(()), Exchange::Trade) => match self.inbound.take(request, channel) {
                Some((outgoing, strikes)) => (Some(outgoing), strikes),
                None => (None, 0),
            },
        };
        // Counted before the answer is on its way, banned after it: who has the answer finds its strike in the figures.
        self.counters.strikes.add(u64::from(strikes));
        if let Some(outgoing) = outgoing {
            self.respond(exchange, outgoing);
        }
        self.ban_if_due(peer, strikes, now);
    }

    fn on_kad(&mut self, event: kad::Event, now: Instant) {
        let kad::Event::OutboundQueryProgressed {
            id,
            result: QueryResult::GetClosestPeers(result),
            stats,
            step,
        } = event
        else {
            return;
        };
        if !step.last {
            return;
        }
        let Some(search) = self.state.searches.remove(&id) else {
            return;
        };
        let peers = match result {
            Ok(found) => found.peers,
            Err(GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        match search {
            Search::Location(location, waiters) => {
                let contacts = peers
                    .into_iter()
                    .map(|p| Contact {
                        peer: p.peer_id,
                        addresses: first(p.addrs),
                    })
                    .filter(|c| !self.state.banned.contains_key(&c.peer))
                    .collect();
                let requests = u64::from(stats.num_requests());
                let near = self.state.closest.learn(location, contacts, now, requests);
                for waiter in waiters {
                    let _ = waiter.send(near.clone());
                }
            }
            Search::Peer(peer, waiters) => {
                let found = peers.into_iter().find(|p| p.peer_id == peer);
                let addresses = found.map(|p| first(p.addrs)).unwrap_or_default();
                for waiter in waiters {
                    let _ = waiter.send(addresses.clone());
                }
            }
        }
    }

    fn on_identified(&mut self, peer: PeerId, info: &identify::Info, now: Instant) {
        match identity_of(&info.protocol_version, &self.state.network) {
            Identity::Ours => {}
            Identity::OtherVersion(why) => {
                tracing::warn!(%peer, "a node of another version: {why}");
                self.counters.other_version.one();
                make_room(&mut self.state.others, MOST_REMEMBERED, |(at, _)| *at);
                self.state.others.insert(peer, (now, why));
                return;
            }
            Identity::Foreign => {
                tracing::debug!(%peer, "a node of another network: {}", info.protocol_version);
                self.swarm.behaviour_mut().kad.remove_peer(&peer);
                // It may be gone already.
                let _ = self.swarm.disconnect_peer_id(peer);
                return;
            }
        }
        if !info.protocols.contains(&KAD) {
            return;
        }
        // Loopback addresses of other machines lead to this one.
        let near = is_loopback(&info.observed_addr);
        let addresses = info.listen_addrs.iter().filter(|a| near || !is_loopback(a));
        for address in addresses.take(ADDRESSES) {
            self.swarm
                .behaviour_mut()
                .kad
                .add_address(&peer, address.clone());
        }
    }
}
