//! Whom a device that speaks TLS is believed to be: authorities, or the one certificate that is pinned.

use crate::settings::SettingsError;
use rustls::ClientConfig;
use std::path::Path;
use wattpool_tls::{authorities, certificates, pinned, Pin};

/// The system's certificates, as Debian has them.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A certificate's SHA-256 fingerprint, 64 hexadecimal digits, with colons or without.
pub(crate) fn fingerprint(text: &str) -> Result<Pin, SettingsError> {
    Pin::parse(text).map_err(|_| SettingsError {
        key: "certificate".into(),
        expected: "a SHA-256 fingerprint of 64 hexadecimal digits",
        found: format!("{text:?}"),
    })
}

/// How to speak with a device: by the certificate that is pinned, or by the authorities of a file, or of the system.
///
/// # Errors
/// The file cannot be read or has no certificate.
pub(crate) fn config(
    pin: Option<Pin>,
    ca_file: Option<&Path>,
) -> Result<ClientConfig, SettingsError> {
    let file = ca_file.unwrap_or_else(|| Path::new(SYSTEM_CERTIFICATES));
    let wrong = |why: String| SettingsError {
        key: "ca_file".into(),
        expected: "a file with certificates (PEM)",
        found: format!("{}: {why}", file.display()),
    };
    if let Some(pin) = pin {
        return pinned(vec![pin]).map_err(|e| wrong(e.to_string()));
    }
    let found = certificates(file).map_err(wrong)?;
    let (config, usable) = authorities(found).map_err(|e| wrong(e.to_string()))?;
    if usable == 0 {
        return Err(wrong("no authority in it can be used".into()));
    }
    Ok(config)
}
