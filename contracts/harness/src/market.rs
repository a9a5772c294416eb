//! The market under test: the three contracts on an in-process chain, its people, time and messages.

use crate::home::Home;
use crate::keys::{AgentSigner, DeviceSigner};
use crate::setup::{Setup, BLOCK_SECONDS, CHAIN, DENOM, FOREIGN_DENOM};
use crate::watch::Watch;
use cosmwasm_std::{coin, coins, Addr, BlockInfo, Coin, Event, Timestamp};
use cw_multi_test::{App, AppBuilder, AppResponse, BankKeeper, ContractWrapper, Executor};
use serde::de::DeserializeOwned;
use serde::Serialize;
use wattpool_chain_api::MarketApi;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::signing::digest;
use wattpool_schema::{escrow, pool, token, MeterId, Micro, Seconds, Wh, Window};

/// Three contracts, homes and roles on one chain.
pub struct Market {
    /// The chain.
    pub app: App<BankKeeper, MarketApi>,
    /// The energy token.
    pub token: Addr,
    /// The energy pool.
    pub pool: Addr,
    /// The trade escrow.
    pub escrow: Addr,
    /// Administrator and deployer; also the migration admin of all three contracts.
    pub admin: Addr,
    /// Registrar.
    pub registrar: Addr,
    /// Grid operator.
    pub operator: Addr,
    /// Regulator.
    pub regulator: Addr,
    /// Has coins and no role.
    pub stranger: Addr,
    /// The homes, registered, with nothing deposited.
    pub homes: Vec<Home>,
    /// Window length in seconds.
    pub window_seconds: u32,
    /// Signatures are by curve arithmetic.
    pub real_signatures: bool,
    /// Running totals of what the contracts reported.
    pub watch: Watch,
}

impl Market {
    /// Stores, instantiates and wires the contracts and registers the homes.
    pub fn new(setup: &Setup) -> Self {
        let api = MarketApi::new(setup.real_signatures);
        let [admin, registrar, operator, regulator, stranger] =
            ["admin", "registrar", "operator", "regulator", "stranger"].map(|name| api.make(name));
        let homes: Vec<Home> = (0..setup.homes.len())
            .map(|i| home(&api, setup, i))
            .collect();
        let mut rich = vec![operator.clone(), stranger.clone(), admin.clone()];
        rich.extend(homes.iter().map(|h| h.owner.clone()));
        rich.sort();
        rich.dedup();
        let mut app = AppBuilder::new()
            .with_api(api)
            .with_block(BlockInfo {
                height: 1,
                time: Timestamp::from_seconds(setup.genesis.0),
                chain_id: CHAIN.into(),
            })
            .build(|router, _, storage| {
                for owner in &rich {
                    let purse = vec![
                        coin(u128::from(setup.coins), FOREIGN_DENOM),
                        coin(u128::from(setup.coins), DENOM),
                    ];
                    router.bank.init_balance(storage, owner, purse).unwrap();
                }
            });
        let (token, pool, escrow) =
            deploy(&mut app, setup, [&admin, &registrar, &operator, &regulator]);
        let mut market = Self {
            app,
            token,
            pool,
            escrow,
            admin,
            registrar,
            operator,
            regulator,
            stranger,
            homes,
            window_seconds: setup.window_seconds,
            real_signatures: setup.real_signatures,
            watch: Watch::default(),
        };
        for i in 0..market.homes.len() {
            let registration = market.homes[i].registration();
            let registrar = market.registrar.clone();
            market
                .pool(
                    &registrar,
                    &pool::ExecuteMsg::RegisterMeter { registration },
                )
                .expect("a home registers");
        }
        market
    }

    /// An account made from a name.
    pub fn account(&self, name: &str) -> Addr {
        self.app.api().make(name)
    }

    /// Block time.
    pub fn now(&self) -> Seconds {
        Seconds(self.app.block_info().time.seconds())
    }

    /// The running window.
    pub fn running(&self) -> Window {
        Window::at(self.now(), self.window_seconds)
    }

    /// The live metered window: the one before the running one.
    pub fn live(&self) -> Window {
        self.running().prev()
    }

    /// Lets time pass with blocks every five seconds.
    pub fn advance(&mut self, seconds: u64) {
        self.app.update_block(|block| {
            block.time = block.time.plus_seconds(seconds);
            block.height += seconds.div_ceil(BLOCK_SECONDS).max(1);
        });
    }

    /// Lets time pass without a block in between.
    pub fn halt(&mut self, seconds: u64) {
        self.app.update_block(|block| {
            block.time = block.time.plus_seconds(seconds);
            block.height += 1;
        });
    }

