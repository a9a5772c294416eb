//! What a file holds, found out by looking: how it is written, when its rows are, what its columns mean, the
//! mapping that reads it, and what looks wrong.

mod columns;
mod layout;
mod mapping;
mod picture;

use crate::csv_profile::{self, CsvData, Manner, Measure, Want, Wants};
use crate::errors::ScenarioError;
use crate::file::Missing;
use crate::stamps::{shown, Clock, ZONE_EXPECTED};
use crate::suspicion;
use crate::timing::{RowTime, Stamped};
use columns::Guess;
use layout::Layout;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What was found out about a file.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The file.
    pub file: PathBuf,
    /// How it is written: encoding, delimiter, marks, lines before and after the rows.
    pub written: BTreeMap<&'static str, String>,
    /// The columns of the stamps; empty where rows have none.
    pub stamps: Vec<String>,
    /// How stamps are written, as a scenario says it.
    pub format: Option<String>,
    /// Length of a step in seconds.
    pub step_s: Option<u32>,
    /// First second of the first step, RFC 3339.
    pub from: Option<String>,
    /// First second after the last step, RFC 3339.
    pub until: Option<String>,
    /// Steps.
    pub steps: usize,
    /// Values that are missing, and rows.
    pub missing: u64,
    /// The column that names the home of a row, and the homes.
    pub homes: Option<(String, Vec<String>)>,
    /// The columns of numbers.
    pub columns: Vec<ColumnFound>,
    /// A scenario that reads the file, to paste.
    pub mapping: String,
    /// What looks wrong or has to be decided by who knows the file.
    pub remarks: Vec<String>,
}

/// A column of numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnFound {
    /// Its header.
    pub name: String,
    /// What it seems to hold: `load`, `generation`, `net`, `price` or `other`.
    pub role: &'static str,
    /// Its unit, as a scenario names it; a guess.
    pub unit: &'static str,
    /// Smallest value.
    pub least: f64,
    /// Largest value.
    pub most: f64,
    /// Mean value.
    pub mean: f64,
    /// Energy of all rows in kWh by that unit; for energy and power.
    pub kwh: Option<f64>,
    /// Mean value by hour of the local day, drawn with eight heights.
    pub day: String,
}

/// Looks at a file. `zone` is that of stamps without an offset; UTC where nothing is said.
///
/// # Errors
/// For a file that cannot be opened or holds no table, and an unknown zone.
pub fn inspect(file: &Path, zone: Option<&str>) -> Result<Inspection, ScenarioError> {
    let clock = match zone {
        None => Clock::utc(),
        Some(name) => Clock::parse(name).ok_or_else(|| ScenarioError::Override {
            flag: "zone",
            found: name.into(),
            expected: ZONE_EXPECTED.into(),
        })?,
    };
    let layout = Layout::of(file)?;
    let mut remarks = layout.remarks.clone();
    let stamps = columns::stamps(&layout, clock);
    let homes = columns::homes(&layout, stamps.as_ref());
    let mut manner = Manner {
        dialect: layout.dialect.clone(),
        time: match &stamps {
            Some(stamped) => RowTime::Stamped(stamped.clone()),
            None => {
                remarks.push(
                    "no column of stamps: say when the first row begins (start) and how long a step is (step_s)"
                        .into(),
                );
                RowTime::Counted {
                    start: 0,
                    step_s: 3_600,
                    by_scenario: false,
                }
            }
        },
        missing: Missing::Previous,
        missing_key: "profiles.missing",
    };
    if let Some(stamped) = &stamps {
        if stamped.format.clock().is_some() && zone.is_none() {
            remarks.push(
                "the stamps have no offset: zone is set to UTC; say where the clock stands (--zone Europe/Berlin)"
                    .into(),
            );
        }
        if let Some(other) = columns::other_reading(&layout, stamped) {
            remarks.push(other);
        }
    }
    let pick = homes
        .as_ref()
        .and_then(|(column, all)| Some(vec![(column.clone(), all.first()?.clone())]))
        .unwrap_or_default();
    let guesses = columns::numbers(&layout, stamps.as_ref(), homes.as_ref());
    if guesses.is_empty() {
        remarks.push("no column holds numbers".into());
    }
    let mut found = Vec::new();
    let mut whole: Option<CsvData> = None;
    let mut missing = 0_u64;
    for guess in &guesses {
        let mut data = read(file, guess, &pick, &manner);
        if let (Err(error), RowTime::Stamped(stamped)) = (&data, &manner.time) {
            // What the message offers is tried.
            if let Some(better) = offered(stamped, &error.to_string()) {
                let tried = Manner {
                    time: RowTime::Stamped(better),
                    ..manner.clone()
                };
                if let Ok(read) = read(file, guess, &pick, &tried) {
                    data = Ok(read);
                    manner = tried;
                }
            }
        }
        match data {
            Ok(data) => {
                let (column, strange) = describe(guess, &data, clock);
                missing = missing.max(data.filled);
                for remark in strange.into_iter().chain(data.notes.iter().cloned()) {
                    if !remarks.contains(&remark) {
                        remarks.push(remark);
                    }
                }
                found.push(column);
                whole.get_or_insert(data);
            }
            Err(error) => {
                let error = error.to_string();
                if !remarks.contains(&error) {
                    remarks.push(error);
                }
            }
        }
    }
    if missing > 0 {
        remarks.push(format!(
            "{missing} values or rows are missing: missing = \"previous\" repeats the value before, \"zero\" takes none"
        ));
    }
    if let (Some(data), Some(stamped)) = (&whole, &stamps) {
        remarks.extend(columns::end_remark(data, stamped, clock));
    }
    let counted = stamps.is_none();
    let mapping = mapping::text(
        file,
        &layout,
        &manner,
        homes.as_ref(),
        &found,
        whole.as_ref(),
        missing > 0,
    );
    let placed = whole.as_ref().filter(|_| !counted);
    Ok(Inspection {
        file: file.into(),
        written: layout.written(),
        stamps: stamps
            .as_ref()
            .map(|s| s.columns.clone())
            .unwrap_or_default(),
        format: stamps.as_ref().map(mapping::format_name),
        step_s: placed.map(|d| d.step_s),
        from: placed.map(|d| shown(d.start)),
        until: placed.map(|d| shown(d.end())),
        steps: whole.as_ref().map_or(0, CsvData::steps),
        missing,
        homes,
        columns: found,
        mapping,
        remarks,
    })
}

