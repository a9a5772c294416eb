use crate::common::{market, only, MONEY};
use cosmwasm_std::{coin, coins};
use wattpool_fixtures::setup::{DENOM, FOREIGN_DENOM};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::ExecuteMsg;
use wattpool_schema::event::{Deposited, MarketEvent};
use wattpool_schema::Micro;

#[test]
fn coins_become_free_money_of_the_sender() {
    let mut m = market();
    let owner = m.homes[0].owner.clone();
    let response = m.deposit(&owner, 5).unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::Deposited(e) => Some(e),
        _ => None,
    });
    let free = Micro(MONEY + 5);
    assert_eq!(
        event,
        Deposited {
            owner: owner.to_string(),
            amount: Micro(5),
            free
        }
    );
    assert_eq!(m.money(&owner), (free, Micro(0)));
    m.check_all().unwrap();
}

#[test]
fn exactly_one_coin_of_the_denomination() {
    let mut m = market();
    let (owner, escrow) = (m.homes[0].owner.clone(), m.escrow.clone());
    let refusal = MarketError::BadFunds {
        expected: format!("exactly one coin of {DENOM}, from 1 to {}", u64::MAX),
    };
    for funds in [
        vec![],
        coins(1, FOREIGN_DENOM),
        vec![coin(1, FOREIGN_DENOM), coin(1, DENOM)],
    ] {
        let result = m.send(&owner, &escrow, &ExecuteMsg::Deposit {}, &funds);
        assert_eq!(result.unwrap_err(), refusal, "{funds:?}");
    }
    m.check_all().unwrap();
}
