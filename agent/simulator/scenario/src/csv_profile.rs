//! Reading columns of numbers from a CSV file, with each row's place in time checked.

use crate::errors::ScenarioError;
use crate::file::{Missing, Stamp};
use crate::resample::Steps;
use crate::stamps::{shown, Before, StampFormat};
use csv::{ByteRecord, ReaderBuilder, Terminator, Trim};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest run of missing rows that is filled, in seconds: a week.
const LONGEST_GAP_S: i64 = 604_800;

/// How rows are placed in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowTime {
    /// A column of stamps.
    Column {
        /// Its header.
        name: String,
        /// How stamps are written.
        format: StampFormat,
        /// What a stamp marks.
        stamp: Stamp,
        /// Length of a step in seconds, where it is stated.
        step_s: Option<u32>,
    },
    /// A start and a step.
    Counted {
        /// First second of the first row, Unix time.
        start: i64,
        /// Length of a step in seconds.
        step_s: u32,
    },
}

/// How files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Character between columns (ASCII).
    pub(crate) delimiter: u8,
    /// Character before the fraction.
    pub(crate) decimal: char,
    /// Lines that start with this character (ASCII) are skipped.
    pub(crate) comment: Option<u8>,
    /// What to do about missing values and rows.
    pub(crate) missing: Missing,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            decimal: '.',
            comment: None,
            missing: Missing::Refuse,
        }
    }
}

/// Columns of one file.
#[derive(Debug)]
pub(crate) struct CsvData {
    /// The file.
    pub(crate) file: PathBuf,
    /// First second of the first step, Unix time.
    pub(crate) start: i64,
    /// Length of a step in seconds.
    pub(crate) step_s: u32,
    /// Last line with data.
    pub(crate) last_line: u64,
    /// Values and rows that were missing and have been filled.
    pub(crate) filled: u64,
    lines: Vec<u64>,
    columns: BTreeMap<String, Vec<f64>>,
}

impl CsvData {
    /// A column's values, one per step, as written.
    pub(crate) fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.get(name).map(Vec::as_slice)
    }

    /// Number of steps.
    pub(crate) fn steps(&self) -> usize {
        self.lines.len()
    }

    /// Line of a step; filled rows have that of the row after them.
    pub(crate) fn line(&self, step: usize) -> u64 {
        self.lines.get(step).copied().unwrap_or(self.last_line)
    }

    /// First second after the last step.
    pub(crate) fn end(&self) -> i64 {
        let steps = i64::try_from(self.steps()).unwrap_or(i64::MAX);
        self.start
            .saturating_add(steps.saturating_mul(i64::from(self.step_s)))
    }

    /// The steps' place in time with other values.
    pub(crate) fn steps_with<'a>(&self, values: &'a [f64]) -> Steps<'a> {
        Steps {
            start: self.start,
            step_s: self.step_s,
            values,
        }
    }

    /// The error of one cell.
    pub(crate) fn refuse(
        &self,
        step: usize,
        column: &str,
        found: String,
        expected: &str,
    ) -> ScenarioError {
        ScenarioError::Cell {
            file: self.file.clone(),
            line: self.line(step),
            column: column.into(),
            found,
            expected: expected.into(),
        }
    }
}

