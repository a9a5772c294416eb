//! Devices whose values are fetched as JSON.

use crate::settings::SettingsError;
use crate::source::{code, next_tick, now, Pauses, Source, Told};
use crate::tls;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::ClientConfig;
use std::path::Path;
use std::time::Duration;
use wattpool_meter_codec::json;

/// Longest time for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How a page is reached.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) url: String,
    /// Bearer token.
    pub(crate) secret: Option<String>,
    /// None: it speaks plain HTTP.
    pub(crate) tls: Option<ClientConfig>,
}

impl Page {
    /// # Errors
    /// A file or fingerprint that makes no sense.
    pub(crate) fn of(
        url: String,
        secret: Option<String>,
        certificate: Option<&str>,
        ca_file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let pin = certificate.map(tls::fingerprint).transpose()?;
        let secured = url.starts_with("https://");
        let tls = secured.then(|| tls::config(pin, ca_file)).transpose()?;
        Ok(Self { url, secret, tls })
    }

    pub(crate) fn client(&self) -> ClientBuilder {
        match &self.tls {
            // To another place would be to another certificate, and the token would go with it.
            Some(tls) => Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(Policy::none()),
            None => plain(),
        }
    }
}

/// A client for this machine and the home network, where plain HTTP is spoken: no authority is read, and none is believed.
pub fn plain() -> ClientBuilder {
    // It may be there already: any one will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_certs_only([])
}

/// Asks for ever.
pub(crate) async fn run(source: Source, page: Page) {
    let mut pauses = Pauses::default();
    let client = loop {
        match page.client().timeout(ANSWER).build() {
            Ok(client) => break client,
            Err(why) => source.trouble(&why),
        }
        pauses.wait().await;
    };
    loop {
        match fetch(&client, &page.url, page.secret.as_deref()).await {
            Ok(text) => {
                if take(&source, &text) {
                    pauses.well();
                }
                next_tick(source.device.interval_s()).await;
            }
            Err(why) => {
                source.trouble(&why);
                pauses.wait().await;
            }
        }
    }
}

/// A page, as long as [`json::LONGEST`] at most.
pub(crate) async fn fetch(
    client: &Client,
    url: &str,
    secret: Option<&str>,
) -> Result<Vec<u8>, String> {
    let mut asked = client.get(url);
    if let Some(token) = secret {
        asked = asked.bearer_auth(token);
    }
    let mut answer = asked.send().await.map_err(|e| told(&e))?;
    if !answer.status().is_success() {
        return Err(format!("{url}: {}", answer.status()));
    }
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|e| told(&e))? {
        if text.len().saturating_add(part.len()) > json::LONGEST {
            return Err(format!("{url}: longer than {} bytes", json::LONGEST));
        }
        text.extend_from_slice(&part);
    }
    Ok(text)
}

/// An error and its causes.
pub(crate) fn told(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Whether something could be read.
fn take(source: &Source, text: &[u8]) -> bool {
    let mut told = Told::default();
    for (number, value) in source.device.value.iter().enumerate() {
        let path = value.path.as_deref().unwrap_or("");
        match json::value(text, path, value.unit, code(value.quantity)) {
            Ok(found) => source.gather(&mut told, number, found),
            Err(problem) => source.refused(&problem),
        }
    }
    source.values(now(), &told);
    !told.registers.is_empty()
}
