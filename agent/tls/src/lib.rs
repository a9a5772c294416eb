//! Whom a connection over TLS believes: authorities, or certificates that somebody named. Nodes and devices in a home sign theirs themselves.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature, CryptoProvider};
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
        let named = |why: String| format!("{}: {why}", file.display());
        let found = certificates(file).map_err(named)?;
        Ok(found.iter().map(|c| Self::of(c)).collect())
    }
}

/// All certificates of a PEM file.
///
/// # Errors
/// It cannot be read, or holds none.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(file).map_err(|e| e.to_string())?;
    let found: Result<Vec<_>, _> = found.collect();
    let found = found.map_err(|e| e.to_string())?;
    if found.is_empty() {
        return Err("expected a certificate in PEM, found none".to_owned());
    }
    Ok(found)
}

/// Believes whom these authorities signed; those that the library cannot use are left out. Without any, nobody is believed.
///
/// # Errors
/// The library refuses.
pub fn authorities<'a>(
    certificates: impl IntoIterator<Item = CertificateDer<'a>>,
) -> Result<(ClientConfig, usize), rustls::Error> {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates);
    // Named, so that another crate's provider of cryptography does not come in.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    Ok((config, usable))
}

/// Believes who shows one of these certificates and has its key.
///
/// # Errors
/// The library refuses.
pub fn pinned(pins: Vec<Pin>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { pins, provider }))
        .with_no_client_auth())
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_colons_or_without() {
        let plain = "0f".repeat(32);
        let colons = vec!["0F"; 32].join(":");
        assert_eq!(Pin::parse(&plain), Ok(Pin([15; 32])));
        assert_eq!(Pin::parse(&colons), Ok(Pin([15; 32])));
        for bad in ["", "0f", &"0g".repeat(32), &"ä".repeat(32)] {
            let error = Pin::parse(bad).map(|_| ()).err();
            let expected = format!("expected 64 hexadecimal digits, found {bad:?}");
            assert_eq!(error, Some(expected));
        }
    }
}
