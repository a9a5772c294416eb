//! `wattpool-bench predict`: expected quality and duration against the mean and the last value, out of sample.
//!
//! Agents trade in the simulator, asking sellers at random so that what they learn does not choose what they
//! see. Each buyer's course is then gone through in its order: predict, compare, learn. Losses are averaged
//! per seed, and the differences are paired by seed.

use super::factors::{interval, Interval};
use crate::{print, Failure};
use serde::Serialize;
use std::collections::BTreeMap;
use wattpool_core::io::Experience;
use wattpool_core::policy::Selection;
use wattpool_optimizer::predict::{Kind, Predictor, Priors};
use wattpool_optimizer::problems::Numbers;
use wattpool_scenario::model::Faults;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_simulator::{run_observed, RunOptions, Signatures};

/// Where there is nothing to learn, the loss may exceed the mean's by this share of it, or by so much.
const TOLERATED: f64 = 0.05;
const TOLERATED_LOSS: f64 = 0.001;
/// Shares are this far from 0 and 1 in the logarithmic loss.
const LEAST: f64 = 0.01;

/// Measures what predictors learn on simulated courses.
#[derive(clap::Args)]
pub struct Args {
    /// Courses of each kind.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Days of each.
    #[arg(long, default_value_t = 14)]
    days: u32,
    /// Homes of each.
    #[arg(long, default_value_t = 16)]
    meters: u32,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    Quality,
    Duration,
}

/// One line of the table: courses, what of them is predicted, and whether there is something to learn.
struct Trial {
    course: &'static str,
    kind: Kind,
    target: Target,
    learnable: bool,
}

const fn trial(course: &'static str, kind: Kind, target: Target, learnable: bool) -> Trial {
    Trial {
        course,
        kind,
        target,
        learnable,
    }
}

const FLAKY: &str = "flaky sellers";
const ROUGH: &str = "a rough network and halts";
const CLOUDS: &str = "standing orders under clouds";
const CLEAR: &str = "no failures";
const SHUFFLED: &str = "flaky sellers, outcomes shuffled";

const TRIALS: [Trial; 9] = [
    trial(FLAKY, Kind::Spot, Target::Quality, true),
    trial(FLAKY, Kind::Spot, Target::Duration, true),
    trial(ROUGH, Kind::Spot, Target::Quality, true),
    trial(ROUGH, Kind::Spot, Target::Duration, true),
    trial(CLOUDS, Kind::Forward, Target::Duration, true),
    trial(CLOUDS, Kind::Forward, Target::Quality, false),
    trial(CLEAR, Kind::Spot, Target::Quality, false),
    trial(SHUFFLED, Kind::Spot, Target::Quality, false),
    trial(SHUFFLED, Kind::Spot, Target::Duration, false),
];

/// Losses summed up.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Squared error (quality) or absolute error (duration).
    loss: f64,
    /// Logarithmic loss (quality).
    logarithmic: f64,
}

/// The model, the mean and the last value of one seed.
#[derive(Clone, Copy, Debug, Default)]
struct Losses {
    outcomes: f64,
    by: [Sums; 3],
}

/// One row.
#[derive(Debug, Serialize)]
struct Row {
    course: &'static str,
    kind: Kind,
    target: Target,
    learnable: bool,
    outcomes: f64,
    /// Squared error of qualities (Brier score), absolute error of durations in seconds.
    model: Interval,
    mean: Interval,
    last: Interval,
    /// Paired by seed; above zero where the model is better.
    mean_more: Interval,
    last_more: Interval,
    /// Logarithmic losses of qualities.
    #[serde(skip_serializing_if = "Option::is_none")]
    logarithmic: Option<[f64; 3]>,
    /// Better than the mean and the last value, beyond the confidence interval.
    better: bool,
    /// As promised: better where there is something to learn, without harm where there is not.
    kept: bool,
}

