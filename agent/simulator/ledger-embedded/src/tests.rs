//! The machine does what cw-multi-test does: the same messages leave the same state, money, events and refusals.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use crate::contract::Contract;
use crate::machine::Machine;
use crate::{ChainSetup, EmbeddedLedger, Signatures, DENOM};
use cosmwasm_std::testing::MockStorage;
use cosmwasm_std::{
    coins, from_json, to_json_binary, Addr, BlockInfo, Coin, CosmosMsg, Empty, Event, Timestamp,
    Uint256, WasmMsg,
};
use cw_multi_test::{
    App, AppBuilder, BankKeeper, Contract as Code, ContractWrapper, DistributionKeeper, Executor,
    FailingModule, GovFailingModule, IbcFailingModule, StakeKeeper, StargateFailing, WasmKeeper,
};
use serde::Serialize;
use wattpool_fixtures::{trusted, MarketApi};
use wattpool_schema::error::Code as Refused;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::{MeterKind, Registration, Tariffs, ZonePairTerms};
use wattpool_schema::{
    escrow, pool, signing, token, AgentKey, Approval, Commitment, Cover, DeviceKey, MeterId, Micro,
    Ppm, Price, Seconds, Signature, SignedApproval, SignedCover, SignedStatement, Statement,
    Tariff, TradeKind, Wh, Window, Zone, RECORD_VERSION,
};

const CHAIN_ID: &str = "wattpool-both";
const WINDOW_S: u32 = 900;
/// 2026-03-02 00:00:00 UTC.
const GENESIS: u64 = 1_772_409_600;

type Reference = App<
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

/// The same chain twice.
struct Both {
    ours: EmbeddedLedger,
    theirs: Reference,
    refused: Vec<Refused>,
}

fn setup() -> ChainSetup {
    ChainSetup {
        chain_id: CHAIN_ID.to_owned(),
        genesis: Seconds(GENESIS),
        window_s: WINDOW_S,
        block_s: 5,
        tariffs: Tariffs {
            import: Tariff(300_000),
            feed_in: Tariff(80_000),
        },
        zone_pairs: vec![ZonePairTerms {
            from: Zone(0),
            to: Zone(0),
            loss: Ppm(20_000),
            charge: Price(15_000),
            capacity: None,
        }],
        signatures: Signatures::Trusted,
    }
}

fn reference(ours: &EmbeddedLedger) -> Reference {
    let mut app: Reference = AppBuilder::new()
        .with_api(MarketApi::new(false))
        .with_block(block_info(1, GENESIS))
        .build(|_, _, _| {});
    let codes: [Box<dyn Code<Empty>>; 3] = [
        Box::new(ContractWrapper::new(
            energy_token::contract::execute,
            energy_token::contract::instantiate,
            energy_token::contract::query,
        )),
        Box::new(ContractWrapper::new(
            energy_pool::contract::execute,
            energy_pool::contract::instantiate,
            energy_pool::contract::query,
        )),
        Box::new(
            ContractWrapper::new(
                trade_escrow::contract::execute,
                trade_escrow::contract::instantiate,
                trade_escrow::contract::query,
            )
            .with_reply(trade_escrow::contract::reply),
        ),
    ];
    let by = ours.operator.clone();
    for (code, address) in codes.into_iter().zip([
        &ours.contracts.token,
        &ours.contracts.pool,
        &ours.contracts.escrow,
    ]) {
        let code = app.store_code(code);
        let made = match code {
            1 => app.instantiate_contract(code, by.clone(), &ours.token_terms(), &[], "t", None),
            2 => app.instantiate_contract(code, by.clone(), &ours.pool_terms(), &[], "p", None),
            _ => app.instantiate_contract(code, by.clone(), &ours.escrow_terms(), &[], "e", None),
        };
        assert_eq!(made.unwrap(), *address);
    }
    let wire = token::ExecuteMsg::Wire {
        pool: ours.contracts.pool.to_string(),
        escrow: ours.contracts.escrow.to_string(),
    };
    app.execute_contract(by.clone(), ours.contracts.token.clone(), &wire, &[])
        .unwrap();
    let wire = pool::ExecuteMsg::Wire {
        escrow: ours.contracts.escrow.to_string(),
    };
    app.execute_contract(by, ours.contracts.pool.clone(), &wire, &[])
        .unwrap();
    app
}

