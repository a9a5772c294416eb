//! Nodes that are killed, and a chain that halts.

use crate::faults::{closed, trade, trading};
use crate::node::{Setup, World};
use std::time::Duration;
use wattpool_core::io::{MarketTx, TxFailure};
use wattpool_core::ports::ledger::Ledger;
use wattpool_schema::error::Code;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::Wh;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_killed_in_mid_trade_loses_and_doubles_nothing() {
    let (mut world, seller, live) = trading().await;
    let buyer = world.party(2).await;
    let kills = [0, 40, 120, 250];
    for (id, wait_ms) in (1..).zip(kills) {
        let executing = buyer.ledger.execute(trade(&seller, &buyer, live, id, 500));
        let killing = async {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            world.net.kill(0).unwrap();
            // Long enough for the client to see that nobody answers.
            tokio::time::sleep(Duration::from_millis(300)).await;
            tokio::task::block_in_place(|| world.net.resume()).unwrap();
        };
        let (executed, ()) = tokio::join!(executing, killing);
        let mut outcome = executed.outcome;
        while let Err(TxFailure::Unsent(why)) = &outcome {
            // Killed before it was sent, which it says, or started again and without a block yet; the same is
            // sent again.
            let known = ["no address of the chain answers", "Block (unix) time"];
            assert!(known.iter().any(|text| why.contains(text)), "{why}");
            outcome = buyer
                .ledger
                .execute(trade(&seller, &buyer, live, id, 500))
                .await
                .outcome;
        }
        assert_eq!(closed(&outcome), 1, "trade {id}, killed after {wait_ms} ms");
    }
    assert_eq!(world.book().await.trades, 4);
    world.check_energy(&seller, &[&buyer], 2_000).await;
    world.check_books().await;
    follows_without_a_gap(&world, &seller.ledger, 4).await;
}

/// Every block once, across the restarts, with every trade once.
async fn follows_without_a_gap(world: &World, ledger: &impl Ledger, trades: usize) {
    let end = world.client.head().await.unwrap().height;
    let (mut height, mut seen) = (0, 0);
    while height < end {
        let news = ledger.next_block(height).await.unwrap();
        assert_eq!(news.block.height, height + 1);
        height = news.block.height;
        seen += closed(&Ok(news.events));
    }
    assert_eq!(seen, trades);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_halted_for_more_than_two_windows_accounts_for_everything() {
    let window_s = 10;
    let mut world = World::start(Setup {
        window_s: Some(window_s),
        ..Setup::default()
    })
    .await;
    let (seller, buyer) = (world.party(1).await, world.party(2).await);
    let running = seller.window(seller.ledger.head().await.unwrap()).next();
    seller.wait_for(running).await;
    let live = running.prev();
    let statement = MarketTx::State(vec![seller.statement(live, 1, 5_000)]);
    seller.ledger.execute(statement).await.outcome.unwrap();
    let first = buyer
        .ledger
        .execute(trade(&seller, &buyer, live, 1, 500))
        .await
        .outcome;
    assert_eq!(closed(&first), 1);

    world.net.freeze(0).unwrap();
    let executing = buyer.ledger.execute(trade(&seller, &buyer, live, 2, 700));
    let halting = async {
        tokio::time::sleep(Duration::from_secs(u64::from(window_s) * 5 / 2)).await;
        world.net.thaw(0).unwrap();
    };
    let (executed, ()) = tokio::join!(executing, halting);
    let mut outcome = executed.outcome;
    while let Err(TxFailure::Unsent(why)) = &outcome {
        assert!(
            why.contains("no address of the chain answers") || why.contains("in no block"),
            "{why}"
        );
        outcome = buyer
            .ledger
            .execute(trade(&seller, &buyer, live, 2, 700))
            .await
            .outcome;
    }
    // The first block after a halt bears the time from before it: the trade may still have been in time.
    let arrived = match &outcome {
        Ok(events) => {
            assert!(events
                .iter()
                .any(|e| matches!(e, MarketEvent::TradeClosed(_))));
            1_200
        }
        Err(TxFailure::Refused(Code::WindowClosed | Code::ApprovalExpired)) => 500,
        other => panic!("{other:?}"),
    };
    let book = world.book().await;
    assert_eq!(book.trades, if arrived == 500 { 1 } else { 2 });
    world.check_books().await;
    let record = seller.ledger.seller(seller.meter()).await.unwrap();
    assert_eq!(record.arrived_wh, arrived);

    // The window that went by in the halt is stated late: feed-in credit, not tokens.
    let head = seller.ledger.head().await.unwrap();
    let now = seller
        .wait_for(running.plus(2).max(seller.window(head)))
        .await;
    assert!(seller.window(now) >= running.plus(2));
    let late = MarketTx::State(vec![seller.statement(running, 2, 800)]);
    let events = seller.ledger.execute(late).await.outcome.unwrap();
    let stated = events.iter().find_map(|e| match e {
        MarketEvent::Stated(s) => Some((s.window, s.wh, s.minted)),
        _ => None,
    });
    assert_eq!(stated, Some((running, Wh(800), false)));
}
