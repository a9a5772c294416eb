//! What a scenario needs to know to read a file, as its keys say it.

use super::layout::Layout;
use super::ColumnFound;
use crate::csv_profile::Manner;
use crate::file::{ClockChange, Stamp};
use crate::stamps::{Clock, StampFormat, UNIX};
use crate::timing::{RowTime, Stamped};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// The format as a scenario says it.
pub(super) fn format_name(stamped: &Stamped) -> String {
    match &stamped.format {
        StampFormat::Iso => "rfc3339".into(),
        StampFormat::IsoLocal(_) => "ISO 8601 without an offset (no format key)".into(),
        StampFormat::Unix(parts) => UNIX
            .iter()
            .find(|(_, p)| p == parts)
            .map_or_else(String::new, |(name, _)| (*name).to_string()),
        StampFormat::WithOffset(pattern)
        | StampFormat::Local(pattern, _)
        | StampFormat::Hours(pattern, _) => pattern.clone(),
    }
}

/// The keys of the time table, without a start where rows have no stamps.
fn time(manner: &Manner) -> Vec<String> {
    let mut lines = Vec::new();
    let stamped = match &manner.time {
        RowTime::Stamped(stamped) => stamped,
        RowTime::Counted { step_s, .. } => return vec![format!("step_s = {step_s}")],
    };
    match &stamped.columns[..] {
        [column] => lines.push(format!("column = {}", quoted(column))),
        several => {
            let names: Vec<String> = several.iter().map(|c| quoted(c)).collect();
            lines.push(format!("columns = [{}]", names.join(", ")));
        }
    }
    match &stamped.format {
        StampFormat::Iso | StampFormat::IsoLocal(_) => {}
        _ => lines.push(format!("format = {}", quoted(&format_name(stamped)))),
    }
    match stamped.format.clock() {
        Some(Clock::Named(zone)) => lines.push(format!("zone = {}", quoted(zone.name()))),
        Some(Clock::Fixed(offset)) => lines.push(format!("zone = {}", quoted(&offset.to_string()))),
        None => {}
    }
    match stamped.stamp {
        Stamp::Start => {}
        Stamp::End => lines.push("stamp = \"end\"".into()),
        Stamp::Interval => lines.push("stamp = \"interval\"".into()),
    }
    if stamped.across {
        lines.push("across = true".into());
    }
    if stamped.shift_s != 0 {
        lines.push(format!("shift_s = {}", stamped.shift_s));
    }
    if stamped.tolerance_s > 0 {
        lines.push(format!("tolerance_s = {}", stamped.tolerance_s));
    }
    if stamped.clock_change == ClockChange::SameRows {
        lines.push("clock_change = \"same_rows\"".into());
    }
    lines
}

/// A column as a list of columns holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Taken {
    /// Its header; `{home}` stands for the home's name.
    pub(super) column: String,
    /// Unit and factor, as keys.
    unit: String,
}

impl Taken {
    fn of(column: &str, found: &ColumnFound) -> Self {
        #[allow(clippy::float_cmp, reason = "a factor as it was set")]
        let unit = match found.scale == 1.0 {
            true => format!("unit = {}", quoted(found.unit)),
            false => format!("unit = {}, scale = {}", quoted(found.unit), found.scale),
        };
        Self {
            column: column.into(),
            unit,
        }
    }

    /// The keys, with further ones.
    pub(super) fn keys(&self, more: &[String]) -> String {
        let mut keys = vec![
            format!("column = {}", quoted(&self.column)),
            self.unit.clone(),
        ];
        keys.extend(more.iter().cloned());
        keys.join(", ")
    }

    /// Unit and factor on lines of their own.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut all = vec![format!("column = {}", quoted(&self.column))];
        all.extend(self.unit.split(", ").map(str::to_string));
        all
    }

    pub(super) fn per_kwp(&self) -> bool {
        self.unit.contains("per kWp")
    }
}

/// The homes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Homes {
    /// It is a home's own.
    One,
    /// A column names them.
    Rows(String, Vec<String>),
    /// Each has a column of its own, whose header holds its name.
    Columns(Vec<String>),
}

