//! What the columns of a file mean: stamps, homes, energies, powers, prices.

use super::layout::{Layout, MOST_HOMES};
use super::roles;
use crate::csv_profile::{CsvData, Measure, Want};
use crate::dialect::Cell;
use crate::file::{ClockChange, Stamp};
use crate::stamps::{guess, interval, Clock, Moment, StampFormat, UNIX};
use crate::timing::Stamped;
use chrono::Timelike;
use std::collections::BTreeSet;

/// Rows by which columns are judged.
const JUDGED: usize = 60;

/// What a column of numbers seems to be.
#[derive(Clone, Debug)]
pub(super) struct Guess {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) unit: &'static str,
    /// Factor on its values.
    pub(super) scale: f64,
    /// The name says the unit.
    pub(super) named: bool,
    /// The name says the role.
    pub(super) sure: bool,
}

impl Guess {
    /// As it is read.
    pub(super) fn want(&self) -> Want {
        Want {
            column: self.name.clone(),
            measure: match self.unit {
                "kWh register" | "Wh register" => Measure::Register,
                "kWh" | "Wh" => Measure::Amount,
                _ => Measure::Level,
            },
            optional: false,
        }
    }

    /// Where the name says no unit, the size of the values does: homes use a few hundred W.
    pub(super) fn by_size(&self, values: &[f64], step_s: u32) -> Self {
        let mut guess = self.clone();
        if self.named || matches!(self.role, "price" | "carbon" | "other") {
            return guess;
        }
        let mean = values.iter().map(|v| v.abs()).sum::<f64>() / values.len().max(1) as f64;
        let hours = f64::from(step_s) / 3_600.0;
        // Mean powers in kW that the units would mean; the one nearest to 0.35 kW on a scale of ratios.
        let candidates = [
            ("kWh", mean / hours),
            ("Wh", mean / 1_000.0 / hours),
            ("W", mean / 1_000.0),
        ];
        let distance = |kw: f64| (kw.max(1e-12) / 0.35).ln().abs();
        if let Some((unit, _)) = candidates
            .into_iter()
            .min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))
        {
            guess.unit = unit;
        }
        guess
    }
}

/// Texts of a column in the first rows.
fn sample(layout: &Layout, at: usize) -> Vec<&str> {
    layout
        .rows
        .iter()
        .take(JUDGED)
        .filter_map(|r| r.get(at))
        .map(|c| c.trim())
        .collect()
}

fn reads(format: &StampFormat, texts: &[&str]) -> bool {
    !texts.is_empty() && texts.iter().all(|t| format.read(t).is_some())
}

/// A format that reads all of these.
fn format_of(texts: &[&str], clock: Clock) -> Option<StampFormat> {
    let in_this_age = |parts: i64| {
        texts.iter().all(|t| {
            matches!(StampFormat::Unix(parts).read(t), Some(Moment::At(at)) if (500_000_000..5_000_000_000).contains(&at))
        })
    };
    let unix = UNIX
        .iter()
        .find(|(_, parts)| in_this_age(*parts) && !texts.is_empty());
    if let Some((_, parts)) = unix {
        return Some(StampFormat::Unix(*parts));
    }
    let iso = [StampFormat::Iso, StampFormat::IsoLocal(clock)];
    // Eight digits alone may be any number.
    let marked = texts.iter().all(|t| t.contains(['-', ':', '/', '.']));
    if let Some(format) = iso.into_iter().find(|f| marked && reads(f, texts)) {
        return Some(format);
    }
    let pattern = guess::patterns(texts).into_iter().next()?;
    Some(StampFormat::Local(pattern.into(), clock))
}

/// A format that reads a column; eight digits are a date where the name says so.
fn date_of(name: &str, texts: &[&str], clock: Clock) -> Option<StampFormat> {
    format_of(texts, clock).or_else(|| {
        let lower = name.to_lowercase();
        let date = ["date", "datum", "day", "tag", "fecha"]
            .iter()
            .any(|w| lower.contains(w))
            || lower == "d";
        let format = StampFormat::Local("%Y%m%d".into(), clock);
        let eight = texts.iter().all(|t| t.len() == 8);
        (date && eight && reads(&format, texts)).then_some(format)
    })
}

