//! Whom to believe to be a node: certificates that the system's authorities signed, or those that were named.

use crate::error::ChainError;
use reqwest::Url;
use rustls::ClientConfig;
use std::fmt;
pub use wattpool_tls::Pin;
use wattpool_tls::{authorities, pinned};

/// What makes connections to nodes, by their addresses and the certificates that were named.
///
/// # Errors
/// HTTPS without any authority that the system trusts, or the library refuses.
pub(super) fn client(
    https: bool,
    pins: &[Pin],
    deadline: std::time::Duration,
) -> Result<reqwest::Client, ChainError> {
    let builder = reqwest::Client::builder()
        .connect_timeout(deadline)
        .timeout(deadline)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    // Reading the system's authorities costs time and memory.
    let config = if https {
        secured(pins)?
    } else {
        authorities([]).map_err(unusable)?.0
    };
    let builder = builder.tls_backend_preconfigured(config);
    builder.build().map_err(|e| ChainError::input("rpc", e))
}

fn unusable(error: rustls::Error) -> ChainError {
    ChainError::input("TLS", error)
}

fn secured(pins: &[Pin]) -> Result<ClientConfig, ChainError> {
    if !pins.is_empty() {
        return pinned(pins.to_vec()).map_err(unusable);
    }
    let found = rustls_native_certs::load_native_certs();
    let (config, usable) = authorities(found.certs).map_err(unusable)?;
    if usable == 0 {
        return Err(ChainError::input(
            "rpc",
            "https needs certificates of authorities (Debian: the package ca-certificates), or the node's own certificate named",
        ));
    }
    Ok(config)
}

/// A node's address: `https://host:port`, or `http://` where nobody is between, or that is allowed.
///
/// # Errors
/// It is none, or says everything to everybody on the way.
pub fn address(text: &str, allow_plain: bool) -> Result<Url, ChainError> {
    let named = |why: &dyn fmt::Display| {
        ChainError::input(format!("rpc address {text:?}"), why.to_string())
    };
    let url = Url::parse(text).map_err(|e| named(&e))?;
    let Some(host) = url.host_str() else {
        return Err(named(&"expected https://host:port"));
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_plain || is_loopback(host) => Ok(url),
        "http" => Err(named(
            &"expected https: over plain HTTP to another machine, whoever is between reads and changes everything; \
              allow_plain_http takes it all the same",
        )),
        _ => Err(named(&"expected https://host:port or http://host:port")),
    }
}

/// Whether a host, as it stands in an address, is this machine itself.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}
