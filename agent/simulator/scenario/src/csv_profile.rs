//! Reading columns of numbers from a file, each row placed in time.

use crate::dialect::{Cell, Dialect, Groups};
use crate::errors::ScenarioError;
use crate::file::{Missing, Stamp};
use crate::header::{folded, header_stamps, position};
use crate::hints;
use crate::placing::{self, Rows};
use crate::resample::Steps;
use crate::stamps::{interval, Moment};
use crate::table::{not_utf8, Table};
use crate::timing::{RowTime, Stamped};
use csv::ByteRecord;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Column of the values where the header holds the stamps.
pub(crate) const ACROSS: &str = "value";

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// How it is written.
    pub(crate) dialect: Dialect,
    /// How its rows are placed in time.
    pub(crate) time: RowTime,
    /// What to do about missing values and rows.
    pub(crate) missing: Missing,
    /// The key that says so.
    pub(crate) missing_key: &'static str,
}

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Measure {
    /// An amount in each step: a longer step holds more.
    Amount,
    /// A level over each step.
    Level,
    /// A count since the meter was new, read at each stamp.
    Register,
}

/// A column that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Want {
    /// Its header.
    pub(crate) column: String,
    /// What its values are.
    pub(crate) measure: Measure,
    /// Nothing where it is not there.
    pub(crate) optional: bool,
}

/// The rows that count: those in which these columns hold these texts.
pub(crate) type Pick = Vec<(String, String)>;

/// Columns of a file by the rows that count.
pub(crate) type Wants = BTreeMap<Pick, BTreeSet<Want>>;

/// Columns of one file.
#[derive(Clone, Debug)]
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
    /// What else was done or looks strange.
    pub(crate) notes: Vec<String>,
    pub(crate) lines: Vec<u64>,
    pub(crate) columns: BTreeMap<Want, Vec<f64>>,
}

