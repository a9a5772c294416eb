//! Events in any order, genuine and nonsensical: the agent never panics, never promises or buys too much,
//! and never signs a false statement or cover.

use crate::common::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::sync::Arc;
use wattpool_core::io::{
    BlockRef, Command, Event, JournalEntry, MarketTx, Millis, Notice, Reading, Timer, TxFailure,
};
use wattpool_core::policy::{Hours, Policy};
use wattpool_rules::loss::gross_for;
use wattpool_schema::error::Code;
use wattpool_schema::event::{ItemRefused, MarketEvent, PauseSet, Stated};
use wattpool_schema::peer::{Answer, DenialReason, SignedRequest};
use wattpool_schema::pool::MeterPosition;
use wattpool_schema::{Approval, Micro, Ppm, Price, Seconds, TradeKind, Wh, Window};

const TIMERS: [Timer; 12] = [
    Timer::Price,
    Timer::Seek,
    Timer::Price,
    Timer::Seek,
    Timer::Meter,
    Timer::Price,
    Timer::Seek,
    Timer::Answers,
    Timer::Deliver,
    Timer::Release,
    Timer::Resubmit,
    Timer::Orders,
];
const CODES: [Code; 8] = [
    Code::WindowStated,
    Code::Paused,
    Code::TooEarly,
    Code::Unsold,
    Code::TradeExists,
    Code::UnknownTrade,
    Code::ApprovalExpired,
    Code::BadSignature,
];

#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    Block(u64),
    NextWindow(i64),
    Skip(u8),
    Reading(u64, u64, u64, i64),
    Timer(prop::sample::Index),
    /// Ends the last look-up, or another.
    Offers(u32, Vec<(u8, u64, u64)>),
    Request(u8, u64, u64, i64, u32),
    /// Answers the nth request: with how much, at what price, or a denial.
    Answer(prop::sample::Index, u64, u64, bool),
    /// The nth promise is used.
    Take(prop::sample::Index, u64),
    /// Ends the nth transaction, well or with a failure.
    Done(prop::sample::Index, usize),
    Pause(bool),
    Policy(u16, u64),
    Decide(prop::sample::Index, bool),
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let index = any::<prop::sample::Index>;
    let wh = || prop_oneof![4 => 0u64..3_000, 1 => any::<u64>()];
    prop_oneof![
        4 => (0u64..120).prop_map(Op::Wait),
        6 => (0u64..60).prop_map(Op::Block),
        6 => (-2_000i64..2_000).prop_map(Op::NextWindow),
        1 => (1u8..4).prop_map(Op::Skip),
        1 => (any::<u64>(), any::<u64>(), any::<u64>(), any::<i64>()).prop_map(|(w, i, e, p)| Op::Reading(w, i, e, p)),
        24 => index().prop_map(Op::Timer),
        12 => (prop_oneof![5 => Just(0u32), 1 => 1u32..20], prop::collection::vec((2u8..110, wh(), 0u64..400_000), 0..6)).prop_map(|(l, o)| Op::Offers(l, o)),
        16 => (1u8..12, 0u64..60, wh(), prop_oneof![5 => Just(0i64), 1 => -1i64..6], prop_oneof![4 => Just(1u32), 1 => 0u32..3]).prop_map(|(n, id, wh, w, c)| Op::Request(n, id, wh, w, c)),
        16 => (index(), wh(), 0u64..400_000, any::<bool>()).prop_map(|(i, wh, p, yes)| Op::Answer(i, wh, p, yes)),
        10 => (index(), 1u64..=100).prop_map(|(i, share)| Op::Take(i, share)),
        24 => (index(), prop_oneof![2 => 0usize..4, 1 => 0usize..12]).prop_map(|(i, how)| Op::Done(i, how)),
        1 => any::<bool>().prop_map(Op::Pause),
        2 => (any::<u16>(), any::<u16>(), any::<u16>(), wh()).prop_map(|(a, b, c, wh)| Op::Policy(a & b & c, wh)),
        2 => (index(), any::<bool>()).prop_map(|(i, yes)| Op::Decide(i, yes)),
        1 => Just(Op::Crash),
    ]
}

fn policy(bits: u16, wh: u64) -> Policy {
    let on = |bit: u16| bits >> bit & 1 == 1;
    Policy {
        sell: !on(0) || !on(1),
        buy: !on(2) || !on(3),
        manual_approval: on(4) && on(5),
        local_first: on(6),
        green_only: on(7),
        forward: on(8),
        reserve_wh: Wh(if on(9) { wh } else { 0 }),
        max_buy_wh_per_day: on(10).then_some(Wh(wh)),
        max_sell_wh_per_day: on(11).then_some(Wh(wh)),
        max_spend_per_day: on(12).then_some(Micro(wh)),
        min_sell_price: on(13).then_some(Price(wh)),
        max_buy_price: on(14).then_some(Price(wh)),
        hours: on(15).then_some(Hours {
            from: (wh % 24) as u8,
            to: (wh % 25) as u8,
        }),
        ..Policy::default()
    }
}

