//! Whether the steps of a file cover the windows of a run and meet their edges.

use crate::csv_profile::CsvData;
use crate::errors::ScenarioError;
use crate::generate::is_window;
use crate::resample::{Fit, Span};
use crate::stamps::shown;

/// Line of the first row in a plain file.
const FIRST_ROW: usize = 0;

/// The error of a file as a whole at a line.
fn extent(data: &CsvData, line: u64, found: String, expected: String) -> ScenarioError {
    ScenarioError::Extent {
        file: data.file.clone(),
        line,
        found,
        expected,
    }
}

/// How the file's steps lie to windows of `window_s`.
pub(crate) fn fit(data: &CsvData, window_s: u32) -> Result<Fit, ScenarioError> {
    Fit::of(data.step_s, window_s).ok_or_else(|| {
        let found = format!("steps of {} s", data.step_s);
        extent(
            data,
            data.line(FIRST_ROW),
            found,
            format!("a divisor or a multiple of window_s = {window_s}"),
        )
    })
}

/// The longest window up to `window_s` with an edge at a moment.
pub(crate) fn fitting_window(at: i64, window_s: u32) -> Option<u32> {
    (60..window_s)
        .rev()
        .filter(|w| is_window(*w) && window_s.checked_rem(*w) == Some(0))
        .find(|w| at.checked_rem(i64::from(*w)) == Some(0))
}

/// Checks that the file covers the run; returns how its steps lie to the windows.
pub(crate) fn covers(data: &CsvData, span: &Span) -> Result<Fit, ScenarioError> {
    let fit = fit(data, span.window_s)?;
    let ahead = span.start.saturating_sub(data.start);
    if ahead < 0 {
        let expected = format!("rows from {} on", shown(span.start));
        return Err(extent(
            data,
            data.line(FIRST_ROW),
            format!("rows from {} on", shown(data.start)),
            expected,
        ));
    }
    if data.end() < span.end() {
        let found = format!("{} steps until {}", data.steps(), shown(data.end()));
        return Err(extent(
            data,
            data.last_line,
            found,
            format!("steps until {}", shown(span.end())),
        ));
    }
    let unit = match fit {
        Fit::Same | Fit::Finer(_) => data.step_s,
        Fit::Coarser(_) => span.window_s,
    };
    if ahead.checked_rem(i64::from(unit)) != Some(0) {
        let found = format!("steps that begin at {}", shown(data.start));
        let mut expected = format!(
            "steps that meet the edges of the windows of {} s",
            span.window_s
        );
        if let Some(shorter) = fitting_window(data.start, span.window_s) {
            expected = format!("{expected}: window_s = {shorter}");
        }
        // No zone is shifted by less than a quarter of an hour.
        let off = data
            .start
            .checked_rem(i64::from(span.window_s))
            .unwrap_or(0);
        if off.checked_rem(900) != Some(0) {
            expected = format!(
                "{expected}, or shift_s = -{off} beside the time column if the stamps are not at an edge of their steps"
            );
        }
        return Err(extent(data, data.line(FIRST_ROW), found, expected));
    }
    Ok(fit)
}

/// Refuses files of different length or start where each is to be used whole: the shorter is at fault.
pub(crate) fn same_extent(
    data: &CsvData,
    reference: &Extent,
    same_start: bool,
) -> Result<(), ScenarioError> {
    if same_start && data.start != reference.start {
        let expected = format!(
            "{}, as in {}",
            shown(reference.start),
            reference.file.display()
        );
        let found = format!("rows from {} on", shown(data.start));
        return Err(extent(data, data.line(FIRST_ROW), found, expected));
    }
    let described = |steps: usize, end: i64| format!("{steps} steps until {}", shown(end));
    let (own, other) = (
        described(data.steps(), data.end()),
        described(reference.steps, reference.end),
    );
    if data.end() < reference.end {
        let expected = format!("{other}, as in {}", reference.file.display());
        return Err(extent(data, data.last_line, own, expected));
    }
    if data.end() > reference.end {
        return Err(ScenarioError::Extent {
            file: reference.file.clone(),
            line: reference.last_line,
            found: other,
            expected: format!("{own}, as in {}", data.file.display()),
        });
    }
    Ok(())
}

/// What is kept of the first file for comparison.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    file: std::path::PathBuf,
    pub(crate) start: i64,
    pub(crate) end: i64,
    steps: usize,
    last_line: u64,
}

impl Extent {
    /// That of a file.
    pub(crate) fn of(data: &CsvData) -> Self {
        Self {
            file: data.file.clone(),
            start: data.start,
            end: data.end(),
            steps: data.steps(),
            last_line: data.last_line,
        }
    }

    /// The error of a file that holds no whole window.
    pub(crate) fn too_short(&self, window_s: u32) -> ScenarioError {
        ScenarioError::Extent {
            file: self.file.clone(),
            line: self.last_line,
            found: format!(
                "{} steps from {} to {}",
                self.steps,
                shown(self.start),
                shown(self.end)
            ),
            expected: format!("one window of {window_s} s at least, after the scenario's start"),
        }
    }
}
