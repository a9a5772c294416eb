//! Homes from CSV profiles.

use crate::coverage::{covers, same_extent, Extent};
use crate::csv_profile::{self, CsvData, Manner, Measure, Pick, Want, Wants};
use crate::dialect;
use crate::errors::ScenarioError;
use crate::file::{ColumnTable, Negative, ProfilesTable, Unit};
use crate::findings::Findings;
use crate::model::HomeKind;
use crate::paths::Places;
use crate::resample::{Span, WhCarry};
use crate::roster::Member;
use crate::source::{keys, Key, Source};
use crate::stamps::shown;
use crate::suspicion;
use crate::timing::{self, RowTime};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

/// Most mean power that is taken for a home's unless the scenario says otherwise, kW: about twice what a house
/// connection of 3 × 63 A carries.
const MOST_KW: f64 = 100.0;
/// Most that a scenario may set for that, kW.
const MOST_MOST_KW: f64 = 1e6;

/// Energy of a home.
#[derive(Clone, Debug)]
pub(crate) struct Energy {
    pub(crate) kind: HomeKind,
    pub(crate) demand_wh: Vec<u32>,
    pub(crate) generation_wh: Vec<u32>,
}

/// What a column says about a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Load,
    Generation,
    Net,
}

/// A column of a home, found and with its unit worked out.
struct Column {
    file: PathBuf,
    /// Index of how it is read.
    manner: usize,
    pick: Pick,
    want: Want,
    role: Role,
    /// Factor to W (mean power) or Wh (energy per step).
    factor: f64,
    /// True for power, which the step's length turns into energy.
    power: bool,
}

/// Reads profiles, home by home; a file stays in memory until the last home that needs it.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a Source,
    pub(crate) places: &'a Places,
    pub(crate) table: &'a ProfilesTable,
    /// The scenario's start.
    pub(crate) start: Option<&'a toml::Value>,
    /// Length of the market window, seconds.
    pub(crate) window_s: u32,
}

/// A file's columns and how many homes still need it.
#[derive(Default)]
struct Plan {
    wants: Wants,
    uses: usize,
    data: Option<Rc<BTreeMap<Pick, CsvData>>>,
}

/// Files by path and by how they are read.
type Plans = BTreeMap<(PathBuf, usize), Plan>;

