//! From reading to trade, with two agents.

use crate::chain::{Chain, LEAD_S, LEN, W};
use crate::world::{info, meter, pass, start, Home, Paper, Steady, Town};
use std::sync::Arc;
use wattpool_core::io::{JournalEntry, Notice};
use wattpool_core::policy::Policy;
use wattpool_runtime::Ended;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Micro, Price, Wh};

struct Pair {
    chain: Arc<Chain>,
    town: Arc<Town>,
    seller: Home,
    buyer: Home,
    sellers: Paper,
    buyers: Paper,
}

fn export(wh: u64) -> Arc<Steady> {
    Arc::new(Steady {
        export: wh,
        ..Steady::default()
    })
}

fn import(wh: u64) -> Arc<Steady> {
    Arc::new(Steady {
        import: wh,
        ..Steady::default()
    })
}

fn pair() -> Pair {
    let chain = Chain::start(vec![info(1), info(2)]);
    let town = Arc::new(Town::default());
    let (sellers, buyers) = (Paper::default(), Paper::default());
    Pair {
        seller: start(1, &chain, &town, export(800), &sellers),
        buyer: start(2, &chain, &town, import(500), &buyers),
        chain,
        town,
        sellers,
        buyers,
    }
}

#[tokio::test(start_paused = true)]
async fn a_surplus_is_stated_offered_and_sold() {
    let p = pair();
    // The window that runs at the start has no registers at its beginning: the first one metered is the next.
    pass(LEAD_S + u64::from(LEN) - 60).await;
    assert_eq!(p.chain.stated().len(), 2, "of the window before the first");
    assert_eq!(p.chain.settled().len(), 1);
    pass(u64::from(LEN)).await;
    let trades = p.chain.settled();
    assert_eq!(trades.len(), 2);
    assert_eq!(trades[0].approval.approval.first_window, W.prev());
    assert_eq!(trades[1].approval.approval.first_window, W);
    for trade in &trades {
        assert_eq!(trade.wh, Wh(500), "the whole need");
    }
    let seller = p.seller.handle.status().await.unwrap();
    assert_eq!((seller.counters.sales, seller.counters.sold_wh), (2, 1_000));
    assert_eq!(seller.window.sold, Wh(500));
    assert_eq!(
        seller.window.promises, 0,
        "the chain's event freed the promise"
    );
    let buyer = p.buyer.handle.status().await.unwrap();
    assert_eq!(
        (buyer.counters.purchases, buyer.counters.bought_wh),
        (2, 1_000)
    );
    assert!(buyer.health.ok && seller.health.ok);
    assert_eq!(buyer.meters, 2);
    assert_eq!(buyer.window.spent_today, Micro(2));
    // What is done has been written down before, on both sides.
    let approved = |e: &&JournalEntry| matches!(e, JournalEntry::Approved { .. });
    let settling = |e: &&JournalEntry| matches!(e, JournalEntry::Settling(_));
    assert!(p
        .sellers
        .entries
        .lock()
        .unwrap()
        .iter()
        .any(|e| approved(&e)));
    assert!(p
        .buyers
        .entries
        .lock()
        .unwrap()
        .iter()
        .any(|e| settling(&e)));
    // The history of each has the trade.
    for paper in [&p.sellers, &p.buyers] {
        let noted = paper.noted.lock().unwrap();
        let closed = |e: &&MarketEvent| matches!(e, MarketEvent::TradeClosed(_));
        assert_eq!(noted.1.iter().filter(closed).count(), 2);
        assert!(noted.0.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_agent_takes_its_offer_back_and_goes_on_later() {
    let p = pair();
    p.buyer.handle.stop();
    assert_eq!(p.buyer.running.await.unwrap(), Ok(Ended::Stopped));
    pass(LEAD_S + 120).await;
    assert_eq!(p.town.records(), 2, "a status and an offer");
    p.seller.handle.stop();
    assert_eq!(p.seller.running.await.unwrap(), Ok(Ended::Stopped));
    assert_eq!(p.town.records(), 0);
    assert!(p.seller.handle.status().await.is_err());
    let stated = p.chain.stated().len();
    // Three windows later the meter is asked for all that was missed, and each is stated once.
    pass(3 * u64::from(LEN)).await;
    let again = start(1, &p.chain, &p.town, export(800), &p.sellers);
    pass(60).await;
    let all = p.chain.stated();
    assert_eq!(all.len(), stated + 3);
    for (n, pair) in all.windows(2).enumerate() {
        let (a, b) = (&pair[0].statement, &pair[1].statement);
        assert_eq!(a.window.next(), b.window, "statement {n}");
        assert_eq!(a.sequence + 1, b.sequence, "statement {n}");
    }
    assert!(again.handle.status().await.unwrap().health.ok);
}

#[tokio::test(start_paused = true)]
async fn the_owners_policy_is_durable_and_holds_at_once() {
    let p = pair();
    pass(5).await;
    let dear = Policy {
        min_sell_price: Some(Price(290_000)),
        ..Policy::default()
    };
    p.seller.handle.set_policy(dear.clone()).await.unwrap();
    let last = p.sellers.entries.lock().unwrap().last().cloned();
    assert_eq!(last, Some(JournalEntry::Policy(Box::new(dear.clone()))));
    p.buyer.handle.set_paused(true).await.unwrap();
    pass(LEAD_S + u64::from(LEN)).await;
    assert!(p.chain.settled().is_empty(), "the buyer pauses");
    p.buyer.handle.set_paused(false).await.unwrap();
    pass(u64::from(LEN)).await;
    let price = |n: usize| p.chain.settled()[n].approval.approval.price;
    assert_eq!(price(0), Price(290_000));
    // A new agent knows it from the journal.
    p.seller.handle.stop();
    p.seller.running.await.unwrap().unwrap();
    let again = start(1, &p.chain, &p.town, export(800), &p.sellers);
    pass(10).await;
    assert_eq!(again.handle.status().await.unwrap().policy, dear);
}

#[tokio::test(start_paused = true)]
async fn a_trade_waits_for_its_owner() {
    let p = pair();
    pass(5).await;
    let asking = Policy {
        manual_approval: true,
        ..Policy::default()
    };
    p.buyer.handle.set_policy(asking).await.unwrap();
    let mut awaiting = Vec::new();
    for _ in 0..u64::from(LEN) {
        pass(1).await;
        awaiting = p.buyer.handle.status().await.unwrap().awaiting;
        if !awaiting.is_empty() {
            break;
        }
    }
    assert_eq!(awaiting.len(), 1);
    assert_eq!((awaiting[0].partner, awaiting[0].wh), (meter(1), Wh(500)));
    assert!(p.chain.settled().is_empty());
    assert!(!p
        .buyer
        .handle
        .decide(awaiting[0].request + 1, true)
        .await
        .unwrap());
    assert!(p
        .buyer
        .handle
        .decide(awaiting[0].request, true)
        .await
        .unwrap());
    pass(10).await;
    let settled = p.chain.settled();
    assert_eq!(settled.len(), 1);
    // By its number the owner's history finds what became of it; the one that never waited was not decided.
    let request = awaiting[0].request;
    assert_eq!(settled[0].trade_id, request);
    let told = p.buyer.handle.status().await.unwrap().notices;
    let decided = told.iter().filter_map(|n| match n.notice {
        Notice::TradeDecided { request, accept } => Some((request, accept)),
        _ => None,
    });
    assert_eq!(decided.collect::<Vec<_>>(), [(request, true)]);
    assert!(told
        .iter()
        .any(|n| matches!(n.notice, Notice::Bought { .. })));
}
