//! What meters say to each other: records of the DHT, requests and answers. All signed by agent keys,
//! with sequence and expiry, bound to the chain's registry.

use crate::signing::{SignBytes, SignedApproval, TradeKind};
use crate::{MeterId, Price, Seconds, Signature, Wh, Window, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most bytes of a peer id.
pub const MAX_PEER_ID: usize = 64;

/// A location of the DHT: SHA-256 of a domain and parameters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Location(pub [u8; 32]);

/// Energy classes of offers: below 64, 512 and 4,096 Wh, and above.
pub const BUCKETS: u8 = 4;

/// The bucket of an amount.
pub const fn bucket(wh: Wh) -> u8 {
    match wh.0 {
        0..=63 => 0,
        64..=511 => 1,
        512..=4095 => 2,
        _ => 3,
    }
}

impl Location {
    /// Where a meter's own record lives.
    pub fn of_meter(network: &str, meter: &MeterId) -> Self {
        Self::hash(
            SignBytes::new("wattpool/at/meter")
                .text(network)
                .fixed(&meter.0),
        )
    }
    /// Where offers of a zone, an energy bucket and a shard are listed.
    pub fn of_offers(network: &str, zone: Zone, bucket: u8, shard: u16) -> Self {
        Self::hash(
            SignBytes::new("wattpool/at/offers")
                .text(network)
                .u16(zone.0)
                .u8(bucket)
                .u16(shard),
        )
    }
    /// Where surpluses and deficits of a zone and a shard are announced.
    pub fn of_status(network: &str, zone: Zone, shard: u16) -> Self {
        Self::hash(
            SignBytes::new("wattpool/at/status")
                .text(network)
                .u16(zone.0)
                .u16(shard),
        )
    }
    fn hash(bytes: SignBytes) -> Self {
        Self(Sha256::digest(bytes.finish()).into())
    }
}

/// The shard of a meter among `shards` (a power of two): the leading bits of its id.
pub fn shard(meter: &MeterId, shards: u16) -> u16 {
    let lead = u16::from_be_bytes([meter.0[0], meter.0[1]]);
    let bits = shards.max(1).ilog2();
    if bits == 0 {
        0
    } else {
        lead >> 16u32.saturating_sub(bits)
    }
}

/// Most shards of a zone.
const MAX_SHARDS: u16 = 4096;

/// Number of shards of a zone with so many meters: about 32 meters a shard, a power of two, at most 4,096.
pub fn shards_for(meters_in_zone: u64) -> u16 {
    let wanted = meters_in_zone.div_ceil(32).next_power_of_two();
    u16::try_from(wanted).map_or(MAX_SHARDS, |shards| shards.min(MAX_SHARDS))
}

/// A meter's offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Record version.
    pub version: u16,
    /// Network name: chain id and escrow address.
    pub network: String,
    /// Who offers.
    pub meter: MeterId,
    /// Where.
    pub zone: Zone,
    /// Energy of this metered window.
    pub window: Window,
    /// How much the meter can still send.
    pub wh: Wh,
    /// Per arriving kWh.
    pub price: Price,
    /// Strictly increasing per meter.
    pub sequence: u64,
    /// Block time after which it counts no more.
    pub expires_at: Seconds,
    /// Whom to dial: libp2p's peer id.
    pub peer: Vec<u8>,
}

impl Offer {
    /// What the agent key signs (secp256k1 over SHA-256 of these bytes).
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/offer")
            .u16(self.version)
            .text(&self.network)
            .fixed(&self.meter.0)
            .u16(self.zone.0)
            .u64(self.window.0)
            .u64(self.wh.0)
            .u64(self.price.0)
            .u64(self.sequence)
            .u64(self.expires_at.0)
            .blob(&self.peer)
            .finish()
    }
}

/// Surplus or deficit of a meter, told coarsely (SRS 9.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Record version.
    pub version: u16,
    /// Network name.
    pub network: String,
    /// Who.
    pub meter: MeterId,
    /// Where.
    pub zone: Zone,
    /// Of this metered window.
    pub window: Window,
    /// True: surplus; false: deficit.
    pub surplus: bool,
    /// How much, rounded to three significant bits.
    pub wh: Wh,
    /// Strictly increasing per meter.
    pub sequence: u64,
    /// Block time after which it counts no more.
    pub expires_at: Seconds,
}

impl Status {
    /// What the agent key signs.
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/status")
            .u16(self.version)
            .text(&self.network)
            .fixed(&self.meter.0)
            .u16(self.zone.0)
            .u64(self.window.0)
            .u8(u8::from(self.surplus))
            .u64(self.wh.0)
            .u64(self.sequence)
            .u64(self.expires_at.0)
            .finish()
    }
}

