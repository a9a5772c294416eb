//! Between JSON and protobuf's bytes.

use super::shapes::{shape, Field, Kind, Shape};
use super::{bad, below, decimal_from_wire, decimal_to_wire, time_from_text, time_text};
use crate::error::Result;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use cosmrs::proto::prost::bytes::Buf;
use cosmrs::proto::prost::encoding::{
    decode_key, decode_varint, encode_key, encode_varint, WireType,
};
use serde_json::{json, Map, Value};

/// Records in records at most: what nests deeper is no transaction.
const DEEPEST: u32 = 16;

/// JSON text as the chain's own tools put it into messages: what matters in HTML stands escaped. Such characters stand
/// in strings alone.
fn as_go_writes(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

/// A message of a listed type as its type and bytes.
///
/// # Errors
/// Its type is unknown, or a field is unknown or malformed: the error names it.
pub fn encode_any(value: &Value, at: &str) -> Result<(String, Vec<u8>)> {
    let url = value
        .get("@type")
        .and_then(Value::as_str)
        .ok_or_else(|| bad(at, "expected a message with \"@type\""))?;
    let shape =
        shape(url).ok_or_else(|| bad(at, format!("messages of type {url} are not known here")))?;
    Ok((url.to_owned(), encode(shape, value, at)?))
}

/// The bytes of a message or record.
///
/// # Errors
/// A field is unknown or malformed: the error names it.
pub fn encode(shape: &Shape, value: &Value, at: &str) -> Result<Vec<u8>> {
    let object = value
        .as_object()
        .ok_or_else(|| bad(at, "expected an object"))?;
    for name in object.keys().filter(|name| *name != "@type") {
        // What older documents still have.
        let empty_tip = name == "tip" && object.get(name).is_some_and(Value::is_null);
        let later = (name == "unordered" && object.get(name) == Some(&Value::Bool(false)))
            || (name == "timeout_timestamp" && object.get(name).is_some_and(Value::is_null));
        if !empty_tip && !later && !shape.fields.iter().any(|f| f.name == name) {
            return Err(bad(&below(at, name), "there is no such field"));
        }
    }
    let mut out = Vec::new();
    for field in shape.fields {
        let at = below(at, field.name);
        match object.get(field.name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) if field.repeated => {
                encode_many(field, items, &at, &mut out)?
            }
            Some(_) if field.repeated => return Err(bad(&at, "expected a list")),
            Some(one) => encode_one(field, one, false, &at, &mut out)?,
        }
    }
    Ok(out)
}

fn encode_many(field: &Field, items: &[Value], at: &str, out: &mut Vec<u8>) -> Result<()> {
    if matches!(field.kind, Kind::U64) {
        let mut packed = Vec::new();
        for item in items {
            encode_varint(number(item, at)?, &mut packed);
        }
        if !packed.is_empty() {
            bytes(field.number, &packed, out);
        }
        return Ok(());
    }
    for (place, item) in items.iter().enumerate() {
        encode_one(field, item, true, &format!("{at}[{place}]"), out)?;
    }
    Ok(())
}

fn bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(u64::try_from(value.len()).unwrap_or(u64::MAX), out);
    out.extend_from_slice(value);
}

fn varint(number: u32, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        encode_key(number, WireType::Varint, out);
        encode_varint(value, out);
    }
}

fn text<'a>(value: &'a Value, at: &str) -> Result<&'a str> {
    value.as_str().ok_or_else(|| bad(at, "expected text"))
}

fn number(value: &Value, at: &str) -> Result<u64> {
    let found = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    found.ok_or_else(|| bad(at, "expected a number that is not negative"))
}

