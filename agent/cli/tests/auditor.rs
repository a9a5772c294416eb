//! What an auditor meets: cut and invented openings, exports of unknown hands, files that differ.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use wattpool_program_harness::{table, wattpool, Ran};

struct Run {
    dir: tempfile::TempDir,
}

impl Run {
    fn new(seed: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("run");
        let sim = ["simulate", "--record", "--json", "--days", "1", "--meters"];
        let more = ["4", "--seed", seed, "--out", out.to_str().unwrap()];
        let ran = wattpool(&[&sim[..], &more[..]].concat());
        assert_eq!(ran.json()["invariant_violations"], 0);
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn folder(&self) -> String {
        self.path("run")
    }

    fn openings(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("run/openings.jsonl")).unwrap();
        let lines = text.lines();
        lines.map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// The export's lines, with their hashes or without.
    fn lines(&self, hashes: bool) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("run/chain.jsonl")).unwrap();
        let lines = text.lines();
        let line = |l: &str| {
            let mut value: Value = serde_json::from_str(l).unwrap();
            if !hashes {
                value.as_object_mut().unwrap().remove("hash");
            }
            value
        };
        lines.map(line).collect()
    }

    /// Bills a home with these openings.
    fn bill(&self, openings: &Value, more: &[&str]) -> Ran {
        let file = self.path("openings.json");
        std::fs::write(&file, openings.to_string()).unwrap();
        let meter = openings["meter"].as_str().unwrap();
        let run = self.folder();
        let bill = ["audit", "bill", &run, "--meter", meter, "--openings", &file];
        wattpool(&[&bill[..], more].concat())
    }
}

/// Writes lines as an export's writer would: what somebody without a key can do.
fn forge(file: &str, lines: &[Value]) {
    let mut head = "0".repeat(64);
    let mut text = String::new();
    for line in lines {
        let line = line.to_string();
        let open = line.strip_suffix('}').unwrap();
        head = hex::encode(Sha256::digest(format!("{head}{open}")));
        text.push_str(&format!("{open},\"hash\":\"{head}\"}}\n"));
    }
    std::fs::write(file, text).unwrap();
}

fn is(ran: &Ran, code: i32, said: &[&str]) {
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(code), "{all}");
    for text in said {
        assert!(all.contains(text), "{text}: {all}");
    }
    if code == 2 {
        assert_eq!(ran.stderr.lines().count(), 1, "{all}");
    }
}

#[test]
fn no_bill_begins_with_invented_registers() {
    let run = Run::new("1");
    let home = run.openings().remove(1);
    let all = home["openings"].as_array().unwrap().len();
    is(
        &run.bill(&home, &[]),
        0,
        &["every window is opened, and agrees"],
    );
    let window = |i: usize| home["openings"][i]["window"].to_string();
    // An openings file that begins in the middle, with an invented beginning.
    let mut cut = home.clone();
    cut["openings"].as_array_mut().unwrap().drain(..40);
    cut["installed"] = json!({"import": 0, "export": 0});
    let (first, last) = (window(40), window(all - 1));
    let needed = format!("window {} has to be opened", window(39));
    for more in [
        &["--since", &first][..],
        &["--since", &first, "--until", &last],
    ] {
        is(&run.bill(&cut, more), 3, &[&needed]);
    }
    // Without a period: from where the registers are known, and what is not in it is said.
    let ran = run.bill(&cut, &[]);
    is(
        &ran,
        0,
        &[
            &format!("windows {} to {last}", window(41)),
            "not in this bill",
        ],
    );
    let billed = run.bill(&cut, &["--json"]).json()["bill"].clone();
    let honest = run.bill(&home, &["--since", &window(41), "--json"]).json()["bill"].clone();
    assert_eq!(billed["due"], honest["due"]);
    // As an owner's agent writes it: the opening before the period, and no beginning.
    cut.as_object_mut().unwrap().remove("installed");
    is(&run.bill(&cut, &["--since", &window(41)]), 0, &["agrees"]);
    is(&run.bill(&cut, &["--since", &first]), 3, &[&needed]);
}

