//! Where `auto` leaves the exact search for the genetic algorithm: what each border costs.

use super::measure::{gap, numbers, quantile, Cell, Solver};
use crate::{print, Failure};
use serde::Serialize;
use wattpool_optimizer::problems::{draw, Family};
use wattpool_optimizer::{Method, Settings};

/// Borders that are tried, steps of the exact search; the last one is the exact search alone.
const BORDERS: [u64; 8] = [0, 250, 500, 1_000, 2_000, 4_000, 16_000, 50_000_000];

/// One border on problems of one size.
#[derive(Debug, Serialize)]
struct Row {
    offers: usize,
    border: u64,
    default: bool,
    problems: usize,
    mean_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    gap_p99: f64,
    gap_max: f64,
    proven: f64,
}

/// Tries every border on problems of all families with three and more sellers.
///
/// # Errors
/// Standard output is closed.
pub fn run(
    sizes: &[usize],
    sellers: &[usize],
    problems: usize,
    seed: u64,
    json: bool,
) -> Result<(), Failure> {
    if !json {
        print(
            "\n| offers | border, steps | mean µs | p99 µs | p99.9 µs | max µs | gap p99 | gap max | proven best |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        )?;
    }
    let mut solver = Solver::new()?;
    for offers in sizes {
        let mut drawn = Vec::new();
        for family in Family::ALL {
            for sellers in sellers.iter().filter(|k| **k > 2) {
                let cell = Cell {
                    offers: *offers,
                    family,
                    sellers: *sellers,
                };
                let mut numbers = numbers(seed, &cell);
                drawn.extend(
                    (0..problems)
                        .filter_map(|_| draw(family, *offers, *sellers, &mut numbers))
                        .enumerate(),
                );
            }
        }
        // What the exact search finds, the last border, is what the others are held against.
        let mut optima = Vec::new();
        for border in BORDERS.iter().rev() {
            let (mut times, mut gaps, mut proven) = (Vec::new(), Vec::new(), 0usize);
            for (at, (round, problem)) in drawn.iter().enumerate() {
                let settings = Settings {
                    method: Method::Auto,
                    seed: *round as u64,
                    auto_nodes: *border,
                    ..Settings::default()
                };
                let answer = solver.run(problem, &settings);
                if optima.len() <= at {
                    optima.push(answer.score);
                }
                let optimum = optima.get(at).copied().unwrap_or(answer.score);
                times.push(answer.micros);
                gaps.push(gap(answer.score, optimum));
                proven = proven.saturating_add(usize::from(answer.proven));
            }
            let count = times.len() as f64;
            let row = Row {
                offers: *offers,
                border: *border,
                default: *border == Settings::default().auto_nodes,
                problems: times.len(),
                mean_us: times.iter().sum::<f64>() / count,
                p99_us: quantile(&times, 0.99),
                p999_us: quantile(&times, 0.999),
                max_us: quantile(&times, 1.0),
                gap_p99: quantile(&gaps, 0.99),
                gap_max: quantile(&gaps, 1.0),
                proven: proven as f64 / count,
            };
            if json {
                print(&format!("{}\n", serde_json::to_string(&row)?))?;
            } else {
                print(&line(&row))?;
            }
        }
    }
    Ok(())
}

fn line(row: &Row) -> String {
    let border = match row.border {
        0 => "0 (genetic alone)".to_owned(),
        50_000_000 => "none (exact alone)".to_owned(),
        steps if row.default => format!("**{steps}** (the default)"),
        steps => steps.to_string(),
    };
    format!(
        "| {} | {border} | {:.1} | {:.1} | {:.1} | {:.0} | {:.3} % | {:.2} % | {:.2} % |\n",
        row.offers,
        row.mean_us,
        row.p99_us,
        row.p999_us,
        row.max_us,
        100.0 * row.gap_p99,
        100.0 * row.gap_max,
        100.0 * row.proven,
    )
}