impl Reader<'_> {
    /// Energy of every home over the run. `span` makes the run from the first file's extent; `whole` says
    /// that the files' own length decides it, so that they must agree.
    pub(crate) fn read(
        &self,
        members: &[Member<'_>],
        span: impl Fn(&Extent) -> Result<Span, ScenarioError>,
        (same_start, same_end): (bool, bool),
        notes: &mut Vec<String>,
    ) -> Result<(Span, Vec<Energy>), ScenarioError> {
        let most_kw = self.table.most_kw.unwrap_or(MOST_KW);
        if !(most_kw > 0.0 && most_kw <= MOST_MOST_KW) {
            return Err(self.source.refuse(
                keys!["profiles", "most_kw"],
                format!("found {most_kw}"),
                format!("more than 0, at most {MOST_MOST_KW} kW"),
            ));
        }
        let mut plans = Plans::new();
        let mut manners: Vec<Manner> = Vec::new();
        let mut homes = Vec::with_capacity(members.len());
        for member in members {
            let columns = self.columns(member, &mut manners)?;
            for column in &columns {
                let plan = plans
                    .entry((column.file.clone(), column.manner))
                    .or_default();
                let wants = plan.wants.entry(column.pick.clone()).or_default();
                wants.insert(column.want.clone());
                plan.uses = plan.uses.saturating_add(1);
            }
            homes.push(columns);
        }
        let mut run: Option<(Span, Extent)> = None;
        let mut findings = Findings::default();
        let mut all = Vec::with_capacity(members.len());
        for (member, columns) in members.iter().zip(&homes) {
            let mut sums = Sums::default();
            for column in columns {
                let all = self.data(&mut plans, &manners, column, &mut findings)?;
                // Rows that are optional, and absent.
                let Some(data) = all.get(&column.pick) else {
                    continue;
                };
                let (span, reference) = match &run {
                    Some(run) => run,
                    None => {
                        let extent = Extent::of(data);
                        run.insert((span(&extent)?, extent))
                    }
                };
                if same_end {
                    same_extent(data, reference, same_start)?;
                }
                let fit = covers(data, span)?;
                findings.fits.insert((data.step_s, fit));
                self.add(column, data, span, &mut sums, most_kw, &mut findings)?;
            }
            if sums.load.is_empty() && sums.generation.is_empty() && sums.net.is_empty() {
                let problem = format!("no file has a column or a row of home '{}'", member.name);
                return Err(self.source.refuse(
                    &member.at("load"),
                    problem,
                    "one column at least that is not optional",
                ));
            }
            all.push(self.energy(member, columns, sums, &mut findings)?);
        }
        let Some((span, extent)) = run else {
            return Err(self.source.refuse(
                keys!["profiles"],
                "there are no homes",
                "homes, or [[homes]]",
            ));
        };
        if extent.start < span.start
            && span.start.saturating_sub(extent.start) < i64::from(span.window_s)
        {
            notes.push("profiles: steps before the first whole window are left out".into());
        }
        for manner in &manners {
            if let RowTime::Counted {
                start,
                by_scenario: true,
                ..
            } = manner.time
            {
                notes.push(format!(
                    "profiles: rows without stamps are taken to begin at start, {}; if they begin at another time, \
                     say so as start of [profiles.time]",
                    shown(start)
                ));
            }
        }
        findings.describe(&span, self.table, notes);
        Ok((span, all))
    }

    /// The columns of a home.
    fn columns(
        &self,
        member: &Member<'_>,
        manners: &mut Vec<Manner>,
    ) -> Result<Vec<Column>, ScenarioError> {
        let own = member.table.map(|(_, t)| t);
        let own_load = own.and_then(|t| t.load.as_deref());
        let own_generation = own.and_then(|t| t.generation.as_deref());
        let own_net = own.and_then(|t| t.net.as_deref());
        let general = self.table;
        if own_net.is_some() && (own_load.is_some() || own_generation.is_some()) {
            return Err(self.source.refuse(
                &member.at("net"),
                "net beside load or generation",
                "one or the other",
            ));
        }
        let gross = !general.load.is_empty() || !general.generation.is_empty();
        if gross && !general.net.is_empty() {
            return Err(self.source.refuse(
                keys!["profiles", "net"],
                "net beside load or generation",
                "one or the other",
            ));
        }
        let net = match own_net {
            Some(net) => net,
            None if own_load.is_some() || own_generation.is_some() => &[],
            None => &general.net,
        };
        let (load, generation) = if own_net.is_some() {
            (&[][..], &[][..])
        } else {
            (
                own_load.unwrap_or(&general.load),
                own_generation.unwrap_or(&general.generation),
            )
        };
        let mut columns = Vec::new();
        for (role, key, tables, is_own) in [
            (Role::Load, "load", load, own_load.is_some()),
            (
                Role::Generation,
                "generation",
                generation,
                own_generation.is_some(),
            ),
            (Role::Net, "net", net, own_net.is_some()),
        ] {
            for (i, table) in tables.iter().enumerate() {
                let at = match (is_own, member.table) {
                    (true, Some((home, _))) => keys!["homes", home, key, i].to_vec(),
                    _ => keys!["profiles", key, i].to_vec(),
                };
                columns.push(self.column(member, role, table, &at, manners)?);
            }
        }
        if columns.is_empty() {
            let problem = format!("home '{}' has no columns", member.name);
            return Err(self.source.refuse(
                &member.at("load"),
                problem,
                "load, generation or net, here or in [profiles]",
            ));
        }
        Ok(columns)
    }

    fn column(
        &self,
        member: &Member<'_>,
        role: Role,
        table: &ColumnTable,
        at: &[Key<'_>],
        manners: &mut Vec<Manner>,
    ) -> Result<Column, ScenarioError> {
        let refuse = |key: &'static str, problem: String, expected: &str| {
            Err(self
                .source
                .refuse(&[at, keys![key]].concat(), problem, expected))
        };
        let own = member.table.and_then(|(_, t)| t.file.as_ref());
        let Some(file) = table.file.as_ref().or(own).or(self.table.file.as_ref()) else {
            return refuse(
                "file",
                format!("home '{}' has no file", member.name),
                "file here, for the home or in [profiles]",
            );
        };
        if !table.scale.is_finite() || table.scale == 0.0 {
            return refuse(
                "scale",
                format!("found {}", table.scale),
                "a finite number other than 0",
            );
        }
        let per_kwp = || match member.kwp(self.table.kwp) {
            Some(kwp) => Ok(kwp),
            None => {
                let problem = format!("home '{}' has no kwp", member.name);
                Err(self.source.refuse(
                    &[at, keys!["unit"]].concat(),
                    problem,
                    "kwp for the home, its group or the profiles",
                ))
            }
        };
        let (factor, power) = match table.unit {
            Unit::Kwh | Unit::KwhRegister => (1_000.0, false),
            Unit::Wh | Unit::WhRegister => (1.0, false),
            Unit::Kw => (1_000.0, true),
            Unit::W => (1.0, true),
            Unit::WPerKwp => (per_kwp()?, true),
            Unit::KwPerKwp => (1_000.0 * per_kwp()?, true),
        };
        let measure = match table.unit {
            Unit::KwhRegister | Unit::WhRegister => Measure::Register,
            _ if power => Measure::Level,
            _ => Measure::Amount,
        };
        let named = |text: &str| text.replace("{home}", &member.name);
        let mut pick: Pick = table
            .only
            .iter()
            .map(|(column, text)| (column.clone(), named(text)))
            .collect();
        // A file of a single home needs no column that names it.
        let shared = table.file.is_none() && own.is_none();
        if let Some(column) = self.table.home_column.as_ref().filter(|_| shared) {
            if !table.only.contains_key(column) {
                pick.push((column.clone(), member.name.clone()));
            }
        }
        Ok(Column {
            file: self.places.find(&named(file)),
            manner: self.manner(member, table, at, manners)?,
            pick,
            want: Want {
                column: named(&table.column),
                measure,
                optional: table.optional,
            },
            role,
            factor: factor * table.scale,
            power,
        })
    }

    /// How a column's file is read, as an index.
    fn manner(
        &self,
        member: &Member<'_>,
        table: &ColumnTable,
        at: &[Key<'_>],
        manners: &mut Vec<Manner>,
    ) -> Result<usize, ScenarioError> {
        let home = member
            .table
            .map(|(i, t)| (vec![Key::Name("homes"), Key::Item(i)], t));
        let mut layers = vec![(at, table.written())];
        layers.extend(home.as_ref().map(|(path, t)| (&path[..], t.written())));
        let general = [Key::Name("profiles")];
        layers.push((&general, self.table.written()));
        let dialect = dialect::dialect(self.source, &layers)?;
        let own_at = [at, keys!["time"]].concat();
        let home_at = home
            .as_ref()
            .map(|(path, _)| [&path[..], keys!["time"]].concat())
            .unwrap_or_default();
        let (time, path) = match (
            &table.time,
            home.as_ref().and_then(|(_, t)| t.time.as_ref()),
        ) {
            (Some(time), _) => (time, &own_at[..]),
            (None, Some(time)) => (time, &home_at[..]),
            (None, None) => (&self.table.time, keys!["profiles", "time"]),
        };
        let time = timing::row_time(self.source, path, time, self.start, self.window_s)?;
        let manner = Manner {
            dialect,
            time,
            missing: self.table.missing,
            missing_key: "profiles.missing",
        };
        Ok(match manners.iter().position(|m| *m == manner) {
            Some(there) => there,
            None => {
                manners.push(manner);
                manners.len().saturating_sub(1)
            }
        })
    }

    /// A column's file, read at its first use and dropped after its last.
    fn data(
        &self,
        plans: &mut Plans,
        manners: &[Manner],
        column: &Column,
        findings: &mut Findings,
    ) -> Result<Rc<BTreeMap<Pick, CsvData>>, ScenarioError> {
        let key = (column.file.clone(), column.manner);
        let plan = plans.entry(key).or_default();
        let data = match (plan.data.take(), manners.get(column.manner)) {
            (Some(data), _) => data,
            (None, None) => Rc::default(),
            (None, Some(manner)) => {
                let all = csv_profile::read(&column.file, &plan.wants, manner)?;
                for data in all.values() {
                    if data.filled > 0 {
                        findings.filled.push((data.file.clone(), data.filled));
                    }
                    let named = |note| format!("{}: {note}", data.file.display());
                    findings.strange.extend(data.notes.iter().map(named));
                }
                Rc::new(all)
            }
        };
        plan.uses = plan.uses.saturating_sub(1);
        if plan.uses > 0 {
            plan.data = Some(Rc::clone(&data));
        }
        Ok(data)
    }

    /// Adds a column's energy per window to a home's.
    fn add(
        &self,
        column: &Column,
        data: &CsvData,
        span: &Span,
        sums: &mut Sums,
        most_kw: f64,
        findings: &mut Findings,
    ) -> Result<(), ScenarioError> {
        let step_hours = f64::from(data.step_s) / 3_600.0;
        let hours = if column.power { step_hours } else { 1.0 };
        let name = &column.want.column;
        let raw = data.column(&column.want).unwrap_or_default();
        let suspect = suspicion::Column {
            data,
            want: &column.want,
            values: raw,
            most_kw,
        };
        findings.strange.extend(suspect.looks());
        // A home without panels may have a column of them that holds nothing.
        let nothing = column.role == Role::Generation && raw.iter().all(|v| *v == 0.0);
        if !nothing {
            findings.strange.extend(suspect.stands_still());
        }
        let mut values = Vec::with_capacity(raw.len());
        for (step, value) in raw.iter().enumerate() {
            let wh = value * column.factor * hours;
            let beyond = wh.abs() > most_kw * 1_000.0 * step_hours;
            if wh < 0.0 && column.role != Role::Net {
                match self.table.negative {
                    Negative::Refuse => {
                        let expected =
                            "no negative energy (or profiles.negative = \"zero\", or a net column)";
                        let hint =
                            suspicion::error_value(*value).map(|h| format!("{expected}; {h}"));
                        let expected = hint.as_deref().unwrap_or(expected);
                        return Err(data.refuse(step, name, value.to_string(), expected));
                    }
                    Negative::Zero => {
                        findings.negative = findings.negative.saturating_add(1);
                        if beyond || suspicion::error_value(*value).is_some() {
                            findings.strange.push(suspect.strange(step, *value));
                        }
                    }
                }
                values.push(0.0);
            } else if beyond {
                let expected = suspect.at_most(*value);
                return Err(data.refuse(step, name, value.to_string(), &expected));
            } else {
                values.push(wh);
            }
        }
        findings.strange.extend(suspect.like_a_register(&values));
        if column.role == Role::Load {
            findings.strange.extend(suspect.too_small(&values));
        }
        let generates = match column.role {
            Role::Load => false,
            Role::Generation => values.iter().any(|wh| *wh > 0.0),
            Role::Net => values.iter().any(|wh| *wh < 0.0),
        };
        sums.generates |= generates;
        // Covered, so the steps fold.
        let windows = data.steps_with(&values).energy(span).unwrap_or_default();
        let sum = match column.role {
            Role::Load => &mut sums.load,
            Role::Generation => &mut sums.generation,
            Role::Net => &mut sums.net,
        };
        sum.resize(span.windows, 0.0);
        for (sum, wh) in sum.iter_mut().zip(windows) {
            *sum += wh;
        }
        if let Some(most) = sum
            .iter()
            .copied()
            .find(|wh| wh.abs() > f64::from(u32::MAX - 1))
        {
            return Err(ScenarioError::Extent {
                file: data.file.clone(),
                line: data.last_line,
                found: format!("{most} Wh in a window of column '{name}'"),
                expected: format!("at most {} Wh", u32::MAX - 1),
            });
        }
        Ok(())
    }

    /// Whole Wh per window; a net window is demand or generation by its sign.
    fn energy(
        &self,
        member: &Member<'_>,
        columns: &[Column],
        sums: Sums,
        findings: &mut Findings,
    ) -> Result<Energy, ScenarioError> {
        let generates = sums.generates;
        let windows = sums
            .load
            .len()
            .max(sums.generation.len())
            .max(sums.net.len());
        let booked = |values: &mut dyn Iterator<Item = f64>| {
            let mut carry = WhCarry::default();
            let mut out: Vec<u32> = values.map(|wh| carry.take(wh)).collect();
            out.resize(windows, 0);
            out
        };
        let (demand_wh, generation_wh) = if sums.net.is_empty() {
            (
                booked(&mut sums.load.into_iter()),
                booked(&mut sums.generation.into_iter()),
            )
        } else {
            findings.net_homes = findings.net_homes.saturating_add(1);
            let demand = booked(&mut sums.net.iter().map(|wh| wh.max(0.0)));
            (
                demand,
                booked(&mut sums.net.iter().map(|wh| (-wh).max(0.0))),
            )
        };
        let found = if generates {
            HomeKind::Pv
        } else {
            HomeKind::Consumer
        };
        let kind = match member.table.and_then(|(_, t)| t.kind) {
            Some(HomeKind::Consumer) if generates => {
                let column = columns
                    .iter()
                    .find(|c| c.role != Role::Load)
                    .map_or("", |c| c.want.column.as_str());
                let problem = format!("a consumer whose column '{column}' holds generation");
                return Err(self.source.refuse(
                    &member.at("kind"),
                    problem,
                    "another kind, or no generation",
                ));
            }
            Some(kind) => kind,
            None => found,
        };
        Ok(Energy {
            kind,
            demand_wh,
            generation_wh,
        })
    }
}

/// A home's energy in Wh per window before rounding; empty where there is no such column.
#[derive(Default)]
struct Sums {
    load: Vec<f64>,
    generation: Vec<f64>,
    net: Vec<f64>,
    generates: bool,
}
