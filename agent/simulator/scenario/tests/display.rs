//! How results are shown: the currency and the clock of a scenario.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{load, neighbourhood, Clock, GenerateOptions, Overrides, ScenarioError};

fn read(head: &str, time: &str) -> Result<Neighbourhood, ScenarioError> {
    let dir = tempfile::tempdir().unwrap();
    let scenario = format!(
        "name = \"s\"\nwindow_s = 3600\n{head}\n[profiles]\nfile = \"{{home}}.csv\"\nhomes = [\"a\"]\n\
         load = [{{ column = \"load\", unit = \"kWh\" }}]\n[profiles.time]\nstep_s = 3600\n{time}\n\
         [tariff.import]\nflat = 300_000\n"
    );
    std::fs::write(dir.path().join("s.toml"), scenario).unwrap();
    std::fs::write(dir.path().join("a.csv"), "load\n1.0\n0.5\n").unwrap();
    load(&dir.path().join("s.toml"), None, &Overrides::default())
}

#[test]
fn the_clock_is_the_one_named_or_that_of_the_times() {
    let start = "start = \"2026-05-04T00:00:00Z\"";
    let clock = |head: &str, time: &str| read(head, time).unwrap().clock.to_string();
    let named = format!("{start}\ntimezone = \"Europe/Berlin\"");
    assert_eq!(clock(&named, "zone = \"Asia/Tokyo\""), "Europe/Berlin");
    assert_eq!(
        clock("start = 2026-05-04", "zone = \"Asia/Tokyo\""),
        "Asia/Tokyo"
    );
    assert_eq!(clock("start = \"2026-05-03T23:00:00-08:00\"", ""), "-08:00");
    assert_eq!(clock(start, ""), "+00:00");
    for shown in ["Europe/Berlin", "-08:00"] {
        assert_eq!(Clock::parse(shown).unwrap().to_string(), shown);
    }
    let made = neighbourhood(&GenerateOptions::default()).unwrap();
    assert_eq!(made.clock.to_string(), "Europe/Berlin");
    let refused = read(&format!("{start}\ntimezone = \"Mars/Olympus\""), "").unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("s.toml:4") && text.contains("timezone"),
        "{text}"
    );
}

#[test]
fn the_currency_is_a_short_word() {
    let start = "start = \"2026-05-04T00:00:00Z\"";
    let with = |name: &str| read(&format!("{start}\ncurrency = \"{name}\""), "");
    assert_eq!(with("€").unwrap().currency.as_deref(), Some("€"));
    assert_eq!(read(start, "").unwrap().currency, None);
    for wrong in ["", "ninechars", "E R", "3", "a\\tb"] {
        let text = with(wrong).unwrap_err().to_string();
        assert!(
            text.contains("s.toml:4") && text.contains("currency"),
            "{text}"
        );
    }
    let made = neighbourhood(&GenerateOptions::default()).unwrap();
    assert_eq!(made.currency.as_deref(), Some("EUR"));
}
