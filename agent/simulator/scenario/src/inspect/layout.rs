//! How a file is written: encoding, delimiter, marks, and where its header and its rows are.

use crate::decode::{self, Kind};
use crate::dialect::Dialect;
use crate::errors::ScenarioError;
use crate::table::{first_lines, unreadable, Table};
use encoding_rs::WINDOWS_1252;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Lines that are looked at.
const LINES: usize = 400;
/// Rows that are looked at.
const ROWS: usize = 2_000;
/// Most homes that a table is taken to hold.
pub(super) const MOST_HOMES: usize = 10_000;

/// How a file is written, with its first rows.
pub(super) struct Layout {
    pub(super) dialect: Dialect,
    pub(super) workbook: bool,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// Rows in all.
    pub(super) count: usize,
    pub(super) remarks: Vec<String>,
}

/// Cells of a line, with quotes heeded.
fn cells(line: &str, delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => record.iter().map(|c| c.trim().to_string()).collect(),
        _ => Vec::new(),
    }
}

fn number(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty()
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| {
            b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-' | b'+' | b'e' | b'E' | b' ')
        })
}

/// Words that stand below names as their units.
const UNITS: [&str; 12] = [
    "kwh", "wh", "kw", "w", "h", "s", "c", "%", "eur", "eur/kwh", "date", "utc",
];

/// The line of the header in a run of lines with as many cells that begins at `from`: the one before the first row,
/// unless that holds the units of the names above it; and a line before blank ones, where the run begins with rows.
fn header_line(lines: &[String], from: usize, delimiter: u8) -> usize {
    let row = |i: usize| {
        lines
            .get(i)
            .is_some_and(|l| cells(l, delimiter).iter().any(|c| data(c)))
    };
    let width = |i: usize| lines.get(i).map_or(0, |l| cells(l, delimiter).len());
    if row(from) {
        let blank = |l: &String| cells(l, delimiter).iter().all(String::is_empty);
        let above = (0..from)
            .rev()
            .find(|i| lines.get(*i).is_some_and(|l| !blank(l)));
        return match above {
            Some(above) if width(above) == width(from) && !row(above) => above,
            _ => from,
        };
    }
    let first = (from..lines.len())
        .take_while(|i| width(*i) == width(from))
        .find(|i| row(*i));
    let Some(before) = first.and_then(|i| i.checked_sub(1)) else {
        return from;
    };
    let units = lines.get(before).is_some_and(|l| {
        let all = cells(l, delimiter);
        let unit = |c: &String| {
            let plain = c.trim_matches(['[', ']', '(', ')']).to_lowercase();
            plain.is_empty() || UNITS.contains(&plain.as_str())
        };
        all.iter().all(unit)
    });
    if units && before > from {
        before.saturating_sub(1)
    } else {
        before
    }
}

/// True for a number, a date or a time: what rows hold and headers do not.
fn data(cell: &str) -> bool {
    let cell = cell.trim();
    number(cell)
        || (cell.starts_with(|c: char| c.is_ascii_digit())
            && cell.contains(['-', ':', '.', '/'])
            && cell.bytes().filter(u8::is_ascii_digit).count() >= cell.len().div_ceil(2))
}

impl Layout {
    pub(super) fn of(file: &Path) -> Result<Self, ScenarioError> {
        let kind = decode::kind(file).map_err(|e| unreadable(file, e.to_string(), None))?;
        let mut layout = Self {
            dialect: Dialect::default(),
            workbook: kind == Kind::Workbook,
            header: Vec::new(),
            rows: Vec::new(),
            count: 0,
            remarks: Vec::new(),
        };
        if kind == Kind::Text {
            layout.text(file)?;
        }
        layout.rows(file)?;
        layout.marks();
        Ok(layout)
    }

