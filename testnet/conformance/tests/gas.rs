//! Gas: limits on a real wasmd, and that nothing grows with the market.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

use wattpool_conformance::chain::contracts_folder;
use wattpool_conformance::gas::{cast, grow, measure, InProcess, SETTLE_LIMIT, STATE_LIMIT};

#[test]
fn messages_on_wasmd_keep_their_limits() {
    let report = measure(&contracts_folder(), Some(500), &mut |doing| {
        println!("{doing}")
    })
    .expect("every message is measured");
    println!("{}", report.markdown().expect("tables"));
    let settle = report.row("escrow settle").unwrap();
    assert!(settle.pinned <= SETTLE_LIMIT, "{settle:?}");
    assert!(settle.pinned < settle.unpinned, "{settle:?}");
    let state = report.row("pool state (50 statements)").unwrap();
    assert!(state.each() <= STATE_LIMIT, "{state:?}");
    let growth = report.growth.expect("a large market");
    for [few, many] in [growth.settle, growth.state] {
        assert!(many * 10 <= few * 11, "{growth:?}");
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
