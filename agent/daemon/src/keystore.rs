//! The keys at rest: an age file under a passphrase (scrypt), readable by its owner alone.

use age::secrecy::SecretString;
use anyhow::{anyhow, bail, Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use wattpool_keys::SoftKeys;

/// Version of the record.
const VERSION: u16 = 1;
/// scrypt's cost as a power of two: 32 MiB and a part of a second on a small board.
const WORK: u8 = 15;
/// The costliest file that is opened: 256 MiB.
const MOST_WORK: u8 = 18;
/// A keystore is far smaller.
const MOST_BYTES: u64 = 64 * 1024;

/// Secrets of a meter, as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    version: u16,
    /// secp256k1, hexadecimal.
    agent: String,
    /// Seed of libp2p's ed25519 key, hexadecimal.
    peer: String,
    /// Seed of the device's ed25519 key, hexadecimal: of a meter that is replayed. A real device keeps its own.
    device: String,
    /// The secret behind the commitments' salts, hexadecimal.
    salt: String,
}

/// The keys of a meter.
pub struct Keystore {
    /// Signs for device and agent.
    pub signer: SoftKeys,
    /// Secret of the agent's key, for its transactions.
    pub agent: [u8; 32],
    /// Seed of the peer key.
    pub peer: [u8; 32],
}

fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| anyhow!("the system gives no random bytes: {e}"))?;
    Ok(bytes)
}

fn agent_key() -> Result<[u8; 32]> {
    loop {
        // A scalar outside the group's order is one in 2^128; draw again.
        let drawn = random()?;
        if SoftKeys::new(drawn, drawn, drawn).is_ok() {
            return Ok(drawn);
        }
    }
}

fn hex32(name: &str, text: &str) -> Result<[u8; 32]> {
    let bytes = hex::decode(text).ok();
    bytes
        .and_then(|b| b.try_into().ok())
        .ok_or_else(|| anyhow!("{name}: expected 64 hexadecimal digits"))
}

