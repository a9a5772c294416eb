//! The auditor's commands on a real chain, after a neighbourhood has traded on it.

use crate::street::Street;
use serde_json::Value;
use wattpool_program_harness::{number, wattpool, wattpool_agent, Ran};

/// A command that reads the chain of one node.
fn on_chain(street: &Street, node: usize, args: &[&str]) -> Ran {
    let (rpc, market) = (street.net.rpc_addresses(), street.market_file());
    wattpool(&[args, &["--node", &rpc[node], "--market", &market]].concat())
}

/// Every rule holds, whichever node tells it; nodes tell the same; an export of it is as good as the chain.
pub fn passes(street: &Street) {
    let nodes = street.net.rpc_addresses();
    for node in [0, nodes.len() - 1] {
        let report = on_chain(street, node, &["audit", "verify", "--json"]).json();
        assert_eq!(report["violations"], 0, "{report}");
        assert!(report["totals"]["trades"].as_u64().unwrap() > 0, "{report}");
    }
    let last = nodes.len() - 1;
    let height = on_chain(street, 0, &["audit", "verify", "--json"]).json()["totals"]
        ["last_height"]
        .to_string();
    let to = ["--to-height", &height];
    let same = on_chain(
        street,
        0,
        &[&["audit", "diff", &nodes[0], &nodes[last]], &to[..]].concat(),
    );
    assert_eq!(same.code, Some(0), "{}{}", same.stdout, same.stderr);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("export.jsonl");
    let file = file.to_str().unwrap();
    let export = ["audit", "export", "--unsigned", "--out", file];
    let ran = on_chain(street, 0, &[&export[..], &to[..]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report = wattpool(&["audit", "verify", file, "--json"]).json();
    assert_eq!(report["violations"], 0, "{report}");
    let same = on_chain(
        street,
        last,
        &[&["audit", "diff", file, &nodes[last]], &to[..]].concat(),
    );
    assert_eq!(same.code, Some(0), "{}{}", same.stdout, same.stderr);
    // What every agent noted is on the chain.
    for home in &street.homes {
        let journal = home.folder.join("journal.sqlite");
        let ran = wattpool(&["audit", "diff", file, journal.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    }
    let watched = on_chain(street, 0, &[&["audit", "watch"], &to[..]].concat());
    assert_eq!(
        watched.code,
        Some(0),
        "{}{}",
        watched.stdout,
        watched.stderr
    );
    alarmed(street, &nodes[0]);
    // From a later block on less is known, and nothing is wrong.
    let half = height.parse::<u64>().unwrap() / 2;
    let from = on_chain(
        street,
        0,
        &["audit", "verify", "--from-height", &half.to_string()],
    );
    assert_eq!(from.code, Some(0), "{}", from.stdout);
}

/// With the contracts' addresses mixed up, what the pool reports is a foreign contract's word: the watch ends, and tells its webhook.
fn alarmed(street: &Street, node: &str) {
    let text = std::fs::read_to_string(street.market_file()).unwrap();
    let mut market: Value = serde_json::from_str(&text).unwrap();
    let (pool, escrow) = (market["pool"].clone(), market["escrow"].clone());
    (market["pool"], market["escrow"]) = (escrow, pool);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("market.json");
    std::fs::write(&file, market.to_string()).unwrap();
    let hook = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alarm", hook.local_addr().unwrap());
    let told = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = hook.accept().unwrap();
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&text).ends_with('}') {
            let read = stream.read(&mut part).unwrap();
            text.extend_from_slice(&part[..read]);
            assert!(read > 0, "{}", String::from_utf8_lossy(&text));
        }
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    });
    let watch = [
        "audit",
        "watch",
        "--node",
        node,
        "--webhook",
        &url,
        "--market",
    ];
    let ran = wattpool(&[&watch[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("[contract]"), "{}", ran.stdout);
    let told = told.join().unwrap();
    assert!(
        told.starts_with("POST /alarm") && told.contains("[contract]"),
        "{told}"
    );
}

/// Every home's bill, from the chain and the readings that its owner opens, is what its meter replayed and its agent noted.
pub fn bills_are_right(street: &Street, trades: &[Value], rows: usize) {
    let (first, last) = (street.first.0, street.first.0 + rows as u64 - 1);
    let (from, to) = (first.to_string(), last.to_string());
    let period = ["--from", &from, "--to", &to];
    let mut compared = 0;
    for ((home, profile), trades) in street.homes.iter().zip(&street.profiles).zip(trades) {
        let config = home.folder.join("agent.toml");
        let out = home.folder.join("openings.json");
        let (config, out) = (config.to_str().unwrap(), out.to_str().unwrap());
        let open = ["meter", "open", "--config", config, "--out", out];
        let opened = wattpool_agent(&[&open[..], &period[..]].concat());
        assert_eq!(opened.code, Some(0), "{}", opened.stderr);
        let bill = [
            "audit",
            "bill",
            "--json",
            "--windows",
            "--meter",
            &home.meter,
            "--openings",
            out,
        ];
        let period = ["--since", &from, "--until", &to];
        let ran = on_chain(street, 0, &[&bill[..], &period[..]].concat());
        let report = ran.json();
        assert_eq!(report["violations"], 0, "{report}");
        let items = report["bill"]["items"].as_array().unwrap();
        assert_eq!(items.len(), rows);
        for (item, (demand, generation)) in items.iter().zip(profile) {
            let flowed = [
                demand.saturating_sub(*generation),
                generation.saturating_sub(*demand),
            ];
            let found = [&item["import_wh"], &item["export_wh"]].map(|v| v.as_u64().unwrap());
            assert_eq!(found, flowed, "{}: {item}", home.meter);
        }
        let sum = |side: &str, field: &str| -> f64 {
            let mine = trades.as_array().unwrap().iter();
            let mine = mine.filter(|t| t[side] == home.meter.as_str());
            let mine = mine.filter(|t| {
                t["window"]
                    .as_u64()
                    .is_some_and(|w| (first..=last).contains(&w))
            });
            mine.map(|t| t[field].as_f64().unwrap()).sum()
        };
        let total = &report["bill"]["total"];
        for (found, expected) in [
            (number(total, "bought_wh"), sum("buyer", "arrived")),
            (
                number(total, "spent"),
                sum("buyer", "paid") + sum("buyer", "charge"),
            ),
            (number(total, "earned"), sum("seller", "paid")),
            (
                number(total, "sold_wh"),
                sum("seller", "arrived") + sum("seller", "lost"),
            ),
        ] {
            assert!(
                (found - expected).abs() < 0.5,
                "{}: {found}, {expected} by its agent",
                home.meter
            );
            compared += 1;
        }
    }
    println!(
        "{compared} figures of {} bills compared, none different",
        street.homes.len()
    );
}
