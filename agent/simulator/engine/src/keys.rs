//! Keys of the simulated meters: real curves, or a keyed checksum in their place.

use crate::chance::Chance;
use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use wattpool_chain_api::trusted;
use wattpool_core::ports::Signer;
use wattpool_ledger_embedded::Signatures;
use wattpool_schema::{signing, AgentKey, DeviceKey, MeterId, Signature, Window};

/// Keys of one meter.
pub(crate) struct HomeKeys {
    pub device: DeviceKey,
    pub agent: AgentKey,
    salt: [u8; 16],
    real: Option<Box<RealKeys>>,
}

struct RealKeys {
    device: ed25519_zebra::SigningKey,
    agent: k256::ecdsa::SigningKey,
}

impl HomeKeys {
    /// Draws keys. With trusted signatures the public keys are random bytes of the right form.
    pub fn draw(chance: &mut Chance, signatures: Signatures) -> Self {
        let salt = chance.bytes();
        match signatures {
            Signatures::Trusted => {
                let mut agent = chance.bytes::<33>();
                agent[0] = 2 | (agent[0] & 1);
                Self {
                    device: DeviceKey(chance.bytes()),
                    agent: AgentKey(agent),
                    salt,
                    real: None,
                }
            }
            Signatures::Verified => {
                let device = ed25519_zebra::SigningKey::from(chance.bytes::<32>());
                let agent = loop {
                    // A scalar outside the group's order is one in 2^128; draw again.
                    if let Ok(key) = k256::ecdsa::SigningKey::from_slice(&chance.bytes::<32>()) {
                        break key;
                    }
                };
                let public = ed25519_zebra::VerificationKey::from(&device);
                let mut point = [0u8; 33];
                point.copy_from_slice(agent.verifying_key().to_encoded_point(true).as_bytes());
                Self {
                    device: DeviceKey(public.into()),
                    agent: AgentKey(point),
                    salt,
                    real: Some(Box::new(RealKeys { device, agent })),
                }
            }
        }
    }
}

impl Signer for HomeKeys {
    fn sign_device(&self, bytes: &[u8]) -> Signature {
        match &self.real {
            None => Signature(trusted::sign(&self.device.0, bytes)),
            Some(keys) => Signature(keys.device.sign(bytes).to_bytes()),
        }
    }

    fn sign_agent(&self, bytes: &[u8]) -> Signature {
        let digest = signing::digest(bytes);
        match &self.real {
            None => Signature(trusted::sign(&self.agent.0, &digest)),
            Some(keys) => {
                let signed: Result<k256::ecdsa::Signature, _> = keys.agent.sign_prehash(&digest);
                signed.map_or_else(
                    |_| Signature::default(),
                    |s| Signature(s.normalize_s().unwrap_or(s).to_bytes().into()),
                )
            }
        }
    }

    fn verify_agent(&self, key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool {
        verify_agent(self.real.is_some(), key, bytes, signature)
    }

    fn salt(&self, window: Window) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(window.0.to_be_bytes());
        first_half(hash.finalize().into())
    }
}

/// Signatures that were checked already. Many meters check the same record; the same bytes have the same
/// answer, so a run does the arithmetic once for each.
static CHECKED: LazyLock<Mutex<HashMap<[u8; 32], bool>>> = LazyLock::new(Mutex::default);

/// Answers kept; then it begins anew.
const REMEMBERED: usize = 1 << 16;

/// Whether an agent key signed these bytes.
pub(crate) fn verify_agent(
    real: bool,
    key: &AgentKey,
    bytes: &[u8],
    signature: &Signature,
) -> bool {
    let digest = signing::digest(bytes);
    if !real {
        return trusted::sign(&key.0, &digest) == signature.0;
    }
    let mut hash = Sha256::new();
    hash.update(key.0);
    hash.update(digest);
    hash.update(signature.0);
    let name: [u8; 32] = hash.finalize().into();
    // A poisoned lock means that another thread panicked: the run is lost anyway, the answer is not.
    let known = CHECKED
        .lock()
        .ok()
        .and_then(|checked| checked.get(&name).copied());
    known.unwrap_or_else(|| {
        let valid = verify_curve(key, &digest, signature);
        if let Ok(mut checked) = CHECKED.lock() {
            if checked.len() >= REMEMBERED {
                checked.clear();
            }
            checked.insert(name, valid);
        }
        valid
    })
}

fn verify_curve(key: &AgentKey, digest: &[u8; 32], signature: &Signature) -> bool {
    let Ok(key) = k256::ecdsa::VerifyingKey::from_sec1_bytes(&key.0) else {
        return false;
    };
    let Ok(signature) = k256::ecdsa::Signature::from_slice(&signature.0) else {
        return false;
    };
    key.verify_prehash(digest, &signature).is_ok()
}

/// A meter's pseudonym from the registrar's secret and its number.
pub(crate) fn meter_id(secret: &[u8; 32], number: u32) -> MeterId {
    let mut hash = Sha256::new();
    hash.update(secret);
    hash.update(number.to_be_bytes());
    MeterId(first_half(hash.finalize().into()))
}

fn first_half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(digest) {
        *to = from;
    }
    half
}
