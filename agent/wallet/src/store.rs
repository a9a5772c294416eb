//! Keys at rest: a folder with one file a key, each encrypted under its passphrase (age, scrypt).
//!
//! A file says in the clear whose key it is (name, public key, path), so that keys can be listed without passphrases;
//! what is inside is checked against it. Files and folder are their owner's alone. A file is whole at any moment,
//! whenever the process or the machine stops.

use crate::error::{Result, WalletError};
use crate::files;
use crate::key::{PublicKey, Secret};
use crate::seal::{self, Locked};
use age::secrecy::SecretString;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::{Zeroize, Zeroizing};

/// Version of the record.
const VERSION: u16 = 1;
/// A key's file is far smaller, one of a large multisig too.
const MOST_BYTES: u64 = 64 * 1024;
/// Ends the name of a key's file.
const ENDING: &str = ".key";
/// Longest name of a key.
const LONGEST_NAME: usize = 64;

/// How keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Encrypted, each under a passphrase.
    File,
    /// In the clear: for networks that are thrown away.
    Test,
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "file" => Ok(Self::File),
            "test" => Ok(Self::Test),
            "os" | "kwallet" | "pass" | "memory" => Err(format!(
                "{text} is not kept here: expected file or test (an exported key can be imported)"
            )),
            other => Err(format!("expected file or test, found {other:?}")),
        }
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Test => "test",
        })
    }
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u16,
    name: String,
    public_key: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// An age file in base64; of the backend `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    /// Hexadecimal; of the backend `test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Plain>,
}

/// A secret in the clear; wiped from memory when dropped.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(transparent)]
struct Plain(String);

impl Drop for Plain {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What is known of a key without its passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub name: String,
    /// Its public key.
    pub public: PublicKey,
    /// Where it stands under its words, if it came from words.
    pub path: Option<String>,
    /// The secret is here. A multisig has none, nor has a key that only another machine signs with.
    pub local: bool,
}

/// A folder of keys.
pub struct Store {
    folder: PathBuf,
    backend: Backend,
    warn: fn(&str),
}

impl Store {
    /// The keys of a wallet's home; the folder need not exist yet. `warn` is told of permissions that had to be
    /// tightened.
    pub fn new(home: &Path, backend: Backend, warn: fn(&str)) -> Self {
        Self {
            folder: home.join(format!("keyring-{backend}")),
            backend,
            warn,
        }
    }