fn block_info(height: u64, time: u64) -> BlockInfo {
    BlockInfo {
        height,
        time: Timestamp::from_seconds(time),
        chain_id: CHAIN_ID.to_owned(),
    }
}

fn market(events: &[Event]) -> Vec<MarketEvent> {
    let parse = |e: &Event| MarketEvent::parse(&e.ty, &e.attributes).unwrap();
    events.iter().filter_map(parse).collect()
}

impl Both {
    fn new() -> Self {
        let ours = EmbeddedLedger::new(setup()).unwrap();
        let theirs = reference(&ours);
        let mut both = Self {
            ours,
            theirs,
            refused: Vec::new(),
        };
        both.compare("set-up");
        both.at(GENESIS + 5);
        both
    }

    fn at(&mut self, time: u64) {
        let height = 1 + (time - GENESIS) / 5;
        self.ours.begin_block(height, Seconds(time));
        self.theirs.set_block(block_info(height, time));
    }

    fn coins(&mut self, to: &Addr, amount: u128) {
        self.ours
            .machine
            .mint(to.as_str(), DENOM, amount.into())
            .unwrap();
        let there = self.theirs.wrap().query_balance(to, DENOM).unwrap().amount;
        let sum = vec![Coin::new(there + Uint256::from(amount), DENOM)];
        self.theirs
            .init_modules(|router, _, storage| router.bank.init_balance(storage, to, sum))
            .unwrap();
    }

    /// Sends a message to both; true if it was taken.
    fn send<M: Serialize + std::fmt::Debug>(
        &mut self,
        sender: &Addr,
        to: Contract,
        msg: &M,
        funds: u128,
    ) -> bool {
        let what = format!("{msg:?}");
        let json = to_json_binary(msg).unwrap();
        let funds = if funds == 0 {
            vec![]
        } else {
            coins(funds, DENOM)
        };
        let wrapped = CosmosMsg::Wasm(WasmMsg::Execute {
            contract_addr: self.ours.machine.address(to).to_string(),
            msg: json.clone(),
            funds: funds.clone(),
        });
        let theirs = self.theirs.execute(sender.clone(), wrapped);
        let machine: &mut Machine = &mut self.ours.machine;
        let ours = machine.transact(sender, to, funds, |deps, env, info| {
            to.execute(deps, env, info, &json)
        });
        let taken = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                let ours: Vec<Event> = ours.into_iter().map(|e| e.event).collect();
                assert_eq!(market(&ours), market(&theirs.events), "{what}");
                true
            }
            (Err(ours), Err(theirs)) => {
                let theirs = theirs.to_string();
                let (code, same) = (Refused::in_text(&ours), Refused::in_text(&theirs));
                assert_eq!(code, same, "{what}: {ours}, {theirs}");
                self.refused.extend(code);
                false
            }
            (ours, theirs) => panic!("{what}: {:?} and {theirs:?}", ours.map(|_| ())),
        };
        self.compare(&what);
        taken
    }

    fn compare(&self, what: &str) {
        for contract in Contract::ALL {
            let address = self.ours.machine.address(contract);
            let space = self.ours.machine.store.space(contract.number());
            let ours: Vec<_> = space.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            assert!(
                ours == self.theirs.dump_wasm_raw(address),
                "{contract:?} differs after {what}"
            );
            let theirs = self.theirs.wrap().query_balance(address, DENOM).unwrap();
            let ours = self.ours.machine.balance(address.as_str(), DENOM);
            assert_eq!(
                Uint256::from(ours),
                theirs.amount,
                "money of {contract:?} after {what}"
            );
        }
    }
}

