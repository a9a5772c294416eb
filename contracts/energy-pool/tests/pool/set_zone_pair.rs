//! `SetZonePair`: terms between zones, from the second next window on.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{MarketEvent, ZonePairSet};
use wattpool_schema::pool::{ExecuteMsg, QueryMsg, ZonePairTerms, ZonePairsResponse};
use wattpool_schema::{Ppm, Price, Wh, Window, Zone};

fn terms(from: u16, to: u16, loss: u32) -> ZonePairTerms {
    ZonePairTerms {
        from: Zone(from),
        to: Zone(to),
        loss: Ppm(loss),
        charge: Price(7),
        capacity: Some(Wh(99)),
    }
}

fn set(from: u64, terms: ZonePairTerms) -> ExecuteMsg {
    ExecuteMsg::SetZonePair {
        from_window: Window(from),
        terms,
    }
}

#[test]
fn history_by_pair_and_window() {
    let mut market = Market::new();
    let new = terms(0, 1, 50_000);
    let response = market.run("operator", &set(NOW + 2, new)).unwrap();
    let event = ZonePairSet {
        from_window: Window(NOW + 2),
        from: Zone(0),
        to: Zone(1),
        loss: Ppm(50_000),
        charge: Price(7),
        capacity: Some(Wh(99)),
    };
    assert_eq!(events(&response), [MarketEvent::ZonePairSet(event)]);
    let back = terms(1, 0, 1);
    market.run("operator", &set(NOW + 3, back)).unwrap();
    let pair = |from, to, window| -> Option<ZonePairTerms> {
        market.ask(&QueryMsg::ZonePair {
            from: Zone(from),
            to: Zone(to),
            window: Window(window),
        })
    };
    let old = zone_pairs();
    assert_eq!(pair(0, 1, NOW + 1), Some(old[1]));
    assert_eq!(pair(0, 1, NOW + 2), Some(new));
    assert_eq!(
        (pair(1, 0, NOW + 2), pair(1, 0, NOW + 3)),
        (None, Some(back))
    );
    assert_eq!(pair(5, 5, NOW), None);
    let all = |window| -> Vec<ZonePairTerms> {
        let window = Window(window);
        market
            .ask::<ZonePairsResponse>(&QueryMsg::ZonePairs {
                window,
                start_after: None,
                limit: None,
            })
            .pairs
    };
    assert_eq!(all(NOW), old);
    assert_eq!(all(NOW + 2), [old[0], new]);
    assert_eq!(all(NOW + 3), [old[0], new, back]);
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let soon = MarketError::TariffTooSoon {
        window: Window(NOW + 1),
        first: Window(NOW + 2),
    };
    let result = market.run("operator", &set(NOW + 1, terms(0, 1, 0)));
    assert_eq!(result.unwrap_err(), soon);
    let result = market.run("operator", &set(NOW + 2, terms(0, 1, 1_000_000)));
    assert_eq!(result.unwrap_err(), bad("loss", "below 1000000 ppm"));
    let dear = ZonePairTerms {
        charge: Price(1_000_000_001),
        ..terms(0, 1, 0)
    };
    let result = market.run("operator", &set(NOW + 2, dear));
    let most = "at most 1000000000 micro-units per kWh";
    assert_eq!(result.unwrap_err(), bad("charge", most));
    market
        .run("operator", &set(NOW + 2, terms(0, 1, 999_999)))
        .unwrap();
}
