//! What a file holds, found out by looking: how it is written, when its rows are, what its columns mean, the
//! mapping that reads it, and what looks wrong.

mod columns;
mod layout;
mod mapping;
mod picture;
mod roles;
mod text;
mod wide;

use crate::csv_profile::{self, CsvData, Manner, Measure, Want, Wants};
use crate::errors::ScenarioError;
use crate::file::{Missing, Stamp};
use crate::load::load_text;
use crate::model::Home;
use crate::stamps::{shown, Clock, ZONE_EXPECTED};
use crate::suspicion;
use crate::timing::RowTime;
use columns::Guess;
use layout::Layout;
use mapping::Reading;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most settings of a message that are tried one after the other.
const MOST_TRIES: usize = 4;

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
    /// What it seems to hold: `load`, `generation`, `net`, `price`, `carbon`, `other` or `unknown`.
    pub role: &'static str,
    /// Its unit, as a scenario names it; a guess.
    pub unit: &'static str,
    /// Factor on its values: -1 for generation that is counted as negative, 0.01 for hundredths of the currency.
    pub scale: f64,
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

/// Several files, and the one scenario that reads them.
#[derive(Clone, Debug, Serialize)]
pub struct Together {
    /// Each file by itself.
    pub files: Vec<Inspection>,
    /// The scenario that reads all that belong together; `None` where they do not.
    pub scenario: Option<String>,
    /// The folder that its paths start from.
    pub folder: PathBuf,
    /// What was guessed, what is left out, and why there is no scenario.
    pub remarks: Vec<String>,
    /// What reading the scenario gives: homes, windows, totals, or why it is refused as it stands.
    pub read: Option<String>,
}

/// Looks at a file. `zone` is that of stamps without an offset; UTC where nothing is said.
///
/// # Errors
/// For a file that cannot be opened or holds no table, and an unknown zone.
pub fn inspect(file: &Path, zone: Option<&str>) -> Result<Inspection, ScenarioError> {
    Ok(look(file, clock_of(zone)?)?.found)
}

/// Looks at files and maps them in one scenario, where they belong together: homes in a file each, roofs, prices.
///
/// # Errors
/// As [`inspect`].
pub fn together(files: &[PathBuf], zone: Option<&str>) -> Result<Together, ScenarioError> {
    let clock = clock_of(zone)?;
    let looked = files
        .iter()
        .map(|file| look(file, clock))
        .collect::<Result<Vec<_>, _>>()?;
    let folder = above(files);
    let name = folder.file_name().map_or_else(
        || "homes".to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let readings: Vec<&Reading> = looked.iter().filter_map(|l| l.reading.as_ref()).collect();
    let unused = |reading: &&Looked| {
        reading.reading.as_ref().is_none_or(|r| {
            !r.of_homes() && !r.of_a_roof() && r.price.is_none() && r.carbon.is_none()
        })
    };
    let unused: Vec<String> = looked
        .iter()
        .filter(unused)
        .map(|l| l.found.file.display().to_string())
        .collect();
    let mut remarks = Vec::new();
    if !unused.is_empty() {
        let unused = text::some(&unused);
        remarks.push(format!(
            "no energy, price or intensity was found in {unused}: not used"
        ));
    }
    let (scenario, read) = match text::scenario(&name, &readings, &folder) {
        Ok(draft) => {
            remarks.extend(draft.remarks);
            let read = tried(&folder, &draft.text);
            (Some(draft.text), read)
        }
        Err(why) => {
            remarks.push(format!("no scenario for all: {why}"));
            (None, None)
        }
    };
    Ok(Together {
        files: looked.into_iter().map(|l| l.found).collect(),
        scenario,
        folder,
        remarks,
        read,
    })
}

/// The folder that holds all files.
fn above(files: &[PathBuf]) -> PathBuf {
    let mut folders = files.iter().map(|f| f.parent().unwrap_or(Path::new("")));
    let mut shared = folders.next().unwrap_or(Path::new("")).to_path_buf();
    for folder in folders {
        while !folder.starts_with(&shared) {
            if !shared.pop() {
                break;
            }
        }
    }
    shared
}

/// Reads a scenario that was drafted, and says what it gives; nothing where it is no whole one.
fn tried(folder: &Path, text: &str) -> Option<String> {
    if !text.contains("[profiles]") {
        return None;
    }
    let file = folder.join("the scenario below");
    Some(match load_text(&file, text.to_string()) {
        Err(error) => format!("as it stands it is refused: {error}"),
        Ok(n) => {
            let kwh = |wh: &dyn Fn(&Home) -> &[u32]| {
                let all = n.homes.iter().flat_map(wh).map(|wh| u64::from(*wh));
                all.sum::<u64>() as f64 / 1_000.0
            };
            format!(
                "read as it stands: {}, {} of {} s from {}; demand {:.1} kWh, generation {:.1} kWh",
                counted(n.homes.len(), "home"),
                counted(n.windows, "window"),
                n.window_s,
                shown(i64::try_from(n.start().get()).unwrap_or(0)),
                kwh(&|h| &h.demand_wh),
                kwh(&|h| &h.generation_wh),
            )
        }
    })
}

/// `1 home`, `2 homes`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn clock_of(zone: Option<&str>) -> Result<Option<Clock>, ScenarioError> {
    match zone {
        None => Ok(None),
        Some(name) => Clock::parse(name)
            .map(Some)
            .ok_or_else(|| ScenarioError::Override {
                flag: "zone",
                found: name.into(),
                expected: ZONE_EXPECTED.into(),
            }),
    }
}

