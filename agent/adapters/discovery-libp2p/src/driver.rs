//! Drives the swarm: carries out commands, answers others, keeps the routing table.

use crate::acquaint::Acquaintance;
use crate::addresses::{named, resolve, Reach};
use crate::budget::Checks;
use crate::closest::Closest;
use crate::config::{Checked, Defences, Limits, Membership};
use crate::counters::Counters;
use crate::guard::{make_room, Guard};
use crate::handle::{Command, Contact, Exchange, Failure, Outgoing};
use crate::inbound::Inbound;
use crate::keeper::{Asker, Judge, Keeper};
use crate::links::{self, Links, LinksEvent};
use crate::members::{Host, MemberList};
use crate::nat::Nat;
use crate::outbound::{Entered, Message, Outbound};
use crate::searches::{Search, Settling, Waiter};
use crate::wire::{encode_answer, encode_reply, RecordsAnswer, TradeReply};
use futures::StreamExt;
use libp2p::kad::QueryId;
use libp2p::request_response::{self, OutboundRequestId};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::SwarmEvent;
use libp2p::{identify, mdns, Multiaddr, PeerId, Swarm};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wattpool_schema::peer::SignedBinding;

/// How often what has expired is dropped and what is lost is tried again.
const TICK: Duration = Duration::from_secs(1);
/// Longest pause between two tries to reach the nodes to begin with.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Peers remembered that speak another version, and banned ones.
const MOST_REMEMBERED: usize = 1_024;
/// Entries of mDNS; with more of them somebody fills the list, and it is begun anew.
const MOST_NEAR: usize = 256;
/// Peers of the local network dialled at once, and of them at one host.
const NEAR_AT_ONCE: usize = 16;
const NEAR_OF_HOST: usize = 4;

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
    pub judge: Arc<Judge>,
    pub(crate) state: State,
}

