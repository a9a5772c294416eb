//! Trades that the owner decides on, one by one.

use crate::common::*;
use wattpool_core::io::{Command, Event, Notice, Timer};
use wattpool_core::policy::Policy;
use wattpool_schema::peer::{Answer, DenialReason};
use wattpool_schema::{MeterId, Price, Seconds, Wh};

fn by_hand() -> Policy {
    Policy {
        manual_approval: true,
        ..Policy::default()
    }
}

/// What waits: number, partner, Wh, price and deadline.
fn awaited(out: &[Command]) -> Vec<(u64, MeterId, Wh, Price, Seconds)> {
    let all = notices(out).into_iter().filter_map(|n| match n {
        Notice::AwaitingApproval {
            request,
            partner,
            wh,
            price,
            until,
            ..
        } => Some((request, partner, wh, price, until)),
        _ => None,
    });
    all.collect()
}

fn decide(home: &mut Home, request: u64, accept: bool) -> Vec<Command> {
    home.give(Event::TradeDecided { request, accept })
}

/// Nothing new is begun in the last two blocks.
fn deadline(home: &Home) -> Seconds {
    Seconds(home.window.end(LEN).0 - 10)
}

#[test]
fn the_owner_decides_on_each_sale() {
    let (mut home, _) = Home::selling(by_hand(), 1_000);
    let until = deadline(&home);
    // Two buyers happen to use the same number.
    let first = home.request(2, 11, 100, |_| {});
    let second = home.request(3, 11, 200, |_| {});
    let told = home.give(first.clone());
    assert_eq!(replies(&told)[0].answer, Answer::Waiting { until });
    assert_eq!(journalled(&told), []);
    let [(a, partner, wh, price, shown)] = awaited(&told)[..] else {
        panic!("{told:?}")
    };
    assert_eq!((partner, wh, shown), (meter(2), Wh(100), until));
    assert!(price > Price(0));
    let [(b, partner, ..)] = awaited(&home.give(second.clone()))[..] else {
        panic!("the second waits as well")
    };
    assert_eq!(partner, meter(3));
    // It holds nothing, and another request of the same buyer waits with the first.
    assert_eq!(home.agent.snapshot().sellable, Wh(1_000));
    let again = home.request(2, 12, 100, |_| {});
    let told = home.give(again);
    assert_eq!(replies(&told)[0].answer, Answer::Waiting { until });
    assert_eq!(awaited(&told), []);
    // Minutes later the owner agrees to one of them; asked again, the buyer gets it.
    home.wait(300);
    assert!(decide(&mut home, a, true).is_empty());
    assert!(decide(&mut home, b, false).is_empty());
    assert!(decide(&mut home, b, true).is_empty(), "decided already");
    let approval = home.ask(2, 13, 60).unwrap().approval;
    assert_eq!(approval.wh, Wh(60));
    assert_eq!(home.ask(3, 14, 200), Err(DenialReason::Policy));
    home.sold(&approval, 60);
    // Of 100 Wh 40 are left; what comes beyond is for the owner again.
    let rest = home.ask(2, 15, 100).unwrap().approval;
    assert_eq!(rest.wh, Wh(40));
    home.sold(&rest, 40);
    let more = home.request(2, 16, 100, |_| {});
    assert_eq!(awaited(&home.give(more)).len(), 1);
}

#[test]
fn a_request_that_is_not_genuine_does_not_bother_the_owner() {
    let (mut home, _) = Home::selling(by_hand(), 1_000);
    let Event::Request(mut request) = home.request(2, 11, 100, |_| {}) else {
        unreachable!()
    };
    request.signature = signed_by(3, &request.request.sign_bytes());
    let out = home.give(Event::Request(request));
    assert_eq!(decision(&out), Some(Err(DenialReason::Invalid)));
    let stranger = home.request(200, 11, 100, |_| {});
    let out = home.give(stranger);
    assert_eq!(decision(&out), Some(Err(DenialReason::Invalid)));
    let cheap = home.request(2, 12, 100, |r| r.max_price = Price(1));
    let out = home.give(cheap);
    assert_eq!(decision(&out), Some(Err(DenialReason::Price)));
    assert_eq!(awaited(&out), []);
}

#[test]
fn the_owner_decides_on_each_purchase_before_its_seller_is_asked() {
    for accept in [true, false] {
        let (mut home, lookup) = Home::buying(by_hand(), 400);
        let until = deadline(&home);
        let offer = home.offer(2, 1_000, |o| o.price = Price(147_000));
        let told = home.found(lookup, vec![offer]);
        assert_eq!(asks(&told), []);
        let [(number, partner, wh, price, shown)] = awaited(&told)[..] else {
            panic!("{told:?}")
        };
        // 147,000 are at most 150,000 per kWh that arrives; the charge is 10,000.
        assert_eq!(
            (partner, wh, price, shown),
            (meter(2), Wh(400), Price(160_000), until)
        );
        // No seller holds anything for it: the owner has time.
        home.block_after(400);
        let out = decide(&mut home, number, accept);
        assert_eq!(asks(&out).len(), usize::from(accept));
        if accept {
            let request = asked(&out);
            assert_eq!(request.request.max_price, Price(150_000));
            let out = home.give(approved(&request, |_| {}));
            assert_eq!(settles(&out).len(), 1);
        }
        assert_eq!(asks(&decide(&mut home, number, accept)), []);
    }
    // Too late.
    let (mut home, lookup) = Home::buying(by_hand(), 400);
    let offer = home.offer(2, 1_000, |_| {});
    let (number, ..) = awaited(&home.found(lookup, vec![offer]))[0];
    home.wait(850);
    assert_eq!(asks(&decide(&mut home, number, true)), []);
}

#[test]
fn a_buyer_asks_again_until_the_seller_s_owner_has_decided() {
    let (mut home, lookup) = Home::buying(Policy::default(), 400);
    let offer = home.offer(2, 2_000, |_| {});
    let mut out = home.found(lookup, vec![offer]);
    let until = deadline(&home);
    for round in 0..4 {
        let request = asked(&out);
        if round == 3 {
            let out = home.give(approved(&request, |_| {}));
            assert_eq!(settles(&out).len(), 1);
            break;
        }
        let waiting = home.give(answer(&request, Answer::Waiting { until }));
        // Nobody holds it against anybody, and the need is open for other sellers.
        assert!(!notices(&waiting)
            .iter()
            .any(|n| matches!(n, Notice::Experienced(_))));
        out = home.fire(&waiting, Timer::Seek);
        while asks(&out).is_empty() {
            out = match lookups(&out).first() {
                Some((lookup, _)) => home.found(*lookup, Vec::new()),
                None => home.fire(&out, Timer::Seek),
            };
        }
    }
}
