//! A token on an in-process chain, and what tests ask of it.

use cosmwasm_std::{Addr, BlockInfo, Coin, Timestamp, Uint128};
use cw_multi_test::{App, AppBuilder, AppResponse, BankKeeper, Executor, MockApiBech32};
use serde::de::DeserializeOwned;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::token::{
    ExecuteMsg, HoldingResponse, InstantiateMsg, MintItem, QueryMsg, SettleMsg, TokenWindow,
    WindowWh,
};
use wattpool_schema::{MeterId, Wh, Window};

pub type Chain = App<BankKeeper, MockApiBech32>;

/// Window length of all tests.
pub const LEN: u32 = 900;
/// The running window at the beginning of all tests.
pub const NOW: u64 = 2_000_000;
/// The live metered window at the beginning of all tests.
pub const LIVE: Window = Window(NOW - 1);

/// An address for a name.
pub fn addr(name: &str) -> Addr {
    MockApiBech32::new("watt").addr_make(name)
}

/// A meter for a number.
pub fn meter(number: u8) -> MeterId {
    MeterId([number; 16])
}

/// An in-process chain at the start of window [`NOW`].
pub fn chain() -> Chain {
    let block = BlockInfo {
        height: 1000,
        time: Timestamp::from_seconds(NOW * u64::from(LEN)),
        chain_id: "watt-test".into(),
    };
    AppBuilder::new()
        .with_api(MockApiBech32::new("watt"))
        .with_block(block)
        .build(|router, _, storage| {
            let coins = vec![Coin::new(1_000u128, "uwatt")];
            router
                .bank
                .init_balance(storage, &addr("rich"), coins)
                .unwrap();
        })
}

/// A token, and the chain it is on.
pub struct Token {
    pub app: Chain,
    pub address: Addr,
}

/// What a token is instantiated with.
pub fn setup() -> InstantiateMsg {
    InstantiateMsg {
        name: "Wattpool energy".into(),
        symbol: "KWH".into(),
        window_seconds: LEN,
        marketing: Some(addr("marketing").into_string()),
    }
}

/// Instantiates a token.
pub fn instantiate(
    app: &mut Chain,
    msg: &InstantiateMsg,
    funds: &[Coin],
) -> Result<Addr, MarketError> {
    let code = app.store_code(wattpool_fixtures::energy_token());
    let (sender, admin) = (addr("rich"), Some(addr("governance").into_string()));
    app.instantiate_contract(code, sender, msg, funds, "token", admin)
        .map_err(refusal)
}

/// The contract's own error inside the chain's.
pub fn refusal(error: cosmwasm_std::StdError) -> MarketError {
    wattpool_fixtures::refusal(&error)
        .unwrap_or_else(|| panic!("no refusal of the contract: {error}"))
}

impl Token {
    /// A token that is not wired.
    pub fn unwired() -> Self {
        let mut app = chain();
        let address = instantiate(&mut app, &setup(), &[]).unwrap();
        Self { app, address }
    }

    /// A token that is wired to the accounts `pool` and `escrow`.
    pub fn new() -> Self {
        let mut token = Self::unwired();
        let wire = ExecuteMsg::Wire {
            pool: addr("pool").into_string(),
            escrow: addr("escrow").into_string(),
        };
        token.run("rich", &wire).unwrap();
        token
    }

    /// Sends a message.
    pub fn run(&mut self, sender: &str, msg: &ExecuteMsg) -> Result<AppResponse, MarketError> {
        self.app
            .execute_contract(addr(sender), self.address.clone(), msg, &[])
            .map_err(refusal)
    }

    /// Asks.
    pub fn ask<T: DeserializeOwned>(&self, question: &QueryMsg) -> T {
        let query = self.app.wrap();
        query.query_wasm_smart(&self.address, question).unwrap()
    }

    /// Goes to a running window.
    pub fn go_to(&mut self, running: u64) {
        self.app.update_block(|block| {
            block.height += 1;
            block.time = Timestamp::from_seconds(running * u64::from(LEN));
        });
    }

    /// The live metered window.
    pub fn live(&self) -> Window {
        Window(self.app.block_info().time.seconds() / u64::from(LEN) - 1)
    }

    /// Mints to an owner's meter 1.
    pub fn mint(&mut self, owner: &str, wh: u64) {
        let msg = mint(self.live(), &[(owner, wh)]);
        self.run("pool", &msg).unwrap();
    }

    /// Transfers.
    pub fn transfer(
        &mut self,
        from: &str,
        to: &str,
        amount: u128,
    ) -> Result<AppResponse, MarketError> {
        let recipient = addr(to).into_string();
        let amount = Uint128::new(amount);
        self.run(from, &ExecuteMsg::Transfer { recipient, amount })
    }

    /// Live own and received energy.
    pub fn holding(&self, name: &str) -> (u64, u64) {
        let address = addr(name).into_string();
        let holding: HoldingResponse = self.ask(&QueryMsg::Holding { address });
        assert_eq!(holding.window, self.live());
        (holding.own.0, holding.received.0)
    }

    /// All credits up to now, as (window, Wh).
    pub fn credits(&self, name: &str) -> Vec<(u64, u64)> {
        let question = QueryMsg::Credits {
            address: addr(name).into_string(),
            after: None,
            through: Window::MAX,
            limit: Some(100),
        };
        let response: wattpool_schema::token::CreditsResponse = self.ask(&question);
        let pair = |c: &WindowWh| (c.window.0, c.wh.0);
        response.credits.iter().map(pair).collect()
    }

    /// A window's books as (minted, redeemed, lost, credited).
    pub fn books(&self, window: Window) -> (u64, u64, u64, u64) {
        let books: TokenWindow = self.ask(&QueryMsg::Window { window });
        (
            books.minted.0,
            books.redeemed.0,
            books.lost.0,
            books.credited.0,
        )
    }
}

/// A mint of a list of (owner, Wh), for meters 1, 2, ...
pub fn mint(window: Window, items: &[(&str, u64)]) -> ExecuteMsg {
    let item = |(i, (owner, wh)): (usize, &(&str, u64))| MintItem {
        meter: meter(u8::try_from(i + 1).unwrap()),
        owner: addr(owner).into_string(),
        wh: Wh(*wh),
    };
    let items = items.iter().enumerate().map(item).collect();
    ExecuteMsg::MintSurplus { window, items }
}

/// A settle from one owner to another.
pub fn settle(window: Window, from: &str, to: &str, gross: u64, net: u64) -> ExecuteMsg {
    ExecuteMsg::Settle {
        trade: SettleMsg {
            window,
            trade_id: 7,
            seller: meter(1),
            buyer: meter(2),
            from: addr(from).into_string(),
            to: addr(to).into_string(),
            gross: Wh(gross),
            net: Wh(net),
        },
    }
}

/// The market's events, in order.
pub fn events(response: &AppResponse) -> Vec<MarketEvent> {
    let parse = |e: &cosmwasm_std::Event| MarketEvent::parse(&e.ty, &e.attributes).unwrap();
    response.events.iter().filter_map(parse).collect()
}

/// The untyped attributes, in order, without the contract's address.
pub fn attributes(response: &AppResponse) -> Vec<(String, String)> {
    let wasm = response.events.iter().filter(|e| e.ty == "wasm");
    wasm.flat_map(|e| e.attributes.iter().skip(1))
        .map(|a| (a.key.clone(), a.value.clone()))
        .collect()
}

/// Pairs as [`attributes`] gives them.
pub fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    list.iter().map(own).collect()
}
