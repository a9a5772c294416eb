//! Keys between wallets.

use super::keys::{keep, secret_line};
use crate::chain::{unusable, warn, Session};
use crate::{print, Failure};
use age::secrecy::ExposeSecret;
use anyhow::{anyhow, Context};
use serde_json::json;
use std::io::Read;
use std::path::PathBuf;
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::armour::{self, Derivation};
use wattpool_wallet::key::Secret;
use wattpool_wallet::passphrase::Passphrases;
use zeroize::Zeroizing;

/// An armoured key is a few hundred bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// Adds a key from another wallet.
#[derive(clap::Args)]
pub struct Import {
    /// Its name here.
    name: String,
    /// The armoured key; - is standard input.
    #[arg(required_unless_present = "hex")]
    file: Option<String>,
    /// Take 64 hexadecimal digits from standard input instead.
    #[arg(long, conflicts_with = "file")]
    hex: bool,
    /// File with the passphrase of the armoured key; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    armour_passphrase_file: Option<PathBuf>,
}

/// How the key of the encryption is made.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Kdf {
    /// As wallets of today write it.
    Argon2,
    /// For wallets before 2023.
    Bcrypt,
}

/// Writes a key for another wallet.
#[derive(clap::Args)]
pub struct Export {
    /// Its name.
    name: String,
    /// File with the passphrase for the armoured key; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    armour_passphrase_file: Option<PathBuf>,
    /// How the armour's key is made of the passphrase.
    #[arg(long, value_name = "HOW", value_enum, default_value = "argon2")]
    kdf: Kdf,
    /// Print the secret itself, unprotected, in hexadecimal; needs --unsafe.
    #[arg(long, requires = "unsafe")]
    unarmored_hex: bool,
    /// Say that the secret may be seen.
    #[arg(long = "unsafe", id = "unsafe")]
    is_unsafe: bool,
}

/// Imports and prints the address.
///
/// # Errors
/// It is no exported key, or its passphrase is wrong (exit code 2).
pub fn import(session: &Session, args: &Import) -> Result<u8, Failure> {
    let secret = if args.hex {
        Secret::from_hex(&secret_line("The key's 64 hexadecimal digits: ")?).map_err(unusable)?
    } else {
        let file = args.file.as_deref().unwrap_or("-");
        let mut text = Zeroizing::new(String::new());
        let read = if file == "-" {
            std::io::stdin()
                .lock()
                .take(MOST_BYTES)
                .read_to_string(&mut text)
        } else {
            std::fs::File::open(file).and_then(|f| f.take(MOST_BYTES).read_to_string(&mut text))
        };
        read.with_context(|| file.to_owned())
            .map_err(Failure::input)?;
        let from = Passphrases::new(args.armour_passphrase_file.clone(), None, warn);
        let word = from
            .get("Passphrase of the armoured key: ")
            .map_err(unusable)?;
        armour::import(&text, word.expose_secret()).map_err(unusable)?
    };
    let info = keep(session, &args.name, &secret, None)?;
    let address = info.public.address(ADDRESS_PREFIX).map_err(unusable)?;
    session.answer(&json!({"name": info.name, "address": address}), || {
        format!("{:<16} {address}\n", info.name)
    })
}

/// Prints the exported key.
///
/// # Errors
/// There is no such key, or the passphrase is wrong (exit code 2).
pub fn export(session: &Session, args: &Export) -> Result<u8, Failure> {
    let info = session.find(&args.name)?;
    if args.unarmored_hex {
        session.confirm(&format!(
            "This will print the secret of key {} unprotected.",
            info.name
        ))?;
        let secret = session.secret(&info.name)?;
        print(&Zeroizing::new(format!(
            "{}\n",
            hex::encode(secret.expose())
        )))?;
        return Ok(0);
    }
    let secret = session.secret(&info.name)?;
    let to = Passphrases::new(args.armour_passphrase_file.clone(), None, warn);
    let word = to
        .choose("Passphrase for the armoured key: ")
        .map_err(unusable)?;
    if word.expose_secret().len() < 8 {
        return Err(Failure::input(anyhow!(
            "passphrase for the armoured key: expected at least 8 letters, as other wallets ask for"
        )));
    }
    let how = match args.kdf {
        Kdf::Argon2 => Derivation::Argon2,
        Kdf::Bcrypt => Derivation::Bcrypt,
    };
    print(&armour::export(&secret, word.expose_secret(), how).map_err(unusable)?)?;
    Ok(0)
}
