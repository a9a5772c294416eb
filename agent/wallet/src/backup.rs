//! A backup: files in one archive under a passphrase. It is a tar inside an age file, so that it can be opened without
//! this program: `age -d FILE | tar -x`.

use crate::error::{Result, WalletError};
use crate::seal::{open, seal, Locked};
use age::secrecy::SecretString;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path};
use zeroize::Zeroizing;

/// No backup is larger.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file of a backup.
pub struct Saved {
    /// Where it stands in the archive: folders and a name, separated by `/`.
    pub path: String,
    /// What is in it.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Whether a path stays where it is unpacked.
fn stays(path: &str) -> bool {
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_));
    !path.is_empty() && Path::new(path).components().all(plain)
}

/// Makes a backup.
///
/// # Errors
/// Two files have the same path, or a path leads elsewhere.
pub fn pack(files: &[Saved], passphrase: SecretString) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| WalletError::failed("backup", e);
    let mut seen = BTreeSet::new();
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        if !stays(&file.path) || !seen.insert(&file.path) {
            let why = "expected files of different names";
            return Err(WalletError::input(file.path.clone(), why));
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(file.bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        builder
            .append_data(&mut header, &file.path, file.bytes.as_slice())
            .map_err(failed)?;
    }
    let archive = Zeroizing::new(builder.into_inner().map_err(failed)?);
    seal(&archive, passphrase)
}

/// Opens a backup. `what` names it in errors.
///
/// # Errors
/// The passphrase is wrong, or it is no backup.
pub fn unpack(what: &str, sealed: &[u8], passphrase: SecretString) -> Result<Vec<Saved>> {
    let damaged = |why: String| WalletError::input(what, format!("expected a backup: {why}"));
    let archive = open(sealed, passphrase, MOST_BYTES).map_err(|e| match e {
        Locked::Passphrase => WalletError::input(what, "the passphrase is wrong"),
        Locked::Damaged(why) => damaged(why),
    })?;
    let mut archive = tar::Archive::new(archive.as_slice());
    let mut files = Vec::new();
    for entry in archive.entries().map_err(|e| damaged(e.to_string()))? {
        let mut entry = entry.map_err(|e| damaged(e.to_string()))?;
        let path = entry.path().map_err(|e| damaged(e.to_string()))?;
        let path = path.to_str().unwrap_or_default().to_owned();
        if !entry.header().entry_type().is_file() || !stays(&path) {
            return Err(damaged(format!("{path:?} is no plain file in it")));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        entry
            .read_to_end(&mut bytes)
            .map_err(|e| damaged(e.to_string()))?;
        files.push(Saved { path, bytes });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(path: &str, bytes: &[u8]) -> Saved {
        Saved {
            path: path.to_owned(),
            bytes: Zeroizing::new(bytes.to_vec()),
        }
    }

    fn word(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn what_was_packed_comes_out_and_nothing_leads_elsewhere() {
        let files = [
            saved("keyring-file/a.key", b"{}"),
            saved("files/m", &[0; 700]),
        ];
        let sealed = pack(&files, word("w")).unwrap();
        let out = unpack("b", &sealed, word("w")).unwrap();
        let same = out
            .iter()
            .zip(&files)
            .all(|(a, b)| a.path == b.path && *a.bytes == *b.bytes);
        assert!(same && out.len() == 2);
        let told = |e: Result<Vec<Saved>>| e.err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(
            told(unpack("b", &sealed, word("x"))),
            "b: the passphrase is wrong"
        );
        assert!(told(unpack("b", b"age", word("w"))).starts_with("b: expected a backup"));
        let cut = sealed.get(..sealed.len() / 2).unwrap();
        assert!(told(unpack("b", cut, word("w"))).starts_with("b: expected a backup"));
        for bad in ["../x", "/etc/x", "", "a/../../x"] {
            assert!(pack(&[saved(bad, b"")], word("w")).is_err(), "{bad:?}");
        }
        assert!(pack(&[saved("a", b""), saved("a", b"")], word("w")).is_err());
    }
}
