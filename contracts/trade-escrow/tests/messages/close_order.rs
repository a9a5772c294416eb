use crate::common::{close, deliver, market, only, opened, order_of, pause, FAR, MONEY, SELLER};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{QueryMsg, TradeStatus};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{Micro, TradeKind, Wh};

const PRICE: u64 = 100_000;

#[test]
fn anyone_closes_what_has_ended_also_while_paused() {
    let mut m = market();
    let id = opened(&mut m, SELLER, FAR, 2, 100, PRICE);
    let last = m.running().plus(1);
    let stranger = m.stranger.clone();
    m.windows(1);
    let live = m.live();
    m.state(SELLER, live, 1_000).unwrap();
    let cover = Some(m.cover(FAR, live, 40));
    deliver(&mut m, FAR, FAR, id, cover).unwrap();
    let delivered_at = m.now();
    m.windows(1);
    assert_eq!(
        close(&mut m, &stranger, FAR, id).unwrap_err(),
        MarketError::OrderStillOpen { until: last }
    );
    m.windows(1);
    pause(&mut m, true);
    let response = close(&mut m, &stranger, FAR, id).unwrap();
    let event = only(&response, |e| match e {
        MarketEvent::TradeClosed(e) => Some(e),
        _ => None,
    });
    assert_eq!(
        (
            event.kind,
            event.asked,
            event.arrived,
            event.declined,
            event.missed,
            event.lost
        ),
        (TradeKind::Forward, Wh(200), Wh(40), Wh(160), Wh(0), Wh(4))
    );
    assert_eq!(
        (event.paid, event.charge, event.closed_at),
        (Micro(4_000), Micro(400), delivered_at)
    );
    let owner = m.homes[FAR].owner.clone();
    assert_eq!(m.money(&owner), (Micro(MONEY - 4_400), Micro(0)));
    assert!(m.book_of(SELLER).sells.is_empty() && m.book_of(FAR).buys.is_empty());
    let s = m.book_of(SELLER).statistics;
    assert_eq!(
        (s.sales, s.asked, s.arrived, s.missed),
        (1, Wh(40), Wh(40), Wh(0))
    );
    let buyer = m.homes[FAR].meter;
    let status: TradeStatus = m.ask_escrow(&QueryMsg::TradeOf {
        buyer,
        trade_id: id,
    });
    assert!(matches!(status, TradeStatus::Closed { record } if record.head_is(&m)));
    assert_eq!(
        close(&mut m, &stranger, FAR, id).unwrap_err(),
        MarketError::UnknownTrade { trade_id: id }
    );
    m.check_all().unwrap();
}

/// The head of the log follows from its only record.
trait HeadIs {
    fn head_is(&self, m: &wattpool_fixtures::Market) -> bool;
}

impl HeadIs for wattpool_schema::escrow::TradeRecord {
    fn head_is(&self, m: &wattpool_fixtures::Market) -> bool {
        let book: wattpool_schema::escrow::BookResponse = m.ask_escrow(&QueryMsg::Book {});
        book.head == wattpool_schema::escrow::record_digest(&Default::default(), self)
    }
}

#[test]
fn the_money_goes_back_to_who_locked_it() {
    let mut m = market();
    let id = opened(&mut m, SELLER, FAR, 2, 100, PRICE);
    let (meter, owner) = (m.homes[FAR].meter, m.homes[FAR].owner.clone());
    let heir = m.homes[3].owner.clone();
    let to = Some(heir.to_string());
    m.pool(&owner, &Pool::ProposeOwner { meter, owner: to })
        .unwrap();
    m.pool(&heir, &Pool::AcceptOwner { meter }).unwrap();
    assert_eq!(order_of(&m, FAR, id).locked, Micro(22_000));
    m.windows(3);
    let stranger = m.stranger.clone();
    close(&mut m, &stranger, FAR, id).unwrap();
    assert_eq!(m.money(&owner), (Micro(MONEY), Micro(0)));
    assert_eq!(m.money(&heir), (Micro(MONEY), Micro(0)));
    m.check_all().unwrap();
}

#[test]
fn long_after_its_end_it_closes_the_same() {
    let mut m = market();
    let id = opened(&mut m, SELLER, FAR, 96, 100, PRICE);
    m.windows(1_000);
    let stranger = m.stranger.clone();
    close(&mut m, &stranger, FAR, id).unwrap();
    let record = &m.log()[0];
    assert_eq!((record.asked, record.declined), (Wh(9_600), Wh(9_600)));
    assert_eq!(m.book_of(SELLER).statistics, Default::default());
    m.check_all().unwrap();
}
