//! SML 1 as German meters push it (BSI TR-03109-1, annex IV): transport frames with escape sequences, and lists in
//! them. The transport is read by sml-rs; the messages here, because that crate trusts the lengths they claim.

use crate::obis::Obis;
use crate::stream::{Frames, Problem, Step};
use crate::telegram::{Telegram, Time, Unit, Value};
use sml_rs::transport::{DecodeErr, Decoder};
use wattpool_schema::Seconds;

const START: [u8; 8] = [0x1B, 0x1B, 0x1B, 0x1B, 1, 1, 1, 1];

/// Finds SML files, as what stands between two escape sequences is called.
#[derive(Debug, Default)]
pub struct Files;

impl Frames for Files {
    const LONGEST: usize = 8 * 1024;
    const NAME: &'static str = "SML file";

    fn noise(&self, bytes: &[u8]) -> usize {
        let begins = |at: usize| {
            let rest = bytes.get(at..).unwrap_or(&[]);
            let length = rest.len().min(START.len());
            rest.get(..length) == START.get(..length)
        };
        (0..bytes.len())
            .find(|at| begins(*at))
            .unwrap_or(bytes.len())
    }

    fn step(&mut self, bytes: &[u8], last: bool) -> Step {
        if !bytes.starts_with(&START) {
            return if last {
                Step::Bad(bytes.len(), Problem::Noise(bytes.len()))
            } else {
                Step::More
            };
        }
        let mut decoder = Decoder::<Vec<u8>>::new();
        for (at, byte) in bytes.iter().enumerate() {
            let used = at.saturating_add(1);
            match decoder.push_byte(*byte) {
                Ok(None) => {}
                Ok(Some(file)) => {
                    return match of_file(file) {
                        Ok(telegram) => Step::Frame(used, Box::new(telegram)),
                        Err(problem) => Step::Bad(used, problem),
                    }
                }
                Err(error) => return bad(bytes, used, error),
            }
        }
        if last {
            let what = format!("the input ends {} bytes into it", bytes.len());
            return Step::Bad(bytes.len(), Problem::CutOff(Self::NAME, what));
        }
        Step::More
    }
}

fn bad(bytes: &[u8], used: usize, error: DecodeErr) -> Step {
    match error {
        // Another start sequence: the next file begins with it.
        DecodeErr::DiscardedBytes(_) => {
            let next = used.saturating_sub(START.len()).max(1);
            let what = format!("another one begins {next} bytes later");
            Step::Bad(next, Problem::CutOff(Files::NAME, what))
        }
        DecodeErr::InvalidMessage {
            checksum_mismatch: (said, computed),
            ..
        } if said != computed => Step::Bad(
            used,
            Problem::Check {
                name: "CRC",
                said,
                computed,
                width: 4,
            },
        ),
        other => {
            let _ = bytes;
            let problem = Problem::malformed(format!("transport, byte {used}"), other.to_string());
            Step::Bad(used, problem)
        }
    }
}

/// An element of a message.
#[derive(Debug)]
enum Node<'a> {
    /// An optional element that is left out.
    Absent,
    Octets(&'a [u8]),
    Number(i64),
    List(Vec<Node<'a>>),
    /// The end of a message, a boolean, or a number beyond 2^63.
    Other,
}

const DEEPEST: u8 = 10;
const MOST: usize = 2048;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn fail(&self, what: impl Into<String>) -> Problem {
        Problem::malformed(format!("byte {} of the messages", self.at), what)
    }

    fn byte(&mut self) -> Result<u8, Problem> {
        let byte = self.bytes.get(self.at).copied();
        let byte = byte.ok_or_else(|| self.fail("cut off"))?;
        self.at = self.at.saturating_add(1);
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.saturating_add(length);
        let taken = self.bytes.get(self.at..end);
        let taken = taken.ok_or_else(|| self.fail(format!("expected {length} bytes more")))?;
        self.at = end;
        Ok(taken)
    }

    fn node(&mut self, depth: u8) -> Result<Node<'a>, Problem> {
        self.nodes = self.nodes.saturating_add(1);
        if depth > DEEPEST || self.nodes > MOST {
            return Err(self.fail(format!("expected at most {MOST} elements, {DEEPEST} deep")));
        }
        let first = self.byte()?;
        if first == 0 {
            return Ok(Node::Other);
        }
        let mut length = usize::from(first & 0x0F);
        let mut heads = 1usize;
        let mut more = first & 0x80 != 0;
        while more {
            let next = self.byte()?;
            heads = heads.saturating_add(1);
            if heads > 4 {
                return Err(self.fail("expected a length of at most four bytes"));
            }
            length = (length << 4) | usize::from(next & 0x0F);
            more = next & 0x80 != 0;
        }
        let kind = (first >> 4) & 0x07;
        if kind == 7 {
            let mut list = Vec::new();
            for _ in 0..length {
                list.push(self.node(depth.saturating_add(1))?);
            }
            return Ok(Node::List(list));
        }
        let size = length.checked_sub(heads).ok_or_else(|| {
            self.fail(format!(
                "expected a length of at least {heads}, found {length}"
            ))
        })?;
        let content = self.take(size)?;
        Ok(match kind {
            0 if content.is_empty() => Node::Absent,
            0 => Node::Octets(content),
            5 if (1..=8).contains(&size) => {
                let negative = content.first().is_some_and(|b| b & 0x80 != 0);
                let fill = if negative { -1i64 } else { 0 };
                Node::Number(content.iter().fold(fill, |n, b| (n << 8) | i64::from(*b)))
            }
            6 if (1..=8).contains(&size) => {
                let number = content.iter().fold(0u64, |n, b| (n << 8) | u64::from(*b));
                i64::try_from(number).map_or(Node::Other, Node::Number)
            }
            _ => Node::Other,
        })
    }
}

