//! How a node runs, and what is refused.

use crate::addresses::is_spoken;
use crate::links::{introduction, VERSION};
use libp2p::{identity, Multiaddr, PeerId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use wattpool_schema::{MeterId, Seconds, Signature};

/// The chain's time, as far as this node knows it.
pub type Clock = Arc<dyn Fn() -> Seconds + Send + Sync>;

/// Signs bytes.
pub type Sign = Arc<dyn Fn(&[u8]) -> Signature + Send + Sync>;

/// The meter that a node stands for, and what signs for it: the agent's key.
#[derive(Clone)]
pub struct Membership {
    /// The meter.
    pub meter: MeterId,
    /// Signs SHA-256 of these bytes with the agent's key.
    pub sign: Sign,
}

/// What addresses may be.
const SPOKEN: &str = if cfg!(feature = "quic") {
    "a multiaddress of TCP or QUIC such as /ip4/192.0.2.7/tcp/7400 or /ip4/192.0.2.7/udp/7400/quic-v1"
} else {
    "a multiaddress of TCP such as /ip4/192.0.2.7/tcp/7400; this build has no QUIC"
};

/// Longest accepted network name, bytes.
const MAX_NETWORK: usize = 256;

/// How a node runs.
#[derive(Clone)]
pub struct Config {
    /// Seed of the peer key (ed25519). The peer id follows from it: [`Config::peer_id`].
    pub seed: [u8; 32],
    /// Multiaddresses to listen on, such as `/ip4/0.0.0.0/tcp/7400`, with the feature `quic` also such as
    /// `/ip4/0.0.0.0/udp/7400/quic-v1`.
    pub listen: Vec<String>,
    /// Multiaddresses under which others reach this node, where that is not what it listens on.
    pub external: Vec<String>,
    /// Multiaddresses of nodes to begin with, such as `/dns4/example.org/tcp/7400/p2p/12D3KooW…`.
    pub bootstrap: Vec<String>,
    /// Find nodes on the local network, and be found.
    pub mdns: bool,
    /// Forward for registered meters that cannot be reached, within bounds.
    pub relay: bool,
    /// Ask the home's router to forward the port (UPnP).
    pub upnp: bool,
    /// Others cannot reach this node, whatever AutoNAT finds: it is reached over relays, and dials others.
    pub hidden: bool,
    /// Name of the network: chain id and escrow. Records and nodes of others are left alone.
    pub network: String,
    /// Whose node it is. Without, it has the small share of nodes that stand for no meter.
    pub membership: Option<Membership>,
    /// Bounds.
    pub limits: Limits,
}

/// What protects a node from peers without a meter. A node has all of it; test-beds leave some out to see what each is
/// good for, and for nodes that work against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defences {
    /// Nodes without a meter have few places in the routing table.
    pub table: bool,
    /// Registered meters are a location's nodes before all others, and those known from elsewhere take the places of a
    /// location that is crowded.
    pub first: bool,
    /// A location has second places among the meters of the own zone.
    pub mates: bool,
    /// Meters of the own zone tell each other of further ones and are met.
    pub exchange: bool,
}

impl Defences {
    /// All of it.
    pub const ALL: Self = Self {
        table: true,
        first: true,
        mates: true,
        exchange: true,
    };
    /// None of it.
    pub const NONE: Self = Self {
        table: false,
        first: false,
        mates: false,
        exchange: false,
    };
}

