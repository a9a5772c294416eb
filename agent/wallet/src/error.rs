//! What can go wrong in a wallet.

use wattpool_ledger_wasmd::ChainError;

/// Why the wallet did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// What somebody wrote or handed over is not usable: it has to be changed.
    #[error("{what}: {why}")]
    Input {
        /// Which: an option, a file, a field.
        what: String,
        /// Why, and what was expected.
        why: String,
    },
    /// It could not be done here and now.
    #[error("{what}: {why}")]
    Failed {
        /// What was being done, or with which file.
        what: String,
        /// Why not.
        why: String,
    },
    /// A transaction was handed over, and it is not known yet what becomes of it.
    #[error("{what}: {why}")]
    Unsettled {
        /// Which transaction.
        what: String,
        /// What is known, and how to find out.
        why: String,
    },
    /// The chain did not do or tell it.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl WalletError {
    /// What somebody wrote is wrong.
    pub fn input(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Input {
            what: what.into(),
            why: why.to_string(),
        }
    }

    /// It could not be done.
    pub fn failed(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Failed {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

/// What the wallet's functions end with.
pub type Result<T> = std::result::Result<T, WalletError>;
