//! `wattpool-agent money`, `energy`, `market` and `export`: what the page's views of these names tell.

use super::show::{at, number, print, rows, signed, table, text};
use super::{At, Shown};
use crate::client::Client;
use crate::Failure;
use anyhow::{anyhow, Result};
use clap::ValueEnum;
use serde_json::{json, Value};
use std::time::{SystemTime, UNIX_EPOCH};
use wattpool_daemon::figures::{self, clock, day, energy, price, time, Period};

#[derive(clap::Args)]
pub struct Spans {
    #[command(flatten)]
    shown: Shown,
    /// By which spans of the calendar here.
    #[arg(long, value_name = "SPAN", default_value = "day")]
    by: Period,
    /// How many of them, the running one included.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=400))]
    last: u32,
}

#[derive(clap::Args)]
pub struct Market {
    #[command(flatten)]
    shown: Shown,
    /// Closed windows that are told.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=96))]
    last: u32,
}

/// What a row is.
#[derive(Clone, Copy, ValueEnum)]
pub enum What {
    /// A closed trade.
    Trades,
    /// A metered window.
    Windows,
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    at: At,
    /// What a row is.
    what: What,
    /// First day, here, such as 2026-05-01; without it, from the first that is kept.
    #[arg(long, value_name = "DAY")]
    since: Option<String>,
    /// Last day.
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

/// What the interface says of the last spans, newest last.
fn spans(asked: &Spans, what: &str) -> Result<(Client, Value), Failure> {
    let client = Client::at(&asked.shown.at.config)?;
    let edges = figures::edges(asked.by, asked.last, now());
    let edges: Vec<String> = edges.iter().map(u64::to_string).collect();
    let answer = client.get(&format!("/api/v1/{what}?edges={}", edges.join(",")))?;
    Ok((client, answer))
}

pub fn money(asked: &Spans) -> Result<u8, Failure> {
    let (_, answer) = spans(asked, "money")?;
    print(&asked.shown, &answer, || {
        let currency = text(&answer, "/currency")?;
        let row = |span: &Value| {
            let coins =
                |name: &str| Ok::<_, anyhow::Error>(figures::money(signed(span, name)?, &currency));
            Ok(vec![
                day(number(span, "/from")?),
                coins("/saved")?,
                coins("/without")?,
                coins("/with")?,
                coins("/paid")?,
                coins("/charge")?,
                coins("/earned")?,
                coins("/fees")?,
            ])
        };
        let lines: Result<Vec<_>> = rows(&answer, "/spans")?.iter().map(row).collect();
        let heads = [
            "from",
            "saved",
            "grid alone",
            "with trading",
            "paid",
            "charges",
            "earned",
            "fees",
        ];
        table(&heads, &lines?)
    })?;
    Ok(0)
}

pub fn energy_of(asked: &Spans) -> Result<u8, Failure> {
    let (_, answer) = spans(asked, "energy")?;
    print(&asked.shown, &answer, || {
        let row = |span: &Value| {
            let wh = |name: &str| Ok::<_, anyhow::Error>(energy(number(span, name)?));
            let known = |name: &str| match at(span, name)?.as_u64() {
                Some(found) => Ok::<_, anyhow::Error>(energy(found)),
                None => Ok("-".to_owned()),
            };
            Ok(vec![
                day(number(span, "/from")?),
                wh("/deficit")?,
                wh("/bought")?,
                wh("/from_grid")?,
                wh("/surplus")?,
                wh("/sold")?,
                wh("/to_grid")?,
                known("/generated")?,
                known("/used")?,
            ])
        };
        let lines: Result<Vec<_>> = rows(&answer, "/spans")?.iter().map(row).collect();
        let heads = [
            "from",
            "taken",
            "bought",
            "from grid",
            "given",
            "sold",
            "to grid",
            "generated",
            "used",
        ];
        table(&heads, &lines?)
    })?;
    Ok(0)
}

/// Money of so much energy, per kWh; none: no energy.
fn mean(micro: u64, wh: u64) -> Option<i64> {
    let micro_per_kwh = micro.checked_mul(1_000)?.checked_div(wh)?;
    i64::try_from(micro_per_kwh).ok()
}

pub fn market(asked: &Market) -> Result<u8, Failure> {
    let client = Client::at(&asked.shown.at.config)?;
    let told: Value = client.get("/api/v1/market")?;
    let past: Value = client.get(&format!("/api/v1/market/windows?last={}", asked.last))?;
    let exact = json!({"market": told, "windows": at(&past, "/windows")?});
    print(&asked.shown, &exact, || {
        let status: Value = client.get("/api/v1/status")?;
        let (currency, length) = (
            text(&status, "/currency")?,
            number(&status, "/window_seconds")?,
        );
        let mut out = String::new();
        let mut line = |name: &str, value: String| out.push_str(&format!("{name:<10}{value}\n"));
        line("meters", text(&told, "/grid/meters")?);
        let (asks, pays) = (
            signed(&told, "/grid/tariffs/import")?,
            signed(&told, "/grid/tariffs/feed_in")?,
        );
        line(
            "grid",
            format!(
                "asks {}, pays {}",
                price(asks, &currency),
                price(pays, &currency)
            ),
        );
        let (supply, demand) = (
            number(&told, "/signal/supply")?,
            number(&told, "/signal/demand")?,
        );
        line(
            "supply",
            format!("{} in the last closed window", energy(supply)),
        );
        line("demand", energy(demand));
        let at_price = at(&told, "/signal/mean_price")?.as_i64();
        line(
            "price",
            at_price.map_or_else(|| "no trades".to_owned(), |p| price(p, &currency)),
        );
        for zone in rows(&told, "/zones")? {
            let (from, to) = (text(zone, "/from")?, text(zone, "/to")?);
            let charge = price(signed(zone, "/charge")?, &currency);
            let loss = number(zone, "/loss")?;
            let (whole, part) = (loss / 10_000, loss % 10_000 / 1_000);
            line(
                "zones",
                format!("{from} to {to}: {charge}, {whole}.{part} % lost"),
            );
        }
        let row = |window: &Value| {
            let books = at(window, "/books")?;
            let wh = |name: &str| number(books, name);
            let (traded, paid) = (wh("/redeemed")?, wh("/paid")?);
            Ok(vec![
                time(number(window, "/window")?.saturating_mul(length)),
                energy(wh("/minted")?),
                energy(wh("/covered")?),
                energy(traded),
                mean(paid, traded).map_or_else(|| "-".to_owned(), |p| price(p, &currency)),
            ])
        };
        let lines: Result<Vec<_>> = rows(&past, "/windows")?.iter().map(row).collect();
        let until = clock(now());
        out.push_str(&format!("\nclosed windows, until {until}\n"));
        out.push_str(&table(
            &["window", "supply", "demand", "traded", "mean price"],
            &lines?,
        )?);
        Ok(out)
    })?;
    Ok(0)
}

pub fn export(asked: &Export) -> Result<u8, Failure> {
    let edge = |option: &str, text: &Option<String>, days: u64| {
        let Some(text) = text else {
            return Ok(String::new());
        };
        let begins = figures::day_begins(text, days).ok_or_else(|| {
            Failure::input(anyhow!(
                "--{option}: expected a day such as 2026-05-01, found {text:?}"
            ))
        })?;
        Ok::<_, Failure>(format!(
            "&{}={begins}",
            if days == 0 { "from" } else { "to" }
        ))
    };
    let (from, to) = (
        edge("since", &asked.since, 0)?,
        edge("until", &asked.until, 1)?,
    );
    let what = match asked.what {
        What::Trades => "trades",
        What::Windows => "windows",
    };
    let client = Client::at(&asked.at.config)?;
    crate::print(&client.text(&format!("/api/v1/export?what={what}{from}{to}"))?)?;
    Ok(0)
}
