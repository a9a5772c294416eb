//! The low-voltage lines of a neighbourhood: what they are made of, where the homes hang, how warm the air is.

use crate::errors::ScenarioError;
use crate::file::{FeedersTable, ScenarioFile};
use crate::generate::{home_name, GenerateOptions};
use crate::model::{Feeders, Neighbourhood};
use crate::source::{keys, Key, Source};
use crate::tariff::Series;
use std::collections::BTreeMap;
use wattpool_core::lines::{Line, Place};
use wattpool_schema::{Seconds, Zone};

/// 4 × 50 mm² aluminium, buried: resistance at 20 °C, rated current and warming.
const LINE: Line = Line {
    ohm_per_km: 0.641,
    voltage_v: 400.0,
    rated_a: 144.0,
    rated_rise_k: 45.0,
};
/// Length of a line from the transformer to its last home, m.
const LENGTH_M: u32 = 400;
/// Longest line that is taken for one, m.
const LONGEST_M: u32 = 5_000;
/// Most lines of one transformer.
const MOST_LINES: u16 = 64;
/// Air temperature where none is given: mean and half the daily swing, warmest at 15:00 UTC, °C.
const AIR_C: (f64, f64) = (15.0, 6.0);

impl Feeders {
    /// Ordinary lines, so many per zone, and a spring day's temperatures: for neighbourhoods without a file.
    pub fn typical(made: &Neighbourhood, lines: u16) -> Self {
        Self {
            line: LINE,
            places: evenly(made, lines.clamp(1, MOST_LINES), LENGTH_M),
            air_c: typical_days(made),
        }
    }
}

/// Homes hang on the lines of their zone in their order, at equal distances, unless the file says otherwise.
pub(crate) fn feeders(
    source: &Source,
    file: &ScenarioFile,
    made: &Neighbourhood,
    series: &mut Series<'_>,
) -> Result<Option<Feeders>, ScenarioError> {
    let Some(table) = &file.feeders else {
        return Ok(None);
    };
    let line = data_sheet(source, table)?;
    let length = table.length_m.unwrap_or(LENGTH_M);
    if !(1..=LONGEST_M).contains(&length) {
        let expected = format!("1 to {LONGEST_M} m");
        return Err(source.refuse(keys!["feeders", "length_m"], found(length), expected));
    }
    let lines = table.lines_per_zone.unwrap_or(1);
    if !(1..=MOST_LINES).contains(&lines) {
        let expected = format!("1 to {MOST_LINES}");
        return Err(source.refuse(keys!["feeders", "lines_per_zone"], found(lines), expected));
    }
    let mut places = evenly(made, lines, length);
    for (i, given) in table.homes.iter().enumerate() {
        let at = |key: &'static str| [keys!["feeders", "homes", i], keys![key]].concat();
        let index = made.homes.iter().position(|h| h.name == given.name);
        if index.is_none() && !left_out(file, &given.name) {
            let problem = format!("there is no home {:?}", given.name);
            return Err(source.refuse(&at("name"), problem, "the name of a home"));
        }
        if table.homes.iter().take(i).any(|h| h.name == given.name) {
            let problem = format!("{:?} is given twice", given.name);
            return Err(source.refuse(&at("name"), problem, "each home once"));
        }
        if given.line >= lines {
            let expected = format!("0 to {} (lines_per_zone)", lines.saturating_sub(1));
            return Err(source.refuse(&at("line"), found(given.line), expected));
        }
        if !(1..=LONGEST_M).contains(&given.metres) {
            let expected = format!("1 to {LONGEST_M} m");
            return Err(source.refuse(&at("metres"), found(given.metres), expected));
        }
        // A home that this run leaves out has no place.
        if let Some(place) = index.and_then(|i| places.get_mut(i)) {
            *place = Place {
                line: given.line,
                metres: given.metres,
            };
        }
    }
    let air_c = match &table.air {
        Some(air) => series.air(keys!["feeders", "air"], air)?,
        None => typical_days(made),
    };
    Ok(Some(Feeders {
        line,
        places,
        air_c,
    }))
}

