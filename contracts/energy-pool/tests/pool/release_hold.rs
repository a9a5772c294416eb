//! `ReleaseHold`: by the operator or the regulator; what was set aside is paid as if it had never been held.

use crate::confirm_hold::confirm;
use crate::hold_credit::{claim, claimed, held, hold, stated, RUNS};
use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{CreditHoldReleased, MarketEvent};
use wattpool_schema::pool::ExecuteMsg;
use wattpool_schema::{Micro, Window};

pub fn release(name: &str, from: u64) -> ExecuteMsg {
    ExecuteMsg::ReleaseHold {
        owner: addr(name).into_string(),
        from: Window(from),
    }
}

#[test]
fn both_may_release_and_a_confirmed_hold_too() {
    for (by, confirmed) in [
        ("operator", false),
        ("regulator", false),
        ("operator", true),
    ] {
        let mut market = held(2);
        if confirmed {
            market.run("regulator", &confirm("ann", LIVE.0)).unwrap();
        }
        let events = market.told(by, &release("ann", LIVE.0)).unwrap();
        let released = CreditHoldReleased {
            owner: addr("ann").into_string(),
            from: LIVE,
            by: addr(by).into_string(),
        };
        assert_eq!(events, [MarketEvent::CreditHoldReleased(released)]);
        let until = market.app.block_info().time.seconds();
        assert_eq!(
            market.run(by, &release("ann", LIVE.0)).unwrap_err(),
            MarketError::HoldOver { until }
        );
        assert_eq!(market.claims("ann"), (vec![], Some((160_000, 0))));
        assert_eq!(market.holds(), []);
        assert_eq!(
            market.run(by, &release("ann", LIVE.0)).unwrap_err(),
            MarketError::UnknownHold { from: LIVE }
        );
    }
}

#[test]
fn a_hold_that_set_nothing_aside_is_gone_at_once() {
    let mut market = stated(2);
    market.fund(1_000_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + 1))
        .unwrap();
    market.run("regulator", &release("ann", LIVE.0)).unwrap();
    assert_eq!(market.holds(), []);
    // It is claimed as ever.
    assert_eq!(market.claims("ann"), (vec![], Some((160_000, 0))));
}

#[test]
fn a_release_between_two_claims_lets_the_rest_be_paid_as_ever() {
    let mut market = stated(3);
    market.fund(1_000_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + 2))
        .unwrap();
    market.run("ann", &claim("ann", Some(1))).unwrap();
    market.run("operator", &release("ann", LIVE.0)).unwrap();
    // The windows that were not claimed may be held again; what is set aside is another hold's.
    market
        .run("operator", &hold("ann", LIVE.0 + 1, LIVE.0 + 1))
        .unwrap();
    assert_eq!(
        market.claims("ann"),
        (vec![(LIVE.0 + 1, 80_000)], Some((160_000, 0)))
    );
    assert_eq!(market.holds()[0].set_aside, Micro(80_000));
    market.run("operator", &release("ann", LIVE.0 + 1)).unwrap();
    assert_eq!(market.claims("ann"), (vec![], Some((80_000, 0))));
}

/// Whatever the order and the fundings, nobody ends with more or less than without a hold.
#[test]
fn a_short_reserve_pays_what_it_would_have_paid() {
    for first in ["ann", "bob"] {
        let mut market = stated(3);
        market
            .run("operator", &hold("ann", LIVE.0, LIVE.0 + 1))
            .unwrap();
        market.claims("ann");
        market.fund(30_000);
        market.run("operator", &release("ann", LIVE.0)).unwrap();
        let second = if first == "ann" { "bob" } else { "ann" };
        for name in [first, second] {
            market.run("anybody", &claim(name, None)).unwrap();
        }
        // A quarter of the first window.
        assert_eq!(market.coins(&addr("ann")), 20_000, "{first} first");
        assert_eq!(market.coins(&addr("bob")), 10_000);
        assert_eq!(market.feed_in("ann").owed, Micro(220_000));
        let result = market.run("ann", &claim("ann", None));
        assert_eq!(result.unwrap_err(), MarketError::ReserveEmpty);
        market.fund(150_000);
        for name in [first, second] {
            market.run("anybody", &claim(name, None)).unwrap();
        }
        // The first window, and half of the second.
        assert_eq!(market.coins(&addr("ann")), 120_000);
        assert_eq!(market.coins(&addr("bob")), 60_000);
        market.fund(180_000);
        for name in [second, first] {
            market.run("anybody", &claim(name, None)).unwrap();
        }
        assert_eq!(market.coins(&addr("ann")), 240_000);
        assert_eq!(market.coins(&addr("bob")), 120_000);
        assert_eq!(market.reserve(), (0, 0, 360_000));
        assert_eq!(market.holds(), []);
    }
}

#[test]
fn what_was_set_aside_is_paid_page_by_page_and_before_what_is_new() {
    let mut market = stated(5);
    market.fund(1_000_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + 2))
        .unwrap();
    market.run("ann", &claim("ann", Some(3))).unwrap();
    let until = market.app.block_info().time.seconds() + RUNS;
    market.go_to_second(until);
    let mut page = |limit| claimed(&market.told("ann", &claim("ann", Some(limit))).unwrap());
    assert_eq!(page(2), (vec![], Some((160_000, 80_000))));
    assert_eq!(page(2), (vec![], Some((160_000, 0))));
    assert_eq!(page(2), (vec![], Some((80_000, 0))));
}