/// `always`: an item of a list, which is sent when it is empty too.
fn encode_one(
    field: &Field,
    value: &Value,
    always: bool,
    at: &str,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut send = |content: &[u8], empty_too: bool| {
        if empty_too || !content.is_empty() {
            bytes(field.number, content, out);
        }
    };
    match field.kind {
        Kind::Text => send(text(value, at)?.as_bytes(), always),
        Kind::Int => {
            let text = text(value, at)?;
            let digits = text.strip_prefix('-').unwrap_or(text);
            if !text.is_empty()
                && (digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()))
            {
                return Err(bad(at, format!("expected an integer, found {text:?}")));
            }
            send(text.as_bytes(), always);
        }
        Kind::Dec => {
            let text = text(value, at)?;
            if !text.is_empty() {
                let wire = decimal_to_wire(text).ok_or_else(|| {
                    let why = format!("expected a decimal of at most 18 places, found {text:?}");
                    bad(at, why)
                })?;
                send(wire.as_bytes(), always);
            }
        }
        Kind::U64 | Kind::U32 => {
            let found = number(value, at)?;
            if matches!(field.kind, Kind::U32) && u32::try_from(found).is_err() {
                return Err(bad(at, "expected a number below 4294967296"));
            }
            varint(field.number, found, out);
        }
        Kind::I64 => {
            let found = match value {
                Value::String(text) => text.parse::<i64>().ok(),
                other => other.as_i64(),
            };
            let found = found.ok_or_else(|| bad(at, "expected a number"))?;
            varint(field.number, found.cast_unsigned(), out);
        }
        Kind::Bool => {
            let found = value
                .as_bool()
                .ok_or_else(|| bad(at, "expected true or false"))?;
            varint(field.number, u64::from(found), out);
        }
        Kind::Enum(names) => {
            let found = match value {
                Value::String(text) => names.iter().find(|(_, name)| name == text).map(|(n, _)| *n),
                other => other.as_i64().and_then(|n| i32::try_from(n).ok()),
            };
            let found = found.ok_or_else(|| {
                let known: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
                bad(at, format!("expected one of {}", known.join(", ")))
            })?;
            varint(field.number, i64::from(found).cast_unsigned(), out);
        }
        Kind::Bytes => {
            let found = STANDARD
                .decode(text(value, at)?)
                .map_err(|e| bad(at, format!("expected base64 ({e})")))?;
            send(&found, always);
        }
        Kind::Json => {
            let found = serde_json::to_string(value).map_err(|e| bad(at, e))?;
            send(as_go_writes(&found).as_bytes(), always);
        }
        Kind::Message(shape) => {
            let found = encode(shape, value, at)?;
            send(&found, true);
        }
        Kind::Any => {
            let (url, content) = encode_any(value, at)?;
            let mut any = Vec::new();
            bytes(1, url.as_bytes(), &mut any);
            if !content.is_empty() {
                bytes(2, &content, &mut any);
            }
            send(&any, true);
        }
        Kind::Time => {
            let text = text(value, at)?;
            let (seconds, nanos) = time_from_text(text).ok_or_else(|| {
                bad(
                    at,
                    format!("expected a time such as 2030-01-31T12:00:00Z, found {text:?}"),
                )
            })?;
            let mut content = Vec::new();
            varint(1, seconds.cast_unsigned(), &mut content);
            varint(2, u64::from(nanos), &mut content);
            send(&content, true);
        }
    }
    Ok(())
}

/// A message of a type; one of an unknown type is shown as its bytes.
///
/// # Errors
/// The bytes are none.
pub fn decode_any(url: &str, content: &[u8]) -> Result<Value> {
    any_value(url, content, DEEPEST)
}

fn any_value(url: &str, content: &[u8], deep: u32) -> Result<Value> {
    let Some(shape) = shape(url) else {
        return Ok(json!({"@type": url, "value": STANDARD.encode(content)}));
    };
    let mut object = Map::new();
    object.insert("@type".to_owned(), url.into());
    fill(shape, content, deep, &mut object)?;
    Ok(Value::Object(object))
}

/// A record, every field of it, as the chain's documents show it.
///
/// # Errors
/// The bytes are none.
pub fn decode(shape: &Shape, content: &[u8]) -> Result<Value> {
    let mut object = Map::new();
    fill(shape, content, DEEPEST, &mut object)?;
    Ok(Value::Object(object))
}

fn empty(field: &Field) -> Value {
    if field.repeated {
        return json!([]);
    }
    match field.kind {
        Kind::Text | Kind::Bytes => "".into(),
        Kind::U64 | Kind::I64 => "0".into(),
        Kind::U32 => 0.into(),
        Kind::Bool => false.into(),
        Kind::Enum(names) => names.first().map_or("", |(_, name)| name).into(),
        // An amount that is absent is not one of zero, and would be sent where it is written as one.
        Kind::Int | Kind::Dec | Kind::Json | Kind::Message(_) | Kind::Any | Kind::Time => {
            Value::Null
        }
    }
}

enum Raw<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Other,
}

