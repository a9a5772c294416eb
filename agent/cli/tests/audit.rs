//! `wattpool audit` on simulated runs: clean ones pass, every planted fault is found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wattpool_audit::read::audit;
use wattpool_audit::{Report, Rule};
use wattpool_chance::Chance;
use wattpool_program_harness::{recorded, wattpool};

/// A simulated run's folder; what is made of it does not depend on threads, the machine's load does.
fn simulate(dir: &Path, args: &[&str]) -> PathBuf {
    recorded(dir, &[&["--threads", "1"], args].concat())
}

/// Lines of an export, without hashes.
fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("chain.jsonl")).unwrap();
    text.lines()
        .map(|line| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            value.as_object_mut().unwrap().remove("hash");
            value
        })
        .collect()
}

/// An export as its own writer would make it of these lines: what a forger does who has no key. Shares no code with the writer.
fn forged(lines: &[Value]) -> String {
    let texts: Vec<String> = lines.iter().map(Value::to_string).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    chained(&texts, &"0".repeat(64))
}

/// Lines with their hashes, the first after `head`.
fn chained(lines: &[&str], head: &str) -> String {
    let mut head = head.to_owned();
    let mut text = String::new();
    for line in lines {
        let open = line.strip_suffix('}').unwrap();
        head = hex::encode(Sha256::digest(format!("{head}{open}")));
        text.push_str(&format!("{open},\"hash\":\"{head}\"}}\n"));
    }
    text
}

fn checked(lines: &[Value]) -> Report {
    audit(forged(lines).as_bytes()).unwrap()
}

fn event<'a>(line: &'a Value, name: &str) -> Option<&'a Value> {
    line.pointer(&format!("/event/said/event/{name}"))
}

/// Places of events of a kind.
fn places(lines: &[Value], name: &str) -> Vec<usize> {
    (0..lines.len())
        .filter(|i| event(&lines[*i], name).is_some())
        .collect()
}

/// Numbers the events of every transaction anew, and counts the lines: what a careful forger does.
fn renumbered(mut lines: Vec<Value>) -> Vec<Value> {
    let (mut at, mut next) = ((0, 0), 0);
    for line in &mut lines {
        if let Some(row) = line.get_mut("event") {
            let here = (row["height"].as_u64().unwrap(), row["tx"].as_u64().unwrap());
            next = if here == at { next + 1 } else { 0 };
            at = here;
            row["index"] = json!(next);
        }
    }
    let count = lines.len() - 1;
    lines[count]["end"]["lines"] = json!(count);
    lines
}

/// Findings of an export with something done to it, its hashes made anew; the rule that has to speak.
fn found_by(lines: Vec<Value>, rule: Rule) -> Report {
    let report = checked(&lines);
    let said: Vec<String> = report.findings.list.iter().map(|f| f.to_string()).collect();
    assert!(
        report.findings.list.iter().any(|f| f.rule == rule),
        "{rule}: {said:#?}"
    );
    report
}

#[test]
fn a_run_of_thousands_of_trades_passes_within_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let run = simulate(dir.path(), &["--days", "3", "--meters", "24"]);
    let began = Instant::now();
    let report = wattpool(&["audit", "verify", run.to_str().unwrap(), "--json"]).json();
    // A report that is signed has to say what it is of.
    let of = &report["of"];
    assert!(
        of["chain_id"].is_string() && of["escrow"].is_string() && of["whole"] == true,
        "{of}"
    );
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert_eq!(report["violations"], 0);
    let trades = report["totals"]["trades"].as_u64().unwrap();
    assert!(trades >= 2_000, "{trades}");
    println!("{trades} trades audited in {took:?}");
}

