//! A meter's keys in software: the device's (ed25519), the agent's (secp256k1), and the secret behind the
//! salts of its commitments.

use k256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sha2::{Digest, Sha256};
use wattpool_core::ports::Signer;
use wattpool_schema::{signing, AgentKey, DeviceKey, Signature, Window};

/// Bytes that are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent key is not a scalar of secp256k1")]
pub struct BadKey;

/// Secrets of a meter.
pub struct SoftKeys {
    device: ed25519_zebra::SigningKey,
    agent: k256::ecdsa::SigningKey,
    salt: [u8; 32],
}

impl SoftKeys {
    /// From 32 bytes each. `salt` is the secret from which each window's salt is derived: whoever knows it can
    /// open all of the meter's commitments.
    ///
    /// # Errors
    /// `agent` is zero or beyond the group's order.
    pub fn new(device: [u8; 32], agent: [u8; 32], salt: [u8; 32]) -> Result<Self, BadKey> {
        Ok(Self {
            device: ed25519_zebra::SigningKey::from(device),
            agent: k256::ecdsa::SigningKey::from_slice(&agent).map_err(|_| BadKey)?,
            salt,
        })
    }

    /// The device's public key.
    pub fn device(&self) -> DeviceKey {
        DeviceKey(ed25519_zebra::VerificationKey::from(&self.device).into())
    }

    /// The agent's public key, compressed.
    pub fn agent(&self) -> AgentKey {
        let mut point = AgentKey::default();
        let encoded = self.agent.verifying_key().to_encoded_point(true);
        for (to, from) in point.0.iter_mut().zip(encoded.as_bytes()) {
            *to = *from;
        }
        point
    }
}

impl Signer for SoftKeys {
    fn sign_device(&self, bytes: &[u8]) -> Signature {
        Signature(self.device.sign(bytes).to_bytes())
    }

    fn sign_agent(&self, bytes: &[u8]) -> Signature {
        let signed: Result<k256::ecdsa::Signature, _> =
            self.agent.sign_prehash(&signing::digest(bytes));
        // A digest has the right length, so this cannot fail; what would come of it is refused by everybody.
        signed.map_or_else(
            |_| Signature::default(),
            |s| Signature(s.normalize_s().unwrap_or(s).to_bytes().into()),
        )
    }

    fn verify_agent(&self, key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool {
        verify_agent(key, bytes, signature)
    }

    fn salt(&self, window: Window) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        hash.update(window.0.to_be_bytes());
        let mut salt = [0; 16];
        for (to, from) in salt.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        salt
    }
}

/// Whether an agent key signed the SHA-256 of these bytes.
pub fn verify_agent(key: &AgentKey, bytes: &[u8], signature: &Signature) -> bool {
    verify_digest(key, &signing::digest(bytes), signature)
}

/// Whether an agent key signed this digest.
pub fn verify_digest(key: &AgentKey, digest: &[u8; 32], signature: &Signature) -> bool {
    let Ok(key) = k256::ecdsa::VerifyingKey::from_sec1_bytes(&key.0) else {
        return false;
    };
    let Ok(signature) = k256::ecdsa::Signature::from_slice(&signature.0) else {
        return false;
    };
    key.verify_prehash(digest, &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(n: u8) -> SoftKeys {
        SoftKeys::new([n; 32], [n; 32], [n; 32]).unwrap()
    }

    #[test]
    fn agents_signatures_hold_for_their_key_and_bytes_alone() {
        let (one, two) = (keys(1), keys(2));
        let signature = one.sign_agent(b"a promise");
        assert!(two.verify_agent(&one.agent(), b"a promise", &signature));
        assert!(!two.verify_agent(&one.agent(), b"another", &signature));
        assert!(!two.verify_agent(&two.agent(), b"a promise", &signature));
        let mut forged = signature;
        forged.0[5] ^= 1;
        assert!(!two.verify_agent(&one.agent(), b"a promise", &forged));
        assert!(!verify_agent(
            &AgentKey::default(),
            b"a promise",
            &signature
        ));
    }

    #[test]
    fn devices_sign_with_ed25519() {
        let one = keys(1);
        let signature = one.sign_device(b"a statement");
        let key = ed25519_zebra::VerificationKey::try_from(one.device().0).unwrap();
        let signature = ed25519_zebra::Signature::from(signature.0);
        assert!(key.verify(&signature, b"a statement").is_ok());
        assert!(key.verify(&signature, b"another").is_err());
    }

    #[test]
    fn salts_differ_by_window_and_secret_and_stay() {
        let (one, two) = (keys(1), keys(2));
        assert_eq!(one.salt(Window(1)), keys(1).salt(Window(1)));
        assert_ne!(one.salt(Window(1)), one.salt(Window(2)));
        assert_ne!(one.salt(Window(1)), two.salt(Window(1)));
    }

    #[test]
    fn a_scalar_beyond_the_order_is_refused() {
        assert!(SoftKeys::new([1; 32], [0xff; 32], [1; 32]).is_err());
        assert!(SoftKeys::new([1; 32], [0; 32], [1; 32]).is_err());
    }
}
