//! Records are announced, found, replaced, withdrawn and published again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]

mod common;

use common::{run, until, Net, WITHIN};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use wattpool_core::ports::network::{Discovery, NetworkError};
use wattpool_discovery_libp2p::Mesh;
use wattpool_schema::peer::{Location, SignedRecord};
use wattpool_schema::MeterId;
use wattpool_testbed::NETWORK;

fn meters(records: &[Arc<SignedRecord>]) -> BTreeSet<MeterId> {
    records.iter().map(|r| r.meter()).collect()
}

async fn sequences(node: &Mesh, at: Location) -> Vec<u64> {
    let found = node.lookup(vec![at], WITHIN).await;
    found.records.iter().map(|r| r.sequence()).collect()
}

#[test]
fn more_meters_than_a_kademlia_key_has_room_for_are_found_at_one_location() {
    run(async {
        let net = Net::up(26, 26).await;
        let offers: Vec<_> = (0..26).map(|n| net.offer(n, 100, 1)).collect();
        assert!(offers.iter().all(|o| o.at == offers[0].at));
        for (node, offer) in net.nodes.iter().zip(&offers) {
            node.announce(offer.at, Arc::clone(&offer.record))
                .await
                .unwrap();
        }
        for node in &net.nodes {
            let found = node.lookup(vec![offers[0].at], WITHIN).await;
            assert_eq!(found.records.len(), 26);
            assert_eq!(meters(&found.records).len(), 26);
            assert!(found.complete);
        }
        // Each of them lives where its meter does, too.
        for offer in &offers {
            let home = Location::of_meter(NETWORK, &offer.record.meter());
            let found = net.node(7).lookup(vec![home], WITHIN).await;
            assert_eq!(found.records, vec![Arc::clone(&offer.record)]);
        }
        // No node keeps more than the bound of replicas makes it keep, and Kademlia itself keeps nothing.
        let figures = net.node(0).figures();
        assert_eq!((figures.dropped, figures.strikes), (0, 0));
    });
}

#[test]
fn several_locations_are_asked_side_by_side() {
    run(async {
        let net = Net::up(8, 8).await;
        let offers: Vec<_> = (0..8)
            .map(|n| net.offer(n, 20 << (2 * (n % 4)), 1))
            .collect();
        for (node, offer) in net.nodes.iter().zip(&offers) {
            node.announce(offer.at, Arc::clone(&offer.record))
                .await
                .unwrap();
        }
        let status = net.member(3).signed_status(100, 9, net.soon(), 8);
        net.node(3)
            .announce(status.at, Arc::clone(&status.record))
            .await
            .unwrap();
        let mut places: Vec<_> = offers.iter().map(|o| o.at).collect();
        places.push(status.at);
        let all = net.node(0).get(&places, WITHIN).await;
        // The status is another kind: meter 3 has both.
        assert_eq!((all.records.len(), meters(&all.records).len()), (9, 8));
        assert!(all.complete && all.records.contains(&status.record));
        // When their closest nodes are known, locations with the same nodes near them share requests.
        let node = net.node(0);
        until("five requests do for five locations", || async {
            let again = node.get(&places, WITHIN).await;
            assert_eq!(again.records.len(), 9);
            again.requests <= 7
        })
        .await;
        let none = net.node(0).lookup(vec![Location([1; 32])], WITHIN).await;
        assert!(none.records.is_empty() && none.complete);
        let nothing = net.node(0).lookup(Vec::new(), WITHIN).await;
        assert!(nothing.records.is_empty() && nothing.complete);
    });
}

