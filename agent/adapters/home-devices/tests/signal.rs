//! The signal for the home through a real mosquitto: found again by who comes late, and gone when the agent is.
//! With the environment of `scripts/tools/home-assistant` (or the Python that `WATTPOOL_HOME_ASSISTANT` names) Home
//! Assistant's own MQTT integration reads it, too.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod common;

use common::broker::{Broker, Heard};
use common::{root, LONGEST};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use wattpool_home_devices::signal::{Expected, Home, Neighbourhood, Prices};
use wattpool_home_devices::{Signal, SignalDevice, SignalTeller};
use wattpool_meter_codec::household::PowerNow;
use wattpool_schema::{MeterId, Price, Seconds, Wh, Window};

const METER: MeterId = MeterId([0xA1; 16]);

fn signal(surplus_w: i64) -> Signal {
    let expected = |n: u64, net_wh, error_wh| Expected {
        window: Window(2_000_000).plus(n),
        from: Window(2_000_000).plus(n).start(900),
        net_wh,
        error_wh,
        days: 7,
    };
    Signal {
        meter: METER,
        at: Seconds(1_800_000_100),
        window_seconds: 900,
        home: Home {
            surplus_w: Some(surplus_w),
            now: PowerNow {
                power_w: Some(-surplus_w),
                ..PowerNow::default()
            },
            window: Some(Window(1_999_999)),
            net_wh: Some(300),
        },
        neighbourhood: Some(Neighbourhood {
            window: Window(1_999_999),
            supply_wh: Wh(5_000),
            unsold_wh: Wh(1_250),
            demand_wh: None,
            surplus_w: 5_000,
            deficit_w: None,
        }),
        price: Prices {
            now: Some(187_500),
            mean: Some(Price(187_500)),
            import: Some(342_000),
            feed_in: None,
        },
        sun: true,
        expected: vec![expected(0, -125, Some(25)), expected(1, 40, None)],
    }
}

fn device(broker: &Broker, more: &str) -> SignalDevice {
    let text = format!(
        "connection = \"mqtt://localhost:{}\"\nuser = \"home\"\nsecret_file = {:?}\nrefresh_s = 1\n{more}",
        broker.port,
        broker.path("password"),
    );
    toml::from_str(&text).unwrap()
}

async fn within(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONGEST, "not within {LONGEST:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn shows(heard: &Heard, what: &str, holds: impl Fn(&Value) -> bool) {
    within(what, || heard.last().is_some_and(|v| holds(&v))).await;
}

async fn told_and_gone(more: &str) {
    let Some(mut broker) = Broker::start(false) else {
        return;
    };
    let (tell, told) = watch::channel(Some(signal(1_200)));
    let teller = SignalTeller::start(&device(&broker, more), METER, "EUR", told).unwrap();
    let heard = broker.hears("wattpool/a1a1a1a1/signal");
    shows(&heard, "the first", |v| v["home"]["surplus_w"] == 1_200).await;
    let said: Signal = serde_json::from_value(heard.last().unwrap()).unwrap();
    assert_eq!(said, signal(1_200));
    tell.send_replace(Some(signal(-70)));
    shows(&heard, "a change", |v| v["home"]["surplus_w"] == -70).await;
    drop(heard);
    // A broker that keeps nothing is started again: all is told anew, to who comes late as well.
    broker.stop();
    broker.run();
    let price = broker.hears(&format!(
        "homeassistant/sensor/wattpool_{METER}/price/config"
    ));
    shows(&price, "discovered", |v| {
        v["unit_of_measurement"] == "EUR/kWh"
    })
    .await;
    let heard = broker.hears("wattpool/a1a1a1a1/signal");
    shows(&heard, "after the restart", |v| {
        v["home"]["surplus_w"] == -70
    })
    .await;
    let available = broker.hears("wattpool/a1a1a1a1/availability");
    within("online", || available.text().as_deref() == Some("online")).await;
    drop(teller);
    within("offline", || available.text().as_deref() == Some("offline")).await;
}

#[tokio::test]
async fn the_signal_is_told_through_a_restart_and_ends_with_the_agent() {
    told_and_gone("").await;
}

#[tokio::test]
async fn the_signal_is_told_in_mqtt_5_too() {
    told_and_gone("version = 5").await;
}

/// What Home Assistant makes of it, by entity.
fn home_assistant(port: u16, python: &Path) -> Value {
    let script = root().join("scripts/tools/home-assistant.py");
    let out = Command::new(python)
        .arg(script)
        .args([&port.to_string(), "home", "secret"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{error}");
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_assistant_finds_the_signal_and_reads_it() {
    let usual = || root().join("target/tools/home-assistant/bin/python");
    let named = std::env::var_os("WATTPOOL_HOME_ASSISTANT");
    let python = named.map_or_else(usual, PathBuf::from);
    if !python.exists() {
        println!("skipped: scripts/tools/home-assistant makes what this needs");
        return;
    }
    let Some(broker) = Broker::start(false) else {
        return;
    };
    let (_tell, told) = watch::channel(Some(signal(1_200)));
    let _teller = SignalTeller::start(&device(&broker, ""), METER, "EUR", told).unwrap();
    let port = broker.port;
    let states = tokio::task::spawn_blocking(move || home_assistant(port, &python));
    let states = states.await.unwrap();
    let state = |entity: &str| states[entity]["state"].as_str().map(str::to_owned);
    let is = |entity: &str, want: &str| {
        assert_eq!(state(entity).as_deref(), Some(want), "{entity}: {states:#}");
    };
    is("sensor.wattpool_home_surplus", "1200");
    is("sensor.wattpool_street_surplus", "5000");
    is("sensor.wattpool_street_deficit", "unknown");
    is("sensor.wattpool_price", "0.1875");
    is("sensor.wattpool_grid_price", "0.342");
    is("sensor.wattpool_feed_in_price", "unknown");
    is("sensor.wattpool_expected_home_surplus", "-500");
    is("sensor.wattpool_expected_home_surplus_mean_error", "100");
    is("binary_sensor.wattpool_street_has_sun", "on");
    let price = &states["sensor.wattpool_price"]["attributes"];
    assert_eq!(price["unit_of_measurement"], "EUR/kWh");
    let coming = &states["sensor.wattpool_expected_home_surplus"]["attributes"]["expected"];
    assert_eq!(coming[1]["net_wh"], 40);
}
