//! Reading an export: line by line, nothing kept, every line against the hash before it.

use crate::export::{chained, End, Header, Line, Row, Signed, HASH_KEY, NO_HASH, VERSION};
use crate::finding::{Finding, Place, Rule};
use crate::fold::{Auditor, Report};
use serde_json::Value;
use std::io::{self, BufRead, Read};

/// Longest line that is read, bytes: beyond it nothing of the market can be.
pub const LONGEST_LINE: u64 = 65_536;

/// Why a file is no export at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The first line is no header.
    #[error("line 1: expected the header of an export, found {0}")]
    NoHeader(String),
    /// Of another version.
    #[error("line 1: expected version {VERSION} of an export, found {0}")]
    Version(u64),
}

/// What one line turned out to be.
#[derive(Debug)]
pub enum Parsed {
    /// A line.
    Line(Box<Line>),
    /// None that can be read; the finding says why.
    Bad(Finding),
}

/// An export that is being read.
pub struct Reader<R> {
    from: R,
    header: Header,
    head: String,
    number: u64,
    /// What the hashes said of the line read last.
    broken: Option<Finding>,
}

/// A finding in a line.
fn in_line(number: u64, rule: Rule, event: &str, field: String, what: String) -> Finding {
    Finding {
        rule,
        at: Place {
            line: Some(number),
            ..Place::default()
        },
        event: event.to_owned(),
        field,
        what,
    }
}

/// Name of the field in which a JSON text stops being what was expected: the last key before a column.
fn field_before(text: &str, column: usize) -> String {
    let before: String = text.chars().take(column).collect();
    let Some(end) = before.rfind("\":") else {
        return String::new();
    };
    let name = before.get(..end).unwrap_or_default();
    name.rsplit('"').next().unwrap_or_default().to_owned()
}

/// A piece of a text for a message.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    format!("{short:?}")
}

