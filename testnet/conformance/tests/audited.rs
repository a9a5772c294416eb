//! Whatever honest and hostile people do to the contracts, an audit of what they reported finds nothing wrong: its rules are the contracts'.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use cosmwasm_std::Attribute;
use std::collections::BTreeMap;
use wattpool_audit::export::{name, Header, Row};
use wattpool_audit::source::{rows, InBlock, Raw};
use wattpool_audit::Auditor;
use wattpool_conformance::embedded;
use wattpool_conformance::record::{Act, Answer, Part, Record};

/// Windows of the courses, seconds.
const WINDOW_S: u32 = 10;

/// A record as an auditor reads it.
fn read(record: &Record) -> (Header, Vec<Row>) {
    let mut contracts = BTreeMap::new();
    for act in record.steps.iter().flat_map(|s| &s.acts) {
        if let Act::Instantiate { part, address, .. } = act {
            contracts.insert(format!("{part:?}"), address.clone());
        }
    }
    let of = |part: Part| contracts[&format!("{part:?}")].as_str();
    let all = [of(Part::Token), of(Part::Pool), of(Part::Escrow)];
    let header = Header::new(&record.chain_id, all, "uwatt", WINDOW_S, 1);
    let mut found = Vec::new();
    for step in &record.steps {
        let Answer::Done { events, .. } = &step.answer else {
            continue;
        };
        let events: Vec<(String, String, Vec<Attribute>)> = events
            .iter()
            .map(|(kind, attributes)| {
                let all = attributes.iter().map(|(key, value)| Attribute {
                    key: key.clone(),
                    value: value.clone(),
                });
                let all: Vec<Attribute> = all.collect();
                let by = all.iter().find(|a| a.key == "_contract_address").unwrap();
                (by.value.clone(), kind.clone(), all.clone())
            })
            .collect();
        let raw = events.iter().map(|(contract, name, attributes)| Raw {
            contract,
            name,
            attributes,
        });
        let at = InBlock {
            height: step.height,
            time: step.time_ns / 1_000_000_000,
            tx: step.index,
        };
        found.extend(rows(at, &header.token, raw).unwrap());
    }
    (header, found)
}

#[test]
fn random_courses_pass() {
    let (mut events, mut kinds) = (0, BTreeMap::<String, u32>::new());
    for seed in 0..60 {
        let record = embedded::record(seed, 150, WINDOW_S);
        let (header, rows) = read(&record);
        let mut auditor = Auditor::new(header);
        for row in &rows {
            auditor.take(None, row);
            *kinds.entry(name(&row.said)).or_default() += 1;
        }
        let report = auditor.finish(None);
        let said: Vec<String> = report.findings.list.iter().map(|f| f.to_string()).collect();
        assert_eq!(report.findings.total(), 0, "seed {seed}: {said:#?}");
        events += rows.len();
        // From the middle on, less is known: nothing of that is taken for wrong.
        let (mut header, half) = (read(&record).0, rows.len() / 2);
        let later = rows[half].height + 1;
        header.whole = false;
        header.from_height = later;
        let mut auditor = Auditor::new(header);
        for row in rows.iter().filter(|r| r.height >= later) {
            auditor.take(None, row);
        }
        let report = auditor.finish(None);
        let said: Vec<String> = report.findings.list.iter().map(|f| f.to_string()).collect();
        assert_eq!(
            report.findings.total(),
            0,
            "seed {seed}, in part: {said:#?}"
        );
    }
    println!("{events} events: {kinds:#?}");
    for kind in [
        "transfer",
        "delivered",
        "order_window",
        "owner_changed",
        "withdrawn",
        "feed_in_credited",
        "pause_set",
        "expired",
    ] {
        assert!(kinds.contains_key(kind), "no course has any {kind}");
    }
}
