//! What works and what does not, and the gate that is open whenever something does not.

use crate::fees::Fees;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;
use wattpool_core::io::Gate;
use wattpool_core::ports::home::GridGate;
use wattpool_host::Facts;
use wattpool_schema::Seconds;

/// What may fail.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The chain or the way to it.
    Chain,
    /// The meter.
    Meter,
    /// Other meters and the table of records.
    Network,
    /// What the owner may look up later.
    History,
    /// The home does not trade though it should.
    Trading,
}

/// Something that does not work now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Trouble {
    /// What.
    pub part: Part,
    /// Why, as last told.
    pub why: String,
    /// Failures in a row.
    pub failures: u64,
}

/// Health of the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Health {
    /// Everything works, and the home trades if its owner lets it.
    pub ok: bool,
    /// The agent has seen its first window.
    pub started: bool,
    /// What does not.
    pub troubles: Vec<Trouble>,
    /// Seconds since the last block was heard of.
    pub block_age_s: Option<u64>,
    /// The gate to the national grid.
    pub gate: Option<Gate>,
    /// What is left for fees.
    pub fees: Option<Fees>,
    /// What will stop the home from trading unless somebody does something.
    pub warnings: Vec<String>,
    /// Figures of the way to the chain by their names, of whoever knows them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chain: BTreeMap<String, u64>,
    /// How far metering and stating are.
    #[serde(flatten)]
    pub facts: Facts,
}

struct State {
    troubles: BTreeMap<Part, Trouble>,
    /// What the agent wants of the gate.
    wanted: Gate,
    /// What it was set to last.
    set: Option<Gate>,
    started: bool,
    facts: Facts,
    fees: Option<Fees>,
    /// When a block was heard of last.
    heard: Option<Instant>,
}

/// Shared by all tasks of a runtime.
pub(crate) struct Board {
    state: Mutex<State>,
    gate: Arc<dyn GridGate>,
}

impl Board {
    pub fn new(gate: Arc<dyn GridGate>) -> Self {
        let state = State {
            troubles: BTreeMap::new(),
            wanted: Gate::Open,
            set: None,
            started: false,
            facts: Facts::default(),
            fees: None,
            heard: None,
        };
        Self {
            state: Mutex::new(state),
            gate,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave it half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something failed. Told once in the log until it works again or the reason changes.
    pub fn trouble(&self, part: Part, why: &dyn Display) {
        let why = why.to_string();
        let mut state = self.lock();
        let trouble = state.troubles.entry(part).or_insert_with(|| Trouble {
            part,
            why: String::new(),
            failures: 0,
        });
        trouble.failures = trouble.failures.saturating_add(1);
        if trouble.why != why {
            tracing::warn!(?part, %why, "does not work; trying again");
            trouble.why = why;
        }
        self.move_gate(&mut state);
    }

    /// It works (again).
    pub fn well(&self, part: Part) {
        let mut state = self.lock();
        if state.troubles.remove(&part).is_some() {
            tracing::info!(?part, "works again");
            self.move_gate(&mut state);
        }
    }

    /// What the host knows now.
    pub fn knows(&self, facts: Facts) {
        let mut state = self.lock();
        if facts.block.height > state.facts.block.height {
            state.heard = Some(Instant::now());
        }
        state.facts = facts;
    }

    /// The time of the last block that was heard of; 0 before the first.
    pub fn block_time(&self) -> Seconds {
        self.lock().facts.block.time
    }

    /// What was found of the account.
    pub fn fees(&self, fees: Fees) {
        self.lock().fees = Some(fees);
    }

    /// The first window was seen.
    pub fn started(&self) {
        self.lock().started = true;
    }

    /// What the agent wants of the gate; it is open while chain or meter fail.
    pub fn set_gate(&self, gate: Gate) {
        let mut state = self.lock();
        state.wanted = gate;
        self.move_gate(&mut state);
    }

    fn move_gate(&self, state: &mut State) {
        let failing = state
            .troubles
            .keys()
            .any(|p| matches!(p, Part::Chain | Part::Meter));
        let gate = if failing { Gate::Open } else { state.wanted };
        if state.set != Some(gate) {
            state.set = Some(gate);
            self.gate.set(gate);
        }
    }

    /// The agent is gone.
    pub fn leave(&self) {
        let mut state = self.lock();
        state.started = false;
        state.wanted = Gate::Open;
        self.move_gate(&mut state);
    }

    pub fn gate(&self) -> Gate {
        self.lock().set.unwrap_or(Gate::Open)
    }

    pub fn health(&self) -> Health {
        let state = self.lock();
        let complaints = state.facts.complaints().into_iter();
        let complaints = complaints.map(|why| Trouble {
            part: Part::Trading,
            why,
            failures: 1,
        });
        let troubles: Vec<Trouble> = state.troubles.values().cloned().chain(complaints).collect();
        Health {
            ok: troubles.is_empty() && state.started,
            started: state.started,
            troubles,
            block_age_s: state.heard.map(|at| at.elapsed().as_secs()),
            gate: state.set,
            fees: state.fees,
            warnings: state.fees.map(|f| f.warnings()).unwrap_or_default(),
            chain: BTreeMap::new(),
            facts: state.facts.clone(),
        }
    }
}
