//! The same Wh is never promised twice, whatever is asked, taken, lapses or crashes, in any order.

use crate::common::*;
use proptest::prelude::*;
use wattpool_core::io::{JournalEntry, Timer};
use wattpool_core::policy::Policy;
use wattpool_rules::loss::gross_for;
use wattpool_schema::peer::{Answer, DenialReason};
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Approval, Ppm, Seconds, Wh};

#[derive(Clone, Debug)]
enum Step {
    /// Buyer, number, Wh.
    Ask(u8, u64, u64),
    /// The nth promise is used for a share of it, if the chain still takes it.
    Take(prop::sample::Index, u64),
    /// Seconds until the next block; whether the agent sees it.
    Block(u64, bool),
    /// The home is killed and started again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (2u8..9, 0u64..12, 1u64..1_500).prop_map(|(n, id, wh)| Step::Ask(n, id, wh)),
        3 => (any::<prop::sample::Index>(), 1u64..=100).prop_map(|(i, share)| Step::Take(i, share)),
        3 => (1u64..40, any::<bool>()).prop_map(|(s, seen)| Step::Block(s, seen)),
        1 => Just(Step::Crash),
    ]
}

/// The chain's side: promises not used, and what was sold.
#[derive(Default)]
struct Chain {
    promised: Vec<Approval>,
    sold: u64,
}

impl Chain {
    /// What may still be taken at a block time, and what was.
    fn claimed(&self, now: Seconds) -> u64 {
        self.sold
            + self
                .promised
                .iter()
                .filter(|a| a.expires_at >= now)
                .map(|a| a.max_gross.0)
                .sum::<u64>()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promised_and_sold_never_exceed_what_was_minted(
        minted in 10u64..2_000, reserve in 0u64..200, steps in prop::collection::vec(step(), 1..60),
    ) {
        let policy = Policy { reserve_wh: Wh(reserve), ..Policy::default() };
        let (mut home, _) = Home::selling(policy.clone(), minted as i64);
        let mut chain = Chain::default();
        let mut answered: Vec<(u8, u64, Approval)> = Vec::new();
        let most = minted.saturating_sub(reserve);
        for step in steps {
            // All of it happens within the window.
            if home.block.time.0 + 60 > home.window.end(LEN).0 {
                break;
            }
            match step {
                Step::Ask(n, id, wh) => {
                    if let Ok(approval) = home.ask(n, id, wh) {
                        let approval = approval.approval;
                        prop_assert!(approval.wh <= Wh(wh) || answered.iter().any(|(b, i, _)| (*b, *i) == (n, id)));
                        match answered.iter().find(|(b, i, _)| (*b, *i) == (n, id)) {
                            Some((_, _, first)) => prop_assert_eq!(first, &approval),
                            None => {
                                prop_assert!(answered.iter().all(|(_, _, a)| a.nonce != approval.nonce));
                                answered.push((n, id, approval.clone()));
                                chain.promised.push(approval);
                            }
                        }
                    }
                }
                Step::Take(index, share) => {
                    chain.promised.retain(|a| a.expires_at >= home.block.time);
                    if !chain.promised.is_empty() {
                        let at = index.index(chain.promised.len());
                        let approval = chain.promised.swap_remove(at);
                        let wh = (approval.wh.0 * share / 100).max(1);
                        chain.sold += gross_for(Wh(wh), Ppm(20_000)).unwrap().0;
                        home.sold(&approval, wh);
                    }
                }
                Step::Block(seconds, seen) => {
                    home.wait(seconds);
                    if seen {
                        home.give(wattpool_core::io::Event::Block(home.block));
                    }
                }
                Step::Crash => {
                    let position = MeterPosition {
                        stated: Some(W),
                        sequence: 1,
                        minted_window: W,
                        minted: Wh(minted),
                        sold: Wh(chain.sold),
                        ..MeterPosition::default()
                    };
                    let (next, set) = home.crash(policy.clone(), position);
                    home = next;
                    let looking = home.fire(&set, wattpool_core::io::Timer::Price);
                    home.found(looked_up(&looking).0, Vec::new());
                }
            }
            prop_assert!(chain.claimed(home.block.time) <= most, "{} of {most}", chain.claimed(home.block.time));
        }
    }
}

#[test]
fn all_of_it_can_be_sold_in_many_pieces() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    let mut sent = 0;
    for id in 0..30 {
        if let Ok(approval) = home.ask(2, id, 60) {
            home.wait(1);
            home.sold(&approval.approval, approval.approval.wh.0);
            sent += approval.approval.max_gross.0;
        }
    }
    // 60 Wh that arrive are 62 sent; the last piece is smaller.
    assert_eq!(sent, 1_000);
}

