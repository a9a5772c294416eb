//! Whom to believe to be a node: certificates that the system's authorities signed, or those that were named.

use crate::error::ChainError;
use reqwest::Url;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A certificate by its SHA-256: whoever shows it is believed, whatever name and dates are in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub [u8; 32]);

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

impl Pin {
    /// Of a certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// From 64 hexadecimal digits, as `openssl x509 -fingerprint -sha256` prints them with colons, too.
    ///
    /// # Errors
    /// It is no SHA-256.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut hash = [0; 32];
        let digits = text.replace(':', "");
        hex::decode_to_slice(&digits, &mut hash)
            .map_err(|_| format!("expected 64 hexadecimal digits, found {text:?}"))?;
        Ok(Self(hash))
    }

    /// Of all certificates in a PEM file.
    ///
    /// # Errors
    /// It cannot be read, or holds none.
    pub fn read(file: &Path) -> Result<Vec<Self>, String> {
        let named = |why: &dyn fmt::Display| format!("{}: {why}", file.display());
        let found = CertificateDer::pem_file_iter(file).map_err(|e| named(&e))?;
        let pins: Result<Vec<Self>, _> = found.map(|c| c.map(|c| Self::of(&c))).collect();
        let pins = pins.map_err(|e| named(&e))?;
        if pins.is_empty() {
            return Err(named(&"expected a certificate in PEM, found none"));
        }
        Ok(pins)
    }
}

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
        believing_nobody()?
    };
    let builder = builder.tls_backend_preconfigured(config);
    builder.build().map_err(|e| ChainError::input("rpc", e))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn believing_nobody() -> Result<ClientConfig, ChainError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| ChainError::input("TLS", e))?;
    Ok(builder
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn secured(pins: &[Pin]) -> Result<ClientConfig, ChainError> {
    let provider = provider();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| ChainError::input("TLS", e))?;
    if !pins.is_empty() {
        let pinned = Pinned {
            pins: pins.to_vec(),
            provider,
        };
        let builder = builder.dangerous();
        return Ok(builder
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(ChainError::input(
            "rpc",
            "https needs certificates of authorities (Debian: the package ca-certificates), or the node's own certificate named",
        ));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Believes who shows one of these certificates and has its key.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Pin>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Pin::of(end_entity);
        if self.pins.contains(&shown) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::General(format!(
            "its certificate {shown} is none of those named for it"
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
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

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}
