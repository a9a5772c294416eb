//! Keys of the simulated meters: real curves, or a keyed checksum in their place.

use crate::chance::Chance;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use wattpool_core::ports::Signer;
use wattpool_fixtures::trusted;
use wattpool_keys::{verify_digest, SoftKeys};
use wattpool_ledger_embedded::Signatures;
use wattpool_schema::{signing, AgentKey, DeviceKey, MeterId, Signature, Window};

/// Keys of one meter.
#[derive(Clone)]
pub(crate) struct HomeKeys {
    pub device: DeviceKey,
    pub agent: AgentKey,
    salt: [u8; 16],
    real: Option<Arc<SoftKeys>>,
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
                let device = chance.bytes::<32>();
                let keys = loop {
                    // A scalar outside the group's order is one in 2^128; draw again.
                    if let Ok(keys) = SoftKeys::new(device, chance.bytes::<32>(), [0; 32]) {
                        break keys;
                    }
                };
                Self {
                    device: keys.device(),
                    agent: keys.agent(),
                    salt,
                    real: Some(Arc::new(keys)),
                }
            }
        }
    }
}

impl Signer for HomeKeys {
    fn sign_device(&self, bytes: &[u8]) -> Signature {
        match &self.real {
            None => Signature(trusted::sign(&self.device.0, bytes)),
            Some(keys) => keys.sign_device(bytes),
        }
    }

    fn sign_agent(&self, bytes: &[u8]) -> Signature {
        match &self.real {
            None => Signature(trusted::sign(&self.agent.0, &signing::digest(bytes))),
            Some(keys) => keys.sign_agent(bytes),
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
        let valid = verify_digest(key, &digest, signature);
        if let Ok(mut checked) = CHECKED.lock() {
            if checked.len() >= REMEMBERED {
                checked.clear();
            }
            checked.insert(name, valid);
        }
        valid
    })
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
