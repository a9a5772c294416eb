//! What fails around an agent: the home stays supplied, the agent says what is wrong and recovers by itself.

use crate::chain::{Chain, LEAD_S, LEN};
use crate::world::{info, meter, pass, start, Paper, Steady, Town};
use std::sync::Arc;
use wattpool_core::io::Gate;
use wattpool_runtime::{Ended, Part, RunError};
use wattpool_schema::event::{AgentSet, MarketEvent};

fn meter_of(export: u64) -> Arc<Steady> {
    Arc::new(Steady {
        export,
        ..Steady::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_dead_chain_opens_the_gate_and_a_living_one_is_followed_again() {
    let chain = Chain::start(vec![info(1)]);
    let (town, paper) = (Arc::default(), Paper::default());
    let steady = Arc::new(Steady {
        import: 400,
        ..Steady::default()
    });
    let home = start(1, &chain, &town, steady, &paper);
    // A window's worth of history makes a forecast and with it a limit.
    pass(LEAD_S + 98 * u64::from(LEN)).await;
    let limit = home.gate.0.lock().unwrap().last().copied();
    assert_eq!(limit, Some(Gate::Limit(wattpool_schema::Wh(700))));
    chain.set_down(true);
    pass(30).await;
    let health = home.handle.health();
    assert!(!health.ok);
    assert_eq!(health.troubles.len(), 1);
    assert_eq!(health.troubles[0].part, Part::Chain);
    assert_eq!(
        health.troubles[0].why,
        "the chain does not answer: it is down"
    );
    assert_eq!(home.gate.0.lock().unwrap().last(), Some(&Gate::Open));
    // It asks again, ever more slowly.
    let calls = chain.calls();
    pass(3 * u64::from(LEN)).await;
    let calls = chain.calls() - calls;
    assert!((30..=120).contains(&calls), "{calls} calls in 45 minutes");
    let stated = chain.stated().len();
    chain.set_down(false);
    pass(2 * u64::from(LEN)).await;
    let status = home.handle.status().await.unwrap();
    assert!(status.health.ok, "{:?}", status.health);
    assert!(status.counters.windows_missed >= 2);
    // No window is left out or stated twice.
    let all = chain.stated();
    assert!(all.len() >= stated + 4);
    for pair in all.windows(2) {
        assert_eq!(pair[0].statement.window.next(), pair[1].statement.window);
    }
    assert_ne!(home.gate.0.lock().unwrap().last(), Some(&Gate::Open));
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_is_dead_at_the_start_is_waited_for() {
    let chain = Chain::start(vec![info(1)]);
    chain.set_down(true);
    let (town, paper) = (Arc::default(), Paper::default());
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(300).await;
    let status = home.handle.status().await.unwrap();
    assert_eq!((status.health.ok, status.health.started), (false, false));
    chain.set_down(false);
    pass(120).await;
    assert!(home.handle.health().ok);
}

#[tokio::test(start_paused = true)]
async fn a_silent_meter_is_asked_again_and_no_window_is_lost() {
    let chain = Chain::start(vec![info(1)]);
    let (town, paper) = (Arc::default(), Paper::default());
    let steady = meter_of(100);
    let home = start(1, &chain, &town, Arc::clone(&steady), &paper);
    pass(LEAD_S + 60).await;
    assert_eq!(chain.stated().len(), 1);
    *steady.silent.lock().unwrap() = true;
    pass(2 * u64::from(LEN)).await;
    assert_eq!(home.handle.health().troubles[0].part, Part::Meter);
    assert_eq!(chain.stated().len(), 1);
    *steady.silent.lock().unwrap() = false;
    pass(180).await;
    assert!(home.handle.health().ok);
    assert_eq!(chain.stated().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_durable_journal_nothing_is_done() {
    let chain = Chain::start(vec![info(1)]);
    let (town, paper) = (Arc::default(), Paper::default());
    *paper.full.lock().unwrap() = true;
    let home = start(1, &chain, &town, meter_of(100), &paper);
    let Err(RunError::Journal(error)) = home.running.await.unwrap() else {
        panic!("it went on");
    };
    assert_eq!(error.to_string(), "journal paper: it is full");
    pass(60).await;
    assert!(chain.stated().is_empty());
    assert_eq!(home.gate.0.lock().unwrap().last(), Some(&Gate::Open));
}

#[tokio::test(start_paused = true)]
async fn another_registration_ends_the_agent() {
    let chain = Chain::start(vec![info(1), info(2)]);
    let town: Arc<Town> = Arc::default();
    let paper = Paper::default();
    let home = start(1, &chain, &town, meter_of(100), &paper);
    pass(20).await;
    let set = |n: u8| {
        MarketEvent::AgentSet(AgentSet {
            meter: meter(n),
            agent: None,
            agent_address: None,
            zone: wattpool_schema::Zone(0),
            kind: wattpool_schema::pool::MeterKind::Pv,
            max_export: wattpool_schema::Wh(1_000_000),
            max_import: wattpool_schema::Wh(1_000_000),
        })
    };
    chain.happens(set(2));
    pass(10).await;
    assert_eq!(home.handle.status().await.unwrap().meters, 1);
    chain.happens(set(1));
    assert_eq!(home.running.await.unwrap(), Ok(Ended::RegistrationChanged));
}