/// What the driver remembers.
pub(crate) struct State {
    pub network: String,
    pub versions: Vec<u16>,
    pub membership: Option<Membership>,
    pub defences: Defences,
    /// This node's binding, as it was signed last.
    pub own: Option<SignedBinding>,
    pub members: MemberList,
    pub reach: Reach,
    pub checks: Checks,
    /// Connected peers.
    pub acquainted: HashMap<PeerId, Acquaintance>,
    /// Nodes without a meter in the routing table.
    pub strangers: HashMap<PeerId, Host>,
    /// Nodes of meters in the routing table.
    pub routed: HashSet<PeerId>,
    pub settling: Vec<Settling>,
    pub nat: Nat,
    /// This node can be reached elsewhere than peers were told.
    pub told_anew: bool,
    pub turn: usize,
    pub news_at: Instant,
    pub limits: Limits,
    bootstrap: Vec<Multiaddr>,
    /// Back to this driver; weak, so that it ends when nobody else is left.
    commands: mpsc::WeakSender<Command>,
    pub closest: Closest,
    pub guard: Guard,
    pub searches: HashMap<QueryId, Search>,
    sent: HashMap<(Exchange, OutboundRequestId), Sent>,
    outbound: Outbound,
    pub banned: HashMap<PeerId, Instant>,
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
        shared: (Arc<Judge>, MemberList, Reach, Checks),
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
        let (judge, members, reach, checks) = shared;
        for address in config.bootstrap.iter().chain(&config.listen) {
            reach.meets(address);
        }
        let now = Instant::now();
        Self {
            swarm,
            commands,
            outgoing,
            inbound,
            keeper,
            counters,
            judge,
            state: State {
                network: config.network.clone(),
                versions: config.versions.clone(),
                membership: config.membership.clone(),
                defences: config.defences,
                own: None,
                members,
                reach,
                checks,
                acquainted: HashMap::new(),
                strangers: HashMap::new(),
                routed: HashSet::new(),
                settling: Vec::new(),
                nat: Nat::new(config.hidden),
                told_anew: false,
                turn: 0,
                news_at: now,
                closest: Closest::new(own, limits.replicas, limits.remembered, limits.remember())
                    .with(config.defences),
                guard: Guard::new(limits.peer_burst, limits.peer_rate, limits.strikes),
                bootstrap: config.bootstrap.clone(),
                searches: HashMap::new(),
                sent: HashMap::new(),
                outbound: Outbound::default(),
                banned: HashMap::new(),
                others: HashMap::new(),
                commands: back,
                retry_at: now,
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
            Command::External(answer) => {
                let _ = answer.send(self.swarm.external_addresses().cloned().collect());
            }
            Command::Banned(answer) => {
                let _ = answer.send(self.state.banned.keys().copied().collect());
            }
            Command::Dial(address) => {
                self.state.reach.meets(&address);
                self.dial(address);
            }
            // Ends the loop before it comes here.
            Command::Stop(_) => {}
        }
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
        let Message {
            mut to,
            bytes,
            answer,
        } = message;
        if to.addresses.is_empty() {
            let members = self.state.members.lock();
            let known = members.get(&to.peer).map(|b| b.addresses.clone());
            to.addresses = known.unwrap_or_default();
        }
        to.addresses.retain(|a| self.state.reach.allows(a));
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
    pub(crate) fn dial(&mut self, to: impl Into<DialOpts>) {
        let to = to.into();
        let shown = format!("{to:?}");
        if let Err(e) = self.swarm.dial(to) {
            tracing::debug!("{shown} not dialled: {e}");
        }
    }

    pub(crate) fn strike(&mut self, peer: PeerId, strikes: u32, now: Instant) {
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
        self.forget_member(&peer);
    }

    /// Remembers a peer that speaks another version.
    pub(crate) fn remember_other(&mut self, peer: PeerId, now: Instant, why: String) {
        make_room(&mut self.state.others, MOST_REMEMBERED, |(at, _)| *at);
        self.state.others.insert(peer, (now, why));
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.keeper.tidy();
        self.acquaint(now);
        self.find_relays(now);
        self.bound_neighbours();
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
        let members = self.state.members.lock().len();
        self.counters.members.set(count(members));
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

    /// Dials peers of the local network, few at once, registered ones first.
    fn dial_near(&mut self, near: BTreeSet<PeerId>) {
        let members = self.state.members.clone();
        let mut near: Vec<_> = near
            .into_iter()
            .filter(|peer| !self.swarm.is_connected(peer))
            .collect();
        let list = members.lock();
        near.sort_by_key(|peer| !list.is_bound(peer));
        drop(list);
        near.truncate(NEAR_AT_ONCE);
        for peer in near {
            self.dial(peer);
        }
    }

    /// Begins the list of mDNS anew when somebody fills it: it has no bound of its own.
    fn bound_neighbours(&mut self) {
        let near = self.swarm.behaviour().mdns.as_ref();
        if near.is_some_and(|mdns| mdns.discovered_nodes().len() > MOST_NEAR) {
            self.counters.limited.one();
            let id = *self.swarm.local_peer_id();
            match links::mdns(id) {
                Ok(mdns) => self.swarm.behaviour_mut().mdns = Toggle::from(Some(mdns)),
                Err(e) => tracing::warn!("{e}"),
            }
        }
    }

    /// Dials the nodes to begin with, and those of the local network.
    fn begin(&mut self) {
        let near = self.swarm.behaviour().mdns.as_ref();
        let near: BTreeSet<_> = near
            .into_iter()
            .flat_map(|mdns| mdns.discovered_nodes().copied())
            .collect();
        self.dial_near(near);
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
                let mut hosts: HashMap<Host, BTreeSet<PeerId>> = HashMap::new();
                for (peer, address) in found {
                    let of_host = hosts.entry(Host::of(&address)).or_default();
                    if of_host.len() < NEAR_OF_HOST {
                        of_host.insert(peer);
                    }
                }
                self.dial_near(hosts.into_values().flatten().collect());
            }
            SwarmEvent::Behaviour(LinksEvent::Greetings(event)) => self.on_greeting(event, now),
            SwarmEvent::Behaviour(LinksEvent::Nat(event)) => self.on_nat(event),
            SwarmEvent::Behaviour(LinksEvent::Upnp(event)) => self.on_upnp(&event),
            SwarmEvent::Behaviour(LinksEvent::Punch(event)) => self.on_punch(event),
            SwarmEvent::Behaviour(LinksEvent::RelayClient(event)) => self.on_relayed(&event),
            SwarmEvent::Behaviour(LinksEvent::Relay(event)) => self.on_relaying(&event),
            SwarmEvent::ListenerClosed { listener_id, .. } => {
                self.on_listener_closed(listener_id, now);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                self.state.told_anew = true;
            }
            SwarmEvent::ExternalAddrConfirmed { .. } => self.state.told_anew = true,
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                // It may come back in another version.
                self.state.others.remove(&peer_id);
                self.state.acquainted.remove(&peer_id);
                self.settle(&peer_id, now);
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error,
                ..
            } => {
                tracing::debug!(%peer, "not connected: {error}");
                self.state.members.lock().silent(&peer);
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
                    self.state.members.lock().seen(&peer, None, now);
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
                    self.state.members.lock().silent(&peer);
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
        let host = self.swarm.behaviour().gate.host(&peer);
        let source = self.state.members.source(&peer, host);
        let (outgoing, strikes) = match (self.state.guard.allows(source, now), exchange) {
            (Err(strikes), _) => {
                self.counters.limited.one();
                let bytes = match exchange {
                    Exchange::Records => encode_answer(&RecordsAnswer::Busy),
                    Exchange::Trade => encode_reply(&TradeReply::Busy),
                };
                (Some(Outgoing { channel, bytes }), strikes)
            }
            (Ok(()), Exchange::Records) => {
                let (answer, strikes) = self.keeper.answer(Asker { peer, source }, request, now);
                (answer.map(|bytes| Outgoing { channel, bytes }), strikes)
            }
            (Ok(()), Exchange::Trade) => match self.inbound.take(source, request, channel, now) {
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
}
