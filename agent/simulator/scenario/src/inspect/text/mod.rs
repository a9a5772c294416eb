//! The scenario that reads one file, or several that belong together, as text to paste.

use crate::generate::is_window;
use crate::inspect::mapping::{quoted, Homes, Reading, Taken};
use crate::inspect::wide::varying;
use crate::resample::Fit;
use crate::stamps::shown;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

mod parts;

/// A scenario, and what was guessed on the way.
#[derive(Clone, Debug, Default)]
pub(in crate::inspect) struct Draft {
    pub(in crate::inspect) text: String,
    pub(in crate::inspect) remarks: Vec<String>,
}

/// Keys that prices do not inherit from the profiles.
const OWN_LAYOUT: [&str; 3] = ["skip", "footer", "header"];
/// Most files that a message names.
const NAMED: usize = 4;

/// A file's path from the folder that the scenario stands in, with slashes.
fn path(reading: &Reading, base: &Path) -> String {
    let inner = reading.file.strip_prefix(base).unwrap_or(&reading.file);
    let parts: Vec<String> = inner
        .components()
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}

/// A few names, and how many more there are.
pub(in crate::inspect) fn some(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(NAMED).cloned().collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len().saturating_sub(NAMED)));
    }
    shown.join(", ")
}

/// Keys of how a file is written that differ from those of the profiles.
fn beside(own: &Reading, general: &Reading, inherits: bool) -> Vec<String> {
    let default = |key: &str| match key {
        "delimiter" => Some("\",\""),
        "decimal" => Some("\".\""),
        "thousands" => Some("\" \""),
        "encoding" => Some("\"utf-8\""),
        "skip" | "footer" => Some("0"),
        _ => None,
    };
    let keys: BTreeSet<&str> = own
        .written
        .keys()
        .chain(general.written.keys())
        .copied()
        .collect();
    let mut all = Vec::new();
    for key in keys {
        let inherited = inherits || !OWN_LAYOUT.contains(&key);
        let there = general.written.get(key).filter(|_| inherited);
        match (own.written.get(key), there) {
            (Some(value), there) if there != Some(value) => all.push(format!("{key} = {value}")),
            (None, Some(_)) => all.extend(default(key).map(|value| format!("{key} = {value}"))),
            _ => {}
        }
    }
    all
}

/// A list of columns as a value.
fn list(columns: &[Taken], optional: bool, more: &[String]) -> String {
    let all: Vec<String> = columns
        .iter()
        .map(|column| {
            let optional = optional.then(|| "optional = true".to_string());
            let more: Vec<String> = more.iter().cloned().chain(optional).collect();
            format!("{{ {} }}", column.keys(&more))
        })
        .collect();
    format!("[{}]", all.join(", "))
}

/// What makes homes alike, so that one mapping reads them.
fn manner(
    reading: &Reading,
) -> (
    &BTreeMap<&'static str, String>,
    &[String],
    &[Taken],
    &[Taken],
) {
    (&reading.written, &reading.time, &reading.load, &reading.net)
}

/// A scenario on its way.
struct Making<'a> {
    base: &'a Path,
    /// Files of homes.
    homes: Vec<&'a Reading>,
    /// Files of generation that belong to homes.
    roofs: Vec<&'a Reading>,
    prices: Vec<&'a Reading>,
    carbon: Option<&'a Reading>,
    remarks: Vec<String>,
}

/// Writes the scenario; paths start from `base`.
///
/// # Errors
/// Why the files make no scenario together.
pub(in crate::inspect) fn scenario(
    name: &str,
    readings: &[&Reading],
    base: &Path,
) -> Result<Draft, String> {
    let of = |is: &dyn Fn(&Reading) -> bool| -> Vec<&Reading> {
        readings.iter().copied().filter(|r| is(r)).collect()
    };
    let (mut homes, mut roofs) = (of(&Reading::of_homes), of(&Reading::of_a_roof));
    if homes.is_empty() {
        homes = std::mem::take(&mut roofs);
    }
    let mut remarks = Vec::new();
    let (still, moving): (Vec<&Reading>, Vec<&Reading>) = homes.iter().partition(|r| r.still);
    if !(still.is_empty() || moving.is_empty()) {
        let names: Vec<String> = still.iter().map(|r| path(r, base)).collect();
        remarks.push(format!(
            "left out, because the same value stands in every row: {}",
            some(&names)
        ));
        homes = moving;
    }
    let mut making = Making {
        base,
        homes,
        roofs,
        prices: of(&|r| r.price.is_some()),
        carbon: of(&|r| r.carbon.is_some()).first().copied(),
        remarks,
    };
    let mut out = vec![format!("name = {}", quoted(name))];
    if making.homes.is_empty() {
        if making.prices.is_empty() && making.carbon.is_none() {
            return Err("no file holds the energy of homes".into());
        }
        // Prices alone: the part of a scenario that they are.
        making.tariffs(&mut out, None);
    } else {
        let general = making.general()?;
        making.in_turn()?;
        let window_s = making.window()?;
        out.push(format!("window_s = {window_s}"));
        making.span(i64::from(window_s), &mut out)?;
        making.profiles(&mut out, general);
        making.tariffs(&mut out, Some(general));
    }
    Ok(Draft {
        text: out.join("\n") + "\n",
        remarks: making.remarks,
    })
}

