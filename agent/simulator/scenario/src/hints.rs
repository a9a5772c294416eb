//! What a refused file looks like: the setting that would read it, as part of the message.

use crate::dialect::Dialect;
use crate::errors::ScenarioError;
use crate::table::{first_lines, Table};
use crate::timing::RowTime;
use csv::ByteRecord;
use std::collections::BTreeSet;
use std::path::Path;

/// Longest run of last rows that is taken for a footer.
pub(crate) const LONGEST_FOOTER: usize = 20;
/// Lines in which a header is looked for.
const HEADER_WITHIN: usize = 60;
/// Characters that stand between columns.
const DELIMITERS: [(char, &str); 4] = [(',', ","), (';', ";"), ('\t', "\\t"), ('|', "|")];

/// Cells of a line, without quotes.
fn split(line: &str, delimiter: char) -> Vec<&str> {
    line.split(delimiter)
        .map(|cell| cell.trim().trim_matches('"').trim())
        .collect()
}

/// Where the wanted columns are, if not in the first line by this delimiter.
pub(crate) fn header(file: &Path, dialect: &Dialect, needed: &BTreeSet<&str>) -> Option<String> {
    let lines = first_lines(file, dialect, HEADER_WITHIN);
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim_start_matches('\u{feff}');
        for (delimiter, written) in DELIMITERS {
            let cells: BTreeSet<&str> = split(line, delimiter).into_iter().collect();
            if needed.is_empty() || !needed.iter().all(|n| cells.contains(n)) {
                continue;
            }
            let mut settings = Vec::new();
            if u32::try_from(i).ok()? != dialect.skip {
                settings.push(format!("skip = {i}"));
            }
            if dialect.delimiter.map_or(',', char::from) != delimiter {
                settings.push(format!("delimiter = \"{written}\""));
            }
            let line = i.saturating_add(1);
            return (!settings.is_empty()).then(|| {
                format!(
                    "line {line} has it: {} beside the file",
                    settings.join(", ")
                )
            });
        }
    }
    None
}

/// A row that was refused: the footer, or a date without its time, where it looks like that.
pub(crate) fn at_row(
    error: ScenarioError,
    header: &[String],
    previous: Option<&ByteRecord>,
    record: &ByteRecord,
    left: usize,
) -> ScenarioError {
    // A footer begins with words where the rows begin with a number, or has fewer cells than they.
    let first = |r: &ByteRecord| r.get(0).and_then(|c| c.first()).copied().unwrap_or(b' ');
    let row = previous.is_some_and(|p| first(p).is_ascii_digit());
    let other = !first(record).is_ascii_digit() && left <= LONGEST_FOOTER;
    let shorter = left <= 3 && previous.is_some_and(|p| record.len() < p.len());
    let footer = row && (other || shorter);
    // A line of units below the names.
    let number = |c: &[u8]| {
        c.first()
            .is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(b))
    };
    let units = previous.is_none() && !record.iter().any(number);
    let hint = |line: u64| {
        if footer {
            return Some(format!("footer = {left}, if the rows end before this line"));
        }
        let names: Vec<String> = header.iter().map(|name| format!("{name:?}")).collect();
        units.then(|| {
            let names = names.join(", ");
            format!("skip = {line} and header = [{names}], if this line belongs to the header")
        })
    };
    match error {
        ScenarioError::Cell {
            file,
            line,
            column,
            found,
            expected,
        } => ScenarioError::Cell {
            file,
            line,
            column,
            found,
            expected: with(expected, hint(line)),
        },
        ScenarioError::Extent {
            file,
            line,
            found,
            expected,
        } => ScenarioError::Extent {
            file,
            line,
            found,
            expected: with(expected, hint(line)),
        },
        other => other,
    }
}

fn with(expected: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{expected} (or {hint})"),
        None => expected,
    }
}

/// Rows out of order: where another column changes there, the file may hold several homes, or the time of
/// day in a column of its own.
pub(crate) fn several_homes(
    error: ScenarioError,
    file: &Path,
    dialect: &Dialect,
    time: &RowTime,
) -> ScenarioError {
    let ScenarioError::Cell {
        file: at_file,
        line,
        column,
        found,
        expected,
    } = error
    else {
        return error;
    };
    let hint = (expected == "a later time")
        .then(|| changed(file, dialect, time, line))
        .flatten();
    let expected = match hint {
        Some(hint) => format!("{expected} ({hint})"),
        None => expected,
    };
    ScenarioError::Cell {
        file: at_file,
        line,
        column,
        found,
        expected,
    }
}

fn changed(file: &Path, dialect: &Dialect, time: &RowTime, line: u64) -> Option<String> {
    let stamps = &time.stamped()?.columns;
    let mut table = Table::open(file, dialect).ok()?;
    let mut before: Option<ByteRecord> = None;
    let mut first: Option<ByteRecord> = None;
    while let Ok(Some((at, record))) = table.next() {
        if at < line {
            if first.is_none() {
                first = Some(record.clone());
            }
            before = Some(record);
            continue;
        }
        let text = |r: &ByteRecord, i: usize| {
            String::from_utf8_lossy(r.get(i).unwrap_or_default()).into_owned()
        };
        for (i, name) in table.header.iter().enumerate() {
            let (was, is) = (text(before.as_ref()?, i), text(&record, i));
            if stamps.contains(name) || was == is {
                continue;
            }
            let clock = |t: &str| t.contains(':') && t.starts_with(|c: char| c.is_ascii_digit());
            if clock(&was) && clock(&is) {
                let both: Vec<String> = stamps
                    .iter()
                    .chain([name])
                    .map(|n| format!("\"{n}\""))
                    .collect();
                return Some(format!(
                    "columns = [{}], if the time of day is there",
                    both.join(", ")
                ));
            }
            // A number is a value, unless it is a whole one that stood still before.
            let number = |t: &str| t.parse::<f64>().is_ok() && t.parse::<u64>().is_err();
            let stood = text(first.as_ref()?, i) == was;
            if !number(&is) && !is.is_empty() && (stood || is.parse::<f64>().is_err()) {
                return Some(format!(
                    "home_column = \"{name}\", if it names the homes: it changes from {was} to {is} there"
                ));
            }
        }
        return None;
    }
    None
}
