//! From a scenario file to a neighbourhood.

use crate::coverage::Extent;
use crate::csv_profile::Dialect;
use crate::errors::ScenarioError;
use crate::file::{GenerateTable, ProfilesTable, ScenarioFile};
use crate::generate::{
    is_window, neighbourhood, GenerateOptions, MOST_METER_WINDOWS, WINDOW_EXPECTED,
};
use crate::model::{Faults, Home, Neighbourhood};
use crate::paths::Places;
use crate::profiles::Reader;
use crate::resample::Span;
use crate::roster::roster;
use crate::source::{keys, Source};
use crate::stamps::{date, moment, Clock, MOMENT_EXPECTED, ZONE_EXPECTED};
use crate::tariff::Series;
use crate::{timing, zones};
use std::collections::BTreeSet;
use std::path::Path;
use wattpool_schema::{Seconds, Tariff, Window, Zone};

/// What the command line changes about a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Days to simulate: the first so many.
    pub days: Option<u32>,
    /// Meters to simulate: the first so many; generated ones may be more than the file says.
    pub meters: Option<u32>,
    /// Seed of a generated neighbourhood.
    pub seed: Option<u64>,
}

impl Overrides {
    fn check(&self) -> Result<(), ScenarioError> {
        for (flag, value) in [("days", self.days), ("meters", self.meters)] {
            if value == Some(0) {
                return Err(ScenarioError::Override {
                    flag,
                    found: "0".into(),
                    expected: "at least 1".into(),
                });
            }
        }
        Ok(())
    }
}

/// Reads a scenario file and all that it names.
///
/// Files are found relative to `data_dir` or, without one, to the scenario file. `data_dir` may also be
/// the first folder of the scenario's paths itself: with `citylearn-2022/pricing.csv` in the scenario,
/// both `data` and `data/citylearn-2022` will do.
///
/// # Errors
/// For anything that is missing, unknown, contradictory or out of range; the message names file, line
/// and key.
pub fn load(
    path: &Path,
    data_dir: Option<&Path>,
    overrides: &Overrides,
) -> Result<Neighbourhood, ScenarioError> {
    overrides.check()?;
    let source = Source::read(path)?;
    let file = source.parse()?;
    if file.name.trim().is_empty() {
        return Err(source.refuse(keys!["name"], "it is empty", "a name"));
    }
    if !is_window(file.window_s) {
        return Err(source.refuse(
            keys!["window_s"],
            format!("found {}", file.window_s),
            WINDOW_EXPECTED,
        ));
    }
    if file.days == Some(0) {
        return Err(source.refuse(keys!["days"], "found 0", "at least 1"));
    }
    check_faults(&source, &file.faults)?;
    let input = Input {
        source: &source,
        file: &file,
        places: Places::new(path, data_dir),
        overrides,
    };
    match (&file.generate, &file.profiles) {
        (Some(_), Some(_)) => Err(source.refuse(
            keys!["profiles"],
            "[generate] and [profiles] together",
            "one or the other",
        )),
        (None, None) => Err(source.refuse(&[], "neither [generate] nor [profiles]", "one of them")),
        (Some(table), None) => input.generated(table),
        (None, Some(table)) => input.read(table),
    }
}

fn check_faults(source: &Source, faults: &Faults) -> Result<(), ScenarioError> {
    let shares = [
        ("message_loss", faults.message_loss),
        ("silent_sellers", faults.silent_sellers),
        ("failing_sellers", faults.failing_sellers),
        ("late_restarts", faults.late_restarts),
        ("wrong_readings", faults.wrong_readings),
    ];
    let amounts = [
        ("message_delay_ms", faults.message_delay_ms),
        ("crashes_per_day", faults.crashes_per_day),
        ("halts_per_day", faults.halts_per_day),
        ("halt_seconds", faults.halt_seconds),
    ];
    for (key, value) in shares {
        if !(0.0..=1.0).contains(&value) {
            return Err(source.refuse(
                keys!["faults", key],
                format!("found {value}"),
                "a share from 0 to 1",
            ));
        }
    }
    for (key, value) in amounts {
        if !(0.0..=1e9).contains(&value) {
            return Err(source.refuse(
                keys!["faults", key],
                format!("found {value}"),
                "0 or more, finite",
            ));
        }
    }
    Ok(())
}

/// A scenario on its way to a neighbourhood.
struct Input<'a> {
    source: &'a Source,
    file: &'a ScenarioFile,
    places: Places,
    overrides: &'a Overrides,
}

