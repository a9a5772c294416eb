//! What the interface answers: the books to the unit, pages, CSV, and the owner's word while the chain is away.

use crate::home::Home;
use crate::prepared::{balance, FEES, LEN, METER, USED_AT_ONCE};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn the_interface_tells_the_books_and_takes_the_owners_word() {
    // One device at the grid, one at the panels; none of them answers.
    let home = Home::start_with(|config| {
        let devices = "[[meter.device]]\nkind = \"p1\"\nconnection = \"tcp://127.0.0.1:9\"\n\
                       [[meter.device]]\nkind = \"sunspec\"\nconnection = \"tcp://127.0.0.1:9\"\nrole = \"panels\"";
        config
            .replace("[meter.replay]", devices)
            .replace("\nfile = \"profile.csv\"", "")
            .replace("# home_name = \"\"", "home_name = \"Mill Street 4\"")
    });
    status_and_policy(&home);
    sums(&home);
    trades(&home);
    approvals(&home);
    export(&home);
    questions_that_cannot_be(&home);
    news(&home);
}

/// Who keeps the connection hears how it stands.
fn news(home: &Home) {
    let mut stream = TcpStream::connect(("127.0.0.1", home.port)).unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n\r\n",
        home.port, home.token
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut text = String::new();
    let mut piece = [0; 1024];
    while !text.contains("\n\n") || !text.contains("data: ") {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "{text}");
        text += &String::from_utf8_lossy(&piece[..read]);
    }
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    assert!(text.contains("event: changed"), "{text}");
    assert!(text.contains("\"alerts\":[\"waiting\"]"), "{text}");
}

