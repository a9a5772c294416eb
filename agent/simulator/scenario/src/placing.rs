//! From rows to equal steps: order, clocks that change, gaps, steps of several lengths.

mod finish;
mod gaps;
mod steps;

use crate::csv_profile::{CsvData, Manner, Measure, Want};
use crate::errors::ScenarioError;
use crate::events;
use crate::file::{ClockChange, Missing, Stamp};
use crate::stamps::{in_time, shown, Before, Clock, Moment, IN_TIME_EXPECTED};
use crate::timing::{RowTime, Stamped};
use chrono::{NaiveDateTime, TimeDelta};
use std::collections::BTreeMap;
use std::path::Path;

use finish::finish;
use steps::{nearest_length, regimes};

/// Longest run of missing rows that is filled, in seconds: a week.
pub(crate) const LONGEST_GAP_S: i64 = 604_800;
/// Most steps that are made of fewer rows.
pub(crate) const MOST_MADE: usize = 2_000_000;

/// Rows as they were read. A missing value is not a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) lines: Vec<u64>,
    pub(crate) moments: Vec<Moment>,
    pub(crate) ends: Vec<Moment>,
    pub(crate) columns: Vec<(Want, Vec<f64>)>,
}

impl Rows {
    /// Adds a row.
    pub(crate) fn push(
        &mut self,
        line: u64,
        moment: Option<Moment>,
        end: Option<Moment>,
        values: Vec<f64>,
    ) {
        self.lines.push(line);
        self.moments.extend(moment);
        self.ends.extend(end);
        for ((_, column), value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
    }

    fn reverse(&mut self) {
        self.lines.reverse();
        self.moments.reverse();
        self.ends.reverse();
        for (_, column) in &mut self.columns {
            column.reverse();
        }
    }

    fn value(&self, column: usize, row: usize) -> f64 {
        let column = self.columns.get(column).map(|(_, v)| v.as_slice());
        column.and_then(|v| v.get(row)).copied().unwrap_or(f64::NAN)
    }
}

/// A row at its Unix time: which one it is, and which share of its amounts belongs there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) at: i64,
    pub(crate) row: usize,
    pub(crate) share: f64,
}

/// What placing needs besides the rows.
pub(crate) struct Placing<'a> {
    pub(crate) file: &'a Path,
    pub(crate) stamped: &'a Stamped,
    pub(crate) missing: Missing,
    pub(crate) missing_key: &'static str,
    pub(crate) rows: &'a Rows,
    pub(crate) notes: Vec<String>,
}

/// Equal steps with a value for each column; a missing one is not a number.
pub(crate) struct Grid {
    pub(crate) start: i64,
    pub(crate) step_s: u32,
    pub(crate) lines: Vec<u64>,
    pub(crate) columns: Vec<Vec<f64>>,
}

/// Puts rows in their places.
///
/// # Errors
/// For rows out of step and missing values, as far as they are not to be filled.
pub(crate) fn place(
    file: &Path,
    mut rows: Rows,
    manner: &Manner,
) -> Result<CsvData, ScenarioError> {
    let mut notes = Vec::new();
    let grid = match &manner.time {
        RowTime::Counted { start, step_s, .. } => Grid {
            start: *start,
            step_s: *step_s,
            lines: rows.lines.clone(),
            columns: rows.columns.iter().map(|(_, v)| v.clone()).collect(),
        },
        RowTime::Stamped(stamped) => {
            if backwards(&rows.moments) {
                rows.reverse();
                notes.push("the newest row stands first: read from the end".into());
            }
            let mut placing = Placing {
                file,
                stamped,
                missing: manner.missing,
                missing_key: manner.missing_key,
                rows: &rows,
                notes,
            };
            let mut grid = placing.grid()?;
            for at in &mut grid.columns {
                at.shrink_to_fit();
            }
            notes = placing.notes;
            grid
        }
    };
    finish(file, rows, grid, manner, notes)
}

