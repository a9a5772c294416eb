//! The seeds are what they should be: understood by the parser that they are for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

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
fn seeds_of_an_audit_are_clean() {
    let export = &seeds("audit_export")[0];
    let report = wattpool_audit::read::audit(export.as_slice()).unwrap();
    assert_eq!(report.findings.total(), 0, "{:?}", report.findings);
    assert_eq!(report.totals.events, 3);
}

#[test]
fn seeds_of_the_node_are_what_the_node_says() {
    use wattpool_ledger_wasmd::rpc::read::{self, Unusable};
    let all = seeds("node_answer");
    let [status, headers, block, results, tx, again, gone, ..] = all.as_slice() else {
        panic!("{} seeds", all.len());
    };
    let chain = (read::STATUS.read)(status).unwrap().node_info.network;
    assert_eq!(chain, "wattpool-local-1");
    assert_eq!((read::BLOCKCHAIN.read)(headers).unwrap().len(), 2);
    assert!(!(read::BLOCK_AT.read)(block)
        .unwrap()
        .transactions
        .is_empty());
    assert!(!(read::BLOCK_RESULTS.read)(results)
        .unwrap()
        .transactions
        .is_empty());
    let tx = (read::TX.read)(tx).unwrap();
    let closed = |e: &wattpool_ledger_wasmd::rpc::ChainEvent| e.kind == "wasm-trade_closed";
    assert!(tx.result.is_ok() && tx.result.events.iter().any(closed));
    for refused in [again, gone] {
        let answer = (read::BLOCK_AT.read)(refused);
        assert!(matches!(answer, Err(Unusable::Refused(_))), "{answer:?}");
    }
    let market = seeds("market_file");
    wattpool_ledger_wasmd::Market::parse(std::str::from_utf8(&market[0]).unwrap()).unwrap();
    let header = (read::COMMIT.read)(&all[7]).unwrap().header;
    let (validators, _) = (read::VALIDATORS.read)(&all[8]).unwrap();
    let set = read::validator_set(validators).unwrap();
    assert_eq!(set.hash(), header.validators_hash);
    let query = |n: usize| (read::QUERY.read)(&all[n]).unwrap();
    assert!([9, 10].iter().all(|n| query(*n).proof.len() == 2));
    assert_eq!(
        [11, 12, 13, 14, 15, 16].map(|n| query(n).code),
        [0, 0, 0, 6, 0, 0]
    );
}

#[test]
fn seeds_of_the_owner_are_accepted() {
    for seed in seeds("agent_config") {
        let text = String::from_utf8(seed).unwrap();
        let file = std::path::Path::new("agent.toml");
        wattpool_daemon::config::Config::parse(file, &text).unwrap();
    }
    let [json, changes @ ..] = &seeds("owner_policy")[..] else {
        panic!("no seeds");
    };
    let policy: wattpool_core::policy::Policy = serde_json::from_slice(json).unwrap();
    policy.check().unwrap();
    for seed in changes {
        let text = std::str::from_utf8(seed).unwrap();
        let changes: Vec<String> = text.lines().map(str::to_owned).collect();
        wattpool_daemon::policy::changed_policy(&policy, &changes, "EUR").unwrap();
    }
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
