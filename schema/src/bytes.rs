//! Fixed-size byte strings: ids, keys, signatures. Copied, never allocated.

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use schemars::gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject};
use schemars::JsonSchema;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A text that is not the expected fixed-size byte string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct BadBytes {
    /// What was expected, such as `32 hex digits`.
    pub expected: String,
    /// The text found.
    pub found: String,
}

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal, $enc:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
            /// From a slice of exactly the right length.
            pub fn from_slice(slice: &[u8]) -> Option<Self> {
                slice.try_into().ok().map(Self)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self([0; $len])
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0u8; $len * 2 + 4];
                f.write_str($enc::encode(&self.0, &mut buffer))
            }
        }

        impl FromStr for $name {
            type Err = BadBytes;
            fn from_str(s: &str) -> Result<Self, BadBytes> {
                let mut out = [0u8; $len];
                if $enc::decode(s, &mut out) {
                    Ok(Self(out))
                } else {
                    let found = s.chars().take(80).collect();
                    Err(BadBytes { expected: $enc::expected($len), found })
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                let mut buffer = [0u8; $len * 2 + 4];
                s.serialize_str($enc::encode(&self.0, &mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(&$enc::expected($len))
                    }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<$name, E> {
                        v.parse().map_err(E::custom)
                    }
                }
                d.deserialize_str(Text).map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> String {
                stringify!($name).to_owned()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut object = SchemaObject {
                    instance_type: Some(InstanceType::String.into()),
                    ..Default::default()
                };
                object.metadata().description = Some($enc::expected($len));
                Schema::Object(object)
            }
        }
    };
}

mod hexadecimal {
    pub fn encode<'a>(bytes: &[u8], buffer: &'a mut [u8]) -> &'a str {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut used = 0usize;
        for (pair, byte) in buffer.chunks_exact_mut(2).zip(bytes) {
            if let [high, low] = pair {
                *high = DIGITS.get(usize::from(byte >> 4)).copied().unwrap_or(b'0');
                *low = DIGITS.get(usize::from(byte & 15)).copied().unwrap_or(b'0');
                used = used.saturating_add(2);
            }
        }
        buffer
            .get(..used)
            .and_then(|b| std::str::from_utf8(b).ok())
            .unwrap_or_default()
    }
    pub fn decode(text: &str, out: &mut [u8]) -> bool {
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c.wrapping_sub(b'0')),
            b'a'..=b'f' => Some(c.wrapping_sub(b'a').wrapping_add(10)),
            _ => None,
        };
        if text.len() != out.len().saturating_mul(2) {
            return false;
        }
        for (slot, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            match pair {
                [h, l] => match (digit(*h), digit(*l)) {
                    (Some(h), Some(l)) => *slot = h << 4 | l,
                    _ => return false,
                },
                _ => return false,
            }
        }
        true
    }
    pub fn expected(len: usize) -> String {
        format!("{} lower-case hex digits", len.saturating_mul(2))
    }
}

mod base64_text {
    use super::{Engine, STANDARD};
    pub fn encode<'a>(bytes: &[u8], buffer: &'a mut [u8]) -> &'a str {
        let used = STANDARD.encode_slice(bytes, buffer).unwrap_or(0);
        buffer
            .get(..used)
            .and_then(|b| std::str::from_utf8(b).ok())
            .unwrap_or_default()
    }
    pub fn decode(text: &str, out: &mut [u8]) -> bool {
        // decode_slice wants room for the padded length, so it decodes into a larger buffer.
        let mut buffer = [0u8; 128];
        match STANDARD.decode_slice(text, &mut buffer) {
            Ok(n) if n == out.len() => {
                out.copy_from_slice(buffer.get(..n).unwrap_or_default());
                true
            }
            _ => false,
        }
    }
    pub fn expected(len: usize) -> String {
        format!("base64 of {len} bytes")
    }
}

bytes! {
    /// A meter's pseudonym: the first 16 bytes of HMAC-SHA256(registrar's secret, serial number), hex.
    MeterId, 16, hexadecimal
}
bytes! {
    /// What marks the meters of one household: the first 16 bytes of HMAC-SHA256(registrar's secret, connection number), hex.
    HouseholdId, 16, hexadecimal
}
bytes! {
    /// Device key (ed25519 public key, 32 bytes): signs what the meter measured. Base64.
    DeviceKey, 32, base64_text
}
bytes! {
    /// Agent key (compressed secp256k1 public key, 33 bytes): trades within the owner's limits. Base64.
    AgentKey, 33, base64_text
}
bytes! {
    /// A signature: 64 bytes, ed25519 or secp256k1 (r‖s, low s). Base64.
    Signature, 64, base64_text
}
bytes! {
    /// Commitment to a window's registers: SHA-256(salt ‖ import register ‖ export register ‖ previous commitment). Base64.
    Commitment, 32, base64_text
}
bytes! {
    /// A SHA-256 digest, hex.
    Digest32, 32, hexadecimal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_there_and_back() {
        let meter = MeterId([0xab; 16]);
        assert_eq!(meter.to_string(), "ab".repeat(16));
        assert_eq!(meter.to_string().parse(), Ok(meter));
        let key = AgentKey([7; 33]);
        assert_eq!(key.to_string().parse(), Ok(key));
        let json = cosmwasm_std::to_json_string(&Signature([9; 64])).unwrap();
        assert_eq!(
            cosmwasm_std::from_json::<Signature>(json.as_bytes()).unwrap(),
            Signature([9; 64])
        );
    }

    #[test]
    fn wrong_texts_are_refused() {
        for bad in [
            "",
            "ab",
            &"AB".repeat(16),
            &"zz".repeat(16),
            &"ab".repeat(17),
        ] {
            let error = bad.parse::<MeterId>().unwrap_err();
            assert_eq!(error.expected, "32 lower-case hex digits");
        }
        assert!("AAAA".parse::<DeviceKey>().is_err());
        assert!("!".repeat(44).parse::<DeviceKey>().is_err());
    }
}
