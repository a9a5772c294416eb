//! `SetTariffs`: a history by window, from the second next window on.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{MarketEvent, TariffsSet};
use wattpool_schema::pool::{ExecuteMsg, GridState, QueryMsg, Tariffs};
use wattpool_schema::{Tariff, Window};

fn set(from: u64, import: i64, feed_in: i64) -> ExecuteMsg {
    ExecuteMsg::SetTariffs {
        from_window: Window(from),
        tariffs: tariffs(import, feed_in),
    }
}

fn tariffs(import: i64, feed_in: i64) -> Tariffs {
    Tariffs {
        import: Tariff(import),
        feed_in: Tariff(feed_in),
    }
}

#[test]
fn history_by_window() {
    let mut market = Market::new();
    let at = |market: &Market, window: u64| -> Tariffs {
        let window = Window(window);
        market.ask(&QueryMsg::Tariffs { window })
    };
    let response = market
        .run("operator", &set(NOW + 2, 400_000, -5_000))
        .unwrap();
    let event = TariffsSet {
        from_window: Window(NOW + 2),
        import: Tariff(400_000),
        feed_in: Tariff(-5_000),
    };
    assert_eq!(events(&response), [MarketEvent::TariffsSet(event)]);
    market.run("operator", &set(NOW + 10, 1, 2)).unwrap();
    // Announced ones may be replaced while they are far enough away.
    market.run("operator", &set(NOW + 10, 3, 4)).unwrap();
    for (window, expected) in [
        (0, TARIFFS),
        (NOW + 1, TARIFFS),
        (NOW + 2, tariffs(400_000, -5_000)),
        (NOW + 9, tariffs(400_000, -5_000)),
        (NOW + 10, tariffs(3, 4)),
        (u64::MAX, tariffs(3, 4)),
    ] {
        assert_eq!(at(&market, window), expected, "window {window}");
    }
    market.go_to(NOW + 3);
    let state: GridState = market.ask(&QueryMsg::GridState {});
    assert_eq!(state.tariffs, tariffs(400_000, -5_000));
}

#[test]
fn refusals() {
    let mut market = Market::new();
    for from in [0, NOW - 1, NOW, NOW + 1] {
        let soon = MarketError::TariffTooSoon {
            window: Window(from),
            first: Window(NOW + 2),
        };
        assert_eq!(market.run("operator", &set(from, 1, 1)).unwrap_err(), soon);
    }
    let expected = "-1000000000 to 1000000000 micro-units per kWh";
    let result = market.run("operator", &set(NOW + 2, -1_000_000_001, 0));
    assert_eq!(result.unwrap_err(), bad("import", expected));
    let result = market.run("operator", &set(NOW + 2, 0, 1_000_000_001));
    assert_eq!(result.unwrap_err(), bad("feed_in", expected));
}
