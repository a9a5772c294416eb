//! wattpool-report
