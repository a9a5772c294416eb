//! TLS on the home network: a certificate of the agent's own, made once. Browsers warn of it; its fingerprint is shown
//! where a device is paired, to be compared. It changes when the owner asks for a new one, never by itself.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
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
    /// Reads the file with key and certificate, or makes one that only this user can read, made out to these names and addresses.
    ///
    /// # Errors
    /// The file can be neither read nor made, or holds something else.
    pub fn open(file: &Path, subjects: impl FnOnce() -> Vec<String>) -> Result<Self> {
        let context = || format!("http.tls_file {}", file.display());
        if !file.exists() {
            make(file, subjects()).with_context(context)?;
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

    /// Makes key and certificate anew; the file as it was is kept with `.before` at the end of its name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn renew(file: &Path, subjects: Vec<String>) -> Result<Self> {
        let context = || format!("http.tls_file {}", file.display());
        let beside = |end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let (new, before) = (beside(".new"), beside(".before"));
        let renew = || -> Result<()> {
            for old in [&new, &before] {
                match std::fs::remove_file(old) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Err(e.into()),
                    _ => {}
                }
            }
            make(&new, subjects)?;
            if file.exists() {
                std::fs::hard_link(file, &before)?;
            }
            std::fs::rename(&new, file)?;
            Ok(())
        };
        renew().with_context(context)?;
        Self::open(file, Vec::new)
    }
}

impl Handshake for Tls {
    type Stream = TlsStream<TcpStream>;

    async fn accept(&self, stream: TcpStream) -> std::io::Result<Self::Stream> {
        self.acceptor.accept(stream).await
    }
}

fn make(file: &Path, mut subjects: Vec<String>) -> Result<()> {
    if subjects.is_empty() {
        subjects.push("wattpool.local".to_owned());
    }
    let made = rcgen::generate_simple_self_signed(subjects)?;
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
    use tokio_rustls::rustls::client::verify_server_name;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::server::ParsedCertificate;

    #[test]
    fn a_certificate_is_made_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tls.pem");
        let names = || vec!["meter.home".to_owned(), "192.168.1.7".to_owned()];
        let first = Tls::open(&file, names).unwrap().fingerprint;
        assert_eq!(first.len(), 32 * 3 - 1);
        let other = || vec!["other.home".to_owned()];
        assert_eq!(Tls::open(&file, other).unwrap().fingerprint, first);
        let made_out = |to: &str| {
            let found = CertificateDer::from_pem_file(&file).unwrap();
            let found = ParsedCertificate::try_from(&found).unwrap();
            let name = ServerName::try_from(to.to_owned()).unwrap();
            verify_server_name(&found, &name).is_ok()
        };
        assert!(made_out("meter.home") && made_out("192.168.1.7"));
        assert!(!made_out("other.home") && !made_out("192.168.1.8"));
        // Twice, since the file of the first time is in the way of the second.
        for _ in 0..2 {
            let old = std::fs::read(&file).unwrap();
            let renewed = Tls::renew(&file, other()).unwrap().fingerprint;
            assert_ne!(renewed, first);
            let before = std::fs::read(folder.path().join("tls.pem.before"));
            assert_eq!(before.unwrap(), old);
        }
        assert!(made_out("other.home") && !made_out("meter.home"));
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        std::fs::write(&file, "nothing of the kind").unwrap();
        let error = format!("{:#}", Tls::open(&file, names).err().unwrap());
        assert!(error.contains("expected a private key as PEM"), "{error}");
    }
}
