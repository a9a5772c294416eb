//! Which address is asked, and which are left alone for a while.

use super::read::{Method, Unusable, STATUS};
use crate::error::ChainError;
use serde_json::{json, Value};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// First pause after a failure of an address.
pub const BACK_OFF: Duration = Duration::from_millis(250);
/// Longest pause.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

struct Address {
    url: String,
    /// Its chain id was found right.
    verified: bool,
    failures: u32,
    pause_until: Option<Instant>,
}

struct State {
    addresses: Vec<Address>,
    current: usize,
    chain_id: Option<String>,
}

/// The addresses of a chain's nodes.
pub(super) struct Addresses {
    http: reqwest::Client,
    deadline: Duration,
    state: Mutex<State>,
}

/// Why one address gave no usable answer.
enum Failure {
    /// Before the request can have reached it.
    Dead(String),
    /// The request may have been carried out.
    NoAnswer(String),
    /// It answered, and means it.
    Meant(ChainError),
}

impl Addresses {
    pub fn new(
        urls: &[String],
        chain_id: Option<String>,
        deadline: Duration,
    ) -> Result<Self, ChainError> {
        if urls.is_empty() {
            return Err(ChainError::input("rpc", "expected at least one address"));
        }
        let mut addresses = Vec::with_capacity(urls.len());
        for url in urls {
            let parsed = reqwest::Url::parse(url)
                .map_err(|e| ChainError::input(format!("rpc address {url:?}"), e))?;
            if parsed.scheme() != "http" || parsed.host().is_none() {
                return Err(ChainError::input(
                    format!("rpc address {url:?}"),
                    "expected http://host:port",
                ));
            }
            addresses.push(Address {
                url: url.clone(),
                verified: false,
                failures: 0,
                pause_until: None,
            });
        }
        let http = reqwest::Client::builder()
            .connect_timeout(deadline)
            .timeout(deadline)
            .no_proxy()
            .build()
            .map_err(|e| ChainError::input("rpc", e))?;
        Ok(Self {
            http,
            deadline,
            state: Mutex::new(State {
                addresses,
                current: 0,
                chain_id,
            }),
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The guarded values are plain and always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn chain_id(&self) -> Option<String> {
        self.state().chain_id.clone()
    }

    /// The address that is asked first.
    pub fn current(&self) -> String {
        let state = self.state();
        state
            .addresses
            .get(state.current)
            .map_or_else(String::new, |a| a.url.clone())
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
        let mut reasons = Vec::new();
        let mut lost = false;
        let mut foreign = None;
        for index in self.order() {
            let Some((url, verified)) = self.address(index) else {
                continue;
            };
            if !verified {
                match self.verify(index, &url).await {
                    Ok(()) => {}
                    Err(Failure::Meant(error)) => {
                        self.failed(index);
                        foreign = Some(error);
                        continue;
                    }
                    Err(Failure::Dead(why) | Failure::NoAnswer(why)) => {
                        self.failed(index);
                        reasons.push(why);
                        continue;
                    }
                }
            }
            match self.ask(&url, method, &params).await {
                Ok(answer) => {
                    self.answered(index);
                    return (Ok(answer), lost);
                }
                Err(Failure::Meant(error)) => {
                    self.answered(index);
                    return (Err(error), lost);
                }
                Err(Failure::Dead(why)) => {
                    self.failed(index);
                    reasons.push(why);
                }
                Err(Failure::NoAnswer(why)) => {
                    lost = true;
                    self.failed(index);
                    reasons.push(why);
                }
            }
        }
        let error = match foreign {
            Some(error) if reasons.is_empty() => error,
            _ => ChainError::Unreachable(reasons.join("; ")),
        };
        (Err(error), lost)
    }

    /// Indices in the order to try: the current one first, those in a pause left out, unless that leaves none.
    fn order(&self) -> Vec<usize> {
        let state = self.state();
        let now = Instant::now();
        let count = state.addresses.len();
        let around = (0..count).map(|i| {
            state
                .current
                .saturating_add(i)
                .checked_rem(count)
                .unwrap_or(0)
        });
        let ready: Vec<usize> = around
            .filter(|i| {
                let pause = state.addresses.get(*i).and_then(|a| a.pause_until);
                pause.is_none_or(|until| until <= now)
            })
            .collect();
        if !ready.is_empty() {
            return ready;
        }
        // All failed lately: only the one whose pause ends first is worth a try.
        let first = state
            .addresses
            .iter()
            .enumerate()
            .min_by_key(|(_, a)| a.pause_until);
        first.map(|(i, _)| i).into_iter().collect()
    }

    fn address(&self, index: usize) -> Option<(String, bool)> {
        let state = self.state();
        let address = state.addresses.get(index)?;
        Some((address.url.clone(), address.verified))
    }

    fn answered(&self, index: usize) {
        let mut state = self.state();
        state.current = index;
        if let Some(address) = state.addresses.get_mut(index) {
            address.failures = 0;
            address.pause_until = None;
        }
    }

    fn failed(&self, index: usize) {
        let mut state = self.state();
        let alone = state.addresses.len() == 1;
        if let Some(address) = state.addresses.get_mut(index) {
            let factor = 1u32.checked_shl(address.failures.min(8)).unwrap_or(1);
            let pause = BACK_OFF.saturating_mul(factor).min(LONGEST_BACK_OFF);
            address.failures = address.failures.saturating_add(1);
            // A node that comes back may be another one.
            address.verified = false;
            if !alone {
                address.pause_until = Instant::now().checked_add(pause);
            }
        }
    }

    /// Asks an address for its chain id before it is used for anything else.
    async fn verify(&self, index: usize, url: &str) -> Result<(), Failure> {
        let status = self.ask(url, &STATUS, &json!({})).await?;
        let found = status.node_info.network;
        let mut state = self.state();
        let expected = state.chain_id.get_or_insert_with(|| found.clone()).clone();
        if found != expected {
            return Err(Failure::Meant(ChainError::WrongChain {
                address: url.to_owned(),
                found,
                expected,
            }));
        }
        if let Some(address) = state.addresses.get_mut(index) {
            address.verified = true;
        }
        Ok(())
    }

    async fn ask<T>(&self, url: &str, method: &Method<T>, params: &Value) -> Result<T, Failure> {
        let name = method.name;
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": params});
        let sent = self.http.post(url).json(&request).send().await;
        let mut response = match sent {
            Ok(response) => response,
            Err(e) if e.is_connect() => {
                return Err(Failure::Dead(format!("{url}: cannot connect")))
            }
            Err(e) if e.is_timeout() => return Err(self.late(url, name)),
            Err(e) => return Err(Failure::NoAnswer(format!("{url}: {name}: {e}"))),
        };
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > method.longest => {
                    let longest = method.longest;
                    return Err(Failure::NoAnswer(format!(
                        "{url}: the answer to {name} is longer than {longest} bytes"
                    )));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(e) if e.is_timeout() => return Err(self.late(url, name)),
                Err(e) => return Err(Failure::NoAnswer(format!("{url}: {name}: {e}"))),
            }
        }
        // CometBFT gives its own errors as JSON under status 500; a proxy's page is none.
        (method.read)(&body).map_err(|unusable| match unusable {
            Unusable::Refused(message) => Failure::Meant(ChainError::Node {
                method: name,
                message,
            }),
            Unusable::Malformed(why) => Failure::NoAnswer(format!(
                "{url}: malformed answer to {name} (HTTP {}): {why}",
                status.as_u16()
            )),
        })
    }

    fn late(&self, url: &str, method: &str) -> Failure {
        Failure::NoAnswer(format!(
            "{url}: no answer to {method} within {:?}",
            self.deadline
        ))
    }
}