impl CsvData {
    /// A column's values, one per step, as written (of a register: what was counted in the step).
    pub(crate) fn column(&self, want: &Want) -> Option<&[f64]> {
        self.columns.get(want).map(Vec::as_slice)
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

/// Reads one column.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_one(
    file: &Path,
    want: &Want,
    pick: &Pick,
    manner: &Manner,
) -> Result<CsvData, ScenarioError> {
    let wants = Wants::from([(pick.clone(), BTreeSet::from([want.clone()]))]);
    let mut all = read(file, &wants, manner)?;
    all.remove(pick)
        .ok_or_else(|| no_rows(file, 1, "no rows", "rows after the header"))
}

fn no_rows(file: &Path, line: u64, found: &str, expected: &str) -> ScenarioError {
    ScenarioError::Extent {
        file: file.into(),
        line,
        found: found.into(),
        expected: expected.into(),
    }
}

/// Reads columns of a file. Rows of which all wanted columns are optional may be absent.
///
/// # Errors
/// For a file that is missing or empty, a column that is missing or there twice, a cell that is no
/// number, and rows out of step.
pub(crate) fn read(
    file: &Path,
    wants: &Wants,
    manner: &Manner,
) -> Result<BTreeMap<Pick, CsvData>, ScenarioError> {
    let mut table = Table::open(file, &manner.dialect)?;
    let header = table.header.clone();
    let mut reader = Reader {
        file,
        manner,
        width: header.len(),
        named: header
            .iter()
            .rposition(|name| !name.is_empty())
            .map_or(header.len(), |last| last.saturating_add(1)),
        stamp_at: Vec::new(),
        until_at: None,
        across: Vec::new(),
        filters: Vec::new(),
        parts: Vec::new(),
    };
    reader.find_columns(&header, table.header_line, wants)?;
    let mut seen = Seen::default();
    let mut last_line = table.header_line;
    let mut previous: Option<ByteRecord> = None;
    while let Some((line, record)) = table.next()? {
        last_line = line;
        if let Err(error) = reader.take(line, &record, &mut seen) {
            // What follows decides whether the row is at fault or a footer begins.
            let mut left = 1_usize;
            while left <= hints::LONGEST_FOOTER && table.next()?.is_some() {
                left = left.saturating_add(1);
            }
            return Err(hints::at_row(
                error,
                &header,
                previous.as_ref(),
                &record,
                left,
            ));
        }
        previous = Some(record);
    }
    let mut all = BTreeMap::new();
    for part in reader.parts {
        if part.rows.lines.is_empty() {
            if part.rows.columns.iter().all(|(w, _)| w.optional) && !part.pick.is_empty() {
                continue;
            }
            // The text that is nowhere is at fault; if all are somewhere, their meeting is.
            let column_at = |column: &str| header.iter().position(|h| *h == folded(column));
            let absent = |(column, text): &&(String, String)| {
                !column_at(column).is_some_and(|at| seen.holds(at, text.trim()))
            };
            let fault = part.pick.iter().find(absent).or(part.pick.last());
            return Err(match fault {
                None => no_rows(file, last_line, "no rows", "rows after the header"),
                Some((column, text)) => ScenarioError::Cell {
                    file: file.into(),
                    line: last_line,
                    column: column.clone(),
                    found: format!("no row with '{text}'"),
                    expected: seen.some(column_at(column)),
                },
            });
        }
        let pick = part.pick;
        let suspicious = part.rows.columns.iter().zip(&part.groups);
        let grouped: Vec<String> = suspicious
            .filter(|(_, groups)| groups.suspicious())
            .map(|((want, _), _)| {
                let mark = manner.dialect.decimal;
                format!(
                    "column '{}': every '{mark}' has three digits after it, and numbers below 1000 have none: if it groups \
                     digits, thousands = \"{mark}\" (and another decimal)",
                    want.column
                )
            })
            .collect();
        let mut data =
            placing::place(file, part.rows, manner).map_err(|e| match pick.is_empty() {
                true => hints::several_homes(e, file, &manner.dialect, &manner.time),
                false => e,
            })?;
        data.notes.extend(grouped);
        all.insert(pick, data);
    }
    Ok(all)
}

/// Texts of the columns that filters look at.
#[derive(Default)]
struct Seen(BTreeMap<usize, BTreeSet<Vec<u8>>>);

impl Seen {
    /// Most texts of a column that are kept.
    const MOST: usize = 20_000;

    fn add(&mut self, column: usize, text: &[u8]) {
        let texts = self.0.entry(column).or_default();
        if texts.len() < Self::MOST && !texts.contains(text) {
            texts.insert(text.to_vec());
        }
    }

    fn holds(&self, column: usize, text: &str) -> bool {
        let texts = self.0.get(&column);
        texts.is_some_and(|t| t.contains(text.as_bytes()))
    }

    /// The first of a column's texts, for messages.
    fn some(&self, column: Option<usize>) -> String {
        let texts = column.and_then(|c| self.0.get(&c));
        let shown = texts.into_iter().flatten().take(12);
        let shown: Vec<String> = shown
            .map(|t| String::from_utf8_lossy(t).into_owned())
            .collect();
        format!("one of: {}", shown.join(", "))
    }
}

/// A filter: the columns that it looks at, and which part of the result a row of given texts belongs to.
struct Filter {
    at: Vec<usize>,
    parts: HashMap<Vec<Vec<u8>>, usize>,
}

/// The rows of one pick on their way.
struct Part {
    pick: Pick,
    /// Index of each wanted column's cell; `None` for the value under a stamp in the header.
    at: Vec<Option<usize>>,
    rows: Rows,
    /// What the numbers of each wanted column look like.
    groups: Vec<Groups>,
}

struct Reader<'a> {
    file: &'a Path,
    manner: &'a Manner,
    width: usize,
    /// Cells up to the last one with a name.
    named: usize,
    stamp_at: Vec<usize>,
    until_at: Option<usize>,
    /// Columns whose headers are stamps, and the stamp or its time of day.
    across: Vec<(usize, String)>,
    filters: Vec<Filter>,
    parts: Vec<Part>,
}

