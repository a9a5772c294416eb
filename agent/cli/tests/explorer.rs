//! `wattpool explorer` over a recorded simulation: its figures are those of the audit, and it goes on where it was stopped.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};
use wattpool_program_harness::{command, wattpool};

/// An explorer that runs until it is dropped.
struct Site {
    child: Child,
    address: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Site {
    fn of(args: &[&str]) -> Self {
        let always = ["explorer", "--listen", "127.0.0.1:0", "--json"];
        let mut child = command(&[&always[..], args].concat()).spawn().unwrap();
        let mut said = String::new();
        let mut out = child.stdout.take().unwrap();
        let mut byte = [0];
        while !said.ends_with('}') {
            assert!(out.read(&mut byte).unwrap() > 0, "it ended after {said:?}");
            said.push(char::from(byte[0]));
        }
        let said: Value = serde_json::from_str(&said).unwrap();
        let url = said["url"].as_str().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self {
            child,
            address: address.to_owned(),
        }
    }

    fn ask(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let host = &self.address;
        let request =
            format!("GET /api/v1/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap_or_else(|e| panic!("{path}: {e}: {answer}"))
    }

    /// How it stands when the file is read to its end.
    fn complete(&self) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.ask("status");
            if status["complete"] == true {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{status}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn simulated(dir: &Path) -> String {
    let out = dir.join("run").to_str().unwrap().to_owned();
    let sim = [
        "simulate", "--record", "--json", "--days", "1", "--meters", "6", "--out", &out,
    ];
    assert_eq!(wattpool(&sim).json()["invariant_violations"], 0);
    out
}

#[test]
fn a_simulation_is_shown_as_the_audit_counts_it() {
    let dir = tempfile::tempdir().unwrap();
    let run = simulated(dir.path());
    let site = Site::of(&["--run", &run, "--currency", "EUR"]);
    let status = site.complete();
    let verified = wattpool(&["audit", "verify", &run, "--json"]).json();
    assert_eq!(status["totals"], verified["totals"]);
    assert_eq!(status["violations"], verified["violations"]);
    assert_eq!(status["currency"], "EUR");
    let market = wattpool(&["audit", "market", &run, "--json"]).json();
    let shown = site.ask("market");
    for part in ["days", "total", "sellers", "pairs"] {
        assert_eq!(shown[part], market["market"][part], "{part}");
    }
    let trades = wattpool(&["audit", "trades", &run, "--json"]).json();
    let mut listed = site.ask("export?what=trades&form=json");
    listed.as_array_mut().unwrap().reverse();
    assert_eq!(listed, trades["trades"]);
    let csv = dir.path().join("events.csv");
    let csv = csv.to_str().unwrap();
    let export = ["audit", "export", &run, "--format", "csv", "--out", csv];
    assert_eq!(wattpool(&export).code, Some(0));
    let lines = std::fs::read_to_string(csv).unwrap().lines().count();
    assert_eq!(status["counts"]["events"], lines - 1);
    // Killed, it goes on; of another run, it begins anew.
    drop(site);
    let again = Site::of(&["--run", &run]);
    assert_eq!(again.complete()["totals"], verified["totals"]);
    drop(again);
    let more = [
        "simulate", "--record", "--json", "--days", "1", "--meters", "4", "--out", &run,
    ];
    wattpool(&more).json();
    let other = Site::of(&["--run", &run]).complete();
    let verified = wattpool(&["audit", "verify", &run, "--json"]).json();
    assert_eq!(other["totals"], verified["totals"]);
    assert_ne!(other["totals"], status["totals"]);
}

#[test]
fn what_cannot_be_shown_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let refused = |args: &[&str], code: i32, named: &str| {
        let ran = wattpool(&[&["explorer", "--listen", "127.0.0.1:0"], args].concat());
        assert_eq!(
            ran.code,
            Some(code),
            "{args:?}: {}{}",
            ran.stdout,
            ran.stderr
        );
        assert!(ran.stderr.contains(named), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.trim_end().lines().count(), 1, "{}", ran.stderr);
    };
    refused(&["--run", &path("none")], 2, "none");
    refused(&["--run", &path("")], 2, "no chain.jsonl in this folder");
    std::fs::write(path("chain.jsonl"), "a letter\n").unwrap();
    refused(&["--run", &path("")], 2, "expected the header of an export");
    refused(&["--run", &path(""), "--currency", "<b>"], 2, "--currency");
    let run = simulated(dir.path());
    std::fs::write(path("strange.sqlite"), "a letter to somebody").unwrap();
    refused(
        &["--run", &run, "--index", &path("strange.sqlite")],
        2,
        "expected an explorer's index",
    );
    // A line was edited: nothing of it is shown as if it were right.
    let file = format!("{run}/chain.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let edited = text.replacen("\"paid\":", "\"paid\":1", 1);
    assert_ne!(text, edited);
    std::fs::write(&file, edited).unwrap();
    refused(&["--run", &run], 3, "audit verify says more");
}
