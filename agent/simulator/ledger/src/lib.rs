//! wattpool-ledger-embedded
