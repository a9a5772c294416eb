use crate::common::{market, only, opened, pause, MONEY, NEAR, SELLER};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::ExecuteMsg;
use wattpool_schema::event::{MarketEvent, Withdrawn};
use wattpool_schema::Micro;

#[test]
fn free_money_goes_back_also_while_paused() {
    let mut m = market();
    pause(&mut m, true);
    let owner = m.homes[0].owner.clone();
    let before = m.bank(&owner);
    let amount = Some(Micro(7));
    let response = m.escrow(&owner, &ExecuteMsg::Withdraw { amount }).unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::Withdrawn(e) => Some(e),
        _ => None,
    });
    let free = Micro(MONEY - 7);
    let amount = Micro(7);
    assert_eq!(
        event,
        Withdrawn {
            owner: owner.to_string(),
            amount,
            free
        }
    );
    m.escrow(&owner, &ExecuteMsg::Withdraw { amount: None })
        .unwrap();
    assert_eq!(m.bank(&owner), before + u128::from(MONEY));
    m.check_all().unwrap();
}

#[test]
fn no_more_than_is_free() {
    let mut m = market();
    opened(&mut m, SELLER, NEAR, 1, 1_000, 100);
    let owner = m.homes[NEAR].owner.clone();
    let amount = Some(Micro(MONEY));
    assert_eq!(
        m.escrow(&owner, &ExecuteMsg::Withdraw { amount })
            .unwrap_err(),
        MarketError::InsufficientMoney {
            wanted: MONEY,
            there: MONEY - 100
        }
    );
    m.escrow(&owner, &ExecuteMsg::Withdraw { amount: None })
        .unwrap();
    assert_eq!(m.money(&owner), (Micro(0), Micro(100)));
    for amount in [None, Some(Micro(0))] {
        assert_eq!(
            m.escrow(&owner, &ExecuteMsg::Withdraw { amount })
                .unwrap_err(),
            MarketError::BadInput {
                field: "amount".into(),
                expected: "at least 1 micro-unit, and that much free in the account".into(),
            }
        );
    }
    m.check_all().unwrap();
}
