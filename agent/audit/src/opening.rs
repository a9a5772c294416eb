//! Openings: what an owner shows of its registers, and whether it is what the device committed to on the chain.

use crate::finding::{Finding, Place, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wattpool_schema::event::Stated;
use wattpool_schema::signing::commitment;
use wattpool_schema::{Commitment, MeterId, Wh, Window};

/// Version of the document.
pub const VERSION: u32 = 1;

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
        let one = serde_json::from_str::<Self>(text);
        let mut found = Vec::new();
        match one {
            Ok(one) => found.push(one),
            Err(whole) => {
                for (number, line) in (1_u32..).zip(text.lines()) {
                    let line = serde_json::from_str::<Self>(line).map_err(|e| {
                        // A document over several lines has its own places.
                        let e = if number == 1 { &whole } else { &e };
                        format!(
                            "line {}: {}",
                            e.line().max(1),
                            e.to_string().replace('\n', " ")
                        )
                    })?;
                    found.push(line);
                }
            }
        }
        let of_meter = found.into_iter().find(|o| o.meter == meter);
        let found = of_meter.ok_or_else(|| format!("expected openings of meter {meter}"))?;
        if found.version != VERSION {
            return Err(format!(
                "expected version {VERSION}, found {}",
                found.version
            ));
        }
        let windows = found.openings.iter().map(|o| o.window);
        let pairs = windows.clone().zip(windows.skip(1));
        if let Some((a, b)) = pairs.into_iter().find(|(a, b)| a >= b) {
            return Err(format!(
                "window {b} after window {a}: expected ascending windows"
            ));
        }
        Ok(found)
    }

    /// Registers at a window's end, if they are opened; before the first statement, those of the installation.
    pub fn before(&self, window: Window) -> Option<(Option<Window>, Registers)> {
        let earlier = self.openings.iter().take_while(|o| o.window < window);
        let last = earlier.last().map(|o| (Some(o.window), o.registers));
        last.or(self.installed.map(|r| (None, r)))
    }
}

/// Holds every opening of a range against the statement on the chain. `stated`: the meter's statements, by window.
pub fn verify(
    openings: &Openings,
    stated: &BTreeMap<Window, (Place, Stated)>,
    range: std::ops::RangeInclusive<Window>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let finding = |at: Place, field: &str, what: String| Finding {
        rule: Rule::Statement,
        at,
        event: "opening".to_owned(),
        field: field.to_owned(),
        what,
    };
    let mut last: Option<&Opening> = None;
    for opening in &openings.openings {
        let window = opening.window;
        let before = last.replace(opening);
        // The one before the range says where its registers began.
        let counts = range.contains(&window) || window.next() == *range.start();
        if !counts {
            continue;
        }
        match stated.get(&window) {
            None => found.push(finding(
                Place::default(),
                "window",
                format!("window {window} was never stated"),
            )),
            Some((at, stated)) if opening.commitment() != stated.commitment => {
                let what = format!(
                    "window {window}: registers {} Wh in, {} Wh out make the commitment {}, on the chain is {}",
                    opening.registers.import,
                    opening.registers.export,
                    opening.commitment(),
                    stated.commitment
                );
                found.push(finding(*at, "registers", what));
            }
            Some(_) => {}
        }
        if let Some(before) = before {
            let fell = opening.registers.import < before.registers.import
                || opening.registers.export < before.registers.export;
            if fell {
                let what = format!("window {window}: a register went back");
                found.push(finding(Place::default(), "registers", what));
            }
        }
    }
    for (window, (at, _)) in stated.range(range) {
        let opened = openings.openings.iter().any(|o| o.window == *window);
        if !opened {
            let what = format!("window {window} was stated and is not opened");
            found.push(finding(*at, "window", what));
        }
    }
    found
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
        // The one before the range is where it begins.
        document.openings[1].registers.export = Wh(130);
        document.openings[0].registers.import = Wh(9);
        assert_eq!(verify(&document, &chain, range.clone()).len(), 1);
        document.openings.pop();
        document.openings[0].registers.import = Wh(10);
        assert_eq!(verify(&document, &chain, range).len(), 1, "not opened");
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
