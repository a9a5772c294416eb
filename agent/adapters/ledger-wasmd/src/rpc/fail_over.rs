//! Which address is asked, and which are left alone: for a while because they failed, or because other nodes show that they are of no use.

use super::answers::Status;
use super::ask::{Asking, Failure};
use super::compare::{judge, Answer, Dispute, Fault, Known, View};
use super::read::{Method, STATUS};
use super::tls::{self, Pin};
use crate::error::ChainError;
use serde::Serialize;
use serde_json::{json, Value};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// First pause after a failure of an address.
pub const BACK_OFF: Duration = Duration::from_millis(250);
/// Longest pause.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);
/// Failures in a row after which an address comes after nodes that are merely behind.
const FAILS: u32 = 3;

/// Which nodes to ask, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Addresses (`https://host:port`), in the order of preference.
    pub addresses: Vec<String>,
    /// Certificates of nodes; none: those that the system's authorities signed.
    pub certificates: Vec<Pin>,
    /// Take `http://` to other machines, too.
    pub allow_plain_http: bool,
    /// What they must be on; none: the first that answers decides.
    pub chain_id: Option<String>,
    /// Of one call to one address.
    pub deadline: Duration,
}

pub(super) struct Address {
    pub url: String,
    /// Its chain id was found right.
    pub verified: bool,
    pub failures: u32,
    pub pause_until: Option<Instant>,
    pub view: View,
    fault: Option<Fault>,
    /// When its height was seen to grow last.
    moved: Instant,
    /// When something of it did not verify.
    pub blamed: Option<Instant>,
}

pub(super) struct State {
    pub addresses: Vec<Address>,
    current: usize,
    pub known: Known,
    /// Highest block that is shown now, as far as it is believed.
    pub highest: u64,
    /// The same at the end of the last look.
    pub last_look: u64,
    dispute: Option<Dispute>,
    /// Times that a node was found to be one that is never asked.
    lies: u64,
}

/// A node as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// Its address.
    pub address: String,
    /// It is the one that is asked.
    pub in_use: bool,
    /// Its newest block.
    pub height: Option<u64>,
    /// That block's time, Unix seconds.
    pub block_time: Option<u64>,
    /// Its oldest block.
    pub earliest: Option<u64>,
    /// What is wrong with it.
    #[serde(flatten)]
    pub fault: Option<Fault>,
}

/// The addresses of a chain's nodes.
pub(super) struct Addresses {
    pub asking: Asking,
    state: Mutex<State>,
}

impl Addresses {
    pub fn new(nodes: &Nodes) -> Result<Self, ChainError> {
        if nodes.addresses.is_empty() {
            return Err(ChainError::input("rpc", "expected at least one address"));
        }
        let mut https = false;
        let mut addresses = Vec::with_capacity(nodes.addresses.len());
        for url in &nodes.addresses {
            https |= tls::address(url, nodes.allow_plain_http)?.scheme() == "https";
            addresses.push(Address {
                url: url.clone(),
                verified: false,
                failures: 0,
                pause_until: None,
                view: View::default(),
                fault: None,
                moved: Instant::now(),
                blamed: None,
            });
        }
        Ok(Self {
            asking: Asking {
                http: tls::client(https, &nodes.certificates, nodes.deadline)?,
                deadline: nodes.deadline,
                observer: OnceLock::new(),
            },
            state: Mutex::new(State {
                addresses,
                current: 0,
                known: Known {
                    chain_id: nodes.chain_id.clone(),
                    ..Known::default()
                },
                highest: 0,
                last_look: 0,
                dispute: None,
                lies: 0,
            }),
        })
    }

    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The guarded values are plain and always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn chain_id(&self) -> Option<String> {
        self.state().known.chain_id.clone()
    }

    /// The address that is asked first.
    pub fn current(&self) -> String {
        let first = self.order(0).first().copied().unwrap_or(0);
        let state = self.state();
        let address = state.addresses.get(first);
        address.map_or_else(String::new, |a| a.url.clone())
    }

    pub fn lies(&self) -> u64 {
        self.state().lies
    }