    fn text(&mut self, file: &Path) -> Result<(), ScenarioError> {
        if let Err((_, Some(expected))) = decode::open(file, &self.dialect) {
            let label = if expected.contains("utf-16be") {
                encoding_rs::UTF_16BE
            } else {
                encoding_rs::UTF_16LE
            };
            self.dialect.encoding = Some(label);
        } else if !is_utf8(file, &self.dialect) {
            self.dialect.encoding = Some(WINDOWS_1252);
        }
        let lines = first_lines(file, &self.dialect, LINES);
        // The longest run of lines with as many cells begins with the header.
        let mut best = (0_usize, 0_usize, b',');
        for delimiter in [b',', b';', b'\t', b'|'] {
            let counts: Vec<usize> = lines.iter().map(|l| cells(l, delimiter).len()).collect();
            let mut i = 0;
            while i < counts.len() {
                let count = counts.get(i).copied().unwrap_or(0);
                let run = counts.iter().skip(i).take_while(|c| **c == count).count();
                let score = run.saturating_mul(if count > 1 { 4 } else { 0 });
                let more = (score, count);
                let known = lines.get(best.1).map_or(0, |l| cells(l, best.2).len());
                if more > (best.0, known) {
                    best = (score, i, delimiter);
                }
                i = i.saturating_add(run.max(1));
            }
        }
        best.1 = header_line(&lines, best.1, best.2);
        let (score, skip, delimiter) = best;
        if score == 0 {
            self.remarks
                .push("no character stands between columns: a file of one column".into());
        }
        let sep = lines
            .first()
            .is_some_and(|l| l.to_ascii_lowercase().starts_with("sep="));
        // That line is read by itself.
        let skip = skip.saturating_sub(usize::from(sep && skip == 1));
        self.dialect.delimiter = (delimiter != b',').then_some(delimiter);
        self.dialect.skip = u32::try_from(skip).unwrap_or(0);
        let head = lines
            .get(best.1)
            .map(|l| cells(l, delimiter))
            .unwrap_or_default();
        let numbers = head.iter().filter(|c| number(c)).count();
        if numbers > 0 && numbers.saturating_add(1) >= head.len() && head.len() > 1 {
            let names = (1..=head.len()).map(|i| format!("column {i}"));
            self.dialect.header = Some(names.collect());
            self.remarks
                .push("the first line holds numbers: taken for a file without a header".into());
        }
        Ok(())
    }

    fn rows(&mut self, file: &Path) -> Result<(), ScenarioError> {
        let mut table = Table::open(file, &self.dialect)?;
        self.header.clone_from(&table.header);
        let width = self.header.len();
        let mut tail = 0_u32;
        while let Some((line, record)) = table.next()? {
            let mut texts: Vec<String> = record
                .iter()
                .map(|c| String::from_utf8_lossy(c).into_owned())
                .collect();
            // A delimiter too many at the end of the line.
            while texts.len() > width && texts.last().is_some_and(String::is_empty) {
                texts.pop();
            }
            let begins = |t: &[String]| {
                t.first()
                    .is_some_and(|c| c.starts_with(|c: char| c.is_ascii_digit()))
            };
            let like = self
                .rows
                .first()
                .is_none_or(|r| begins(r) == begins(&texts));
            if texts.len() != width || !like {
                tail = tail.saturating_add(1);
            } else if tail > 0 && self.rows.len() < ROWS {
                self.remarks.push(format!(
                    "line {line}: a row after {tail} that do not look like rows"
                ));
                tail = 0;
            }
            if texts.len() == width && like {
                self.count = self.count.saturating_add(1);
                if self.rows.len() < ROWS {
                    self.rows.push(texts);
                }
            }
        }
        self.dialect.footer = tail;
        Ok(())
    }

    /// Length of a step of rows without stamps, in seconds: a year's or a day's rows say it.
    pub(super) fn usual_step(&self) -> u32 {
        let days = |step_s: usize| self.count.checked_mul(step_s)?.checked_div(86_400);
        let lengths = [3_600, 1_800, 900, 600, 300, 60];
        let year = lengths
            .into_iter()
            .find(|s| matches!(days(*s), Some(365 | 366)));
        let step = year.or_else(|| lengths.into_iter().find(|s| days(*s) == Some(1)));
        step.and_then(|s| u32::try_from(s).ok()).unwrap_or(3_600)
    }

