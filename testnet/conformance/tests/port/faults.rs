//! What can go wrong between an agent and a real chain. Whatever it is: each trade once or not at all, no coin and no
//! Wh unaccounted, and a clear word.

use crate::node::{address, key, settings, Setup, World};
use crate::proxy::{dead, hanging, Proxy};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;
use wattpool_conformance::port::party::Keys;
use wattpool_conformance::port::Party;
use wattpool_core::io::{MarketTx, TxFailure};
use wattpool_core::ports::ledger::{Ledger, LedgerError};
use wattpool_ledger_wasmd::ended_well;
use wattpool_ledger_wasmd::message::{coin, grant_fees};
use wattpool_ledger_wasmd::{Account, Gas, WasmdLedger};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Window, PAYMENT_DENOM};

/// A world in which the seller has stated 9,000 Wh of the live window.
pub async fn trading() -> (World, Party<WasmdLedger>, Window) {
    let mut world = World::start(Setup::default()).await;
    let seller = world.party(1).await;
    // The meters are registered since the running window: what they meter in it is traded in the next.
    let live = seller.window(seller.ledger.head().await.unwrap());
    seller.wait_for(live.next()).await;
    let statement = MarketTx::State(vec![seller.statement(live, 1, 9_000)]);
    let stated = seller.ledger.execute(statement).await.outcome.unwrap();
    assert!(
        stated.iter().any(|e| matches!(e, MarketEvent::Minted(_))),
        "{stated:?}"
    );
    (world, seller, live)
}

/// A trade under an id that is the nonce too.
pub fn trade(
    seller: &Party<WasmdLedger>,
    buyer: &Party<WasmdLedger>,
    live: Window,
    id: u64,
    wh: u64,
) -> MarketTx {
    let approval = seller.sign(seller.approval(buyer.meter(), live, wh, id));
    MarketTx::Settle(Box::new(buyer.trade(
        id,
        approval,
        Some(buyer.cover(live, 9_000)),
    )))
}

/// Number of trades that the events close.
pub fn closed(outcome: &Result<Vec<MarketEvent>, TxFailure>) -> usize {
    let events = outcome.as_ref().unwrap();
    let closed = |e: &&MarketEvent| matches!(e, MarketEvent::TradeClosed(_));
    events.iter().filter(closed).count()
}

#[tokio::test]
async fn dead_and_hanging_addresses_are_passed_over() {
    let (world, seller, live) = trading().await;
    let (hangs, _listener) = hanging().await;
    let mut rpc = vec![dead().await, hangs.clone()];
    rpc.extend(world.net.rpc_addresses());
    let mut settings = settings(rpc);
    settings.deadline = Duration::from_secs(2);
    let buyer = world.party_by(2, settings.clone(), None).await;
    let outcome = buyer
        .ledger
        .execute(trade(&seller, &buyer, live, 1, 500))
        .await
        .outcome;
    assert_eq!(closed(&outcome), 1);
    world.check_energy(&seller, &[&buyer], 500).await;
    world.check_books().await;

    // None left: a clear word, and nothing is under way.
    settings.rpc = vec![dead().await, hangs];
    let error = WasmdLedger::connect(settings, world.market.clone(), key(&buyer.keys.agent), None)
        .await
        .err()
        .unwrap();
    let LedgerError::Unreachable(text) = error else {
        panic!("{error:?}");
    };
    assert!(
        text.contains("cannot connect") && text.contains("no answer to status within 2s"),
        "{text}"
    );
}

#[tokio::test]
async fn a_lost_answer_to_what_landed_is_found_again() {
    let (world, seller, live) = trading().await;
    let proxy = Proxy::start(&world.net.rpc_addresses()[0], 2).await;
    let buyer = world
        .party_by(2, settings(vec![proxy.url.clone()]), None)
        .await;
    for id in 1..=2 {
        let outcome = buyer
            .ledger
            .execute(trade(&seller, &buyer, live, id, 500))
            .await
            .outcome;
        assert_eq!(closed(&outcome), 1, "trade {id}");
    }
    assert_eq!(proxy.lose.load(Ordering::SeqCst), 0, "answers were lost");
    let again = buyer
        .ledger
        .execute(trade(&seller, &buyer, live, 2, 500))
        .await
        .outcome;
    assert_eq!(again, Ok(Vec::new()), "sending again is harmless");
    world.check_energy(&seller, &[&buyer], 1_000).await;
    world.check_books().await;
    assert_eq!(world.book().await.trades, 2);
}

#[tokio::test]
async fn two_clients_of_one_key_do_not_stand_in_each_others_way() {
    let (mut world, seller, live) = trading().await;
    let (one, two) = (world.party(2).await, world.party(2).await);
    for round in 0..4 {
        let (a, b) = (2 * round + 1, 2 * round + 2);
        let (first, second) = tokio::join!(
            one.ledger.execute(trade(&seller, &one, live, a, 300)),
            two.ledger.execute(trade(&seller, &two, live, b, 300)),
        );
        for (id, executed) in [(a, first), (b, second)] {
            let mut outcome = executed.outcome;
            // Both lost the race for the sequence twice: it says so, and the same is sent again.
            while let Err(TxFailure::Unsent(why)) = &outcome {
                assert!(
                    why.contains("sequence") || why.contains("in no block"),
                    "{why}"
                );
                outcome = one
                    .ledger
                    .execute(trade(&seller, &one, live, id, 300))
                    .await
                    .outcome;
            }
            assert_eq!(closed(&outcome), 1, "trade {id}");
        }
    }
    assert_eq!(world.book().await.trades, 8);
    world.check_energy(&seller, &[&one], 2_400).await;
    world.check_books().await;
}

