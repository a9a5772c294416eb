//! Reading messages: one shared piece of code for all types. What serde derives repeats the whole reading
//! of an object for every struct and every variant, which made up a third of a compiled contract. The
//! JSON is the same: unknown, repeated and missing fields are refused, an absent optional one is none.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::{forward_to_deserialize_any, Deserialize};
use std::fmt;
use std::marker::PhantomData;

/// Reads a name as its place in a list.
struct Names {
    known: &'static [&'static str],
    fields: bool,
}

impl<'de> DeserializeSeed<'de> for Names {
    type Value = usize;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<usize, D::Error> {
        d.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names {
    type Value = usize;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.fields {
            "field identifier"
        } else {
            "variant identifier"
        })
    }
    fn visit_str<E: Error>(self, found: &str) -> Result<usize, E> {
        let place = self.known.iter().position(|name| *name == found);
        place.ok_or_else(|| {
            if self.fields {
                E::unknown_field(found, self.known)
            } else {
                E::unknown_variant(found, self.known)
            }
        })
    }
}

/// A seed that reads a variant's name as its place in the list.
pub(crate) fn variant<'de>(
    known: &'static [&'static str],
) -> impl DeserializeSeed<'de, Value = usize> {
    Names {
        known,
        fields: false,
    }
}

/// The next field's place in the list; none at the object's end.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub(crate) fn next<'de, A: MapAccess<'de>>(
    map: &mut A,
    known: &'static [&'static str],
) -> Result<Option<usize>, A::Error> {
    map.next_key_seed(Names {
        known,
        fields: true,
    })
}

/// Reads a field's value.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub(crate) fn fill<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    slot: &mut Option<T>,
    name: &'static str,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *slot = Some(map.next_value()?);
    Ok(())
}

/// Sees to a field that did not come: an optional one is none, another one is missing.
#[cfg_attr(target_arch = "wasm32", inline(never))]
pub(crate) fn complete<'de, T: Deserialize<'de>, E: Error>(
    slot: &mut Option<T>,
    name: &'static str,
) -> Result<(), E> {
    if slot.is_none() {
        *slot = Some(T::deserialize(Absent(name, PhantomData))?);
    }
    Ok(())
}

/// A value that did not come.
struct Absent<E>(&'static str, PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for Absent<E> {
    type Error = E;
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.0))
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Lists, off the chain, the JSON Schema of the answer to each of a contract's questions.
macro_rules! answers {
    ($query:ident { $($question:ident : $answer:ty),* $(,)? }) => {
        #[cfg(not(target_arch = "wasm32"))]
        impl $query {
            /// The JSON Schema of the answer to each question, by the question's name.
            pub fn answers() -> std::collections::BTreeMap<String, schemars::schema::RootSchema> {
                [$( (stringify!($question).to_owned(), schemars::schema_for!($answer)) ),*].into()
            }
        }
    };
}
pub(crate) use answers;

/// Reads the listed fields of an object and builds the value of them.
macro_rules! read_fields {
    ($map:ident, $($name:ident)::+ { $($field:ident),* }) => {{
        #[allow(non_camel_case_types, dead_code)]
        enum Place { $($field),* }
        $( let mut $field = None; )*
        // One way out for all failures: what was read so far is dropped in one place.
        #[allow(unused_mut)]
        let mut read = || {
            while let Some(_place) = $crate::reading::next(&mut $map, &[$(stringify!($field)),*])? {
                $( if _place == Place::$field as usize {
                    $crate::reading::fill(&mut $map, &mut $field, stringify!($field))?;
                } )*
            }
            $( $crate::reading::complete(&mut $field, stringify!($field))?; )*
            Ok(())
        };
        read()?;
        #[allow(unreachable_patterns)]
        match ($($field,)*) {
            ($(Some($field),)*) => Ok($($name)::+ { $($field),* }),
            _ => Err(serde::de::Error::custom("a field is missing")),
        }
    }};
}
pub(crate) use read_fields;

/// Reads a struct of these fields, which are all it has.
macro_rules! read_struct {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("struct ", stringify!($type)))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$type, A::Error> {
                        $crate::reading::read_fields!(map, $type { $($field),* })
                    }
                }
                d.deserialize_struct(stringify!($type), &[$(stringify!($field)),*], Fields)
            }
        }
    };
}
pub(crate) use read_struct;

