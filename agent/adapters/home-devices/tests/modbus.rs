//! SunSpec models and plain registers of a server that is not ours (pymodbus). `scripts/tools/meter-oracles` installs
//! it; without it these tests say that they are skipped, unless `WATTPOOL_METER_ORACLES` demands them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::modbus::Server;
use common::wire::Cable;
use common::{device, Ear, Word};
use wattpool_home_devices::scan;

/// Offsets of points in models 103 and 203 (SunSpec Information Model Reference), from the first point.
const METER_W: u16 = 16;
const METER_W_SF: u16 = 20;
const METER_EXPORT: u16 = 36;
const METER_IMPORT: u16 = 44;
const METER_WH_SF: u16 = 52;
const INVERTER_W: u16 = 12;
const INVERTER_W_SF: u16 = 13;
const INVERTER_WH: u16 = 22;
const INVERTER_WH_SF: u16 = 24;

/// First points of the models in [`sunspec`]'s map.
const INVERTER: u16 = 40_000 + 2 + 68 + 2;
const METER: u16 = INVERTER + 50 + 2;

/// A map with models 1, 103 and 203.
fn sunspec(server: &mut Server) {
    let mut map = vec![0x5375u16, 0x6E53, 1, 66];
    let mut common = vec![0u16; 66];
    for (at, text) in [(0, "Maker"), (16, "Model X"), (48, "SN-1")] {
        for (n, pair) in text.as_bytes().chunks(2).enumerate() {
            common[at + n] = u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
        }
    }
    map.extend(common);
    map.extend([103, 50]);
    map.extend([0u16; 50]);
    map.extend([203, 105]);
    map.extend([0u16; 105]);
    map.extend([0xFFFF, 0]);
    server.set("holding", 40_000, &map);
    server.set("holding", INVERTER + INVERTER_W, &[2_345]);
    server.set("holding", INVERTER + INVERTER_W_SF, &[0]);
    server.set_u32("holding", INVERTER + INVERTER_WH, 7_654_321);
    server.set("holding", INVERTER + INVERTER_WH_SF, &[1]);
    server.set("holding", METER + METER_W, &[(-1_500i16).cast_unsigned()]);
    server.set("holding", METER + METER_W_SF, &[(-1i16).cast_unsigned()]);
    server.set_u32("holding", METER + METER_EXPORT, 4_000_000_000);
    server.set_u32("holding", METER + METER_IMPORT, 123_456);
    server.set("holding", METER + METER_WH_SF, &[0]);
}

#[tokio::test]
async fn models_103_and_203_are_read_with_their_scales_and_over_a_roll_over() {
    let Some(mut server) = Server::start(0) else {
        return;
    };
    sunspec(&mut server);
    let port = server.port;
    let text = |more: &str| {
        format!(
            "kind = \"sunspec\"\nconnection = \"tcp://127.0.0.1:{port}\"\ninterval_s = 1\n{more}"
        )
    };
    let meter = device(&text(""));
    let found = scan(&meter.wire().unwrap(), None).await.unwrap();
    let ids: Vec<u16> = found.iter().map(|m| m.id).collect();
    assert_eq!(ids, [1, 103, 203]);
    // Without a model named the meter is read, not the inverter before it.
    let mut ear = Ear::new(&[meter]);
    let Word::Said(0, said) = ear.word().await else {
        unreachable!()
    };
    let wh = |r: Option<wattpool_meter_codec::Register>| r.map(|r| r.wh.0);
    assert_eq!(wh(said.reading.import), Some(123_456));
    assert_eq!(wh(said.reading.export), Some(4_000_000_000));
    assert_eq!(said.reading.power_w, Some(-150));
    assert_eq!(said.meter.as_deref(), Some("Maker Model X SN-1"));
    // The accumulator rolls over: what the register says is handed on, metering knows what it means.
    server.set_u32("holding", METER + METER_EXPORT, 55);
    let rolled = ear.until(|w| match w {
        Word::Said(0, said) if wh(said.reading.export) == Some(55) => Some(()),
        _ => None,
    });
    rolled.await;
    // A scale that changes while it is read.
    server.set("holding", METER + METER_WH_SF, &[2]);
    let scaled = ear.until(|w| match w {
        Word::Said(0, said) if wh(said.reading.export) == Some(5_500) => Some(said.reading.import),
        _ => None,
    });
    let import = scaled.await.unwrap();
    assert_eq!((import.wh.0, import.step.0), (12_345_600, 100));
    let mut ear = Ear::new(&[device(&text("model = 103\nrole = \"generation\""))]);
    assert_eq!(ear.registers().await, (None, Some(76_543_210)));
    let mut ear = Ear::new(&[device(&text("model = 701"))]);
    assert!(ear
        .trouble()
        .await
        .contains("no model 701; there are: 1, 103, 203"));
}

