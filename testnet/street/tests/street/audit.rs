//! The auditor's commands on a real chain, after a neighbourhood has traded on it.

use crate::street::Street;
use serde_json::Value;
use wattpool_program_harness::{command, number, wattpool, wattpool_agent, Ran};

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
    explored(street, file);
    proven(street);
    // From a later block on less is known, and nothing is wrong.
    let half = height.parse::<u64>().unwrap() / 2;
    let from = on_chain(
        street,
        0,
        &["audit", "verify", "--from-height", &half.to_string()],
    );
    assert_eq!(from.code, Some(0), "{}", from.stdout);
}

/// The explorer indexes the chain, and its figures are those of an export of it. `export`: a file of the same chain.
fn explored(street: &Street, export: &str) {
    use std::io::{Read, Write};
    let dir = tempfile::tempdir().unwrap();
    let index = dir.path().join("index.sqlite");
    let (rpc, market) = (street.net.rpc_addresses(), street.market_file());
    let args = [
        "explorer",
        "--listen",
        "127.0.0.1:0",
        "--json",
        "--index",
        index.to_str().unwrap(),
    ];
    let more = ["--node", &rpc[0], "--market", &market];
    let mut site = command(&[&args[..], &more[..]].concat()).spawn().unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    let mut out = site.stdout.take().unwrap();
    while said.last() != Some(&b'}') {
        assert!(out.read(&mut byte).unwrap() > 0, "the explorer ended");
        said.push(byte[0]);
    }
    let said: Value = serde_json::from_slice(&said).unwrap();
    let host = said["url"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let ask = |path: &str| -> Value {
        let mut stream = std::net::TcpStream::connect(&host).unwrap();
        let request =
            format!("GET /api/v1/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let verified = wattpool(&["audit", "verify", export, "--json"]).json();
    let begun = std::time::Instant::now();
    let status = loop {
        let status = ask("status");
        if status["height"].as_u64() >= verified["totals"]["last_height"].as_u64() {
            break status;
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(120),
            "{status}"
        );
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_eq!(status["violations"], 0, "{status}");
    for figure in [
        "events", "windows", "trades", "minted", "redeemed", "lost", "paid", "charges", "feed_in",
    ] {
        assert_eq!(
            status["totals"][figure], verified["totals"][figure],
            "{figure}"
        );
    }
    let mut listed = ask("export?what=trades&form=json");
    listed.as_array_mut().unwrap().reverse();
    let trades = wattpool(&["audit", "trades", export, "--json"]).json();
    assert_eq!(listed, trades["trades"]);
    let fees = ask("money")["fees"][0]["fees"].as_u64().unwrap();
    assert!(fees > 0, "{fees}");
    assert!(!ask("validators")["validators"]
        .as_array()
        .unwrap()
        .is_empty());
    let proof = ask("trades/0/proof");
    assert_eq!(proof["record"], ask("trades/0")["record"], "{proof}");
    site.kill().unwrap();
    site.wait().unwrap();
}

/// A closed trade is proven from the trusted block on; a proof of anything else is none.
fn proven(street: &Street) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (file, market) = (path("proof.json"), street.market_file());
    let ran = on_chain(
        street,
        0,
        &["audit", "trade", "0", "--save", &file, "--json"],
    );
    let record = ran.json()["record"].clone();
    assert_eq!(record["sequence"], 0);
    let named = format!(
        "{}/{}",
        record["buyer"].as_str().unwrap(),
        record["trade_id"]
    );
    assert_eq!(
        on_chain(street, 0, &["audit", "trade", &named, "--json"]).json()["record"],
        record
    );
    let kept = |more: &[&str], market: &str, file: &str| {
        let args = ["audit", "trade", "--proof", file, "--market", market];
        wattpool(&[&args[..], more].concat())
    };
    let same = kept(&["--json"], &market, &file).json();
    assert_eq!(same["record"], record);
    let refused = |ran: &Ran, named: &str| {
        assert_eq!(ran.code, Some(3), "{named}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(named), "{named}: {}", ran.stderr);
    };
    refused(&kept(&["1"], &market, &file), "the file is of trade 0");
    let wrong = format!("{}:{}", same["trusted"]["height"], "AB".repeat(32));
    refused(&kept(&["--trusted", &wrong], &market, &file), "headers: ");
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut proof: Value = serde_json::from_str(&text).unwrap();
        change(&mut proof);
        std::fs::write(path(name), proof.to_string()).unwrap();
        kept(&[], &market, &path(name))
    };
    refused(
        &edited("other.json", &|p| p["sequence"] = 1.into()),
        "trade 1: there is no proof of this key",
    );
    refused(
        &edited("key.json", &|p| {
            p["evidence"]["values"][2]["steps"] = p["evidence"]["values"][1]["steps"].clone()
        }),
        "trade 0: the proof is of another key",
    );
    refused(
        &edited("height.json", &|p| {
            p["evidence"]["blocks"].as_array_mut().unwrap().truncate(1);
        }),
        "not of the verified state",
    );
    let mut other: Value =
        serde_json::from_str(&std::fs::read_to_string(&market).unwrap()).unwrap();
    other["escrow"] = other["pool"].clone();
    std::fs::write(path("market.json"), other.to_string()).unwrap();
    refused(
        &kept(&[], &path("market.json"), &file),
        "and the market's escrow is",
    );
    // What a block holds proves nothing.
    let none = on_chain(street, 0, &["audit", "trade", &"ab".repeat(32)]);
    refused(&none, "has no transaction");
    refused(
        &on_chain(street, 0, &["audit", "trade", "999999"]),
        "there is no trade 999999",
    );
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
