//! `StrikeOut`: by the regulator, once everything is set aside; it counts as if it had never accrued.

use crate::confirm_hold::confirm;
use crate::hold_credit::{claim, held, hold, stated, RUNS};
use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{CreditStruck, MarketEvent};
use wattpool_schema::pool::ExecuteMsg;
use wattpool_schema::{Micro, Window};

pub fn strike(name: &str, from: u64, limit: Option<u32>) -> ExecuteMsg {
    ExecuteMsg::StrikeOut {
        owner: addr(name).into_string(),
        from: Window(from),
        limit,
    }
}

fn struck(name: &str, through: u64, amount: u64, left: u64) -> MarketEvent {
    MarketEvent::CreditStruck(CreditStruck {
        owner: addr(name).into_string(),
        from: LIVE,
        through: Window(through),
        amount: Micro(amount),
        left: Micro(left),
        by: addr("regulator").into_string(),
    })
}

#[test]
fn only_what_is_claimed_and_then_it_is_gone_for_good() {
    let mut market = stated(3);
    market.fund(360_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + 1))
        .unwrap();
    let early = |market: &mut Market, window| {
        let result = market.run("regulator", &strike("ann", LIVE.0, None));
        let window = Window(window);
        assert_eq!(result.unwrap_err(), MarketError::HoldUnclaimed { window });
    };
    early(&mut market, LIVE.0);
    market.run("anybody", &claim("ann", Some(1))).unwrap();
    early(&mut market, LIVE.0 + 1);
    market.claims("ann");
    let events = market.told("regulator", &strike("ann", LIVE.0, None));
    assert_eq!(events.unwrap(), [struck("ann", LIVE.0 + 1, 160_000, 0)]);
    assert_eq!(market.holds(), []);
    let account = market.feed_in("ann");
    assert_eq!(
        (account.owed, account.held, account.paid),
        (Micro(0), Micro(0), Micro(80_000))
    );
    let result = market.run("ann", &claim("ann", None));
    assert_eq!(result.unwrap_err(), MarketError::NothingDue);
    let result = market.run("regulator", &strike("ann", LIVE.0, None));
    assert_eq!(result.unwrap_err(), MarketError::UnknownHold { from: LIVE });
    // The reserve keeps what it was funded with and owes bob alone: the operator takes the rest back, and no more.
    assert_eq!(market.reserve(), (280_000, 120_000, 80_000));
    let take = |amount| ExecuteMsg::TakeBack { amount };
    let result = market.run("operator", &take(Some(Micro(160_001))));
    let (wanted, there) = (160_001, 160_000);
    assert_eq!(
        result.unwrap_err(),
        MarketError::InsufficientMoney { wanted, there }
    );
    market.run("operator", &take(None)).unwrap();
    assert_eq!(market.claims("bob"), (vec![], Some((120_000, 0))));
    assert_eq!(market.coins(&addr("ann")), 80_000);
    assert_eq!(market.coins(&market.pool), 0);
    assert_eq!(market.reserve(), (0, 0, 200_000));
}

#[test]
fn what_is_struck_no_longer_takes_part_in_a_short_reserve() {
    let mut market = stated(2);
    market.fund(60_000);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0))
        .unwrap();
    market.claims("ann");
    // Half of the first window.
    assert_eq!(market.claims("bob"), (vec![], Some((20_000, 20_000))));
    market
        .run("regulator", &strike("ann", LIVE.0, None))
        .unwrap();
    // Of the first window bob's 40,000 are left, of the second a sixth is there.
    assert_eq!(market.reserve(), (40_000, 140_000, 20_000));
    assert_eq!(market.claims("bob").1, Some((26_666, 33_334)));
    assert_eq!(market.claims("ann"), (vec![], Some((13_333, 66_667))));
    assert_eq!(market.reserve(), (1, 100_001, 59_999));
    market.fund(100_000);
    market.claims("bob");
    market.claims("ann");
    assert_eq!(market.coins(&addr("bob")), 80_000);
    assert_eq!(market.coins(&addr("ann")), 80_000);
    assert_eq!(market.reserve(), (0, 0, 160_000));
}

#[test]
fn page_by_page() {
    let mut market = held(4);
    market.run("regulator", &confirm("ann", LIVE.0)).unwrap();
    let mut page = |limit| {
        market
            .told("regulator", &strike("ann", LIVE.0, Some(limit)))
            .unwrap()
    };
    assert_eq!(page(0), [struck("ann", LIVE.0, 80_000, 240_000)]);
    assert_eq!(page(2), [struck("ann", LIVE.0 + 2, 160_000, 80_000)]);
    assert_eq!(market.feed_in("ann").held, Micro(80_000));
    // What is left can be released all the same.
    let release = crate::release_hold::release("ann", LIVE.0);
    market.run("regulator", &release).unwrap();
    assert_eq!(market.claims("ann"), (vec![], Some((80_000, 0))));
    assert_eq!(market.claims("bob"), (vec![], Some((160_000, 0))));
    assert_eq!(market.reserve(), (760_000, 0, 240_000));
}

#[test]
fn windows_without_credit_need_no_claim() {
    let mut market = stated(1);
    market.fund(1_000_000);
    market.go_to(NOW + 10);
    market
        .run("operator", &hold("ann", LIVE.0, LIVE.0 + 8))
        .unwrap();
    market.claims("ann");
    assert_eq!(market.feed_in("ann").claimed_through, Some(LIVE));
    let events = market.told("regulator", &strike("ann", LIVE.0, None));
    assert_eq!(events.unwrap(), [struck("ann", LIVE.0 + 8, 80_000, 0)]);
    // Nor does a hold of nothing at all.
    market
        .run("operator", &hold("cid", LIVE.0, LIVE.0))
        .unwrap();
    let events = market.told("regulator", &strike("cid", LIVE.0, None));
    assert_eq!(events.unwrap(), [struck("cid", LIVE.0, 0, 0)]);
    assert_eq!(market.holds(), []);
}

#[test]
fn not_once_the_hold_is_over() {
    let mut market = held(2);
    let until = market.app.block_info().time.seconds() + RUNS;
    market.go_to_second(until);
    let result = market.run("regulator", &strike("ann", LIVE.0, None));
    assert_eq!(result.unwrap_err(), MarketError::HoldOver { until });
    assert_eq!(market.claims("ann"), (vec![], Some((160_000, 0))));
}
