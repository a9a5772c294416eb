//! Runs the contracts' code as a chain does: messages with their coins, messages that follow from them, replies,
//! questions between contracts; all of a transaction or nothing.
//!
//! What a chain charges and meters is left out, and so are its own events: who reads a transaction wants those of
//! the contracts.

use crate::contract::Contract;
use crate::store::{Store, View};
use cosmwasm_std::{
    from_json, to_json_binary, Addr, Attribute, BalanceResponse, BankMsg, BankQuery, Binary,
    BlockInfo, Coin, ContractInfo, ContractResult, CosmosMsg, Deps, DepsMut, Empty, Env, Event,
    MessageInfo, MsgResponse, Querier, QuerierResult, QuerierWrapper, QueryRequest, Reply, ReplyOn,
    Response, SubMsg, SubMsgResponse, SubMsgResult, SystemError, SystemResult, TransactionInfo,
    Uint128, WasmMsg, WasmQuery,
};
use wattpool_audit::export::Row;
use wattpool_audit::source::{rows, InBlock, Raw};
use wattpool_fixtures::MarketApi;

/// The bank's space, after those of the contracts.
const BANK: usize = Contract::ALL.len();
/// What the answers to a contract's messages are called.
const EXECUTED: &str = "/cosmwasm.wasm.v1.MsgExecuteContractResponse";
const PAID: &str = "/cosmos.bank.v1beta1.MsgSendResponse";
/// A chain hides why a message failed from the contract that sent it.
const FAILED: &str = "codespace: wasm, code: 5";

/// An event and the contract it is from.
pub(crate) struct Emitted {
    by: Contract,
    pub event: Event,
}

/// The contracts, their state and the money.
pub(crate) struct Machine {
    pub api: MarketApi,
    pub store: Store,
    pub block: BlockInfo,
    /// By the number of the contract.
    addresses: Vec<Addr>,
    /// What the market's contracts said, as an audit reads it.
    pub history: History,
}

/// What was said since the chain began: that of setting it up always, that of what follows on demand.
#[derive(Default)]
pub(crate) struct History {
    pub rows: Vec<Row>,
    pub ended: bool,
    /// The block of the last transaction, and the number of the next one in it.
    last: (u64, u32),
}

/// Why a message failed: the innermost text.
pub(crate) type Refusal = String;

impl Machine {
    /// A chain with contracts that nobody has set up yet.
    pub fn new(api: MarketApi, block: BlockInfo, addresses: Vec<Addr>) -> Self {
        Self {
            api,
            store: Store::new(BANK.saturating_add(1)),
            block,
            addresses,
            history: History::default(),
        }
    }

    pub fn address(&self, contract: Contract) -> &Addr {
        // There is one for each contract.
        static NOBODY: std::sync::LazyLock<Addr> = std::sync::LazyLock::new(|| Addr::unchecked(""));
        self.addresses.get(contract.number()).unwrap_or(&NOBODY)
    }

    fn contract_at(&self, address: &str) -> Result<Contract, Refusal> {
        let at = self.addresses.iter().position(|a| a.as_str() == address);
        at.and_then(|number| Contract::ALL.get(number).copied())
            .ok_or_else(|| format!("no contract at {address}"))
    }

    fn env(&self, contract: Contract) -> Env {
        Env {
            block: self.block.clone(),
            transaction: Some(TransactionInfo::new(0, Binary::default())),
            contract: ContractInfo {
                address: self.address(contract).clone(),
            },
        }
    }

    /// One transaction with one message for a contract: the events of all contracts, in order.
    pub fn transact(
        &mut self,
        sender: &Addr,
        contract: Contract,
        funds: Vec<Coin>,
        act: impl FnOnce(DepsMut, Env, MessageInfo) -> Result<Response, Refusal>,
    ) -> Result<Vec<Emitted>, Refusal> {
        let mut events = Vec::new();
        let done = self.message(sender.clone(), contract, funds, act, &mut events);
        if let Err(refusal) = done {
            self.store.roll_back(0);
            return Err(refusal);
        }
        self.store.keep();
        if !self.history.ended {
            self.note(&events)?;
        }
        Ok(events)
    }

    /// Notes a transaction's events for an audit.
    fn note(&mut self, events: &[Emitted]) -> Result<(), Refusal> {
        let height = self.block.height;
        let (last, next) = self.history.last;
        let tx = if last == height { next } else { 0 };
        self.history.last = (height, tx.saturating_add(1));
        let at = InBlock {
            height,
            time: self.block.time.seconds(),
            tx,
        };
        let raw = events.iter().map(|e| Raw {
            contract: self.address(e.by).as_str(),
            name: &e.event.ty,
            attributes: &e.event.attributes,
        });
        let found = rows(at, self.address(Contract::Token).as_str(), raw);
        self.history
            .rows
            .extend(found.map_err(|bad| bad.to_string())?);
        Ok(())
    }