/// Rounds an amount to its three leading bits (to nearest), so that a status shows a size and not a profile.
pub fn coarse(wh: Wh) -> Wh {
    let drop = wh.0.checked_ilog2().unwrap_or(0).saturating_sub(2);
    let half = (1u64 << drop) >> 1;
    Wh((wh.0.saturating_add(half) >> drop) << drop)
}

/// What is stored in the DHT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An offer.
    Offer(Offer),
    /// A status.
    Status(Status),
}

/// A record with its agent's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedRecord {
    /// The record.
    pub record: Record,
    /// By the meter's agent key.
    pub signature: Signature,
}

impl SignedRecord {
    /// Its version.
    pub const fn version(&self) -> u16 {
        match &self.record {
            Record::Offer(o) => o.version,
            Record::Status(s) => s.version,
        }
    }
    /// Who published it.
    pub const fn meter(&self) -> MeterId {
        match &self.record {
            Record::Offer(o) => o.meter,
            Record::Status(s) => s.meter,
        }
    }
    /// Its sequence.
    pub const fn sequence(&self) -> u64 {
        match &self.record {
            Record::Offer(o) => o.sequence,
            Record::Status(s) => s.sequence,
        }
    }
    /// When it ends.
    pub const fn expires_at(&self) -> Seconds {
        match &self.record {
            Record::Offer(o) => o.expires_at,
            Record::Status(s) => s.expires_at,
        }
    }
    /// Its network's name.
    pub fn network(&self) -> &str {
        match &self.record {
            Record::Offer(o) => &o.network,
            Record::Status(s) => &s.network,
        }
    }
    /// Whether it may be listed at a location: an offer where its meter lives or among the offers of its zone, bucket
    /// and shard, a status among the statuses of its zone and shard; of whatever number of shards, because whoever
    /// checks may know another number of meters than whoever announced.
    pub fn belongs_at(&self, location: &Location) -> bool {
        let meter = self.meter();
        let mut numbers = (0..=MAX_SHARDS.ilog2()).map(|bits| 1u16 << bits);
        match &self.record {
            Record::Offer(o) => {
                Location::of_meter(&o.network, &meter) == *location
                    || numbers.any(|shards| {
                        let shard = shard(&meter, shards);
                        Location::of_offers(&o.network, o.zone, bucket(o.wh), shard) == *location
                    })
            }
            Record::Status(s) => numbers.any(|shards| {
                Location::of_status(&s.network, s.zone, shard(&meter, shards)) == *location
            }),
        }
    }
    /// What was signed.
    pub fn sign_bytes(&self) -> Vec<u8> {
        match &self.record {
            Record::Offer(o) => o.sign_bytes(),
            Record::Status(s) => s.sign_bytes(),
        }
    }
}

/// Which node speaks for a meter: its peer id, bound to it by its agent key. Whoever has it knows without asking anybody
/// but the chain's registry that a peer stands for a registered meter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Record version.
    pub version: u16,
    /// Network name.
    pub network: String,
    /// The meter.
    pub meter: MeterId,
    /// libp2p's peer id of its node.
    pub peer: Vec<u8>,
    /// Block time at which it was signed; of two of a meter the later one counts.
    pub issued_at: Seconds,
    /// Block time after which it counts no more.
    pub expires_at: Seconds,
}

impl Binding {
    /// What the agent key signs.
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/binding")
            .u16(self.version)
            .text(&self.network)
            .fixed(&self.meter.0)
            .blob(&self.peer)
            .u64(self.issued_at.0)
            .u64(self.expires_at.0)
            .finish()
    }
}

/// A binding with its agent's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedBinding {
    /// The binding.
    pub binding: Binding,
    /// By the meter's agent key.
    pub signature: Signature,
}

/// A buyer asks a seller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradeRequest {
    /// Record version.
    pub version: u16,
    /// Network name.
    pub network: String,
    /// The buyer's number for it; repeated, it gets the same answer.
    pub id: u64,
    /// Who asks.
    pub buyer: MeterId,
    /// Whom.
    pub seller: MeterId,
    /// Spot or standing order.
    pub kind: TradeKind,
    /// First metered window.
    pub first_window: Window,
    /// Number of windows.
    pub count: u32,
    /// Energy that shall arrive, per window.
    pub wh: Wh,
    /// At most this per arriving kWh.
    pub max_price: Price,
    /// When it was asked, by the buyer's chain time.
    pub requested_at: Seconds,
    /// Answers after this chain time come too late.
    pub expires_at: Seconds,
}

impl TradeRequest {
    /// What the buyer's agent key signs.
    pub fn sign_bytes(&self) -> Vec<u8> {
        SignBytes::new("wattpool/request")
            .u16(self.version)
            .text(&self.network)
            .u64(self.id)
            .fixed(&self.buyer.0)
            .fixed(&self.seller.0)
            .u8(match self.kind {
                TradeKind::Spot => 0,
                TradeKind::Forward => 1,
            })
            .u64(self.first_window.0)
            .u32(self.count)
            .u64(self.wh.0)
            .u64(self.max_price.0)
            .u64(self.requested_at.0)
            .u64(self.expires_at.0)
            .finish()
    }
}

