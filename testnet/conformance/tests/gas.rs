//! Gas: limits on a real wasmd, and that nothing grows with the market.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

use schemars::{schema::RootSchema, schema_for};
use std::collections::BTreeSet;
use wattpool_conformance::gas::{
    cast, grow, people, play, play_trades, InProcess, OnWasmd, INDIRECT, METERS, REFUSED,
    SETTLE_LIMIT, STATE_LIMIT,
};
use wattpool_schema::{escrow, pool, token};
use wattpool_testnet::built;

/// Names of a contract's messages.
fn messages(part: &str, schema: RootSchema) -> Vec<String> {
    let schema = serde_json::to_value(schema).expect("a schema is JSON");
    let variants = schema.pointer("/oneOf").and_then(|list| list.as_array());
    let names = variants.expect("variants").iter().map(|variant| {
        let name = variant.pointer("/required/0");
        name.and_then(|name| name.as_str()).expect("a name")
    });
    names.map(|name| format!("{part} {name}")).collect()
}

#[test]
fn every_message_is_in_the_table() {
    let all: BTreeSet<String> = [
        messages("token", schema_for!(token::ExecuteMsg)),
        messages("pool", schema_for!(pool::ExecuteMsg)),
        messages("escrow", schema_for!(escrow::ExecuteMsg)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let people = people(1, METERS);
    let scenes = play(&mut InProcess::new(&people.all), 1).expect("the script");
    let played = scenes.iter().map(|scene| {
        let bare = scene.name.split(" (").next().expect("a name");
        bare.split(',').next().expect("a name").to_owned()
    });
    let elsewhere = INDIRECT.into_iter().chain(REFUSED).map(str::to_owned);
    let mut known: BTreeSet<String> = played.chain(elsewhere).collect();
    for part in ["token", "pool", "escrow"] {
        assert!(known.remove(&format!("{part} instantiate")), "{part}");
    }
    assert_eq!(known, all);
}

#[test]
fn trades_on_wasmd_keep_their_limits_and_do_not_grow() {
    let (first, (crowd, senders)) = (people(1, METERS), cast(2, 500));
    let everybody = first.all.iter().chain(&senders);
    let mut stage = OnWasmd::start(everybody, 1, &built::contracts()).expect("a network");
    stage.pin().expect("the vote");
    let scenes = play_trades(&mut stage, 1).expect("the trades");
    let gas = |name: &str| {
        // The last one of a name is that of a market at work.
        let scene = scenes.iter().rev().find(|scene| scene.name == name);
        let scene = scene.expect("a message of this name");
        scene.used.gas.div_ceil(scene.items)
    };
    let (settle, state) = (gas("escrow settle"), gas("pool state (50 statements)"));
    println!("settle {settle}, statement of fifty {state}");
    assert!(settle <= SETTLE_LIMIT, "settle {settle}");
    assert!(state <= STATE_LIMIT, "statement of fifty {state}");
    let growth = grow(&mut stage, crowd, 0).expect("a market that fills up");
    println!("{growth:?}");
    for [few, many] in [growth.settle, growth.state] {
        assert!(few > 0 && many * 10 <= few * 11, "{growth:?}");
    }
}

#[test]
fn nothing_grows_with_meters_trades_terms_owners_and_orders() {
    let (people, senders) = cast(3, 10_000);
    let growth =
        grow(&mut InProcess::new(&senders), people, 5_000).expect("a market that fills up");
    println!("{growth:?}");
    for [few, many] in [growth.settle, growth.state] {
        assert!(few > 0 && many * 20 <= few * 21, "{growth:?}");
    }
}
