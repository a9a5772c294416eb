//! What nodes say to each other: JSON, one line a message; a list of records has one line a record behind it.
//!
//! Every message names its version first: a message of another version is recognised before anything else of it is
//! read. Unknown fields are refused. One record that cannot be read spoils itself, not the list it is in.
//! Everything has a largest size, and no more than that is read from a stream.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wattpool_schema::peer::{Location, SignedRecord, SignedRequest, TradeAnswer};
use wattpool_schema::{MeterId, RECORD_VERSION};

/// Version of the messages here. The names of the protocols carry it too.
pub const WIRE_VERSION: u16 = 1;
/// Most bytes of a request about records.
pub const MAX_REQUEST: usize = 4 * 1024;
/// Most bytes of an answer about records.
pub const MAX_ANSWER: usize = 256 * 1024;
/// Most bytes of a trade request or its answer.
pub const MAX_TRADE: usize = 8 * 1024;
/// Most bytes of one record.
pub const MAX_RECORD: usize = 2 * 1024;
/// Most locations in one request.
pub const MAX_LOCATIONS: usize = 16;

/// Bytes that are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Of another version: the sender is newer or older.
    #[error("version {found}, expected {expected}")]
    OtherVersion {
        /// Its version.
        found: u16,
        /// Ours.
        expected: u16,
    },
    /// Nothing that any version would send.
    #[error("malformed: {0}")]
    Malformed(String),
}

/// A location as hexadecimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At(pub Location);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0 .0))
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|_| serde::de::Error::custom("a location: expected 64 hex digits"))?;
        Ok(Self(Location(bytes)))
    }
}

/// A request about records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RecordsRequest {
    /// Store a record.
    Put {
        /// Where it shall be listed.
        at: At,
        /// The record.
        record: Box<SignedRecord>,
    },
    /// List what is stored at some locations.
    Get {
        /// Which; at most [`MAX_LOCATIONS`].
        at: Vec<At>,
    },
    /// List a meter's offer no more. Heeded only from the peer that the offer names.
    Withdraw {
        /// Where it is listed.
        at: At,
        /// Whose.
        meter: MeterId,
        /// Up to this sequence; a newer one stays.
        sequence: u64,
    },
}

/// Why a record was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The message or the record cannot be read.
    Malformed,
    /// The message or the record is of another version.
    OtherVersion,
    /// It is of another network.
    OtherNetwork,
    /// It has expired.
    Expired,
    /// It would live for longer than records may.
    TooLong,
    /// It does not belong at this location.
    Misplaced,
    /// Only the peer that an offer names may put or withdraw it.
    NotPublisher,
    /// A newer one is stored, or this one was withdrawn.
    Stale,
    /// The registry knows no such meter.
    Unknown,
    /// The meter's agent did not sign it.
    Forged,
    /// There is no room.
    Full,
}

/// An answer about records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordsAnswer {
    /// It is stored, or taken off the list.
    Done,
    /// It is not.
    Refused(Refusal),
    /// Too much was asked at once; later perhaps.
    Busy,
    /// What is listed at the locations asked for.
    Records {
        /// The records, each as it could be read.
        records: Vec<Result<SignedRecord, WireError>>,
        /// There are more than fit in an answer.
        truncated: bool,
    },
}

/// The first line of an answer about records.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Head {
    Done,
    Refused { why: Refusal },
    Busy,
    Records { truncated: bool },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<T> {
    version: u16,
    body: T,
}

/// What every version of a message has.
#[derive(Deserialize)]
struct Versioned {
    version: u16,
}

/// What every version of a record has.
#[derive(Deserialize)]
struct VersionedRecord {
    record: std::collections::BTreeMap<String, Versioned>,
}

pub(crate) fn encode<T: Serialize>(body: T) -> Vec<u8> {
    let message = Envelope {
        version: WIRE_VERSION,
        body,
    };
    // These types have no map with keys that are no text, the one thing that JSON cannot write.
    serde_json::to_vec(&message).unwrap_or_default()
}

pub(crate) fn fits(bytes: &[u8], most: usize) -> Result<(), WireError> {
    if bytes.len() > most {
        return Err(WireError::Malformed(format!(
            "expected at most {most} bytes"
        )));
    }
    Ok(())
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    let malformed = |e: serde_json::Error| WireError::Malformed(e.to_string());
    match serde_json::from_slice::<Envelope<T>>(bytes) {
        Ok(message) if message.version == WIRE_VERSION => Ok(message.body),
        other => {
            let Versioned { version } = serde_json::from_slice(bytes).map_err(malformed)?;
            if version != WIRE_VERSION {
                return Err(WireError::OtherVersion {
                    found: version,
                    expected: WIRE_VERSION,
                });
            }
            other.map(|message| message.body).map_err(malformed)
        }
    }
}

/// Writes a request about records.
pub fn encode_request(request: &RecordsRequest) -> Vec<u8> {
    encode(request)
}

