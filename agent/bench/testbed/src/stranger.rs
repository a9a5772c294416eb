//! A node that says whatever it is told to: what it takes to attack others.

use crate::members::{limits, Member, Register};
use std::sync::Arc;
use std::time::Instant;
use wattpool_core::ports::network::{Peers, Replier};
use wattpool_discovery_libp2p::internals::{self, Asker, Exchange, Keeper, VERSION};
use wattpool_discovery_libp2p::wire::{
    decode_request, encode_answer, RecordsAnswer, RecordsRequest,
};
use wattpool_discovery_libp2p::Mesh;
use wattpool_discovery_libp2p::{Config, Figures};
use wattpool_schema::peer::SignedRequest;

/// Gives every request about records the same answer, or none.
struct Parrot(Option<Vec<u8>>);

impl Keeper for Parrot {
    fn answer(&mut self, _: Asker, _: &[u8], _: Instant) -> (Option<Vec<u8>>, u32) {
        (self.0.clone(), 0)
    }
    fn tidy(&mut self) {}
}

/// Says that it stores, and lists nothing.
struct Hider;

impl Keeper for Hider {
    fn answer(&mut self, _: Asker, request: &[u8], _: Instant) -> (Option<Vec<u8>>, u32) {
        let answer = match decode_request(request) {
            Ok(RecordsRequest::Get { .. }) => RecordsAnswer::Records {
                records: Vec::new(),
                truncated: false,
            },
            _ => RecordsAnswer::Done,
        };
        (Some(encode_answer(&answer)), 0)
    }
    fn tidy(&mut self) {}
}

/// A node that is none of the honest ones: it routes, and gives every request about records the same answer.
pub struct Stranger {
    pub(super) mesh: Mesh,
}

impl Stranger {
    /// Starts one that gives this answer, whatever bytes it is, or keeps silent, and says that it is of this version.
    ///
    /// # Errors
    /// It cannot listen.
    pub fn start(
        member: &Member,
        register: &Arc<Register>,
        bootstrap: Vec<String>,
        answer: Option<Vec<u8>>,
        version: u16,
    ) -> Result<Self, String> {
        let keeper = Box::new(Parrot(answer));
        Self::start_with(member, register, bootstrap, keeper, version)
    }

    /// Starts one that says that it stores what it is given, and lists nothing.
    ///
    /// # Errors
    /// It cannot listen there.
    pub fn start_hiding(
        member: &Member,
        register: &Arc<Register>,
        bootstrap: Vec<String>,
    ) -> Result<Self, String> {
        Self::start_with(member, register, bootstrap, Box::new(Hider), VERSION)
    }

    pub(super) fn start_with(
        member: &Member,
        register: &Arc<Register>,
        bootstrap: Vec<String>,
        keeper: Box<dyn Keeper>,
        version: u16,
    ) -> Result<Self, String> {
        let config = member.config(bootstrap, limits());
        Self::start_as(&config, register, keeper, version)
    }

    fn start_as(
        config: &Config,
        register: &Arc<Register>,
        keeper: Box<dyn Keeper>,
        version: u16,
    ) -> Result<Self, String> {
        let check = Arc::clone(register);
        let mesh = internals::start(config, check, register.clock(), keeper, version)
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
        let to = internals::contact(peer, address)?;
        internals::send(&self.mesh, exchange, to, bytes).await
    }

    /// The addresses that it listens on.
    pub async fn addresses(&self) -> Vec<String> {
        self.mesh.addresses().await
    }

    /// The next trade request that it is sent, answered by whoever calls.
    pub async fn next_request(&self) -> Option<(SignedRequest, Replier)> {
        self.mesh.next_request().await
    }

    /// What it counted.
    pub fn figures(&self) -> Figures {
        self.mesh.figures()
    }
}
