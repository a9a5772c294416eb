//! From a scenario's time settings to how rows are placed in time.

use crate::errors::ScenarioError;
use crate::file::{ClockChange, Stamp, TimeTable};
use crate::resample::Fit;
use crate::source::{Key, Source};
use crate::stamps::{moment_at, pattern, Clock, StampFormat, UNIX, ZONE_EXPECTED};

/// Reads a zone that is named at `path`.
pub(crate) fn clock(
    source: &Source,
    path: &[Key<'_>],
    zone: Option<&str>,
) -> Result<Option<Clock>, ScenarioError> {
    let Some(name) = zone else { return Ok(None) };
    match Clock::parse(name) {
        Some(clock) => Ok(Some(clock)),
        None => Err(source.refuse(path, format!("unknown zone '{name}'"), ZONE_EXPECTED)),
    }
}

/// How rows are placed in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowTime {
    /// By stamps.
    Stamped(Stamped),
    /// By a start and a step.
    Counted {
        /// First second of the first row, Unix time.
        start: i64,
        /// Length of a step in seconds.
        step_s: u32,
        /// True where the start is the scenario's own.
        by_scenario: bool,
    },
}

impl RowTime {
    /// By stamps.
    pub(crate) fn stamped(&self) -> Option<&Stamped> {
        match self {
            Self::Stamped(stamped) => Some(stamped),
            Self::Counted { .. } => None,
        }
    }
}

/// How stamps place rows in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamped {
    /// Headers of the columns that hold the stamps' parts.
    pub(crate) columns: Vec<String>,
    /// How stamps are written.
    pub(crate) format: StampFormat,
    /// What a stamp marks.
    pub(crate) stamp: Stamp,
    /// Lengths of steps in seconds, where they are stated: the longest first.
    pub(crate) steps: Vec<u32>,
    /// Seconds to add to every stamp.
    pub(crate) shift_s: i64,
    /// How far from the edge of its step a stamp may be, in seconds.
    pub(crate) tolerance_s: u32,
    /// What the file does where the clocks change.
    pub(crate) clock_change: ClockChange,
    /// The header holds stamps.
    pub(crate) across: bool,
    /// Steps to make of stamps that come when something happens, in seconds.
    pub(crate) resample_s: Option<u32>,
    /// Header of the moments at which events end.
    pub(crate) until: Option<String>,
}

impl Stamped {
    /// The columns' headers as one name, for messages.
    pub(crate) fn name(&self) -> String {
        if self.columns.is_empty() {
            "the header".into()
        } else {
            self.columns.join(" ")
        }
    }
}

/// Longest constant shift of stamps, in seconds: a day.
const MOST_SHIFT_S: i64 = 86_400;

/// Checks the time settings at `path`; `start` is the scenario's own, `window_s` its window.
pub(crate) fn row_time(
    source: &Source,
    path: &[Key<'_>],
    table: &TimeTable,
    start: Option<&toml::Value>,
    window_s: u32,
) -> Result<RowTime, ScenarioError> {
    let at = |key: &'static str| [path, &[Key::Name(key)]].concat();
    let refuse = |key: &'static str, problem: String, expected: &str| {
        Err(source.refuse(&at(key), problem, expected))
    };
    let zone = clock(source, &at("zone"), table.zone.as_deref())?;
    let steps = steps(source, &at("step_s"), table, window_s)?;
    let mut columns = table.columns.clone();
    if let Some(column) = &table.column {
        if !columns.is_empty() {
            return refuse(
                "columns",
                "column and columns together".into(),
                "one of them",
            );
        }
        columns.push(column.clone());
    }
    if columns.is_empty() && !table.across {
        return counted(source, path, table, start, zone, &steps);
    }
    if table.start.is_some() {
        return refuse(
            "start",
            "the time column says when rows begin".into(),
            "either column or start",
        );
    }
    if let Some(resample_s) = table.resample_s {
        if resample_s == 0 || Fit::of(resample_s, window_s).is_none() {
            let problem = format!(
                "{resample_s} s neither divides the window of {window_s} s nor is a multiple of it"
            );
            return refuse("resample_s", problem, "a divisor or a multiple of window_s");
        }
        if !steps.is_empty() {
            return refuse(
                "step_s",
                "steps are made by resample_s".into(),
                "one of them",
            );
        }
    } else if table.until.is_some() {
        return refuse(
            "until",
            "events of any length, and no steps to spread them over".into(),
            "resample_s beside it",
        );
    }
    if !(-MOST_SHIFT_S..=MOST_SHIFT_S).contains(&table.shift_s) {
        return refuse(
            "shift_s",
            format!("found {}", table.shift_s),
            "at most a day",
        );
    }
    let shortest = steps.last().copied().unwrap_or(86_400);
    if table.tolerance_s.saturating_mul(2) >= shortest {
        let problem = format!("found {}, steps of {shortest} s", table.tolerance_s);
        return refuse("tolerance_s", problem, "less than half a step");
    }
    let format = counted_hours(source, path, table, format(source, path, table, zone)?)?;
    if table.clock_change == ClockChange::SameRows
        && !matches!(format.clock(), Some(Clock::Named(_)))
    {
        return refuse(
            "clock_change",
            "there is no clock that changes".into(),
            "a named zone beside it, such as Europe/Berlin",
        );
    }
    Ok(RowTime::Stamped(Stamped {
        columns,
        format,
        stamp: table.stamp,
        steps,
        shift_s: table.shift_s,
        tolerance_s: table.tolerance_s,
        clock_change: table.clock_change,
        across: table.across,
        resample_s: table.resample_s,
        until: table.until.clone(),
    }))
}

