//! The energy token is a cw20 token to those who know no more: a contract built with the standard's own crate takes what is sent to it, and a CosmJS client
//! reads and transfers, both on a real wasmd. `scripts/test-token-standard` builds the contract, fetches CosmJS and runs this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{json, Value};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use wattpool_conformance::standard::Standard;
use wattpool_schema::Wh;
use wattpool_testnet::built;

fn balance(standard: &Standard, address: &str) -> String {
    let question = json!({ "balance": { "address": address } });
    let answer: Value = standard.ask(&standard.token, &question).unwrap();
    answer["balance"].as_str().unwrap().to_owned()
}

#[test]
#[ignore = "long form: scripts/test-token-standard"]
fn others_contracts_and_clients_use_the_token() {
    let shop = std::env::var("WATTPOOL_SHOP").expect("scripts/test-token-standard sets it");
    let shop = std::fs::read(shop).expect("the shop's code");
    let mut standard = Standard::start(&built::contracts(), Wh(5_000)).expect("a market");
    let owner = standard.owner.address.to_string();
    let shop = standard.deploy(shop).expect("the shop");

    // The shop refuses a payment without words, and nothing moves.
    standard.send(&shop, 300, b"").expect_err("without words");
    assert_eq!(balance(&standard, &owner), "5000");
    standard.send(&shop, 300, b"two loaves").expect("a payment");
    let paid: Value = standard.ask(&shop, &json!({})).unwrap();
    assert_eq!(paid["token"], standard.token);
    assert_eq!(paid["payment"]["sender"], owner);
    assert_eq!(paid["payment"]["amount"], "300");
    // "two loaves" in base64.
    assert_eq!(paid["payment"]["msg"], "dHdvIGxvYXZlcw==");
    assert_eq!(balance(&standard, &owner), "4700");
    assert_eq!(balance(&standard, &shop), "300");

    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("client/client.mjs");
    let stranger = standard.stranger.address.to_string();
    let mut child = Command::new("node")
        .arg(client)
        .args([&standard.rpc().unwrap(), &standard.token, &stranger, "700"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    let secret = standard
        .owner
        .key
        .secret()
        .map(|byte| format!("{byte:02x}"));
    let mut input = child.stdin.take().unwrap();
    input.write_all(secret.concat().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "CosmJS failed");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    println!("{seen:#}");
    assert_eq!(seen["address"], owner);
    assert_eq!(seen["info"]["symbol"], "KWH");
    assert_eq!(
        (&seen["before"], &seen["after"]),
        (&json!("4700"), &json!("4000"))
    );
    assert_eq!(
        (&seen["theirs"], &seen["allowance"]),
        (&json!("700"), &json!("700"))
    );
    assert_eq!(seen["allowances"], json!([stranger]));
    let accounts = seen["accounts"].as_array().unwrap();
    for holder in [&owner, &stranger, &shop] {
        assert!(accounts.contains(&json!(holder)), "{holder} is not listed");
    }
    // The payment, the transfer and the allowance.
    let history = seen["history"].as_array().unwrap();
    assert!(history.contains(&seen["sent"]) && history.contains(&seen["allowed"]));
    assert_eq!(history.len(), 3);
}
