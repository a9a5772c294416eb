//! Other meters over libp2p: the shared table of records, and talk from meter to meter.
//!
//! *Kademlia* (`/wattpool/kad/1`) knows who is there and who is closest to a location; nothing is stored in it. The
//! records themselves are put to and got from the closest nodes with a protocol of our own (`/wattpool/records/1`),
//! because a Kademlia key holds one value or twenty providers, and a location lists every meter that offers there.
//! *Requests and answers* go straight between two meters (`/wattpool/trade/1`). All of it runs over TCP with Noise and
//! yamux; identify tells addresses and versions, mDNS finds neighbours on a local network.
//!
//! What is stored and what is returned was checked: version, network, size, expiry, that the record belongs at the
//! location, and against the chain's registry ([`wattpool_core::ports::network::RecordCheck`]). A node stores an offer
//! only from the peer that the offer names. Store, rates, sizes and links are bounded ([`Limits`]); who sends what no
//! honest node sends is banned for a while.
//!
//! [`Mesh`] is the way in. The crate `wattpool-testbed` starts many nodes in one process, byzantine ones among them, to
//! measure all this.

mod acquaint;
mod addresses;
mod budget;
mod closest;
mod codec;
mod config;
mod counters;
mod driver;
mod gate;
pub mod greeting;
mod guard;
mod handle;
mod inbound;
#[doc(hidden)]
pub mod internals;
mod keeper;
mod links;
mod lookup;
mod members;
mod mesh;
mod nat;
mod outbound;
mod own;
mod ports;
mod routing;
mod searches;
mod store;
pub mod wire;

pub use config::{Clock, Config, ConfigError, Limits, Membership};
pub use counters::Figures;
pub use lookup::Got;
pub use mesh::Mesh;
pub use own::Put;