#[test]
fn a_bill_says_how_much_of_its_period_is_opened() {
    let run = Run::new("1");
    let home = run.openings().remove(1);
    let window = |i: usize| home["openings"][i]["window"].as_u64().unwrap();
    let all = home["openings"].as_array().unwrap().len();
    let mut holed = home.clone();
    holed["openings"].as_array_mut().unwrap().drain(10..13);
    let said = [
        format!(
            "{all} of {all} windows of the period stated, {} opened",
            all - 3
        ),
        format!("windows {} to {}: not opened", window(10), window(12)),
    ];
    is(&run.bill(&holed, &[]), 3, &[&said[0], &said[1]]);
    // A period that goes beyond what was stated; one in which nothing was.
    let last = window(all - 1);
    let to = (last + 5).to_string();
    let gap = format!("windows {} to {to}: not stated", last + 1);
    let ran = run.bill(&home, &["--until", &to]);
    is(&ran, 0, &[&gap, "the others were not stated"]);
    assert!(!ran.stdout.contains("every window is opened, and"));
    let since = (last + 100).to_string();
    let until = (last + 110).to_string();
    let ran = run.bill(&home, &["--since", &since, "--until", &until]);
    is(&ran, 3, &["stated nothing"]);
    // Files that open nothing, or are something else.
    let mut empty = home.clone();
    empty["openings"] = json!([]);
    is(&run.bill(&empty, &[]), 2, &["nothing is opened"]);
    let meter = home["meter"].as_str().unwrap();
    for (text, said) in [
        (String::new(), "the file is empty"),
        ("[]".to_owned(), "wattpool-agent meter open"),
        (run.lines(true)[0].to_string(), "wattpool-agent meter open"),
    ] {
        let file = run.path("other.json");
        std::fs::write(&file, text).unwrap();
        let folder = run.folder();
        let ran = [
            "audit",
            "bill",
            &folder,
            "--meter",
            meter,
            "--openings",
            &file,
        ];
        is(&wattpool(&ran), 2, &[said]);
    }
    // An owner's alone.
    let file = PathBuf::from(run.folder()).join("openings.jsonl");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn whose_word_an_export_is_is_said_everywhere() {
    let run = Run::new("1");
    let folder = run.folder();
    let home = run.path("home");
    let keyring = ["--home", home.as_str(), "--keyring-backend", "test"];
    let made = |name: &str| {
        let new = ["wallet", "new", name, "--json"];
        let made = wattpool(&[&new[..], &keyring[..]].concat()).json();
        made["address"].as_str().unwrap().to_owned()
    };
    let (auditor, other) = (made("auditor"), made("other"));
    let signed = run.path("signed.jsonl");
    let export = [
        "audit", "export", &folder, "--out", &signed, "--from", "auditor",
    ];
    is(&wattpool(&[&export[..], &keyring[..]].concat()), 0, &[]);
    let meter = run.openings()[1]["meter"].as_str().unwrap().to_owned();
    let openings = PathBuf::from(&folder).join("openings.jsonl");
    let openings = openings.to_str().unwrap();
    let copy = run.path("copy.jsonl");
    let readers: [(&str, Vec<&str>); 6] = [
        ("verify", vec![]),
        ("bill", vec!["--meter", &meter, "--openings", openings]),
        ("trades", vec![]),
        ("market", vec![]),
        ("diff", vec![&signed]),
        ("export", vec!["--unsigned", "--out", &copy]),
    ];
    for (command, more) in &readers {
        let with = |source: &str, last: &[&str]| {
            let _ = std::fs::remove_file(&copy);
            wattpool(&[&["audit", *command, source][..], more, last].concat())
        };
        let by = format!("signed by {auditor}: not compared with an expected auditor");
        is(&with(&signed, &[]), 0, &[&by]);
        let expected = format!("signed by {auditor}, as expected");
        is(&with(&signed, &["--auditor", &auditor]), 0, &[&expected]);
        is(&with(&folder, &[]), 0, &["not signed"]);
        for source in [&folder, &signed] {
            let wanted = if *source == folder { &auditor } else { &other };
            is(&with(source, &["--auditor", wanted]), 3, &[]);
            assert!(!Path::new(&copy).exists(), "{command}");
        }
        for bad in ["", "watt1", "cosmos1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqnrql8a"] {
            is(&with(&signed, &["--auditor", bad]), 2, &["--auditor"]);
        }
        // An export is read whole.
        for range in ["--from-height", "--to-height"] {
            is(&with(&signed, &[range, "5"]), 2, &["only for a chain"]);
        }
    }
    // With a broken chain of hashes nobody's signature holds.
    let text = std::fs::read_to_string(&signed).unwrap();
    let broken = run.path("broken.jsonl");
    std::fs::write(&broken, text.replacen("\"wh\":", "\"wh\":1", 1)).unwrap();
    let ran = wattpool(&["audit", "verify", &broken]);
    is(
        &ran,
        3,
        &["does not hold for these lines", "VIOLATION [hash-chain]"],
    );
    let violations = ran.stdout.lines().filter(|l| l.starts_with("VIOLATION"));
    assert_eq!(violations.count(), 1, "{}", ran.stdout);
    let hash = ran
        .stdout
        .lines()
        .find(|l| l.contains("[hash-chain]"))
        .unwrap();
    let whole = |word: &&str| word.trim_end_matches([',', ':']).len() == 64;
    assert_eq!(hash.split(' ').filter(whole).count(), 2, "{hash}");
    let ran = wattpool(&["audit", "verify", &broken, "--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["signed_by"], Value::Null);
    let place = &report["findings"][0]["at"];
    assert!(
        place["line"].is_u64() && place.get("height").is_none(),
        "{place}"
    );
    let ran = wattpool(&["audit", "diff", &broken, &folder]);
    is(&ran, 3, &["[hash-chain]", "does not hold for these lines"]);
}

#[test]
fn files_are_compared_to_their_ends() {
    let run = Run::new("1");
    let folder = run.folder();
    let clean = run.lines(false);
    let other = run.path("other.jsonl");
    forge(&other, &clean);
    let ran = wattpool(&["audit", "diff", &folder, &other]);
    is(&ran, 0, &["0 differences", "not signed"]);
    // A state, and nothing else.
    let mut painted = clean.clone();
    let account = painted
        .iter_mut()
        .find(|l| l.pointer("/state/account").is_some());
    account.unwrap()["state"]["account"]["free"] = json!(1);
    forge(&other, &painted);
    let ran = wattpool(&["audit", "diff", &folder, &other]);
    is(
        &ran,
        3,
        &["1 difference\n", "account.free", &format!("1 in {other}")],
    );
    // More than are shown.
    let mut many = clean.clone();
    for line in &mut many {
        if let Some(wh) = line.pointer_mut("/event/said/event/stated/wh") {
            *wh = json!(77_777);
        }
    }
    forge(&other, &many);
    let show = ["audit", "diff", &folder, &other, "--show", "3"];
    let ran = wattpool(&show);
    is(&ran, 3, &["more (--show N)"]);
    let shown = ran.stdout.lines().filter(|l| l.starts_with("DIFFERENT"));
    assert_eq!(shown.count(), 3);
    let mut market = clean;
    market[0]["export"]["denom"] = json!("ueuro");
    forge(&other, &market);
    let ran = wattpool(&["audit", "diff", &folder, &other]);
    is(&ran, 2, &["different markets: currency uwatt and ueuro"]);
}

#[test]
fn trades_and_the_market_are_shown() {
    let run = Run::new("1");
    let folder = run.folder();
    let books = table(&PathBuf::from(&folder).join("trades.csv"));
    let list = wattpool(&["audit", "trades", &folder, "--json"]).json();
    assert_eq!(list["of"], books.len());
    let sum = |list: &Value, field: &str| -> u64 {
        let all = list["trades"].as_array().unwrap().iter();
        all.map(|t| t[field].as_u64().unwrap()).sum()
    };
    let arrived = sum(&list, "arrived");
    let report = wattpool(&["audit", "market", &folder, "--json"]).json()["market"].clone();
    let totals = wattpool(&["audit", "verify", &folder, "--json"]).json()["totals"].clone();
    assert_eq!(json!(arrived), totals["redeemed"]);
    assert_eq!(report["total"]["arrived_wh"], totals["redeemed"]);
    assert_eq!(report["total"]["offered_wh"], totals["minted"]);
    let hhi = report["total"]["hhi"].as_u64().unwrap();
    assert!((1..=10_000).contains(&hhi), "{report}");
    let by_price = wattpool(&[
        "audit", "trades", &folder, "--json", "--sort", "price", "--limit", "5",
    ])
    .json();
    let prices: Vec<u64> = by_price["trades"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["price"].as_u64().unwrap())
        .collect();
    assert_eq!(prices.len(), 5);
    assert!(prices.windows(2).all(|p| p[0] >= p[1]), "{prices:?}");
    assert_eq!(json!(prices[0]), report["total"]["max_price"]);
    let seller = report["sellers"][0]["meter"].as_str().unwrap();
    let mut of_one = wattpool(&["audit", "trades", &folder, "--json", "--meter", seller]).json();
    let trades = of_one["trades"].as_array_mut().unwrap();
    trades.retain(|t| t["seller"] == seller);
    assert_eq!(
        json!(sum(&of_one, "arrived")),
        report["sellers"][0]["arrived_wh"]
    );
    let csv = wattpool(&["audit", "trades", &folder, "--format", "csv"]);
    is(&csv, 0, &[]);
    assert_eq!(csv.stdout.lines().count(), books.len() + 1);
    let events = run.path("events.csv");
    let export = [
        "audit", "export", &folder, "--format", "csv", "--out", &events,
    ];
    is(&wattpool(&export), 0, &[]);
    let rows = table(Path::new(&events));
    let closed = rows.iter().find(|r| r["event"] == "trade_closed").unwrap();
    assert!(closed["asked"].parse::<u64>().unwrap() > 0);
    assert_eq!(
        (&*closed["kind"], closed["arrived"].is_empty()),
        ("spot", false)
    );
    assert!(closed["window_start"].starts_with("2026-"), "{closed:?}");
    let ran = wattpool(&["audit", "market", &folder]);
    is(&ran, 0, &["HHI", "largest share", "unsold", "pair "]);
}
