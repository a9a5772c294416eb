//! What can go wrong between this program and a chain, and whether it pays to try again.

use wattpool_schema::error::Class;

/// Why the chain did not do or tell what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Dead, hanging or broken addresses, one reason each.
    #[error("no address of the chain answers: {0}")]
    Unreachable(String),
    /// The node answered that it cannot do this.
    #[error("the node refuses {method}: {message}")]
    Node {
        /// JSON-RPC method.
        method: &'static str,
        /// What it said.
        message: String,
    },
    /// The chain's code refused a transaction or query.
    #[error("the chain refuses with {codespace}/{code}: {log}")]
    Refused {
        /// Module whose codes these are.
        codespace: String,
        /// Its code.
        code: u32,
        /// Its text.
        log: String,
    },
    /// The answer is not what the protocol promises.
    #[error("{address}: malformed answer to {method}: {why}")]
    Malformed {
        /// Who answered.
        address: String,
        /// JSON-RPC method or query path.
        method: String,
        /// What is wrong with it.
        why: String,
    },
    /// The address belongs to another chain.
    #[error("{address} is on chain {found:?}, expected {expected:?}")]
    WrongChain {
        /// Who answered.
        address: String,
        /// Its chain id.
        found: String,
        /// The configured chain id.
        expected: String,
    },
    /// A transaction needs more gas than the configuration allows.
    #[error("{needed} gas needed, the ceiling is {ceiling}")]
    GasCeiling {
        /// By simulation, with margin.
        needed: u64,
        /// From the configuration, or by what such a transaction was measured to need.
        ceiling: u64,
    },
    /// A fee is beyond what the owner lets be spent.
    #[error("a fee of {fee} beside {spent} in these 24 hours is more than {most}, the most that is to be spent (chain.max_fees_per_day)")]
    FeesSpent {
        /// The next fee, base units.
        fee: u128,
        /// Spent before it.
        spent: u128,
        /// The bound.
        most: u128,
    },
    /// A key, an address or a setting is not usable.
    #[error("{what}: {why}")]
    Input {
        /// Which.
        what: String,
        /// Why, and what was expected.
        why: String,
    },
}

/// Codes of the Cosmos SDK's own codespace (`types/errors/errors.go`) that decide what to do next.
pub mod sdk {
    /// Name of the codespace.
    pub const CODESPACE: &str = "sdk";
    /// Codespace and code of a panic that the node caught.
    pub const PANIC: (&str, u32) = ("undefined", 111_222);
    /// The fee account holds too little.
    pub const INSUFFICIENT_FUNDS: u32 = 5;
    /// More gas needed than given.
    pub const OUT_OF_GAS: u32 = 11;
    /// The fee is below what the node asks.
    pub const INSUFFICIENT_FEE: u32 = 13;
    /// The same bytes are in the mempool already.
    pub const IN_MEMPOOL: u32 = 19;
    /// The mempool takes nothing more now.
    pub const MEMPOOL_FULL: u32 = 20;
    /// The key that was asked for does not exist.
    pub const KEY_NOT_FOUND: u32 = 22;
    /// The transaction's last height has passed.
    pub const TIMEOUT_HEIGHT: u32 = 30;
    /// Another sequence is due.
    pub const WRONG_SEQUENCE: u32 = 32;
    /// What was asked for does not exist.
    pub const NOT_FOUND: u32 = 38;
}

/// How a node refuses a block that it does not have yet.
const NOT_YET: &str = "must be less than or equal to";

impl ChainError {
    /// True when a node has the block or its results in a moment: another one was faster.
    pub(crate) fn is_early(&self) -> bool {
        matches!(self, Self::Node { message, .. } if message.contains("could not find results") || message.contains(NOT_YET))
    }

    /// Whether to try again, to give this one up, or to tell a person.
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable(_) | Self::Malformed { .. } => Class::Retry,
            Self::Node { message, .. } if is_passing(message) => Class::Retry,
            Self::Node { .. } | Self::GasCeiling { .. } => Class::Refuse,
            Self::WrongChain { .. } | Self::Input { .. } | Self::FeesSpent { .. } => Class::Fatal,
            Self::Refused {
                codespace, code, ..
            } => class_of_code(codespace, *code),
        }
    }

    /// True when the chain refused with this code of the SDK.
    pub fn is_sdk(&self, wanted: u32) -> bool {
        matches!(self, Self::Refused { codespace, code, .. } if codespace == sdk::CODESPACE && *code == wanted)
    }

    /// True when a node says that it does not keep a block, or its results, any more or not yet: another one may.
    pub(crate) fn is_gone(&self) -> bool {
        let texts = [
            "is not available",
            "can't be greater than max height",
            "could not find results",
            "not persisting",
            NOT_YET,
        ];
        matches!(self, Self::Node { message, .. } if texts.iter().any(|text| message.contains(text)))
    }

    /// What somebody wrote is wrong: `what` it is, and why.
    pub fn input(what: impl Into<String>, why: impl ToString) -> Self {
        Self::Input {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

/// A refusal of the node that time heals.
fn is_passing(message: &str) -> bool {
    ["mempool is full", NOT_YET, "catching up", "timed out"]
        .iter()
        .any(|text| message.contains(text))
}

fn class_of_code(codespace: &str, code: u32) -> Class {
    match (codespace, code) {
        (
            sdk::CODESPACE,
            sdk::OUT_OF_GAS
            | sdk::IN_MEMPOOL
            | sdk::MEMPOOL_FULL
            | sdk::TIMEOUT_HEIGHT
            | sdk::WRONG_SEQUENCE,
        ) => Class::Retry,
        // A panic in the node, not a refusal: one that has just been started does so until its first block.
        sdk::PANIC => Class::Retry,
        // 4 unauthorized, 5 and 13 fees, 8 public key, 9 unknown address, 28 chain id; and missing fee grants.
        (sdk::CODESPACE, 4 | sdk::INSUFFICIENT_FUNDS | 8 | 9 | sdk::INSUFFICIENT_FEE | 28)
        | ("feegrant", _) => Class::Fatal,
        _ => Class::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(codespace: &str, code: u32) -> ChainError {
        ChainError::Refused {
            codespace: codespace.into(),
            code,
            log: String::new(),
        }
    }

    #[test]
    fn classes() {
        for (error, class) in [
            (refused("sdk", 32), Class::Retry),
            (refused("sdk", 20), Class::Retry),
            (refused("sdk", 30), Class::Retry),
            (refused("sdk", 13), Class::Fatal),
            (refused("sdk", 5), Class::Fatal),
            (refused("sdk", 4), Class::Fatal),
            (refused("feegrant", 5), Class::Fatal),
            (refused("undefined", 111_222), Class::Retry),
            (refused("undefined", 1), Class::Refuse),
            (refused("wasm", 5), Class::Refuse),
            (refused("wasm", 32), Class::Refuse),
            (ChainError::Unreachable(String::new()), Class::Retry),
            (
                ChainError::Node {
                    method: "broadcast_tx_sync",
                    message: "mempool is full: number of txs 5000".into(),
                },
                Class::Retry,
            ),
            (
                ChainError::Node {
                    method: "block",
                    message: "height 1 is not available".into(),
                },
                Class::Refuse,
            ),
            (ChainError::input("key", "bad"), Class::Fatal),
            (
                ChainError::GasCeiling {
                    needed: 2,
                    ceiling: 1,
                },
                Class::Refuse,
            ),
        ] {
            assert_eq!(error.class(), class, "{error}");
        }
    }
}
