//! Times and gaps of the methods over the problems of one cell.

use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;
use wattpool_optimizer::problems::{check, draw, DrawnProblem, Family, Numbers};
use wattpool_optimizer::{
    choose, Candidate, FactorError, Method, Scoring, Settings, Weights, Workspace,
};

/// Steps after which the optimum of a problem that the exact search did not prove within its own budget is
/// given up: some tens of seconds.
const NODES_OF_LAST_RESORT: u64 = 5_000_000_000;

/// Differences of scores below this are rounding.
const SAME: f64 = 1e-9;

/// One answer, measured.
#[derive(Clone, Debug)]
pub struct Answered {
    /// `f`.
    pub score: f64,
    /// From factors to plan, the faster of two runs, µs.
    pub micros: f64,
    /// Proven best.
    pub proven: bool,
    /// What is wrong with the plan, if anything.
    pub flaw: Option<String>,
}

/// Scratch of the runs.
pub struct Solver {
    /// Weights and scales in use.
    pub scoring: Scoring,
    candidates: Vec<Candidate>,
    workspace: Workspace,
}

impl Solver {
    /// With the default weights and scales.
    ///
    /// # Errors
    /// Never with these defaults.
    pub fn new() -> Result<Self, FactorError> {
        Ok(Self {
            scoring: Scoring::new(
                Weights::default(),
                Scoring::DURATION_SCALE_S,
                Scoring::PARTICIPATION_SCALE,
                0,
            )?,
            candidates: Vec::new(),
            workspace: Workspace::new(),
        })
    }

    /// Score and whether it is proven best, not measured.
    fn once(&mut self, problem: &DrawnProblem, settings: &Settings) -> (f64, bool) {
        let candidates = problem.candidates(&self.scoring);
        let demand = problem.demand(&self.scoring, &candidates);
        let choice = choose(&demand, settings, &mut self.workspace);
        (choice.score, choice.optimal)
    }

    /// The whole way from factors to a plan: values and deliverables, search, split.
    pub fn run(&mut self, problem: &DrawnProblem, settings: &Settings) -> Answered {
        let mut answered = Answered {
            score: 0.0,
            micros: f64::INFINITY,
            proven: false,
            flaw: None,
        };
        for _ in 0..2 {
            let begun = Instant::now();
            self.candidates.clear();
            let offers = problem.offers.iter();
            self.candidates
                .extend(offers.map(|offer| offer.candidate(&self.scoring)));
            let demand = problem.demand(&self.scoring, &self.candidates);
            let choice = black_box(choose(&demand, settings, &mut self.workspace));
            let micros = begun.elapsed().as_secs_f64() * 1e6;
            answered.micros = answered.micros.min(micros);
            answered.score = choice.score;
            answered.proven = choice.optimal;
        }
        let demand = problem.demand(&self.scoring, &self.candidates);
        let choice = choose(&demand, settings, &mut self.workspace);
        answered.flaw = check(&demand, &choice).err().map(|flaw| flaw.to_string());
        if choice.plan.len() != problem.sellers {
            answered.flaw = Some(format!(
                "{} sellers instead of {}",
                choice.plan.len(),
                problem.sellers
            ));
        }
        answered
    }
}

/// Times of one method, µs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Times {
    /// Half are faster.
    pub median_us: f64,
    /// 99 of 100 are faster.
    pub p99_us: f64,
}

/// Gaps to the optimum, as shares of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Gaps {
    /// Half are smaller.
    pub median: f64,
    /// 99 of 100 are smaller.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// Problems of one size, family and number of sellers.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Offers.
    pub offers: usize,
    /// How they are drawn.
    pub family: Family,
    /// `K*`.
    pub sellers: usize,
}