#[test]
fn the_newest_record_of_a_meter_counts_and_a_withdrawn_one_is_gone() {
    run(async {
        let net = Net::up(5, 5).await;
        let (seller, buyer) = (net.node(1), net.node(4));
        let at = net.offer(1, 100, 1).at;
        seller
            .announce(at, net.offer(1, 100, 5).record)
            .await
            .unwrap();
        assert_eq!(sequences(buyer, at).await, [5]);
        seller
            .announce(at, net.offer(1, 101, 6).record)
            .await
            .unwrap();
        assert_eq!(sequences(buyer, at).await, [6]);
        // The node closest to the location, its own store included, refuses what is older.
        let refused = seller.announce(at, net.offer(1, 100, 5).record).await;
        assert!(matches!(refused, Err(NetworkError::Alone(why)) if why.contains("Stale")));
        assert_eq!(sequences(buyer, at).await, [6]);
        seller
            .announce(at, net.offer(1, 101, 7).record)
            .await
            .unwrap();
        seller.withdraw(at).await;
        let home = Location::of_meter(NETWORK, &net.member(1).meter);
        for place in [at, home] {
            assert_eq!(sequences(buyer, place).await, [0u64; 0]);
        }
        seller
            .announce(at, net.offer(1, 102, 8).record)
            .await
            .unwrap();
        assert_eq!(sequences(buyer, at).await, [8]);
        // Stopped, it takes its offers back by itself.
        let mut net = net;
        net.nodes.remove(1).stop().await;
        let at = net.offer(1, 100, 1).at;
        assert_eq!(sequences(net.node(3), at).await, [0u64; 0]);
    });
}

#[test]
fn a_record_ends_with_its_window() {
    run(async {
        let net = Net::up(4, 4).await;
        let offer = net.offer(1, 100, 1);
        net.node(1).announce(offer.at, offer.record).await.unwrap();
        assert_eq!(sequences(net.node(2), offer.at).await, [1]);
        net.register.pass(901);
        assert_eq!(sequences(net.node(2), offer.at).await, [0u64; 0]);
        for node in &net.nodes {
            until("it is dropped", || async { node.figures().held == 0 }).await;
        }
    });
}

#[test]
fn a_meter_out_of_service_is_not_found_any_more() {
    run(async {
        let net = Net::up(4, 4).await;
        let offer = net.offer(1, 100, 1);
        net.node(1).announce(offer.at, offer.record).await.unwrap();
        assert_eq!(sequences(net.node(2), offer.at).await, [1]);
        net.register.retire(&net.member(1).meter);
        assert_eq!(sequences(net.node(2), offer.at).await, [0u64; 0]);
    });
}

#[test]
fn alone_it_says_so_and_publishes_when_others_come() {
    run(async {
        let mut net = Net::new(3);
        net.limits.republish_ms = 200;
        let first = net.begin(0, Vec::new()).await;
        let offer = net.offer(0, 100, 1);
        // Nobody else is there: it keeps the record itself, and that is all.
        let put = first.put(offer.at, Arc::clone(&offer.record)).await;
        assert_eq!((put.stored, put.silent, put.refused), (1, 0, 0));
        net.nodes.push(first);
        net.start(1).await;
        net.start(2).await;
        net.settle().await;
        for n in [1, 2] {
            let node = net.node(n);
            until("it keeps the record", || async { node.figures().held == 1 }).await;
        }
        // A node that was started again, with nothing in its memory, is given it again.
        net.nodes.pop();
        net.start(2).await;
        until("it keeps it again", || async {
            net.node(2).figures().held == 1
        })
        .await;
    });
}

#[test]
fn nodes_to_begin_with_may_come_up_later() {
    run(async {
        let mut net = Net::new(2);
        // A port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let late = format!("/dns4/localhost/tcp/{}", free.port());
        let early = net.begin(0, vec![late]).await;
        let mut config = net.member(1).config(Vec::new(), net.limits.clone());
        config.listen = vec![format!("/ip4/127.0.0.1/tcp/{}", free.port())];
        let check = Arc::clone(&net.register);
        let other = Mesh::start(&config, check, net.register.clock()).unwrap();
        net.nodes = vec![early, other];
        net.settle().await;
    });
}

