//! P1, SML and DLMS over a pseudo-terminal, P1 over TCP: what is read, what is told when a line is cut, and that it is read
//! again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::wire::wire;
use common::{device, Ear, Word};
use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_home_devices::LiveMeter;
use wattpool_meter_codec::links::fcs;
use wattpool_schema::Window;

/// A telegram without a check, as version 2.2 has it.
fn telegram(import: u64, export: u64, watts: u64) -> String {
    let kwh = |wh: u64| format!("{:05}.{:03}*kWh", wh / 1_000, wh % 1_000);
    format!(
        "/ISk5\\2MT382-1004\r\n\r\n1-0:1.8.1({})\r\n1-0:2.8.1({})\r\n1-0:1.7.0({:04}.{:02}*kW)\r\n!\r\n",
        kwh(import),
        kwh(export),
        watts / 1_000,
        watts % 1_000 / 10
    )
}

/// An SML file: import in tenths of a Wh, power in W.
fn sml(import: u32, power: i16) -> Vec<u8> {
    let head = [0x77u8, 0x07, 1, 0];
    let mut import_entry = [&head[..], &[1, 8, 0, 255, 1, 1, 0x62, 30, 0x52, 0xFF, 0x65]].concat();
    import_entry.extend(import.to_be_bytes());
    import_entry.push(1);
    let mut power_entry = [&head[..], &[16, 7, 0, 255, 1, 1, 0x62, 27, 0x52, 0, 0x53]].concat();
    power_entry.extend(power.to_be_bytes());
    power_entry.push(1);
    let list = [
        0x77, 1, 0x05, 1, 2, 3, 4, 1, 0x72, 0x62, 1, 0x65, 0, 0, 1, 0, 0x72,
    ];
    let message = [
        &[0x76, 0x02, 1, 0x62, 0, 0x62, 0, 0x72, 0x63, 0x07, 0x01][..],
        &list,
        &import_entry,
        &power_entry,
        &[1, 1, 0x63, 0, 0, 0],
    ]
    .concat();
    sml_rs::transport::encode::<Vec<u8>>(&message).unwrap()
}

#[tokio::test]
async fn p1_over_a_serial_line_that_is_cut_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("line");
    let mut line = wire(&name);
    let mut ear = Ear::new(&[device(&format!("kind = \"p1\"\nconnection = {:?}", name))]);
    // In the middle of a telegram, then a whole one, then one with a flaw, then a whole one.
    let whole = telegram(1_001, 7, 1_230);
    line.meter.write_all(&whole.as_bytes()[40..]).unwrap();
    line.meter.write_all(whole.as_bytes()).unwrap();
    assert_eq!(ear.registers().await, (Some(1_001), Some(7)));
    line.meter
        .write_all(whole.replace("kWh", "kVA").as_bytes())
        .unwrap();
    let refused = ear.until(|w| match w {
        Word::Refused(0, why) if why.contains("1-0:1.8.1") => Some(why.clone()),
        _ => None,
    });
    assert!(refused.await.contains("expected such as 00001.001*kWh"));
    line.meter
        .write_all(telegram(1_002, 7, 0).as_bytes())
        .unwrap();
    assert_eq!(ear.registers().await, (Some(1_002), Some(7)));
    drop(line);
    let why = ear.trouble().await;
    assert!(why.contains("line at 115200 8N1: "), "{why}");
    let mut line = wire(&name);
    let mended = async {
        loop {
            line.meter
                .write_all(telegram(1_900, 8, 0).as_bytes())
                .unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = mended => {}
        read = ear.registers() => assert_eq!(read, (Some(1_900), Some(8))),
    }
}

#[tokio::test]
async fn sml_over_a_serial_line() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("line");
    let mut line = wire(&name);
    let text = format!("kind = \"sml\"\nconnection = {name:?}\nswapped = true");
    let mut ear = Ear::new(&[device(&text)]);
    line.meter.write_all(&sml(12_345, -300)).unwrap();
    let said = ear.until(|w| match w {
        Word::Said(0, said) => Some(said.clone()),
        _ => None,
    });
    let said = said.await;
    assert_eq!(said.reading.import, None);
    assert_eq!(
        said.reading.export.map(|r| r.wh.0),
        Some(1_234),
        "wired the other way round"
    );
    assert_eq!(said.reading.power_w, Some(300));
}

