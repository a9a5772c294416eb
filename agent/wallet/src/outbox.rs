//! Transactions on their way: written down before they are handed over, and kept until it is known what became of them.
//! So a program that was killed, or heard nothing in time, finds out before it sends the same again.

use crate::error::{Result, WalletError};
use crate::files;
use crate::tx::{Document, MOST_BYTES};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Ends the name of an entry's file, after the transaction's hash.
const ENDING: &str = ".json";

/// A transaction that was, or is to be, handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its hash, as the chain writes it.
    pub hash: String,
    /// On which chain.
    pub chain_id: String,
    /// Who signed it: an address.
    pub signer: String,
    /// What it does, in words.
    pub words: String,
    /// The newest block before it was handed over.
    pub after: u64,
    /// When it was written down, Unix seconds.
    pub at: u64,
    /// It, signed.
    pub transaction: Value,
}

impl Entry {
    /// The transaction.
    ///
    /// # Errors
    /// It is none.
    pub fn document(&self) -> Result<Document> {
        Document::parse(&self.hash, &self.transaction.to_string())
    }
}

/// Keeps others off an entry as long as this process waits for its transaction; a killed one lets go.
#[derive(Debug)]
pub struct Watched(#[allow(dead_code, reason = "it is held, not read")] File);

/// A folder of transactions on their way.
pub struct Outbox {
    folder: PathBuf,
}

impl Outbox {
    /// Of a wallet's home; the folder need not exist yet.
    pub fn new(home: &Path) -> Self {
        Self {
            folder: home.join("outbox"),
        }
    }

    /// Writes a transaction down that is about to be handed over.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note(&self, entry: &Entry) -> Result<Watched> {
        let name = format!("{}{ENDING}", entry.hash);
        let failed = |e: &dyn std::fmt::Display| {
            WalletError::failed(self.folder.join(&name).display().to_string(), e)
        };
        let text = serde_json::to_string_pretty(entry).map_err(|e| failed(&e))?;
        files::write(&self.folder, &name, text.as_bytes(), true).map_err(|e| failed(&e))?;
        let file = File::open(self.folder.join(&name)).map_err(|e| failed(&e))?;
        file.try_lock().map_err(|e| failed(&e))?;
        Ok(Watched(file))
    }

    /// A signer's transactions whose fate no process waits for, the oldest first. A file that is damaged is left out.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn left(&self, chain_id: &str, signer: &str) -> Result<Vec<(Entry, Watched)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(WalletError::failed(self.folder.display().to_string(), e)),
        };
        let mut all = Vec::new();
        for found in entries.flatten() {
            let name = found.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || !name.ends_with(ENDING) {
                continue;
            }
            // Another process may have removed it meanwhile.
            let Ok(file) = File::open(found.path()) else {
                continue;
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(e)) => return Err(WalletError::failed(name, e)),
            }
            let mut text = String::new();
            let read = (&file).take(MOST_BYTES).read_to_string(&mut text);
            let entry = read.ok().and_then(|_| serde_json::from_str(&text).ok());
            let entry = entry.filter(|e: &Entry| e.chain_id == chain_id && e.signer == signer);
            all.extend(entry.map(|entry| (entry, Watched(file))));
        }
        all.sort_by(|(a, _), (b, _)| (a.at, &a.hash).cmp(&(b.at, &b.hash)));
        Ok(all)
    }

    /// Forgets a transaction whose fate is known, if it was written down.
    ///
    /// # Errors
    /// Its file cannot be removed.
    pub fn forget(&self, hash: &str) -> Result<()> {
        match files::remove(&self.folder, &format!("{hash}{ENDING}")) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                Err(WalletError::failed(self.folder.display().to_string(), e))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hash: &str, signer: &str, at: u64) -> Entry {
        Entry {
            hash: hash.to_owned(),
            chain_id: "c-1".to_owned(),
            signer: signer.to_owned(),
            words: "send".to_owned(),
            after: 1,
            at,
            transaction: serde_json::json!({"body": {}}),
        }
    }

    #[test]
    fn what_nobody_waits_for_is_found_again() {
        let home = tempfile::tempdir().unwrap();
        let outbox = Outbox::new(home.path());
        assert!(outbox.left("c-1", "me").unwrap().is_empty());
        let held = outbox.note(&entry("AA", "me", 2)).unwrap();
        assert!(
            outbox.left("c-1", "me").unwrap().is_empty(),
            "it is watched"
        );
        drop(held);
        outbox.note(&entry("BB", "me", 1)).unwrap();
        outbox.note(&entry("CC", "other", 1)).unwrap();
        fs::write(home.path().join("outbox/DD.json"), "{").unwrap();
        let hashes = |chain: &str| -> Vec<String> {
            let left = outbox.left(chain, "me").unwrap();
            left.into_iter().map(|(e, _)| e.hash).collect()
        };
        assert_eq!(hashes("c-1"), ["BB", "AA"]);
        assert!(hashes("c-2").is_empty());
        outbox.forget("BB").unwrap();
        outbox.forget("BB").unwrap();
        assert_eq!(hashes("c-1"), ["AA"]);
    }
}