/// A file that was looked at, and what a scenario needs of it.
struct Looked {
    found: Inspection,
    reading: Option<Reading>,
}

fn look(file: &Path, zone: Option<Clock>) -> Result<Looked, ScenarioError> {
    let clock = zone.unwrap_or_else(Clock::utc);
    let layout = Layout::of(file)?;
    let mut remarks = layout.remarks.clone();
    remarks.extend(columns::unread(&layout, clock));
    let mut stamps = columns::stamps(&layout, clock);
    let mut homes = columns::homes(&layout, stamps.as_ref());
    if let Some((column, all)) = &mut homes {
        *all = layout::all_of(file, &layout, column)?;
    }
    let mut manner = Manner {
        dialect: layout.dialect.clone(),
        time: match &stamps {
            Some(stamped) => RowTime::Stamped(stamped.clone()),
            None => {
                let step_s = layout.usual_step();
                remarks.push(format!(
                    "no column of stamps: say when the first row begins (start) and how long a step is (step_s); {} rows are taken for steps of {step_s} s",
                    layout.count
                ));
                RowTime::Counted {
                    start: 0,
                    step_s,
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
    let mut guesses = columns::numbers(&layout, stamps.as_ref(), homes.as_ref());
    if guesses.is_empty() {
        remarks.push("no column holds numbers".into());
    }
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned());
    let about = (stem.as_deref().unwrap_or(""), guesses.len() == 1);
    let generates = guesses.iter().any(|g| g.role == "generation");
    let mut found = Vec::new();
    let mut whole: Option<CsvData> = None;
    let (mut missing, mut below) = (0_u64, false);
    // What only a strict reading says: an hour that is there once for both.
    if let Some(guess) = guesses.first() {
        let strict = Manner {
            missing: Missing::Refuse,
            ..manner.clone()
        };
        let said = read(file, guess, &pick, &strict)
            .err()
            .map(|e| e.to_string());
        let once = said.filter(|said| said.contains("same_rows"));
        if let Some(better) = once.as_ref().and_then(|said| offered(&manner, said)) {
            remarks.extend(once.map(|said| format!("{said}: done below")));
            manner = better;
        }
        shifted(file, guess, &pick, &mut manner, &mut remarks);
    }
    for guess in &mut guesses {
        let mut data = read(file, guess, &pick, &manner);
        for _ in 0..MOST_TRIES {
            // What the message offers is tried.
            let Err(error) = &data else { break };
            let Some(better) = offered(&manner, &error.to_string()) else {
                break;
            };
            let said = error.to_string();
            data = read(file, guess, &pick, &better);
            if data.is_ok() && !remarks.contains(&said) {
                remarks.push(format!("{said}: done below"));
            }
            manner = better;
        }
        // Values that meters write when they have none become missing ones.
        let none = data
            .as_ref()
            .map(|data| errors(guess, data))
            .unwrap_or_default();
        if !none.is_empty() {
            manner.dialect.markers.extend(none);
            data = read(file, guess, &pick, &manner);
        }
        match data {
            Ok(data) => {
                // As it was read: what is found out below may change the unit.
                let want = guess.want();
                let values = data.column(&want).unwrap_or_default().to_vec();
                let mut strange = Vec::new();
                strange.extend(roles::by_values(guess, &values, &data, about, zone));
                let role = guess.role;
                below |= roles::by_sign(guess, &values, generates);
                if guess.role != role {
                    strange.push(format!(
                        "column '{}' goes above and below 0: taken for a net column, import above; scale = -1 turns it",
                        guess.name
                    ));
                }
                let (column, more) = describe(guess, &want, &data, clock);
                strange.extend(more);
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
            "{} missing: missing = \"previous\" repeats the value before, \"zero\" takes none",
            match missing {
                1 => "1 value or row is".to_string(),
                many => format!("{many} values or rows are"),
            }
        ));
    }
    if let (Some(used), RowTime::Stamped(stamped)) = (&mut stamps, &manner.time) {
        used.clone_from(stamped);
    }
    if let (Some(data), Some(stamped)) = (&whole, &stamps) {
        remarks.extend(columns::end_remark(data, stamped, clock));
    }
    let placed = whole.as_ref().filter(|_| stamps.is_some());
    let mut reading = Reading::of(file, &layout, &manner, homes.as_ref(), &found);
    if let Some(data) = &whole {
        reading.step_s = data.step_s;
        reading.steps = data.steps();
        reading.extent = placed.map(|d| (d.start, d.end()));
    }
    (reading.missing, reading.below) = (missing > 0, below);
    let base = file.parent().unwrap_or(Path::new(""));
    let mapping = match text::scenario(stem.as_deref().unwrap_or(""), &[&reading], base) {
        Ok(draft) => {
            remarks.extend(draft.remarks);
            draft.text
        }
        Err(why) => {
            remarks.push(format!("no scenario: {why}"));
            String::new()
        }
    };
    let inspection = Inspection {
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
    };
    Ok(Looked {
        found: inspection,
        reading: whole.is_some().then_some(reading),
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

/// Stamps a constant way past the edges of their steps are moved to them: no zone is shifted by less than a quarter of
/// an hour.
fn shifted(
    file: &Path,
    guess: &Guess,
    pick: &csv_profile::Pick,
    manner: &mut Manner,
    remarks: &mut Vec<String>,
) {
    let Ok(data) = read(file, guess, pick, manner) else {
        return;
    };
    let unit = i64::from(data.step_s.min(900));
    let past = data.start.checked_rem_euclid(unit).unwrap_or(0);
    let whole = 86_400_u32.checked_rem(data.step_s) == Some(0);
    if let (RowTime::Stamped(stamped), true, true) = (&mut manner.time, whole, past != 0) {
        stamped.shift_s = stamped.shift_s.saturating_sub(past);
        remarks.push(format!(
            "the stamps are {past} s past the edges of their steps of {} s: moved there by shift_s",
            data.step_s
        ));
    }
}

/// Values of a column that look like a meter's error values and are far from all others, as they are written.
fn errors(guess: &Guess, data: &CsvData) -> BTreeSet<String> {
    let want = guess.want();
    let values = data.column(&want).unwrap_or_default();
    let (odd, others): (Vec<f64>, Vec<f64>) = values
        .iter()
        .partition(|v| suspicion::error_value(**v).is_some());
    let most = others.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let far = odd
        .into_iter()
        .filter(|v| others.len() > 2 && v.abs() > 10.0 * most);
    match want.measure {
        // What was counted is no reading.
        Measure::Register => BTreeSet::new(),
        Measure::Amount | Measure::Level => far.map(|v| v.to_string()).collect(),
    }
}

/// The settings with what a message offers.
fn offered(manner: &Manner, message: &str) -> Option<Manner> {
    let after = |key: &str| message.split_once(key).map(|(_, rest)| rest);
    let number = |key: &str| -> Option<i64> {
        let rest = after(key)?;
        let end = rest
            .char_indices()
            .find(|(i, c)| !(c.is_ascii_digit() || (*i == 0 && *c == '-')));
        rest.get(..end.map_or(rest.len(), |(at, _)| at))?
            .parse()
            .ok()
    };
    let mut better = manner.clone();
    if let Some(marker) = after("markers = [\"").and_then(|rest| rest.split_once('"')) {
        better.dialect.markers.push(marker.0.to_string());
        return (!manner
            .dialect
            .markers
            .contains(&better.dialect.markers.last()?.clone()))
        .then_some(better);
    }
    let RowTime::Stamped(stamped) = &mut better.time else {
        return None;
    };
    if let Some(tolerance_s) = number("tolerance_s = ").filter(|_| stamped.tolerance_s == 0) {
        stamped.tolerance_s = u32::try_from(tolerance_s).ok()?;
        return Some(better);
    }
    if message.contains("from the edge") && stamped.tolerance_s > 0 {
        let wider = stamped.tolerance_s.saturating_mul(3);
        stamped.tolerance_s = wider.min(60);
        return (wider <= 60).then_some(better);
    }
    if message.contains("expected a later time")
        && stamped.stamp == Stamp::Start
        && stamped.format.clock().is_some()
    {
        stamped.stamp = Stamp::End;
        return Some(better);
    }
    if message.contains("same_rows")
        && matches!(stamped.format.clock(), Some(Clock::Named(_)))
        && stamped.clock_change != crate::file::ClockChange::SameRows
    {
        stamped.clock_change = crate::file::ClockChange::SameRows;
        return Some(better);
    }
    None
}

/// Unit, totals and picture of a column, and what looks strange about it.
fn describe(
    guess: &Guess,
    want: &Want,
    data: &CsvData,
    clock: Clock,
) -> (ColumnFound, Vec<String>) {
    let values = data.column(want).unwrap_or_default();
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
    if matches!(guess.role, "load" | "generation" | "net" | "unknown") {
        strange.extend(suspect.stands_still());
    }
    if let (true, Some(kwh)) = (guess.role != "price", kwh) {
        let kw = kwh / (count * hours).max(f64::MIN_POSITIVE);
        if kw.abs() > 100.0 {
            strange.push(format!(
                "column '{}': {kw:.0} kW on average is no home's: is the unit right?",
                guess.name
            ));
        }
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
        scale: guess.scale,
        least: values.iter().copied().fold(f64::INFINITY, f64::min),
        most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        mean: sum / count,
        kwh,
        day: picture::day(data, values, clock),
    };
    (found, strange)
}
