//! Where what the scripts build is found.

use std::path::{Path, PathBuf};

/// Where cargo and the scripts put what they build: `$CARGO_TARGET_DIR`, else `target` in the checkout.
#[must_use]
pub fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match std::env::var_os("CARGO_TARGET_DIR") {
        // A relative one is relative to the checkout, as in the scripts; an absolute one replaces it.
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// A program of the project, as `cargo build` leaves it.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    folder().join("debug").join(name)
}

/// The contracts: `$WATTPOOL_CONTRACTS`, else where `scripts/build-contracts` leaves them.
#[must_use]
pub fn contracts() -> PathBuf {
    std::env::var_os("WATTPOOL_CONTRACTS")
        .map_or_else(|| folder().join("wasm-contracts"), PathBuf::from)
}

/// wasmd: `$WATTPOOL_WASMD`, else what `testnet/build` built.
#[must_use]
pub fn wasmd() -> PathBuf {
    std::env::var_os("WATTPOOL_WASMD")
        .map_or_else(|| folder().join("wasmd").join("wasmd"), PathBuf::from)
}
