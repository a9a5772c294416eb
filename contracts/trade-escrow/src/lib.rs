//! trade-escrow