/// Bounds of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once, in both directions together. 8 to 4096.
    pub links: u32,
    /// Nodes that store a record: those closest to its location. 1 to 20.
    pub replicas: usize,
    /// Nodes per bucket of the routing table; there are 256 buckets, and their memory is taken at once. 1 to 20.
    pub bucket: usize,
    /// Nodes asked for a location in a look-up; what one leaves out another lists. 1 to `replicas`.
    pub quorum: usize,
    /// Requests under way at once, over all look-ups and announcements. 1 to 1024.
    pub fan_out: usize,
    /// Records stored for others. 16 to 1,000,000.
    pub records: usize,
    /// Of them per meter: nobody takes the room of others. 1 to 64.
    pub records_per_meter: usize,
    /// Longest remaining life of a record that is stored or used, seconds. 1 to 86,400.
    pub record_life_s: u64,
    /// Requests of one peer at once, before its rate counts. 1 to 100,000.
    pub peer_burst: u32,
    /// Requests of one peer per second. 1 to 10,000.
    pub peer_rate: u32,
    /// Signatures checked for others per second, over all peers. 1 to 100,000.
    pub checks_rate: u32,
    /// Trade requests that wait for an answer of this meter. 1 to 10,000.
    pub waiting: usize,
    /// How long a node may take to answer about records, milliseconds. 10 to 60,000.
    pub answer_ms: u64,
    /// How long until another node is asked beside a slow one, milliseconds. 10 to 60,000.
    pub hedge_ms: u64,
    /// How long an announcement may take, milliseconds. 10 to 600,000.
    pub announce_ms: u64,
    /// How long the closest nodes of a location are remembered, milliseconds. 100 to 86,400,000.
    pub remember_ms: u64,
    /// Locations whose closest nodes are remembered. 1 to 4,096.
    pub remembered: usize,
    /// Nodes of registered meters that are remembered. 16 to 65,536.
    pub members: usize,
    /// How often own records are published again to the nodes that are closest by then, milliseconds. 100 to 86,400,000.
    pub republish_ms: u64,
    /// How long an unused connection is kept, milliseconds. 100 to 86,400,000.
    pub idle_ms: u64,
    /// Invalid messages or records after which a peer is banned; one is forgiven every ten seconds. 1 to 1,000.
    pub strikes: u32,
    /// How long it is banned, milliseconds. 100 to 86,400,000.
    pub ban_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            links: 64,
            replicas: 20,
            bucket: 20,
            quorum: 5,
            fan_out: 32,
            records: 2_048,
            records_per_meter: 8,
            record_life_s: 1_800,
            peer_burst: 120,
            peer_rate: 20,
            checks_rate: 1_000,
            waiting: 256,
            answer_ms: 3_000,
            hedge_ms: 400,
            announce_ms: 8_000,
            remember_ms: 600_000,
            remembered: 64,
            members: 1_024,
            republish_ms: 300_000,
            idle_ms: 60_000,
            strikes: 16,
            ban_ms: 900_000,
        }
    }
}

/// Why a node could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A setting is out of range.
    #[error("{field}: expected {expected}, found {found}")]
    Setting {
        /// The field.
        field: String,
        /// What it may be.
        expected: String,
        /// What it was.
        found: String,
    },
    /// An address cannot be listened on.
    #[error("listen {address:?}: {why}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        why: String,
    },
    /// The node could not be built.
    #[error("network: {0}")]
    Network(String),
}

/// A configuration with its texts read.
pub(crate) struct Checked {
    pub keypair: identity::Keypair,
    pub listen: Vec<Multiaddr>,
    pub external: Vec<Multiaddr>,
    pub bootstrap: Vec<Multiaddr>,
    pub mdns: bool,
    pub relay: bool,
    pub upnp: bool,
    pub hidden: bool,
    pub network: String,
    pub membership: Option<Membership>,
    /// What the node says that it is.
    pub introduction: String,
    /// Versions of the protocols that it speaks, newest first.
    pub versions: Vec<u16>,
    /// What protects it from peers without a meter.
    pub defences: Defences,
    pub limits: Limits,
}

impl Config {
    /// The peer id of a seed, as bytes: what offers name and others dial.
    ///
    /// # Errors
    /// The seed is no key; every seed of 32 bytes is one.
    pub fn peer_id(seed: &[u8; 32]) -> Result<Vec<u8>, ConfigError> {
        Ok(PeerId::from(keypair(seed)?.public()).to_bytes())
    }

    /// Whether a node could be started with it, as far as can be told without starting one.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] with the first setting that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check().map(|_| ())
    }

    /// The peer id of a seed as it stands in multiaddresses.
    ///
    /// # Errors
    /// As [`Config::peer_id`].
    pub fn peer_id_text(seed: &[u8; 32]) -> Result<String, ConfigError> {
        Ok(PeerId::from(keypair(seed)?.public()).to_string())
    }

    /// Reads and checks everything.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] with the first setting that is wrong.
    pub(crate) fn check(&self) -> Result<Checked, ConfigError> {
        self.limits.check()?;
        let named = self.network.len();
        if named == 0 || named > MAX_NETWORK || self.network.chars().any(char::is_control) {
            return Err(setting(
                "network",
                "1 to 256 bytes without control characters",
                format!("{:?}", self.network.chars().take(40).collect::<String>()),
            ));
        }
        Ok(Checked {
            keypair: keypair(&self.seed)?,
            listen: addresses("listen", &self.listen)?,
            external: addresses("external", &self.external)?,
            bootstrap: addresses("bootstrap", &self.bootstrap)?,
            mdns: self.mdns,
            relay: self.relay,
            upnp: self.upnp,
            hidden: self.hidden,
            network: self.network.clone(),
            membership: self.membership.clone(),
            introduction: introduction(VERSION, &self.network),
            versions: vec![VERSION],
            defences: Defences::ALL,
            limits: self.limits.clone(),
        })
    }
}

