//! One question to one address.

use super::read::{Method, Unusable};
use crate::error::ChainError;
use serde_json::{json, Value};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Hears of every question that was put to a node: the method, how long the answer took, and whether there was one.
pub type Observer = Box<dyn Fn(&'static str, Duration, bool) + Send + Sync>;

/// Why one address gave no usable answer.
pub(super) enum Failure {
    /// Before the request can have reached it.
    Dead(String),
    /// The request may have been carried out.
    NoAnswer(String),
    /// It answered, and means it.
    Meant(ChainError),
}

impl Failure {
    pub fn text(&self) -> String {
        match self {
            Self::Dead(why) | Self::NoAnswer(why) => why.clone(),
            Self::Meant(error) => error.to_string(),
        }
    }
}

/// Asks addresses.
pub(super) struct Asking {
    pub http: reqwest::Client,
    /// Of one question.
    pub deadline: Duration,
    pub observer: OnceLock<Observer>,
}

impl Asking {
    pub async fn ask<T>(
        &self,
        url: &str,
        method: &Method<T>,
        params: &Value,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        let answer = self.put(url, method, params).await;
        if let Some(observer) = self.observer.get() {
            let answered = matches!(answer, Ok(_) | Err(Failure::Meant(_)));
            observer(method.name, began.elapsed(), answered);
        }
        answer
    }

    async fn put<T>(&self, url: &str, method: &Method<T>, params: &Value) -> Result<T, Failure> {
        let name = method.name;
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": name, "params": params});
        let sent = self.http.post(url).json(&request).send().await;
        let mut response = match sent {
            Ok(response) => response,
            Err(e) if e.is_connect() => return Err(Failure::Dead(cannot_connect(url, &e))),
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

/// Over HTTPS there are more reasons than that nobody listens: the innermost one is what a person can mend.
fn cannot_connect(url: &str, error: &reqwest::Error) -> String {
    if !url.starts_with("https:") {
        return format!("{url}: cannot connect");
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    format!("{url}: cannot connect: {inner}")
}
