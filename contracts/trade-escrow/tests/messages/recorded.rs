//! The state that an earlier version stored, taken over by this one: what was closed stays closed, and the hash chain goes on.
//!
//! `contracts/fixtures/recorded` has a file for each version: what lay in the three contracts after a course of trades, and what they answered. A release
//! records its own: `WATTPOOL_RECORD=1 cargo test -p trade-escrow --test messages recorded`.

use crate::common::{deliver, market, opened, order_of, settle, trade, FAR, NEAR, SELLER};
use cosmwasm_std::{coins, Addr, Timestamp};
use cw_multi_test::Executor;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wattpool_fixtures::setup::DENOM;
use wattpool_fixtures::{Market, Setup};
use wattpool_schema::escrow::{BookResponse, ExecuteMsg, MigrateMsg, QueryMsg, TradesResponse};
use wattpool_schema::record::record_digest;
use wattpool_schema::{pool, token, Digest32, Window};

/// A home's counters: what it signs next must be new.
#[derive(Serialize, Deserialize)]
struct Counters {
    sequence: u64,
    trade_id: u64,
    nonce: u64,
}

/// Everything that outlives a program.
#[derive(Serialize, Deserialize)]
struct Recorded {
    version: String,
    time: u64,
    height: u64,
    /// An order that runs: its id. The seller is [`SELLER`], the buyer [`NEAR`].
    order: u64,
    homes: Vec<Counters>,
    /// Coins of the contracts: pool and escrow.
    bank: [u64; 2],
    /// Keys and values in hexadecimal: token, pool, escrow.
    state: [BTreeMap<String, String>; 3],
    /// What each question was answered.
    answers: BTreeMap<String, Value>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/recorded")
}

/// All that the contracts tell of this course.
fn answers(m: &Market, first: Window, last: Window) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut ask = |contract: &Addr, question: Value| {
        let answer: Value = m.ask(contract, &question).unwrap();
        all.insert(format!("{contract} {question}"), answer);
    };
    for question in [
        QueryMsg::Config {},
        QueryMsg::Book {},
        QueryMsg::Trades {
            start_after: None,
            limit: Some(100),
        },
    ] {
        ask(&m.escrow, json!(question));
    }
    for question in [
        pool::QueryMsg::Config {},
        pool::QueryMsg::Reserve {},
        pool::QueryMsg::ZonePairs {
            window: last,
            start_after: None,
            limit: Some(100),
        },
    ] {
        ask(&m.pool, json!(question));
    }
    for window in (first.0..=last.0).map(Window) {
        ask(&m.pool, json!(pool::QueryMsg::Tariffs { window }));
    }
    for home in &m.homes {
        let (meter, owner) = (home.meter, home.owner.to_string());
        ask(&m.pool, json!(pool::QueryMsg::Meter { meter }));
        ask(&m.escrow, json!(QueryMsg::Meter { meter }));
        ask(
            &m.escrow,
            json!(QueryMsg::Account {
                owner: owner.clone(),
            }),
        );
        let (start_after, limit) = (None, Some(100));
        ask(
            &m.escrow,
            json!(QueryMsg::Sales {
                meter,
                start_after,
                limit,
            }),
        );
        ask(&m.token, json!(token::QueryMsg::Holding { address: owner }));
    }
    all
}

/// Trades over three windows, between zones too; an order that runs, one delivery of it made.
fn record() -> Recorded {
    let mut m = market();
    let first = m.live();
    // With what each shows of its import by then.
    for (buyer, wh, price, shown) in [
        (NEAR, 120, 150_000, 120),
        (FAR, 93, 200_000, 93),
        (NEAR, 7, 90_000, 127),
    ] {
        let mut trade = trade(&mut m, SELLER, buyer, wh, price);
        trade.cover = Some(m.cover(buyer, first, shown));
        settle(&mut m, buyer, trade).unwrap();
    }
    let order = opened(&mut m, SELLER, NEAR, 40, 50, 140_000);
    m.windows(1);
    m.advance(30);
    let live = m.live();
    m.state(SELLER, live, 800).unwrap();
    let cover = m.cover(NEAR, live, 50);
    deliver(&mut m, NEAR, NEAR, order, Some(cover)).unwrap();
    m.advance(200);
    let trade = trade(&mut m, SELLER, FAR, 300, 210_000);
    settle(&mut m, FAR, trade).unwrap();
    let last = m.live();
    let contracts = [&m.token, &m.pool, &m.escrow];
    Recorded {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: m.now().0,
        height: m.app.block_info().height,
        order,
        homes: m
            .homes
            .iter()
            .map(|home| Counters {
                sequence: home.sequence,
                trade_id: home.trade_id,
                nonce: home.nonce,
            })
            .collect(),
        bank: [&m.pool, &m.escrow].map(|contract| u64::try_from(m.bank(contract)).unwrap()),
        state: contracts.map(|contract| {
            let rows = m.app.dump_wasm_raw(contract).into_iter();
            rows.map(|(key, value)| (hex::encode(key), hex::encode(value)))
                .collect()
        }),
        answers: answers(&m, first, last),
    }
}

