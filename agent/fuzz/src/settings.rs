//! What an owner writes.

use crate::Target;
use serde::Deserialize;
use wattpool_discovery_libp2p::{Config, Limits};

/// Most bytes of a configuration that is tried.
const LONGEST: usize = 16 * 1024;

/// The part of a configuration that the network's node reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Node {
    listen: Vec<String>,
    external: Vec<String>,
    bootstrap: Vec<String>,
    network: String,
    limits: Limits,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            external: Vec::new(),
            bootstrap: Vec::new(),
            network: "chain/escrow".to_owned(),
            limits: Limits::default(),
        }
    }
}

pub(crate) const NODE: Target = Target {
    name: "node_settings",
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        let Ok(node) = toml::from_str::<Node>(text) else {
            return;
        };
        let checked = Config {
            seed: [1; 32],
            listen: node.listen,
            external: node.external,
            bootstrap: node.bootstrap,
            mdns: false,
            network: node.network,
            limits: node.limits,
        }
        .validate();
        if let Err(e) = checked {
            let line = e.to_string();
            if line.is_empty() || line.contains('\n') || line.len() > 4_096 {
                panic!("not one clear line: {line:?}");
            }
        }
    },
    seeds: || {
        [
            "",
            "network = \"chain-1/escrow\"\nlisten = [\"/ip4/0.0.0.0/tcp/7400\"]\n",
            "bootstrap = [\"/dns4/example.org/tcp/7400\", \"/ip6/::1/tcp/1\"]\n[limits]\nlinks = 24\nreplicas = 20\nquorum = 5\n",
            "external = [\"/ip4/192.0.2.7/tcp/7400/p2p/12D3KooWQWHzUBRG2wBzgpVD4NoRaNt1BrnkkKvhmTnwbKVZxrPa\"]\n[limits]\nban_ms = 1000\nrecords = 2048\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    longest: LONGEST,
};
