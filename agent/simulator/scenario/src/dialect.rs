//! How a file is written, and what its cells say.

use crate::errors::ScenarioError;
use crate::file::Written;
use crate::source::{keys, Key, Source};
use encoding_rs::Encoding;

/// What stands for a missing value in any file, in small letters.
const MARKERS: [&str; 27] = [
    "",
    "na",
    "n/a",
    "n.a.",
    "#n/a",
    "#na",
    "<na>",
    "#value!",
    "#div/0!",
    "#ref!",
    "nan",
    "-nan",
    "1.#qnan",
    "-1.#ind",
    "null",
    "none",
    "-",
    "--",
    "?",
    "unavailable",
    "unknown",
    "missing",
    "(null)",
    "#nv",
    "k.a.",
    "n.v.",
    "n/v",
];

/// Longest word that is offered as a marker of missing values.
const LONGEST_MARKER: usize = 12;

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Character between columns (ASCII); `,` unless a first line says otherwise.
    pub(crate) delimiter: Option<u8>,
    /// Character before the fraction.
    pub(crate) decimal: char,
    /// Character between groups of three digits.
    pub(crate) thousands: Option<char>,
    /// Encoding, where it is stated.
    pub(crate) encoding: Option<&'static Encoding>,
    /// Lines that start with this character (ASCII) are skipped.
    pub(crate) comment: Option<u8>,
    /// Lines before the header.
    pub(crate) skip: u32,
    /// Records after the last row.
    pub(crate) footer: u32,
    /// Names of the columns of a file without a header.
    pub(crate) header: Option<Vec<String>>,
    /// Sheet of a workbook.
    pub(crate) sheet: Option<String>,
    /// What else stands for a missing value.
    pub(crate) markers: Vec<String>,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: None,
            decimal: '.',
            thousands: None,
            encoding: None,
            comment: None,
            skip: 0,
            footer: 0,
            header: None,
            sheet: None,
            markers: Vec::new(),
        }
    }
}

