//! What an agent needs to live for years: chains that stand, forget or lie, fees that run out, owners that are early or late.

use crate::chain::{Chain, FEE, LEAD_S, LEN};
use crate::world::{info, meter, pass, start, Home, Paper, Steady, Town};
use std::sync::Arc;
use wattpool_core::io::{Gate, JournalEntry};
use wattpool_core::policy::Policy;
use wattpool_runtime::{Awaiting, Part};
use wattpool_schema::{Micro, Wh};

fn meter_of(export: u64) -> Arc<Steady> {
    Arc::new(Steady {
        export,
        ..Steady::default()
    })
}

fn alone() -> (Arc<Chain>, Arc<Town>, Paper) {
    (
        Chain::start(vec![info(1)]),
        Arc::default(),
        Paper::default(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_home_without_fees_says_so_and_states_everything_when_they_are_there() {
    let (chain, town, paper) = alone();
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(LEAD_S + 60).await;
    assert!(home.handle.health().ok);
    chain.set_broke(true);
    pass(24 * 3600).await;
    let status = home.handle.status().await.unwrap();
    assert!(!status.health.ok);
    let why = &status.health.troubles[0];
    assert_eq!(why.part, Part::Trading);
    assert!(why.why.contains("insufficient funds"), "{why:?}");
    let sent = status.counters.transactions;
    assert!(sent < 600, "{sent} tries in a day");
    chain.set_broke(false);
    pass(u64::from(LEN) + 120).await;
    let all = chain.stated();
    for pair in all.windows(2) {
        assert_eq!(pair[0].statement.window.next(), pair[1].statement.window);
    }
    assert!(all.len() >= 97, "{}", all.len());
    assert!(home.handle.health().ok, "{:?}", home.handle.health());
}

#[tokio::test(start_paused = true)]
async fn fees_are_told_in_days_before_they_run_out() {
    let (chain, town, paper) = alone();
    chain.set_fees_left(Micro(200 * FEE));
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(24 * 3600).await;
    let fees = home.handle.health().fees.unwrap();
    // Ninety-six statements a day; a look is at most a quarter of an hour old.
    assert!(
        (103 * FEE..=106 * FEE).contains(&fees.left.unwrap().0),
        "{fees:?}"
    );
    assert_eq!(fees.days, Some(1));
    let health = home.handle.health();
    assert!(health.ok, "{health:?}");
    assert!(health.warnings[0].contains("lasts 1 days"), "{health:?}");
    chain.set_fees_left(Micro(2_000 * FEE));
    pass(3600).await;
    let health = home.handle.health();
    assert_eq!(health.warnings, Vec::<String>::new());
    assert!(health.fees.unwrap().days.unwrap() >= 19, "{health:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_hides_the_account_stops_no_home() {
    let (chain, town, paper) = alone();
    chain.set_fees_left(Micro(200 * FEE));
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(3600).await;
    let known = home.handle.health().fees;
    assert!(known.is_some());
    chain.set_hides_fees(true);
    for _ in 0..24 {
        pass(3600).await;
        let health = home.handle.health();
        assert!(health.ok, "{health:?}");
        assert_eq!(health.fees, known);
    }
    chain.set_hides_fees(false);
    pass(3600).await;
    let left = home.handle.health().fees.unwrap().left.unwrap().0;
    assert!(left < known.unwrap().left.unwrap().0 - 90 * FEE, "{left}");
}

#[tokio::test(start_paused = true)]
async fn blocks_that_nobody_keeps_are_passed_over() {
    let (chain, town, paper) = alone();
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(LEAD_S + 60).await;
    chain.set_down(true);
    pass(2 * 3600).await;
    chain.prune();
    chain.set_down(false);
    pass(2 * u64::from(LEN)).await;
    let status = home.handle.status().await.unwrap();
    assert!(status.health.ok, "{:?}", status.health);
    assert!(status.block.height + 2 >= chain.height());
    for pair in chain.stated().windows(2) {
        assert_eq!(pair[0].statement.window.next(), pair[1].statement.window);
    }
    assert!(chain.stated().len() >= 9, "{}", chain.stated().len());
    // And after a restart: the history has a gap, the agent has none.
    home.handle.stop();
    let _ = home.running.await;
    let home = start(1, &chain, &town, meter_of(100), &paper);
    let (mut bad, before) = (0, paper.noted.lock().unwrap().0);
    for _ in 0..300 {
        pass(7).await;
        bad += u32::from(!home.handle.health().ok);
    }
    // The first looks are at a start.
    assert!(bad <= 2, "{bad} of 300 looks unhealthy");
    assert!(paper.noted.lock().unwrap().0 > before);
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_stands_is_noticed_and_the_gate_is_open() {
    let (chain, town, paper) = alone();
    let steady = Arc::new(Steady {
        import: 400,
        ..Steady::default()
    });
    let home = start(1, &chain, &town, steady, &paper);
    pass(LEAD_S + 98 * u64::from(LEN)).await;
    assert_ne!(home.handle.status().await.unwrap().gate, Gate::Open);
    chain.set_stalled(true);
    pass(180).await;
    let health = home.handle.health();
    assert!(!health.ok && health.block_age_s >= Some(120), "{health:?}");
    assert_eq!(health.troubles[0].part, Part::Chain);
    assert!(health.troubles[0].why.starts_with("no block after"));
    assert_eq!(health.gate, Some(Gate::Open));
    pass(3 * 86_400).await;
    chain.set_stalled(false);
    pass(2 * u64::from(LEN)).await;
    let status = home.handle.status().await.unwrap();
    assert!(status.health.ok, "{:?}", status.health);
    for pair in chain.stated().windows(2) {
        assert_eq!(pair[0].statement.window.next(), pair[1].statement.window);
    }
    assert!(chain.stated().len() > 98 + 288, "{}", chain.stated().len());
}

#[tokio::test(start_paused = true)]
async fn one_lying_header_is_asked_for_again() {
    let (chain, town, paper) = alone();
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(LEAD_S + 60).await;
    chain.lie_once();
    pass(3).await;
    pass(3 * u64::from(LEN)).await;
    let status = home.handle.status().await.unwrap();
    assert!(status.health.ok, "{:?}", status.health);
    assert_eq!(chain.stated().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_owner_is_obeyed_before_the_chain_has_answered() {
    let (chain, town, paper) = alone();
    chain.set_down(true);
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(30).await;
    home.handle.set_paused(true).await.unwrap();
    assert!(home.handle.status().await.unwrap().policy.paused);
    let journalled = |paper: &Paper| {
        let entries = paper.entries.lock().unwrap();
        entries
            .iter()
            .any(|e| matches!(e, JournalEntry::Policy(p) if p.paused))
    };
    assert!(journalled(&paper));
    home.handle.stop();
    let _ = home.running.await;
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(1).await;
    assert!(
        home.handle.status().await.unwrap().policy.paused,
        "it survives"
    );
    chain.set_down(false);
    pass(LEAD_S + 600).await;
    assert!(home.handle.status().await.unwrap().policy.paused);
    assert_eq!(town.records(), 0, "nothing is offered");
}

#[tokio::test(start_paused = true)]
async fn a_trade_waits_for_its_seller_s_owner_and_no_longer_than_its_window() {
    let chain = Chain::start(vec![info(1), info(2)]);
    let town: Arc<Town> = Arc::default();
    let papers = [Paper::default(), Paper::default()];
    let seller = start(1, &chain, &town, meter_of(500), &papers[0]);
    let steady = Arc::new(Steady {
        import: 400,
        ..Steady::default()
    });
    let _buyer = start(2, &chain, &town, steady, &papers[1]);
    pass(5).await;
    let by_hand = Policy {
        manual_approval: true,
        ..Policy::default()
    };
    seller.handle.set_policy(by_hand).await.unwrap();
    let mut waits = waiting(&seller).await;
    assert_eq!((waits.partner, waits.wh), (meter(2), Wh(400)));
    assert!(waits.selling && waits.price.0 >= 100_000);
    // Nobody decides: it is gone with its window.
    pass(u64::from(LEN)).await;
    assert_eq!(seller.handle.decide(waits.request, true).await, Ok(false));
    assert!(chain.settled().is_empty());
    // The owner takes some minutes: the buyer asks again and gets it.
    waits = waiting(&seller).await;
    pass(200).await;
    assert!(chain.settled().is_empty());
    assert_eq!(seller.handle.decide(waits.request, true).await, Ok(true));
    pass(120).await;
    let settled = chain.settled();
    assert_eq!(settled.len(), 1);
    assert_eq!(
        (settled[0].approval.approval.buyer, settled[0].wh),
        (meter(2), Wh(400))
    );
}

/// The first trade that waits for this home's owner.
async fn waiting(home: &Home) -> Awaiting {
    for _ in 0..LEN {
        pass(1).await;
        if let Some(first) = home.handle.status().await.unwrap().awaiting.first() {
            return *first;
        }
    }
    panic!("nothing waits for the owner");
}
