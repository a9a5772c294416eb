//! DLMS/COSEM pushes of customer ports: `data-notification` APDUs in HDLC or M-Bus frames, or bare, plain or
//! encrypted. Which list a meter sends is told by its content: codes beside their values, a list of the pushed
//! objects before the values, or one of Kaifa's lists without codes.

use crate::axdr::{Data, Reader};
use crate::cipher;
use crate::clock::{Civil, Season};
use crate::links::{hdlc, mbus, Flaw, Piece, FLAG, LONG};
use crate::obis::Obis;
use crate::stream::{Frames, Problem, Step};
use crate::telegram::{Telegram, Time, Unit, Value};
use crate::Dialect;

/// Tag of a `data-notification`.
const NOTIFICATION: u8 = 0x0F;
/// Longest push of several frames.
const LONGEST_PUSH: usize = 8 * 1024;

/// Finds pushes.
#[derive(Debug)]
pub struct Pushes {
    dialect: Dialect,
    /// A bare APDU has no frame and no check: only where it is told so.
    bare: bool,
    gathered: Vec<u8>,
    gathering: bool,
    number: Option<u8>,
}

impl Pushes {
    /// In HDLC or M-Bus frames, whichever comes.
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            bare: false,
            gathered: Vec::new(),
            gathering: false,
            number: None,
        }
    }

    /// Bare APDUs too, as files may have them. They have no check of their own.
    pub const fn with_bare(dialect: Dialect) -> Self {
        let mut pushes = Self::new(dialect);
        pushes.bare = true;
        pushes
    }

    fn piece(&mut self, piece: &Piece<'_>) -> Step {
        let used = piece.used;
        let first = piece.first && piece.number.is_none_or(|(n, _)| n == 0);
        if first {
            self.forget();
            self.gathering = true;
        } else if !self.gathering {
            let what = "a later part of a push whose beginning is missing";
            return Step::Bad(used, Problem::malformed("frame", what));
        } else if let (Some((number, of)), Some(before)) = (piece.number, self.number) {
            if before.wrapping_add(1).checked_rem(of) != Some(number) {
                let what = format!("part {number} follows part {before}");
                return Step::Bad(used, Problem::malformed("frame", what));
            }
        }
        self.number = piece.number.map(|(n, _)| n);
        self.gathered.extend_from_slice(piece.body);
        if self.gathered.len() > LONGEST_PUSH {
            return Step::Bad(used, Problem::TooLong(LONGEST_PUSH, "push"));
        }
        if !piece.last {
            return Step::Part(used, first);
        }
        let push = std::mem::take(&mut self.gathered);
        self.forget();
        match apdu(&push, &self.dialect) {
            Ok(telegram) => Step::Frame(used, Box::new(telegram)),
            Err(problem) => Step::Bad(used, problem),
        }
    }

    fn bare(&self, bytes: &[u8], last: bool) -> Step {
        let length = match bytes.first() {
            Some(&NOTIFICATION) => {
                let mut reader = Reader::new(bytes);
                match notification(&mut reader) {
                    Ok(_) => bytes.len().saturating_sub(reader.rest().len()),
                    Err(problem) if last => return Step::Bad(bytes.len(), problem),
                    Err(_) => return Step::More,
                }
            }
            _ => match cipher::length(bytes) {
                Ok(Some(length)) if length <= bytes.len() => length,
                Ok(_) if last => {
                    let what = format!("the input ends {} bytes into it", bytes.len());
                    return Step::Bad(bytes.len(), Problem::CutOff("encrypted APDU", what));
                }
                Ok(_) => return Step::More,
                Err(problem) => return Step::Bad(1, problem),
            },
        };
        match apdu(bytes.get(..length).unwrap_or(&[]), &self.dialect) {
            Ok(mut telegram) => {
                if !telegram.remarks.contains(&AUTHENTIC) {
                    telegram.remarks.push("came without a check");
                }
                Step::Frame(length, Box::new(telegram))
            }
            Err(problem) => Step::Bad(length, problem),
        }
    }
}

impl Frames for Pushes {
    const LONGEST: usize = 8 * 1024;
    const NAME: &'static str = "DLMS push";

