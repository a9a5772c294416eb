//! The owner's limits: they bind, and a change takes effect at once and is written down.

use crate::common::*;
use std::sync::Arc;
use wattpool_core::io::{Command, Day, Event, JournalEntry, Timer, TxFailure};
use wattpool_core::policy::{Hours, Policy};
use wattpool_rules::payment::payment;
use wattpool_schema::error::Code;
use wattpool_schema::peer::DenialReason;
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Micro, Price, Wh};

fn change(home: &mut Home, policy: Policy) -> Vec<wattpool_core::io::Command> {
    let out = home.give(Event::PolicyChanged(Box::new(policy.clone())));
    assert_eq!(journalled(&out), [JournalEntry::Policy(Box::new(policy))]);
    out
}

#[test]
fn selling_off() {
    let policy = Policy {
        sell: false,
        ..Policy::default()
    };
    let mut home = Home::new(policy);
    let out = home.next_window(1_000);
    assert_eq!(
        (statuses(&out), timer_at(&out, Timer::Price)),
        (Vec::new(), None)
    );
    assert_eq!(offers(&home.take_statements(&out)), []);
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::Policy));
    // Switched on, it begins in the same window.
    let out = change(&mut home, Policy::default());
    let looking = home.fire(&out, Timer::Price);
    assert_eq!(
        offers(&home.found(looked_up(&looking).0, Vec::new())).len(),
        1
    );
    assert!(home.ask(2, 2, 100).is_ok());
}

#[test]
fn selling_switched_off_takes_the_offer_back_for_good() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    home.ask(2, 1, 100).unwrap();
    let out = change(
        &mut home,
        Policy {
            sell: false,
            ..Policy::default()
        },
    );
    assert_eq!((withdrawals(&out), offers(&out)), (1, Vec::new()));
    assert_eq!(
        offers(&home.block_after(60)),
        [],
        "a lapsed promise brings no offer"
    );
    assert_eq!(home.ask(2, 2, 100), Err(DenialReason::Policy));
}

#[test]
fn buying_off_and_on() {
    let mut home = Home::new(Policy {
        buy: false,
        ..Policy::default()
    });
    let out = home.next_window(-400);
    assert_eq!(
        (statuses(&out), timer_at(&out, Timer::Seek)),
        (Vec::new(), None)
    );
    let out = change(&mut home, Policy::default());
    let looking = home.fire(&out, Timer::Seek);
    let offer = home.offer(2, 1_000, |_| {});
    assert_eq!(
        asks(&home.found(looked_up(&looking).0, vec![offer])).len(),
        1
    );
}

#[test]
fn an_approval_is_not_settled_under_a_policy_that_no_longer_allows_it() {
    let dear = Policy {
        max_buy_price: Some(Price(159_999)),
        ..Policy::default()
    };
    let off = Policy {
        buy: false,
        ..Policy::default()
    };
    let blocked = Policy {
        blocked: [meter(2)].into(),
        ..Policy::default()
    };
    let fine = Policy {
        max_buy_price: Some(Price(160_000)),
        ..Policy::default()
    };
    for (policy, settled) in [(dear, 0), (off, 0), (blocked, 0), (fine, 1)] {
        let (mut home, lookup) = Home::buying(Policy::default(), 400);
        let request = asked(&home.found(lookup, vec![home.offer(2, 1_000, |_| {})]));
        change(&mut home, policy);
        // 150,000 and a charge of 10,000.
        assert_eq!(
            settles(&home.give(approved(&request, |_| {}))).len(),
            settled
        );
    }
}

#[test]
fn hours_bind_both_sides() {
    // W + 1 begins at 16:15.
    for (hours, open) in [
        (Hours { from: 16, to: 17 }, true),
        (Hours { from: 17, to: 24 }, false),
        (Hours { from: 0, to: 16 }, false),
        (Hours { from: 22, to: 17 }, true),
        (Hours { from: 22, to: 6 }, false),
    ] {
        let policy = Policy {
            hours: Some(hours),
            ..Policy::default()
        };
        let mut seller = Home::new(policy.clone());
        let out = seller.next_window(1_000);
        assert_eq!(timer_at(&out, Timer::Price).is_some(), open, "{hours:?}");
        let mut buyer = Home::new(policy);
        let out = buyer.next_window(-1_000);
        assert_eq!(timer_at(&out, Timer::Seek).is_some(), open, "{hours:?}");
    }
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    change(
        &mut home,
        Policy {
            hours: Some(Hours { from: 1, to: 2 }),
            ..Policy::default()
        },
    );
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::Policy));
}

