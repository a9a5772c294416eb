//! Who may ask: the token of this machine's user, or a session that began with a password or a pairing code.

use anyhow::{Context, Result};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

use super::answer::Refusal;
use super::reason;

/// A session ends after so many seconds: thirty days.
pub const SESSION_S: u64 = 30 * 86_400;
/// Sessions kept; the oldest go first.
const SESSIONS: usize = 32;
/// A pairing code holds so long.
const CODE: Duration = Duration::from_secs(600);
/// Wrong codes after which the right one is void, too.
const CODE_TRIES: u32 = 5;
/// Failures of one address in [`CALM`] after which it is not heard.
const FAILURES: u32 = 10;
/// Failures of all together in [`CALM`].
const ALL_FAILURES: u32 = 60;
/// After so long failures are forgotten.
const CALM: Duration = Duration::from_secs(60);
/// Addresses whose failures are counted.
const ADDRESSES: usize = 256;
/// Bytes of a password.
const PASSWORD: std::ops::RangeInclusive<usize> = 10..=256;

/// What somebody may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See, and change nothing: a tenant, or a screen in the hall.
    Viewer,
    /// See and change.
    Owner,
}

/// Somebody who is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By the token.
    Token,
    /// By a session; its secret's digest and the word that changes have to carry.
    Session {
        /// What it may do.
        role: Role,
        /// Digest of its secret.
        digest: String,
        /// Goes with each change, so that another page cannot make it.
        csrf: String,
    },
}

