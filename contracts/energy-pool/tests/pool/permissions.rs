//! Every message by every role, while the pool is not wired, live, and paused.

use crate::confirm_hold::confirm;
use crate::hold_credit::hold;
use crate::market::*;
use crate::propose_owner::propose;
use crate::release_hold::release;
use crate::strike_out::strike;
use cosmwasm_std::{coins, Coin};
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::{ExecuteMsg, Registration, Role};
use wattpool_schema::{Micro, Window};

const ROLES: [&str; 10] = [
    "admin",
    "newadmin",
    "registrar",
    "operator",
    "regulator",
    "escrow",
    "ann",
    "dan",
    "bob",
    "mallory",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Unwired,
    Live,
    Paused,
}

/// Who may send a message, by the rules, and what others are told; with this match a new message does
/// not compile without a row. Nobody is named where everybody may.
fn allowed(msg: &ExecuteMsg) -> (&'static [&'static str], &'static str) {
    match msg {
        ExecuteMsg::Wire { .. }
        | ExecuteMsg::ProposeAdmin { .. }
        | ExecuteMsg::SetRole { .. }
        | ExecuteMsg::Decide { .. }
        | ExecuteMsg::Pause {}
        | ExecuteMsg::Unpause {} => (&["admin"], "administrator"),
        ExecuteMsg::AcceptAdmin {} => (&["newadmin"], "proposed administrator"),
        ExecuteMsg::RegisterMeter { .. }
        | ExecuteMsg::UpdateMeter { .. }
        | ExecuteMsg::SetDevice { .. } => (&["registrar"], "registrar"),
        ExecuteMsg::SetAgent { .. } | ExecuteMsg::Object { .. } => (&["ann"], "meter's owner"),
        ExecuteMsg::ProposeOwner { .. } | ExecuteMsg::RetireMeter { .. } => {
            (&["ann", "registrar"], "meter's owner or the registrar")
        }
        ExecuteMsg::AcceptOwner { .. } => (&["dan"], "proposed owner"),
        ExecuteMsg::State { .. }
        | ExecuteMsg::Cover { .. }
        | ExecuteMsg::FundReserve {}
        | ExecuteMsg::ClaimFeedIn { .. } => (&[], ""),
        ExecuteMsg::Redeem { .. } => (&["escrow"], "trade escrow"),
        ExecuteMsg::SetTariffs { .. }
        | ExecuteMsg::SetZonePair { .. }
        | ExecuteMsg::TakeBack { .. }
        | ExecuteMsg::ConfirmFeedIn { .. }
        | ExecuteMsg::HoldCredit { .. } => (&["operator"], "grid operator"),
        ExecuteMsg::ConfirmHold { .. } | ExecuteMsg::StrikeOut { .. } => {
            (&["regulator"], "regulator")
        }
        ExecuteMsg::ReleaseHold { .. } => {
            (&["operator", "regulator"], "grid operator or the regulator")
        }
    }
}

/// What a state changes for those who may.
fn outcome(msg: &ExecuteMsg, state: State) -> Result<(), MarketError> {
    match (msg, state) {
        (ExecuteMsg::Wire { .. }, State::Live | State::Paused) => Err(MarketError::AlreadyWired),
        (ExecuteMsg::Redeem { .. }, State::Paused) => Err(MarketError::Paused),
        // Stated while the live window is live, ann's credit cannot be due yet.
        (ExecuteMsg::ClaimFeedIn { .. }, _) => Err(MarketError::NothingDue),
        _ => Ok(()),
    }
}

/// One message of each kind that succeeds for whoever may send it, in a [`prepared`] market.
fn messages(market: &Market) -> Vec<ExecuteMsg> {
    let owner = addr("ann").into_string();
    vec![
        wire(),
        ExecuteMsg::ProposeAdmin { admin: None },
        ExecuteMsg::AcceptAdmin {},
        ExecuteMsg::SetRole {
            role: Role::Regulator,
            address: owner.clone(),
        },
        ExecuteMsg::Pause {},
        ExecuteMsg::Unpause {},
        ExecuteMsg::RegisterMeter {
            registration: Registration {
                meter: id(9),
                ..registration(1)
            },
        },
        ExecuteMsg::UpdateMeter {
            meter: id(1),
            zone: None,
            kind: None,
            max_export: None,
            max_import: None,
        },
        ExecuteMsg::SetDevice {
            meter: id(1),
            device: device_key(8),
        },
        ExecuteMsg::SetAgent {
            meter: id(1),
            agent: None,
        },
        propose(1, None),
        ExecuteMsg::AcceptOwner { meter: id(1) },
        ExecuteMsg::RetireMeter { meter: id(1) },
        ExecuteMsg::Object { meter: id(8) },
        ExecuteMsg::Decide {
            meter: id(7),
            uphold: true,
        },
        ExecuteMsg::State {
            statements: vec![market.statement(2, LIVE.0, 1, 10)],
        },
        ExecuteMsg::Cover {
            covers: vec![market.cover_of(1, LIVE, 10)],
        },
        ExecuteMsg::Redeem {
            redeem: redeem(1, 2, 0, 0, None),
        },
        ExecuteMsg::SetTariffs {
            from_window: Window(NOW + 2),
            tariffs: TARIFFS,
        },
        ExecuteMsg::SetZonePair {
            from_window: Window(NOW + 2),
            terms: zone_pairs()[0],
        },
        ExecuteMsg::FundReserve {},
        ExecuteMsg::TakeBack {
            amount: Some(Micro(1)),
        },
        ExecuteMsg::ConfirmFeedIn {
            through: Window(LIVE.0 - 1),
        },
        ExecuteMsg::ClaimFeedIn { owner, limit: None },
        hold("ann", START, LIVE.0 - 1),
        confirm("dan", START),
        release("dan", START),
        strike("dan", START, None),
    ]
}