/// What was measured on them, problem by problem.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Times of the exact search, µs.
    pub exact: Vec<f64>,
    /// Times of the genetic algorithm, µs.
    pub ga: Vec<f64>,
    /// Times of the agent's default, µs.
    pub auto: Vec<f64>,
    /// Gaps of the genetic algorithm.
    pub ga_gaps: Vec<f64>,
    /// Gaps of the agent's default.
    pub auto_gaps: Vec<f64>,
    /// Problems whose optimum the exact search has proven within its default budget.
    pub proven: usize,
    /// Problems whose optimum could not be proven at all.
    pub unknown: usize,
    /// Problems whose three plans all cover the need with the fewest sellers.
    pub feasible: usize,
    /// The first flaw.
    pub flaw: Option<String>,
}

impl Samples {
    /// Adds another cell's.
    pub fn extend(&mut self, other: &Self) {
        self.exact.extend(&other.exact);
        self.ga.extend(&other.ga);
        self.auto.extend(&other.auto);
        self.ga_gaps.extend(&other.ga_gaps);
        self.auto_gaps.extend(&other.auto_gaps);
        self.proven = self.proven.saturating_add(other.proven);
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.feasible = self.feasible.saturating_add(other.feasible);
    }
}

/// The numbers of a cell: its own, so that every cell can be measured alone.
pub fn numbers(seed: u64, cell: &Cell) -> Numbers {
    let family = Family::ALL.iter().position(|f| *f == cell.family);
    let parts = [cell.offers, cell.sellers, family.unwrap_or(0)];
    let mix = |sum: u64, part: usize| sum.wrapping_mul(1_000_003).wrapping_add(part as u64);
    Numbers::new(parts.into_iter().fold(seed, mix))
}

/// Draws and measures the problems of a cell.
pub fn measure(cell: &Cell, problems: usize, seed: u64, solver: &mut Solver) -> Samples {
    let mut numbers = numbers(seed, cell);
    let mut samples = Samples::default();
    for round in 0..problems {
        let Some(problem) = draw(cell.family, cell.offers, cell.sellers, &mut numbers) else {
            continue;
        };
        let mut by = |method| {
            let settings = Settings {
                method,
                seed: round as u64,
                ..Settings::default()
            };
            solver.run(&problem, &settings)
        };
        let (exact, ga, auto) = (by(Method::Exact), by(Method::Ga), by(Method::Auto));
        // Outside the clock: what the gaps are held against must be the optimum.
        let optimum = if exact.proven {
            exact.score
        } else {
            let settings = Settings {
                method: Method::Exact,
                nodes: NODES_OF_LAST_RESORT,
                ..Settings::default()
            };
            let (score, known) = solver.once(&problem, &settings);
            samples.unknown = samples.unknown.saturating_add(usize::from(!known));
            score
        };
        samples.exact.push(exact.micros);
        samples.ga.push(ga.micros);
        samples.auto.push(auto.micros);
        samples.ga_gaps.push(gap(ga.score, optimum));
        samples.auto_gaps.push(gap(auto.score, optimum));
        samples.proven = samples.proven.saturating_add(usize::from(exact.proven));
        match exact.flaw.or(ga.flaw).or(auto.flaw) {
            None => samples.feasible = samples.feasible.saturating_add(1),
            Some(flaw) => {
                samples.flaw.get_or_insert(flaw);
            }
        }
    }
    samples
}

/// What is missing to the optimum, as a share of it; less than rounding is none.
pub fn gap(score: f64, optimum: f64) -> f64 {
    let gap = 1.0 - score / optimum;
    if gap.abs() < SAME {
        0.0
    } else {
        gap
    }
}

/// Value below which this share of the sample lies (nearest rank); NaN of an empty one.
pub fn quantile(sample: &[f64], share: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    // Within the vector: both are small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let at = (last * share).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Median and 99th percentile of times.
pub fn times(sample: &[f64]) -> Times {
    Times {
        median_us: quantile(sample, 0.5),
        p99_us: quantile(sample, 0.99),
    }
}

/// Median, 99th percentile and largest of gaps.
pub fn gaps(sample: &[f64]) -> Gaps {
    Gaps {
        median: quantile(sample, 0.5),
        p99: quantile(sample, 0.99),
        max: quantile(sample, 1.0),
    }
}
