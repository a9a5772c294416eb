//! Tables for a spreadsheet or a program, and whose word they are.

use crate::index::{IndexError, Prefix, Reader, Sort, TradeFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use wattpool_schema::event::AttributeValue;

/// Most rows of a table: whoever wants more takes `wattpool audit export`.
pub const ROWS: usize = 200_000;

/// Signs bytes; why not, in a line.
pub type Sign = std::sync::Arc<dyn Fn(&[u8]) -> Result<Value, String> + Send + Sync>;

/// Signs the SHA-256 of a file, 64 hexadecimal digits as text, as ADR-036 has it.
#[derive(Clone)]
pub struct Signer {
    /// The auditor's address.
    pub address: String,
    /// Signs.
    pub sign: Sign,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A closed trade, the newest first.
    Trades,
    /// A window, the newest first.
    Windows,
    /// A meter.
    Meters,
    /// A day of fees, the newest first.
    Fees,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A table with a line of names; exact figures: Wh, micro-units, Unix seconds.
    #[default]
    Csv,
    /// The same as a list of objects.
    Json,
}

/// What a signature is of.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Signed {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The auditor's address.
    pub address: String,
    /// Its ADR-036 signature of the digest as text.
    pub signature: Value,
}

/// SHA-256, hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Rows of objects that are all alike.
fn rows(reader: &Reader, what: What) -> Result<Vec<Value>, IndexError> {
    let mut found = Vec::new();
    match what {
        What::Trades => {
            let mut filter = TradeFilter {
                sort: Sort::Time,
                ..TradeFilter::default()
            };
            while found.len() < ROWS {
                let page = reader.trades(&filter, crate::index::PAGE)?;
                for trade in &page.trades {
                    let mut value = serde_json::to_value(trade)?;
                    if let Some(kind) = value.get_mut("kind") {
                        *kind = Value::String(trade.kind.to_text());
                    }
                    found.push(value);
                }
                let Some(next) = page.next else { break };
                filter.after = Some(next);
            }
        }
        What::Windows => {
            let mut before = u64::MAX;
            while found.len() < ROWS {
                let page = reader.windows(0, before, crate::index::POINTS)?;
                let Some(last) = page.last() else { break };
                before = last.window;
                for row in &page {
                    found.push(serde_json::to_value(row)?);
                }
            }
        }
        What::Meters => {
            let mut after = None;
            while found.len() < ROWS {
                let page = reader.meters(Prefix::ALL, after, crate::index::PAGE)?;
                let Some(last) = page.last() else { break };
                after = Some(
                    last.meter
                        .parse()
                        .map_err(|e| IndexError::Broken(format!("meter: {e}")))?,
                );
                for row in &page {
                    found.push(serde_json::to_value(row)?);
                }
            }
        }
        What::Fees => {
            for row in reader.fees()? {
                found.push(serde_json::to_value(row)?);
            }
        }
    }
    Ok(found)
}

/// A text that a spreadsheet program takes for a formula stays a text.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The file, the same bytes every time of the same index.
///
/// # Errors
/// The index cannot be read.
pub fn file(reader: &Reader, what: What, form: Form) -> Result<Vec<u8>, IndexError> {
    let rows = rows(reader, what)?;
    if form == Form::Json {
        return Ok(serde_json::to_vec(&rows)?);
    }
    let mut out = csv::Writer::from_writer(Vec::new());
    let broken = |e: csv::Error| IndexError::Broken(e.to_string());
    let names: Vec<String> = rows
        .first()
        .and_then(Value::as_object)
        .map(|o| o.keys().cloned().collect())
        .unwrap_or_default();
    if !names.is_empty() {
        out.write_record(&names).map_err(broken)?;
    }
    for row in &rows {
        let cells = names
            .iter()
            .map(|name| cell(row.get(name).unwrap_or(&Value::Null)));
        out.write_record(cells).map_err(broken)?;
    }
    out.into_inner()
        .map_err(|e| IndexError::Broken(e.to_string()))
}
