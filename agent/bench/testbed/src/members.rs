//! Meters of a trial: their keys, their records, and the register that knows them.

use libp2p::identity::ed25519;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wattpool_chance::{Chance, STEP};
use wattpool_core::ports::network::{RecordCheck, Verdict};
use wattpool_discovery_libp2p::{Clock, Config, Limits, Membership};
use wattpool_schema::peer::{
    bucket, shard, shards_for, Location, Offer, Record, SignedBinding, SignedRecord, Status,
};
use wattpool_schema::{MeterId, Price, Seconds, Signature, Wh, Window, Zone, RECORD_VERSION};

/// The network's name in trials.
pub const NETWORK: &str = "trial-1/escrow";
/// The zone of all meters in trials.
const ZONE: Zone = Zone(1);

/// A meter of a trial. Its agent key is an ed25519 key: what a trial measures is the network, and this curve is at
/// hand; the chain's is secp256k1.
#[derive(Clone)]
pub struct Member {
    /// Its id.
    pub meter: MeterId,
    /// Seed of its peer key.
    pub seed: [u8; 32],
    agent: ed25519::Keypair,
}

/// A signed record and where it belongs.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Where.
    pub at: Location,
    /// What.
    pub record: Arc<SignedRecord>,
}

/// Bytes that follow from a number and a purpose.
fn bytes(number: u32, purpose: u64) -> [u8; 32] {
    let mut out = [0; 32];
    let seed = u64::from(number).wrapping_mul(STEP).wrapping_add(purpose);
    let mut drawn = Chance::new(seed);
    for chunk in out.chunks_mut(8) {
        let word = drawn.word().to_le_bytes();
        for (to, from) in chunk.iter_mut().zip(word) {
            *to = from;
        }
    }
    out
}

impl Member {
    /// The member of a number.
    ///
    /// # Errors
    /// The key library refuses the seed; it takes every one.
    pub fn new(number: u32) -> Result<Self, String> {
        let mut meter = [0; 16];
        for (to, from) in meter.iter_mut().zip(bytes(number, 1)) {
            *to = from;
        }
        let mut secret = bytes(number, 2);
        let secret = ed25519::SecretKey::try_from_bytes(&mut secret).map_err(|e| e.to_string())?;
        Ok(Self {
            meter: MeterId(meter),
            seed: bytes(number, 3),
            agent: secret.into(),
        })
    }

    /// Its node's peer id.
    ///
    /// # Errors
    /// See [`Config::peer_id`].
    pub fn peer(&self) -> Result<Vec<u8>, String> {
        Config::peer_id(&self.seed).map_err(|e| e.to_string())
    }

    /// A node's configuration for it: on a port of 127.0.0.1 that is free.
    pub fn config(&self, bootstrap: Vec<String>, limits: Limits) -> Config {
        Config {
            seed: self.seed,
            listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
            external: Vec::new(),
            bootstrap,
            mdns: false,
            relay: false,
            upnp: false,
            hidden: false,
            network: NETWORK.to_owned(),
            membership: Some(self.membership()),
            limits,
        }
    }

    /// What binds its node to it.
    pub fn membership(&self) -> Membership {
        let agent = self.agent.clone();
        Membership {
            meter: self.meter,
            sign: Arc::new(move |bytes| {
                Signature::from_slice(&agent.sign(bytes)).unwrap_or_default()
            }),
        }
    }

    /// Signs a record, whatever it says.
    pub fn sign(&self, record: Record) -> Arc<SignedRecord> {
        let mut signed = SignedRecord {
            record,
            signature: Signature::default(),
        };
        let signature = self.agent.sign(&signed.sign_bytes());
        signed.signature = Signature::from_slice(&signature).unwrap_or_default();
        Arc::new(signed)
    }

    /// Its offer, unsigned.
    pub fn offer(&self, wh: u64, sequence: u64, expires_at: Seconds) -> Offer {
        Offer {
            version: RECORD_VERSION,
            network: NETWORK.to_owned(),
            meter: self.meter,
            zone: ZONE,
            window: Window(sequence),
            wh: Wh(wh),
            price: Price(200_000),
            sequence,
            expires_at,
            peer: self.peer().unwrap_or_default(),
        }
    }

