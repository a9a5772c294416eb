//! A signing key and its address.

use crate::error::ChainError;
use cosmrs::crypto::secp256k1::SigningKey;
use cosmrs::crypto::PublicKey;
use std::fmt;

/// Derivation path of the first account of a Cosmos wallet.
pub const DERIVATION_PATH: &str = "m/44'/118'/0'/0/0";

/// A secp256k1 key with its address on a chain. Its text form is the address.
pub struct Key {
    signing: SigningKey,
    address: String,
}

impl Key {
    /// From the 32 secret bytes. `prefix`: of the chain's addresses, such as `watt`.
    ///
    /// # Errors
    /// The bytes are no secret key, or the prefix cannot stand in an address.
    pub fn from_bytes(secret: &[u8], prefix: &str) -> Result<Self, ChainError> {
        let signing = SigningKey::from_slice(secret)
            .map_err(|_| ChainError::input("key", "expected 32 bytes of a secp256k1 secret"))?;
        Self::new(signing, prefix)
    }

    /// From a wallet's 24 words ([`DERIVATION_PATH`], no passphrase).
    ///
    /// # Errors
    /// They are not 24 words with a right checksum, or the prefix cannot stand in an address.
    pub fn from_mnemonic(words: &str, prefix: &str) -> Result<Self, ChainError> {
        let words = words.split_whitespace().collect::<Vec<_>>();
        let phrase = (words.len() == 24)
            .then(|| bip32::Mnemonic::new(words.join(" "), bip32::Language::English).ok())
            .flatten()
            .ok_or_else(|| ChainError::input("key", "expected 24 words with a right checksum"))?;
        let path = DERIVATION_PATH
            .parse()
            .map_err(|e| ChainError::input("derivation path", e))?;
        let derived = bip32::XPrv::derive_from_path(phrase.to_seed(""), &path)
            .map_err(|e| ChainError::input("key", e))?;
        Self::from_bytes(&derived.private_key().to_bytes(), prefix)
    }

    /// From the text of a key file: 64 hexadecimal digits or 24 words.
    ///
    /// # Errors
    /// It is neither.
    pub fn from_text(text: &str, prefix: &str) -> Result<Self, ChainError> {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            return Self::from_mnemonic(text, prefix);
        }
        let secret = hex::decode(text)
            .map_err(|_| ChainError::input("key", "expected 64 hexadecimal digits or 24 words"))?;
        Self::from_bytes(&secret, prefix)
    }

    fn new(signing: SigningKey, prefix: &str) -> Result<Self, ChainError> {
        let address = address_of(&signing.public_key(), prefix)?;
        Ok(Self { signing, address })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        self.signing.public_key()
    }

    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.signing
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.address)
    }
}

/// Address of a public key.
///
/// # Errors
/// The prefix cannot stand in an address.
pub fn address_of(key: &PublicKey, prefix: &str) -> Result<String, ChainError> {
    let id = key
        .account_id(prefix)
        .map_err(|e| ChainError::input(format!("address prefix {prefix:?}"), e))?;
    Ok(id.to_string())
}

/// Checks that a text is an address with this prefix.
///
/// # Errors
/// It is not; `what` names it in the error.
pub fn check_address(what: &str, address: &str, prefix: &str) -> Result<(), ChainError> {
    let parsed: Result<cosmrs::AccountId, _> = address.parse();
    match parsed {
        Ok(id) if id.prefix() == prefix => Ok(()),
        _ => Err(ChainError::input(
            what,
            format!(
                "expected an address that begins with {}, found {address:?}",
                format!("{prefix}1").escape_debug()
            ),
        )),
    }
}

/// Address of a module of the chain, such as `gov`: the first 20 bytes of SHA-256 over its name (SDK
/// `address.Module`).
///
/// # Errors
/// The prefix cannot stand in an address.
pub fn module_address(module: &str, prefix: &str) -> Result<String, ChainError> {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(module.as_bytes());
    let bytes = hash.get(..20).unwrap_or_default();
    let id = cosmrs::AccountId::new(prefix, bytes)
        .map_err(|e| ChainError::input(format!("address prefix {prefix:?}"), e))?;
    Ok(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 24 words and first address of the Cosmos SDK's own test of key derivation paths.
    #[test]
    fn words_make_the_wallets_address() {
        let words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                     abandon art";
        let key = Key::from_text(words, "cosmos").unwrap();
        assert_eq!(
            key.address(),
            "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl"
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "12",
            "zz",
            "abandon abandon",
            &"0".repeat(64),
            &"f".repeat(66),
        ] {
            let error = Key::from_text(text, "watt").unwrap_err();
            assert!(error.to_string().starts_with("key: expected"), "{error}");
        }
        let twelve = "abandon ".repeat(12);
        assert!(Key::from_text(&twelve, "watt").is_err());
        let bad_sum = "abandon ".repeat(24);
        assert!(Key::from_text(&bad_sum, "watt").is_err());
        assert!(Key::from_bytes(&[1; 32], "Bad Prefix").is_err());
    }

    #[test]
    fn the_governance_module_has_its_known_address() {
        assert_eq!(
            module_address("gov", "cosmos").unwrap(),
            "cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn"
        );
    }

    #[test]
    fn addresses_of_other_chains_are_refused() {
        let gov = module_address("gov", "watt").unwrap();
        assert_eq!(check_address("admin", &gov, "watt"), Ok(()));
        let error = check_address("admin", &gov, "cosmos").unwrap_err();
        assert!(error
            .to_string()
            .contains("admin: expected an address that begins with cosmos1"));
        assert!(check_address("admin", "watt1qqq", "watt").is_err());
    }
}
