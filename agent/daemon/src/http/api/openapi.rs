//! The description of the interface, made of the table of its routes. `docs/openapi.json` is what this writes.

use super::{described_open, described_own, Described, Nothing};
use crate::http::answer::Refusal;
use schemars::gen::{SchemaGenerator, SchemaSettings};
use schemars::schema::{InstanceType, Schema};
use schemars::JsonSchema;
use serde_json::{json, Map, Value};

/// Set: the file is written instead of compared.
const WRITE: &str = "WATTPOOL_WRITE_OPENAPI";

fn value(schema: &impl serde::Serialize) -> Value {
    serde_json::to_value(schema).unwrap()
}

fn is_nothing(schema: &Schema) -> bool {
    let name = format!("/{}", Nothing::schema_name());
    matches!(schema, Schema::Object(o) if o.reference.as_ref().is_some_and(|r| r.ends_with(&name)))
}

/// What stands behind the question mark, from the fields of its type.
fn parameters(route: &Described, generator: &mut SchemaGenerator) -> Vec<Value> {
    let root = (route.query)(generator);
    let object = root.schema.object.unwrap_or_default();
    let one = |(name, schema): (&String, &Schema)| {
        let mut schema = value(schema);
        let said = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        let said = said.unwrap_or_else(|| Value::String(String::new()));
        json!({
            "name": name, "in": "query", "required": object.required.contains(name),
            "description": said, "schema": schema,
        })
    };
    object.properties.iter().map(one).collect()
}

fn operation(route: &Described, generator: &mut SchemaGenerator) -> Value {
    let answer = (route.answer)(generator);
    let is_text = matches!(&answer, Schema::Object(o) if o.instance_type == Some(InstanceType::String.into()));
    let content = match route.path {
        "/api/v1/events" => "text/event-stream",
        _ if is_text => "text/csv",
        _ => "application/json",
    };
    let refusal = value(&generator.subschema_for::<Refusal>());
    let mut operation = json!({
        "summary": route.says,
        "responses": {
            "200": { "description": "Done", "content": { content: { "schema": value(&answer) } } },
            "default": { "description": "Why not", "content": { "application/json": { "schema": refusal } } },
        },
    });
    let asked = parameters(route, generator);
    if !asked.is_empty() {
        operation["parameters"] = Value::Array(asked);
    }
    let body = (route.body)(generator);
    if !is_nothing(&body) {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": value(&body) } } });
    }
    if route.open {
        operation["security"] = json!([]);
    }
    operation
}

fn description() -> String {
    let settings = SchemaSettings::openapi3().with(|s| s.option_add_null_type = false);
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in described_open().iter().chain(&described_own()) {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    let mut schemas: Map<String, Value> = generator
        .take_definitions()
        .iter()
        .map(|(name, schema)| (name.clone(), value(schema)))
        .collect();
    schemas.remove(&Nothing::schema_name());
    let all = json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Wattpool agent",
            "version": "1",
            "description": "What an agent tells its owner, and what its owner tells it. Energy is in Wh, money in micro-units \
                            (1,000,000 are one coin), prices in micro-units per kWh, times are Unix seconds; all of them \
                            integers. Every failure is an object with `error`. Changes of a session need its x-csrf-token.",
            "license": { "name": "Apache-2.0" },
        },
        "paths": paths,
        "security": [{ "token": [] }, { "session": [] }],
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "What the agent's token file holds" },
                "session": { "type": "apiKey", "in": "cookie", "name": "wattpool" },
            },
        },
    });
    serde_json::to_string_pretty(&all).unwrap() + "\n"
}

#[test]
fn the_description_is_what_the_code_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let want = description();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, want).unwrap();
        return;
    }
    let found = std::fs::read_to_string(file).unwrap();
    assert!(
        found == want,
        "docs/openapi.json is not what the code says: scripts/generate-commands writes it"
    );
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let text = description();
    let all: Value = serde_json::from_str(&text).unwrap();
    let mut count = 0;
    for piece in text.split("\"$ref\": \"").skip(1) {
        let reference = piece.split('"').next().unwrap();
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(all.pointer(pointer).is_some(), "{reference}");
        count += 1;
    }
    assert!(count > 20, "{count} references");
}