/// Reads columns of a file.
///
/// # Errors
/// For a file that is missing or empty, a column that is missing or there twice, a cell that is no
/// number, and rows out of step.
pub(crate) fn read(
    file: &Path,
    columns: &BTreeSet<String>,
    time: &RowTime,
    dialect: &Dialect,
) -> Result<CsvData, ScenarioError> {
    let unreadable = |reason: String| ScenarioError::Unreadable {
        file: file.into(),
        reason,
        expected: "a CSV file with a header, in the data folder or beside the scenario".into(),
    };
    let input = File::open(file).map_err(|e| unreadable(e.to_string()))?;
    // A closing line break, so that the line count after each record is that of the next line. Only
    // line feeds end records: after a carriage return the reader would count one line late.
    let mut reader = ReaderBuilder::new()
        .delimiter(dialect.delimiter)
        .comment(dialect.comment)
        .terminator(Terminator::Any(b'\n'))
        .trim(Trim::All)
        .flexible(true)
        .has_headers(false)
        .from_reader(BufReader::new(input).chain(&b"\n"[..]));

    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| -> Result<Option<u64>, ScenarioError> {
        while reader
            .read_byte_record(record)
            .map_err(|e| unreadable(e.to_string()))?
        {
            if record.iter().any(|cell| !cell.is_empty()) {
                return Ok(Some(reader.position().line().saturating_sub(1)));
            }
        }
        Ok(None)
    };

    if next(&mut record)?.is_none() {
        return Err(ScenarioError::Extent {
            file: file.into(),
            line: 1,
            found: "the file is empty".into(),
            expected: "a header and rows".into(),
        });
    }
    let header: Vec<String> = record
        .iter()
        .map(|cell| {
            String::from_utf8_lossy(cell)
                .trim_start_matches('\u{feff}')
                .trim()
                .to_string()
        })
        .collect();
    let width = header.len();
    let place = |name: &str| position(file, &header, name);
    let mut wanted = Vec::with_capacity(columns.len());
    for name in columns {
        wanted.push(Wanted {
            name,
            at: place(name)?,
            values: Vec::new(),
        });
    }
    let time_at = match time {
        RowTime::Column { name, .. } => Some(place(name)?),
        RowTime::Counted { .. } => None,
    };

    let mut rows = Rows::new(file, time, dialect);
    while let Some(line) = next(&mut record)? {
        if record.len() != width {
            return Err(ScenarioError::Extent {
                file: file.into(),
                line,
                found: format!("{} cells", record.len()),
                expected: format!("{width} cells, as in the header"),
            });
        }
        let gap = match time_at {
            Some(at) => rows.stamp(
                line,
                &String::from_utf8_lossy(record.get(at).unwrap_or_default()),
            )?,
            None => 0,
        };
        rows.place(line, gap);
        for column in &mut wanted {
            let value =
                rows.number(line, column.name, record.get(column.at).unwrap_or_default())?;
            for _ in 0..gap {
                let filler = rows.filler(line, column.name, &column.values)?;
                column.values.push(filler);
            }
            let value = match value {
                Some(value) => value,
                None => rows.filler(line, column.name, &column.values)?,
            };
            column.values.push(value);
        }
    }
    rows.finish(wanted)
}

/// Index of a column that must be there once.
fn position(file: &Path, header: &[String], name: &str) -> Result<usize, ScenarioError> {
    let refuse = |problem: &str, expected: String| ScenarioError::Column {
        file: file.into(),
        column: name.into(),
        problem: problem.into(),
        expected,
    };
    let mut found = header
        .iter()
        .enumerate()
        .filter(|(_, h)| *h == name)
        .map(|(i, _)| i);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(refuse("is there twice", "one column of that name".into())),
        (None, _) => {
            let mut offered: Vec<&str> = header.iter().take(12).map(String::as_str).collect();
            if header.len() > offered.len() {
                offered.push("…");
            }
            Err(refuse(
                "is missing",
                format!("one of: {}", offered.join(", ")),
            ))
        }
    }
}

/// A column that is read.
struct Wanted<'a> {
    name: &'a str,
    at: usize,
    values: Vec<f64>,
}

/// What is known of the rows so far.
struct Rows<'a> {
    file: &'a Path,
    time: &'a RowTime,
    dialect: &'a Dialect,
    step_s: Option<u32>,
    first: Option<i64>,
    last: Option<(i64, u64)>,
    lines: Vec<u64>,
    filled: u64,
}

impl<'a> Rows<'a> {
    fn new(file: &'a Path, time: &'a RowTime, dialect: &'a Dialect) -> Self {
        let step_s = match time {
            RowTime::Column { step_s, .. } => *step_s,
            RowTime::Counted { step_s, .. } => Some(*step_s),
        };
        Self {
            file,
            time,
            dialect,
            step_s,
            first: None,
            last: None,
            lines: Vec::new(),
            filled: 0,
        }
    }

    fn refuse(
        &self,
        line: u64,
        column: &str,
        found: String,
        expected: impl Into<String>,
    ) -> ScenarioError {
        ScenarioError::Cell {
            file: self.file.into(),
            line,
            column: column.into(),
            found,
            expected: expected.into(),
        }
    }