/// The world's memory of what the agent did, and what must be true of it.
#[derive(Default)]
struct World {
    asked: Vec<SignedRequest>,
    open: Vec<(u64, MarketTx)>,
    /// Promises of the traded window that can still be used, and what was minted and sold in it.
    promised: Vec<Approval>,
    minted: Wh,
    sold: u64,
    nonces: BTreeMap<u64, Approval>,
    held: Vec<u64>,
    /// Net import, and what was stated, by window.
    deficits: BTreeMap<Window, u64>,
    exports: BTreeMap<Window, Wh>,
    lookup: u32,
    readings: BTreeMap<Window, Reading>,
    settled: usize,
    taken: usize,
}

impl World {
    fn see(&mut self, home: &Home, out: &[Command]) -> Result<(), TestCaseError> {
        for command in out {
            match command {
                Command::Lookup { lookup, .. } => self.lookup = *lookup,
                Command::Ask { request, .. } => {
                    let r = &request.request;
                    if r.kind == TradeKind::Spot {
                        let most = self.deficits.get(&r.first_window).copied().unwrap_or(0);
                        prop_assert!(r.wh.0 <= most, "asks for {} of {most}", r.wh);
                    }
                    self.asked.push((**request).clone());
                }
                Command::Reply(answer) => {
                    if let Answer::Approved(signed) = &answer.answer {
                        let a = &signed.approval;
                        // A repeated request gets the same answer; the chain takes its nonce once.
                        let first = !self.nonces.contains_key(&a.nonce);
                        let known = self.nonces.entry(a.nonce).or_insert_with(|| a.clone());
                        prop_assert_eq!(&*known, a, "a nonce names one approval");
                        let fresh = first && a.expires_at >= home.block.time;
                        if fresh
                            && a.kind == TradeKind::Spot
                            && a.first_window == home.window.prev()
                        {
                            let written = home.journal.iter().any(|e| {
                                matches!(e, JournalEntry::Approved { approval, .. } if approval.approval == *a)
                            });
                            prop_assert!(written, "promised before it was journalled");
                            self.promised.push(a.clone());
                        }
                    }
                }
                Command::Submit { intent, tx } => {
                    match tx {
                        MarketTx::State(statements) => {
                            for s in statements {
                                let s = &s.statement;
                                let before = self.exports.insert(s.window, s.export_wh);
                                prop_assert!(
                                    before.is_none_or(|b| b == s.export_wh),
                                    "two words on one window"
                                );
                            }
                        }
                        MarketTx::Settle(trade) => {
                            self.settled += 1;
                            let cover = &trade.cover.as_ref().expect("a cover").cover;
                            let imported = self.deficits.get(&cover.window).copied().unwrap_or(0);
                            prop_assert!(
                                cover.import_wh.0 <= imported,
                                "{} covered, {imported} imported",
                                cover.import_wh
                            );
                        }
                        MarketTx::Deliver { cover, .. } => {
                            let cover = &cover.as_ref().expect("a cover").cover;
                            let imported = self.deficits.get(&cover.window).copied().unwrap_or(0);
                            prop_assert!(cover.import_wh.0 <= imported);
                        }
                        _ => {}
                    }
                    self.open.push((*intent, tx.clone()));
                }
                Command::Tell(Notice::AwaitingApproval { request, .. }) => self.held.push(*request),
                Command::Tell(Notice::Metered {
                    window, deficit, ..
                }) => {
                    self.deficits.insert(*window, deficit.0);
                }
                _ => {}
            }
        }
        let claimed = self
            .promised
            .iter()
            .filter(|a| a.expires_at >= home.block.time)
            .map(|a| a.max_gross.0)
            .sum::<u64>();
        prop_assert!(
            claimed + self.sold <= self.minted.0,
            "{claimed} + {} of {}",
            self.sold,
            self.minted
        );
        Ok(())
    }

    fn remember(&mut self, home: &Home) {
        let window = home.window.prev();
        self.readings.insert(window, home.reading(window));
    }

    /// What the meter answers when it is asked for windows.
    fn read_again(&self, out: &[Command]) -> Vec<Reading> {
        let asked = out.iter().filter_map(|c| match c {
            Command::ReadMeter { from, to } if from <= to => Some((*from, *to)),
            _ => None,
        });
        let read = asked.flat_map(|(from, to)| self.readings.range(from..=to).map(|(_, r)| *r));
        read.collect()
    }