fn fill(
    shape: &Shape,
    mut content: &[u8],
    deep: u32,
    object: &mut Map<String, Value>,
) -> Result<()> {
    let malformed = |e: &dyn std::fmt::Display| bad(shape.url, format!("no protobuf: {e}"));
    let deeper = deep
        .checked_sub(1)
        .ok_or_else(|| bad(shape.url, "it is nested too deeply"))?;
    for field in shape.fields {
        // One way to sign excludes the other: the absent one is not shown.
        if !matches!(field.name, "single" | "multi") {
            object.insert(field.name.to_owned(), empty(field));
        }
    }
    while content.has_remaining() {
        let (number, wire) = decode_key(&mut content).map_err(|e| malformed(&e))?;
        let mut take = |length: usize| -> Result<&[u8]> {
            let (taken, rest) = content
                .split_at_checked(length)
                .ok_or_else(|| malformed(&"it ends early"))?;
            content = rest;
            Ok(taken)
        };
        let raw = match wire {
            WireType::Varint => {
                Raw::Varint(decode_varint(&mut content).map_err(|e| malformed(&e))?)
            }
            WireType::LengthDelimited => {
                let length = decode_varint(&mut content).map_err(|e| malformed(&e))?;
                let length = usize::try_from(length).map_err(|e| malformed(&e))?;
                let (taken, rest) = content
                    .split_at_checked(length)
                    .ok_or_else(|| malformed(&"it ends early"))?;
                content = rest;
                Raw::Bytes(taken)
            }
            WireType::ThirtyTwoBit => take(4).map(|_| Raw::Other)?,
            WireType::SixtyFourBit => take(8).map(|_| Raw::Other)?,
            WireType::StartGroup | WireType::EndGroup => return Err(malformed(&"a group")),
        };
        let Some(field) = shape.fields.iter().find(|f| f.number == number) else {
            continue;
        };
        let values = match (&field.kind, &raw) {
            (Kind::U64, Raw::Bytes(packed)) if field.repeated => {
                let mut packed = *packed;
                let mut values = Vec::new();
                while packed.has_remaining() {
                    let one = decode_varint(&mut packed).map_err(|e| malformed(&e))?;
                    values.push(Value::from(one.to_string()));
                }
                values
            }
            _ => vec![value(field, raw, deeper)?],
        };
        if field.repeated {
            if let Some(Value::Array(list)) = object.get_mut(field.name) {
                list.extend(values);
            }
        } else if let Some(value) = values.into_iter().next() {
            object.insert(field.name.to_owned(), value);
        }
    }
    Ok(())
}

fn value(field: &Field, raw: Raw<'_>, deep: u32) -> Result<Value> {
    let odd = || bad(field.name, "no protobuf of this field");
    let utf8 = |b: &[u8]| std::str::from_utf8(b).map(str::to_owned).map_err(|_| odd());
    Ok(match (field.kind, raw) {
        (Kind::Text | Kind::Int, Raw::Bytes(b)) => utf8(b)?.into(),
        (Kind::Dec, Raw::Bytes(b)) => decimal_from_wire(&utf8(b)?).ok_or_else(odd)?.into(),
        (Kind::U64, Raw::Varint(n)) => n.to_string().into(),
        (Kind::I64, Raw::Varint(n)) => n.cast_signed().to_string().into(),
        (Kind::U32, Raw::Varint(n)) => n.into(),
        (Kind::Bool, Raw::Varint(n)) => (n != 0).into(),
        (Kind::Enum(names), Raw::Varint(n)) => {
            let named = names
                .iter()
                .find(|(v, _)| i64::from(*v).cast_unsigned() == n);
            named.map_or_else(|| n.into(), |(_, name)| (*name).into())
        }
        (Kind::Bytes, Raw::Bytes(b)) => STANDARD.encode(b).into(),
        (Kind::Json, Raw::Bytes(b)) => {
            serde_json::from_slice(b).unwrap_or_else(|_| STANDARD.encode(b).into())
        }
        (Kind::Message(shape), Raw::Bytes(b)) => {
            let mut object = Map::new();
            fill(shape, b, deep, &mut object)?;
            Value::Object(object)
        }
        (Kind::Any, Raw::Bytes(b)) => {
            let any =
                <cosmrs::Any as cosmrs::proto::prost::Message>::decode(b).map_err(|_| odd())?;
            any_value(&any.type_url, &any.value, deep)?
        }
        (Kind::Time, Raw::Bytes(b)) => {
            let time = <cosmrs::proto::Timestamp as cosmrs::proto::prost::Message>::decode(b)
                .map_err(|_| odd())?;
            let nanos = u32::try_from(time.nanos).map_err(|_| odd())?;
            time_text(time.seconds, nanos).ok_or_else(odd)?.into()
        }
        _ => return Err(odd()),
    })
}
