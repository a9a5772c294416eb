//! The swarm of a node: what it speaks, and within which bounds.

use crate::codec::Bounded;
use crate::config::{Checked, ConfigError, Limits};
use crate::wire::{MAX_ANSWER, MAX_REQUEST, MAX_TRADE};
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{
    allow_block_list, connection_limits, identify, identity, kad, mdns, noise, ping, tcp, yamux,
    StreamProtocol, Swarm, SwarmBuilder,
};
use std::num::NonZeroUsize;
use std::time::Duration;

/// Kademlia between nodes of this version.
pub(crate) const KAD: StreamProtocol = StreamProtocol::new("/wattpool/kad/1");
/// Records.
pub(crate) const RECORDS: StreamProtocol = StreamProtocol::new("/wattpool/records/1");
/// Trade requests.
pub(crate) const TRADE: StreamProtocol = StreamProtocol::new("/wattpool/trade/1");
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
/// Nodes asked at once in a search.
const ALPHA: usize = 3;

/// What a node speaks.
#[derive(NetworkBehaviour)]
pub(crate) struct Links {
    pub limits: connection_limits::Behaviour,
    pub banned: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub kad: kad::Behaviour<MemoryStore>,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    pub records: request_response::Behaviour<Bounded>,
    pub trade: request_response::Behaviour<Bounded>,
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

fn kademlia(keypair: &identity::Keypair, limits: &Limits) -> kad::Behaviour<MemoryStore> {
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
        .set_query_timeout(limits.announce())
        .set_substreams_timeout(limits.answer())
        .set_max_packet_size(MAX_REQUEST.saturating_mul(4));
    let mut kad = kad::Behaviour::with_config(id, MemoryStore::with_config(id, store), config);
    // Without this a node waits for a confirmed public address, which there is none of in a local network.
    kad.set_mode(Some(kad::Mode::Server));
    kad
}

fn at_least_one(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap_or(NonZeroUsize::MIN)
}

fn exchange(
    protocol: StreamProtocol,
    request: usize,
    answer: usize,
    timeout: Duration,
) -> request_response::Behaviour<Bounded> {
    let config = request_response::Config::default()
        .with_request_timeout(timeout)
        .with_max_concurrent_streams(STREAMS);
    let bounds = Bounded { request, answer };
    request_response::Behaviour::with_codec(bounds, [(protocol, ProtocolSupport::Full)], config)
}

/// Builds the swarm of a node.
///
/// # Errors
/// Encryption or mDNS cannot be set up.
pub(crate) fn swarm(config: &Checked) -> Result<Swarm<Links>, ConfigError> {
    let failed = |what: &str, e: String| ConfigError::Network(format!("{what}: {e}"));
    let limits = &config.limits;
    let id = config.keypair.public().to_peer_id();
    let mdns = if config.mdns {
        let behaviour = mdns::tokio::Behaviour::new(mdns::Config::default(), id);
        Some(behaviour.map_err(|e| failed("mDNS", e.to_string()))?)
    } else {
        None
    };
    // Neither direction may use up the room of the other.
    let share = limits.links.saturating_mul(3).div_ceil(4);
    let connections = connection_limits::ConnectionLimits::default()
        .with_max_established(Some(limits.links))
        .with_max_established_incoming(Some(share))
        .with_max_established_outgoing(Some(share))
        .with_max_established_per_peer(Some(2))
        .with_max_pending_incoming(Some(limits.links))
        .with_max_pending_outgoing(Some(limits.links));
    let identify = identify::Config::new(config.introduction.clone(), config.keypair.public())
        .with_agent_version(concat!("wattpool/", env!("CARGO_PKG_VERSION")).to_owned())
        .with_push_listen_addr_updates(true)
        .with_cache_size(0);
    let behaviour = Links {
        limits: connection_limits::Behaviour::new(connections),
        banned: allow_block_list::Behaviour::default(),
        kad: kademlia(&config.keypair, limits),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new()),
        mdns: Toggle::from(mdns),
        records: exchange(RECORDS, MAX_REQUEST, MAX_ANSWER, limits.answer()),
        trade: exchange(TRADE, MAX_TRADE, MAX_TRADE, TRADE_TIMEOUT),
    };
    let streams = || {
        let mut yamux = yamux::Config::default();
        yamux.set_max_num_streams(STREAMS.saturating_mul(4));
        yamux
    };
    let builder = SwarmBuilder::with_existing_identity(config.keypair.clone())
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            streams,
        )
        .map_err(|e| failed("Noise", e.to_string()))?
        .with_behaviour(|_| behaviour);
    let idle = limits.idle();
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
