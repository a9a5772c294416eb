//! From an approval to a trade on the chain: what is believed, written down, submitted, and tried again.

use crate::common::*;
use wattpool_core::io::{Command, JournalEntry, MarketTx, Notice, Timer, TxFailure};
use wattpool_core::policy::Policy;
use wattpool_schema::error::Code;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::peer::SignedRequest;
use wattpool_schema::{Approval, Price, Seconds, TradeKind, Wh};

/// A home that has asked home 2 for 400 Wh; home 3 would be next.
fn asking() -> (Home, SignedRequest) {
    let (mut home, lookup) = Home::buying(
        Policy {
            preferred: [meter(2)].into(),
            ..Policy::default()
        },
        400,
    );
    let records = vec![home.offer(2, 1_000, |_| {}), home.offer(3, 1_000, |_| {})];
    let request = asked(&home.found(lookup, records));
    assert_eq!(request.request.seller, meter(2));
    (home, request)
}

fn settling() -> (Home, u64, SettleTrade) {
    let (mut home, request) = asking();
    let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
    (home, intent, trade)
}

#[test]
fn a_trade_is_journalled_before_it_is_submitted() {
    let (mut home, request) = asking();
    let out = home.give(approved(&request, |_| {}));
    let written = place(&out, |c| {
        matches!(c, Command::Journal(JournalEntry::Settling(_)))
    });
    let submitted = place(&out, |c| {
        matches!(
            c,
            Command::Submit {
                tx: MarketTx::Settle(_),
                ..
            }
        )
    });
    assert!(written < submitted);
    let (_, trade) = settled(&out);
    assert_eq!(
        journalled(&out),
        [JournalEntry::Settling(Box::new(trade.clone()))]
    );
    assert_eq!((trade.trade_id, trade.wh), (request.request.id, Wh(400)));
    let cover = trade.cover.unwrap().cover;
    assert_eq!(
        (cover.meter, cover.window, cover.import_wh),
        (ME, W, Wh(400))
    );
}

#[test]
fn an_approval_that_differs_from_the_request_is_never_settled() {
    type Change = fn(&mut Approval);
    let cases: [(&str, Change); 17] = [
        ("version", |a| a.version = 2),
        ("kind", |a| a.kind = TradeKind::Forward),
        ("chain", |a| a.chain = "chain-2".into()),
        ("escrow", |a| a.escrow = "another".into()),
        ("seller", |a| a.seller = meter(3)),
        ("buyer", |a| a.buyer = meter(3)),
        ("window", |a| a.first_window = W.next()),
        ("count", |a| a.count = 2),
        ("nothing", |a| a.wh = Wh(0)),
        ("more", |a| a.wh = Wh(401)),
        ("price", |a| a.price = Price(290_001)),
        ("charge", |a| a.max_charge = Price(9_999)),
        ("gross", |a| a.max_gross = Wh(400)),
        ("time asked", |a| {
            a.requested_at = Seconds(a.requested_at.0 - 60)
        }),
        ("expired", |a| a.expires_at = Seconds(W.end(LEN).0 - 1)),
        ("more in all", |a| (a.wh, a.max_gross) = (Wh(800), Wh(900))),
        ("nobody", |a| a.seller = meter(200)),
    ];
    for (what, change) in cases {
        let (mut home, request) = asking();
        let out = home.give(approved(&request, change));
        assert_eq!(settles(&out), [], "{what}");
        assert_eq!(journalled(&out), [], "{what}");
        // Another seller is asked instead.
        assert_eq!(asked(&out).request.seller, meter(3), "{what}");
    }
}

#[test]
fn an_approval_signed_by_somebody_else_is_never_settled() {
    use wattpool_core::io::Event;
    use wattpool_schema::peer::Answer;
    let (mut home, request) = asking();
    let Event::Answer(mut forged) = approved(&request, |_| {}) else {
        unreachable!()
    };
    let Answer::Approved(approval) = &mut forged.answer else {
        unreachable!()
    };
    approval.signature = signed_by(3, &approval.approval.sign_bytes());
    let out = home.give(Event::Answer(forged));
    assert_eq!(settles(&out), []);
    assert_eq!(asked(&out).request.seller, meter(3));
}

