//! A pool and its token on an in-process chain, and what tests ask of them.

use cosmwasm_std::{from_json, Addr, BlockInfo, Coin, Timestamp, Uint128};
use cw_multi_test::{App, AppBuilder, AppResponse, BankKeeper, Executor, MockApiBech32};
use ed25519_zebra::SigningKey;
use serde::de::DeserializeOwned;
use serde::Serialize;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{
    ExecuteMsg, FeedInResponse, InstantiateMsg, ItemAnswer, MeterKind, MeterPosition,
    MeterResponse, PoolWindow, QueryMsg, RedeemMsg, Registration, Tariffs, ZonePairTerms,
};
use wattpool_schema::{
    token, AgentKey, Commitment, Cover, DeviceKey, MeterId, Micro, Ppm, Price, Signature,
    SignedCover, SignedStatement, Statement, Tariff, Wh, Window, Zone, RECORD_VERSION,
};

pub type Chain = App<BankKeeper, MockApiBech32>;

/// Window length of all tests.
pub const LEN: u32 = 900;
/// The running window when meters 1 to 3 are registered.
pub const START: u64 = 2_000_000;
/// The running window at the beginning of all tests.
pub const NOW: u64 = START + 10;
/// The live metered window at the beginning of all tests.
pub const LIVE: Window = Window(NOW - 1);
/// Largest export and import of all meters.
pub const MAX: u64 = 5_000;
/// Block interval.
pub const BLOCK: u64 = 5;
/// Average block interval from which the chain counts as halted.
pub const HALT: u32 = 60;
/// Windows in the days of notice.
pub const NOTICE: u64 = 14 * 86_400 / LEN as u64;
/// Windows in 30 days.
pub const MONTH: u64 = 30 * 86_400 / LEN as u64;

pub const TARIFFS: Tariffs = Tariffs {
    import: Tariff(300_000),
    feed_in: Tariff(80_000),
};

/// An address for a name.
pub fn addr(name: &str) -> Addr {
    MockApiBech32::new("watt").addr_make(name)
}

/// A meter for a number.
pub fn id(number: u8) -> MeterId {
    MeterId([number; 16])
}

/// The device of a number.
pub fn device(number: u8) -> SigningKey {
    SigningKey::from([number; 32])
}

/// Its public key.
pub fn device_key(number: u8) -> DeviceKey {
    DeviceKey(ed25519_zebra::VerificationKey::from(&device(number)).into())
}

/// The agent key of a number: a real point of the curve.
pub fn agent_key(number: u8) -> AgentKey {
    let secret = k256::ecdsa::SigningKey::from_slice(&[number; 32]).unwrap();
    let point = secret.verifying_key().to_encoded_point(true);
    AgentKey::from_slice(point.as_bytes()).unwrap()
}

/// Owners of meters 1, 2, 3.
pub fn owner(number: u8) -> &'static str {
    ["ann", "bob", "cid"][usize::from(number) - 1]
}

/// Terms from zone 0 to itself, and to zone 1 with a loss, a charge and a capacity.
pub fn zone_pairs() -> Vec<ZonePairTerms> {
    let pair = |to, loss, charge, capacity: Option<u64>| ZonePairTerms {
        from: Zone(0),
        to: Zone(to),
        loss: Ppm(loss),
        charge: Price(charge),
        capacity: capacity.map(Wh),
    };
    vec![pair(0, 0, 0, None), pair(1, 70_000, 10_000, Some(1_000))]
}

/// What a pool is instantiated with.
pub fn setup(token: &Addr) -> InstantiateMsg {
    InstantiateMsg {
        admin: addr("admin").into_string(),
        registrar: addr("registrar").into_string(),
        grid_operator: addr("operator").into_string(),
        regulator: addr("regulator").into_string(),
        token: token.to_string(),
        denom: "uwatt".into(),
        window_seconds: LEN,
        credit_delay_days: 2,
        halt_seconds: HALT,
        block_seconds: 5,
        first_part_seconds: 150,
        notice_days: 14,
        tariffs: TARIFFS,
        zone_pairs: zone_pairs(),
    }
}

/// An in-process chain at the start of window [`START`] with a token.
pub fn chain(window_seconds: u32) -> (Chain, Addr) {
    let block = BlockInfo {
        height: 1000,
        time: Timestamp::from_seconds(START * u64::from(LEN)),
        chain_id: "watt-test".into(),
    };
    let mut app = AppBuilder::new()
        .with_api(MockApiBech32::new("watt"))
        .with_block(block)
        .build(|router, _, storage| {
            let coins = vec![Coin::new(u128::MAX, "uwatt"), Coin::new(1_000u128, "other")];
            let operator = addr("operator");
            router.bank.init_balance(storage, &operator, coins).unwrap();
        });
    let code = app.store_code(wattpool_fixtures::energy_token());
    let msg = token::InstantiateMsg {
        name: "Wattpool energy".into(),
        symbol: "KWH".into(),
        window_seconds,
        marketing: None,
    };
    let token = app.instantiate_contract(code, addr("deployer"), &msg, &[], "token", None);
    let token = token.unwrap();
    (app, token)
}

