//! A chain's blocks into an index, as they come; what a node alone can answer.

use super::unindexed;
use crate::audit::chain::{begins, Reading};
use crate::audit::trade::{proven, prover};
use crate::audit::Range;
use crate::chain::failed;
use crate::Failure;
use anyhow::anyhow;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wattpool_explorer::index::{Of, Progress};
use wattpool_explorer::{Explorer, Index, Live, Proof, Standing, Told, Validator};
use wattpool_ledger_wasmd::proof::{Prover, TradeProof, TrustedBlock};
use wattpool_ledger_wasmd::{Client, Market};

/// Blocks that are read at once.
const AT_ONCE: u64 = 20;
/// How long it waits before a node is asked again that did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// A chain that is followed.
pub struct Node {
    client: Arc<Client>,
    market: Market,
    reading: Reading,
    index: PathBuf,
}

impl Node {
    /// Finds out where to begin: where the market was made, or with the oldest block that the node still has.
    ///
    /// # Errors
    /// No node answers, or the first block is beyond its newest one (exit code 2).
    pub async fn open(
        client: Arc<Client>,
        market: Market,
        range: Range,
        index: &Path,
    ) -> Result<Self, Failure> {
        let begins = begins(&client, &market).await?;
        let sync = client.rpc().status().await.map_err(failed)?.sync_info;
        let (newest, oldest) = (sync.latest_block_height, sync.earliest_block_height);
        let wanted = range.from_height.unwrap_or(begins).max(1);
        if wanted > newest {
            return Err(Failure::input(anyhow!(
                "--from-height {wanted}: expected a block up to {newest}, the node's newest one"
            )));
        }
        let from = wanted.max(oldest);
        if from > wanted {
            eprintln!("wattpool: block {wanted} is not kept any more by this node: a new index begins with block {from}");
        }
        let reading = Reading::between(Arc::clone(&client), market.clone(), from, newest, begins);
        Ok(Self {
            client,
            market,
            reading,
            index: index.to_owned(),
        })
    }

    /// The index, as far as it is.
    ///
    /// # Errors
    /// The file there is something else, of another market, or cannot be written.
    pub fn index(&self) -> Result<Index, Failure> {
        let of = Of {
            header: self.reading.header.clone(),
            print: None,
        };
        Index::open(&self.index, of).map_err(unindexed)
    }

    /// What a node alone can answer; proofs begin with `origin`.
    pub fn live(&self, origin: Option<TrustedBlock>) -> Arc<dyn Live> {
        let proofs = origin.map(|origin| {
            let prover = prover(Arc::clone(&self.client), &self.market, origin.clone());
            (Arc::new(prover), origin)
        });
        Arc::new(Asked {
            client: Arc::clone(&self.client),
            market: self.market.clone(),
            proofs,
        })
    }