    /// Its offer, signed, in a zone of so many meters.
    pub fn signed_offer(
        &self,
        wh: u64,
        sequence: u64,
        expires_at: Seconds,
        meters: usize,
    ) -> Signed {
        let offer = self.offer(wh, sequence, expires_at);
        let at = offers_of(&self.meter, wh, meters);
        Signed {
            at,
            record: self.sign(Record::Offer(offer)),
        }
    }

    /// Its status, signed, in a zone of so many meters.
    pub fn signed_status(
        &self,
        wh: u64,
        sequence: u64,
        expires_at: Seconds,
        meters: usize,
    ) -> Signed {
        let status = Status {
            version: RECORD_VERSION,
            network: NETWORK.to_owned(),
            meter: self.meter,
            zone: ZONE,
            window: Window(sequence),
            surplus: true,
            wh: Wh(wh),
            sequence,
            expires_at,
        };
        Signed {
            at: Location::of_status(NETWORK, ZONE, shard_among(&self.meter, meters)),
            record: self.sign(Record::Status(status)),
        }
    }
}

fn shard_among(meter: &MeterId, meters: usize) -> u16 {
    shard(meter, shards_for(u64::try_from(meters).unwrap_or(u64::MAX)))
}

/// Where a meter's offer of so much belongs in a zone of so many meters.
fn offers_of(meter: &MeterId, wh: u64, meters: usize) -> Location {
    let shard = shard_among(meter, meters);
    Location::of_offers(NETWORK, ZONE, bucket(Wh(wh)), shard)
}

/// All locations of offers in a zone of so many meters.
pub(super) fn all_offers(meters: usize) -> Vec<Location> {
    let shards = shards_for(u64::try_from(meters).unwrap_or(u64::MAX));
    (0..shards)
        .flat_map(|shard| {
            (0..wattpool_schema::peer::BUCKETS)
                .map(move |bucket| Location::of_offers(NETWORK, ZONE, bucket, shard))
        })
        .collect()
}

/// The register of a trial, and its chain's clock.
#[derive(Default)]
pub struct Register {
    keys: Mutex<HashMap<MeterId, ed25519::PublicKey>>,
    now: AtomicU64,
}

impl Register {
    /// A register with these members at a time.
    pub fn new(members: &[Member], now: Seconds) -> Arc<Self> {
        let register = Self::default();
        register.now.store(now.0, Ordering::Relaxed);
        for member in members {
            register.admit(member);
        }
        Arc::new(register)
    }

    /// Registers a meter.
    pub fn admit(&self, member: &Member) {
        self.with(|keys| keys.insert(member.meter, member.agent.public()));
    }

    /// Takes a meter out of service.
    pub fn retire(&self, meter: &MeterId) {
        self.with(|keys| keys.remove(meter));
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<MeterId, ed25519::PublicKey>) -> T) -> T {
        f(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The chain's time.
    pub fn now(&self) -> Seconds {
        Seconds(self.now.load(Ordering::Relaxed))
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The clock of its nodes.
    pub fn clock(self: &Arc<Self>) -> Clock {
        let register = Arc::clone(self);
        Arc::new(move || register.now())
    }
}

impl RecordCheck for Register {
    fn check(&self, record: &SignedRecord) -> Verdict {
        let Some(key) = self.with(|keys| keys.get(&record.meter()).cloned()) else {
            return Verdict::Unknown;
        };
        if key.verify(&record.sign_bytes(), record.signature.as_bytes()) {
            Verdict::Holds
        } else {
            Verdict::Forged
        }
    }

    fn check_binding(&self, binding: &SignedBinding) -> Result<Zone, Verdict> {
        let key = self.with(|keys| keys.get(&binding.binding.meter).cloned());
        let key = key.ok_or(Verdict::Unknown)?;
        let bytes = binding.binding.sign_bytes();
        if key.verify(&bytes, binding.signature.as_bytes()) {
            Ok(ZONE)
        } else {
            Err(Verdict::Forged)
        }
    }
}

/// Bounds for many nodes on one machine: patient where that only costs time, because they share its processors.
pub fn limits() -> Limits {
    Limits {
        bucket: 20,
        links: 256,
        answer_ms: 5_000,
        announce_ms: 20_000,
        peer_burst: 400,
        ..Limits::default()
    }
}