    fn noise(&self, bytes: &[u8]) -> usize {
        let begins = |at: usize| match bytes.get(at..) {
            Some([FLAG]) => true,
            // Format type 3; between two flags there is nothing.
            Some([FLAG, next, ..]) => next & 0xF0 == 0xA0,
            Some([LONG]) => true,
            Some([LONG, _]) => true,
            Some([LONG, one, two]) => one == two,
            Some([LONG, one, two, start, ..]) => one == two && *start == LONG,
            Some([NOTIFICATION | cipher::GENERAL_GLO | cipher::GENERAL_DED, ..]) => self.bare,
            _ => false,
        };
        (0..bytes.len())
            .find(|at| begins(*at))
            .unwrap_or(bytes.len())
    }

    fn step(&mut self, bytes: &[u8], last: bool) -> Step {
        let ignore = self.dialect.ignore_checks;
        let found = match bytes.first() {
            Some(&FLAG) => hdlc(bytes, ignore),
            Some(&LONG) => mbus(bytes, ignore),
            _ => return self.bare(bytes, last),
        };
        match found {
            Ok(piece) => self.piece(&piece),
            Err(Flaw::Bad(used, problem)) => Step::Bad(used, problem),
            // A flag at the very end only closes what came before.
            Err(Flaw::More) if bytes == [FLAG] && last => Step::Part(1, false),
            Err(Flaw::More) => Step::More,
        }
    }

    fn forget(&mut self) {
        self.gathered.clear();
        self.gathering = false;
        self.number = None;
    }
}

/// Told of a push whose tag was checked.
const AUTHENTIC: &str = "authenticated";

/// A whole APDU.
fn apdu(bytes: &[u8], dialect: &Dialect) -> Result<Telegram, Problem> {
    match bytes.first() {
        Some(&NOTIFICATION) => of_notification(bytes, dialect),
        Some(&(cipher::GENERAL_GLO | cipher::GENERAL_DED)) => {
            let opened = cipher::open(bytes, dialect.keys.as_ref())?;
            if opened.plain.first() != Some(&NOTIFICATION) {
                let what = "what it opens to is no data-notification: a wrong key?";
                return Err(Problem::Locked(what.into()));
            }
            let mut telegram = of_notification(&opened.plain, dialect)?;
            let remark = if opened.authentic {
                AUTHENTIC
            } else {
                "not authenticated: no authentication key or no tag"
            };
            telegram.remarks.push(remark);
            if telegram.meter.is_none() {
                telegram.meter = Some(opened.title.iter().map(|b| format!("{b:02X}")).collect());
            }
            Ok(telegram)
        }
        Some(tag) => {
            let what = format!("expected 0F, DB or DC, found {tag:02X}");
            Err(Problem::malformed("APDU", what))
        }
        None => Err(Problem::malformed("APDU", "it is empty")),
    }
}

/// The time and the body of a `data-notification`.
fn notification(reader: &mut Reader<'_>) -> Result<(Option<[u8; 12]>, Data), Problem> {
    // Tag, and the number that an answer would repeat.
    reader.take(5)?;
    let mut length = reader.byte()?;
    if length == 0x09 {
        // Kaifa puts a type before the length.
        length = reader.byte()?;
    }
    let time = match length {
        0 => None,
        12 => reader.take(12)?.try_into().ok(),
        other => {
            let what = format!("expected 0 or 12 bytes, found {other}");
            return Err(Problem::malformed("time of the notification", what));
        }
    };
    Ok((time, reader.value()?))
}

fn of_notification(bytes: &[u8], dialect: &Dialect) -> Result<Telegram, Problem> {
    let (time, body) = notification(&mut Reader::new(bytes))?;
    let mut found = Found::new(dialect);
    found.list(&body);
    if found.pairs == 0 {
        found.kaifa(&body);
    }
    let mut telegram = Telegram {
        meter: found.meter,
        time: time.as_ref().and_then(|t| stamp(t, dialect)).or(found.time),
        values: found.values,
        ..Telegram::empty()
    };
    telegram.values.retain(|v| v.number != i64::from(u32::MAX));
    if telegram.values.is_empty() {
        return Err(Problem::NothingOfUse);
    }
    Ok(telegram)
}

/// What is picked out of a push.
struct Found<'a> {
    dialect: &'a Dialect,
    meter: Option<String>,
    time: Option<Time>,
    values: Vec<Value>,
    /// Codes with a value.
    pairs: usize,
    /// Kamstrup sends energy in 10 Wh, without saying so.
    kamstrup: bool,
}

