//! What multisig accounts sign: the older encoding's JSON, with sorted names, without spaces, and with `<`, `>` and `&`
//! escaped as Go's JSON does.

use super::shapes::{shape, Field, Kind, Shape};
use super::{bad, below, decimal_from_wire, decimal_to_wire};
use crate::error::Result;
use crate::key::{ED25519, MULTISIG, SECP256K1};
use serde_json::{json, Map, Value};
use std::fmt::Write;

/// A message (with its `"@type"`) in the older encoding: `{"type": ..., "value": ...}`.
///
/// # Errors
/// Its type is unknown, or a field has no form there.
pub fn amino(value: &Value, at: &str) -> Result<Value> {
    let url = value
        .get("@type")
        .and_then(Value::as_str)
        .ok_or_else(|| bad(at, "expected a message with \"@type\""))?;
    let shape =
        shape(url).ok_or_else(|| bad(at, format!("messages of type {url} are not known here")))?;
    let inner = match url {
        SECP256K1 | ED25519 => value.get("key").cloned().unwrap_or_default(),
        MULTISIG => {
            let keys = value.get("public_keys").and_then(Value::as_array);
            let keys = keys.map(Vec::as_slice).unwrap_or_default();
            let keys: Result<Vec<Value>> = keys.iter().map(|key| amino(key, at)).collect();
            let threshold = value.get("threshold").and_then(Value::as_u64);
            json!({"pubkeys": keys?, "threshold": threshold.unwrap_or_default().to_string()})
        }
        _ => record(shape, value, at)?,
    };
    Ok(json!({"type": shape.amino, "value": inner}))
}

fn record(shape: &Shape, value: &Value, at: &str) -> Result<Value> {
    let mut object = Map::new();
    for field in shape.fields {
        let at = below(at, field.name);
        let found = value.get(field.name).unwrap_or(&Value::Null);
        let encoded = if field.repeated {
            let items = found.as_array().map(Vec::as_slice).unwrap_or_default();
            let items: Result<Vec<Value>> =
                items.iter().map(|item| one(field, item, &at)).collect();
            Value::Array(items?)
        } else {
            one(field, found, &at)?
        };
        if field.keep || !is_empty(field, &encoded) {
            object.insert(field.amino.to_owned(), encoded);
        }
    }
    Ok(Value::Object(object))
}

fn is_empty(field: &Field, encoded: &Value) -> bool {
    match encoded {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Bool(set) => !set,
        // Zero is the absent number; an integer of any size is text that is there or not.
        Value::String(text) => {
            text.is_empty() || (text == "0" && matches!(field.kind, Kind::U64 | Kind::I64))
        }
        Value::Number(n) => n.as_u64() == Some(0),
        Value::Object(_) => false,
    }
}

fn one(field: &Field, value: &Value, at: &str) -> Result<Value> {
    Ok(match field.kind {
        Kind::Message(_) if value.is_null() && !field.keep => Value::Null,
        Kind::Message(shape) => record(shape, value, at)?,
        Kind::Any if value.is_null() => Value::Null,
        Kind::Any => amino(value, at)?,
        Kind::Json | Kind::Time => value.clone(),
        Kind::Text | Kind::Bytes => value.as_str().unwrap_or_default().into(),
        Kind::Int => match value.as_str() {
            None | Some("") if field.keep => "0".into(),
            other => other.unwrap_or_default().into(),
        },
        Kind::Dec => match value.as_str() {
            None | Some("") if field.keep => "0".into(),
            None | Some("") => "".into(),
            Some(text) => decimal_to_wire(text)
                .and_then(|wire| decimal_from_wire(&wire))
                .ok_or_else(|| bad(at, format!("expected a decimal, found {text:?}")))?
                .into(),
        },
        Kind::U64 | Kind::I64 => match value {
            Value::String(text) => text.clone().into(),
            Value::Null => "0".into(),
            other => other.to_string().into(),
        },
        Kind::U32 => value.as_u64().unwrap_or_default().into(),
        Kind::Bool => value.as_bool().unwrap_or_default().into(),
        Kind::Enum(names) => match value {
            Value::String(text) => names
                .iter()
                .find(|(_, name)| name == text)
                .map(|(n, _)| Value::from(*n))
                .ok_or_else(|| bad(at, format!("there is no {text}")))?,
            other => other.as_i64().unwrap_or_default().into(),
        },
    })
}

/// JSON with sorted names and no spaces, escaped as Go's.
///
/// # Errors
/// It holds a number that Go would write in another form: one with an exponent.
pub fn canonical(value: &Value) -> Result<String> {
    let mut text = String::new();
    write_value(value, &mut text)?;
    Ok(text)
}

fn write_value(value: &Value, out: &mut String) -> Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(set) => out.push_str(if *set { "true" } else { "false" }),
        Value::Number(n) => {
            // Go reads every number as a 64-bit float.
            let float = n.as_f64().unwrap_or_default();
            let small = float != 0.0 && float.abs() < 1e-6;
            if small || float.abs() >= 1e21 {
                return Err(bad(
                    "",
                    format!("{n} cannot be signed in this mode: expected a plain number"),
                ));
            }
            write!(out, "{float}").ok();
        }
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place != 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut names: Vec<&String> = object.keys().collect();
            names.sort();
            out.push('{');
            for (place, name) in names.into_iter().enumerate() {
                if place != 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_value(object.get(name).unwrap_or(&Value::Null), out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", u32::from(letter)).ok();
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_go_does() {
        let value = json!({"b": "<a> & \"b\"\n\u{2028}\u{1}", "a": [1, 2.5, null, true]});
        assert_eq!(
            canonical(&value).unwrap(),
            r#"{"a":[1,2.5,null,true],"b":"\u003ca\u003e \u0026 \"b\"\n\u2028\u0001"}"#
        );
        assert!(canonical(&json!(1e30)).is_err());
    }

    #[test]
    fn empty_fields_stand_where_the_encoding_keeps_them() {
        let vote = json!({"@type": "/cosmos.gov.v1.MsgVote", "proposal_id": "0", "voter": "v", "option": "VOTE_OPTION_YES", "metadata": ""});
        assert_eq!(
            canonical(&amino(&vote, "").unwrap()).unwrap(),
            r#"{"type":"cosmos-sdk/v1/MsgVote","value":{"option":1,"proposal_id":"0","voter":"v"}}"#
        );
        let unjail = json!({"@type": "/cosmos.slashing.v1beta1.MsgUnjail", "validator_addr": "v"});
        assert_eq!(
            canonical(&amino(&unjail, "").unwrap()).unwrap(),
            r#"{"type":"cosmos-sdk/MsgUnjail","value":{"address":"v"}}"#
        );
        assert!(amino(&json!({"@type": "/no.Such"}), "messages[0]").is_err());
    }
}
