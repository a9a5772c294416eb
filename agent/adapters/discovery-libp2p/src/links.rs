//! The swarm of a node: what it speaks, and within which bounds.

use crate::addresses::Reach;
use crate::codec::Bounded;
use crate::config::{Checked, ConfigError, Limits};
use crate::gate::Gate;
use crate::greeting::MAX_GREETING;
use crate::members::MemberList;
use crate::routing::Routing;
use crate::wire::{MAX_ANSWER, MAX_REQUEST, MAX_TRADE};
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{
    allow_block_list, autonat, connection_limits, dcutr, identify, identity, kad, mdns, noise,
    ping, relay, tcp, upnp, yamux, Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
};
use std::num::NonZeroUsize;
use std::time::Duration;

/// Kademlia between nodes of this version.
pub(crate) const KAD: StreamProtocol = StreamProtocol::new("/wattpool/kad/1");
/// Records, followed by a version.
pub(crate) const RECORDS: &str = "/wattpool/records/";
/// Trade requests, followed by a version.
pub(crate) const TRADE: &str = "/wattpool/trade/";
/// Greetings.
pub(crate) const GREETING: StreamProtocol = StreamProtocol::new("/wattpool/greeting/1");
/// What a node says of itself begins with this, then its version, a space, and the network's name.
const IDENTITY: &str = "wattpool/";
/// This version of all of it.
pub const VERSION: u16 = 1;

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(4);
/// How long a trade request may take at most; askers name shorter deadlines.
const TRADE_TIMEOUT: Duration = Duration::from_secs(60);
/// Streams at once on a connection, per protocol.
const STREAMS: usize = 32;
/// Meters that a relay forwards for at once.
const RELAYED: usize = 32;
/// How long a relay forwards on one connection, and how much: many trades, and no film.
const CIRCUIT: Duration = Duration::from_secs(600);
const CIRCUIT_BYTES: u64 = 1 << 20;
/// What a peer may send over QUIC before it is read: on a stream, and on a connection.
#[cfg(feature = "quic")]
const QUIC_STREAM_BYTES: u32 = 256 * 1024;
#[cfg(feature = "quic")]
const QUIC_BYTES: u32 = 1024 * 1024;
/// Nodes asked at once in a search, each on a path of its own that shares no node with the others.
const ALPHA: usize = 3;

/// What a node speaks.
#[derive(NetworkBehaviour)]
pub(crate) struct Links {
    pub limits: connection_limits::Behaviour,
    pub gate: Gate,
    pub banned: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub kad: Routing,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub records: request_response::Behaviour<Bounded>,
    pub trade: request_response::Behaviour<Bounded>,
    pub greetings: request_response::Behaviour<Bounded>,
    pub relay_client: relay::client::Behaviour,
    pub relay: Toggle<relay::Behaviour>,
    pub punch: dcutr::Behaviour,
    pub nat: autonat::Behaviour,
    pub upnp: Toggle<upnp::tokio::Behaviour>,
}

/// What a node says that it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Of this network and version.
    Ours,
    /// Of another version.
    OtherVersion(String),
    /// Of another network, or none of ours at all.
    Foreign,
}

/// How a node of a version introduces itself.
pub(crate) fn introduction(version: u16, network: &str) -> String {
    format!("{IDENTITY}{version} {network}")
}

/// Reads how a node introduces itself.
pub(crate) fn identity_of(introduction: &str, network: &str) -> Identity {
    let Some((version, theirs)) = introduction
        .strip_prefix(IDENTITY)
        .and_then(|rest| rest.split_once(' '))
    else {
        return Identity::Foreign;
    };
    match version.parse::<u16>() {
        Ok(VERSION) if theirs == network => Identity::Ours,
        Ok(version) if version != VERSION && theirs == network => {
            Identity::OtherVersion(format!("{IDENTITY}{version}, this is {IDENTITY}{VERSION}"))
        }
        _ => Identity::Foreign,
    }
}