impl<'a> Found<'a> {
    const fn new(dialect: &'a Dialect) -> Self {
        Self {
            dialect,
            meter: None,
            time: None,
            values: Vec::new(),
            pairs: 0,
            kamstrup: false,
        }
    }

    /// Codes and values beside each other, at any depth.
    fn list(&mut self, data: &Data) {
        let Data::List(items) = data else { return };
        if let Some((at, objects)) = pushed_objects(items) {
            return self.objects(&objects, items, at);
        }
        let mut rest = items.as_slice();
        while let Some((item, after)) = rest.split_first() {
            rest = after;
            match item {
                Data::Text(text) if text.starts_with("Kamstrup") => self.kamstrup = true,
                Data::Octets(octets) => {
                    let Some(obis) = code(octets) else { continue };
                    // An object's class and attribute stand around its code in some lists.
                    while let Some((Data::Null, after)) = rest.split_first() {
                        rest = after;
                    }
                    let Some((value, after)) = rest.split_first() else {
                        continue;
                    };
                    rest = after;
                    let scale = rest.first().and_then(scaler_unit);
                    if scale.is_some() {
                        rest = rest.get(1..).unwrap_or(&[]);
                    }
                    self.pair(obis, value, scale);
                }
                Data::List(_) => self.list(item),
                _ => {}
            }
        }
    }

