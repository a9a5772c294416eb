//! Scenarios with `[generate]`.

use super::Input;
use crate::errors::ScenarioError;
use crate::file::GenerateTable;
use crate::generate::{home_name, neighbourhood, GenerateOptions};
use crate::model::Neighbourhood;
use crate::resample::Span;
use crate::roster::roster;
use crate::source::keys;
use crate::stamps::{date, Clock, ZONE_EXPECTED};
use crate::{timing, zones};
use std::collections::BTreeSet;
use wattpool_schema::Zone;

impl Input<'_> {
    /// A generated neighbourhood, with what the file changes about it.
    pub(super) fn generated(&self, table: &GenerateTable) -> Result<Neighbourhood, ScenarioError> {
        let options = self.options(table)?;
        let count = table.homes.unwrap_or(GenerateOptions::default().homes);
        // Settings may name homes that this run leaves out.
        let names = (1..=count.max(options.homes)).map(home_name).collect();
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
        made.clock = self.display_clock(Some(made.clock))?;
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
        self.grid(&mut made, span, None, Clock::Named(options.timezone))?;
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
}