#[tokio::test]
async fn plain_registers_are_read_and_a_server_that_comes_back_is_found() {
    let Some(mut server) = Server::start(0) else {
        return;
    };
    let port = server.port;
    let fill = |server: &mut Server, kwh: f32| {
        server.set_u32("input", 72, kwh.to_bits());
        server.set("input", 78, &[0x0001, 0x0002]);
        server.set("input", 52, &[(-42i16).cast_unsigned()]);
    };
    fill(&mut server, 1_234.5);
    let text = format!(
        r#"
kind = "modbus"
connection = "tcp://127.0.0.1:{port}"
interval_s = 1
value = [
    {{ quantity = "power", register = 52, bank = "input", type = "i16", unit = "W", scale = 1 }},
    {{ quantity = "import", register = 72, bank = "input", type = "f32", unit = "kWh" }},
    {{ quantity = "export", register = 78, bank = "input", type = "u32", order = "low_first", scale = -1, unit = "kWh" }},
]"#
    );
    let mut ear = Ear::new(&[device(&text)]);
    let Word::Said(0, said) = ear.word().await else {
        unreachable!()
    };
    assert_eq!((said.line, said.reading.power_w), (0, Some(-420)));
    assert_eq!(said.reading.import.map(|r| r.wh.0), Some(1_234_500));
    assert_eq!(ear.registers().await, (None, Some((0x0002_0001) * 100)));
    drop(server);
    assert!(ear.trouble().await.contains(&format!("127.0.0.1:{port}: ")));
    let Some(mut server) = Server::start(port) else {
        return;
    };
    fill(&mut server, 1_300.0);
    let back = ear.until(|w| match w {
        Word::Said(0, said) => said.reading.import.filter(|r| r.wh.0 == 1_300_000),
        _ => None,
    });
    back.await;
}

#[tokio::test]
async fn registers_and_models_are_read_over_a_serial_line_too() {
    let cable = Cable::new();
    let Some(mut server) = Server::at(cable.ports[1].to_str().unwrap()) else {
        return;
    };
    sunspec(&mut server);
    server.set_u32("input", 72, 1_234_567);
    let port = &cable.ports[0];
    let plain = format!(
        "kind = \"modbus\"\nconnection = {port:?}\nrole = \"import\"\ninterval_s = 1\nvalue = [{{ quantity = \"import\", register = 72, bank = \"input\", type = \"u32\", unit = \"Wh\" }}]"
    );
    let mut ear = Ear::new(&[device(&plain)]);
    assert_eq!(ear.registers().await, (Some(1_234_567), None));
    server.set_u32("input", 72, 1_234_600);
    while ear.registers().await != (Some(1_234_600), None) {}
    // One at a time holds a serial port.
    drop(ear);
    let model = format!("kind = \"sunspec\"\nconnection = {port:?}\ninterval_s = 1");
    let mut ear = Ear::new(&[device(&model)]);
    assert_eq!(ear.registers().await, (Some(123_456), Some(4_000_000_000)));
}
