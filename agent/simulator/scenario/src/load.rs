//! From a scenario file to a neighbourhood.

mod generated;
mod profiled;

use crate::attackers::Attackers;
use crate::errors::ScenarioError;
use crate::feeders;
use crate::file::{ProfilesTable, ScenarioFile};
use crate::generate::{is_window, WINDOW_EXPECTED};
use crate::model::{Faults, Neighbourhood};
use crate::paths::Places;
use crate::resample::Span;
use crate::source::{keys, Source};
use crate::stamps::{offset_of, Clock};
use crate::tariff::Series;
use crate::timing;
use std::collections::BTreeSet;
use std::path::Path;
use wattpool_schema::{Tariff, Zone};

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
    of_source(&Source::read(path)?, data_dir, overrides)
}

/// Reads a scenario from a text that would stand at `path`.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_text(path: &Path, text: String) -> Result<Neighbourhood, ScenarioError> {
    of_source(&Source::of(path, text), None, &Overrides::default())
}

fn of_source(
    source: &Source,
    data_dir: Option<&Path>,
    overrides: &Overrides,
) -> Result<Neighbourhood, ScenarioError> {
    let path = &source.path;
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
    check_currency(source, file.currency.as_deref())?;
    check_faults(source, &file.faults)?;
    check_attackers(source, file.attackers.as_ref())?;
    let input = Input {
        source,
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
        (None, Some(table)) => input.profiled(table),
    }
}

/// A currency is a word beside numbers: short, and nothing that could be taken for one of them.
fn check_currency(source: &Source, currency: Option<&str>) -> Result<(), ScenarioError> {
    let fits = |c: char| !c.is_control() && !c.is_whitespace() && !c.is_ascii_digit();
    match currency {
        Some(name) if name.is_empty() || name.chars().count() > 8 || !name.chars().all(fits) => {
            let problem = format!("found {name:?}");
            Err(source.refuse(
                keys!["currency"],
                problem,
                "a name or sign such as EUR, 1 to 8 characters without blanks and digits",
            ))
        }
        _ => Ok(()),
    }
}

/// Says where the tariffs leave nothing to gain: a trade happens between what feeding in earns and what the
/// grid's energy costs, at a price that is not negative.
fn nobody_gains(made: &mut Neighbourhood) {
    let tariffs = || made.import_tariff.iter().zip(&made.feed_in_tariff);
    let gains = |import: i64, feed_in: i64| import >= feed_in.max(0);
    let without = tariffs().filter(|(i, f)| !gains(i.0, f.0)).count();
    let negative = tariffs().filter(|(i, f)| i.0 < 0 || f.0 < 0).count();
    if made.windows > 0 && without >= made.windows {
        made.notes.push(
            "nobody gains at these tariffs: in every window the grid's energy costs less than feeding in earns, or less than \
             nothing, so nothing is traded"
                .into(),
        );
    } else if without > 0 {
        made.notes.push(format!(
            "nobody gains in {without} of {} windows: the grid's energy costs less there than feeding in earns, or less than nothing",
            made.windows
        ));
    }
    if negative > 0 {
        made.notes.push(format!(
            "{negative} windows have a negative tariff: the bills count it, but a trade's price is never below 0"
        ));
    }
}

/// From this mean power on a threshold is said to keep energy out of the market, W.
const SAID_FROM_W: u64 = 100;

/// Says where the owners' thresholds are large for so short a window: what is below is not traded, and the ceiling is
/// missed by it.
fn thresholds(made: &mut Neighbourhood) {
    let wh = made.homes.iter().map(|h| h.policy.threshold_wh.get()).max();
    let wh = wh.unwrap_or(0);
    let power = wh
        .saturating_mul(3_600)
        .checked_div(u64::from(made.window_s))
        .unwrap_or(0);
    if wh > 1 && power > SAID_FROM_W {
        made.notes.push(format!(
            "policy.threshold_wh = {wh} leaves less than {power} W out of the market at windows of {} s, and so part of the \
             ceiling; 1 trades it too",
            made.window_s
        ));
    }
}

fn check_attackers(source: &Source, attackers: Option<&Attackers>) -> Result<(), ScenarioError> {
    match attackers {
        Some(a) if !(0.0..=1.0).contains(&a.share) => Err(source.refuse(
            keys!["attackers", "share"],
            format!("found {}", a.share),
            "a share from 0 to 1",
        )),
        _ => Ok(()),
    }
}

fn check_faults(source: &Source, faults: &Faults) -> Result<(), ScenarioError> {
    let shares = [
        ("message_loss", faults.message_loss),
        ("silent_sellers", faults.silent_sellers),
        ("failing_sellers", faults.failing_sellers),
        ("bad_sellers", faults.bad_sellers),
        ("bad_failures", faults.bad_failures),
        ("late_restarts", faults.late_restarts),
        ("wrong_readings", faults.wrong_readings),
        ("duplicates", faults.duplicates),
    ];
    let amounts = [
        ("message_delay_ms", faults.message_delay_ms),
        ("crashes_per_day", faults.crashes_per_day),
        ("halts_per_day", faults.halts_per_day),
        ("halt_seconds", faults.halt_seconds),
        ("longest_halt_seconds", faults.longest_halt_seconds),
        ("unfunded_per_day", faults.unfunded_per_day),
        ("unfunded_hours", faults.unfunded_hours),
        ("quiet_days", faults.quiet_days),
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
    /// Tariffs and carbon intensity. A generated neighbourhood has its own unless the file says otherwise.
    fn grid(
        &self,
        made: &mut Neighbourhood,
        span: Span,
        profiles: Option<&ProfilesTable>,
        clock: Clock,
    ) -> Result<(), ScenarioError> {
        let mut series = Series {
            source: self.source,
            places: &self.places,
            span,
            profiles,
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
        nobody_gains(made);
        made.feeders = feeders::feeders(self.source, self.file, made, &mut series)?;
        made.notes.append(&mut series.notes);
        Ok(())
    }

    /// Zones that the file names for homes or groups, also those that this run leaves out.
    fn named_zones(&self) -> impl Iterator<Item = u16> + '_ {
        let homes = self.file.homes.iter().filter_map(|h| h.zone);
        homes.chain(self.file.groups.values().filter_map(|g| g.zone))
    }

    /// The clock in whose time results are shown: the file's own, that of its times, or the offset of its start.
    fn display_clock(&self, of_times: Option<Clock>) -> Result<Clock, ScenarioError> {
        let named = self.file.timezone.as_deref();
        if let Some(clock) = timing::clock(self.source, keys!["timezone"], named)? {
            return Ok(clock);
        }
        let start = self.file.start.as_ref();
        Ok(of_times
            .or_else(|| start.and_then(offset_of))
            .unwrap_or_else(Clock::utc))
    }

    fn finished(&self, mut made: Neighbourhood) -> Neighbourhood {
        let present: BTreeSet<Zone> = made.homes.iter().map(|h| h.zone).collect();
        made.zone_pairs
            .retain(|p| present.contains(&p.from) && present.contains(&p.to));
        made.faults = self.file.faults.clone();
        made.attackers = self.file.attackers;
        if self.file.currency.is_some() || self.file.profiles.is_some() {
            made.currency.clone_from(&self.file.currency);
        }
        thresholds(&mut made);
        made
    }
}
