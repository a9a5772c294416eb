//! An invitation to a market: one line of text that says where the market's addresses file is and what it hashes to, so
//! that whoever got the line over a channel that it trusts may take the file from anywhere.
//!
//! `wattpool:join?market=URL&sha256=HEX&chain=ID&contact=TEXT&node=URL…&bootstrap=ADDRESS…&block_ms=N`, values as in a URL. Nodes,
//! meters to begin with and the time between blocks may be left out.

use crate::market::Market;
use crate::rpc::is_loopback;
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// How it begins.
const BEGINNING: &str = "wattpool:join?";
/// Longest text that is read, bytes: more is in no code that a camera reads.
const LONGEST: usize = 2_000;
/// Largest addresses file that is fetched, bytes.
const LARGEST: usize = 65_536;
/// Longest to wait for the file.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest address of a meter to begin with, bytes.
const LONGEST_PEER: usize = 300;
/// Times between two blocks that an agent takes, milliseconds.
pub const BLOCK_MS: RangeInclusive<u64> = 100..=600_000;

/// Why an invitation leads nowhere, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// What was written or fetched is not what was expected.
    #[error("{0}")]
    Wrong(String),
    /// The market's file could not be fetched.
    #[error("{0}")]
    Unreachable(String),
}

fn wrong(what: &str, why: impl Display) -> InvitationError {
    InvitationError::Wrong(format!("{what}: {why}"))
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Where the market's addresses file is.
    pub market: Url,
    /// SHA-256 of that file's bytes, lower-case hexadecimal.
    pub sha256: String,
    /// The chain's id.
    pub chain: String,
    /// How to reach the registrar.
    pub contact: String,
    /// Nodes of the chain.
    pub nodes: Vec<String>,
    /// Meters to begin with, as libp2p writes their addresses.
    pub bootstrap: Vec<String>,
    /// Expected time between two blocks, milliseconds.
    pub block_ms: Option<u64>,
}

/// SHA-256 in lower-case hexadecimal.
pub fn checksum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn bad(why: impl Display) -> InvitationError {
    wrong("--invite", why)
}

/// An address that files are fetched from. `what` names it in errors.
///
/// # Errors
/// It is none.
pub fn url(what: &str, text: &str) -> Result<Url, InvitationError> {
    let parsed = Url::parse(text).ok();
    let parsed = parsed.filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
    parsed.ok_or_else(|| {
        let why = "expected an address such as https://example.org/market.json";
        wrong(what, format!("{why}, found {text:?}"))
    })
}

/// Whether an address is this machine's own, which others cannot reach.
pub fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// The address of a meter to begin with. `what` names it in errors.
///
/// # Errors
/// It is none, or says no peer id.
pub fn peer(what: &str, text: &str) -> Result<String, InvitationError> {
    let text = text.trim();
    let graphic = text.bytes().all(|b| b.is_ascii_graphic());
    let id = text.rsplit_once("/p2p/").map(|(_, id)| id);
    let named = id.is_some_and(|id| id.len() > 20 && id.bytes().all(|b| b.is_ascii_alphanumeric()));
    if text.starts_with('/') && text.len() <= LONGEST_PEER && graphic && named {
        return Ok(text.to_owned());
    }
    let why = "expected an address such as /dns4/example.org/tcp/7400/p2p/12D3KooW…";
    Err(wrong(what, format!("{why}, found {text:?}")))
}

/// A time between two blocks. `what` names it in errors.
fn block_ms(what: &str, text: &str) -> Result<u64, InvitationError> {
    let found = text.parse().ok().filter(|ms| BLOCK_MS.contains(ms));
    found.ok_or_else(|| {
        let (least, most) = (*BLOCK_MS.start(), *BLOCK_MS.end());
        let why = format!("expected {least} to {most} milliseconds");
        wrong(what, format!("{why}, found {text:?}"))
    })
}

/// A text of people's, in one line. `what` names it in errors.
///
/// # Errors
/// It is empty, too long or holds what steers terminals.
pub fn line(what: &str, text: &str) -> Result<String, InvitationError> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err(wrong(what, "expected one line of 1 to 200 bytes"));
    }
    Ok(text.to_owned())
}