/// A DLMS push over HDLC: an import register of so many Wh.
fn push(import: u32) -> Vec<u8> {
    let mut apdu = vec![0x0F, 0, 0, 0, 0, 0, 1, 1, 2, 3, 9, 6, 1, 0, 1, 8, 0, 255, 6];
    apdu.extend(import.to_be_bytes());
    apdu.extend([2, 2, 0x0F, 0, 0x16, 30]);
    let length = u16::try_from(apdu.len()).unwrap() + 0xA00D;
    let mut frame = [&length.to_be_bytes()[..], &[0x41, 8, 0x83, 0x13]].concat();
    frame.extend(fcs(&frame).to_le_bytes());
    frame.extend([0xE6, 0xE7, 0]);
    frame.extend(apdu);
    frame.extend(fcs(&frame).to_le_bytes());
    [&[0x7E][..], &frame, &[0x7E]].concat()
}

#[tokio::test]
async fn dlms_over_a_serial_line_that_is_cut_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("line");
    let mut line = wire(&name);
    let mut ear = Ear::new(&[device(&format!(
        "kind = \"dlms\"\nconnection = {name:?}\nline = \"2400 8N1\""
    ))]);
    // A pseudo-terminal has no parity. The end of a frame, a whole one, one with a flaw, and a whole one in pieces.
    line.meter.write_all(&push(1)[20..]).unwrap();
    line.meter.write_all(&push(65_538)).unwrap();
    assert_eq!(ear.registers().await, (Some(65_538), None));
    let mut flawed = push(70_000);
    flawed[25] ^= 1;
    line.meter.write_all(&flawed).unwrap();
    for piece in push(65_540).chunks(9) {
        line.meter.write_all(piece).unwrap();
    }
    assert_eq!(ear.registers().await, (Some(65_540), None));
    drop(line);
    let why = ear.trouble().await;
    assert!(why.contains("line at 2400 8N1: "), "{why}");
}

#[tokio::test]
async fn p1_over_tcp_that_is_closed_and_opened_again() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let mut ear = Ear::new(&[device(&format!(
        "kind = \"p1\"\nconnection = \"tcp://127.0.0.1:{port}\""
    ))]);
    for import in [5_000u64, 6_000] {
        let (mut stream, _) = server.accept().await.unwrap();
        for piece in telegram(import, 0, 0).as_bytes().chunks(7) {
            stream.write_all(piece).await.unwrap();
        }
        assert_eq!(ear.registers().await, (Some(import), Some(0)));
        drop(stream);
        assert!(ear.trouble().await.contains("has closed the connection"));
    }
    drop(server);
    assert!(ear.trouble().await.contains("refused"));
}

/// Windows of two seconds pass while a meter speaks; the agent's meter has the registers at their ends.
#[tokio::test]
async fn registers_at_the_ends_of_windows_are_drawn_and_kept() {
    const WINDOW_S: u32 = 2;
    let folder = tempfile::tempdir().unwrap();
    let (name, kept) = (
        folder.path().join("line"),
        folder.path().join("profile.jsonl"),
    );
    let mut line = wire(&name);
    let devices = [device(&format!("kind = \"p1\"\nconnection = {name:?}"))];
    let meter = LiveMeter::start(&devices, WINDOW_S, &kept).unwrap();
    let unix = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis()
    };
    // A register that shows the time: seconds since the beginning, a thousand Wh each.
    let begin = unix() / 1_000;
    let speak = async {
        loop {
            let wh = u64::try_from(unix() - begin * 1_000).unwrap();
            line.meter.write_all(telegram(wh, 0, 0).as_bytes()).unwrap();
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    let window = |ms: u128| Window(u64::try_from(ms / 1_000).unwrap() / u64::from(WINDOW_S));
    let first = window(unix()).next();
    let ask = async {
        let mut ends = Vec::new();
        for window in [first, first.next(), first.next().next()] {
            ends.push((window, meter.registers(window).await.unwrap()));
        }
        ends
    };
    let ends = tokio::select! {
        () = speak => unreachable!(),
        ends = ask => ends,
    };
    for (window, reading) in &ends {
        let end = window.end(WINDOW_S);
        assert_eq!((reading.window, reading.taken_at), (*window, end));
        // Words carry whole seconds and come four times in one: the register may lag by a second and a half.
        let exact = (end.0 - u64::try_from(begin).unwrap()) * 1_000;
        let off = reading.import_register.0.abs_diff(exact);
        assert!(
            off <= 1_500,
            "{window:?}: {} instead of {exact}",
            reading.import_register
        );
    }
    // Before it began there is nothing, and that is said.
    let before = meter.registers(Window(first.0 - 10)).await.unwrap_err();
    assert!(matches!(before, MeterError::NotKept { .. }), "{before}");
    drop((meter, line));
    std::fs::remove_file(&name).unwrap();
    // A restarted agent can still state them, though the line is gone.
    let meter = LiveMeter::start(&devices, WINDOW_S, &kept).unwrap();
    for (window, reading) in ends {
        let again = meter.registers(window).await.unwrap();
        assert_eq!(again.import_register, reading.import_register);
    }
}
