//! Keys: made, recovered, listed, shown, renamed, deleted.

use crate::chain::{unusable, warn, Session};
use crate::{print, Failure};
use anyhow::{anyhow, Context};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::{json, Value};
use std::io::{BufRead, IsTerminal};
use wattpool_schema::ADDRESS_PREFIX;
use wattpool_wallet::address::{self, CONSENSUS, OPERATOR};
use wattpool_wallet::key::{PublicKey, Secret};
use wattpool_wallet::store::{Backend, Info};
use wattpool_wallet::words;
use zeroize::Zeroizing;

/// Where a key stands under its words.
#[derive(clap::Args)]
pub struct PathArgs {
    /// Account of the path m/44'/coin'/account'/0/index.
    #[arg(long, value_name = "N", default_value_t = 0)]
    account: u32,
    /// Index of the path.
    #[arg(long, value_name = "N", default_value_t = 0)]
    index: u32,
    /// Coin type of the path (118 for all Cosmos accounts).
    #[arg(long, value_name = "N", default_value_t = words::COIN_TYPE)]
    coin_type: u32,
    /// The whole path, such as "m/44'/118'/0'/0/0".
    #[arg(long, value_name = "PATH", conflicts_with_all = ["account", "index", "coin_type"])]
    hd_path: Option<String>,
}

impl PathArgs {
    fn path(&self) -> Result<String, Failure> {
        match &self.hd_path {
            Some(path) => Ok(path.clone()),
            None => words::path(self.coin_type, self.account, self.index).map_err(unusable),
        }
    }
}

/// Makes a key.
#[derive(clap::Args)]
pub struct New {
    /// Its name.
    name: String,
    /// Number of words: 12 or 24.
    #[arg(long, value_name = "N", default_value_t = 24)]
    words: u8,
    #[command(flatten)]
    path: PathArgs,
    /// Take the words from standard input instead of drawing them.
    #[arg(long)]
    recover: bool,
    /// Do not show the words: the key can then be backed up by its file or an export alone.
    #[arg(long, conflicts_with = "recover")]
    no_backup: bool,
    /// Add a public key whose secret is on another machine (JSON as `show --pubkey` prints it).
    #[arg(long, value_name = "JSON", conflicts_with_all = ["recover", "no_backup", "multisig"])]
    pubkey: Option<String>,
    /// Make an account of these keys, names or addresses separated by commas.
    #[arg(long, value_name = "KEYS", value_delimiter = ',', conflicts_with_all = ["recover", "no_backup"])]
    multisig: Vec<String>,
    /// How many of them have to sign.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "multisig")]
    multisig_threshold: u32,
    /// Keep the keys in the order given (by default they are sorted by address).
    #[arg(long, requires = "multisig")]
    nosort: bool,
}

/// Recovers a key.
#[derive(clap::Args)]
pub struct Recover {
    /// Its name.
    name: String,
    #[command(flatten)]
    path: PathArgs,
}

/// Shows a key.
#[derive(clap::Args)]
pub struct Show {
    /// Its name or address.
    key: String,
    /// Print the address only.
    #[arg(long, short = 'd')]
    address: bool,
    /// Which address: acc, val (operator) or cons (as if it were a consensus key).
    #[arg(long, value_name = "KIND", default_value = "acc", value_parser = ["acc", "val", "cons"])]
    bech: String,
    /// Prefix of the address.
    #[arg(long, value_name = "PREFIX", default_value = ADDRESS_PREFIX)]
    prefix: String,
    /// Print the public key only, as JSON.
    #[arg(long, short = 'p', conflicts_with = "address")]
    pubkey: bool,
}

/// Renames a key.
#[derive(clap::Args)]
pub struct Rename {
    /// Its name.
    old: String,
    /// The new one.
    new: String,
}

/// Deletes a key.
#[derive(clap::Args)]
pub struct Delete {
    /// Its name.
    name: String,
}

/// Changes a passphrase.
#[derive(clap::Args)]
pub struct Passwd {
    /// The key's name.
    name: String,
    /// File with the new passphrase; without it, it is asked for.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<std::path::PathBuf>,
}

/// Shows an address.
#[derive(clap::Args)]
pub struct AddressArgs {
    /// In bech32, or 40 or 64 hexadecimal digits.
    address: String,
    /// Another prefix to show it with.
    #[arg(long, value_name = "PREFIX", default_value = ADDRESS_PREFIX)]
    prefix: String,
}

/// What is known of a key, for programs.
fn described(info: &Info) -> Result<Value, Failure> {
    let kind = match (&info.public, info.local) {
        (PublicKey::Multisig { .. }, _) => "multi",
        (PublicKey::Secp256k1(_), true) => "local",
        (PublicKey::Secp256k1(_), false) => "offline",
    };
    Ok(json!({
        "name": info.name,
        "type": kind,
        "address": info.public.address(ADDRESS_PREFIX).map_err(unusable)?,
        "pubkey": info.public.json(),
        "path": info.path,
    }))
}

