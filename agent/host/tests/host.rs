//! What the host decides by itself: order, duplicates, questions, the owner before the chain has answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use wattpool_core::context::{Identity, Market};
use wattpool_core::io::{BlockRef, Day, JournalEntry, Millis, Notice, TxFailure, WindowTerms};
use wattpool_core::policy::Policy;
use wattpool_core::ports::ledger::{BlockNews, Executed};
use wattpool_core::ports::{MeterInfo, SellerRecord, Signer};
use wattpool_core::timing::Timing;
use wattpool_host::{Effect, Host, Input, Meters, Options, Owner, Start, Tools};
use wattpool_optimizer::Workspace;
use wattpool_schema::event::{Delivered, MarketEvent, ZonePairSet};
use wattpool_schema::peer::{Answer, SignedRequest, TradeRequest};
use wattpool_schema::pool::{MeterKind, MeterPosition, Tariffs, ZonePairTerms};
use wattpool_schema::{
    AgentKey, MeterId, Micro, Ppm, Price, Seconds, Signature, Tariff, TradeKind, Wh, Window, Zone,
    RECORD_VERSION,
};

const LEN: u32 = 900;
/// Long before 2024: the local clock says nothing.
const W: Window = Window(1_000_000);
const ME: MeterId = MeterId([1; 16]);
const NEIGHBOUR: MeterId = MeterId([2; 16]);

struct Keys;

impl Signer for Keys {
    fn sign_device(&self, _: &[u8]) -> Signature {
        Signature::default()
    }
    fn sign_agent(&self, _: &[u8]) -> Signature {
        Signature::default()
    }
    fn verify_agent(&self, _: &AgentKey, _: &[u8], _: &Signature) -> bool {
        true
    }
    fn salt(&self, _: Window) -> [u8; 16] {
        [0; 16]
    }
}

struct Bench {
    host: Host,
    meters: Meters,
    workspace: Workspace,
    now: Millis,
}

fn market() -> Arc<Market> {
    let timing = Timing::for_chain(LEN, 5_000, 150);
    let market = Market::new("c".into(), "pool".into(), "escrow".into(), LEN, timing);
    Arc::new(market)
}

fn block(height: u64) -> BlockRef {
    BlockRef {
        height,
        time: Seconds(W.start(LEN).0 + height * 5),
    }
}

fn pair(capacity: Option<Wh>) -> ZonePairTerms {
    ZonePairTerms {
        from: Zone(0),
        to: Zone(0),
        loss: Ppm(0),
        charge: Price(0),
        capacity,
    }
}

fn terms(capacity: Option<Wh>) -> WindowTerms {
    WindowTerms {
        now: W,
        at: block(1),
        tariffs: Tariffs {
            import: Tariff(300_000),
            feed_in: Tariff(100_000),
        },
        pairs: vec![pair(capacity)],
        meters: vec![(Zone(0), 2)],
        paused: false,
    }
}

impl Bench {
    fn idle() -> Self {
        let id = Identity {
            meter: ME,
            zone: Zone(0),
            kind: MeterKind::Pv,
            max_export: Wh(5_000),
            max_import: Wh(5_000),
            peer: vec![1],
        };
        let options = Options {
            notices: 10,
            history: true,
        };
        let mut meters = Meters::new();
        meters.load([ME, NEIGHBOUR].map(|id| {
            let info = MeterInfo {
                agent: AgentKey::default(),
                zone: Zone(0),
                kind: MeterKind::Pv,
                max_export: Wh(1_000_000),
                max_import: Wh(1_000_000),
            };
            (id, info)
        }));
        Self {
            host: Host::new(id, market(), Policy::default(), options),
            meters,
            workspace: Workspace::new(),
            now: Millis(W.start(LEN).0 * 1000),
        }
    }

    fn started(policy: Policy) -> Self {
        let mut bench = Self::idle();
        bench.take(Input::Owner(Owner::Policy(Box::new(policy))));
        bench.take(Input::Start(Box::new(Start {
            head: block(1),
            position: MeterPosition::default(),
            today: Day::default(),
            terms: Some(Arc::new(terms(None))),
            journal: Vec::new(),
            installed: None,
            noted_to: None,
        })));
        bench
    }

