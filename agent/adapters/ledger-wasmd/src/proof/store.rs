//! A value under a key of the chain's state, proven by hashes up to a header's (ICS 23). No network.

use cosmrs::proto::prost::Message;
use ics23::commitment_proof::Proof;
use ics23::{
    iavl_spec, tendermint_spec, verify_membership, verify_non_membership, CommitmentProof,
    ExistenceProof, HostFunctionsProvider,
};
use sha2::{Digest, Sha256};

/// A step of a proof, as a node gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofOp {
    /// `ics23:iavl` within a store, `ics23:simple` among stores.
    pub kind: String,
    /// The proof.
    pub data: Vec<u8>,
}

/// What is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// What a proof shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// There is a value under the key.
    Value(Vec<u8>),
    /// There is none; the entry before the key in their order, if there is one.
    Nothing {
        /// The last entry below the key.
        before: Option<Entry>,
    },
}

/// SHA-256 is all that these stores use: proofs of their form that name another hash are refused before it is computed.
struct Sha256Alone;

impl HostFunctionsProvider for Sha256Alone {
    fn sha2_256(message: &[u8]) -> [u8; 32] {
        Sha256::digest(message).into()
    }
    fn sha2_512(_: &[u8]) -> [u8; 64] {
        [0; 64]
    }
    fn sha2_512_truncated(_: &[u8]) -> [u8; 32] {
        [0; 32]
    }
    fn keccak_256(_: &[u8]) -> [u8; 32] {
        [0; 32]
    }
    fn ripemd160(_: &[u8]) -> [u8; 20] {
        [0; 20]
    }
    fn blake2b_512(_: &[u8]) -> [u8; 64] {
        [0; 64]
    }
    fn blake2s_256(_: &[u8]) -> [u8; 32] {
        [0; 32]
    }
    fn blake3(_: &[u8]) -> [u8; 32] {
        [0; 32]
    }
}

/// What is under a key of a store at the state of this hash. That nothing is there cannot be proven beside an entry whose value is empty, of which the
/// bank has some; contracts have none.
///
/// # Errors
/// In one line: the proof is of another form, key or state.
pub fn verify(
    app_hash: &[u8],
    store: &str,
    key: &[u8],
    steps: &[ProofOp],
) -> Result<Shown, String> {
    let [inner, outer] = steps else {
        return Err(format!(
            "expected a proof of two steps, found {}",
            steps.len()
        ));
    };
    if (inner.kind.as_str(), outer.kind.as_str()) != ("ics23:iavl", "ics23:simple") {
        return Err(format!(
            "expected a proof in a store and one of the store, found {:?} and {:?}",
            inner.kind, outer.kind
        ));
    }
    let (inner, outer) = (read(inner)?, read(outer)?);
    let Some(Proof::Exist(of_store)) = &outer.proof else {
        return Err(format!("no proof of the store {store}"));
    };
    let (root, name) = (&of_store.value, store.as_bytes());
    if !verify_membership::<Sha256Alone>(&outer, &tendermint_spec(), &app_hash.to_vec(), name, root)
    {
        return Err(format!(
            "the proof of the store {store} is not of the verified state"
        ));
    }
    match &inner.proof {
        Some(Proof::Exist(found)) => {
            let value = &found.value;
            if !verify_membership::<Sha256Alone>(&inner, &iavl_spec(), root, key, value) {
                return Err("the proof is of another key, value or state".to_owned());
            }
            Ok(Shown::Value(value.clone()))
        }
        Some(Proof::Nonexist(gap)) => {
            if !verify_non_membership::<Sha256Alone>(&inner, &iavl_spec(), root, key) {
                return Err("the proof that nothing is there is of another key or state".to_owned());
            }
            let entry = |e: &ExistenceProof| Entry {
                key: e.key.clone(),
                value: e.value.clone(),
            };
            Ok(Shown::Nothing {
                before: gap.left.as_ref().map(entry),
            })
        }
        _ => Err("neither a proof of a value nor of none".to_owned()),
    }
}

fn read(step: &ProofOp) -> Result<CommitmentProof, String> {
    CommitmentProof::decode(step.data.as_slice()).map_err(|e| format!("malformed proof: {e}"))
}