    /// Goes to the beginning of the window `n` windows on.
    pub fn windows(&mut self, n: u64) {
        let start = self.running().plus(n).start(self.window_seconds);
        let seconds = start.0 - self.now().0;
        self.advance(seconds);
    }

    /// Sends a message with coins. What the contracts report is watched.
    ///
    /// # Errors
    /// The contract's refusal; `STD` with the chain's words for anything else.
    pub fn send(
        &mut self,
        sender: &Addr,
        contract: &Addr,
        msg: &(impl Serialize + std::fmt::Debug),
        coins: &[Coin],
    ) -> Result<AppResponse, MarketError> {
        let response = self
            .app
            .execute_contract(sender.clone(), contract.clone(), msg, coins)
            .map_err(|error| refusal(&error))?;
        self.watch.observe(&events_of(&response.events));
        Ok(response)
    }

    /// Message to the token.
    ///
    /// # Errors
    /// The refusal.
    pub fn token(
        &mut self,
        sender: &Addr,
        msg: &token::ExecuteMsg,
    ) -> Result<AppResponse, MarketError> {
        let contract = self.token.clone();
        self.send(sender, &contract, msg, &[])
    }

    /// Message to the pool.
    ///
    /// # Errors
    /// The refusal.
    pub fn pool(
        &mut self,
        sender: &Addr,
        msg: &pool::ExecuteMsg,
    ) -> Result<AppResponse, MarketError> {
        let contract = self.pool.clone();
        self.send(sender, &contract, msg, &[])
    }

    /// Message to the escrow.
    ///
    /// # Errors
    /// The refusal.
    pub fn escrow(
        &mut self,
        sender: &Addr,
        msg: &escrow::ExecuteMsg,
    ) -> Result<AppResponse, MarketError> {
        let contract = self.escrow.clone();
        self.send(sender, &contract, msg, &[])
    }

    /// Deposits coins of an owner.
    ///
    /// # Errors
    /// The refusal.
    pub fn deposit(&mut self, owner: &Addr, amount: u64) -> Result<AppResponse, MarketError> {
        let contract = self.escrow.clone();
        let funds = coins(u128::from(amount), DENOM);
        self.send(owner, &contract, &escrow::ExecuteMsg::Deposit {}, &funds)
    }

    /// Sends coins to a contract without a message, as strangers may.
    pub fn gift(&mut self, to: &Addr, amount: u64) {
        let stranger = self.stranger.clone();
        self.app
            .send_tokens(stranger, to.clone(), &coins(u128::from(amount), DENOM))
            .expect("the stranger has coins");
        *self.watch.gifts.entry(to.to_string()).or_default() += u128::from(amount);
    }