/// True where the last row is older than the first.
fn backwards(moments: &[Moment]) -> bool {
    let seconds = |moment: &Moment| match moment {
        Moment::At(at) => *at,
        Moment::Shown(local) => local.and_utc().timestamp(),
    };
    let rises = |pair: &[Moment]| matches!(pair, [a, b] if seconds(b) > seconds(a));
    // Where the clocks go back, the stamps do not follow for a row.
    let rising = moments.windows(2).filter(|pair| rises(pair)).count();
    match (moments.first(), moments.last()) {
        (Some(first), Some(last)) => {
            seconds(last) < seconds(first) && rising.saturating_mul(4) < moments.len()
        }
        _ => false,
    }
}

/// The Unix time at which a clock shows this. An end may be written as its step's beginning and length make it, by
/// a clock that has been changed meanwhile: what follows by a whole step is meant.
fn shown_at(
    clock: Clock,
    local: NaiveDateTime,
    back: TimeDelta,
    before: Option<Before>,
) -> Option<i64> {
    let shown = clock.resolve(local, before);
    if back.is_zero() {
        return shown;
    }
    let step = back.num_seconds();
    let begun = before.map(|before| Before {
        at: before.at.saturating_sub(step),
        ..before
    });
    let beginning = local.checked_sub_signed(back)?;
    let ended = clock
        .resolve(beginning, begun)
        .map(|at| at.saturating_add(step));
    match before {
        Some(before) if ended == Some(before.at.saturating_add(step)) => ended,
        _ => shown.or(ended),
    }
}

