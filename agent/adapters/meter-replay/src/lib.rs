//! A meter that replays a profile from a CSV file: each row is what flowed in one window, however long the
//! market's windows are, so that a day can pass in minutes.
//!
//! Registers begin at [`INSTALLED`] and rise by each window's net import or export. The meter is a load profile
//! without a clock: it answers for every window, also for those before the first row, in which nothing flowed.

use std::path::PathBuf;
use wattpool_core::io::Reading;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_schema::{Wh, Window};

/// Both registers before the first row, Wh.
pub const INSTALLED: u64 = 1_000_000_000;

/// Most Wh of one row: a connection of a megawatt for a day.
const MOST_WH: f64 = 24_000_000.0;

/// What to replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// CSV file with a header.
    pub file: PathBuf,
    /// Column of the demand.
    pub demand: String,
    /// Column of the generation; none: nothing is generated.
    pub generation: Option<String>,
    /// Wh per unit of the columns.
    pub scale: f64,
    /// The market window of the first row.
    pub first_window: Window,
    /// After the last row the first one follows again; otherwise nothing flows any more.
    pub repeat: bool,
}

/// Why a profile cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {place}: {problem}", file = file.display())]
pub struct ProfileError {
    /// The file.
    pub file: PathBuf,
    /// Line and column, or the setting.
    pub place: String,
    /// What is wrong and what was expected.
    pub problem: String,
}

/// The meter.
#[derive(Debug)]
pub struct ReplayMeter {
    window_s: u32,
    first_window: Window,
    repeat: bool,
    /// Registers (import, export) above [`INSTALLED`] at the end of each row.
    ends: Vec<(u64, u64)>,
}

impl ReplayMeter {
    /// Reads the file. `window_s` is the market's window length in seconds.
    ///
    /// # Errors
    /// The file, its header or a value is not what it must be; the error names the place.
    pub fn open(profile: &Profile, window_s: u32) -> Result<Self, ProfileError> {
        let fail = |place: String, problem: String| ProfileError {
            file: profile.file.clone(),
            place,
            problem,
        };
        if !(profile.scale.is_finite() && profile.scale > 0.0) {
            let problem = format!("expected a positive number, found {}", profile.scale);
            return Err(fail("scale".into(), problem));
        }
        let mut reader = csv::Reader::from_path(&profile.file)
            .map_err(|e| fail("file".into(), e.to_string()))?;
        let header = reader
            .headers()
            .map_err(|e| fail("line 1".into(), e.to_string()))?
            .clone();
        let column = |name: &str| {
            header.iter().position(|h| h.trim() == name).ok_or_else(|| {
                let has = header.iter().collect::<Vec<_>>().join(", ");
                fail(
                    "line 1".into(),
                    format!("no column {name:?}; there are: {has}"),
                )
            })
        };
        let demand = column(&profile.demand)?;
        let generation = profile.generation.as_deref().map(column).transpose()?;
        let mut ends = Vec::new();
        // Sums of exact values, cut to whole Wh only where a register is read: no fraction is lost on the way.
        let (mut import, mut export) = (0.0f64, 0.0f64);
        for (row, record) in reader.records().enumerate() {
            let line = row.saturating_add(2);
            let record = record.map_err(|e| fail(format!("line {line}"), e.to_string()))?;
            let value = |at: usize, name: &str| {
                let text = record.get(at).unwrap_or("").trim();
                let wh = text.parse::<f64>().map(|v| v * profile.scale);
                match wh {
                    Ok(wh) if (0.0..=MOST_WH).contains(&wh) => Ok(wh),
                    _ => Err(fail(
                        format!("line {line}, column {name:?}"),
                        format!("expected an amount from 0 to {MOST_WH} Wh, found {text:?}"),
                    )),
                }
            };
            let used = value(demand, &profile.demand)?;
            let made = match (generation, &profile.generation) {
                (Some(at), Some(name)) => value(at, name)?,
                _ => 0.0,
            };
            import += (used - made).max(0.0);
            export += (made - used).max(0.0);
            ends.push((whole(import), whole(export)));
        }
        if ends.is_empty() {
            return Err(fail(
                "file".into(),
                "expected at least one row after the header".into(),
            ));
        }
        Ok(Self {
            window_s,
            first_window: profile.first_window,
            repeat: profile.repeat,
            ends,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Registers above [`INSTALLED`] after so many windows of the profile.
    fn after(&self, windows: u64) -> (u64, u64) {
        let rows = u64::try_from(self.ends.len()).unwrap_or(u64::MAX);
        let (laps, rest) = if self.repeat {
            (
                windows.checked_div(rows).unwrap_or(0),
                windows.checked_rem(rows).unwrap_or(0),
            )
        } else {
            (0, windows.min(rows))
        };
        let at = |windows: u64| {
            let row = usize::try_from(windows).ok().and_then(|w| w.checked_sub(1));
            row.and_then(|r| self.ends.get(r))
                .copied()
                .unwrap_or((0, 0))
        };
        let (lap, part) = (at(rows), at(rest));
        (
            laps.saturating_mul(lap.0).saturating_add(part.0),
            laps.saturating_mul(lap.1).saturating_add(part.1),
        )
    }

    /// The reading at the end of a window.
    pub fn reading(&self, end_of: Window) -> Reading {
        let windows = end_of.next().0.saturating_sub(self.first_window.0);
        let (import, export) = self.after(windows);
        let (import_before, export_before) = self.after(windows.saturating_sub(1));
        let signed = |wh: u64| i64::try_from(wh).unwrap_or(i64::MAX);
        let net = signed(import.saturating_sub(import_before))
            .saturating_sub(signed(export.saturating_sub(export_before)));
        Reading {
            window: end_of,
            taken_at: end_of.end(self.window_s),
            import_register: Wh(INSTALLED.saturating_add(import)),
            export_register: Wh(INSTALLED.saturating_add(export)),
            power_w: net
                .saturating_mul(3600)
                .checked_div(i64::from(self.window_s)),
        }
    }

    /// Largest import and export of one window, Wh: what a meter of this profile is registered for.
    pub fn largest(&self) -> (Wh, Wh) {
        let mut most = (0, 0);
        let mut before = (0, 0);
        for end in &self.ends {
            most.0 = end.0.saturating_sub(before.0).max(most.0);
            most.1 = end.1.saturating_sub(before.1).max(most.1);
            before = *end;
        }
        (Wh(most.0), Wh(most.1))
    }
}

impl Meter for ReplayMeter {
    async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
        Ok(self.reading(end_of))
    }
}

/// Whole Wh of a sum; every row is bounded, so a file that fits a disk does not reach the limit of a register.
fn whole(wh: f64) -> u64 {
    // A millionth absorbs what binary fractions lose on decimal ones.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = (wh + 1e-6) as u64;
    whole
}
