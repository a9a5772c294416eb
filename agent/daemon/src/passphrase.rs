//! Where the keystore's passphrase comes from.

use age::secrecy::SecretString;
use anyhow::{bail, Context, Result};
use std::path::{Path, PathBuf};

/// Names the file that holds the passphrase.
pub const VARIABLE: &str = "WATTPOOL_PASSPHRASE_FILE";
/// Name of systemd's credential.
pub const CREDENTIAL: &str = "wattpool-passphrase";

/// The file to take it from, if there is one: the configured one, systemd's credential, the variable's.
fn file(configured: &Path) -> Option<PathBuf> {
    if !configured.as_os_str().is_empty() {
        return Some(configured.to_owned());
    }
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY")
        .map(|folder| Path::new(&folder).join(CREDENTIAL))
        .filter(|file| file.exists());
    credential.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from))
}

fn from_file(file: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("passphrase file {}", file.display()))?;
    let line = text.lines().next().unwrap_or("");
    if line.is_empty() {
        bail!(
            "passphrase file {}: expected a passphrase in its first line, found none",
            file.display()
        );
    }
    Ok(SecretString::from(line.to_owned()))
}

/// The passphrase of an existing keystore.
///
/// # Errors
/// There is none to be had.
pub fn get(configured: &Path) -> Result<SecretString> {
    match file(configured) {
        Some(file) => from_file(&file),
        None => ask("Passphrase of the keys: "),
    }
}

/// A new passphrase for a keystore that is there: from a file, or asked twice.
///
/// # Errors
/// There is none to be had, or the two differ.
pub fn other(file: Option<&Path>) -> Result<SecretString> {
    file.map_or_else(twice, from_file)
}

/// A passphrase for a new keystore; asked at a terminal, it is asked twice.
///
/// # Errors
/// There is none to be had, or the two differ.
pub fn choose(configured: &Path) -> Result<SecretString> {
    match file(configured) {
        Some(file) => from_file(&file),
        None => twice(),
    }
}

fn twice() -> Result<SecretString> {
    use age::secrecy::ExposeSecret;
    let first = ask("Passphrase for the new keys: ")?;
    let again = ask("Once more: ")?;
    if first.expose_secret() != again.expose_secret() {
        bail!("the two passphrases differ");
    }
    Ok(first)
}

fn ask(question: &str) -> Result<SecretString> {
    let answer = rpassword::prompt_password(question).with_context(|| {
        format!(
            "no terminal to ask for the passphrase: set keys.passphrase_file, systemd's credential {CREDENTIAL} or {VARIABLE}"
        )
    })?;
    if answer.is_empty() {
        bail!("expected a passphrase, found none");
    }
    Ok(SecretString::from(answer))
}
