//! Equal steps from stamps that come when something happens: readings of registers at any time, levels that hold
//! until they change, amounts between two moments.

use crate::csv_profile::Measure;
use crate::errors::ScenarioError;
use crate::file::Missing;
use crate::placing::{At, Grid, Placing, LONGEST_GAP_S, MOST_MADE};
use crate::register;
use crate::stamps::Moment;

/// Longest event, in seconds: a week.
const LONGEST_EVENT_S: i64 = LONGEST_GAP_S;

/// Makes steps of `step_s` seconds, from the first edge after the first stamp to the last one before the last.
/// Events with an end are there from the edge before the first to the edge after the last; between them nothing
/// flows.
///
/// # Errors
/// For amounts without an end, ends before their start, and too long a silence.
pub(crate) fn resample(
    placing: &mut Placing<'_>,
    mut places: Vec<At>,
    step_s: u32,
) -> Result<Grid, ScenarioError> {
    places.sort_by_key(|p| p.at);
    let step = i64::from(step_s);
    let ends = ends(placing, &places)?;
    let first = places.first().map_or(0, |p| p.at);
    let last = places.last().map_or(0, |p| p.at);
    let last = ends.iter().copied().max().unwrap_or(last);
    let floor = |at: i64| {
        at.checked_div_euclid(step)
            .unwrap_or(0)
            .saturating_mul(step)
    };
    let ceil = |at: i64| floor(at.saturating_add(step).saturating_sub(1));
    let (start, end) = if ends.is_empty() {
        (ceil(first), floor(last))
    } else {
        (floor(first), ceil(last))
    };
    let steps = end
        .saturating_sub(start)
        .max(0)
        .checked_div(step)
        .unwrap_or(0);
    let steps = usize::try_from(steps).unwrap_or(usize::MAX);
    if steps == 0 || steps > MOST_MADE {
        let found = format!(
            "'{}' and {steps} steps of {step} s after it",
            placing.shown(0)
        );
        return Err(placing.refuse(0, found, format!("1 to {MOST_MADE} steps of resample_s")));
    }
    if ends.is_empty() {
        for pair in places.windows(2) {
            let [a, b] = pair else { continue };
            let passed = b.at.saturating_sub(a.at);
            if passed > LONGEST_GAP_S {
                let found = format!(
                    "'{}', {passed} s after line {}",
                    placing.shown(b.row),
                    placing.line(a.row)
                );
                return Err(placing.refuse(b.row, found, "silence of at most a week".into()));
            }
        }
    }
    let mut lines = Vec::with_capacity(steps);
    let mut at = 0_usize;
    for i in 0..steps {
        let edge = start.saturating_add(i64::try_from(i).unwrap_or(0).saturating_mul(step));
        while places
            .get(at.saturating_add(1))
            .is_some_and(|p| p.at <= edge)
        {
            at = at.saturating_add(1);
        }
        lines.push(places.get(at).map_or(1, |p| placing.line(p.row)));
    }
    let span = Edges { start, step, steps };
    let mut columns = Vec::new();
    for (want, values) in &placing.rows.columns {
        let mut points = Vec::with_capacity(places.len());
        for (i, place) in places.iter().enumerate() {
            let mut value = values.get(place.row).copied().unwrap_or(f64::NAN);
            if value.is_nan() {
                value = match (placing.missing, want.measure) {
                    // Nothing was read: the reading after it tells what was counted.
                    (Missing::Zero | Missing::Previous, Measure::Register) => continue,
                    (Missing::Previous, Measure::Level) => continue,
                    (Missing::Zero, _) => 0.0,
                    _ => {
                        return Err(ScenarioError::Cell {
                            file: placing.file.into(),
                            line: placing.line(place.row),
                            column: want.column.clone(),
                            found: "a missing value".into(),
                            expected: format!(
                                "a number (or {} = \"previous\")",
                                placing.missing_key
                            ),
                        })
                    }
                };
            }
            points.push((
                place.at,
                value,
                placing.line(place.row),
                ends.get(i).copied(),
            ));
        }
        columns.push(match want.measure {
            Measure::Level => span.level(&points),
            Measure::Amount if ends.is_empty() => {
                return Err(ScenarioError::Cell {
                    file: placing.file.into(),
                    line: placing.line(0),
                    column: want.column.clone(),
                    found: "energies at any time (resample_s)".into(),
                    expected: "until, the column of the moment at which each ends, or a register"
                        .into(),
                })
            }
            Measure::Amount => span.spread(&points),
            Measure::Register => {
                let readings: Vec<(f64, f64, u64)> = points
                    .iter()
                    .map(|(at, v, line, _)| (at.saturating_sub(start) as f64, *v, *line))
                    .collect();
                let (file, missing) = (placing.file, placing.missing);
                let mut notes = std::mem::take(&mut placing.notes);
                let rises = register::rises(file, want, &readings, missing, &mut notes);
                placing.notes = notes;
                span.counted(&points, &rises?)
            }
        });
    }
    placing.notes.push(format!(
        "steps of {step} s are made of {} rows",
        places.len()
    ));
    Ok(Grid {
        start,
        step_s,
        lines,
        columns,
    })
}

