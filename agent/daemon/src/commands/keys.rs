//! `wattpool-agent keys`: the public side of the keystore, and what of it is made anew.

use super::Shown;
use crate::http::names::subjects;
use crate::http::tls::Tls;
use crate::keystore::{renew, Keystore, Renew};
use crate::passphrase;
use crate::Failure;
use anyhow::{anyhow, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::path::PathBuf;
use wattpool_daemon::config::Config;
use wattpool_discovery_libp2p::Config as MeshConfig;
use wattpool_ledger_wasmd::Key;
use wattpool_schema::chain::ADDRESS_PREFIX;
use wattpool_schema::{AgentKey, DeviceKey};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Keys {
    #[command(flatten)]
    shown: Shown,
    #[command(subcommand)]
    new: Option<New>,
}

#[derive(Subcommand)]
enum New {
    #[command(flatten)]
    Key(Rotate),
    /// Make key and certificate of the page anew, made out to the names and addresses that this machine has now; the old file is kept with .before at its end.
    #[command(name = "new-certificate")]
    Certificate(Shown),
}

/// What is made anew; the running agent goes on with what it has until it is started again.
#[derive(Subcommand)]
enum Rotate {
    /// Draw a new agent's key; the old file is kept with .before at its end. The owner then sets the new key.
    #[command(name = "new-agent")]
    Agent(Shown),
    /// Draw a new peer's key: the meter has another peer id from the next start on.
    #[command(name = "new-peer")]
    Peer(Shown),
    /// Encrypt the keys under another passphrase.
    #[command(name = "new-passphrase")]
    Passphrase {
        #[command(flatten)]
        shown: Shown,
        /// Holds the new passphrase in its first line; otherwise it is asked for.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
}

/// What is public of a meter's keys.
#[derive(Serialize)]
pub struct PublicKeys {
    /// The device's, for the registration.
    device: DeviceKey,
    /// The agent's, for the registration.
    agent: AgentKey,
    /// The agent's account, to be funded with fees or named in a fee grant.
    agent_address: String,
    /// libp2p's peer id, for others' bootstrap addresses.
    peer_id: String,
}

impl PublicKeys {
    pub fn of(keystore: &Keystore) -> Result<Self> {
        Ok(Self {
            device: keystore.signer.device(),
            agent: keystore.signer.agent(),
            agent_address: Key::from_bytes(&keystore.agent, ADDRESS_PREFIX)?
                .address()
                .to_owned(),
            peer_id: MeshConfig::peer_id_text(&keystore.peer)?,
        })
    }

    pub fn text(&self) -> String {
        format!(
            "device key     {}\nagent key      {}\nagent address  {}\npeer id        {}\n",
            self.device, self.agent, self.agent_address, self.peer_id
        )
    }
}

pub fn run(keys: &Keys) -> Result<u8, Failure> {
    match &keys.new {
        Some(New::Key(rotate)) => rotated(rotate),
        Some(New::Certificate(shown)) => certificate(shown),
        None => show(&keys.shown),
    }
}

/// A certificate that was made.
#[derive(Serialize)]
struct Certificate {
    /// SHA-256, as browsers show it.
    fingerprint: String,
    /// Names and addresses that it is made out to.
    subjects: Vec<String>,
}

fn certificate(shown: &Shown) -> Result<u8, Failure> {
    let config = Config::read(&shown.at.config).map_err(Failure::input)?;
    if config.http.home.is_none() {
        return Err(Failure::input(anyhow!(
            "{}: http.home: expected an address such as 0.0.0.0:8651, found none: without it the page needs no certificate",
            shown.at.config.display()
        )));
    }
    let (file, subjects) = (&config.http.tls_file, subjects(&config.http));
    let fingerprint = Tls::renew(file, subjects.clone())?.fingerprint;
    eprintln!(
        "wattpool-agent: {} has a new certificate; the agent shows it from its next start on, and browsers that knew the old one warn once more: compare the fingerprint",
        file.display()
    );
    crate::print(&if shown.json {
        crate::json(&Certificate {
            fingerprint,
            subjects,
        })?
    } else {
        format!(
            "certificate    {fingerprint}\nmade out to    {}\n",
            subjects.join(", ")
        )
    })?;
    Ok(0)
}

fn rotated(rotate: &Rotate) -> Result<u8, Failure> {
    let (Rotate::Agent(shown) | Rotate::Peer(shown) | Rotate::Passphrase { shown, .. }) = rotate;
    let config = Config::read(&shown.at.config).map_err(Failure::input)?;
    let file = &config.keys.file;
    let passphrase = passphrase::get(&config.keys.passphrase_file)?;
    let (what, then) = match rotate {
        Rotate::Agent(_) => (
            Renew::Agent,
            format!(
                "has a new agent's key, the old file is kept beside it with .before at its end; the owner has to set the key (wattpool owner set-agent --meter {} --agent KEY) and to pay for the new address's fees, then start the agent again",
                config.meter.id
            ),
        ),
        Rotate::Peer(_) => (
            Renew::Peer,
            "has a new peer's key; it counts from the next start of the agent on, and where this meter stands in another's network.bootstrap its peer id has to be changed".to_owned(),
        ),
        Rotate::Passphrase {
            new_passphrase_file,
            ..
        } => (
            Renew::Passphrase(passphrase::other(new_passphrase_file.as_deref())?),
            "is encrypted under the new passphrase; the agent has to find it where it finds the old one by its next start, and copies of the old file still open with the old one".to_owned(),
        ),
    };
    let keystore = renew(file, passphrase, what)?;
    let public = PublicKeys::of(&keystore)?;
    eprintln!("wattpool-agent: {} {then}", file.display());
    crate::print(&if shown.json {
        crate::json(&public)?
    } else {
        public.text()
    })?;
    Ok(0)
}

fn show(shown: &Shown) -> Result<u8, Failure> {
    let config = Config::read(&shown.at.config).map_err(Failure::input)?;
    let passphrase = passphrase::get(&config.keys.passphrase_file)?;
    let keys = PublicKeys::of(&Keystore::open(&config.keys.file, passphrase)?)?;
    crate::print(&if shown.json {
        crate::json(&keys)?
    } else {
        keys.text()
    })?;
    Ok(0)
}