/// A hash as it stands; anything else as [`shown`].
fn whole(hash: &str) -> String {
    let is_one = hash.len() == NO_HASH.len() && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if is_one {
        hash.to_owned()
    } else {
        shown(hash)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// The file is no export, or of another version.
    pub fn new(from: R) -> Result<Self, Unreadable> {
        let header = Header::new("", ["", "", ""], "", 1, 0);
        let mut reader = Self {
            from,
            header,
            head: NO_HASH.to_owned(),
            number: 0,
            broken: None,
        };
        let Some(text) = reader.text()? else {
            return Err(Unreadable::NoHeader("nothing".to_owned()));
        };
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let version = value.pointer("/export/version").and_then(Value::as_u64);
        match version {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(Unreadable::Version(version)),
            None => return Err(Unreadable::NoHeader(shown(&text))),
        }
        match reader.take(&text) {
            Parsed::Line(line) => match *line {
                Line::Export(header) => reader.header = header,
                _ => return Err(Unreadable::NoHeader(shown(&text))),
            },
            Parsed::Bad(finding) => return Err(Unreadable::NoHeader(finding.to_string())),
        }
        if reader.header.window_seconds == 0 {
            let why = "window_seconds 0; expected at least 1";
            return Err(Unreadable::NoHeader(why.to_owned()));
        }
        Ok(reader)
    }

    /// What it is of.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Number of the line read last, from 1.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The hash that the line read last says.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// What was wrong with the hash of the line read last.
    pub fn broken(&mut self) -> Option<Finding> {
        self.broken.take()
    }

    /// One line's text; longer ones are cut, which no line survives.
    fn text(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        let mut limited = self.from.by_ref().take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<Parsed>> {
        let text = self.text()?;
        Ok(text.map(|text| self.take(&text)))
    }

    fn take(&mut self, text: &str) -> Parsed {
        let number = self.number;
        let bad = |rule, field: String, what: String| {
            Parsed::Bad(in_line(number, rule, "line", field, what))
        };
        let parts = text.rsplit_once(HASH_KEY);
        let Some((open, hash)) = parts.and_then(|(o, h)| Some((o, h.strip_suffix("\"}")?))) else {
            let what = format!(
                "expected a line that ends with its hash, found {}",
                shown(text)
            );
            return bad(Rule::Form, "hash".to_owned(), what);
        };
        let expected = chained(&self.head, open);
        if expected != hash {
            self.broken = Some(in_line(
                number,
                Rule::HashChain,
                "line",
                "hash".to_owned(),
                format!("{}, expected {expected}: this line or its hash was changed, or lines before it are gone or moved", whole(hash)),
            ));
        }
        hash.clone_into(&mut self.head);
        let json = format!("{open}}}");
        match serde_json::from_str(&json) {
            Ok(line) => Parsed::Line(Box::new(line)),
            Err(error) => {
                let field = field_before(&json, error.column());
                let why = error.to_string().replace(['\n', '\r'], " ");
                bad(Rule::Form, field, why)
            }
        }
    }
}

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Its header.
    pub header: Header,
    /// Its end, if it has one.
    pub end: Option<End>,
    /// The hash of its last line that counts.
    pub head: String,
    /// Whose word it is.
    pub signed: Option<Signed>,
    /// A line cannot be read, or its hash is wrong: what is signed is not what is there.
    pub broken: bool,
}

impl About {
    /// Of an export of which the header alone is read.
    pub const fn new(header: Header) -> Self {
        Self {
            header,
            end: None,
            head: String::new(),
            signed: None,
            broken: false,
        }
    }
}

/// Goes through an export: `row` gets every event with its line, the auditor everything.
///
/// # Errors
/// It is none, or cannot be read.
pub fn follow(
    from: impl BufRead,
    mut row: impl FnMut(u64, &Row),
) -> Result<(Report, About), Unreadable> {
    let mut reader = Reader::new(from)?;
    let mut auditor = Auditor::new(reader.header().clone());
    let mut about = About::new(reader.header().clone());
    if let Some(finding) = reader.broken() {
        about.broken = true;
        auditor.note(finding);
    }
    while let Some(read) = reader.next_line()? {
        let number = reader.number();
        if let Some(finding) = reader.broken() {
            about.broken = true;
            auditor.note(finding);
        }
        let mut misplaced = |event: &str, what: &str| {
            let finding = in_line(number, Rule::Form, event, String::new(), what.to_owned());
            auditor.note(finding);
        };
        let line = match read {
            Parsed::Bad(finding) => {
                about.broken = true;
                auditor.note(finding);
                continue;
            }
            Parsed::Line(line) => *line,
        };
        if about.end.is_some() && !matches!(line, Line::Signed(_)) {
            misplaced("line", "stands after the end");
        }
        match line {
            Line::Export(_) => misplaced("export", "a second header"),
            Line::Event(event) => {
                auditor.take(Some(number), &event);
                row(number, &event);
            }
            Line::State(state) => auditor.state(Some(number), &state),
            Line::End(end) => {
                let before = number.saturating_sub(1);
                if end.lines != before {
                    misplaced(
                        "end",
                        &format!("says {} lines, {before} are there", end.lines),
                    );
                }
                about.end = Some(end);
                reader.head().clone_into(&mut about.head);
            }
            Line::Signed(signed) => {
                if about.end.is_none() || about.signed.is_some() {
                    misplaced("signed", "expected once, after the end");
                }
                about.signed = Some(signed);
            }
        }
    }
    if about.end.is_none() {
        let number = reader.number();
        let what = "the file ends without its end line: it was cut off".to_owned();
        auditor.note(in_line(number, Rule::Form, "end", String::new(), what));
    }
    Ok((auditor.finish(about.end.map(|e| e.to_height)), about))
}

/// Audits an export.
///
/// # Errors
/// It is none, or cannot be read.
pub fn audit(from: impl BufRead) -> Result<Report, Unreadable> {
    follow(from, |_, _| {}).map(|(report, _)| report)
}
