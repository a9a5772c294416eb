//! Records of a file, whether it is a text with delimiters or a sheet of a workbook.

use crate::decode::{self, Kind};
use crate::dialect::Dialect;
use crate::errors::ScenarioError;
use crate::header::folded;
use crate::sheet;
use csv::{ByteRecord, ReaderBuilder, Terminator, Trim};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Longest line before the header, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// Records of a file after its header, with the line (or the sheet's row) of each.
pub(crate) struct Table {
    file: PathBuf,
    records: Records,
    /// Lines before those that the reader counts.
    before: u64,
    /// Records that may be the footer.
    held: VecDeque<(u64, ByteRecord)>,
    footer: usize,
    /// Names of the columns.
    pub(crate) header: Vec<String>,
    /// Line of the header.
    pub(crate) header_line: u64,
}

enum Records {
    Text(Box<csv::Reader<Box<dyn Read>>>),
    Sheet(std::vec::IntoIter<(u64, ByteRecord)>),
}

/// The error of a file that cannot be read.
pub(crate) fn unreadable(file: &Path, reason: String, expected: Option<String>) -> ScenarioError {
    ScenarioError::Unreadable {
        file: file.into(),
        reason,
        expected: expected.unwrap_or_else(|| {
            "a CSV file with a header, in the data folder or beside the scenario".into()
        }),
    }
}

impl Table {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// For a file that is missing, empty or no table.
    pub(crate) fn open(file: &Path, dialect: &Dialect) -> Result<Self, ScenarioError> {
        let kind = decode::kind(file).map_err(|e| unreadable(file, e.to_string(), None))?;
        let (records, before) = match kind {
            Kind::Other(what) => {
                let expected = "a CSV file or a workbook: unpack or export it".to_string();
                return Err(unreadable(file, format!("it is {what}"), Some(expected)));
            }
            Kind::Workbook => (Records::Sheet(sheet::records(file, dialect)?), 0),
            Kind::Text => text(file, dialect)?,
        };
        let mut table = Self {
            file: file.into(),
            records,
            before,
            held: VecDeque::new(),
            footer: usize::try_from(dialect.footer).unwrap_or(usize::MAX),
            header: Vec::new(),
            header_line: before.saturating_add(1),
        };
        if let Some(header) = &dialect.header {
            table.header = header.iter().map(|name| folded(name)).collect();
            table.header_line = before;
            return Ok(table);
        }
        let Some((line, record)) = table.record()? else {
            return Err(ScenarioError::Extent {
                file: file.into(),
                line: 1,
                found: "the file is empty".into(),
                expected: "a header and rows".into(),
            });
        };
        table.header_line = line;
        for cell in &record {
            let name = std::str::from_utf8(cell).map_err(|_| not_utf8(file, line))?;
            table.header.push(folded(name));
        }
        Ok(table)
    }

    /// The next record that is not blank and no part of the footer.
    ///
    /// # Errors
    /// For a file that cannot be read on.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, ByteRecord)>, ScenarioError> {
        while self.held.len() <= self.footer {
            match self.record()? {
                Some(record) => self.held.push_back(record),
                None => return Ok(None),
            }
        }
        Ok(self.held.pop_front())
    }

    fn record(&mut self) -> Result<Option<(u64, ByteRecord)>, ScenarioError> {
        loop {
            let (line, record) = match &mut self.records {
                Records::Sheet(rows) => match rows.next() {
                    Some(row) => row,
                    None => return Ok(None),
                },
                Records::Text(reader) => {
                    let mut record = ByteRecord::new();
                    let read = reader
                        .read_byte_record(&mut record)
                        .map_err(|e| unreadable(&self.file, e.to_string(), None))?;
                    if !read {
                        return Ok(None);
                    }
                    let line = reader.position().line().saturating_sub(1);
                    (line.saturating_add(self.before), record)
                }
            };
            if record.iter().any(|cell| !cell.is_empty()) {
                if record.iter().any(|cell| cell.starts_with(b"=\"")) {
                    return Ok(Some((line, record.iter().map(text_of_formula).collect())));
                }
                return Ok(Some((line, record)));
            }
        }
    }
}

/// What spreadsheet programs write to keep a text a text: `="2026-05-04"`.
fn text_of_formula(cell: &[u8]) -> &[u8] {
    let inner = cell
        .strip_prefix(b"=\"")
        .and_then(|c| c.strip_suffix(b"\""));
    inner.unwrap_or(cell)
}

/// The error of bytes that are no text.
pub(crate) fn not_utf8(file: &Path, line: u64) -> ScenarioError {
    ScenarioError::Extent {
        file: file.into(),
        line,
        found: "bytes that are not UTF-8".into(),
        expected: "UTF-8, or encoding = \"windows-1252\" (or another) beside the file".into(),
    }
}

/// A text, after the lines that stand before the header, and their number.
fn text(file: &Path, dialect: &Dialect) -> Result<(Records, u64), ScenarioError> {
    let input = decode::open(file, dialect)
        .map_err(|(reason, expected)| unreadable(file, reason, expected))?;
    let mut input = BufReader::new(input);
    let failed = |e: io::Error| unreadable(file, e.to_string(), None);
    let mut before = 0_u64;
    let mut line = Vec::new();
    for _ in 0..dialect.skip {
        line.clear();
        let mut limited = (&mut input).take(LONGEST_LINE);
        if limited.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        before = before.saturating_add(1);
    }
    // What spreadsheet programs write to say which character stands between columns.
    let mut delimiter = dialect.delimiter;
    let start = input.fill_buf().map_err(failed)?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let stated = match start {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', stated, b'\r' | b'\n', ..] => Some(*stated),
        [b'"', b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', stated, b'"', ..] => Some(*stated),
        _ => None,
    };
    if let Some(stated) = stated {
        line.clear();
        input.read_until(b'\n', &mut line).map_err(failed)?;
        before = before.saturating_add(1);
        delimiter = delimiter.or(Some(stated).filter(u8::is_ascii));
    }
    // A closing line break, so that the line count after each record is that of the next line. Only
    // line feeds end records: after a carriage return the reader would count one line late.
    let input: Box<dyn Read> = Box::new(input.chain(&b"\n"[..]));
    let reader = ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .comment(dialect.comment)
        .terminator(Terminator::Any(b'\n'))
        .trim(Trim::All)
        .flexible(true)
        .has_headers(false)
        .from_reader(input);
    Ok((Records::Text(Box::new(reader)), before))
}

/// The first lines of a text, for hints; nothing where they cannot be read.
pub(crate) fn first_lines(file: &Path, dialect: &Dialect, most: usize) -> Vec<String> {
    let Ok(Kind::Text) = decode::kind(file) else {
        return Vec::new();
    };
    let Ok(input) = decode::open(file, dialect) else {
        return Vec::new();
    };
    let mut input = BufReader::new(input.take(LONGEST_LINE));
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while lines.len() < most {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(1..) => lines.push(String::from_utf8_lossy(&line).trim_end().to_string()),
            _ => break,
        }
    }
    lines
}
