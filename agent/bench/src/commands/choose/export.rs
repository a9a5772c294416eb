//! Problems and our answers as files, for other solvers to be compared on (`scripts/compare-choice`).

use super::measure::{numbers, Cell, Solver};
use crate::Failure;
use anyhow::Context;
use serde::Serialize;
use std::path::Path;
use wattpool_optimizer::problem_file::Answer;
use wattpool_optimizer::problems::draw;
use wattpool_optimizer::{Method, Problem, ProblemInput, Settings, Workspace};

/// One file.
#[derive(Serialize)]
struct Exported {
    family: &'static str,
    offers: usize,
    sellers: usize,
    /// As `wattpool choose` reads it.
    problem: ProblemInput,
    exact: Answer,
    genetic: Answer,
}

/// Writes so many problems of each cell with both methods' answers; the number of files.
///
/// # Errors
/// The folder cannot be written.
pub fn run(dir: &Path, cells: &[Cell], problems: usize, seed: u64) -> Result<usize, Failure> {
    std::fs::create_dir_all(dir)
        .with_context(|| format!("{}: cannot be made", dir.display()))
        .map_err(Failure::input)?;
    let mut solver = Solver::new()?;
    let mut written = 0usize;
    for cell in cells {
        let mut numbers = numbers(seed, cell);
        for round in 0..problems {
            let Some(drawn) = draw(cell.family, cell.offers, cell.sellers, &mut numbers) else {
                continue;
            };
            let mut input = drawn.input(&solver.scoring);
            // Whole Wh as they are used here, so that no other rounding is compared.
            for (offer, drawn) in input.offers.iter_mut().zip(&drawn.offers) {
                offer.deliverable_wh = Some(drawn.deliverable_wh());
            }
            let problem = Problem::new(input.clone())?;
            let mut answer = |method| {
                let settings = Settings {
                    method,
                    seed: round as u64,
                    ..Settings::default()
                };
                let micros = solver.run(&drawn, &settings).micros;
                let mut answer = problem.solve(&settings, &mut Workspace::new());
                // Whole microseconds, rounded up: a comparison must not flatter.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let whole = micros.ceil().min(1e15) as u64;
                answer.elapsed_us = Some(whole);
                answer
            };
            let exported = Exported {
                family: cell.family.name(),
                offers: cell.offers,
                sellers: cell.sellers,
                exact: answer(Method::Exact),
                genetic: answer(Method::Ga),
                problem: input,
            };
            let file = dir.join(format!(
                "{:05}-{}-{}-{round:04}.json",
                cell.offers,
                cell.family.name().replace(' ', "_"),
                cell.sellers
            ));
            let text = serde_json::to_string(&exported)?;
            std::fs::write(&file, text)
                .with_context(|| format!("{}: cannot be written", file.display()))
                .map_err(Failure::input)?;
            written = written.saturating_add(1);
        }
    }
    Ok(written)
}
