//! Whom a device that speaks TLS is believed to be: authorities, or the one certificate that is pinned.

use crate::settings::SettingsError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// The system's certificates, as Debian has them.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A certificate's SHA-256 fingerprint, 64 hexadecimal digits, with colons or without.
pub(crate) fn fingerprint(text: &str) -> Result<[u8; 32], SettingsError> {
    let wrong = || SettingsError {
        key: "certificate".into(),
        expected: "a SHA-256 fingerprint of 64 hexadecimal digits",
        found: format!("{text:?}"),
    };
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
    let mut pin = [0u8; 32];
    if digits.len() != 64 {
        return Err(wrong());
    }
    for (byte, pair) in pin.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(pin)
}

/// How to speak with a device: by the certificate that is pinned, or by the authorities of a file, or of the system.
///
/// # Errors
/// The file cannot be read or has no certificate.
pub(crate) fn config(
    pin: Option<[u8; 32]>,
    authorities: Option<&Path>,
) -> Result<ClientConfig, SettingsError> {
    let file = authorities.unwrap_or_else(|| Path::new(SYSTEM_CERTIFICATES));
    let wrong = |why: String| SettingsError {
        key: "ca_file".into(),
        expected: "a file with certificates (PEM)",
        found: format!("{}: {why}", file.display()),
    };
    // Named, so that another crate's provider of cryptography does not come in.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?;
    if let Some(pin) = pin {
        let pinned = Arc::new(Pinned { pin, provider });
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(pinned)
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(e.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        roots.add_parsable_certificates([certificate]);
    }
    if roots.is_empty() {
        return Err(wrong("there is none in it".into()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Believes who shows this certificate and has its key: devices sign theirs themselves.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
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
        let shown: [u8; 32] = Sha256::digest(end_entity.as_ref()).into();
        if shown == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let shown: String = shown.iter().map(|b| format!("{b:02x}")).collect();
        Err(rustls::Error::General(format!(
            "its certificate {shown} is not the one that is named"
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
        assert_eq!(fingerprint(&plain), Ok([15; 32]));
        assert_eq!(fingerprint(&colons), Ok([15; 32]));
        for bad in ["", "0f", &"0g".repeat(32), &"ä".repeat(32)] {
            let error = fingerprint(bad).unwrap_err().to_string();
            assert!(
                error.starts_with("certificate: expected a SHA-256"),
                "{error}"
            );
        }
    }
}
