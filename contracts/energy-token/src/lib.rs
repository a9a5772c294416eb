//! energy-token
