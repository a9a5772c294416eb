//! Trades that the owner decides on, one by one.

use crate::common::*;
use wattpool_core::io::{Event, Notice};
use wattpool_core::policy::Policy;

fn awaited(out: &[wattpool_core::io::Command]) -> Vec<(u64, wattpool_schema::MeterId)> {
    let all = notices(out).into_iter().filter_map(|n| match n {
        Notice::AwaitingApproval {
            request, partner, ..
        } => Some((request, partner)),
        _ => None,
    });
    all.collect()
}

#[test]
fn the_owner_decides_on_each_sale() {
    let (mut home, _) = Home::selling(
        Policy {
            manual_approval: true,
            ..Policy::default()
        },
        1_000,
    );
    // Two buyers happen to use the same number.
    let first = home.request(2, 11, 100, |_| {});
    let second = home.request(3, 11, 200, |_| {});
    let told = home.give(first.clone());
    assert_eq!(
        (replies(&told), journalled(&told)),
        (Vec::new(), Vec::new())
    );
    let [(a, partner)] = awaited(&told)[..] else {
        panic!("{told:?}")
    };
    assert_eq!(partner, meter(2));
    let [(b, partner)] = awaited(&home.give(second.clone()))[..] else {
        panic!("the second is held as well")
    };
    assert_eq!(partner, meter(3));
    assert!(home.give(first.clone()).is_empty(), "held already");
    let out = home.give(Event::TradeDecided {
        request: a,
        accept: true,
    });
    assert_eq!(replies(&out)[0].buyer, meter(2));
    assert!(decision(&out).unwrap().is_ok());
    assert_eq!(
        decision(&home.give(second)),
        None,
        "accepting one accepts no other"
    );
    assert!(home
        .give(Event::TradeDecided {
            request: b,
            accept: false
        })
        .is_empty());
    assert!(home
        .give(Event::TradeDecided {
            request: b,
            accept: true
        })
        .is_empty());
    assert!(
        decision(&home.give(first)).unwrap().is_ok(),
        "the same answer again"
    );
}

#[test]
fn a_forged_request_does_not_bother_the_owner() {
    let (mut home, _) = Home::selling(
        Policy {
            manual_approval: true,
            ..Policy::default()
        },
        1_000,
    );
    let Event::Request(mut request) = home.request(2, 11, 100, |_| {}) else {
        unreachable!()
    };
    request.signature = signed_by(3, &request.request.sign_bytes());
    assert_eq!(awaited(&home.give(Event::Request(request))), []);
    let stranger = home.request(200, 11, 100, |_| {});
    assert_eq!(awaited(&home.give(stranger)), []);
}

#[test]
fn the_owner_decides_on_each_purchase() {
    for accept in [true, false] {
        let (mut home, lookup) = Home::buying(
            Policy {
                manual_approval: true,
                ..Policy::default()
            },
            400,
        );
        let request = asked(&home.found(lookup, vec![home.offer(2, 1_000, |_| {})]));
        let told = home.give(approved(&request, |_| {}));
        assert_eq!(
            (settles(&told), journalled(&told)),
            (Vec::new(), Vec::new())
        );
        let [(number, partner)] = awaited(&told)[..] else {
            panic!("{told:?}")
        };
        assert_eq!(partner, meter(2));
        let out = home.give(Event::TradeDecided {
            request: number,
            accept,
        });
        assert_eq!(settles(&out).len(), usize::from(accept));
        assert_eq!(
            settles(&home.give(Event::TradeDecided {
                request: number,
                accept
            })),
            []
        );
    }
    // Decided too late: the approval has lapsed.
    let (mut home, lookup) = Home::buying(
        Policy {
            manual_approval: true,
            ..Policy::default()
        },
        400,
    );
    let request = asked(&home.found(lookup, vec![home.offer(2, 1_000, |_| {})]));
    let [(number, _)] = awaited(&home.give(approved(&request, |_| {})))[..] else {
        panic!("not held")
    };
    home.block_after(60);
    assert_eq!(
        settles(&home.give(Event::TradeDecided {
            request: number,
            accept: true
        })),
        []
    );
}