    /// A message with its coins and everything that follows from it; the data it answers with.
    fn message(
        &mut self,
        sender: Addr,
        contract: Contract,
        funds: Vec<Coin>,
        act: impl FnOnce(DepsMut, Env, MessageInfo) -> Result<Response, Refusal>,
        events: &mut Vec<Emitted>,
    ) -> Result<Option<Binary>, Refusal> {
        if !funds.is_empty() {
            let to = self.address(contract).clone();
            self.pay(sender.as_str(), to.as_str(), &funds)?;
        }
        let info = MessageInfo { sender, funds };
        let response = self.run(contract, |deps, env| act(deps, env, info))?;
        self.follow(contract, response, events)
    }

    /// Runs a contract; its writes are taken over if it succeeds.
    fn run(
        &mut self,
        contract: Contract,
        act: impl FnOnce(DepsMut, Env) -> Result<Response, Refusal>,
    ) -> Result<Response, Refusal> {
        let number = contract.number();
        let mut view = View::new(self.store.space(number));
        let questions = Questions(self);
        let deps = DepsMut {
            storage: &mut view,
            api: &self.api,
            querier: QuerierWrapper::new(&questions),
        };
        let response = act(deps, self.env(contract))?;
        let writes = view.writes;
        self.store.write(number, writes);
        Ok(response)
    }

    /// Notes a contract's events and sends its messages.
    fn follow(
        &mut self,
        by: Contract,
        response: Response,
        events: &mut Vec<Emitted>,
    ) -> Result<Option<Binary>, Refusal> {
        if !response.attributes.is_empty() {
            let event = Event::new("wasm").add_attributes(response.attributes);
            events.push(Emitted { by, event });
        }
        let emitted = response.events.into_iter();
        events.extend(emitted.map(|event| Emitted { by, event }));
        let mut data = response.data;
        for message in response.messages {
            data = self.submessage(by, message, events)?.or(data);
        }
        Ok(data)
    }

    fn submessage(
        &mut self,
        by: Contract,
        message: SubMsg,
        events: &mut Vec<Emitted>,
    ) -> Result<Option<Binary>, Refusal> {
        let (mark, first) = (self.store.mark(), events.len());
        let SubMsg {
            id,
            payload,
            msg,
            reply_on,
            ..
        } = message;
        let kind = match &msg {
            CosmosMsg::Bank(_) => PAID,
            _ => EXECUTED,
        };
        let result = match self.dispatch(by, msg, events) {
            Ok(data) if matches!(reply_on, ReplyOn::Always | ReplyOn::Success) => {
                let emitted = events.get(first..).unwrap_or_default();
                SubMsgResult::Ok(self.answer_to(kind, emitted, data))
            }
            Ok(_) => return Ok(None),
            Err(refusal) => {
                self.store.roll_back(mark);
                events.truncate(first);
                if !matches!(reply_on, ReplyOn::Always | ReplyOn::Error) {
                    return Err(refusal);
                }
                SubMsgResult::Err(FAILED.to_owned())
            }
        };
        let reply = Reply {
            id,
            payload,
            gas_used: 0,
            result,
        };
        let response = self.run(by, |deps, env| by.reply(deps, env, reply))?;
        self.follow(by, response, events)
    }

    /// What a contract is told of a message of its that succeeded.
    fn answer_to(&self, kind: &str, emitted: &[Emitted], data: Option<Binary>) -> SubMsgResponse {
        let data = data.map(|data| executed(&data));
        let as_on_chain = |e: &Emitted| {
            let mut event = e.event.clone();
            if event.ty != "wasm" {
                event.ty = format!("wasm-{}", event.ty);
            }
            let attribute = Attribute {
                key: "_contract_address".to_owned(),
                value: self.address(e.by).to_string(),
            };
            event.attributes.insert(0, attribute);
            event
        };
        #[allow(deprecated, reason = "contracts may still read `data`")]
        SubMsgResponse {
            events: emitted.iter().map(as_on_chain).collect(),
            msg_responses: vec![MsgResponse {
                type_url: kind.to_owned(),
                value: data.clone().unwrap_or_default(),
            }],
            data,
        }
    }

    fn dispatch(
        &mut self,
        by: Contract,
        message: CosmosMsg,
        events: &mut Vec<Emitted>,
    ) -> Result<Option<Binary>, Refusal> {
        let sender = self.address(by).clone();
        match message {
            CosmosMsg::Wasm(WasmMsg::Execute {
                contract_addr,
                msg,
                funds,
            }) => {
                let to = self.contract_at(&contract_addr)?;
                let act = |deps: DepsMut, env, info| to.execute(deps, env, info, &msg);
                self.message(sender, to, funds, act, events)
            }
            CosmosMsg::Bank(BankMsg::Send { to_address, amount }) => {
                self.pay(sender.as_str(), &to_address, &amount)?;
                Ok(None)
            }
            other => Err(format!("this chain cannot carry out {other:?}")),
        }
    }