impl Keystore {
    /// Draws all keys anew and writes them.
    ///
    /// # Errors
    /// The file exists already or cannot be written.
    pub fn create(file: &Path, passphrase: SecretString) -> Result<Self> {
        let agent = agent_key()?;
        let (peer, device, salt) = (random()?, random()?, random()?);
        let secrets = Secrets {
            version: VERSION,
            agent: hex::encode(agent),
            peer: hex::encode(peer),
            device: hex::encode(device),
            salt: hex::encode(salt),
        };
        write(file, &encrypt(&secrets, passphrase)?)
            .with_context(|| format!("keys {}", file.display()))?;
        Ok(Self {
            signer: SoftKeys::new(device, agent, salt)?,
            agent,
            peer,
        })
    }

    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, the passphrase is wrong, or it holds something else.
    pub fn open(file: &Path, passphrase: SecretString) -> Result<Self> {
        read(file, passphrase).with_context(|| format!("keys {}", file.display()))
    }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Takes the lock of keys, for an agent that runs with them: two that sign with the same key spend each other's sequence numbers. It ends with the value,
/// and with the process. The lock lies beside the file, which is replaced when keys are renewed; where nothing can be written, nothing is replaced, and the
/// file itself is locked.
///
/// # Errors
/// Another agent has it, or the file cannot be read.
pub fn lock(file: &Path) -> Result<File> {
    let busy =
        "another agent runs with them: stop that one first, or give this one keys of its own";
    let mut options = OpenOptions::new();
    let options = options.create(true).append(true).mode(0o600);
    let opened = File::open(file)
        .map(|keys| options.open(beside(file, ".running")).unwrap_or(keys))
        .map_err(anyhow::Error::from);
    opened
        .and_then(|opened| take(opened, busy))
        .with_context(|| format!("keys {}", file.display()))
}

fn take(file: File, busy: &'static str) -> Result<File> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(busy),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The lock of whoever changes keys: it lies beside them, for the file itself is replaced, and a running agent has its lock.
fn changing(file: &Path) -> Result<File> {
    let lock = beside(file, ".changing");
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).mode(0o600).open(&lock);
    let opened = opened.with_context(|| format!("their lock {}", lock.display()))?;
    take(opened, "another command changes them")
}

/// What of a keystore is made anew; all else stays.
pub enum Renew {
    /// The device's key, for a meter that was replaced.
    Device,
    /// The agent's key.
    Agent,
    /// The peer's key.
    Peer,
    /// What the file is opened with.
    Passphrase(SecretString),
}

/// Makes something of a keystore anew. With a new key of the agent or the device, which the chain does not know yet, the file as it was is kept
/// beside it, with `.before` at the end of its name.
///
/// # Errors
/// The file cannot be read or written, the passphrase is wrong, a file of an earlier exchange is in the way, or another command changes the keys.
pub fn renew(file: &Path, passphrase: SecretString, what: Renew) -> Result<Keystore> {
    let named = || format!("keys {}", file.display());
    let (before, new) = (beside(file, ".before"), beside(file, ".new"));
    let _alone = changing(file).with_context(named)?;
    let mut secrets = secrets(file, passphrase.clone()).with_context(named)?;
    let keep = matches!(what, Renew::Device | Renew::Agent);
    let mut opens = passphrase;
    match what {
        Renew::Device => secrets.device = hex::encode(random()?),
        Renew::Agent => secrets.agent = hex::encode(agent_key()?),
        Renew::Peer => secrets.peer = hex::encode(random()?),
        Renew::Passphrase(new) => opens = new,
    }
    let renew = || -> Result<()> {
        // Of an attempt that was cut short: nothing was done with it.
        match std::fs::remove_file(&new) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        write(&new, &encrypt(&secrets, opens)?)?;
        if keep {
            std::fs::hard_link(file, &before)
                .with_context(|| format!("the old keys as {}", before.display()))?;
        }
        std::fs::rename(&new, file)?;
        Ok(())
    };
    renew().with_context(named)?;
    keystore(&secrets).with_context(named)
}

fn encrypt(secrets: &Secrets, passphrase: SecretString) -> Result<Vec<u8>> {
    let mut recipient = age::scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(WORK);
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(&serde_json::to_vec(secrets)?)?;
    writer.finish()?;
    Ok(sealed)
}

/// A new file, for its owner's eyes alone, on the disk when this returns.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    out.write_all(bytes)?;
    Ok(out.sync_all()?)
}

fn read(file: &Path, passphrase: SecretString) -> Result<Keystore> {
    keystore(&secrets(file, passphrase)?)
}

fn keystore(secrets: &Secrets) -> Result<Keystore> {
    let agent = hex32("agent", &secrets.agent)?;
    let device = hex32("device", &secrets.device)?;
    Ok(Keystore {
        signer: SoftKeys::new(device, agent, hex32("salt", &secrets.salt)?)?,
        agent,
        peer: hex32("peer", &secrets.peer)?,
    })
}

