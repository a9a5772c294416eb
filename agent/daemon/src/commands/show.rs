//! `wattpool-agent status`, `offers`, `trades` and `history`: for people in kWh, money and local time; `--json` gives what
//! the agent answered.

use super::{Paged, Shown};
use crate::client::Client;
use crate::Failure;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_daemon::figures::{clock, energy, midnight, money, price, short, time};

pub fn at<'v>(value: &'v Value, pointer: &str) -> Result<&'v Value> {
    value
        .pointer(pointer)
        .with_context(|| format!("the agent's answer has no {pointer}: another version?"))
}

pub fn rows<'v>(value: &'v Value, pointer: &str) -> Result<&'v Vec<Value>> {
    at(value, pointer)?
        .as_array()
        .with_context(|| format!("{pointer} of the agent's answer is no list: another version?"))
}

pub fn text(value: &Value, pointer: &str) -> Result<String> {
    Ok(match at(value, pointer)? {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => other.to_string(),
    })
}

pub fn number(value: &Value, pointer: &str) -> Result<u64> {
    at(value, pointer)?
        .as_u64()
        .with_context(|| format!("{pointer} of the agent's answer is no number: another version?"))
}

pub fn signed(value: &Value, pointer: &str) -> Result<i64> {
    at(value, pointer)?
        .as_i64()
        .with_context(|| format!("{pointer} of the agent's answer is no number: another version?"))
}

