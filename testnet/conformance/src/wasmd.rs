//! Records courses that run side by side on a wasmd.
//!
//! Every course has contracts and people of its own; all of them send as fast as blocks come, so that a block
//! holds transactions of many courses, and several of one.

use crate::chain::{value, Chain, Placed};
use crate::course::Course;
use crate::embedded::{acts, set};
use crate::people::ADMIN;
use crate::record::{contract_events, Act, Answer, Part, Record, Step};
use anyhow::{Context, Result};
use cosmwasm_std::{coins, Binary, Coin};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use wattpool_fixtures::{chance, Chance};
use wattpool_ledger_wasmd::message::{self, Instantiation};
use wattpool_ledger_wasmd::proto::cosmos::base::abci::v1beta1::TxMsgData;
use wattpool_ledger_wasmd::proto::prost::Message;
use wattpool_ledger_wasmd::rpc::TxResult;
use wattpool_ledger_wasmd::{Account, Any, Gas, Pending};
use wattpool_schema::error::Code;
use wattpool_schema::{Window, PAYMENT_DENOM};

/// What everybody begins with, micro-units.
pub const COINS: u128 = 1_000_000_000;
/// Gas limit of every transaction: generous, so that nothing is simulated before it is sent.
const GAS: u64 = 3_000_000;
/// Most transactions of one course that are on their way together.
const TOGETHER: u64 = 3;

/// What courses are made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Seed of the first course; the others follow.
    pub first_seed: u64,
    /// Number of courses.
    pub courses: u64,
    /// Operations of each, after its opening.
    pub operations: usize,
    /// Seconds of a window.
    pub window_s: u32,
}

impl Plan {
    /// The courses on a chain.
    pub fn courses(&self, chain_id: &str) -> Vec<Course> {
        let seeds = self.first_seed..self.first_seed + self.courses;
        seeds
            .map(|seed| Course::new(seed, chain_id, self.window_s))
            .collect()
    }

    /// Everybody's address, for the chain's beginning; each has [`COINS`].
    pub fn addresses(&self) -> Vec<String> {
        let people = self.courses("").into_iter().map(|course| course.people.all);
        people
            .flatten()
            .map(|person| person.address.to_string())
            .collect()
    }
}

/// Carries the courses of a plan out on a chain with these codes.
///
/// # Errors
/// The chain refuses to take a transaction, or does not answer.
pub async fn record(chain: &Arc<Chain>, codes: &BTreeMap<Part, u64>, plan: Plan) -> Result<Record> {
    let mut running = JoinSet::new();
    for course in plan.courses(chain.client().chain_id()) {
        let pace = chance(running.len() as u64 ^ 0xb10c);
        let run = Run {
            chain: chain.clone(),
            codes: codes.clone(),
            accounts: BTreeMap::new(),
            steps: Vec::new(),
            course,
            pace,
        };
        running.spawn(run.whole(plan.operations));
    }
    let mut records = Vec::new();
    while let Some(record) = running.join_next().await {
        records.push(record??);
    }
    Ok(Record::join(records))
}

/// One course on its way.
struct Run {
    chain: Arc<Chain>,
    codes: BTreeMap<Part, u64>,
    accounts: BTreeMap<usize, Account>,
    steps: Vec<Step>,
    course: Course,
    pace: Chance,
}

/// A transaction that was sent, as far as it is known.
struct Sent {
    pending: Pending,
    sender: String,
    acts: Vec<Act>,
    doing: &'static str,
}

impl Run {
    async fn whole(mut self, operations: usize) -> Result<Record> {
        let begin: BTreeMap<String, Vec<Coin>> = self
            .course
            .people
            .all
            .iter()
            .map(|p| (p.address.to_string(), coins(COINS, PAYMENT_DENOM)))
            .collect();
        for part in [Part::Token, Part::Pool, Part::Escrow] {
            self.instantiate(part).await?;
        }
        for operation in self.course.opening() {
            let acts = acts(&self.course.contracts, &operation);
            let sent = self.send(operation.sender, acts, operation.doing).await?;
            self.land(sent).await?.executed(operation.doing)?;
        }
        // Who enters may trade from the window after: a chain of quick blocks would be done before anything can settle.
        // Who enters may trade from the window after: a chain of quick blocks would be done before anything can settle.
        let entered = Window::at(self.chain.now(), self.course.window_s);
        let tradable = entered.plus(2).start(self.course.window_s);
        self.chain.wait_until(tradable).await?;
        let mut left = operations;
        while left > 0 {
            let together = usize::try_from(self.pace.between(1, TOGETHER))?.min(left);
            left -= together;
            let mut round = Vec::new();
            for _ in 0..together {
                let operation = self.course.next(self.chain.now());
                let acts = acts(&self.course.contracts, &operation);
                let sent = self.send(operation.sender, acts, operation.doing).await?;
                round.push((operation, sent));
            }
            for (operation, sent) in round {
                if self.land(sent).await?.result.is_ok() {
                    self.course.succeeded(&operation);
                }
            }
        }
        let mut record = Record {
            chain_id: self.chain.client().chain_id().to_owned(),
            begin,
            steps: std::mem::take(&mut self.steps),
            ..Record::default()
        };
        self.end(&mut record).await?;
        Ok(record)
    }

