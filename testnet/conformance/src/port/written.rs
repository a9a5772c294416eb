//! Answers as lines in which nothing is left that differs between two runs.

use serde_json::{Map, Value};
use wattpool_core::io::TxFailure;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::Window;

/// What is written down.
pub struct Written {
    /// Windows are counted from here.
    pub base: Window,
    /// Addresses and their names.
    pub names: Vec<(String, String)>,
    /// The lines.
    pub lines: Vec<String>,
}

impl Written {
    /// Writes what was done and what came of it.
    pub fn outcome(&mut self, doing: &str, outcome: &Result<Vec<MarketEvent>, TxFailure>) {
        match outcome {
            Ok(events) => {
                self.lines.push(format!("{doing}: done"));
                for event in events {
                    let line = self.event(event);
                    self.lines.push(line);
                }
            }
            Err(failure) => self.lines.push(format!("{doing}: {failure:?}")),
        }
    }

    /// Writes an answer to a question.
    pub fn answer(&mut self, asking: &str, answer: impl std::fmt::Debug) {
        let line = self.named(format!("{asking}: {answer:?}"));
        self.lines.push(line);
    }

    /// Writes a JSON answer to a question.
    pub fn json(&mut self, asking: &str, answer: Value) {
        let value = self.value("", answer);
        let line = self.named(format!("{asking}: {value}"));
        self.lines.push(line);
    }

    /// An event as a line.
    pub fn event(&self, event: &MarketEvent) -> String {
        let value = serde_json::to_value(event).expect("an event");
        self.named(format!("  {}", self.value("", value)))
    }

    fn named(&self, mut line: String) -> String {
        for (address, name) in &self.names {
            line = line.replace(address, name);
        }
        line
    }

    fn value(&self, key: &str, value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let map: Map<String, Value> = map
                    .into_iter()
                    .map(|(key, value)| {
                        let value = self.value(&key, value);
                        (key, value)
                    })
                    .collect();
                Value::Object(map)
            }
            Value::Array(list) => {
                Value::Array(list.into_iter().map(|v| self.value(key, v)).collect())
            }
            // The head of the hash chain and the times are of the run; windows count from its first.
            _ if ["head", "requested_at", "closed_at"].contains(&key) => Value::Null,
            Value::Number(n) if key.ends_with("window") || key == "stated" => {
                let window = n.as_u64().expect("a window");
                match window.checked_sub(self.base.0) {
                    // Where nothing has happened in any window yet, zero stands on every chain.
                    _ if window == 0 => "never".into(),
                    Some(offset) => format!("w+{offset}").into(),
                    None => format!("w{}", window as i64 - self.base.0 as i64).into(),
                }
            }
            other => other,
        }
    }
}
