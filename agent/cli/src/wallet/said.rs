//! Signed messages that are no transactions.

use crate::chain::{unusable, Session};
use crate::{print, Failure};
use anyhow::{anyhow, Context};
use serde_json::Value;
use std::io::Read;
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::adr36;

/// A message is at most so long.
const MOST_BYTES: u64 = 1024 * 1024;

/// Signs a message.
#[derive(clap::Args)]
pub struct SignMessage {
    /// The message; without it, standard input.
    message: Option<String>,
    /// Prefix of the signing address.
    #[arg(long, value_name = "PREFIX", default_value = ADDRESS_PREFIX)]
    prefix: String,
}

/// Checks a message's signature.
#[derive(clap::Args)]
pub struct VerifyMessage {
    /// Who is said to have signed.
    #[arg(long, value_name = "ADDRESS")]
    address: String,
    /// The signature, JSON as `sign-message` prints it: a file, or - for standard input.
    #[arg(long, value_name = "FILE|-")]
    signature: String,
    /// The message; without it, standard input.
    message: Option<String>,
}

fn message(given: Option<&String>) -> Result<Vec<u8>, Failure> {
    if let Some(text) = given {
        return Ok(text.clone().into_bytes());
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .context("standard input")?;
    Ok(bytes)
}

/// Signs and prints the signature.
///
/// # Errors
/// No such key, or the passphrase is wrong (exit code 2).
pub fn sign(session: &Session, args: &SignMessage) -> Result<u8, Failure> {
    let data = message(args.message.as_ref())?;
    let Some(info) = session.signer()?.info else {
        return Err(Failure::input(anyhow!(
            "--from: expected a key of this keystore"
        )));
    };
    let secret = session.secret(&info.name)?;
    let signed = adr36::sign(&secret, &args.prefix, &data).map_err(unusable)?;
    print(&format!("{signed}\n"))?;
    Ok(0)
}

/// Checks and says what was found; exit code 3 if the signature is not the account's.
///
/// # Errors
/// The signature is in no known form (exit code 2).
pub fn verify(session: &Session, args: &VerifyMessage) -> Result<u8, Failure> {
    if args.signature == "-" && args.message.is_none() {
        let error = anyhow!(
            "--signature -: standard input is one of the two; give the message as an argument"
        );
        return Err(Failure::input(error));
    }
    let text = if args.signature == "-" {
        String::from_utf8(message(None)?).map_err(Failure::input)?
    } else {
        std::fs::read_to_string(&args.signature)
            .with_context(|| args.signature.clone())
            .map_err(Failure::input)?
    };
    let signed: Value = serde_json::from_str(&text)
        .map_err(|e| Failure::input(anyhow!("{}: expected JSON: {e}", args.signature)))?;
    let data = message(args.message.as_ref())?;
    let holds = adr36::verify(&args.address, &data, &signed).map_err(unusable)?;
    session.answer(&serde_json::json!({"valid": holds}), || {
        let word = if holds { "signed" } else { "did not sign" };
        format!("{} {word} this message\n", args.address)
    })?;
    Ok(if holds { 0 } else { 3 })
}