/// Year, month, day and hour in columns of their own, the pattern, and what the stamps mark.
fn parts(layout: &Layout) -> Option<(Vec<String>, &'static str, Stamp)> {
    let find = |names: &[&str]| {
        let at = layout
            .header
            .iter()
            .position(|h| names.contains(&h.to_lowercase().as_str()))?;
        let numbers = sample(layout, at);
        let whole = !numbers.is_empty() && numbers.iter().all(|t| t.parse::<u16>().is_ok());
        whole.then(|| layout.header.get(at).cloned()).flatten()
    };
    let year = find(&["year", "yyyy", "y", "jahr", "año", "année"])?;
    let month = find(&["month", "mm", "m", "monat", "mes", "mois"])?;
    let day = find(&["day", "dd", "d", "tag", "día", "jour"])?;
    let hour = find(&["hour", "hh", "h", "hr", "stunde", "hora", "heure"])?;
    let at = layout.header.iter().position(|h| *h == hour)?;
    let stamp = ends(layout, at);
    let mut columns = vec![year, month, day, hour];
    Some(match find(&["minute", "min", "minutes", "mi"]) {
        Some(minute) => {
            columns.push(minute);
            (columns, "%Y %m %d %H %M", stamp)
        }
        None => (columns, "%Y %m %d %H", stamp),
    })
}

/// The column or columns of the stamps.
pub(super) fn stamps(layout: &Layout, clock: Clock) -> Option<Stamped> {
    let named = |columns: Vec<String>, format: StampFormat, stamp: Stamp| Stamped {
        columns,
        format,
        stamp,
        steps: Vec::new(),
        shift_s: 0,
        tolerance_s: 0,
        clock_change: ClockChange::Real,
        across: false,
        resample_s: None,
        until: None,
    };
    if let Some((columns, pattern, stamp)) = parts(layout) {
        return Some(named(
            columns,
            StampFormat::Local(pattern.into(), clock),
            stamp,
        ));
    }
    for (i, name) in layout.header.iter().enumerate() {
        let texts = sample(layout, i);
        let Some(format) = date_of(name, &texts, clock) else {
            let starts: Vec<&str> = texts
                .iter()
                .filter_map(|t| interval(t).map(|(start, _)| start))
                .collect();
            if !texts.is_empty() && starts.len() == texts.len() {
                if let Some(format) = format_of(&starts, clock) {
                    return Some(named(vec![name.clone()], format, Stamp::Interval));
                }
            }
            continue;
        };
        let dates = texts.iter().all(|t| !t.contains(':'));
        let date_only = !matches!(format, StampFormat::Unix(_)) && dates;
        if date_only {
            let with = layout.header.iter().enumerate().find_map(|(j, other)| {
                let times = sample(layout, j);
                let clocks = times.iter().all(|t| t.contains(':') && t.len() <= 8);
                let four = |t: &&str| t.len() == 4 && t.bytes().all(|b| b.is_ascii_digit());
                let clocks = clocks || times.iter().all(|t| interval(t).is_some() || four(t));
                if i == j || times.is_empty() || !(clocks || hours(other, &times)) {
                    return None;
                }
                let both: Vec<String> = texts
                    .iter()
                    .zip(&times)
                    .map(|(d, t)| format!("{d} {t}"))
                    .collect();
                let starts: Vec<&str> = both.iter().filter_map(|t| Some(interval(t)?.0)).collect();
                let both: Vec<&str> = both.iter().map(String::as_str).collect();
                if starts.len() == both.len() {
                    return Some((
                        other.clone(),
                        format_of(&starts, clock)?,
                        Some(Stamp::Interval),
                    ));
                }
                Some((other.clone(), format_of(&both, clock)?, None))
            });
            if let Some((other, format, stamp)) = with {
                let at = layout.header.iter().position(|h| *h == other);
                let stamp = stamp.unwrap_or_else(|| ends(layout, at.unwrap_or(i)));
                return Some(named(vec![name.clone(), other], format, stamp));
            }
            let mut across = named(vec![name.clone()], format.clone(), Stamp::Start);
            if crate::header::header_stamps(&layout.header, &across).len() > 2 {
                across.across = true;
                across.format = match format {
                    StampFormat::Local(pattern, clock) => {
                        StampFormat::Local(format!("{pattern} %H:%M"), clock)
                    }
                    other => other,
                };
                return Some(across);
            }
        }
        return Some(named(vec![name.clone()], format, ends(layout, i)));
    }
    None
}