    /// Follows the chain; what a node does not answer is asked again, for ever.
    ///
    /// # Errors
    /// The index cannot go on, or is of another chain of this name.
    pub async fn feed(mut self, explorer: Arc<Explorer>) -> Result<(), Failure> {
        let mut compared = false;
        loop {
            match self.step(&explorer, &mut compared).await {
                Ok(()) => {}
                // Code 1: nobody answered, or not rightly.
                Err(failure) if failure.code == 1 => {
                    let why = wattpool_program::line(&failure.error);
                    eprintln!("wattpool: block {}: {why}; trying again", explorer.next());
                    explorer.stands(Standing {
                        trouble: Some(why),
                        ..self.standing().await
                    });
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn standing(&self) -> Standing {
        let sync = self.client.rpc().status().await.ok().map(|s| s.sync_info);
        Standing {
            newest: sync.as_ref().map(|s| s.latest_block_height),
            oldest: sync.as_ref().map(|s| s.earliest_block_height),
            trouble: None,
        }
    }

    /// Is the node's last indexed block the one that is indexed?
    async fn same_chain(&self, progress: &Progress) -> Result<(), Failure> {
        let Some(height) = progress.height.filter(|_| !progress.hash.is_empty()) else {
            return Ok(());
        };
        let metas = self
            .client
            .rpc()
            .headers(height, height)
            .await
            .map_err(failed)?;
        let other = metas
            .iter()
            .find(|m| m.height == height && m.hash != progress.hash);
        match other {
            None => Ok(()),
            Some(meta) => Err(Failure::input(anyhow!(
                "{}: its block {height} is {}, and the node's is {}: another chain of this name; remove the index, or name another one with --index",
                self.index.display(),
                progress.hash,
                meta.hash
            ))),
        }
    }

    async fn step(&mut self, explorer: &Arc<Explorer>, compared: &mut bool) -> Result<(), Failure> {
        let next = explorer.next();
        if !*compared {
            self.same_chain(&explorer.progress()).await?;
            let standing = self.standing().await;
            if let Some(oldest) = standing.oldest.filter(|oldest| *oldest > next) {
                return Err(Failure::input(anyhow!(
                    "{}: block {next} comes next, and the node has blocks from {oldest} on: name an archive node with --node, or begin anew with another --index",
                    self.index.display()
                )));
            }
            explorer.stands(standing);
            *compared = true;
        }
        let head = self.client.next_height(next).await.map_err(failed)?;
        let last = head
            .height
            .min(next.saturating_add(AT_ONCE.saturating_sub(1)));
        let blocks = self.reading.some_blocks(next, last).await?;
        let said = blocks.iter().any(|block| !block.rows.is_empty());
        let writer = Arc::clone(explorer);
        let taken = tokio::task::spawn_blocking(move || writer.take(&blocks, false)).await;
        taken
            .map_err(|e| anyhow!("the index: {e}"))?
            .map_err(|e| Failure {
                code: 2,
                ..unindexed(e)
            })?;
        if last == head.height {
            explorer.stands(self.standing().await);
            if said {
                // What the contracts owe and hold after the last of them; old state may not be kept.
                self.reading.to = last;
                if let Ok(books) = self.reading.books().await {
                    explorer.compare(&books);
                }
            }
        }
        Ok(())
    }
}

struct Asked {
    client: Arc<Client>,
    market: Market,
    proofs: Option<(Arc<Prover>, TrustedBlock)>,
}

impl Live for Asked {
    fn proof(&self, sequence: u64) -> Told<Proof> {
        let (market, proofs) = (self.market.clone(), self.proofs.clone());
        Box::pin(async move {
            let (prover, origin) = proofs
                .ok_or("no block is trusted: start the explorer with --trusted HEIGHT:HASH")?;
            let file = TradeProof::gather(&prover, &market, sequence)
                .await
                .map_err(|e| e.to_string())?;
            let proven = proven(&file, &market, &origin)?;
            Ok(Proof {
                height: proven.height,
                time: proven.time,
                contract: file.contract.clone(),
                record: proven.record,
                file: serde_json::to_value(&file).unwrap_or_else(|_| json!({})),
            })
        })
    }

    fn validators(&self) -> Told<Vec<Validator>> {
        let client = Arc::clone(&self.client);
        Box::pin(async move {
            let found = client.rpc().validators().await.map_err(|e| e.to_string())?;
            let mut all: Vec<Validator> = found
                .into_iter()
                .map(|v| Validator {
                    moniker: v.description.map(|d| d.moniker).unwrap_or_default(),
                    operator: v.operator_address,
                    tokens: v.tokens,
                    commission: v
                        .commission
                        .and_then(|c| c.commission_rates)
                        .map(|r| decimal(&r.rate))
                        .unwrap_or_default(),
                    bonded: v.status == 3,
                    jailed: v.jailed,
                })
                .collect();
            all.sort_by_key(|v| std::cmp::Reverse((v.tokens.len(), v.tokens.clone())));
            Ok(all)
        })
    }
}

/// A decimal that is written as a whole number of 18 places.
fn decimal(text: &str) -> String {
    if text.contains('.') || text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let digits = format!("{text:0>19}");
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(18));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}
