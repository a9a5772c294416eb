//! A home: one meter with its owner, device and agent.

use crate::keys::{AgentSigner, DeviceSigner};
use cosmwasm_std::Addr;
use wattpool_schema::pool::{MeterKind, Registration};
use wattpool_schema::{MeterId, Wh, Zone};

/// One meter and the keys around it. The counters give fresh sequences, trade ids and nonces.
#[derive(Clone)]
pub struct Home {
    /// Pseudonym.
    pub meter: MeterId,
    /// Owner's account.
    pub owner: Addr,
    /// Signs statements and covers.
    pub device: DeviceSigner,
    /// Signs approvals.
    pub agent: AgentSigner,
    /// The agent's account.
    pub agent_address: Addr,
    /// Zone.
    pub zone: Zone,
    /// Largest export per window.
    pub max_export: Wh,
    /// Largest import per window.
    pub max_import: Wh,
    /// Next statement's sequence.
    pub sequence: u64,
    /// Next trade id as a buyer.
    pub trade_id: u64,
    /// Next nonce as a seller.
    pub nonce: u64,
}

impl Home {
    /// What the registrar enters for it.
    pub fn registration(&self) -> Registration {
        Registration {
            meter: self.meter,
            owner: self.owner.to_string(),
            device: self.device.public,
            agent: Some(self.agent.public),
            zone: self.zone,
            kind: MeterKind::Pv,
            max_export: self.max_export,
            max_import: self.max_import,
        }
    }

    /// A fresh statement sequence.
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A fresh trade id.
    pub fn next_trade_id(&mut self) -> u64 {
        self.trade_id += 1;
        self.trade_id
    }

    /// A fresh nonce.
    pub fn next_nonce(&mut self) -> u64 {
        self.nonce += 1;
        self.nonce
    }
}
