//! What is forged, old, misplaced, too long, of another network or version is neither stored nor returned.

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
use std::sync::Arc;
use std::time::Duration;
use wattpool_core::ports::network::Discovery;
use wattpool_discovery_libp2p::wire::{
    decode_answer, encode_answer, encode_record, encode_request, At, RecordsAnswer, RecordsRequest,
    Refusal, MAX_REQUEST,
};
use wattpool_schema::peer::{Location, Offer, Record, SignedRecord};
use wattpool_schema::{Price, Seconds, Wh, Zone};
use wattpool_testbed::Stranger;

fn put(at: Location, record: &SignedRecord) -> Vec<u8> {
    encode_request(&RecordsRequest::Put {
        at: At(at),
        record: Box::new(record.clone()),
    })
}

/// A net of two, and a stranger with a registered meter that sends to the first of them.
struct Attack {
    net: Net,
    stranger: Stranger,
    peer: Vec<u8>,
    address: String,
}

impl Attack {
    async fn begin() -> Self {
        let mut net = Net::new(4);
        // Strikes are counted and banning is tested apart.
        net.limits.strikes = 1_000;
        net.start(0).await;
        net.start(1).await;
        net.settle().await;
        let stranger = net.stranger(2, None, 1).await;
        let peer = net.node(0).peer_id();
        let address = net.node(0).addresses().await.remove(0);
        Self {
            net,
            stranger,
            peer,
            address,
        }
    }

    async fn send(&self, bytes: Vec<u8>) -> RecordsAnswer {
        let answer = self
            .stranger
            .send_records(&self.peer, &self.address, bytes)
            .await;
        decode_answer(&answer.unwrap()).unwrap()
    }

    async fn held(&self) -> Vec<Arc<SignedRecord>> {
        let everywhere = |n| (0..14).map(move |b| (n, 1u64 << b));
        let places = (0..4)
            .flat_map(everywhere)
            .map(|(n, wh)| self.net.offer(n, wh, 1).at);
        let mut places: Vec<_> = places.collect();
        places.sort_unstable();
        places.dedup();
        self.net.node(0).lookup(places, WITHIN).await.records
    }
}

#[test]
fn a_genuine_record_is_stored_and_every_other_one_is_refused() {
    run(async {
        let attack = Attack::begin().await;
        let member = attack.net.member(2);
        let now = attack.net.register.now();
        let genuine = attack.net.offer(2, 100, 10);
        let at = genuine.at;
        let changed = |change: fn(&mut Offer)| {
            let mut offer = member.offer(100, 20, Seconds(now.0 + 900));
            change(&mut offer);
            member.sign(Record::Offer(offer))
        };
        let forged = {
            let mut forged = SignedRecord::clone(&genuine.record);
            if let Record::Offer(offer) = &mut forged.record {
                offer.price = Price(1);
            }
            forged
        };
        let other = |n: u32, sequence| attack.net.offer(n, 100, sequence).record;
        let refusals: Vec<(&str, Arc<SignedRecord>, Location, Refusal)> = vec![
            (
                "changed after it was signed",
                Arc::new(forged),
                at,
                Refusal::Forged,
            ),
            ("another meter's", other(1, 1), at, Refusal::NotPublisher),
            (
                "expired",
                changed(|o| o.expires_at = Seconds(999_999)),
                at,
                Refusal::Expired,
            ),
            (
                "for ever",
                changed(|o| o.expires_at = Seconds(u64::MAX)),
                at,
                Refusal::TooLong,
            ),
            (
                "of another network",
                changed(|o| o.network = "other/escrow".into()),
                at,
                Refusal::OtherNetwork,
            ),
            (
                "of a newer version",
                changed(|o| o.version = 2),
                at,
                Refusal::OtherVersion,
            ),
            (
                "of another bucket",
                changed(|o| o.wh = Wh(5_000)),
                at,
                Refusal::Misplaced,
            ),
            (
                "of another zone",
                changed(|o| o.zone = Zone(2)),
                at,
                Refusal::Misplaced,
            ),
            (
                "somewhere",
                changed(|_| {}),
                Location([3; 32]),
                Refusal::Misplaced,
            ),
            (
                "for another peer",
                changed(|o| o.peer = vec![1; 38]),
                at,
                Refusal::NotPublisher,
            ),
            (
                "too long",
                changed(|o| o.peer = vec![255; 600]),
                at,
                Refusal::Malformed,
            ),
        ];
        for (what, record, at, why) in &refusals {
            let answer = attack.send(put(*at, record)).await;
            assert_eq!(answer, RecordsAnswer::Refused(*why), "{what}");
        }
        assert_eq!(attack.held().await, []);
        let stored = attack.send(put(at, &genuine.record)).await;
        assert_eq!(stored, RecordsAnswer::Done);
        assert_eq!(attack.held().await, [Arc::clone(&genuine.record)]);
        // Older, again, and otherwise with the same sequence.
        let older = attack.net.offer(2, 100, 9).record;
        let same = attack.net.offer(2, 101, 10).record;
        assert_eq!(
            attack.send(put(at, &older)).await,
            RecordsAnswer::Refused(Refusal::Stale)
        );
        assert_eq!(
            attack.send(put(at, &same)).await,
            RecordsAnswer::Refused(Refusal::Stale)
        );
        assert_eq!(
            attack.send(put(at, &genuine.record)).await,
            RecordsAnswer::Done
        );
        // A meter that the registry does not know.
        attack.net.register.retire(&member.meter);
        let newer = attack.net.offer(2, 100, 11).record;
        assert_eq!(
            attack.send(put(at, &newer)).await,
            RecordsAnswer::Refused(Refusal::Unknown)
        );
        let figures = attack.net.node(0).figures();
        assert_eq!((figures.stored, figures.bans), (2, 0));
        assert!(figures.refused >= 13 && figures.strikes >= 7, "{figures:?}");
    });
}

