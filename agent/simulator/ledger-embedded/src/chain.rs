//! The chain and its contracts.

use crate::signatures::Signatures;
use crate::transact::Queued;
use anyhow::{Context, Result};
use cosmwasm_std::testing::MockStorage;
use cosmwasm_std::{Addr, BlockInfo, Empty, Storage, Timestamp};
use cw_multi_test::{
    App, AppBuilder, BankKeeper, Contract, ContractWrapper, DistributionKeeper, Executor,
    FailingModule, GovFailingModule, IbcFailingModule, StakeKeeper, StargateFailing, WasmKeeper,
};
use sha2::{Digest, Sha256};
use wattpool_chain_api::MarketApi;
use wattpool_core::io::BlockRef;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{escrow, pool, token, Digest32, Seconds};

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

/// Addresses of the contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// Energy token.
    pub token: Addr,
    /// Energy pool.
    pub pool: Addr,
    /// Trade escrow.
    pub escrow: Addr,
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

fn wrap<C: Contract<Empty> + 'static>(contract: C) -> Box<dyn Contract<Empty>> {
    Box::new(contract)
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
        let token_code = app.store_code(wrap(ContractWrapper::new(
            energy_token::contract::execute,
            energy_token::contract::instantiate,
            energy_token::contract::query,
        )));
        let pool_code = app.store_code(wrap(ContractWrapper::new(
            energy_pool::contract::execute,
            energy_pool::contract::instantiate,
            energy_pool::contract::query,
        )));
        let escrow_code = app.store_code(wrap(
            ContractWrapper::new(
                trade_escrow::contract::execute,
                trade_escrow::contract::instantiate,
                trade_escrow::contract::query,
            )
            .with_reply(trade_escrow::contract::reply),
        ));
        let by = operator.clone();
        let token = app
            .instantiate_contract(
                token_code,
                by.clone(),
                &token::InstantiateMsg {
                    name: "Wattpool energy".into(),
                    symbol: "KWH".into(),
                    window_seconds: setup.window_s,
                    marketing: None,
                },
                &[],
                "energy-token",
                None,
            )
            .context("energy-token")?;
        let pool = app
            .instantiate_contract(
                pool_code,
                by.clone(),
                &pool::InstantiateMsg {
                    admin: by.to_string(),
                    registrar: by.to_string(),
                    grid_operator: by.to_string(),
                    regulator: by.to_string(),
                    token: token.to_string(),
                    denom: DENOM.into(),
                    window_seconds: setup.window_s,
                    credit_delay_days: 30,
                    halt_seconds: setup.block_s.saturating_mul(12).max(30),
                    tariffs: setup.tariffs,
                    zone_pairs: setup.zone_pairs.clone(),
                },
                &[],
                "energy-pool",
                None,
            )
            .context("energy-pool")?;
        let escrow = app
            .instantiate_contract(
                escrow_code,
                by.clone(),
                &escrow::InstantiateMsg {
                    token: token.to_string(),
                    pool: pool.to_string(),
                    denom: DENOM.into(),
                    window_seconds: setup.window_s,
                },
                &[],
                "trade-escrow",
                None,
            )
            .context("trade-escrow")?;
        let wire_token = token::ExecuteMsg::Wire {
            pool: pool.to_string(),
            escrow: escrow.to_string(),
        };
        app.execute_contract(by.clone(), token.clone(), &wire_token, &[])?;
        let wire_pool = pool::ExecuteMsg::Wire {
            escrow: escrow.to_string(),
        };
        app.execute_contract(by, pool.clone(), &wire_pool, &[])?;
        let contracts = Contracts {
            token,
            pool,
            escrow,
        };
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