#[test]
fn a_look_up_gives_what_it_has_by_its_deadline() {
    run(async {
        let mut net = Net::new(12);
        net.limits.hedge_ms = 30_000;
        net.limits.answer_ms = 60_000;
        for n in 0..6 {
            net.start(n).await;
        }
        net.settle().await;
        let mut mute = Vec::new();
        for n in 6..12 {
            mute.push(net.stranger(n, None, 1).await);
        }
        for node in &net.nodes {
            until("strangers are known", || async {
                node.figures().known >= 11
            })
            .await;
        }
        let offer = net.offer(1, 100, 1);
        let seller = net.node(1);
        let announced = seller.announce(offer.at, Arc::clone(&offer.record));
        // The mute ones take as long as they like: the announcement is cut, the others have it.
        let _ = tokio::time::timeout(Duration::from_secs(1), announced).await;
        for n in [0, 2, 3, 4, 5] {
            let node = net.node(n);
            until("it is stored", || async { node.figures().held > 0 }).await;
        }
        // All twelve are near and five are asked: without patience for the mute ones the deadline cuts it short, unless
        // no mute one was asked.
        let found = net
            .node(3)
            .lookup(vec![offer.at], Duration::from_millis(1_500))
            .await;
        assert_eq!(found.records, vec![offer.record]);
        let figures = net.node(3).figures();
        assert_eq!(found.complete, figures.gets_cut == 0);
    });
}

#[test]
fn silent_and_dead_nodes_cost_a_little_time_and_no_offer() {
    run(async {
        let mut net = Net::new(14);
        net.limits.hedge_ms = 100;
        for n in 0..8 {
            net.start(n).await;
        }
        net.settle().await;
        let mut mute = Vec::new();
        for n in 8..12 {
            mute.push(net.stranger(n, None, 1).await);
        }
        net.start(12).await;
        net.start(13).await;
        for node in &net.nodes {
            until("all are known", || async { node.figures().known >= 13 }).await;
        }
        let offer = net.offer(1, 100, 1);
        let put = net.node(1).put(offer.at, Arc::clone(&offer.record)).await;
        assert_eq!((put.stored, put.silent), (10, 4));
        // Two die without a word.
        net.nodes.truncate(8);
        let found = net.node(3).lookup(vec![offer.at], WITHIN).await;
        assert!(found.complete, "five of eight answer");
        assert_eq!(found.records, vec![offer.record]);
    });
}

#[test]
fn neighbours_find_each_other_without_configuration() {
    run(async {
        // Several pairs: some dial each other at the very same time, some do not.
        let net = Net::new(12);
        for pair in 0..6 {
            let mut nodes = Vec::new();
            for n in [2 * pair, 2 * pair + 1] {
                let mut config = net.member(n).config(Vec::new(), net.limits.clone());
                // mDNS tells of addresses in the local network, not of 127.0.0.1 alone.
                config.listen = vec!["/ip4/0.0.0.0/tcp/0".to_owned()];
                config.mdns = true;
                let check = Arc::clone(&net.register);
                nodes.push(Mesh::start(&config, check, net.register.clock()).unwrap());
            }
            if !multicast_works() {
                eprintln!("NOT TESTED: this machine has no network that takes multicast, so mDNS finds nobody");
                return;
            }
            for node in &nodes {
                // Others may be found on the same machine's network, too.
                until("they find each other", || async {
                    node.figures().known >= 1
                })
                .await;
            }
        }
    });
}

/// Whether a datagram to the group of mDNS comes back on this machine.
fn multicast_works() -> bool {
    let group = std::net::Ipv4Addr::new(224, 0, 0, 251);
    let any = std::net::Ipv4Addr::UNSPECIFIED;
    let Ok(socket) = std::net::UdpSocket::bind((any, 0)) else {
        return false;
    };
    let Ok(port) = socket.local_addr().map(|a| a.port()) else {
        return false;
    };
    let mut buffer = [0; 8];
    socket.join_multicast_v4(&group, &any).is_ok()
        && socket
            .set_read_timeout(Some(Duration::from_secs(1)))
            .is_ok()
        && socket.send_to(b"there?", (group, port)).is_ok()
        && socket.recv(&mut buffer).is_ok()
}
