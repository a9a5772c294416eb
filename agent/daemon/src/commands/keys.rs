//! `wattpool-agent keys`: the public side of the keystore.

use super::Shown;
use crate::keystore::Keystore;
use crate::passphrase;
use crate::Failure;
use anyhow::Result;
use serde::Serialize;
use wattpool_daemon::config::Config;
use wattpool_discovery_libp2p::Config as MeshConfig;
use wattpool_ledger_wasmd::Key;
use wattpool_schema::chain::ADDRESS_PREFIX;
use wattpool_schema::{AgentKey, DeviceKey};

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

pub fn run(shown: &Shown) -> Result<u8, Failure> {
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
