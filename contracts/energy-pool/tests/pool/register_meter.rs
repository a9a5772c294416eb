//! `RegisterMeter`: new meters, and retired ones again.

use crate::market::*;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{MarketEvent, MeterRegistered};
use wattpool_schema::pool::{
    ExecuteMsg, GridState, MeterKind, MeterPosition, MeterResponse, MetersResponse, QueryMsg,
    Registration,
};
use wattpool_schema::{HouseholdId, Wh, Zone};

fn register(registration: Registration) -> ExecuteMsg {
    ExecuteMsg::RegisterMeter { registration }
}

/// Meter 9, owned by dan, without an agent.
fn ninth() -> Registration {
    Registration {
        meter: id(9),
        owner: addr("dan").into_string(),
        device: device_key(9),
        household: Some(HouseholdId([4; 16])),
        zone: Zone(4),
        kind: MeterKind::Battery,
        max_export: Wh(1_000_000_000),
        max_import: Wh(0),
    }
}

fn in_service(market: &Market) -> u64 {
    let state: GridState = market.ask(&QueryMsg::GridState {});
    state.meters
}

fn owned(market: &Market, name: &str) -> Vec<MeterResponse> {
    let owner = addr(name).into_string();
    let list: MetersResponse = market.ask(&QueryMsg::MetersOf {
        owner,
        start_after: None,
        limit: None,
    });
    list.meters
}

#[test]
fn enters_a_meter() {
    let mut market = Market::new();
    let response = market.run("registrar", &register(ninth())).unwrap();
    let r = ninth();
    let event = MeterRegistered {
        meter: r.meter,
        owner: r.owner.clone(),
        tenure: 1,
        device: r.device,
        household: r.household,
        zone: r.zone,
        kind: r.kind,
        max_export: r.max_export,
        max_import: r.max_import,
    };
    assert_eq!(events(&response), [MarketEvent::MeterRegistered(event)]);
    let expected = MeterResponse {
        meter: id(9),
        owner: r.owner,
        proposed_owner: None,
        notice: None,
        tenure: 1,
        household: r.household,
        agent: None,
        agent_address: None,
        device: r.device,
        zone: Zone(4),
        kind: MeterKind::Battery,
        max_export: r.max_export,
        max_import: r.max_import,
        retired: false,
        position: MeterPosition::default(),
    };
    assert_eq!(market.meter(9), expected);
    assert_eq!(owned(&market, "dan"), [expected]);
    assert_eq!(in_service(&market), 4);
}

#[test]
fn refusals() {
    let mut market = Market::new();
    let exists = MarketError::MeterExists { meter: id(1) };
    let result = market.run("registrar", &register(registration(1)));
    assert_eq!(result.unwrap_err(), exists);
    let most = "at most 1000000000 Wh";
    let export = Registration {
        max_export: Wh(1_000_000_001),
        ..ninth()
    };
    let import = Registration {
        max_import: Wh(1_000_000_001),
        ..ninth()
    };
    for (registration, refusal) in [
        (export, bad("max_export", most)),
        (import, bad("max_import", most)),
    ] {
        let result = market.run("registrar", &register(registration));
        assert_eq!(result.unwrap_err(), refusal);
    }
    let nobody = Registration {
        owner: "dan".into(),
        ..ninth()
    };
    assert_eq!(
        market
            .run("registrar", &register(nobody))
            .unwrap_err()
            .code(),
        Code::Std
    );
    assert_eq!(in_service(&market), 3);
}

#[test]
fn where_a_retired_meter_stood_survives() {
    let mut market = Market::new();
    // The windows between are skipped, with sequences to spare.
    market.stated(1, START, 5, 10);
    market.stated(1, LIVE.0, 9, 10);
    let before = market.position(1);
    assert_eq!(before.skipped.len(), 1);
    let retire = ExecuteMsg::RetireMeter { meter: id(1) };
    market.run("ann", &retire).unwrap();
    market.go_to(NOW + 10);
    let again = Registration {
        owner: addr("dan").into_string(),
        device: device_key(8),
        ..registration(1)
    };
    // Under another owner only when the notice to the one before has run.
    let refused = market.run("registrar", &register(again.clone()));
    assert_eq!(refused.unwrap_err().code(), Code::NoticeRuns);
    market.go_to(NOW + NOTICE);
    market.run("registrar", &register(again)).unwrap();
    assert_eq!(market.meter(1).tenure, 2);
    assert_eq!(market.position(1), before);
    assert_eq!(
        (owned(&market, "ann").len(), owned(&market, "dan").len()),
        (0, 1)
    );
    assert_eq!(in_service(&market), 3);
    // A replay of what the old device has signed changes nothing.
    assert_eq!(market.state_one(1, LIVE.0, 9, 10).unwrap(), "WINDOW_STATED");
    // Windows skipped before may still be stated; the credit is the former owner's.
    let mut late = market.statement(1, LIVE.0 - 1, 7, 30).statement;
    let signed = sign(late.clone(), 8);
    assert_eq!(codes(&market.state(&[signed])), [None]);
    assert_eq!(market.late("ann"), [(LIVE.0, 10), (LIVE.0 + NOTICE, 30)]);
    assert_eq!(market.late("dan"), []);
    // Windows in which the meter was out of service cannot.
    late.window = wattpool_schema::Window(NOW + NOTICE - 1);
    late.sequence = 20;
    let signed = sign(late.clone(), 8);
    assert_eq!(codes(&market.state(&[signed])), [Some("TOO_OLD".into())]);
    late.window = wattpool_schema::Window(NOW + NOTICE);
    market.go_to(NOW + NOTICE + 1);
    let signed = sign(late, 8);
    assert_eq!(codes(&market.state(&[signed])), [None]);
    assert_eq!(market.tokens("dan"), 30);
    assert_eq!(
        market.position(1).skipped,
        [],
        "nothing was skipped while it was registered"
    );
}