/// Instantiates a pool.
pub fn instantiate(
    app: &mut Chain,
    msg: &InstantiateMsg,
    funds: &[Coin],
) -> Result<Addr, MarketError> {
    let code = app.store_code(wattpool_fixtures::energy_pool());
    let (sender, admin) = (addr("operator"), Some(addr("governance").into_string()));
    app.instantiate_contract(code, sender, msg, funds, "pool", admin)
        .map_err(refusal)
}

/// The contract's own error inside the chain's.
pub fn refusal(error: cosmwasm_std::StdError) -> MarketError {
    wattpool_fixtures::refusal(&error)
        .unwrap_or_else(|| panic!("no refusal of the contract: {error}"))
}

/// A pool, its token, and the chain they are on.
pub struct Market {
    pub app: Chain,
    pub token: Addr,
    pub pool: Addr,
}

impl Market {
    /// Without an escrow; meters 1 to 3 of ann, bob and cid in zones 0, 0 and 1.
    pub fn unwired() -> Self {
        let (mut app, token) = chain(LEN);
        let pool = instantiate(&mut app, &setup(&token), &[]).unwrap();
        let mut market = Self { app, token, pool };
        let wire = token::ExecuteMsg::Wire {
            pool: market.pool.to_string(),
            escrow: addr("escrow").into_string(),
        };
        market.tell_token("deployer", &wire);
        for number in 1..=3 {
            let registration = registration(number);
            let msg = ExecuteMsg::RegisterMeter { registration };
            market.run("registrar", &msg).unwrap();
            let (meter, agent) = (id(number), Some(agent_key(number)));
            let msg = ExecuteMsg::SetAgent { meter, agent };
            market.run(owner(number), &msg).unwrap();
        }
        market.go_to(NOW);
        market
    }

    /// Ready to trade.
    pub fn new() -> Self {
        let mut market = Self::unwired();
        market.run("admin", &wire()).unwrap();
        market
    }

    /// Sends a message to the pool.
    pub fn run(&mut self, sender: &str, msg: &ExecuteMsg) -> Result<AppResponse, MarketError> {
        self.run_with(sender, msg, &[])
    }

    /// Sends a message with coins to the pool.
    pub fn run_with(
        &mut self,
        sender: &str,
        msg: &ExecuteMsg,
        funds: &[Coin],
    ) -> Result<AppResponse, MarketError> {
        self.app
            .execute_contract(addr(sender), self.pool.clone(), msg, funds)
            .map_err(refusal)
    }

    /// Sends a message to the token.
    pub fn tell_token(&mut self, sender: &str, msg: &token::ExecuteMsg) {
        let token = self.token.clone();
        self.app
            .execute_contract(addr(sender), token, msg, &[])
            .unwrap();
    }

    /// Asks the pool.
    pub fn ask<T: DeserializeOwned>(&self, question: &QueryMsg) -> T {
        let query = self.app.wrap();
        query.query_wasm_smart(&self.pool, question).unwrap()
    }

    /// Asks the token.
    pub fn ask_token<T: DeserializeOwned>(&self, question: &impl Serialize) -> T {
        let query = self.app.wrap();
        query.query_wasm_smart(&self.token, question).unwrap()
    }

    /// Goes to the start of a running window, with blocks at their usual pace.
    pub fn go_to(&mut self, running: u64) {
        self.go_to_second(running * u64::from(LEN));
    }

    /// Goes to a second, with blocks at their usual pace.
    pub fn go_to_second(&mut self, second: u64) {
        self.app.update_block(|block| {
            let passed = second - block.time.seconds();
            block.height += passed.div_ceil(BLOCK);
            block.time = Timestamp::from_seconds(second);
        });
    }

    /// The live metered window.
    pub fn live(&self) -> Window {
        Window(self.app.block_info().time.seconds() / u64::from(LEN) - 1)
    }

    /// A statement of a registered meter, signed by its device.
    pub fn statement(&self, number: u8, window: u64, sequence: u64, wh: u64) -> SignedStatement {
        let statement = Statement {
            version: RECORD_VERSION,
            chain: "watt-test".into(),
            pool: self.pool.to_string(),
            meter: id(number),
            window: Window(window),
            sequence,
            export_wh: Wh(wh),
            commitment: Commitment([u8::try_from(sequence % 251).unwrap(); 32]),
        };
        sign(statement, number)
    }

    /// Sends statements.
    pub fn state(&mut self, statements: &[SignedStatement]) -> AppResponse {
        let statements = statements.to_vec();
        self.run("relay", &ExecuteMsg::State { statements })
            .unwrap()
    }

    /// Sends one statement and gives the code of its refusal.
    pub fn state_one(&mut self, number: u8, window: u64, sequence: u64, wh: u64) -> Option<String> {
        let statement = self.statement(number, window, sequence, wh);
        codes(&self.state(&[statement])).pop().unwrap()
    }

