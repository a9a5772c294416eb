//! The site as programs and strangers ask it: figures are those of the audit, and nothing unbounded or foreign is answered.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::type_complexity,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod common;

use common::{ask, export, json, raw, rows, site};
use serde_json::{json, Value};
use std::net::SocketAddr;
use wattpool_audit::market::Market;
use wattpool_audit::read::audit;
use wattpool_audit::trades::{Sort, Trades};

/// All pages of a list.
fn pages(address: SocketAddr, path: &str, list: &str, after: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let told = json(address, &format!("{path}{cursor}"));
        all.extend(told[list].as_array().unwrap().iter().cloned());
        let next = match &told["next"] {
            Value::Null => return all,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        cursor = format!("&{after}={next}");
    }
}

#[test]
fn figures_are_those_of_the_audit() {
    let file = export(530);
    let folder = tempfile::tempdir().unwrap();
    let (address, _explorer) = site(folder.path(), &file);
    let report = audit(&file[..]).unwrap();
    assert_eq!(
        report.findings.total(),
        0,
        "{:?}",
        report.findings.list.first()
    );
    let status = json(address, "/api/v1/status");
    assert_eq!(
        status["totals"],
        serde_json::to_value(report.totals).unwrap()
    );
    assert_eq!(status["violations"], 0);
    let (header, rows) = rows(&file);
    let (mut trades, mut market) = (Trades::new(None), Market::new(header.window_seconds));
    for row in &rows {
        trades.take(row);
        market.take(row);
    }
    // The dearest and the largest first; those that are alike, the newest first.
    let mut expected = trades.sorted(Sort::Time);
    expected.reverse();
    let sorts: [(&str, fn(&wattpool_audit::trades::Trade) -> u64); 3] = [
        ("time", |_| 0),
        ("price", |t| t.price.0),
        ("energy", |t| t.arrived.0),
    ];
    for (sort, key) in sorts {
        let found = pages(
            address,
            &format!("/api/v1/trades?limit=100&sort={sort}"),
            "trades",
            "after",
        );
        let mut sorted = expected.clone();
        sorted.sort_by_key(|t| std::cmp::Reverse(key(t)));
        assert_eq!(
            Value::Array(found),
            serde_json::to_value(&sorted).unwrap(),
            "{sort}"
        );
    }
    // Filters.
    let one = &expected[7];
    let seller = one.seller.to_string();
    for (query, holds) in [
        (
            format!("meter={}", &seller[..3]),
            Box::new(|t: &wattpool_audit::trades::Trade| {
                t.seller.to_string().starts_with(&seller[..3])
                    || t.buyer.to_string().starts_with(&seller[..3])
            }) as Box<dyn Fn(&_) -> bool>,
        ),
        (
            format!("meter={seller}"),
            Box::new(|t: &wattpool_audit::trades::Trade| {
                t.seller == one.seller || t.buyer == one.seller
            }),
        ),
        (
            format!("buyer={}", one.buyer),
            Box::new(|t: &wattpool_audit::trades::Trade| t.buyer == one.buyer),
        ),
        (
            "min_price=150000&max_price=170000".to_owned(),
            Box::new(|t: &wattpool_audit::trades::Trade| (150_000..=170_000).contains(&t.price.0)),
        ),
        (
            format!(
                "from={}&to={}",
                one.window.0 * 900,
                one.window.0 * 900 + 900
            ),
            Box::new(|t: &wattpool_audit::trades::Trade| t.window == one.window),
        ),
        (
            "kind=forward".to_owned(),
            Box::new(|_: &wattpool_audit::trades::Trade| false),
        ),
    ] {
        let found = pages(
            address,
            &format!("/api/v1/trades?limit=50&{query}"),
            "trades",
            "after",
        );
        let wanted: Vec<_> = expected.iter().filter(|t| holds(t)).collect();
        assert_eq!(
            Value::Array(found),
            serde_json::to_value(&wanted).unwrap(),
            "{query}"
        );
    }
    let shown = json(address, "/api/v1/market");
    let wanted = serde_json::to_value(market.report()).unwrap();
    for part in ["days", "total", "sellers"] {
        assert_eq!(shown[part], wanted[part], "{part}");
    }
    // Windows and meters add up to the same.
    let sum =
        |list: &[Value], field: &str| list.iter().map(|v| v[field].as_i64().unwrap()).sum::<i64>();
    let windows = pages(address, "/api/v1/windows?limit=7", "windows", "before");
    let totals = &status["totals"];
    assert_eq!(json!(sum(&windows, "arrived")), totals["redeemed"]);
    assert_eq!(json!(sum(&windows, "minted")), totals["minted"]);
    assert_eq!(json!(sum(&windows, "unsold")), totals["expired"]);
    assert_eq!(json!(sum(&windows, "paid")), totals["paid"]);
    assert_eq!(json!(sum(&windows, "trades")), totals["trades"]);
    assert_eq!(json!(windows.len()), totals["windows"]);
    let meters = pages(address, "/api/v1/meters?limit=11", "meters", "after");
    assert_eq!(meters.len(), 120);
    assert_eq!(sum(&meters, "earned"), sum(&meters, "spent"));
    assert_eq!(json!(sum(&meters, "sold")), totals["redeemed"]);
    let days = json(address, "/api/v1/series?every=day&points=1000");
    assert_eq!(
        json!(sum(days["windows"].as_array().unwrap(), "arrived")),
        totals["redeemed"]
    );
    // Events, every one once.
    let events = pages(address, "/api/v1/events?limit=200", "events", "before");
    assert_eq!(json!(events.len()), totals["events"]);
    // Files.
    let csv = String::from_utf8(ask(address, "/api/v1/export?what=trades").2).unwrap();
    assert_eq!(
        csv.matches(&format!(",{seller},")).count(),
        expected.iter().filter(|t| t.seller == one.seller).count()
    );
    assert_eq!(
        json(address, "/api/v1/export?what=trades&form=json")
            .as_array()
            .unwrap()
            .len(),
        530
    );
    let money = json(address, "/api/v1/money");
    assert!(money["fees"][0]["fees"].as_i64().unwrap() > 0, "{money}");
    let disputes = json(address, "/api/v1/disputes");
    assert_eq!(
        (
            disputes["open"].as_array().unwrap().len(),
            &disputes["open"][0]["objected"]
        ),
        (1, &json!(true))
    );
    let hold = &disputes["holds"][0];
    let told = ["reason", "state", "held", "struck"].map(|field| hold[field].clone());
    assert_eq!(
        told,
        [json!("readings_differ"), json!("held"), json!(0), json!(0)]
    );
    assert_eq!(
        hold["until"].as_i64().unwrap() - hold["set_at"].as_i64().unwrap(),
        30 * 86_400
    );
}

