//! Looks at all nodes, one beside the other.

use super::fail_over::Addresses;
use super::read::{BLOCKCHAIN, STATUS};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What others are waited for once one node has answered, at the first look.
const GRACE: Duration = Duration::from_millis(500);
/// How long a node is left that gave what does not verify.
const LEFT_FOR: Duration = Duration::from_secs(600);

impl Addresses {
    /// Asks every node for its state and a block that all should have, and judges them. `patient`: all are waited for.
    pub async fn look(self: &Arc<Self>, patient: bool) {
        let count = {
            let mut state = self.state();
            for address in &mut state.addresses {
                // A node may be mended, or its lie have been a mistake: it is tried again.
                if address.blamed.is_some_and(|at| at.elapsed() >= LEFT_FOR) {
                    address.blamed = None;
                    address.view.unproven = None;
                }
            }
            state.addresses.len()
        };
        let mut asking = JoinSet::new();
        for index in 0..count {
            let addresses = Arc::clone(self);
            asking.spawn(async move { addresses.look_at(index).await });
        }
        while let Some(found) = asking.join_next().await {
            if found.unwrap_or(false) && !patient {
                let rest = async { while asking.join_next().await.is_some() {} };
                let _ = tokio::time::timeout(GRACE, rest).await;
                // Who is late is heard all the same.
                asking.detach_all();
                break;
            }
        }
        {
            // All have answered since the look before: what one showed then, every one should have by now.
            let mut state = self.state();
            state.known.shown = state.last_look;
            state.compare();
            state.last_look = state.highest;
        }
        self.compare_hashes(count).await;
    }

    /// True: it answered, is on this chain and has caught up.
    async fn look_at(&self, index: usize) -> bool {
        let Some((url, _)) = self.address(index) else {
            return false;
        };
        match self.asking.ask(&url, &STATUS, &json!({})).await {
            Ok(status) => {
                let mut state = self.state();
                let found = &status.node_info.network;
                let ours = state.known.chain_id.get_or_insert_with(|| found.clone()) == found;
                if let Some(address) = state.addresses.get_mut(index) {
                    address.saw(&status);
                    address.verified = ours;
                    address.failures = 0;
                    address.pause_until = None;
                }
                state.compare();
                ours && !status.sync_info.catching_up
            }
            Err(failure) => {
                self.failed(index, &failure.text());
                false
            }
        }
    }

    /// Asks all that have it for the hash of one block.
    async fn compare_hashes(self: &Arc<Self>, count: usize) {
        let height = {
            let state = self.state();
            let synced = state.addresses.iter().filter(|a| a.is_synced());
            let heights: Vec<u64> = synced
                .filter_map(|a| a.view.answer.as_ref())
                .map(|a| a.height)
                .collect();
            if heights.len() < 2 {
                return;
            }
            let common = heights.into_iter().min().unwrap_or(0).saturating_sub(1);
            // One that is verified says who is right, where all have it.
            let verified = state.known.verified.as_ref().map(|(height, _)| *height);
            verified
                .filter(|height| *height <= common)
                .unwrap_or(common)
        };
        let mut asking = JoinSet::new();
        for index in 0..count {
            let addresses = Arc::clone(self);
            asking.spawn(async move {
                let params =
                    json!({"minHeight": height.to_string(), "maxHeight": height.to_string()});
                let url = addresses.synced(index)?;
                let metas = addresses
                    .asking
                    .ask(&url, &BLOCKCHAIN, &params)
                    .await
                    .ok()?;
                let meta = metas.into_iter().find(|m| m.height == height)?;
                Some((index, meta.hash))
            });
        }
        let mut hashes = Vec::new();
        while let Some(found) = asking.join_next().await {
            hashes.extend(found.ok().flatten());
        }
        let mut state = self.state();
        for (index, hash) in hashes {
            let address = state.addresses.get_mut(index);
            if let Some(answer) = address.and_then(|a| a.view.answer.as_mut()) {
                answer.hash = Some((height, hash)).filter(|(_, hash)| !hash.is_empty());
            }
        }
        state.compare();
    }

    fn synced(&self, index: usize) -> Option<String> {
        let state = self.state();
        let address = state.addresses.get(index)?;
        address.is_synced().then(|| address.url.clone())
    }

    pub fn usable(&self) -> Vec<usize> {
        self.order(0)
    }

    pub fn url(&self, index: usize) -> String {
        self.address(index).map_or_else(String::new, |(url, _)| url)
    }
}
