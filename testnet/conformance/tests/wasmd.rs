//! Random courses are carried out on a real wasmd and repeated in process: nothing may differ.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wattpool_conformance::chain::Chain;
use wattpool_conformance::record::Answer;
use wattpool_conformance::replay::differences;
use wattpool_conformance::wasmd::{self, Plan, COINS};
use wattpool_conformance::Record;
use wattpool_schema::PAYMENT_DENOM;
use wattpool_testnet::{Coin, Options, Testnet};

/// Operations of each course after its opening.
const OPERATIONS: usize = 25;

/// `WATTPOOL_COURSES` raises the number of courses.
fn courses() -> u64 {
    std::env::var("WATTPOOL_COURSES").map_or(40, |text| {
        text.parse().expect("WATTPOOL_COURSES is a number")
    })
}

/// Seconds of a window: at least so many that standing orders can be opened. Blocks of many courses take longer: with windows that did not, all would
/// come too late.
fn window_s(courses: u64) -> u32 {
    u32::try_from(courses / 16).map_or(8, |seconds| seconds.clamp(8, 60))
}

#[test]
fn courses_on_wasmd_are_repeated_in_process_without_a_difference() {
    let courses = courses();
    let plan = Plan {
        first_seed: 1,
        courses,
        operations: OPERATIONS,
        window_s: window_s(courses),
    };
    let purse = vec![Coin::new(COINS, PAYMENT_DENOM)];
    let net = Testnet::start(&Options {
        block_ms: 300,
        block_gas: 10_000_000_000,
        accounts: plan
            .addresses()
            .into_iter()
            .map(|address| (address, purse.clone()))
            .collect(),
        ..Options::default()
    })
    .expect("a network of one node");
    let record = run(&net, plan);
    let found = differences(&record);
    if !found.is_empty() {
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/courses.json");
        let json = serde_json::to_vec(&record).expect("a record is JSON");
        std::fs::write(path, json).expect("the record is written");
        panic!(
            "{} differences; the record is {path}\n{}",
            found.len(),
            found.join("\n")
        );
    }
    compared_much(&record, plan);
}

fn run(net: &Testnet, plan: Plan) -> Record {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(async {
            let description = net.description();
            let chain = Chain::connect(net.rpc_addresses(), &description.gas_price).await?;
            let admin = chain.wallet(&description.accounts["admin"].mnemonic)?;
            let codes = chain
                .store_market(&admin, &wattpool_testnet::built::contracts())
                .await?;
            wasmd::record(&Arc::new(chain), &codes, plan).await
        })
        .expect("the courses are carried out")
}

/// A record in which all is refused, or all is alone in its block, would compare little.
fn compared_much(record: &Record, plan: Plan) {
    let mut tally: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut codes = BTreeSet::new();
    let mut blocks: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for step in &record.steps {
        let entry = tally.entry(&step.doing).or_default();
        entry.0 += 1;
        match &step.answer {
            Answer::Done { .. } => entry.1 += 1,
            Answer::Refused { code, .. } => codes.extend(code.clone()),
        }
        blocks.entry(step.height).or_default().push(&step.sender);
    }
    let steps = record.steps.len();
    println!(
        "{steps} transactions in {} blocks, {} codes\n{tally:?}\n{codes:?}",
        blocks.len(),
        codes.len()
    );
    assert_eq!(record.state.len() as u64, 3 * plan.courses);
    assert!(steps as u64 >= plan.courses * OPERATIONS as u64);
    for doing in ["stating and settling", "opening an order", "transferring"] {
        let (tried, succeeded) = tally[doing];
        assert!(
            succeeded > 0 && succeeded < tried,
            "{doing}: {succeeded} of {tried}"
        );
    }
    assert!(codes.len() >= 15, "only {codes:?}");
    let shared = blocks.values().filter(|senders| senders.len() > 1).count();
    assert!(
        2 * shared > blocks.len(),
        "{shared} of {} blocks hold several",
        blocks.len()
    );
}