    pub fn several(&self) -> bool {
        self.state().addresses.len() > 1
    }

    pub async fn call<T>(&self, method: &Method<T>, params: Value) -> Result<T, ChainError> {
        self.call_counting(method, params).await.0
    }

    /// The answer, and whether some address may have carried the request out without answering.
    pub async fn call_counting<T>(
        &self,
        method: &Method<T>,
        params: Value,
    ) -> (Result<T, ChainError>, bool) {
        let whole = |_: &T| true;
        let (answer, lost) = self.call_at(method, params, 0, whole).await;
        (answer.map(|(answer, _)| answer), lost)
    }

    /// An answer about a block: from a node that still has it, if any has. `whole`: whether the answer has what was asked for.
    pub async fn call_for_block<T>(
        &self,
        method: &Method<T>,
        params: Value,
        height: u64,
        whole: impl Fn(&T) -> bool,
    ) -> Result<T, ChainError> {
        let (answer, _) = self.call_at(method, params, height, whole).await;
        answer.map(|(answer, _)| answer)
    }

    /// The state of a node that is not left; all that it says of itself is taken into account.
    pub async fn status(&self) -> Result<Status, ChainError> {
        let tries = self.state().addresses.len();
        let mut last = None;
        for _ in 0..tries {
            let (answer, _) = self.call_at(&STATUS, json!({}), 0, |_| true).await;
            let (status, index) = answer?;
            self.shown(index, &status);
            let order = self.order(0);
            if order.first() == Some(&index) {
                return Ok(status);
            }
            last = Some(status);
        }
        last.ok_or_else(|| ChainError::Unreachable("no address".to_owned()))
    }

    async fn call_at<T>(
        &self,
        method: &Method<T>,
        params: Value,
        height: u64,
        whole: impl Fn(&T) -> bool,
    ) -> (Result<(T, usize), ChainError>, bool) {
        let mut reasons = Vec::new();
        let mut lost = false;
        let (mut foreign, mut gone) = (None, None);
        for index in self.order(height) {
            let Some((url, verified)) = self.address(index) else {
                continue;
            };
            if !verified {
                match self.verify(index, &url).await {
                    Ok(()) => {}
                    Err(Failure::Meant(error)) => {
                        self.failed(index, &error.to_string());
                        foreign = Some(error);
                        continue;
                    }
                    Err(Failure::Dead(why) | Failure::NoAnswer(why)) => {
                        self.failed(index, &why);
                        reasons.push(why);
                        continue;
                    }
                }
            }
            match self.asking.ask(&url, method, &params).await {
                Ok(answer) if whole(&answer) => {
                    self.answered(index, height);
                    return (Ok((answer, index)), lost);
                }
                // It works, and does not have this block any more.
                Ok(answer) => gone = gone.or(Some(Ok((answer, index)))),
                Err(Failure::Meant(error)) if height != 0 && error.is_gone() => {
                    gone = gone.or(Some(Err(error)));
                }
                Err(Failure::Meant(error)) => {
                    self.answered(index, height);
                    return (Err(error), lost);
                }
                Err(Failure::Dead(why)) => {
                    self.failed(index, &why);
                    reasons.push(why);
                }
                Err(Failure::NoAnswer(why)) => {
                    lost = true;
                    self.failed(index, &why);
                    reasons.push(why);
                }
            }
        }
        if let Some(answer) = gone {
            return (answer, lost);
        }
        let error = match foreign {
            Some(error) if reasons.is_empty() => error,
            _ => ChainError::Unreachable(self.reasons(reasons)),
        };
        (Err(error), lost)
    }

    /// Why nobody answered: what failed now, and why the others were not asked.
    fn reasons(&self, mut reasons: Vec<String>) -> String {
        let state = self.state();
        for address in &state.addresses {
            match &address.fault {
                Some(Fault::Silent { why }) if !reasons.contains(why) => reasons.push(why.clone()),
                Some(fault) if fault.rank().is_none() => {
                    reasons.push(format!("{}: {fault}", address.url));
                }
                _ => {}
            }
        }
        reasons.join("; ")
    }

