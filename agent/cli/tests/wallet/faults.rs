//! What goes wrong between a wallet and a chain: each is told in one line, and nothing is sent.

use crate::home::{one_line, Home};
use crate::node::{Mood, Node};

const MULTI: &str = "needs threads: the node answers while the program is waited for";

/// A wallet with a key, on a chain of one played node.
pub async fn at(node: &Node) -> Home {
    let mut home = Home::plain();
    let more = ["--node", &node.url, "--from", "alice", "--yes"];
    home.import("alice", 1);
    home.import("bob", 2);
    home.options.extend(more.map(str::to_owned));
    home
}

fn nothing_was_sent(node: &Node) {
    assert_eq!(node.count("broadcast_tx_sync"), 0, "{MULTI}");
}

const SEND: [&str; 4] = ["wallet", "send", "bob", "5 watt"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_network_is_refused() {
    let node = Node::start().await;
    let home = at(&node).await;
    let ran = home.run(&[&SEND[..], &["--chain-id", "other-1"]].concat());
    one_line(
        &ran,
        2,
        &[&node.url, "is on chain \"played-1\", expected \"other-1\""],
    );
    nothing_was_sent(&node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_money_is_said_so() {
    let node = Node::start().await;
    let home = at(&node).await;
    let log = "spendable balance 3uwatt is smaller than 5000000uwatt: insufficient funds";
    node.chain().refuse_simulation = Some((5, log.to_owned()));
    one_line(&home.run(&SEND), 1, &["the account holds too little", log]);
    nothing_was_sent(&node);
    // Enough for the transfer, too little for the fee: the node's check refuses it.
    node.chain().refuse_simulation = None;
    node.chain().refuse = Some((5, log.to_owned()));
    one_line(&home.run(&SEND), 1, &["the account holds too little", log]);
    assert!(node.chain().blocks.is_empty() && node.chain().mempool.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_are_not_of_this_chain_are_refused() {
    let node = Node::start().await;
    let home = at(&node).await;
    let bob = home.address("bob");
    let shown = home.run(&["wallet", "show", "bob", "--address", "--prefix", "cosmos"]);
    let cosmos = shown.stdout.trim();
    let last = bob.chars().last().unwrap();
    let typo = format!(
        "{}{}",
        &bob[..bob.len() - 1],
        if last == 'q' { 'p' } else { 'q' }
    );
    for (to, expected) in [
        (cosmos, "expected an address that begins with watt1"),
        (&bob.to_uppercase(), "expected an address in lower case"),
        (&typo, "expected an address ("),
        ("carol", "expected an address"),
    ] {
        let ran = home.run(&["wallet", "send", to, "5 watt"]);
        one_line(&ran, 2, &["to: ", expected, to]);
    }
    let operator = home.run(&["wallet", "show", "bob", "--address", "--bech", "val"]);
    let ran = home.run(&["wallet", "send", operator.stdout.trim(), "5 watt"]);
    one_line(&ran, 2, &["expected an address that begins with watt1"]);
    assert!(node.chain().asked.is_empty(), "no node was asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_that_are_none_are_refused() {
    let node = Node::start().await;
    let home = at(&node).await;
    for (amount, expected) in [
        (
            "1.1234567 watt",
            "expected at most 6 decimals of watt, found 7 in 1.1234567",
        ),
        ("1.5uwatt", "expected at most 0 decimals of uwatt"),
        ("5", "expected an amount with its unit"),
        ("0 watt", "expected more than nothing"),
        ("5 watt,6 watt", "uwatt is there twice"),
    ] {
        let ran = home.run(&["wallet", "send", "bob", amount]);
        one_line(&ran, 2, &["amount: ", expected]);
    }
    let limits = home.run(&[
        "admin",
        "grant-fees",
        "--to",
        "bob",
        "--limit",
        "0.0000001 watt",
    ]);
    one_line(&limits, 2, &["--limit: ", "expected at most 6 decimals"]);
    assert!(node.chain().asked.is_empty(), "no node was asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_still_replays_old_blocks_is_left() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().catching_up = true;
    one_line(
        &home.run(&SEND),
        1,
        &["the node is still syncing: it is at block", "--node"],
    );
    nothing_was_sent(&node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_validator_is_unjailed_before_its_node_has_caught_up() {
    let (own, other) = (Node::start().await, Node::start().await);
    let home = at(&own).await;
    own.chain().catching_up = true;
    let told = [own.url.as_str(), "has not caught up", "jailed and slashed"];
    let unjail = ["validator", "unjail"];
    one_line(&home.run(&unjail), 1, &told);
    // Nor over another node beside it.
    let both = home.run(&[&unjail[..], &["--node", &other.url]].concat());
    one_line(&both, 1, &told);
    nothing_was_sent(&own);
    nothing_was_sent(&other);
    own.chain().catching_up = false;
    let ran = home.run(&unjail);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let node = Node::start().await;
    let home = at(&node).await;
    node.chain().mood = Mood::Hanging;
    one_line(
        &home.run(&SEND),
        1,
        &["no address of the chain answers", &node.url],
    );
    for mood in [Mood::Page, Mood::Nonsense] {
        node.chain().mood = mood;
        let ran = home.run(&SEND);
        one_line(&ran, 1, &[&node.url]);
    }
    nothing_was_sent(&node);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_that_is_not_there_is_missed_only_where_it_is_needed() {
    let node = Node::start().await;
    let home = at(&node).await;
    let file = home.path("market.json").display().to_string();
    let with = |args: &[&str]| home.run(&[args, &["--market", &file]].concat());
    let sent = with(&SEND);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_eq!(
        sent.stderr
            .matches("there is no such file; going on without a market")
            .count(),
        1,
        "{sent:?}"
    );
    let ran = with(&["owner", "deposit", "--amount", "5 watt"]);
    one_line(&ran, 2, &[&file]);
    std::fs::write(&file, "{").unwrap();
    one_line(&with(&SEND), 2, &[&file]);
}
