//! A-XDR values as DLMS pushes carry them (IEC 62056-5-3, annex A).

use crate::cipher::ber_length;
use crate::stream::Problem;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Nothing.
    Null,
    /// A number of any size.
    Number(i64),
    /// One of an enumeration.
    Enum(u8),
    /// Bytes.
    Octets(Vec<u8>),
    /// A text.
    Text(String),
    /// An array or a structure.
    List(Vec<Data>),
    /// A type that no register has: its bytes are skipped.
    Other,
}

/// Deepest nesting.
const DEEPEST: u8 = 8;
/// Most values of one push.
const MOST: usize = 1024;

/// Reads values from bytes.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            values: 0,
        }
    }

    fn fail(&self, problem: impl Into<String>) -> Problem {
        Problem::malformed(format!("byte {} of the data", self.at), problem)
    }

    /// The next so many bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.saturating_add(length);
        let Some(taken) = self.bytes.get(self.at..end) else {
            let left = self.bytes.len().saturating_sub(self.at);
            return Err(self.fail(format!("expected {length} bytes, {left} are left")));
        };
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.fail("cut off"))
    }

    /// The next byte.
    ///
    /// # Errors
    /// There is none.
    pub fn byte(&mut self) -> Result<u8, Problem> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// What follows, without taking it.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    fn length(&mut self) -> Result<usize, Problem> {
        let Some((length, used)) = ber_length(self.rest())? else {
            return Err(self.fail("cut off in a length"));
        };
        self.take(used)?;
        Ok(length)
    }

    /// The next value.
    ///
    /// # Errors
    /// It is malformed, cut off, too deep or too large.
    pub fn value(&mut self) -> Result<Data, Problem> {
        self.nested(0)
    }

    fn nested(&mut self, depth: u8) -> Result<Data, Problem> {
        self.values = self.values.saturating_add(1);
        if depth > DEEPEST || self.values > MOST {
            return Err(self.fail(format!("expected at most {MOST} values, {DEEPEST} deep")));
        }
        let tag = self.byte()?;
        Ok(match tag {
            0x00 => Data::Null,
            0x01 | 0x02 => {
                let count = self.length()?;
                let mut list = Vec::new();
                for n in 0..count {
                    if n == 0 && count <= 4 {
                        if let Some(code) = self.swapped_code() {
                            list.push(code);
                            continue;
                        }
                    }
                    list.push(self.nested(depth.saturating_add(1))?);
                }
                Data::List(list)
            }
            0x03 | 0x0D => Data::Number(i64::from(self.byte()?)),
            0x04 => {
                let bits = self.length()?;
                self.take(bits.div_ceil(8))?;
                Data::Other
            }
            0x05 => Data::Number(i64::from(i32::from_be_bytes(self.array()?))),
            0x06 => Data::Number(i64::from(u32::from_be_bytes(self.array()?))),
            0x09 => {
                let length = self.length()?;
                Data::Octets(self.take(length)?.to_vec())
            }
            0x0A | 0x0C => {
                let length = self.length()?;
                Data::Text(String::from_utf8_lossy(self.take(length)?).into_owned())
            }
            0x0F => Data::Number(i64::from(i8::from_be_bytes(self.array()?))),
            0x10 => Data::Number(i64::from(i16::from_be_bytes(self.array()?))),
            0x11 => Data::Number(i64::from(self.byte()?)),
            0x12 => Data::Number(i64::from(u16::from_be_bytes(self.array()?))),
            0x14 => Data::Number(i64::from_be_bytes(self.array()?)),
            // Beyond 2^63 it is no register: all ones stand for "not available".
            0x15 => {
                i64::try_from(u64::from_be_bytes(self.array()?)).map_or(Data::Other, Data::Number)
            }
            0x16 => Data::Enum(self.byte()?),
            0x17 => self.take(4).map(|_| Data::Other)?,
            0x18 => self.take(8).map(|_| Data::Other)?,
            0x19 => Data::Octets(self.take(12)?.to_vec()),
            0x1A => self.take(5).map(|_| Data::Other)?,
            0x1B => self.take(4).map(|_| Data::Other)?,
            other => return Err(self.fail(format!("unknown type {other:02X}"))),
        })
    }

    /// Landis+Gyr's ZMF100 swaps type and length of some codes: 06 09 instead of 09 06. Read as it stands, the
    /// number would be followed by a type that does not exist.
    fn swapped_code(&mut self) -> Option<Data> {
        match self.rest() {
            [0x06, 0x09, code @ ..] => {
                let code = code.get(..6)?;
                let [0 | 1, _, _, 7 | 8, _, 255] = code else {
                    return None;
                };
                let code = code.to_vec();
                self.take(8).ok()?;
                Some(Data::Octets(code))
            }
            _ => None,
        }
    }
}