/// Remarks on columns that seem to hold stamps which no known pattern reads, and on headers that are there twice.
pub(super) fn unread(layout: &Layout, clock: Clock) -> Vec<String> {
    let mut remarks = Vec::new();
    let known = stamps(layout, clock).is_some();
    for (i, name) in layout.header.iter().enumerate() {
        let texts = sample(layout, i);
        let digits = |t: &&str| t.bytes().filter(u8::is_ascii_digit).count() >= 6;
        let like = texts.len() > 1
            && texts
                .iter()
                .all(|t| digits(t) && t.contains(['-', ':', '/', '.']));
        let number = |t: &&str| matches!(layout.dialect.cell(t), Cell::Number(_));
        let day = |t: &&str| {
            t.parse::<f64>()
                .is_ok_and(|v| (20_000.0..80_000.0).contains(&v) && v.fract() != 0.0)
        };
        let sheet = texts.len() > 1 && texts.iter().all(day);
        if !known && (sheet || like && !texts.iter().any(number)) {
            let what = match sheet {
                true => "day numbers of a spreadsheet: bring the workbook itself, or show them as dates before saving",
                false => "stamps that no known pattern reads: format = \"…\" (strftime) and zone",
            };
            remarks.push(format!("column '{name}' seems to hold {what}"));
        }
        let first = layout.header.iter().position(|h| h == name) == Some(i);
        if !name.is_empty() && first && layout.header.iter().filter(|h| *h == name).count() > 1 {
            remarks.push(format!(
                "column '{name}' is there twice: name the columns with header = [\"…\"] and skip"
            ));
        }
    }
    remarks
}

/// True for a column of the day's hours by number.
fn hours(name: &str, texts: &[&str]) -> bool {
    let names = ["hour", "hora", "stunde", "heure", "uur", "ora", "time"];
    let lower = name.to_lowercase();
    let number = |t: &&str| t.parse::<u8>().is_ok_and(|h| h <= 24);
    names.iter().any(|n| lower.contains(n)) && texts.iter().all(number)
}

/// What stamps mark: 24 o'clock is the end of something.
fn ends(layout: &Layout, at: usize) -> Stamp {
    let mut texts = layout.rows.iter().filter_map(|r| r.get(at));
    match texts.any(|t| t.contains("24:00") || t.trim() == "24") {
        true => Stamp::End,
        false => Stamp::Start,
    }
}

/// A word on stamps that may mark the ends of steps: from a step after midnight to a midnight.
pub(super) fn end_remark(data: &CsvData, stamped: &Stamped, clock: Clock) -> Option<String> {
    let step = i64::from(data.step_s);
    let since_midnight = |at: i64| {
        let clock = stamped.format.clock().unwrap_or(clock);
        clock
            .shows(at)
            .map(|t| i64::from(t.num_seconds_from_midnight()))
    };
    let first = since_midnight(data.start)?;
    let last = since_midnight(data.end().saturating_sub(step))?;
    (stamped.stamp == Stamp::Start && first == step && last == 0).then(|| {
        "the first stamp is a step after midnight and the last at midnight: they may mark the ends of steps, \
         stamp = \"end\""
            .to_string()
    })
}

/// Another reading of the stamps: day and month the other way round.
pub(super) fn other_reading(layout: &Layout, stamped: &Stamped) -> Option<String> {
    let StampFormat::Local(pattern, _) = &stamped.format else {
        return None;
    };
    let at = layout
        .header
        .iter()
        .position(|h| stamped.columns.first() == Some(h))?;
    let texts: Vec<&str> = layout
        .rows
        .iter()
        .filter_map(|r| r.get(at))
        .map(|t| t.trim())
        .collect();
    let all = guess::patterns(&texts);
    let other = all.iter().find(|p| *p != pattern)?;
    all.contains(&pattern.as_str())
        .then(|| format!("day and month may be the other way round: format = \"{other}\""))
}