    /// Home `i` states its export of a window.
    ///
    /// # Errors
    /// The refusal of the whole message; the answer to the item is in the data.
    pub fn state(&mut self, i: usize, window: Window, wh: u64) -> Result<AppResponse, MarketError> {
        let statement = self.statement(i, window, wh);
        let sender = self.homes[i].agent_address.clone();
        let statements = vec![statement];
        self.pool(&sender, &pool::ExecuteMsg::State { statements })
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// The contract's answer as text.
    pub fn ask<T: DeserializeOwned>(
        &self,
        contract: &Addr,
        question: &impl Serialize,
    ) -> Result<T, String> {
        self.app
            .wrap()
            .query_wasm_smart(contract, question)
            .map_err(|e| e.to_string())
    }

    /// Asks the token; panics when it refuses.
    pub fn ask_token<T: DeserializeOwned>(&self, question: &token::QueryMsg) -> T {
        self.ask(&self.token, question).expect("the token answers")
    }

    /// Asks the pool; panics when it refuses.
    pub fn ask_pool<T: DeserializeOwned>(&self, question: &pool::QueryMsg) -> T {
        self.ask(&self.pool, question).expect("the pool answers")
    }

    /// Asks the escrow; panics when it refuses.
    pub fn ask_escrow<T: DeserializeOwned>(&self, question: &escrow::QueryMsg) -> T {
        self.ask(&self.escrow, question)
            .expect("the escrow answers")
    }

    /// Free and locked money of an owner.
    pub fn money(&self, owner: &Addr) -> (Micro, Micro) {
        let owner = owner.to_string();
        let account: escrow::AccountResponse =
            self.ask_escrow(&escrow::QueryMsg::Account { owner });
        (account.free, account.locked)
    }

    /// Coins of an account at the bank.
    pub fn bank(&self, account: &Addr) -> u128 {
        self.app
            .wrap()
            .query_balance(account, DENOM)
            .expect("the bank answers")
            .amount
            .u128()
    }

    /// Own and received live tokens of an account.
    pub fn holding(&self, account: &Addr) -> (Wh, Wh) {
        let address = account.to_string();
        let holding: token::HoldingResponse = self.ask_token(&token::QueryMsg::Holding { address });
        (holding.own, holding.received)
    }

    /// A meter's book at the escrow.
    pub fn book_of(&self, i: usize) -> escrow::MeterBookResponse {
        let meter = self.homes[i].meter;
        self.ask_escrow(&escrow::QueryMsg::Meter { meter })
    }
}

fn home(api: &MarketApi, setup: &Setup, i: usize) -> Home {
    let seed = i as u64;
    let id = digest(format!("meter {i}").as_bytes());
    let agent = AgentSigner::from_seed(seed);
    Home {
        meter: MeterId::from_slice(&id[..16]).expect("16 bytes"),
        owner: api.make(&format!("owner {}", i % setup.owners.max(1))),
        device: DeviceSigner::from_seed(seed),
        agent_address: agent.address(api),
        agent,
        zone: setup.homes[i],
        max_export: setup.max_wh,
        max_import: setup.max_wh,
        sequence: 0,
        trade_id: 0,
        nonce: 0,
    }
}

fn deploy(
    app: &mut App<BankKeeper, MarketApi>,
    setup: &Setup,
    [admin, registrar, operator, regulator]: [&Addr; 4],
) -> (Addr, Addr, Addr) {
    let by = Some(admin.to_string());
    let code = app.store_code(Box::new(
        ContractWrapper::new(
            energy_token::contract::execute,
            energy_token::contract::instantiate,
            energy_token::contract::query,
        )
        .with_migrate(energy_token::contract::migrate),
    ));
    let msg = token::InstantiateMsg {
        name: "Wattpool energy".into(),
        symbol: "KWH".into(),
        window_seconds: setup.window_seconds,
        marketing: None,
    };
    let token = app
        .instantiate_contract(code, admin.clone(), &msg, &[], "token", by.clone())
        .expect("the token is created");
    let code = app.store_code(Box::new(
        ContractWrapper::new(
            energy_pool::contract::execute,
            energy_pool::contract::instantiate,
            energy_pool::contract::query,
        )
        .with_migrate(energy_pool::contract::migrate),
    ));
    let msg = pool::InstantiateMsg {
        admin: admin.to_string(),
        registrar: registrar.to_string(),
        grid_operator: operator.to_string(),
        regulator: regulator.to_string(),
        token: token.to_string(),
        denom: DENOM.into(),
        window_seconds: setup.window_seconds,
        credit_delay_days: setup.credit_delay_days,
        halt_seconds: setup.halt_seconds,
        tariffs: setup.tariffs,
        zone_pairs: setup.zone_pairs.clone(),
    };
    let pool = app
        .instantiate_contract(code, admin.clone(), &msg, &[], "pool", by.clone())
        .expect("the pool is created");
    let code = app.store_code(Box::new(
        ContractWrapper::new(
            trade_escrow::contract::execute,
            trade_escrow::contract::instantiate,
            trade_escrow::contract::query,
        )
        .with_reply(trade_escrow::contract::reply)
        .with_migrate(trade_escrow::contract::migrate),
    ));
    let msg = escrow::InstantiateMsg {
        token: token.to_string(),
        pool: pool.to_string(),
        denom: DENOM.into(),
        window_seconds: setup.window_seconds,
    };
    let escrow = app
        .instantiate_contract(code, admin.clone(), &msg, &[], "escrow", by)
        .expect("the escrow is created");
    let wire = pool::ExecuteMsg::Wire {
        escrow: escrow.to_string(),
    };
    app.execute_contract(admin.clone(), pool.clone(), &wire, &[])
        .expect("the pool is wired");
    let wire = token::ExecuteMsg::Wire {
        pool: pool.to_string(),
        escrow: escrow.to_string(),
    };
    app.execute_contract(admin.clone(), token.clone(), &wire, &[])
        .expect("the token is wired");
    (token, pool, escrow)
}

/// The contract's refusal in a chain's error.
fn refusal(error: &anyhow::Error) -> MarketError {
    error
        .downcast_ref::<MarketError>()
        .cloned()
        .unwrap_or_else(|| MarketError::Std {
            text: format!("{error:#}"),
        })
}

/// The market's events among a chain's, in order; panics on a malformed one.
pub fn events_of(events: &[Event]) -> Vec<MarketEvent> {
    events
        .iter()
        .filter_map(|e| MarketEvent::parse(&e.ty, &e.attributes).expect("events are well formed"))
        .collect()
}

/// Codes of a batch's answers: `None` for what was taken.
pub fn code_of(response: &AppResponse) -> Vec<Option<String>> {
    let data = response.data.clone().expect("a batch answers");
    let answers: Vec<pool::ItemAnswer> =
        cosmwasm_std::from_json(data).expect("answers are readable");
    answers.into_iter().map(|a| a.refused).collect()
}
