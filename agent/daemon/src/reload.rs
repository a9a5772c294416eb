//! The configuration read again: on SIGHUP, without a restart.
//!
//! The log's level is put in force, and the policy where the file's wins. What else changed counts from the next start on, and the log says so. A
//! file that cannot be used changes nothing.

use super::logs::Refilter;
use super::status::Running;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{signal, SignalKind};
use wattpool_core::policy::Policy;
use wattpool_daemon::config::{Config, PolicyFrom};

/// How often a policy is tried while the agent neither runs nor rests, a second apart.
const TRIES: u32 = 30;

/// What is read again.
pub struct Reload {
    file: PathBuf,
    /// What is in force.
    config: Config,
    refilter: Refilter,
    running: Arc<Running>,
}

/// Reads a file again on every SIGHUP from now on, in the running tokio runtime; it ends with the process.
///
/// # Errors
/// The signal cannot be heard.
pub fn watch(
    file: PathBuf,
    config: Config,
    refilter: Refilter,
    running: Arc<Running>,
) -> Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("SIGHUP")?;
    let mut reload = Reload {
        file,
        config,
        refilter,
        running,
    };
    drop(tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            reload.again().await;
        }
    }));
    Ok(())
}

/// Puts the configuration's policy in force before an agent runs, where it wins.
///
/// # Errors
/// The journal cannot be read or written.
pub fn at_start(config: &Config, running: &Running) -> Result<()> {
    if config.fleet.policy_from == PolicyFrom::File {
        let wanted = config.policy.clone();
        let put = running.policy_at_rest(|now| Ok((*now != wanted).then_some(wanted)));
        put.map_err(anyhow::Error::msg)
            .context("the configuration's policy")?;
    }
    Ok(())
}

impl Reload {
    async fn again(&mut self) {
        let new = match Config::read(&self.file) {
            Ok(new) => new,
            Err(error) => {
                tracing::warn!(%error, "the configuration is not taken, the old one stays in force");
                return;
            }
        };
        if new.log.level != self.config.log.level {
            let filtered = new.log.filter().map_err(|e| e.to_string());
            if let Err(error) = filtered.and_then(|filter| (self.refilter)(filter)) {
                tracing::warn!(%error, "log.level is not taken");
            }
        }
        if new.fleet.policy_from == PolicyFrom::File {
            match put(&self.running, &new.policy).await {
                Ok(true) => tracing::info!("the configuration's policy is in force"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the configuration's policy is not taken"),
            }
        } else if new.policy != self.config.policy {
            tracing::info!("the policy is the owner's: what [policy] says now changes nothing");
        }
        let later = later(&self.config, &new);
        if !later.is_empty() {
            let later = later.join(", ");
            tracing::warn!("changed, and in force after the next start alone: {later}");
        }
        tracing::info!("the configuration was read again");
        self.config.log.level = new.log.level;
        self.config.policy = new.policy;
        self.config.fleet = new.fleet;
    }
}

/// Sections that are other ones, and need a start.
fn later(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("[meter]", old.meter != new.meter),
        ("[gate]", old.gate != new.gate),
        ("[signal]", old.signal != new.signal),
        ("[chain]", old.chain != new.chain),
        ("[network]", old.network != new.network),
        ("[keys]", old.keys != new.keys),
        ("[storage]", old.storage != new.storage),
        ("[http]", old.http != new.http),
        ("[alerts]", old.alerts != new.alerts),
        ("log.format", old.log.format != new.log.format),
    ];
    let changed = changed.into_iter().filter(|(_, is)| *is);
    changed.map(|(name, _)| name).collect()
}

/// Puts a policy in force, whether an agent runs or not; false: it is already.
async fn put(running: &Arc<Running>, policy: &Policy) -> Result<bool, String> {
    let mut why = String::new();
    for _ in 0..TRIES {
        if let Ok(handle) = running.handle() {
            match handle.status().await {
                Ok(status) if status.policy == *policy => return Ok(false),
                Ok(_) if handle.set_policy(policy.clone()).await.is_ok() => return Ok(true),
                _ => "the agent is not running".clone_into(&mut why),
            }
        } else {
            let (at, wanted) = (Arc::clone(running), policy.clone());
            let write = move || {
                let mut changed = false;
                let put = at.policy_at_rest(|now| {
                    changed = *now != wanted;
                    Ok(changed.then_some(wanted))
                });
                put.map(|_| changed)
            };
            match tokio::task::spawn_blocking(write).await {
                Ok(Ok(changed)) => return Ok(changed),
                Ok(Err(error)) => why = error,
                Err(error) => why = error.to_string(),
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(why)
}
