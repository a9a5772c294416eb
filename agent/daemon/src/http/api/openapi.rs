//! The description of the interface, made of the table of its routes. `docs/openapi.json` is what this writes.

use super::{described_open, described_own};
use serde_json::json;
use wattpool_web::openapi;

/// Set: the file is written instead of compared.
const WRITE: &str = "WATTPOOL_WRITE_OPENAPI";

fn description() -> String {
    let info = json!({
        "title": "Wattpool agent",
        "version": "1",
        "description": "What an agent tells its owner, and what its owner tells it. Energy is in Wh, money in micro-units \
                        (1,000,000 are one coin), prices in micro-units per kWh, times are Unix seconds; all of them \
                        integers. Every failure is an object with `error`. Changes of a session need its x-csrf-token.",
        "license": { "name": "Apache-2.0" },
    });
    let schemes = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "What the agent's token file holds" },
        "session": { "type": "apiKey", "in": "cookie", "name": "wattpool" },
    });
    let needed = json!([{ "token": [] }, { "session": [] }]);
    let routes: Vec<_> = described_open()
        .into_iter()
        .chain(described_own())
        .collect();
    openapi::description(&info, Some((needed, schemes)), &routes)
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
    let (lost, count) = openapi::dangling(&description());
    assert_eq!(lost, Vec::<String>::new());
    assert!(count > 20, "{count} references");
}
