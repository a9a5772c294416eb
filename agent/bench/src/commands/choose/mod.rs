//! `wattpool-bench choose`: how fast the choice of a trade is and how near the optimum, on random problems.

mod border;
mod export;
mod measure;

use crate::{print, Failure};
use measure::{gaps, measure, times, Cell, Gaps, Samples, Solver, Times};
use serde::Serialize;
use std::path::PathBuf;
use wattpool_optimizer::problems::Family;

/// The largest 99th percentile of gaps that is promised, as a share of the optimum.
const P99_GAP: f64 = 0.001;

/// Measures the choice against the exact optimum.
#[derive(clap::Args)]
pub struct Args {
    /// Numbers of offers.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    offers: Vec<usize>,
    /// Fewest sellers that cover.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 3, 4, 5, 6, 7, 8])]
    sellers: Vec<usize>,
    /// Problems per number of offers, family and number of sellers.
    #[arg(long, default_value_t = 1_000)]
    problems: usize,
    /// Seed of the problems.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// A row for every number of sellers.
    #[arg(long)]
    each: bool,
    /// Instead, what each border between exact and genetic search would cost the default method.
    #[arg(long, conflicts_with_all = ["each", "export"])]
    border: bool,
    /// Instead, write the problems with our answers into a folder, one JSON file each.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["each", "json"])]
    export: Option<PathBuf>,
    /// Print JSON lines, one for every number of sellers, instead of a table.
    #[arg(long)]
    json: bool,
}

/// One row.
#[derive(Debug, Serialize)]
struct Row {
    offers: usize,
    family: &'static str,
    /// Fewest and most of the cells in it.
    sellers: (usize, usize),
    problems: usize,
    exact: Times,
    /// Problems whose optimum is proven within the default budget.
    proven: usize,
    genetic: Times,
    genetic_gap: Gaps,
    auto: Times,
    auto_gap: Gaps,
    /// Problems that every method covered with the fewest sellers.
    feasible: usize,
}

/// Measures every cell and prints the table; what is broken of the promises goes to stderr.
///
/// # Errors
/// An argument is out of range (exit code 2), a plan is not feasible or a gap too large (exit code 1).
pub fn run(args: &Args) -> Result<u8, Failure> {
    check(args)?;
    if args.border {
        border::run(
            &args.offers,
            &args.sellers,
            args.problems,
            args.seed,
            args.json,
        )?;
        return Ok(0);
    }
    if let Some(dir) = &args.export {
        let written = export::run(dir, &cells(args), args.problems, args.seed)?;
        eprintln!("{written} problems in {}", dir.display());
        return Ok(0);
    }
    let mut solver = Solver::new()?;
    let mut broken = Vec::new();
    if !args.json {
        print(HEAD)?;
    }
    for offers in &args.offers {
        for family in Family::ALL {
            let mut pooled = Samples::default();
            let mut of = (usize::MAX, 0);
            for sellers in args.sellers.iter().filter(|k| **k <= *offers) {
                let cell = Cell {
                    offers: *offers,
                    family,
                    sellers: *sellers,
                };
                let samples = measure(&cell, args.problems, args.seed, &mut solver);
                broken.extend(promises(&cell, &samples));
                let row = row(&cell, (*sellers, *sellers), &samples);
                if args.json {
                    print(&format!("{}\n", serde_json::to_string(&row)?))?;
                } else if args.each {
                    print(&line(&row))?;
                }
                of = (of.0.min(*sellers), of.1.max(*sellers));
                pooled.extend(&samples);
            }
            if !args.json && !args.each && !pooled.exact.is_empty() {
                let cell = Cell {
                    offers: *offers,
                    family,
                    sellers: of.0,
                };
                print(&line(&row(&cell, of, &pooled)))?;
            }
        }
    }
    for line in &broken {
        eprintln!("{line}");
    }
    Ok(u8::from(!broken.is_empty()))
}

