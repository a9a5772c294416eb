//! Exported keys: the armoured text that Cosmos wallets exchange (`keys export`, `keys import`).
//!
//! The text is OpenPGP's ASCII armour (RFC 4880, 6) around a key that is encrypted under a passphrase. Two ways of
//! making the encryption key are in use: argon2id with ChaCha20-Poly1305 (what today's wallets write), and bcrypt
//! with XSalsa20-Poly1305 (what older ones wrote).

use crate::error::{Result, WalletError};
use crate::key::Secret;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use base64::Engine;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use crypto_secretbox::XSalsa20Poly1305;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Type of the block.
const BLOCK: &str = "TENDERMINT PRIVATE KEY";
/// The key's type in the older encoding, and its length.
const PREFIX: [u8; 5] = [0xe1, 0xb0, 0xf7, 0x9b, 32];
/// Passes, KiB and lanes of argon2id.
const ARGON2: (u32, u32, u32) = (1, 64 * 1024, 4);
/// bcrypt's cost.
const BCRYPT: u32 = 12;
/// bcrypt reads no further.
const BCRYPT_READS: usize = 72;

/// How the encryption key is made of a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// argon2id; what wallets of today write.
    Argon2,
    /// bcrypt; what wallets before 2023 read.
    Bcrypt,
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| WalletError::failed("random bytes", e))?;
    Ok(bytes)
}