    /// How its keys are kept.
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Where they are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, name: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty()
            || name.len() > LONGEST_NAME
            || name.starts_with(['.', '-'])
            || !name.chars().all(plain)
        {
            return Err(WalletError::input(
                "name",
                format!(
                    "expected up to {LONGEST_NAME} letters, digits, '-', '_' and '.', found {name:?}"
                ),
            ));
        }
        Ok(self.folder.join(format!("{name}{ENDING}")))
    }

    /// Adds a key with its secret.
    ///
    /// # Errors
    /// The name is taken or none, or the file cannot be written.
    pub fn add(
        &self,
        name: &str,
        secret: &Secret,
        path: Option<String>,
        passphrase: Option<SecretString>,
    ) -> Result<Info> {
        let public = secret.public()?;
        let mut record = self.record(name, &public, path.clone());
        self.seal(&mut record, secret, passphrase)?;
        self.write(&self.file(name)?, &record, false)?;
        Ok(Info {
            name: name.to_owned(),
            public,
            path,
            local: true,
        })
    }

    /// Adds a key without a secret: a multisig, or one that another machine signs with.
    ///
    /// # Errors
    /// As [`Store::add`].
    pub fn add_public(&self, name: &str, public: PublicKey) -> Result<Info> {
        let record = self.record(name, &public, None);
        self.write(&self.file(name)?, &record, false)?;
        Ok(Info {
            name: name.to_owned(),
            public,
            path: None,
            local: false,
        })
    }

    /// Whether a name is taken.
    ///
    /// # Errors
    /// It is no name.
    pub fn has(&self, name: &str) -> Result<bool> {
        Ok(self.file(name)?.exists())
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// The folder or one of its files cannot be read.
    pub fn list(&self) -> Result<Vec<Info>> {
        let what = || self.folder.display().to_string();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(WalletError::failed(what(), e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| WalletError::failed(what(), e))?;
            let name = entry.file_name();
            let name = name.to_str().and_then(|n| n.strip_suffix(ENDING));
            names.extend(name.filter(|n| !n.starts_with('.')).map(str::to_owned));
        }
        names.sort();
        names.iter().map(|name| self.info(name)).collect()
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// There is none of this name, or its file is damaged.
    pub fn info(&self, name: &str) -> Result<Info> {
        self.read(name).map(|(info, _)| info)
    }

    /// The key of this address.
    ///
    /// # Errors
    /// As [`Store::list`].
    pub fn by_hash(&self, hash: &[u8]) -> Result<Option<Info>> {
        Ok(self
            .list()?
            .into_iter()
            .find(|info| info.public.hash() == hash))
    }

    /// A key's secret. `passphrase` is called where one is needed.
    ///
    /// # Errors
    /// There is no such key or no secret of it, the passphrase is wrong, or the file is damaged.
    pub fn secret(
        &self,
        name: &str,
        passphrase: impl FnOnce() -> Result<SecretString>,
    ) -> Result<Secret> {
        let (info, record) = self.read(name)?;
        let what = self.file(name)?.display().to_string();
        let secret = match (record.sealed, record.secret) {
            (Some(sealed), None) => {
                let sealed = STANDARD
                    .decode(sealed)
                    .map_err(|_| damaged(&what, "expected base64 under \"sealed\""))?;
                Secret::from_hex(&open(&what, &sealed, passphrase()?)?)?
            }
            (None, Some(secret)) => Secret::from_hex(&secret.0)?,
            _ => {
                let why = match info.public {
                    PublicKey::Multisig { .. } => {
                        "a multisig has no secret of its own: its members sign"
                    }
                    PublicKey::Secp256k1(_) => {
                        "its secret is on another machine: sign there (--generate-only)"
                    }
                };
                return Err(WalletError::input(format!("key {name}"), why));
            }
        };
        if secret.public()? != info.public {
            return Err(damaged(
                &what,
                "the secret inside is not that of its public key",
            ));
        }
        Ok(secret)
    }

    /// Gives a key another passphrase.
    ///
    /// # Errors
    /// As [`Store::secret`], or the file cannot be written: then the old one stands.
    pub fn change_passphrase(
        &self,
        name: &str,
        old: impl FnOnce() -> Result<SecretString>,
        new: impl FnOnce() -> Result<SecretString>,
    ) -> Result<()> {
        let secret = self.secret(name, old)?;
        let (info, _) = self.read(name)?;
        let mut record = self.record(name, &info.public, info.path);
        self.seal(&mut record, &secret, Some(new()?))?;
        self.write(&self.file(name)?, &record, true)
    }

    /// Gives a key another name. Stopped halfway it has both; the same call again finishes it.
    ///
    /// # Errors
    /// There is no such key, or the new name is another key's.
    pub fn rename(&self, old: &str, new: &str) -> Result<()> {
        let (_, mut record) = self.read(old)?;
        record.name = new.to_owned();
        let halfway =
            old != new && self.has(new)? && self.read(new).is_ok_and(|(_, there)| there == record);
        if !halfway {
            self.write(&self.file(new)?, &record, false)?;
        }
        self.delete(old)
    }

    /// Removes a key.
    ///
    /// # Errors
    /// There is none of this name, or its file cannot be removed.
    pub fn delete(&self, name: &str) -> Result<()> {
        self.info(name)?;
        let file = self.file(name)?;
        files::remove(&self.folder, &format!("{name}{ENDING}"))
            .map_err(|e| WalletError::failed(file.display().to_string(), e))
    }

    fn record(&self, name: &str, public: &PublicKey, path: Option<String>) -> Record {
        Record {
            version: VERSION,
            name: name.to_owned(),
            public_key: public.json(),
            path,
            sealed: None,
            secret: None,
        }
    }

    fn seal(
        &self,
        record: &mut Record,
        secret: &Secret,
        passphrase: Option<SecretString>,
    ) -> Result<()> {
        let text = Zeroizing::new(hex::encode(secret.expose()));
        match (self.backend, passphrase) {
            (Backend::Test, _) => record.secret = Some(Plain(text.to_string())),
            (Backend::File, Some(passphrase)) => {
                record.sealed = Some(STANDARD.encode(seal::seal(text.as_bytes(), passphrase)?));
            }
            (Backend::File, None) => {
                return Err(WalletError::input("passphrase", "expected one, found none"))
            }
        }
        Ok(())
    }

    fn write(&self, file: &Path, record: &Record, replace: bool) -> Result<()> {
        let what = file.display().to_string();
        let text =
            serde_json::to_string_pretty(record).map_err(|e| WalletError::failed("key", e))?;
        let text = Zeroizing::new(text);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        files::write(&self.folder, &name, text.as_bytes(), replace).map_err(|e| {
            if e.kind() == ErrorKind::AlreadyExists {
                let why = "there is a key of this name already: choose another one, or rename or delete that";
                WalletError::input(what, why)
            } else {
                WalletError::failed(what, e)
            }
        })
    }

    fn tighten(&self, path: &Path, mode: u32) -> Result<()> {
        let found = files::tighten(path, mode)
            .map_err(|e| WalletError::failed(path.display().to_string(), e))?;
        if let Some(found) = found {
            (self.warn)(&format!(
                "{}: others could read it (mode {found:o}); now {mode:o}. Whoever may have copied it knows the key of a test keyring, and can guess at the passphrase of another",
                path.display()
            ));
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Result<(Info, Record)> {
        let file = self.file(name)?;
        let what = file.display().to_string();
        let mut text = Zeroizing::new(String::new());
        let read = File::open(&file).and_then(|f| f.take(MOST_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let why = format!("no such key in {}", self.folder.display());
                return Err(WalletError::input(format!("key {name}"), why));
            }
            Err(e) if e.kind() == ErrorKind::InvalidData => {
                return Err(damaged(&what, "expected text"))
            }
            Err(e) => return Err(WalletError::failed(what, e)),
        }
        self.tighten(&self.folder, 0o700)?;
        self.tighten(&file, 0o600)?;
        let version = serde_json::from_str::<Value>(&text)
            .map_err(|e| damaged(&what, &format!("expected JSON ({e})")))?
            .get("version")
            .and_then(Value::as_u64);
        if version != Some(u64::from(VERSION)) {
            let found = version.map_or_else(|| "none".to_owned(), |v| v.to_string());
            return Err(damaged(
                &what,
                &format!("expected version {VERSION}, found {found}"),
            ));
        }
        let record: Record =
            serde_json::from_str(&text).map_err(|e| damaged(&what, &e.to_string()))?;
        if record.name != name {
            let why = format!("it is the file of a key named {:?}", record.name);
            return Err(damaged(&what, &why));
        }
        let public =
            PublicKey::from_json(&record.public_key).map_err(|e| damaged(&what, &e.to_string()))?;
        let info = Info {
            name: record.name.clone(),
            public,
            path: record.path.clone(),
            local: record.sealed.is_some() || record.secret.is_some(),
        };
        Ok((info, record))
    }
}

fn damaged(what: &str, why: &str) -> WalletError {
    WalletError::input(what, format!("the key's file is damaged: {why}"))
}

/// The text inside an age file.
fn open(what: &str, sealed: &[u8], passphrase: SecretString) -> Result<Zeroizing<String>> {
    let plain = seal::open(sealed, passphrase, MOST_BYTES).map_err(|e| match e {
        Locked::Passphrase => WalletError::input(what, "the passphrase is wrong"),
        Locked::Damaged(why) => damaged(what, &format!("{why} under \"sealed\"")),
    })?;
    let text = std::str::from_utf8(&plain).map_err(|e| damaged(what, &e.to_string()))?;
    Ok(Zeroizing::new(text.to_owned()))
}
