//! How the ledger checks signatures.

/// How signatures are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Signatures {
    /// A keyed checksum stands for the arithmetic on curves; everything else is the same.
    #[default]
    Trusted,
    /// ed25519 and secp256k1.
    Verified,
}