fn kademlia(
    keypair: &identity::Keypair,
    limits: &Limits,
    hidden: bool,
) -> kad::Behaviour<MemoryStore> {
    let id = keypair.public().to_peer_id();
    // Nothing is stored in Kademlia: what it is asked to keep is filtered, and nothing takes it from the filter.
    let store = MemoryStoreConfig {
        max_records: 0,
        max_value_bytes: 0,
        max_providers_per_key: 0,
        max_provided_keys: 0,
    };
    let mut config = kad::Config::new(KAD);
    config
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_caching(kad::Caching::Disabled)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_kbucket_size(at_least_one(limits.bucket))
        .set_parallelism(at_least_one(ALPHA))
        .disjoint_query_paths(true)
        .set_query_timeout(limits.announce())
        .set_substreams_timeout(limits.answer())
        .set_max_packet_size(MAX_REQUEST.saturating_mul(4));
    let mut kad = kad::Behaviour::with_config(id, MemoryStore::with_config(id, store), config);
    // Without this a node waits for a confirmed public address, which there is none of in a local network.
    kad.set_mode(Some(if hidden {
        kad::Mode::Client
    } else {
        kad::Mode::Server
    }));
    kad
}

/// Bounds of connections over QUIC: streams as over TCP, and not the tens of megabytes that a transfer of files wants.
#[cfg(feature = "quic")]
fn quic(mut config: libp2p::quic::Config) -> libp2p::quic::Config {
    config.handshake_timeout = CONNECT;
    config.max_concurrent_stream_limit =
        u32::try_from(STREAMS.saturating_mul(4)).unwrap_or(u32::MAX);
    config.max_stream_data = QUIC_STREAM_BYTES;
    config.max_connection_data = QUIC_BYTES;
    config
}

fn at_least_one(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN)
}

/// A protocol in the versions that are spoken, newest first: the two that meet take the newest that both know.
fn spoken(name: &str, versions: &[u16]) -> Vec<StreamProtocol> {
    let of = |v: &u16| StreamProtocol::try_from_owned(format!("{name}{v}")).ok();
    versions.iter().filter_map(of).collect()
}

/// Whether a peer that speaks these protocols speaks a version of one in common with this node.
pub(crate) fn in_common(name: &str, versions: &[u16], theirs: &[StreamProtocol]) -> bool {
    spoken(name, versions).iter().any(|p| theirs.contains(p))
}

fn exchange(
    protocols: Vec<StreamProtocol>,
    request: usize,
    answer: usize,
    timeout: Duration,
) -> request_response::Behaviour<Bounded> {
    let config = request_response::Config::default()
        .with_request_timeout(timeout)
        .with_max_concurrent_streams(STREAMS);
    let bounds = Bounded { request, answer };
    let protocols = protocols.into_iter().map(|p| (p, ProtocolSupport::Full));
    request_response::Behaviour::with_codec(bounds, protocols, config)
}

/// Forwards for registered meters, within bounds: nobody else may reserve a place or use one.
fn relay(id: PeerId, members: &MemberList) -> relay::Behaviour {
    let registered = |members: &MemberList| {
        let members = members.clone();
        move |peer: PeerId, _: &Multiaddr, _: std::time::Instant| members.lock().is_bound(&peer)
    };
    let config = relay::Config {
        max_reservations: RELAYED,
        max_reservations_per_peer: 2,
        max_circuits: RELAYED,
        max_circuits_per_peer: 4,
        max_circuit_duration: CIRCUIT,
        max_circuit_bytes: CIRCUIT_BYTES,
        reservation_rate_limiters: vec![Box::new(registered(members))],
        circuit_src_rate_limiters: vec![Box::new(registered(members))],
        ..relay::Config::default()
    };
    relay::Behaviour::new(id, config)
}

/// mDNS, which finds nodes on the local network.
///
/// # Errors
/// It cannot be set up.
pub(crate) fn mdns(id: PeerId) -> Result<mdns::tokio::Behaviour, ConfigError> {
    mdns::tokio::Behaviour::new(mdns::Config::default(), id)
        .map_err(|e| ConfigError::Network(format!("mDNS: {e}")))
}