fn secrets(file: &Path, passphrase: SecretString) -> Result<Secrets> {
    let mut sealed = Vec::new();
    File::open(file)?
        .take(MOST_BYTES)
        .read_to_end(&mut sealed)?;
    let decryptor = age::Decryptor::new(sealed.as_slice())
        .map_err(|_| anyhow!("expected an age file, found something else"))?;
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MOST_WORK);
    let mut reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .map_err(|e| match e {
            age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => {
                anyhow!("the passphrase is wrong")
            }
            other => anyhow!("{other}"),
        })?;
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    let version = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|v| v.get("version")?.as_u64());
    if version != Some(u64::from(VERSION)) {
        let found = version.map_or_else(|| "none".to_owned(), |v| v.to_string());
        bail!("expected version {VERSION}, found {found}");
    }
    Ok(serde_json::from_str(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use wattpool_core::ports::Signer;
    use wattpool_schema::Window;

    fn word(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn keys_come_back_with_the_passphrase_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.age");
        let made = Keystore::create(&file, word("correct horse")).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let opened = Keystore::open(&file, word("correct horse")).unwrap();
        assert_eq!(opened.signer.agent(), made.signer.agent());
        assert_eq!(opened.signer.device(), made.signer.device());
        assert_eq!((opened.agent, opened.peer), (made.agent, made.peer));
        let told = |e: anyhow::Error| format!("{e:#}").replace(&file.display().to_string(), "F");
        let error = Keystore::open(&file, word("wrong")).err().unwrap();
        assert_eq!(told(error), "keys F: the passphrase is wrong");
        let error = Keystore::create(&file, word("other")).err().unwrap();
        assert!(told(error).starts_with("keys F: File exists"));
        let renewed = renew(&file, word("correct horse"), Renew::Device).unwrap();
        assert_ne!(renewed.signer.device(), made.signer.device());
        let opened = Keystore::open(&file, word("correct horse")).unwrap();
        assert_eq!(opened.signer.device(), renewed.signer.device());
        assert_eq!(opened.signer.agent(), made.signer.agent());
        assert_eq!(opened.signer.salt(Window(5)), made.signer.salt(Window(5)));
        let before = dir.path().join("keys.age.before");
        let kept = Keystore::open(&before, word("correct horse")).unwrap();
        assert_eq!(kept.signer.device(), made.signer.device());
        // What is kept of an earlier exchange is not written over.
        let error = renew(&file, word("correct horse"), Renew::Agent)
            .err()
            .unwrap();
        let error = told(error);
        assert!(
            error.starts_with("keys F: the old keys as F.before: File exists"),
            "{error}"
        );
        let opened = Keystore::open(&file, word("correct horse")).unwrap();
        assert_eq!(opened.signer.device(), renewed.signer.device());
        // The file names no key.
        let sealed = std::fs::read(&file).unwrap();
        let secret = hex::encode(made.agent);
        assert!(!String::from_utf8_lossy(&sealed).contains(&secret));
        std::fs::write(&file, b"not an age file at all").unwrap();
        let error = Keystore::open(&file, word("correct horse")).err().unwrap();
        assert_eq!(
            told(error),
            "keys F: expected an age file, found something else"
        );
    }

    #[test]
    fn keys_are_one_agents_and_one_commands() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.age");
        let made = Keystore::create(&file, word("correct horse")).unwrap();
        let running = lock(&file).unwrap();
        let error = format!("{:#}", lock(&file).err().unwrap());
        assert!(error.contains("another agent runs with them"), "{error}");
        // A running agent stops no change; another change does.
        let changed = changing(&file).unwrap();
        let renewed = renew(&file, word("correct horse"), Renew::Peer);
        let error = format!("{:#}", renewed.err().unwrap());
        assert!(error.contains("another command changes them"), "{error}");
        drop(changed);
        let renewed = renew(&file, word("correct horse"), Renew::Peer).unwrap();
        assert_ne!(renewed.peer, made.peer);
        // The file is another one now, and the agent's key the same.
        assert!(lock(&file).is_err());
        drop(running);
        lock(&file).unwrap();
    }

    #[test]
    fn each_key_and_the_passphrase_are_made_anew_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.age");
        let (old, new) = (|| word("correct horse"), || word("battery staple"));
        let made = Keystore::create(&file, old()).unwrap();
        let peer = renew(&file, old(), Renew::Peer).unwrap();
        assert_ne!(peer.peer, made.peer);
        assert_eq!(peer.agent, made.agent);
        let agent = renew(&file, old(), Renew::Agent).unwrap();
        assert_ne!(agent.agent, made.agent);
        assert_eq!(agent.signer.device(), made.signer.device());
        assert_eq!(agent.peer, peer.peer);
        let kept = Keystore::open(&dir.path().join("keys.age.before"), old()).unwrap();
        assert_eq!(kept.agent, made.agent);
        assert!(renew(&file, new(), Renew::Passphrase(old())).is_err());
        renew(&file, old(), Renew::Passphrase(new())).unwrap();
        assert!(Keystore::open(&file, old()).is_err());
        let opened = Keystore::open(&file, new()).unwrap();
        assert_eq!((opened.agent, opened.peer), (agent.agent, peer.peer));
        assert_eq!(opened.signer.salt(Window(5)), made.signer.salt(Window(5)));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