#[test]
fn a_buyer_holds_one_promise_at_a_time_and_no_more_than_it_can_use() {
    let (mut home, _) = Home::selling(Policy::default(), 4_000);
    home.town.purchases.bought = Wh(4_000);
    // Registered for 5,000 Wh of import, of which the chain shows 4,000 bought.
    let approval = home.ask(2, 1, 3_000).unwrap().approval;
    assert_eq!(approval.wh, Wh(1_000));
    assert_eq!(home.ask(2, 2, 10), Err(DenialReason::Busy));
    assert!(home.ask(3, 1, 10).is_ok());
    home.sold(&approval, 1_000);
    assert!(home.ask(2, 3, 10).is_ok());
    home.town.purchases.bought = Wh(5_000);
    assert_eq!(home.ask(4, 1, 10), Err(DenialReason::SoldOut));
}

#[test]
fn who_let_a_promise_lapse_waits_until_half_the_window_for_a_week_or_until_it_has_bought_as_much() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    assert_eq!(home.ask(5, 1, 600).unwrap().approval.wh, Wh(600));
    for _ in 0..4 {
        home.block_after(8);
    }
    assert_eq!(home.ask(5, 2, 600), Err(DenialReason::Later));
    let kept = home.ask(6, 1, 400).unwrap().approval;
    home.sold(&kept, 400);
    assert!(home.ask(6, 2, 10).is_ok(), "others are served");
    home.wait(450);
    let half = home.ask(5, 3, 100).unwrap().approval;
    home.sold(&half, 100);
    // Remembered over a restart and in the next windows; 500 of 600 Wh are still to be made up for.
    let out = home.next_window(1_000);
    assert!(journalled(&out)
        .iter()
        .any(|e| matches!(e, JournalEntry::Partners(_))));
    let live = home.window.prev();
    let position = MeterPosition {
        stated: Some(live),
        sequence: 2,
        minted_window: live,
        minted: Wh(1_000),
        ..MeterPosition::default()
    };
    let (mut home, set) = home.crash(Policy::default(), position);
    let looking = home.fire(&set, Timer::Price);
    home.found(looked_up(&looking).0, Vec::new());
    assert_eq!(home.ask(5, 1, 500), Err(DenialReason::Later));
    home.wait(450);
    let rest = home.ask(5, 2, 500).unwrap().approval;
    home.sold(&rest, 500);
    let opened = home.next_window(1_000);
    home.take_statements(&opened);
    let looking = home.fire(&opened, Timer::Price);
    home.found(looked_up(&looking).0, Vec::new());
    assert!(home.ask(5, 1, 500).is_ok());
}

#[test]
fn a_lapse_that_the_buyer_cannot_help_is_not_remembered() {
    // A halt: the block after the approval is the first after its expiry.
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    home.ask(5, 1, 600).unwrap();
    home.block_after(120);
    assert!(home.ask(5, 2, 600).is_ok());
}

#[test]
fn too_many_open_promises_are_denied_as_busy_with_what_is_left() {
    let (mut home, _) = Home::selling(Policy::default(), 1_000);
    for buyer in 2..66 {
        home.ask(buyer, 7, 1).unwrap();
    }
    let request = home.request(70, 100, 1, |_| {});
    let out = home.give(request);
    let left = Answer::Denied {
        reason: DenialReason::Busy,
        available: Wh(1_000 - 64 * 2),
    };
    assert_eq!(replies(&out)[0].answer, left);
}