    fn take(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        let mut tools = Tools {
            signer: &Keys,
            meters: &self.meters,
            workspace: &mut self.workspace,
            choice_clock: None,
        };
        self.host.take(self.now, input, &mut tools, &mut out);
        out
    }
}

fn request(id: u64, seller: MeterId) -> Box<SignedRequest> {
    Box::new(SignedRequest {
        request: TradeRequest {
            version: RECORD_VERSION,
            network: market().network.clone(),
            id,
            buyer: NEIGHBOUR,
            seller,
            kind: TradeKind::Spot,
            first_window: W.prev(),
            count: 1,
            wh: Wh(10),
            max_price: Price(250_000),
            requested_at: block(1).time,
            expires_at: Seconds(block(1).time.0 + 30),
        },
        signature: Signature::default(),
    })
}

/// Tickets that were answered, and those let go.
fn ended(out: &[Effect]) -> (Vec<u64>, Vec<u64>) {
    let (mut answered, mut let_go) = (Vec::new(), Vec::new());
    for effect in out {
        match effect {
            Effect::Reply { ticket, .. } => answered.push(*ticket),
            Effect::Silence { ticket } => let_go.push(*ticket),
            _ => {}
        }
    }
    (answered, let_go)
}

#[test]
fn every_question_is_answered_or_let_go() {
    let mut bench = Bench::started(Policy::default());
    // What names another seller is none of ours: it is let go at once, and holds no place.
    for ticket in 0..1_000 {
        let request = request(ticket, MeterId([7; 16]));
        let out = bench.take(Input::Request { ticket, request });
        assert_eq!(ended(&out), (vec![], vec![ticket]));
    }
    let request_of_ours = request(1, ME);
    let out = bench.take(Input::Request {
        ticket: 2_000,
        request: request_of_ours,
    });
    assert_eq!(ended(&out).0, [2_000]);
    let denied = |e: &Effect| matches!(e, Effect::Reply { answer, .. } if matches!(answer.answer, Answer::Denied { .. }));
    assert!(out.iter().any(denied));
}

#[test]
fn who_waits_for_the_owner_is_told_so_at_once() {
    let mut bench = Bench::started(Policy {
        manual_approval: true,
        ..Policy::default()
    });
    let due = bench.host.next_due();
    for ticket in 0..1_000 {
        let request = request(ticket, ME);
        let out = bench.take(Input::Request { ticket, request });
        assert_eq!(ended(&out), (vec![ticket], vec![]));
    }
    assert_eq!(bench.host.counters().requests_unanswered, 0);
    // No stream is open that would have to end some day.
    assert_eq!(bench.host.next_due(), due);
}

fn delivered(id: u64) -> MarketEvent {
    MarketEvent::Delivered(Delivered {
        kind: TradeKind::Spot,
        window: W.prev(),
        trade_id: id,
        seller: ME,
        buyer: NEIGHBOUR,
        seller_owner: "s".into(),
        buyer_owner: "b".into(),
        net: Wh(70),
        gross: Wh(70),
        paid: Micro(1),
        charge: Micro(0),
    })
}

fn news(height: u64, events: Vec<MarketEvent>) -> Input {
    Input::Block(Arc::new(BlockNews {
        block: block(height),
        events,
    }))
}

#[test]
fn a_block_heard_twice_is_counted_and_noted_once() {
    let mut bench = Bench::started(Policy::default());
    let noted = |out: &[Effect]| {
        out.iter()
            .filter(|e| matches!(e, Effect::Record { .. }))
            .count()
    };
    assert_eq!(noted(&bench.take(news(3, vec![delivered(1)]))), 1);
    assert!(bench.take(news(3, vec![delivered(1)])).is_empty());
    assert!(bench.take(news(2, vec![delivered(2)])).is_empty());
    let counters = bench.host.counters();
    assert_eq!(
        (counters.blocks, counters.sales, counters.sold_wh),
        (1, 1, 70)
    );
}