/// A chain whose contracts' state is the recorded one.
fn chain_with(recorded: &Recorded) -> Market {
    let mut m = Market::new(&Setup::default());
    m.app.update_block(|block| {
        block.time = Timestamp::from_seconds(recorded.time);
        block.height = recorded.height;
    });
    let contracts = [m.token.clone(), m.pool.clone(), m.escrow.clone()];
    for (contract, state) in contracts.iter().zip(&recorded.state) {
        let there = m.app.dump_wasm_raw(contract);
        let mut storage = m.app.contract_storage_mut(contract);
        there.iter().for_each(|(key, _)| storage.remove(key));
        for (key, value) in state {
            storage.set(&hex::decode(key).unwrap(), &hex::decode(value).unwrap());
        }
    }
    let contracts = [m.pool.clone(), m.escrow.clone()];
    for (contract, amount) in contracts.iter().zip(recorded.bank) {
        if amount > 0 {
            let (from, coins) = (m.stranger.clone(), coins(u128::from(amount), DENOM));
            m.app.send_tokens(from, contract.clone(), &coins).unwrap();
        }
    }
    for (home, counters) in m.homes.iter_mut().zip(&recorded.homes) {
        (home.sequence, home.trade_id, home.nonce) =
            (counters.sequence, counters.trade_id, counters.nonce);
    }
    m
}

#[test]
fn what_an_earlier_version_stored_is_taken_over() {
    let version = env!("CARGO_PKG_VERSION");
    if std::env::var_os("WATTPOOL_RECORD").is_some() {
        let text = serde_json::to_string_pretty(&record()).unwrap();
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(folder().join(format!("{version}.json")), text + "\n").unwrap();
    }
    let files = std::fs::read_dir(folder()).unwrap();
    let mut tried = 0;
    for file in files {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        let recorded: Recorded = serde_json::from_str(&text).unwrap();
        let mut m = chain_with(&recorded);
        let admin = m.admin.clone();
        for contract in [m.token.clone(), m.pool.clone(), m.escrow.clone()] {
            let code = m.app.contract_data(&contract).unwrap().code_id;
            let by = admin.clone();
            let moved = m.app.migrate_contract(by, contract, &MigrateMsg {}, code);
            moved.unwrap_or_else(|e| panic!("{}: {e:#}", recorded.version));
        }
        // What was said before is said again.
        for (question, expected) in &recorded.answers {
            let (contract, question) = question.split_once(' ').unwrap();
            let question: Value = serde_json::from_str(question).unwrap();
            let found: Value = m.ask(&Addr::unchecked(contract), &question).unwrap();
            assert_eq!(&found, expected, "{}: {question}", recorded.version);
        }
        // The log's chain of hashes is that of its records, and goes on.
        let closed = |m: &Market| -> TradesResponse {
            let (start_after, limit) = (None, Some(100));
            m.ask_escrow(&QueryMsg::Trades { start_after, limit })
        };
        let head = |m: &Market| {
            let hash = |head, record: &_| record_digest(&head, record);
            let trades = closed(m).trades;
            trades.iter().fold(Digest32::default(), hash)
        };
        let before: BookResponse = m.ask_escrow(&QueryMsg::Book {});
        assert!(before.trades >= 4);
        assert_eq!(before.head, head(&m), "{}", recorded.version);
        (m.watch.closed, m.watch.head) = (before.trades, before.head);
        let mut trade = trade(&mut m, SELLER, NEAR, 11, 160_000);
        // 50 Wh of this window came by the order.
        trade.cover = Some(m.cover(NEAR, m.live(), 61));
        settle(&mut m, NEAR, trade).unwrap();
        let after: BookResponse = m.ask_escrow(&QueryMsg::Book {});
        assert_eq!(after.trades, before.trades + 1);
        assert_eq!(after.head, head(&m), "{}", recorded.version);
        // The order that ran runs on, and who has money takes it out.
        m.windows(1);
        m.advance(30);
        let live = m.live();
        m.state(SELLER, live, 500).unwrap();
        let delivered = order_of(&m, NEAR, recorded.order).delivered;
        let cover = m.cover(NEAR, live, 50);
        deliver(&mut m, NEAR, NEAR, recorded.order, Some(cover)).unwrap();
        assert!(order_of(&m, NEAR, recorded.order).delivered > delivered);
        let owner = m.homes[SELLER].owner.clone();
        let (had, (free, _)) = (m.bank(&owner), m.money(&owner));
        m.escrow(&owner, &ExecuteMsg::Withdraw { amount: None })
            .unwrap();
        assert_eq!(m.bank(&owner), had + u128::from(free.0));
        // What an earlier version's books say is due can be held, set aside, and paid.
        m.windows(8);
        let (operator, regulator) = (m.operator.clone(), m.regulator.clone());
        let pool_address = m.pool.clone();
        let fund = pool::ExecuteMsg::FundReserve {};
        m.send(&operator, &pool_address, &fund, &coins(10_000_000, DENOM))
            .unwrap();
        let through = m.live().prev();
        let (owner, from) = (owner.to_string(), Window(1));
        let hold = pool::ExecuteMsg::HoldCredit {
            owner: owner.clone(),
            from,
            through,
            reason: pool::HoldReason::MeterFault,
        };
        m.pool(&operator, &hold).unwrap();
        m.pool(&operator, &pool::ExecuteMsg::ConfirmFeedIn { through })
            .unwrap();
        let claim = pool::ExecuteMsg::ClaimFeedIn {
            owner: owner.clone(),
            limit: Some(100),
        };
        m.pool(&operator, &claim).unwrap();
        let aside = m.holds()[0].set_aside;
        assert!(!aside.is_zero(), "{}", recorded.version);
        let had = m.bank(&m.homes[SELLER].owner);
        let release = pool::ExecuteMsg::ReleaseHold { owner, from };
        m.pool(&regulator, &release).unwrap();
        m.pool(&operator, &claim).unwrap();
        let more = m.bank(&m.homes[SELLER].owner) - had;
        assert_eq!(more, u128::from(aside.0), "{}", recorded.version);
        tried += 1;
    }
    assert!(tried > 0, "no recorded state");
}
