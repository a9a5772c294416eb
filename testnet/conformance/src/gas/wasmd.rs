//! The script on a wasmd: gas as the chain charges it.

use super::{Message, Stage, Used, ITEM_REFUSED};
use crate::chain::{value, Chain, Placed};
use crate::people::Person;
use crate::record::Part;
use anyhow::{Context, Result};
use cosmwasm_std::Binary;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use wattpool_ledger_wasmd::message::{self, Instantiation};
use wattpool_ledger_wasmd::proof::TrustedBlock;
use wattpool_ledger_wasmd::rpc::{ChainEvent, TxResult};
use wattpool_ledger_wasmd::{Account, Any};
use wattpool_schema::{Seconds, PAYMENT_DENOM};
use wattpool_testnet::{Coin, Options, Testnet};

/// Gas limit of every transaction: far above what any needs.
const GAS: u64 = 40_000_000;
/// What everybody who pays begins with.
const PURSE: u128 = 1_000_000_000_000;

/// A wasmd of its own with the market's codes on it.
pub struct OnWasmd {
    pub(crate) runtime: Runtime,
    // Dropped before the network ends.
    pub(crate) chain: Arc<Chain>,
    net: Testnet,
    codes: BTreeMap<Part, u64>,
    receiver: u64,
    accounts: BTreeMap<String, Account>,
}

impl OnWasmd {
    /// Starts a network of one node and puts the contracts of a folder on it; `people` have coins.
    ///
    /// # Errors
    /// There is no wasmd, a contract is missing, or the chain does not take it.
    pub fn start<'a>(
        people: impl IntoIterator<Item = &'a Person>,
        validators: u16,
        contracts: &Path,
    ) -> Result<Self> {
        let purse = vec![Coin::new(PURSE, PAYMENT_DENOM)];
        let accounts = people.into_iter();
        let accounts = accounts.map(|person| (person.address.to_string(), purse.clone()));
        let net = Testnet::start(&Options {
            validators,
            block_ms: 200,
            accounts: accounts.collect(),
            ..Options::default()
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let receiver = wat::parse_str(include_str!("receiver.wat"))?;
        let (chain, codes, receiver) = runtime.block_on(async {
            let chain = Chain::connect(net.rpc_addresses(), &net.description().gas_price).await?;
            let admin = net.description().accounts.get("admin");
            let admin = admin.context("the network has no account admin")?;
            let admin = chain.wallet(&admin.mnemonic)?;
            let codes = chain.store_market(&admin, contracts).await?;
            let receiver = chain.store(&admin, receiver).await?;
            anyhow::Ok((Arc::new(chain), codes, receiver))
        })?;
        Ok(Self {
            runtime,
            chain,
            net,
            codes,
            receiver,
            accounts: BTreeMap::new(),
        })
    }

    /// Keeps the contracts loaded from now on, by a vote.
    ///
    /// # Errors
    /// The vote fails.
    pub fn pin(&mut self) -> Result<()> {
        let codes = self
            .codes
            .values()
            .copied()
            .chain([self.receiver])
            .collect();
        self.runtime
            .block_on(self.chain.pin(self.net.description(), codes))
    }

    /// Gas of a transfer of coins between accounts that exist.
    ///
    /// # Errors
    /// It fails.
    pub fn bank_send(&mut self, by: &Person, to: &Person) -> Result<u64> {
        let coins = vec![message::coin(1_000, PAYMENT_DENOM)];
        let send = message::send(by.address.as_str(), to.address.as_str(), coins);
        let placed = self.place(by, vec![send])?.executed("a bank send")?;
        Ok(placed.result.gas_used)
    }

    /// Gas of a call that is expected to fail.
    ///
    /// # Errors
    /// It is in no block, or does not fail.
    pub fn failing(&mut self, by: &Person, message: Message) -> Result<u64> {
        let messages = vec![call(by, message)];
        let placed = self.place(by, messages)?;
        anyhow::ensure!(!placed.result.is_ok(), "a call that must fail did not");
        Ok(placed.result.gas_used)
    }

    /// Puts a contract on the chain, makes one of it and tells its address.
    pub(crate) fn deploy(&mut self, by: &Person, wasm: Vec<u8>) -> Result<String> {
        let admin = self.net.description().accounts.get("admin");
        let admin = admin.context("the network has no account admin")?;
        let admin = self.chain.wallet(&admin.mnemonic)?;
        let code = self.runtime.block_on(self.chain.store(&admin, wasm))?;
        Ok(self.make(by, code, b"{}")?.0)
    }

    /// Where the network's nodes answer.
    pub(crate) fn rpc_addresses(&self) -> Vec<String> {
        self.net.rpc_addresses()
    }

    /// A block that is trusted from now on: the newest one that is whole.
    pub(crate) fn newest(&self) -> Result<TrustedBlock> {
        self.runtime.block_on(async {
            let (height, _) = self.chain.next_block().await?;
            let metas = self.chain.client().rpc().headers(height, height).await?;
            let meta = metas.into_iter().find(|meta| meta.height == height);
            let hash = meta.context("the newest block's header")?.hash;
            Ok(TrustedBlock { height, hash })
        })
    }

    /// The code of a part of the market.
    pub(crate) fn code(&self, part: Part) -> Result<u64> {
        let code = self.codes.get(&part);
        code.copied().context("no code of a contract")
    }

    /// Makes a contract and tells its address.
    fn make(&mut self, by: &Person, code_id: u64, msg: &[u8]) -> Result<(String, Used)> {
        let new = Instantiation {
            code_id,
            admin: None,
            label: "market".into(),
            msg: msg.to_vec(),
        };
        let messages = vec![message::instantiate(by.address.as_str(), new)];
        let placed = self.place(by, messages)?.executed("instantiating")?;
        let address = value(&placed.result, "instantiate", "_contract_address")?;
        Ok((address, used(&placed)))
    }

    fn place(&mut self, by: &Person, messages: Vec<Any>) -> Result<Placed> {
        let name = by.address.to_string();
        let account = match self.accounts.entry(name) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(self.chain.account(&by.key.secret())?)
            }
        };
        self.runtime
            .block_on(self.chain.send(account, messages, GAS))
    }
}

