//! Keys from seeds: a device's (ed25519) and an agent's (secp256k1), signing really or by trust.

use cosmwasm_std::{Addr, Api, CanonicalAddr};
use k256::ecdsa::signature::hazmat::PrehashSigner;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use wattpool_chain_api::trusted;
use wattpool_schema::signing::digest;
use wattpool_schema::{AgentKey, DeviceKey, Signature};

/// Signs what a meter measured.
#[derive(Clone)]
pub struct DeviceSigner {
    key: ed25519_zebra::SigningKey,
    /// The public key.
    pub public: DeviceKey,
}

/// Signs approvals.
#[derive(Clone)]
pub struct AgentSigner {
    key: k256::ecdsa::SigningKey,
    /// The public key.
    pub public: AgentKey,
}

fn secret(kind: &str, seed: u64) -> [u8; 32] {
    digest(format!("{kind} {seed}").as_bytes())
}

impl DeviceSigner {
    /// The key of a seed.
    pub fn from_seed(seed: u64) -> Self {
        let key = ed25519_zebra::SigningKey::from(secret("device", seed));
        let public = DeviceKey(ed25519_zebra::VerificationKey::from(&key).into());
        Self { key, public }
    }

    /// Signs a statement's or cover's bytes.
    pub fn sign(&self, bytes: &[u8], real: bool) -> Signature {
        if real {
            Signature(self.key.sign(bytes).into())
        } else {
            Signature(trusted::sign(&self.public.0, bytes))
        }
    }
}

impl AgentSigner {
    /// The key of a seed.
    pub fn from_seed(seed: u64) -> Self {
        let key = k256::ecdsa::SigningKey::from_slice(&secret("agent", seed))
            .expect("a hash is a valid scalar");
        let point = key.verifying_key().to_encoded_point(true);
        let public = AgentKey::from_slice(point.as_bytes()).expect("33 bytes");
        Self { key, public }
    }

    /// The secret scalar, for those who sign a chain's transactions with it.
    pub fn secret(&self) -> [u8; 32] {
        self.key.to_bytes().into()
    }

    /// Signs an approval's bytes (their SHA-256).
    pub fn sign(&self, bytes: &[u8], real: bool) -> Signature {
        let hash = digest(bytes);
        if real {
            let signature: k256::ecdsa::Signature =
                self.key.sign_prehash(&hash).expect("32 bytes to sign");
            let low = signature.normalize_s().unwrap_or(signature);
            Signature(low.to_bytes().into())
        } else {
            Signature(trusted::sign(&self.public.0, &hash))
        }
    }

    /// The account address of the key: RIPEMD-160 of SHA-256 of it, as on every Cosmos chain.
    pub fn address(&self, api: &dyn Api) -> Addr {
        let hash = Ripemd160::digest(Sha256::digest(self.public.0));
        api.addr_humanize(&CanonicalAddr::from(hash.to_vec()))
            .expect("20 bytes make an address")
    }
}
