//! Recovery words (BIP-39, English, 12 or 24) and the keys they lead to (BIP-32).

use crate::error::{Result, WalletError};
use crate::key::Secret;
use bip39::{Language, Mnemonic};
use zeroize::Zeroizing;

/// The coin type of Cosmos accounts (SLIP-44).
pub const COIN_TYPE: u32 = 118;

/// Where a key stands under its words: `m/44'/coin'/account'/0/index`.
///
/// # Errors
/// A number is 2^31 or more.
pub fn path(coin: u32, account: u32, index: u32) -> Result<String> {
    for (what, number) in [("coin type", coin), ("account", account), ("index", index)] {
        if number >= 1 << 31 {
            return Err(WalletError::input(
                what,
                format!("expected less than 2147483648, found {number}"),
            ));
        }
    }
    Ok(format!("m/44'/{coin}'/{account}'/0/{index}"))
}

/// Draws new words.
///
/// # Errors
/// `count` is neither 12 nor 24, or the system gives no random bytes.
pub fn draw(count: u8) -> Result<Zeroizing<String>> {
    let mut entropy = Zeroizing::new([0; 32]);
    let length = match count {
        12 => 16,
        24 => 32,
        other => {
            return Err(WalletError::input(
                "words",
                format!("expected 12 or 24, found {other}"),
            ))
        }
    };
    getrandom::fill(entropy.as_mut_slice()).map_err(|e| WalletError::failed("random bytes", e))?;
    let drawn = entropy.get(..length).unwrap_or_default();
    let words = Mnemonic::from_entropy_in(Language::English, drawn)
        .map_err(|e| WalletError::failed("words", e))?;
    Ok(Zeroizing::new(words.to_string()))
}

/// The seed behind words; `extra` is BIP-39's passphrase, empty for most wallets.
///
/// # Errors
/// They are not 12 or 24 English words with a right checksum. No word is quoted.
pub fn seed(words: &str, extra: &str) -> Result<Zeroizing<[u8; 64]>> {
    let split: Vec<&str> = words.split_whitespace().collect();
    let bad = |why: &str| WalletError::input("words", why);
    if split.len() != 12 && split.len() != 24 {
        return Err(bad(&format!(
            "expected 12 or 24 words, found {}",
            split.len()
        )));
    }
    let text = Zeroizing::new(split.join(" "));
    let mut mnemonic =
        Mnemonic::parse_in_normalized(Language::English, &text).map_err(|e| match e {
            bip39::Error::UnknownWord(place) => bad(&format!(
                "word {} is not one of the English list",
                place.saturating_add(1)
            )),
            _ => bad("the checksum is wrong: a word is mistaken, missing or out of order"),
        })?;
    let seed = Zeroizing::new(mnemonic.to_seed(extra));
    zeroize::Zeroize::zeroize(&mut mnemonic);
    Ok(seed)
}

/// The key that words and a path (`m/44'/118'/0'/0/0`) lead to.
///
/// # Errors
/// As [`seed`], or the path is none.
pub fn derive(words: &str, extra: &str, path: &str) -> Result<Secret> {
    let seed = seed(words, extra)?;
    let parsed = path
        .parse()
        .map_err(|e| WalletError::input(format!("path {path:?}"), e))?;
    let derived = bip32::XPrv::derive_from_path(seed.as_slice(), &parsed)
        .map_err(|e| WalletError::input(format!("path {path:?}"), e))?;
    let bytes = Zeroizing::new(<[u8; 32]>::from(derived.private_key().to_bytes()));
    Secret::from_slice(bytes.as_slice())
}
