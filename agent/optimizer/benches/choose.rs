//! Time per choice and gap to the optimum, over many seeded problems per size: the whole way from
//! factors to plan (values, deliverables, search, split). `cargo bench -p wattpool-optimizer`.

// A measurement on numbers of its own making.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use std::hint::black_box;
use std::time::Instant;
use wattpool_optimizer::{
    choose, deliverable, Candidate, Demand, Factors, Method, Scoring, Settings, Weights, Workspace,
};

/// Problems per line.
const PROBLEMS: usize = 1_000;

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

struct Offered {
    offers: Vec<(u64, Factors)>,
    need_wh: u64,
}

fn problem(n: usize, sellers: usize, numbers: &mut Numbers) -> Offered {
    let offers: Vec<(u64, Factors)> = (0..n)
        .map(|_| {
            let factors = Factors {
                efficiency: (850 + numbers.below(151)) as f64 / 1_000.0,
                duration_s: 30.0 + numbers.below(1_800) as f64,
                quality: (500 + numbers.below(501)) as f64 / 1_000.0,
                past_sales: numbers.below(200),
                price: None,
            };
            (50 + numbers.below(950), factors)
        })
        .collect();
    let mut sizes: Vec<u64> = offers
        .iter()
        .map(|(o, f)| deliverable(*o, f.efficiency))
        .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let fewer: u64 = sizes[..sellers - 1].iter().sum();
    let need_wh = fewer + 1 + numbers.below(sizes[sellers - 1]);
    Offered { offers, need_wh }
}

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}

struct Bench {
    scoring: Scoring,
    candidates: Vec<Candidate>,
    workspace: Workspace,
}

impl Bench {
    /// (score, microseconds, proven), the faster of two runs.
    fn run(&mut self, problem: &Offered, settings: &Settings) -> (f64, f64, bool) {
        let mut least = f64::INFINITY;
        let mut result = (0.0, false);
        for _ in 0..2 {
            let start = Instant::now();
            self.candidates.clear();
            self.candidates
                .extend(problem.offers.iter().map(|(offered, factors)| Candidate {
                    deliverable_wh: deliverable(*offered, factors.efficiency),
                    value: self.scoring.value(factors),
                    tie: 0,
                }));
            let demand = Demand {
                need_wh: problem.need_wh,
                surplus_weight: self.scoring.weights().surplus,
                candidates: &self.candidates,
                max_sellers: None,
                last_plan: &[],
            };
            let choice = black_box(choose(&demand, settings, &mut self.workspace));
            least = least.min(start.elapsed().as_secs_f64() * 1e6);
            result = (choice.score, choice.optimal);
        }
        (result.0, least, result.1)
    }
}

fn main() {
    let scoring = Scoring::new(
        Weights::default(),
        Scoring::DURATION_SCALE_S,
        Scoring::PARTICIPATION_SCALE,
        0,
    );
    let mut bench = Bench {
        scoring: scoring.expect("default weights"),
        candidates: Vec::new(),
        workspace: Workspace::new(),
    };
    println!(
        "offers sellers method  us: median     p90     p99     max  gap %: median    p99    max  proven"
    );
    // `-- 1000` measures that size only.
    let only: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    for n in [10usize, 20, 40, 60, 100, 1_000, 10_000] {
        if !only.is_empty() && !only.contains(&n) {
            continue;
        }
        for sellers in [1usize, 2, 3, 4, 5, 6, 8] {
            let mut numbers = Numbers(n as u64 * 1_000 + sellers as u64);
            let problems: Vec<Offered> = (0..PROBLEMS)
                .map(|_| problem(n, sellers, &mut numbers))
                .collect();
            let mut best = Vec::new();
            for method in [Method::Exact, Method::Ga, Method::Auto] {
                let settings = Settings {
                    method,
                    seed: 1,
                    ..Settings::default()
                };
                let mut times = Vec::new();
                let mut gaps = Vec::new();
                let mut proven = 0;
                for (at, problem) in problems.iter().enumerate() {
                    let (score, time, optimal) = bench.run(problem, &settings);
                    if method == Method::Exact {
                        best.push(score);
                    }
                    times.push(time);
                    gaps.push(100.0 * (1.0 - score / best[at]));
                    proven += usize::from(optimal);
                }
                times.sort_unstable_by(f64::total_cmp);
                gaps.sort_unstable_by(f64::total_cmp);
                println!(
                    "{n:>6} {sellers:>7} {:<6} {:>11.1} {:>7.1} {:>7.1} {:>7.1} {:>14.4} {:>6.3} {:>6.3} {proven:>4}/{PROBLEMS}",
                    format!("{method:?}"),
                    quantile(&times, 0.5),
                    quantile(&times, 0.9),
                    quantile(&times, 0.99),
                    quantile(&times, 1.0),
                    quantile(&gaps, 0.5),
                    quantile(&gaps, 0.99),
                    quantile(&gaps, 1.0),
                );
            }
        }
    }
}
