//! Keys of accounts: secp256k1, alone or several under a threshold.

use crate::address;
use crate::error::{Result, WalletError};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use k256::ecdsa::signature::{Signer, Verifier};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde_json::{json, Value};
use zeroize::Zeroizing;

/// Type of an account's own key.
pub const SECP256K1: &str = "/cosmos.crypto.secp256k1.PubKey";
/// Type of a validator's consensus key.
pub const ED25519: &str = "/cosmos.crypto.ed25519.PubKey";
/// Type of several keys under a threshold.
pub const MULTISIG: &str = "/cosmos.crypto.multisig.LegacyAminoPubKey";
/// Most keys of a multisig account; the chain takes 7 by default, and none more than this.
const MOST_KEYS: usize = 64;

/// A secp256k1 secret; it is wiped from memory when dropped, and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// They are no scalar of the curve.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        let fits = <[u8; 32]>::try_from(bytes)
            .ok()
            .filter(|b| SigningKey::from_slice(b).is_ok());
        match fits {
            Some(bytes) => Ok(Self(Zeroizing::new(bytes))),
            None => Err(WalletError::input(
                "key",
                "expected 32 bytes of a secp256k1 secret",
            )),
        }
    }

    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// They are not that.
    pub fn from_hex(text: &str) -> Result<Self> {
        let bytes = hex::decode(text.trim())
            .map(Zeroizing::new)
            .map_err(|_| WalletError::input("key", "expected 64 hexadecimal digits"))?;
        Self::from_slice(&bytes)
    }

    /// The 32 bytes, for whoever writes them somewhere safe.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn signing(&self) -> Result<SigningKey> {
        SigningKey::from_slice(self.0.as_slice()).map_err(|e| WalletError::failed("key", e))
    }

    /// Its public key.
    ///
    /// # Errors
    /// Never for a secret that was made by this type.
    pub fn public(&self) -> Result<PublicKey> {
        let key = self.signing()?;
        let point = key.verifying_key().to_encoded_point(true);
        PublicKey::secp256k1(point.as_bytes())
    }

    /// Signs SHA-256 of these bytes (RFC 6979, low S): 64 bytes.
    ///
    /// # Errors
    /// Never for a secret that was made by this type.
    pub fn sign(&self, bytes: &[u8]) -> Result<[u8; 64]> {
        let signature: Signature = self
            .signing()?
            .try_sign(bytes)
            .map_err(|e| WalletError::failed("signature", e))?;
        Ok(signature.to_bytes().into())
    }
}

/// Who signs for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// One key, compressed.
    Secp256k1([u8; 33]),
    /// Any `threshold` of several keys, in the order that makes the address.
    Multisig {
        /// How many have to sign.
        threshold: u32,
        /// The keys; none is a multisig itself.
        keys: Vec<[u8; 33]>,
    },
}

impl PublicKey {
    /// A key from its 33 bytes.
    ///
    /// # Errors
    /// They are no point of the curve.
    pub fn secp256k1(bytes: &[u8]) -> Result<Self> {
        let fits = <[u8; 33]>::try_from(bytes)
            .ok()
            .filter(|b| VerifyingKey::from_sec1_bytes(b).is_ok());
        fits.map(Self::Secp256k1)
            .ok_or_else(|| WalletError::input("public key", "expected 33 bytes of a secp256k1 key"))
    }

    /// Several keys under a threshold, as the Cosmos CLIs make them: sorted by address, unless told not to.
    ///
    /// # Errors
    /// The threshold is not between 1 and the number of keys, there are too many, or one is there twice.
    pub fn multisig(threshold: u32, mut keys: Vec<[u8; 33]>, sort: bool) -> Result<Self> {
        let bad = |why: String| WalletError::input("multisig", why);
        let count = keys.len();
        if count == 0 || count > MOST_KEYS {
            return Err(bad(format!(
                "expected 1 to {MOST_KEYS} keys, found {count}"
            )));
        }
        if threshold == 0 || usize::try_from(threshold).is_ok_and(|t| t > count) {
            return Err(bad(format!(
                "expected a threshold of 1 to {count}, found {threshold}"
            )));
        }
        if sort {
            keys.sort_by_key(address::of_secp256k1);
        }
        let mut seen = std::collections::BTreeSet::new();
        if keys.iter().any(|key| !seen.insert(*key)) {
            return Err(bad("the same key is there twice".to_owned()));
        }
        Ok(Self::Multisig { threshold, keys })
    }