    /// Indices in the order to try: the nodes with the least wrong, the current one first; those in a pause left out, unless that leaves none; and for
    /// a block, those that have it before the others.
    pub fn order(&self, height: u64) -> Vec<usize> {
        let state = self.state();
        let now = Instant::now();
        let count = state.addresses.len();
        let around = (0..count).map(|i| {
            let at = state.current.saturating_add(i).checked_rem(count);
            at.unwrap_or(0)
        });
        let mut ranked: Vec<(u8, usize)> = around
            .filter_map(|i| Some((state.addresses.get(i)?.rank()?, i)))
            .collect();
        let least = ranked.iter().map(|(rank, _)| *rank).min().unwrap_or(0);
        // Who just failed is as good as who did not.
        ranked.retain(|(rank, _)| *rank <= least.max(1));
        ranked.sort_by_key(|(rank, _)| *rank);
        let paused = |i: &usize| state.addresses.get(*i).and_then(|a| a.pause_until);
        let mut ready: Vec<usize> = ranked.iter().map(|(_, i)| *i).collect();
        ready.retain(|i| paused(i).is_none_or(|until| until <= now));
        if ready.is_empty() {
            // All failed lately: only the one whose pause ends first is worth a try.
            let first = ranked.iter().map(|(_, i)| *i).min_by_key(|i| paused(i));
            return first.into_iter().collect();
        }
        let lacks = |i: &usize| {
            let address = state.addresses.get(*i);
            let answer = address.and_then(|a| a.view.answer.as_ref());
            height != 0 && answer.is_some_and(|a| a.earliest > height)
        };
        ready.sort_by_key(lacks);
        ready
    }

    pub fn address(&self, index: usize) -> Option<(String, bool)> {
        let state = self.state();
        let address = state.addresses.get(index)?;
        Some((address.url.clone(), address.verified))
    }

    fn answered(&self, index: usize, height: u64) {
        let mut state = self.state();
        // Who has an old block is not therefore the one to stay with.
        if height == 0 {
            state.current = index;
        }
        let mut back = false;
        if let Some(address) = state.addresses.get_mut(index) {
            address.failures = 0;
            address.pause_until = None;
            back = address.view.silent.take().is_some();
        }
        if back {
            state.compare();
        }
    }

    pub fn failed(&self, index: usize, why: &str) {
        let mut state = self.state();
        let alone = state.addresses.len() == 1;
        if let Some(address) = state.addresses.get_mut(index) {
            let factor = 1u32.checked_shl(address.failures.min(8)).unwrap_or(1);
            let pause = BACK_OFF.saturating_mul(factor).min(LONGEST_BACK_OFF);
            address.failures = address.failures.saturating_add(1);
            // A node that comes back may be another one.
            address.verified = false;
            address.view.silent = Some(why.to_owned());
            if !alone {
                address.pause_until = Instant::now().checked_add(pause);
            }
        }
        state.compare();
    }

    /// Asks an address for its chain id before it is used for anything else.
    async fn verify(&self, index: usize, url: &str) -> Result<(), Failure> {
        let status = self.asking.ask(url, &STATUS, &json!({})).await?;
        let found = status.node_info.network.clone();
        let mut state = self.state();
        let expected = state
            .known
            .chain_id
            .get_or_insert_with(|| found.clone())
            .clone();
        if let Some(address) = state.addresses.get_mut(index) {
            address.saw(&status);
            address.verified = found == expected;
        }
        state.compare();
        if found != expected {
            return Err(Failure::Meant(ChainError::WrongChain {
                address: url.to_owned(),
                found,
                expected,
            }));
        }
        Ok(())
    }

    fn shown(&self, index: usize, status: &Status) {
        let mut state = self.state();
        if let Some(address) = state.addresses.get_mut(index) {
            address.saw(status);
        }
        state.compare();
    }

    /// Why nobody is asked.
    pub fn nobody(&self) -> ChainError {
        ChainError::Unreachable(self.reasons(Vec::new()))
    }