fn keypair(seed: &[u8; 32]) -> Result<identity::Keypair, ConfigError> {
    identity::Keypair::ed25519_from_bytes(*seed)
        .map_err(|e| setting("seed", "32 bytes of an ed25519 key", e.to_string()))
}

/// Reads an address over which this build can meet others.
///
/// # Errors
/// It is none.
pub(crate) fn address(field: &str, text: &str) -> Result<Multiaddr, ConfigError> {
    let address: Option<Multiaddr> = text.parse().ok();
    address.filter(is_spoken).ok_or_else(|| {
        let found = format!("{:?}", text.chars().take(120).collect::<String>());
        setting(field, SPOKEN, found)
    })
}

fn addresses(field: &str, texts: &[String]) -> Result<Vec<Multiaddr>, ConfigError> {
    let read = |(i, text): (usize, &String)| address(&format!("{field}[{i}]"), text);
    texts.iter().enumerate().map(read).collect()
}

fn setting(field: impl Into<String>, expected: impl Into<String>, found: String) -> ConfigError {
    ConfigError::Setting {
        field: field.into(),
        expected: expected.into(),
        found,
    }
}

impl Limits {
    /// Checks every bound.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] with the first one out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        const DAY_MS: u64 = 86_400_000;
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let bounds: [(&str, u64, u64, u64); 21] = [
            ("links", u64::from(self.links), 8, 4_096),
            ("replicas", wide(self.replicas), 1, 20),
            ("bucket", wide(self.bucket), 1, 20),
            ("quorum", wide(self.quorum), 1, wide(self.replicas)),
            ("fan_out", wide(self.fan_out), 1, 1_024),
            ("records", wide(self.records), 16, 1_000_000),
            ("records_per_meter", wide(self.records_per_meter), 1, 64),
            ("record_life_s", self.record_life_s, 1, 86_400),
            ("peer_burst", u64::from(self.peer_burst), 1, 100_000),
            ("peer_rate", u64::from(self.peer_rate), 1, 10_000),
            ("checks_rate", u64::from(self.checks_rate), 1, 100_000),
            ("waiting", wide(self.waiting), 1, 10_000),
            ("answer_ms", self.answer_ms, 10, 60_000),
            ("hedge_ms", self.hedge_ms, 10, 60_000),
            ("announce_ms", self.announce_ms, 10, 600_000),
            ("remember_ms", self.remember_ms, 100, DAY_MS),
            ("remembered", wide(self.remembered), 1, 4_096),
            ("members", wide(self.members), 16, 65_536),
            ("republish_ms", self.republish_ms, 100, DAY_MS),
            ("idle_ms", self.idle_ms, 100, DAY_MS),
            ("strikes", u64::from(self.strikes), 1, 1_000),
        ];
        let ban = ("ban_ms", self.ban_ms, 100, DAY_MS);
        for (field, found, least, most) in bounds.into_iter().chain([ban]) {
            if !(least..=most).contains(&found) {
                return Err(setting(
                    format!("limits.{field}"),
                    format!("{least} to {most}"),
                    found.to_string(),
                ));
            }
        }
        Ok(())
    }

    pub(crate) const fn answer(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }
    pub(crate) const fn hedge(&self) -> Duration {
        Duration::from_millis(self.hedge_ms)
    }
    pub(crate) const fn announce(&self) -> Duration {
        Duration::from_millis(self.announce_ms)
    }
    pub(crate) const fn remember(&self) -> Duration {
        Duration::from_millis(self.remember_ms)
    }
    pub(crate) const fn republish(&self) -> Duration {
        Duration::from_millis(self.republish_ms)
    }
    pub(crate) const fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }
    pub(crate) const fn ban(&self) -> Duration {
        Duration::from_millis(self.ban_ms)
    }
}
