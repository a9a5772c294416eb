//! What is encrypted under a passphrase: age files (scrypt), which `age -d` opens, too.

use crate::error::{Result, WalletError};
use age::secrecy::SecretString;
use std::io::{Read, Write};
use zeroize::Zeroizing;

/// scrypt's cost as a power of two: 64 MiB and a part of a second.
const WORK: u8 = 16;
/// The costliest file that is opened: 256 MiB.
const MOST_WORK: u8 = 18;

/// Encrypts.
///
/// # Errors
/// No random bytes are to be had.
pub fn seal(plain: &[u8], passphrase: SecretString) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| WalletError::failed("encryption", e);
    let mut recipient = age::scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(WORK);
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(|e| failed(&e))?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|e| failed(&e))?;
    writer
        .write_all(plain)
        .and_then(|()| writer.finish())
        .map_err(|e| failed(&e))?;
    Ok(sealed)
}

/// Why something sealed was not opened.
#[derive(Debug)]
pub enum Locked {
    /// It opens with another passphrase.
    Passphrase,
    /// It is no age file under a passphrase, or not whole; why.
    Damaged(String),
}

/// Decrypts, at most so many bytes.
///
/// # Errors
/// The passphrase is wrong, or it is no such file.
pub fn open(
    sealed: &[u8],
    passphrase: SecretString,
    most: u64,
) -> std::result::Result<Zeroizing<Vec<u8>>, Locked> {
    let decryptor = age::Decryptor::new(sealed)
        .map_err(|_| Locked::Damaged("expected an age file".to_owned()))?;
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MOST_WORK);
    let reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .map_err(|e| match e {
            age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
                Locked::Passphrase
            }
            other => Locked::Damaged(other.to_string()),
        })?;
    let mut plain = Zeroizing::new(Vec::new());
    reader
        .take(most)
        .read_to_end(&mut plain)
        .map_err(|e| Locked::Damaged(e.to_string()))?;
    Ok(plain)
}
