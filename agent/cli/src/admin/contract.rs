//! `wattpool admin query` and `execute`: anything that a contract answers or takes. What exists is read from the
//! contracts' schemas, so that a new message is reachable when it is there.

use crate::chain::{block_on, failed, unusable, Session};
use crate::market::call;
use crate::{print, Failure};
use anyhow::anyhow;
use clap::ValueEnum;
use serde_json::{Map, Value};
use wattpool_ledger_wasmd::Market;
use wattpool_schema::{escrow, pool, token};
use wattpool_wallet::amount::{coins, show_coins};

/// A contract.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Contract {
    /// The energy token.
    Token,
    /// The energy pool.
    Pool,
    /// The trade escrow.
    Escrow,
}

/// Asks a contract.
#[derive(clap::Args)]
pub struct Query {
    #[command(flatten)]
    what: What,
}

/// Sends a message to a contract.
#[derive(clap::Args)]
pub struct Execute {
    #[command(flatten)]
    what: What,
    /// Money that goes with it, such as "20 watt".
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
}

#[derive(clap::Args)]
struct What {
    /// Which contract.
    contract: Contract,
    /// Which message, such as grid-state, or the whole of it in JSON; without it, all are listed with their fields.
    message: Option<String>,
    /// Its fields, such as owner=watt1... or window=12; values are JSON or plain text.
    fields: Vec<String>,
}

impl Contract {
    const fn address(self, market: &Market) -> &String {
        match self {
            Self::Token => &market.token.address,
            Self::Pool => &market.pool.address,
            Self::Escrow => &market.escrow.address,
        }
    }

    /// The contract's schema, as it is published.
    const fn schema(self) -> &'static str {
        match self {
            Self::Token => include_str!("../../../../schema/json/energy-token.json"),
            Self::Pool => include_str!("../../../../schema/json/energy-pool.json"),
            Self::Escrow => include_str!("../../../../schema/json/trade-escrow.json"),
        }
    }

    /// Checks a message against its type: what is wrong is named before anything is sent.
    fn check(self, part: &str, message: &Value) -> Result<(), serde_json::Error> {
        let text = message.to_string();
        match (self, part) {
            (Self::Token, "query") => serde_json::from_str::<token::QueryMsg>(&text).map(drop),
            (Self::Token, _) => serde_json::from_str::<token::ExecuteMsg>(&text).map(drop),
            (Self::Pool, "query") => serde_json::from_str::<pool::QueryMsg>(&text).map(drop),
            (Self::Pool, _) => serde_json::from_str::<pool::ExecuteMsg>(&text).map(drop),
            (Self::Escrow, "query") => serde_json::from_str::<escrow::QueryMsg>(&text).map(drop),
            (Self::Escrow, _) => serde_json::from_str::<escrow::ExecuteMsg>(&text).map(drop),
        }
    }
}

/// A message that a schema lists.
struct Listed {
    name: String,
    about: String,
    /// Names, and whether each has to be there.
    fields: Vec<(String, bool)>,
}

/// All messages of a part (`execute` or `query`) of a contract's schema.
fn listed(contract: Contract, part: &str) -> Result<Vec<Listed>, Failure> {
    let schema: Value = serde_json::from_str(contract.schema())?;
    let variants = schema
        .get(part)
        .and_then(|p| p.get("oneOf"))
        .and_then(Value::as_array);
    let mut all = Vec::new();
    for variant in variants.map(Vec::as_slice).unwrap_or_default() {
        let Some((name, inner)) = variant
            .get("properties")
            .and_then(Value::as_object)
            .and_then(|p| p.iter().next())
        else {
            continue;
        };
        let required = inner.get("required").and_then(Value::as_array);
        let needed =
            |field: &str| required.is_some_and(|r| r.iter().any(|f| f.as_str() == Some(field)));
        let fields = inner.get("properties").and_then(Value::as_object);
        all.push(Listed {
            name: name.clone(),
            about: variant
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            fields: fields
                .map(|f| f.keys().map(|k| (k.clone(), needed(k))).collect())
                .unwrap_or_default(),
        });
    }
    Ok(all)
}

fn list(contract: Contract, part: &str) -> Result<u8, Failure> {
    let mut text = String::new();
    for message in listed(contract, part)? {
        text.push_str(&message.name.replace('_', "-"));
        for (field, needed) in &message.fields {
            let shown = if *needed {
                format!(" {field}=…")
            } else {
                format!(" [{field}=…]")
            };
            text.push_str(&shown);
        }
        text.push_str(&format!("\n    {}\n", message.about));
    }
    print(&text)?;
    Ok(0)
}

