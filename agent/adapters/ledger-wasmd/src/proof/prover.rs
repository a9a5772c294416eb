//! Proofs over the network: from nodes that need not be trusted.

use super::evidence::{Evidence, Value, EVIDENCE_VERSION};
use super::light::{LightClient, Rejected, SignedBlock, Step, Trust};
use super::state::Place;
use super::store::{verify, ProofOp, Shown};
use super::ProofError;
use crate::client::Client;
use crate::error::ChainError;
use crate::market::Deployed;
use cosmrs::tendermint::Time;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Requests for proofs to one node in one window, at most.
pub const REQUESTS_PER_WINDOW: u32 = 12;
/// Steps between two headers at most: each halves the way.
const MOST_STEPS: usize = 40;
/// A header this young is taken again instead of asking for a newer one.
const AGAIN: Duration = Duration::from_secs(3);
/// How often the newest verified block is written down.
const KEPT_EVERY: u64 = 600;

/// A value and the block whose state it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven<T> {
    /// The value.
    pub value: T,
    /// Height of the state.
    pub height: u64,
    /// Time of the block after it, whose header proves it, Unix seconds.
    pub time: u64,
}

/// What is under a key, proven.
pub type Found = Proven<Shown>;

impl<T> Proven<T> {
    /// The same of what it is read as.
    ///
    /// # Errors
    /// As `read` says.
    pub fn read<U>(
        self,
        read: impl FnOnce(T) -> Result<U, ProofError>,
    ) -> Result<Proven<U>, ProofError> {
        Ok(Proven {
            value: read(self.value)?,
            height: self.height,
            time: self.time,
        })
    }
}

/// Counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProofCounts {
    /// Values proven.
    pub proven: u64,
    /// Requests made for it.
    pub requests: u64,
    /// Answers that did not verify.
    pub refuted: u64,
    /// Values that were wanted and not proven.
    pub missing: u64,
}

/// Proves what is in a chain's state.
pub struct Prover {
    client: Arc<Client>,
    light: tokio::sync::Mutex<LightClient>,
    clock: Box<dyn Fn() -> Time + Send + Sync>,
    /// Where the newest verified block is kept over restarts.
    kept: Option<PathBuf>,
    state: Mutex<State>,
    window: u64,
    /// Requests to one node in one window, at most.
    most: u32,
    requests: AtomicU64,
    proven: AtomicU64,
    refuted: AtomicU64,
    missing: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Two signed blocks of one height were seen: for good.
    conflict: Option<ProofError>,
    /// Number of the window in which requests are counted, and those to each node.
    spent: (u64, BTreeMap<usize, u32>),
    written: u64,
    /// Height at which the other nodes were asked last.
    witnessed: u64,
    /// Code ids of contracts, and checksums of codes, once proven.
    codes: BTreeMap<u64, String>,
    /// Why the last proof failed.
    trouble: Option<String>,
}

impl Prover {
    /// `window_seconds`: what requests are counted by; `kept`: a file for the newest verified block.
    pub fn new(
        client: Arc<Client>,
        trust: Trust,
        window_seconds: u32,
        kept: Option<PathBuf>,
    ) -> Self {
        Self::with_clock(client, trust, window_seconds, kept, Time::now)
    }

    /// The same by another clock.
    pub fn with_clock(
        client: Arc<Client>,
        trust: Trust,
        window_seconds: u32,
        kept: Option<PathBuf>,
        clock: impl Fn() -> Time + Send + Sync + 'static,
    ) -> Self {
        let block = kept.as_deref().and_then(read_kept);
        let light = LightClient::new(client.chain_id().to_owned(), trust, block);
        Self {
            client,
            light: tokio::sync::Mutex::new(light),
            clock: Box::new(clock),
            kept,
            state: Mutex::default(),
            window: u64::from(window_seconds.max(1)),
            most: REQUESTS_PER_WINDOW,
            requests: AtomicU64::new(0),
            proven: AtomicU64::new(0),
            refuted: AtomicU64::new(0),
            missing: AtomicU64::new(0),
        }
    }

