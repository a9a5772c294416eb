//! The energy token in the hands of programs that know the token standard alone: a contract of the standard's own crate, and CosmJS.

use crate::course::binary;
use crate::gas::{people, Message, OnWasmd, Script, Stage};
use crate::people::{Person, STRANGER};
use anyhow::{Context, Result};
use cosmwasm_std::{Binary, Uint128};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::path::Path;
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::token::ExecuteMsg as Token;
use wattpool_schema::Wh;

/// Seconds of a window: what is done with energy here has to end within one.
const WINDOW_S: u32 = 60;

/// A market on a wasmd, in which somebody has energy.
pub struct Standard {
    stage: OnWasmd,
    /// Who has it.
    pub owner: Person,
    /// Somebody without any.
    pub stranger: Person,
    /// The token's address.
    pub token: String,
}

impl Standard {
    /// Starts a chain with the contracts of a folder and has a meter state what it exported.
    ///
    /// # Errors
    /// There is no wasmd, a contract is missing, or the chain refuses something.
    pub fn start(contracts: &Path, wh: Wh) -> Result<Self> {
        let cast = people(1, 4);
        let mut stage = OnWasmd::start(&cast.all, 1, contracts)?;
        let mut script = Script::begin_with(&mut stage, cast, WINDOW_S)?;
        script.register([0])?;
        script.enter(0)?;
        let live = script.next_window()?;
        let statements = vec![script.market.statement(0, live, wh.0)];
        let state = binary(&Pool::State { statements });
        let pool = script.market.contracts.pool.clone();
        script.quietly(STRANGER, vec![(pool, state, vec![])])?;
        let owner = script.market.of(0).owner;
        let (owner, stranger) = (
            script.market.people.all[owner].clone(),
            script.market.people.all[STRANGER].clone(),
        );
        let token = script.market.contracts.token.clone();
        Ok(Self {
            stage,
            owner,
            stranger,
            token,
        })
    }

    /// Puts another contract on the chain and tells its address.
    ///
    /// # Errors
    /// The chain refuses it.
    pub fn deploy(&mut self, wasm: Vec<u8>) -> Result<String> {
        let owner = self.owner.clone();
        self.stage.deploy(&owner, wasm)
    }

    /// The owner sends energy to a contract, with words.
    ///
    /// # Errors
    /// The token or the contract refuses.
    pub fn send(&mut self, contract: &str, amount: u128, words: &[u8]) -> Result<()> {
        let send = Token::Send {
            contract: contract.to_owned(),
            amount: Uint128::new(amount),
            msg: Binary::from(words),
        };
        let message: Message = (self.token.clone(), binary(&send), vec![]);
        self.stage.send(&self.owner, vec![message]).map(|_| ())
    }

    /// Asks a contract.
    ///
    /// # Errors
    /// It refuses.
    pub fn ask<A: DeserializeOwned>(&self, contract: &str, question: &impl Serialize) -> Result<A> {
        let asked = self.stage.chain.client().rpc().smart(contract, question);
        self.stage.runtime.block_on(asked).context("a question")
    }

    /// Where the node answers.
    ///
    /// # Errors
    /// There is none.
    pub fn rpc(&self) -> Result<String> {
        let nodes = self.stage.rpc_addresses();
        nodes.into_iter().next().context("no node")
    }
}