/// The stated lengths of steps, the longest first.
fn steps(
    source: &Source,
    path: &[Key<'_>],
    table: &TimeTable,
    window_s: u32,
) -> Result<Vec<u32>, ScenarioError> {
    let Some(stated) = &table.step_s else {
        return Ok(Vec::new());
    };
    let mut all = stated.all();
    if all.is_empty() {
        return Err(source.refuse(path, "no lengths", "seconds"));
    }
    for step_s in &all {
        if Fit::of(*step_s, window_s).is_none() || *step_s == 0 {
            let problem = format!(
                "{step_s} s neither divides the window of {window_s} s nor is a multiple of it"
            );
            return Err(source.refuse(path, problem, "a divisor or a multiple of window_s"));
        }
    }
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    let shortest = all.last().copied().unwrap_or(1);
    if all.iter().any(|s| s.checked_rem(shortest) != Some(0)) {
        let problem = format!("{shortest} s does not divide the longer steps");
        return Err(source.refuse(
            path,
            problem,
            "lengths of which the shortest divides the others",
        ));
    }
    Ok(all)
}

/// Rows without stamps.
fn counted(
    source: &Source,
    path: &[Key<'_>],
    table: &TimeTable,
    start: Option<&toml::Value>,
    zone: Option<Clock>,
    steps: &[u32],
) -> Result<RowTime, ScenarioError> {
    let at = |key: &'static str| [path, &[Key::Name(key)]].concat();
    let needs_stamps = [
        ("format", table.format.is_some()),
        ("stamp", table.stamp == Stamp::Interval),
        ("shift_s", table.shift_s != 0),
        ("tolerance_s", table.tolerance_s != 0),
        ("clock_change", table.clock_change != ClockChange::Real),
        ("resample_s", table.resample_s.is_some()),
        ("until", table.until.is_some()),
    ];
    if let Some((key, _)) = needs_stamps.iter().find(|(_, given)| *given) {
        return Err(source.refuse(
            &at(key),
            "there is no time column to read",
            format!("column, or no {key}"),
        ));
    }
    let step_s = match steps {
        [step_s] => *step_s,
        [] => return Err(source.refuse(path, "neither column nor step_s is given", "one of them")),
        _ => {
            return Err(source.refuse(
                &at("step_s"),
                "several lengths, and no stamps that tell them apart",
                "column, or one length",
            ))
        }
    };
    let (value, key, by_scenario) = match (&table.start, start) {
        (Some(value), _) => (value, at("start"), false),
        (None, Some(value)) => (value, vec![Key::Name("start")], true),
        (None, None) => {
            return Err(source.refuse(
                path,
                "step_s without start",
                "start here or for the scenario",
            ))
        }
    };
    Ok(RowTime::Counted {
        start: moment_at(source, &key, value, zone)?,
        step_s,
        by_scenario,
    })
}

/// How stamps are written.
fn format(
    source: &Source,
    path: &[Key<'_>],
    table: &TimeTable,
    zone: Option<Clock>,
) -> Result<StampFormat, ScenarioError> {
    let at = |key: &'static str| [path, &[Key::Name(key)]].concat();
    let unix = UNIX
        .iter()
        .find(|(name, _)| table.format.as_deref() == Some(*name));
    match (table.format.as_deref(), zone, unix) {
        (_, None, Some((_, parts))) => Ok(StampFormat::Unix(*parts)),
        (None | Some("rfc3339"), None, _) => Ok(StampFormat::Iso),
        (None, Some(zone), _) => Ok(StampFormat::IsoLocal(zone)),
        (Some("rfc3339"), Some(_), _) | (_, Some(_), Some(_)) => {
            Err(offset_and_zone(source, &at("zone")))
        }
        (Some(pattern), zone, None) => {
            let Some(parts) = pattern::parts(pattern) else {
                let found = format!("'{pattern}' is no time pattern");
                return Err(source.refuse(
                    &at("format"),
                    found,
                    "rfc3339, unix, unix_ms, or strftime such as %Y-%m-%d %H:%M",
                ));
            };
            if parts.unix {
                return Err(source.refuse(
                    &at("format"),
                    format!("'{pattern}' counts seconds since 1970, which no zone changes"),
                    "format = \"unix\" and no zone",
                ));
            }
            match (parts.offset, zone) {
                (false, Some(zone)) => Ok(StampFormat::Local(pattern.into(), zone)),
                (true, None) => Ok(StampFormat::WithOffset(pattern.into())),
                (false, None) => Err(source.refuse(
                    &at("format"),
                    "stamps without an offset, and no zone",
                    "zone beside it",
                )),
                (true, Some(_)) => Err(offset_and_zone(source, &at("zone"))),
            }
        }
    }
}

/// Stamps whose hours are counted, where the settings say so.
fn counted_hours(
    source: &Source,
    path: &[Key<'_>],
    table: &TimeTable,
    format: StampFormat,
) -> Result<StampFormat, ScenarioError> {
    if table.clock_change != ClockChange::Counted {
        return Ok(format);
    }
    match &format {
        StampFormat::Local(pattern, clock) => {
            pattern::date_before_hour(pattern).map(|date| StampFormat::Hours(date.into(), *clock))
        }
        _ => None,
    }
    .ok_or_else(|| {
        source.refuse(
            &[path, &[Key::Name("clock_change")]].concat(),
            "there are no hours to count",
            "a zone, and a format that ends with the hour: \"%d/%m/%Y %H\"",
        )
    })
}

fn offset_and_zone(source: &Source, path: &[Key<'_>]) -> ScenarioError {
    source.refuse(
        path,
        "the stamps say themselves how far they are from UTC",
        "no zone, or a format without offset",
    )
}
