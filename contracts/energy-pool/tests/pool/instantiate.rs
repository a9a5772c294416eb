//! Instantiation: roles, first tariffs and terms; bounds.

use crate::market::*;
use cosmwasm_std::coins;
use wattpool_schema::error::{Code, MarketError};
use wattpool_schema::event::{AdminChanged, MarketEvent, RoleSet, TariffsSet, ZonePairSet};
use wattpool_schema::pool::{InstantiateMsg, PoolConfig, QueryMsg, Role, Tariffs, ZonePairTerms};
use wattpool_schema::{Ppm, Price, Tariff, Window};

#[test]
fn knows_itself() {
    let market = Market::unwired();
    let config: PoolConfig = market.ask(&QueryMsg::Config {});
    let expected = PoolConfig {
        admin: addr("admin").into_string(),
        proposed_admin: None,
        registrar: addr("registrar").into_string(),
        grid_operator: addr("operator").into_string(),
        regulator: addr("regulator").into_string(),
        token: market.token.to_string(),
        escrow: None,
        denom: "uwatt".into(),
        window_seconds: LEN,
        credit_delay_days: 2,
        halt_seconds: HALT,
        block_seconds: 5,
        first_part_seconds: 150,
        notice_days: 14,
        paused: false,
        confirmed_through: None,
    };
    assert_eq!(config, expected);
    let tariffs: Tariffs = market.ask(&QueryMsg::Tariffs { window: Window(0) });
    assert_eq!(tariffs, TARIFFS);
}

#[test]
fn reports_what_it_starts_with() {
    let (_, token) = chain(LEN);
    let mut deps = cosmwasm_std::testing::mock_dependencies();
    deps.api = deps.api.with_prefix("watt");
    let env = cosmwasm_std::testing::mock_env();
    let info = cosmwasm_std::testing::message_info(&addr("operator"), &[]);
    let response =
        energy_pool::contract::instantiate(deps.as_mut(), env, info, setup(&token)).unwrap();
    let parse =
        |e: &cosmwasm_std::Event| MarketEvent::parse(&e.ty, &e.attributes).unwrap().unwrap();
    let events: Vec<_> = response.events.iter().map(parse).collect();
    let role = |role, name: &str| {
        MarketEvent::RoleSet(RoleSet {
            role,
            address: addr(name).into_string(),
        })
    };
    let mut expected = vec![
        MarketEvent::AdminChanged(AdminChanged {
            admin: addr("admin").into_string(),
        }),
        role(Role::Registrar, "registrar"),
        role(Role::GridOperator, "operator"),
        role(Role::Regulator, "regulator"),
        MarketEvent::TariffsSet(TariffsSet {
            from_window: Window(0),
            import: TARIFFS.import,
            feed_in: TARIFFS.feed_in,
        }),
    ];
    expected.extend(zone_pairs().into_iter().map(|t| {
        MarketEvent::ZonePairSet(ZonePairSet {
            from_window: Window(0),
            from: t.from,
            to: t.to,
            loss: t.loss,
            charge: t.charge,
            capacity: t.capacity,
        })
    }));
    assert_eq!(events, expected);
}

#[test]
fn bounds() {
    let (mut app, token) = chain(LEN);
    let with = |change: &dyn Fn(&mut InstantiateMsg)| {
        let mut msg = setup(&token);
        change(&mut msg);
        msg
    };
    let rate = "-1000000000 to 1000000000 micro-units per kWh";
    let pair =
        |change: &dyn Fn(&mut ZonePairTerms)| with(&|m| change(m.zone_pairs.first_mut().unwrap()));
    let cases = [
        (
            with(&|m| m.window_seconds = 0),
            bad("window_seconds", "1 to 86400"),
        ),
        (
            with(&|m| m.window_seconds = 86_401),
            bad("window_seconds", "1 to 86400"),
        ),
        (
            with(&|m| m.halt_seconds = 0),
            bad("halt_seconds", "1 to 75"),
        ),
        (
            with(&|m| m.halt_seconds = 76),
            bad("halt_seconds", "1 to 75"),
        ),
        (
            with(&|m| m.block_seconds = 0),
            bad("block_seconds", "1 to 900"),
        ),
        (
            with(&|m| m.first_part_seconds = 19),
            bad(
                "first_part_seconds",
                "0, or 20 (four blocks) to 450 (half a window)",
            ),
        ),
        (
            with(&|m| m.first_part_seconds = 451),
            bad(
                "first_part_seconds",
                "0, or 20 (four blocks) to 450 (half a window)",
            ),
        ),
        (
            with(&|m| m.block_seconds = 113),
            bad(
                "first_part_seconds",
                "0: the window has no four blocks to spare",
            ),
        ),
        (
            with(&|m| m.credit_delay_days = 91),
            bad("credit_delay_days", "at most 90"),
        ),
        (
            with(&|m| m.notice_days = 91),
            bad("notice_days", "at most 90"),
        ),
        (
            with(&|m| m.denom.clear()),
            bad("denom", "the denomination of payments"),
        ),
        (
            with(&|m| m.tariffs.import = Tariff(1_000_000_001)),
            bad("import", rate),
        ),
        (
            with(&|m| m.tariffs.feed_in = Tariff(i64::MIN)),
            bad("feed_in", rate),
        ),
        (
            pair(&|p| p.loss = Ppm(1_000_000)),
            bad("loss", "below 1000000 ppm"),
        ),
        (
            pair(&|p| p.charge = Price(1_000_000_001)),
            bad("charge", "at most 1000000000 micro-units per kWh"),
        ),
        (
            with(&|m| m.zone_pairs.push(zone_pairs()[0])),
            bad("zone_pairs", "the pair 0 to 0 once"),
        ),
    ];
    for (msg, refusal) in cases {
        assert_eq!(instantiate(&mut app, &msg, &[]), Err(refusal));
    }
    let addresses: [&dyn Fn(&mut InstantiateMsg); 5] = [
        &|m| m.admin = "x".into(),
        &|m| m.registrar = "x".into(),
        &|m| m.grid_operator = "x".into(),
        &|m| m.regulator = "x".into(),
        &|m| m.token = "x".into(),
    ];
    for change in addresses {
        let result = instantiate(&mut app, &with(change), &[]);
        assert_eq!(result.unwrap_err().code(), Code::Std);
    }
    let result = instantiate(&mut app, &setup(&token), &coins(1, "uwatt"));
    let expected = "no coins with this message".to_owned();
    assert_eq!(result, Err(MarketError::BadFunds { expected }));
}
