//! How Home Assistant is told what the signal's topic holds: one retained message for each entity
//! (<https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>). Other programs that read the same messages
//! find it, too.

use super::{availability, state, OFFLINE, ONLINE};
use serde_json::{json, Value};
use wattpool_schema::MeterId;

/// An entity of Home Assistant.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Where it is told.
    pub topic: String,
    /// What it is.
    pub config: Value,
}

/// Name in topics, name for people, template, unit, device class.
type Sensor = (
    &'static str,
    &'static str,
    &'static str,
    Unit,
    Option<&'static str>,
);

#[derive(Clone, Copy)]
enum Unit {
    Watt,
    Money,
}

const SENSORS: [Sensor; 8] = [
    (
        "home_surplus",
        "Home surplus",
        "{{ value_json.home.surplus_w }}",
        Unit::Watt,
        Some("power"),
    ),
    (
        "street_surplus",
        "Street surplus",
        "{{ value_json.neighbourhood.surplus_w }}",
        Unit::Watt,
        Some("power"),
    ),
    (
        "street_deficit",
        "Street deficit",
        "{{ value_json.neighbourhood.deficit_w }}",
        Unit::Watt,
        Some("power"),
    ),
    (
        "price",
        "Price",
        "{% if value_json.price.now is number %}{{ value_json.price.now / 1000000 }}{% else %}None{% endif %}",
        Unit::Money,
        None,
    ),
    (
        "price_import",
        "Grid price",
        "{% if value_json.price.import is number %}{{ value_json.price.import / 1000000 }}{% else %}None{% endif %}",
        Unit::Money,
        None,
    ),
    (
        "price_feed_in",
        "Feed-in price",
        "{% if value_json.price.feed_in is number %}{{ value_json.price.feed_in / 1000000 }}{% else %}None{% endif %}",
        Unit::Money,
        None,
    ),
    (
        "expected",
        "Expected home surplus",
        "{% if value_json.expected %}{{ (value_json.expected[0].net_wh * 3600 / value_json.window_seconds) | round(0) }}{% else %}None{% endif %}",
        Unit::Watt,
        Some("power"),
    ),
    (
        "expected_error",
        "Expected home surplus, mean error",
        "{% if value_json.expected and value_json.expected[0].error_wh is number %}{{ (value_json.expected[0].error_wh * 3600 / value_json.window_seconds) | round(0) }}{% else %}None{% endif %}",
        Unit::Watt,
        Some("power"),
    ),
];

/// The entities of a meter's signal. `prefix`: where Home Assistant listens; `topic`: where the signal is told;
/// `refresh_s`: how often.
pub fn discovery(
    prefix: &str,
    topic: &str,
    meter: MeterId,
    currency: &str,
    refresh_s: u64,
) -> Vec<Entity> {
    let version = env!("CARGO_PKG_VERSION");
    let common = |name: &str, title: &str, template: &str| {
        json!({
            "name": title,
            "unique_id": format!("wattpool_{meter}_{name}"),
            "state_topic": state(topic),
            "value_template": template,
            "availability_topic": availability(topic),
            "payload_available": ONLINE,
            "payload_not_available": OFFLINE,
            // What is told no more is not known any more, even if the broker still has it.
            "expire_after": refresh_s.saturating_mul(3).max(60),
            "device": {
                "identifiers": [format!("wattpool_{meter}")],
                "name": "Wattpool",
                "manufacturer": "Wattpool",
                "model": "wattpool-agent",
                "sw_version": version,
            },
            "origin": { "name": "wattpool-agent", "sw_version": version },
        })
    };
    let at = |component: &str, name: &str| {
        format!("{prefix}/{component}/wattpool_{meter}/{name}/config")
    };
    let mut all = Vec::new();
    for (name, title, template, unit, class) in SENSORS {
        let mut config = common(name, title, template);
        if let Some(fields) = config.as_object_mut() {
            let unit = match unit {
                Unit::Watt => "W".to_owned(),
                Unit::Money => format!("{currency}/kWh"),
            };
            fields.insert("unit_of_measurement".into(), unit.into());
            fields.insert("state_class".into(), "measurement".into());
            if let Some(class) = class {
                fields.insert("device_class".into(), class.into());
            }
            if name == "expected" {
                // All coming windows, for automations.
                let attributes = "{{ {'expected': value_json.expected} | tojson }}";
                fields.insert("json_attributes_topic".into(), state(topic).into());
                fields.insert("json_attributes_template".into(), attributes.into());
            }
        }
        all.push(Entity {
            topic: at("sensor", name),
            config,
        });
    }
    let template = "{{ 'ON' if value_json.sun else 'OFF' }}";
    all.push(Entity {
        topic: at("binary_sensor", "sun"),
        config: common("sun", "Street has sun", template),
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_entity_has_a_topic_and_an_identity_of_its_own() {
        let meter = MeterId([0xA1; 16]);
        let all = discovery("homeassistant", "wattpool/a1a1a1a1", meter, "EUR", 10);
        assert_eq!(all.len(), 9);
        let topics: BTreeSet<_> = all.iter().map(|e| e.topic.clone()).collect();
        let ids: BTreeSet<_> = all
            .iter()
            .map(|e| e.config["unique_id"].to_string())
            .collect();
        assert_eq!((topics.len(), ids.len()), (all.len(), all.len()));
        for entity in &all {
            assert_eq!(entity.config["state_topic"], "wattpool/a1a1a1a1/signal");
            // As Home Assistant's own pattern wants topics: letters, digits, _ and -.
            let parts: Vec<&str> = entity.topic.split('/').collect();
            assert_eq!((parts.len(), parts[4]), (5, "config"));
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            assert!(
                parts.iter().all(|p| p.chars().all(plain)),
                "{}",
                entity.topic
            );
        }
        let money = all.iter().find(|e| e.config["name"] == "Price").unwrap();
        assert_eq!(money.config["unit_of_measurement"], "EUR/kWh");
    }
}
