//! Scenarios with `[profiles]`.

use super::Input;
use crate::coverage::{fitting_window, Extent};
use crate::errors::ScenarioError;
use crate::file::ProfilesTable;
use crate::generate::MOST_METER_WINDOWS;
use crate::model::{Faults, Home, Neighbourhood};
use crate::profiles::Reader;
use crate::resample::Span;
use crate::roster::roster;
use crate::source::keys;
use crate::stamps::{in_time, moment_at, shown, Clock, IN_TIME_EXPECTED};
use crate::{timing, zones};
use std::collections::BTreeSet;
use wattpool_schema::{Seconds, Window, Zone};

impl Input<'_> {
    /// A neighbourhood from CSV profiles.
    pub(super) fn profiled(&self, table: &ProfilesTable) -> Result<Neighbourhood, ScenarioError> {
        let (source, file) = (self.source, self.file);
        if table.kwp.is_some_and(|k| !(k.is_finite() && k > 0.0)) {
            let problem = format!("found {}", table.kwp.unwrap_or_default());
            return Err(source.refuse(keys!["profiles", "kwp"], problem, "more than 0 kWp"));
        }
        let clock = timing::clock(
            source,
            keys!["profiles", "time", "zone"],
            table.time.zone.as_deref(),
        )?;
        // Where stamps need no zone, a local start is by the clock that results are shown in.
        let shown = timing::clock(source, keys!["timezone"], file.timezone.as_deref())?;
        let start = match &file.start {
            None => None,
            Some(value) => {
                let at = moment_at(source, keys!["start"], value, clock.or(shown))?;
                if at.checked_rem(i64::from(file.window_s)) != Some(0) {
                    let problem = format!("{value} is inside a window of {} s", file.window_s);
                    let mut expected = "the edge of a window, in UTC".to_string();
                    if let Some(shorter) = fitting_window(at, file.window_s) {
                        expected =
                            format!("{expected} (window_s = {shorter} would have one there)");
                    }
                    return Err(source.refuse(keys!["start"], problem, expected));
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
            start: file.start.as_ref(),
            window_s: file.window_s,
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
            currency: file.currency.clone(),
            clock: self.display_clock(clock)?,
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
            feeders: None,
            faults: Faults::default(),
            attackers: None,
            notes,
        };
        self.grid(
            &mut made,
            span,
            Some(table),
            clock.unwrap_or_else(Clock::utc),
        )?;
        Ok(self.finished(made))
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
        let span = Span {
            start: first,
            window_s,
            windows,
        };
        if !in_time(span.end()) {
            let problem = format!(
                "the run would end {} windows after {}",
                windows,
                shown(first)
            );
            return Err(self
                .source
                .refuse(keys!["start"], problem, IN_TIME_EXPECTED));
        }
        Ok(span)
    }
}
