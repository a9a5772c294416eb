//! `ConfirmFeedIn`: forwards only, and only windows whose trading has ended.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{FeedInConfirmed, MarketEvent};
use wattpool_schema::pool::{ExecuteMsg, PoolConfig, QueryMsg};
use wattpool_schema::Window;

fn confirm(through: u64) -> ExecuteMsg {
    ExecuteMsg::ConfirmFeedIn {
        through: Window(through),
    }
}

#[test]
fn forwards_only() {
    let mut market = Market::new();
    let early = |window| MarketError::TooEarly {
        window: Window(window),
        now: Window(NOW),
    };
    // Trading of the live window goes on.
    assert_eq!(
        market.run("operator", &confirm(LIVE.0)).unwrap_err(),
        early(LIVE.0 + 1)
    );
    assert_eq!(
        market.run("operator", &confirm(u64::MAX)).unwrap_err(),
        early(u64::MAX)
    );
    let through = Window(LIVE.0 - 1);
    let response = market.run("operator", &confirm(through.0)).unwrap();
    let event = FeedInConfirmed { through };
    assert_eq!(events(&response), [MarketEvent::FeedInConfirmed(event)]);
    let config: PoolConfig = market.ask(&QueryMsg::Config {});
    assert_eq!(config.confirmed_through, Some(through));
    let expected = format!("a window after {through}, which is confirmed already");
    for again in [through.0, through.0 - 5] {
        let result = market.run("operator", &confirm(again));
        assert_eq!(result.unwrap_err(), bad("through", &*expected));
    }
}
