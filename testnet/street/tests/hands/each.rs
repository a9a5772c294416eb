//! Every message and every question of the three contracts goes to a chain by its command: those of people are executed,
//! those that need what only agents have are asked for in a simulation, and the contract answers.

use crate::market::Hand;
use std::collections::BTreeSet;

/// A meter of its own, which changes hands and rules without the others noticing.
pub struct Extra<'a> {
    pub meter: &'a str,
    pub device: &'a str,
    pub agent: &'a str,
}

/// Messages that agents sign, or that the contracts send each other: the agents of this market send them.
const OF_AGENTS: [&str; 10] = [
    "pool state",
    "pool cover",
    "pool redeem",
    "token mint-surplus",
    "token settle",
    "escrow settle",
    "escrow settle-batch",
    "escrow settle-item",
    "escrow open-order",
    "escrow deliver",
];

/// Some device's key, 32 bytes in base64.
const DEVICE: &str = "ERERERERERERERERERERERERERERERERERERERERERE=";

/// What each person may do to a meter and to the terms that the rest of the market's story leaves out.
pub fn by_people(extra: &Extra<'_>, [admin, registrar, operator, owner, other]: [&Hand; 5]) {
    let meter = ["--meter", extra.meter];
    let with = |command: &[&str], more: &[&str]| -> Vec<String> {
        let line = [command, &meter, more].concat();
        line.into_iter().map(str::to_owned).collect()
    };
    let does = |hand: &Hand, line: Vec<String>| {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        hand.does(&line)
    };
    let (device, agent) = (["--device", extra.device], ["--agent", extra.agent]);
    let size = ["--max-export", "1 kWh", "--max-import", "1 kWh"];
    let place = ["--zone", "5", "--kind", "pv", "--owner", &owner.address];
    let register = [&device[..], &size, &place].concat();
    does(registrar, with(&["admin", "register-meter"], &register));
    let wider = ["--max-export", "2 kWh"];
    does(registrar, with(&["admin", "update-meter"], &wider));
    does(owner, with(&["owner", "set-agent"], &agent));
    let cheap = ["--max-buy-price", "0.25/kWh"];
    does(owner, with(&["owner", "set-limits"], &cheap));
    let any = ["--clear", "max-buy-price"];
    does(owner, with(&["owner", "set-limits"], &any));
    // A notice, an objection, a decision; then the owner gives it away itself.
    let to = ["--owner", other.address.as_str()];
    does(registrar, with(&["admin", "propose-owner"], &to));
    does(owner, with(&["owner", "object"], &[]));
    does(admin, with(&["admin", "decide"], &["--uphold"]));
    does(owner, with(&["owner", "propose"], &to));
    does(other, with(&["owner", "accept"], &[]));
    for order in ["cancel-order", "close-order"] {
        let line = ["owner", order, "--buyer", extra.meter, "--trade-id", "9"];
        refused(owner, &line);
    }
    let prices = ["--import", "0.30/kWh", "--feed-in", "0.08/kWh"];
    operator.does(&[&["admin", "set-tariffs"][..], &prices].concat());
    let pair = ["--from-zone", "5", "--to-zone", "6"];
    let terms = ["--charge", "0.01/kWh", "--capacity", "5 kWh"];
    operator.does(&[&["admin", "set-zone-pair"][..], &pair, &terms].concat());
    operator.does(&["admin", "take-back", "--amount", "1 watt"]);
    operator.does(&["admin", "fund-reserve", "--amount", "1 watt"]);
    let role = ["--role", "regulator", "--to", &admin.address];
    admin.does(&[&["admin", "set-role"][..], &role].concat());
}

/// The contract says no, with its own code; nothing is sent.
fn refused(hand: &Hand, line: &[&str]) {
    let ran = hand.keys.run(&[line, &["--from", "me"]].concat());
    assert_eq!(ran.code, Some(1), "{line:?}: {ran:?}");
    let told = ran.stderr.contains("the market refuses with")
        || ran.stderr.contains("the chain refuses with wasm/");
    assert!(told, "{line:?}: {ran:?}");
}

/// A value of a field, by its name.
fn sample(field: &str, hand: &Hand, meter: &str) -> String {
    let value = match field {
        "meter" | "buyer" | "seller" => meter,
        "owner" | "address" | "spender" | "recipient" | "contract" | "escrow" | "pool"
        | "admin" => &hand.address,
        "window" | "through" | "from_window" | "amount" | "trade_id" | "nonce" => "1",
        "from" | "to" | "sequence" => "0",
        "msg" => "e30=",
        "role" => "regulator",
        "reason" => "readings_differ",
        "uphold" => "true",
        "device" => DEVICE,
        "set" => "{}",
        "remove" => "[]",
        "tariffs" => r#"{"import":300000,"feed_in":80000}"#,
        "terms" => r#"{"from":5,"to":6,"loss":10000,"charge":0,"capacity":null}"#,
        "registration" => return registration(hand, meter),
        other => panic!("no sample of {other}: give it one"),
    };
    value.to_owned()
}

fn registration(hand: &Hand, meter: &str) -> String {
    format!(
        r#"{{"meter":"{meter}","owner":"{}","device":"{}","zone":0,"kind":"pv","max_export":1000,"max_import":1000}}"#,
        hand.address, DEVICE
    )
}

/// Names of a contract's messages or questions and their needed fields, as the command lists them.
fn listed(hand: &Hand, verb: &str, contract: &str) -> Vec<(String, Vec<String>)> {
    let shown = hand.keys.run(&["admin", verb, contract]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let lines = shown.stdout.lines().filter(|l| !l.starts_with(' '));
    let parse = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().unwrap().to_owned();
        let fields = words.filter(|w| !w.starts_with('['));
        let fields = fields.map(|f| f.trim_end_matches("=…").to_owned());
        (name, fields.collect())
    };
    lines.map(parse).collect()
}

/// Asks every question once, and simulates every message once.
pub fn by_name(hand: &Hand, meter: &str) {
    let mut left: BTreeSet<&str> = OF_AGENTS.into_iter().collect();
    let (mut asked, mut sent) = (0, 0);
    for contract in ["pool", "token", "escrow"] {
        for verb in ["query", "execute"] {
            for (name, fields) in listed(hand, verb, contract) {
                let both = format!("{contract} {name}");
                if verb == "execute" && left.remove(both.as_str()) {
                    continue;
                }
                let mut line = vec!["admin".to_owned(), verb.to_owned(), contract.to_owned()];
                if both == "token upload-logo" {
                    line.push(r#"{"upload_logo":{"url":"https://example.org/logo"}}"#.to_owned());
                } else {
                    line.push(name.clone());
                    let fields = fields.iter();
                    line.extend(fields.map(|f| format!("{f}={}", sample(f, hand, meter))));
                }
                if verb == "execute" {
                    line.extend(["--from", "me", "--dry-run"].map(str::to_owned));
                }
                let line: Vec<&str> = line.iter().map(String::as_str).collect();
                let ran = hand.keys.run(&line);
                let answered = ran.code == Some(0)
                    || ran.stderr.contains("the market refuses with")
                    || ran.stderr.contains("the chain refuses with");
                assert!(answered && ran.code != Some(2), "{line:?}: {ran:?}");
                match verb {
                    "query" => asked += 1,
                    _ => sent += 1,
                }
            }
        }
    }
    assert!(left.is_empty(), "no such messages any more: {left:?}");
    println!("{asked} questions asked, {sent} messages simulated");
}
