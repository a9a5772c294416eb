//! Homes from CSV profiles.

use crate::coverage::{covers, same_extent, Extent};
use crate::csv_profile::{self, CsvData, Dialect, RowTime};
use crate::errors::ScenarioError;
use crate::file::{ColumnTable, Negative, ProfilesTable, Unit};
use crate::model::HomeKind;
use crate::paths::Places;
use crate::resample::{Fit, Span, WhCarry};
use crate::roster::Member;
use crate::source::{keys, Key, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

/// Most energy in one step that is taken for a home's, Wh.
const MOST_WH: f64 = 1e9;

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
    name: String,
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
    pub(crate) dialect: &'a Dialect,
    pub(crate) time: &'a RowTime,
}

/// A file's columns and how many homes still need it.
#[derive(Default)]
struct Plan {
    columns: BTreeSet<String>,
    uses: usize,
    data: Option<Rc<CsvData>>,
}

/// What was found on the way, for the notes.
#[derive(Default)]
struct Findings {
    fits: BTreeSet<(u32, Fit)>,
    filled: Vec<(PathBuf, u64)>,
    negative: u64,
    net_homes: usize,
}

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
        let mut plans: BTreeMap<PathBuf, Plan> = BTreeMap::new();
        let mut homes = Vec::with_capacity(members.len());
        for member in members {
            let columns = self.columns(member)?;
            for column in &columns {
                let plan = plans.entry(column.file.clone()).or_default();
                plan.columns.insert(column.name.clone());
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
                let data = self.data(&mut plans, column, &mut findings)?;
                let (span, reference) = match &run {
                    Some(run) => run,
                    None => {
                        let extent = Extent::of(&data);
                        run.insert((span(&extent)?, extent))
                    }
                };
                if same_end {
                    same_extent(&data, reference, same_start)?;
                }
                let fit = covers(&data, span)?;
                findings.fits.insert((data.step_s, fit));
                self.add(column, &data, span, &mut sums, &mut findings)?;
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
        findings.describe(&span, self.table, notes);
        Ok((span, all))
    }

    /// The columns of a home.
    fn columns(&self, member: &Member<'_>) -> Result<Vec<Column>, ScenarioError> {
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
                columns.push(self.column(member, role, table, &at)?);
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
            Unit::Kwh => (1_000.0, false),
            Unit::Wh => (1.0, false),
            Unit::Kw => (1_000.0, true),
            Unit::W => (1.0, true),
            Unit::WPerKwp => (per_kwp()?, true),
            Unit::KwPerKwp => (1_000.0 * per_kwp()?, true),
        };
        Ok(Column {
            file: self.places.find(&file.replace("{home}", &member.name)),
            name: table.column.replace("{home}", &member.name),
            role,
            factor: factor * table.scale,
            power,
        })
    }

    /// A column's file, read at its first use and dropped after its last.
    fn data(
        &self,
        plans: &mut BTreeMap<PathBuf, Plan>,
        column: &Column,
        findings: &mut Findings,
    ) -> Result<Rc<CsvData>, ScenarioError> {
        let plan = plans.entry(column.file.clone()).or_default();
        let data = match plan.data.take() {
            Some(data) => data,
            None => {
                let data = csv_profile::read(&column.file, &plan.columns, self.time, self.dialect)?;
                if data.filled > 0 {
                    findings.filled.push((data.file.clone(), data.filled));
                }
                Rc::new(data)
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
        findings: &mut Findings,
    ) -> Result<(), ScenarioError> {
        let hours = if column.power {
            f64::from(data.step_s) / 3_600.0
        } else {
            1.0
        };
        let raw = data.column(&column.name).unwrap_or_default();
        let mut values = Vec::with_capacity(raw.len());
        for (step, value) in raw.iter().enumerate() {
            let wh = value * column.factor * hours;
            if wh.abs() > MOST_WH {
                return Err(data.refuse(
                    step,
                    &column.name,
                    value.to_string(),
                    "at most 1 GWh in a step",
                ));
            }
            if wh < 0.0 && column.role != Role::Net {
                match self.table.negative {
                    Negative::Refuse => {
                        let expected =
                            "no negative energy (or profiles.negative = \"zero\", or a net column)";
                        return Err(data.refuse(step, &column.name, value.to_string(), expected));
                    }
                    Negative::Zero => findings.negative = findings.negative.saturating_add(1),
                }
                values.push(0.0);
            } else {
                values.push(wh);
            }
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
                found: format!("{most} Wh in a window of column '{}'", column.name),
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
                    .map_or("", |c| c.name.as_str());
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

impl Findings {
    fn describe(&self, span: &Span, table: &ProfilesTable, notes: &mut Vec<String>) {
        for (step_s, fit) in &self.fits {
            let window_s = span.window_s;
            match fit {
                Fit::Same => {}
                Fit::Finer(n) => {
                    notes.push(format!("profiles: {n} steps of {step_s} s are added up to each window of {window_s} s"));
                }
                Fit::Coarser(n) => notes.push(format!(
                    "profiles: steps of {step_s} s are spread evenly over {n} windows of {window_s} s \
                     (whole Wh, the remainder carried)"
                )),
            }
        }
        let filled: u64 = self.filled.iter().map(|(_, n)| n).sum();
        if filled > 0 {
            let how = format!("{:?}", table.missing).to_lowercase();
            let mut files: Vec<String> = self
                .filled
                .iter()
                .take(5)
                .map(|(f, n)| format!("{}: {n}", f.display()))
                .collect();
            if self.filled.len() > files.len() {
                files.push("…".into());
            }
            notes.push(format!(
                "profiles: {filled} missing values filled ({how}; {})",
                files.join(", ")
            ));
        }
        if self.negative > 0 {
            notes.push(format!(
                "profiles: {} negative values taken as zero",
                self.negative
            ));
        }
        if self.net_homes > 0 {
            notes.push(format!(
                "profiles: {} homes are known by their net import only; what they use of their own \
                 generation within a window is not in demand or generation",
                self.net_homes
            ));
        }
    }
}
