//! Fuzz targets: each takes any bytes, gives them to one parser, and panics if the parser does what it must not.
//!
//! `cargo test -p wattpool-fuzz` runs all of them on seeds, mutated seeds and noise, with a bound on what they allocate.
//! `libfuzzer` beside this folder's `src` runs one of them for as long as you like, guided by coverage:
//!
//! ```text
//! cargo install cargo-fuzz
//! cargo run -p wattpool-fuzz --example seeds -- agent/fuzz/libfuzzer/corpus
//! cargo +nightly fuzz run --fuzz-dir agent/fuzz/libfuzzer records_request
//! ```
#![allow(
    clippy::panic,
    reason = "a target says with a panic that a parser is wrong"
)]

mod audit;
mod chain;
mod meters;
mod network;
mod node;
mod scenarios;
mod settings;

/// A parser under test.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name; also that of its libFuzzer target and of its folder of seeds.
    pub name: &'static str,
    /// Gives it bytes.
    ///
    /// # Panics
    /// The parser, or what it says of these bytes, is wrong.
    pub run: fn(&[u8]),
    /// Valid inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Most bytes that it is ever given: longer inputs are cut before they reach it.
    pub longest: usize,
    /// Most bytes that it may allocate at once for each byte that it is given, besides a constant.
    pub per_byte: usize,
}

/// What readers of JSON and of binary records take for a byte, at most: the least of their items is two bytes long.
const LEAN: usize = 128;
/// The same of TOML, whose reader keeps a list of all its tokens. It reads what owners write, no bytes of a network.
const TOML: usize = 1_024;

/// All targets.
pub const TARGETS: &[Target] = &[
    network::RECORDS_REQUEST,
    network::RECORDS_ANSWER,
    network::RECORD,
    network::TRADE_REQUEST,
    network::TRADE_REPLY,
    chain::EVENT,
    chain::ANSWER,
    node::RPC,
    node::MODULE,
    meters::P1,
    meters::SML,
    meters::DLMS,
    meters::SUNSPEC,
    meters::JSON,
    settings::NODE,
    settings::AGENT,
    settings::POLICY,
    settings::MARKET,
    scenarios::SCENARIO,
    scenarios::PROFILES,
    audit::EXPORT,
    audit::OPENINGS,
];

/// Runs the target of a name.
///
/// # Panics
/// There is none of this name, or its parser is wrong.
pub fn run(name: &str, data: &[u8]) {
    match TARGETS.iter().find(|t| t.name == name) {
        Some(target) => (target.run)(data.get(..target.longest).unwrap_or(data)),
        None => panic!("no target {name}"),
    }
}

/// Panics unless two readings of the same thing agree.
fn agree<T: PartialEq + std::fmt::Debug>(what: &str, one: &T, other: &T) {
    if one != other {
        panic!("{what}: {one:?} became {other:?}");
    }
}
