//! A real mosquitto, with a password and TLS, that is stopped and started again. Without it these tests say that they
//! are skipped, unless `WATTPOOL_METER_ORACLES` demands them.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod common;

use common::broker::{certificates, Broker};
use common::{Ear, Word};
use std::time::Duration;

const TASMOTA: &str = r#"
value = [
    { quantity = "import", topic = "tele/meter/SENSOR", path = "ENERGY.Total", unit = "kWh" },
    { quantity = "export", topic = "tele/meter/SENSOR", path = "ENERGY.ExportActive", unit = "kWh" },
    { quantity = "power", topic = "tele/meter/SENSOR", path = "ENERGY.Power", unit = "W" },
]"#;

fn tasmota(total: f64) -> String {
    format!(
        r#"{{"Time":"2026-07-01T12:00:00","ENERGY":{{"Total":{total},"ExportActive":0.5,"Power":-70}}}}"#
    )
}

/// Says it again and again until it is heard: when a client has subscribed, a publisher cannot know.
async fn heard(
    broker: &Broker,
    ear: &mut Ear,
    topic: &str,
    text: &str,
    want: (Option<u64>, Option<u64>),
) {
    let say = async {
        loop {
            broker.say(topic, text, &[]);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let hear = async { while ear.registers().await != want {} };
    tokio::select! {
        () = say => {}
        () = hear => {}
    }
}

async fn read_through_a_restart(tls: bool, more: &str) {
    let Some(mut broker) = Broker::start(tls) else {
        return;
    };
    let mut ear = Ear::new(&[broker.device(&format!("{more}{TASMOTA}"))]);
    heard(
        &broker,
        &mut ear,
        "tele/meter/SENSOR",
        &tasmota(12.345),
        (Some(12_345), None),
    )
    .await;
    assert_eq!(ear.registers().await, (None, Some(500)));
    broker.stop();
    let why = ear.trouble().await;
    assert!(why.contains("localhost"), "{why}");
    broker.run();
    heard(
        &broker,
        &mut ear,
        "tele/meter/SENSOR",
        &tasmota(13.0),
        (Some(13_000), None),
    )
    .await;
}

#[tokio::test]
async fn a_broker_with_a_password_is_read_through_its_restart() {
    read_through_a_restart(false, "").await;
}

#[tokio::test]
async fn a_broker_with_tls_is_read_through_its_restart() {
    read_through_a_restart(true, "").await;
}

#[tokio::test]
async fn a_broker_is_read_in_mqtt_5_with_a_password_and_tls_too() {
    read_through_a_restart(false, "version = 5").await;
    read_through_a_restart(true, "version = 5").await;
}

#[tokio::test]
async fn a_broker_that_nobody_vouches_for_and_a_wrong_password_are_refused() {
    let Some(broker) = Broker::start(true) else {
        return;
    };
    let mut stranger = broker.device(TASMOTA);
    let other = tempfile::tempdir().unwrap();
    certificates(other.path());
    stranger.ca_file = Some(other.path().join("ca.pem"));
    let why = Ear::new(&[stranger]).trouble().await;
    assert!(why.contains("certificate"), "{why}");
    let mut guess = broker.device(TASMOTA);
    let wrong = other.path().join("password");
    std::fs::write(&wrong, "guess").unwrap();
    guess.secret_file = Some(wrong);
    let why = Ear::new(&[guess]).trouble().await;
    assert!(
        why.contains("BadUserNamePassword") || why.contains("NotAuthorized"),
        "{why}"
    );
}

#[tokio::test]
async fn a_retained_message_is_of_whenever_unless_the_device_tells_changes_alone() {
    let Some(broker) = Broker::start(false) else {
        return;
    };
    broker.say("tele/meter/SENSOR", &tasmota(1.0), &["-r"]);
    let mut ear = Ear::new(&[broker.device(TASMOTA)]);
    let refused = ear.until(|w| match w {
        Word::Refused(0, why) => Some(why.clone()),
        _ => None,
    });
    assert!(refused
        .await
        .contains("a retained message, of whenever, is left out"));
    broker.say("home/import", "1000.25", &["-r"]);
    let changes = "on_change = true\nvalue = [{ quantity = \"import\", topic = \"home/import\", unit = \"kWh\" }]\nrole = \"import\"";
    let mut ear = Ear::new(&[broker.device(changes)]);
    assert_eq!(ear.registers().await, (Some(1_000_250), None));
    // Nothing has changed: it still holds later.
    let again = ear.until(|w| match w {
        Word::Said(0, said) => said.reading.import,
        _ => None,
    });
    assert_eq!(again.await.wh.0, 1_000_250);
    // What is no number is told with its place.
    broker.say("home/import", "on", &[]);
    let refused = ear.until(|w| match w {
        Word::Refused(0, why) => Some(why.clone()),
        _ => None,
    });
    assert_eq!(
        refused.await,
        "topic home/import: line 1, column 1: expected JSON"
    );
}
