//! The text of a scenario file, and where each key stands in it.

use crate::errors::ScenarioError;
use crate::file::ScenarioFile;
use serde::Deserialize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::Spanned;

/// A step of a key's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// Key of a table.
    Name(&'a str),
    /// Item of an array, from 0.
    Item(usize),
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl From<usize> for Key<'_> {
    fn from(index: usize) -> Self {
        Self::Item(index)
    }
}

/// A key's path from names and indices.
macro_rules! keys {
    ($($key:expr),* $(,)?) => { &[$($crate::source::Key::from($key)),*][..] };
}
pub(crate) use keys;

/// A scenario file's path and text.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    text: String,
}

impl Source {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|e| ScenarioError::Unreadable {
            file: path.into(),
            reason: e.to_string(),
            expected: "a scenario file (TOML)".into(),
        })?;
        Ok(Self {
            path: path.into(),
            text,
        })
    }

    /// A text that would stand in a file.
    pub(crate) fn of(path: &Path, text: String) -> Self {
        Self {
            path: path.into(),
            text,
        }
    }

    /// Parses it into the scenario's types.
    pub(crate) fn parse(&self) -> Result<ScenarioFile, ScenarioError> {
        toml::Deserializer::parse(&self.text)
            .and_then(ScenarioFile::deserialize)
            .map_err(|e| {
                let offset = e.span().map_or(0, |s| s.start);
                let key = DeTable::parse(&self.text)
                    .ok()
                    .and_then(|doc| path_at(doc.get_ref(), offset))
                    .unwrap_or_else(|| self.line_text(offset));
                ScenarioError::Syntax {
                    file: self.path.clone(),
                    line: self.line_at(offset),
                    key,
                    problem: e.message().replace('\n', ", "),
                }
            })
    }

    /// The error of a key that is refused for what it says.
    pub(crate) fn refuse(
        &self,
        path: &[Key<'_>],
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> ScenarioError {
        let offset = DeTable::parse(&self.text)
            .ok()
            .and_then(|doc| offset_of(doc.get_ref(), path))
            .unwrap_or(0);
        ScenarioError::Setting {
            file: self.path.clone(),
            line: self.line_at(offset),
            key: if path.is_empty() {
                "scenario".into()
            } else {
                dotted(path)
            },
            problem: problem.into(),
            expected: expected.into(),
        }
    }

    fn line_at(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|b| **b == b'\n').count().saturating_add(1)
    }

    fn line_text(&self, offset: usize) -> String {
        let line = self.line_at(offset).saturating_sub(1);
        self.text.lines().nth(line).unwrap_or("").trim().to_string()
    }
}

/// `homes[2].kwp`.
pub(crate) fn dotted(path: &[Key<'_>]) -> String {
    let mut out = String::new();
    for key in path {
        match key {
            Key::Name(name) if out.is_empty() => out.push_str(name),
            Key::Name(name) => {
                out.push('.');
                out.push_str(name);
            }
            // People count from 1.
            Key::Item(index) => out.push_str(&format!("[{}]", index.saturating_add(1))),
        }
    }
    out
}

/// Where a key begins, or the nearest of its parents that is written down.
fn offset_of(table: &DeTable<'_>, path: &[Key<'_>]) -> Option<usize> {
    let (Key::Name(name), rest) = path.split_first().map(|(k, r)| (*k, r))? else {
        return None;
    };
    let (key, value) = table.iter().find(|(k, _)| k.get_ref() == name)?;
    Some(offset_in(value, rest).unwrap_or(key.span().start))
}

fn offset_in(value: &Spanned<DeValue<'_>>, path: &[Key<'_>]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    match (value.get_ref(), first) {
        (DeValue::Table(table), _) => offset_of(table, path),
        (DeValue::Array(items), Key::Item(index)) => {
            let item = items.get(*index)?;
            Some(offset_in(item, rest).unwrap_or(item.span().start))
        }
        _ => None,
    }
}

/// The path of the innermost key that covers an offset.
fn path_at(table: &DeTable<'_>, offset: usize) -> Option<String> {
    let covers = |span: Range<usize>| {
        span.start <= offset && offset < span.end.max(span.start.saturating_add(1))
    };
    for (key, value) in table {
        let name = key.get_ref().to_string();
        if let Some(inner) = inside(value, offset) {
            return Some(join(&name, &inner));
        }
        if covers(key.span()) || covers(value.span()) {
            return Some(name);
        }
    }
    None
}

fn inside(value: &Spanned<DeValue<'_>>, offset: usize) -> Option<String> {
    match value.get_ref() {
        DeValue::Table(table) => path_at(table, offset),
        DeValue::Array(items) => items.iter().enumerate().find_map(|(i, item)| {
            let span = item.span();
            let index = format!("[{}]", i.saturating_add(1));
            match inside(item, offset) {
                Some(inner) => Some(join(&index, &inner)),
                None => (span.start <= offset && offset < span.end).then_some(index),
            }
        }),
        _ => None,
    }
}

fn join(outer: &str, inner: &str) -> String {
    if inner.starts_with('[') {
        format!("{outer}{inner}")
    } else {
        format!("{outer}.{inner}")
    }
}