#[tokio::test]
async fn too_low_a_fee_is_said_and_nothing_is_done() {
    let (mut world, seller, live) = trading().await;
    let mut low = settings(world.net.rpc_addresses());
    low.gas_price = "0.0000001uwatt".parse().unwrap();
    let mean = world.party_by(2, low, None).await;
    let trade = trade(&seller, &mean, live, 1, 500);
    let Err(TxFailure::Unsent(why)) = mean.ledger.execute(trade.clone()).await.outcome else {
        panic!("it was sent");
    };
    assert!(why.contains("insufficient fee"), "{why}");
    assert_eq!(world.book().await.trades, 0);
    let buyer = world.party(2).await;
    assert_eq!(closed(&buyer.ledger.execute(trade).await.outcome), 1);
    world.check_books().await;
}

#[tokio::test]
async fn an_agent_without_coins_says_so_and_trades_once_its_fees_are_granted() {
    let (mut world, seller, live) = trading().await;
    let poor = world.party(4).await;
    let trade = trade(&seller, &poor, live, 1, 500);
    let Err(TxFailure::Unsent(why)) = poor.ledger.execute(trade.clone()).await.outcome else {
        panic!("it was sent");
    };
    assert!(
        why.contains("the chain does not know this account"),
        "{why}"
    );

    let community = key(&Keys::of(1).owner);
    let granter = community.address().to_owned();
    let account = Account::new(Arc::clone(&world.client), community, None);
    let agent = address(&poor.keys.agent);
    let limit = vec![coin(100_000, PAYMENT_DENOM)];
    let grant = grant_fees(&granter, &agent, limit, None);
    ended_well(account.send(vec![grant], Gas::Simulated).await.unwrap()).unwrap();
    let by = settings(world.net.rpc_addresses());
    let paid_for = world.party_by(4, by, Some(granter)).await;
    let outcome = paid_for.ledger.execute(trade).await.outcome;
    assert_eq!(closed(&outcome), 1);
    let left = world
        .client
        .rpc()
        .balance(&agent, PAYMENT_DENOM)
        .await
        .unwrap();
    assert_eq!(left, 0, "the community paid");
    world.check_books().await;
}

#[tokio::test]
async fn what_runs_out_of_gas_is_sent_again_with_more_and_above_the_ceiling_it_is_said() {
    let (world, seller, live) = trading().await;
    let mut tight = settings(world.net.rpc_addresses());
    tight.gas_ceiling = 100_000;
    let buyer = world.party_by(2, tight, None).await;
    let outcome = buyer
        .ledger
        .execute(trade(&seller, &buyer, live, 1, 500))
        .await
        .outcome;
    let Err(TxFailure::Unknown(why)) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("gas needed, the ceiling is 100000"), "{why}");
    assert_eq!(world.book().await.trades, 0);

    // Ten per cent less than the simulation used: the first try fails in its block.
    let account = Account::new(Arc::clone(&world.client), key(&buyer.keys.agent), None);
    let begin = world.client.head().await.unwrap().height;
    let mut scarce = settings(world.net.rpc_addresses());
    scarce.gas_margin_percent = 100;
    let buyer = world.party_by(2, scarce, None).await;
    let outcome = buyer
        .ledger
        .execute(trade(&seller, &buyer, live, 1, 500))
        .await
        .outcome;
    assert_eq!(closed(&outcome), 1);
    let end = world.client.head().await.unwrap().height;
    let mut codes = Vec::new();
    for height in begin + 1..=end {
        let results = world.client.rpc().block_results(height).await.unwrap();
        codes.extend(
            results
                .transactions
                .iter()
                .map(|t| (t.codespace.clone(), t.code)),
        );
    }
    assert_eq!(
        codes,
        [("sdk".to_owned(), 11), (String::new(), 0)],
        "out of gas, then executed"
    );
    let state = world
        .client
        .rpc()
        .account(account.address())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(state.sequence, 2);
    world.check_energy(&seller, &[&buyer], 500).await;
    world.check_books().await;
}

#[tokio::test]
async fn a_clock_five_minutes_off_changes_no_trade() {
    let (mut world, seller, live) = trading().await;
    let buyer = world.party(2).await;
    let now = world.client.head().await.unwrap().time.0;
    for (id, stamp) in [(1, now - 300), (2, now + 300)] {
        let mut approval = seller.approval(buyer.meter(), live, 500, id);
        approval.requested_at.0 = stamp;
        let cover = Some(buyer.cover(live, 9_000));
        let trade = buyer.trade(id, seller.sign(approval), cover);
        let outcome = buyer
            .ledger
            .execute(MarketTx::Settle(Box::new(trade)))
            .await
            .outcome;
        assert_eq!(closed(&outcome), 1, "asked at {stamp}, now {now}");
    }
    world.check_energy(&seller, &[&buyer], 1_000).await;
    world.check_books().await;
}