#[test]
fn an_outcome_waits_for_its_block_and_counts_once() {
    let mut bench = Bench::started(Policy::default());
    let reading = |window: Window, export: u64| wattpool_core::io::Reading {
        window,
        taken_at: window.end(LEN),
        import_register: Wh(0),
        export_register: Wh(export),
        power_w: None,
    };
    bench.take(Input::Reading(reading(Window(W.0 - 2), 0)));
    let out = bench.take(Input::Reading(reading(W.prev(), 500)));
    let intent = out.iter().find_map(|e| match e {
        Effect::Submit { intent, .. } => Some(*intent),
        _ => None,
    });
    let persisted = out.iter().position(|e| matches!(e, Effect::Persist(_)));
    let submitted = out.iter().position(|e| matches!(e, Effect::Submit { .. }));
    assert!(persisted < submitted, "written down first");
    let ended = Input::TxEnded {
        intent: intent.expect("a statement"),
        executed: Executed {
            at: block(5),
            outcome: Err(TxFailure::Lost),
        },
    };
    assert!(bench.take(ended.clone()).is_empty(), "block 5 is not known");
    assert!(bench.take(ended.clone()).is_empty(), "heard twice");
    assert_eq!(bench.host.counters().transactions_lost, 0);
    bench.take(news(5, Vec::new()));
    assert_eq!(bench.host.counters().transactions_lost, 1);
    assert!(bench.take(ended).is_empty());
    assert_eq!(bench.host.counters().transactions_lost, 1);
}

#[test]
fn the_owner_is_obeyed_before_the_chain_has_answered() {
    let mut bench = Bench::idle();
    let out = bench.take(Input::Owner(Owner::Pause(true)));
    let [Effect::Persist(JournalEntry::Policy(policy))] = &out[..] else {
        panic!("{out:?}")
    };
    assert!(policy.paused && bench.host.policy().paused);
    // Nothing else is heard before the start.
    assert!(bench.take(news(3, vec![delivered(1)])).is_empty());
    let again = bench.host.again();
    assert!(again.policy().paused);
}

#[test]
fn an_answer_to_no_look_up_is_nothing() {
    // Nothing was looked up: an answer to no question.
    let mut bench = Bench::started(Policy::default());
    let out = bench.take(Input::Looked {
        lookup: 77,
        records: Vec::new(),
        complete: true,
    });
    assert!(out.is_empty());
    let told = bench
        .host
        .notices()
        .any(|n| matches!(n.notice, Notice::OtherVersion { .. }));
    assert!(!told);
}

#[test]
fn what_a_line_carries_is_known_from_its_windows_first_block_on() {
    use wattpool_core::ports::Registry;
    let mut meters = Bench::idle().meters;
    meters.begin(block(1));
    let limited = Arc::new(terms(Some(Wh(500))));
    meters.open(&limited);
    assert_eq!(
        meters.capacity_left(Zone(0), Zone(0)),
        None,
        "came in somewhere"
    );
    let mut next = terms(Some(Wh(500)));
    next.now = W.next();
    next.at = block(200);
    meters.open(&Arc::new(next));
    assert_eq!(meters.capacity_left(Zone(0), Zone(0)), Some(Wh(500)));
    let mut delivery = delivered(1);
    if let MarketEvent::Delivered(d) = &mut delivery {
        d.window = W;
    }
    meters.follow(block(200), [&delivery]);
    assert_eq!(meters.capacity_left(Zone(0), Zone(0)), Some(Wh(430)));
    // Followed already.
    meters.follow(block(200), [&delivery]);
    assert_eq!(meters.capacity_left(Zone(0), Zone(0)), Some(Wh(430)));
    // Blocks were left out: nothing is known until the next window.
    meters.learn_seller(NEIGHBOUR, SellerRecord::default(), 200);
    meters.begin(block(300));
    assert_eq!(meters.capacity_left(Zone(0), Zone(0)), None);
    assert!(!meters.knows_seller(&NEIGHBOUR));
    let other = MarketEvent::ZonePairSet(ZonePairSet {
        from_window: W,
        from: Zone(0),
        to: Zone(0),
        loss: Ppm(0),
        charge: Price(0),
        capacity: None,
    });
    meters.follow(block(301), [&other]);
    assert_eq!(meters.count(), 2);
}
