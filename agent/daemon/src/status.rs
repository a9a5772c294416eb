//! The agent behind the HTTP interface: there from the process's first moment, with or without a running runtime.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use wattpool_core::io::JournalEntry;
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::Journal;
use wattpool_journal_sqlite::SqliteJournal;
use wattpool_ledger_wasmd::Client;
use wattpool_runtime::{Handle, Health};

/// What the process is at before and between runtimes.
#[derive(Default)]
struct State {
    handle: Option<Handle>,
    waiting_for: String,
    chain: Option<Arc<Client>>,
}

/// Shared between the runtime's keeper and the HTTP interface.
pub struct Running {
    state: RwLock<State>,
    /// The journal while no agent has it: the owner's word counts then, too.
    journal: Mutex<Desk>,
}

/// Where the policy is written while no agent runs.
struct Desk {
    file: PathBuf,
    /// What holds as long as the journal has no policy.
    configured: Policy,
    /// What the journal was found to hold, as long as no agent has it.
    known: Option<Policy>,
    /// An agent has the journal.
    taken: bool,
}

/// Health of the whole process.
#[derive(serde::Serialize)]
pub struct ProcessHealth {
    /// What the process waits for before an agent runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// The agent's health.
    #[serde(flatten)]
    pub agent: Health,
}

impl Running {
    /// Nothing runs yet. Journal and policy of the configuration.
    pub fn new(journal: PathBuf, configured: Policy) -> Self {
        Self {
            state: RwLock::default(),
            journal: Mutex::new(Desk {
                file: journal,
                configured,
                known: None,
                taken: false,
            }),
        }
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        // Plain assignments: nothing is left half-changed.
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// There is no runtime; why not.
    pub fn wait(&self, what: &str) {
        self.write(|state| {
            state.handle = None;
            what.clone_into(&mut state.waiting_for);
        });
    }

    /// The chain has answered.
    pub fn connected(&self, chain: Arc<Client>) {
        self.write(|state| state.chain = Some(chain));
    }

    /// An agent takes the journal (true), or has ended (false).
    pub fn takes_journal(&self, taken: bool) {
        let mut desk = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        desk.taken = taken;
        desk.known = None;
    }

    /// A runtime runs.
    pub fn run(&self, handle: Handle) {
        self.write(|state| {
            state.handle = Some(handle);
            state.waiting_for.clear();
        });
    }

    /// The hand on it; otherwise what is waited for.
    pub fn handle(&self) -> Result<Handle, String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state
            .handle
            .clone()
            .ok_or_else(|| state.waiting_for.clone())
    }

    /// The chain, once it has answered.
    pub fn chain(&self) -> Option<Arc<Client>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.chain.clone()
    }

    /// The policy while no agent runs, changed if `change` says so; durable when this returns.
    ///
    /// # Errors
    /// An agent has the journal now, or it cannot be read or written, or `change` refuses.
    pub fn policy_at_rest(
        &self,
        change: impl FnOnce(&Policy) -> Result<Option<Policy>, String>,
    ) -> Result<Policy, String> {
        let mut desk = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        if desk.taken {
            return Err("the agent starts just now: try again".to_owned());
        }
        let open = || SqliteJournal::open(&desk.file).map_err(|e| e.to_string());
        let policy = match &desk.known {
            Some(known) => known.clone(),
            None => {
                let entries = open()?.entries().map_err(|e| e.to_string())?;
                let written = entries.into_iter().rev().find_map(|entry| match entry {
                    JournalEntry::Policy(policy) => Some(*policy),
                    _ => None,
                });
                written.unwrap_or_else(|| desk.configured.clone())
            }
        };
        let policy = match change(&policy)? {
            None => policy,
            Some(changed) => {
                let entry = JournalEntry::Policy(Box::new(changed.clone()));
                open()?.append(&entry).map_err(|e| e.to_string())?;
                changed
            }
        };
        desk.known = Some(policy.clone());
        Ok(policy)
    }

    /// What works.
    pub fn health(&self) -> ProcessHealth {
        match self.handle() {
            Ok(handle) => ProcessHealth {
                waiting_for: None,
                agent: handle.health(),
            },
            Err(what) => ProcessHealth {
                waiting_for: Some(what),
                agent: Health::default(),
            },
        }
    }
}
