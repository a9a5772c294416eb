//! wasmd's own commands, and `wattpool`'s.

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use wattpool_program_harness::{self as harness, Ran};

/// The wasmd that is tested against.
pub fn wasmd() -> PathBuf {
    let path = wattpool_testnet::built::wasmd();
    assert!(
        path.is_file(),
        "no wasmd at {}: testnet/build builds it, or WATTPOOL_WASMD names one",
        path.display()
    );
    path
}

/// Runs a program with these lines on its standard input.
pub fn fed(mut command: Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    harness::ended(child.wait_with_output().unwrap())
}

/// wasmd's keys and offline transactions, in a folder of their own.
pub struct Theirs {
    pub home: tempfile::TempDir,
}

impl Theirs {
    pub fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub fn run(&self, args: &[&str], input: &str) -> Ran {
        let mut command = Command::new(wasmd());
        command
            .args(args)
            .args(["--keyring-backend", "test", "--home"])
            .arg(self.home.path());
        fed(command, input)
    }

    /// What it prints, which is JSON; on whichever of its outputs.
    pub fn json(&self, args: &[&str], input: &str) -> Value {
        let ran = self.run(args, input);
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
        let text = if ran.stdout.trim().is_empty() {
            &ran.stderr
        } else {
            &ran.stdout
        };
        serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{args:?}: {e}: {text}"))
    }
}

/// The wallet's keys, in a folder of their own.
pub struct Ours {
    pub home: tempfile::TempDir,
    /// Options of every call.
    pub options: Vec<String>,
}

impl Ours {
    pub fn new(options: &[&str]) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            options: options.iter().map(|o| (*o).to_owned()).collect(),
        }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = harness::command(args);
        // Nothing of the machine's own settings.
        command.env("WATTPOOL_CONFIG", self.home.path().join("none.toml"));
        command
            .args(["--keyring-backend", "test", "--home"])
            .arg(self.home.path());
        command.args(&self.options);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        harness::ended(self.command(args).output().unwrap())
    }

    pub fn fed(&self, args: &[&str], input: &str) -> Ran {
        fed(self.command(args), input)
    }

    /// What a call prints as JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut line = args.to_vec();
        line.push("--json");
        self.run(&line).json()
    }

    pub fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    /// Writes a file into the folder and answers its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Adds a key from its words.
    pub fn recover(&self, name: &str, words: &str) -> String {
        let ran = self.fed(
            &["wallet", "recover", name, "--json"],
            &format!("{words}\n"),
        );
        ran.json()["address"].as_str().unwrap().to_owned()
    }
}
