//! The page in a browser, of an agent that trades with neighbours on a chain.

use crate::profiles::generated;
use crate::street::{Pace, Street};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Homes; those of even numbers have sun.
const HOMES: u64 = 3;
/// More windows than are looked at.
const ROWS: u64 = 80;

/// Each view once; with `WATTPOOL_WHOLE_PAGE` on all screens, by night and in German, too, and until the page has said that the
/// chain stands.
#[test]
fn an_owner_steers_a_trading_agent_from_the_page() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let pace = Pace {
        validators: 1,
        window_s: 15,
        block_ms: 500,
        port: 32_000,
        zone: HOMES as usize,
    };
    let mut street = Street::build(generated(HOMES, ROWS), pace);
    street.start();
    let node = street.net.home().join("node0").join("process.json");
    let node: Value = serde_json::from_str(&fs::read_to_string(node).unwrap()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // It buys in every window.
    let home = &street.homes[1];
    let whole = std::env::var_os("WATTPOOL_WHOLE_PAGE").is_some();
    let looked = Command::new(root.join("scripts/test-home-page"))
        .arg("--live")
        .arg(&home.folder)
        .arg(node["pid"].to_string())
        .args((!whole).then_some("--quick"))
        .env(
            "WATTPOOL_AGENT",
            wattpool_program_harness::built("wattpool-agent"),
        )
        .status()
        .unwrap();
    assert!(looked.success(), "{looked}: see above\n{}", home.log());
}
