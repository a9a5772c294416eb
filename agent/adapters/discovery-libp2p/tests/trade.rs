//! Requests and answers from meter to meter.

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
use std::time::Duration;
use wattpool_core::ports::network::{NetworkError, Peers};
use wattpool_discovery_libp2p::wire::{encode_ask, encode_reply, TradeReply};

#[test]
fn many_requests_at_once_get_each_its_own_answer() {
    run(async {
        let mut net = Net::up(3, 3).await;
        let seller = Arc::new(net.nodes.pop().unwrap());
        let answering = deny_all(&seller);
        let (peer, buyer) = (seller.peer_id(), net.node(0));
        let asks = (0..100).map(|id| buyer.ask(peer.clone(), request(id), WITHIN));
        for (id, answer) in (0..).zip(futures::future::join_all(asks).await) {
            assert_eq!(answer.unwrap(), denial(&request(id)));
        }
        // Asked again, the agent is asked again: that it answers the same is the agent's part.
        assert_eq!(
            buyer.ask(peer.clone(), request(5), WITHIN).await.unwrap(),
            denial(&request(5))
        );
        assert_eq!((buyer.figures().asks, seller.figures().asked), (101, 101));
        answering.abort();
    });
}

#[test]
fn a_peer_that_was_never_met_is_found_by_its_id() {
    run(async {
        let mut net = Net::new(9);
        // One node per bucket: nobody has room for all others.
        net.limits.bucket = 1;
        net.limits.idle_ms = 200;
        for n in 0..8 {
            net.start(n).await;
        }
        let first = net.node(0).addresses().await;
        let seller = Arc::new(net.begin(8, first).await);
        until("the seller is known to one", || async {
            seller.figures().known > 0
        })
        .await;
        let answering = deny_all(&seller);
        for buyer in &net.nodes {
            assert!(buyer.figures().known < 8);
            // A search may miss it while the newcomer is hardly known.
            until("it is found", || async {
                let answer = buyer.ask(seller.peer_id(), request(1), WITHIN).await;
                answer == Ok(denial(&request(1)))
            })
            .await;
        }
        answering.abort();
    });
}

#[test]
fn silence_ends_at_the_deadline() {
    run(async {
        let mut net = Net::up(3, 3).await;
        let seller = net.nodes.pop().unwrap();
        let (peer, buyer) = (seller.peer_id(), net.node(0));
        let short = Duration::from_millis(300);
        let (silent, asked) = tokio::join!(
            buyer.ask(peer.clone(), request(1), short),
            seller.next_request()
        );
        assert!(matches!(silent, Err(NetworkError::Silent(why)) if why.contains("300 ms")));
        // The answer comes too late and goes nowhere; dropping a replier is silence, too.
        let (asked, reply) = asked.unwrap();
        reply(denial(&asked));
        let (dropped, next) = tokio::join!(buyer.ask(peer.clone(), request(2), WITHIN), async {
            drop(seller.next_request().await);
        });
        assert!(
            matches!(dropped, Err(NetworkError::Silent(_))),
            "{dropped:?} {next:?}"
        );
        // Gone.
        seller.stop().await;
        let gone = buyer.ask(peer, request(3), WITHIN).await;
        assert!(matches!(gone, Err(NetworkError::Silent(_))), "{gone:?}");
        let nobody = buyer.ask(vec![1, 2, 3], request(4), WITHIN).await;
        assert!(matches!(nobody, Err(NetworkError::Silent(why)) if why.contains("no peer id")));
    });
}

#[test]
fn too_many_waiting_requests_are_turned_away() {
    run(async {
        let mut net = Net::new(2);
        // One meter has a sixteenth of the places.
        net.limits.waiting = 48;
        net.start(0).await;
        net.start(1).await;
        net.settle().await;
        let (seller, buyer) = (net.node(1), net.node(0));
        let asks = (0..8).map(|id| buyer.ask(seller.peer_id(), request(id), WITHIN));
        let answering = async {
            // Three are taken; the others are told at once.
            until("eight were received", || async {
                seller.figures().asked == 8
            })
            .await;
            for _ in 0..3 {
                let (request, reply) = seller.next_request().await.unwrap();
                reply(denial(&request));
            }
        };
        let (answers, ()) = tokio::join!(futures::future::join_all(asks), answering);
        let busy = |a: &&Result<_, NetworkError>| matches!(a, Err(NetworkError::Busy(_)));
        assert_eq!(answers.iter().filter(busy).count(), 5);
        assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 3);
        // There is room again.
        let (again, ()) = tokio::join!(buyer.ask(seller.peer_id(), request(9), WITHIN), async {
            let (request, reply) = seller.next_request().await.unwrap();
            reply(denial(&request));
        });
        assert_eq!(again.unwrap(), denial(&request(9)));
    });
}

#[test]
fn a_node_of_another_version_is_recognised_and_said() {
    run(async {
        let net = Net::up(4, 2).await;
        let newer = net.stranger(2, None, 2).await;
        let node = net.node(0);
        until("it introduced itself", || async {
            node.figures().other_version > 0
        })
        .await;
        let peer = net.member(2).peer().unwrap();
        let answer = node.ask(peer, request(1), WITHIN).await;
        assert!(
            matches!(&answer, Err(NetworkError::OtherVersion(why)) if why.contains("wattpool/2")),
            "{answer:?}"
        );
        assert_eq!(node.figures().known, 1, "it is not in the routing table");
        drop(newer);
    });
}

#[test]
fn a_message_of_another_version_is_recognised_and_said() {
    run(async {
        let net = Net::up(3, 2).await;
        let stranger = net.stranger(2, None, 1).await;
        let node = net.node(0);
        let (peer, address) = (node.peer_id(), node.addresses().await.remove(0));
        let newer = br#"{"version":7,"body":{"wish":"all of it"}}"#.to_vec();
        let answer = stranger.send_trade(&peer, &address, newer).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        assert!(text.contains("other_version"), "{text}");
        let garbage = stranger
            .send_trade(&peer, &address, b"[[[".to_vec())
            .await
            .unwrap();
        let text = String::from_utf8(garbage).unwrap();
        assert!(text.contains("malformed"), "{text}");
        let figures = node.figures();
        assert_eq!((figures.other_version, figures.strikes), (1, 1));
        // An honest request passes as it is.
        let bytes = encode_ask(&request(1));
        let asked = stranger.send_trade(&peer, &address, bytes);
        let (answer, ()) = tokio::join!(asked, async {
            let (request, reply) = node.next_request().await.unwrap();
            reply(denial(&request));
        });
        let want = encode_reply(&TradeReply::Answer(denial(&request(1))));
        assert_eq!(answer.unwrap(), want);
    });
}

#[test]
fn an_answer_to_another_request_is_not_taken() {
    run(async {
        let net = Net::up(2, 2).await;
        let (seller, buyer) = (net.node(1), net.node(0));
        let (answer, ()) = tokio::join!(buyer.ask(seller.peer_id(), request(1), WITHIN), async {
            let (_, reply) = seller.next_request().await.unwrap();
            reply(denial(&request(2)));
        });
        assert!(
            matches!(answer, Err(NetworkError::Silent(why)) if why.contains("another request"))
        );
        until("that is a strike", || async {
            buyer.figures().strikes == 1
        })
        .await;
    });
}
