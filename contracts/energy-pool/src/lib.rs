//! energy-pool