    fn close_window(&mut self) {
        self.promised.clear();
        self.minted = Wh(0);
        self.sold = 0;
    }

    /// What a transaction came to; the chain mints what is stated of the live window.
    fn outcome(
        &mut self,
        home: &Home,
        tx: &MarketTx,
        how: usize,
    ) -> Result<Vec<MarketEvent>, TxFailure> {
        match (how, tx) {
            (0..=3, MarketTx::State(statements)) => {
                let events = statements.iter().map(|s| {
                    let s = &s.statement;
                    let minted = s.window == home.window.prev();
                    if minted {
                        self.minted = s.export_wh;
                    }
                    MarketEvent::Stated(Stated {
                        meter: ME,
                        owner: "owner".into(),
                        window: s.window,
                        sequence: s.sequence,
                        wh: s.export_wh,
                        commitment: s.commitment,
                        minted,
                    })
                });
                Ok(events.collect())
            }
            (0..=2, MarketTx::Settle(trade)) => {
                Ok(vec![closed(&trade.approval.approval, trade.wh.0)])
            }
            (3, MarketTx::Settle(_)) | (0..=3, _) => Ok(Vec::new()),
            (4, MarketTx::State(_)) => Ok(vec![MarketEvent::ItemRefused(ItemRefused {
                index: 0,
                code: "TOO_EARLY".into(),
            })]),
            (4, _) => Err(TxFailure::Unknown("out of gas".into())),
            (5, _) => Err(TxFailure::Lost),
            // A repeated statement that the chain does not have is never called a repetition.
            (how, _) => Err(TxFailure::Refused(CODES[(how + 1) % CODES.len()])),
        }
    }
}

fn run(ops: Vec<Op>) -> Result<World, TestCaseError> {
    let mut home = Home::new(Policy::default());
    let mut world = World::default();
    for op in ops {
        let mut out = Vec::new();
        match op {
            Op::Wait(seconds) => {
                home.wait(seconds.min(home.window.end(LEN).0.saturating_sub(home.block.time.0 + 1)))
            }
            Op::Block(seconds) => {
                home.wait(
                    seconds.min(home.window.end(LEN).0.saturating_sub(home.block.time.0 + 1)),
                );
                out = home.give(Event::Block(home.block));
            }
            Op::NextWindow(net) => {
                world.close_window();
                out = home.next_window(net);
                world.remember(&home);
            }
            Op::Skip(windows) => {
                world.close_window();
                for _ in 0..windows {
                    home.end_window();
                    world.remember(&home);
                }
                out = home.open();
            }
            Op::Reading(window, import, export, power) => {
                let window = Window(W.0 + window % 8);
                let power_w = Some(power);
                let reading = Reading {
                    import_register: Wh(import),
                    export_register: Wh(export),
                    power_w,
                    ..home.reading(window)
                };
                out = home.give(Event::Reading(reading));
            }
            Op::Timer(index) => {
                home.wait(u64::from(home.block.time.0 + 21 < home.window.end(LEN).0) * 20);
                out = home.give(Event::Timer(TIMERS[index.index(TIMERS.len())]));
            }
            Op::Offers(lookup, found) => {
                let records = found
                    .into_iter()
                    .map(|(n, wh, price)| home.offer(n, wh, |o| o.price = Price(price)));
                let mut records: Vec<_> = records.collect();
                records.push(home.status(2, true, 1_000));
                records.extend((3..6).map(|n| home.offer(n, 800, |_| {})));
                out = home.found(world.lookup.wrapping_sub(lookup), records);
            }
            Op::Request(n, id, wh, window, count) => {
                let first = Window(home.window.0.saturating_add_signed(window - 1));
                let kind = if count == 2 {
                    TradeKind::Forward
                } else {
                    TradeKind::Spot
                };
                let request = home.request(n, id, wh, |r| {
                    (r.first_window, r.count, r.kind) = (first, count, kind)
                });
                out = home.give(request);
            }
            Op::Answer(index, wh, price, yes) if !world.asked.is_empty() => {
                let recent = &world.asked[world.asked.len().saturating_sub(4)..];
                let request = recent[index.index(recent.len())].clone();
                out = home.give(if !yes {
                    denied(&request, DenialReason::Busy, wh)
                } else if wh % 3 == 0 {
                    approved(&request, |_| {})
                } else {
                    approved(&request, |a| (a.wh, a.price) = (Wh(wh), Price(price)))
                });
            }
            Op::Take(index, share) => {
                world.promised.retain(|a| a.expires_at >= home.block.time);
                if !world.promised.is_empty() {
                    let at = index.index(world.promised.len());
                    let approval = world.promised.swap_remove(at);
                    let wh = (approval.wh.0 * share / 100).max(1);
                    world.taken += 1;
                    world.sold += gross_for(Wh(wh), Ppm(20_000)).expect("fits").0;
                    out = home.sold(&approval, wh);
                }
            }
            Op::Done(index, how) if !world.open.is_empty() => {
                let at = index.index(world.open.len());
                let (intent, tx) = world.open.swap_remove(at);
                let outcome = world.outcome(&home, &tx, how);
                out = home.done(intent, outcome);
            }
            Op::Pause(paused) => {
                let event = MarketEvent::PauseSet(PauseSet { paused });
                out = home.give(Event::Chain {
                    at: home.block,
                    event,
                });
            }
            Op::Policy(bits, wh) => {
                out = home.give(Event::PolicyChanged(Box::new(policy(bits, wh))))
            }
            Op::Decide(index, accept) => {
                let request = if world.held.is_empty() {
                    1
                } else {
                    world.held[index.index(world.held.len())]
                };
                out = home.give(Event::TradeDecided { request, accept });
            }
            Op::Crash => {
                let live = home.window.prev();
                let stated = world.minted > Wh(0);
                let position = MeterPosition {
                    stated: stated.then_some(live),
                    sequence: world.exports.len() as u64,
                    minted_window: live,
                    minted: world.minted,
                    sold: Wh(world.sold),
                    ..MeterPosition::default()
                };
                world.open.clear();
                world.asked.clear();
                world.held.clear();
                (home, out) = home.crash(Policy::default(), position);
            }
            Op::Answer(..) | Op::Done(..) => {}
        }
        world.see(&home, &out)?;
        for reading in world.read_again(&out) {
            let out = home.give(Event::Reading(reading));
            world.see(&home, &out)?;
        }
    }
    Ok(world)
}

