//! The chain and its contracts.

use crate::signatures::Signatures;
use crate::transact::Queued;
use anyhow::{Context, Result};
use cosmwasm_std::testing::MockStorage;
use cosmwasm_std::{Addr, BlockInfo, Empty, Storage, Timestamp};
use cw_multi_test::{
    App, AppBuilder, BankKeeper, DistributionKeeper, FailingModule, GovFailingModule,
    IbcFailingModule, StakeKeeper, StargateFailing, WasmKeeper,
};
use sha2::{Digest, Sha256};
use wattpool_core::io::BlockRef;
pub use wattpool_fixtures::Contracts;
use wattpool_fixtures::{deploy, energy_pool, energy_token, trade_escrow, MarketApi};
use wattpool_rules::order::first_part;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{pool, Digest32, Seconds};

/// Denomination of payments.
pub const DENOM: &str = wattpool_schema::PAYMENT_DENOM;

pub(crate) type Chain = App<
    BankKeeper,
    MarketApi,
    MockStorage,
    FailingModule<Empty, Empty, Empty>,
    WasmKeeper<Empty, Empty>,
    StakeKeeper,
    DistributionKeeper,
    IbcFailingModule,
    GovFailingModule,
    StargateFailing,
>;

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
    pub(crate) app: Chain,
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
        let mut app: Chain = AppBuilder::new()
            .with_api(api)
            .with_block(BlockInfo {
                height: block.height,
                time: Timestamp::from_seconds(block.time.0),
                chain_id: setup.chain_id.clone(),
            })
            .build(|_, _, _| {});
        let part = first_part(setup.window_s, setup.block_s);
        let settings = pool::InstantiateMsg {
            admin: operator.to_string(),
            registrar: operator.to_string(),
            grid_operator: operator.to_string(),
            regulator: operator.to_string(),
            token: String::new(),
            denom: DENOM.into(),
            window_seconds: setup.window_s,
            credit_delay_days: 30,
            halt_seconds: (part / 2).clamp(1, setup.block_s.saturating_mul(12).max(30)),
            block_seconds: setup.block_s.max(1),
            first_part_seconds: part,
            notice_days: 14,
            tariffs: setup.tariffs,
            zone_pairs: setup.zone_pairs.clone(),
        };
        let codes =
            [energy_token(), energy_pool(), trade_escrow()].map(|code| app.store_code(code));
        let contracts = deploy(&mut app, codes, &settings).context("the market's contracts")?;
        Ok(Self {
            app,
            contracts,
            operator,
            setup,
            queue: Vec::new(),
            block,
        })
    }

    /// Addresses of the contracts.
    pub const fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// The last block.
    pub const fn block(&self) -> BlockRef {
        self.block
    }

    /// SHA-256 over the whole state, keys and values in order.
    pub fn state_hash(&self) -> Digest32 {
        let mut hash = Sha256::new();
        for (key, value) in self
            .app
            .storage()
            .range(None, None, cosmwasm_std::Order::Ascending)
        {
            for part in [&key, &value] {
                hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(part);
            }
        }
        Digest32(hash.finalize().into())
    }
}