#[test]
fn floor_ceiling_and_margin_of_the_selling_price() {
    let price = |policy: Policy| offers(&Home::selling(policy, 1_000).1)[0].price;
    let plain = price(Policy::default());
    assert_eq!(
        price(Policy {
            margin_permille: 100,
            ..Policy::default()
        }),
        Price(plain.0 * 1100 / 1000)
    );
    assert_eq!(
        price(Policy {
            min_sell_price: Some(Price(200_000)),
            ..Policy::default()
        }),
        Price(200_000)
    );
    assert_eq!(
        price(Policy {
            max_sell_price: Some(Price(50_000)),
            ..Policy::default()
        }),
        Price(50_000)
    );
    // The approval says the same, and a buyer who would pay less is denied.
    let (mut home, _) = Home::selling(
        Policy {
            min_sell_price: Some(Price(200_000)),
            ..Policy::default()
        },
        1_000,
    );
    assert_eq!(home.ask(2, 1, 100).unwrap().approval.price, Price(200_000));
    let low = home.request(2, 2, 100, |r| r.max_price = Price(199_999));
    assert_eq!(decision(&home.give(low)), Some(Err(DenialReason::Price)));
}

#[test]
fn a_new_floor_ends_the_offer_that_was_cheaper_and_prices_the_next() {
    let prices = |out: &[Command]| offers(out).iter().map(|o| o.price).collect::<Vec<_>>();
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let floor = |price| Policy {
        min_sell_price: Some(Price(price)),
        ..Policy::default()
    };
    // What was announced binds: at the new floor nothing is sold in this window.
    let out = change(&mut home, floor(250_000));
    assert_eq!((withdrawals(&out), prices(&out)), (1, Vec::new()));
    assert_eq!(home.ask(2, 1, 100), Err(DenialReason::Price));
    let opened = home.next_window(1_000);
    home.take_statements(&opened);
    let looking = home.fire(&opened, Timer::Price);
    let out = home.found(looked_up(&looking).0, Vec::new());
    assert_eq!(prices(&out), [Price(250_000)]);
    assert_eq!(home.ask(2, 1, 100).unwrap().approval.price, Price(250_000));
    // A lower one lowers the price at once.
    let out = change(&mut home, floor(240_000));
    assert_eq!(prices(&out), [Price(240_000)]);
}

#[test]
fn the_buying_ceiling_includes_the_charge() {
    let policy = Policy {
        max_buy_price: Some(Price(160_000)),
        ..Policy::default()
    };
    let (mut home, lookup) = Home::buying(policy, 400);
    let records = vec![
        home.offer(2, 1_000, |o| o.price = Price(150_001)),
        home.offer(3, 1_000, |o| o.price = Price(150_000)),
    ];
    let request = asked(&home.found(lookup, records));
    assert_eq!(
        (request.request.seller, request.request.max_price),
        (meter(3), Price(150_000))
    );
}

#[test]
fn the_reserve_is_kept_and_may_be_changed() {
    let (mut home, out) = Home::selling(
        Policy {
            reserve_wh: Wh(300),
            ..Policy::default()
        },
        1_000,
    );
    assert_eq!(offers(&out)[0].wh, Wh(700));
    assert_eq!(home.ask(2, 1, 100).unwrap().approval.max_gross, Wh(103));
    let out = change(
        &mut home,
        Policy {
            reserve_wh: Wh(500),
            ..Policy::default()
        },
    );
    assert_eq!(offers(&out)[0].wh, Wh(397));
    assert_eq!(home.ask(3, 2, 1_000).unwrap().approval.max_gross, Wh(397));
    let (_, out) = Home::selling(
        Policy {
            reserve_wh: Wh(1_000),
            ..Policy::default()
        },
        1_000,
    );
    assert_eq!(offers(&out), []);
}

