//! The chain's messages as JSON (what `--generate-only` writes and people read), as protobuf (what is sent), and in
//! the older encoding's JSON (what multisig accounts sign).
//!
//! A message is a JSON object in the form of the Cosmos SDK: `"@type"` and its fields under their protobuf names, 64-bit
//! numbers as text, bytes as base64. `shapes` lists the messages; a new one is one more entry there.

mod amino;
mod shapes;
mod wire;

pub use amino::{amino, canonical};
pub use shapes::{signer_field, Field, Kind, Shape, AUTH_INFO, SIGNATURES, SIGN_MODES, TX_BODY};
pub use wire::{decode, decode_any, encode, encode_any};

use crate::error::WalletError;

/// A field's place in a document, for errors.
fn bad(at: &str, why: impl ToString) -> WalletError {
    WalletError::input(if at.is_empty() { "transaction" } else { at }, why)
}

/// `a.b`, or `b` at the top.
fn below(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

/// A decimal of 18 places, such as `0.1`, as the integer that is sent.
fn decimal_to_wire(text: &str) -> Option<String> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 18 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let joined = format!("{whole}{fraction:0<18}");
    let trimmed = joined.trim_start_matches('0');
    Some(if trimmed.is_empty() {
        "0".to_owned()
    } else {
        format!("{sign}{trimmed}")
    })
}

/// The other way round: always with 18 places.
fn decimal_from_wire(text: &str) -> Option<String> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{number:0>19}");
    let (whole, fraction) = padded.split_at_checked(padded.len().saturating_sub(18))?;
    Some(format!("{sign}{whole}.{fraction}"))
}

/// Unix time as RFC 3339 in UTC.
fn time_text(seconds: i64, nanos: u32) -> Option<String> {
    let time = chrono::DateTime::from_timestamp(seconds, nanos)?;
    let format = if nanos == 0 {
        chrono::SecondsFormat::Secs
    } else {
        chrono::SecondsFormat::AutoSi
    };
    Some(time.to_rfc3339_opts(format, true))
}

fn time_from_text(text: &str) -> Option<(i64, u32)> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some((time.timestamp(), time.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_every_digit() {
        for (text, wire, back) in [
            ("0.1", "100000000000000000", "0.100000000000000000"),
            ("1", "1000000000000000000", "1.000000000000000000"),
            ("0", "0", "0.000000000000000000"),
            (
                "12.000000000000000001",
                "12000000000000000001",
                "12.000000000000000001",
            ),
            ("-0.5", "-500000000000000000", "-0.500000000000000000"),
        ] {
            assert_eq!(decimal_to_wire(text).as_deref(), Some(wire));
            assert_eq!(decimal_from_wire(wire).as_deref(), Some(back));
        }
        for text in ["", ".5", "1.0000000000000000001", "1e3", "a", "1.2.3"] {
            assert_eq!(decimal_to_wire(text), None, "{text:?}");
        }
        assert_eq!(decimal_from_wire("1.5"), None);
    }

    #[test]
    fn times_go_both_ways() {
        assert_eq!(time_text(0, 0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(time_from_text("1970-01-01T00:00:01Z"), Some((1, 0)));
        assert_eq!(time_from_text("yesterday"), None);
    }
}
