//! A Modbus server that is not ours (pymodbus).

use super::root;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub fn start(port: u16) -> Option<Self> {
        Self::at(&port.to_string())
    }

    /// On a port, or on a serial line.
    pub fn at(place: &str) -> Option<Self> {
        let python = root().join("target/tools/meter-oracles/bin/python");
        if !python.exists() {
            assert!(
                std::env::var_os("WATTPOOL_METER_ORACLES").is_none(),
                "{} is missing: run scripts/tools/meter-oracles",
                python.display()
            );
            println!("skipped: no pymodbus (scripts/tools/meter-oracles installs it)");
            return None;
        }
        let mut child = Command::new(python)
            .arg(root().join("scripts/tools/meter-server.py"))
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Some(Self {
            child,
            input,
            output,
            port,
        })
    }

    pub fn ask(&mut self, line: &serde_json::Value) -> String {
        writeln!(self.input, "{line}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    pub fn set(&mut self, bank: &str, at: u16, values: &[u16]) {
        let answer = self.ask(&json!({ "bank": bank, "at": at, "values": values }));
        assert_eq!(answer, "set");
    }

    pub fn set_u32(&mut self, bank: &str, at: u16, value: u32) {
        let high = u16::try_from(value >> 16).unwrap();
        let low = u16::try_from(value & 0xFFFF).unwrap();
        self.set(bank, at, &[high, low]);
    }
}