    /// Checks a row's stamp and returns how many rows are missing before it.
    fn stamp(&mut self, line: u64, text: &str) -> Result<usize, ScenarioError> {
        let RowTime::Column { name, format, .. } = self.time else {
            return Ok(0);
        };
        let before = self.last.map(|(at, _)| Before {
            at,
            step_s: self.step_s,
        });
        let Some(at) = format.read(text, before) else {
            return Err(self.refuse(line, name, format!("'{text}'"), format.expected()));
        };
        let Some((last, last_line)) = self.last else {
            self.first = Some(at);
            self.last = Some((at, line));
            return Ok(0);
        };
        let passed = at.saturating_sub(last);
        if passed <= 0 {
            let what = if passed == 0 {
                "the time"
            } else {
                "a time before that"
            };
            return Err(self.refuse(
                line,
                name,
                format!("'{text}', {what} of line {last_line}"),
                "a later time",
            ));
        }
        self.last = Some((at, line));
        let Some(step_s) = self.step_s else {
            let step = u32::try_from(passed).ok();
            self.step_s = step;
            return match step {
                Some(_) => Ok(0),
                None => Err(self.refuse(
                    line,
                    name,
                    format!("a step of {passed} s"),
                    "a shorter step",
                )),
            };
        };
        let step = i64::from(step_s);
        if passed == step {
            return Ok(0);
        }
        let found = format!("'{text}', {passed} s after line {last_line}");
        let whole = passed.checked_rem(step) == Some(0);
        match (whole, self.dialect.missing) {
            (true, Missing::Refuse) => {
                let expected = format!("{step} s, the length of a step (or profiles.missing = \"zero\" or \"previous\")");
                Err(self.refuse(line, name, found, expected))
            }
            (true, _) if passed <= LONGEST_GAP_S => {
                let rows = passed.checked_div(step).unwrap_or(1).saturating_sub(1);
                Ok(usize::try_from(rows).unwrap_or(0))
            }
            (true, _) => Err(self.refuse(line, name, found, "gaps of at most a week")),
            (false, _) => {
                Err(self.refuse(line, name, found, format!("{step} s, the length of a step")))
            }
        }
    }

    /// Counts a row and those missing before it.
    fn place(&mut self, line: u64, gap: usize) {
        let rows = gap.saturating_add(1);
        self.lines.extend(std::iter::repeat_n(line, rows));
    }

    /// A cell's number; `None` where it is missing.
    fn number(&self, line: u64, column: &str, cell: &[u8]) -> Result<Option<f64>, ScenarioError> {
        let text = String::from_utf8_lossy(cell);
        let missing = ["", "na", "n/a", "nan", "null", "none"]
            .iter()
            .any(|m| text.eq_ignore_ascii_case(m));
        if missing {
            return Ok(None);
        }
        let parsed = if self.dialect.decimal == '.' {
            text.parse::<f64>()
        } else {
            text.replace(self.dialect.decimal, ".").parse()
        };
        match parsed {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            Ok(_) => Err(self.refuse(line, column, format!("'{text}'"), "a finite number")),
            Err(_) => Err(self.refuse(line, column, format!("'{text}'"), "a number")),
        }
    }

    /// What stands in for a missing value.
    fn filler(&mut self, line: u64, column: &str, values: &[f64]) -> Result<f64, ScenarioError> {
        let refused =
            |expected: &str| Err(self.refuse(line, column, "a missing value".into(), expected));
        let value = match (self.dialect.missing, values.last()) {
            (Missing::Refuse, _) => {
                return refused("a number (or profiles.missing = \"zero\" or \"previous\")")
            }
            (Missing::Previous, None) => {
                return refused("a number in the first row, to be repeated")
            }
            (Missing::Previous, Some(value)) => *value,
            (Missing::Zero, _) => 0.0,
        };
        self.filled = self.filled.saturating_add(1);
        Ok(value)
    }

    fn finish(self, wanted: Vec<Wanted<'_>>) -> Result<CsvData, ScenarioError> {
        let last_line = self.lines.last().copied().unwrap_or(1);
        let refuse = |found: &str, expected: &str| ScenarioError::Extent {
            file: self.file.into(),
            line: last_line,
            found: found.into(),
            expected: expected.into(),
        };
        if self.lines.is_empty() {
            return Err(refuse("no rows", "rows after the header"));
        }
        let Some(step_s) = self.step_s.filter(|s| *s > 0) else {
            return Err(refuse(
                "a single row",
                "two rows at least, or step_s beside the time column",
            ));
        };
        let start = match (self.time, self.first) {
            (RowTime::Counted { start, .. }, _) => *start,
            (
                RowTime::Column {
                    stamp: Stamp::End, ..
                },
                Some(at),
            ) => at.saturating_sub(i64::from(step_s)),
            (RowTime::Column { .. }, at) => at.unwrap_or(0),
        };
        if start < 0 {
            return Err(refuse(
                &format!("rows from {}", shown(start)),
                "times from 1970 on",
            ));
        }
        Ok(CsvData {
            file: self.file.into(),
            start,
            step_s,
            last_line,
            filled: self.filled,
            lines: self.lines,
            columns: wanted
                .into_iter()
                .map(|w| (w.name.to_string(), w.values))
                .collect(),
        })
    }
}
