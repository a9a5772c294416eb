//! wattpool-network-memory
