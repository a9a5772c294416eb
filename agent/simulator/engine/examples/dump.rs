#![allow(clippy::all, missing_docs)]
use std::io::Write;
use wattpool_core::policy::Selection;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (name, seeds, days, homes): (&str, u64, u32, u32) = (
        &a[1],
        a[2].parse().unwrap(),
        a[3].parse().unwrap(),
        a[4].parse().unwrap(),
    );
    let mut out = std::fs::File::create(&a[5]).unwrap();
    for seed in 1..=seeds {
        let mut n = neighbourhood(&GenerateOptions {
            homes,
            days,
            seed,
            ..GenerateOptions::default()
        })
        .unwrap();
        for h in &mut n.homes {
            h.policy.selection = Selection::Random;
            h.policy.min_quality = 0.0;
        }
        match name {
            "flaky" => {
                n.faults.bad_sellers = 0.2;
                n.faults.bad_failures = 0.6;
                n.faults.failing_sellers = 0.02;
            }
            "even" => {
                n.faults.failing_sellers = 0.05;
            }
            "rough" => {
                n.faults.silent_sellers = 0.1;
                n.faults.message_loss = 0.05;
                n.faults.message_delay_ms = 400.0;
                n.faults.halts_per_day = 2.0;
                n.faults.halt_seconds = 600.0;
                n.faults.failing_sellers = 0.05;
            }
            _ => {}
        }
        let seen = run_observed(
            &n,
            &RunOptions {
                seed,
                threads: 1,
                signatures: Signatures::Trusted,
            },
        )
        .unwrap();
        for (buyer, e) in seen {
            writeln!(
                out,
                "{}",
                serde_json::json!({"seed": seed, "buyer": buyer, "e": e})
            )
            .unwrap();
        }
    }
}
