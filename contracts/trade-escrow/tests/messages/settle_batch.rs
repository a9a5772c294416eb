use crate::common::{market, only_the, pause, trade, FAR, MONEY, NEAR, SELLER};
use cosmwasm_std::Uint128;
use cw_multi_test::AppResponse;
use wattpool_fixtures::{code_of, events_of, Market};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg, SettleTrade};
use wattpool_schema::event::{ItemRefused, MarketEvent};
use wattpool_schema::token::ExecuteMsg as Token;
use wattpool_schema::{Micro, Wh};

const PRICE: u64 = 100_000;

fn batch(m: &mut Market, trades: Vec<SettleTrade>) -> Result<AppResponse, MarketError> {
    let sender = m.homes[NEAR].agent_address.clone();
    m.escrow(&sender, &ExecuteMsg::SettleBatch { trades })
}

fn refusals(response: &AppResponse) -> Vec<ItemRefused> {
    let events = events_of(&response.events).into_iter();
    events
        .filter_map(|e| match e {
            MarketEvent::ItemRefused(e) => Some(e),
            _ => None,
        })
        .collect()
}

/// A trade with a cover for all trades of the test together.
fn item(m: &mut Market, wh: u64) -> SettleTrade {
    let mut t = trade(m, SELLER, NEAR, wh, PRICE);
    t.cover = Some(m.cover(NEAR, m.live(), 2_000));
    t
}

#[test]
fn every_item_is_answered_by_itself() {
    let mut m = market();
    let first = item(&mut m, 300);
    let too_much = item(&mut m, 701);
    let mut forged = item(&mut m, 10);
    forged.cover.as_mut().unwrap().signature.0[0] ^= 1;
    let of_another = trade(&mut m, SELLER, FAR, 10, PRICE);
    let last = item(&mut m, 100);
    let trades = vec![first.clone(), first, too_much, of_another, last];
    let response = batch(&mut m, trades).unwrap();
    let codes: Vec<Option<&str>> = vec![
        None,
        None,
        Some("UNSOLD_TOO_FEW"),
        Some("UNAUTHORIZED"),
        None,
    ];
    let found = code_of(&response);
    assert_eq!(
        found.iter().map(Option::as_deref).collect::<Vec<_>>(),
        codes
    );
    assert_eq!(
        refusals(&response),
        [
            ItemRefused {
                index: 2,
                code: "UNSOLD_TOO_FEW".into()
            },
            ItemRefused {
                index: 3,
                code: "UNAUTHORIZED".into()
            },
        ]
    );
    assert_eq!(m.watch.closed, 2);
    assert_eq!(
        m.money(&m.homes[SELLER].owner.clone()).0,
        Micro(MONEY + 40_000)
    );
    m.check_all().unwrap();
    // A cover that proves nothing new is not even looked at, so that forging it gains nothing.
    let response = batch(&mut m, vec![forged]).unwrap();
    assert_eq!(code_of(&response), [None]);
    m.check_all().unwrap();
}

#[test]
fn a_failure_in_another_contract_undoes_its_item_only() {
    let mut m = market();
    let first = item(&mut m, 300);
    let mut forged = item(&mut m, 10);
    forged.cover.as_mut().unwrap().signature.0[0] ^= 1;
    let last = item(&mut m, 100);
    let response = batch(&mut m, vec![forged, first, last]).unwrap();
    let failed = Some("EXECUTION_FAILED".to_owned());
    assert_eq!(code_of(&response), [failed.clone(), None, None]);
    m.check_all().unwrap();
    let mut forged = item(&mut m, 10);
    forged.cover.as_mut().unwrap().cover.import_wh = Wh(2_001);
    let good = item(&mut m, 1);
    let response = batch(&mut m, vec![good, forged]).unwrap();
    assert_eq!(code_of(&response), [None, failed]);
    m.check_all().unwrap();
}

#[test]
fn what_the_token_would_refuse_is_a_code_too() {
    let mut m = market();
    let from = m.homes[SELLER].owner.clone();
    let pass = Token::Transfer {
        recipient: m.stranger.to_string(),
        amount: Uint128::new(900),
    };
    m.token(&from, &pass).unwrap();
    let trades = vec![item(&mut m, 101), item(&mut m, 100)];
    let response = batch(&mut m, trades).unwrap();
    assert_eq!(
        code_of(&response),
        [Some("INSUFFICIENT_OWN".to_owned()), None]
    );
    m.check_all().unwrap();
}

#[test]
fn the_whole_batch_may_be_refused_item_by_item() {
    let mut m = market();
    let trades = vec![item(&mut m, 1), item(&mut m, 1)];
    pause(&mut m, true);
    let before = m.app.dump_wasm_raw(&m.escrow.clone());
    let response = batch(&mut m, trades).unwrap();
    let paused = Some("PAUSED".to_owned());
    assert_eq!(code_of(&response), [paused.clone(), paused]);
    assert_eq!(m.app.dump_wasm_raw(&m.escrow.clone()), before);
}

#[test]
fn one_to_fifty_items() {
    let mut m = market();
    let size = MarketError::BadInput {
        field: "trades".into(),
        expected: "1 to 50 trades".into(),
    };
    assert_eq!(batch(&mut m, vec![]).unwrap_err(), size);
    let trades: Vec<SettleTrade> = (0..51).map(|_| item(&mut m, 1)).collect();
    assert_eq!(batch(&mut m, trades.clone()).unwrap_err(), size);
    let response = batch(&mut m, trades[..50].to_vec()).unwrap();
    assert_eq!(code_of(&response), vec![None; 50]);
    assert_eq!(m.holding(&m.homes[SELLER].owner.clone()).0, Wh(950));
    m.check_all().unwrap();
}

#[test]
fn nobody_sends_an_item_but_the_escrow() {
    let mut m = market();
    let trade = item(&mut m, 1);
    let agent = m.homes[NEAR].agent_address.clone();
    let msg = ExecuteMsg::SettleItem {
        sender: agent.to_string(),
        trade,
    };
    for sender in [agent, m.admin.clone(), m.pool.clone()] {
        assert_eq!(
            m.escrow(&sender, &msg).unwrap_err(),
            only_the("escrow itself")
        );
    }
}