impl Invitation {
    /// The text.
    ///
    /// # Errors
    /// It is longer than what is read.
    pub fn text(&self) -> Result<String, InvitationError> {
        let mut made = Url::parse(BEGINNING).map_err(bad)?;
        {
            let mut pairs = made.query_pairs_mut();
            pairs
                .append_pair("market", self.market.as_str())
                .append_pair("sha256", &self.sha256)
                .append_pair("chain", &self.chain)
                .append_pair("contact", &self.contact);
            for node in &self.nodes {
                pairs.append_pair("node", node);
            }
            for peer in &self.bootstrap {
                pairs.append_pair("bootstrap", peer);
            }
            if let Some(ms) = self.block_ms {
                pairs.append_pair("block_ms", &ms.to_string());
            }
        }
        let text = made.to_string();
        if text.len() > LONGEST {
            let shorter = "shorten --contact, or name fewer nodes or meters";
            return Err(InvitationError::Wrong(format!(
                "the invitation has {} bytes, expected {LONGEST} at most: {shorter}",
                text.len()
            )));
        }
        Ok(text)
    }

    /// Reads the text.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, InvitationError> {
        let text = text.trim();
        let form = || {
            bad(format!("expected {BEGINNING}market=…&sha256=…&chain=…&contact=…, as `wattpool admin invite` prints it"))
        };
        if text.len() > LONGEST || !text.starts_with(BEGINNING) {
            return Err(form());
        }
        let parsed = Url::parse(text).map_err(|_| form())?;
        let (mut nodes, mut bootstrap) = (Vec::new(), Vec::new());
        let mut fields = [const { None }; 5];
        let names = ["market", "sha256", "chain", "contact", "block_ms"];
        for (name, value) in parsed.query_pairs() {
            let place = names.iter().position(|n| *n == name);
            match place.and_then(|p| fields.get_mut(p)) {
                Some(field @ None) => *field = Some(value.into_owned()),
                Some(Some(_)) => return Err(bad(format!("{name} stands there twice"))),
                None if name == "node" => nodes.push(url("--invite: node", &value)?.to_string()),
                None if name == "bootstrap" => bootstrap.push(peer("--invite: bootstrap", &value)?),
                None => return Err(bad(format!("there is no field {name:?}"))),
            }
        }
        let [market, sha256, chain, contact, ms] = fields;
        let needed = |found: Option<String>, name: &str| {
            found.ok_or_else(|| bad(format!("{name} is missing: was all of the line copied?")))
        };
        let sha256 = needed(sha256, "sha256")?;
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if sha256.len() != 64 || !sha256.bytes().all(digit) {
            return Err(bad("sha256: expected 64 hexadecimal digits in lower case"));
        }
        let chain = needed(chain, "chain")?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if chain.is_empty() || chain.len() > 50 || !chain.bytes().all(plain) {
            return Err(bad(
                "chain: expected a chain's id, 1 to 50 letters, digits, - _ .",
            ));
        }
        Ok(Self {
            market: url("--invite: market", &needed(market, "market")?)?,
            sha256,
            chain,
            contact: line("--invite: contact", &needed(contact, "contact")?)?,
            nodes,
            bootstrap,
            block_ms: ms
                .map(|ms| block_ms("--invite: block_ms", &ms))
                .transpose()?,
        })
    }

    /// Whether these bytes are the market's addresses file. `what` names them in errors.
    ///
    /// # Errors
    /// They are of another checksum, no addresses file, or of another chain.
    pub fn check(&self, what: &str, bytes: &[u8]) -> Result<Market, InvitationError> {
        let found = checksum(bytes);
        if found != self.sha256 {
            let why = format!(
                "it is not the file of the invitation: expected SHA-256 {}, found {found}; ask {}",
                self.sha256, self.contact
            );
            return Err(wrong(what, why));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| wrong(what, e))?;
        let market = Market::parse(text).map_err(|e| wrong(what, e))?;
        if market.chain_id != self.chain {
            let (of_file, invited) = (&market.chain_id, &self.chain);
            let why = format!("its chain is {of_file}, the invitation's {invited}");
            return Err(wrong(what, why));
        }
        Ok(market)
    }

    /// Fetches the market's addresses file, and checks it.
    ///
    /// # Errors
    /// It is not there, too large, or not the one that is meant.
    pub async fn fetch(&self) -> Result<Vec<u8>, InvitationError> {
        let bytes = fetch(&self.market).await?;
        self.check(self.market.as_str(), &bytes)?;
        Ok(bytes)
    }

    /// The bytes of the market's addresses file where it is kept already; `None` where no such file is.
    ///
    /// # Errors
    /// The file cannot be read, or is not the one that is meant.
    pub fn kept(&self, file: &Path) -> Result<Option<Vec<u8>>, InvitationError> {
        let what = file.display().to_string();
        match std::fs::read(file) {
            Ok(bytes) => {
                self.check(&what, &bytes)?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(wrong(&what, error)),
        }
    }
}

