//! Every message × every role × the states of market and order. The table is an exhaustive match: a new
//! message does not compile without a row.

use crate::common::{market, open, order, pause, trade, FAR, NEAR, SELLER};
use cosmwasm_std::{coins, Addr};
use cw_multi_test::Executor;
use wattpool_fixtures::setup::DENOM;
use wattpool_fixtures::Market;
use wattpool_schema::error::Code;
use wattpool_schema::escrow::{ExecuteMsg, LimitsChange};
use wattpool_schema::{Micro, Price};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Admin,
    Registrar,
    GridOperator,
    Regulator,
    SellerOwner,
    SellerAgent,
    BuyerOwner,
    BuyerAgent,
    Neighbour,
    Stranger,
    Pool,
    Token,
    Escrow,
}
use Role::*;

const ROLES: [Role; 13] = [
    Admin,
    Registrar,
    GridOperator,
    Regulator,
    SellerOwner,
    SellerAgent,
    BuyerOwner,
    BuyerAgent,
    Neighbour,
    Stranger,
    Pool,
    Token,
    Escrow,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The order is deliverable.
    Live,
    /// The same, paused.
    Paused,
    /// The order's last window is over.
    Ended,
    /// The same, paused.
    EndedPaused,
}

const STATES: [State; 4] = [State::Live, State::Paused, State::Ended, State::EndedPaused];

/// Who may send a message, and in which states it can succeed at all.
fn row(msg: &ExecuteMsg) -> (&'static [Role], &'static [State]) {
    use State::{Ended, EndedPaused, Live, Paused};
    const ANY: &[State] = &[Live, Paused, Ended, EndedPaused];
    const TRADING: &[State] = &[Live, Ended];
    match msg {
        ExecuteMsg::Deposit {} => (&ROLES, ANY),
        // Everybody but the contracts has put something in before.
        ExecuteMsg::Withdraw { .. } => (
            &[
                Admin,
                GridOperator,
                SellerOwner,
                BuyerOwner,
                Neighbour,
                Stranger,
            ],
            ANY,
        ),
        ExecuteMsg::SetLimits { .. } => (&[SellerOwner], ANY),
        ExecuteMsg::Settle { .. } => (&[BuyerAgent], TRADING),
        // A batch succeeds for anybody; its items are refused. See `a_batch_is_no_way_around`.
        ExecuteMsg::SettleBatch { .. } => (&ROLES, ANY),
        ExecuteMsg::SettleItem { .. } => (&[], ANY),
        ExecuteMsg::OpenOrder { .. } => (&[BuyerAgent], TRADING),
        ExecuteMsg::Deliver { .. } => (&[SellerAgent, BuyerAgent], &[Live]),
        ExecuteMsg::CancelOrder { .. } => (
            &[SellerOwner, SellerAgent, BuyerOwner, BuyerAgent],
            &[Live, Paused],
        ),
        ExecuteMsg::CloseOrder { .. } => (&ROLES, &[Ended, EndedPaused]),
        ExecuteMsg::WithdrawCharges {} => (&[GridOperator], ANY),
    }
}

/// A market with an order of three windows, charges to withdraw, and one of every message.
fn stage(state: State) -> (Market, Vec<ExecuteMsg>) {
    let mut m = market();
    for owner in [m.admin.clone(), m.operator.clone(), m.stranger.clone()] {
        m.deposit(&owner, 10).unwrap();
    }
    let charged = trade(&mut m, SELLER, FAR, 100, 100_000);
    crate::common::settle(&mut m, FAR, charged).unwrap();
    let first = m.running();
    let o = order(&mut m, (SELLER, NEAR), (first, 3), 10, 1_000);
    let trade_id = o.trade_id;
    open(&mut m, NEAR, o).unwrap();
    let ended = matches!(state, State::Ended | State::EndedPaused);
    m.windows(if ended { 4 } else { 1 });
    let live = m.live();
    m.state(SELLER, live, 500).unwrap();
    if matches!(state, State::Paused | State::EndedPaused) {
        pause(&mut m, true);
    }
    let buyer = m.homes[NEAR].meter;
    let mut t = trade(&mut m, SELLER, NEAR, 5, 1_000);
    t.cover = Some(m.cover(NEAR, live, 50));
    let set = LimitsChange {
        min_sell_price: Some(Price(1)),
        ..LimitsChange::default()
    };
    let running = m.running();
    let messages = vec![
        ExecuteMsg::Deposit {},
        ExecuteMsg::Withdraw {
            amount: Some(Micro(1)),
        },
        ExecuteMsg::SetLimits {
            meter: m.homes[SELLER].meter,
            set,
            remove: vec![],
        },
        ExecuteMsg::Settle { trade: t.clone() },
        ExecuteMsg::SettleBatch {
            trades: vec![t.clone()],
        },
        ExecuteMsg::SettleItem {
            sender: m.homes[NEAR].agent_address.to_string(),
            trade: t,
        },
        ExecuteMsg::OpenOrder {
            order: order(&mut m, (SELLER, NEAR), (running, 1), 10, 1_000),
        },
        ExecuteMsg::Deliver {
            buyer,
            trade_id,
            cover: None,
        },
        ExecuteMsg::CancelOrder { buyer, trade_id },
        ExecuteMsg::CloseOrder { buyer, trade_id },
        ExecuteMsg::WithdrawCharges {},
    ];
    (m, messages)
}