/// Fixes what tables say about a file: the innermost that says something about a key counts.
///
/// # Errors
/// For characters that are none or the same, and encodings that nobody knows.
pub(crate) fn dialect(
    source: &Source,
    layers: &[(&[Key<'_>], Written)],
) -> Result<Dialect, ScenarioError> {
    let at = |key: &'static str, given: &dyn Fn(&Written) -> bool| -> Vec<Key<'_>> {
        let path = layers.iter().find(|(_, w)| given(w)).map(|(path, _)| *path);
        [path.unwrap_or_default(), keys![key]].concat()
    };
    let ascii = |key: &'static str, get: fn(&Written) -> Option<char>| {
        let Some(character) = layers.iter().find_map(|(_, w)| get(w)) else {
            return Ok(None);
        };
        match u8::try_from(character).ok().filter(u8::is_ascii) {
            Some(byte) => Ok(Some(byte)),
            None => Err(source.refuse(
                &at(key, &|w| get(w).is_some()),
                format!("found '{character}'"),
                "an ASCII character",
            )),
        }
    };
    let delimiter = ascii("delimiter", |w| w.delimiter)?;
    let comment = ascii("comment", |w| w.comment)?;
    let decimal = layers.iter().find_map(|(_, w)| w.decimal).unwrap_or('.');
    let thousands = layers.iter().find_map(|(_, w)| w.thousands);
    // Commas may be both where numbers stand in quotes; where they do not, rows have too many cells.
    if decimal != ',' && char::from(delimiter.unwrap_or(b',')) == decimal {
        return Err(source.refuse(
            &at("delimiter", &|w| w.delimiter.is_some()),
            format!("'{decimal}' is the decimal mark too"),
            "another character",
        ));
    }
    if let Some(mark) = thousands.filter(|t| *t == decimal || t.is_ascii_digit() || *t == '-') {
        return Err(source.refuse(
            &at("thousands", &|w| w.thousands.is_some()),
            format!("found '{mark}'"),
            "a character that is neither the decimal mark nor part of a number",
        ));
    }
    let encoding =
        match layers.iter().find_map(|(_, w)| w.encoding.as_deref()) {
            None => None,
            Some(label) => match Encoding::for_label(label.as_bytes()) {
                Some(found) => Some(found),
                None => return Err(source.refuse(
                    &at("encoding", &|w| w.encoding.is_some()),
                    format!("unknown encoding '{label}'"),
                    "utf-8, utf-16le, utf-16be, windows-1252 or another label of the WHATWG list",
                )),
            },
        };
    let header = layers.iter().find_map(|(_, w)| w.header.clone());
    if header.as_ref().is_some_and(Vec::is_empty) {
        return Err(source.refuse(
            &at("header", &|w| w.header.is_some()),
            "it is empty",
            "the names of the columns",
        ));
    }
    Ok(Dialect {
        delimiter,
        decimal,
        thousands,
        encoding,
        comment,
        skip: layers.iter().find_map(|(_, w)| w.skip).unwrap_or(0),
        footer: layers.iter().find_map(|(_, w)| w.footer).unwrap_or(0),
        header,
        sheet: layers.iter().find_map(|(_, w)| w.sheet.clone()),
        markers: layers
            .iter()
            .find_map(|(_, w)| w.markers.clone())
            .unwrap_or_default(),
    })
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A number.
    Number(f64),
    /// Nothing, or what stands for it.
    Missing,
    /// Something else; what was expected instead.
    Wrong(String),
}

impl Dialect {
    /// True where commas stand between columns and before fractions.
    pub(crate) fn needs_quotes(&self) -> bool {
        self.decimal == ',' && self.delimiter.unwrap_or(b',') == b','
    }

    /// Reads a cell.
    pub(crate) fn cell(&self, text: &str) -> Cell {
        let text = text.trim();
        let own = self.markers.iter().any(|m| m.eq_ignore_ascii_case(text));
        if own || MARKERS.iter().any(|m| text.eq_ignore_ascii_case(m)) {
            return Cell::Missing;
        }
        let Some(plain) = self.plain(text) else {
            return Cell::Wrong(self.number_expected(text));
        };
        match plain.parse::<f64>() {
            Ok(value) if !value.is_finite() => Cell::Wrong("a finite number".into()),
            // A marker may be written as another spelling of the same number: -9999 and -9999.0.
            Ok(value) if self.marks(value) => Cell::Missing,
            Ok(value) => Cell::Number(value),
            Err(_) => Cell::Wrong(self.number_expected(text)),
        }
    }

    #[allow(clippy::float_cmp, reason = "a marker is a number as written")]
    fn marks(&self, value: f64) -> bool {
        let mut numbers = self.markers.iter().filter_map(|m| m.parse::<f64>().ok());
        numbers.any(|m| m == value)
    }

    /// The number as Rust writes it; `None` where marks stand in places where they mean nothing.
    fn plain(&self, text: &str) -> Option<String> {
        // The typographer's minus.
        let text = match text.strip_prefix('\u{2212}') {
            Some(rest) => &*format!("-{rest}"),
            None => text,
        };
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let whole = match self.thousands {
            Some(mark) => ungrouped(whole, mark)?,
            None => whole.to_string(),
        };
        // Where the decimal mark is no point, a point in the text is something else.
        let stray = |part: &str| self.decimal != '.' && part.contains('.');
        if stray(&whole) || fraction.is_some_and(stray) {
            return None;
        }
        Some(match fraction {
            Some(fraction) => format!("{whole}.{fraction}"),
            None => whole,
        })
    }

    /// What a cell must hold, with a word on what it looks like.
    fn number_expected(&self, text: &str) -> String {
        if !text.starts_with(|c: char| c.is_ascii_digit() || "-+\u{2212}".contains(c)) {
            let word = text.chars().count() <= LONGEST_MARKER && !text.contains(['"', '\\', '=']);
            let word = word && !text.chars().any(char::is_control);
            return match word {
                true => format!(
                    "a number (or markers = [\"{text}\"], if it stands for a missing value)"
                ),
                false => "a number".into(),
            };
        }
        if text.matches(self.decimal).count() > 1 && self.thousands.is_none() {
            let groups = text.split(self.decimal).skip(1);
            if groups
                .clone()
                .all(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))
            {
                return format!(
                    "a number: thousands = \"{}\" (and another decimal) if it groups digits",
                    self.decimal
                );
            }
        }
        let decimal = self.decimal;
        let whole = text.split_once(decimal).map_or(text, |(whole, _)| whole);
        let mark = whole
            .chars()
            .find(|c| !c.is_ascii_digit() && !"-+\u{2212}".contains(*c));
        let Some(mark) = mark else {
            return if text.ends_with(|c: char| c.is_alphabetic() || c == '%') {
                "a number alone, without its unit".into()
            } else {
                "a number".into()
            };
        };
        let mut hints = Vec::new();
        if matches!(mark, '.' | ',') {
            hints.push(format!("decimal = \"{mark}\""));
        }
        if self.thousands.is_some() {
            hints = vec!["digits in groups of three".into()];
        } else if ungrouped(whole, mark).is_some() {
            let mark = if mark.is_whitespace() { ' ' } else { mark };
            hints.push(format!("thousands = \"{mark}\" if it groups digits"));
        }
        if !matches!(mark, '.' | ',' | '\'' | '\u{2019}') && hints.is_empty() {
            return "a number alone, without its unit".into();
        }
        let hints = hints.join(", or ");
        let colon = if hints.is_empty() { "" } else { ": " };
        format!("a number with decimal = \"{decimal}\"{colon}{hints}")
    }

    /// What a number looks like that may have its decimal mark between groups of digits.
    pub(crate) fn grouping(&self, text: &str) -> Grouping {
        let text = text.trim().trim_start_matches(['-', '+']);
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match text.split_once(self.decimal) {
            _ if self.thousands.is_some() => Grouping::Never,
            None if digits(text) && text.len() <= 3 => {
                Grouping::Small(text.bytes().any(|b| b != b'0'))
            }
            Some((whole, fraction))
                if fraction.len() == 3
                    && digits(fraction)
                    && whole.len() <= 3
                    && digits(whole)
                    && !whole.starts_with('0') =>
            {
                Grouping::Maybe
            }
            _ => Grouping::Never,
        }
    }
}

/// Whether a number may have its decimal mark between groups of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// A group of three digits after one to three others.
    Maybe,
    /// A whole number below 1,000, which needs no mark; true for one that is not 0.
    Small(bool),
    /// Neither: the mark stands before a fraction.
    Never,
}

