//! P1 telegrams: DSMR 2.2 to 5 and ESMR 5, and what Belgium (eMUCS), Luxembourg, Sweden and Hungary made of them.
//!
//! A telegram is text from `/` to `!` and its CRC. Before version 4 there is none: such a telegram is taken only
//! if each of its lines has the form of one. Luxembourg (and some Austrian meters) send it encrypted.

use crate::cipher;
use crate::clock::{Civil, Season};
use crate::obis::Obis;
use crate::stream::{Frames, Problem, Step};
use crate::telegram::{Telegram, Time, Unit, Value};
use crate::Dialect;

/// Finds P1 telegrams.
#[derive(Debug)]
pub struct Telegrams {
    dialect: Dialect,
}

impl Telegrams {
    /// Of a meter with these properties.
    pub const fn new(dialect: Dialect) -> Self {
        Self { dialect }
    }

    fn encrypted(&self, bytes: &[u8], last: bool) -> Step {
        let length = match cipher::length(bytes) {
            Ok(Some(length)) if length <= Self::LONGEST => length,
            Ok(Some(length)) => {
                let problem = Problem::malformed("length", format!("{length} bytes are too many"));
                return Step::Bad(1, problem);
            }
            Ok(None) => return Step::More,
            Err(_) => return Step::Bad(1, Problem::Noise(1)),
        };
        let Some(whole) = bytes.get(..length) else {
            if last {
                let what = format!("{} of {length} bytes are there", bytes.len());
                return Step::Bad(bytes.len(), Problem::CutOff(Self::NAME, what));
            }
            return Step::More;
        };
        let opened = match cipher::open(whole, self.dialect.keys.as_ref()) {
            Ok(opened) => opened,
            Err(problem) => return Step::Bad(length, problem),
        };
        // Encrypted without a tag, a false key gives noise: the telegram's own check then refuses it.
        let telegram = if opened.plain.first() == Some(&b'/') {
            let end = opened.plain.iter().rposition(|b| *b == b'!').unwrap_or(0);
            let (text, after) = opened.plain.split_at(end.min(opened.plain.len()));
            let digits: Vec<u8> = after
                .iter()
                .skip(1)
                .copied()
                .filter(u8::is_ascii_hexdigit)
                .collect();
            parse(text, &digits, &self.dialect)
        } else {
            Err(Problem::Locked(
                "what it opens to is no telegram: a wrong key?".into(),
            ))
        };
        match telegram {
            Ok(mut telegram) => {
                if !opened.authentic {
                    telegram
                        .remarks
                        .push("not authenticated: no authentication key");
                }
                Step::Frame(length, Box::new(telegram))
            }
            Err(problem) => Step::Bad(length, problem),
        }
    }
}

impl Frames for Telegrams {
    const LONGEST: usize = 8 * 1024;
    const NAME: &'static str = "P1 telegram";

    fn noise(&self, bytes: &[u8]) -> usize {
        let begins = |at: usize| match bytes.get(at..) {
            Some([b'/', ..]) => true,
            Some([cipher::GENERAL_GLO, rest @ ..]) => rest.first().is_none_or(|n| *n == 8),
            _ => false,
        };
        (0..bytes.len())
            .find(|at| begins(*at))
            .unwrap_or(bytes.len())
    }

    fn step(&mut self, bytes: &[u8], last: bool) -> Step {
        if bytes.first() != Some(&b'/') {
            return self.encrypted(bytes, last);
        }
        let mut line = 0;
        loop {
            let Some(rest) = bytes.get(line..) else {
                return Step::More;
            };
            match rest.first() {
                Some(b'/') if line > 0 => {
                    let what = format!("another one begins {line} bytes later");
                    return Step::Bad(line, Problem::CutOff(Self::NAME, what));
                }
                Some(b'!') => return self.ended(bytes, line, last),
                _ => {}
            }
            // Text has no control characters: what follows one is no telegram.
            let end = rest
                .iter()
                .position(|b| !(b' '..=b'~').contains(b) && *b != b'\t' && *b != b'\r');
            match end {
                Some(at) if rest.get(at) == Some(&b'\n') => {
                    line = line.saturating_add(at).saturating_add(1)
                }
                Some(at) => {
                    let at = line.saturating_add(at);
                    let byte = bytes.get(at).copied().unwrap_or(0);
                    let what = format!("expected text, found {byte:02X}");
                    return Step::Bad(at.max(1), Problem::malformed(format!("byte {at}"), what));
                }
                None if last => {
                    let what = format!("the input ends {} bytes into it", bytes.len());
                    return Step::Bad(bytes.len(), Problem::CutOff(Self::NAME, what));
                }
                None => return Step::More,
            }
        }
    }
}

impl Telegrams {
    /// The end mark stands at `end`; the check follows it.
    fn ended(&self, bytes: &[u8], end: usize, last: bool) -> Step {
        let (text, after) = bytes.split_at(end.min(bytes.len()));
        let after = after.get(1..).unwrap_or(&[]);
        let digits = after
            .iter()
            .take(4)
            .take_while(|b| b.is_ascii_hexdigit())
            .count();
        if digits == after.len() && digits < 4 && !last {
            return Step::More;
        }
        let used = end.saturating_add(1).saturating_add(digits);
        match parse(text, after.get(..digits).unwrap_or(&[]), &self.dialect) {
            Ok(telegram) => Step::Frame(used, Box::new(telegram)),
            Err(problem) => Step::Bad(used, problem),
        }
    }
}

