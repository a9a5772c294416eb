//! What a node says that it can prove, and which node it was.

use super::read::{validator_set, Method, COMMIT, QUERY, VALIDATORS};
use super::{Fault, Rpc};
use crate::error::ChainError;
use crate::proof::store::ProofOp;
use cosmrs::tendermint::block::signed_header::SignedHeader;
use cosmrs::tendermint::validator::{Info, Set};
use serde_json::{json, Value};

/// Validators on one page of an answer, as many as a node gives.
const PER_PAGE: usize = 100;
/// Most validators of a chain.
const MOST_VALIDATORS: usize = 1_000;

impl Rpc {
    /// Nodes in the order in which they are to be asked.
    pub(crate) fn in_order(&self) -> Vec<usize> {
        self.addresses.usable()
    }

    /// Why no node is left to be asked.
    pub(crate) fn nobody(&self) -> ChainError {
        self.addresses.nobody()
    }

    /// All other nodes than this one that may have another block than it; those that were found to lie already are left out.
    pub(crate) fn others(&self, than: usize) -> Vec<usize> {
        let nodes = self.addresses.report().0.into_iter().enumerate();
        let heard = |fault: &Option<Fault>| match fault {
            None => true,
            Some(fault) => matches!(fault, Fault::Contradicts { .. } | Fault::Stands { .. }),
        };
        let others = nodes.filter(|(i, node)| *i != than && heard(&node.fault));
        others.map(|(i, _)| i).collect()
    }

    /// A node's address.
    pub(crate) fn address_of(&self, node: usize) -> String {
        self.addresses.url(node)
    }

    /// What a node gave does not verify: it is left.
    pub(crate) fn blame(&self, node: usize, why: &str) {
        self.addresses.blame(node, why);
    }

    /// This block is verified: who has another one contradicts.
    pub(crate) fn verified(&self, height: u64, hash: String) {
        self.addresses.verified(height, hash);
    }

    /// A header and who signed it; without a height the newest.
    ///
    /// # Errors
    /// The node does not answer, or does not have it.
    pub(crate) async fn signed_header(
        &self,
        node: usize,
        height: Option<u64>,
    ) -> Result<SignedHeader, ChainError> {
        let params = height.map_or_else(|| json!({}), |h| json!({"height": h.to_string()}));
        self.of(node, &COMMIT, params).await
    }

    /// The validators that sign a height.
    ///
    /// # Errors
    /// The node does not answer, does not have them, or gives some that cannot be.
    pub(crate) async fn validators_at(&self, node: usize, height: u64) -> Result<Set, ChainError> {
        let mut all: Vec<Info> = Vec::new();
        let mut page = 1_u32;
        loop {
            let params = json!({
                "height": height.to_string(),
                "page": page.to_string(),
                "per_page": PER_PAGE.to_string(),
            });
            let (found, total) = self.of(node, &VALIDATORS, params).await?;
            let more = !found.is_empty() && found.len() >= PER_PAGE;
            all.extend(found);
            let enough = all.len() >= total.min(MOST_VALIDATORS);
            if !more || enough {
                break;
            }
            page = page.saturating_add(1);
        }
        validator_set(all).map_err(|why| ChainError::Malformed {
            address: self.address_of(node),
            method: VALIDATORS.name.to_owned(),
            why,
        })
    }

    /// What a node has under a key of a store at a height, as the steps of its proof.
    ///
    /// # Errors
    /// The node does not answer, or does not have that state.
    pub(crate) async fn prove(
        &self,
        node: usize,
        store: &str,
        key: &[u8],
        height: u64,
    ) -> Result<Vec<ProofOp>, ChainError> {
        let params = json!({
            "path": format!("/store/{store}/key"),
            "data": hex::encode(key),
            "height": height.to_string(),
            "prove": true,
        });
        let response = self.of(node, &QUERY, params).await?;
        if response.code != 0 {
            return Err(ChainError::Refused {
                codespace: response.codespace,
                code: response.code,
                log: response.log,
            });
        }
        Ok(response.proof)
    }

    async fn of<T>(&self, node: usize, method: &Method<T>, params: Value) -> Result<T, ChainError> {
        self.addresses.call_one(node, method, params).await
    }
}
