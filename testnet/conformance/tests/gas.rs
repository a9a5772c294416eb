//! Gas: limits on a real wasmd, and that nothing grows with the market.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

use wattpool_conformance::chain::contracts_folder;
use wattpool_conformance::gas::{
    cast, grow, people, play_trades, InProcess, OnWasmd, METERS, SETTLE_LIMIT, STATE_LIMIT,
};

#[test]
fn trades_on_wasmd_keep_their_limits_and_do_not_grow() {
    let (first, (crowd, senders)) = (people(1, METERS), cast(2, 500));
    let everybody = first.all.iter().chain(&senders);
    let mut stage = OnWasmd::start(everybody, 1, &contracts_folder()).expect("a network");
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
    let growth = grow(&mut stage, crowd).expect("a market that fills up");
    println!("{growth:?}");
    for [few, many] in [growth.settle, growth.state] {
        assert!(few > 0 && many * 10 <= few * 11, "{growth:?}");
    }
}

#[test]
fn nothing_grows_with_meters_and_trades() {
    let (people, senders) = cast(3, 10_000);
    let growth = grow(&mut InProcess::new(&senders), people).expect("a market that fills up");
    println!("{growth:?}");
    for [few, many] in [growth.settle, growth.state] {
        assert!(few > 0 && many * 20 <= few * 21, "{growth:?}");
    }
}
