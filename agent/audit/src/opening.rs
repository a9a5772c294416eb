//! Openings: what an owner shows of its registers, and whether it is what the device committed to on the chain.

use crate::finding::{Finding, Place, Rule};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use wattpool_schema::event::Stated;
use wattpool_schema::signing::commitment;
use wattpool_schema::{Commitment, MeterId, Wh, Window};

/// Version of the document.
pub const VERSION: u32 = 1;
/// What a file should have been.
const EXPECTED: &str = "expected openings as wattpool-agent meter open writes them: {\"version\":1,\"meter\":…,\"openings\":[{\"window\":…,\"registers\":{\"import\":…,\"export\":…},\"salt\":…,\"previous\":…},…]}";

/// Registers of a meter at the ends of windows, with what opens the commitments to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openings {
    /// [`VERSION`].
    pub version: u32,
    /// The meter.
    pub meter: MeterId,
    /// Name of the home, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// Registers before the first window that was ever stated: its owner's word, for nothing on the chain commits to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Registers>,
    /// Ascending by window.
    pub openings: Vec<Opening>,
}

/// Both registers, Wh since the meter was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registers {
    /// From the grid.
    pub import: Wh,
    /// Into it.
    pub export: Wh,
}

/// What opens one commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The metered window.
    pub window: Window,
    /// Registers at its end.
    pub registers: Registers,
    /// The window's salt, 32 hex digits.
    #[serde(with = "salt")]
    pub salt: [u8; 16],
    /// The commitment of the statement before.
    pub previous: Commitment,
}

mod salt {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(salt: &[u8; 16], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(salt))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(d)?;
        let bytes = hex::decode(&text).ok().and_then(|b| b.try_into().ok());
        bytes.ok_or_else(|| serde::de::Error::custom("salt: expected 32 hex digits"))
    }
}

impl Opening {
    /// The commitment that these registers make.
    pub fn commitment(&self) -> Commitment {
        let r = &self.registers;
        commitment(&self.salt, r.import, r.export, &self.previous)
    }
}

impl Openings {
    /// Reads a document; of several lines, the one about `meter`.
    ///
    /// # Errors
    /// In one line: it is none, of another version, or not about the meter.
    pub fn parse(text: &str, meter: MeterId) -> Result<Self, String> {
        let of_meter = Self::lines(text)?.into_iter().find(|o| o.meter == meter);
        let found = of_meter.ok_or_else(|| format!("expected openings of meter {meter}"))?;
        found.check()?;
        Ok(found)
    }

    /// Reads a document of one meter, or of several, one a line.
    ///
    /// # Errors
    /// In one line: it is none, of another version, or about a meter twice.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let all = Self::lines(text)?;
        let mut meters = BTreeSet::new();
        for one in &all {
            let meter = one.meter;
            one.check().map_err(|why| format!("meter {meter}: {why}"))?;
            if !meters.insert(meter) {
                return Err(format!("expected each meter once, found {meter} twice"));
            }
        }
        Ok(all)
    }

    fn lines(text: &str) -> Result<Vec<Self>, String> {
        if text.trim().is_empty() {
            return Err(format!("the file is empty; {EXPECTED}"));
        }
        if text.trim_start().starts_with("{\"export\"") {
            return Err(format!("this is an export; {EXPECTED}"));
        }
        let one = serde_json::from_str::<Self>(text);
        let mut found = Vec::new();
        match one {
            Ok(one) => found.push(one),
            Err(whole) => {
                for (number, line) in (1_usize..).zip(text.lines()) {
                    let line = serde_json::from_str::<Self>(line).map_err(|e| {
                        // A document over several lines has its own places.
                        let e = if number == 1 { &whole } else { &e };
                        let why = e.to_string().replace('\n', " ");
                        format!("line {}: {why}; {EXPECTED}", e.line().max(number))
                    })?;
                    found.push(line);
                }
            }
        }
        Ok(found)
    }

    fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!(
                "expected version {VERSION}, found {}",
                self.version
            ));
        }
        if self.openings.is_empty() {
            return Err("openings: nothing is opened in it".to_owned());
        }
        let windows = self.openings.iter().map(|o| o.window);
        let pairs = windows.clone().zip(windows.skip(1));
        if let Some((a, b)) = pairs.into_iter().find(|(a, b)| a >= b) {
            return Err(format!(
                "window {b} after window {a}: expected ascending windows"
            ));
        }
        Ok(())
    }

    /// The opening of a window.
    pub fn of(&self, window: Window) -> Option<&Opening> {
        self.openings.iter().find(|o| o.window == window)
    }
}

