//! Time of the market's messages on the in-process chain with trusted signatures: statements, settles singly
//! and in batches, opening and delivering. `cargo bench -p wattpool-contract-harness`.

// A measurement on numbers of its own making.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use std::time::{Duration, Instant};
use wattpool_contract_harness::{Market, Setup};
use wattpool_schema::escrow::{ExecuteMsg, OpenOrder, SettleTrade};
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{Wh, Zone};

const HOMES: usize = 200;
const WINDOWS: u64 = 20;

fn main() {
    let mut m = Market::new(&Setup {
        real_signatures: false,
        homes: vec![Zone(0); HOMES],
        owners: HOMES,
        ..Setup::default()
    });
    for i in 0..HOMES {
        let owner = m.homes[i].owner.clone();
        m.deposit(&owner, 100_000_000).expect("coins");
    }
    m.windows(2);
    let mut spent = [Duration::ZERO; 5];
    let mut done = [0u32; 5];
    for _ in 0..WINDOWS {
        m.windows(1);
        let live = m.live();
        for first in (0..HOMES / 2).step_by(50) {
            let statements: Vec<_> = (first..first + 50)
                .map(|i| m.statement(i, live, 1_000))
                .collect();
            let sender = m.stranger.clone();
            timed(&mut spent[0], || {
                m.pool(&sender, &Pool::State { statements })
                    .expect("statements are taken");
            });
            done[0] += 50;
        }
        for seller in 0..HOMES / 2 {
            let buyer = seller + HOMES / 2;
            let sender = m.homes[buyer].agent_address.clone();
            let single = trade(&mut m, seller, buyer, 100);
            timed(&mut spent[1], || {
                m.escrow(&sender, &ExecuteMsg::Settle { trade: single })
                    .expect("it settles");
            });
            done[1] += 1;
            let trades: Vec<_> = (0..5).map(|_| trade(&mut m, seller, buyer, 20)).collect();
            timed(&mut spent[2], || {
                m.escrow(&sender, &ExecuteMsg::SettleBatch { trades })
                    .expect("a batch answers");
            });
            done[2] += 5;
        }
    }
    for seller in 0..HOMES / 2 {
        let buyer = seller + HOMES / 2;
        let approval = m.forward(seller, buyer, (m.running(), 96), 10, 100_000);
        let order = OpenOrder {
            trade_id: m.homes[buyer].next_trade_id(),
            wh: Wh(10),
            approval: m.approve(seller, approval),
        };
        let sender = m.homes[buyer].agent_address.clone();
        timed(&mut spent[3], || {
            m.escrow(&sender, &ExecuteMsg::OpenOrder { order })
                .expect("it opens");
        });
        done[3] += 1;
    }
    for _ in 0..WINDOWS {
        m.windows(1);
        let live = m.live();
        for seller in 0..HOMES / 2 {
            m.state(seller, live, 1_000).expect("it states");
            let home = seller + HOMES / 2;
            let msg = ExecuteMsg::Deliver {
                buyer: m.homes[home].meter,
                trade_id: m.homes[home].trade_id,
                cover: Some(m.cover(home, live, 10)),
            };
            let sender = m.homes[home].agent_address.clone();
            timed(&mut spent[4], || {
                m.escrow(&sender, &msg).expect("it delivers");
            });
            done[4] += 1;
        }
    }
    m.check().expect("the invariants hold");
    let names = [
        "statement in a batch of 50",
        "settle",
        "settle in a batch of 5",
        "open order",
        "deliver",
    ];
    for ((name, spent), done) in names.iter().zip(spent).zip(done) {
        let each = spent.as_nanos() / u128::from(done);
        println!("{name:28} {:6}.{:01} us", each / 1_000, each % 1_000 / 100);
    }
}

fn timed(sum: &mut Duration, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    *sum += start.elapsed();
}

fn trade(m: &mut Market, seller: usize, buyer: usize, wh: u64) -> SettleTrade {
    let approval = m.spot(seller, buyer, wh, 100_000);
    SettleTrade {
        trade_id: m.homes[buyer].next_trade_id(),
        wh: Wh(wh),
        approval: m.approve(seller, approval),
        cover: Some(m.cover(buyer, m.live(), 200)),
    }
}