fn line(info: &Info) -> Result<String, Failure> {
    let address = info.public.address(ADDRESS_PREFIX).map_err(unusable)?;
    let note = match (&info.public, info.local) {
        (PublicKey::Multisig { threshold, keys }, _) => format!("  {threshold} of {}", keys.len()),
        (PublicKey::Secp256k1(_), false) => "  signs elsewhere".to_owned(),
        _ => String::new(),
    };
    Ok(format!("{:<16} {address}{note}\n", info.name))
}

/// A line of standard input with a secret in it, or the answer at a terminal.
pub fn secret_line(question: &str) -> Result<Zeroizing<String>, Failure> {
    if std::io::stdin().is_terminal() {
        let answer = rpassword::prompt_password(question).context("terminal")?;
        return Ok(Zeroizing::new(answer));
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("standard input")?;
    Ok(line)
}

/// Keeps a secret under a name.
///
/// # Errors
/// The name is taken, or no passphrase is to be had.
pub fn keep(
    session: &Session,
    name: &str,
    secret: &Secret,
    path: Option<String>,
) -> Result<Info, Failure> {
    let store = session.store()?;
    if store.has(name).map_err(unusable)? {
        let error = anyhow!("key {name}: there is one of this name already: choose another one, or rename or delete that");
        return Err(Failure::input(error));
    }
    let passphrase = match store.backend() {
        Backend::Test => {
            eprintln!("wattpool: warning: backend test keeps the key in the clear: for networks that are thrown away");
            None
        }
        Backend::File => {
            let question = format!("New passphrase for key {name}: ");
            Some(session.passphrases().choose(&question).map_err(unusable)?)
        }
    };
    store.add(name, secret, path, passphrase).map_err(unusable)
}

/// Makes a key and prints it.
///
/// # Errors
/// The input is wrong (exit code 2), or the keystore cannot be written.
pub fn new(session: &Session, args: &New) -> Result<u8, Failure> {
    if let Some(text) = &args.pubkey {
        let value: Value = serde_json::from_str(text)
            .map_err(|e| Failure::input(anyhow!("--pubkey: expected JSON: {e}")))?;
        let public = PublicKey::from_json(&value).map_err(unusable)?;
        let info = session
            .store()?
            .add_public(&args.name, public)
            .map_err(unusable)?;
        return session.answer(&described(&info)?, || line(&info).unwrap_or_default());
    }
    if !args.multisig.is_empty() {
        let mut keys = Vec::new();
        for named in &args.multisig {
            match session.find(named)?.public {
                PublicKey::Secp256k1(key) => keys.push(key),
                PublicKey::Multisig { .. } => {
                    return Err(Failure::input(anyhow!(
                        "--multisig {named}: expected a single key, found a multisig"
                    )))
                }
            }
        }
        let public =
            PublicKey::multisig(args.multisig_threshold, keys, !args.nosort).map_err(unusable)?;
        let info = session
            .store()?
            .add_public(&args.name, public)
            .map_err(unusable)?;
        return session.answer(&described(&info)?, || line(&info).unwrap_or_default());
    }
    if args.recover {
        return recovered(session, &args.name, &args.path);
    }
    let path = args.path.path()?;
    let drawn = words::draw(args.words).map_err(unusable)?;
    let secret = words::derive(&drawn, "", &path).map_err(unusable)?;
    let info = keep(session, &args.name, &secret, Some(path))?;
    let mut value = described(&info)?;
    if args.no_backup {
        return session.answer(&value, || line(&info).unwrap_or_default());
    }
    if session.as_json() {
        if let Some(object) = value.as_object_mut() {
            object.insert("mnemonic".to_owned(), drawn.as_str().into());
        }
        print(&Zeroizing::new(format!("{value}\n")))?;
    } else {
        print(&line(&info)?)?;
        eprintln!("\nWrite these words down, in this order, and keep them from everybody: whoever has them has the key.\n\n{}\n", drawn.as_str());
    }
    Ok(0)
}

/// Recovers a key and prints it.
///
/// # Errors
/// As [`new`].
pub fn recover(session: &Session, args: &Recover) -> Result<u8, Failure> {
    recovered(session, &args.name, &args.path)
}

fn recovered(session: &Session, name: &str, path: &PathArgs) -> Result<u8, Failure> {
    let path = path.path()?;
    let given = secret_line("The 12 or 24 words: ")?;
    let secret = words::derive(&given, "", &path).map_err(unusable)?;
    let info = keep(session, name, &secret, Some(path))?;
    session.answer(&described(&info)?, || line(&info).unwrap_or_default())
}

/// Prints all keys.
///
/// # Errors
/// The keystore cannot be read.
pub fn list(session: &Session) -> Result<u8, Failure> {
    let all = session.store()?.list().map_err(unusable)?;
    let values: Vec<Value> = all.iter().map(described).collect::<Result<_, _>>()?;
    let lines: String = all.iter().map(line).collect::<Result<_, _>>()?;
    if all.is_empty() && !session.as_json() {
        eprintln!("no keys in {}", session.store()?.folder().display());
    }
    session.answer(&values, || lines)
}

/// Prints a key.
///
/// # Errors
/// There is none.
pub fn show(session: &Session, args: &Show) -> Result<u8, Failure> {
    let info = session.find(&args.key)?;
    let hash = info.public.hash();
    let prefix = match args.bech.as_str() {
        "val" => format!("{}{OPERATOR}", args.prefix),
        "cons" => format!("{}{CONSENSUS}", args.prefix),
        _ => args.prefix.clone(),
    };
    let asked = address::encode(&hash, &prefix).map_err(unusable)?;
    if args.address {
        print(&format!("{asked}\n"))?;
        return Ok(0);
    }
    if args.pubkey {
        print(&format!("{}\n", info.public.json()))?;
        return Ok(0);
    }
    let mut value = described(&info)?;
    let operator = address::operator(&hash, &args.prefix).map_err(unusable)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("address".to_owned(), asked.clone().into());
        object.insert("operator".to_owned(), operator.clone().into());
    }
    let key = match &info.public {
        PublicKey::Secp256k1(key) => STANDARD.encode(key),
        PublicKey::Multisig { threshold, keys } => format!("{threshold} of {}", keys.len()),
    };
    let path = info.path.as_deref().unwrap_or("none known");
    session.answer(&value, || {
        format!("name       {}\naddress    {asked}\noperator   {operator}\npublic key {key}\npath       {path}\n", info.name)
    })
}