#[test]
fn only_the_peer_that_an_offer_names_withdraws_it() {
    run(async {
        let attack = Attack::begin().await;
        let offer = attack.net.offer(1, 100, 5);
        let seller = attack.net.node(1);
        seller
            .announce(offer.at, Arc::clone(&offer.record))
            .await
            .unwrap();
        let withdraw = encode_request(&RecordsRequest::Withdraw {
            at: At(offer.at),
            meter: offer.record.meter(),
            sequence: u64::MAX,
        });
        let answer = attack.send(withdraw).await;
        assert_eq!(answer, RecordsAnswer::Refused(Refusal::NotPublisher));
        assert_eq!(attack.held().await, [offer.record]);
    });
}

#[test]
fn garbage_is_refused_and_another_version_is_named() {
    run(async {
        let attack = Attack::begin().await;
        let get = encode_request(&RecordsRequest::Get {
            at: vec![At(Location([7; 32]))],
        });
        let text = String::from_utf8(get.clone()).unwrap();
        for garbage in [
            b"{".to_vec(),
            b"null".to_vec(),
            vec![0xff; 300],
            vec![b'['; 3_000],
            text.replace("get", "got").into_bytes(),
            text.replace("\"version\":1", "\"version\":1,\"more\":2")
                .into_bytes(),
            text.replace("07", "0x").into_bytes(),
            encode_request(&RecordsRequest::Get {
                at: vec![At(Location([7; 32])); 17],
            }),
        ] {
            let answer = attack.send(garbage.clone()).await;
            let shown = String::from_utf8_lossy(&garbage);
            assert_eq!(
                answer,
                RecordsAnswer::Refused(Refusal::Malformed),
                "{shown}"
            );
        }
        // What comes after version 1 may look quite different.
        let newer = br#"{"version":2,"body":{"get":{"near":[1,2,3]}},"more":true}"#.to_vec();
        assert_eq!(
            attack.send(newer).await,
            RecordsAnswer::Refused(Refusal::OtherVersion)
        );
        let record = br#"{"version":1,"body":{"put":{"at":"00","record":{"record":{"offer":{"version":2,"power":5}}}}}}"#;
        assert_eq!(
            attack.send(record.to_vec()).await,
            RecordsAnswer::Refused(Refusal::OtherVersion)
        );
        // Too long: it is not read to its end.
        let long = attack.send(vec![b' '; MAX_REQUEST * 20]).await;
        assert_eq!(long, RecordsAnswer::Refused(Refusal::Malformed));
        let node = attack.net.node(0);
        assert_eq!(node.figures().strikes, 9);
        // It goes on answering.
        let none = RecordsAnswer::Records {
            records: vec![],
            truncated: false,
        };
        assert_eq!(attack.send(get).await, none);
        assert_eq!(node.figures().other_version, 2);
    });
}

