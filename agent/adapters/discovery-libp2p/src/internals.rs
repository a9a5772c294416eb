//! What a node that breaks the rules is made of: for the test-bed alone.

use crate::config::{Clock, Config, ConfigError};
use crate::handle::Failure;
pub use crate::handle::{Contact, Exchange};
pub use crate::keeper::Keeper;
use crate::links::introduction;
pub use crate::links::VERSION;
use crate::mesh::Mesh;
use libp2p::{Multiaddr, PeerId};
use std::sync::Arc;
use wattpool_core::ports::network::RecordCheck;
use wattpool_schema::peer::Location;

/// Starts a node that says it is of this version, and answers requests about records with a keeper of the caller's.
///
/// # Errors
/// [`ConfigError`]: a setting is wrong, or an address cannot be listened on.
pub fn start(
    config: &Config,
    check: Arc<dyn RecordCheck>,
    clock: Clock,
    keeper: Box<dyn Keeper>,
    version: u16,
) -> Result<Mesh, ConfigError> {
    let mut config = config.check()?;
    config.introduction = introduction(version, &config.network);
    Mesh::start_with(config, check, clock, |_, _, _| keeper)
}

/// The nodes closest to a location.
pub async fn closest(mesh: &Mesh, at: Location) -> Vec<Contact> {
    mesh.net.handle.closest(at, false).await.0.contacts
}

/// A node's contact from its id and one address.
///
/// # Errors
/// One of them is none.
pub fn contact(peer: &[u8], address: &str) -> Result<Contact, String> {
    Ok(Contact {
        peer: PeerId::from_bytes(peer).map_err(|e| e.to_string())?,
        addresses: vec![address.parse::<Multiaddr>().map_err(|e| e.to_string())?],
    })
}

/// Sends bytes, whatever they are, to a node.
///
/// # Errors
/// Why there is no answer.
pub async fn send(
    mesh: &Mesh,
    exchange: Exchange,
    to: Contact,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, String> {
    let answer = mesh.net.handle.send(exchange, to, bytes).await;
    answer.map_err(|e: Failure| format!("{e:?}"))
}