impl Placing<'_> {
    pub(crate) fn line(&self, row: usize) -> u64 {
        self.rows.lines.get(row).copied().unwrap_or(1)
    }

    pub(crate) fn refuse(&self, row: usize, found: String, expected: String) -> ScenarioError {
        ScenarioError::Cell {
            file: self.file.into(),
            line: self.line(row),
            column: self.stamped.name(),
            found,
            expected,
        }
    }

    pub(crate) fn shown(&self, row: usize) -> String {
        let moment = self.rows.moments.get(row);
        moment.map_or_else(String::new, |m| self.stamped.format.show(*m))
    }

    fn grid(&mut self) -> Result<Grid, ScenarioError> {
        let guess = self.usual_step(&self.naive());
        let places = self.instants(guess)?;
        if let Some(resample_s) = self.stamped.resample_s {
            return events::resample(self, places, resample_s);
        }
        let spans = self.spans(&places)?;
        self.short(&spans)?;
        self.lay(&places, &spans)
    }

    /// Seconds of the stamps as they are written.
    fn naive(&self) -> Vec<i64> {
        let seconds = |moment: &Moment| match moment {
            Moment::At(at) => *at,
            Moment::Shown(local) => local.and_utc().timestamp(),
        };
        self.rows.moments.iter().map(seconds).collect()
    }

    /// The stated step, or the commonest distance between stamps (of equally common ones the first).
    fn usual_step(&self, seconds: &[i64]) -> Option<u32> {
        if let Some(step_s) = self.stamped.steps.last() {
            return Some(*step_s);
        }
        let passed = || {
            let pairs = seconds.windows(2).filter_map(|p| match p {
                [a, b] => Some(b.saturating_sub(*a)),
                _ => None,
            });
            pairs.enumerate().filter(|(_, passed)| *passed > 0)
        };
        if self.stamped.tolerance_s > 0 {
            // Jitter spreads the distances around a length that divides the day: the one in the middle is nearest.
            let mut all: Vec<i64> = passed().map(|(_, s)| s).collect();
            all.sort_unstable();
            let median = all.get(all.len().checked_div(2)?)?;
            return nearest_length(u32::try_from(*median).ok()?);
        }
        let mut count: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
        for (i, passed) in passed() {
            let entry = count.entry(passed).or_insert((0, i));
            entry.0 = entry.0.saturating_add(1);
        }
        count
            .into_iter()
            .max_by_key(|(_, (n, first))| (*n, std::cmp::Reverse(*first)))
            .and_then(|(passed, _)| u32::try_from(passed).ok())
    }

    /// The rows' Unix times in order.
    fn instants(&mut self, step_s: Option<u32>) -> Result<Vec<At>, ScenarioError> {
        let mut places: Vec<At> = Vec::with_capacity(self.rows.moments.len());
        let mut dropped = (0_usize, 0.0);
        let mut shared = 0_usize;
        let clock = self.stamped.format.clock();
        let same_rows = self.stamped.clock_change == ClockChange::SameRows;
        let register = |(want, _): &(Want, Vec<f64>)| want.measure == Measure::Register;
        if same_rows && self.rows.columns.iter().any(register) {
            return Err(self.refuse(
                0,
                "a register (clock_change = \"same_rows\")".into(),
                "energies or powers: a register is read at a moment".into(),
            ));
        }
        let back = match self.stamped.stamp {
            Stamp::End => TimeDelta::seconds(step_s.map_or(0, i64::from)),
            Stamp::Start | Stamp::Interval => TimeDelta::zero(),
        };
        let mut before: Option<Before> = None;
        for (row, moment) in self.rows.moments.iter().enumerate() {
            let whole = match (moment, clock) {
                (Moment::At(at), _) => Some(*at),
                // By the clock a step ends where another one begins, so its own hour is that of its beginning.
                (Moment::Shown(local), Some(clock)) if same_rows => {
                    match clock.candidates(local.checked_sub_signed(back).unwrap_or(*local)) {
                        (Some(first), Some(last)) if first == last => Some(first),
                        (Some(first), Some(last)) => {
                            shared = shared.saturating_add(1);
                            places.extend([first, last].map(|at| At {
                                at,
                                row,
                                share: 0.5,
                            }));
                            None
                        }
                        _ => {
                            let all = 0..self.rows.columns.len();
                            let held: f64 = all
                                .map(|c| self.rows.value(c, row))
                                .filter(|v| v.is_finite())
                                .sum();
                            dropped = (dropped.0.saturating_add(1), dropped.1 + held);
                            None
                        }
                    }
                }
                (Moment::Shown(local), Some(clock)) => {
                    match shown_at(clock, *local, back, before) {
                        Some(at) => Some(at),
                        None => {
                            let expected = format!(
                            "{} (or clock_change = \"same_rows\", where every day has the same rows)",
                            self.stamped.format.expected()
                        );
                            let exists = clock.candidates(*local).0.is_some();
                            return Err(self.refuse(
                                row,
                                format!("'{}'", self.shown(row)),
                                if exists {
                                    "a later time".into()
                                } else {
                                    expected
                                },
                            ));
                        }
                    }
                }
                (Moment::Shown(_), None) => {
                    return Err(self.refuse(
                        row,
                        format!("'{}'", self.shown(row)),
                        self.stamped.format.expected(),
                    ))
                }
            };
            if let Some(at) = whole {
                places.push(At {
                    at,
                    row,
                    share: 1.0,
                });
                before = Some(Before { at, step_s });
            }
        }
        if same_rows {
            places.sort_by_key(|p| p.at);
        }
        if dropped.0 > 0 {
            self.notes.push(format!(
                "{} rows of hours that summer time leaves out are dropped ({} in all)",
                dropped.0, dropped.1
            ));
        }
        if shared > 0 {
            self.notes.push(format!(
                "{shared} rows of hours that summer time doubles are spread over both"
            ));
        }
        for place in &mut places {
            place.at = place.at.saturating_add(self.stamped.shift_s);
            if !in_time(place.at) {
                return Err(self.refuse(
                    place.row,
                    format!("'{}'", self.shown(place.row)),
                    IN_TIME_EXPECTED.into(),
                ));
            }
        }
        if self.stamped.resample_s.is_none() {
            self.ordered(&places)?;
        }
        Ok(places)
    }

    fn ordered(&self, places: &[At]) -> Result<(), ScenarioError> {
        for pair in places.windows(2) {
            let [a, b] = pair else { continue };
            if b.at > a.at {
                continue;
            }
            let what = if a.at == b.at {
                "the time"
            } else {
                "a time before that"
            };
            let found = format!(
                "'{}', {what} of line {}",
                self.shown(b.row),
                self.line(a.row)
            );
            return Err(self.refuse(b.row, found, "a later time".into()));
        }
        Ok(())
    }

    /// What the rows' Unix times mark: with the same rows every day they have become beginnings.
    fn marks(&self) -> Stamp {
        match self.stamped.clock_change {
            ClockChange::SameRows => Stamp::Start,
            ClockChange::Real | ClockChange::Counted => self.stamped.stamp,
        }
    }

    /// Length of each row's step, and its first second.
    fn spans(&self, places: &[At]) -> Result<Vec<(i64, u32)>, ScenarioError> {
        let seconds: Vec<i64> = places.iter().map(|p| p.at).collect();
        let single = || ScenarioError::Extent {
            file: self.file.into(),
            line: places.last().map_or(1, |p| self.line(p.row)),
            found: "a single row".into(),
            expected: "two rows at least, or step_s beside the time column".into(),
        };
        let written = match (self.rows.ends.first(), self.rows.moments.first()) {
            (Some(Moment::At(end)), Some(Moment::At(start))) => end.checked_sub(*start),
            (Some(Moment::Shown(end)), Some(Moment::Shown(start))) => {
                Some(end.signed_duration_since(*start).num_seconds())
            }
            _ => None,
        };
        let written = written
            .and_then(|s| u32::try_from(s).ok())
            .filter(|s| *s > 0);
        let step_s = match (self.usual_step(&seconds), written) {
            (Some(step_s), _) if step_s > 0 => step_s,
            (_, Some(step_s)) => step_s,
            _ => return Err(single()),
        };
        let seconds = self.snapped(places, seconds, step_s)?;
        let lengths: Vec<u32> = if self.stamped.steps.len() > 1 {
            regimes(&seconds, &self.stamped.steps, self.marks())
        } else {
            vec![step_s; seconds.len()]
        };
        Ok(seconds
            .into_iter()
            .zip(lengths)
            .map(|(at, length)| match self.marks() {
                Stamp::End => (at.saturating_sub(i64::from(length)), length),
                Stamp::Start | Stamp::Interval => (at, length),
            })
            .collect())
    }

    /// Stamps moved to the edges of their steps, within the tolerance.
    fn snapped(
        &self,
        places: &[At],
        seconds: Vec<i64>,
        step_s: u32,
    ) -> Result<Vec<i64>, ScenarioError> {
        let tolerance = i64::from(self.stamped.tolerance_s);
        if tolerance == 0 {
            return Ok(seconds);
        }
        let step = i64::from(step_s);
        let to = |at: i64, unit: i64, from: i64| {
            let half = unit.checked_div(2).unwrap_or(0);
            let past = at
                .saturating_sub(from)
                .saturating_add(half)
                .checked_div_euclid(unit);
            from.saturating_add(past.unwrap_or(0).saturating_mul(unit))
        };
        // Zones lie whole quarters of an hour apart, so steps may begin at such a one.
        let first = seconds.first().copied().unwrap_or(0);
        let anchor = [step, 1_800, 900, 300, 60]
            .into_iter()
            .filter(|unit| *unit <= step)
            .map(|unit| to(first, unit, 0))
            .find(|at| at.abs_diff(first) <= u64::from(self.stamped.tolerance_s));
        let Some(anchor) = anchor else {
            let found = format!(
                "'{}', far from the edge of a step of {step} s",
                self.shown(0)
            );
            let expected = format!("at most tolerance_s = {tolerance}, or shift_s");
            return Err(self.refuse(0, found, expected));
        };
        let mut moved = Vec::with_capacity(seconds.len());
        for (at, place) in seconds.into_iter().zip(places) {
            let edge = to(at, step, anchor);
            let off = at.saturating_sub(edge);
            if off.abs() > tolerance {
                let found = format!(
                    "'{}', {off} s from the edge of its step of {step} s",
                    self.shown(place.row)
                );
                return Err(self.refuse(
                    place.row,
                    found,
                    format!("at most tolerance_s = {tolerance}"),
                ));
            }
            if moved.last() == Some(&edge) {
                let found = format!("'{}', a second row of its step", self.shown(place.row));
                return Err(self.refuse(place.row, found, format!("one row every {step} s")));
            }
            moved.push(edge);
        }
        Ok(moved)
    }

    /// Refuses steps that are longer than what is filled: energy spread over them says nothing of any window.
    fn short(&self, spans: &[(i64, u32)]) -> Result<(), ScenarioError> {
        let long = spans
            .iter()
            .position(|(_, s)| i64::from(*s) > LONGEST_GAP_S);
        match long {
            None => Ok(()),
            Some(i) => {
                let length = spans.get(i).map_or(0, |(_, s)| *s);
                let found = format!("'{}', a step of {length} s", self.shown(i));
                Err(self.refuse(i, found, "steps of at most a week".into()))
            }
        }
    }

    /// Lays the rows out in equal steps; missing rows are there without values.
    fn lay(&self, places: &[At], spans: &[(i64, u32)]) -> Result<Grid, ScenarioError> {
        let step_s = spans.iter().map(|(_, s)| *s).min().unwrap_or(1).max(1);
        let step = i64::from(step_s);
        let start = spans.first().map_or(0, |(at, _)| *at);
        let mut grid = Grid {
            start,
            step_s,
            lines: Vec::with_capacity(spans.len()),
            columns: vec![Vec::with_capacity(spans.len()); self.rows.columns.len()],
        };
        if start < 0 {
            return Err(ScenarioError::Extent {
                file: self.file.into(),
                line: self.line(0),
                found: format!("rows from {}", shown(start)),
                expected: "times from 1970 on".into(),
            });
        }
        let most = spans.len().saturating_mul(5).max(MOST_MADE);
        let mut next = start;
        for (i, (place, (at, length))) in places.iter().zip(spans).enumerate() {
            let ahead = at.saturating_sub(next);
            if ahead != 0 {
                self.gap(places, spans, i, ahead, step)?;
            }
            let line = self.line(place.row);
            let gap = usize::try_from(ahead.checked_div(step).unwrap_or(0)).unwrap_or(0);
            let parts = usize::try_from(length.checked_div(step_s).unwrap_or(1)).unwrap_or(1);
            let rows = gap.saturating_add(parts);
            if grid.lines.len().saturating_add(rows) > most {
                return Err(ScenarioError::Extent {
                    file: self.file.into(),
                    line,
                    found: format!(
                        "{} rows over more than {most} steps of {step_s} s",
                        spans.len()
                    ),
                    expected: "a file with fewer gaps, or longer steps".into(),
                });
            }
            grid.lines.extend(std::iter::repeat_n(line, rows));
            for (c, ((want, _), column)) in
                self.rows.columns.iter().zip(&mut grid.columns).enumerate()
            {
                column.extend(std::iter::repeat_n(f64::NAN, gap));
                let value = self.rows.value(c, place.row);
                match want.measure {
                    Measure::Amount => {
                        let part = value * place.share / parts.max(1) as f64;
                        column.extend(std::iter::repeat_n(part, parts));
                    }
                    Measure::Level => column.extend(std::iter::repeat_n(value, parts)),
                    Measure::Register => {
                        column.push(value);
                        column.extend(std::iter::repeat_n(f64::NAN, parts.saturating_sub(1)));
                    }
                }
            }
            next = at.saturating_add(i64::from(*length));
        }
        Ok(grid)
    }
}
