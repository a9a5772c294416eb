//! Whether a meter's registration on the chain is that of this agent.

use anyhow::{bail, Result};
use wattpool_schema::pool::MeterResponse;
use wattpool_schema::{AgentKey, DeviceKey, MeterId};

/// Public keys, to compare with the registration.
pub struct PublicKeys {
    /// The agent's.
    pub agent: AgentKey,
    /// The device's.
    pub device: DeviceKey,
}

impl PublicKeys {
    /// Compares a meter as the chain has it.
    ///
    /// # Errors
    /// It is out of service, or its keys are others.
    pub fn check(&self, meter: MeterId, found: &MeterResponse) -> Result<()> {
        if found.retired {
            bail!("meter {meter} is out of service");
        }
        match found.agent {
            Some(agent) if agent == self.agent => {}
            Some(other) => bail!(
                "meter {meter} has another agent on the chain: {other}, this one is {}",
                self.agent
            ),
            None => bail!(
                "meter {meter} has no agent on the chain: its owner has to name {}",
                self.agent
            ),
        }
        if found.device != self.device {
            bail!(
                "meter {meter} has another device on the chain: {}, this one is {}",
                found.device,
                self.device
            );
        }
        Ok(())
    }
}