/// A request with the buyer's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedRequest {
    /// The request.
    pub request: TradeRequest,
    /// By the buyer's agent key.
    pub signature: Signature,
}

/// Why a seller says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DenialReason {
    /// Nothing is left.
    SoldOut,
    /// The price asked for is higher than the buyer's highest.
    Price,
    /// The owner's policy.
    Policy,
    /// The window is not the one being traded, or the request has expired.
    Window,
    /// The request is malformed, of an unknown version, or not signed by the buyer's agent.
    Invalid,
    /// Too many requests at once, or an approval for this buyer is open.
    Busy,
    /// The buyer let an approval lapse: it is served in the second half of the window.
    Later,
}

/// The seller's answer. An approval for fewer Wh than asked is the counter-quantity: the buyer may use it or let it lapse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // an answer lives for one message: a box would cost more than it saves
pub enum Answer {
    /// Yes: signed for exactly this buyer.
    Approved(SignedApproval),
    /// No.
    Denied {
        /// Why.
        reason: DenialReason,
        /// What could still be asked for.
        available: Wh,
    },
    /// The seller's owner decides. Nothing is held meanwhile; asked again after the decision, the seller answers from what is left.
    Waiting {
        /// Block time after which it is too late to decide.
        until: Seconds,
    },
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TradeAnswer {
    /// The request's id.
    pub id: u64,
    /// Who answers.
    pub seller: MeterId,
    /// To whom.
    pub buyer: MeterId,
    /// What.
    pub answer: Answer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_keeps_three_bits() {
        for (wh, want) in [
            (0, 0),
            (1, 1),
            (7, 7),
            (8, 8),
            (9, 10),
            (100, 96),
            (1000, 1024),
            (1151, 1024),
            (1153, 1280),
        ] {
            assert_eq!(coarse(Wh(wh)), Wh(want), "{wh}");
        }
    }

    #[test]
    fn shards_cover_all_meters() {
        assert_eq!(shards_for(1), 1);
        assert_eq!(shards_for(33), 2);
        assert_eq!(shards_for(10_000), 512);
        assert_eq!(shard(&MeterId([0xff; 16]), 1), 0);
        assert_eq!(shard(&MeterId([0xff; 16]), 8), 7);
        assert_eq!(shard(&MeterId([0; 16]), 8), 0);
    }

    #[test]
    fn records_belong_at_their_locations_only() {
        let (network, meter, zone) = ("n".to_owned(), MeterId([0xa5; 16]), Zone(3));
        let signed = |record| SignedRecord {
            record,
            signature: Signature::default(),
        };
        let offer = signed(Record::Offer(Offer {
            version: 1,
            network: network.clone(),
            meter,
            zone,
            window: Window(9),
            wh: Wh(600),
            price: Price(1),
            sequence: 1,
            expires_at: Seconds(1),
            peer: vec![1],
        }));
        let status = signed(Record::Status(Status {
            version: 1,
            network: network.clone(),
            meter,
            zone,
            window: Window(9),
            surplus: true,
            wh: Wh(600),
            sequence: 1,
            expires_at: Seconds(1),
        }));
        for meters in [1, 33, 1_000, 1_000_000, u64::MAX] {
            let own = shard(&meter, shards_for(meters));
            let offers = |bucket, shard| Location::of_offers(&network, zone, bucket, shard);
            let statuses = |shard| Location::of_status(&network, zone, shard);
            assert!(offer.belongs_at(&offers(2, own)) && status.belongs_at(&statuses(own)));
            assert!(!offer.belongs_at(&offers(1, own)) && !status.belongs_at(&offers(2, own)));
            assert!(
                !offer.belongs_at(&statuses(own)) && !status.belongs_at(&statuses(own ^ 0x2000))
            );
            assert!(!offer.belongs_at(&offers(2, own ^ 0x2000)));
        }
        let home = Location::of_meter(&network, &meter);
        assert!(offer.belongs_at(&home) && !status.belongs_at(&home));
        assert!(!offer.belongs_at(&Location::of_offers("m", zone, 2, 0)));
        assert!(!offer.belongs_at(&Location::of_offers("n", Zone(4), 2, 0)));
    }

    #[test]
    fn locations_differ() {
        let zone = Zone(1);
        let all = [
            Location::of_meter("n", &MeterId([1; 16])),
            Location::of_offers("n", zone, 0, 0),
            Location::of_offers("n", zone, 1, 0),
            Location::of_offers("n", zone, 0, 1),
            Location::of_offers("m", zone, 0, 0),
            Location::of_status("n", zone, 0),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b));
        }
    }
}
