//! What an agent is given: who it is, the market it is in, and its helpers while it thinks.

use crate::locations::Locations;
use crate::ports::{Registry, Signer};
use crate::timing::Timing;
use wattpool_optimizer::Workspace;
use wattpool_schema::peer::Location;
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{MeterId, Wh, Zone};

/// The market, the same for all its agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Chain id.
    pub chain: String,
    /// The pool's address.
    pub pool: String,
    /// The escrow's address.
    pub escrow: String,
    /// Name of the network in peer messages: chain id and escrow.
    pub network: String,
    /// Window length in seconds.
    pub window_s: u32,
    /// When things happen.
    pub timing: Timing,
    /// Where things are listed.
    locations: Locations,
}

impl Market {
    /// Names the network after chain and escrow.
    pub fn new(chain: String, pool: String, escrow: String, window_s: u32, timing: Timing) -> Self {
        let network = format!("{chain}/{escrow}");
        Self {
            chain,
            pool,
            escrow,
            network,
            window_s,
            timing,
            locations: Locations::default(),
        }
    }

    /// Where offers of a zone, an energy bucket and a shard are listed.
    pub(crate) fn offers_at(&self, zone: Zone, bucket: u8, shard: u16) -> Location {
        self.locations.of_offers(&self.network, zone, bucket, shard)
    }

    /// Where surpluses and deficits of a zone and a shard are announced.
    pub(crate) fn statuses_at(&self, zone: Zone, shard: u16) -> Location {
        self.locations.of_status(&self.network, zone, shard)
    }
}

/// The meter, as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Pseudonym.
    pub meter: MeterId,
    /// Zone.
    pub zone: Zone,
    /// What stands behind it.
    pub kind: MeterKind,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
    /// libp2p's peer id, for others to dial.
    pub peer: Vec<u8>,
}

/// Helpers for one call of the agent.
pub struct Context<'a> {
    /// Keys.
    pub signer: &'a dyn Signer,
    /// The chain's registry.
    pub registry: &'a dyn Registry,
    /// Scratch memory of the choice, shared by agents on a thread.
    pub workspace: &'a mut Workspace,
    /// Nanoseconds spent choosing, if the caller wants to know: called around the choice.
    pub choice_clock: Option<&'a mut dyn ChoiceClock>,
}

/// Tells how long choosing takes; the core itself reads no clock.
pub trait ChoiceClock {
    /// The choice begins.
    fn begin(&mut self);
    /// It ends.
    fn end(&mut self);
}
