//! TLS on the home network: a certificate of the agent's own, made once. Browsers warn of it; its fingerprint is shown
//! where a device is paired, to be compared.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{crypto, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_rustls::TlsAcceptor;
use wattpool_web::serve::Handshake;

/// The agent's certificate, in use.
pub struct Tls {
    acceptor: TlsAcceptor,
    /// SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
}

impl Tls {
    /// Reads the file with key and certificate, or makes one that only this user can read.
    ///
    /// # Errors
    /// The file can be neither read nor made, or holds something else.
    pub fn open(file: &Path, names: &[String]) -> Result<Self> {
        let context = || format!("http.tls_file {}", file.display());
        if !file.exists() {
            make(file, names).with_context(context)?;
        }
        let text = std::fs::read(file).with_context(context)?;
        let key = PrivateKeyDer::from_pem_slice(&text)
            .map_err(|e| anyhow::anyhow!("expected a private key as PEM: {e}"))
            .with_context(context)?;
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
            .collect::<Result<_, _>>()
            .map_err(|e| anyhow::anyhow!("expected a certificate as PEM: {e}"))
            .with_context(context)?;
        let first = chain
            .first()
            .context("expected a certificate as PEM, found none")
            .with_context(context)?;
        let fingerprint = shown(&Sha256::digest(first.as_ref()));
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .with_context(context)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            fingerprint,
        })
    }
}

impl Handshake for Tls {
    type Stream = TlsStream<TcpStream>;

    async fn accept(&self, stream: TcpStream) -> std::io::Result<Self::Stream> {
        self.acceptor.accept(stream).await
    }
}

fn make(file: &Path, names: &[String]) -> Result<()> {
    let mut names = names.to_vec();
    if names.is_empty() {
        names.push("wattpool.local".to_owned());
    }
    let made = rcgen::generate_simple_self_signed(names)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    file.write_all(made.key_pair.serialize_pem().as_bytes())?;
    file.write_all(made.cert.pem().as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// Pairs of capital hex digits with colons between them.
fn shown(digest: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest {
        if !text.is_empty() {
            text.push(':');
        }
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tls.pem");
        let names = vec!["meter.home".to_owned(), "192.168.1.7".to_owned()];
        let first = Tls::open(&file, &names).unwrap().fingerprint;
        assert_eq!(first.len(), 32 * 3 - 1);
        assert_eq!(Tls::open(&file, &[]).unwrap().fingerprint, first);
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        std::fs::write(&file, "nothing of the kind").unwrap();
        let error = format!("{:#}", Tls::open(&file, &[]).err().unwrap());
        assert!(error.contains("expected a private key as PEM"), "{error}");
    }
}
