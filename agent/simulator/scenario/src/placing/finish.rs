//! What becomes of rows in their places: registers turn into amounts, missing values are filled.

use super::{Grid, Rows};
use crate::csv_profile::{CsvData, Manner, Measure, Want};
use crate::errors::ScenarioError;
use crate::file::{Missing, Stamp};
use crate::register;
use crate::stamps::shown;
use std::collections::BTreeMap;
use std::path::Path;

/// Stamps before 1990-01-01 are remarked on: nobody counted energy by the hour and home then.
const EARLIEST: i64 = 631_152_000;

/// Registers become amounts, missing values are filled.
pub(super) fn finish(
    file: &Path,
    rows: Rows,
    mut grid: Grid,
    manner: &Manner,
    mut notes: Vec<String>,
) -> Result<CsvData, ScenarioError> {
    let resampled = manner
        .time
        .stamped()
        .is_some_and(|s| s.resample_s.is_some());
    let registers = rows
        .columns
        .iter()
        .any(|(w, _)| w.measure == Measure::Register);
    let mut filled = 0_u64;
    if registers && !resampled {
        let ends = manner.time.stamped().is_some_and(|s| s.stamp == Stamp::End);
        for ((want, _), column) in rows.columns.iter().zip(&mut grid.columns) {
            if want.measure == Measure::Register {
                let (amounts, bridged) =
                    register::amounts(file, want, column, &grid.lines, manner, &mut notes)?;
                *column = amounts;
                filled = filled.saturating_add(bridged);
            } else if ends {
                // Between two readings lies the step that ends with the second.
                column.drain(..1.min(column.len()));
            } else {
                column.pop();
            }
        }
        if ends {
            grid.start = grid.start.saturating_add(i64::from(grid.step_s));
        }
        grid.lines.drain(..1.min(grid.lines.len()));
        if grid.lines.is_empty() {
            return Err(ScenarioError::Extent {
                file: file.into(),
                line: rows.lines.last().copied().unwrap_or(1),
                found: "a single reading of a register".into(),
                expected: "two readings at least".into(),
            });
        }
    }
    if manner.time.stamped().is_some() && grid.start < EARLIEST {
        notes.push(format!(
            "the rows begin at {}: are the stamps read as they are meant?",
            shown(grid.start)
        ));
    }
    let mut columns = BTreeMap::new();
    for ((want, _), mut column) in rows.columns.into_iter().zip(grid.columns) {
        filled = filled.saturating_add(fill(file, &want, &mut column, &grid.lines, manner)?);
        columns.insert(want, column);
    }
    Ok(CsvData {
        file: file.into(),
        start: grid.start,
        step_s: grid.step_s,
        last_line: rows.lines.iter().copied().max().unwrap_or(1),
        filled,
        notes,
        lines: grid.lines,
        columns,
    })
}

/// Fills the missing values of a column and returns how many there were.
fn fill(
    file: &Path,
    want: &Want,
    column: &mut [f64],
    lines: &[u64],
    manner: &Manner,
) -> Result<u64, ScenarioError> {
    let mut filled = 0_u64;
    let mut previous: Option<f64> = None;
    for (value, line) in column.iter_mut().zip(lines) {
        if !value.is_nan() {
            previous = Some(*value);
            continue;
        }
        let refused = |expected: String| {
            Err(ScenarioError::Cell {
                file: file.into(),
                line: *line,
                column: want.column.clone(),
                found: "a missing value".into(),
                expected,
            })
        };
        *value = match (manner.missing, previous) {
            (Missing::Refuse, _) => {
                return refused(match manner.missing_key {
                    "missing" => "a number (or missing = \"previous\")".into(),
                    key => format!("a number (or {key} = \"zero\" or \"previous\")"),
                })
            }
            (Missing::Previous, None) => {
                return refused("a number in the first row, to be repeated".into())
            }
            (Missing::Previous, Some(value)) => value,
            (Missing::Zero, _) => 0.0,
        };
        filled = filled.saturating_add(1);
    }
    Ok(filled)
}
