//! Repeats a record in process and compares.

use crate::counted::{Call, Counted, Log};
use crate::record::{contract_events, Act, Answer, Part, PlainEvent, Record, Step};
use cosmwasm_std::testing::MockStorage;
use cosmwasm_std::{
    Addr, Api, Binary, BlockInfo, Coin, CosmosMsg, Deps, DepsMut, Empty, Env, MessageInfo,
    Response, StdResult, Storage, Timestamp, Uint256, WasmMsg,
};
use cw_multi_test::{
    AddressGenerator, App, AppBuilder, AppResponse, BankKeeper, Contract, ContractWrapper,
    DistributionKeeper, Executor, FailingModule, GovFailingModule, IbcFailingModule, StakeKeeper,
    StargateFailing, WasmKeeper,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use wattpool_fixtures::setup::DENOM;
use wattpool_fixtures::{energy_pool, energy_token, trade_escrow, MarketApi};
use wattpool_schema::error::Code;

/// Takes what is paid for transactions.
const COLLECTOR: &str = "fee collector";

type Chain = App<
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

/// The addresses that the recorded chain gave, in the order of instantiation.
#[derive(Clone, Default)]
struct Recorded(Rc<RefCell<VecDeque<Addr>>>);

impl AddressGenerator for Recorded {
    fn contract_address(
        &self,
        api: &dyn Api,
        _storage: &mut dyn Storage,
        code_id: u64,
        instance_id: u64,
    ) -> StdResult<Addr> {
        match self.0.borrow_mut().pop_front() {
            Some(address) => Ok(api.addr_validate(address.as_str())?),
            None => Ok(cw_multi_test::SimpleAddressGenerator.contract_address(
                api,
                _storage,
                code_id,
                instance_id,
            )?),
        }
    }
}

/// A chain in process that follows a record's blocks.
pub struct Replay {
    app: Chain,
    addresses: Recorded,
    codes: BTreeMap<Part, u64>,
    receiver: u64,
    chain_id: String,
    log: Log,
}

/// An answer to anything.
#[allow(clippy::unnecessary_wraps)] // entry points can fail
fn take(_: DepsMut, _: Env, _: MessageInfo, _: Empty) -> StdResult<Response> {
    Ok(Response::new())
}

/// As [`take`], of the token's message.
#[allow(clippy::unnecessary_wraps, clippy::needless_pass_by_value)] // as entry points are
fn receive(_: DepsMut, _: Env, _: MessageInfo, _: serde_json::Value) -> StdResult<Response> {
    Ok(Response::new())
}

/// Answers nothing.
#[allow(clippy::unnecessary_wraps)] // as above
fn ask_nothing(_: Deps, _: Env, _: Empty) -> StdResult<Binary> {
    Ok(Binary::default())
}

impl Replay {
    /// A chain of this id where everybody has these coins.
    pub fn new(chain_id: &str, begin: &BTreeMap<String, Vec<Coin>>) -> Self {
        let addresses = Recorded::default();
        let mut app: Chain = AppBuilder::new()
            .with_api(MarketApi::new(true))
            .with_wasm(WasmKeeper::new().with_address_generator(addresses.clone()))
            .build(|router, _, storage| {
                for (person, coins) in begin {
                    router
                        .bank
                        .init_balance(storage, &Addr::unchecked(person), coins.clone())
                        .expect("balances are set");
                }
            });
        let log = Log::default();
        let contracts: [(Part, Box<dyn Contract<Empty>>); 3] = [
            (Part::Token, energy_token()),
            (Part::Pool, energy_pool()),
            (Part::Escrow, trade_escrow()),
        ];
        let codes = contracts
            .into_iter()
            .map(|(part, contract)| {
                let counted = Counted::new(part, contract, log.clone());
                (part, app.store_code(Box::new(counted)))
            })
            .collect();
        let receiver = ContractWrapper::new(receive, take, ask_nothing);
        let receiver = app.store_code(Box::new(receiver));
        Self {
            app,
            addresses,
            codes,
            receiver,
            chain_id: chain_id.to_owned(),
            log,
        }
    }

    /// Makes a contract that takes whatever is sent to it.
    ///
    /// # Errors
    /// The address is none.
    pub fn receiver(&mut self, by: &Addr, address: &str) -> StdResult<()> {
        self.addresses
            .0
            .borrow_mut()
            .push_back(Addr::unchecked(address));
        let (code, none) = (self.receiver, "receiver");
        self.app
            .instantiate_contract(code, by.clone(), &Empty {}, &[], none, None)?;
        Ok(())
    }

    /// What the contracts did since this was last asked.
    pub fn calls(&self) -> Vec<Call> {
        self.log.take()
    }

    /// Carries a transaction out in its block and answers as the chain in process sees it.
    pub fn carry_out(&mut self, step: &Step) -> Answer {
        self.app.set_block(BlockInfo {
            height: step.height,
            time: Timestamp::from_nanos(step.time_ns),
            chain_id: self.chain_id.clone(),
        });
        let sender = Addr::unchecked(&step.sender);
        if !step.fee.is_empty() {
            let collector = self.app.api().make(COLLECTOR);
            self.app
                .send_tokens(sender.clone(), collector, &step.fee)
                .expect("who sent a transaction could pay for it");
        }
        let mut messages: Vec<CosmosMsg> = Vec::new();
        for act in &step.acts {
            messages.push(match act {
                Act::Instantiate { part, msg, address } => {
                    self.addresses
                        .0
                        .borrow_mut()
                        .push_back(Addr::unchecked(address));
                    WasmMsg::Instantiate {
                        admin: None,
                        code_id: self.codes[part],
                        msg: msg.clone(),
                        funds: vec![],
                        label: "market".into(),
                    }
                    .into()
                }
                Act::Execute {
                    contract,
                    msg,
                    funds,
                } => WasmMsg::Execute {
                    contract_addr: contract.clone(),
                    msg: msg.clone(),
                    funds: funds.clone(),
                }
                .into(),
            });
        }
        self.log.take();
        let executed = messages
            .iter()
            .all(|m| matches!(m, CosmosMsg::Wasm(WasmMsg::Execute { .. })));
        match self.app.execute_multi(sender, messages) {
            Ok(responses) => done(&responses, executed),
            Err(error) => {
                let words = error.to_string();
                let code = Code::in_text(&words);
                Answer::Refused {
                    code: code.map(|code| code.to_string()),
                    words,
                }
            }
        }
    }

    /// Coins of payment of an address.
    pub fn coins(&self, address: &str) -> Vec<Coin> {
        vec![self
            .app
            .wrap()
            .query_balance(address, DENOM)
            .expect("the bank answers")]
    }

    /// A contract's whole state, by key.
    pub fn state(&self, contract: &str) -> Vec<(Binary, Binary)> {
        let mut state: Vec<(Binary, Binary)> = self
            .app
            .dump_wasm_raw(&Addr::unchecked(contract))
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        state.sort();
        state
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// The contract's.
    pub fn ask<T: serde::de::DeserializeOwned>(
        &self,
        contract: &str,
        question: &impl serde::Serialize,
    ) -> StdResult<T> {
        self.app.wrap().query_wasm_smart(contract, question)
    }
}

fn done(responses: &[AppResponse], with_data: bool) -> Answer {
    let events: Vec<PlainEvent> = responses
        .iter()
        .flat_map(|r| {
            contract_events(r.events.iter().map(|e| {
                let attributes = e
                    .attributes
                    .iter()
                    .map(|a| (a.key.clone(), a.value.clone()))
                    .collect();
                (e.ty.as_str(), attributes)
            }))
        })
        .collect();
    let data = if with_data {
        responses.iter().map(|r| r.data.clone()).collect()
    } else {
        vec![]
    };
    Answer::Done { events, data }
}

/// Replays a record and lists where the chain in process differs, at most twenty places; none is what is wanted.
pub fn differences(record: &Record) -> Vec<String> {
    let mut replay = Replay::new(&record.chain_id, &record.begin);
    let mut found = Vec::new();
    for step in &record.steps {
        let here = replay.carry_out(step);
        if !same(&here, &step.answer) {
            found.push(format!(
                "block {} transaction {} ({}, by {}): {}",
                step.height,
                step.index,
                step.doing,
                step.sender,
                difference(&step.answer, &here)
            ));
        }
    }
    for (address, coins) in &record.end {
        let here = replay.coins(address);
        if sorted(&here) != sorted(coins) {
            found.push(format!(
                "coins of {address}: recorded {coins:?}, in process {here:?}"
            ));
        }
    }
    for (contract, state) in &record.state {
        let here = replay.state(contract);
        if here.len() != state.len() {
            found.push(format!(
                "state of {contract}: recorded {} entries, in process {}",
                state.len(),
                here.len()
            ));
        }
        let there: BTreeMap<&Binary, &Binary> = state.iter().map(|(k, v)| (k, v)).collect();
        for (key, value) in &here {
            if there.get(key) != Some(&value) {
                found.push(format!(
                    "state of {contract} at {:?}: recorded {:?}, in process {:?}",
                    String::from_utf8_lossy(key),
                    there.get(key).map(|v| String::from_utf8_lossy(v)),
                    String::from_utf8_lossy(value)
                ));
            }
        }
    }
    found.truncate(20);
    found
}

/// What is not the same in two answers.
fn difference(recorded: &Answer, here: &Answer) -> String {
    let (
        Answer::Done { events, data },
        Answer::Done {
            events: here_events,
            data: here_data,
        },
    ) = (recorded, here)
    else {
        return format!("recorded {recorded:?}, in process {here:?}");
    };
    let other = |(i, event)| (here_events.get(i) != Some(event)).then_some(i);
    match events.iter().enumerate().find_map(other) {
        Some(i) => format!(
            "event {i}: recorded {:?}, in process {:?}",
            events[i],
            here_events.get(i)
        ),
        None => format!(
            "recorded {} events and {data:?}, in process {} events and {here_data:?}",
            events.len(),
            here_events.len()
        ),
    }
}

fn sorted(coins: &[Coin]) -> Vec<(String, Uint256)> {
    let mut list: Vec<(String, Uint256)> = coins
        .iter()
        .filter(|c| !c.amount.is_zero())
        .map(|c| (c.denom.clone(), c.amount))
        .collect();
    list.sort();
    list
}

/// Refusals by code, successes by everything.
fn same(a: &Answer, b: &Answer) -> bool {
    match (a, b) {
        (Answer::Refused { code: a, .. }, Answer::Refused { code: b, .. }) => a == b,
        (a, b) => a == b,
    }
}