/// The random courses do reach what the invariants are about.
#[test]
fn random_courses_sell_and_buy() {
    let mut runner = TestRunner::deterministic();
    let courses = prop::collection::vec(op(), 150..160);
    let (mut promised, mut taken, mut settled) = (0, 0, 0);
    for _ in 0..600 {
        let ops = courses.new_tree(&mut runner).expect("a course").current();
        let world = run(ops).expect("the invariants hold");
        promised += world.nonces.len();
        taken += world.taken;
        settled += world.settled;
    }
    assert!(
        promised > 100 && taken > 30 && settled > 30,
        "{promised} promised, {taken} taken, {settled} settled"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_the_invariants_hold(ops in prop::collection::vec(op(), 1..160)) {
        run(ops)?;
    }

    #[test]
    fn nonsense_in_every_number_is_survived(
        numbers in prop::collection::vec(any::<u64>(), 8), timer in any::<prop::sample::Index>(),
    ) {
        let mut home = Home::new(Policy { threshold_wh: Wh(numbers[0]), min_trade_wh: Wh(numbers[1]), ..Policy::default() });
        home.next_window(if numbers[2] % 2 == 0 { 1_000 } else { -1_000 });
        home.now = Millis(numbers[2]);
        home.give(Event::Timer(TIMERS[timer.index(TIMERS.len())]));
        let at = BlockRef { height: numbers[3], time: Seconds(numbers[4]) };
        home.give(Event::Block(at));
        let offer = home.offer(2, numbers[5], |o| (o.price, o.sequence) = (Price(numbers[6]), numbers[7]));
        home.found(2, vec![offer]);
        let mut terms = terms(Window(numbers[5]), at);
        terms.tariffs.import.0 = numbers[6] as i64;
        terms.tariffs.feed_in.0 = numbers[7] as i64;
        terms.meters[0].1 = numbers[0];
        for pair in &mut terms.pairs {
            pair.loss = Ppm(numbers[1] as u32);
            pair.charge = Price(numbers[2]);
        }
        home.give(Event::WindowOpened(Arc::new(terms)));
        for timer in TIMERS {
            home.give(Event::Timer(timer));
        }
        let reading = Reading { taken_at: Seconds(numbers[4]), ..home.reading(Window(numbers[5].saturating_sub(1))) };
        home.give(Event::Reading(reading));
        let request = home.request(2, numbers[0], numbers[1], |r| {
            r.first_window = Window(numbers[5].saturating_sub(1));
            r.count = numbers[3] as u32;
            r.max_price = Price(u64::MAX);
            r.kind = if numbers[2] % 2 == 0 { TradeKind::Spot } else { TradeKind::Forward };
        });
        home.give(request);
    }
}