fn read(
    file: &Path,
    guess: &Guess,
    pick: &csv_profile::Pick,
    manner: &Manner,
) -> Result<CsvData, ScenarioError> {
    let want = guess.want();
    let wants = Wants::from([(pick.clone(), BTreeSet::from([want]))]);
    let mut all = csv_profile::read(file, &wants, manner)?;
    all.remove(pick).ok_or_else(|| ScenarioError::Extent {
        file: file.into(),
        line: 1,
        found: "no rows".into(),
        expected: "rows after the header".into(),
    })
}

/// The time settings with what a message offers.
fn offered(stamped: &Stamped, message: &str) -> Option<Stamped> {
    let number = |key: &str| -> Option<u32> {
        let (_, rest) = message.split_once(key)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let mut better = stamped.clone();
    if let Some(tolerance_s) = number("tolerance_s = ") {
        better.tolerance_s = tolerance_s;
        return Some(better);
    }
    if message.contains("same_rows") && stamped.format.clock().is_some() {
        better.clock_change = crate::file::ClockChange::SameRows;
        return Some(better);
    }
    None
}

/// Unit, totals and picture of a column, and what looks strange about it.
fn describe(guess: &Guess, data: &CsvData, clock: Clock) -> (ColumnFound, Vec<String>) {
    let want = guess.want();
    let values = data.column(&want).unwrap_or_default();
    let count = values.len().max(1) as f64;
    let sum: f64 = values.iter().sum();
    let guess = guess.by_size(values, data.step_s);
    let hours = f64::from(data.step_s) / 3_600.0;
    let kwh = match guess.unit {
        "kWh" | "kWh register" => Some(sum),
        "Wh" | "Wh register" => Some(sum / 1_000.0),
        "kW" => Some(sum * hours),
        "W" => Some(sum * hours / 1_000.0),
        _ => None,
    };
    let suspect = suspicion::Column {
        data,
        want: &Want {
            measure: if want.measure == Measure::Register {
                Measure::Register
            } else {
                Measure::Amount
            },
            ..want.clone()
        },
        values,
        most_kw: f64::MAX,
    };
    let mut strange = suspect.looks();
    if let (true, Some(kwh)) = (guess.role != "price", kwh) {
        let kw = kwh / (count * hours).max(f64::MIN_POSITIVE);
        if kw.abs() > 100.0 {
            strange.push(format!(
                "column '{}': {kw:.0} kW on average is no home's: is the unit right?",
                guess.name
            ));
        }
    }
    let dark = values.iter().filter(|v| **v == 0.0).count();
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if matches!(guess.role, "load" | "generation")
        && most > 0.2
        && most <= 1.1
        && dark.saturating_mul(10) > values.len().saturating_mul(3)
    {
        strange.push(format!(
            "column '{}': nothing in a third of the steps and never more than {most:.2}: generation for each kW installed? unit = \"kW per kWp\"",
            guess.name
        ));
    }
    let negative = values.iter().filter(|v| **v < 0.0).count();
    if negative > 0 && matches!(guess.role, "load" | "generation") {
        strange.push(format!(
            "column '{}': {negative} values below 0: a net column, scale = -1, or negative = \"zero\"?",
            guess.name
        ));
    }
    let found = ColumnFound {
        name: guess.name.clone(),
        role: guess.role,
        unit: guess.unit,
        least: values.iter().copied().fold(f64::INFINITY, f64::min),
        most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        mean: sum / count,
        kwh,
        day: picture::day(data, values, clock),
    };
    (found, strange)
}
