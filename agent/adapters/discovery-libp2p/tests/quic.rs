//! QUIC beside TCP: `cargo test -p wattpool-discovery-libp2p --features quic --test quic`.
#![cfg(feature = "quic")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]

mod common;

use common::{denial, deny_all, request, run, until, Net, WITHIN};
use std::sync::Arc;
use wattpool_core::ports::network::Peers;
use wattpool_discovery_libp2p::Mesh;

const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// A member's node that listens at these addresses.
async fn begin(net: &Net, n: u32, listen: &[&str], bootstrap: Vec<String>) -> Arc<Mesh> {
    let mut config = net.member(n).config(bootstrap, net.limits.clone());
    config.listen = listen.iter().map(|a| (*a).to_owned()).collect();
    let check = Arc::clone(&net.register);
    let node = Mesh::start(&config, check, net.register.clock()).unwrap();
    until("it listens", || async {
        node.addresses().await.len() == listen.len()
    })
    .await;
    Arc::new(node)
}

/// Every node finds what every other one offers, and gets an answer from it.
async fn trade(net: &Net, nodes: &[Arc<Mesh>]) {
    for node in nodes {
        until("all know each other", || async {
            node.figures().known as usize == nodes.len() - 1
        })
        .await;
    }
    let answering: Vec<_> = nodes.iter().map(deny_all).collect();
    for (n, seller) in (0..).zip(nodes) {
        let offer = net.offer(n, 500, 1);
        seller.put(offer.at, Arc::clone(&offer.record)).await;
        for buyer in nodes.iter().filter(|b| b.peer_id() != seller.peer_id()) {
            let got = buyer.get(&[offer.at], WITHIN).await;
            assert!(got.records.contains(&offer.record), "{:?}", got.records);
            let asked = u64::from(n);
            let answer = buyer.ask(seller.peer_id(), request(asked), WITHIN).await;
            assert_eq!(answer, Ok(denial(&request(asked))));
        }
    }
    answering.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Nodes that listen at one address alone and know of the first one only.
async fn alone_at(listen: &str) {
    let net = Net::new(3);
    let mut nodes = vec![begin(&net, 0, &[listen], Vec::new()).await];
    for n in 1..3 {
        let bootstrap = nodes[0].addresses().await;
        nodes.push(begin(&net, n, &[listen], bootstrap).await);
    }
    trade(&net, &nodes).await;
}

#[test]
fn meters_trade_over_quic_alone() {
    run(alone_at(QUIC));
}

#[test]
fn meters_trade_over_quic_and_ipv6_alone() {
    run(alone_at("/ip6/::1/udp/0/quic-v1"));
}

#[test]
fn who_listens_on_quic_and_who_listens_on_tcp_trade() {
    run(async {
        let net = Net::new(4);
        let first = begin(&net, 0, &[TCP, QUIC], Vec::new()).await;
        let addresses = first.addresses().await;
        let over = |quic: bool| -> Vec<String> {
            let over = addresses.iter().filter(|a| a.contains("quic") == quic);
            over.cloned().collect()
        };
        assert_eq!((over(true).len(), over(false).len()), (1, 1));
        let nodes = [
            begin(&net, 1, &[QUIC], over(true)).await,
            begin(&net, 2, &[TCP], over(false)).await,
            begin(&net, 3, &[QUIC, TCP], over(true)).await,
            first,
        ];
        // In the order of the members.
        let [one, two, three, first] = nodes;
        trade(&net, &[first, one, two, three]).await;
    });
}
