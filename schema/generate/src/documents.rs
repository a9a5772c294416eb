//! The list of what is generated.

use crate::{contracts, errors, events, records};
use anyhow::{Context, Result};
use serde::Serialize;

/// A generated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// File name, with `.json`.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

impl Document {
    /// Pretty JSON with a final newline. The field order is that of the type, so it must not pass through a
    /// hash map.
    ///
    /// # Errors
    /// The content does not serialise.
    pub fn new(stem: &str, content: &impl Serialize) -> Result<Self> {
        let mut text =
            serde_json::to_string_pretty(content).with_context(|| format!("{stem}.json"))?;
        text.push('\n');
        Ok(Self {
            name: format!("{stem}.json"),
            text,
        })
    }
}

/// Every file of `schema/json`.
///
/// # Errors
/// A schema does not have the expected form; the text names it.
pub fn all() -> Result<Vec<Document>> {
    Ok(vec![
        Document::new("energy-token", &contracts::energy_token()?)?,
        Document::new("energy-pool", &contracts::energy_pool()?)?,
        Document::new("trade-escrow", &contracts::trade_escrow()?)?,
        Document::new("batch-answer", &contracts::batch_answer())?,
        Document::new("records", &records::all())?,
        Document::new("events", &events::all()?)?,
        Document::new("errors", &errors::all())?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// Calls `visit` for every object in a JSON text.
    fn objects(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
        match value {
            Value::Object(object) => {
                visit(object);
                object.values().for_each(|v| objects(v, visit));
            }
            Value::Array(items) => items.iter().for_each(|v| objects(v, visit)),
            _ => {}
        }
    }

    #[test]
    fn the_same_types_give_the_same_bytes() {
        assert_eq!(all().unwrap(), all().unwrap());
    }

    #[test]
    fn names_are_unique() {
        let documents = all().unwrap();
        let names: BTreeSet<_> = documents.iter().map(|d| &d.name).collect();
        assert_eq!(names.len(), documents.len());
    }

    #[test]
    fn no_message_carries_a_float() {
        for document in all().unwrap() {
            let value: Value = serde_json::from_str(&document.text).unwrap();
            objects(&value, &mut |object| {
                assert_ne!(
                    object.get("type"),
                    Some(&Value::from("number")),
                    "{}: {object:?}",
                    document.name
                );
            });
        }
    }

    #[test]
    fn every_reference_is_defined() {
        for document in all().unwrap() {
            let value: Value = serde_json::from_str(&document.text).unwrap();
            let (mut defined, mut used) = (BTreeSet::new(), BTreeSet::new());
            objects(&value, &mut |object| {
                if let Some(Value::Object(definitions)) = object.get("definitions") {
                    defined.extend(definitions.keys().cloned());
                }
                if let Some(Value::String(reference)) = object.get("$ref") {
                    used.insert(reference.trim_start_matches("#/definitions/").to_owned());
                }
            });
            let missing: Vec<_> = used.difference(&defined).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", document.name);
        }
    }
}
