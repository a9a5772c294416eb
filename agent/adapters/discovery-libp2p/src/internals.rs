//! What a node that breaks the rules is made of: for the test-bed alone.

pub use crate::config::Defences;
use crate::config::{Clock, Config, ConfigError};
use crate::handle::Failure;
pub use crate::handle::{Contact, Exchange};
pub use crate::keeper::{Asker, Keeper};
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
    config.versions = vec![version];
    // Strangers that work together take each other in.
    config.defences.table = false;
    Mesh::start_with(config, check, clock, |_, _, _, _| keeper)
}

/// Starts a node that is honest, with these defences alone.
///
/// # Errors
/// [`ConfigError`]: a setting is wrong, or an address cannot be listened on.
pub fn start_defended(
    config: &Config,
    check: Arc<dyn RecordCheck>,
    clock: Clock,
    defences: Defences,
) -> Result<Mesh, ConfigError> {
    let mut config = config.check()?;
    config.defences = defences;
    Mesh::start_honest(config, check, clock)
}

/// Starts a node that speaks these versions, newest first, and is honest.
///
/// # Errors
/// [`ConfigError`]: a setting is wrong, or an address cannot be listened on.
pub fn start_speaking(
    config: &Config,
    check: Arc<dyn RecordCheck>,
    clock: Clock,
    versions: Vec<u16>,
) -> Result<Mesh, ConfigError> {
    let mut config = config.check()?;
    // A node introduces itself by the oldest version that it speaks: an older one goes by that.
    let oldest = versions.iter().copied().min().unwrap_or(VERSION);
    config.introduction = introduction(oldest, &config.network);
    config.versions = versions;
    Mesh::start_honest(config, check, clock)
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
        registered: false,
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
