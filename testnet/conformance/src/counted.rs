//! What contracts read, write and report, counted in process and priced as a chain prices it: with the Cosmos
//! SDK's prices for key-value stores and wasmd's for events, both at their defaults.

use crate::record::Part;
use cosmwasm_std::StdResult;
use cosmwasm_std::{
    Attribute, Binary, Deps, DepsMut, Empty, Env, Event, MessageInfo, Order, Record, Reply,
    Response, Storage,
};
use cw_multi_test::Contract;
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;

/// A chain's keys begin with a byte and the contract's address.
const PREFIX: u64 = 33;
const READ: u64 = 1_000;
const READ_BYTE: u64 = 3;
const WRITE: u64 = 2_000;
const WRITE_BYTE: u64 = 30;
const REMOVE: u64 = 1_000;
const STEP: u64 = 30;
const ATTRIBUTE: u64 = 10;
const EVENT: u64 = 20;
const EVENT_BYTE: u64 = 1;
/// Bytes of attributes that each response has free.
const EVENT_FREE_BYTES: u64 = 100;

/// What one call of a contract, or one question to it, did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Which contract.
    pub part: Part,
    /// Its entry point: `instantiate`, `execute`, `query` or `reply`.
    pub entry: &'static str,
    /// Every access to its storage, in order.
    pub accesses: Vec<Access>,
    /// Gas of its events.
    pub event_gas: u64,
}

/// A way to use the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// One record is read.
    Read,
    /// A record is written.
    Write,
    /// A record is removed.
    Remove,
    /// A list is gone through: the beginning, or one record of it.
    Step,
}

/// An access to the storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// How.
    pub way: Way,
    /// First byte of the key: the kind of the record.
    pub kind: u8,
    /// Length of key and value without the chain's prefix.
    pub bytes: u64,
    /// What it costs.
    pub gas: u64,
}

impl Call {
    fn new(part: Part, entry: &'static str) -> Self {
        Self {
            part,
            entry,
            accesses: Vec::new(),
            event_gas: 0,
        }
    }

    /// Number and gas of the accesses of a kind.
    pub fn sum(&self, way: Way) -> (u64, u64) {
        self.accesses
            .iter()
            .filter(|a| a.way == way)
            .fold((0, 0), |(n, gas), a| (n + 1, gas + a.gas))
    }

    /// Gas of storage and events together.
    pub fn gas(&self) -> u64 {
        self.event_gas + self.accesses.iter().map(|a| a.gas).sum::<u64>()
    }

    fn access(&mut self, way: Way, key: &[u8], value: usize) {
        let bytes = key.len() as u64 + value as u64;
        let stored = PREFIX + bytes;
        let gas = match way {
            Way::Read if value == 0 => READ + READ_BYTE * (PREFIX + key.len() as u64),
            Way::Read => READ + READ_BYTE * stored,
            Way::Write => WRITE + WRITE_BYTE * stored,
            Way::Remove => REMOVE,
            Way::Step => STEP + READ_BYTE * stored,
        };
        self.accesses.push(Access {
            way,
            kind: key.first().copied().unwrap_or_default(),
            bytes,
            gas,
        });
    }
}

fn attributes_gas(attributes: &[Attribute], free: &mut u64) -> u64 {
    let bytes: u64 = attributes
        .iter()
        .map(|a| (a.key.len() + a.value.len()) as u64)
        .sum();
    let paid = bytes.saturating_sub(*free);
    *free = free.saturating_sub(bytes);
    EVENT_BYTE * paid + ATTRIBUTE * attributes.len() as u64
}

fn event_gas(attributes: &[Attribute], events: &[Event]) -> u64 {
    let mut free = EVENT_FREE_BYTES;
    let mut gas = attributes_gas(attributes, &mut free);
    for event in events {
        gas += EVENT + EVENT_BYTE * event.ty.len() as u64;
        gas += attributes_gas(&event.attributes, &mut free);
    }
    gas
}

/// The calls so far, shared by all contracts of a chain.
#[derive(Clone, Debug, Default)]
pub struct Log(Rc<RefCell<Vec<Call>>>);

impl Log {
    /// Takes what was counted since the last time.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

/// A contract whose work is counted.
pub struct Counted {
    part: Part,
    inner: Box<dyn Contract<Empty>>,
    log: Log,
}

impl Counted {
    /// Counts a contract's work in a log.
    pub fn new(part: Part, inner: Box<dyn Contract<Empty>>, log: Log) -> Self {
        Self { part, inner, log }
    }