#[test]
fn the_day_s_sales_are_limited() {
    let policy = Policy {
        max_sell_wh_per_day: Some(Wh(500)),
        ..Policy::default()
    };
    let (mut home, out) = Home::selling(policy, 1_000);
    assert_eq!(offers(&out)[0].wh, Wh(500));
    let approval = home.ask(2, 1, 294).unwrap().approval;
    assert_eq!(approval.max_gross, Wh(300));
    home.wait(2);
    home.sold(&approval, 294);
    // 500 − 300 sent.
    assert_eq!(home.ask(3, 2, 1_000).unwrap().approval.max_gross, Wh(200));
}

#[test]
fn the_day_s_purchases_are_limited_and_a_new_day_begins_anew() {
    let policy = Policy {
        max_buy_wh_per_day: Some(Wh(500)),
        ..Policy::default()
    };
    let (mut home, mut lookup) = Home::buying(policy, 400);
    let mut bought = Vec::new();
    // W + 1 is 16:15: 31 windows are left of the day.
    for _ in 0..34 {
        let offer = home.offer(2, 10_000, |_| {});
        let out = home.found(lookup, vec![offer]);
        if let Some(request) = asks(&out).pop() {
            let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
            home.done(
                intent,
                Ok(vec![closed(&trade.approval.approval, trade.wh.0)]),
            );
            bought.push((home.window.0, trade.wh.0));
        }
        let opened = home.next_window(-400);
        lookup = looked_up(&home.fire(&opened, Timer::Seek)).0;
    }
    let midnight = W.0 + 32;
    assert_eq!(
        bought,
        [
            (W.0 + 1, 400),
            (W.0 + 2, 100),
            (midnight, 400),
            (midnight + 1, 100)
        ]
    );
}

#[test]
fn the_day_s_spending_is_limited() {
    // At the 0.163266 that an announced 0.16 comes to at most over this loss, 60,000 micro-units are 367 Wh.
    let policy = Policy {
        max_spend_per_day: Some(Micro(60_000)),
        ..Policy::default()
    };
    let (mut home, lookup) = Home::buying(policy, 400);
    let records = vec![home.offer(2, 1_000, |_| {}), home.offer(3, 1_000, |_| {})];
    let request = asked(&home.found(lookup, records));
    assert_eq!(request.request.wh, Wh(367));
    let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
    let out = home.done(intent, Ok(vec![closed(&trade.approval.approval, 367)]));
    // 367 Wh at 0.16 cost 58,720; the remaining 1,280 are worth 7 Wh.
    assert_eq!(payment(Wh(367), Price(160_000)).unwrap(), Micro(58_720));
    assert_eq!(asked(&out).request.wh, Wh(7));
}

#[test]
fn small_rests_are_left_to_the_grid() {
    let (mut home, lookup) = Home::buying(
        Policy {
            min_trade_wh: Wh(50),
            ..Policy::default()
        },
        400,
    );
    let records = vec![home.offer(2, 1_000, |_| {}), home.offer(3, 1_000, |_| {})];
    let request = asked(&home.found(lookup, records));
    let out = home.give(approved(&request, |a| a.wh = Wh(360)));
    assert_eq!(settles(&out).len(), 1);
    assert_eq!(asks(&out), []);
}

#[test]
fn a_policy_survives_a_restart() {
    let mut home = Home::new(Policy::default());
    let policy = Policy {
        sell: false,
        min_sell_price: Some(Price(7)),
        ..Policy::default()
    };
    change(&mut home, policy.clone());
    let (home, _) = home.crash(Policy::default(), MeterPosition::default());
    assert_eq!(home.agent.policy(), &policy);
}

