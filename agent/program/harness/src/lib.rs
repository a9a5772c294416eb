//! The built command as its users meet it: arguments and input in; exit code, stdout and stderr out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a call left behind.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The only JSON object on stdout.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("stdout is not one JSON value ({e}): {}", self.stdout))
    }
}

/// A program of the project, built beside the running test. `cargo test --workspace` builds all of them.
pub fn built(program: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/NAME-HASH → target/debug/NAME
    let path = test.parent().unwrap().parent().unwrap().join(program);
    assert!(
        path.is_file(),
        "{} is missing: cargo build --bin {program}",
        path.display()
    );
    path
}

/// A program, not yet started.
pub fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(built(name));
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// `wattpool`, not yet started.
pub fn command(args: &[&str]) -> Command {
    program("wattpool", args)
}

/// `wattpool` with these arguments.
pub fn wattpool(args: &[&str]) -> Ran {
    ended(command(args).output().unwrap())
}

/// `wattpool-agent` with these arguments.
pub fn wattpool_agent(args: &[&str]) -> Ran {
    ended(program("wattpool-agent", args).output().unwrap())
}

/// `wattpool-bench` with these arguments.
pub fn wattpool_bench(args: &[&str]) -> Ran {
    ended(program("wattpool-bench", args).output().unwrap())
}

/// `wattpool` with text on standard input.
pub fn wattpool_reading(args: &[&str], input: &str) -> Ran {
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let ran = ended(child.wait_with_output().unwrap());
    writer.join().unwrap().unwrap();
    ran
}

/// What a call that has ended left behind.
pub fn ended(output: std::process::Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// A simulated run with everything recorded, without a violation: its folder, inside `dir`.
pub fn recorded(dir: &Path, args: &[&str]) -> PathBuf {
    let out = dir.join("run");
    let mut all = vec!["simulate", "--record", "--json", "--out"];
    all.push(out.to_str().unwrap());
    all.extend(args);
    assert_eq!(wattpool(&all).json()["invariant_violations"], 0);
    out
}

/// A scenario shipped with the project.
pub fn scenario(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../simulator/scenarios")
        .join(name);
    path.to_str().unwrap().to_owned()
}

/// Folder that holds `citylearn-2022`: `$WATTPOOL_DATA`, else `shared/data` beside the checkout.
pub fn data() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let folder = std::env::var_os("WATTPOOL_DATA")
        .map_or_else(|| root.join("../shared/data"), PathBuf::from);
    let there = [folder.join("citylearn-2022"), folder.clone()]
        .into_iter()
        .find(|f| f.join("Building_1.csv").is_file());
    if there.is_none() {
        println!(
            "skipped: no data in {} (set WATTPOOL_DATA)",
            folder.display()
        );
    }
    there
}

/// A number of the summary, whatever kind of number.
pub fn number(summary: &Value, field: &str) -> f64 {
    summary[field]
        .as_f64()
        .unwrap_or_else(|| panic!("{field}: {}", summary[field]))
}

/// Rows of a CSV table without quotes, by column name.
pub fn table(path: &Path) -> Vec<std::collections::HashMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), header.len(), "{}: {line}", path.display());
        header
            .iter()
            .zip(cells)
            .map(|(name, cell)| ((*name).to_owned(), cell.to_owned()))
            .collect()
    };
    lines.map(row).collect()
}

/// Sum of a column.
pub fn sum(rows: &[std::collections::HashMap<String, String>], column: &str) -> f64 {
    rows.iter()
        .map(|row| row[column].parse::<f64>().unwrap())
        .sum()
}
