//! The comparison itself: a record of the chain in process is repeated without a difference, and whatever is
//! changed in it is found.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::collections::{BTreeMap, BTreeSet};
use wattpool_conformance::record::Answer;
use wattpool_conformance::replay::differences;
use wattpool_conformance::{embedded, Record, Step};

#[test]
fn a_record_is_repeated_without_a_difference() {
    let mut tally: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut codes: BTreeSet<String> = BTreeSet::new();
    for seed in 0..40 {
        let record = embedded::record(seed, 60, 10);
        assert_eq!(differences(&record), Vec::<String>::new(), "seed {seed}");
        for step in &record.steps {
            let entry = tally.entry(step.doing.clone()).or_default();
            entry.0 += 1;
            match &step.answer {
                Answer::Done { .. } => entry.1 += 1,
                Answer::Refused { code, .. } => codes.extend(code.clone()),
            }
        }
    }
    println!("{tally:#?}\n{codes:?}");
    // A generator whose trades are all refused, or never, would compare little.
    for doing in [
        "stating and settling",
        "opening an order",
        "delivering",
        "transferring",
        "taking a meter over",
    ] {
        let (tried, succeeded) = tally[doing];
        assert!(
            succeeded > 0 && succeeded <= tried,
            "{doing}: {succeeded} of {tried}"
        );
    }
    assert!(codes.len() >= 20, "only {codes:?}");
}

#[test]
fn what_is_changed_in_a_record_is_found() {
    let settled =
        |s: &Step| s.doing == "stating and settling" && matches!(s.answer, Answer::Done { .. });
    let (record, at) = (0..40)
        .find_map(|seed| {
            let record = embedded::record(seed, 60, 10);
            let at = record.steps.iter().position(settled)?;
            Some((record, at))
        })
        .expect("one of forty neighbourhoods trades");
    let found = |change: &dyn Fn(&mut Record)| {
        let mut changed = record.clone();
        change(&mut changed);
        assert_ne!(changed, record, "the change must change something");
        !differences(&changed).is_empty()
    };
    assert!(
        found(&|r| r.steps[at].time_ns += 30_000_000_000),
        "another block time"
    );
    assert!(
        found(&|r| {
            r.steps.remove(at);
        }),
        "a transaction left out"
    );
    assert!(
        found(&|r| {
            let step = r.steps.remove(at);
            r.steps.push(step);
        }),
        "another order"
    );
    assert!(found(&|r| r.chain_id = "another-1".into()), "another chain");
    assert!(found(&|r| r.steps[at].fee.clear()), "another fee");
    assert!(
        found(&|r| {
            if let Answer::Done { events, .. } = &mut r.steps[at].answer {
                events[0].1[0].1.push('x');
            }
        }),
        "another event"
    );
    assert!(
        found(&|r| {
            let state = r.state.values_mut().next().unwrap();
            state[0].1 = b"other".into();
        }),
        "another state"
    );
    let refused = record
        .steps
        .iter()
        .position(|s| matches!(s.answer, Answer::Refused { .. }))
        .unwrap();
    assert!(
        found(&|r| {
            if let Answer::Refused { code, .. } = &mut r.steps[refused].answer {
                *code = Some("OTHER".into());
            }
        }),
        "another code"
    );
    let person = record.begin.keys().next().unwrap().clone();
    assert!(
        found(&|r| {
            r.end.get_mut(&person).unwrap()[0].amount += cosmwasm_std::Uint256::one();
        }),
        "another balance"
    );
}
