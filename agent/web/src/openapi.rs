//! The description of an interface (OpenAPI 3.0), made of the table of its routes.

use crate::answer::Refusal;
use schemars::gen::{SchemaGenerator, SchemaSettings};
use schemars::schema::{InstanceType, RootSchema, Schema};
use schemars::JsonSchema;
use serde_json::{json, Map, Value};

/// Nothing is asked, or nothing is sent.
#[derive(JsonSchema)]
pub struct Nothing {}

/// A route, as it is described.
pub struct Described {
    /// Its method, small letters.
    pub method: &'static str,
    /// Its path; `{name}` is a part of it.
    pub path: &'static str,
    /// What it does, in a line.
    pub says: &'static str,
    /// Anybody may ask; otherwise those who are known.
    pub open: bool,
    /// What it answers with, where that is neither JSON nor CSV.
    pub content: Option<&'static str>,
    /// What stands behind the question mark,
    pub query: fn(&mut SchemaGenerator) -> RootSchema,
    /// what is sent,
    pub body: fn(&mut SchemaGenerator) -> Schema,
    /// and what is answered.
    pub answer: fn(&mut SchemaGenerator) -> Schema,
}

fn value(schema: &impl serde::Serialize) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

fn is_nothing(schema: &Schema) -> bool {
    let name = format!("/{}", Nothing::schema_name());
    matches!(schema, Schema::Object(o) if o.reference.as_ref().is_some_and(|r| r.ends_with(&name)))
}

/// Parts of the path, and what stands behind the question mark, from the fields of its type.
fn parameters(route: &Described, generator: &mut SchemaGenerator) -> Vec<Value> {
    let parts = route.path.split('{').skip(1);
    let in_path = parts.filter_map(|part| part.split('}').next()).map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
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
    in_path.chain(object.properties.iter().map(one)).collect()
}

fn operation(route: &Described, generator: &mut SchemaGenerator) -> Value {
    let answer = (route.answer)(generator);
    let is_text = matches!(&answer, Schema::Object(o) if o.instance_type == Some(InstanceType::String.into()));
    let kind = if is_text {
        "text/csv"
    } else {
        "application/json"
    };
    let content = route.content.unwrap_or(kind);
    let refusal = value(&generator.subschema_for::<Refusal>());
    let mut operation = Map::new();
    operation.insert("summary".to_owned(), json!(route.says));
    let responses = json!({
        "200": { "description": "Done", "content": { content: { "schema": value(&answer) } } },
        "default": { "description": "Why not", "content": { "application/json": { "schema": refusal } } },
    });
    operation.insert("responses".to_owned(), responses);
    let asked = parameters(route, generator);
    if !asked.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(asked));
    }
    let body = (route.body)(generator);
    if !is_nothing(&body) {
        let body = json!({ "required": true, "content": { "application/json": { "schema": value(&body) } } });
        operation.insert("requestBody".to_owned(), body);
    }
    if route.open {
        operation.insert("security".to_owned(), json!([]));
    }
    Value::Object(operation)
}

/// The description as the file has it. `info`: what the interface is; `security`: how those who are known show it, and the schemes by name.
pub fn description(info: &Value, security: Option<(Value, Value)>, routes: &[Described]) -> String {
    let settings = SchemaSettings::openapi3().with(|s| s.option_add_null_type = false);
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.to_owned(), operation);
        }
    }
    let mut schemas: Map<String, Value> = generator
        .take_definitions()
        .iter()
        .map(|(name, schema)| (name.clone(), value(schema)))
        .collect();
    schemas.remove(&Nothing::schema_name());
    let mut all = Map::new();
    all.insert("openapi".to_owned(), json!("3.0.3"));
    all.insert("info".to_owned(), info.clone());
    all.insert("paths".to_owned(), Value::Object(paths));
    let mut components = Map::new();
    components.insert("schemas".to_owned(), Value::Object(schemas));
    if let Some((needed, schemes)) = security {
        all.insert("security".to_owned(), needed);
        components.insert("securitySchemes".to_owned(), schemes);
    }
    all.insert("components".to_owned(), Value::Object(components));
    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
}

/// References of a description that lead nowhere, and how many there are altogether.
pub fn dangling(description: &str) -> (Vec<String>, usize) {
    let all: Value = serde_json::from_str(description).unwrap_or_default();
    let mut count = 0_usize;
    let mut lost = Vec::new();
    for piece in description.split("\"$ref\": \"").skip(1) {
        let reference = piece.split('"').next().unwrap_or_default();
        let found = reference
            .strip_prefix('#')
            .and_then(|pointer| all.pointer(pointer));
        if found.is_none() {
            lost.push(reference.to_owned());
        }
        count = count.saturating_add(1);
    }
    (lost, count)
}