/// The message that the arguments say.
fn message(what: &What, part: &str) -> Result<Option<Value>, Failure> {
    let Some(name) = &what.message else {
        return Ok(None);
    };
    if name.starts_with('{') {
        let whole: Value = serde_json::from_str(name)
            .map_err(|e| Failure::input(anyhow!("message: expected JSON: {e}")))?;
        let checked = what.contract.check(part, &whole);
        return checked
            .map(|()| Some(whole))
            .map_err(|e| Failure::input(anyhow!("message: {e}")));
    }
    let name = name.replace('-', "_");
    let known = listed(what.contract, part)?;
    let Some(found) = known.iter().find(|m| m.name == name) else {
        let names: Vec<&str> = known.iter().map(|m| m.name.as_str()).collect();
        return Err(Failure::input(anyhow!(
            "{name}: expected one of {}",
            names.join(", ")
        )));
    };
    let mut object = Map::new();
    for field in &what.fields {
        let Some((key, text)) = field.split_once('=') else {
            return Err(Failure::input(anyhow!(
                "{field}: expected a field such as name=value"
            )));
        };
        let key = key.replace('-', "_");
        if !found.fields.is_empty() && !found.fields.iter().any(|(f, _)| *f == key) {
            let names: Vec<&str> = found.fields.iter().map(|(f, _)| f.as_str()).collect();
            return Err(Failure::input(anyhow!(
                "{name}.{key}: expected one of {}",
                names.join(", ")
            )));
        }
        // 32 digits of a meter's id are text, not a number.
        let value = match serde_json::from_str(text) {
            Ok(Value::Number(n)) if n.is_f64() || text.len() > 20 => Value::String(text.to_owned()),
            Ok(value) => value,
            Err(_) => Value::String(text.to_owned()),
        };
        object.insert(key, value);
    }
    for (field, needed) in &found.fields {
        if *needed && !object.contains_key(field) {
            return Err(Failure::input(anyhow!("{name}: expected {field}=…")));
        }
    }
    let whole = |fields: Map<String, Value>| {
        Value::Object(std::iter::once((name.clone(), Value::Object(fields))).collect())
    };
    let asked = whole(object.clone());
    let Err(error) = what.contract.check(part, &asked) else {
        return Ok(Some(asked));
    };
    // Large integers of the contracts are text.
    for value in object.values_mut().filter(|v| v.is_number()) {
        *value = Value::String(value.to_string());
    }
    let as_text = whole(object);
    match what.contract.check(part, &as_text) {
        Ok(()) => Ok(Some(as_text)),
        Err(_) => Err(Failure::input(anyhow!("{name}: {error}"))),
    }
}

/// Asks and prints the answer, JSON.
///
/// # Errors
/// There is no such question or field (exit code 2), or the contract refuses.
pub fn query(session: &Session, args: &Query) -> Result<u8, Failure> {
    let Some(question) = message(&args.what, "query")? else {
        return list(args.what.contract, "query");
    };
    let market = session.market()?;
    block_on(async {
        let client = session.client().await?;
        let contract = args.what.contract.address(&market);
        let answer: Value = client
            .rpc()
            .smart(contract, &question)
            .await
            .map_err(failed)?;
        print(&wattpool_program::json(&answer)?)?;
        Ok(0)
    })
}

/// Sends and prints what came of it.
///
/// # Errors
/// There is no such message or field (exit code 2), or the contract refuses.
pub fn execute(session: &Session, args: &Execute) -> Result<u8, Failure> {
    let Some(msg) = message(&args.what, "execute")? else {
        return list(args.what.contract, "execute");
    };
    let market = session.market()?;
    let funds = args.amount.as_deref().map(|text| coins("--amount", text));
    let funds = funds.transpose().map_err(unusable)?.unwrap_or_default();
    let contract = args.what.contract.address(&market);
    let with = if funds.is_empty() {
        String::new()
    } else {
        format!(" with {}", show_coins(&funds))
    };
    let words = format!("send {msg} to {contract}{with}");
    block_on(session.transact(&words, |from| Ok(vec![call(from, contract, &msg, &funds)?])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(contract: Contract, message: &str, fields: &[&str]) -> What {
        What {
            contract,
            message: Some(message.to_owned()),
            fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        }
    }

    #[test]
    fn messages_are_made_of_fields_and_checked_against_their_types() {
        let id = "00000000000000000000000000000001";
        let found = message(
            &what(Contract::Pool, "meters-of", &["owner=watt1x", "limit=5"]),
            "query",
        )
        .unwrap();
        assert_eq!(
            found.unwrap().to_string(),
            r#"{"meters_of":{"limit":5,"owner":"watt1x"}}"#
        );
        let found = message(
            &what(Contract::Pool, "retire_meter", &[&format!("meter={id}")]),
            "execute",
        )
        .unwrap();
        assert_eq!(
            found.unwrap().to_string(),
            format!("{{\"retire_meter\":{{\"meter\":\"{id}\"}}}}")
        );
        let text = message(&what(Contract::Token, "burn", &["amount=5"]), "execute").unwrap();
        assert_eq!(text.unwrap().to_string(), r#"{"burn":{"amount":"5"}}"#);
        for (named, fields, expected) in [
            ("meters_for", vec![], "expected one of config"),
            ("meters_of", vec!["holder=x"], "expected one of"),
            ("meters_of", vec![], "expected owner="),
            ("window", vec!["window=soon"], "window: "),
            (
                "window",
                vec!["window"],
                "expected a field such as name=value",
            ),
        ] {
            let error = message(&what(Contract::Pool, named, &fields), "query").unwrap_err();
            assert_eq!(error.code, 2, "{named}");
            assert!(
                error.error.to_string().contains(expected),
                "{}",
                error.error
            );
        }
    }
}