impl Who {
    /// What they may do.
    pub const fn role(&self) -> Role {
        match self {
            Self::Token => Role::Owner,
            Self::Session { role, .. } => *role,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    /// SHA-256 of its secret: who reads the file cannot use it.
    digest: String,
    role: Role,
    /// Unix time of its end.
    until: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kept {
    /// As argon2 writes them, by role.
    passwords: BTreeMap<Role, String>,
    sessions: Vec<Session>,
}

struct Code {
    digest: String,
    role: Role,
    until: Instant,
    tries: u32,
}

struct State {
    kept: Kept,
    code: Option<Code>,
    failures: BTreeMap<IpAddr, (u32, Instant)>,
    all: (u32, Instant),
}

/// Who may ask.
pub struct Access {
    token: String,
    file: PathBuf,
    state: Mutex<State>,
    /// One password is tried at a time: each takes memory and time.
    trying: Semaphore,
}

fn hex_digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// The word that changes of a session have to carry.
fn csrf_of(secret: &str) -> String {
    hex_digest(&format!("wattpool csrf {secret}"))
}

/// Compares in a time that does not tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| Refusal::broken(format!("the system gives no random bytes: {e}")))?;
    Ok(bytes)
}

/// 7 MiB, five times over: OWASP's choice for little memory.
fn argon2() -> Argon2<'static> {
    let params = Params::new(7 * 1024, 5, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

/// Whose failures count together: an address, or a network of IPv6 that one host has to itself.
fn counted(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
        v4 => v4,
    }
}

impl Access {
    /// Reads what was kept.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of these.
    pub fn open(file: &Path, token: String) -> Result<Self> {
        let context = || format!("http.access_file {}", file.display());
        let kept = match std::fs::read(file) {
            Ok(text) => serde_json::from_slice(&text).with_context(context)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Kept::default(),
            Err(e) => return Err(e).with_context(context),
        };
        Ok(Self {
            token,
            file: file.to_owned(),
            state: Mutex::new(State {
                kept,
                code: None,
                failures: BTreeMap::new(),
                all: (0, Instant::now()),
            }),
            trying: Semaphore::new(1),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave it half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the token.
    pub fn is_token(&self, shown: &str) -> bool {
        same(shown.as_bytes(), self.token.as_bytes())
    }

    /// The session of a secret, if it has not ended.
    pub fn session(&self, secret: &str) -> Option<Who> {
        let digest = hex_digest(secret);
        let now = now();
        let state = self.lock();
        let session = state
            .kept
            .sessions
            .iter()
            .find(|s| same(s.digest.as_bytes(), digest.as_bytes()) && s.until > now)?;
        Some(Who::Session {
            role: session.role,
            csrf: csrf_of(secret),
            digest,
        })
    }

    /// Whether somebody who was known still is.
    pub fn lasts(&self, who: &Who) -> bool {
        match who {
            Who::Token => true,
            Who::Session { digest, .. } => {
                let now = now();
                let state = self.lock();
                let mut sessions = state.kept.sessions.iter();
                sessions.any(|s| s.digest == *digest && s.until > now)
            }
        }
    }

    /// Whether this word belongs to the session.
    pub fn is_csrf(who: &Who, shown: Option<&str>) -> bool {
        match who {
            Who::Token => true,
            Who::Session { csrf, .. } => {
                shown.is_some_and(|shown| same(shown.as_bytes(), csrf.as_bytes()))
            }
        }
    }

    /// Refuses who has failed too often.
    ///
    /// # Errors
    /// Too many failures; it says how long to wait.
    pub fn heard(&self, ip: IpAddr) -> Result<(), Refusal> {
        let state = self.lock();
        let one = state.failures.get(&counted(ip));
        let over = |(count, since): &(u32, Instant), most: u32| {
            (*count >= most)
                .then(|| CALM.checked_sub(since.elapsed()))
                .flatten()
        };
        let wait = one
            .and_then(|one| over(one, FAILURES))
            .or_else(|| over(&state.all, ALL_FAILURES));
        match wait {
            None => Ok(()),
            Some(wait) => {
                let mut refusal = Refusal::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too many failed attempts: wait a minute",
                )
                .named(reason::FAILURES);
                refusal.retry_after = Some(wait.as_secs().saturating_add(1));
                Err(refusal)
            }
        }
    }

    /// Somebody failed.
    pub fn failed(&self, ip: IpAddr) {
        let mut state = self.lock();
        let now = Instant::now();
        let count = |slot: &mut (u32, Instant)| {
            if slot.1.elapsed() > CALM {
                *slot = (0, now);
            }
            slot.0 = slot.0.saturating_add(1);
        };
        count(&mut state.all);
        let ip = counted(ip);
        if !state.failures.contains_key(&ip) && state.failures.len() >= ADDRESSES {
            state
                .failures
                .retain(|_, (_, since)| since.elapsed() <= CALM);
            if state.failures.len() >= ADDRESSES {
                // The count of all together holds still.
                return;
            }
        }
        count(state.failures.entry(ip).or_insert((0, now)));
    }

    /// A code that begins one session within ten minutes.
    ///
    /// # Errors
    /// There is no chance to be had.
    pub fn pair(&self, role: Role) -> Result<(String, u64), Refusal> {
        let bytes: [u8; 8] = random()?;
        let code = format!("{:08}", u64::from_be_bytes(bytes) % 100_000_000);
        let until = Instant::now()
            .checked_add(CODE)
            .unwrap_or_else(Instant::now);
        self.lock().code = Some(Code {
            digest: hex_digest(&code),
            role,
            until,
            tries: 0,
        });
        Ok((code, CODE.as_secs()))
    }

    /// Begins a session with a pairing code; gives its secret.
    ///
    /// # Errors
    /// It is not the code, or the code is void.
    pub fn begin_by_code(&self, shown: &str) -> Result<(String, Role), Refusal> {
        let wrong = || {
            Refusal::new(
                StatusCode::UNAUTHORIZED,
                "the code is wrong, used, older than ten minutes, or there is a newer one: ask for one with wattpool-agent pair",
            )
            .named(reason::CODE_WRONG)
        };
        let role = {
            let mut state = self.lock();
            let code = state.code.as_mut().ok_or_else(wrong)?;
            let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
            let right = same(hex_digest(&digits).as_bytes(), code.digest.as_bytes())
                && Instant::now() < code.until;
            code.tries = code.tries.saturating_add(1);
            let (role, spent) = (code.role, right || code.tries >= CODE_TRIES);
            if spent {
                state.code = None;
            }
            if !right {
                return Err(wrong());
            }
            role
        };
        Ok((self.begin(role)?, role))
    }

    /// Begins a session with a password; gives its secret.
    ///
    /// # Errors
    /// It is nobody's password, or another one is being tried.
    pub async fn begin_by_password(&self, shown: String) -> Result<(String, Role), Refusal> {
        let passwords = self.lock().kept.passwords.clone();
        if passwords.is_empty() {
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "no password is set: set one with wattpool-agent password, or pair this device with wattpool-agent pair",
            )
            .named(reason::PASSWORD_NONE));
        }
        let _one = self.one_try()?;
        let found = tokio::task::spawn_blocking(move || {
            let right = |hash: &String| {
                PasswordHash::new(hash)
                    .is_ok_and(|hash| argon2().verify_password(shown.as_bytes(), &hash).is_ok())
            };
            // The owner's first.
            let mut all = passwords.iter().rev();
            all.find(|(_, hash)| right(hash)).map(|(role, _)| *role)
        });
        match found.await.map_err(Refusal::broken)? {
            Some(role) => Ok((self.begin(role)?, role)),
            None => Err(
                Refusal::new(StatusCode::UNAUTHORIZED, "the password is wrong")
                    .named(reason::PASSWORD_WRONG),
            ),
        }
    }

    fn one_try(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
        self.trying.try_acquire().map_err(|_| {
            let mut refusal = Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "another password is being tried",
            )
            .named(reason::BUSY);
            refusal.retry_after = Some(1);
            refusal
        })
    }

    fn begin(&self, role: Role) -> Result<String, Refusal> {
        let secret = hex::encode(random::<32>()?);
        let mut state = self.lock();
        let now = now();
        let sessions = &mut state.kept.sessions;
        sessions.retain(|s| s.until > now);
        if sessions.len() >= SESSIONS {
            sessions.remove(0);
        }
        sessions.push(Session {
            digest: hex_digest(&secret),
            role,
            until: now.saturating_add(SESSION_S),
        });
        self.keep(&state.kept)?;
        Ok(secret)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end(&self, digest: &str) -> Result<(), Refusal> {
        let mut state = self.lock();
        state.kept.sessions.retain(|s| s.digest != digest);
        self.keep(&state.kept)
    }

    /// Sets a role's password, or takes it away; its sessions end.
    ///
    /// # Errors
    /// It is too short or too long, or the file cannot be written.
    pub async fn set_password(&self, role: Role, password: Option<String>) -> Result<(), Refusal> {
        let hash = match password {
            None => None,
            Some(password) if !PASSWORD.contains(&password.len()) => {
                return Err(Refusal::bad(format!(
                    "password: expected {} to {} bytes, found {}",
                    PASSWORD.start(),
                    PASSWORD.end(),
                    password.len()
                ))
                .named(reason::PASSWORD_LENGTH));
            }
            Some(password) => {
                let _one = self.one_try()?;
                let salt = SaltString::encode_b64(&random::<16>()?).map_err(Refusal::broken)?;
                let hashed = tokio::task::spawn_blocking(move || {
                    let hash = argon2().hash_password(password.as_bytes(), &salt);
                    hash.map(|hash| hash.to_string()).map_err(|e| e.to_string())
                });
                let hashed = hashed.await.map_err(Refusal::broken)?;
                Some(hashed.map_err(Refusal::broken)?)
            }
        };
        let mut state = self.lock();
        match hash {
            None => state.kept.passwords.remove(&role),
            Some(hash) => state.kept.passwords.insert(role, hash),
        };
        state.kept.sessions.retain(|s| s.role != role);
        self.keep(&state.kept)
    }

    fn keep(&self, kept: &Kept) -> Result<(), Refusal> {
        let write = || -> std::io::Result<()> {
            let text = serde_json::to_vec(kept)?;
            let mut beside = self.file.as_os_str().to_owned();
            beside.push(".new");
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.file)
        };
        write().map_err(|e| Refusal::broken(format!("{}: {e}", self.file.display())))
    }
}
