//! The chain and its contracts.

use crate::contract::Contract;
use crate::machine::{Machine, Refusal};
use crate::signatures::Signatures;
use crate::transact::Queued;
use anyhow::{anyhow, Result};
use cosmwasm_std::testing::MockStorage;
use cosmwasm_std::{Addr, BlockInfo, DepsMut, Env, MessageInfo, Response, Timestamp};
use cw_multi_test::{AddressGenerator, SimpleAddressGenerator};
use sha2::{Digest, Sha256};
use wattpool_audit::export::{Header, Row};
use wattpool_core::io::BlockRef;
pub use wattpool_fixtures::Contracts;
use wattpool_fixtures::MarketApi;
use wattpool_rules::order::first_part;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{escrow, pool, token, Digest32, Seconds};

/// Denomination of payments.
pub const DENOM: &str = wattpool_schema::PAYMENT_DENOM;

/// What the chain starts with.
#[derive(Clone, Debug)]
pub struct ChainSetup {
    /// Chain id.
    pub chain_id: String,
    /// First block's time.
    pub genesis: Seconds,
    /// Window length.
    pub window_s: u32,
    /// Block interval.
    pub block_s: u32,
    /// Tariffs from the beginning.
    pub tariffs: Tariffs,
    /// Zone terms from the beginning.
    pub zone_pairs: Vec<ZonePairTerms>,
    /// How signatures are checked.
    pub signatures: Signatures,
}

/// The ledger in process.
pub struct EmbeddedLedger {
    pub(crate) machine: Machine,
    pub(crate) contracts: Contracts,
    pub(crate) operator: Addr,
    pub(crate) setup: ChainSetup,
    pub(crate) queue: Vec<Queued>,
    pub(crate) block: BlockRef,
}

impl EmbeddedLedger {
    /// Starts a chain and deploys and connects the three contracts.
    ///
    /// # Errors
    /// A contract refuses its set-up.
    pub fn new(setup: ChainSetup) -> Result<Self> {
        let block = BlockRef {
            height: 1,
            time: setup.genesis,
        };
        let api = MarketApi::new(setup.signatures == Signatures::Verified);
        let operator = api.make("operator");
        let info = BlockInfo {
            height: block.height,
            time: Timestamp::from_seconds(block.time.0),
            chain_id: setup.chain_id.clone(),
        };
        let [token, pool, escrow] = addresses(&api)?;
        let contracts = Contracts {
            token: token.clone(),
            pool: pool.clone(),
            escrow: escrow.clone(),
        };
        let mut ledger = Self {
            machine: Machine::new(api, info, vec![token, pool, escrow]),
            contracts,
            operator,
            setup,
            queue: Vec::new(),
            block,
        };
        ledger.instantiate()?;
        ledger.machine.history.ended = true;
        Ok(ledger)
    }

    /// Keeps what the contracts say from now on, for an audit; that of their set-up is kept always.
    pub fn keep_history(&mut self) {
        self.machine.history.ended = false;
    }

    /// What the contracts said, in the chain's order, and where it is from.
    pub fn take_history(&mut self) -> (Header, Vec<Row>) {
        let c = &self.contracts;
        let contracts = [&c.token, &c.pool, &c.escrow].map(|a| a.as_str());
        let setup = &self.setup;
        let header = Header::new(&setup.chain_id, contracts, DENOM, setup.window_s, 1);
        (header, std::mem::take(&mut self.machine.history.rows))
    }

    pub(crate) fn token_terms(&self) -> token::InstantiateMsg {
        token::InstantiateMsg {
            name: "Wattpool energy".into(),
            symbol: "KWH".into(),
            window_seconds: self.setup.window_s,
            marketing: None,
        }
    }