fn status_and_policy(home: &Home) {
    let status = home.owner("GET", "/api/v1/status", "").json();
    assert_eq!(status["meter"], METER);
    assert_eq!(status["currency"], "EUR");
    assert_eq!(status["home_name"], "Mill Street 4");
    assert_eq!(status["market"], "wattpool-1");
    assert_eq!(status["generation"], true);
    // Nobody else is there.
    assert_eq!(status["peers"], 0);
    assert_eq!(status["reached"], serde_json::json!([]));
    assert!(status["waiting_for"].as_str().unwrap().contains("chain"));
    assert_eq!(status["policy"]["max_buy_price"], 320_000);
    assert_eq!(status["grid"]["feed_in"], 81_000);
    // Pausing needs no chain, and lasts.
    let paused = home.owner("POST", "/api/v1/pause", r#"{"paused":true}"#);
    assert_eq!(
        (paused.status, paused.body.as_str()),
        (200, r#"{"paused":true}"#)
    );
    let policy = home.owner("GET", "/api/v1/policy", "").json();
    assert_eq!(policy["paused"], true);
    let changed = home.owner(
        "PUT",
        "/api/v1/policy",
        r#"{"max_buy_price":null,"reserve_wh":50}"#,
    );
    let changed = changed.json();
    assert_eq!(
        (&changed["max_buy_price"], &changed["paused"]),
        (&Value::Null, &Value::Bool(true))
    );
    // The same again changes nothing.
    home.owner("PUT", "/api/v1/policy", r#"{"reserve_wh":50}"#);
    let history = home.owner("GET", "/api/v1/policy/history?limit=2", "");
    let history = history.json();
    let told: Vec<(&str, Vec<&str>)> = history["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let keys = change["keys"].as_array().unwrap().iter();
            let keys = keys.map(|key| key["key"].as_str().unwrap()).collect();
            (change["by"].as_str().unwrap(), keys)
        })
        .collect();
    let want = [
        ("commands", vec!["max_buy_price", "reserve_wh"]),
        ("commands", vec!["paused"]),
    ];
    assert_eq!(told, want);
    let first = &history["changes"][0]["keys"][0];
    assert_eq!(
        (&first["before"], &first["after"]),
        (&Value::from(320_000), &Value::Null)
    );
    // The journal came with a policy.
    let rest = format!("/api/v1/policy/history?before={}", history["next"]);
    let rest = home.owner("GET", &rest, "").json();
    assert_eq!(
        (&rest["changes"][0]["by"], &rest["next"]),
        (&Value::from("unknown"), &Value::Null)
    );
    let refused = home.owner("PUT", "/api/v1/policy", r#"{"hours":{"from":25,"to":3}}"#);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["code"], "bad_policy");
    assert!(refused.json()["error"]
        .as_str()
        .unwrap()
        .starts_with("policy.hours: expected"));
    let preview = home.owner(
        "POST",
        "/api/v1/policy/preview",
        r#"{"paused":false,"buy":false}"#,
    );
    let preview = preview.json();
    let (was, left) = (&preview["was"], &preview["left"]);
    assert!(
        was["bought"].as_u64().unwrap() > 0 && left["bought"] == 0,
        "{preview}"
    );
    assert_eq!(was["sold"], left["sold"]);
    // What needs the chain says so.
    for path in [
        "/api/v1/market",
        "/api/v1/limits",
        "/api/v1/offers",
        "/api/v1/approvals",
    ] {
        let got = home.owner("GET", path, "");
        assert_eq!(got.status, 503, "{path}");
        let told = got.json();
        assert!(told["error"].as_str().unwrap().contains("chain"), "{path}");
        let code = told["code"].as_str().unwrap();
        assert!(["no_agent", "chain_away"].contains(&code), "{path}: {code}");
    }
    let alerts = home.owner("GET", "/api/v1/alerts", "").json();
    assert_eq!(alerts["now"][0]["kind"], "waiting");
    assert_eq!(alerts["lately"].as_array().unwrap().len(), 2);
}

fn sums(home: &Home) {
    let end = home.window;
    let (from, to) = ((end - 7 * 96) * LEN, (end + 2) * LEN);
    let mut want = (0, 0);
    let mut at_once = 0;
    for window in (end - 7 * 96)..end {
        let (surplus, deficit) = balance(window);
        want = (want.0 + surplus, want.1 + deficit);
        at_once += if surplus > 0 { USED_AT_ONCE } else { 0 };
    }
    let energy = home.owner("GET", &format!("/api/v1/energy?edges={from},{to}"), "");
    let energy = &energy.json()["spans"][0];
    assert_eq!(
        (
            energy["surplus"].as_u64().unwrap(),
            energy["deficit"].as_u64().unwrap()
        ),
        want
    );
    let (generated, used) = (want.0 + at_once, want.1 + at_once);
    assert_eq!(energy["generated"], generated);
    assert_eq!(energy["used"], used);
    assert_eq!(energy["use_windows"], 7 * 96);
    let money = home
        .owner("GET", &format!("/api/v1/money?edges={from},{to}"), "")
        .json();
    assert_eq!(money["fees_granted"], false);
    let money = &money["spans"][0];
    assert_eq!(money["fees"], 7 * 96 * FEES);
    let n = |key: &str| money[key].as_i64().unwrap();
    // 0.081 a kWh, in every window.
    assert_eq!(n("feed_in"), energy["to_grid"].as_i64().unwrap() * 81);
    assert_eq!(n("with"), n("without") - n("saved"));
    assert!(
        n("saved") > 0 && n("earned") > 0 && n("charge") > 0,
        "{money}"
    );
    // The trades' own sums.
    let csv = home.owner("GET", "/api/v1/export?what=trades", "").body;
    let (mut paid, mut charge, mut earned) = (0i64, 0i64, 0i64);
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<i64>().unwrap();
        if cells[3] == "bought" {
            paid += number(9);
            charge += number(10);
        } else {
            earned += number(9);
        }
    }
    assert_eq!(
        (n("paid"), n("charge"), n("earned")),
        (paid, charge, earned)
    );
}

fn trades(home: &Home) {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = home.owner("GET", &format!("/api/v1/trades?limit=150{before}"), "");
        let page = page.json();
        all.extend(
            page["trades"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["sequence"].as_u64().unwrap()),
        );
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert!(all.len() > 200, "{}", all.len());
    assert!(all.windows(2).all(|w| w[0] > w[1]));
    let sold = home
        .owner("GET", "/api/v1/trades?side=sold&limit=5", "")
        .json();
    let sold = sold["trades"].as_array().unwrap();
    assert!(!sold.is_empty() && sold.iter().all(|t| t["seller"] == METER));
}

/// What waited for the owner, and what became of it; without a chain, too.
fn approvals(home: &Home) {
    let told = home.owner("GET", "/api/v1/approvals/history", "").json();
    let rows = told["approvals"].as_array().unwrap();
    let fates: Vec<&str> = rows.iter().map(|r| r["fate"].as_str().unwrap()).collect();
    let want = ["lapsed", "declined", "failed", "traded", "traded"];
    assert_eq!(fates, want, "{told}");
    let (lapsed, sold, bought) = (&rows[0], &rows[3], &rows[4]);
    assert_eq!(lapsed["decided_at"], Value::Null);
    assert_eq!(
        (&lapsed["wh"], &lapsed["traded"]),
        (&Value::from(120), &Value::Null)
    );
    assert_eq!(
        (&sold["selling"], &bought["selling"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    // What was paid is that of the trade, a buyer's with the network charge.
    for row in [sold, bought] {
        let path = format!(
            "/api/v1/trades?limit=1&partner={}&to={}",
            row["partner"].as_str().unwrap(),
            row["at"].as_u64().unwrap() + 900
        );
        let trades = home.owner("GET", &path, "").json();
        let trade = &trades["trades"][0];
        assert_eq!(row["traded"], trade["arrived"], "{row} {trade}");
        let charge = if row["selling"] == true {
            0
        } else {
            trade["charge"].as_u64().unwrap()
        };
        assert_eq!(
            row["money"],
            trade["paid"].as_u64().unwrap() + charge,
            "{row} {trade}"
        );
    }
}

fn export(home: &Home) {
    let got = home.owner("GET", "/api/v1/export?what=windows", "");
    assert_eq!(got.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(got.body.lines().count(), 1 + 7 * 96);
    assert!(got.body.starts_with("from,window,surplus_wh,deficit_wh,"));
    let head = got.body.lines().next().unwrap();
    assert!(head.ends_with(",fees_micro,generated_wh"), "{head}");
    let row = got.body.lines().nth(5).unwrap();
    let cells: Vec<u64> = row
        .split(',')
        .skip(2)
        .map(|cell| cell.parse().unwrap())
        .collect();
    let (surplus, fees, generated) = (cells[0], cells[9], cells[10]);
    assert_eq!(fees, FEES, "{row}");
    assert_eq!(
        generated,
        surplus + if surplus > 0 { USED_AT_ONCE } else { 0 },
        "{row}"
    );
}

fn questions_that_cannot_be(home: &Home) {
    for (path, word) in [
        ("/api/v1/energy", "edges"),
        ("/api/v1/energy?edges=5,4", "edges: expected"),
        (
            "/api/v1/trades?limit=0",
            "limit: expected 1 to 1000, found 0",
        ),
        ("/api/v1/trades?partner=bob", "partner"),
        ("/api/v1/trades?colour=blue", "colour"),
        ("/api/v1/export?what=everything", "everything"),
        ("/api/v1/market/windows?last=0", "last: expected"),
    ] {
        let got = home.owner("GET", path, "");
        assert_eq!(got.status, 400, "{path}: {}", got.body);
        let error = got.json()["error"].as_str().unwrap().to_owned();
        assert!(
            error.contains(word) && !error.contains('\n'),
            "{path}: {error}"
        );
    }
    let nothing = home.owner("GET", "/api/v1/nothing", "");
    assert_eq!(
        (nothing.status, nothing.json()["status"].as_u64()),
        (404, Some(404))
    );
    assert_eq!(nothing.json()["code"], "not_found");
    let not_so = home.owner("DELETE", "/api/v1/status", "");
    assert_eq!(
        (not_so.status, not_so.json()["status"].as_u64()),
        (405, Some(405))
    );
    let no_json = home.owner("POST", "/api/v1/pause", "yes please");
    assert_eq!(no_json.status, 400);
    let described = home.owner("GET", "/api/v1/openapi.json", "").json();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            // That one does not end.
            if path.ends_with("/events") {
                continue;
            }
            // Each route that is described is there.
            let got = home.owner(&method.to_uppercase(), path, "");
            assert!(
                ![404, 405].contains(&got.status),
                "{method} {path}: {}",
                got.status
            );
        }
    }
}
