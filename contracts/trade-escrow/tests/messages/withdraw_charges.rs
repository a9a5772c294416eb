use crate::common::{market, only, only_the, settle, trade, FAR, SELLER};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::ExecuteMsg;
use wattpool_schema::event::{ChargesWithdrawn, MarketEvent};
use wattpool_schema::Micro;

#[test]
fn accrued_charges_go_to_the_grid_operator_once() {
    let mut m = market();
    let t = trade(&mut m, SELLER, FAR, 500, 100_000);
    settle(&mut m, FAR, t).unwrap();
    let operator = m.operator.clone();
    let before = m.bank(&operator);
    let response = m
        .escrow(&operator, &ExecuteMsg::WithdrawCharges {})
        .unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::ChargesWithdrawn(e) => Some(e),
        _ => None,
    });
    // 500 Wh at 10,000 per kWh.
    let amount = Micro(5_000);
    assert_eq!(
        event,
        ChargesWithdrawn {
            to: operator.to_string(),
            amount
        }
    );
    assert_eq!(m.bank(&operator), before + 5_000);
    assert_eq!(
        m.escrow(&operator, &ExecuteMsg::WithdrawCharges {})
            .unwrap_err(),
        MarketError::NothingDue
    );
    let admin = m.admin.clone();
    assert_eq!(
        m.escrow(&admin, &ExecuteMsg::WithdrawCharges {})
            .unwrap_err(),
        only_the("grid operator")
    );
    m.check_all().unwrap();
}
