//! `ConfirmHold`: by the regulator, of a hold that runs; it no longer ends by itself.

use crate::hold_credit::{claim, held, RUNS};
use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{CreditHoldConfirmed, MarketEvent};
use wattpool_schema::pool::ExecuteMsg;
use wattpool_schema::{Micro, Window};

pub fn confirm(name: &str, from: u64) -> ExecuteMsg {
    ExecuteMsg::ConfirmHold {
        owner: addr(name).into_string(),
        from: Window(from),
    }
}

#[test]
fn a_confirmed_hold_does_not_end_by_itself() {
    let mut market = held(2);
    let events = market.told("regulator", &confirm("ann", LIVE.0)).unwrap();
    let confirmed = CreditHoldConfirmed {
        owner: addr("ann").into_string(),
        from: LIVE,
        by: addr("regulator").into_string(),
    };
    assert_eq!(events, [MarketEvent::CreditHoldConfirmed(confirmed)]);
    assert_eq!(market.holds()[0].until, None);
    let now = market.app.block_info().time.seconds();
    market.go_to_second(now + 10 * RUNS);
    let result = market.run("ann", &claim("ann", None));
    assert_eq!(result.unwrap_err(), MarketError::NothingDue);
    assert_eq!(market.feed_in("ann").held, Micro(160_000));
    assert_eq!(
        market
            .run("regulator", &confirm("ann", LIVE.0))
            .unwrap_err(),
        MarketError::HoldConfirmed { from: LIVE }
    );
}

#[test]
fn only_a_hold_that_runs() {
    let mut market = held(2);
    for (name, from) in [("ann", LIVE.0 + 1), ("bob", LIVE.0)] {
        let from_window = Window(from);
        assert_eq!(
            market.run("regulator", &confirm(name, from)).unwrap_err(),
            MarketError::UnknownHold { from: from_window }
        );
    }
    let until = market.app.block_info().time.seconds() + RUNS;
    market.go_to_second(until);
    assert_eq!(
        market
            .run("regulator", &confirm("ann", LIVE.0))
            .unwrap_err(),
        MarketError::HoldOver { until }
    );
}
