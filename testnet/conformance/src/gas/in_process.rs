//! The script in process: what the contracts read, write and report.

use super::{Message, Stage, Used, ITEM_REFUSED};
use crate::people::Person;
use crate::record::{Act, Answer, Part, Step};
use crate::replay::Replay;
use anyhow::{anyhow, bail, Result};
use cosmwasm_std::{coins, Api, Binary, CanonicalAddr};
use wattpool_fixtures::setup::DENOM;
use wattpool_fixtures::MarketApi;
use wattpool_schema::signing::digest;
use wattpool_schema::Seconds;

/// 2026-03-02 00:00:00 UTC.
const GENESIS: u64 = 1_772_409_600;
const CHAIN: &str = "wattpool-local-1";

/// A chain in process with a block a second.
pub struct InProcess {
    chain: Replay,
    height: u64,
    time: u64,
}

impl InProcess {
    /// A chain on which everybody has coins.
    pub fn new<'a>(people: impl IntoIterator<Item = &'a Person>) -> Self {
        let purse = coins(1_000_000_000_000, DENOM);
        let begin = people
            .into_iter()
            .map(|person| (person.address.to_string(), purse.clone()))
            .collect();
        Self {
            chain: Replay::new(CHAIN, &begin),
            height: 1,
            time: GENESIS,
        }
    }

    fn carry_out(&mut self, by: &Person, acts: Vec<Act>) -> Result<Used> {
        self.height += 1;
        self.time += 1;
        let answer = self.chain.carry_out(&Step {
            height: self.height,
            time_ns: self.time * 1_000_000_000,
            index: 0,
            sender: by.address.to_string(),
            fee: vec![],
            acts,
            doing: String::new(),
            answer: Answer::Refused {
                code: None,
                words: String::new(),
            },
        });
        let events = match answer {
            Answer::Done { events, .. } => events,
            Answer::Refused { words, .. } => bail!("refused: {words}"),
        };
        let calls = self.chain.calls();
        Ok(Used {
            gas: calls.iter().map(crate::counted::Call::gas).sum(),
            refused: events
                .iter()
                .filter(|(kind, _)| kind == ITEM_REFUSED)
                .count(),
            calls,
        })
    }
}

/// A contract's address of that name: as long as a chain's.
fn address(name: &str) -> Result<String> {
    let bytes = CanonicalAddr::from(digest(name.as_bytes()).to_vec());
    let address = MarketApi::new(true).addr_humanize(&bytes);
    Ok(address.map_err(|e| anyhow!("{e}"))?.into_string())
}

impl Stage for InProcess {
    fn chain_id(&self) -> String {
        CHAIN.to_owned()
    }

    fn now(&mut self) -> Seconds {
        Seconds(self.time)
    }

    fn wait_until(&mut self, time: Seconds) -> Result<()> {
        let seconds = time.0.saturating_sub(self.time);
        self.time += seconds;
        self.height += seconds;
        Ok(())
    }

    fn instantiate(&mut self, by: &Person, part: Part, msg: Binary) -> Result<(String, Used)> {
        let address = address(&format!("{part:?} {}", self.height))?;
        let act = Act::Instantiate {
            part,
            msg,
            address: address.clone(),
        };
        Ok((address, self.carry_out(by, vec![act])?))
    }

    fn receiver(&mut self, by: &Person) -> Result<String> {
        let address = address(&format!("receiver {}", self.height))?;
        let created = self.chain.receiver(&by.address, &address);
        created.map_err(|e| anyhow!("{e}"))?;
        Ok(address)
    }

    fn send(&mut self, by: &Person, messages: Vec<Message>) -> Result<Used> {
        let acts = messages.into_iter();
        let acts = acts.map(|(contract, msg, funds)| Act::Execute {
            contract,
            msg,
            funds,
        });
        self.carry_out(by, acts.collect())
    }
}