    /// The hash that its address is made of.
    pub fn hash(&self) -> [u8; 20] {
        match self {
            Self::Secp256k1(key) => address::of_secp256k1(key),
            Self::Multisig { .. } => address::truncated(&self.amino()),
        }
    }

    /// Its account's address.
    ///
    /// # Errors
    /// The prefix is not one.
    pub fn address(&self, prefix: &str) -> Result<String> {
        address::encode(&self.hash(), prefix)
    }

    /// The bytes in which the chain's older encoding has it: what a multisig's address is the hash of.
    pub fn amino(&self) -> Vec<u8> {
        match self {
            Self::Secp256k1(key) => [&[0xeb, 0x5a, 0xe9, 0x87, 33], key.as_slice()].concat(),
            Self::Multisig { threshold, keys } => {
                let mut bytes = vec![0x22, 0xc1, 0xf7, 0xe2, 0x08];
                cosmrs::proto::prost::encoding::encode_varint(u64::from(*threshold), &mut bytes);
                for key in keys {
                    bytes.extend([0x12, 38]);
                    bytes.extend(Self::Secp256k1(*key).amino());
                }
                bytes
            }
        }
    }

    /// As the chain's documents write it.
    pub fn json(&self) -> Value {
        let one = |key: &[u8; 33]| json!({"@type": SECP256K1, "key": STANDARD.encode(key)});
        match self {
            Self::Secp256k1(key) => one(key),
            Self::Multisig { threshold, keys } => json!({
                "@type": MULTISIG,
                "threshold": threshold,
                "public_keys": keys.iter().map(one).collect::<Vec<_>>(),
            }),
        }
    }

    /// Reads what [`PublicKey::json`] writes.
    ///
    /// # Errors
    /// It is another kind of key, or malformed.
    pub fn from_json(value: &Value) -> Result<Self> {
        let bad = |why: String| WalletError::input("public key", why);
        let one = |value: &Value| -> Result<[u8; 33]> {
            let text = value.get("key").and_then(Value::as_str).unwrap_or_default();
            let bytes = STANDARD
                .decode(text)
                .map_err(|e| bad(format!("expected base64 under \"key\" ({e})")))?;
            match Self::secp256k1(&bytes)? {
                Self::Secp256k1(key) => Ok(key),
                Self::Multisig { .. } => Err(bad("expected a key of its own".to_owned())),
            }
        };
        match value.get("@type").and_then(Value::as_str) {
            Some(SECP256K1) => Ok(Self::Secp256k1(one(value)?)),
            Some(MULTISIG) => {
                let threshold = value
                    .get("threshold")
                    .and_then(Value::as_u64)
                    .and_then(|t| u32::try_from(t).ok())
                    .ok_or_else(|| bad("expected a number under \"threshold\"".to_owned()))?;
                let keys = value.get("public_keys").and_then(Value::as_array);
                let keys = keys.map(Vec::as_slice).unwrap_or_default();
                let keys = keys.iter().map(one).collect::<Result<_>>()?;
                Self::multisig(threshold, keys, false)
            }
            other => Err(bad(format!(
                "expected \"@type\" {SECP256K1} or {MULTISIG}, found {}",
                other.unwrap_or("none")
            ))),
        }
    }

    /// Checks one key's signature over SHA-256 of these bytes.
    pub fn verifies(key: &[u8; 33], bytes: &[u8], signature: &[u8]) -> bool {
        let (Ok(key), Ok(signature)) = (
            VerifyingKey::from_sec1_bytes(key),
            Signature::from_slice(signature),
        ) else {
            return false;
        };
        // The chain takes the low S only.
        signature.normalize_s().is_none() && key.verify(bytes, &signature).is_ok()
    }
}
