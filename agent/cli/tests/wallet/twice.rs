//! Answers that are lost, blocks that come late, programs that are killed: nothing is sent twice, nothing is lost.

use crate::faults::at;
use crate::home::{one_line, Home};
use crate::node::Node;
use serde_json::Value;
use std::time::{Duration, Instant};
use wattpool_program_harness::Ran;

const SEND: [&str; 5] = ["wallet", "send", "bob", "5 watt", "--json"];

/// All transactions that are in blocks.
fn landed(node: &Node) -> usize {
    node.chain().blocks.iter().map(|(_, txs)| txs.len()).sum()
}

fn hash(ran: &Ran) -> String {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    value["hash"].as_str().unwrap().to_owned()
}

fn waiting(home: &Home) -> usize {
    std::fs::read_dir(home.path("outbox")).map_or(0, |dir| dir.count())
}

/// The call that hears nothing in time, and the hash that it names.
fn too_late(home: &Home) -> String {
    let ran = home.run(&[&SEND[..], &["--wait", "1"]].concat());
    one_line(
        &ran,
        1,
        &[
            "it was handed over, and no block had it within 1 s; it may be executed up to block",
            "The same command again finds out before it sends anything",
        ],
    );
    let (_, rest) = ran.stderr.split_once("transaction ").unwrap();
    rest[..64].to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_is_found_in_the_chain() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lose = 1;
    hash(&home.run(&SEND));
    assert_eq!((landed(&node), waiting(&home)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lands_after_the_wait_is_not_sent_again() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lively = false;
    let first = too_late(&home);
    assert_eq!((landed(&node), waiting(&home)), (0, 1));
    // Repeated before the block: it waits for the same transaction.
    assert_eq!(too_late(&home), first);
    node.chain().make_block();
    assert_eq!(landed(&node), 1);
    node.chain().lively = true;
    let again = home.run(&SEND);
    assert_eq!(hash(&again), first);
    assert!(again.stderr.contains("nothing is sent again"), "{again:?}");
    assert_eq!((landed(&node), waiting(&home)), (1, 0));
    // Its outcome is known now: the same once more is another wish.
    assert_ne!(hash(&home.run(&SEND)), first);
    assert_eq!((landed(&node), waiting(&home)), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_forgot_is_handed_over_again() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lively = false;
    node.chain().forget = 1;
    let first = too_late(&home);
    assert!(node.chain().mempool.is_empty());
    node.chain().lively = true;
    assert_eq!(hash(&home.run(&SEND)), first);
    assert_eq!((landed(&node), waiting(&home)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_in_no_block_any_more_is_sent_anew() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lively = false;
    node.chain().forget = 1;
    let first = too_late(&home);
    // Twelve blocks are its time.
    for _ in 0..15 {
        node.chain().make_block();
    }
    node.chain().lively = true;
    let again = home.run(&SEND);
    assert_ne!(hash(&again), first);
    assert!(
        again
            .stderr
            .contains("it is in no block, and never will be"),
        "{again:?}"
    );
    assert_eq!((landed(&node), waiting(&home)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_command_goes_on_and_tells_of_the_first() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lively = false;
    let first = too_late(&home);
    node.chain().make_block();
    node.chain().lively = true;
    let other = home.run(&["wallet", "send", "bob", "7 watt", "--json"]);
    assert_ne!(hash(&other), first);
    assert!(
        other.stderr.contains(&first) && other.stderr.contains("it is in block"),
        "{other:?}"
    );
    assert_eq!((landed(&node), waiting(&home)), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_in_its_block_is_said_so_once() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lively = false;
    too_late(&home);
    node.chain().result = serde_json::json!({
        "code": 5, "codespace": "sdk", "log": "insufficient funds", "gas_used": "1", "gas_wanted": "2",
    });
    node.chain().make_block();
    node.chain().lively = true;
    let again = home.run(&SEND);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("failed in block"), "{again:?}");
    assert_eq!((landed(&node), waiting(&home)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_while_it_waits_has_sent_once() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().lively = false;
    let mut child = home.command(&SEND).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(120);
    while node.chain().mempool.is_empty() {
        assert!(Instant::now() < end, "it never handed anything over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(waiting(&home), 1);
    node.chain().lively = true;
    let again = home.run(&SEND);
    assert!(again.stderr.contains("nothing is sent again"), "{again:?}");
    hash(&again);
    assert_eq!((landed(&node), waiting(&home)), (1, 0));
}