    /// Answers a question to a contract.
    pub fn ask(&self, contract: Contract, question: &[u8]) -> Result<Binary, Refusal> {
        let view = View::new(self.store.space(contract.number()));
        let questions = Questions(self);
        let deps = Deps {
            storage: &view,
            api: &self.api,
            querier: QuerierWrapper::new(&questions),
        };
        contract.query(deps, self.env(contract), question)
    }

    /// What an address has of a denomination.
    pub fn balance(&self, address: &str, denom: &str) -> Uint128 {
        let bytes = self.store.space(BANK).get(&account(address, denom));
        let bytes = bytes.and_then(|b| <[u8; 16]>::try_from(b.as_slice()).ok());
        Uint128::new(bytes.map_or(0, u128::from_be_bytes))
    }

    fn set_balance(&mut self, address: &str, denom: &str, amount: Uint128) {
        let value = (!amount.is_zero()).then(|| amount.to_be_bytes().to_vec());
        self.store.put(BANK, account(address, denom), value);
    }

    /// Gives an address coins that were not there before.
    pub fn mint(&mut self, address: &str, denom: &str, amount: Uint128) -> Result<(), Refusal> {
        let there = self.balance(address, denom);
        let sum = there.checked_add(amount).map_err(|e| e.to_string())?;
        self.set_balance(address, denom, sum);
        self.store.keep();
        Ok(())
    }

    fn pay(&mut self, from: &str, to: &str, amount: &[Coin]) -> Result<(), Refusal> {
        for coin in amount {
            if coin.amount.is_zero() {
                return Err(format!("{coin}: expected more than nothing to send"));
            }
            let there = self.balance(from, &coin.denom);
            let short = || {
                format!(
                    "spendable balance {there}{} is smaller than {coin}",
                    coin.denom
                )
            };
            let amount = Uint128::try_from(coin.amount).map_err(|_| short())?;
            let left = there.checked_sub(amount).map_err(|_| short())?;
            self.set_balance(from, &coin.denom, left);
            let there = self.balance(to, &coin.denom);
            let sum = there.checked_add(amount).map_err(|e| e.to_string())?;
            self.set_balance(to, &coin.denom, sum);
        }
        Ok(())
    }
}

/// The bank's key of an address and a denomination.
fn account(address: &str, denom: &str) -> Vec<u8> {
    [address.as_bytes(), b"\0", denom.as_bytes()].concat()
}

/// Protobuf of `MsgExecuteContractResponse`: field 1, bytes.
fn executed(data: &[u8]) -> Binary {
    let mut bytes = Vec::with_capacity(data.len().saturating_add(4));
    if !data.is_empty() {
        bytes.push(0x0a);
        let mut length = data.len();
        while length >= 0x80 {
            bytes.push(0x80 | u8::try_from(length & 0x7f).unwrap_or(0));
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap_or(0));
        bytes.extend_from_slice(data);
    }
    bytes.into()
}

/// Questions of a contract that runs: they see the state without what it wrote itself.
struct Questions<'a>(&'a Machine);

impl Questions<'_> {
    fn answer(&self, request: QueryRequest<Empty>) -> QuerierResult {
        let machine = self.0;
        let found = |found: Result<Binary, Refusal>| {
            SystemResult::Ok(found.map_or_else(ContractResult::Err, ContractResult::Ok))
        };
        let nobody = |addr| SystemResult::Err(SystemError::NoSuchContract { addr });
        match request {
            QueryRequest::Wasm(WasmQuery::Smart { contract_addr, msg }) => {
                match machine.contract_at(&contract_addr) {
                    Ok(contract) => found(machine.ask(contract, &msg)),
                    Err(_) => nobody(contract_addr),
                }
            }
            QueryRequest::Wasm(WasmQuery::Raw { contract_addr, key }) => {
                match machine.contract_at(&contract_addr) {
                    Ok(contract) => {
                        let space = machine.store.space(contract.number());
                        let value = space.get(key.as_slice()).cloned();
                        found(Ok(value.unwrap_or_default().into()))
                    }
                    Err(_) => nobody(contract_addr),
                }
            }
            QueryRequest::Bank(BankQuery::Balance { address, denom }) => {
                let amount = machine.balance(&address, &denom);
                let balance = BalanceResponse::new(Coin::new(amount, denom));
                found(to_json_binary(&balance).map_err(|e| e.to_string()))
            }
            other => SystemResult::Err(SystemError::UnsupportedRequest {
                kind: format!("{other:?}"),
            }),
        }
    }
}

impl Querier for Questions<'_> {
    fn raw_query(&self, request: &[u8]) -> QuerierResult {
        match from_json(request) {
            Ok(request) => self.answer(request),
            Err(error) => SystemResult::Err(SystemError::InvalidRequest {
                error: error.to_string(),
                request: request.into(),
            }),
        }
    }
}