#[test]
fn a_cheaper_and_a_smaller_approval_is_taken_and_the_rest_asked_elsewhere() {
    let (mut home, request) = asking();
    let out = home.give(approved(&request, |a| {
        (a.wh, a.price) = (Wh(150), Price(120_000))
    }));
    let (intent, trade) = settled(&out);
    assert_eq!(trade.wh, Wh(150));
    let rest = asked(&out);
    assert_eq!((rest.request.seller, rest.request.wh), (meter(3), Wh(250)));
    // Covers are cumulative: the second says both.
    let (_, second) = settled(&home.give(approved(&rest, |_| {})));
    assert_eq!(second.cover.unwrap().cover.import_wh, Wh(400));
    let out = home.done(intent, Ok(vec![closed(&trade.approval.approval, 150)]));
    assert!(notices(&out).contains(&Notice::Bought {
        window: W,
        seller: meter(2),
        wh: Wh(150)
    }));
}

#[test]
fn what_was_bought_is_told_and_the_rest_is_the_grid_s() {
    let (mut home, request) = asking();
    let (intent, trade) = settled(&home.give(approved(&request, |a| a.wh = Wh(150))));
    home.wait(5);
    home.done(intent, Ok(vec![closed(&trade.approval.approval, 150)]));
    let told = notices(&home.next_window(0));
    assert!(
        told.contains(&Notice::GridSupplied {
            window: W,
            wh: Wh(250)
        }),
        "{told:?}"
    );
    let (mut home, intent, trade) = settling();
    home.done(intent, Ok(vec![closed(&trade.approval.approval, 400)]));
    let told = notices(&home.next_window(0));
    assert!(
        !told
            .iter()
            .any(|n| matches!(n, Notice::GridSupplied { .. })),
        "{told:?}"
    );
}

#[test]
fn a_refused_trade_brings_the_next_best_and_covers_no_more_than_the_import() {
    for code in [
        Code::Unsold,
        Code::ApprovalExpired,
        Code::NonceUsed,
        Code::InsufficientMoney,
        Code::BadSignature,
    ] {
        let (mut home, intent, _) = settling();
        let out = home.done(intent, Err(TxFailure::Refused(code)));
        assert!(notices(&out).contains(&Notice::Refused { code: Some(code) }));
        let next = asked(&out);
        assert_eq!(
            (next.request.seller, next.request.wh),
            (meter(3), Wh(400)),
            "{code}"
        );
        let (_, second) = settled(&home.give(approved(&next, |_| {})));
        assert_eq!(second.cover.unwrap().cover.import_wh, Wh(400), "{code}");
        assert_ne!(second.trade_id, next.request.id - 1);
    }
    let (mut home, intent, _) = settling();
    let out = home.done(intent, Err(TxFailure::Unknown("out of gas".into())));
    assert_eq!(asked(&out).request.seller, meter(3));
}

#[test]
fn what_is_lost_is_submitted_again_under_the_same_id_and_counted_once() {
    let (mut home, mut intent, trade) = settling();
    let unsent = || TxFailure::Unsent("the fee account is empty".into());
    for failure in [TxFailure::Lost, unsent(), TxFailure::Lost] {
        let out = home.done(intent, Err(failure));
        assert_eq!(submits(&out), [], "not at once");
        assert_eq!(asks(&out), []);
        let again = home.fire(&out, Timer::Resubmit);
        let (number, same) = settled(&again);
        assert_ne!(number, intent);
        assert_eq!(same, trade);
        intent = number;
    }
    // It had been executed all along: the chain says yes without a new event.
    let out = home.done(intent, Ok(Vec::new()));
    let mut told = notices(&out);
    told.retain(|n| !matches!(n, Notice::Experienced(_)));
    assert_eq!(
        told,
        [Notice::Bought {
            window: W,
            seller: meter(2),
            wh: Wh(400)
        }]
    );
    assert_eq!(asks(&out), []);
    assert!(home.done(intent, Ok(Vec::new())).is_empty());
}

#[test]
fn what_is_lost_is_asked_about_even_after_its_approval_expired() {
    let (mut home, intent, trade) = settling();
    home.block_after(60);
    let out = home.done(intent, Err(TxFailure::Lost));
    let (intent, same) = settled(&home.fire(&out, Timer::Resubmit));
    assert_eq!(same, trade);
    // It had not been executed: the next is asked for all of it.
    let out = home.done(intent, Err(TxFailure::Refused(Code::ApprovalExpired)));
    assert_eq!(asked(&out).request.wh, Wh(400));
}