async fn fetch(url: &Url) -> Result<Vec<u8>, InvitationError> {
    let expected = format!("{url}: expected the market's addresses file");
    let unreachable = |error: reqwest::Error| {
        let (mut said, mut cause) = (format!("{url}: {error}"), std::error::Error::source(&error));
        while let Some(deeper) = cause {
            said = format!("{said}: {deeper}");
            cause = deeper.source();
        }
        InvitationError::Unreachable(said)
    };
    // Another part of the program may have chosen already; it is the same choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(PATIENCE);
    // The system's authorities are not needed, and may not be there.
    let builder = if url.scheme() == "http" {
        builder.tls_certs_only([])
    } else {
        builder
    };
    let client = builder.build().map_err(unreachable)?;
    let mut answer = client.get(url.clone()).send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        let status = answer.status();
        let said = format!("{expected}, found status {status}");
        return Err(InvitationError::Unreachable(said));
    }
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&part);
        if bytes.len() > LARGEST {
            let said = format!("{expected}, found more than {LARGEST} bytes");
            return Err(InvitationError::Unreachable(said));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str =
        "/dns4/meter.example.org/tcp/7400/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    fn sample() -> Invitation {
        Invitation {
            market: Url::parse("https://example.org/a b/market.json?x=1&y=ü").unwrap(),
            sha256: checksum(b"market"),
            chain: "street-1".to_owned(),
            contact: "Ann + Bob & <ann@example.org>, 12:00 = noon".to_owned(),
            nodes: vec!["https://node.example.org:26657/".to_owned()],
            bootstrap: vec![PEER.to_owned()],
            block_ms: Some(2_000),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = sample().text().unwrap();
        assert!(text.is_ascii() && !text.contains(' '), "{text}");
        assert_eq!(Invitation::parse(&format!(" {text}\n")).unwrap(), sample());
        let none = Invitation {
            nodes: Vec::new(),
            bootstrap: Vec::new(),
            block_ms: None,
            ..sample()
        };
        assert_eq!(Invitation::parse(&none.text().unwrap()).unwrap(), none);
        let long = Invitation {
            nodes: vec!["https://node.example.org/".to_owned(); 80],
            ..sample()
        };
        assert!(matches!(long.text(), Err(InvitationError::Wrong(_))));
    }

    #[test]
    fn what_was_printed_before_there_were_meters_in_it_is_read() {
        let text = "wattpool:join?market=https%3A%2F%2Fexample.org%2Fmarket.json&sha256=6d2e9a6f1e2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5&chain=street-1&contact=ann%40example.org&node=https%3A%2F%2Fnode.example.org%3A26657%2F";
        let read = Invitation::parse(text).unwrap();
        assert_eq!(read.nodes, sample().nodes);
        assert_eq!((read.bootstrap.len(), read.block_ms), (0, None));
        assert_eq!(read.text().unwrap(), text);
    }

    #[test]
    fn what_is_none_is_told_in_one_line() {
        let text = sample().text().unwrap();
        let cut = text.split("&chain").next().unwrap();
        for (text, expected) in [
            ("", "expected wattpool:join?market="),
            ("https://example.org", "expected wattpool:join?market="),
            (&"x".repeat(3_000), "expected wattpool:join?market="),
            (cut, "chain is missing: was all of the line copied?"),
            (&text.replace("sha256=", "sha256=0"), "sha256: expected 64"),
            (&format!("{text}&chain=b"), "chain stands there twice"),
            (&format!("{text}&node=ftp://x"), "node: expected an address"),
            (&format!("{text}&key=1"), "there is no field \"key\""),
            (
                &format!("{text}&bootstrap=/ip4/1.2.3.4/tcp/7400"),
                "bootstrap: expected an address such as /dns4",
            ),
            (
                &text.replace("_ms=2000", "_ms=99"),
                "block_ms: expected 100 to 600000 milliseconds, found \"99\"",
            ),
            (
                &format!("{text}&block_ms=2000"),
                "block_ms stands there twice",
            ),
            (&text.replace("=street-1", "=a%2Fb"), "chain: expected"),
            (
                &text.replace("=Ann", "=%1b[1m"),
                "contact: expected one line",
            ),
            (
                &text.replacen("=https%3A", "=file%3A", 1),
                "market: expected an",
            ),
        ] {
            let said = Invitation::parse(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn another_file_is_refused() {
        let said = |bytes: &[u8], sha256: String| {
            let invitation = Invitation { sha256, ..sample() };
            let error = invitation.check("market.json", bytes).unwrap_err();
            error.to_string()
        };
        let other = said(b"other", checksum(b"market"));
        assert!(other.contains("not the file of the invitation"), "{other}");
        let none = said(b"{}", checksum(b"{}"));
        assert!(none.contains("market.json: missing field"), "{none}");
    }
}