/// Simulates the courses, and prints a row for each trial.
///
/// # Errors
/// Wrong arguments (exit code 2), a simulation fails, or a promise is broken (exit code 1).
pub fn run(args: &Args) -> Result<u8, Failure> {
    if args.seeds < 2 || args.days < 2 || args.meters < 4 {
        return Err(Failure::input(anyhow::anyhow!(
            "--seeds {}, --days {}, --meters {}; expected at least 2 seeds, 2 days and 4 meters",
            args.seeds,
            args.days,
            args.meters
        )));
    }
    let mut losses: Vec<Vec<Losses>> = TRIALS.iter().map(|_| Vec::new()).collect();
    for seed in 1..=args.seeds {
        for course in [FLAKY, ROUGH, CLOUDS, CLEAR] {
            let mut courses = simulated(course, seed, args)?;
            for (trial, losses) in TRIALS.iter().zip(&mut losses) {
                if trial.course == course {
                    losses.push(all_losses(&courses, trial));
                }
            }
            if course == FLAKY {
                shuffle(&mut courses, seed);
                for (trial, losses) in TRIALS.iter().zip(&mut losses) {
                    if trial.course == SHUFFLED {
                        losses.push(all_losses(&courses, trial));
                    }
                }
            }
        }
    }
    let rows: Vec<Row> = TRIALS.iter().zip(&losses).map(|(t, l)| row(t, l)).collect();
    show(args, &rows)?;
    let mut broken = 0u8;
    for row in rows.iter().filter(|row| !row.kept) {
        eprintln!(
            "{}, {:?} {:?}: expected {}",
            row.course,
            row.kind,
            row.target,
            if row.learnable {
                "a smaller loss than the mean's and the last value's"
            } else {
                "no more loss than tolerated"
            }
        );
        broken = 1;
    }
    Ok(broken)
}

/// Courses of one seed, by buyer.
type Courses = BTreeMap<u32, Vec<Experience>>;

fn simulated(course: &str, seed: u64, args: &Args) -> Result<Courses, Failure> {
    let mut n = neighbourhood(&GenerateOptions {
        homes: args.meters,
        days: args.days,
        seed,
        ..GenerateOptions::default()
    })?;
    for home in &mut n.homes {
        home.policy.selection = Selection::Random;
        home.policy.min_quality = 0.0;
    }
    n.faults = match course {
        FLAKY => Faults {
            bad_sellers: 0.2,
            bad_failures: 0.6,
            failing_sellers: 0.02,
            ..Faults::default()
        },
        ROUGH => Faults {
            message_loss: 0.05,
            message_delay_ms: 400.0,
            silent_sellers: 0.1,
            failing_sellers: 0.05,
            halts_per_day: 2.0,
            halt_seconds: 600.0,
            ..Faults::default()
        },
        _ => Faults::default(),
    };
    let options = RunOptions {
        seed,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    let mut courses = Courses::new();
    for (buyer, experience) in run_observed(&n, &options)?.experiences {
        courses.entry(buyer).or_default().push(experience);
    }
    Ok(courses)
}

/// Deals each buyer's outcomes of one kind to its requests at random: nothing is left to learn but their mean.
fn shuffle(courses: &mut Courses, seed: u64) {
    for (buyer, course) in courses.iter_mut() {
        let mut numbers =
            Numbers::new(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(*buyer)));
        course.retain(|e| e.kind == Kind::Spot);
        for at in (1..course.len()).rev() {
            let other = usize::try_from(numbers.below((at as u64).saturating_add(1))).unwrap_or(0);
            let (a, b) = (
                course.get(at).map(|e| e.outcome),
                course.get(other).map(|e| e.outcome),
            );
            if let (Some(a), Some(b)) = (a, b) {
                if let Some(e) = course.get_mut(at) {
                    e.outcome = b;
                }
                if let Some(e) = course.get_mut(other) {
                    e.outcome = a;
                }
            }
        }
    }
}

fn all_losses(courses: &Courses, trial: &Trial) -> Losses {
    let mut losses = Losses::default();
    for course in courses.values() {
        go_through(course, trial, &mut losses);
    }
    losses
}

/// Predicts each outcome from those before it. The mean is that of the outcomes so far, the last value
/// that of this seller; before there are any, all three have the same prior.
fn go_through(course: &[Experience], trial: &Trial, losses: &mut Losses) {
    // The priors of the agent, which its first expectation states.
    let Some(first) = course.iter().find(|e| e.kind == trial.kind) else {
        return;
    };
    let prior = Priors {
        quality: 0.95,
        duration_s: first.expected.duration_s,
    };
    let mut predictor = Predictor::new(prior, prior);
    let (mut sum, mut count) = (0.0f64, 0.0f64);
    let mut last = BTreeMap::new();
    for e in course.iter().filter(|e| e.kind == trial.kind) {
        let expected = predictor.expect(&e.seller, e.kind, &e.conditions);
        let (model, before, observed) = match trial.target {
            Target::Quality => (expected.quality, prior.quality, Some(e.outcome.quality)),
            Target::Duration => (expected.duration_s, prior.duration_s, e.outcome.duration_s),
        };
        if let Some(observed) = observed {
            let mean = if count > 0.0 { sum / count } else { before };
            let same = last.get(&e.seller).copied().unwrap_or(mean);
            losses.outcomes += 1.0;
            for (sums, guess) in losses.by.iter_mut().zip([model, mean, same]) {
                sums.loss += match trial.target {
                    Target::Quality => (guess - observed) * (guess - observed),
                    Target::Duration => (guess - observed).abs(),
                };
                let p: f64 = guess.clamp(LEAST, 1.0 - LEAST);
                sums.logarithmic -= observed * p.ln() + (1.0 - observed) * (1.0 - p).ln();
            }
            sum += observed;
            count += 1.0;
            last.insert(e.seller, observed);
        }
        predictor.learn(e.seller, e.kind, &e.conditions, &e.outcome);
    }
}