impl<'a> Making<'a> {
    /// The file whose manner is that of the profiles: the table of homes, or one of the largest group of like files.
    fn general(&self) -> Result<&'a Reading, String> {
        let tables: Vec<&'a Reading> = self
            .homes
            .iter()
            .copied()
            .filter(|r| r.homes != Homes::One)
            .collect();
        match &tables[..] {
            [] => {}
            [table] => return Ok(table),
            several => {
                let names: Vec<String> = several.iter().map(|r| path(r, self.base)).collect();
                return Err(format!(
                    "several files hold several homes each ({}): a scenario reads one such table",
                    some(&names)
                ));
            }
        }
        let alike = |reading: &Reading| {
            self.homes
                .iter()
                .filter(|r| manner(r) == manner(reading))
                .count()
        };
        let most = self.homes.iter().copied().rev().max_by_key(|r| alike(r));
        most.ok_or_else(|| "no file holds the energy of homes".into())
    }

    /// Refuses files of the same homes one after the other.
    fn in_turn(&self) -> Result<(), String> {
        let mut all: Vec<((i64, i64), &Reading)> = self
            .homes
            .iter()
            .filter_map(|r| Some((r.extent?, *r)))
            .collect();
        all.sort_by_key(|(extent, _)| *extent);
        let parted = all
            .windows(2)
            .all(|p| matches!(p, [(a, _), (b, _)] if a.1 <= b.0));
        match &all[..] {
            [(a, first), (b, second), ..] if parted => Err(format!(
                "the files follow one another ({} ends at {}, {} begins at {}): a scenario reads a home's rows from one file; join them",
                path(first, self.base),
                shown(a.1),
                path(second, self.base),
                shown(b.0)
            )),
            _ => Ok(()),
        }
    }

    /// Files whose steps the windows have to meet.
    fn placed(&self) -> impl Iterator<Item = &'a Reading> + '_ {
        self.homes.iter().chain(&self.roofs).copied()
    }

    /// A window that fits the steps of all: the commonest step, or a length that all divide or are multiples of.
    fn window(&self) -> Result<u32, String> {
        let steps: BTreeSet<u32> = self.placed().map(|r| r.step_s).collect();
        let common = |step: &u32| self.homes.iter().filter(|r| r.step_s == *step).count();
        let mut tried: Vec<u32> = steps.iter().copied().collect();
        tried.sort_by_key(|step| std::cmp::Reverse(common(step)));
        tried.extend([1_800, 900, 3_600, 300, 60]);
        // Steps have to meet the edges of windows, which are those of UTC.
        let meets = |reading: &Reading, window: u32| {
            let unit = i64::from(reading.step_s.min(window));
            reading
                .extent
                .is_none_or(|(start, _)| start.checked_rem(unit) == Some(0))
        };
        let fits = |window: &u32| {
            is_window(*window)
                && *window <= 3_600
                && steps.iter().all(|s| Fit::of(*s, *window).is_some())
                && self.placed().all(|r| meets(r, *window))
        };
        tried.into_iter().find(fits).ok_or_else(|| {
            let all: Vec<String> = steps.iter().map(|s| format!("{s} s")).collect();
            format!(
                "no window fits steps of {} that begin when they do",
                all.join(", ")
            )
        })
    }

    /// What all files have in common, if that is less than each holds.
    fn span(&mut self, window_s: i64, out: &mut Vec<String>) -> Result<(), String> {
        let extents: Vec<((i64, i64), &Reading)> =
            self.placed().filter_map(|r| Some((r.extent?, r))).collect();
        let late = extents.iter().max_by_key(|(e, _)| e.0);
        let soon = extents.iter().min_by_key(|(e, _)| e.1);
        let (Some((late, begins)), Some((soon, ends))) = (late, soon) else {
            return Ok(());
        };
        if extents.iter().all(|(e, _)| e == late) {
            return Ok(());
        }
        let past = late.0.checked_rem_euclid(window_s).unwrap_or(0);
        let start = match past {
            0 => late.0,
            past => late.0.saturating_add(window_s.saturating_sub(past)),
        };
        let days = soon
            .1
            .saturating_sub(start)
            .checked_div(86_400)
            .unwrap_or(0);
        let (begins, ends) = (path(begins, self.base), path(ends, self.base));
        if days < 1 {
            return Err(format!(
                "the files have less than a day in common: {begins} begins at {}, {ends} ends at {}",
                shown(late.0),
                shown(soon.1)
            ));
        }
        out.push(format!("start = {}", quoted(&shown(start))));
        out.push(format!("days = {days}"));
        self.remarks.push(format!(
            "start and days are what all files have in common: {begins} begins last, at {}, and {ends} ends first, at {}",
            shown(late.0),
            shown(soon.1)
        ));
        Ok(())
    }

    /// The homes' names, by their files; the part of the name that differs, if that tells them apart.
    fn names(&self, general: &Reading) -> (String, Vec<(String, &'a Reading)>) {
        let single: Vec<&'a Reading> = self
            .homes
            .iter()
            .copied()
            .filter(|r| r.homes == Homes::One)
            .collect();
        let alike: Vec<&'a Reading> = single
            .iter()
            .copied()
            .filter(|r| manner(r) == manner(general))
            .collect();
        let paths: Vec<String> = alike.iter().map(|r| path(r, self.base)).collect();
        let texts: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut named: Vec<(String, &'a Reading)> = Vec::new();
        let mut pattern = String::new();
        match (&alike[..], varying(&texts)) {
            (_, Some((head, parts, tail))) if alike.len() > 1 => {
                pattern = format!("{head}{{home}}{tail}");
                named.extend(parts.into_iter().zip(alike.iter().copied()));
            }
            ([only], _) => {
                pattern = path(only, self.base);
                named.push((only.stem(), only));
            }
            _ => {}
        }
        let mut taken: BTreeSet<String> = named.iter().map(|(n, _)| n.clone()).collect();
        for reading in single {
            if named.iter().any(|(_, r)| std::ptr::eq(*r, reading)) {
                continue;
            }
            let mut name = reading.stem();
            if !taken.insert(name.clone()) {
                name = path(reading, self.base);
                taken.insert(name.clone());
            }
            named.push((name, reading));
        }
        (pattern, named)
    }

    fn profiles(&mut self, out: &mut Vec<String>, general: &'a Reading) {
        let (pattern, named) = self.names(general);
        let all_readings: Vec<&Reading> = self.homes.iter().chain(&self.roofs).copied().collect();
        out.push(String::new());
        out.push("[profiles]".into());
        let file = match &general.homes {
            Homes::One => pattern.clone(),
            _ => path(general, self.base),
        };
        if !file.is_empty() {
            out.push(format!("file = {}", quoted(&file)));
        }
        let alike = |r: &Reading| manner(r) == manner(general) && !pattern.is_empty();
        let mut names: Vec<String> = Vec::new();
        match &general.homes {
            Homes::One => {
                let of_pattern = named.iter().filter(|(_, r)| alike(r));
                names.extend(of_pattern.map(|(name, _)| name.clone()));
            }
            Homes::Rows(column, homes) => {
                out.push(format!("home_column = {}", quoted(column)));
                names.extend(homes.iter().cloned());
            }
            Homes::Columns(homes) => names.extend(homes.iter().cloned()),
        }
        let quoted_names: Vec<String> = names.iter().map(|n| quoted(n)).collect();
        out.push(format!("homes = [{}]", quoted_names.join(", ")));
        out.extend(
            general
                .written
                .iter()
                .map(|(key, value)| format!("{key} = {value}")),
        );
        let markers: BTreeSet<&String> = all_readings.iter().flat_map(|r| &r.markers).collect();
        if !markers.is_empty() {
            let all: Vec<String> = markers.iter().map(|m| quoted(m)).collect();
            out.push(format!("markers = [{}]", all.join(", ")));
        }
        if all_readings.iter().any(|r| r.missing) {
            out.push("missing = \"previous\"".into());
        }
        if all_readings.iter().any(|r| r.below) {
            out.push(
                "negative = \"zero\"               # a little below 0 is taken as nothing".into(),
            );
        }
        if all_readings
            .iter()
            .any(|r| r.generation.iter().any(Taken::per_kwp))
        {
            out.push("kwp = 5.0                         # what is installed: yours".into());
        }
        if !general.load.is_empty() {
            out.push(format!("load = {}", list(&general.load, false, &[])));
        }
        let group: Vec<&Reading> = named.iter().map(|(_, r)| *r).filter(|r| alike(r)).collect();
        let generation = group.iter().map(|r| &r.generation).find(|g| !g.is_empty());
        let generation = generation.unwrap_or(&general.generation).clone();
        if !generation.is_empty() {
            let table = general.homes != Homes::One;
            let optional = table || group.iter().any(|r| r.generation.is_empty());
            out.push(format!("generation = {}", list(&generation, optional, &[])));
        }
        if !general.net.is_empty() {
            out.push(format!("net = {}", list(&general.net, false, &[])));
        }
        if let Homes::Columns(_) = general.homes {
            self.remarks.push(
                "each column is taken for a home of its own; parts of one home belong into one list: load = [{ column = … }, { column = … }]"
                    .into(),
            );
        }
        out.extend(
            general
                .besides
                .iter()
                .map(|other| format!("#   or besides: {{ {other} }}")),
        );
        out.push(String::new());
        out.push("[profiles.time]".into());
        out.extend(general.time.iter().cloned());
        if general.extent.is_none() {
            let start = self.placed().find_map(|r| r.extent).map(|(start, _)| start);
            let start = start.map_or_else(|| "2026-01-01T00:00:00Z".to_string(), shown);
            out.push(format!(
                "start = {}    # of the first row: check, and the step",
                quoted(&start)
            ));
        }
        let roofs = self.roofs_of(&named, &names);
        let own = named.iter().filter(|(_, r)| !alike(r));
        let mut own: Vec<(String, Option<&Reading>)> =
            own.map(|(n, r)| (n.clone(), Some(*r))).collect();
        for name in roofs.keys() {
            if !own.iter().any(|(n, _)| n == name) {
                own.push((name.clone(), None));
            }
        }
        for (name, reading) in own {
            self.home(
                out,
                &name,
                reading,
                roofs.get(&name).copied(),
                (general, &generation),
            );
        }
    }

    /// A home with settings of its own: its file, where it is written otherwise, and its roof.
    fn home(
        &self,
        out: &mut Vec<String>,
        name: &str,
        reading: Option<&Reading>,
        roof: Option<&Reading>,
        (general, generation): (&Reading, &[Taken]),
    ) {
        out.push(String::new());
        out.push("[[homes]]".into());
        out.push(format!("name = {}", quoted(name)));
        if let Some(own) = reading {
            out.push(format!("file = {}", quoted(&path(own, self.base))));
            out.extend(beside(own, general, true));
            if !own.load.is_empty() {
                out.push(format!("load = {}", list(&own.load, false, &[])));
            }
            if !own.net.is_empty() {
                out.push(format!("net = {}", list(&own.net, false, &[])));
            }
        }
        match (roof, reading) {
            (Some(roof), _) => {
                let mut more = vec![format!("file = {}", quoted(&path(roof, self.base)))];
                more.extend(beside(roof, general, true));
                if roof.time != general.time {
                    more.push(format!("time = {{ {} }}", time_of(roof)));
                }
                out.push(format!(
                    "generation = {}",
                    list(&roof.generation, false, &more)
                ));
            }
            (None, Some(own)) if own.net.is_empty() && (own.generation != generation) => {
                out.push(format!(
                    "generation = {}",
                    list(&own.generation, false, &[])
                ));
            }
            _ => {}
        }
        if let Some(own) = reading.filter(|r| r.time != general.time) {
            out.push(format!("time = {{ {} }}", time_of(own)));
        }
    }
}

/// The time keys of a file in one line.
fn time_of(reading: &Reading) -> String {
    let mut keys = reading.time.clone();
    if reading.extent.is_none() {
        keys.push("start = \"2026-01-01T00:00:00Z\"".into());
    }
    keys.join(", ")
}