impl Input<'_> {
    /// A generated neighbourhood, with what the file changes about it.
    fn generated(&self, table: &GenerateTable) -> Result<Neighbourhood, ScenarioError> {
        let options = self.options(table)?;
        let count = table.homes.unwrap_or(GenerateOptions::default().homes);
        // Settings may name homes that this run leaves out.
        let names = (1..=count.max(options.homes))
            .map(crate::generate::home_name)
            .collect();
        let members = roster(self.source, self.file, names, false)?;
        for member in &members {
            if let Some((_, t)) = member.table {
                let given = [
                    ("file", t.file.is_some()),
                    ("kwp", t.kwp.is_some()),
                    ("kind", t.kind.is_some()),
                    ("load", t.load.is_some()),
                    ("generation", t.generation.is_some()),
                    ("net", t.net.is_some()),
                ];
                if let Some((key, _)) = given.iter().find(|(_, is)| *is) {
                    let expected = "name, zone, group and policy for generated homes";
                    return Err(self.source.refuse(
                        &member.at(key),
                        "the home is generated",
                        expected,
                    ));
                }
            }
        }
        let mut made = neighbourhood(&options).map_err(|e| self.placed(e))?;
        made.name.clone_from(&self.file.name);
        let mut zones: BTreeSet<u16> = (1..=options.zones).collect();
        for (home, member) in made.homes.iter_mut().zip(&members) {
            home.policy = member.policy(self.source, self.file, home.kind)?;
            home.zone = member.zone(self.file, home.kind).map_or(home.zone, Zone);
        }
        zones.extend(made.homes.iter().map(|h| h.zone.get()));
        zones.extend(self.named_zones());
        made.zone_pairs = zones::terms(self.source, &self.file.zones, &zones)?;
        let start = i64::try_from(made.start().get()).unwrap_or(i64::MAX);
        let span = Span {
            start,
            window_s: made.window_s,
            windows: made.windows,
        };
        self.grid(
            &mut made,
            span,
            &Dialect::default(),
            None,
            Clock::Named(options.timezone),
        )?;
        Ok(self.finished(made))
    }

    fn options(&self, table: &GenerateTable) -> Result<GenerateOptions, ScenarioError> {
        let default = GenerateOptions::default();
        let start = match &self.file.start {
            None => default.start,
            Some(value) => date(value).ok_or_else(|| {
                self.source.refuse(
                    keys!["start"],
                    format!("found {value}"),
                    "a date such as 2026-05-04 for [generate]",
                )
            })?,
        };
        let timezone = match timing::clock(
            self.source,
            keys!["generate", "timezone"],
            table.timezone.as_deref(),
        )? {
            None => default.timezone,
            Some(Clock::Named(zone)) => zone,
            Some(Clock::Fixed(_)) => {
                let problem = format!("found {:?}", table.timezone.as_deref().unwrap_or_default());
                return Err(self.source.refuse(
                    keys!["generate", "timezone"],
                    problem,
                    ZONE_EXPECTED,
                ));
            }
        };
        Ok(GenerateOptions {
            homes: self
                .overrides
                .meters
                .or(table.homes)
                .unwrap_or(default.homes),
            days: self
                .overrides
                .days
                .or(self.file.days)
                .unwrap_or(default.days),
            seed: self.overrides.seed.or(table.seed).unwrap_or(default.seed),
            window_s: self.file.window_s,
            start,
            timezone,
            latitude: table.latitude.unwrap_or(default.latitude),
            longitude: table.longitude.unwrap_or(default.longitude),
            zones: table.zones.unwrap_or(default.zones),
            pv_share: table.pv_share.unwrap_or(default.pv_share),
            wind_share: table.wind_share.unwrap_or(default.wind_share),
            kwp_min: table.kwp_min.unwrap_or(default.kwp_min),
            kwp_max: table.kwp_max.unwrap_or(default.kwp_max),
            demand_scale: table.demand_scale.unwrap_or(default.demand_scale),
        })
    }

    /// The generator's refusal as one of the file's.
    fn placed(&self, error: ScenarioError) -> ScenarioError {
        match error {
            ScenarioError::Option {
                option,
                found,
                expected,
            } => {
                let top = ["days", "start", "window_s"].contains(&option);
                let path = if top {
                    keys![option].to_vec()
                } else {
                    keys!["generate", option].to_vec()
                };
                self.source
                    .refuse(&path, format!("found {found}"), expected)
            }
            other => other,
        }
    }

    /// A neighbourhood from CSV profiles.
    fn read(&self, table: &ProfilesTable) -> Result<Neighbourhood, ScenarioError> {
        let (source, file) = (self.source, self.file);
        let dialect = self.dialect(table)?;
        if table.kwp.is_some_and(|k| !(k.is_finite() && k > 0.0)) {
            let problem = format!("found {}", table.kwp.unwrap_or_default());
            return Err(source.refuse(keys!["profiles", "kwp"], problem, "more than 0 kWp"));
        }
        let time_at = keys!["profiles", "time"];
        let time = timing::row_time(
            source,
            time_at,
            &table.time,
            file.start.as_ref(),
            file.window_s,
        )?;
        let clock = timing::clock(
            source,
            keys!["profiles", "time", "zone"],
            table.time.zone.as_deref(),
        )?;
        let start = match &file.start {
            None => None,
            Some(value) => {
                let at = moment(value, clock).filter(|at| *at >= 0).ok_or_else(|| {
                    source.refuse(keys!["start"], format!("found {value}"), MOMENT_EXPECTED)
                })?;
                if at.checked_rem(i64::from(file.window_s)) != Some(0) {
                    let problem = format!("{value} is inside a window of {} s", file.window_s);
                    return Err(source.refuse(
                        keys!["start"],
                        problem,
                        "the edge of a window, in UTC",
                    ));
                }
                Some(at)
            }
        };

        let mut members = roster(source, file, table.homes.clone(), true)?;
        if let Some(meters) = self.overrides.meters {
            let meters = usize::try_from(meters).unwrap_or(usize::MAX);
            if meters > members.len() {
                return Err(ScenarioError::Override {
                    flag: "meters",
                    found: meters.to_string(),
                    expected: format!("at most {}, the homes of the scenario", members.len()),
                });
            }
            members.truncate(meters);
        }
        let reader = Reader {
            source,
            places: &self.places,
            table,
            dialect: &dialect,
            time: &time,
        };
        let days = self.overrides.days.or(file.days);
        let strict = (start.is_none(), days.is_none());
        let mut notes = Vec::new();
        let count = members.len();
        let (span, energies) = reader.read(
            &members,
            |e| self.span(e, start, days, count),
            strict,
            &mut notes,
        )?;

        let mut homes = Vec::with_capacity(members.len());
        for (member, energy) in members.iter().zip(energies) {
            homes.push(Home {
                name: member.name.clone(),
                zone: Zone(member.zone(file, energy.kind).unwrap_or(1)),
                kind: energy.kind,
                policy: member.policy(source, file, energy.kind)?,
                demand_wh: energy.demand_wh,
                generation_wh: energy.generation_wh,
            });
        }
        let mut zones: BTreeSet<u16> = homes.iter().map(|h| h.zone.get()).collect();
        zones.extend(self.named_zones());
        let mut made = Neighbourhood {
            name: file.name.clone(),
            window_s: file.window_s,
            first_window: Window::at(
                Seconds(u64::try_from(span.start).unwrap_or(0)),
                file.window_s,
            ),
            windows: span.windows,
            homes,
            import_tariff: Vec::new(),
            feed_in_tariff: Vec::new(),
            carbon_g_per_kwh: Vec::new(),
            zone_pairs: zones::terms(source, &file.zones, &zones)?,
            faults: Faults::default(),
            notes,
        };
        self.grid(
            &mut made,
            span,
            &dialect,
            Some(table),
            clock.unwrap_or_else(Clock::utc),
        )?;
        Ok(self.finished(made))
    }

    fn dialect(&self, table: &ProfilesTable) -> Result<Dialect, ScenarioError> {
        let byte = |key: &'static str, character: char| {
            u8::try_from(character)
                .ok()
                .filter(u8::is_ascii)
                .ok_or_else(|| {
                    self.source.refuse(
                        keys!["profiles", key],
                        format!("found '{character}'"),
                        "an ASCII character",
                    )
                })
        };
        if table.delimiter == table.decimal {
            let problem = format!("'{}' is the decimal mark too", table.delimiter);
            return Err(self.source.refuse(
                keys!["profiles", "delimiter"],
                problem,
                "another character",
            ));
        }
        Ok(Dialect {
            delimiter: byte("delimiter", table.delimiter)?,
            decimal: table.decimal,
            comment: table.comment.map(|c| byte("comment", c)).transpose()?,
            missing: table.missing,
        })
    }

    /// The run: from the scenario's start or the first whole window of the first file, for the days asked
    /// or all that the file holds.
    fn span(
        &self,
        extent: &Extent,
        start: Option<i64>,
        days: Option<u32>,
        homes: usize,
    ) -> Result<Span, ScenarioError> {
        let window_s = self.file.window_s;
        let window = i64::from(window_s);
        let first = start.unwrap_or_else(|| {
            let late = extent.start.checked_rem(window).unwrap_or(0);
            if late == 0 {
                extent.start
            } else {
                extent.start.saturating_add(window.saturating_sub(late))
            }
        });
        let held = extent
            .end
            .saturating_sub(first)
            .checked_div(window)
            .unwrap_or(0);
        let held = usize::try_from(held.max(0)).unwrap_or(0);
        let a_day = usize::try_from(86_400_u32.checked_div(window_s).unwrap_or(1)).unwrap_or(1);
        let windows = match days {
            None => held,
            Some(days) => usize::try_from(days)
                .unwrap_or(usize::MAX)
                .saturating_mul(a_day),
        };
        if windows > held && self.overrides.days.is_some() {
            return Err(ScenarioError::Override {
                flag: "days",
                found: days.unwrap_or(0).to_string(),
                expected: format!(
                    "at most {}, what the profiles hold",
                    held.checked_div(a_day).unwrap_or(0)
                ),
            });
        }
        if windows == 0 || held == 0 {
            return Err(extent.too_short(window_s));
        }
        if u64::try_from(windows.saturating_mul(homes)).unwrap_or(u64::MAX) > MOST_METER_WINDOWS {
            let problem = format!("{homes} homes × {windows} windows");
            let expected =
                format!("at most {MOST_METER_WINDOWS} together: fewer days, or longer windows");
            return Err(self.source.refuse(keys!["days"], problem, expected));
        }
        Ok(Span {
            start: first,
            window_s,
            windows,
        })
    }

    /// Tariffs and carbon intensity. A generated neighbourhood has its own unless the file says otherwise.
    fn grid(
        &self,
        made: &mut Neighbourhood,
        span: Span,
        dialect: &Dialect,
        profiles: Option<&ProfilesTable>,
        clock: Clock,
    ) -> Result<(), ScenarioError> {
        let mut series = Series {
            source: self.source,
            places: &self.places,
            dialect,
            span,
            time: profiles.map(|p| &p.time),
            start: self.file.start.as_ref(),
            clock,
            notes: Vec::new(),
        };
        match &self.file.tariff.import {
            Some(table) => made.import_tariff = series.tariff(keys!["tariff", "import"], table)?,
            None if profiles.is_some() => {
                let expected = "[tariff.import] with flat, file and column, or periods";
                return Err(self.source.refuse(
                    keys!["tariff", "import"],
                    "there is no purchase tariff",
                    expected,
                ));
            }
            None => {}
        }
        match &self.file.tariff.feed_in {
            Some(table) => {
                made.feed_in_tariff = series.tariff(keys!["tariff", "feed_in"], table)?
            }
            None if profiles.is_some() => {
                made.feed_in_tariff = vec![Tariff(0); span.windows];
                made.notes
                    .push("no feed-in tariff is given: feeding in earns nothing".into());
            }
            None => {}
        }
        match &self.file.carbon {
            Some(table) => made.carbon_g_per_kwh = series.carbon(keys!["carbon"], table)?,
            None if profiles.is_some() => {
                made.carbon_g_per_kwh = vec![0.0; span.windows];
                made.notes
                    .push("no carbon intensity is given: avoided CO2 is reported as zero".into());
            }
            None => made
                .notes
                .push("carbon intensity: a typical daily curve, made up".into()),
        }
        made.notes.append(&mut series.notes);
        Ok(())
    }

    /// Zones that the file names for homes or groups, also those that this run leaves out.
    fn named_zones(&self) -> impl Iterator<Item = u16> + '_ {
        let homes = self.file.homes.iter().filter_map(|h| h.zone);
        homes.chain(self.file.groups.values().filter_map(|g| g.zone))
    }

    fn finished(&self, mut made: Neighbourhood) -> Neighbourhood {
        let present: BTreeSet<Zone> = made.homes.iter().map(|h| h.zone).collect();
        made.zone_pairs
            .retain(|p| present.contains(&p.from) && present.contains(&p.to));
        made.faults = self.file.faults.clone();
        made
    }
}