impl Reader<'_> {
    fn find_columns(
        &mut self,
        header: &[String],
        line: u64,
        wants: &Wants,
    ) -> Result<(), ScenarioError> {
        let manner = self.manner;
        let needed: BTreeSet<&str> = {
            let columns = wants.values().flatten().filter(|w| !w.optional);
            let filters = wants.keys().flatten().map(|(c, _)| c.as_str());
            let stamps = manner
                .time
                .stamped()
                .map(|s| &s.columns[..])
                .unwrap_or_default();
            columns
                .map(|w| w.column.as_str())
                .chain(filters)
                .chain(stamps.iter().map(String::as_str))
                .collect()
        };
        let file = self.file;
        let place = |name: &str| position(file, header, line, name, &needed, &manner.dialect);
        if let Some(stamped) = manner.time.stamped() {
            let mut stamp_at = Vec::new();
            for name in &stamped.columns {
                stamp_at.push(place(name)?);
            }
            let until_at = stamped.until.as_deref().map(place).transpose()?;
            let across = if stamped.across {
                header_stamps(header, stamped)
            } else {
                Vec::new()
            };
            if stamped.across && across.len() < 2 {
                return Err(ScenarioError::Column {
                    file: self.file.into(),
                    line,
                    column: stamped.name(),
                    problem: "the header holds no stamps (across = true)".into(),
                    expected: if stamped.columns.is_empty() {
                        stamped.format.expected()
                    } else {
                        "times of day such as 0:30".into()
                    },
                });
            }
            (self.stamp_at, self.until_at, self.across) = (stamp_at, until_at, across);
        }
        let mut filters: BTreeMap<Vec<String>, Filter> = BTreeMap::new();
        for (pick, columns) in wants {
            let names: Vec<String> = pick.iter().map(|(c, _)| c.clone()).collect();
            let filter = match filters.entry(names.clone()) {
                std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => {
                    let at = names.iter().map(|n| place(n)).collect::<Result<_, _>>()?;
                    free.insert(Filter {
                        at,
                        parts: HashMap::new(),
                    })
                }
            };
            let texts = pick.iter().map(|(_, t)| t.trim().as_bytes().to_vec());
            filter.parts.insert(texts.collect(), self.parts.len());
            let mut part = Part {
                pick: pick.clone(),
                at: Vec::new(),
                rows: Rows::default(),
                groups: vec![Groups::default(); columns.len()],
            };
            for want in columns {
                let at = match want.column.as_str() {
                    ACROSS if !self.across.is_empty() => None,
                    name if want.optional && !header.contains(&folded(name)) => continue,
                    name => Some(place(name)?),
                };
                part.at.push(at);
                part.rows.columns.push((want.clone(), Vec::new()));
            }
            self.parts.push(part);
        }
        self.filters = filters.into_values().collect();
        Ok(())
    }

    /// True for as many cells as the header has names. A delimiter too many or too few at the end of the line is
    /// none's fault: cells without a name hold nothing there.
    fn fits(&self, record: &ByteRecord) -> bool {
        let more = record.iter().skip(self.width);
        record.len() >= self.named && more.into_iter().all(<[u8]>::is_empty)
    }

    /// Takes a record into the parts that it belongs to.
    fn take(
        &mut self,
        line: u64,
        record: &ByteRecord,
        seen: &mut Seen,
    ) -> Result<(), ScenarioError> {
        if !self.fits(record) {
            let mut expected = format!("{} cells, as in the header", self.width);
            if self.manner.dialect.needs_quotes() {
                expected.push_str(
                    ": decimal = \",\" needs quotes around numbers, or another delimiter",
                );
            }
            let found = format!("{} cells", record.len());
            return Err(no_rows(self.file, line, &found, &expected));
        }
        let mut found = Vec::new();
        for filter in &self.filters {
            let texts: Vec<Vec<u8>> = filter
                .at
                .iter()
                .map(|i| record.get(*i).unwrap_or_default().to_vec())
                .collect();
            for (i, text) in filter.at.iter().zip(&texts) {
                seen.add(*i, text);
            }
            found.extend(filter.parts.get(&texts).copied());
        }
        if found.is_empty() {
            return Ok(());
        }
        let cell = |at: usize| -> Result<&str, ScenarioError> {
            std::str::from_utf8(record.get(at).unwrap_or_default())
                .map_err(|_| not_utf8(self.file, line))
        };
        let mut stamp = Vec::with_capacity(self.stamp_at.len());
        for at in &self.stamp_at {
            stamp.push(cell(*at)?);
        }
        let stamp = stamp.join(" ");
        let mut rows: Vec<(Option<Moment>, Option<Moment>, Option<usize>)> = Vec::new();
        match self.manner.time.stamped() {
            None => rows.push((None, None, None)),
            Some(stamped) if !self.across.is_empty() => {
                for (at, text) in &self.across {
                    let text = if stamp.is_empty() {
                        text.clone()
                    } else {
                        format!("{stamp} {text}")
                    };
                    rows.push((Some(self.moment(stamped, line, &text)?), None, Some(*at)));
                }
            }
            Some(stamped) => {
                let (text, end) = match stamped.stamp {
                    Stamp::Interval => match interval(&stamp) {
                        Some((start, end)) => (start, Some(end)),
                        None => {
                            let expected = "two times with a dash between them, as 2026-05-04 10:00 - 2026-05-04 10:15";
                            return Err(wrong(
                                self.file,
                                line,
                                &stamped.name(),
                                &stamp,
                                expected.into(),
                            ));
                        }
                    },
                    Stamp::Start | Stamp::End => (stamp.as_str(), None),
                };
                let start = self.moment(stamped, line, text)?;
                let end = match (self.until_at, end) {
                    (Some(at), _) => Some(self.moment(stamped, line, cell(at)?)?),
                    // The end may be written as a time of day only: then it says nothing more.
                    (None, Some(end)) => stamped.format.read(end),
                    (None, None) => None,
                };
                rows.push((Some(start), end, None));
            }
        }
        let mut numbers = Vec::new();
        for part in &found {
            let Some(part) = self.parts.get_mut(*part) else {
                continue;
            };
            let mut of_part = Vec::with_capacity(rows.len());
            for (_, _, across) in &rows {
                let mut of_row = Vec::with_capacity(part.at.len());
                let columns = part.at.iter().zip(&part.rows.columns);
                for ((at, (want, _)), groups) in columns.zip(&mut part.groups) {
                    let text = cell(at.or(*across).unwrap_or(usize::MAX))?;
                    of_row.push(match self.manner.dialect.cell(text) {
                        Cell::Number(value) => {
                            groups.see(self.manner.dialect.grouping(text));
                            value
                        }
                        Cell::Missing => f64::NAN,
                        Cell::Wrong(expected) => {
                            return Err(wrong(self.file, line, &want.column, text, expected))
                        }
                    });
                }
                of_part.push(of_row);
            }
            numbers.push(of_part);
        }
        for (part, of_part) in found.iter().zip(numbers) {
            let Some(part) = self.parts.get_mut(*part) else {
                continue;
            };
            for ((moment, end, _), of_row) in rows.iter().zip(of_part) {
                part.rows.push(line, *moment, *end, of_row);
            }
        }
        Ok(())
    }

    fn moment(&self, stamped: &Stamped, line: u64, text: &str) -> Result<Moment, ScenarioError> {
        stamped.format.read(text).ok_or_else(|| {
            let mut expected = stamped.format.expected();
            if let Some(hint) = stamped.format.hint(text) {
                expected = format!("{expected} ({hint})");
            }
            wrong(self.file, line, &stamped.name(), text, expected)
        })
    }
}

/// The error of a cell that does not hold what it should.
fn wrong(file: &Path, line: u64, column: &str, text: &str, expected: String) -> ScenarioError {
    ScenarioError::Cell {
        file: file.into(),
        line,
        column: column.into(),
        found: format!("'{text}'"),
        expected,
    }
}
