//! Values in JSON, as MQTT messages and HTTP answers carry them.

use crate::modbus::RegisterUnit;
use crate::obis::Obis;
use crate::stream::Problem;
use crate::telegram::{Telegram, Value};
use serde_json::Value as Json;

/// Longest text that is looked at, bytes.
pub const LONGEST: usize = 64 * 1024;

/// A number as JSON has it, in thousandths; none beyond ±2^53 of them.
pub fn thousandths(value: f64) -> Option<i64> {
    // A float shows decimals with the nearest binary fraction: the nearest thousandth is what was meant.
    let rounded = (value * 1e3).round();
    #[allow(clippy::cast_possible_truncation, reason = "within 2^53")]
    (rounded.abs() < 9_007_199_254_740_992.0).then_some(rounded as i64)
}

/// Where a value is in a text: names and numbers of lists, joined by dots (`ENERGY.Total`, `emeters.0.total`).
/// The empty path means the whole text.
///
/// # Errors
/// The text is no JSON, or has no number there.
pub fn value(text: &[u8], path: &str, unit: RegisterUnit, obis: Obis) -> Result<Value, Problem> {
    let json = parse(text)?;
    let at = find(&json, path).ok_or_else(|| {
        Problem::malformed(
            format!("path {path:?}"),
            format!("not there; there are: {}", names(&json)),
        )
    })?;
    number(at, unit, obis).ok_or_else(|| not_a_number(path, at))
}

/// Reads a text.
///
/// # Errors
/// It is longer than [`LONGEST`], or no JSON.
pub fn parse(text: &[u8]) -> Result<Json, Problem> {
    if text.len() > LONGEST {
        return Err(Problem::TooLong(LONGEST, "text"));
    }
    serde_json::from_slice(text).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        Problem::malformed(place, "expected JSON")
    })
}

/// What is at a path.
pub fn find<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    if path.is_empty() {
        return Some(json);
    }
    // A name may have dots of its own.
    if let Some(found) = json.get(path) {
        return Some(found);
    }
    let mut at = json;
    for part in path.split('.') {
        at = match at {
            Json::Array(list) => list.get(part.parse::<usize>().ok()?)?,
            other => other.get(part)?,
        };
    }
    Some(at)
}

/// A number, or a text that is one.
pub fn number(json: &Json, unit: RegisterUnit, obis: Obis) -> Option<Value> {
    let (unit, prefix) = unit.parts();
    let whole = match json {
        Json::Number(n) => n.as_i64(),
        Json::String(s) => s.trim().parse::<i64>().ok(),
        _ => None,
    };
    if let Some(number) = whole {
        return Some(Value {
            obis,
            number,
            scale: prefix,
            unit,
        });
    }
    let float = match json {
        Json::Number(n) => n.as_f64()?,
        Json::String(s) => s.trim().parse::<f64>().ok().filter(|f| f.is_finite())?,
        _ => return None,
    };
    let number = thousandths(float)?;
    let scale = prefix.checked_sub(3)?;
    Some(Value {
        obis,
        number,
        scale,
        unit,
    })
}

fn names(json: &Json) -> String {
    let names: Vec<String> = match json {
        Json::Object(map) => map.keys().take(12).cloned().collect(),
        Json::Array(list) => vec![format!("a list of {}", list.len())],
        _ => vec!["a single value".into()],
    };
    names.join(", ").chars().take(200).collect()
}

/// Where the messages of a kind of device have their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Whose messages.
    pub name: &'static str,
    /// What they have: code, path and unit.
    pub values: &'static [(Obis, &'static str, RegisterUnit)],
}

/// Messages that are known by their content.
pub const SHAPES: [Shape; 4] = [
    Shape {
        name: "Tasmota, energy monitoring",
        values: &[
            (Obis::IMPORT, "ENERGY.Total", RegisterUnit::KWh),
            (Obis::EXPORT, "ENERGY.ExportActive", RegisterUnit::KWh),
            (Obis::POWER, "ENERGY.Power", RegisterUnit::W),
        ],
    },
    Shape {
        name: "Shelly, energy of three phases",
        values: &[
            (Obis::IMPORT, "total_act", RegisterUnit::Wh),
            (Obis::EXPORT, "total_act_ret", RegisterUnit::Wh),
        ],
    },
    Shape {
        name: "Shelly, power of three phases",
        values: &[(Obis::POWER, "total_act_power", RegisterUnit::W)],
    },
    Shape {
        name: "Zigbee2MQTT",
        values: &[
            (Obis::IMPORT, "energy", RegisterUnit::KWh),
            (Obis::EXPORT, "produced_energy", RegisterUnit::KWh),
            (Obis::POWER, "power", RegisterUnit::W),
        ],
    },
];

