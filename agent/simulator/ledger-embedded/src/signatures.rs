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

impl Signatures {
    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Verified => "verified",
        }
    }
}

impl std::fmt::Display for Signatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Signatures {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        [Self::Trusted, Self::Verified]
            .into_iter()
            .find(|known| known.name() == s)
            .ok_or_else(|| "expected trusted or verified".to_owned())
    }
}
