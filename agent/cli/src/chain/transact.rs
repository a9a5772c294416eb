//! The transaction that a command sends: simulated, asked about, signed, broadcast, told.

use super::session::{Question, Session, Signer};
use super::told::{amounts, failed, unusable};
use crate::{print, Failure};
use anyhow::{anyhow, Context};
use serde_json::{json, Value};
use std::io::{BufRead, IsTerminal, Write};
use wattpool_ledger_wasmd::error::sdk;
use wattpool_program::json;
use wattpool_wallet::amount::show_coins;
use wattpool_wallet::send::{self, Gas, Payment, Prepared, Sent};
use wattpool_wallet::store::Backend;
use wattpool_wallet::tx::{Document, SignerData};
use wattpool_wallet::WalletError;

impl Session {
    /// Sends messages of the signer in one transaction: simulates, asks, signs, broadcasts, and prints what came of it.
    /// `--dry-run` and `--generate-only` end it earlier.
    ///
    /// # Errors
    /// An option is wrong (exit code 2), the answer was no, or the chain refuses.
    pub async fn transact(
        &self,
        question: &Question,
        messages: impl FnOnce(&str) -> Result<Vec<Value>, Failure>,
    ) -> Result<u8, Failure> {
        let signer = self.signer()?;
        let messages = messages(&signer.address)?;
        if self.options().generate_only {
            return self.generate(&signer, messages).await;
        }
        match self.carry_out(question, &signer, messages).await? {
            Some(sent) => self.print_sent(question, &sent),
            None => Ok(0),
        }
    }

    /// As [`Session::transact`], without printing; `None` after a dry run.
    ///
    /// # Errors
    /// As [`Session::transact`].
    pub async fn carry_out(
        &self,
        question: &Question,
        signer: &Signer,
        messages: Vec<Value>,
    ) -> Result<Option<Sent>, Failure> {
        self.carry_out_if(question, signer, messages, true).await
    }

    /// As [`Session::carry_out`], where it was asked before.
    ///
    /// # Errors
    /// As [`Session::transact`].
    pub async fn carry_out_asked(
        &self,
        question: &Question,
        signer: &Signer,
        messages: Vec<Value>,
    ) -> Result<Option<Sent>, Failure> {
        self.carry_out_if(question, signer, messages, false).await
    }

    async fn carry_out_if(
        &self,
        question: &Question,
        signer: &Signer,
        messages: Vec<Value>,
        ask: bool,
    ) -> Result<Option<Sent>, Failure> {
        let client = self.client().await?;
        let payment = self.payment()?;
        let Some(info) = &signer.info else {
            return Err(Failure::input(anyhow!(
                "key {}: it is not in the keystore",
                signer.address
            )));
        };
        let blocks = Some(client.settings().timeout_blocks);
        let note = self.options().note.as_deref().unwrap_or_default();
        let public = &info.public;
        if !self.options().dry_run {
            if let Some(sent) = self.earlier(&client, signer, &messages, note).await? {
                return Ok(Some(sent));
            }
        }
        let data = send::signer_data(&client, &signer.address)
            .await
            .map_err(unusable)?;
        let prepare = |data: SignerData, payment: Payment| {
            let (client, messages) = (&client, messages.clone());
            async move { send::prepare(client, public, data, messages, note, &payment, blocks).await }
        };
        let prepared = prepare(data, payment.clone()).await.map_err(unusable)?;
        if self.options().dry_run {
            self.print_trial(question, signer, &prepared)?;
            return Ok(None);
        }
        if !info.local {
            return Err(Failure::input(anyhow!(
                "key {}: it does not sign here; generate the transaction (--generate-only), sign it with `wattpool wallet sign` and broadcast it",
                signer.address
            )));
        }
        if ask {
            self.ask(question, signer, &prepared)?;
        }
        let secret = self.secret(&info.name)?;
        if self.store()?.backend() == Backend::Test {
            eprintln!(
                "wattpool: warning: the key {} is kept in the clear (backend test)",
                info.name
            );
        }
        let signed = |p: &Prepared| {
            p.document
                .sign(&secret, self.mode(), &p.data)
                .map_err(unusable)
        };
        let first = self
            .hand_over(&client, question, signer, &signed(&prepared)?)
            .await;
        let sent = match first {
            Err(WalletError::Chain(error)) if error.is_sdk(sdk::WRONG_SEQUENCE) => {
                // Another transaction of this key was on its way: it was refused and is nowhere.
                let head = client.last_seen().height;
                client
                    .wait_height(head.saturating_add(1))
                    .await
                    .map_err(failed)?;
                let data = send::signer_data(&client, &signer.address)
                    .await
                    .map_err(unusable)?;
                let again = Payment {
                    gas: Gas::Limit(prepared.document.gas_limit()),
                    ..payment
                };
                let prepared = prepare(data, again).await.map_err(unusable)?;
                self.hand_over(&client, question, signer, &signed(&prepared)?)
                    .await
            }
            other => other,
        };
        let sent = sent.and_then(send::ended_well).map_err(unusable)?;
        Ok(Some(sent))
    }

