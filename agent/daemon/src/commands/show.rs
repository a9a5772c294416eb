//! `wattpool-agent status`, `offers`, `trades` and `history`.

use super::{Paged, Shown};
use crate::client::Client;
use crate::Failure;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fmt::Write;

/// A number or text of an answer, for people.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => other.to_string(),
    }
}

fn at<'v>(value: &'v Value, pointer: &str) -> Result<&'v Value> {
    value
        .pointer(pointer)
        .with_context(|| format!("the agent's answer has no {pointer}: another version?"))
}

fn rows(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .context("the agent's answer is no list: another version?")
}

/// A table with a header; the columns are pointers into each row.
fn table(list: &Value, columns: &[(&str, &str)]) -> Result<String> {
    let mut cells = vec![columns
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect::<Vec<_>>()];
    for row in rows(list)? {
        let row: Result<Vec<String>> = columns
            .iter()
            .map(|(_, pointer)| at(row, pointer).map(plain))
            .collect();
        cells.push(row?);
    }
    let width = |column: usize| {
        let widths = cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(String::len);
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ")?;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(text)
}

fn ask(
    shown: &Shown,
    path: &str,
    text: impl FnOnce(&Value) -> Result<String>,
) -> Result<u8, Failure> {
    let answer: Value = Client::at(&shown.at.config)?.get(path)?;
    crate::print(&if shown.json {
        crate::json(&answer)?
    } else {
        text(&answer)?
    })?;
    Ok(0)
}

pub fn status(shown: &Shown) -> Result<u8, Failure> {
    ask(shown, "/v1/status", |s| {
        let mut text = String::new();
        let mut line = |name: &str, value: String| writeln!(text, "{name:<14}{value}");
        let get = |pointer: &str| at(s, pointer).map(plain);
        line(
            "meter",
            format!("{} in zone {}", get("/meter")?, get("/zone")?),
        )?;
        let ok = at(s, "/health/ok")?.as_bool() == Some(true);
        line(
            "health",
            if ok {
                "ok".into()
            } else {
                "not well".to_owned()
            },
        )?;
        for trouble in rows(at(s, "/health/troubles")?)? {
            let (part, why) = (at(trouble, "/part")?, at(trouble, "/why")?);
            line("", format!("{}: {}", plain(part), plain(why)))?;
        }
        line(
            "block",
            format!("{} at {}", get("/block/height")?, get("/block/time")?),
        )?;
        line("meters", get("/meters")?)?;
        line("gate", get("/gate")?)?;
        line(
            "trading",
            match (at(s, "/policy/paused")?, at(s, "/window/market_paused")?) {
                (Value::Bool(true), _) => "paused by the owner".to_owned(),
                (_, Value::Bool(true)) => "the market is stopped".to_owned(),
                _ => "on".to_owned(),
            },
        )?;
        line("window", get("/window/live")?)?;
        let sold = format!(
            "{} Wh, sold {} Wh",
            get("/window/surplus")?,
            get("/window/sold")?
        );
        line("  surplus", sold)?;
        let bought = format!(
            "{} Wh, bought {} Wh",
            get("/window/deficit")?,
            get("/window/bought")?
        );
        line("  deficit", bought)?;
        line(
            "today",
            format!(
                "sold {} Wh, bought {} Wh for {} micro",
                get("/window/sold_today")?,
                get("/window/bought_today")?,
                get("/window/spent_today")?
            ),
        )?;
        for waiting in rows(at(s, "/awaiting")?)? {
            let (request, wh) = (at(waiting, "/request")?, at(waiting, "/wh")?);
            let partner = plain(at(waiting, "/partner")?);
            let (price, until) = (at(waiting, "/price")?, at(waiting, "/until")?);
            let sells = at(waiting, "/selling")?.as_bool() == Some(true);
            let act = if sells { "sell" } else { "buy" };
            line(
                "waits for you",
                format!("trade {request}: {act} {wh} Wh at {price} per kWh with {partner}, until {until}"),
            )?;
        }
        Ok(text)
    })
}

pub fn offers(shown: &Shown) -> Result<u8, Failure> {
    let status: Value = Client::at(&shown.at.config)?.get("/v1/status")?;
    let offers = at(&status, "/window/offers")?;
    crate::print(&if shown.json {
        crate::json(offers)?
    } else {
        table(
            offers,
            &[
                ("seller", "/seller"),
                ("Wh", "/wh"),
                ("price", "/price"),
                ("charge", "/charge"),
            ],
        )?
    })?;
    Ok(0)
}

pub fn trades(paged: &Paged) -> Result<u8, Failure> {
    ask(
        &paged.shown,
        &format!("/v1/trades?limit={}", paged.limit),
        |trades| {
            table(
                trades,
                &[
                    ("window", "/window"),
                    ("kind", "/kind"),
                    ("seller", "/seller"),
                    ("buyer", "/buyer"),
                    ("Wh", "/arrived"),
                    ("price", "/price"),
                    ("paid", "/paid"),
                    ("charge", "/charge"),
                    ("closed", "/closed_at"),
                ],
            )
        },
    )
}

pub fn history(paged: &Paged) -> Result<u8, Failure> {
    ask(
        &paged.shown,
        &format!("/v1/history?limit={}", paged.limit),
        |notices| table(notices, &[("time", "/at"), ("what", "/notice")]),
    )
}