fn argon2_key(passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let failed = |e: argon2::Error| WalletError::input("armoured key", e);
    let (passes, kib, lanes) = ARGON2;
    let params = argon2::Params::new(kib, passes, lanes, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(failed)?;
    Ok(key)
}

/// SHA-256 over the text of the bcrypt hash.
fn bcrypt_key(passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let salt: [u8; 16] = salt
        .try_into()
        .map_err(|_| WalletError::input("armoured key", "expected a salt of 16 bytes"))?;
    if passphrase.len() >= BCRYPT_READS {
        let why = format!("expected less than {BCRYPT_READS} bytes for a key under bcrypt");
        return Err(WalletError::input("passphrase", why));
    }
    let parts = bcrypt::hash_with_salt(passphrase, BCRYPT, salt)
        .map_err(|e| WalletError::failed("bcrypt", e))?;
    let text = Zeroizing::new(parts.format_for_version(bcrypt::Version::TwoA));
    Ok(Zeroizing::new(Sha256::digest(text.as_bytes()).into()))
}

/// Writes a key for other wallets, under a passphrase of its own.
///
/// # Errors
/// The system gives no random bytes, or the passphrase is too long for bcrypt.
pub fn export(secret: &Secret, passphrase: &str, how: Derivation) -> Result<String> {
    let salt: [u8; 16] = random()?;
    let plain = Zeroizing::new([PREFIX.as_slice(), secret.expose()].concat());
    let failed = |_| WalletError::failed("armoured key", "it could not be encrypted");
    let (name, sealed) = match how {
        Derivation::Argon2 => {
            let key = argon2_key(passphrase, &salt)?;
            let cipher = ChaCha20Poly1305::new(key.as_slice().into());
            // The key is used once, so the nonce may stand still.
            let sealed = cipher.encrypt(&Default::default(), plain.as_slice());
            ("argon2", sealed.map_err(failed)?)
        }
        Derivation::Bcrypt => {
            let key = bcrypt_key(passphrase, &salt)?;
            let nonce: [u8; 24] = random()?;
            let cipher = XSalsa20Poly1305::new(key.as_slice().into());
            let sealed = cipher.encrypt(&nonce.into(), plain.as_slice());
            let sealed = sealed.map_err(|_| WalletError::failed("armoured key", "encryption"))?;
            ("bcrypt", [nonce.as_slice(), &sealed].concat())
        }
    };
    let salt = hex::encode_upper(salt);
    let headers = [("kdf", name), ("salt", &salt), ("type", "secp256k1")];
    Ok(armour(&headers, &sealed))
}

/// Reads an exported key.
///
/// # Errors
/// It is not one, its passphrase is another one, or it holds another kind of key.
pub fn import(text: &str, passphrase: &str) -> Result<Secret> {
    let bad = |why: &str| WalletError::input("armoured key", why);
    let (headers, sealed) = unarmour(text)?;
    if let Some(kind) = headers.get("type").filter(|kind| *kind != "secp256k1") {
        return Err(bad(&format!("expected a key of secp256k1, found {kind}")));
    }
    let salt = headers
        .get("salt")
        .and_then(|salt| hex::decode(salt).ok())
        .filter(|salt| salt.len() >= 8)
        .ok_or_else(|| bad("expected a line such as \"salt: 0A1B...\""))?;
    let wrong = "the passphrase is wrong, or the text was changed";
    let plain = match headers.get("kdf").map(String::as_str) {
        Some("argon2") => {
            let key = argon2_key(passphrase, &salt)?;
            ChaCha20Poly1305::new(key.as_slice().into())
                .decrypt(&Default::default(), sealed.as_slice())
                .map_err(|_| bad(wrong))?
        }
        Some("bcrypt") => {
            let key = bcrypt_key(passphrase, &salt)?;
            let (nonce, sealed) = sealed
                .split_first_chunk::<24>()
                .ok_or_else(|| bad("expected a nonce of 24 bytes"))?;
            XSalsa20Poly1305::new(key.as_slice().into())
                .decrypt(nonce.into(), sealed)
                .map_err(|_| bad(wrong))?
        }
        other => {
            let found = other.unwrap_or("none");
            return Err(bad(&format!(
                "expected the derivation argon2 or bcrypt (\"kdf: argon2\"), found {found}"
            )));
        }
    };
    let plain = Zeroizing::new(plain);
    let secret = plain
        .strip_prefix(PREFIX.as_slice())
        .ok_or_else(|| bad("expected a key of secp256k1 inside"))?;
    Secret::from_slice(secret)
}

/// OpenPGP's checksum of armoured bytes (RFC 4880, 6.1).
fn crc24(bytes: &[u8]) -> [u8; 3] {
    let mut crc: u32 = 0x00b7_04ce;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    let [_, a, b, c] = crc.to_be_bytes();
    [a, b, c]
}

fn armour(headers: &[(&str, &str)], bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {BLOCK}-----\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    let encoded = STANDARD.encode(bytes);
    for (place, letter) in encoded.chars().enumerate() {
        if place != 0 && place.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str(&format!("\n={}\n", STANDARD.encode(crc24(bytes))));
    text.push_str(&format!("-----END {BLOCK}-----\n"));
    text
}

type Unarmoured = (BTreeMap<String, String>, Vec<u8>);

fn unarmour(text: &str) -> Result<Unarmoured> {
    let bad = |why: &str| WalletError::input("armoured key", why);
    let begin = format!("-----BEGIN {BLOCK}-----");
    let end = format!("-----END {BLOCK}-----");
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != begin);
    if lines.next().is_none() {
        return Err(bad(&format!("expected a line {begin:?}, found none")));
    }
    let mut headers = BTreeMap::new();
    for line in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(": ") else {
            return Err(bad(
                "expected lines such as \"kdf: argon2\", then an empty one",
            ));
        };
        headers.insert(name.to_owned(), value.to_owned());
    }
    let (mut encoded, mut sum, mut ended) = (String::new(), None, false);
    for line in lines {
        if line == end {
            ended = true;
            break;
        }
        match line.strip_prefix('=') {
            Some(rest) => sum = Some(rest.to_owned()),
            None => encoded.push_str(line),
        }
    }
    if !ended {
        return Err(bad(&format!("expected a line {end:?}, found none")));
    }
    let bytes = STANDARD_NO_PAD
        .decode(encoded.trim_end_matches('='))
        .map_err(|e| bad(&format!("expected base64 ({e})")))?;
    if sum.is_some_and(|sum| sum != STANDARD.encode(crc24(&bytes))) {
        return Err(bad("its checksum is wrong: the text was changed"));
    }
    Ok((headers, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_under_both_derivations_with_their_passphrase_alone() {
        let secret = Secret::from_slice(&[9; 32]).unwrap();
        for how in [Derivation::Argon2, Derivation::Bcrypt] {
            let text = export(&secret, "correct horse", how).unwrap();
            assert_eq!(import(&text, "correct horse").unwrap().expose(), &[9; 32]);
            let error = import(&text, "wrong").unwrap_err().to_string();
            assert!(error.contains("the passphrase is wrong"), "{error}");
            // Windows' line ends and text around it are taken.
            let other = format!("Here it is:\r\n{}", text.replace('\n', "\r\n"));
            assert!(import(&other, "correct horse").is_ok());
            let cut = text.replace("-----END", "");
            assert!(import(&cut, "correct horse")
                .unwrap_err()
                .to_string()
                .contains("END"));
            let line = text.lines().nth(5).unwrap();
            let changed = text.replace(line, &line.replacen(&line[..1], "_", 1));
            assert!(import(&changed, "correct horse").is_err());
        }
        let error = export(&secret, &"x".repeat(72), Derivation::Bcrypt).unwrap_err();
        assert!(error.to_string().contains("less than 72 bytes"), "{error}");
    }

    /// RFC 4880's checksum of nothing is its initial value.
    #[test]
    fn the_checksum_begins_as_the_standard_says() {
        assert_eq!(crc24(b""), [0xb7, 0x04, 0xce]);
        assert_eq!(crc24(b"123456789"), [0x21, 0xcf, 0x02]);
    }
}
