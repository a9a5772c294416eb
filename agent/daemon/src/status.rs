//! The agent behind the HTTP interface: there from the process's first moment, with or without a running runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use wattpool_core::io::JournalEntry;
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::Journal;
use wattpool_discovery_libp2p::Mesh;
use wattpool_journal_sqlite::SqliteJournal;
use wattpool_ledger_wasmd::proof::{ProofCounts, Prover};
use wattpool_ledger_wasmd::rpc::{Dispute, NodeReport};
use wattpool_ledger_wasmd::Client;
use wattpool_runtime::{Handle, Health};
use wattpool_schema::pool::MeterKind;

/// What the process is at before and between runtimes.
#[derive(Default)]
struct State {
    handle: Option<Handle>,
    waiting_for: String,
    chain: Option<Arc<Client>>,
    prover: Option<Arc<Prover>>,
    kind: Option<MeterKind>,
    /// Whoever runs it ends it: here it is only looked at.
    mesh: Weak<Mesh>,
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
    /// The chain's nodes as they were found.
    pub nodes: Vec<NodeReport>,
    /// They contradict each other, and nothing says which are right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
    /// What is proven of what the nodes tell; none: nothing can be.
    pub proofs: Option<Proofs>,
    /// The agent's health.
    #[serde(flatten)]
    pub agent: Health,
}

/// How proving goes.
#[derive(serde::Serialize)]
pub struct Proofs {
    /// Counted since the start.
    #[serde(flatten)]
    pub counts: ProofCounts,
    /// Why the last proof failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
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

    /// As what the meter is registered.
    pub fn registered(&self, kind: MeterKind) {
        self.write(|state| state.kind = Some(kind));
    }

    /// As what the meter was registered when the chain told it last.
    pub fn kind(&self) -> Option<MeterKind> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.kind
    }

    /// The node of the network.
    pub fn networked(&self, mesh: &Arc<Mesh>) {
        self.write(|state| state.mesh = Arc::downgrade(mesh));
    }

    /// Other nodes of the network that are connected, as they were counted last.
    pub fn peers(&self) -> Option<u64> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.mesh.upgrade().map(|mesh| mesh.figures().linked)
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

    /// What proves the chain's state.
    pub fn proving(&self, prover: Arc<Prover>) {
        self.write(|state| state.prover = Some(prover));
    }

    /// The chain, once it has answered.
    pub fn chain(&self) -> Option<Arc<Client>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.chain.clone()
    }

    /// The configuration's policy: it holds until the owner changes it.
    pub fn configured_policy(&self) -> Policy {
        let desk = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        desk.configured.clone()
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
        let (chain, prover) = {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            (state.chain.clone(), state.prover.clone())
        };
        let (nodes, dispute) = chain.as_ref().map(|c| c.rpc().nodes()).unwrap_or_default();
        let proofs = prover.map(|prover| Proofs {
            counts: prover.counts(),
            trouble: prover.trouble(),
        });
        let (waiting_for, mut agent) = match self.handle() {
            Ok(handle) => (None, handle.health()),
            Err(what) => (Some(what), Health::default()),
        };
        if chain.is_some() {
            agent.chain = figures(&nodes, dispute.as_ref(), proofs.as_ref());
            agent
                .warnings
                .extend(warnings(&nodes, dispute.as_ref(), proofs.as_ref()));
        }
        ProcessHealth {
            waiting_for,
            nodes,
            dispute,
            proofs,
            agent,
        }
    }
}

/// What a person should look at.
fn warnings(
    nodes: &[NodeReport],
    dispute: Option<&Dispute>,
    proofs: Option<&Proofs>,
) -> Vec<String> {
    let left = nodes
        .iter()
        .filter_map(|n| Some((&n.address, n.fault.as_ref()?)));
    let mut lines: Vec<String> = left
        .map(|(address, fault)| format!("node {address}: {fault}"))
        .collect();
    if let Some(dispute) = dispute {
        lines.push(format!(
            "the nodes contradict each other about block {}, and nothing says which are right: nothing is bought",
            dispute.height
        ));
    }
    match proofs {
        None => lines.push("no trusted block is named: what the nodes tell is believed".to_owned()),
        Some(proofs) => lines.extend(
            proofs
                .trouble
                .iter()
                .map(|why| format!("not proven: {why}")),
        ),
    }
    lines
}

/// The same for machines.
fn figures(
    nodes: &[NodeReport],
    dispute: Option<&Dispute>,
    proofs: Option<&Proofs>,
) -> BTreeMap<String, u64> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let left = nodes.iter().filter(|n| n.fault.is_some()).count();
    let mut figures = BTreeMap::from([
        ("nodes".to_owned(), count(nodes.len())),
        ("nodes_left".to_owned(), count(left)),
        ("nodes_dispute".to_owned(), u64::from(dispute.is_some())),
        ("proofs_possible".to_owned(), u64::from(proofs.is_some())),
    ]);
    if let Some(Proofs { counts, trouble }) = proofs {
        figures.extend([
            ("proofs_total".to_owned(), counts.proven),
            ("proof_requests_total".to_owned(), counts.requests),
            ("proofs_refuted_total".to_owned(), counts.refuted),
            ("proofs_missing_total".to_owned(), counts.missing),
            ("proofs_trouble".to_owned(), u64::from(trouble.is_some())),
        ]);
    }
    figures
}

/// The names of all figures of the way to the chain.
#[cfg(test)]
pub fn all_figures() -> Vec<String> {
    let proofs = Proofs {
        counts: ProofCounts::default(),
        trouble: None,
    };
    figures(&[], None, Some(&proofs)).into_keys().collect()
}