    async fn instantiate(&mut self, part: Part) -> Result<()> {
        let msg = self.course.instantiation(part);
        let code_id = *self.codes.get(&part).context("no code of a contract")?;
        let deployer = self.account(ADMIN)?;
        let new = Instantiation {
            code_id,
            admin: None,
            label: "market".into(),
            msg: msg.to_vec(),
        };
        let message = message::instantiate(deployer.address(), new);
        let pending = deployer.submit(vec![message], Gas::Limit(GAS)).await?;
        let sender = deployer.address().to_owned();
        let placed = self.chain.wait(&pending).await?;
        let placed = placed.executed("instantiating")?;
        let address = value(&placed.result, "instantiate", "_contract_address")?;
        let act = Act::Instantiate {
            part,
            msg,
            address: address.clone(),
        };
        let sent = Sent {
            pending,
            sender,
            acts: vec![act],
            doing: "instantiating",
        };
        self.note(sent, &placed)?;
        set(&mut self.course.contracts, part, address);
        Ok(())
    }

    fn account(&mut self, person: usize) -> Result<&Account> {
        if !self.accounts.contains_key(&person) {
            let secret = self.course.people.all[person].key.secret();
            let account = self.chain.account(&secret)?;
            self.accounts.insert(person, account);
        }
        self.accounts.get(&person).context("an account")
    }

    async fn send(&mut self, person: usize, acts: Vec<Act>, doing: &'static str) -> Result<Sent> {
        let account = self.account(person)?;
        let sender = account.address().to_owned();
        let messages = acts.iter().filter_map(|act| execution(&sender, act));
        let pending = account
            .submit(messages.collect(), Gas::Limit(GAS))
            .await
            .with_context(|| format!("{doing}, by {sender}"))?;
        Ok(Sent {
            pending,
            sender,
            acts,
            doing,
        })
    }

    async fn land(&mut self, sent: Sent) -> Result<Placed> {
        let placed = self.chain.wait(&sent.pending).await?;
        self.note(sent, &placed)?;
        Ok(placed)
    }

    fn note(&mut self, sent: Sent, placed: &Placed) -> Result<()> {
        let price = &self.chain.client().settings().gas_price;
        self.steps.push(Step {
            height: placed.height,
            time_ns: placed.time_ns,
            index: placed.index,
            sender: sent.sender,
            fee: coins(price.fee(GAS), &price.denom),
            answer: answer(&placed.result, &sent.acts)?,
            acts: sent.acts,
            doing: sent.doing.to_owned(),
        });
        Ok(())
    }

    /// Notes everybody's coins and the contracts' state. Nobody else touches them.
    async fn end(&self, record: &mut Record) -> Result<()> {
        // A node tells what became of a block's transactions before its state can be asked for: with the next block it can.
        self.chain.next_block().await?;
        let rpc = self.chain.client().rpc();
        let contracts =
            [Part::Token, Part::Pool, Part::Escrow].map(|p| self.course.contracts.of(p));
        let people = self.course.people.all.iter().map(|p| p.address.as_str());
        for address in people.chain(contracts) {
            let balance = rpc.balance(address, PAYMENT_DENOM).await?;
            let coins = coins(balance, PAYMENT_DENOM);
            record.end.insert(address.to_owned(), coins);
        }
        for contract in contracts {
            let state = rpc.all_state(contract).await?.into_iter();
            let state = state.map(|(key, value)| (Binary::new(key), Binary::new(value)));
            record.state.insert(contract.to_owned(), state.collect());
        }
        Ok(())
    }
}

fn execution(sender: &str, act: &Act) -> Option<Any> {
    let Act::Execute {
        contract,
        msg,
        funds,
    } = act
    else {
        return None;
    };
    Some(message::execute(
        sender,
        contract,
        msg.to_vec(),
        message::coins(funds),
    ))
}

/// A chain's answer as the chain in process gives it.
fn answer(result: &TxResult, acts: &[Act]) -> Result<Answer> {
    if !result.is_ok() {
        return Ok(Answer::Refused {
            code: Code::in_text(&result.log).map(|code| code.to_string()),
            words: result.log.clone(),
        });
    }
    let events = contract_events(result.events.iter().map(|event| {
        let attributes = event.attributes.iter();
        let attributes = attributes.map(|a| (a.key.clone(), a.value.clone()));
        (event.kind.as_str(), attributes.collect())
    }));
    let answers = TxMsgData::decode(result.data.as_slice()).context("answers of messages")?;
    let executed = acts.iter().all(|act| matches!(act, Act::Execute { .. }));
    let data = answers
        .msg_responses
        .into_iter()
        .filter(|_| executed)
        .map(|answer| (!answer.value.is_empty()).then(|| Binary::new(answer.value)))
        .collect();
    Ok(Answer::Done { events, data })
}
