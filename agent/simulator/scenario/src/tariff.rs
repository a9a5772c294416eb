//! Prices and carbon intensity per window: flat, by time of use, or from CSV.

use crate::coverage;
use crate::csv_profile::{self, Manner, Measure, Pick, Want};
use crate::dialect;
use crate::errors::ScenarioError;
use crate::file::{
    Missing, PeriodDays, PeriodTable, ProfilesTable, SeriesTable, SeriesUnit, Written,
};
use crate::paths::Places;
use crate::resample::Span;
use crate::source::{dotted, keys, Key, Source};
use crate::stamps::Clock;
use crate::timing;
use crate::zones::HIGHEST_PRICE;
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use wattpool_schema::{Seconds, Tariff};

/// Carbon intensity of a typical mixed grid by local hour, g CO2 per kWh: a dip at noon from the grid's
/// own solar power, peaks in the morning and the evening. Made up for the generator, not measured.
const CARBON_BY_HOUR: [f64; 24] = [
    360.0, 352.0, 348.0, 348.0, 356.0, 376.0, 402.0, 415.0, 398.0, 362.0, 322.0, 290.0, 272.0,
    266.0, 274.0, 298.0, 338.0, 388.0, 432.0, 450.0, 440.0, 418.0, 394.0, 374.0,
];
/// Below this a price is remarked on, in millionths per kWh: a tenth of a hundredth.
const SMALLEST_PRICE: f64 = 1_000.0;
/// Above this a mean price is remarked on, in millionths per kWh.
const LARGEST_PRICE: f64 = 5_000_000.0;
/// Below this a carbon intensity is remarked on, g CO2 per kWh.
const SMALLEST_CARBON: f64 = 2.0;
/// Highest carbon intensity that is taken for one, g CO2 per kWh.
const HIGHEST_CARBON: f64 = 10_000.0;

/// The typical daily curve, g CO2 per kWh per window.
pub(crate) fn daily_carbon(start: Seconds, window_s: u32, windows: usize, zone: Tz) -> Vec<f64> {
    let first = i64::try_from(start.get()).unwrap_or(i64::MAX);
    starts(&Span {
        start: first,
        window_s,
        windows,
    })
    .map(|at| {
        let hour = DateTime::from_timestamp(at, 0)
            .and_then(|t| usize::try_from(t.with_timezone(&zone).hour()).ok());
        hour.and_then(|h| CARBON_BY_HOUR.get(h))
            .copied()
            .unwrap_or(0.0)
    })
    .collect()
}

/// First seconds of the windows.
fn starts(span: &Span) -> impl Iterator<Item = i64> {
    let (start, step) = (span.start, i64::from(span.window_s));
    (0..i64::try_from(span.windows).unwrap_or(i64::MAX))
        .map(move |w| start.saturating_add(w.saturating_mul(step)))
}

/// What a series is read with.
pub(crate) struct Series<'a> {
    pub(crate) source: &'a Source,
    pub(crate) places: &'a Places,
    pub(crate) span: Span,
    /// The profiles' settings, for files without their own.
    pub(crate) profiles: Option<&'a ProfilesTable>,
    /// The scenario's start.
    pub(crate) start: Option<&'a toml::Value>,
    /// Clock of time-of-use tables without a zone.
    pub(crate) clock: Clock,
    /// Filled values, for the notes.
    pub(crate) notes: Vec<String>,
}

/// Range of a series' values after unit and scale.
struct Range {
    lowest: f64,
    highest: f64,
    expected: &'static str,
}