fn check(args: &Args) -> Result<(), Failure> {
    let refuse = |message: String| Err(Failure::input(anyhow::anyhow!(message)));
    if args.problems == 0 {
        return refuse("--problems: 0; expected at least 1".to_owned());
    }
    if let Some(n) = args.offers.iter().find(|n| !(1..=1_000_000).contains(*n)) {
        return refuse(format!("--offers: {n}; expected 1 to 1000000"));
    }
    if let Some(k) = args.sellers.iter().find(|k| !(1..=256).contains(*k)) {
        return refuse(format!("--sellers: {k}; expected 1 to 256"));
    }
    if args
        .offers
        .iter()
        .all(|n| args.sellers.iter().all(|k| k > n))
    {
        return refuse("--sellers: expected at most as many as --offers".to_owned());
    }
    Ok(())
}

fn cells(args: &Args) -> Vec<Cell> {
    let mut cells = Vec::new();
    for offers in &args.offers {
        for family in Family::ALL {
            cells.extend(
                args.sellers
                    .iter()
                    .filter(|k| **k <= *offers)
                    .map(|k| Cell {
                        offers: *offers,
                        family,
                        sellers: *k,
                    }),
            );
        }
    }
    cells
}

/// Promises about plans and gaps that a cell breaks. Times are measured, not promised.
fn promises(cell: &Cell, samples: &Samples) -> Vec<String> {
    let name = format!(
        "{} offers, {}, {} sellers",
        cell.offers,
        cell.family.name(),
        cell.sellers
    );
    let of = samples.exact.len();
    let gap = gaps(&samples.ga_gaps);
    let mut broken = Vec::new();
    if let Some(flaw) = &samples.flaw {
        let bad = of.saturating_sub(samples.feasible);
        broken.push(format!(
            "{name}: {bad} of {of} plans are not feasible: {flaw}"
        ));
    }
    if samples.unknown > 0 {
        broken.push(format!(
            "{name}: {} of {of} optima are not known",
            samples.unknown
        ));
    }
    if gap.median > 0.0 {
        broken.push(format!("{name}: median gap {:e}, expected 0", gap.median));
    }
    if gap.p99 > P99_GAP {
        broken.push(format!(
            "{name}: 99th percentile of gaps {:e}, expected at most {P99_GAP}",
            gap.p99
        ));
    }
    broken
}

fn row(cell: &Cell, sellers: (usize, usize), samples: &Samples) -> Row {
    Row {
        offers: cell.offers,
        family: cell.family.name(),
        sellers,
        problems: samples.exact.len(),
        exact: times(&samples.exact),
        proven: samples.proven,
        genetic: times(&samples.ga),
        genetic_gap: gaps(&samples.ga_gaps),
        auto: times(&samples.auto),
        auto_gap: gaps(&samples.auto_gaps),
        feasible: samples.feasible,
    }
}

const HEAD: &str = "\
| offers | family | K* | problems | exact µs: median, p99 | genetic µs: median, p99 | gap of the genetic: median, p99, max | auto µs: median, p99 | feasible with K* | proven |
|---|---|---|---|---|---|---|---|---|---|
";

fn line(row: &Row) -> String {
    let (least, most) = row.sellers;
    let sellers = if least == most {
        least.to_string()
    } else {
        format!("{least}–{most}")
    };
    let percent = |share: f64| format!("{:.3}", 100.0 * share);
    format!(
        "| {} | {} | {sellers} | {} | {:.1}, {:.1} | {:.1}, {:.1} | {}, {}, {} % | {:.1}, {:.1} | {} | {} |\n",
        row.offers,
        row.family,
        row.problems,
        row.exact.median_us,
        row.exact.p99_us,
        row.genetic.median_us,
        row.genetic.p99_us,
        percent(row.genetic_gap.median),
        percent(row.genetic_gap.p99),
        percent(row.genetic_gap.max),
        row.auto.median_us,
        row.auto.p99_us,
        share(row.feasible, row.problems),
        share(row.proven, row.problems),
    )
}

fn share(part: usize, of: usize) -> String {
    if part == of {
        "all".to_owned()
    } else {
        format!("{part} of {of}")
    }
}