#[test]
fn runs_with_faults_losses_and_standing_orders_pass() {
    let dir = tempfile::tempdir().unwrap();
    let faults = wattpool_program_harness::scenario("faults.toml");
    let run = simulate(dir.path(), &[&faults, "--days", "1"]);
    let ran = wattpool(&["audit", "verify", run.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let run = simulate(dir.path(), &["--days", "6", "--meters", "10"]);
    assert!(!places(&lines(&run), "order_window").is_empty());
    let ran = wattpool(&["audit", "verify", run.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
}

/// Every one of these has its hashes made anew: the rules alone find them.
#[test]
fn planted_faults_are_found_by_the_rules_alone() {
    let dir = tempfile::tempdir().unwrap();
    let run = simulate(dir.path(), &["--days", "1", "--meters", "12"]);
    let clean = lines(&run);
    assert_eq!(checked(&clean).findings.total(), 0);
    assert_eq!(checked(&renumbered(clean.clone())).findings.total(), 0);
    let trades = places(&clean, "trade_closed");
    assert!(trades.len() > 20, "{}", trades.len());
    let one = trades[trades.len() / 2];
    let at = |i: usize| {
        (
            clean[i]["event"]["height"].clone(),
            clean[i]["event"]["tx"].clone(),
        )
    };

    // A trade left out, with all its events.
    let rest = |i: &usize| !clean[*i]["event"].is_object() || at(*i) != at(one);
    let kept = (0..clean.len()).filter(rest);
    let out = renumbered(kept.map(|i| clean[i].clone()).collect());
    found_by(out, Rule::TradeChain);

    // Two trades swapped in the log.
    let mut two = clean.clone();
    let other = trades[trades.len() / 2 + 1];
    let (a, b) = (
        clean[one]["event"]["said"].clone(),
        clean[other]["event"]["said"].clone(),
    );
    (two[one]["event"]["said"], two[other]["event"]["said"]) = (b, a);
    found_by(two, Rule::TradeChain);

    // An event of a foreign contract.
    let mut foreign = clean.clone();
    foreign[one]["event"]["contract"] = json!("watt1foreign");
    found_by(foreign, Rule::Contract);

    // A record of the trade changed: paid one unit less. The price is out of bounds. The seller sends less.
    for (event, field, value, rule) in [
        ("trade_closed", "paid", -1, Rule::Payment),
        ("trade_closed", "price", 10_000_000, Rule::PriceBounds),
        ("trade_closed", "price", -100_000_000, Rule::PriceBounds),
        ("delivered", "gross", 1, Rule::Loss),
        ("delivered", "paid", 1, Rule::Atomic),
        ("redeemed", "net", -1, Rule::Atomic),
        ("moved", "gross", 5, Rule::Atomic),
        ("minted", "wh", 1, Rule::Statement),
        ("stated", "wh", -1, Rule::Statement),
        ("covered", "covered", -1, Rule::State),
        ("deposited", "amount", 1, Rule::Money),
        ("expired", "wh", 1, Rule::Conservation),
        ("feed_in_credited", "amount", 1, Rule::FeedIn),
        ("feed_in_paid", "amount", 1, Rule::FeedIn),
    ] {
        let mut edited = clean.clone();
        let all = places(&clean, event);
        let wanted = |i: &&usize| {
            let field = &clean[**i]["event"]["said"]["event"][event][field];
            field.as_u64().unwrap_or(0) > 1
        };
        let place = *all.iter().rfind(wanted).unwrap();
        let slot = &mut edited[place]["event"]["said"]["event"][event][field];
        let new = slot.as_i64().unwrap().saturating_add(value).max(0);
        *slot = json!(new);
        let report = found_by(edited, rule);
        let (height, tx) = at(place);
        let mut list = report.findings.list.iter();
        let here = list.any(|f| json!(f.at.height) == height && json!(f.at.tx) == tx);
        assert!(here || rule == Rule::State, "{event}.{field}: {report:#?}");
    }

    // What nothing but the state at the end contradicts: tariffs, keys, roles.
    for (event, path, value) in [
        ("tariffs_set", "import", json!(299_999)),
        ("agent_set", "agent_address", json!("watt1another")),
        (
            "meter_registered",
            "device",
            json!(format!("{}=", "A".repeat(43))),
        ),
        ("meter_registered", "household", json!("ff".repeat(16))),
        ("role_set", "address", json!("watt1another")),
    ] {
        let place = places(&clean, event).pop().unwrap();
        let mut edited = clean.clone();
        let slot = &mut edited[place]["event"]["said"]["event"][event][path];
        assert_ne!(*slot, value);
        *slot = value;
        found_by(edited, Rule::State);
    }

    // A state that was painted over.
    let mut painted = clean.clone();
    let book = painted
        .iter_mut()
        .find(|l| l.pointer("/state/book").is_some());
    book.unwrap()["state"]["book"]["accounts"] = json!(1);
    found_by(painted, Rule::State);

    // Nothing of the market after it was paused.
    let mut paused = clean.clone();
    let first = places(&clean, "delivered")[0];
    let mut row = clean[first].clone();
    row["event"]["contract"] = clean[0]["export"]["pool"].clone();
    row["event"]["said"] = json!({"event": {"pause_set": {"paused": true}}});
    let before = at(first);
    let begins = (0..=first).find(|i| clean[*i]["event"].is_object() && at(*i) == before);
    paused.insert(begins.unwrap(), row);
    found_by(renumbered(paused), Rule::Paused);
}

/// Paths of all values that are no objects.
fn leaves(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                leaves(value, &format!("{path}/{key}"), all);
            }
        }
        _ => all.push(path.to_owned()),
    }
}

/// Changes one value into another of its kind.
fn edit(value: &mut Value, chance: &mut Chance) {
    *value = match value.clone() {
        Value::Bool(yes) => json!(!yes),
        Value::Number(n) => {
            let n = n.as_i64().unwrap();
            let by = [1, 2, 10, 1_000][chance.index(4)];
            json!(if n > by && chance.index(2) == 0 {
                n - by
            } else {
                n + by
            })
        }
        Value::String(text) => {
            let mut bytes = text.into_bytes();
            if bytes.is_empty() {
                bytes.push(b'a');
            }
            let at = chance.index(bytes.len());
            bytes[at] = if bytes[at] == b'7' { b'6' } else { b'7' };
            json!(String::from_utf8(bytes).unwrap())
        }
        Value::Null => json!(1),
        other => panic!("{other}"),
    };
}

/// 1,000 edits of one field each: all are found, and named by their line. With the hashes made anew, as a forger would, the rules alone find nearly all;
/// what they cannot know is listed, and is why an export is signed.
#[test]
fn a_thousand_edits_of_one_field_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let run = simulate(dir.path(), &["--days", "1", "--meters", "4"]);
    let text = std::fs::read_to_string(run.join("chain.jsonl")).unwrap();
    assert_eq!(audit(text.as_bytes()).unwrap().findings.total(), 0);
    let clean = lines(&run);
    let written: Vec<&str> = text.lines().collect();
    let bare: Vec<String> = clean.iter().map(Value::to_string).collect();
    let hash_of = |line: usize| {
        let (_, hash) = written[line].rsplit_once(",\"hash\":\"").unwrap();
        hash.strip_suffix("\"}").unwrap()
    };
    let mut chance = Chance::new(1);
    let (mut by_rules, mut named) = (0, 0);
    let mut unseen: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..1_000 {
        let line = chance.index(clean.len());
        let mut all = Vec::new();
        leaves(&clean[line], "", &mut all);
        let path = all[chance.index(all.len())].clone();
        let mut edited = clean[line].clone();
        edit(edited.pointer_mut(&path).unwrap(), &mut chance);
        assert_ne!(edited, clean[line]);

        // As it is: the line keeps its old hash.
        let open = edited.to_string();
        let mut copy = written.clone();
        let changed = format!(
            "{},\"hash\":\"{}\"}}",
            open.strip_suffix('}').unwrap(),
            hash_of(line)
        );
        copy[line] = &changed;
        let number = u64::try_from(line).unwrap() + 1;
        match audit((copy.join("\n") + "\n").as_bytes()) {
            Ok(report) => {
                let here = |rule| {
                    let list = report.findings.list.iter();
                    list.filter(|f| f.at.line == Some(number) && f.rule == rule)
                        .count()
                };
                assert_eq!(
                    here(Rule::HashChain),
                    1,
                    "{path} of line {number}: {report:?}"
                );
                let others = report
                    .findings
                    .list
                    .iter()
                    .filter(|f| f.rule == Rule::HashChain);
                assert_eq!(others.count(), 1, "only that line");
            }
            // A header that says another version or form.
            Err(error) => assert!(line == 0, "{error}"),
        }

        // By a forger.
        let mut after: Vec<&str> = bare.iter().skip(line).map(String::as_str).collect();
        after[0] = &open;
        let before: String = written
            .iter()
            .take(line)
            .map(|l| format!("{l}\n"))
            .collect();
        let head = line
            .checked_sub(1)
            .map_or(wattpool_audit::export::NO_HASH, hash_of);
        match audit((before + &chained(&after, head)).as_bytes()) {
            Ok(report) if report.findings.total() == 0 => {
                let kind = path.trim_start_matches("/event/said/event/");
                *unseen.entry(kind.to_owned()).or_default() += 1;
            }
            Ok(report) => {
                by_rules += 1;
                let field = path.rsplit('/').next().unwrap();
                let list = report.findings.list.iter();
                named += u32::from(
                    list.clone()
                        .any(|f| f.field == field || f.field.ends_with(field)),
                );
            }
            Err(_) => by_rules += 1,
        }
    }
    println!("1,000 edits: all found by their line's hash");
    println!("with all hashes made anew: {by_rules} found by the rules alone, {named} of them by the very field");
    println!("not found without hashes and signature: {unseen:#?}");
    assert!(by_rules >= 800, "{by_rules}: {unseen:#?}");
}

