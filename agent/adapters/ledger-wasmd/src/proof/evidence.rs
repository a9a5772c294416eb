//! A proof that is kept: headers from a trusted one on, and values under keys, to be verified by anybody later. No network.
//!
//! That a block holds a transaction shows nothing of the kind: it may have failed. What is proven here is what the state holds.

use super::light::{LightClient, Rejected, SignedBlock, Step, Trust, TrustedBlock};
use super::state::Place;
use super::store::{verify, ProofOp, Shown};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Version of the form.
pub const EVIDENCE_VERSION: u32 = 1;
/// Most headers and values of one: a way from header to header halves.
const MOST: usize = 100;

/// Headers and values.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// [`EVIDENCE_VERSION`].
    pub version: u32,
    /// Chain id.
    pub chain_id: String,
    /// The trusted block, those between, and the one whose header proves the state before it.
    pub blocks: Vec<SignedBlock>,
    /// What is in that state.
    pub values: Vec<Value>,
}

/// What is under a key, with its proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// The module's store.
    pub store: String,
    /// The key, hexadecimal.
    pub key: String,
    /// The proof in the store, and that of the store.
    pub steps: Vec<ProofStep>,
}

/// A step of a proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofStep {
    /// Its kind, as nodes name it.
    pub kind: String,
    /// The proof, hexadecimal.
    pub data: String,
}

impl Value {
    /// What a node gave for a place.
    pub fn of(place: &Place, steps: &[ProofOp]) -> Self {
        let step = |op: &ProofOp| ProofStep {
            kind: op.kind.clone(),
            data: hex::encode(&op.data),
        };
        Self {
            store: place.store.to_owned(),
            key: hex::encode(&place.key),
            steps: steps.iter().map(step).collect(),
        }
    }
}

/// Evidence whose headers are verified.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    evidence: &'a Evidence,
    head: &'a SignedBlock,
}

/// Why not, in a line.
fn why(rejected: Rejected) -> String {
    match rejected {
        Rejected::Forged(why) => why,
        Rejected::Undecided(error) => error.to_string(),
    }
}

impl Evidence {
    /// Verifies the headers, from the block that the reader trusts. Their time is that of the last one: what was signed then is not worth less later. No two
    /// of them are further apart than stake is bound for (`period`).
    ///
    /// # Errors
    /// In a line: it is of another version or chain, begins with another block, or a header does not follow.
    pub fn verify(
        &self,
        chain_id: &str,
        trusted: &TrustedBlock,
        period: Duration,
    ) -> Result<Verified<'_>, String> {
        if self.version != EVIDENCE_VERSION {
            return Err(format!(
                "expected version {EVIDENCE_VERSION} of a proof, found {}",
                self.version
            ));
        }
        if self.chain_id != chain_id {
            return Err(format!(
                "it is of chain {:?}, expected {chain_id:?}",
                self.chain_id
            ));
        }
        if self.blocks.len() > MOST || self.values.len() > MOST {
            return Err(format!("expected at most {MOST} headers and values"));
        }
        let [first, rest @ ..] = self.blocks.as_slice() else {
            return Err("expected headers, found none".to_owned());
        };
        let head = rest.last().unwrap_or(first);
        if first.height() != trusted.height {
            return Err(format!(
                "it begins with block {}, and block {} is trusted",
                first.height(),
                trusted.height
            ));
        }
        let now = head.signed.header.time;
        let trust = Trust {
            origin: trusted.clone(),
            period,
            newest: period,
        };
        let mut light = LightClient::new(chain_id.to_owned(), trust, None);
        light.begin(first.clone(), now).map_err(why)?;
        for block in rest {
            match light.advance(block.clone(), now).map_err(why)? {
                Step::Verified => {}
                Step::Between(height) => {
                    return Err(format!(
                        "block {} does not follow: too many validators changed, and block {height} between is left out",
                        block.height()
                    ));
                }
            }
        }
        let evidence = self;
        Ok(Verified { evidence, head })
    }
}

impl Verified<'_> {
    /// The header that proves.
    pub const fn head(&self) -> &SignedBlock {
        self.head
    }

    /// Height of the state that is proven: the header's hash is of what the block before it left.
    pub fn height(&self) -> u64 {
        self.head.height().saturating_sub(1)
    }

    /// What is at a place.
    ///
    /// # Errors
    /// There is no proof of it, or it is of another key, value, store or state.
    pub fn at(&self, place: &Place) -> Result<Shown, String> {
        let key = hex::encode(&place.key);
        let of_it = |v: &&Value| v.store == place.store && v.key.eq_ignore_ascii_case(&key);
        let Some(value) = self.evidence.values.iter().find(of_it) else {
            return Err("there is no proof of this key".to_owned());
        };
        let step = |step: &ProofStep| {
            let data = hex::decode(&step.data);
            data.map(|data| ProofOp {
                kind: step.kind.clone(),
                data,
            })
        };
        let steps: Result<Vec<ProofOp>, _> = value.steps.iter().map(step).collect();
        let steps =
            steps.map_err(|e| format!("a step of the proof: expected hexadecimal digits: {e}"))?;
        verify(self.head.app_hash(), place.store, &place.key, &steps)
    }
}