fn row(trial: &Trial, losses: &[Losses]) -> Row {
    // A seed without an outcome says nothing.
    let seeds = || losses.iter().filter(|l| l.outcomes > 0.0);
    let loss = |of: fn(&[Sums; 3]) -> f64| interval(seeds().map(move |l| of(&l.by) / l.outcomes));
    let model = loss(|[model, _, _]| model.loss);
    let mean = loss(|[_, mean, _]| mean.loss);
    let last = loss(|[_, _, last]| last.loss);
    let mean_more = loss(|[model, mean, _]| mean.loss - model.loss);
    let last_more = loss(|[model, _, last]| last.loss - model.loss);
    let better = mean_more.mean > mean_more.half && last_more.mean > last_more.half;
    let harmless =
        model.mean <= mean.mean * (1.0 + TOLERATED) || model.mean <= mean.mean + TOLERATED_LOSS;
    let kept = if trial.learnable { better } else { harmless };
    Row {
        course: trial.course,
        kind: trial.kind,
        target: trial.target,
        learnable: trial.learnable,
        outcomes: seeds().map(|l| l.outcomes).sum(),
        model,
        mean,
        last,
        mean_more,
        last_more,
        logarithmic: (trial.target == Target::Quality).then(|| {
            [
                loss(|[model, _, _]| model.logarithmic).mean,
                loss(|[_, mean, _]| mean.logarithmic).mean,
                loss(|[_, _, last]| last.logarithmic).mean,
            ]
        }),
        better,
        kept,
    }
}

fn show(args: &Args, rows: &[Row]) -> anyhow::Result<()> {
    if args.json {
        let out = serde_json::json!({
            "seeds": args.seeds, "days": args.days, "meters": args.meters, "rows": rows,
        });
        return print(&format!("{out}\n"));
    }
    print(&format!(
        "{} seeds of {} days, {} homes; mean ± half-width of the 95 % confidence interval over seeds; in brackets the\n\
         paired difference from the model (above zero: the model is better); logarithmic losses after the slash\n\n\
         | course | predicted | outcomes | model | mean | last value | |\n\
         |---|---|---|---|---|---|---|\n",
        args.seeds, args.days, args.meters
    ))?;
    for row in rows {
        let what = match (row.kind, row.target) {
            (Kind::Spot, Target::Quality) => "quality of spot trades (Brier)",
            (Kind::Spot, Target::Duration) => "duration of spot trades (s)",
            (Kind::Forward, Target::Quality) => "quality of standing orders (Brier)",
            (Kind::Forward, Target::Duration) => "duration of standing orders (s)",
        };
        let digits = if row.target == Target::Quality { 4 } else { 3 };
        let plain = |i: &Interval| format!("{:.digits$} ± {:.digits$}", i.mean, i.half);
        let logarithmic = |at: usize| {
            let all = row.logarithmic.as_ref();
            all.and_then(|l| l.get(at))
                .map_or_else(String::new, |l| format!(" / {l:.4}"))
        };
        let with = |i: &Interval, more: &Interval, at: usize| {
            format!("{}{} [{}]", plain(i), logarithmic(at), plain(more))
        };
        print(&format!(
            "| {} | {what} | {:.0} | {}{} | {} | {} | {} |\n",
            row.course,
            row.outcomes,
            plain(&row.model),
            logarithmic(0),
            with(&row.mean, &row.mean_more, 1),
            with(&row.last, &row.last_more, 2),
            match (row.better, row.kept) {
                (true, _) => "better than both",
                (false, true) => "no harm",
                (false, false) if row.learnable => "NOT better than both",
                (false, false) => "HARM",
            }
        ))?;
    }
    Ok(())
}
