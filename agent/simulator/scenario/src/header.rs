//! Columns by their names in the header.

use crate::dialect::Dialect;
use crate::errors::ScenarioError;
use crate::hints;
use crate::timing::Stamped;
use std::collections::BTreeSet;
use std::path::Path;

/// The columns whose headers are stamps: times of day beside a column of dates, else whole stamps.
pub(crate) fn header_stamps(header: &[String], stamped: &Stamped) -> Vec<(usize, String)> {
    let minutes = |text: &str| -> Option<u32> {
        let (hour, minute) = text.split_once(':')?;
        let minute = minute.get(..2).unwrap_or(minute);
        let (hour, minute): (u32, u32) = (hour.trim().parse().ok()?, minute.parse().ok()?);
        (hour <= 24 && minute < 60).then(|| hour.saturating_mul(60).saturating_add(minute))
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    for (i, name) in header.iter().enumerate() {
        if stamped.columns.is_empty() {
            if stamped.format.read(name).is_some() {
                found.push((i, name.clone()));
            }
        } else if let Some(minute) = minutes(name) {
            // Midnight after the evening is the end of the day.
            let text = if minute == 0 && !found.is_empty() {
                "24:00".to_string()
            } else {
                name.clone()
            };
            found.push((i, text));
        }
    }
    found
}

/// A name with one kind of blank: portals write others that look the same, and breaks in quotes.
pub(crate) fn folded(name: &str) -> String {
    let name = name.trim_start_matches('\u{feff}').trim();
    let blank = |c: char| if c.is_whitespace() { ' ' } else { c };
    name.chars().map(blank).collect()
}

/// Letters and digits of a name, however its accents and capitals are written.
fn skeleton(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            // An accent of its own belongs to the letter before it.
            '\u{300}'..='\u{36f}' => {
                out.pop();
            }
            c if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ => {}
        }
    }
    out
}

/// Index of a column that must be there once.
pub(crate) fn position(
    file: &Path,
    header: &[String],
    line: u64,
    name: &str,
    needed: &BTreeSet<&str>,
    dialect: &Dialect,
) -> Result<usize, ScenarioError> {
    let refuse = |problem: &str, expected: String| ScenarioError::Column {
        file: file.into(),
        line,
        column: name.into(),
        problem: problem.into(),
        expected,
    };
    let asked = folded(name);
    let mut found = header
        .iter()
        .enumerate()
        .filter(|(_, h)| **h == asked)
        .map(|(i, _)| i);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(refuse(
            "is there twice",
            "one column of that name (or header = [\"…\"] with names of your own, and skip for the file's)".into(),
        )),
        (None, _) => {
            let mut offered: Vec<&str> = header.iter().take(12).map(String::as_str).collect();
            if header.len() > offered.len() {
                offered.push("…");
            }
            let mut expected = format!("one of: {}", offered.join(", "));
            let own = skeleton(&asked);
            let alike = header.iter().find(|h| !own.is_empty() && skeleton(h) == own);
            if let Some(hint) = hints::header(file, dialect, needed) {
                expected = format!("{expected} ({hint})");
            } else if let Some(alike) = alike {
                expected = format!("{expected} ('{alike}' is written otherwise: copy it from the file)");
            }
            Err(refuse("is missing", expected))
        }
    }
}
