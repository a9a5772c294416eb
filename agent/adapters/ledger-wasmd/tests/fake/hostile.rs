//! Nodes of no use beside a good one: they are left, said so, and taken back when they are well.

use crate::following::market;
use crate::node::{settings, Node};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use wattpool_ledger_wasmd::rpc::Fault;
use wattpool_ledger_wasmd::{Client, Follower};

/// The fault of each node, in their order; waits until this is so.
async fn faults(client: &Client, wanted: impl Fn(&[Option<Fault>]) -> bool) -> Vec<Option<Fault>> {
    for _ in 0..200 {
        let faults: Vec<_> = client
            .rpc()
            .nodes()
            .0
            .into_iter()
            .map(|n| n.fault)
            .collect();
        if wanted(&faults) {
            return faults;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", client.rpc().nodes());
}

#[tokio::test]
async fn a_node_that_stands_still_is_left_and_taken_back() {
    let (stuck, good) = (Node::start().await, Node::start().await);
    stuck.chain().lively = false;
    stuck.chain().height = 20;
    good.chain().height = 1_000;
    let client = Arc::new(Client::connect(settings(&[&stuck, &good])).await.unwrap());
    let follower = Follower::new(Arc::clone(&client), Arc::new(market()));
    let next = follower.next_block(20);
    let news = tokio::time::timeout(Duration::from_secs(5), next)
        .await
        .unwrap();
    assert_eq!(news.unwrap().block.height, 21);
    let found = faults(&client, |f| f[0].is_some()).await;
    assert!(
        matches!(found[0], Some(Fault::Behind { height: 20, .. })),
        "{found:?}"
    );
    assert_eq!(found[1], None);
    let told = serde_json::to_value(client.rpc().nodes().0).unwrap();
    assert_eq!(
        (&told[0]["fault"], &told[0]["in_use"], &told[1]["in_use"]),
        (&json!("behind"), &json!(false), &json!(true))
    );
    stuck.chain().height = 1_000_000;
    good.chain().height = 1_000_000;
    faults(&client, |f| f.iter().all(Option::is_none)).await;
}

#[tokio::test]
async fn a_node_that_catches_up_is_not_asked_for_anything() {
    let (syncing, good) = (Node::start().await, Node::start().await);
    syncing.chain().catching_up = true;
    syncing.chain().newest = "2026-02-28T00:00:10Z".into();
    good.chain().height = 500;
    let client = Client::connect(settings(&[&syncing, &good])).await.unwrap();
    assert!(client.last_seen().height >= 500, "the good one's");
    client.rpc().raw_state("watt1x", b"a").await.unwrap_err();
    assert_eq!(
        (syncing.count("abci_query"), good.count("abci_query")),
        (0, 1)
    );
    let found = faults(&client, |f| f[0].is_some()).await;
    assert!(
        matches!(found[0], Some(Fault::CatchingUp { .. })),
        "{found:?}"
    );
    syncing.chain().catching_up = false;
    syncing.chain().height = 1_000_000;
    good.chain().height = 1_000_000;
    faults(&client, |f| f[0].is_none()).await;
    // Alone it is asked all the same, and says so.
    syncing.chain().catching_up = true;
    let alone = Client::connect(settings(&[&syncing])).await.unwrap();
    let found = alone.rpc().nodes().0.remove(0);
    assert!(matches!(found.fault, Some(Fault::CatchingUp { .. })) && found.in_use);
}

#[tokio::test]
async fn what_one_node_has_pruned_another_one_is_asked_for() {
    let (pruned, archive) = (Node::start().await, Node::start().await);
    pruned.chain().height = 1_000;
    pruned.chain().earliest = 900;
    archive.chain().height = 1_000;
    let client = Arc::new(
        Client::connect(settings(&[&pruned, &archive]))
            .await
            .unwrap(),
    );
    let follower = Follower::new(Arc::clone(&client), Arc::new(market()));
    for after in 50..100 {
        let news = follower.next_block(after).await.unwrap();
        assert_eq!(news.block.height, after + 1);
    }
    assert_eq!(pruned.count("block_results"), 0);
    // For what it has it stays the preferred one.
    assert!(client.rpc().nodes().0[0].in_use);
    assert_eq!(client.rpc().nodes().0[0].fault, None);
}

#[tokio::test]
async fn one_of_three_that_has_other_blocks_is_left() {
    let (liar, one, two) = (
        Node::start().await,
        Node::start().await,
        Node::start().await,
    );
    for node in [&liar, &one, &two] {
        node.chain().lively = false;
        node.chain().height = 400;
    }
    liar.chain().branch = "B".into();
    let client = Client::connect(settings(&[&liar, &one, &two]))
        .await
        .unwrap();
    let found = faults(&client, |f| f[0].is_some()).await;
    let Some(Fault::Contradicts {
        height: 399,
        found,
        expected,
        ..
    }) = &found[0]
    else {
        panic!("{found:?}");
    };
    assert_eq!((found.as_str(), expected.as_str()), ("B399", "A399"));
    client.rpc().raw_state("watt1x", b"a").await.unwrap_err();
    assert_eq!(liar.count("abci_query"), 0);
    liar.chain().branch = "A".into();
    faults(&client, |f| f[0].is_none()).await;
    // One against one: nothing says which is right, and that is what is said.
    let two_nodes = settings(&[&liar, &one]);
    liar.chain().branch = "B".into();
    let client = Client::connect(two_nodes).await.unwrap();
    faults(&client, |f| f.iter().any(Option::is_some)).await;
    let dispute = client.rpc().nodes().1.unwrap();
    assert_eq!(
        (dispute.height, dispute.hashes),
        (399, vec!["B399".to_owned(), "A399".to_owned()])
    );
}

#[tokio::test]
async fn a_node_of_another_chain_is_named() {
    let (foreign, ours) = (Node::start().await, Node::start().await);
    foreign.chain().chain_id = "another-1".into();
    let mut both = settings(&[&foreign, &ours]);
    both.chain_id = Some("played-1".into());
    let client = Client::connect(both).await.unwrap();
    let found = faults(&client, |f| f[0].is_some()).await;
    assert_eq!(
        found[0],
        Some(Fault::OtherChain {
            found: "another-1".into()
        })
    );
}

#[tokio::test]
async fn nodes_that_go_on_together_are_never_left() {
    let (one, two) = (Node::start().await, Node::start().await);
    one.chain().lively = false;
    two.chain().lively = false;
    let client = Client::connect(settings(&[&one, &two])).await.unwrap();
    // Many blocks between two looks, one answers later than the other, and the first one is polled besides.
    two.chain().delay = Duration::from_millis(60);
    for height in 1..150 {
        one.chain().height = height * 3;
        two.chain().height = height * 3;
        client.head().await.unwrap();
        let faults: Vec<_> = client
            .rpc()
            .nodes()
            .0
            .into_iter()
            .filter_map(|n| n.fault)
            .collect();
        assert_eq!(faults, [], "at {height}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
