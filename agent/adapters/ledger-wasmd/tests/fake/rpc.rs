//! Fail-over between addresses, and what counts as an answer.

use crate::node::{settings, Mood, Node};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wattpool_ledger_wasmd::rpc::{read, Broadcast, Nodes, Rpc};
use wattpool_ledger_wasmd::{ChainError, Client};
use wattpool_schema::error::Class;

fn rpc(urls: &[String]) -> Rpc {
    Rpc::new(&nodes(urls)).unwrap()
}

fn nodes(urls: &[String]) -> Nodes {
    Nodes {
        addresses: urls.to_vec(),
        deadline: Duration::from_millis(600),
        ..Nodes::default()
    }
}

async fn dead() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn the_next_address_answers_for_one_that_does_not() {
    for mood in [Mood::Hanging, Mood::Page, Mood::Nonsense] {
        let (bad, good) = (Node::start().await, Node::start().await);
        bad.chain().mood = mood.clone();
        let rpc = rpc(&[dead().await, bad.url.clone(), good.url.clone()]);
        let status = rpc.status().await.unwrap();
        assert_eq!(status.node_info.network, "played-1", "{mood:?}");
        // It is stayed with: the bad one would have cost another deadline.
        let asked = good.count("status");
        rpc.status().await.unwrap();
        assert_eq!(good.count("status"), asked + 1, "{mood:?}");
    }
}

#[tokio::test]
async fn an_address_that_recovers_is_used_again() {
    let (one, two) = (Node::start().await, Node::start().await);
    one.chain().mood = Mood::Page;
    let rpc = rpc(&[one.url.clone(), two.url.clone()]);
    rpc.status().await.unwrap();
    one.chain().mood = Mood::Well;
    two.chain().mood = Mood::Page;
    // The pause of the first one ends first.
    let mut answer = rpc.status().await;
    while answer.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = rpc.status().await;
    }
    assert!(one.count("status") > 0);
}

#[tokio::test]
async fn when_none_answers_each_reason_is_said() {
    let (hanging, page, nonsense) = (
        Node::start().await,
        Node::start().await,
        Node::start().await,
    );
    hanging.chain().mood = Mood::Hanging;
    page.chain().mood = Mood::Page;
    nonsense.chain().mood = Mood::Nonsense;
    let urls = [
        dead().await,
        hanging.url.clone(),
        page.url.clone(),
        nonsense.url.clone(),
    ];
    let error = rpc(&urls).status().await.unwrap_err();
    assert_eq!(error.class(), Class::Retry);
    let text = error.to_string();
    for part in [
        format!("{}: cannot connect", urls[0]),
        format!("{}: no answer to status within 600ms", urls[1]),
        format!("{}: malformed answer to status (HTTP 502)", urls[2]),
        format!(
            "{}: malformed answer to status (HTTP 200): neither result nor error",
            urls[3]
        ),
    ] {
        assert!(text.contains(&part), "{part} is not in {text}");
    }
}

/// A node that answers with a head and then with one piece after another, until it is hung up on. Its address, and how
/// many bytes were taken from it.
async fn endless(head: &'static str, piece: usize, pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(head.as_bytes()).await;
            // JSON may begin with any number of spaces.
            let spaces = vec![b' '; piece];
            while socket.write_all(&spaces).await.is_ok() {
                count.fetch_add(piece, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
            }
        }
    });
    (url, taken)
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_on() {
    let good = Node::start().await;
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let (flood, taken) = endless(head, 64 * 1024, Duration::ZERO).await;
    let error = rpc(std::slice::from_ref(&flood))
        .status()
        .await
        .unwrap_err();
    let longest = read::STATUS.longest;
    let said = format!("{flood}: the answer to status is longer than {longest} bytes");
    assert!(error.to_string().contains(&said), "{error}");
    // What sockets hold between the two, besides.
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < longest + 8 * 1024 * 1024, "{taken} bytes");
    // A drop at a time, or less than was announced, is no answer within the deadline.
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n";
    for head in [head, announced] {
        let (drip, _) = endless(head, 1, Duration::from_millis(50)).await;
        let error = rpc(std::slice::from_ref(&drip)).status().await.unwrap_err();
        let said = format!("{drip}: no answer to status within 600ms");
        assert!(error.to_string().contains(&said), "{error}");
        // Another node answers for it.
        let both = rpc(&[drip, good.url.clone()]);
        assert_eq!(both.status().await.unwrap().node_info.network, "played-1");
    }
}

#[tokio::test]
async fn an_address_on_another_chain_is_not_used() {
    let (foreign, ours) = (Node::start().await, Node::start().await);
    foreign.chain().chain_id = "another-1".into();
    let mut both = settings(&[&foreign, &ours]);
    both.chain_id = Some("played-1".into());
    let client = Client::connect(both.clone()).await.unwrap();
    client.rpc().block(5).await.unwrap();
    assert_eq!(foreign.count("block"), 0);
    both.rpc = vec![foreign.url.clone()];
    let error = Client::connect(both).await.err().unwrap();
    assert_eq!(error.class(), Class::Fatal);
    assert_eq!(
        error.to_string(),
        format!(
            "{} is on chain \"another-1\", expected \"played-1\"",
            foreign.url
        )
    );
}

#[tokio::test]
async fn refusals_are_answers_and_no_reason_to_ask_another_node() {
    let (one, two) = (Node::start().await, Node::start().await);
    let rpc = rpc(&[one.url.clone(), two.url.clone()]);
    let error = rpc.block(1_000).await.unwrap_err();
    assert!(
        matches!(
            &error,
            ChainError::Node {
                method: "block",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.class(), Class::Retry, "it comes with time");
    assert_eq!(two.count("block"), 1, "another one might have been faster");
    one.chain().earliest = 9;
    rpc.block(3).await.unwrap();
    assert_eq!(
        two.count("block"),
        2,
        "what one node does not keep another one may"
    );
    two.chain().earliest = 9;
    let error = rpc.block(3).await.unwrap_err();
    assert_eq!(error.class(), Class::Refuse, "{error}");
    let asked = two.count("block");
    assert_eq!(
        rpc.raw_state("watt1x", b"a").await.unwrap_err().class(),
        Class::Refuse
    );
    one.chain().refuse = Some((13, "insufficient fees".into()));
    let Broadcast::Refused(error) = rpc.broadcast(b"any").await else {
        panic!("taken");
    };
    assert_eq!(error.class(), Class::Fatal);
    assert_eq!(two.count("block"), asked);
    assert_eq!(two.count("broadcast_tx_sync"), 0);
}

#[test]
fn addresses_that_are_none_are_named() {
    let make = |url: &str| Rpc::new(&nodes(&[url.to_owned()])).err();
    for bad in [
        "",
        "localhost:26657",
        "http://node:26657",
        "http://192.168.1.4:26657",
        "ftp://x",
        "http://",
    ] {
        let error = make(bad).unwrap_or_else(|| panic!("{bad:?} is taken"));
        assert!(
            error.to_string().contains(&format!("rpc address {bad:?}")),
            "{error}"
        );
        assert_eq!(error.class(), Class::Fatal);
    }
    assert!(Rpc::new(&nodes(&[])).is_err());
    for good in [
        "https://node:26657",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://localhost:1",
    ] {
        assert!(make(good).is_none(), "{good}");
    }
    let mut allowed = nodes(&["http://node:26657".to_owned()]);
    allowed.allow_plain_http = true;
    assert!(Rpc::new(&allowed).is_ok());
}
