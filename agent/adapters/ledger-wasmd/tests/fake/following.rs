//! Following blocks: all of them, in order, and only the market's own events.

use crate::node::{settings, Node};
use serde_json::json;
use std::sync::Arc;
use wattpool_core::ports::ledger::LedgerError;
use wattpool_ledger_wasmd::{Client, Deployed, Follower, Market};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::Seconds;

pub fn market() -> Market {
    let contract = |name: &str| Deployed {
        address: format!("watt1{name}"),
        code_id: 1,
        checksum: String::new(),
        pinned: false,
    };
    Market {
        version: 1,
        chain_id: "played-1".into(),
        address_prefix: "watt".into(),
        denom: "uwatt".into(),
        window_seconds: 60,
        first_part_seconds: 20,
        code_administrator: None,
        trusted: None,
        token: contract("token"),
        pool: contract("pool"),
        escrow: contract("escrow"),
    }
}

async fn follower(node: &Node) -> Follower {
    let client = Arc::new(Client::connect(settings(&[node])).await.unwrap());
    Follower::new(client, Arc::new(market()))
}

fn pause(contract: &str, paused: &str) -> serde_json::Value {
    json!({"type": "wasm-pause_set", "attributes": [
        {"key": "_contract_address", "value": contract, "index": true},
        {"key": "paused", "value": paused, "index": true},
        {"key": "msg_index", "value": "0", "index": true},
    ]})
}

#[tokio::test]
async fn every_block_comes_once_and_look_alikes_are_left_out() {
    let node = Node::start().await;
    {
        let mut chain = node.chain();
        chain.height = 50;
        chain.blocks = vec![(3, vec![vec![1]]), (30, vec![vec![2]])];
        chain.result = json!({"code": 0, "events": [
            {"type": "tx", "attributes": [{"key": "fee", "value": "5uwatt"}]},
            pause("watt1foreign", "true"),
            {"type": "pause_set", "attributes": [
                {"key": "_contract_address", "value": "watt1pool"}, {"key": "paused", "value": "true"},
            ]},
            pause("watt1pool", "true"),
            pause("watt1pool", "false"),
        ]});
    }
    let follower = follower(&node).await;
    let mut told = Vec::new();
    for after in 0..45 {
        let news = follower.next_block(after).await.unwrap();
        assert_eq!(news.block.height, after + 1);
        assert_eq!(news.block.time, Seconds(1_772_409_600 + (after + 1) % 60));
        for event in news.events {
            let MarketEvent::PauseSet(p) = event else {
                panic!("{event:?}");
            };
            told.push((after + 1, p.paused));
        }
    }
    assert_eq!(told, [(3, true), (3, false), (30, true), (30, false)]);
    assert!(
        node.count("blockchain") <= 3,
        "headers are asked for twenty at a time"
    );
}

#[tokio::test]
async fn failed_transactions_did_nothing() {
    let node = Node::start().await;
    node.chain().blocks = vec![(2, vec![vec![1]])];
    node.chain().result = json!({"code": 5, "events": [pause("watt1pool", "true")]});
    let follower = follower(&node).await;
    assert_eq!(follower.next_block(1).await.unwrap().events, []);
}

#[tokio::test]
async fn what_a_newer_contract_reports_and_what_is_gone_is_said() {
    let node = Node::start().await;
    node.chain().blocks = vec![(2, vec![vec![1]])];
    node.chain().result = json!({"code": 0, "events": [pause("watt1pool", "half")]});
    let follower = follower(&node).await;
    let error = follower.next_block(1).await.unwrap_err();
    assert_eq!(
        error,
        LedgerError::Foreign("event pause_set: attribute paused: Some(\"half\")".into())
    );
    node.chain().earliest = 8;
    // Its header was fetched with the others before: the node refuses the results.
    let error = follower.next_block(3).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Refused(why) if why.contains("height 4 is not available")),
        "{error}"
    );
    // Who asks for the header first learns it from that.
    let late = self::follower(&node).await;
    let error = late.next_block(3).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Refused(why) if why.contains("block 4 is not kept")),
        "{error}"
    );
}
