//! Addresses in bech32: of accounts, of validators as operators and by their consensus keys, with any prefix.

use crate::error::{Result, WalletError};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};

/// What follows the chain's prefix in the address of a validator's operator.
pub const OPERATOR: &str = "valoper";
/// What follows it in the address of a validator's consensus key.
pub const CONSENSUS: &str = "valcons";

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Before the `1`.
    pub prefix: String,
    /// 20 bytes of a key's or a multisig's hash, 32 of a contract.
    pub bytes: Vec<u8>,
}

/// Takes an address of any prefix apart. `what` names it in errors.
///
/// # Errors
/// It is no bech32 in lower case, its checksum is wrong, or it is neither 20 nor 32 bytes long.
pub fn parse(what: &str, text: &str) -> Result<Address> {
    let bad = |why: String| WalletError::input(what, format!("{why}, found {text:?}"));
    if text.chars().any(char::is_uppercase) {
        return Err(bad("expected an address in lower case".to_owned()));
    }
    let read = CheckedHrpstring::new::<Bech32>(text)
        .map_err(|e| bad(format!("expected an address ({e})")))?;
    let bytes: Vec<u8> = read.byte_iter().collect();
    if bytes.len() != 20 && bytes.len() != 32 {
        let length = bytes.len();
        return Err(bad(format!(
            "expected an address of 20 or 32 bytes, this one has {length}"
        )));
    }
    Ok(Address {
        prefix: read.hrp().to_string(),
        bytes,
    })
}

/// The bytes of an address that must have this prefix.
///
/// # Errors
/// As [`parse`], or the prefix is another one.
pub fn with_prefix(what: &str, text: &str, prefix: &str) -> Result<Vec<u8>> {
    let found = parse(what, text)?;
    if found.prefix != prefix {
        return Err(WalletError::input(
            what,
            format!("expected an address that begins with {prefix}1, found {text:?}"),
        ));
    }
    Ok(found.bytes)
}

/// Writes an address.
///
/// # Errors
/// The prefix is not one.
pub fn encode(bytes: &[u8], prefix: &str) -> Result<String> {
    let bad = |e: String| WalletError::input(format!("address prefix {prefix:?}"), e);
    if prefix.chars().any(char::is_uppercase) {
        return Err(bad("expected lower case".to_owned()));
    }
    let hrp = Hrp::parse(prefix).map_err(|e| bad(e.to_string()))?;
    bech32::encode::<Bech32>(hrp, bytes).map_err(|e| bad(e.to_string()))
}

/// The same account as the operator of a validator.
///
/// # Errors
/// The prefix is not one.
pub fn operator(bytes: &[u8], prefix: &str) -> Result<String> {
    encode(bytes, &format!("{prefix}{OPERATOR}"))
}

/// Hash of a compressed secp256k1 key: RIPEMD-160 over SHA-256.
pub fn of_secp256k1(key: &[u8; 33]) -> [u8; 20] {
    Ripemd160::digest(Sha256::digest(key)).into()
}

/// Hash of an ed25519 key (a validator's consensus key) or of a multisig's amino bytes: the first 20 bytes of
/// SHA-256.
pub fn truncated(bytes: &[u8]) -> [u8; 20] {
    let mut short = [0; 20];
    for (to, from) in short.iter_mut().zip(Sha256::digest(bytes)) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_bech32_of_the_right_prefix_is_taken() {
        let bytes = [7; 20];
        let text = encode(&bytes, "watt").unwrap();
        assert_eq!(with_prefix("--to", &text, "watt").unwrap(), bytes);
        let parsed = parse("--to", &operator(&bytes, "watt").unwrap()).unwrap();
        assert_eq!(
            (parsed.prefix.as_str(), parsed.bytes),
            ("wattvaloper", bytes.to_vec())
        );
        let told = |text: &str| with_prefix("--to", text, "watt").unwrap_err().to_string();
        assert!(told(&text.to_uppercase()).starts_with("--to: expected an address in lower case"));
        assert!(told(&encode(&bytes, "cosmos").unwrap()).contains("begins with watt1"));
        assert!(told(&format!("{text}q")).contains("expected an address ("));
        assert!(told(&encode(&[1; 19], "watt").unwrap()).contains("this one has 19"));
        assert!(told("").contains("expected an address"));
        assert!(encode(&bytes, "WATT").is_err() && encode(&bytes, "").is_err());
    }
}