/// Reads a request about records.
///
/// # Errors
/// [`WireError`]; also of the record in it, and for more than [`MAX_LOCATIONS`] locations.
pub fn decode_request(bytes: &[u8]) -> Result<RecordsRequest, WireError> {
    fits(bytes, MAX_REQUEST)?;
    let request: Result<RecordsRequest, _> = decode(bytes);
    match request {
        Ok(RecordsRequest::Get { at }) if at.len() > MAX_LOCATIONS => Err(WireError::Malformed(
            format!("at: expected at most {MAX_LOCATIONS} locations"),
        )),
        Ok(RecordsRequest::Put { at, record }) => {
            known_version(&record).map(|()| RecordsRequest::Put { at, record })
        }
        Err(WireError::Malformed(why)) => {
            // A record of another version has fields that this one does not know.
            #[derive(Deserialize)]
            struct Put {
                record: VersionedRecord,
            }
            #[derive(Deserialize)]
            struct Body {
                put: Put,
            }
            #[derive(Deserialize)]
            struct Outer {
                body: Body,
            }
            let outer = serde_json::from_slice::<Outer>(bytes);
            Err(outer
                .ok()
                .and_then(|o| other_version(&o.body.put.record))
                .unwrap_or(WireError::Malformed(why)))
        }
        other => other,
    }
}

/// Writes one record.
pub fn encode_record(record: &SignedRecord) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

/// Reads one record.
///
/// # Errors
/// [`WireError`]; anything longer than [`MAX_RECORD`] is malformed.
pub fn decode_record(bytes: &[u8]) -> Result<SignedRecord, WireError> {
    fits(bytes, MAX_RECORD)?;
    match serde_json::from_slice::<SignedRecord>(bytes) {
        Ok(record) => known_version(&record).map(|()| record),
        Err(e) => Err(serde_json::from_slice::<VersionedRecord>(bytes)
            .ok()
            .and_then(|record| other_version(&record))
            .unwrap_or_else(|| WireError::Malformed(e.to_string()))),
    }
}

fn known_version(record: &SignedRecord) -> Result<(), WireError> {
    match record.version() {
        RECORD_VERSION => Ok(()),
        found => Err(WireError::OtherVersion {
            found,
            expected: RECORD_VERSION,
        }),
    }
}

fn other_version(record: &VersionedRecord) -> Option<WireError> {
    let found = record.record.values().next()?.version;
    (found != RECORD_VERSION).then_some(WireError::OtherVersion {
        found,
        expected: RECORD_VERSION,
    })
}

/// Writes an answer about records. Records that do not fit in [`MAX_ANSWER`] are left out, and the answer says so;
/// those that could not be read are left out.
pub fn encode_answer(answer: &RecordsAnswer) -> Vec<u8> {
    match answer {
        RecordsAnswer::Done => encode(Head::Done),
        RecordsAnswer::Busy => encode(Head::Busy),
        RecordsAnswer::Refused(why) => encode(Head::Refused { why: *why }),
        RecordsAnswer::Records { records, truncated } => {
            let lines = records.iter().flatten().map(encode_record);
            list(lines, *truncated)
        }
    }
}

/// Writes a list of records that are written already.
pub fn list<L: AsRef<[u8]>>(lines: impl Iterator<Item = L>, mut truncated: bool) -> Vec<u8> {
    // The longest first line.
    let head = encode(Head::Records { truncated: false }).len();
    let mut body = Vec::new();
    for line in lines {
        let line = line.as_ref();
        let size = head.saturating_add(body.len()).saturating_add(line.len());
        if size.saturating_add(1) > MAX_ANSWER {
            truncated = true;
            break;
        }
        body.push(b'\n');
        body.extend_from_slice(line);
    }
    let mut bytes = encode(Head::Records { truncated });
    bytes.append(&mut body);
    bytes
}

/// Reads an answer about records.
///
/// # Errors
/// [`WireError`] of the answer as a whole.
pub fn decode_answer(bytes: &[u8]) -> Result<RecordsAnswer, WireError> {
    fits(bytes, MAX_ANSWER)?;
    let mut lines = bytes.split(|b| *b == b'\n');
    let head: Head = decode(lines.next().unwrap_or_default())?;
    let mut lines = lines.filter(|line| !line.is_empty()).peekable();
    let answer = match head {
        Head::Records { truncated } => {
            return Ok(RecordsAnswer::Records {
                records: lines.map(decode_record).collect(),
                truncated,
            })
        }
        Head::Done => RecordsAnswer::Done,
        Head::Busy => RecordsAnswer::Busy,
        Head::Refused { why } => RecordsAnswer::Refused(why),
    };
    if lines.peek().is_some() {
        return Err(WireError::Malformed("lines behind the answer".to_owned()));
    }
    Ok(answer)
}

/// An answer to a trade request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant)] // it lives for one message
pub enum TradeReply {
    /// The meter's.
    Answer(TradeAnswer),
    /// The meter's node has too much to do.
    Busy,
    /// The request was not understood: it is of another version, or malformed.
    Refused(Refusal),
}

/// Writes a trade request.
pub fn encode_ask(request: &SignedRequest) -> Vec<u8> {
    encode(request)
}

/// Reads a trade request. Whether its own version is known is the agent's to say: it has an answer for that.
///
/// # Errors
/// [`WireError`].
pub fn decode_ask(bytes: &[u8]) -> Result<SignedRequest, WireError> {
    fits(bytes, MAX_TRADE)?;
    decode(bytes)
}

/// Writes an answer to a trade request.
pub fn encode_reply(reply: &TradeReply) -> Vec<u8> {
    encode(reply)
}

/// Reads an answer to a trade request.
///
/// # Errors
/// [`WireError`].
pub fn decode_reply(bytes: &[u8]) -> Result<TradeReply, WireError> {
    fits(bytes, MAX_TRADE)?;
    decode(bytes)
}