#[test]
fn a_trade_is_worked_out_again_and_a_wrong_one_is_seen() {
    let file = export(45);
    let folder = tempfile::tempdir().unwrap();
    let (address, _explorer) = site(folder.path(), &file);
    let trade = json(address, "/api/v1/trades/41");
    let held: Vec<_> = trade["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].clone(), c["holds"].clone()))
        .collect();
    let all = ["record", "energy", "money", "log"].map(|name| (json!(name), json!(true)));
    assert_eq!(held, all);
    let names: Vec<_> = trade["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["delivered", "trade_closed", "redeemed", "moved"]);
    // One figure of one event: the check of it says so, and so do the rules.
    for (event, field, check) in [
        ("delivered", "paid", "money"),
        ("moved", "net", "energy"),
        ("trade_closed", "asked", "log"),
        ("trade_closed", "price", "record"),
    ] {
        let (header, mut rows) = rows(&file);
        let mut values: Vec<Value> = rows
            .iter()
            .map(|r| serde_json::to_value(r).unwrap())
            .collect();
        let of_it = |v: &&mut Value| v["said"]["event"][event]["trade_id"] == 42;
        let found = values.iter_mut().find(of_it).unwrap();
        let number = found["said"]["event"][event][field].as_u64().unwrap();
        found["said"]["event"][event][field] = json!(number + 1);
        rows = values
            .into_iter()
            .map(|v| serde_json::from_value(v).unwrap())
            .collect();
        let mut forged = Vec::new();
        let mut writer = wattpool_audit::export::Writer::new(&mut forged, &header).unwrap();
        rows.iter().for_each(|row| writer.row(row).unwrap());
        writer.finish(|_| None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (address, _explorer) = site(folder.path(), &forged);
        let trade = json(address, "/api/v1/trades/41");
        let wrong: Vec<_> = trade["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["holds"] == false)
            .map(|c| c["name"].as_str().unwrap())
            .collect();
        assert!(wrong.contains(&check), "{event}.{field}: {wrong:?}");
        assert_ne!(
            json(address, "/api/v1/status")["violations"],
            0,
            "{event}.{field}"
        );
    }
}

#[test]
fn strangers_are_refused_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _explorer) = site(folder.path(), &export(200));
    let page = String::from_utf8(ask(address, "/").2).unwrap();
    let (_, rest) = page.split_once("<script type=\"module\" src=\"").unwrap();
    let script = rest.split_once('"').unwrap().0.to_owned();
    for (path, status) in [
        ("/api/v1/trades?limit=0", 400),
        ("/api/v1/trades?limit=201", 400),
        ("/api/v1/trades?limit=-1", 400),
        ("/api/v1/trades?limit=99999999999999999999", 400),
        ("/api/v1/trades?after=1", 400),
        ("/api/v1/trades?after=x.y", 400),
        ("/api/v1/trades?meter=%27%20OR%201=1", 400),
        ("/api/v1/trades?meter=zz", 400),
        ("/api/v1/trades?seller=ab", 400),
        ("/api/v1/trades?sort=price%3B%20DROP%20TABLE%20trades", 400),
        ("/api/v1/trades?unknown=1", 400),
        ("/api/v1/trades?limit=5&limit=6", 400),
        ("/api/v1/trades/-1", 400),
        ("/api/v1/trades/1e3", 400),
        ("/api/v1/trades/200", 404),
        ("/api/v1/trades/18446744073709551615", 404),
        ("/api/v1/trades/1/proof", 404),
        ("/api/v1/validators", 404),
        ("/api/v1/export/signature?what=trades", 404),
        ("/api/v1/export?what=passwords", 400),
        ("/api/v1/meters/..%2f..%2fetc%2fpasswd", 400),
        ("/api/v1/meters/00000000000000000000000000000000", 404),
        ("/api/v1/events?name=%00", 400),
        ("/api/v1/series?points=1001", 400),
        ("/api/v1/series?from=18446744073709551615", 200),
        ("/api/v1/windows?from=18446744073709551615&to=0", 200),
        ("/api/v1/trades?min_price=18446744073709551615", 200),
        ("/page/../../Cargo.toml", 404),
        ("/page/%2e%2e/%2e%2e/index.sqlite", 404),
        ("/index.sqlite", 404),
        ("//etc/passwd", 404),
        ("/page/views/", 404),
        ("/api/v1/%ff%fe", 404),
        ("/page/app.js", 404),
        (script.as_str(), 200),
        ("/", 200),
    ] {
        let (found, head, body) = ask(address, path);
        assert_eq!(found, status, "{path}: {}", String::from_utf8_lossy(&body));
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(header), "{path}: {head}");
        }
        if status >= 400 {
            let told: Value = serde_json::from_slice(&body).unwrap();
            let error = told["error"].as_str().unwrap();
            assert!(
                !error.contains('\n') && error.len() < 400,
                "{path}: {error}"
            );
        }
    }
    let long = format!("/api/v1/trades?meter={}", "a".repeat(4_000));
    assert_eq!(ask(address, &long).0, 414);
    let (status, _, body) = raw(
        address,
        format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n",
            "y".repeat(200_000)
        )
        .as_bytes(),
    );
    assert!(status != 200 && body.len() < 1_000, "{status}");
    // Another name, none, two.
    for host in [
        "Host: evil.example\r\n",
        "",
        "Host: 127.0.0.1\r\nHost: localhost\r\n",
    ] {
        let request = format!("GET /api/v1/status HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        let (status, _, _) = raw(address, request.as_bytes());
        assert!(status == 421 || status == 400, "{host:?}: {status}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let request = format!("{method} /api/v1/status HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert_eq!(raw(address, request.as_bytes()).0, 405, "{method}");
    }
    // What strangers wrote into the chain is told as a text, never as a page.
    let (_, head, body) = ask(address, "/api/v1/operator?limit=200");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(String::from_utf8_lossy(&body).contains("<img src=x"));
    let csv = ask(address, "/api/v1/export?what=meters");
    assert!(
        csv.1.contains("content-disposition: attachment"),
        "{}",
        csv.1
    );
    // Whatever is asked is answered, or refused in a line.
    let names = [
        "limit",
        "after",
        "before",
        "meter",
        "seller",
        "from",
        "to",
        "sort",
        "kind",
        "min_price",
        "name",
        "every",
        "points",
        "what",
        "form",
        "",
    ];
    let values = [
        "",
        "0",
        "-1",
        "1e9",
        "9223372036854775808",
        "0.0",
        "9223372036854775807.-9223372036854775808",
        "%00",
        "%ff",
        "price",
        "spot",
        "0a",
        "stated,,",
        "%27%3B--",
        "🔌",
        "null",
        "[]",
        "day",
        "trades",
    ];
    let lists = [
        "trades",
        "windows",
        "series",
        "meters",
        "market",
        "money",
        "disputes",
        "operator",
        "events",
        "export",
        "export/signature",
        "trades/0",
        "meters/0a",
    ];
    let mut chance = 1_u64;
    let mut draw = |most: usize| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % most
    };
    for _ in 0..400 {
        let mut path = format!("/api/v1/{}?", lists[draw(lists.len())]);
        for _ in 0..draw(4) {
            path.push_str(&format!(
                "{}={}&",
                names[draw(names.len())],
                values[draw(values.len())]
            ));
        }
        let (status, _, body) = ask(address, &path);
        assert!(
            [200, 400, 404, 429].contains(&status),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
    }
    // Many at once are all answered.
    let all: Vec<_> = (0..40)
        .map(|n| {
            std::thread::spawn(move || {
                ask(
                    address,
                    &format!("/api/v1/trades?limit=200&sort=price&meter={:x}", n % 16),
                )
                .0
            })
        })
        .collect();
    for one in all {
        assert_eq!(one.join().unwrap(), 200);
    }
}