    /// Decimal and thousands marks, by the cells.
    fn marks(&mut self) {
        if self.workbook {
            return;
        }
        let all = || self.rows.iter().flatten().filter(|c| number(c));
        let comma = all().any(|c| {
            c.split_once(',')
                .is_some_and(|(_, f)| !(f.contains([',', '.']) || f.is_empty()))
        });
        // A sign between groups of three that can be no decimal mark.
        let signs = ['\'', '\u{2019}', ' ', '\u{a0}', '\u{202f}'];
        let grouped = |c: &&String| {
            let sign = c.trim().chars().find(|c| signs.contains(c))?;
            let whole = c.split(['.', ',']).next()?.trim();
            let mut groups = whole.split(sign);
            let first = groups.next()?.trim_start_matches(['-', '+']);
            let digits = |g: &str| g.bytes().all(|b| b.is_ascii_digit());
            let three = groups.clone().all(|g| g.len() == 3 && digits(g)) && groups.count() > 0;
            (three && (1..=3).contains(&first.len()) && digits(first)).then_some(sign)
        };
        let sign = self.rows.iter().flatten().find_map(|c| grouped(&c));
        let both = all().any(|c| matches!((c.find('.'), c.find(',')), (Some(p), Some(k)) if p < k));
        let groups =
            all().any(|c| matches!((c.find(','), c.find('.')), (Some(k), Some(p)) if k < p));
        // In quotes, where commas stand between columns too.
        let fractions = all().any(|c| {
            let whole = |f: &str| f.bytes().all(|b| b.is_ascii_digit());
            c.split_once(',')
                .is_some_and(|(_, f)| whole(f) && f.len() != 3)
        });
        if groups || (comma && self.dialect.delimiter.is_none() && !fractions) {
            self.dialect.thousands = Some(',');
        } else if self.dialect.delimiter.is_none() && fractions {
            self.dialect.decimal = ',';
        } else if comma && self.dialect.delimiter.is_some() {
            self.dialect.decimal = ',';
            // A point with three digits after it beside decimal commas groups digits.
            let grouped = all().any(|c| {
                let digits = |f: &str| f.len() == 3 && f.bytes().all(|b| b.is_ascii_digit());
                c.split_once('.')
                    .is_some_and(|(_, f)| digits(f.split(',').next().unwrap_or("")))
            });
            if both || grouped {
                self.dialect.thousands = Some('.');
            }
        }
        if let Some(sign) = sign.filter(|_| self.dialect.thousands.is_none()) {
            self.dialect.thousands = Some(if sign.is_whitespace() { ' ' } else { sign });
            let comma = |c: &String| c.rsplit_once(',').is_some_and(|(w, _)| w.contains(sign));
            if self.rows.iter().flatten().any(comma) && self.dialect.delimiter.is_some() {
                self.dialect.decimal = ',';
            }
        }
    }

    /// The settings that differ from what is taken when nothing is said.
    pub(super) fn written(&self) -> BTreeMap<&'static str, String> {
        let mut all = BTreeMap::new();
        let d = &self.dialect;
        if let Some(delimiter) = d.delimiter {
            all.insert("delimiter", char::from(delimiter).to_string());
        }
        if d.decimal != '.' {
            all.insert("decimal", d.decimal.to_string());
        }
        if let Some(thousands) = d.thousands {
            all.insert("thousands", thousands.to_string());
        }
        if let Some(encoding) = d.encoding {
            all.insert("encoding", encoding.name().to_ascii_lowercase());
        }
        for (key, n) in [("skip", d.skip), ("footer", d.footer)] {
            if n > 0 {
                all.insert(key, n.to_string());
            }
        }
        if let Some(header) = &d.header {
            all.insert("header", header.join(", "));
        }
        all
    }
}

/// The different texts of a column in all rows, in order; those of the first rows where there are too many to be homes.
pub(super) fn all_of(
    file: &Path,
    layout: &Layout,
    column: &str,
) -> Result<Vec<String>, ScenarioError> {
    let mut all = BTreeSet::new();
    let mut table = Table::open(file, &layout.dialect)?;
    if let Some(at) = layout.header.iter().position(|h| h == column) {
        while let Some((_, record)) = table.next()? {
            let text = String::from_utf8_lossy(record.get(at).unwrap_or_default());
            if !text.is_empty() && !all.contains(text.as_ref()) && all.len() <= MOST_HOMES {
                all.insert(text.into_owned());
            }
        }
    }
    Ok(all.into_iter().collect())
}

/// True where the first part of a file is UTF-8.
fn is_utf8(file: &Path, dialect: &Dialect) -> bool {
    use std::io::Read;
    let Ok(input) = decode::open(file, dialect) else {
        return true;
    };
    let mut bytes = Vec::new();
    if input.take(1 << 24).read_to_end(&mut bytes).is_err() {
        return true;
    }
    match std::str::from_utf8(&bytes) {
        Ok(_) => true,
        // The end may fall inside a character.
        Err(e) => e.error_len().is_none(),
    }
}