/// Tag of a `GetList` response.
const GET_LIST: i64 = 0x0701;

fn of_file(file: &[u8]) -> Result<Telegram, Problem> {
    let mut reader = Reader {
        bytes: file,
        at: 0,
        nodes: 0,
    };
    let mut telegram = Telegram::empty();
    while reader.at < file.len() {
        // Transaction, group, what to do on errors, body, check, end.
        let Node::List(message) = reader.node(0)? else {
            continue;
        };
        let Some(Node::List(body)) = message.get(3) else {
            return Err(reader.fail("expected a message of six elements"));
        };
        if let [Node::Number(GET_LIST), Node::List(list)] = body.as_slice() {
            of_list(list, &mut telegram)?;
        }
    }
    if telegram.values.is_empty() {
        return Err(Problem::NothingOfUse);
    }
    Ok(telegram)
}

fn of_list(list: &[Node<'_>], telegram: &mut Telegram) -> Result<(), Problem> {
    let [_, server, _, time, Node::List(values), ..] = list else {
        return Err(Problem::malformed(
            "list",
            "expected seven elements, the fifth a list of values",
        ));
    };
    if let Node::Octets(id) = server {
        telegram.meter = Some(id.iter().map(|b| format!("{b:02X}")).collect());
    }
    telegram.time = of_time(time);
    for entry in values {
        let Node::List(entry) = entry else { continue };
        let [Node::Octets(code), _, _, unit, scale, value, ..] = entry.as_slice() else {
            continue;
        };
        let Ok(code) = <[u8; 6]>::try_from(*code) else {
            continue;
        };
        let Some(value) = of_entry(Obis(code), unit, scale, value)? else {
            continue;
        };
        if telegram
            .values
            .iter()
            .any(|v| v.obis == value.obis && *v != value)
        {
            return Err(Problem::malformed(
                "list",
                format!("{} a second time", value.obis),
            ));
        }
        telegram.values.push(value);
    }
    Ok(())
}

fn of_time(time: &Node<'_>) -> Option<Time> {
    let number = |n: &Node<'_>| match n {
        Node::Number(n) => u64::try_from(*n).ok(),
        _ => None,
    };
    match time {
        // Holley's DTZ541 leaves the choice out.
        Node::Number(_) => number(time).map(Time::Counter),
        Node::List(parts) => match parts.as_slice() {
            [Node::Number(1), at] => number(at).map(Time::Counter),
            [Node::Number(2), at] => number(at).map(|s| Time::Utc(Seconds(s))),
            [Node::Number(3), Node::List(local)] => {
                number(local.first()?).map(|s| Time::Utc(Seconds(s)))
            }
            _ => None,
        },
        _ => None,
    }
}

fn of_entry(
    obis: Obis,
    unit: &Node<'_>,
    scale: &Node<'_>,
    value: &Node<'_>,
) -> Result<Option<Value>, Problem> {
    let unit = match unit {
        Node::Number(30) if obis.is_active_energy() => Unit::Wh,
        Node::Number(27) if obis.is_active_power() => Unit::W,
        _ => return Ok(None),
    };
    let scale = match scale {
        Node::Number(scale) => i8::try_from(*scale).ok(),
        _ => Some(0),
    };
    match (value, scale) {
        (Node::Number(number), Some(scale)) => {
            let number = *number;
            Ok(Some(Value {
                obis,
                number,
                scale,
                unit,
            }))
        }
        (Node::Absent, _) => Ok(None),
        _ => Err(Problem::malformed(
            obis.to_string(),
            "expected a number of at most 2^63",
        )),
    }
}
