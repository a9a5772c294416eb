//! What a street can trade, by the simulator alone: a street in which little can be traded would prove little.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use wattpool_neighbourhood::agree::{differences, embedded};
use wattpool_neighbourhood::street::{at_times, street};
use wattpool_schema::{Window, Zone};

#[test]
fn streets_trade_much_and_a_run_agrees_with_itself() {
    for zones in [&[Zone(0)][..], &[Zone(0), Zone(1)]] {
        let n = street(8, zones, 8).unwrap();
        let outcome = embedded(&n).unwrap();
        // The same at other times is the same market.
        let times = at_times(&n, 10, Window(7));
        let mut moved = outcome.clone();
        for trade in &mut moved.trades {
            trade.window = Window(7 + trade.window.0 - n.first_window.0);
        }
        let (found, [there, here]) = differences((&times, &moved), (&n, &outcome)).unwrap();
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(there.ceiling_wh, here.ceiling_wh);
        println!(
            "{} zones: {} of {} Wh traded, {} trades, share {:?}",
            zones.len(),
            here.traded_wh,
            here.ceiling_wh,
            here.trades,
            here.ceiling_share
        );
        assert!(here.trades >= 20, "{} trades", here.trades);
        assert!(here.ceiling_share.unwrap() > 0.9);

        // What differs is found.
        let cell = outcome.minted_wh.iter().position(|wh| *wh > 0).unwrap();
        moved.minted_wh[cell] -= 1;
        moved.bought_wh.iter_mut().for_each(|wh| *wh /= 2);
        let (found, _) = differences((&times, &moved), (&n, &outcome)).unwrap();
        let text = found.join("\n");
        assert!(text.contains("Wh minted on the chain"), "{text}");
        assert!(text.contains("share of the ceiling"), "{text}");
    }
}