/// What a scenario needs to know of a file.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) file: PathBuf,
    /// How it is written, key by key, as TOML.
    pub(super) written: BTreeMap<&'static str, String>,
    /// How its rows are placed in time.
    pub(super) time: Vec<String>,
    /// First second, and the first after the last step, where rows have stamps.
    pub(super) extent: Option<(i64, i64)>,
    pub(super) step_s: u32,
    pub(super) steps: usize,
    pub(super) missing: bool,
    /// Generation or demand goes a little below 0.
    pub(super) below: bool,
    /// What it holds of homes is the same in every row.
    pub(super) still: bool,
    /// What stands for a missing value.
    pub(super) markers: BTreeSet<String>,
    pub(super) homes: Homes,
    pub(super) load: Vec<Taken>,
    pub(super) generation: Vec<Taken>,
    pub(super) net: Vec<Taken>,
    pub(super) price: Option<Taken>,
    pub(super) carbon: Option<Taken>,
    /// Columns that were not taken, for who knows the file.
    pub(super) besides: Vec<String>,
}

impl Reading {
    /// What was found in a file, as a scenario says it.
    pub(super) fn of(
        file: &Path,
        layout: &Layout,
        manner: &Manner,
        homes: Option<&(String, Vec<String>)>,
        columns: &[ColumnFound],
    ) -> Self {
        let mut written = BTreeMap::new();
        for (key, value) in layout.written() {
            let value = match key {
                "skip" | "footer" => value,
                "header" => {
                    let names = layout.dialect.header.iter().flatten().map(|n| quoted(n));
                    format!("[{}]", names.collect::<Vec<_>>().join(", "))
                }
                _ => quoted(&value),
            };
            written.insert(key, value);
        }
        let mut reading = Self {
            file: file.into(),
            written,
            time: time(manner),
            extent: None,
            step_s: 900,
            steps: 0,
            missing: false,
            below: false,
            still: false,
            markers: manner.dialect.markers.iter().cloned().collect(),
            homes: homes.map_or(Homes::One, |(c, all)| Homes::Rows(c.clone(), all.clone())),
            load: Vec::new(),
            generation: Vec::new(),
            net: Vec::new(),
            price: None,
            carbon: None,
            besides: Vec::new(),
        };
        reading.take(columns);
        reading
    }

    fn take(&mut self, columns: &[ColumnFound]) {
        let of = |role: &str| -> Vec<&ColumnFound> {
            columns.iter().filter(|c| c.role == role).collect()
        };
        for (role, place) in [("price", &mut self.price), ("carbon", &mut self.carbon)] {
            if let Some((first, others)) = of(role).split_first() {
                *place = Some(Taken::of(&first.name, first));
                self.besides
                    .extend(others.iter().map(|o| Taken::of(&o.name, o).keys(&[])));
            }
        }
        if self.homes == Homes::One {
            if let Some(wide) = super::wide::homes(columns) {
                self.homes = Homes::Columns(wide.names);
                self.load = wide
                    .load
                    .map(|(c, f)| Taken::of(&c, f))
                    .into_iter()
                    .collect();
                let generation = wide.generation.map(|(c, f)| Taken::of(&c, f));
                self.generation = generation.into_iter().collect();
                self.net = wide
                    .net
                    .map(|(c, f)| Taken::of(&c, f))
                    .into_iter()
                    .collect();
                return;
            }
        }
        let (mut load, generation, net) = (of("load"), of("generation"), of("net"));
        if load.is_empty() && generation.is_empty() && net.is_empty() {
            // A single column of numbers is what the file is about, whatever it is called.
            load = of("unknown");
            load.truncate(usize::from(load.len() == 1));
        }
        let gross = !(load.is_empty() && generation.is_empty());
        let roles = match gross {
            true => vec![(load, &mut self.load), (generation, &mut self.generation)],
            false => vec![(net, &mut self.net)],
        };
        for (all, place) in roles {
            let Some(first) = all.first() else { continue };
            #[allow(clippy::float_cmp, reason = "the same value as written")]
            let same = first.least == first.most;
            self.still |= same && first.role != "generation";
            // Registers of two tariffs make one meter.
            let together = super::wide::tariffs(&all);
            for column in &all {
                let taken = Taken::of(&column.name, column);
                if column.name == first.name || together.contains(&column.name.as_str()) {
                    place.push(taken);
                } else {
                    self.besides.push(taken.keys(&[]));
                }
            }
        }
    }

    /// True for a file of homes.
    pub(super) fn of_homes(&self) -> bool {
        !(self.load.is_empty() && self.net.is_empty())
    }

    /// True for a file of generation alone.
    pub(super) fn of_a_roof(&self) -> bool {
        !self.of_homes() && !self.generation.is_empty()
    }

    pub(super) fn stem(&self) -> String {
        let stem = self.file.file_stem();
        stem.map_or_else(String::new, |s| s.to_string_lossy().into_owned())
    }
}
