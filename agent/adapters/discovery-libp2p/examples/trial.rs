//! Runs a trial: `cargo run -p wattpool-discovery-libp2p --example trial -- NODES HOSTILE% CHURN% WINDOWS`.
use wattpool_discovery_libp2p::trial::{run, Course};

fn main() {
    let n: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let at = |i: usize, d: u32| n.get(i).copied().unwrap_or(d);
    let course = Course {
        nodes: at(0, 20),
        hostile_percent: at(1, 0),
        churn_percent: at(2, 0),
        windows: at(3, 2),
        seekers: 10,
        within_ms: 4_000,
        seed: 1,
    };
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let out = rt.block_on(run(course, &mut |m| eprintln!("{m}")));
    println!("{out:#?}");
}