fn call(by: &Person, (contract, msg, funds): Message) -> Any {
    message::execute(
        by.address.as_str(),
        &contract,
        msg.to_vec(),
        message::coins(&funds),
    )
}

/// Items of a batch that were refused.
pub(crate) fn refused(result: &TxResult) -> usize {
    let refused = |event: &&ChainEvent| event.kind == ITEM_REFUSED;
    result.events.iter().filter(refused).count()
}

fn used(placed: &Placed) -> Used {
    Used {
        gas: placed.result.gas_used,
        refused: refused(&placed.result),
        calls: Vec::new(),
    }
}

impl Stage for OnWasmd {
    fn chain_id(&self) -> String {
        self.chain.client().chain_id().to_owned()
    }

    fn now(&mut self) -> Seconds {
        // Lets the task that follows the blocks work.
        self.runtime.block_on(tokio::task::yield_now());
        self.chain.now()
    }

    fn wait_until(&mut self, time: Seconds) -> Result<()> {
        self.runtime.block_on(self.chain.wait_until(time))
    }

    fn instantiate(&mut self, by: &Person, part: Part, msg: Binary) -> Result<(String, Used)> {
        let code = *self.codes.get(&part).context("no code of a contract")?;
        self.make(by, code, &msg)
    }

    fn receiver(&mut self, by: &Person) -> Result<String> {
        Ok(self.make(by, self.receiver, b"{}")?.0)
    }

    fn send(&mut self, by: &Person, messages: Vec<Message>) -> Result<Used> {
        let messages = messages.into_iter().map(|m| call(by, m)).collect();
        Ok(used(&self.place(by, messages)?.executed("a message")?))
    }
}