/// Looks at the numbers of a column, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Groups {
    maybe: bool,
    small: bool,
    never: bool,
}

impl Groups {
    /// Looks at a number.
    pub(crate) fn see(&mut self, number: Grouping) {
        match number {
            Grouping::Maybe => self.maybe = true,
            Grouping::Small(some) => self.small |= some,
            Grouping::Never => self.never = true,
        }
    }

    /// True where numbers with a mark are all written as 1.250 is, and those below 1,000 have none.
    pub(crate) fn suspicious(self) -> bool {
        self.maybe && self.small && !self.never
    }
}

/// Digits without the marks between groups of three; `None` where the groups are none.
fn ungrouped(whole: &str, mark: char) -> Option<String> {
    let space = mark.is_whitespace();
    let is_mark = |c: char| c == mark || (space && c.is_whitespace());
    let (sign, digits) = match whole.strip_prefix(['-', '+']) {
        Some(rest) => (whole.get(..1).unwrap_or_default(), rest.trim_start()),
        None => ("", whole),
    };
    let groups: Vec<&str> = digits.split(is_mark).collect();
    if let [first, rest @ ..] = &groups[..] {
        let three = |g: &&str| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit());
        let grouped = (1..=3).contains(&first.len()) && rest.iter().all(three);
        if !(rest.is_empty() || grouped) {
            return None;
        }
    }
    Some(format!("{sign}{}", groups.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german(thousands: Option<char>) -> Dialect {
        Dialect {
            decimal: ',',
            thousands,
            markers: vec!["-9999".into()],
            ..Dialect::default()
        }
    }

    #[test]
    fn a_point_is_no_fraction_where_the_comma_is() {
        let Cell::Wrong(expected) = german(None).cell("1.250") else {
            unreachable!("a point is taken for a fraction")
        };
        assert!(expected.contains("thousands = \".\""), "{expected}");
        assert_eq!(german(Some('.')).cell("1.250"), Cell::Number(1_250.0));
        assert_eq!(
            german(Some('.')).cell("-1.001.250,5"),
            Cell::Number(-1_001_250.5)
        );
        assert_eq!(german(Some('.')).cell("100,5"), Cell::Number(100.5));
        for text in ["1.25", "1.2500", "12.34,5", ".250", "1,2.5"] {
            assert!(
                matches!(german(Some('.')).cell(text), Cell::Wrong(_)),
                "{text}"
            );
        }
        assert_eq!(
            german(Some(' ')).cell("1\u{a0}250,5"),
            Cell::Number(1_250.5)
        );
    }

    #[test]
    fn markers_are_missing_in_any_spelling() {
        for text in [
            "",
            "NA",
            "#N/A",
            "unavailable",
            "-9999",
            "-9999,0",
            "\u{2212}9999",
            " - ",
        ] {
            assert_eq!(german(None).cell(text), Cell::Missing, "{text}");
        }
        assert_eq!(german(None).cell("-9998"), Cell::Number(-9_998.0));
    }

    #[test]
    fn what_a_number_looks_like_is_said() {
        let said = |dialect: Dialect, text: &str| match dialect.cell(text) {
            Cell::Wrong(expected) => expected,
            cell => unreachable!("{text} is {cell:?}"),
        };
        for (text, hint) in [
            (
                "1,250",
                "decimal = \",\", or thousands = \",\" if it groups digits",
            ),
            ("1,25", "with decimal = \".\": decimal = \",\""),
            ("1'250.5", "thousands = \"'\" if it groups digits"),
            ("1 250", "thousands = \" \" if it groups digits"),
            ("1\u{a0}250.5", "thousands = \" \" if it groups digits"),
            ("1.5 kWh", "without its unit"),
            ("12kW", "without its unit"),
            ("noon", "a number"),
        ] {
            assert!(
                said(Dialect::default(), text).contains(hint),
                "{text}: {}",
                said(Dialect::default(), text)
            );
        }
        assert!(said(german(Some('.')), "1.25,5").contains("groups of three"));
        assert!(!said(Dialect::default(), "1,25").contains("thousands"));
    }

    #[test]
    fn numbers_that_may_be_grouped_are_seen() {
        let suspicious = |texts: &[&str], dialect: &Dialect| {
            let mut groups = Groups::default();
            texts.iter().for_each(|t| groups.see(dialect.grouping(t)));
            groups.suspicious()
        };
        let point = Dialect::default();
        assert!(suspicious(&["980", "1.250", "-12.000", "0"], &point));
        assert!(suspicious(&["980", "1,250"], &german(None)));
        for sound in [
            &["980", "1.250", "1.5"][..],
            &["980", "0.250"],
            &["0", "1.250"],
            &["1.250", "2.500"],
            &["1250", "1.250", "980"],
        ] {
            assert!(!suspicious(sound, &point), "{sound:?}");
        }
        assert!(!suspicious(&["980", "1,250"], &german(Some('.'))));
    }
}