    /// States and expects it to be taken.
    pub fn stated(&mut self, number: u8, window: u64, sequence: u64, wh: u64) {
        assert_eq!(self.state_one(number, window, sequence, wh), None);
    }

    /// A cover signed by the meter's device.
    pub fn cover_of(&self, number: u8, window: Window, wh: u64) -> SignedCover {
        let cover = Cover {
            version: RECORD_VERSION,
            chain: "watt-test".into(),
            pool: self.pool.to_string(),
            meter: id(number),
            window,
            import_wh: Wh(wh),
        };
        sign_cover(cover, number)
    }

    /// Covers the live window and expects it to be taken.
    pub fn covered(&mut self, number: u8, wh: u64) {
        let covers = vec![self.cover_of(number, self.live(), wh)];
        let response = self.run("relay", &ExecuteMsg::Cover { covers }).unwrap();
        assert_eq!(codes(&response), [None]);
    }

    /// Where a meter stands.
    pub fn position(&self, number: u8) -> MeterPosition {
        self.meter(number).position
    }

    /// A meter.
    pub fn meter(&self, number: u8) -> MeterResponse {
        self.ask(&QueryMsg::Meter { meter: id(number) })
    }

    /// A window's books.
    pub fn books(&self, window: u64) -> PoolWindow {
        let window = Window(window);
        self.ask(&QueryMsg::Window { window })
    }

    /// An owner's feed-in money.
    pub fn feed_in(&self, name: &str) -> FeedInResponse {
        let owner = addr(name).into_string();
        self.ask(&QueryMsg::FeedIn {
            owner,
            start_after: None,
            limit: Some(100),
        })
    }

    /// An owner's late credit as (window in which it was stated, Wh).
    pub fn late(&self, name: &str) -> Vec<(u64, u64)> {
        let late = self.feed_in(name).late;
        late.iter().map(|c| (c.window.0, c.wh.0)).collect()
    }

    /// An owner's live tokens.
    pub fn tokens(&self, name: &str) -> u64 {
        let address = addr(name).into_string();
        let holding: token::HoldingResponse = self.ask_token(&token::QueryMsg::Holding { address });
        holding.own.0 + holding.received.0
    }

    /// An account's coins.
    pub fn coins(&self, address: &Addr) -> u128 {
        let coin = self.app.wrap().query_balance(address, "uwatt").unwrap();
        Uint128::try_from(coin.amount).unwrap().u128()
    }
}

/// Signs a statement with the device of a number.
pub fn sign(statement: Statement, number: u8) -> SignedStatement {
    let signature = device(number).sign(&statement.sign_bytes());
    let signature = Signature(signature.to_bytes());
    SignedStatement {
        statement,
        signature,
    }
}

/// Signs a cover with the device of a number.
pub fn sign_cover(cover: Cover, number: u8) -> SignedCover {
    let signature = device(number).sign(&cover.sign_bytes());
    let signature = Signature(signature.to_bytes());
    SignedCover { cover, signature }
}

/// Wires the account `escrow`.
pub fn wire() -> ExecuteMsg {
    ExecuteMsg::Wire {
        escrow: addr("escrow").into_string(),
    }
}

/// How meters 1 to 3 are registered.
pub fn registration(number: u8) -> Registration {
    Registration {
        meter: id(number),
        owner: addr(owner(number)).into_string(),
        device: device_key(number),
        household: None,
        zone: Zone(u16::from(number == 3)),
        kind: MeterKind::Pv,
        max_export: Wh(MAX),
        max_import: Wh(MAX),
    }
}

/// A redemption in the live window of [`NOW`].
pub fn redeem(
    seller: u8,
    buyer: u8,
    gross: u64,
    net: u64,
    cover: Option<SignedCover>,
) -> RedeemMsg {
    RedeemMsg {
        window: LIVE,
        trade_id: 7,
        seller: id(seller),
        buyer: id(buyer),
        gross: Wh(gross),
        net: Wh(net),
        paid: Micro(net * 100),
        capped_from: Some(Zone(u16::from(seller == 3))),
        cover,
    }
}

/// Codes of refused items of a batch; `None` for those that were taken.
pub fn codes(response: &AppResponse) -> Vec<Option<String>> {
    let answers: Vec<ItemAnswer> = from_json(response.data.as_ref().unwrap()).unwrap();
    answers.into_iter().map(|a| a.refused).collect()
}

/// The events of all contracts, in order.
pub fn events(response: &AppResponse) -> Vec<MarketEvent> {
    let parse = |e: &cosmwasm_std::Event| MarketEvent::parse(&e.ty, &e.attributes).unwrap();
    response.events.iter().filter_map(parse).collect()
}

/// `BAD_INPUT` for a field.
pub fn bad(field: &str, expected: impl Into<String>) -> MarketError {
    MarketError::BadInput {
        field: field.into(),
        expected: expected.into(),
    }
}

/// `UNAUTHORIZED` for who is needed.
pub fn only(needs: &str) -> MarketError {
    MarketError::Unauthorized {
        needs: needs.into(),
    }
}
