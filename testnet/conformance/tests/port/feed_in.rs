//! An agent claims its owner's feed-in credit on a real chain: when it pays, and once.

use crate::node::{settings, words, Setup, World};
use wattpool_core::io::MarketTx;
use wattpool_core::ports::ledger::Ledger;
use wattpool_ledger_wasmd::message::coin;
use wattpool_ledger_wasmd::{call, Account, Claimed};
use wattpool_schema::pool::{ExecuteMsg as Pool, FeedInResponse, QueryMsg, Tariffs};
use wattpool_schema::{Micro, Window, PAYMENT_DENOM};

/// Seconds of a window: two of them have to end before anything is due.
const WINDOW_S: u32 = 6;

#[tokio::test]
async fn due_credit_is_paid_once_and_what_is_not_worth_a_claim_waits() {
    let world = World::start(Setup {
        window_s: Some(WINDOW_S),
        ..Setup::default()
    })
    .await;
    let operator = Account::new(world.client.clone(), words(&world.net, "admin"), None);
    let pool = &world.market.pool.address;
    let party = world
        .party_by(1, settings(world.net.rpc_addresses()), None)
        .await;
    let (meter, rpc) = (party.meter(), world.client.rpc());
    let funds = vec![coin(5_000_000, PAYMENT_DENOM)];
    call(&operator, pool, &Pool::FundReserve {}, funds)
        .await
        .unwrap();
    let tariff = rpc
        .smart::<Tariffs>(
            pool,
            &QueryMsg::Tariffs {
                window: Window(u64::MAX / 2),
            },
        )
        .await
        .unwrap()
        .feed_in
        .0
        .unsigned_abs();
    let mut paid = 0;
    // A Wh, and then a kWh, which pays a hundred times what a claim costs.
    for (sequence, wh, claimed) in [(1, 1, false), (2, 1_000, true)] {
        let begin = party.ledger.head().await.unwrap();
        let live = party.window(begin);
        party.wait_for(live.next()).await;
        let statement = party.statement(live, sequence, wh);
        party
            .ledger
            .execute(MarketTx::State(vec![statement]))
            .await
            .outcome
            .unwrap();
        assert_eq!(
            party.ledger.claim_feed_in(meter).await.unwrap(),
            None,
            "not due yet"
        );
        party.wait_for(live.plus(2)).await;
        call(
            &operator,
            pool,
            &Pool::ConfirmFeedIn { through: live },
            Vec::new(),
        )
        .await
        .unwrap();
        next_block(&world).await;
        let found = party.ledger.claim_feed_in(meter).await.unwrap();
        next_block(&world).await;
        // The Wh that waited comes with the next kWh.
        let due = if sequence == 2 {
            tariff + tariff / 1_000
        } else {
            wh * tariff / 1_000
        };
        let expected = claimed.then_some(Claimed {
            paid: Micro(due),
            held: Micro(0),
        });
        assert_eq!(found, expected, "{wh} Wh");
        paid += found.map_or(0, |found| found.paid.0);
        assert_eq!(
            party.ledger.claim_feed_in(meter).await.unwrap(),
            None,
            "once"
        );
    }
    let question = QueryMsg::FeedIn {
        owner: party.owner.clone(),
        start_after: None,
        limit: None,
    };
    let credit: FeedInResponse = rpc.smart(pool, &question).await.unwrap();
    assert_eq!((credit.paid, credit.owed), (Micro(paid), Micro(0)));
}

/// A node tells what became of a block's transactions before its state can be asked for: with the next block it can.
async fn next_block(world: &World) {
    let head = world.client.head().await.unwrap();
    world.client.wait_height(head.height + 1).await.unwrap();
}