/// Windows from one to another, both in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first
    pub from: Window,
    /// and the last.
    pub to: Window,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.to {
            write!(f, "window {}", self.from)
        } else {
            write!(f, "windows {} to {}", self.from, self.to)
        }
    }
}

/// Windows of a period that the source has a statement of, and those of them that are opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Windows of the period.
    pub windows: u64,
    /// Those that were stated.
    pub stated: u64,
    /// Those that were stated and are opened.
    pub opened: u64,
    /// What was not stated.
    pub not_stated: Vec<Span>,
    /// What was stated and is not opened; windows that nobody stated between two of them are in it.
    pub not_opened: Vec<Span>,
}

impl Coverage {
    /// Of the windows from one to another.
    pub fn new(
        openings: &Openings,
        stated: &BTreeMap<Window, (Place, Stated)>,
        from: Window,
        to: Window,
    ) -> Self {
        let opened: BTreeSet<Window> = openings.openings.iter().map(|o| o.window).collect();
        let mut found = Self {
            windows: to.0.saturating_sub(from.0).saturating_add(1),
            stated: 0,
            opened: 0,
            not_stated: Vec::new(),
            not_opened: Vec::new(),
        };
        let (mut next, mut closed) = (from, None::<Span>);
        for window in stated.range(from..=to).map(|(w, _)| *w) {
            found.stated = found.stated.saturating_add(1);
            if next < window {
                let to = window.prev();
                found.not_stated.push(Span { from: next, to });
            }
            next = window.next();
            if opened.contains(&window) {
                found.opened = found.opened.saturating_add(1);
                found.not_opened.extend(closed.take());
            } else {
                let from = closed.map_or(window, |span| span.from);
                closed = Some(Span { from, to: window });
            }
        }
        found.not_opened.extend(closed);
        if next <= to {
            found.not_stated.push(Span { from: next, to });
        }
        found
    }

    /// Whether every window was stated and is opened.
    pub const fn complete(&self) -> bool {
        self.windows == self.stated && self.stated == self.opened
    }
}

/// Holds every opening of a range against the statement in the source. `stated`: the meter's statements, by window.
pub fn verify(
    openings: &Openings,
    stated: &BTreeMap<Window, (Place, Stated)>,
    range: std::ops::RangeInclusive<Window>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut last: Option<&Opening> = None;
    for opening in &openings.openings {
        let window = opening.window;
        let before = last.replace(opening);
        if !range.contains(&window) {
            continue;
        }
        found.extend(differs(opening, stated));
        if let Some(before) = before {
            let fell = opening.registers.import < before.registers.import
                || opening.registers.export < before.registers.export;
            if fell {
                let what = format!("window {window}: a register went back");
                found.push(finding(Place::default(), "registers", what));
            }
        }
    }
    found
}

/// What an opening says other than the statement of its window.
pub fn differs(opening: &Opening, stated: &BTreeMap<Window, (Place, Stated)>) -> Option<Finding> {
    let window = opening.window;
    match stated.get(&window) {
        None => {
            let what = format!("window {window} is opened, and was never stated");
            Some(finding(Place::default(), "window", what))
        }
        Some((at, stated)) if opening.commitment() != stated.commitment => {
            let what = format!(
                "window {window}: registers {} Wh in, {} Wh out make the commitment {}, on the chain is {}",
                opening.registers.import,
                opening.registers.export,
                opening.commitment(),
                stated.commitment
            );
            Some(finding(*at, "registers", what))
        }
        Some(_) => None,
    }
}