impl Series<'_> {
    /// A tariff in micro-units per kWh per window.
    pub(crate) fn tariff(
        &mut self,
        path: &[Key<'_>],
        table: &SeriesTable,
    ) -> Result<Vec<Tariff>, ScenarioError> {
        let factor = match table.unit {
            None | Some(SeriesUnit::MicroPerKwh) => 1.0,
            Some(SeriesUnit::PerKwh) => 1_000_000.0,
            Some(SeriesUnit::PerMwh) => 1_000.0,
            Some(_) => {
                return Err(self.another_unit(path, "micro per kWh, per kWh or per MWh for a price"))
            }
        };
        let highest = HIGHEST_PRICE as f64;
        let range = Range {
            lowest: -highest,
            highest,
            expected: "a price of at most 1000 a kWh, either sign",
        };
        let values = self.values(path, table, factor, &range)?;
        let most = values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let name = || dotted(path);
        if most > 0.0 && most < SMALLEST_PRICE {
            self.notes.push(format!(
                "{} is at most {most:.3} millionths per kWh: is unit = \"per kWh\" or \"per MWh\" meant?",
                name()
            ));
        }
        let mean = values.iter().map(|v| v.abs()).sum::<f64>() / values.len().max(1) as f64;
        if mean > LARGEST_PRICE {
            self.notes.push(format!(
                "{} is {:.2} a kWh on average: is the unit right (\"per MWh\", or scale = 0.01 for hundredths)?",
                name(),
                mean / 1e6
            ));
        }
        Ok(values.into_iter().map(|v| Tariff(nearest(v))).collect())
    }

    /// The error of a unit that something else has.
    fn another_unit(&self, path: &[Key<'_>], expected: &str) -> ScenarioError {
        let at = [path, keys!["unit"]].concat();
        self.source
            .refuse(&at, "the unit of something else", expected)
    }

    /// A carbon intensity in g CO2 per kWh per window.
    pub(crate) fn carbon(
        &mut self,
        path: &[Key<'_>],
        table: &SeriesTable,
    ) -> Result<Vec<f64>, ScenarioError> {
        let factor = match table.unit {
            None | Some(SeriesUnit::GramsPerKwh) => 1.0,
            Some(SeriesUnit::KgPerKwh) => 1_000.0,
            Some(_) => {
                return Err(self.another_unit(path, "g per kWh or kg per kWh for an intensity"))
            }
        };
        let range = Range {
            lowest: 0.0,
            highest: HIGHEST_CARBON,
            expected: "0 to 10000 g CO2 per kWh",
        };
        let values = self.values(path, table, factor, &range)?;
        let most = values.iter().copied().fold(0.0, f64::max);
        if most > 0.0 && most < SMALLEST_CARBON {
            self.notes.push(format!(
                "{} is at most {most:.3} g per kWh: is unit = \"kg per kWh\" meant?",
                dotted(path)
            ));
        }
        Ok(values)
    }

    /// Air temperatures in °C per window.
    pub(crate) fn air(
        &mut self,
        path: &[Key<'_>],
        table: &SeriesTable,
    ) -> Result<Vec<f64>, ScenarioError> {
        let factor = match table.unit {
            None | Some(SeriesUnit::Celsius) => 1.0,
            Some(_) => return Err(self.another_unit(path, "degC for a temperature")),
        };
        let range = Range {
            lowest: -90.0,
            highest: 70.0,
            expected: "-90 to 70 degrees Celsius",
        };
        self.values(path, table, factor, &range)
    }

    fn values(
        &mut self,
        path: &[Key<'_>],
        table: &SeriesTable,
        unit: f64,
        range: &Range,
    ) -> Result<Vec<f64>, ScenarioError> {
        let at = |key: &'static str| [path, keys![key]].concat();
        let given = [
            ("flat", table.flat.is_some()),
            ("file", table.file.is_some()),
            ("periods", !table.periods.is_empty()),
        ];
        let given: Vec<&str> = given
            .iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| *key)
            .collect();
        if given.len() != 1 {
            let problem = if given.is_empty() {
                "nothing is given".into()
            } else {
                format!("{} together", given.join(" and "))
            };
            return Err(self.source.refuse(
                path,
                problem,
                "one of flat, file with column, or periods",
            ));
        }
        for (key, given, needs) in [
            ("column", table.column.is_some(), "file"),
            ("time", table.time.is_some(), "file"),
            ("where", !table.only.is_empty(), "file"),
            ("missing", table.missing != Missing::Refuse, "file"),
        ] {
            if given && table.file.is_none() {
                return Err(self.source.refuse(
                    &at(key),
                    "there is no file to read",
                    format!("{needs} beside it"),
                ));
            }
        }
        if table.zone.is_some() && table.periods.is_empty() {
            return Err(self.source.refuse(
                &at("zone"),
                "there are no periods",
                "periods beside it",
            ));
        }
        if !table.scale.is_finite() {
            return Err(self.source.refuse(
                &at("scale"),
                format!("found {}", table.scale),
                "a finite number",
            ));
        }
        let factor = unit * table.scale;
        let checked = |value: f64, key: &[Key<'_>]| {
            let scaled = value * factor;
            if (range.lowest..=range.highest).contains(&scaled) {
                Ok(scaled)
            } else {
                Err(self
                    .source
                    .refuse(key, format!("found {value}"), range.expected))
            }
        };
        if let Some(flat) = table.flat {
            return Ok(vec![checked(flat, &at("flat"))?; self.span.windows]);
        }
        if table.file.is_some() {
            return self.read_file(path, table, factor, range);
        }
        let clock =
            timing::clock(self.source, &at("zone"), table.zone.as_deref())?.unwrap_or(self.clock);
        let mut periods = Vec::new();
        for (i, period) in table.periods.iter().enumerate() {
            let at = [path, keys!["periods", i]].concat();
            periods.push(Period::checked(
                self.source,
                &at,
                period,
                checked(period.value, &[&at[..], keys!["value"]].concat())?,
            )?);
        }
        starts(&self.span)
            .map(|at_s| {
                let local = clock.shows(at_s).unwrap_or_default();
                periods
                    .iter()
                    .find(|p| p.holds(local))
                    .map(|p| p.value)
                    .ok_or_else(|| {
                        let problem =
                            format!("no period holds {}", local.format("%A %Y-%m-%d %H:%M"));
                        self.source.refuse(
                            &at("periods"),
                            problem,
                            "a last period without from, to, days and months",
                        )
                    })
            })
            .collect()
    }

    fn read_file(
        &mut self,
        path: &[Key<'_>],
        table: &SeriesTable,
        factor: f64,
        range: &Range,
    ) -> Result<Vec<f64>, ScenarioError> {
        let at = |key: &'static str| [path, keys![key]].concat();
        let file = self.places.find(table.file.as_deref().unwrap_or_default());
        let Some(column) = table.column.clone() else {
            return Err(self
                .source
                .refuse(path, "file without column", "column beside it"));
        };
        let own = [path, keys!["time"]].concat();
        let (time, time_path) = match (&table.time, self.profiles) {
            (Some(time), _) => (time, &own[..]),
            (None, Some(profiles)) => (&profiles.time, keys!["profiles", "time"]),
            (None, None) => {
                return Err(self
                    .source
                    .refuse(path, "file without time", "time beside it"))
            }
        };
        if table.missing == Missing::Zero {
            return Err(self.source.refuse(
                &at("missing"),
                "a value that is missing would become 0",
                "\"refuse\" or \"previous\"",
            ));
        }
        let manner = Manner {
            dialect: self.dialect(path, table)?,
            time: timing::row_time(self.source, time_path, time, self.start, self.span.window_s)?,
            missing: table.missing,
            missing_key: "missing",
        };
        let want = Want {
            column: column.clone(),
            measure: Measure::Level,
            optional: false,
        };
        let pick: Pick = table.only.clone().into_iter().collect();
        let data = csv_profile::read_one(&file, &want, &pick, &manner)?;
        let raw = data.column(&want).unwrap_or_default();
        let mut values = Vec::with_capacity(raw.len());
        for (step, value) in raw.iter().enumerate() {
            let scaled = value * factor;
            if !(range.lowest..=range.highest).contains(&scaled) {
                return Err(data.refuse(step, &column, value.to_string(), range.expected));
            }
            values.push(scaled);
        }
        coverage::covers(&data, &self.span)?;
        for note in &data.notes {
            self.notes.push(format!("{}: {note}", file.display()));
        }
        if data.filled > 0 {
            self.notes.push(format!(
                "{}: {} missing values filled",
                file.display(),
                data.filled
            ));
        }
        // Covered, so the steps fold.
        Ok(data
            .steps_with(&values)
            .level(&self.span)
            .unwrap_or_default())
    }
}

impl Series<'_> {
    /// How the file of a series is written: as the profiles, but for where its header and its rows are unless
    /// it is the same file.
    fn dialect(
        &self,
        path: &[Key<'_>],
        table: &SeriesTable,
    ) -> Result<dialect::Dialect, ScenarioError> {
        let mut layers = vec![(path, table.written())];
        let general_at = [Key::Name("profiles")];
        if let Some(profiles) = self.profiles {
            let mut general = profiles.written();
            if profiles.file != table.file {
                general = Written {
                    skip: None,
                    footer: None,
                    header: None,
                    sheet: None,
                    ..general
                };
            }
            // A delimiter of its own may be the profiles' decimal mark, and the other way round.
            let own = table.written();
            if own.delimiter.is_some() && own.delimiter == general.decimal {
                general.decimal = None;
            }
            if own.decimal.is_some() && own.decimal == general.delimiter {
                general.delimiter = None;
            }
            layers.push((&general_at, general));
        }
        dialect::dialect(self.source, &layers)
    }
}

/// A checked row of a time-of-use table.
struct Period {
    from: u32,
    to: u32,
    days: PeriodDays,
    months: Vec<u32>,
    value: f64,
}

impl Period {
    fn checked(
        source: &Source,
        path: &[Key<'_>],
        table: &PeriodTable,
        value: f64,
    ) -> Result<Self, ScenarioError> {
        let minute = |key: &'static str, text: &Option<String>, absent: u32| match text {
            None => Ok(absent),
            Some(text) => minute_of_day(text).ok_or_else(|| {
                source.refuse(
                    &[path, keys![key]].concat(),
                    format!("found '{text}'"),
                    "HH:MM from 00:00 to 24:00",
                )
            }),
        };
        let (from, to) = (
            minute("from", &table.from, 0)?,
            minute("to", &table.to, 1_440)?,
        );
        if from == to {
            return Err(source.refuse(path, "from and to are the same", "a period that lasts"));
        }
        if let Some(month) = table.months.iter().find(|m| !(1..=12).contains(*m)) {
            return Err(source.refuse(
                &[path, keys!["months"]].concat(),
                format!("found {month}"),
                "months 1 to 12",
            ));
        }
        Ok(Self {
            from,
            to,
            days: table.days,
            months: table.months.clone(),
            value,
        })
    }

    /// True when the period counts at a local time (weekday and month are those of that moment).
    fn holds(&self, local: NaiveDateTime) -> bool {
        let minute = local.num_seconds_from_midnight() / 60;
        let in_hours = if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        };
        let weekend = local.weekday().number_from_monday() > 5;
        let in_days = match self.days {
            PeriodDays::All => true,
            PeriodDays::Weekdays => !weekend,
            PeriodDays::Weekends => weekend,
        };
        in_hours && in_days && (self.months.is_empty() || self.months.contains(&local.month()))
    }
}

/// `HH:MM` as minutes since midnight, up to 24:00.
fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && total <= 1_440).then_some(total)
}

/// To the nearest whole micro-unit.
#[allow(
    clippy::cast_possible_truncation,
    reason = "checked to be within ±10⁹; the cast saturates"
)]
fn nearest(value: f64) -> i64 {
    value.round() as i64
}
