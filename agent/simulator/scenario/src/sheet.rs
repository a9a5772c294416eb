//! Sheets of workbooks (`.xlsx`, `.xlsm`, `.xlsb`, `.xls`, `.ods`).

use crate::dialect::Dialect;
use crate::errors::ScenarioError;
use crate::table::unreadable;
use calamine::{open_workbook_auto_from_rs, Data, ExcelDateTime, Reader};
use csv::ByteRecord;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Most bytes of a workbook.
const MOST_BYTES: u64 = 256 << 20;

/// The rows of a sheet from the one after those to skip, with their numbers from 1.
///
/// # Errors
/// For a file that is no workbook, and a sheet that is not in it.
pub(crate) fn records(
    file: &Path,
    dialect: &Dialect,
) -> Result<std::vec::IntoIter<(u64, ByteRecord)>, ScenarioError> {
    let length = fs::metadata(file)
        .map_err(|e| unreadable(file, e.to_string(), None))?
        .len();
    if length > MOST_BYTES {
        let expected = Some(format!("at most {MOST_BYTES} bytes of a workbook, or CSV"));
        return Err(unreadable(file, format!("{length} bytes"), expected));
    }
    let bytes = fs::read(file).map_err(|e| unreadable(file, e.to_string(), None))?;
    let no_workbook = |reason: String| {
        let expected = "a workbook of Excel or LibreOffice, or a text unpacked".to_string();
        unreadable(file, reason, Some(expected))
    };
    let mut book =
        open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|e| no_workbook(e.to_string()))?;
    let names = book.sheet_names().clone();
    let name = match &dialect.sheet {
        Some(name) if names.contains(name) => name.clone(),
        Some(name) => {
            return Err(unreadable(
                file,
                format!("there is no sheet '{name}'"),
                Some(format!("sheet = one of: {}", names.join(", "))),
            ))
        }
        None => match names.first() {
            Some(name) => name.clone(),
            None => return Err(no_workbook("it has no sheets".into())),
        },
    };
    let range = book
        .worksheet_range(&name)
        .map_err(|e| no_workbook(e.to_string()))?;
    let first = range.start().map_or(0, |(row, _)| row);
    let skip = u64::from(dialect.skip);
    let mut rows = Vec::new();
    for (i, row) in range.rows().enumerate() {
        let line = u64::try_from(i)
            .unwrap_or(u64::MAX)
            .saturating_add(u64::from(first))
            .saturating_add(1);
        if line <= skip {
            continue;
        }
        let mut record = ByteRecord::new();
        for cell in row {
            record.push_field(text(cell, dialect.decimal).trim().as_bytes());
        }
        rows.push((line, record));
    }
    Ok(rows.into_iter())
}

/// A cell as a text would hold it: numbers with the file's decimal mark, times in ISO 8601.
fn text(cell: &Data, decimal: char) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::Float(value) => value
            .to_string()
            .replace('.', decimal.encode_utf8(&mut [0; 4])),
        Data::DateTime(time) => moment(time),
        other => other.to_string(),
    }
}

/// A date and time, a date, or a time of day, up to 24:00: workbooks count all of them in days.
fn moment(time: &ExcelDateTime) -> String {
    let days = time.as_f64();
    let seconds = (days.fract() * 86_400.0).round();
    if time.is_duration() || (0.0..1.0).contains(&days) {
        // A day's fraction is a time without a date.
        let all = (days * 86_400.0).round();
        let part = |unit: f64, most: f64| ((all / unit).floor()) % most;
        return format!(
            "{:02}:{:02}:{:02}",
            (all / 3_600.0).floor(),
            part(60.0, 60.0),
            part(1.0, 60.0)
        );
    }
    match time.as_datetime() {
        Some(time) if seconds == 0.0 => time.format("%Y-%m-%d").to_string(),
        Some(time) => time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
        None => days.to_string(),
    }
}