    fn change(
        &self,
        entry: &'static str,
        deps: DepsMut,
        run: impl FnOnce(DepsMut) -> StdResult<Response>,
    ) -> StdResult<Response> {
        let call = RefCell::new(Call::new(self.part, entry));
        let mut storage = Changing {
            inner: deps.storage,
            call: &call,
        };
        let response = run(DepsMut {
            storage: &mut storage,
            api: deps.api,
            querier: deps.querier,
        });
        let mut call = call.into_inner();
        if let Ok(response) = &response {
            call.event_gas = event_gas(&response.attributes, &response.events);
        }
        self.log.0.borrow_mut().push(call);
        response
    }
}

impl Contract<Empty> for Counted {
    fn instantiate(
        &self,
        deps: DepsMut,
        env: Env,
        info: MessageInfo,
        msg: Vec<u8>,
    ) -> StdResult<Response> {
        self.change("instantiate", deps, |deps| {
            self.inner.instantiate(deps, env, info, msg)
        })
    }

    fn execute(
        &self,
        deps: DepsMut,
        env: Env,
        info: MessageInfo,
        msg: Vec<u8>,
    ) -> StdResult<Response> {
        self.change("execute", deps, |deps| {
            self.inner.execute(deps, env, info, msg)
        })
    }

    fn query(&self, deps: Deps, env: Env, msg: Vec<u8>) -> StdResult<Binary> {
        let call = RefCell::new(Call::new(self.part, "query"));
        let storage = Reading {
            inner: deps.storage,
            call: &call,
        };
        let answer = self.inner.query(
            Deps {
                storage: &storage,
                api: deps.api,
                querier: deps.querier,
            },
            env,
            msg,
        );
        self.log.0.borrow_mut().push(call.into_inner());
        answer
    }

    fn reply(&self, deps: DepsMut, env: Env, msg: Reply) -> StdResult<Response> {
        self.change("reply", deps, |deps| self.inner.reply(deps, env, msg))
    }

    fn sudo(&self, deps: DepsMut, env: Env, msg: Vec<u8>) -> StdResult<Response> {
        self.change("sudo", deps, |deps| self.inner.sudo(deps, env, msg))
    }

    fn migrate(&self, deps: DepsMut, env: Env, msg: Vec<u8>) -> StdResult<Response> {
        self.change("migrate", deps, |deps| self.inner.migrate(deps, env, msg))
    }
}

struct Changing<'a> {
    inner: &'a mut dyn Storage,
    call: &'a RefCell<Call>,
}

struct Reading<'a> {
    inner: &'a dyn Storage,
    call: &'a RefCell<Call>,
}

fn get(inner: &dyn Storage, call: &RefCell<Call>, key: &[u8]) -> Option<Vec<u8>> {
    let value = inner.get(key);
    let length = value.as_ref().map_or(0, Vec::len);
    call.borrow_mut().access(Way::Read, key, length);
    value
}

/// A chain's list charges for the record at which it stands when it begins and again when it moves on.
fn range<'s>(
    inner: &'s dyn Storage,
    call: &'s RefCell<Call>,
    start: Option<&[u8]>,
    end: Option<&[u8]>,
    order: Order,
) -> Box<dyn Iterator<Item = Record> + 's> {
    let mut list = inner.range(start, end, order).peekable();
    match list.peek() {
        Some((key, value)) => call.borrow_mut().access(Way::Step, key, value.len()),
        None => call.borrow_mut().access(Way::Step, &[], 0),
    }
    Box::new(list.inspect(move |(key, value)| {
        call.borrow_mut().access(Way::Step, key, value.len());
    }))
}

impl Storage for Changing<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        get(self.inner, self.call, key)
    }

    fn range<'s>(
        &'s self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 's> {
        range(self.inner, self.call, start, end, order)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.call.borrow_mut().access(Way::Write, key, value.len());
        self.inner.set(key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.call.borrow_mut().access(Way::Remove, key, 0);
        self.inner.remove(key);
    }
}

impl Storage for Reading<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        get(self.inner, self.call, key)
    }

    fn range<'s>(
        &'s self,
        start: Option<&[u8]>,
        end: Option<&[u8]>,
        order: Order,
    ) -> Box<dyn Iterator<Item = Record> + 's> {
        range(self.inner, self.call, start, end, order)
    }

    fn set(&mut self, _: &[u8], _: &[u8]) {
        unreachable!("who asks cannot change");
    }

    fn remove(&mut self, _: &[u8]) {
        unreachable!("who asks cannot change");
    }
}
