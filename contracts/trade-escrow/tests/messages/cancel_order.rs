use crate::common::{
    cancel, close, deliver, market, only, only_the, open, opened, order, order_of, pause, MONEY,
    NEAR, SELLER,
};
use wattpool_schema::error::MarketError;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Micro, Wh};

const PRICE: u64 = 100_000;

#[test]
fn it_ends_with_the_running_window_and_frees_the_rest() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 4, 100, PRICE);
    m.windows(1);
    let owner = m.homes[SELLER].owner.clone();
    pause(&mut m, true);
    let response = cancel(&mut m, &owner, NEAR, id).unwrap();
    pause(&mut m, false);
    let event = only(&response, |e| match e {
        MarketEvent::OrderCancelled(e) => Some(e),
        _ => None,
    });
    assert_eq!(
        (event.last_window, event.refunded),
        (m.running(), Micro(20_000))
    );
    let o = order_of(&m, NEAR, id);
    assert_eq!(
        (o.last_window, o.locked, o.cancelled),
        (m.running(), Micro(20_000), true)
    );
    assert_eq!(
        cancel(&mut m, &owner, NEAR, id).unwrap_err(),
        MarketError::OrderCancelled
    );
    m.check_all().unwrap();
    // Both windows are still delivered.
    for _ in 0..2 {
        let live = m.live();
        m.state(SELLER, live, 100).unwrap();
        let cover = Some(m.cover(NEAR, live, 100));
        deliver(&mut m, NEAR, NEAR, id, cover).unwrap();
        m.windows(1);
    }
    close(&mut m, &owner, NEAR, id).unwrap();
    let record = &m.log()[0];
    assert_eq!(
        (record.count, record.asked, record.arrived),
        (2, Wh(200), Wh(200))
    );
    m.check_all().unwrap();
}

#[test]
fn one_that_has_not_begun_never_begins() {
    let mut m = market();
    let first = m.running().plus(1);
    let o = order(&mut m, (SELLER, NEAR), (first, 4), 100, PRICE);
    let id = o.trade_id;
    open(&mut m, NEAR, o.clone()).unwrap();
    let agent = m.homes[NEAR].agent_address.clone();
    cancel(&mut m, &agent, NEAR, id).unwrap();
    let owner = m.homes[NEAR].owner.clone();
    assert_eq!(m.money(&owner), (Micro(MONEY), Micro(0)));
    close(&mut m, &agent, NEAR, id).unwrap();
    let record = &m.log()[0];
    assert_eq!(
        (record.count, record.asked, record.closed_at),
        (0, Wh(0), m.now())
    );
    assert_eq!(m.book_of(SELLER).statistics, Default::default());
    // Its approval is consumed all the same.
    let mut again = o;
    again.trade_id = 9;
    let nonce = again.approval.approval.nonce;
    assert_eq!(
        open(&mut m, NEAR, again).unwrap_err(),
        MarketError::NonceUsed { nonce }
    );
    m.check_all().unwrap();
}

#[test]
fn by_agents_and_owners_of_either_side_only() {
    let mut m = market();
    let parties = [
        m.homes[SELLER].owner.clone(),
        m.homes[SELLER].agent_address.clone(),
        m.homes[NEAR].owner.clone(),
        m.homes[NEAR].agent_address.clone(),
    ];
    for party in parties {
        let id = opened(&mut m, SELLER, NEAR, 4, 100, PRICE);
        for other in [
            m.stranger.clone(),
            m.admin.clone(),
            m.homes[2].owner.clone(),
        ] {
            assert_eq!(
                cancel(&mut m, &other, NEAR, id).unwrap_err(),
                only_the("agent or owner of either side")
            );
        }
        cancel(&mut m, &party, NEAR, id).unwrap();
    }
    m.check_all().unwrap();
}

#[test]
fn nothing_to_cancel() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 1, 100, PRICE);
    let owner = m.homes[NEAR].owner.clone();
    assert_eq!(
        cancel(&mut m, &owner, NEAR, id).unwrap_err(),
        MarketError::BadInput {
            field: "trade_id".into(),
            expected: format!("an order with windows after {}", m.running()),
        }
    );
    assert_eq!(
        cancel(&mut m, &owner, NEAR, 77).unwrap_err(),
        MarketError::UnknownTrade { trade_id: 77 }
    );
}