/// Whether a home is one of the file's, though this run leaves it out.
fn left_out(file: &ScenarioFile, name: &str) -> bool {
    let listed = file.profiles.as_ref().map(|p| &p.homes);
    let made = file.generate.as_ref().map(|g| g.homes);
    let made = made.map(|homes| homes.unwrap_or(GenerateOptions::default().homes));
    file.homes.iter().any(|h| h.name == name)
        || listed.is_some_and(|names| names.iter().any(|n| n == name))
        || made.is_some_and(|count| (1..=count).any(|n| home_name(n) == name))
}

fn found(value: impl std::fmt::Display) -> String {
    format!("found {value}")
}

fn data_sheet(source: &Source, table: &FeedersTable) -> Result<Line, ScenarioError> {
    let ranged = |key: &'static str, given: Option<f64>, default: f64, low: f64, high: f64| {
        let value = given.unwrap_or(default);
        if (low..=high).contains(&value) {
            return Ok(value);
        }
        let at: &[Key<'_>] = keys!["feeders", key];
        Err(source.refuse(at, found(value), format!("{low} to {high}")))
    };
    Ok(Line {
        ohm_per_km: ranged(
            "ohm_per_km",
            table.ohm_per_km,
            LINE.ohm_per_km,
            0.001,
            100.0,
        )?,
        voltage_v: ranged("voltage_v", table.voltage_v, LINE.voltage_v, 50.0, 1_000.0)?,
        rated_a: ranged("rated_a", table.rated_a, LINE.rated_a, 1.0, 10_000.0)?,
        rated_rise_k: ranged(
            "rated_rise_k",
            table.rated_rise_k,
            LINE.rated_rise_k,
            0.0,
            200.0,
        )?,
    })
}

/// The homes of a zone, in their order, along its lines one after the other.
fn evenly(made: &Neighbourhood, lines: u16, length: u32) -> Vec<Place> {
    let mut homes: BTreeMap<Zone, u32> = BTreeMap::new();
    for home in &made.homes {
        let count = homes.entry(home.zone).or_default();
        *count = count.saturating_add(1);
    }
    let mut seen: BTreeMap<Zone, u32> = BTreeMap::new();
    let lines = u32::from(lines);
    made.homes
        .iter()
        .map(|home| {
            let count = homes.get(&home.zone).copied().unwrap_or(1).max(1);
            let turn = seen.entry(home.zone).or_default();
            let number = *turn;
            *turn = turn.saturating_add(1);
            let per_line = count.div_ceil(lines).max(1);
            let line = number.checked_div(per_line).unwrap_or(0);
            let nth = number.checked_rem(per_line).unwrap_or(0).saturating_add(1);
            let on_line = per_line.min(count.saturating_sub(line.saturating_mul(per_line)));
            let metres = length
                .saturating_mul(nth)
                .checked_div(on_line.max(1))
                .unwrap_or(length);
            Place {
                line: u16::try_from(line).unwrap_or(u16::MAX),
                metres: metres.max(1),
            }
        })
        .collect()
}

fn typical_days(made: &Neighbourhood) -> Vec<f64> {
    (0..made.windows)
        .map(|w| {
            let window = made.first_window.plus(u64::try_from(w).unwrap_or(0));
            typical_air(window.start(made.window_s))
        })
        .collect()
}

/// A spring day's course, for runs without weather.
fn typical_air(at: Seconds) -> f64 {
    let second = u32::try_from(at.get().checked_rem(86_400).unwrap_or(0)).unwrap_or(0);
    let angle = (f64::from(second) / 86_400.0 - 15.0 / 24.0) * std::f64::consts::TAU;
    AIR_C.0 + AIR_C.1 * libm::cos(angle)
}
