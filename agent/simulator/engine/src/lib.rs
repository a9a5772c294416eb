//! wattpool-simulator