fn address(m: &Market, role: Role) -> Addr {
    match role {
        Admin => &m.admin,
        Registrar => &m.registrar,
        GridOperator => &m.operator,
        Regulator => &m.regulator,
        SellerOwner => &m.homes[SELLER].owner,
        SellerAgent => &m.homes[SELLER].agent_address,
        BuyerOwner => &m.homes[NEAR].owner,
        BuyerAgent => &m.homes[NEAR].agent_address,
        Neighbour => &m.homes[FAR].owner,
        Stranger => &m.stranger,
        Pool => &m.pool,
        Token => &m.token,
        Escrow => &m.escrow,
    }
    .clone()
}

#[test]
fn every_message_by_every_role_in_every_state() {
    let mut succeeded = 0;
    for state in STATES {
        let count = stage(state).1.len();
        for i in 0..count {
            for role in ROLES {
                // The stage is small; a fresh one for each case keeps the cases apart.
                let (mut m, messages) = stage(state);
                let msg = &messages[i];
                let sender = address(&m, role);
                let escrow = m.escrow.clone();
                let mut funds = vec![];
                if matches!(msg, ExecuteMsg::Deposit {}) {
                    if role == Escrow {
                        // It never sends itself a deposit: its coins would be owed twice.
                        continue;
                    }
                    funds = coins(3, DENOM);
                    let rich = m.stranger.clone();
                    m.app.send_tokens(rich, sender.clone(), &funds).unwrap();
                }
                let (roles, states) = row(msg);
                let may = roles.contains(&role) && states.contains(&state);
                let result = m.send(&sender, &escrow, msg, &funds);
                assert_eq!(
                    result.is_ok(),
                    may,
                    "{role:?} sends {msg:?} in {state:?}: {result:?}"
                );
                succeeded += u32::from(may);
                m.check().unwrap();
            }
        }
    }
    assert!(succeeded > 100, "{succeeded} cases succeed");
}

#[test]
fn a_batch_is_no_way_around() {
    for role in ROLES {
        let (mut m, messages) = stage(State::Live);
        let batch = messages
            .iter()
            .find(|msg| matches!(msg, ExecuteMsg::SettleBatch { .. }))
            .unwrap();
        let sender = address(&m, role);
        let response = m.escrow(&sender, batch).unwrap();
        let refused = (role != BuyerAgent).then(|| "UNAUTHORIZED".to_owned());
        assert_eq!(wattpool_fixtures::code_of(&response), [refused], "{role:?}");
    }
}

#[test]
fn only_a_deposit_takes_coins() {
    let (_, messages) = stage(State::Live);
    for i in 0..messages.len() {
        let (mut m, messages) = stage(State::Live);
        if matches!(messages[i], ExecuteMsg::Deposit {}) {
            continue;
        }
        let (roles, _) = row(&messages[i]);
        for role in roles {
            let sender = address(&m, *role);
            let (rich, funds, escrow) = (m.stranger.clone(), coins(1, DENOM), m.escrow.clone());
            m.app.send_tokens(rich, sender.clone(), &funds).unwrap();
            let error = m.send(&sender, &escrow, &messages[i], &funds).unwrap_err();
            assert_eq!(error.code(), Code::BadFunds, "{:?}", messages[i]);
        }
    }
}
