//! Feed-in credit in dispute: a course that keeps the rules, and each way of breaking them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]

use wattpool_audit::export::{FeedIn, Header, Row, Said, State};
use wattpool_audit::finding::Rule;
use wattpool_audit::fold::Auditor;
use wattpool_schema::event::{
    CreditHeld, CreditHoldConfirmed, CreditHoldReleased, CreditHoldSet, CreditStruck,
    FeedInCredited, FeedInPaid, MarketEvent as E, ReserveFunded, RoleSet,
};
use wattpool_schema::pool::{HoldReason, Role};
use wattpool_schema::{Micro, Seconds, Wh, Window};

const LENGTH: u64 = 900;
/// The window that runs at the beginning.
const NOW: u64 = 2_000_000;
const MONTH: u64 = 30 * 86_400;

fn set(from: u64, through: u64, time: u64, by: &str) -> E {
    E::CreditHoldSet(CreditHoldSet {
        owner: "ann".into(),
        from: Window(from),
        through: Window(through),
        reason: HoldReason::Tampering,
        until: Seconds(time + MONTH),
        by: by.into(),
    })
}

fn confirmed(from: u64, by: &str) -> E {
    E::CreditHoldConfirmed(CreditHoldConfirmed {
        owner: "ann".into(),
        from: Window(from),
        by: by.into(),
    })
}

fn released(from: u64, by: &str) -> E {
    E::CreditHoldReleased(CreditHoldReleased {
        owner: "ann".into(),
        from: Window(from),
        by: by.into(),
    })
}

fn credited(window: u64, amount: u64) -> E {
    E::FeedInCredited(FeedInCredited {
        owner: "ann".into(),
        window: Window(window),
        wh: Wh(0),
        amount: Micro(amount),
        late: false,
    })
}

fn held(window: u64, amount: u64) -> E {
    E::CreditHeld(CreditHeld {
        owner: "ann".into(),
        window: Window(window),
        amount: Micro(amount),
    })
}

fn struck(from: u64, through: u64, amounts: (u64, u64), by: &str) -> E {
    E::CreditStruck(CreditStruck {
        owner: "ann".into(),
        from: Window(from),
        through: Window(through),
        amount: Micro(amounts.0),
        left: Micro(amounts.1),
        by: by.into(),
    })
}

fn paid(amount: u64, owed: u64) -> E {
    E::FeedInPaid(FeedInPaid {
        owner: "ann".into(),
        amount: Micro(amount),
        owed: Micro(owed),
    })
}

/// Window `NOW - n`.
const fn back(n: u64) -> u64 {
    NOW - n
}

/// Time of a block, `s` seconds after the beginning.
const fn at(s: u64) -> u64 {
    NOW * LENGTH + s
}

/// Three windows are held and set aside, of which one is struck out, and the other two are released and paid in part.
fn course() -> Vec<(u64, E)> {
    let role = |role, address: &str| {
        E::RoleSet(RoleSet {
            role,
            address: address.into(),
        })
    };
    let funded = E::ReserveFunded(ReserveFunded {
        from: "operator".into(),
        amount: Micro(1_000),
    });
    vec![
        (at(0), role(Role::GridOperator, "operator")),
        (at(0), role(Role::Regulator, "regulator")),
        (at(0), funded),
        (at(10), set(back(9), back(7), at(10), "operator")),
        (at(20), credited(back(9), 100)),
        (at(20), held(back(9), 100)),
        (at(20), credited(back(8), 60)),
        (at(20), held(back(8), 60)),
        (at(20), credited(back(7), 40)),
        (at(20), held(back(7), 40)),
        (at(20), credited(back(6), 10)),
        (at(20), paid(10, 0)),
        (at(30), confirmed(back(9), "regulator")),
        (at(40), struck(back(9), back(9), (100, 100), "regulator")),
        (at(50), released(back(9), "regulator")),
        (at(60), paid(70, 30)),
    ]
}

