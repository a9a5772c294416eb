//! What a node says of itself over RPC.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::time::Duration;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

/// A node on this machine that does not answer for so long is not well.
const PATIENCE: Duration = Duration::from_secs(5);

/// A node's view of its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// Height of the last block; 0 before the first.
    pub height: u64,
    /// RFC 3339 time of that block.
    pub time: String,
    /// The node is still fetching blocks of the past.
    pub catching_up: bool,
    /// Chain id.
    pub chain_id: String,
}

#[derive(Deserialize)]
struct Answer {
    result: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    node_info: NodeInfo,
    sync_info: SyncInfo,
}

#[derive(Deserialize)]
struct NodeInfo {
    network: String,
}

#[derive(Deserialize)]
struct SyncInfo {
    latest_block_height: String,
    latest_block_time: String,
    catching_up: bool,
}

/// How processes of this machine are asked over HTTP.
pub(crate) fn client(patience: Duration) -> ConfigBuilder<AgentScope> {
    ureq::Agent::config_builder()
        .timeout_global(Some(patience))
        .proxy(None)
}

/// Asks the node at an RPC address.
pub(crate) fn status(rpc: &str) -> Result<Status> {
    let answer: Answer = client(PATIENCE)
        .build()
        .new_agent()
        .get(format!("{rpc}/status"))
        .call()
        .and_then(|mut answer| answer.body_mut().read_json())
        .with_context(|| format!("asking the node at {rpc}"))?;
    let sync = answer.result.sync_info;
    Ok(Status {
        height: sync.latest_block_height.parse().with_context(|| {
            format!("height {:?} of the node at {rpc}", sync.latest_block_height)
        })?,
        time: sync.latest_block_time,
        catching_up: sync.catching_up,
        chain_id: answer.result.node_info.network,
    })
}