    pub(crate) fn pool_terms(&self) -> pool::InstantiateMsg {
        let by = self.operator.to_string();
        let (window_s, block_s) = (self.setup.window_s, self.setup.block_s);
        let part = first_part(window_s, block_s);
        pool::InstantiateMsg {
            admin: by.clone(),
            registrar: by.clone(),
            grid_operator: by.clone(),
            regulator: by,
            token: self.contracts.token.to_string(),
            denom: DENOM.into(),
            window_seconds: window_s,
            credit_delay_days: 30,
            halt_seconds: (part / 2).clamp(1, block_s.saturating_mul(12).max(30)),
            block_seconds: block_s.max(1),
            first_part_seconds: part,
            notice_days: 14,
            tariffs: self.setup.tariffs,
            zone_pairs: self.setup.zone_pairs.clone(),
        }
    }

    pub(crate) fn escrow_terms(&self) -> escrow::InstantiateMsg {
        escrow::InstantiateMsg {
            token: self.contracts.token.to_string(),
            pool: self.contracts.pool.to_string(),
            denom: DENOM.into(),
            window_seconds: self.setup.window_s,
        }
    }

    fn instantiate(&mut self) -> Result<()> {
        let Contracts { pool, escrow, .. } = self.contracts.clone();
        let (token_terms, pool_terms, escrow_terms) =
            (self.token_terms(), self.pool_terms(), self.escrow_terms());
        let wire_token = token::ExecuteMsg::Wire {
            pool: pool.to_string(),
            escrow: escrow.to_string(),
        };
        let wire_pool = pool::ExecuteMsg::Wire {
            escrow: escrow.to_string(),
        };
        self.set_up(Contract::Token, "energy-token", |deps, env, info| {
            let made = energy_token::contract::instantiate(deps, env, info, token_terms);
            made.map_err(|e| e.to_string())
        })?;
        self.set_up(Contract::Pool, "energy-pool", |deps, env, info| {
            let made = energy_pool::contract::instantiate(deps, env, info, pool_terms);
            made.map_err(|e| e.to_string())
        })?;
        self.set_up(Contract::Escrow, "trade-escrow", |deps, env, info| {
            let made = trade_escrow::contract::instantiate(deps, env, info, escrow_terms);
            made.map_err(|e| e.to_string())
        })?;
        self.set_up(Contract::Token, "wire energy-token", |deps, env, info| {
            let wired = energy_token::contract::execute(deps, env, info, wire_token);
            wired.map_err(|e| e.to_string())
        })?;
        self.set_up(Contract::Pool, "wire energy-pool", |deps, env, info| {
            let wired = energy_pool::contract::execute(deps, env, info, wire_pool);
            wired.map_err(|e| e.to_string())
        })
    }

    fn set_up(
        &mut self,
        contract: Contract,
        what: &str,
        act: impl FnOnce(DepsMut, Env, MessageInfo) -> Result<Response, Refusal>,
    ) -> Result<()> {
        let operator = self.operator.clone();
        let done = self.machine.transact(&operator, contract, vec![], act);
        done.map(|_| ())
            .map_err(|refusal| anyhow!("{what}: {refusal}"))
    }

    /// Addresses of the contracts.
    pub const fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// The last block.
    pub const fn block(&self) -> BlockRef {
        self.block
    }

    /// SHA-256 over the whole state: of the token, the pool, the escrow and the bank the number of entries, then
    /// keys and values in order, each with its length.
    pub fn state_hash(&self) -> Digest32 {
        let length = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).to_be_bytes();
        let mut hash = Sha256::new();
        for space in self.machine.store.spaces() {
            hash.update(length(space.len()));
            for part in space.iter().flat_map(|(key, value)| [key, value]) {
                hash.update(length(part.len()));
                hash.update(part);
            }
        }
        Digest32(hash.finalize().into())
    }
}

/// Addresses of the contracts, as a chain gives them to its first three codes and contracts.
fn addresses(api: &MarketApi) -> Result<[Addr; 3]> {
    let mut none = MockStorage::new();
    let mut address = |code: u64, instance: u64| {
        SimpleAddressGenerator
            .contract_address(api, &mut none, code, instance)
            .map_err(|e| anyhow!("address of contract {code}: {e}"))
    };
    Ok([address(1, 0)?, address(2, 1)?, address(3, 2)?])
}
