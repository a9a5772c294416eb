//! An invitation to a market: one line of text that says where the market's addresses file is and what it hashes to, so
//! that whoever got the line over a channel that it trusts may take the file from anywhere.
//!
//! `wattpool:join?market=URL&sha256=HEX&chain=ID&contact=TEXT&node=URL…`, values as in a URL.

use crate::Failure;
use anyhow::{anyhow, Context};
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::time::Duration;
use wattpool_ledger_wasmd::Market;

/// How it begins.
const BEGINNING: &str = "wattpool:join?";
/// Longest text that is read, bytes: more is in no code that a camera reads.
const LONGEST: usize = 2_000;
/// Largest addresses file that is fetched, bytes.
const LARGEST: usize = 65_536;
/// Longest to wait for the file.
const PATIENCE: Duration = Duration::from_secs(20);

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
}

/// SHA-256 in lower-case hexadecimal.
pub fn checksum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn bad(why: impl std::fmt::Display) -> Failure {
    Failure::input(anyhow!("--invite: {why}"))
}

/// An address that files are fetched from. `what` names it in errors.
///
/// # Errors
/// It is none (exit code 2).
pub fn url(what: &str, text: &str) -> Result<Url, Failure> {
    let parsed = Url::parse(text).ok();
    let parsed = parsed.filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
    parsed.ok_or_else(|| {
        Failure::input(anyhow!(
            "{what}: expected an address such as https://example.org/market.json, found {text:?}"
        ))
    })
}

/// A text of people's, in one line. `what` names it in errors.
///
/// # Errors
/// It is empty, too long or holds what steers terminals (exit code 2).
pub fn line(what: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err(Failure::input(anyhow!(
            "{what}: expected one line of 1 to 200 bytes"
        )));
    }
    Ok(text.to_owned())
}

impl Invitation {
    /// The text.
    ///
    /// # Errors
    /// It is longer than what is read (exit code 2).
    pub fn text(&self) -> Result<String, Failure> {
        let mut made = Url::parse(BEGINNING)?;
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
        }
        let text = made.to_string();
        if text.len() > LONGEST {
            return Err(Failure::input(anyhow!(
                "the invitation has {} bytes, expected {LONGEST} at most: shorten --contact, or name fewer nodes",
                text.len()
            )));
        }
        Ok(text)
    }

    /// Reads the text.
    ///
    /// # Errors
    /// It is none (exit code 2).
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        let form = || {
            bad(format!("expected {BEGINNING}market=…&sha256=…&chain=…&contact=…, as `wattpool admin invite` prints it"))
        };
        if text.len() > LONGEST || !text.starts_with(BEGINNING) {
            return Err(form());
        }
        let parsed = Url::parse(text).map_err(|_| form())?;
        let (mut fields, mut nodes) = ([const { None }; 4], Vec::new());
        let names = ["market", "sha256", "chain", "contact"];
        for (name, value) in parsed.query_pairs() {
            let place = names.iter().position(|n| *n == name);
            match place.and_then(|p| fields.get_mut(p)) {
                Some(field @ None) => *field = Some(value.into_owned()),
                Some(Some(_)) => return Err(bad(format!("{name} stands there twice"))),
                None if name == "node" => nodes.push(url("--invite: node", &value)?.to_string()),
                None => return Err(bad(format!("there is no field {name:?}"))),
            }
        }
        let [market, sha256, chain, contact] = fields;
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
        })
    }

    /// Whether these bytes are the market's addresses file. `what` names them in errors.
    ///
    /// # Errors
    /// They are of another checksum, no addresses file, or of another chain (exit code 2).
    pub fn check(&self, what: &str, bytes: &[u8]) -> Result<Market, Failure> {
        let found = checksum(bytes);
        if found != self.sha256 {
            return Err(Failure::input(anyhow!(
                "{what}: it is not the file of the invitation: expected SHA-256 {}, found {found}; ask {}",
                self.sha256,
                self.contact
            )));
        }
        let named = |e: &dyn std::fmt::Display| Failure::input(anyhow!("{what}: {e}"));
        let text = std::str::from_utf8(bytes).map_err(|e| named(&e))?;
        let market = Market::parse(text).map_err(|e| named(&e))?;
        if market.chain_id != self.chain {
            return Err(named(&format!(
                "its chain is {}, the invitation's {}",
                market.chain_id, self.chain
            )));
        }
        Ok(market)
    }

    /// Fetches the market's addresses file, and checks it.
    ///
    /// # Errors
    /// It is not there, too large, or not the one that is meant.
    pub async fn fetch(&self) -> Result<Vec<u8>, Failure> {
        let bytes = fetch(&self.market).await?;
        self.check(self.market.as_str(), &bytes)?;
        Ok(bytes)
    }
}

async fn fetch(url: &Url) -> Result<Vec<u8>, Failure> {
    let named = || url.to_string();
    // Another part of the program may have chosen already; it is the same choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().timeout(PATIENCE);
    // The system's authorities are not needed, and may not be there.
    let builder = if url.scheme() == "http" {
        builder.tls_certs_only([])
    } else {
        builder
    };
    let client = builder.build().with_context(named)?;
    let answer = client.get(url.clone()).send().await.with_context(named)?;
    if !answer.status().is_success() {
        return Err(anyhow!(
            "{url}: expected the market's addresses file, found status {}",
            answer.status()
        )
        .into());
    }
    let (mut answer, mut bytes) = (answer, Vec::new());
    while let Some(part) = answer.chunk().await.with_context(named)? {
        bytes.extend_from_slice(&part);
        if bytes.len() > LARGEST {
            return Err(anyhow!(
                "{url}: expected the market's addresses file, found more than {LARGEST} bytes"
            )
            .into());
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Invitation {
        Invitation {
            market: Url::parse("https://example.org/a b/market.json?x=1&y=ü").unwrap(),
            sha256: checksum(b"market"),
            chain: "street-1".to_owned(),
            contact: "Ann + Bob & <ann@example.org>, 12:00 = noon".to_owned(),
            nodes: vec!["https://node.example.org:26657/".to_owned()],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = sample().text().unwrap();
        assert!(text.is_ascii() && !text.contains(' '), "{text}");
        assert_eq!(Invitation::parse(&format!(" {text}\n")).unwrap(), sample());
        let none = Invitation {
            nodes: Vec::new(),
            ..sample()
        };
        assert_eq!(Invitation::parse(&none.text().unwrap()).unwrap(), none);
        let long = Invitation {
            nodes: vec!["https://node.example.org/".to_owned(); 80],
            ..sample()
        };
        assert_eq!(long.text().unwrap_err().code, 2);
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
            let failure = Invitation::parse(text).unwrap_err();
            let said = wattpool_program::line(&failure.error);
            assert!(
                said.contains(expected) && failure.code == 2,
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn another_file_is_refused() {
        let said = |bytes: &[u8], sha256: String| {
            let invitation = Invitation { sha256, ..sample() };
            let failure = invitation.check("market.json", bytes).unwrap_err();
            wattpool_program::line(&failure.error)
        };
        let other = said(b"other", checksum(b"market"));
        assert!(other.contains("not the file of the invitation"), "{other}");
        let none = said(b"{}", checksum(b"{}"));
        assert!(none.contains("market.json: missing field"), "{none}");
    }
}