/// The column that names the home of a row, and the homes: where stamps come again.
pub(super) fn homes(layout: &Layout, stamps: Option<&Stamped>) -> Option<(String, Vec<String>)> {
    let stamped = stamps?;
    let at: Vec<usize> = layout
        .header
        .iter()
        .enumerate()
        .filter(|(_, h)| stamped.columns.contains(h))
        .map(|(i, _)| i)
        .collect();
    let stamp = |row: &[String]| -> Vec<String> {
        at.iter().filter_map(|i| row.get(*i)).cloned().collect()
    };
    let different: BTreeSet<Vec<String>> = layout.rows.iter().map(|r| stamp(r)).collect();
    let again = layout.rows.len().saturating_sub(different.len());
    let wide_rows = layout.rows.len() > 1 && again.saturating_mul(5) >= layout.rows.len();
    // The first rows of a table by homes hold one home only: its name stands in every row.
    for (i, name) in layout.header.iter().enumerate() {
        if at.contains(&i) {
            continue;
        }
        let texts: BTreeSet<&str> = layout
            .rows
            .iter()
            .filter_map(|r| r.get(i))
            .map(String::as_str)
            .collect();
        let words = texts
            .iter()
            .all(|t| !t.is_empty() && !t.contains(['.', ',']));
        let few = texts.len() <= MOST_HOMES && texts.len() < layout.rows.len();
        let names = [
            "home",
            "house",
            "meter",
            "customer",
            "site",
            "household",
            "building",
        ];
        let ids = [
            "id", "lclid", "dataid", "homeid", "meterid", "siteid", "userid",
        ];
        let lower = name.to_lowercase();
        let mut parts = lower.split(|c: char| !c.is_alphanumeric());
        let meant = names.iter().any(|n| lower.contains(n)) || parts.any(|p| ids.contains(&p));
        if words
            && few
            && (wide_rows && texts.len() > 1 || meant && !texts.is_empty() && texts.len() <= 50)
        {
            return Some((
                name.clone(),
                texts.into_iter().map(str::to_string).collect(),
            ));
        }
    }
    None
}

/// The columns of numbers.
pub(super) fn numbers(
    layout: &Layout,
    stamps: Option<&Stamped>,
    homes: Option<&(String, Vec<String>)>,
) -> Vec<Guess> {
    let mut found = Vec::new();
    // Of a table by homes, the rows of one.
    let one = homes.and_then(|(column, all)| {
        let at = layout.header.iter().position(|h| h == column)?;
        Some((at, all.first()?))
    });
    let texts_of = |at: usize| -> Vec<&str> {
        let of_one = |r: &&Vec<String>| one.is_none_or(|(i, home)| r.get(i) == Some(home));
        let rows = layout.rows.iter().filter(of_one).take(JUDGED);
        rows.filter_map(|r| r.get(at)).map(|c| c.trim()).collect()
    };
    if stamps.is_some_and(|s| s.across) {
        return vec![Guess {
            name: crate::csv_profile::ACROSS.into(),
            role: "load",
            unit: "kWh",
            scale: 1.0,
            named: false,
            sure: true,
        }];
    }
    let is_taken = |name: &String| {
        stamps.is_some_and(|s| s.columns.contains(name))
            || homes.is_some_and(|(column, _)| column == name)
    };
    // Columns besides those of stamps and homes.
    let others = layout
        .header
        .iter()
        .filter(|n| !n.is_empty() && !is_taken(n));
    let others = others.count();
    for (i, name) in layout.header.iter().enumerate() {
        let taken = is_taken(name);
        let twice = layout.header.iter().filter(|h| *h == name).count() > 1;
        if taken || twice {
            continue;
        }
        let texts = texts_of(i);
        let cells: Vec<Cell> = texts.iter().map(|t| layout.dialect.cell(t)).collect();
        let numbers = cells
            .iter()
            .filter(|c| matches!(c, Cell::Number(_)))
            .count();
        // A few words among numbers stand for missing values.
        let wrong = texts
            .iter()
            .zip(&cells)
            .filter(|(_, c)| matches!(c, Cell::Wrong(_)));
        let word =
            |t: &str| t.chars().count() <= 12 && !t.starts_with(|c: char| c.is_ascii_digit());
        let (words, wrong): (Vec<_>, Vec<_>) = wrong.partition(|(t, _)| word(t));
        if !wrong.is_empty() || numbers <= words.len().saturating_mul(2) {
            continue;
        }
        let said = roles::said(name, others.saturating_add(1));
        let values: Vec<f64> = cells
            .iter()
            .filter_map(|c| match c {
                Cell::Number(v) => Some(*v),
                _ => None,
            })
            .collect();
        let rises = values.len() > 4 && values.windows(2).all(|p| matches!(p, [a, b] if b >= a));
        let leaps =
            matches!((values.first(), values.last()), (Some(a), Some(b)) if b > a && *a > (b - a));
        let register = rises && leaps;
        let (unit, scale, named) = roles::unit(name, said.role, register);
        found.push(Guess {
            name: name.clone(),
            role: said.role,
            unit,
            scale,
            named,
            sure: said.sure,
        });
    }
    found
}