/// A market in which an administrator and owners are proposed, one of whom ann objects to, there is more in the reserve than ann is owed, and dan's credit is
/// held.
fn prepared(state: State) -> Market {
    let mut market = Market::unwired();
    let admin = Some(addr("newadmin").into_string());
    market
        .run("admin", &ExecuteMsg::ProposeAdmin { admin })
        .unwrap();
    market.run("ann", &propose(1, Some("dan"))).unwrap();
    for number in [7, 8] {
        let registration = Registration {
            meter: id(number),
            ..registration(1)
        };
        let register = ExecuteMsg::RegisterMeter { registration };
        market.run("registrar", &register).unwrap();
        market
            .run("registrar", &propose(number, Some("dan")))
            .unwrap();
    }
    market
        .run("ann", &ExecuteMsg::Object { meter: id(7) })
        .unwrap();
    market.stated(1, START, 1, 100);
    market
        .run_with(
            "operator",
            &ExecuteMsg::FundReserve {},
            &coins(1_000_000, "uwatt"),
        )
        .unwrap();
    market.run("operator", &hold("dan", START, START)).unwrap();
    for role in ROLES {
        let (from, to) = (addr("operator"), addr(role));
        cw_multi_test::Executor::send_tokens(&mut market.app, from, to, &coins(10, "uwatt"))
            .unwrap();
    }
    if state != State::Unwired {
        market.run("admin", &wire()).unwrap();
    }
    if state == State::Paused {
        market.run("admin", &ExecuteMsg::Pause {}).unwrap();
    }
    market
}

fn funds(msg: &ExecuteMsg) -> Vec<Coin> {
    match msg {
        ExecuteMsg::FundReserve {} => coins(1, "uwatt"),
        _ => vec![],
    }
}

#[test]
fn every_message_by_every_role_in_every_state() {
    for state in [State::Unwired, State::Live, State::Paused] {
        let kinds = messages(&prepared(state)).len();
        for kind in 0..kinds {
            for role in ROLES {
                let mut market = prepared(state);
                let msg = messages(&market).remove(kind);
                let (roles, needs) = allowed(&msg);
                let unwired = matches!(msg, ExecuteMsg::Redeem { .. }) && state == State::Unwired;
                let expected = if unwired {
                    Err(MarketError::NotWired)
                } else if roles.is_empty() || roles.contains(&role) {
                    outcome(&msg, state)
                } else {
                    Err(only(needs))
                };
                let result = market.run_with(role, &msg, &funds(&msg)).map(|_| ());
                assert_eq!(result, expected, "{role} sends {msg:?}, {state:?}");
            }
        }
    }
}

#[test]
fn the_table_has_every_kind_once() {
    let market = Market::new();
    let name = |msg: &ExecuteMsg| {
        let text = format!("{msg:?}");
        text.split([' ', '(']).next().unwrap().to_owned()
    };
    let mut names: Vec<_> = messages(&market).iter().map(name).collect();
    let listed = names.len();
    names.sort();
    names.dedup();
    let schema = schemars::schema_for!(ExecuteMsg);
    let kinds = schema.schema.subschemas.unwrap().one_of.unwrap().len();
    assert_eq!((names.len(), listed), (kinds, kinds));
}

#[test]
fn only_the_reserve_takes_coins() {
    let expected = MarketError::BadFunds {
        expected: "no coins with this message".into(),
    };
    let kinds = messages(&Market::new()).len();
    for kind in 0..kinds {
        let mut market = prepared(State::Live);
        let msg = messages(&market).remove(kind);
        let result = market.run_with("ann", &msg, &coins(1, "uwatt")).map(|_| ());
        match msg {
            ExecuteMsg::FundReserve {} => assert_eq!(result, Ok(())),
            _ => assert_eq!(result.unwrap_err(), expected, "{msg:?}"),
        }
    }
}