/// What an audit says of it: rule and field. What nobody reported to have expired is not this test's.
fn audit(course: &[(u64, E)], end: Option<(u64, u64, u64)>) -> Vec<(Rule, String)> {
    let header = Header::new("chain", ["token", "pool", "escrow"], "uwatt", 900, 1);
    let mut auditor = Auditor::new(header);
    for (height, (time, event)) in (1..).zip(course) {
        let row = Row {
            height,
            time: *time,
            tx: 0,
            index: 0,
            contract: "pool".into(),
            said: Said::Event(Box::new(event.clone())),
        };
        auditor.take(None, &row);
    }
    if let Some((owed, held, paid)) = end {
        let state = FeedIn {
            owner: "ann".into(),
            owed: Micro(owed),
            held: Micro(held),
            paid: Micro(paid),
        };
        auditor.state(None, &State::FeedIn(state));
    }
    let found = auditor.findings().list.iter();
    found
        .map(|f| (f.rule, f.field.clone()))
        .filter(|(_, field)| field != "wh")
        .collect()
}

#[test]
fn a_course_that_keeps_the_rules() {
    assert_eq!(audit(&course(), Some((30, 0, 80))), []);
    // Before it was released, two windows were held.
    assert_eq!(audit(&course()[..14], Some((0, 100, 10))), []);
}

#[test]
fn every_way_of_breaking_them_is_seen() {
    let feed_in = |field: &str| (Rule::FeedIn, field.to_owned());
    let role = || (Rule::Roles, "by".to_owned());
    let changed: [(usize, E, (Rule, String)); 13] = [
        (3, set(back(9), back(7), at(10), "mallory"), role()),
        (
            3,
            set(back(9), back(1), at(10), "operator"),
            feed_in("through"),
        ),
        (
            3,
            set(back(9), back(7), at(11), "operator"),
            feed_in("until"),
        ),
        (5, held(back(9), 99), feed_in("amount")),
        (5, held(back(5), 0), feed_in("window")),
        (11, paid(11, 0), feed_in("amount")),
        (11, paid(10, 1), feed_in("owed")),
        (12, confirmed(back(9), "operator"), role()),
        (12, confirmed(back(8), "regulator"), feed_in("from")),
        (13, struck(back(9), back(9), (100, 100), "operator"), role()),
        (
            13,
            struck(back(9), back(9), (60, 140), "regulator"),
            feed_in("amount"),
        ),
        (14, released(back(9), "mallory"), role()),
        (15, paid(101, 0), feed_in("amount")),
    ];
    for (place, event, expected) in changed {
        let mut course = course();
        course[place].1 = event;
        let found = audit(&course, None);
        assert!(found.contains(&expected), "{:?}: {found:?}", course[place]);
    }
}

#[test]
fn a_hold_that_is_over_or_not_there_holds_nothing() {
    let whole = course();
    // Over by itself: what it set aside may be paid, and can be neither confirmed nor struck out.
    let mut course = whole[..12].to_vec();
    course.push((at(10) + MONTH, paid(200, 0)));
    assert_eq!(audit(&course, Some((0, 0, 210))), []);
    for late in [
        confirmed(back(9), "regulator"),
        struck(back(9), back(9), (100, 100), "regulator"),
        released(back(9), "operator"),
    ] {
        let mut course = whole[..12].to_vec();
        course.push((at(10) + MONTH, late));
        assert_eq!(audit(&course, None)[0], (Rule::FeedIn, "from".to_owned()));
    }
    // Running: one second earlier nothing of it may be.
    let mut course = whole[..12].to_vec();
    course.push((at(9) + MONTH, paid(200, 0)));
    let found = audit(&course, None);
    assert_eq!(found, [(Rule::FeedIn, "amount".to_owned())]);
    // What is claimed cannot be held, nor what is held already.
    for (time, from) in [(at(25), back(6)), (at(15), back(8))] {
        let mut course = whole.clone();
        let place = course.partition_point(|(other, _)| *other < time);
        course.insert(place, (time, set(from, back(5), time, "operator")));
        let found = audit(&course, None);
        assert!(
            found.contains(&(Rule::FeedIn, "from".to_owned())),
            "{found:?}"
        );
    }
}