/// Renames a key.
///
/// # Errors
/// There is none, or the new name is taken.
pub fn rename(session: &Session, args: &Rename) -> Result<u8, Failure> {
    session
        .store()?
        .rename(&args.old, &args.new)
        .map_err(unusable)?;
    session.answer(&json!({"name": args.new}), || {
        format!("{} is now {}\n", args.old, args.new)
    })
}

/// Deletes a key.
///
/// # Errors
/// There is none, or the answer was no.
pub fn delete(session: &Session, args: &Delete) -> Result<u8, Failure> {
    let store = session.store()?;
    let info = store.info(&args.name).map_err(unusable)?;
    let address = info.public.address(ADDRESS_PREFIX).map_err(unusable)?;
    let loss = if info.local {
        " Without its words or an export, all that it owns is lost."
    } else {
        ""
    };
    session.confirm(&format!(
        "This will delete the key {} ({address}) from {}.{loss}",
        args.name,
        store.folder().display()
    ))?;
    store.delete(&args.name).map_err(unusable)?;
    session.answer(&json!({"deleted": args.name}), || {
        format!("{} is deleted\n", args.name)
    })
}

/// Changes a passphrase.
///
/// # Errors
/// The old one is wrong, or there is no new one.
pub fn passwd(session: &Session, args: &Passwd) -> Result<u8, Failure> {
    let store = session.store()?;
    if store.backend() == Backend::Test {
        return Err(Failure::input(anyhow!(
            "--keyring-backend test: its keys have no passphrase"
        )));
    }
    let old = || {
        session
            .passphrases()
            .get(&format!("Passphrase of key {}: ", args.name))
    };
    let from =
        wattpool_wallet::passphrase::Passphrases::new(args.new_passphrase_file.clone(), None, warn);
    let new = || from.choose("New passphrase: ");
    store
        .change_passphrase(&args.name, old, new)
        .map_err(unusable)?;
    session.answer(&json!({"name": args.name}), || {
        format!("{} has another passphrase\n", args.name)
    })
}

/// Prints an address in other forms.
///
/// # Errors
/// It is none.
pub fn address(session: &Session, args: &AddressArgs) -> Result<u8, Failure> {
    let bytes = match hex::decode(&args.address) {
        Ok(bytes) if bytes.len() == 20 || bytes.len() == 32 => bytes,
        _ => {
            address::parse("address", &args.address)
                .map_err(unusable)?
                .bytes
        }
    };
    let write = |prefix: String| address::encode(&bytes, &prefix).map_err(unusable);
    let account = write(args.prefix.clone())?;
    let operator = write(format!("{}{OPERATOR}", args.prefix))?;
    let consensus = write(format!("{}{CONSENSUS}", args.prefix))?;
    let bytes = hex::encode_upper(&bytes);
    let value =
        json!({"bytes": bytes, "account": account, "operator": operator, "consensus": consensus});
    session.answer(&value, || {
        format!(
            "bytes     {bytes}\naccount   {account}\noperator  {operator}\nconsensus {consensus}\n"
        )
    })
}
