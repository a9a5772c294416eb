//! The contracts' events: names and attributes as a chain shows them, and the schema of their typed form.

use anyhow::{bail, Context, Result};
use cosmwasm_schema::schema_for;
use cosmwasm_schema::schemars::schema::{
    InstanceType, RootSchema, Schema, SchemaObject, SingleOrVec,
};
use serde::Serialize;
use wattpool_schema::event::{MarketEvent, EVENT_NAMES};

/// All events.
#[derive(Serialize)]
pub struct Events {
    events: Vec<EventEntry>,
    schema: RootSchema,
}

#[derive(Serialize)]
struct EventEntry {
    /// On a chain `wasm-` stands before it.
    name: &'static str,
    description: Option<String>,
    /// Ascending by key.
    attributes: Vec<AttributeEntry>,
}

#[derive(Serialize)]
struct AttributeEntry {
    key: String,
    /// A definition of the schema, or a JSON type with its format. On a chain every value is text.
    #[serde(rename = "type")]
    kind: String,
    /// An absent value is written `-`.
    optional: bool,
}

/// Lists every event.
///
/// # Errors
/// An event has no definition in the schema of [`MarketEvent`], or an attribute is of an unknown form.
pub fn all() -> Result<Events> {
    let schema = schema_for!(MarketEvent);
    let events = EVENT_NAMES
        .iter()
        .map(|name| entry(&schema, name).with_context(|| format!("event {name}")))
        .collect::<Result<_>>()?;
    Ok(Events { events, schema })
}

fn entry(root: &RootSchema, name: &'static str) -> Result<EventEntry> {
    let variants = root
        .schema
        .subschemas
        .as_ref()
        .and_then(|s| s.one_of.as_ref())
        .context("the events are no list of alternatives")?;
    let content = variants
        .iter()
        .find_map(|v| object(v)?.object.as_ref()?.properties.get(name))
        .and_then(object)
        .context("is not one of the alternatives")?;
    let definition = definition_name(content)
        .and_then(|d| root.definitions.get(d))
        .and_then(object)
        .context("has no definition")?;
    let fields = definition
        .object
        .as_ref()
        .context("is defined without fields")?;
    let attributes = fields
        .properties
        .iter()
        .map(|(key, schema)| attribute(key, schema).with_context(|| format!("attribute {key}")))
        .collect::<Result<_>>()?;
    Ok(EventEntry {
        name,
        description: definition
            .metadata
            .as_ref()
            .and_then(|m| m.description.clone()),
        attributes,
    })
}

fn attribute(key: &str, schema: &Schema) -> Result<AttributeEntry> {
    let object = object(schema).context("accepts anything")?;
    let (kind, optional) = kind(object)?;
    Ok(AttributeEntry {
        key: key.to_owned(),
        kind,
        optional,
    })
}

/// Type of an attribute and whether it may be absent.
fn kind(schema: &SchemaObject) -> Result<(String, bool)> {
    if let Some(name) = definition_name(schema) {
        return Ok((name.to_owned(), false));
    }
    if let Some(types) = &schema.instance_type {
        let types: &[InstanceType] = match types {
            SingleOrVec::Single(one) => std::slice::from_ref(&**one),
            SingleOrVec::Vec(several) => several,
        };
        let optional = types.contains(&InstanceType::Null);
        let mut others = types.iter().filter(|t| **t != InstanceType::Null);
        if let (Some(one), None) = (others.next(), others.next()) {
            let name = schema
                .format
                .clone()
                .unwrap_or_else(|| format!("{one:?}").to_lowercase());
            return Ok((name, optional));
        }
        bail!("is of several types");
    }
    // A reference with a description, or an optional reference.
    let subschemas = schema
        .subschemas
        .as_ref()
        .context("has neither type nor reference")?;
    let alternatives = subschemas
        .any_of
        .as_ref()
        .or(subschemas.all_of.as_ref())
        .context("has neither type nor reference")?;
    let name = alternatives
        .iter()
        .find_map(|a| object(a).and_then(definition_name))
        .context("refers to no definition")?;
    Ok((name.to_owned(), subschemas.any_of.is_some()))
}

fn object(schema: &Schema) -> Option<&SchemaObject> {
    match schema {
        Schema::Object(object) => Some(object),
        Schema::Bool(_) => None,
    }
}

fn definition_name(schema: &SchemaObject) -> Option<&str> {
    schema.reference.as_deref()?.strip_prefix("#/definitions/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmwasm_std::Event;
    use wattpool_schema::event::{Stated, ZonePairSet};
    use wattpool_schema::{Commitment, MeterId, Ppm, Price, Wh, Window, Zone};

    fn listed<'a>(events: &'a Events, name: &str) -> &'a EventEntry {
        events.events.iter().find(|e| e.name == name).unwrap()
    }

    /// The list promises exactly the attributes that the contracts write.
    fn same_keys(event: Event) {
        let events = all().unwrap();
        let mut written: Vec<_> = event.attributes.iter().map(|a| a.key.clone()).collect();
        written.sort();
        let promised: Vec<_> = listed(&events, &event.ty)
            .attributes
            .iter()
            .map(|a| a.key.clone())
            .collect();
        assert_eq!(promised, written, "{}", event.ty);
    }

    #[test]
    fn every_event_is_listed_once_and_described() {
        let events = all().unwrap();
        let names: Vec<_> = events.events.iter().map(|e| e.name).collect();
        assert_eq!(names, EVENT_NAMES);
        for event in &events.events {
            assert!(event.description.is_some(), "{}", event.name);
            assert!(!event.attributes.is_empty(), "{}", event.name);
        }
    }

    #[test]
    fn attributes_are_those_written() {
        same_keys(
            Stated {
                meter: MeterId([1; 16]),
                owner: "owner".into(),
                window: Window(7),
                sequence: 3,
                wh: Wh(120),
                commitment: Commitment([5; 32]),
                minted: true,
            }
            .into(),
        );
        same_keys(
            ZonePairSet {
                from_window: Window(1),
                from: Zone(0),
                to: Zone(1),
                loss: Ppm(5),
                charge: Price(0),
                capacity: None,
            }
            .into(),
        );
    }

    #[test]
    fn types_and_absence_are_told() {
        let events = all().unwrap();
        let told = |event: &str, key: &str| {
            let found = listed(&events, event)
                .attributes
                .iter()
                .find(|a| a.key == key)
                .unwrap();
            (found.kind.clone(), found.optional)
        };
        assert_eq!(told("stated", "meter"), ("MeterId".into(), false));
        assert_eq!(told("delivered", "kind"), ("TradeKind".into(), false));
        assert_eq!(told("agent_set", "agent"), ("AgentKey".into(), true));
        assert_eq!(told("tariffs_set", "feed_in"), ("int64".into(), false));
        assert_eq!(told("stated", "sequence"), ("uint64".into(), false));
        assert_eq!(told("stated", "owner"), ("string".into(), false));
        assert_eq!(told("stated", "minted"), ("boolean".into(), false));
        assert_eq!(told("zone_pair_set", "capacity"), ("uint64".into(), true));
        assert_eq!(told("admin_proposed", "admin"), ("string".into(), true));
    }
}
