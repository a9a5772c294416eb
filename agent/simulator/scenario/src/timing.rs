//! From a scenario's time settings to how rows are placed in time.

use crate::csv_profile::RowTime;
use crate::errors::ScenarioError;
use crate::file::TimeTable;
use crate::resample::Fit;
use crate::source::{Key, Source};
use crate::stamps::{moment, Clock, StampFormat, MOMENT_EXPECTED, ZONE_EXPECTED};

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

/// Checks the time settings at `path`; `start` is the scenario's own, `window_s` its window.
pub(crate) fn row_time(
    source: &Source,
    path: &[Key<'_>],
    table: &TimeTable,
    start: Option<&toml::Value>,
    window_s: u32,
) -> Result<RowTime, ScenarioError> {
    let at = |key: &'static str| [path, &[Key::Name(key)]].concat();
    let zone = clock(source, &at("zone"), table.zone.as_deref())?;
    if let Some(step_s) = table.step_s {
        if Fit::of(step_s, window_s).is_none() || step_s == 0 {
            return Err(source.refuse(
                &at("step_s"),
                format!(
                    "{step_s} s neither divides the window of {window_s} s nor is a multiple of it"
                ),
                "a divisor or a multiple of window_s",
            ));
        }
    }
    let Some(name) = table.column.clone() else {
        if table.format.is_some() {
            return Err(source.refuse(
                &at("format"),
                "there is no time column to read",
                "column, or no format",
            ));
        }
        let Some(step_s) = table.step_s else {
            return Err(source.refuse(path, "neither column nor step_s is given", "one of them"));
        };
        let (value, key) = match (&table.start, start) {
            (Some(value), _) => (value, at("start")),
            (None, Some(value)) => (value, vec![Key::Name("start")]),
            (None, None) => {
                return Err(source.refuse(
                    path,
                    "step_s without start",
                    "start here or for the scenario",
                ))
            }
        };
        let first = moment(value, zone)
            .filter(|s| *s >= 0)
            .ok_or_else(|| source.refuse(&key, format!("found {value}"), MOMENT_EXPECTED))?;
        return Ok(RowTime::Counted {
            start: first,
            step_s,
        });
    };
    if table.start.is_some() {
        return Err(source.refuse(
            &at("start"),
            "the time column says when rows begin",
            "either column or start",
        ));
    }
    let format = match (table.format.as_deref().unwrap_or("rfc3339"), zone) {
        ("rfc3339", None) => StampFormat::Rfc3339,
        ("unix", None) => StampFormat::Unix,
        (pattern, zone) if pattern != "rfc3339" && pattern != "unix" => {
            if !is_pattern(pattern) {
                let found = format!("'{pattern}' is no time pattern");
                return Err(source.refuse(
                    &at("format"),
                    found,
                    "rfc3339, unix, or strftime such as %Y-%m-%d %H:%M",
                ));
            }
            match (StampFormat::needs_zone(pattern), zone) {
                (true, Some(zone)) => StampFormat::Local(pattern.into(), zone),
                (false, None) => StampFormat::WithOffset(pattern.into()),
                (true, None) => {
                    return Err(source.refuse(
                        &at("format"),
                        "stamps without an offset, and no zone",
                        "zone beside it",
                    ))
                }
                (false, Some(_)) => return Err(offset_and_zone(source, &at("zone"))),
            }
        }
        _ => return Err(offset_and_zone(source, &at("zone"))),
    };
    Ok(RowTime::Column {
        name,
        format,
        stamp: table.stamp,
        step_s: table.step_s,
    })
}

fn offset_and_zone(source: &Source, path: &[Key<'_>]) -> ScenarioError {
    source.refuse(
        path,
        "the stamps say themselves how far they are from UTC",
        "no zone, or a format without offset",
    )
}

/// True for a strftime pattern that chrono knows and that holds at least one field.
fn is_pattern(pattern: &str) -> bool {
    use chrono::format::{Item, StrftimeItems};
    let items: Vec<_> = StrftimeItems::new(pattern).collect();
    !items.iter().any(|i| matches!(i, Item::Error))
        && items
            .iter()
            .any(|i| matches!(i, Item::Numeric(..) | Item::Fixed(..)))
}