/// CRC-16/ARC.
fn crc(bytes: impl Iterator<Item = u8>) -> u16 {
    bytes.fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xA001
            } else {
                crc >> 1
            }
        })
    })
}

/// What stands from `/` to before `!`, and the digits of the check.
fn parse(text: &[u8], digits: &[u8], dialect: &Dialect) -> Result<Telegram, Problem> {
    let checked = check(text, digits, dialect)?;
    let text =
        std::str::from_utf8(text).map_err(|_| Problem::malformed("telegram", "expected text"))?;
    let mut lines = text.lines();
    let name = lines.next().unwrap_or("").trim_start_matches('/').trim();
    let mut telegram = Telegram {
        meter: Some(name.to_owned()),
        ..Telegram::empty()
    };
    if !checked {
        telegram.remarks.push("came without a check");
    }
    let mut version = false;
    for (number, line) in lines.enumerate() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('(') {
            continue;
        }
        let place = || format!("line {}", number.saturating_add(2));
        let Some((obis, value)) = split(line) else {
            if checked {
                continue;
            }
            let what = format!(
                "expected such as 1-0:1.8.1(00001.001*kWh), found {:?}",
                shortened(line)
            );
            return Err(Problem::malformed(place(), what));
        };
        version |= matches!(obis.0, [1, 3, 0, 2, 8, 255] | [0, 0, 96, 1, 4, 255]);
        if obis.0 == [0, 0, 1, 0, 0, 255] {
            telegram.time = stamp(value, dialect);
            if telegram.time.is_none() && !value.is_empty() {
                let what = format!(
                    "expected such as 240131235959W, found {:?}",
                    shortened(value)
                );
                return Err(Problem::malformed(place(), what));
            }
        } else if obis.is_active_energy() || obis.is_active_power() {
            let value = quantity(obis, value).ok_or_else(|| {
                let what = format!(
                    "expected such as 00001.001*kWh or 00.123*kW, found {:?}",
                    shortened(value)
                );
                Problem::malformed(format!("{}, {obis}", place()), what)
            })?;
            if telegram
                .values
                .iter()
                .any(|v| v.obis == obis && *v != value)
            {
                return Err(Problem::malformed(place(), format!("{obis} a second time")));
            }
            telegram.values.push(value);
        }
    }
    if version && !checked {
        return Err(Problem::malformed(
            "check",
            "missing, as telegrams of this version have one",
        ));
    }
    if telegram.values.is_empty() {
        return Err(Problem::NothingOfUse);
    }
    Ok(telegram)
}

/// Whether there was a check, and it fits.
fn check(text: &[u8], digits: &[u8], dialect: &Dialect) -> Result<bool, Problem> {
    let Some(said) = std::str::from_utf8(digits).ok().filter(|d| !d.is_empty()) else {
        return Ok(false);
    };
    let said = u16::from_str_radix(said, 16)
        .map_err(|_| Problem::malformed("check", "expected four digits"))?;
    let mut computed = crc(text.iter().copied().chain([b'!']));
    if computed != said && !text.contains(&b'\r') {
        // An editor or a terminal has taken the carriage returns away.
        let restored = text.iter().flat_map(|b| {
            let cr = (*b == b'\n').then_some(b'\r');
            cr.into_iter().chain([*b])
        });
        computed = crc(restored.chain([b'!']));
    }
    if computed != said && !dialect.ignore_checks {
        return Err(Problem::Check {
            name: "CRC",
            said,
            computed,
            width: 4,
        });
    }
    Ok(true)
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The code and the first value in brackets of a line.
fn split(line: &str) -> Option<(Obis, &str)> {
    let (code, rest) = line.split_once('(')?;
    let (value, _) = rest.split_once(')')?;
    line.ends_with(')').then_some(())?;
    Some((code.parse().ok()?, value))
}

/// `00001.001*kWh`: digits and unit, exactly.
fn quantity(obis: Obis, text: &str) -> Option<Value> {
    let (digits, unit) = text.split_once('*')?;
    let (unit, prefix) = match unit {
        "Wh" => (Unit::Wh, 0i8),
        "kWh" => (Unit::Wh, 3),
        "MWh" => (Unit::Wh, 6),
        "W" => (Unit::W, 0),
        "kW" => (Unit::W, 3),
        _ => return None,
    };
    if (unit == Unit::Wh) != obis.is_active_energy() {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.strip_prefix('-').unwrap_or(&all);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let decimals = i8::try_from(fraction.len()).ok()?;
    Some(Value {
        obis,
        number: all.parse().ok()?,
        scale: prefix.checked_sub(decimals)?,
        unit,
    })
}

/// `YYMMDDhhmmssX`, X is S in summer and W in winter; a meter that does not tell leaves it out.
fn stamp(text: &str, dialect: &Dialect) -> Option<Time> {
    let (digits, season) = match text.as_bytes().last()? {
        b'S' => (text.get(..text.len().checked_sub(1)?)?, Season::Summer),
        b'W' => (text.get(..text.len().checked_sub(1)?)?, Season::Winter),
        _ => (text, Season::Untold),
    };
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| digits.get(at..at.checked_add(2)?)?.parse::<u8>().ok();
    let civil = Civil {
        year: u16::from(two(0)?).checked_add(2000)?,
        month: two(2)?,
        day: two(4)?,
        hour: two(6)?,
        minute: two(8)?,
        second: two(10)?,
    };
    dialect.zone.utc(civil, season).map(Time::Utc)
}
