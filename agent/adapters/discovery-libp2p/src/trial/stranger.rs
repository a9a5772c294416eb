//! A node that says whatever it is told to: what it takes to attack others.

use super::members::{Member, Register};
use crate::config::Limits;
use crate::counters::Figures;
use crate::handle::{Contact, Exchange};
use crate::keeper::Keeper;
use crate::mesh::Mesh;
use libp2p::{Multiaddr, PeerId};
use std::sync::Arc;
use std::time::Instant;

/// Keeps silent about records.
struct Mute;

impl Keeper for Mute {
    fn answer(&mut self, _: PeerId, _: &[u8], _: Instant) -> (Option<Vec<u8>>, u32) {
        (None, 0)
    }
    fn tidy(&mut self) {}
}

/// A node that is none of the honest ones: it routes, and keeps silent about records.
pub struct Stranger {
    pub(super) mesh: Mesh,
}

impl Stranger {
    /// Starts one.
    ///
    /// # Errors
    /// It cannot listen.
    pub fn start(
        member: &Member,
        register: &Arc<Register>,
        bootstrap: Vec<String>,
        limits: Limits,
    ) -> Result<Self, String> {
        Self::start_with(member, register, bootstrap, limits, Box::new(Mute))
    }

    pub(super) fn start_with(
        member: &Member,
        register: &Arc<Register>,
        bootstrap: Vec<String>,
        limits: Limits,
        keeper: Box<dyn Keeper>,
    ) -> Result<Self, String> {
        let config = member.config(bootstrap, limits);
        let check = Arc::clone(register);
        let mesh = Mesh::start_with(&config, check, register.clock(), |_, _, _| keeper)
            .map_err(|e| e.to_string())?;
        Ok(Self { mesh })
    }

    /// Sends bytes as a request about records to a node.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send_records(
        &self,
        peer: &[u8],
        address: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        self.send(Exchange::Records, peer, address, bytes).await
    }

    /// Sends bytes as a trade request to a node.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send_trade(
        &self,
        peer: &[u8],
        address: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        self.send(Exchange::Trade, peer, address, bytes).await
    }

    async fn send(
        &self,
        exchange: Exchange,
        peer: &[u8],
        address: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let to = Contact {
            peer: PeerId::from_bytes(peer).map_err(|e| e.to_string())?,
            addresses: vec![address.parse::<Multiaddr>().map_err(|e| e.to_string())?],
        };
        let answer = self.mesh.net.handle.send(exchange, to, bytes).await;
        answer.map_err(|e| format!("{e:?}"))
    }

    /// What it counted.
    pub fn figures(&self) -> Figures {
        self.mesh.figures()
    }
}
