//! Nothing is sent twice: what was handed over and not heard of again is found out about before more is sent.

use super::session::{Question, Session, Signer};
use super::told::{failed, time, unusable, warn};
use crate::Failure;
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_ledger_wasmd::rpc::TxHash;
use wattpool_ledger_wasmd::Client;
use wattpool_wallet::outbox::{Entry, Outbox};
use wattpool_wallet::send::{self, Sent};
use wattpool_wallet::tx::Document;
use wattpool_wallet::WalletError;

/// The same command within so many seconds is the same wish, repeated because its outcome was not known; later it is a
/// new one.
const SAME_WISH_S: u64 = 86_400;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

impl Session {
    fn outbox(&self) -> Result<Outbox, Failure> {
        Ok(Outbox::new(&self.home()?))
    }

    /// Forgets a transaction whose fate is known.
    pub fn settled(&self, hash: &str) {
        if let Ok(outbox) = self.outbox() {
            outbox.forget(hash).unwrap_or_else(|e| warn(&e.to_string()));
        }
    }

    /// Hands a signed transaction over, written down before; what is written is forgotten once its fate is known.
    ///
    /// # Errors
    /// As [`send::broadcast`].
    pub(super) async fn hand_over(
        &self,
        client: &Client,
        question: &Question,
        signer: &Signer,
        document: &Document,
    ) -> Result<Sent, WalletError> {
        let hash = TxHash::of(&document.bytes()?).to_string();
        let entry = Entry {
            hash: hash.clone(),
            chain_id: client.chain_id().to_owned(),
            signer: signer.address.clone(),
            words: question.clone(),
            after: client.head().await?.height,
            at: now(),
            transaction: document.json().clone(),
        };
        let noted = self
            .outbox()
            .map_err(|f| WalletError::failed("outbox", f.error))
            .and_then(|outbox| outbox.note(&entry));
        if let Err(error) = &noted {
            warn(&format!(
                "{error}: if this is cut off, ask `wattpool wallet tx {hash}` before you repeat it"
            ));
        }
        let sent = send::broadcast(client, document, self.wait()).await;
        if !matches!(sent, Err(WalletError::Unsettled { .. })) {
            self.settled(&hash);
        }
        sent
    }

    /// Looks after the signer's transactions that nobody heard of again. One with the same messages is what is asked for
    /// now: it is waited for, and is the answer. What became of others is told.
    ///
    /// # Errors
    /// It is still not known what becomes of the same, or it failed.
    pub(super) async fn earlier(
        &self,
        client: &Client,
        signer: &Signer,
        messages: &[Value],
        note: &str,
    ) -> Result<Option<Sent>, Failure> {
        let left = self
            .outbox()?
            .left(client.chain_id(), &signer.address)
            .map_err(unusable)?;
        let head = match left.is_empty() {
            true => return Ok(None),
            false => client.head().await.map_err(failed)?.height,
        };
        for (entry, _watched) in left {
            let Ok(document) = entry.document() else {
                warn(&format!("outbox: {}.json is damaged: left", entry.hash));
                continue;
            };
            // A chain that began anew knows nothing of it.
            if head < entry.after {
                self.settled(&entry.hash);
                continue;
            }
            let recent = now().saturating_sub(entry.at) < SAME_WISH_S;
            let same = recent && document.messages() == messages && document.memo() == note;
            let what = format!(
                "transaction {} of {} ({})",
                entry.hash,
                time(entry.at),
                entry.words
            );
            let over = head > document.timeout_height();
            if !same && !over && !self.landed(client, &document).await? {
                continue;
            }
            let found = send::resume(client, &document, entry.after, self.wait()).await;
            let found = match found {
                Err(error @ WalletError::Unsettled { .. }) if !same => {
                    warn(&error.to_string());
                    continue;
                }
                other => other.map_err(unusable)?,
            };
            self.settled(&entry.hash);
            let Some(sent) = found else {
                eprintln!("wattpool: {what}: it is in no block, and never will be");
                continue;
            };
            eprintln!("wattpool: {what}: it is in block {}", sent.height);
            if same {
                eprintln!("wattpool: that is what was asked for: nothing is sent again");
                return send::ended_well(sent).map(Some).map_err(unusable);
            }
        }
        Ok(None)
    }

    async fn landed(&self, client: &Client, document: &Document) -> Result<bool, Failure> {
        let hash = TxHash::of(&document.bytes().map_err(unusable)?);
        Ok(matches!(client.rpc().tx(&hash).await, Ok(Some(_))))
    }
}