#[test]
fn what_hostile_nodes_list_is_not_returned() {
    run(async {
        let mut net = Net::new(12);
        net.limits.strikes = 1_000;
        for n in 0..4 {
            net.start(n).await;
        }
        net.settle().await;
        let genuine = net.offer(1, 100, 10);
        let at = genuine.at;
        let member = net.member(5).clone();
        let lists: Vec<Vec<Arc<SignedRecord>>> = {
            let soon = net.soon();
            let sign = |change: &dyn Fn(&mut Offer)| {
                let mut offer = member.offer(100, 20, soon);
                change(&mut offer);
                member.sign(Record::Offer(offer))
            };
            let mut better = SignedRecord::clone(&genuine.record);
            if let Record::Offer(offer) = &mut better.record {
                offer.sequence = 99;
                offer.price = Price(1);
            }
            vec![
                vec![Arc::new(better)],
                vec![sign(&|o| o.expires_at = Seconds(900_000))],
                vec![sign(&|o| o.expires_at = Seconds(u64::MAX))],
                vec![sign(&|o| o.network = "other/escrow".into())],
                vec![sign(&|o| o.wh = Wh(5_000))],
                vec![sign(&|o| o.version = 3)],
            ]
        };
        let mut liars = Vec::new();
        for (n, list) in (5..).zip(lists) {
            let records = list.iter().map(|r| Ok(SignedRecord::clone(r))).collect();
            let answer = encode_answer(&RecordsAnswer::Records {
                records,
                truncated: false,
            });
            liars.push(net.stranger(n, Some(answer), 1).await);
        }
        liars.push(net.stranger(11, Some(vec![b' '; 300_000]), 1).await);
        for node in &net.nodes {
            until("all are known", || async { node.figures().known >= 10 }).await;
        }
        net.node(1).put(at, Arc::clone(&genuine.record)).await;
        for n in [0, 2, 3] {
            // Whom a look-up asks differs from node to node, and with who lied before.
            for _ in 0..4 {
                let found = net.node(n).lookup(vec![at], Duration::from_secs(20)).await;
                assert_eq!(found.records, [Arc::clone(&genuine.record)]);
            }
        }
        let dropped: u64 = net.nodes.iter().map(|n| n.figures().dropped).sum();
        assert!(dropped >= 3, "the liars were asked: {dropped}");
        drop(liars);
    });
}

#[test]
fn one_bad_line_spoils_itself_only() {
    let net = Net::new(3);
    let (one, two) = (net.offer(0, 100, 1).record, net.offer(1, 100, 1).record);
    let mut answer = br#"{"version":1,"body":{"records":{"truncated":false}}}"#.to_vec();
    for line in [
        encode_record(&one),
        b"{}".to_vec(),
        vec![0xff],
        encode_record(&two),
    ] {
        answer.push(b'\n');
        answer.extend(line);
    }
    let Ok(RecordsAnswer::Records { records, .. }) = decode_answer(&answer) else {
        panic!("no list");
    };
    let good: Vec<_> = records.iter().flatten().collect();
    assert_eq!((records.len(), good), (4, vec![&*one, &*two]));
}

#[test]
fn a_node_that_floods_is_limited_and_banned_and_evicts_nobody() {
    run(async {
        let mut net = Net::new(40);
        net.limits.records = 40;
        net.limits.records_per_meter = 4;
        net.limits.peer_burst = 60;
        net.limits.peer_rate = 1;
        net.limits.strikes = 3;
        for n in 0..4 {
            net.start(n).await;
        }
        net.settle().await;
        for n in 0..4 {
            let offer = net.offer(n, 100, 1);
            net.node(n).announce(offer.at, offer.record).await.unwrap();
        }
        let target = net.node(0);
        until("each offer is kept at both its places", || async {
            target.figures().held == 8
        })
        .await;
        let held = target.figures().held;
        let flooder = net.stranger(9, None, 1).await;
        let (peer, address) = (target.peer_id(), target.addresses().await.remove(0));
        // Valid records of its own at every location where they may stand.
        let (mut busy, mut stored) = (0, 0);
        for i in 0..200u64 {
            let record =
                net.member(9)
                    .signed_offer(1 << (i % 14), 1 + i, net.soon(), 1 << (6 + i % 8));
            let answer = flooder
                .send_records(&peer, &address, put(record.at, &record.record))
                .await;
            match answer.as_deref().map(decode_answer) {
                Ok(Ok(RecordsAnswer::Busy)) => busy += 1,
                Ok(Ok(RecordsAnswer::Done)) => stored += 1,
                Ok(other) => panic!("{other:?}"),
                // Banned.
                Err(_) => break,
            }
        }
        assert!(
            stored >= 50 && busy >= 40,
            "{stored} stored, {busy} turned away"
        );
        until("it is banned", || async {
            let banned = target.banned().await;
            target.figures().bans > 0 && banned.len() == 1
        })
        .await;
        let figures = target.figures();
        assert!(figures.held <= held + 4 + 4, "{figures:?}");
        let places = vec![net.offer(0, 100, 1).at, net.offer(3, 100, 1).at];
        let found = target.lookup(places, WITHIN).await.records;
        let honest = (0..4).filter(|n| found.iter().any(|r| r.meter() == net.member(*n).meter));
        assert_eq!(honest.count(), 4);
    });
}