    /// Asks one address and no other.
    pub async fn call_one<T>(
        &self,
        index: usize,
        method: &Method<T>,
        params: Value,
    ) -> Result<T, ChainError> {
        let url = self.url(index);
        match self.asking.ask(&url, method, &params).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Meant(error)) => Err(error),
            Err(Failure::Dead(why) | Failure::NoAnswer(why)) => {
                self.failed(index, &why);
                Err(ChainError::Unreachable(why))
            }
        }
    }

    pub fn blame(&self, index: usize, why: &str) {
        let mut state = self.state();
        if let Some(address) = state.addresses.get_mut(index) {
            address.view.unproven = Some(why.to_owned());
            address.blamed = Some(Instant::now());
        }
        state.compare();
    }

    pub fn verified(&self, height: u64, hash: String) {
        let mut state = self.state();
        state.known.verified = Some((height, hash));
        state.compare();
    }

    /// Every node as it was found.
    pub fn report(&self) -> (Vec<NodeReport>, Option<Dispute>) {
        let first = self.order(0).first().copied();
        let state = self.state();
        let each = state.addresses.iter().enumerate();
        let report = |(i, address): (usize, &Address)| {
            let answer = address.view.answer.as_ref();
            NodeReport {
                address: address.url.clone(),
                in_use: first == Some(i),
                height: answer.map(|a| a.height),
                block_time: answer.map(|a| a.time),
                earliest: answer.map(|a| a.earliest),
                fault: address.fault.clone(),
            }
        };
        (each.map(report).collect(), state.dispute.clone())
    }
}

impl Address {
    fn rank(&self) -> Option<u8> {
        match &self.fault {
            None => Some(0),
            Some(Fault::Silent { .. }) if self.failures >= FAILS => Some(4),
            Some(fault) => fault.rank(),
        }
    }

    pub fn is_synced(&self) -> bool {
        let counts = |f: &Fault| matches!(f, Fault::Stands { .. } | Fault::Contradicts { .. });
        self.view.answer.is_some() && self.fault.as_ref().is_none_or(counts)
    }

    pub fn saw(&mut self, status: &Status) {
        let sync = &status.sync_info;
        let before = self.view.answer.as_ref();
        let same = before.is_some_and(|a| a.height == sync.latest_block_height);
        if !same {
            self.moved = Instant::now();
        }
        self.view.silent = None;
        self.view.answer = Some(Answer {
            chain_id: status.node_info.network.clone(),
            height: sync.latest_block_height,
            time: sync.latest_block_time.seconds.0,
            earliest: sync.earliest_block_height,
            catching_up: sync.catching_up,
            unmoved: self.moved.elapsed(),
            hash: before.and_then(|a| a.hash.clone()),
        });
    }
}

impl State {
    /// Judges all nodes by what is known of them; what changed is said.
    pub fn compare(&mut self) {
        let views: Vec<View> = self.addresses.iter().map(|a| a.view.clone()).collect();
        let (faults, dispute) = judge(&views, &self.known);
        if let Some(dispute) = &dispute {
            if self.dispute.is_none() {
                let hashes = dispute.hashes.join(", ");
                tracing::error!(
                    height = dispute.height,
                    hashes,
                    "nodes contradict each other, and nothing says which is right"
                );
            }
        }
        self.dispute = dispute;
        let left = if self.addresses.len() > 1 {
            "left: "
        } else {
            ""
        };
        for (address, fault) in self.addresses.iter_mut().zip(faults) {
            match (&address.fault, &fault) {
                (None, None) => {}
                (Some(old), Some(new)) if old.same_kind(new) => {}
                (_, Some(fault)) => {
                    if fault.rank().is_none() {
                        self.lies = self.lies.saturating_add(1);
                    }
                    tracing::warn!(node = address.url, "{left}{fault}");
                }
                (Some(_), None) => tracing::info!(node = address.url, "taken back"),
            }
            address.fault = fault;
        }
        let believed = self.addresses.iter().filter(|a| a.fault.is_none());
        let heights = believed.filter_map(|a| a.view.answer.as_ref());
        self.highest = heights.map(|a| a.height).max().unwrap_or(0);
    }
}