/// The kind of [`TOPICS`].
const EVCC: &str = "evcc";

/// Topics whose messages are a number alone, by their end, as evcc has them: feed-in is not among them.
const TOPICS: [(&str, Obis, RegisterUnit); 2] = [
    ("site/grid/energy", Obis::IMPORT, RegisterUnit::KWh),
    ("site/grid/power", Obis::POWER, RegisterUnit::W),
];

/// Where somebody says that the values of his messages are: a path within them, or the topic of a number alone.
pub type Named<'a> = (Obis, &'a str, RegisterUnit);

/// Reads what was named out of a message; what is of none of the names has no values.
///
/// # Errors
/// It is no JSON, or has something else than a number there.
pub fn named(topic: &str, text: &[u8], names: &[Named<'_>]) -> Result<Telegram, Problem> {
    let json = parse(text)?;
    let mut telegram = Telegram::empty();
    for (obis, path, unit) in names {
        let at = if *path == topic {
            Some(&json)
        } else {
            find(&json, path)
        };
        let Some(at) = at else { continue };
        let value = number(at, *unit, *obis).ok_or_else(|| not_a_number(path, at))?;
        telegram.values.push(value);
    }
    Ok(telegram)
}

fn not_a_number(path: &str, found: &Json) -> Problem {
    let found: String = found.to_string().chars().take(40).collect();
    Problem::malformed(
        format!("path {path:?}"),
        format!("expected a number, found {found}"),
    )
}

/// Reads a message whose kind is told by its content, or by its topic's end where it is a number alone.
///
/// # Errors
/// It is no JSON, or of no known kind.
pub fn recognised(topic: &str, text: &[u8]) -> Result<(&'static str, Telegram), Problem> {
    let json = parse(text)?;
    let known = TOPICS.iter().find(|(end, ..)| topic.ends_with(end));
    if let Some(value) = known.and_then(|(_, obis, unit)| number(&json, *unit, *obis)) {
        let mut telegram = Telegram::empty();
        telegram.values.push(value);
        return Ok((EVCC, telegram));
    }
    for shape in SHAPES {
        let mut telegram = Telegram::empty();
        for (obis, path, unit) in shape.values {
            if let Some(at) = find(&json, path) {
                telegram.values.extend(number(at, *unit, *obis));
            }
        }
        if !telegram.values.is_empty() {
            return Ok((shape.name, telegram));
        }
    }
    let known: Vec<&str> = SHAPES.iter().map(|s| s.name).chain([EVCC]).collect();
    let what = format!(
        "of no known kind ({}); there are: {}",
        known.join("; "),
        names(&json)
    );
    Err(Problem::malformed("message", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wh(text: &str, path: &str, unit: RegisterUnit) -> Result<Option<i64>, String> {
        value(text.as_bytes(), path, unit, Obis::IMPORT)
            .map(|v| v.whole())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn numbers_are_found_and_exact() {
        let text = r#"{"ENERGY":{"Total":12345.678,"list":[1,"2.5"]},"a.b":7}"#;
        assert_eq!(
            wh(text, "ENERGY.Total", RegisterUnit::KWh),
            Ok(Some(12_345_678))
        );
        assert_eq!(
            wh(text, "ENERGY.list.1", RegisterUnit::KWh),
            Ok(Some(2_500))
        );
        assert_eq!(wh(text, "a.b", RegisterUnit::Wh), Ok(Some(7)));
        assert_eq!(wh("0.29", "", RegisterUnit::KWh), Ok(Some(290)));
        assert_eq!(wh("4.35", "", RegisterUnit::KWh), Ok(Some(4_350)));
        assert_eq!(
            wh("123456789.999", "", RegisterUnit::KWh),
            Ok(Some(123_456_789_999))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing = wh(r#"{"a":1,"b":[]}"#, "c", RegisterUnit::Wh).unwrap_err();
        assert_eq!(missing, "path \"c\": not there; there are: a, b");
        let text = wh(r#"{"a":"on"}"#, "a", RegisterUnit::Wh).unwrap_err();
        assert_eq!(text, "path \"a\": expected a number, found \"on\"");
        let broken = wh("{\n\"a\":", "a", RegisterUnit::Wh).unwrap_err();
        assert_eq!(broken, "line 2, column 4: expected JSON");
        for none in ["NaN", "\"inf\"", "1e300", "null", "true", "{}"] {
            assert!(wh(none, "", RegisterUnit::Wh).is_err(), "{none}");
        }
    }
}
