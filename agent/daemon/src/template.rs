//! The configuration that `agent init` writes: the commented file, with one of the known meters in it.

use crate::config::TEMPLATE;
use wattpool_ledger_wasmd::Invitation;
use wattpool_schema::MeterId;

/// Meters that `agent init` knows, and their part of the file.
pub const METERS: [(&str, &str); 11] = [
    ("p1", include_str!("meters/p1.toml")),
    ("sml", include_str!("meters/sml.toml")),
    ("dlms", include_str!("meters/dlms.toml")),
    ("sunspec", include_str!("meters/sunspec.toml")),
    ("sdm630", include_str!("meters/sdm630.toml")),
    ("em340", include_str!("meters/em340.toml")),
    ("tasmota", include_str!("meters/tasmota.toml")),
    ("zigbee2mqtt", include_str!("meters/zigbee2mqtt.toml")),
    ("homeassistant", include_str!("meters/homeassistant.toml")),
    ("evcc", include_str!("meters/evcc.toml")),
    ("shelly", include_str!("meters/shelly.toml")),
];

/// The commented file with a meter of [`METERS`] in it, its connection and the pseudonym.
///
/// # Errors
/// A connection for a profile that is replayed.
pub fn configuration(
    meter: Option<&str>,
    connection: Option<&str>,
    id: Option<MeterId>,
) -> Result<String, ConnectionOfProfile> {
    let mut text = TEMPLATE.to_owned();
    if let Some(id) = id {
        text = text.replacen(&MeterId([0; 16]).to_string(), &id.to_string(), 1);
    }
    let Some(meter) = meter else {
        return if connection.is_some() {
            Err(ConnectionOfProfile)
        } else {
            Ok(text)
        };
    };
    let line = |line: &str| match connection {
        Some(to) if line.starts_with("connection = ") => {
            format!("connection = {}\n", toml::Value::from(to))
        }
        // A serial line's settings have no meaning for another connection.
        Some(to) if line.starts_with("line = ") && !to.starts_with('/') => format!("# {line}\n"),
        _ => format!("{line}\n"),
    };
    let block: String = meter.lines().map(line).collect();
    let begin = text.find("# A real meter takes the place").unwrap_or(0);
    let end = text.find("# A device at the gate").unwrap_or(text.len());
    text.replace_range(begin..end, &format!("{block}\n"));
    Ok(text)
}

/// The commented file with what an invitation says of chain and network: nodes (over `http://` to other machines, too, where `plain`
/// says so), the time between blocks, meters to begin with.
pub fn invited(text: &str, nodes: &[String], plain: bool, invitation: &Invitation) -> String {
    let list = |list: &[String]| {
        let texts = list.iter().cloned().map(toml::Value::String);
        toml::Value::Array(texts.collect())
    };
    let line = |line: &str| match line {
        rpc if rpc.starts_with("rpc = ") && !nodes.is_empty() => format!("rpc = {}\n", list(nodes)),
        "# allow_plain_http = false" if plain => "allow_plain_http = true\n".to_owned(),
        "# bootstrap = []" if !invitation.bootstrap.is_empty() => {
            format!("bootstrap = {}\n", list(&invitation.bootstrap))
        }
        other => match invitation.block_ms {
            Some(ms) if other.starts_with("# block_ms = ") => format!("block_ms = {ms}\n"),
            _ => format!("{other}\n"),
        },
    };
    text.lines().map(line).collect()
}

/// A connection was named, but no meter that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("--connection: expected --meter with the kind of meter that it leads to")]
pub struct ConnectionOfProfile;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;
    use wattpool_home_devices::Wire;

    fn parse(text: &str) -> Config {
        Config::parse(Path::new("agent.toml"), text).unwrap()
    }

    #[test]
    fn every_known_meter_makes_a_configuration_that_can_be_used() {
        for (name, block) in METERS {
            let config = parse(&configuration(Some(block), None, Some(MeterId([7; 16]))).unwrap());
            assert_eq!(config.meter.id, MeterId([7; 16]));
            assert_eq!(
                (config.meter.replay, config.meter.device.len()),
                (None, 1),
                "{name}"
            );
            assert_eq!(config.chain, parse(TEMPLATE).chain, "{name}");
        }
    }

    #[test]
    fn what_an_invitation_says_stands_in_the_configuration() {
        let peer =
            "/ip4/10.0.0.2/tcp/7400/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
        let sha256 = "0".repeat(64);
        let least = format!(
            "wattpool:join?market=https://example.org/m&sha256={sha256}&chain=c-1&contact=ann"
        );
        let invitation =
            Invitation::parse(&format!("{least}&bootstrap={peer}&block_ms=2000")).unwrap();
        let nodes = ["https://a:26657/".to_owned(), "http://b:26657/".to_owned()];
        let config = parse(&invited(TEMPLATE, &nodes, true, &invitation));
        assert_eq!(config.chain.rpc, nodes);
        assert!(config.chain.allow_plain_http);
        assert_eq!(config.chain.block_ms, 2_000);
        assert_eq!(config.network.bootstrap, [peer]);
        // What it does not say stays as it was.
        let silent = Invitation::parse(&least).unwrap();
        assert_eq!(invited(TEMPLATE, &[], false, &silent), TEMPLATE);
    }

    #[test]
    fn a_connection_takes_the_place_of_the_example() {
        let block = METERS[0].1;
        let to = |connection| {
            let config = parse(&configuration(Some(block), Some(connection), None).unwrap());
            config.meter.device[0].wire().unwrap()
        };
        assert_eq!(to("tcp://10.0.0.2:23"), Wire::Tcp("10.0.0.2".into(), 23));
        let serial = to("/dev/serial/by-id/usb-FTDI");
        assert_eq!(
            serial.to_string(),
            "/dev/serial/by-id/usb-FTDI at 115200 8N1"
        );
        assert_eq!(
            configuration(None, Some("/dev/ttyS0"), None),
            Err(ConnectionOfProfile)
        );
    }
}
