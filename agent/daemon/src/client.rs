//! The owner's commands: they ask the running agent over its loopback interface.

use super::http::answer::Refusal;
use anyhow::{bail, Context, Result};
use serde::de::DeserializeOwned;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use wattpool_daemon::config::Config;

/// An agent that is busy still answers within this.
const DEADLINE: Duration = Duration::from_secs(15);

/// Asks one agent.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// For the agent of a configuration.
    ///
    /// # Errors
    /// The token cannot be read: the agent has never run here, or runs as another user.
    pub fn of(config: &Config) -> Result<Self> {
        let file = &config.http.token_file;
        let token = std::fs::read_to_string(file).with_context(|| {
            format!(
                "token file {}: the agent makes it at its first start, for its own user alone",
                file.display()
            )
        })?;
        Ok(Self {
            http: wattpool_home_devices::plain_http()
                .timeout(DEADLINE)
                .no_proxy()
                .build()?,
            base: format!("http://{}", config.http.listen),
            token: token.trim().to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// For the agent of a configuration file.
    ///
    /// # Errors
    /// As [`Self::of`], and those of reading the file.
    pub fn at(config: &Path) -> std::result::Result<Self, crate::Failure> {
        let config = Config::read(config).map_err(crate::Failure::input)?;
        Ok(Self::of(&config)?)
    }

    /// Asks a question.
    ///
    /// # Errors
    /// The agent does not answer, or refuses; its word is in the error.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(self.http.get(format!("{}{path}", self.base)))
    }

    /// Has something done.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.call(self.http.post(format!("{}{path}", self.base)).json(body))
    }

    /// Replaces something.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.call(self.http.put(format!("{}{path}", self.base)).json(body))
    }

    /// Asks for a file.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn text(&self, path: &str) -> Result<String> {
        let body = self.answer(self.http.get(format!("{}{path}", self.base)))?;
        String::from_utf8(body).context("the agent's answer")
    }

    fn call<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let body = self.answer(request)?;
        serde_json::from_slice(&body).context("the agent's answer")
    }

    fn answer(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>> {
        let asked = async {
            let answer = request.bearer_auth(&self.token).send().await?;
            Ok::<_, reqwest::Error>((answer.status(), answer.bytes().await?))
        };
        let (status, body) = self
            .runtime
            .block_on(asked)
            .with_context(|| format!("the agent at {} does not answer: does it run?", self.base))?;
        if !status.is_success() {
            match serde_json::from_slice::<Refusal>(&body) {
                Ok(refusal) => bail!("{}", refusal.error),
                Err(_) => bail!("the agent answered {status}"),
            }
        }
        Ok(body.into())
    }
}