#[test]
fn a_refusal_for_now_is_tried_again_while_the_approval_holds() {
    let (mut home, intent, trade) = settling();
    let out = home.done(intent, Err(TxFailure::Refused(Code::Paused)));
    let (intent, same) = settled(&home.fire(&out, Timer::Resubmit));
    assert_eq!(same, trade);
    home.block_after(60);
    let out = home.done(intent, Err(TxFailure::Refused(Code::Paused)));
    assert_eq!(timer_at(&out, Timer::Resubmit), None);
    assert_eq!(
        asked(&out).request.wh,
        Wh(400),
        "it is needed from elsewhere now"
    );
}

#[test]
fn trade_ids_differ_within_and_between_windows() {
    let mut seen = std::collections::BTreeSet::new();
    let (mut home, mut lookup) = Home::buying(Policy::default(), 900);
    for _ in 0..3 {
        let records = (2..8).map(|n| home.offer(n, 200, |_| {})).collect();
        for request in asks(&home.found(lookup, records)) {
            assert!(seen.insert(request.request.id));
        }
        let opened = home.next_window(-900);
        lookup = looked_up(&home.fire(&opened, Timer::Seek)).0;
    }
    assert!(seen.len() >= 15, "{}", seen.len());
}

#[test]
fn an_outcome_after_the_window_has_closed_changes_nothing() {
    let (mut home, intent, trade) = settling();
    home.next_window(-300);
    let out = home.done(intent, Ok(vec![closed(&trade.approval.approval, 400)]));
    assert_eq!(asks(&out), []);
    let told = notices(&home.next_window(0));
    assert!(
        told.contains(&Notice::GridSupplied {
            window: W.next(),
            wh: Wh(300)
        }),
        "{told:?}"
    );
}

#[test]
fn over_a_thin_line_less_is_settled_under_the_same_approval() {
    let (mut home, mut intent, trade) = settling();
    let mut wh = trade.wh.0;
    // What is left of the line is not known here: each time half of it is tried, until the line takes it.
    for _ in 0..3 {
        let out = home.done(intent, Err(TxFailure::Refused(Code::CapacityExceeded)));
        wh /= 2;
        let written = place(&out, |c| {
            matches!(c, Command::Journal(JournalEntry::Settling(_)))
        });
        let submitted = place(&out, |c| matches!(c, Command::Submit { .. }));
        assert!(written < submitted);
        let (next, less) = settled(&out);
        assert_eq!(less.wh, Wh(wh));
        assert_eq!(
            (less.trade_id, &less.approval),
            (trade.trade_id, &trade.approval)
        );
        intent = next;
    }
    // 50 of 400 Wh are bought; for the rest others are asked, each for no more than is still needed.
    let out = home.done(intent, Ok(vec![closed(&trade.approval.approval, wh)]));
    let rest: u64 = asks(&out).iter().map(|a| a.request.wh.0).sum();
    assert!(rest <= 350, "{out:?}");
}

#[test]
fn a_thin_line_is_not_its_seller_s_fault_but_missing_tokens_are() {
    for (code, again) in [
        (Code::CapacityExceeded, true),
        (Code::InsufficientOwn, false),
    ] {
        let (mut home, request) = asking();
        let out = home.give(approved(&request, |_| {}));
        let mut intent = settled(&out).0;
        // Until too little is left to be halved.
        let mut set = Vec::new();
        let others = loop {
            let out = home.done(intent, Err(TxFailure::Refused(code)));
            set.extend(out.clone());
            let more = out.iter().find_map(|c| match c {
                Command::Submit { intent, .. } => Some(*intent),
                _ => None,
            });
            match more {
                Some(next) => intent = next,
                None => break asks(&out),
            }
        };
        // Over the same line nobody is asked; another seller is, where the first one failed.
        let sold_out = wattpool_schema::peer::DenialReason::SoldOut;
        if let [one] = &others[..] {
            set.extend(home.give(denied(one, sold_out, 0)));
        }
        assert_eq!(others.is_empty(), again, "{code}");
        // A newer offer of the first one comes up.
        let (lookup, _) = looked_up(&home.fire(&set, Timer::Seek));
        let newer = home.offer(2, 1_000, |_| {});
        let asks = asks(&home.found(lookup, vec![newer]));
        assert_eq!(asks.len(), usize::from(again), "{code}");
    }
}