fn finding(at: Place, field: &str, what: String) -> Finding {
    Finding {
        rule: Rule::Statement,
        at,
        event: "opening".to_owned(),
        field: field.to_owned(),
        what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(window: u64, export: u64, previous: Commitment) -> Opening {
        Opening {
            window: Window(window),
            registers: Registers {
                import: Wh(10),
                export: Wh(export),
            },
            salt: [u8::try_from(window).unwrap(); 16],
            previous,
        }
    }

    fn stated(opening: &Opening) -> (Place, Stated) {
        let stated = Stated {
            meter: MeterId([1; 16]),
            owner: "o".into(),
            window: opening.window,
            sequence: opening.window.0,
            wh: Wh(0),
            commitment: opening.commitment(),
            minted: true,
        };
        (Place::default(), stated)
    }

    #[test]
    fn a_reading_altered_by_one_is_found() {
        let one = opened(1, 100, Commitment::default());
        let two = opened(2, 130, one.commitment());
        let chain = BTreeMap::from([(one.window, stated(&one)), (two.window, stated(&two))]);
        let mut document = Openings {
            version: VERSION,
            meter: MeterId([1; 16]),
            home: None,
            installed: None,
            openings: vec![one, two],
        };
        let range = Window(2)..=Window(2);
        assert_eq!(verify(&document, &chain, range.clone()), []);
        document.openings[1].registers.export = Wh(131);
        let found = verify(&document, &chain, range.clone());
        assert_eq!(found.len(), 1, "{found:?}");
        document.openings[1].registers.export = Wh(99);
        let found = verify(&document, &chain, range);
        assert!(found[1].what.contains("went back"), "{found:?}");
    }

    #[test]
    fn gaps_are_ranges() {
        let all: Vec<Opening> = [2, 3, 6, 7, 9]
            .map(|w| opened(w, 100, Commitment::default()))
            .to_vec();
        let chain: BTreeMap<_, _> = all.iter().map(|o| (o.window, stated(o))).collect();
        let document = Openings {
            version: VERSION,
            meter: MeterId([1; 16]),
            home: None,
            installed: None,
            openings: vec![all[0], all[3]],
        };
        let found = Coverage::new(&document, &chain, Window(1), Window(11));
        assert_eq!((found.windows, found.stated, found.opened), (11, 5, 2));
        assert!(!found.complete());
        let shown = |spans: &[Span]| spans.iter().map(Span::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(&found.not_stated),
            ["window 1", "windows 4 to 5", "window 8", "windows 10 to 11"]
        );
        assert_eq!(shown(&found.not_opened), ["windows 3 to 6", "window 9"]);
        assert!(Coverage::new(&document, &chain, Window(7), Window(7)).complete());
    }

    #[test]
    fn documents_are_read_and_refused_in_a_line() {
        let meter = MeterId([1; 16]);
        let document = Openings {
            version: VERSION,
            meter,
            home: None,
            installed: Some(Registers::default()),
            openings: vec![opened(1, 2, Commitment::default())],
        };
        let line = serde_json::to_string(&document).unwrap();
        assert_eq!(Openings::parse(&line, meter).unwrap(), document);
        let other = line.replace(&meter.to_string(), &MeterId([2; 16]).to_string());
        let both = format!("{other}\n{line}\n");
        assert_eq!(Openings::parse(&both, meter).unwrap(), document);
        assert!(Openings::parse(&other, meter)
            .unwrap_err()
            .contains("openings of meter"));
        for bad in [
            "",
            "{",
            "[]",
            &line.replace("\"version\":1", "\"version\":9"),
            &line.replace("0101", "01"),
        ] {
            let error = Openings::parse(bad, meter).unwrap_err();
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