#[test]
fn strategies_for_comparison() {
    use wattpool_core::policy::Selection;
    let pick = |selection, window: usize| {
        let mut home = Home::new(Policy {
            selection,
            ..Policy::default()
        });
        for _ in 0..window {
            let opened = home.next_window(0);
            home.take_statements(&opened);
        }
        let opened = home.next_window(-400);
        home.take_statements(&opened);
        let (lookup, _) = looked_up(&home.fire(&opened, Timer::Seek));
        let offers = vec![
            home.offer(2, 1_000, |_| {}),
            home.offer(3, 1_000, |o| o.price = Price(120_000)),
            home.offer(101, 1_000, |o| o.price = Price(60_000)),
        ];
        asked(&home.found(lookup, offers)).request.seller
    };
    for window in 0..8 {
        // 60,000 and 40,000 of charge are less than 120,000 and 10,000.
        assert_eq!(pick(Selection::Price, window), meter(101));
        assert_ne!(pick(Selection::Nearest, window), meter(101));
    }
    let random: std::collections::BTreeSet<_> = (0..24)
        .map(|window| pick(Selection::Random, window))
        .collect();
    assert_eq!(random.len(), 3, "{random:?}");
}

#[test]
fn sellers_that_are_not_trusted_are_asked_for_what_the_others_cannot_supply() {
    let sellers = |min_quality: f64| {
        let mut home = Home::new(Policy {
            min_quality,
            ..Policy::default()
        });
        // Home 2 breaks its word a few times, the others keep theirs.
        for n in 0..12 {
            let opened = home.next_window(-400);
            home.take_statements(&opened);
            let (lookup, _) = looked_up(&home.fire(&opened, Timer::Seek));
            let seller = if n % 2 == 0 { 2 } else { 4 };
            let offer = home.offer(seller, 1_000, |_| {});
            let request = asked(&home.found(lookup, vec![offer]));
            let (intent, trade) = settled(&home.give(approved(&request, |_| {})));
            let kept = closed(&trade.approval.approval, 400);
            home.done(
                intent,
                if seller == 2 {
                    Err(TxFailure::Refused(Code::InsufficientOwn))
                } else {
                    Ok(vec![kept])
                },
            );
        }
        let opened = home.next_window(-900);
        home.take_statements(&opened);
        let (lookup, _) = looked_up(&home.fire(&opened, Timer::Seek));
        let offers = vec![home.offer(2, 2_000, |_| {}), home.offer(3, 500, |_| {})];
        let out = home.found(lookup, offers);
        let first: Vec<_> = asks(&out).iter().map(|a| a.request.seller).collect();
        let more = match &asks(&out)[..] {
            [one] if one.request.seller == meter(3) => {
                let out = home.give(approved(one, |_| {}));
                asks(&out)
                    .iter()
                    .map(|a| (a.request.seller, a.request.wh))
                    .collect()
            }
            _ => Vec::new(),
        };
        (first, more)
    };
    // One seller would do, but not this one: 490 Wh come from the other, the rest is its to prove itself.
    let (first, more) = sellers(0.5);
    assert_eq!(first, [meter(3)]);
    assert_eq!(more, [(meter(2), Wh(410))]);
    assert_eq!(sellers(0.0).0, [meter(2)]);
}

#[test]
fn a_restart_counts_what_was_traded_before_it_on_that_day() {
    let limited = Policy {
        max_buy_wh_per_day: Some(Wh(500)),
        max_sell_wh_per_day: Some(Wh(300)),
        ..Policy::default()
    };
    let started = |number_of: fn(Day) -> Day| {
        let mut home = Home::idle(limited.clone());
        let today = number_of(Day {
            bought: Wh(420),
            sold: Wh(250),
            spent: Micro(7_000),
            ..Day::of(home.block.time)
        });
        home.give(Event::Started {
            journal: Vec::new(),
            position: MeterPosition::default(),
            today,
        });
        home.give(Event::Reading(home.reading(W.prev())));
        home.give(Event::WindowOpened(Arc::new(terms(W, home.block))));
        home
    };
    let home = started(|day| day);
    let seen = home.agent.snapshot();
    let today = (seen.bought_today, seen.sold_today, seen.spent_today);
    assert_eq!(today, (Wh(420), Wh(250), Micro(7_000)));
    // What was traded the day before is not of today.
    let home = started(|day| Day {
        number: day.number.saturating_sub(1),
        ..day
    });
    assert_eq!(home.agent.snapshot().bought_today, Wh(0));
}
