//! What the energy pool stores of meters, tariffs and the terms between zones.

use super::key;
use crate::packed::packed;
use crate::pool::{MeterKind, Notice};
use crate::{
    AgentKey, DeviceKey, HouseholdId, MeterId, Ppm, Price, Seconds, Tariff, Wh, Window, Zone,
};
use cosmwasm_std::Addr;

/// First byte of the keys of meters ([`Meter`]); the id follows.
pub const METERS: u8 = b'm';
/// First byte of the keys of terms that held ([`MeterTerms`]); the meter's id and their first window follow.
pub const HISTORY: u8 = b'h';
/// First byte of the keys of positions ([`crate::pool::MeterPosition`]); the meter's id follows.
pub const POSITIONS: u8 = b'p';
/// First byte of the keys of tariffs ([`Rates`]); the window from which they hold follows.
pub const TARIFFS: u8 = b't';
/// First byte of the keys of terms between zones ([`PairTerms`]); both zones and the window from which they hold follow.
pub const PAIRS: u8 = b'z';

/// Tariffs as stored: import, feed-in.
pub type Rates = (Tariff, Tariff);
/// Terms between two zones as stored: loss, charge, capacity.
pub type PairTerms = (Ppm, Price, Option<Wh>);

/// Key of a meter.
pub fn meter(meter: MeterId) -> Vec<u8> {
    key(METERS, &[&meter.0])
}

/// Key of a meter's terms that held from a window on. Those of a window are under the last such key at or before it; where the meter's own record
/// begins no later ([`Meter::terms_from`]), they are there.
pub fn history(meter: MeterId, from: Window) -> Vec<u8> {
    key(HISTORY, &[&meter.0, &from.0.to_be_bytes()])
}

/// Key of a meter's position.
pub fn position(meter: MeterId) -> Vec<u8> {
    key(POSITIONS, &[&meter.0])
}

/// Key of the tariffs that hold from a window on. Those of a window are under the last such key at or before it.
pub fn tariffs(from: Window) -> Vec<u8> {
    key(TARIFFS, &[&from.0.to_be_bytes()])
}

/// Key of the terms between two zones that hold from a window on. Those of a window are under the last such key at or before it.
pub fn pair(from: Zone, to: Zone, since: Window) -> Vec<u8> {
    let zones = [from.0.to_be_bytes(), to.0.to_be_bytes()];
    key(PAIRS, &[&zones.concat(), &since.0.to_be_bytes()])
}

/// Owner, place and size of a meter: what has a history by window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterTerms {
    /// Owner.
    pub owner: Addr,
    /// Counted up with each registration and each change of owner.
    pub tenure: u64,
    /// Zone.
    pub zone: Zone,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
}

/// A meter as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// What held when it was last settled,
    pub terms: MeterTerms,
    /// from this window on,
    pub terms_from: Window,
    /// and what holds from later windows on, ascending.
    pub coming: Vec<(Window, MeterTerms)>,
    /// Proposed owner.
    pub proposed_owner: Option<Addr>,
    /// The registrar's notice.
    pub notice: Option<Notice>,
    /// The device's key.
    pub device: DeviceKey,
    /// The agent's key.
    pub agent: Option<AgentKey>,
    /// The agent's address: derived once, when the key is set.
    pub agent_address: Option<Addr>,
    /// The tenure that named the agent: it trades in no other.
    pub agent_tenure: u64,
    /// Marks the meters of one household.
    pub household: Option<HouseholdId>,
    /// Kind.
    pub kind: MeterKind,
    /// Out of service since this block time.
    pub retired: Option<Seconds>,
    /// The running window at the (last) registration: earlier ones cannot be stated, unless they were skipped before.
    pub since: Window,
}

packed!(MeterTerms {
    owner,
    tenure,
    zone,
    max_export,
    max_import
});
packed!(Meter {
    terms,
    terms_from,
    coming,
    proposed_owner,
    notice,
    device,
    agent,
    agent_address,
    agent_tenure,
    household,
    kind,
    retired,
    since
});

impl Meter {
    /// The terms that were set last, whether they hold already or not.
    pub fn latest(&self) -> &MeterTerms {
        self.coming.last().map_or(&self.terms, |(_, terms)| terms)
    }
}