    fn pair(&mut self, obis: Obis, value: &Data, scale: Option<(i8, u8)>) {
        self.pairs = self.pairs.saturating_add(1);
        match value {
            Data::Number(number) => self.number(obis, *number, scale),
            Data::Octets(octets) if matches!(obis.0, [0 | 1, _, 1, 0, 0, 255]) => {
                let octets = <&[u8; 12]>::try_from(octets.as_slice()).ok();
                self.time = octets.and_then(|o| stamp(o, self.dialect)).or(self.time);
            }
            Data::Octets(octets) if is_name(obis) => self.name(&String::from_utf8_lossy(octets)),
            Data::Text(text) if is_name(obis) => self.name(text),
            Data::List(items) => {
                // Value, scaler and unit in one structure behind the code.
                let scale = scale.or_else(|| items.get(1).and_then(scaler_unit));
                if let Some(Data::Number(number)) = items.first() {
                    self.number(obis, *number, scale);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, text: &str) {
        let text = text.trim_matches(|c: char| c.is_control() || c == ' ');
        if self.meter.is_none() && !text.is_empty() {
            self.meter = Some(text.chars().filter(|c| !c.is_control()).collect());
        }
    }

    fn number(&mut self, obis: Obis, number: i64, scale: Option<(i8, u8)>) {
        let (unit, silent) = if obis.is_active_energy() {
            (Unit::Wh, if self.kamstrup { 1 } else { 0 })
        } else if obis.is_active_power() {
            (Unit::W, 0)
        } else {
            return;
        };
        let scale = match (scale, unit) {
            (None, _) => silent,
            (Some((scale, 30)), Unit::Wh) | (Some((scale, 27)), Unit::W) => scale,
            // Another unit: not what its code says.
            _ => return,
        };
        if !self.values.iter().any(|v| v.obis == obis) {
            self.values.push(Value {
                obis,
                number,
                scale,
                unit,
            });
        }
    }

    /// A list of the pushed objects stands before their values.
    fn objects(&mut self, objects: &[(Obis, i64)], items: &[Data], at: usize) {
        let behind = at.saturating_add(1);
        // The list itself may be the first of the pushed objects.
        let from = if objects.len() == items.len().saturating_sub(at) {
            at
        } else {
            behind
        };
        let values = items.get(from..).unwrap_or(&[]);
        let scaler = |obis: Obis| {
            let mut pairs = objects.iter().zip(values);
            pairs.find_map(|((o, attribute), v)| {
                (*o == obis && *attribute == 3).then(|| scaler_unit(v))?
            })
        };
        for ((obis, attribute), value) in objects.iter().zip(values) {
            if *attribute == 2 {
                self.pair(*obis, value, scaler(*obis));
            }
        }
    }

    /// Kaifa's lists of 1, 9, 13, 14 and 18 values in a fixed order (Norwegian and Swedish customer ports).
    fn kaifa(&mut self, body: &Data) {
        let Data::List(items) = body else { return };
        let number = |at: usize| match items.get(at) {
            Some(Data::Number(n)) => Some(*n),
            _ => None,
        };
        let text = |at: usize| match items.get(at) {
            Some(Data::Octets(o)) => Some(String::from_utf8_lossy(o).into_owned()),
            Some(Data::Text(t)) => Some(t.clone()),
            _ => None,
        };
        let mut put = |c: u8, d: u8, at: usize| {
            if let Some(number) = number(at) {
                self.number(Obis::electricity(c, d, 0), number, None);
            }
        };
        match items.len() {
            1 => put(1, 7, 0),
            length @ (9 | 13 | 14 | 18) if text(0).is_some_and(|t| t.starts_with("KFM")) => {
                put(1, 7, 3);
                put(2, 7, 4);
                if let 14 | 18 = length {
                    let clock = length.saturating_sub(5);
                    put(1, 8, clock.saturating_add(1));
                    put(2, 8, clock.saturating_add(2));
                    if let Some(Data::Octets(o)) = items.get(clock) {
                        let octets = <&[u8; 12]>::try_from(o.as_slice()).ok();
                        self.time = octets.and_then(|o| stamp(o, self.dialect));
                    }
                }
                if let Some(name) = text(1) {
                    self.name(&name);
                }
            }
            _ => {}
        }
    }
}

fn code(octets: &[u8]) -> Option<Obis> {
    let code: [u8; 6] = octets.try_into().ok()?;
    // A register's code has a medium, and is of now.
    (code[0] <= 1 && (code[5] == 255 || code[5] <= 99)).then_some(Obis(code))
}

/// Serial number or device name.
const fn is_name(obis: Obis) -> bool {
    matches!(obis.0, [0, _, 96, 1, 0, 255] | [1, _, 0, 0, 1 | 5, 255])
}

/// Scaler and unit, as a structure of both.
fn scaler_unit(data: &Data) -> Option<(i8, u8)> {
    match data {
        Data::List(items) => match items.as_slice() {
            [Data::Number(scale), Data::Enum(unit)] => Some((i8::try_from(*scale).ok()?, *unit)),
            _ => None,
        },
        _ => None,
    }
}

/// Where a list of pushed objects stands (class, code, attribute, and mostly an index), and what is in it.
fn pushed_objects(items: &[Data]) -> Option<(usize, Vec<(Obis, i64)>)> {
    items.iter().take(3).enumerate().find_map(|(at, item)| {
        let Data::List(objects) = item else {
            return None;
        };
        let objects: Option<Vec<_>> = objects.iter().map(object).collect();
        objects.filter(|o| o.len() > 1).map(|o| (at, o))
    })
}

fn object(data: &Data) -> Option<(Obis, i64)> {
    let Data::List(parts) = data else { return None };
    match parts.as_slice() {
        [Data::Number(_), Data::Octets(octets), Data::Number(attribute)]
        | [Data::Number(_), Data::Octets(octets), Data::Number(attribute), _] => {
            Some((Obis(octets.as_slice().try_into().ok()?), *attribute))
        }
        _ => None,
    }
}

/// A COSEM date-time: local time, deviation (UTC − local, minutes) and status.
fn stamp(bytes: &[u8; 12], dialect: &Dialect) -> Option<Time> {
    let [y0, y1, month, day, _, hour, minute, second, _, d0, d1, status] = *bytes;
    let civil = Civil {
        year: u16::from_be_bytes([y0, y1]),
        month,
        day,
        hour,
        minute,
        // "Not specified".
        second: if second == 0xFF { 0 } else { second },
    };
    let deviation = i16::from_be_bytes([d0, d1]);
    if (-840..=840).contains(&deviation) {
        let shift = i64::from(deviation).checked_mul(60)?;
        let utc = i64::try_from(civil.seconds()?).ok()?.checked_add(shift)?;
        return u64::try_from(utc)
            .ok()
            .map(|s| Time::Utc(wattpool_schema::Seconds(s)));
    }
    let season = match status {
        0xFF => Season::Untold,
        s if s & 0x80 != 0 => Season::Summer,
        _ => Season::Untold,
    };
    dialect.zone.utc(civil, season).map(Time::Utc)
}