/// A table; figures are set to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> Result<String> {
    let figures: Vec<bool> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            !rows.is_empty()
                && cells.clone().all(|cell| {
                    cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                        && cell.contains(' ')
                        && cell.ends_with(|c: char| c.is_alphabetic())
                })
        })
        .collect();
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let all = || std::iter::once(&header).chain(rows);
    let width = |column: usize| {
        let widths = all()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    for row in all() {
        let mut line = String::new();
        for ((cell, width), figure) in row.iter().zip(&widths).zip(&figures) {
            if *figure {
                write!(line, "{cell:>width$}  ")?;
            } else {
                write!(line, "{cell:<width$}  ")?;
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    Ok(out)
}

pub fn print(shown: &Shown, exact: &Value, text: impl FnOnce() -> Result<String>) -> Result<()> {
    crate::print(&if shown.json {
        crate::json(exact)?
    } else {
        text()?
    })
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

pub fn status(shown: &Shown) -> Result<u8, Failure> {
    let client = Client::at(&shown.at.config)?;
    let status: Value = client.get("/api/v1/status")?;
    let waits = !at(&status, "/waiting_for")?.is_null();
    print(shown, &status, || {
        let edges = format!("edges={},{}", midnight(now()), now().saturating_add(1));
        let energy = client.get(&format!("/api/v1/energy?{edges}"))?;
        let money = client.get(&format!("/api/v1/money?{edges}"))?;
        describe(&status, &energy, &money)
    })?;
    // Who waits does not trade: a script sees it.
    Ok(u8::from(waits))
}

fn describe(s: &Value, spent: &Value, came: &Value) -> Result<String> {
    let mut out = String::new();
    let mut line = |name: &str, value: String| writeln!(out, "{name:<10}{value}");
    let currency = text(s, "/currency")?;
    let coins = |micro| money(micro, &currency);
    let zone = text(s, "/zone")?;
    line("meter", format!("{}, zone {zone}", text(s, "/meter")?))?;
    if let Some(what) = at(s, "/waiting_for")?.as_str() {
        line("waiting", format!("for {what}"))?;
    } else if at(s, "/health/ok")?.as_bool() == Some(true) {
        line("health", "ok".into())?;
    } else {
        line("health", "not well".into())?;
    }
    for trouble in rows(s, "/health/troubles")? {
        let (part, why) = (text(trouble, "/part")?, text(trouble, "/why")?);
        line("", format!("{part}: {why}"))?;
    }
    for warning in rows(s, "/health/warnings")? {
        line(
            "",
            format!("warning: {}", warning.as_str().unwrap_or_default()),
        )?;
    }
    let paused = at(s, "/policy/paused")?.as_bool() == Some(true);
    let stopped = s.pointer("/window/market_paused").and_then(Value::as_bool) == Some(true);
    let trading = match (paused, stopped) {
        (true, _) => "paused by the owner",
        (_, true) => "the market is stopped",
        _ => "on",
    };
    line("trading", trading.into())?;
    if !at(s, "/grid")?.is_null() {
        let (asks, pays) = (signed(s, "/grid/import")?, signed(s, "/grid/feed_in")?);
        let text = format!(
            "asks {}, pays {}",
            price(asks, &currency),
            price(pays, &currency)
        );
        line("grid", text)?;
    }
    match at(s, "/gate")? {
        Value::Null => {}
        Value::Object(limit) => {
            let wh = limit.get("limit").and_then(Value::as_u64).unwrap_or(0);
            line("gate", format!("at most {} expected", energy(wh)))?;
        }
        _ => line("gate", "open".into())?,
    }
    let window_s = number(s, "/window_seconds")?;
    if let Some(live) = s.pointer("/window/live").and_then(Value::as_u64) {
        let begun = live.saturating_mul(window_s);
        let ended = begun.saturating_add(window_s);
        let wh = |pointer: &str| number(s, pointer).map(energy);
        line("window", format!("{} to {}", clock(begun), clock(ended)))?;
        let (surplus, sold) = (wh("/window/surplus")?, wh("/window/sold")?);
        line("", format!("surplus {surplus}, of it sold {sold}"))?;
        let (deficit, bought) = (wh("/window/deficit")?, wh("/window/bought")?);
        line("", format!("need {deficit}, of it bought {bought}"))?;
    }
    let wh = |pointer: &str| number(spent, pointer).map(energy);
    let micro = |pointer: &str| signed(came, pointer).map(coins);
    let (bought, sold) = (wh("/spans/0/bought")?, wh("/spans/0/sold")?);
    let cost = signed(came, "/spans/0/paid")?.saturating_add(signed(came, "/spans/0/charge")?);
    line("today", format!("bought {bought} for {}", coins(cost)))?;
    let earned = micro("/spans/0/earned")?;
    line("", format!("sold {sold} for {earned}"))?;
    let saved = micro("/spans/0/saved")?;
    line("", format!("saved {saved} against the grid alone"))?;
    for waiting in rows(s, "/awaiting")? {
        let sells = at(waiting, "/selling")?.as_bool() == Some(true);
        let text = format!(
            "trade {}: {} {} at {} {} {}, until {}",
            number(waiting, "/request")?,
            if sells { "sell" } else { "buy" },
            energy(number(waiting, "/wh")?),
            price(signed(waiting, "/price")?, &currency),
            if sells { "to" } else { "from" },
            short(&text(waiting, "/partner")?),
            clock(number(waiting, "/until")?),
        );
        line("waits", text)?;
        line(
            "",
            "wattpool-agent decide NUMBER --accept or --refuse".into(),
        )?;
    }
    Ok(out)
}

fn currency(client: &Client) -> Result<String> {
    text(&client.get("/api/v1/status")?, "/currency")
}

pub fn offers(shown: &Shown) -> Result<u8, Failure> {
    let client = Client::at(&shown.at.config)?;
    let answer: Value = client.get("/api/v1/offers")?;
    print(shown, at(&answer, "/offers")?, || {
        let currency = currency(&client)?;
        let row = |offer: &Value| {
            Ok(vec![
                short(&text(offer, "/seller")?),
                text(offer, "/kind")?,
                energy(number(offer, "/wh")?),
                price(signed(offer, "/price")?, &currency),
                price(signed(offer, "/charge")?, &currency),
            ])
        };
        let rows: Result<Vec<_>> = rows(&answer, "/offers")?.iter().map(row).collect();
        table(
            &[
                "seller",
                "source",
                "energy",
                "price at most",
                "network charge",
            ],
            &rows?,
        )
    })?;
    Ok(0)
}

pub fn trades(paged: &Paged) -> Result<u8, Failure> {
    let client = Client::at(&paged.shown.at.config)?;
    let (mut trades, mut next) = (Vec::new(), None);
    let limit = usize::try_from(paged.limit).unwrap_or(usize::MAX);
    while trades.len() < limit {
        let wanted = limit.saturating_sub(trades.len()).min(1_000);
        let before = next.map_or_else(String::new, |next: u64| format!("&before={next}"));
        let page: Value = client.get(&format!("/api/v1/trades?limit={wanted}{before}"))?;
        trades.extend(rows(&page, "/trades")?.iter().cloned());
        next = at(&page, "/next")?.as_u64();
        if next.is_none() {
            break;
        }
    }
    let exact = Value::Array(trades);
    print(&paged.shown, &exact, || {
        let status: Value = client.get("/api/v1/status")?;
        let (currency, me) = (text(&status, "/currency")?, text(&status, "/meter")?);
        let row = |trade: &Value| {
            let buys = text(trade, "/buyer")? == me;
            let partner = if buys { "/seller" } else { "/buyer" };
            let paid = signed(trade, "/paid")?;
            let charge = if buys { signed(trade, "/charge")? } else { 0 };
            Ok(vec![
                time(number(trade, "/closed_at")?),
                if buys { "bought" } else { "sold" }.to_owned(),
                energy(number(trade, "/arrived")?),
                price(signed(trade, "/price")?, &currency),
                money(paid.saturating_add(charge), &currency),
                short(&text(trade, partner)?),
                text(trade, "/kind")?,
            ])
        };
        let rows: Result<Vec<_>> = rows(&exact, "")?.iter().map(row).collect();
        table(
            &[
                "closed", "what", "energy", "price", "money", "partner", "kind",
            ],
            &rows?,
        )
    })?;
    Ok(0)
}

/// A notice in words.
fn told(notice: &Value, currency: &str, window_s: u64) -> String {
    let (kind, what) = match notice {
        Value::String(kind) => (kind.as_str(), &Value::Null),
        Value::Object(map) => map
            .iter()
            .next()
            .map_or(("", &Value::Null), |(kind, what)| (kind.as_str(), what)),
        _ => ("", notice),
    };
    let n = |key: &str| what.get(key).and_then(Value::as_u64).unwrap_or(0);
    let s = |key: &str| what.get(key).and_then(Value::as_str).unwrap_or("-");
    let window = |key: &str| time(n(key).saturating_mul(window_s));
    match kind {
        "metered" => format!(
            "metered the window of {}: surplus {}, need {}",
            window("window"),
            energy(n("surplus")),
            energy(n("deficit"))
        ),
        "bought" => format!("bought {} from {}", energy(n("wh")), short(s("seller"))),
        "grid_supplied" => format!("the grid supplied {}", energy(n("wh"))),
        "bad_reading" => {
            let problem = what.get("problem").map(Value::to_string);
            format!(
                "a reading for the window of {} is not believed: {}",
                window("window"),
                problem.unwrap_or_default()
            )
        }
        "refused" => format!("the chain refused something: {}", s("code")),
        "awaiting_approval" => format!(
            "trade {} waits for you: {} at {} with {}",
            n("request"),
            energy(n("wh")),
            price(i64::try_from(n("price")).unwrap_or(i64::MAX), currency),
            short(s("partner"))
        ),
        "trade_decided" => {
            let accepted = what.get("accept").and_then(Value::as_bool) == Some(true);
            let word = if accepted { "accepted" } else { "refused" };
            format!("you {word} trade {}", n("request"))
        }
        "unstated" => format!(
            "{} of the window of {} came too late and earn nothing",
            energy(n("wh")),
            window("window")
        ),
        "experienced" => format!("learned from a trade with {}", short(s("seller"))),
        "other_version" => format!("met another version, {}", n("found")),
        _ => notice.to_string(),
    }
}

pub fn history(paged: &Paged) -> Result<u8, Failure> {
    let client = Client::at(&paged.shown.at.config)?;
    let limit = paged.limit.min(1_000);
    let page: Value = client.get(&format!("/api/v1/notices?limit={limit}"))?;
    print(&paged.shown, at(&page, "/notices")?, || {
        let status: Value = client.get("/api/v1/status")?;
        let currency = text(&status, "/currency")?;
        let window_s = number(&status, "/window_seconds")?;
        let row = |row: &Value| {
            let words = told(at(row, "/notice")?, &currency, window_s);
            Ok(vec![time(number(row, "/at")?), words])
        };
        let rows: Result<Vec<_>> = rows(&page, "/notices")?.iter().map(row).collect();
        table(&["time", "what"], &rows?)
    })?;
    Ok(0)
}
