//! What an owner writes, or is sent as a file.

use crate::{agree, node, Target};
use serde::Deserialize;
use std::path::Path;
use wattpool_core::policy::Policy;
use wattpool_daemon::config::{Config as AgentConfig, TEMPLATE};
use wattpool_daemon::policy::changed_policy;
use wattpool_discovery_libp2p::{Config, Limits};
use wattpool_ledger_wasmd::Market;

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
            relay: false,
            upnp: false,
            hidden: false,
            membership: None,
            network: node.network,
            limits: node.limits,
        }
        .validate();
        if let Err(e) = checked {
            one_line(&e);
            let line = e.to_string();
            if line.len() > 4_096 {
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
    per_byte: crate::TOML,
};

pub(crate) const AGENT: Target = Target {
    name: "agent_config",
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        match AgentConfig::parse(Path::new("agent.toml"), text) {
            Ok(config) => {
                let _ = config.limits().check();
                config.profile();
                // What is accepted can be shown, and says the same again.
                let shown = toml::to_string(&config).unwrap_or_default();
                let again = AgentConfig::parse(Path::new("agent.toml"), &shown);
                agree("configuration", &Ok(config), &again);
            }
            Err(e) => one_line(&e),
        }
    },
    seeds: || {
        // Every key in force, as far as it stands in one line.
        let keys = TEMPLATE.lines().filter_map(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            let key = line.split_once(" = ").map_or(line, |(key, _)| key);
            let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.' | '[' | ']');
            key.chars().all(plain).then_some(line)
        });
        let keys: Vec<&str> = keys.collect();
        [TEMPLATE.to_owned(), keys.join("\n")]
            .map(String::into_bytes)
            .to_vec()
    },
    longest: LONGEST,
    per_byte: crate::TOML,
};

pub(crate) const POLICY: Target = Target {
    name: "owner_policy",
    run: |data| {
        // As it comes over HTTP.
        if let Ok(policy) = serde_json::from_slice::<Policy>(data) {
            match policy.check() {
                Ok(()) => shown(&policy),
                Err(e) => one_line(&e),
            }
        }
        // As it is typed, a change a line.
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        let changes: Vec<String> = text.lines().map(str::to_owned).collect();
        if let Ok(policy) = changed_policy(&Policy::default(), &changes, "EUR") {
            shown(&policy);
        }
    },
    seeds: || {
        let policy = Policy {
            preferred: [wattpool_schema::MeterId([0; 16])].into(),
            ..Policy::default()
        };
        vec![
            serde_json::to_vec(&policy).unwrap_or_default(),
            b"max_buy_price=300000\nsell = false\nhours={from=22,to=6}".to_vec(),
            b"max_buy_price\nblocked=[\"00000000000000000000000000000001\"]\nmin_quality=0.25".to_vec(),
            b"weights = { surplus = 0.5, efficiency = 0.5, duration = 0.0, quality = 0.0, participation = 0.0, price = 0.0 }".to_vec(),
        ]
    },
    longest: LONGEST,
    per_byte: crate::TOML,
};

pub(crate) const MARKET: Target = Target {
    name: "market_file",
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        match Market::parse(text) {
            Ok(market) => {
                let written = serde_json::to_string(&market).unwrap_or_default();
                agree("market", &Ok(market), &Market::parse(&written));
            }
            Err(e) => one_line(&e),
        }
    },
    seeds: || vec![node::market_file().to_vec()],
    longest: LONGEST,
    per_byte: crate::LEAN,
};

/// A policy that was accepted is the same in the journal and for the owner's eyes.
fn shown(policy: &Policy) {
    let json = serde_json::to_vec(policy).unwrap_or_default();
    let again = serde_json::from_slice::<Policy>(&json).ok();
    agree("policy in JSON", &Some(policy), &again.as_ref());
    let text = toml::to_string(policy).unwrap_or_default();
    let again = toml::from_str::<Policy>(&text).ok();
    agree("policy in TOML", &Some(policy), &again.as_ref());
}

fn one_line(error: &impl std::fmt::Display) {
    let line = error.to_string();
    if line.is_empty() || line.contains(['\n', '\r']) {
        panic!("not one clear line: {line:?}");
    }
}