/// The Unix times at which events end, in the order of the places; empty where rows have no ends.
fn ends(placing: &Placing<'_>, places: &[At]) -> Result<Vec<i64>, ScenarioError> {
    if placing.stamped.until.is_none() {
        return Ok(Vec::new());
    }
    let mut all = Vec::with_capacity(places.len());
    for place in places {
        let clock = placing.stamped.format.clock();
        let end = match (placing.rows.ends.get(place.row), clock) {
            (Some(Moment::At(at)), _) => Some(*at),
            (Some(Moment::Shown(local)), Some(clock)) => clock.candidates(*local).1,
            _ => None,
        };
        let end = end.map(|at| at.saturating_add(placing.stamped.shift_s));
        match end {
            Some(end) if end >= place.at && end.saturating_sub(place.at) <= LONGEST_EVENT_S => {
                all.push(end);
            }
            _ => {
                let found = format!(
                    "'{}' with an end that is not within a week after it",
                    placing.shown(place.row)
                );
                return Err(placing.refuse(place.row, found, "an event of at most a week".into()));
            }
        }
    }
    Ok(all)
}

/// A moment, a value, a line, and the end of the event.
type Point = (i64, f64, u64, Option<i64>);

/// The steps to make.
struct Edges {
    start: i64,
    step: i64,
    steps: usize,
}

impl Edges {
    /// Puts `amount` evenly into the steps between two moments.
    fn put(&self, out: &mut [f64], from: i64, to: i64, amount: f64) {
        let length = to.saturating_sub(from);
        let index = |at: i64| {
            let steps = at.saturating_sub(self.start).checked_div_euclid(self.step);
            usize::try_from(steps.unwrap_or(0).max(0)).unwrap_or(0)
        };
        let (first, last) = (index(from), index(to).min(self.steps.saturating_sub(1)));
        for i in first..=last.max(first) {
            let edge = self
                .start
                .saturating_add(i64::try_from(i).unwrap_or(0).saturating_mul(self.step));
            let inside = to
                .min(edge.saturating_add(self.step))
                .saturating_sub(from.max(edge))
                .max(0);
            let share = if length > 0 {
                inside as f64 / length as f64
            } else if i == first {
                1.0
            } else {
                0.0
            };
            if let Some(sum) = out.get_mut(i) {
                *sum += amount * share;
            }
        }
    }

    fn spread(&self, points: &[Point]) -> Vec<f64> {
        let mut out = vec![0.0; self.steps];
        for (at, amount, _, end) in points {
            self.put(&mut out, *at, end.unwrap_or(*at), *amount);
        }
        out
    }

    fn counted(&self, points: &[Point], rises: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.steps];
        for (pair, rise) in points.windows(2).zip(rises) {
            if let [a, b] = pair {
                self.put(&mut out, a.0, b.0, *rise);
            }
        }
        out
    }

    /// Mean over each step of a level that holds until the next point.
    fn level(&self, points: &[Point]) -> Vec<f64> {
        let mut out = vec![0.0; self.steps];
        let end = self.start.saturating_add(
            i64::try_from(self.steps)
                .unwrap_or(0)
                .saturating_mul(self.step),
        );
        for (i, (at, value, _, _)) in points.iter().enumerate() {
            let next = points
                .get(i.saturating_add(1))
                .map_or(end, |p| p.0)
                .min(end);
            let length = next.saturating_sub(*at);
            if length > 0 {
                self.put(
                    &mut out,
                    *at,
                    next,
                    *value * length as f64 / self.step as f64,
                );
            }
        }
        out
    }
}