    /// The same for somebody who looks now and then and not in every window: without a bound of requests.
    #[must_use]
    pub const fn unbounded(mut self) -> Self {
        self.most = u32::MAX;
        self
    }

    /// Headers from the trusted block to a node's newest one, to be kept; values are added by [`Self::add`].
    ///
    /// # Errors
    /// [`ProofError`]: nodes whose header does not verify were left on the way.
    pub async fn evidence(&self) -> Result<Evidence, ProofError> {
        let trust = self.light.lock().await.trust().clone();
        let mut last = ProofError::Chain(self.client.rpc().nobody());
        for node in self.client.rpc().in_order() {
            let id = self.client.chain_id().to_owned();
            let mut light = LightClient::new(id, trust.clone(), None).remembering();
            match self.follow(&mut light, node).await {
                Ok(()) => match light.fresh((self.clock)()) {
                    Ok(_) => {
                        return Ok(Evidence {
                            version: EVIDENCE_VERSION,
                            chain_id: self.client.chain_id().to_owned(),
                            blocks: light.trail().to_vec(),
                            values: Vec::new(),
                        });
                    }
                    Err(error) => last = error,
                },
                Err(Rejected::Forged(why)) => last = self.refuted(node, why),
                Err(Rejected::Undecided(error)) => last = error,
            }
        }
        Err(last)
    }

