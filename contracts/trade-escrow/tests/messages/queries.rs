use crate::common::{market, settle, trade, NEAR, SELLER};
use wattpool_schema::escrow::{BookResponse, QueryMsg, TradeRecord, TradeStatus, TradesResponse};
use wattpool_schema::record::record_digest;
use wattpool_schema::{Digest32, Micro};

#[test]
fn the_log_is_paged_and_indexed_and_chains() {
    let mut m = market();
    for _ in 0..35 {
        let mut t = trade(&mut m, SELLER, NEAR, 5, 1_000);
        t.cover = Some(m.cover(NEAR, m.live(), 200));
        settle(&mut m, NEAR, t).unwrap();
    }
    let page = |start_after, limit| -> Vec<u64> {
        let page: TradesResponse = m.ask_escrow(&QueryMsg::Trades { start_after, limit });
        page.trades.iter().map(|t| t.sequence).collect()
    };
    assert_eq!(page(None, None), (0..30).collect::<Vec<_>>());
    assert_eq!(page(Some(29), None), (30..35).collect::<Vec<_>>());
    assert_eq!(page(Some(32), Some(1)), [33]);
    assert_eq!(page(None, Some(1_000)).len(), 35);
    assert!(page(Some(u64::MAX), None).is_empty() && page(Some(34), None).is_empty());
    let meter = m.homes[NEAR].meter;
    let start_after = Some(33);
    let bought: TradesResponse = m.ask_escrow(&QueryMsg::Purchases {
        meter,
        start_after,
        limit: None,
    });
    assert_eq!(
        bought.trades.iter().map(|t| t.trade_id).collect::<Vec<_>>(),
        [34, 35]
    );
    let meter = m.homes[SELLER].meter;
    let sold: TradesResponse = m.ask_escrow(&QueryMsg::Sales {
        meter,
        start_after,
        limit: Some(1),
    });
    assert_eq!(
        sold.trades.iter().map(|t| t.nonce).collect::<Vec<_>>(),
        [34]
    );
    let head = m
        .log()
        .iter()
        .fold(Digest32::default(), |h, r| record_digest(&h, r));
    let book: BookResponse = m.ask_escrow(&QueryMsg::Book {});
    assert_eq!((book.head, book.trades, book.locked), (head, 35, Micro(0)));
}

#[test]
fn what_is_not_there() {
    let m = market();
    let buyer = m.homes[0].meter;
    let status: TradeStatus = m.ask_escrow(&QueryMsg::TradeOf { buyer, trade_id: 4 });
    assert_eq!(status, TradeStatus::Unknown {});
    let used: bool = m.ask_escrow(&QueryMsg::NonceUsed {
        seller: buyer,
        nonce: 4,
    });
    assert!(!used);
    let trade = m.ask::<TradeRecord>(&m.escrow, &QueryMsg::Trade { sequence: 0 });
    assert!(trade.unwrap_err().contains("[UNKNOWN_TRADE]"));
    let order = m.ask::<TradeRecord>(&m.escrow, &QueryMsg::Order { buyer, trade_id: 4 });
    assert!(order.unwrap_err().contains("[UNKNOWN_TRADE]"));
}