#[test]
fn exports_are_signed_and_bad_input_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = simulate(dir.path(), &["--days", "1", "--meters", "4"]);
    let run = run.to_str().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let home = path("home");
    let with = |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["--home", &home, "--keyring-backend", "test"]);
        wattpool(&all)
    };
    let made = with(&["wallet", "new", "auditor", "--json"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let address = made.json()["address"].as_str().unwrap().to_owned();
    let out = path("signed.jsonl");
    let ran = with(&["audit", "export", run, "--out", &out, "--from", "auditor"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = wattpool(&["audit", "verify", &out, "--auditor", &address, "--json"]);
    assert_eq!(ran.json()["signed_by"], json!(address));
    // Another account's word, nobody's word, an edited file.
    let other = with(&["wallet", "new", "other", "--json"]).json()["address"].clone();
    let ran = wattpool(&[
        "audit",
        "verify",
        &out,
        "--auditor",
        other.as_str().unwrap(),
    ]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    let ran = wattpool(&["audit", "verify", run, "--auditor", &address]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    let text = std::fs::read_to_string(&out).unwrap();
    let forged_out = path("forged.jsonl");
    let at = text.find("\"wh\":").unwrap();
    let mut edited = text.clone();
    edited.replace_range(at..at + 5, "\"wh\":1");
    std::fs::write(&forged_out, &edited).unwrap();
    let ran = wattpool(&["audit", "verify", &forged_out]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.stdout.contains("[hash-chain] line "), "{}", ran.stdout);
    // All hashes made anew, the signature kept: it is of another export.
    let mut lines = lines(Path::new(run));
    let signed: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    lines.push(json!({"signed": signed["signed"]}));
    let place = places(&lines, "stated")[0];
    lines[place]["event"]["said"]["event"]["stated"]["commitment"] =
        json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    std::fs::write(&forged_out, forged(&lines)).unwrap();
    let ran = wattpool(&["audit", "verify", &forged_out]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    assert!(ran.stdout.contains("[signature]"), "{}", ran.stdout);
    // The forms for people and for tables.
    for (form, begins) in [("csv", "height,time,"), ("text", "chain wattpool-sim")] {
        let file = path(form);
        let ran = wattpool(&["audit", "export", run, "--out", &file, "--format", form]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(std::fs::read_to_string(&file).unwrap().starts_with(begins));
    }
    // A file that is there, a folder without an export, a file that is none, a missing one, a cut one.
    let ran = with(&["audit", "export", run, "--out", &out, "--from", "auditor"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let cut = path("cut.jsonl");
    std::fs::write(&cut, &text[..text.len() / 2]).unwrap();
    assert_eq!(wattpool(&["audit", "verify", &cut]).code, Some(3));
    let garbage = path("garbage");
    std::fs::write(&garbage, [0xff, 0, 0x7b, 0x22]).unwrap();
    for bad in [
        garbage.as_str(),
        dir.path().to_str().unwrap(),
        "/nowhere",
        "/dev/null",
    ] {
        let ran = wattpool(&["audit", "verify", bad]);
        assert_eq!(ran.code, Some(2), "{bad}: {}", ran.stdout);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn differences_between_exports_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let run = simulate(dir.path(), &["--days", "1", "--meters", "4"]);
    let clean = lines(&run);
    let file = dir.path().join("other.jsonl");
    let (run, other) = (run.to_str().unwrap(), file.to_str().unwrap());
    std::fs::write(&file, forged(&clean)).unwrap();
    let ran = wattpool(&["audit", "diff", run, other, "--json"]);
    assert_eq!(ran.json()["differences"], 0);
    let mut edited = clean.clone();
    let stated = places(&clean, "stated");
    edited[stated[3]]["event"]["said"]["event"]["stated"]["wh"] = json!(77_777);
    edited.remove(stated[9]);
    std::fs::write(&file, forged(&edited)).unwrap();
    let ran = wattpool(&["audit", "diff", run, other]);
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.stdout.contains("stated.said.event.stated.wh"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("alone"), "{}", ran.stdout);
    let mut market = clean;
    market[0]["export"]["chain_id"] = json!("another-1");
    std::fs::write(&file, forged(&market)).unwrap();
    let ran = wattpool(&["audit", "diff", run, other]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}