    async fn generate(&self, signer: &Signer, messages: Vec<Value>) -> Result<u8, Failure> {
        let payment = self.payment()?;
        let note = self.options().note.as_deref().unwrap_or_default();
        let document = match payment.gas {
            Gas::Limit(limit) => Document::new(messages, note, 0, &payment.fee(limit)),
            Gas::Simulated(_) if self.options().offline => {
                return Err(Failure::input(anyhow!(
                    "--offline: --gas is needed too, as nothing can be simulated"
                )));
            }
            Gas::Simulated(_) => {
                let Some(info) = &signer.info else {
                    return Err(Failure::input(anyhow!(
                        "--gas: expected a number, as no key of {} is here to simulate with (`wattpool wallet new --pubkey` adds one)",
                        signer.address
                    )));
                };
                let client = self.client().await?;
                let data = send::signer_data(&client, &signer.address)
                    .await
                    .map_err(unusable)?;
                send::prepare(&client, &info.public, data, messages, note, &payment, None)
                    .await
                    .map_err(unusable)?
                    .document
            }
        };
        print(&format!("{}\n", document.json()))?;
        Ok(0)
    }

    fn print_trial(
        &self,
        question: &Question,
        signer: &Signer,
        prepared: &Prepared,
    ) -> Result<(), Failure> {
        let (fee, limit) = (prepared.document.fee(), prepared.document.gas_limit());
        let used = prepared.simulated.unwrap_or(limit);
        let text = if self.as_json() {
            json(&json!({
                "dry_run": true, "would": question, "from": signer.address, "gas_used": used, "gas_wanted": limit,
                "fee": amounts(&fee), "messages": prepared.document.messages(),
            }))?
        } else {
            format!(
                "would {question}\n  signed by {}, gas {used} (limit {limit}), fee {}\n  nothing was sent\n",
                signer.address,
                show_coins(&fee)
            )
        };
        Ok(print(&text)?)
    }

    /// Asks whether to send it, unless told not to.
    fn ask(
        &self,
        question: &Question,
        signer: &Signer,
        prepared: &Prepared,
    ) -> Result<(), Failure> {
        let fee = show_coins(&prepared.document.fee());
        self.confirm(&format!(
            "This will {question}, signed by {}, for a fee of {fee}.",
            signer.address
        ))
    }

    /// Asks a question with yes or no, unless told not to.
    ///
    /// # Errors
    /// The answer was no, or nobody can be asked.
    pub fn confirm(&self, text: &str) -> Result<(), Failure> {
        if self.options().yes {
            return Ok(());
        }
        let mut input = std::io::stdin().lock();
        if !input.is_terminal() {
            return Err(Failure::input(anyhow!(
                "{text} Nobody is there to ask: --yes says so beforehand"
            )));
        }
        eprint!("{text} Go on? [y/N] ");
        std::io::stderr().flush().ok();
        let mut answer = String::new();
        input.read_line(&mut answer).context("standard input")?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::from(anyhow!("nothing was done")))
    }

    /// Prints what came of a transaction.
    ///
    /// # Errors
    /// Standard output takes no more.
    pub fn print_sent(&self, done: &str, sent: &Sent) -> Result<u8, Failure> {
        let result = &sent.result;
        print(&if self.as_json() {
            let hash = sent.hash.to_string();
            format!(
                "{}\n",
                json!({
                    "hash": hash, "height": sent.height, "gas_used": result.gas_used,
                    "gas_wanted": result.gas_wanted, "fee": amounts(&sent.fee),
                })
            )
        } else {
            format!(
                "{done}: done in block {}\n  transaction {}\n  gas {} of {}, fee {}\n",
                sent.height,
                sent.hash,
                result.gas_used,
                result.gas_wanted,
                show_coins(&sent.fee)
            )
        })?;
        Ok(0)
    }
}