/// A meter, its owner and its keys.
struct Party {
    meter: MeterId,
    owner: Addr,
    agent: Addr,
    keys: (DeviceKey, AgentKey),
}

impl Party {
    fn join(both: &mut Both, number: u8) -> Self {
        let mut agent = [number; 33];
        agent[0] = 2;
        let meter = MeterId([number; 16]);
        let keys = (DeviceKey([number; 32]), AgentKey(agent));
        let owner = both.ours.machine.api.make(&format!("owner {number}"));
        let registration = Registration {
            meter,
            owner: owner.to_string(),
            device: keys.0,
            household: None,
            zone: Zone(0),
            kind: MeterKind::Pv,
            max_export: Wh(5_000),
            max_import: Wh(5_000),
        };
        let operator = both.ours.operator.clone();
        let msg = pool::ExecuteMsg::RegisterMeter { registration };
        assert!(both.send(&operator, Contract::Pool, &msg, 0));
        both.coins(&owner, 3_000_000);
        let msg = escrow::ExecuteMsg::Deposit {};
        assert!(both.send(&owner, Contract::Escrow, &msg, 2_000_000));
        let msg = pool::ExecuteMsg::SetAgent {
            meter,
            agent: Some(keys.1),
        };
        assert!(both.send(&owner, Contract::Pool, &msg, 0));
        let msg = escrow::ExecuteMsg::SetLimits {
            meter,
            set: escrow::LimitsChange::default(),
            remove: Vec::new(),
        };
        assert!(both.send(&owner, Contract::Escrow, &msg, 0));
        let question = pool::QueryMsg::Meter { meter };
        let answer = both
            .ours
            .machine
            .ask(Contract::Pool, &to_json_binary(&question).unwrap());
        let answer: pool::MeterResponse = from_json(answer.unwrap()).unwrap();
        Self {
            meter,
            owner,
            agent: Addr::unchecked(answer.agent_address.unwrap()),
            keys,
        }
    }

    fn statement(&self, both: &Both, window: Window, sequence: u64, wh: u64) -> SignedStatement {
        let statement = Statement {
            version: RECORD_VERSION,
            chain: CHAIN_ID.to_owned(),
            pool: both.ours.contracts.pool.to_string(),
            meter: self.meter,
            window,
            sequence,
            export_wh: Wh(wh),
            commitment: Commitment([7; 32]),
        };
        let signature = Signature(trusted::sign(&self.keys.0 .0, &statement.sign_bytes()));
        SignedStatement {
            statement,
            signature,
        }
    }

    /// A trade in which this meter buys.
    fn buys(&self, both: &Both, seller: &Self, window: Window, nonce: u64, wh: u64) -> SettleTrade {
        let now = both.ours.block().time;
        let approval = Approval {
            version: RECORD_VERSION,
            kind: TradeKind::Spot,
            chain: CHAIN_ID.to_owned(),
            escrow: both.ours.contracts.escrow.to_string(),
            seller: seller.meter,
            buyer: self.meter,
            first_window: window,
            count: 1,
            wh: Wh(wh),
            min_wh: Wh::ZERO,
            price: Price(150_000),
            max_gross: Wh(wh + wh / 10 + 2),
            max_charge: Price(15_000),
            requested_at: now,
            expires_at: Seconds(now.0 + 60),
            nonce,
        };
        let cover = Cover {
            version: RECORD_VERSION,
            chain: CHAIN_ID.to_owned(),
            pool: both.ours.contracts.pool.to_string(),
            meter: self.meter,
            window,
            import_wh: Wh(4_000),
        };
        let by_agent = signing::digest(&approval.sign_bytes());
        SettleTrade {
            trade_id: nonce,
            wh: Wh(wh),
            approval: SignedApproval {
                signature: Signature(trusted::sign(&seller.keys.1 .0, &by_agent)),
                approval,
            },
            cover: Some(SignedCover {
                signature: Signature(trusted::sign(&self.keys.0 .0, &cover.sign_bytes())),
                cover,
            }),
        }
    }
}

