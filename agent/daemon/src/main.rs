//! wattpool
fn main() {}
