//! The gate as a coil, a register, a topic and a call; a broker opens it when the agent is gone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use common::LONGEST;
use serde_json::{json, Value};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};
use wattpool_core::io::Gate;
use wattpool_core::ports::home::GridGate;
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
    assert!(refused("kind = \"http\"\nconnection = \"https://x/\"").contains("https is not spoken"));
}