/// Reads an enum of these variants, each under its name as written and with all its fields.
macro_rules! read_enum {
    ($type:ident { $($name:literal $variant:ident { $($field:ident),* $(,)? })* }) => {
        #[cfg(test)]
        impl $crate::reading::tests::Known for $type {
            const VARIANTS: &'static [&'static str] = &[$($name),*];
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Message;
                struct Fields(usize);
                enum Place { $($variant),* }
                impl<'de> serde::de::Visitor<'de> for Message {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("enum ", stringify!($type)))
                    }
                    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, data: A) -> Result<$type, A::Error> {
                        let (place, fields) = data.variant_seed($crate::reading::variant(&[$($name),*]))?;
                        serde::de::VariantAccess::struct_variant(fields, &[], Fields(place))
                    }
                }
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("fields of ", stringify!($type)))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$type, A::Error> {
                        $( if self.0 == Place::$variant as usize {
                            return $crate::reading::read_fields!(map, $type::$variant { $($field),* });
                        } )*
                        Err(serde::de::Error::custom("no such variant"))
                    }
                }
                d.deserialize_enum(stringify!($type), &[$($name),*], Message)
            }
        }
    };
}
pub(crate) use read_enum;

#[cfg(test)]
pub(crate) mod tests {
    use crate::{escrow, pool, SignedCover, Window};
    use cosmwasm_std::{from_json, to_json_string, StdResult};
    use schemars::schema_for;
    use serde::{de::DeserializeOwned, Serialize};

    /// The variants that are read.
    pub trait Known {
        /// Their names as written.
        const VARIANTS: &'static [&'static str];
    }

    /// Fields are checked by the compiler; a variant that is not listed, or under another name than it is
    /// written under, would go unnoticed.
    fn reads_what_is_written<T: Known + schemars::JsonSchema>() {
        let schema = serde_json::to_value(schema_for!(T)).unwrap();
        let written: Vec<&str> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|variant| variant["required"][0].as_str().unwrap())
            .collect();
        assert_eq!(written, T::VARIANTS);
    }

    #[test]
    fn every_variant_is_read_under_its_name() {
        reads_what_is_written::<pool::ExecuteMsg>();
        reads_what_is_written::<pool::QueryMsg>();
        reads_what_is_written::<escrow::ExecuteMsg>();
        reads_what_is_written::<escrow::QueryMsg>();
    }

    fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        let json = to_json_string(&value).unwrap();
        assert_eq!(from_json::<T>(json.as_bytes()).unwrap(), value);
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), value);
        let tree = serde_json::to_value(&value).unwrap();
        assert_eq!(serde_json::from_value::<T>(tree).unwrap(), value);
    }

    #[test]
    fn messages_go_there_and_back() {
        there_and_back(pool::ExecuteMsg::Pause {});
        there_and_back(pool::ExecuteMsg::ClaimFeedIn {
            owner: "o".into(),
            limit: None,
        });
        there_and_back(pool::QueryMsg::Meters {
            start_after: None,
            limit: Some(3),
        });
        there_and_back(escrow::Limits {
            max_buy_price: Some(crate::Price(7)),
            ..Default::default()
        });
    }

    #[test]
    fn absent_repeated_and_unknown_fields() {
        let read = |json: &str| -> StdResult<pool::QueryMsg> { from_json(json.as_bytes()) };
        let window = Window(4);
        let found = read(r#"{"tariffs":{"window":4}}"#).unwrap();
        assert_eq!(found, pool::QueryMsg::Tariffs { window });
        let (start_after, limit) = (None, None);
        let found = read(r#"{"meters":{}}"#).unwrap();
        assert_eq!(found, pool::QueryMsg::Meters { start_after, limit });
        for (json, why) in [
            (r#"{"tariffs":{}}"#, "missing field `window`"),
            (
                r#"{"tariffs":{"window":4,"window":4}}"#,
                "duplicate field `window`",
            ),
            (
                r#"{"tariffs":{"window":4,"more":1}}"#,
                "unknown field `more`, expected `window`",
            ),
            (r#"{"config":{"more":1}}"#, "unknown field `more`"),
            (r#"{"tarifs":{"window":4}}"#, "unknown variant `tarifs`"),
            (r#"{"tariffs":{"window":"4"}}"#, "invalid type"),
            (r#"{"tariffs":{"window":4}"#, "EOF"),
            (r#""config""#, "invalid type"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(why), "{json}: {error}");
        }
        let error = from_json::<SignedCover>(br#"{"cover":{}}"#).unwrap_err();
        assert!(error.to_string().contains("missing field `version`"));
    }
}