fn behaviour(
    config: &Checked,
    members: &MemberList,
    reach: &Reach,
    relay_client: relay::client::Behaviour,
) -> Result<Links, ConfigError> {
    let limits = &config.limits;
    let id = config.keypair.public().to_peer_id();
    let mdns = config.mdns.then(|| mdns(id)).transpose()?;
    // Established ones are the gate's.
    let connections = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits.links))
        .with_max_pending_outgoing(Some(limits.links));
    // Where it listens, a node tells in greetings alone, and there by the scope in which it was met.
    let identify = identify::Config::new(config.introduction.clone(), config.keypair.public())
        .with_agent_version(concat!("wattpool/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_hide_listen_addrs(true)
        .with_cache_size(0);
    let records = spoken(RECORDS, &config.versions);
    let trade = spoken(TRADE, &config.versions);
    let greetings = vec![GREETING];
    Ok(Links {
        limits: connection_limits::Behaviour::new(connections),
        gate: Gate::new(members.clone(), limits.links),
        banned: allow_block_list::Behaviour::default(),
        kad: Routing::new(
            kademlia(&config.keypair, limits, config.hidden),
            reach.clone(),
        ),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new()),
        mdns: Toggle::from(mdns),
        records: exchange(records, MAX_REQUEST, MAX_ANSWER, limits.answer()),
        trade: exchange(trade, MAX_TRADE, MAX_TRADE, TRADE_TIMEOUT),
        greetings: exchange(greetings, MAX_GREETING, MAX_GREETING, limits.answer()),
        relay_client,
        relay: Toggle::from(config.relay.then(|| relay(id, members))),
        punch: dcutr::Behaviour::new(id),
        nat: autonat::Behaviour::new(id, autonat::Config::default()),
        upnp: Toggle::from(config.upnp.then(upnp::tokio::Behaviour::default)),
    })
}

/// Builds the swarm of a node.
///
/// # Errors
/// Encryption or mDNS cannot be set up.
pub(crate) fn swarm(
    config: &Checked,
    members: &MemberList,
    reach: &Reach,
) -> Result<Swarm<Links>, ConfigError> {
    let failed = |what: &str, e: String| ConfigError::Network(format!("{what}: {e}"));
    let streams = || {
        let mut yamux = yamux::Config::default();
        yamux.set_max_num_streams(STREAMS.saturating_mul(4));
        yamux
    };
    let tcp = tcp::Config::default().nodelay(true);
    let builder = SwarmBuilder::with_existing_identity(config.keypair.clone())
        .with_tokio()
        .with_tcp(tcp, noise::Config::new, streams)
        .map_err(|e| failed("Noise", e.to_string()))?;
    #[cfg(feature = "quic")]
    let builder = builder.with_quic_config(quic);
    let builder = builder
        .with_relay_client(noise::Config::new, streams)
        .map_err(|e| failed("Noise", e.to_string()))?
        .with_behaviour(|_, relay_client| {
            behaviour(config, members, reach, relay_client)
                .map_err(|e| Box::<dyn std::error::Error + Send + Sync>::from(e.to_string()))
        });
    let idle = config.limits.idle();
    let built = match builder {
        Ok(built) => built,
        Err(e) => return Err(failed("behaviour", format!("{e:?}"))),
    };
    Ok(built
        .with_swarm_config(|swarm| swarm.with_idle_connection_timeout(idle))
        .with_connection_timeout(CONNECT)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_another_version_or_network_are_told_apart() {
        let of = |text: &str| identity_of(text, "chain/escrow");
        assert_eq!(of(&introduction(1, "chain/escrow")), Identity::Ours);
        assert_eq!(of(&introduction(1, "chain/other")), Identity::Foreign);
        assert!(matches!(
            of(&introduction(2, "chain/escrow")),
            Identity::OtherVersion(why) if why.contains("wattpool/2")
        ));
        for other in ["", "ipfs/0.1.0", "wattpool/", "wattpool/x chain/escrow"] {
            assert_eq!(of(other), Identity::Foreign, "{other}");
        }
    }
}
