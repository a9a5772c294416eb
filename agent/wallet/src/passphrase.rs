//! Where a keystore's passphrase comes from: a file, an open file descriptor, systemd, or a person.

use crate::error::{Result, WalletError};
use age::secrecy::{ExposeSecret, SecretString};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use zeroize::Zeroizing;

/// Name of systemd's credential.
pub const CREDENTIAL: &str = "wattpool-wallet-passphrase";
/// No passphrase is longer.
const MOST_BYTES: u64 = 4096;

/// Where to take passphrases from. One from a file or descriptor is read once and serves all keys.
pub struct Passphrases {
    from: Option<PathBuf>,
    read: Mutex<Option<SecretString>>,
    warn: fn(&str),
}

impl Passphrases {
    /// An open descriptor `fd`, or a `file`; neither: systemd's credential if there is one, or a question at the terminal.
    /// `warn` is told of a file that others can read.
    pub fn new(file: Option<PathBuf>, fd: Option<u32>, warn: fn(&str)) -> Self {
        let credential = || {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
            Some(Path::new(&folder).join(CREDENTIAL)).filter(|file| file.exists())
        };
        let descriptor = fd.map(|fd| PathBuf::from(format!("/dev/fd/{fd}")));
        Self {
            from: descriptor.or(file).or_else(credential),
            read: Mutex::new(None),
            warn,
        }
    }

    /// The passphrase of an existing key; `question` is asked at the terminal.
    ///
    /// # Errors
    /// There is none to be had.
    pub fn get(&self, question: &str) -> Result<SecretString> {
        match &self.from {
            Some(file) => self.read_file(file),
            None => ask(question),
        }
    }

    /// A passphrase for something new; asked at a terminal, it is asked twice.
    ///
    /// # Errors
    /// There is none to be had, or the two differ.
    pub fn choose(&self, question: &str) -> Result<SecretString> {
        if let Some(file) = &self.from {
            return self.read_file(file);
        }
        let first = ask(question)?;
        let again = ask("Once more: ")?;
        if first.expose_secret() != again.expose_secret() {
            return Err(WalletError::input("passphrase", "the two differ"));
        }
        Ok(first)
    }

    fn read_file(&self, file: &Path) -> Result<SecretString> {
        let mut known = self.read.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(known) = known.as_ref() {
            return Ok(known.clone());
        }
        let what = || format!("passphrase file {}", file.display());
        let mut text = Zeroizing::new(String::new());
        let mut mode = 0;
        std::fs::File::open(file)
            .and_then(|f| {
                let about = f.metadata()?;
                mode = if about.is_file() {
                    about.mode() & 0o777
                } else {
                    0
                };
                f.take(MOST_BYTES).read_to_string(&mut text)
            })
            .map_err(|e| WalletError::input(what(), e))?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            let why = "expected a passphrase in its first line, found none";
            return Err(WalletError::input(what(), why));
        }
        // systemd keeps its credentials from others in its own ways.
        if mode & 0o077 != 0 && !file.ends_with(CREDENTIAL) {
            (self.warn)(&format!("{}: others can read it (mode {mode:o})", what()));
        }
        let found = SecretString::from(line.to_owned());
        *known = Some(found.clone());
        Ok(found)
    }
}

fn ask(question: &str) -> Result<SecretString> {
    let answer = rpassword::prompt_password(question).map_err(|e| {
        let why = format!(
            "no terminal to ask at ({e}): give --passphrase-file, --passphrase-fd or systemd's credential {CREDENTIAL}"
        );
        WalletError::input("passphrase", why)
    })?;
    if answer.is_empty() {
        return Err(WalletError::input("passphrase", "expected one, found none"));
    }
    Ok(SecretString::from(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_file_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("word");
        std::fs::write(&file, "correct horse\nmore\n").unwrap();
        let from = Passphrases::new(Some(file.clone()), None, |_| {});
        assert_eq!(from.get("?").unwrap().expose_secret(), "correct horse");
        std::fs::write(&file, "").unwrap();
        assert_eq!(from.choose("?").unwrap().expose_secret(), "correct horse");
        let error = Passphrases::new(Some(file), None, |_| {})
            .get("?")
            .unwrap_err();
        assert!(error
            .to_string()
            .contains("expected a passphrase in its first line"));
        let absent = folder.path().join("absent");
        assert!(Passphrases::new(Some(absent), None, |_| {})
            .get("?")
            .is_err());
    }
}
