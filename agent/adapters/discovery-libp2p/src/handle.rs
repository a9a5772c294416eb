//! What the rest of the crate asks of the driver, and how it hears back.

use crate::links::{RECORDS, TRADE};
use libp2p::request_response::{OutboundFailure, ResponseChannel};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};
use wattpool_core::ports::network::NetworkError;
use wattpool_schema::peer::Location;

/// A node and where it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Its id.
    pub peer: PeerId,
    /// Where it listens.
    pub addresses: Vec<Multiaddr>,
    /// It is bound to a registered meter.
    pub registered: bool,
}

/// The nodes closest to a location.
#[derive(Clone, Debug, Default)]
pub(crate) struct Near {
    /// Nodes of registered meters, nearest first, none that keeps silent before one that does not; behind them a few
    /// without a meter.
    pub contacts: Vec<Contact>,
    /// Nodes of the own zone's meters, by their meters and not by their ids: a second place for what is listed at the
    /// location, which nobody comes near to by choosing an id.
    pub mates: Vec<Contact>,
    /// This node is itself among either.
    pub own: bool,
    /// Requests that it took to find them.
    pub requests: u64,
}

/// Which exchange a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// About records.
    Records,
    /// To trade.
    Trade,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It cannot be connected to.
    Unreachable,
    /// It does not speak this protocol.
    OtherVersion(String),
    /// It did not answer in time, or what it answered is too long.
    Silent(String),
    /// Too much to it is under way already.
    Busy,
    /// This node is stopped.
    Stopped,
}

impl Failure {
    /// What libp2p's word for it means here.
    pub fn of(exchange: Exchange, error: OutboundFailure) -> Self {
        match error {
            OutboundFailure::DialFailure => Self::Unreachable,
            OutboundFailure::UnsupportedProtocols => {
                let protocol = match exchange {
                    Exchange::Records => RECORDS,
                    Exchange::Trade => TRADE,
                };
                Self::OtherVersion(format!(
                    "it speaks no version of {protocol} that this node does"
                ))
            }
            other => Self::Silent(other.to_string()),
        }
    }
}

/// What the driver is asked for.
pub(crate) enum Command {
    /// The nodes closest to a location: at once those known now, and the found ones if these have to be searched
    /// (otherwise the second channel is dropped).
    Closest {
        location: Location,
        /// Search, whatever is remembered.
        fresh: bool,
        known: oneshot::Sender<Near>,
        found: oneshot::Sender<Near>,
    },
    /// Sends a message and waits for the answer.
    Send {
        exchange: Exchange,
        to: Contact,
        bytes: Vec<u8>,
        answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
    },
    /// Searches the addresses of a peer.
    Find {
        peer: PeerId,
        found: oneshot::Sender<Vec<Multiaddr>>,
    },
    /// Counts strikes against a peer.
    Strike { peer: PeerId, strikes: u32 },
    /// The addresses listened on.
    Listening(oneshot::Sender<Vec<Multiaddr>>),
    /// The addresses under which others are known to reach this node.
    External(oneshot::Sender<Vec<Multiaddr>>),
    /// The peers that are banned.
    Banned(oneshot::Sender<Vec<PeerId>>),
    /// Dials an address.
    Dial(Multiaddr),
    /// Stops.
    Stop(oneshot::Sender<()>),
}

/// An answer of this meter on its way out.
pub(crate) struct Outgoing {
    pub channel: ResponseChannel<Vec<u8>>,
    pub bytes: Vec<u8>,
}

/// Asks the driver.
#[derive(Clone)]
pub(crate) struct Handle {
    pub id: PeerId,
    commands: mpsc::Sender<Command>,
}

impl Handle {
    pub const fn new(id: PeerId, commands: mpsc::Sender<Command>) -> Self {
        Self { id, commands }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(command(sender)).await.ok()?;
        receiver.await.ok()
    }

    /// The nodes closest to a location as they are known now, and where the search for them will be answered.
    pub async fn closest(
        &self,
        location: Location,
        fresh: bool,
    ) -> (Near, oneshot::Receiver<Near>) {
        let (found, search) = oneshot::channel();
        let closest = |known| Command::Closest {
            location,
            fresh,
            known,
            found,
        };
        (self.ask(closest).await.unwrap_or_default(), search)
    }

    /// Sends a message and waits for the answer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn send(
        &self,
        exchange: Exchange,
        to: Contact,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, Failure> {
        let send = |answer| Command::Send {
            exchange,
            to,
            bytes,
            answer,
        };
        self.ask(send).await.unwrap_or(Err(Failure::Stopped))
    }

    /// Searches the addresses of a peer.
    pub async fn find(&self, peer: PeerId) -> Vec<Multiaddr> {
        let find = |found| Command::Find { peer, found };
        self.ask(find).await.unwrap_or_default()
    }

    /// Counts strikes against a peer.
    pub async fn strike(&self, peer: PeerId, strikes: u32) {
        if strikes > 0 {
            // Stopped: there is nothing left to protect.
            let _ = self.commands.send(Command::Strike { peer, strikes }).await;
        }
    }

    /// The addresses listened on.
    pub async fn listening(&self) -> Vec<Multiaddr> {
        self.ask(Command::Listening).await.unwrap_or_default()
    }

    /// The addresses under which others are known to reach this node.
    pub async fn external(&self) -> Vec<Multiaddr> {
        self.ask(Command::External).await.unwrap_or_default()
    }

    /// The peers that are banned.
    pub async fn banned(&self) -> Vec<PeerId> {
        self.ask(Command::Banned).await.unwrap_or_default()
    }

    /// Dials an address.
    pub async fn dial(&self, address: Multiaddr) {
        // Stopped: nobody is dialled.
        let _ = self.commands.send(Command::Dial(address)).await;
    }

    /// Stops the driver and waits until it has.
    pub async fn stop(&self) {
        self.ask(Command::Stop).await;
    }
}

impl From<Failure> for NetworkError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Silent("it cannot be connected to".to_owned()),
            Failure::OtherVersion(why) => Self::OtherVersion(why),
            Failure::Silent(why) => Self::Silent(why),
            Failure::Busy => Self::Busy("requests to this meter".to_owned()),
            Failure::Stopped => Self::Alone("this node is stopped".to_owned()),
        }
    }
}