#[test]
fn the_machine_does_what_cw_multi_test_does() {
    let mut both = Both::new();
    let (seller, buyer) = (Party::join(&mut both, 1), Party::join(&mut both, 2));
    let window = Window(GENESIS / u64::from(WINDOW_S));
    both.at(window.end(WINDOW_S).0 + 10);
    let mut forged = seller.statement(&both, window, 3, 900);
    forged.signature.0[5] ^= 1;
    let genuine = seller.statement(&both, window, 1, 1_200);
    // The whole of it refused, and one item of two.
    for statements in [vec![forged.clone()], vec![genuine, forged]] {
        let msg = pool::ExecuteMsg::State { statements };
        both.send(&seller.agent, Contract::Pool, &msg, 0);
    }
    let settle = |trade| escrow::ExecuteMsg::Settle { trade };
    let first = buyer.buys(&both, &seller, window, 1, 100);
    assert!(both.send(&buyer.agent, Contract::Escrow, &settle(first.clone()), 0));
    assert!(both.send(&buyer.agent, Contract::Escrow, &settle(first), 0));
    // More than there is, by who may not, and with coins that the escrow does not take.
    let much = buyer.buys(&both, &seller, window, 2, 3_000);
    assert!(!both.send(&buyer.agent, Contract::Escrow, &settle(much.clone()), 0));
    let some = buyer.buys(&both, &seller, window, 3, 50);
    assert!(!both.send(&seller.agent, Contract::Escrow, &settle(some.clone()), 0));
    both.coins(&buyer.agent, 10);
    assert!(!both.send(&buyer.agent, Contract::Escrow, &settle(some.clone()), 10));
    assert!(!both.send(&buyer.agent, Contract::Escrow, &settle(some.clone()), 11));
    // Replies: an item in the middle and the last one are refused.
    let more = buyer.buys(&both, &seller, window, 4, 60);
    for trades in [
        vec![some, much.clone(), more],
        vec![buyer.buys(&both, &seller, window, 5, 40), much],
    ] {
        let msg = escrow::ExecuteMsg::SettleBatch { trades };
        assert!(both.send(&buyer.agent, Contract::Escrow, &msg, 0));
    }
    // Tokens and money go elsewhere.
    let transfer = token::ExecuteMsg::Transfer {
        recipient: buyer.owner.to_string(),
        amount: 70u128.into(),
    };
    assert!(both.send(&seller.owner, Contract::Token, &transfer, 0));
    let withdraw = |amount| escrow::ExecuteMsg::Withdraw {
        amount: Some(Micro(amount)),
    };
    assert!(both.send(&seller.owner, Contract::Escrow, &withdraw(1_000_000), 0));
    assert!(!both.send(&seller.owner, Contract::Escrow, &withdraw(9_000_000), 0));
    // Feed-in is paid from the reserve.
    both.at(window.plus(4).end(WINDOW_S).0);
    let operator = both.ours.operator.clone();
    both.coins(&operator, 500_000);
    let fund = pool::ExecuteMsg::FundReserve {};
    assert!(both.send(&operator, Contract::Pool, &fund, 500_000));
    let confirm = pool::ExecuteMsg::ConfirmFeedIn { through: window };
    assert!(both.send(&operator, Contract::Pool, &confirm, 0));
    let claim = pool::ExecuteMsg::ClaimFeedIn {
        owner: seller.owner.to_string(),
        limit: None,
    };
    assert!(both.send(&seller.owner, Contract::Pool, &claim, 0));
    assert!(!both.send(&seller.owner, Contract::Pool, &claim, 0));
    assert!(both.refused.len() >= 5, "{:?}", both.refused);
}
