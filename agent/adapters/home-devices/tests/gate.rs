//! The gate as a coil, a register, a topic and a call: told again and again, and open once whoever tells it is gone.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

mod common;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use common::broker::{Broker, Heard};
use common::modbus::Server;
use common::LONGEST;
use serde_json::{json, Value};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};
use wattpool_core::io::Gate;
use wattpool_core::ports::home::GridGate;
use wattpool_home_devices::gpio::Line;
use wattpool_home_devices::{DeviceGate, GateDevice};
use wattpool_schema::Wh;

async fn heard(State(tell): State<UnboundedSender<Value>>, Json(said): Json<Value>) {
    let _ = tell.send(said);
}

#[tokio::test]
async fn an_http_device_is_told_again_and_again_and_a_limit_that_is_not_renewed_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, mut told) = unbounded_channel();
    let router = Router::new().route("/gate", post(heard)).with_state(tell);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let text =
        format!("kind = \"http\"\nconnection = \"http://127.0.0.1:{port}/gate\"\nrefresh_s = 1");
    let device: GateDevice = toml::from_str(&text).unwrap();
    let gate = DeviceGate::start(&device, 2).unwrap();
    let open = json!({ "limit_w": null });
    let mut next = async || {
        tokio::time::timeout(LONGEST, told.recv())
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(next().await, open, "from the beginning");
    // 7 Wh in 2 s.
    gate.set(Gate::Limit(Wh(7)));
    let limited = json!({ "limit_w": 12_600 });
    assert_eq!(next().await, limited);
    assert_eq!(next().await, limited, "told again");
    while next().await != open {}
    gate.set(Gate::Limit(Wh(1)));
    assert_eq!(next().await, json!({ "limit_w": 1_800 }));
    gate.set(Gate::Open);
    assert_eq!(next().await, open);
    drop(gate);
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// A line that is played: what it was switched to, and how often it was taken.
#[derive(Clone, Debug, Default)]
struct Played(Arc<Mutex<(Vec<bool>, u32, bool)>>);

impl Line for Played {
    fn set(&mut self, on: bool) -> Result<(), String> {
        let mut played = self.0.lock().unwrap();
        if std::mem::take(&mut played.2) {
            return Err("pulled out".into());
        }
        played.0.push(on);
        Ok(())
    }
}

#[tokio::test]
async fn a_line_is_on_while_there_is_a_limit_and_taken_again_when_it_fails() {
    let played = Played::default();
    let (taken, seen) = (played.clone(), played.clone());
    let take = Box::new(move || {
        taken.0.lock().unwrap().1 += 1;
        Ok(Box::new(taken.clone()) as Box<dyn Line>)
    });
    let gate = DeviceGate::over_line(take, 1, 3_600);
    let shows = async |on: bool, taken: u32| {
        let begun = Instant::now();
        loop {
            let now = seen.0.lock().unwrap().clone();
            if now.0.last() == Some(&on) && now.1 == taken {
                return;
            }
            assert!(begun.elapsed() < LONGEST, "{on} {taken}: {now:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    shows(false, 1).await;
    gate.set(Gate::Limit(Wh(1_200)));
    shows(true, 1).await;
    seen.0.lock().unwrap().2 = true;
    shows(true, 2).await;
    gate.set(Gate::Open);
    shows(false, 2).await;
}

#[tokio::test]
async fn a_chip_that_is_not_there_stops_nothing() {
    let text = "kind = \"gpio\"\nconnection = \"/dev/gpiochip-none\"\npin = 4\nrefresh_s = 1";
    let device: GateDevice = toml::from_str(text).unwrap();
    let gate = DeviceGate::start(&device, 900).unwrap();
    gate.set(Gate::Limit(Wh(1)));
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let refused = |text: &str| {
        let device: GateDevice = toml::from_str(text).unwrap();
        device.check().unwrap_err().to_string()
    };
    let modbus = "kind = \"modbus\"\nconnection = \"tcp://device\"\n";
    assert!(refused(modbus).contains("expected a coil or a register, found neither or both"));
    assert!(refused(&format!("{modbus}coil = 1\nregister = 1")).contains("neither or both"));
    assert!(refused(&format!("{modbus}coil = 1\ntopic = \"x\"")).starts_with("topic: "));
    assert!(refused("kind = \"mqtt\"\nconnection = \"mqtt://x\"")
        .starts_with("topic: expected a topic"));
    let pinned = "kind = \"http\"\nconnection = \"https://x/\"\ncertificate = \"0f\"";
    assert!(refused(pinned).starts_with("certificate: expected a SHA-256 fingerprint"));
    let gpio = "kind = \"gpio\"\nconnection = \"/dev/gpiochip0\"";
    assert_eq!(
        refused(gpio),
        "pin: expected a line of the chip, found none"
    );
    assert!(refused("kind = \"gpio\"\nconnection = \"chip\"\npin = 1").starts_with("connection: "));
    assert!(refused(&format!("{gpio}\npin = 4\ncoil = 1")).starts_with("coil: "));
}

/// The process that tells the gate, ended with this one.
struct Agent(Child);

impl Agent {
    /// This program once more, as [`tell_until_killed`] alone.
    fn start(device: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tell_until_killed", "--nocapture"])
            .env(TOLD, device)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// kill -9.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The gate's settings, for the process that tells it.
const TOLD: &str = "WATTPOOL_TEST_GATE";
/// What it says, W.
const LIMIT_W: u64 = 1_200;

#[tokio::test]
async fn tell_until_killed() {
    let Some(text) = std::env::var_os(TOLD) else {
        return;
    };
    let device: GateDevice = toml::from_str(text.to_str().unwrap()).unwrap();
    let gate = DeviceGate::start(&device, 3_600).unwrap();
    // An hour's window: Wh are W.
    gate.set(Gate::Limit(Wh(LIMIT_W)));
    tokio::time::sleep(LONGEST * 2).await;
}

/// Waits until this holds.
fn within(longest: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < longest, "not within {longest:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The time-out of the Modbus device, and how much later it may be seen on a busy machine.
const TIME_OUT: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(5);

/// A Modbus device with a time-out of its own holds a limit as long as the agent lives, and opens when it is killed.
fn modbus_opens(bank: &str, key: &str, limited: u64, open: u64) {
    let Some(mut server) = Server::start(0) else {
        return;
    };
    let (at, port) = (7, server.port);
    server.set(bank, at, &[u16::try_from(open).unwrap()]);
    let seconds = TIME_OUT.as_secs();
    let watch = json!({ "watch": bank, "at": at, "seconds": seconds, "then": open });
    assert_eq!(server.ask(&watch), "set");
    let mut shows = || -> u64 {
        let answer = server.ask(&json!({ "show": bank, "at": at }));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let on = || u64::from(answer[0] == true);
        answer[0].as_u64().unwrap_or_else(on)
    };
    let mut agent = Agent::start(&format!(
        "kind = \"modbus\"\nconnection = \"tcp://127.0.0.1:{port}\"\n{key} = {at}\nrefresh_s = 1"
    ));
    within(LONGEST, "limited", || shows() == limited);
    // Twice its time-out: only because it is told again does the device hold on.
    let begun = Instant::now();
    while begun.elapsed() < TIME_OUT.saturating_mul(2) {
        assert_eq!(shows(), limited, "after {:?}", begun.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    agent.kill();
    within(TIME_OUT.saturating_add(LATE), "open", || shows() == open);
}

#[test]
fn a_coil_is_off_within_its_time_out_after_the_agent_is_killed() {
    modbus_opens("coils", "coil", 1, 0);
}

#[test]
fn a_register_says_no_limit_within_its_time_out_after_the_agent_is_killed() {
    modbus_opens("holding", "register", LIMIT_W, 65_535);
}

/// A broker, an agent that has said its limit there, and what somebody else hears of it.
fn told_broker() -> Option<(Broker, Agent, Heard)> {
    let broker = Broker::start(false)?;
    let heard = broker.hears("home/gate");
    let device = format!(
        "kind = \"mqtt\"\nconnection = \"mqtt://localhost:{}\"\nuser = \"home\"\nsecret_file = {:?}\ntopic = \"home/gate\"\nrefresh_s = 1",
        broker.port,
        broker.path("password"),
    );
    let agent = Agent::start(&device);
    within(LONGEST, "limited", || {
        heard.last() == Some(json!({ "limit_w": LIMIT_W }))
    });
    Some((broker, agent, heard))
}

#[test]
fn a_broker_opens_the_gate_when_the_agent_is_killed() {
    let Some((broker, mut agent, heard)) = told_broker() else {
        return;
    };
    agent.kill();
    let open = Some(json!({ "limit_w": null }));
    within(LATE, "the last will", || heard.last() == open);
    // Retained: a device that comes later finds it open, too.
    let later = broker.hears("home/gate");
    within(LONGEST, "retained", || later.last() == open);
}

#[test]
fn a_broker_opens_the_gate_of_an_agent_that_hangs() {
    let Some((_broker, agent, heard)) = told_broker() else {
        return;
    };
    let pid = agent.0.id().to_string();
    let stopped = Command::new("kill").args(["-STOP", &pid]).status();
    assert!(stopped.unwrap().success());
    // One and a half times the 15 s of keep-alive (MQTT 3.1.1, 3.1.2.10), which a broker looks at every few seconds.
    let open = json!({ "limit_w": null });
    let longest = Duration::from_secs(33);
    within(longest, "the last will", || {
        heard.last() == Some(open.clone())
    });
}
