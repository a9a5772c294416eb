//! Keys and addresses of the accounts that a network begins with.

use anyhow::{anyhow, Context, Result};
use bech32::{Bech32, Hrp};
use bip32::{DerivationPath, Language, Mnemonic, XPrv};
use ripemd::Ripemd160;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wattpool_schema::ADDRESS_PREFIX;

/// Where a Cosmos account's key stands under its mnemonic.
const PATH: &str = "m/44'/118'/0'/0/0";

/// An account of a throw-away network: its secret stands beside its address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Bech32 address.
    pub address: String,
    /// BIP-39 words of the key, at path `m/44'/118'/0'/0/0`.
    pub mnemonic: String,
}

impl Account {
    /// A fresh key of the operating system's randomness.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate() -> Result<Self> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)
            .map_err(|error| anyhow!("no randomness for a key: {error}"))?;
        Self::of(&Mnemonic::from_entropy(entropy, Language::English))
    }

    /// The account of 24 given words.
    ///
    /// # Errors
    /// When they are no mnemonic.
    pub fn from_mnemonic(words: &str) -> Result<Self> {
        let mnemonic = Mnemonic::new(words, Language::English)
            .map_err(|_| anyhow!("a mnemonic of 24 English words was expected"))?;
        Self::of(&mnemonic)
    }

    fn of(mnemonic: &Mnemonic) -> Result<Self> {
        let path: DerivationPath = PATH.parse().context("derivation path")?;
        let key =
            XPrv::derive_from_path(mnemonic.to_seed(""), &path).context("key of a mnemonic")?;
        let hash = Ripemd160::digest(Sha256::digest(key.public_key().to_bytes()));
        Ok(Self {
            address: address(&hash)?,
            mnemonic: mnemonic.phrase().to_owned(),
        })
    }
}

/// Shows no secret.
impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The address of a module's own account, such as `gov`: the first 20 bytes of its name's SHA-256.
///
/// # Errors
/// Never for the prefix this is built with.
pub fn module_address(module: &str) -> Result<String> {
    let hash = Sha256::digest(module.as_bytes());
    let (bytes, _) = hash.split_at(20);
    address(bytes)
}

fn address(bytes: &[u8]) -> Result<String> {
    let prefix = Hrp::parse(ADDRESS_PREFIX).context("address prefix")?;
    Ok(bech32::encode::<Bech32>(prefix, bytes)?)
}

/// Coins in micro-units of a denomination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Denomination.
    pub denom: String,
    /// Micro-units.
    pub amount: u128,
}

impl Coin {
    /// Micro-units of a denomination.
    pub fn new(amount: u128, denom: impl Into<String>) -> Self {
        Self {
            denom: denom.into(),
            amount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Known from every Cosmos chain: the address of the governance module, with their prefix.
    #[test]
    fn the_address_of_governance_is_known() {
        let (_, expected) =
            bech32::decode("cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn").unwrap();
        let (prefix, found) = bech32::decode(&module_address("gov").unwrap()).unwrap();
        assert_eq!(found, expected);
        assert_eq!(prefix.as_str(), ADDRESS_PREFIX);
    }

    #[test]
    fn words_make_the_same_account_again() {
        let account = Account::generate().unwrap();
        assert_eq!(Account::from_mnemonic(&account.mnemonic).unwrap(), account);
        assert!(Account::from_mnemonic("one two").is_err());
        assert!(!format!("{account:?}").contains(&account.mnemonic));
    }
}
