//! How rows are placed in time.

use serde::Deserialize;

/// How rows are placed in time: a column of stamps, or a start and a step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeTable {
    /// Column of the stamps.
    pub column: Option<String>,
    /// Columns of the stamps' parts, put together with a space between: date and time, for example.
    pub columns: Vec<String>,
    /// `rfc3339` (the default), `unix`, `unix_ms`, `unix_us`, `unix_ns`, or a strftime pattern.
    pub format: Option<String>,
    /// Zone of stamps without an offset: a name (its summer time is applied) or an offset like `+01:00`.
    pub zone: Option<String>,
    /// Length of a step in seconds, or the lengths where it changes within a file; needed without a column,
    /// checked with one.
    pub step_s: Option<StepLengths>,
    /// First moment of the first row, without a column; the scenario's `start` when absent.
    pub start: Option<toml::Value>,
    /// Whether a stamp marks the start or the end of its step, or writes both.
    pub stamp: Stamp,
    /// Seconds to add to every stamp: for stamps that are not at an edge of their step.
    pub shift_s: i64,
    /// How far from the edge of its step a stamp may be, in seconds.
    pub tolerance_s: u32,
    /// What the file does where the clocks change.
    pub clock_change: ClockChange,
    /// The header holds stamps: each row is a day or a whole series, each column a time.
    pub across: bool,
    /// Makes steps of so many seconds out of stamps that come when something happens.
    pub resample_s: Option<u32>,
    /// Column of the moment at which an event ends, with `resample_s`: its energy is spread over its length.
    pub until: Option<String>,
}

/// Length of a step, or the lengths that occur in a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum StepLengths {
    /// The same throughout, seconds.
    One(u32),
    /// These occur, seconds; one must divide the other.
    Several(Vec<u32>),
}

impl StepLengths {
    /// All lengths.
    pub(crate) fn all(&self) -> Vec<u32> {
        match self {
            Self::One(step_s) => vec![*step_s],
            Self::Several(all) => all.clone(),
        }
    }
}

/// What a stamp marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// The step begins there.
    #[default]
    Start,
    /// The step ends there.
    End,
    /// Both moments are written, as in `2026-05-04 10:00 - 2026-05-04 10:15`.
    Interval,
}

/// What a file in local time does where the clocks change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockChange {
    /// It follows the clock: the hour that is left out has no rows, the doubled one has them twice.
    #[default]
    Real,
    /// Every day has the same rows: those of the hour that is left out are dropped, and those of the
    /// doubled hour hold both.
    SameRows,
    /// The day's hours are numbered as they pass: 1 to 23 where one is left out, 1 to 25 where one is doubled.
    Counted,
}
