//! Other meters: the shared table in which records are found, and talk from meter to meter.

pub use crate::genuine::Verdict;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use wattpool_schema::peer::{Location, SignedBinding, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::Zone;

/// Why something did not reach other meters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No other meter is known or reachable.
    #[error("no other meter can be reached: {0}")]
    Alone(String),
    /// This one cannot be reached, or does not answer in time.
    #[error("the meter does not answer: {0}")]
    Silent(String),
    /// It speaks another version of the protocol.
    #[error("the meter speaks another version: {0}")]
    OtherVersion(String),
    /// Too much is under way already.
    #[error("too much is under way: {0}")]
    Busy(String),
}

/// What a look-up found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Verified records, this meter's own among them where they are listed: of each meter and kind the newest.
    pub records: Vec<Arc<SignedRecord>>,
    /// False: the deadline cut it short.
    pub complete: bool,
}

/// Judges records by the chain's registry. Asked before a record is stored and again when it is read; version,
/// network and expiry are looked at before.
pub trait RecordCheck: Send + Sync {
    /// Only a record that holds may be stored or used.
    fn check(&self, record: &SignedRecord) -> Verdict;

    /// Judges by the same registry whether a meter's agent bound a peer id to it; the meter's zone if it did.
    ///
    /// # Errors
    /// [`Verdict::Unknown`] or [`Verdict::Forged`].
    fn check_binding(&self, binding: &SignedBinding) -> Result<Zone, Verdict>;
}

/// The table of records (Kademlia).
pub trait Discovery: Send + Sync {
    /// Publishes this meter's record at a location; it replaces an older one of the same kind. It is published again
    /// as the nodes near the location change, until it expires or is withdrawn.
    fn announce(
        &self,
        location: Location,
        record: Arc<SignedRecord>,
    ) -> impl Future<Output = Result<(), NetworkError>> + Send;

    /// Takes this meter's record at a location back, as far as others can be told.
    fn withdraw(&self, location: Location) -> impl Future<Output = ()> + Send;

    /// Looks several locations up side by side; what was found by then is the answer.
    fn lookup(
        &self,
        locations: Vec<Location>,
        within: Duration,
    ) -> impl Future<Output = Found> + Send;
}

/// Answers one request; dropped, the asker gets silence.
pub type Replier = Box<dyn FnOnce(TradeAnswer) + Send>;

/// Talk from meter to meter, encrypted and authenticated by peer keys.
pub trait Peers: Send + Sync {
    /// Asks the meter behind a peer id (as its offer names it) and waits for the answer.
    fn ask(
        &self,
        peer: Vec<u8>,
        request: SignedRequest,
        within: Duration,
    ) -> impl Future<Output = Result<TradeAnswer, NetworkError>> + Send;

    /// The next request from outside; `None` when the network is gone.
    fn next_request(&self) -> impl Future<Output = Option<(SignedRequest, Replier)>> + Send;
}
