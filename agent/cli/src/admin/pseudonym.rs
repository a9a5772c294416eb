//! `wattpool admin pseudonym`: a meter's id on the chain, from the number on its housing.
//!
//! The id is the first 16 bytes of HMAC-SHA-256 (RFC 2104) over `wattpool meter` and the number, under a secret of 32
//! bytes that the registrar alone has: without it nobody can tell which number an id is of, or try all numbers.

use crate::chain::Session;
use crate::Failure;
use anyhow::{anyhow, Context};
use hmac::{Hmac, Mac};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wattpool_schema::MeterId;
use zeroize::Zeroizing;

/// What the number is hashed with, so that the secret serves nothing else.
const DOMAIN: &[u8] = b"wattpool meter\0";

/// Computes pseudonyms.
#[derive(clap::Args)]
pub struct Pseudonym {
    /// Numbers of meters, as they are printed on them; letters count as capitals, spaces and hyphens do not count.
    numbers: Vec<String>,
    /// The registrar's secret: a file with 64 hexadecimal digits.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Draw a new secret and write it to the file first.
    #[arg(long)]
    new_secret: bool,
}

/// Reads the registrar's secret; one that others can read is re-tightened, with a warning.
///
/// # Errors
/// It cannot be read, or is none (exit code 2).
pub fn read_secret(file: &Path) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let what = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .with_context(|| what.clone())
        .map_err(Failure::input)?;
    let mode = std::fs::metadata(file)
        .with_context(|| what.clone())?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
            .with_context(|| what.clone())?;
        eprintln!("wattpool: warning: {what}: others could read it (mode {mode:o}); now 600");
    }
    let bytes = hex::decode(text.trim()).ok().map(Zeroizing::new);
    let bytes = bytes.and_then(|b| <[u8; 32]>::try_from(b.as_slice()).ok());
    bytes
        .map(Zeroizing::new)
        .ok_or_else(|| Failure::input(anyhow!("{what}: expected 64 hexadecimal digits")))
}

/// The pseudonym of a number.
///
/// # Errors
/// The number has no letters or digits, or others than these, spaces and hyphens.
pub fn of(secret: &[u8; 32], number: &str) -> Result<MeterId, String> {
    let plain: String = number
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if plain.is_empty() || !plain.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!(
            "number: expected letters and digits, found {number:?}"
        ));
    }
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).map_err(|e| e.to_string())?;
    mac.update(DOMAIN);
    mac.update(plain.as_bytes());
    let hash = mac.finalize().into_bytes();
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(hash) {
        *to = from;
    }
    hex::encode(id).parse().map_err(|e| format!("{e}"))
}

/// Computes and prints.
///
/// # Errors
/// The secret or a number is none (exit code 2).
pub fn run(session: &Session, args: &Pseudonym) -> Result<u8, Failure> {
    if args.new_secret {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|e| anyhow!("random bytes: {e}"))?;
        let text = Zeroizing::new(format!("{}\n", hex::encode(bytes.as_slice())));
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&args.secret)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .with_context(|| args.secret.display().to_string())
            .map_err(Failure::input)?;
        eprintln!(
            "{}: written; back it up: without it no meter can be found by its number",
            args.secret.display()
        );
    } else if args.numbers.is_empty() {
        return Err(Failure::input(anyhow!("numbers: expected at least one")));
    }
    let secret = read_secret(&args.secret)?;
    let mut all = Vec::new();
    for number in &args.numbers {
        let id = of(&secret, number).map_err(|e| Failure::input(anyhow!(e)))?;
        all.push((number, id));
    }
    let values: Vec<_> = all
        .iter()
        .map(|(number, id)| json!({"number": number, "meter": id}))
        .collect();
    session.answer(&values, || {
        all.iter()
            .map(|(number, id)| format!("{id}  {number}\n"))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_pseudonym_however_it_is_written() {
        let id = of(&[1; 32], "1EMH00-1234 5678").unwrap();
        assert_eq!(of(&[1; 32], "1emh0012345678").unwrap(), id);
        assert_ne!(of(&[2; 32], "1emh0012345678").unwrap(), id);
        assert_ne!(of(&[1; 32], "1emh0012345679").unwrap(), id);
        for bad in ["", " - ", "12/3", "é1"] {
            assert!(of(&[1; 32], bad).is_err(), "{bad:?}");
        }
    }
}
