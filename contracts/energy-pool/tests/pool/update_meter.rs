//! `UpdateMeter`.

use crate::market::*;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::{MarketEvent, MeterUpdated};
use wattpool_schema::pool::{ExecuteMsg, MeterKind};
use wattpool_schema::{Wh, Window, Zone};

fn update(number: u8) -> ExecuteMsg {
    ExecuteMsg::UpdateMeter {
        meter: id(number),
        zone: Some(Zone(1)),
        kind: Some(MeterKind::Mixed),
        max_export: Some(Wh(70)),
        max_import: Some(Wh(80)),
    }
}

#[test]
fn changes_what_is_given() {
    let mut market = Market::new();
    let before = market.meter(1);
    let nothing = ExecuteMsg::UpdateMeter {
        meter: id(1),
        zone: None,
        kind: None,
        max_export: None,
        max_import: None,
    };
    market.run("registrar", &nothing).unwrap();
    assert_eq!(market.meter(1), before);
    let response = market.run("registrar", &update(1)).unwrap();
    let event = MeterUpdated {
        meter: id(1),
        from_window: Window(NOW + 2),
        zone: Zone(1),
        kind: MeterKind::Mixed,
        max_export: Wh(70),
        max_import: Wh(80),
    };
    assert_eq!(events(&response), [MarketEvent::MeterUpdated(event)]);
    let after = market.meter(1);
    assert_eq!((after.zone, after.kind), (Zone(1), MeterKind::Mixed));
    assert_eq!((after.max_export, after.max_import), (Wh(70), Wh(80)));
    assert_eq!(
        (after.owner, after.device, after.agent),
        (before.owner, before.device, before.agent)
    );
    // Zone and maxima are those of the energy's window: the change holds from the second next on.
    market.stated(1, LIVE.0, 1, 71);
    market.go_to(NOW + 3);
    let above = market.state_one(1, NOW + 2, 9, 71).unwrap();
    assert_eq!(above, "ABOVE_REGISTERED");
    market.stated(1, NOW + 2, 9, 70);
    market.stated(1, NOW + 1, 5, 71);
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let unknown = MarketError::UnknownMeter { meter: id(9) };
    assert_eq!(market.run("registrar", &update(9)).unwrap_err(), unknown);
    for (field, max_export, max_import) in [
        ("max_export", Some(Wh(1_000_000_001)), None),
        ("max_import", None, Some(Wh(1_000_000_001))),
    ] {
        let msg = ExecuteMsg::UpdateMeter {
            meter: id(1),
            zone: None,
            kind: None,
            max_export,
            max_import,
        };
        let refused = bad(field, "at most 1000000000 Wh");
        assert_eq!(market.run("registrar", &msg).unwrap_err(), refused);
    }
    let retire = ExecuteMsg::RetireMeter { meter: id(1) };
    market.run("ann", &retire).unwrap();
    let retired = MarketError::MeterRetired { meter: id(1) };
    assert_eq!(market.run("registrar", &update(1)).unwrap_err(), retired);
}
