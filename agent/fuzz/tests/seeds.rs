//! The seeds are what they should be: understood by the parser that they are for.

#![allow(clippy::unwrap_used, reason = "a helper of tests")]

use wattpool_discovery_libp2p::wire::{
    decode_answer, decode_ask, decode_record, decode_reply, decode_request,
};
use wattpool_fuzz::{Target, TARGETS};

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let of = |t: &&Target| t.name == name;
    (TARGETS.iter().find(of).unwrap().seeds)()
}

#[test]
fn seeds_of_the_network_are_valid_messages() {
    assert!(seeds("records_request")
        .iter()
        .all(|s| decode_request(s).is_ok()));
    assert!(seeds("records_answer")
        .iter()
        .all(|s| decode_answer(s).is_ok()));
    assert!(seeds("record").iter().all(|s| decode_record(s).is_ok()));
    assert!(seeds("trade_request").iter().all(|s| decode_ask(s).is_ok()));
    assert!(seeds("trade_reply").iter().all(|s| decode_reply(s).is_ok()));
}

#[test]
fn every_target_has_a_libfuzzer_program_of_its_name() {
    let manifest = include_str!("../libfuzzer/Cargo.toml");
    for target in TARGETS {
        let line = format!("path = \"fuzz_targets/{}.rs\"", target.name);
        assert!(manifest.contains(&line), "{}", target.name);
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
