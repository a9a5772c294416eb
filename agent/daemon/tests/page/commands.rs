//! The owner's commands tell the same figures, for people and exactly.

use crate::home::Home;
use crate::prepared::METER;
use serde_json::Value;

fn out(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn commands_speak_of_kwh_money_and_local_time() {
    let home = Home::start();
    let status = home.run(&["status"]);
    // It waits for the chain: said, and told to scripts.
    assert_eq!(status.status.code(), Some(1));
    let text = out(&status);
    assert!(text.contains("waiting   for the chain"), "{text}");
    assert!(text.contains("kWh for") && text.contains(" EUR"), "{text}");
    assert!(text.contains("asks 0."), "{text}");
    let exact: Value = serde_json::from_str(&out(&home.run(&["status", "--json"]))).unwrap();
    assert_eq!(exact["meter"], METER);
    let trades = home.run(&["trades", "--limit", "3"]);
    let text = out(&trades);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.starts_with("closed "), "{text}");
    assert!(
        text.contains("EUR/kWh") && text.contains(" b0000000 "),
        "{text}"
    );
    let exact: Value = serde_json::from_str(&out(&home.run(&["trades", "--json"]))).unwrap();
    assert_eq!(exact.as_array().unwrap().len(), 20);
    assert!(exact[0]["paid"].is_u64());
    let history = out(&home.run(&["history", "--limit", "20"]));
    assert!(
        history.contains("metered the window of 20")
            && history.contains("you refused trade ")
            && !history.contains('{'),
        "{history}"
    );
    let set = home.run(&[
        "policy",
        "set",
        "max_buy_price=0.25 EUR/kWh",
        "max_spend_per_day",
    ]);
    let text = out(&set);
    assert!(
        text.contains("max_buy_price = 250000  # 0.25 EUR/kWh"),
        "{text}"
    );
    assert!(!text.contains("max_spend_per_day"), "{text}");
    let paused = home.run(&["pause"]);
    assert_eq!(out(&paused), "trading is paused\n");
    let exact: Value = serde_json::from_str(&out(&home.run(&["policy", "get", "--json"]))).unwrap();
    assert_eq!(
        (&exact["paused"], &exact["max_buy_price"]),
        (&Value::Bool(true), &Value::from(250_000))
    );
    let money = out(&home.run(&["money", "--by", "week", "--last", "2"]));
    assert!(
        money.starts_with("from ") && money.lines().count() == 3 && money.contains(" EUR"),
        "{money}"
    );
    let energy = home.run(&["energy", "--by", "month", "--last", "3", "--json"]);
    let energy: Value = serde_json::from_str(&out(&energy)).unwrap();
    assert_eq!(energy["spans"].as_array().unwrap().len(), 3);
    let csv = out(&home.run(&["export", "trades", "--since", "2020-01-01"]));
    assert!(
        csv.starts_with("closed_at,window,") && csv.lines().count() > 20,
        "{csv}"
    );
    let refused = home.run(&["export", "windows", "--until", "yesterday"]);
    assert_eq!(refused.status.code(), Some(2));
    // What only the chain tells waits for it.
    let market = home.run(&["market"]);
    assert_eq!(market.status.code(), Some(1));
    let changes = out(&home.run(&["policy", "history"]));
    assert!(
        changes.contains("  paused ") && changes.contains("0.25 EUR/kWh"),
        "{changes}"
    );
    let exact: Value =
        serde_json::from_str(&out(&home.run(&["policy", "history", "--json"]))).unwrap();
    assert_eq!(exact[0]["keys"][0]["after"], true);
    let pair = out(&home.run(&["pair"]));
    assert!(
        pair.contains("code") && pair.contains("https://meter.home:"),
        "{pair}"
    );
    // A new certificate is the owner's wish alone; the agent that runs shows the old one.
    let told = |line: &[&str]| -> Value { serde_json::from_str(&out(&home.run(line))).unwrap() };
    let shown = || told(&["pair", "--json"])["fingerprint"].clone();
    let old = shown();
    let new = told(&["keys", "new-certificate", "--json"]);
    assert_ne!(new["fingerprint"], old);
    let subjects = new["subjects"].to_string();
    let named = |to: &str| subjects.contains(&format!("\"{to}\""));
    assert!(named("meter.home") && named("127.0.0.1"), "{subjects}");
    assert_eq!(shown(), old);
    std::fs::write(home.folder.path().join("word"), "a long sentence\n").unwrap();
    let password = home.run(&["password", "--file", "word"]);
    assert_eq!(out(&password), "the password is set\n");
}
