//! What is stored can be found and read by the public format alone, as one does who checks a storage proof.

use crate::common::{market, opened, settle, show_cover, trade, NEAR, SELLER, SURPLUS};
use cosmwasm_std::Addr;
use wattpool_fixtures::Market;
use wattpool_schema::escrow::{QueryMsg, TradeRecord, TradesResponse};
use wattpool_schema::packed::{self, Packed};
use wattpool_schema::pool::{self as messages, MeterPosition, TermsResponse};
use wattpool_schema::stored::escrow::{self, MeterBook, Order, Promises};
use wattpool_schema::stored::pool::{self, Meter, PairTerms, Rates};
use wattpool_schema::stored::{LAYOUT, LAYOUT_VERSION};
use wattpool_schema::{Wh, Window};

fn stored<T: Packed>(m: &Market, contract: &Addr, key: Vec<u8>) -> T {
    let found = m.app.wrap().query_wasm_raw(contract, key).unwrap();
    packed::read(&found.expect("stored under this key")).expect("of this layout")
}

#[test]
fn all_three_contracts_tell_their_layout() {
    let m = market();
    for contract in [&m.token, &m.pool, &m.escrow] {
        assert_eq!(stored::<u64>(&m, contract, LAYOUT.to_vec()), LAYOUT_VERSION);
    }
}

#[test]
fn meters_terms_and_positions_are_under_their_keys() {
    let mut m = market();
    show_cover(&mut m, NEAR, 300);
    let (seller, buyer) = (m.homes[SELLER].meter, m.homes[NEAR].meter);
    let terms: TermsResponse = m.ask_pool(&messages::QueryMsg::Terms { seller, buyer });
    let meter: Meter = stored(&m, &m.pool, pool::meter(seller));
    assert_eq!(meter.latest().owner, m.homes[SELLER].owner);
    assert_eq!(meter.latest().tenure, terms.seller.tenure);
    assert_eq!(meter.agent, terms.seller.agent);
    let position: MeterPosition = stored(&m, &m.pool, pool::position(seller));
    assert_eq!(
        (position.stated, position.minted),
        (Some(m.live()), Wh(SURPLUS))
    );
    let position: MeterPosition = stored(&m, &m.pool, pool::position(buyer));
    assert_eq!(
        (position.cover_window, position.covered),
        (m.live(), Wh(300))
    );
    let (import, feed_in): Rates = stored(&m, &m.pool, pool::tariffs(Window::ZERO));
    assert_eq!(
        (import, feed_in),
        (terms.tariffs.import, terms.tariffs.feed_in)
    );
    let pair = terms.pair.unwrap();
    let key = pool::pair(terms.seller.zone, terms.buyer.zone, Window::ZERO);
    let found: PairTerms = stored(&m, &m.pool, key);
    assert_eq!(found, (pair.loss, pair.charge, pair.capacity));
}

#[test]
fn limits_orders_and_closed_trades_are_under_their_keys() {
    let mut m = market();
    let id = opened(&mut m, SELLER, NEAR, 2, 100, 100_000);
    let t = trade(&mut m, SELLER, NEAR, 500, 100_000);
    let (spot, nonce) = (t.trade_id, t.approval.approval.nonce);
    settle(&mut m, NEAR, t).unwrap();
    let (seller, buyer) = (m.homes[SELLER].meter, m.homes[NEAR].meter);

    let book: MeterBook = stored(&m, &m.escrow, escrow::meter(&buyer));
    assert_eq!(book.limits, m.book_of(NEAR).limits);
    assert_eq!(book.bought, Wh(500));
    let promises: Promises = stored(&m, &m.escrow, escrow::promises(&buyer));
    assert_eq!(promises.buys, [id]);
    let order: Order = stored(&m, &m.escrow, escrow::order(&buyer, id));
    assert_eq!(
        (order.seller, order.wh, order.locked),
        (seller, Wh(100), book.locked)
    );

    let by_buyer = escrow::numbered(escrow::BY_BUYER, &buyer, spot);
    assert_eq!(stored::<Option<u64>>(&m, &m.escrow, by_buyer), Some(0));
    let by_seller = escrow::numbered(escrow::BY_SELLER, &seller, nonce);
    assert_eq!(stored::<Option<u64>>(&m, &m.escrow, by_seller), Some(0));
    let open = escrow::numbered(escrow::BY_BUYER, &buyer, id);
    assert_eq!(stored::<Option<u64>>(&m, &m.escrow, open), None);
    let record: TradeRecord = stored(&m, &m.escrow, escrow::record(0));
    let question = QueryMsg::Trades {
        start_after: None,
        limit: None,
    };
    let told: TradesResponse = m.ask_escrow(&question);
    assert_eq!(told.trades, [record]);
}
