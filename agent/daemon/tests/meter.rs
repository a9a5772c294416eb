//! From `init --meter` to the first reading, and what `meter test` says of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

#[path = "common/program.rs"]
mod program;

use program::{command, text};
use serde_json::Value;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

const ID: &str = "00112233445566778899aabbccddeeff";

fn agent(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// A network adapter that hands out a telegram twice a second: 3.6 kW, a Wh a second.
fn meter(lines: fn(u64) -> String) -> u16 {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let begun = Instant::now();
        while let Ok((mut stream, _)) = server.accept() {
            loop {
                let telegram = format!(
                    "/ISk5\\2MT382-1004\r\n\r\n{}!\r\n",
                    lines(begun.elapsed().as_secs())
                );
                if stream.write_all(telegram.as_bytes()).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(500));
            }
        }
    });
    port
}

fn init(folder: &Path, port: u16) {
    std::fs::write(folder.join("passphrase"), "correct horse battery\n").unwrap();
    let connection = format!("tcp://127.0.0.1:{port}");
    let out = agent(
        folder,
        &[
            "init",
            "--meter",
            "p1",
            "--connection",
            &connection,
            "--id",
            ID,
        ],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[test]
fn a_meter_is_read_after_two_commands() {
    let folder = tempfile::tempdir().unwrap();
    let port = meter(|s| {
        format!(
            "1-0:1.8.1(00100.{s:03}*kWh)\r\n1-0:2.8.1(00007.000*kWh)\r\n1-0:1.7.0(0003.60*kW)\r\n"
        )
    });
    init(folder.path(), port);
    let written = std::fs::read_to_string(folder.path().join("agent.toml")).unwrap();
    assert!(
        written.contains(ID) && !written.contains("[meter.replay]"),
        "{written}"
    );
    let out = agent(
        folder.path(),
        &["meter", "read", "--count", "2", "--seconds", "30"],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    let lines: Vec<Value> = text(&out.stdout)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["device"], "p1");
    assert!((100_000..100_100).contains(&lines[0]["import_wh"].as_u64().unwrap()));
    assert_eq!(
        (&lines[0]["export_wh"], &lines[0]["power_w"]),
        (&7_000.into(), &3_600.into())
    );
    let out = agent(folder.path(), &["meter", "test", "--seconds", "8"]);
    let told = text(&out.stdout);
    assert!(out.status.success(), "{told}{}", text(&out.stderr));
    assert!(
        told.contains("right  at most 1 s between two readings"),
        "{told}"
    );
    assert!(told.contains("registers move as the power says"), "{told}");
}

#[test]
fn a_meter_that_is_wired_the_wrong_way_round_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let port = meter(|s| {
        format!(
            "1-0:1.8.1(00100.000*kWh)\r\n1-0:2.8.1(00007.{s:03}*kWh)\r\n1-0:1.7.0(0003.60*kW)\r\n"
        )
    });
    init(folder.path(), port);
    let out = agent(folder.path(), &["meter", "test", "--seconds", "8"]);
    let told = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{told}");
    assert!(
        told.contains("wrong  ") && told.contains("the wrong way round"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let out = agent(folder.path(), arguments);
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).contains(words), "{}", text(&out.stderr));
    };
    refused(&["init", "--meter", "p2"], "expected p1, sml, dlms");
    refused(
        &["init", "--connection", "/dev/ttyS0"],
        "--connection: expected --meter",
    );
    refused(
        &["init", "--meter", "shelly", "--connection", "/dev/ttyS0"],
        "such as http://host/page",
    );
    refused(
        &["meter", "scan", "host:port"],
        "connection: expected a serial port",
    );
    assert!(
        !folder.path().join("agent.toml").exists(),
        "nothing was written"
    );
}
