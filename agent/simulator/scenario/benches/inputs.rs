//! Time to make or read the inputs of a run. `cargo bench -p wattpool-scenario`; the CityLearn files are
//! looked for as in the tests.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement on inputs of its own making"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use wattpool_scenario::{load, neighbourhood, GenerateOptions, Overrides};

fn measure(what: &str, run: impl Fn() -> usize) {
    let mut best = f64::INFINITY;
    let mut homes = 0;
    for _ in 0..5 {
        let begin = Instant::now();
        homes = black_box(run());
        best = best.min(begin.elapsed().as_secs_f64());
    }
    println!("{what}: {homes} homes, best of 5 {:.1} ms", best * 1_000.0);
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .unwrap();
    measure("generate 1 day", || {
        let options = GenerateOptions {
            homes: 10_000,
            days: 1,
            ..Default::default()
        };
        neighbourhood(&options).unwrap().homes.len()
    });
    let large = Overrides {
        days: Some(1),
        meters: Some(10_000),
        seed: None,
    };
    measure("load neighbourhood.toml, 1 day", || {
        load(
            &root.join("agent/simulator/scenarios/neighbourhood.toml"),
            None,
            &large,
        )
        .unwrap()
        .homes
        .len()
    });
    let data =
        std::env::var_os("WATTPOOL_DATA").map_or_else(|| root.join("../shared/data"), Into::into);
    if data.join("citylearn-2022/schema.json").exists() {
        measure("load citylearn.toml, 1 year", || {
            load(
                &root.join("agent/simulator/scenarios/citylearn.toml"),
                Some(&data),
                &Overrides::default(),
            )
            .unwrap()
            .homes
            .len()
        });
    } else {
        println!("skipped: no data in {} (set WATTPOOL_DATA)", data.display());
    }
}