    /// Adds what is at a place of the state that the last header of `evidence` proves.
    ///
    /// # Errors
    /// [`ProofError`]: nodes whose proof does not verify were left on the way.
    pub async fn add(&self, evidence: &mut Evidence, place: &Place) -> Result<Shown, ProofError> {
        let head = evidence.blocks.last();
        let head = head.ok_or(ProofError::Absent("verified block"))?;
        let (steps, shown) = self.shown(head, place).await?;
        evidence.values.push(Value::of(place, &steps));
        Ok(shown)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The guarded values are plain and always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counted since the start.
    pub fn counts(&self) -> ProofCounts {
        ProofCounts {
            proven: self.proven.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            refuted: self.refuted.load(Ordering::Relaxed),
            missing: self.missing.load(Ordering::Relaxed),
        }
    }

    /// Why the last proof failed; none: it did not.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// Whether the validators were caught signing two blocks of one height.
    pub fn conflict(&self) -> Option<ProofError> {
        self.state().conflict.clone()
    }

    /// The newest header, verified.
    ///
    /// # Errors
    /// [`ProofError`]: nodes whose header does not verify were left on the way.
    pub async fn head(&self) -> Result<SignedBlock, ProofError> {
        if let Some(conflict) = self.conflict() {
            return Err(conflict);
        }
        let mut light = self.light.lock().await;
        let now = (self.clock)();
        if let Some(newest) = light.newest() {
            let age = now.duration_since(newest.signed.header.time);
            if age.is_ok_and(|age| age < AGAIN) {
                return Ok(newest.clone());
            }
        }
        let mut last = ProofError::Chain(self.client.rpc().nobody());
        for node in self.client.rpc().in_order() {
            match self.follow(&mut light, node).await {
                Ok(()) => match light.fresh((self.clock)()) {
                    Ok(block) => {
                        let block = block.clone();
                        self.client.rpc().verified(block.height(), block.hash());
                        self.witness(&light, node).await?;
                        self.keep(&block);
                        return Ok(block);
                    }
                    Err(error) => last = error,
                },
                Err(Rejected::Forged(why)) => last = self.refuted(node, why),
                Err(Rejected::Undecided(error)) => {
                    if let ProofError::Conflict { .. } = error {
                        return Err(self.conflicting(error));
                    }
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// Goes on to a node's newest header.
    async fn follow(&self, light: &mut LightClient, node: usize) -> Result<(), Rejected> {
        if let Some(height) = light.wanted() {
            let block = self.block(light, node, Some(height)).await?;
            light.begin(block, (self.clock)())?;
        }
        let target = self.block(light, node, None).await?;
        // A node that lags gives nothing new: whether what is known is new enough is seen later.
        if light.newest().is_some_and(|b| b.height() > target.height()) {
            return Ok(());
        }
        let mut ways = vec![target];
        for _ in 0..MOST_STEPS {
            let Some(next) = ways.last().cloned() else {
                return Ok(());
            };
            match light.advance(next, (self.clock)())? {
                Step::Verified => {
                    ways.pop();
                }
                Step::Between(height) => ways.push(self.block(light, node, Some(height)).await?),
            }
        }
        Err(Rejected::Forged(
            "its validators never agree with those before".to_owned(),
        ))
    }

    /// A header with its validators; sets that are known already are not asked for.
    async fn block(
        &self,
        light: &LightClient,
        node: usize,
        height: Option<u64>,
    ) -> Result<SignedBlock, Rejected> {
        let undecided = |e: ChainError| Rejected::Undecided(ProofError::Chain(e));
        let rpc = self.client.rpc();
        self.spend(node).map_err(Rejected::Undecided)?;
        let signed = rpc.signed_header(node, height).await.map_err(undecided)?;
        let header = &signed.header;
        let (at, hash, next) = (
            header.height.value(),
            header.validators_hash,
            header.next_validators_hash,
        );
        if height.is_some_and(|height| height != at) {
            return Err(Rejected::Forged(format!(
                "asked for block {height:?}, it gave {at}"
            )));
        }
        let known = light
            .newest()
            .into_iter()
            .flat_map(|b| [&b.validators, &b.next_validators]);
        let known: Vec<_> = known.cloned().collect();
        let validators = match known.iter().find(|set| set.hash() == hash) {
            Some(set) => set.clone(),
            None => {
                self.spend(node).map_err(Rejected::Undecided)?;
                rpc.validators_at(node, at).await.map_err(undecided)?
            }
        };
        let next_validators = if next == hash {
            validators.clone()
        } else if let Some(set) = known.iter().find(|set| set.hash() == next) {
            set.clone()
        } else {
            self.spend(node).map_err(Rejected::Undecided)?;
            rpc.validators_at(node, at.saturating_add(1))
                .await
                .map_err(undecided)?
        };
        Ok(SignedBlock {
            signed,
            validators,
            next_validators,
        })
    }

    /// Once a window all other nodes are asked for the block that one of them proved.
    async fn witness(&self, light: &LightClient, proved: usize) -> Result<(), ProofError> {
        let Some(block) = light.newest() else {
            return Ok(());
        };
        let number = |time: u64| time.checked_div(self.window);
        {
            let mut state = self.state();
            if number(state.witnessed) == number(block.time()) {
                return Ok(());
            }
            state.witnessed = block.time();
        }
        for node in self.client.rpc().others(proved) {
            let other = self.block(light, node, Some(block.height())).await;
            match other.and_then(|other| light.witness(&other)) {
                Err(Rejected::Undecided(conflict @ ProofError::Conflict { .. })) => {
                    return Err(self.conflicting(conflict));
                }
                Err(Rejected::Forged(why)) => {
                    self.refuted(node, why);
                }
                // It does not answer, or is not that far.
                Ok(()) | Err(Rejected::Undecided(_)) => {}
            }
        }
        Ok(())
    }

    fn conflicting(&self, conflict: ProofError) -> ProofError {
        tracing::error!("{conflict}");
        self.state().conflict = Some(conflict.clone());
        conflict
    }

    fn refuted(&self, node: usize, why: String) -> ProofError {
        self.refuted.fetch_add(1, Ordering::Relaxed);
        let address = self.client.rpc().address_of(node);
        self.client.rpc().blame(node, &why);
        ProofError::Refuted { node: address, why }
    }

    fn spend(&self, node: usize) -> Result<(), ProofError> {
        let now = u64::try_from((self.clock)().unix_timestamp()).unwrap_or(0);
        let window = now.checked_div(self.window).unwrap_or(0);
        let mut state = self.state();
        if state.spent.0 != window {
            state.spent = (window, BTreeMap::new());
        }
        let spent = state.spent.1.entry(node).or_insert(0);
        if *spent >= self.most {
            return Err(ProofError::Budget);
        }
        *spent = spent.saturating_add(1);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What is at a place of the state before the newest verified header.
    ///
    /// # Errors
    /// [`ProofError`]: nodes whose proof does not verify were left on the way.
    pub async fn read(&self, place: &Place) -> Result<Found, ProofError> {
        let read = self.read_uncounted(place).await;
        let counter = if read.is_ok() {
            &self.proven
        } else {
            &self.missing
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.state().trouble = read.as_ref().err().map(ToString::to_string);
        read
    }

    async fn read_uncounted(&self, place: &Place) -> Result<Found, ProofError> {
        let head = self.head().await?;
        let (_, value) = self.shown(&head, place).await?;
        Ok(Proven {
            value,
            height: head.height().saturating_sub(1),
            time: head.time(),
        })
    }

    /// What is at a place of the state that a verified header proves, and the proof.
    async fn shown(
        &self,
        head: &SignedBlock,
        place: &Place,
    ) -> Result<(Vec<ProofOp>, Shown), ProofError> {
        let rpc = self.client.rpc();
        // The header's hash is of the state that the block before it left.
        let height = head.height().saturating_sub(1);
        let mut last = ProofError::Chain(self.client.rpc().nobody());
        for node in rpc.in_order() {
            self.spend(node)?;
            let steps = match rpc.prove(node, place.store, &place.key, height).await {
                Ok(steps) => steps,
                Err(error) => {
                    last = error.into();
                    continue;
                }
            };
            match verify(head.app_hash(), place.store, &place.key, &steps) {
                Ok(value) => return Ok((steps, value)),
                Err(why) => {
                    last = self.refuted(node, format!("{} at {height}: {why}", place.store))
                }
            }
        }
        Err(last)
    }

    /// That a contract runs the code that the addresses file names; what it stores means what this version reads only then.
    ///
    /// # Errors
    /// It does not, or that is not proven.
    pub async fn contract(&self, contract: &Deployed) -> Result<(), ProofError> {
        let place = Place::contract(&contract.address)?;
        let code = self.read(&place).await?.read(super::state::code_id)?.value;
        let known = self.state().codes.get(&code).cloned();
        let checksum = match known {
            Some(checksum) => checksum,
            None => {
                let found = self.read(&Place::code(code)).await?;
                let checksum = found.read(super::state::checksum)?.value;
                // A code never changes under its id.
                self.state().codes.insert(code, checksum.clone());
                checksum
            }
        };
        if checksum.eq_ignore_ascii_case(&contract.checksum) {
            return Ok(());
        }
        Err(ProofError::Code {
            contract: contract.address.clone(),
            found: checksum,
            expected: contract.checksum.clone(),
        })
    }

    /// Writes the newest verified block down now and then: a meter that was off for less than the trusting period goes on from it.
    fn keep(&self, block: &SignedBlock) {
        let Some(file) = &self.kept else { return };
        {
            let mut state = self.state();
            if block.time() < state.written.saturating_add(KEPT_EVERY) {
                return;
            }
            state.written = block.time();
        }
        let written = serde_json::to_vec(block)
            .map_err(std::io::Error::from)
            .and_then(|text| {
                let fresh = file.with_extension("new");
                std::fs::write(&fresh, text)?;
                std::fs::rename(&fresh, file)
            });
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "the verified block is not kept");
        }
    }
}

fn read_kept(file: &Path) -> Option<SignedBlock> {
    let text = std::fs::read(file).ok()?;
    let block = serde_json::from_slice(&text);
    block
        .inspect_err(
            |error| tracing::warn!(file = %file.display(), %error, "the kept block cannot be read"),
        )
        .ok()
}
