//! A neighbourhood of twelve agents trades on four validators, and its books agree with the simulator's.

use crate::profiles::{ceiling, generated, real, Profile};
use crate::street::{Pace, Street};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use wattpool_journal_sqlite::HistoryReader;
use wattpool_program_harness::{data, number, wattpool};
use wattpool_schema::pool::PoolWindow;
use wattpool_schema::Window;

const HOMES: usize = 12;
/// Windows that are traded.
const ROWS: usize = 8;

/// The simulator's summary on the same profiles.
fn simulated(profiles: &[Profile]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from(
        "name = \"street\"\nwindow_s = 900\nstart = \"2026-05-04T10:00:00Z\"\n[profiles]\nfile = \"{home}.csv\"\n\
         load = [{ column = \"demand_wh\", unit = \"Wh\" }]\ngeneration = [{ column = \"generation_wh\", unit = \"Wh\" }]\nhomes = [",
    );
    for (n, profile) in profiles.iter().enumerate() {
        fs::write(
            dir.path().join(format!("home-{n}.csv")),
            crate::profiles::csv(profile),
        )
        .unwrap();
        write!(text, "\"home-{n}\", ").unwrap();
    }
    text.push_str("]\n[profiles.time]\nstep_s = 900\n[tariff.import]\nflat = 300_000\n[tariff.feed_in]\nflat = 80_000\n");
    let scenario = dir.path().join("street.toml");
    fs::write(&scenario, text).unwrap();
    let ran = wattpool(&[
        "simulate",
        "--json",
        scenario.to_str().unwrap(),
        "--data",
        dir.path().to_str().unwrap(),
    ]);
    ran.json()
}

/// The pool's books of so many rows, checked against what flowed: traded, and what perfect matching could trade.
pub fn agree(street: &Street, rows: usize) -> (u64, u64) {
    let (mut most, mut traded) = (0, 0);
    for row in 0..rows {
        let books = street.books(Window(street.first.0 + row as u64));
        let (possible, surplus) = ceiling(&street.profiles, row);
        println!(
            "window {row}: minted {} late {} traded {} of {possible}",
            books.minted, books.late, books.redeemed
        );
        assert_eq!(
            books.minted.0 + books.late.0,
            surplus,
            "every export is stated once, window {row}"
        );
        assert!(books.redeemed.0 <= possible, "window {row}");
        most += possible;
        traded += books.redeemed.0;
    }
    (traded, most)
}

/// What one paid, another got: trades of the owners' histories agree with the pool's books.
pub fn own_books(street: &Street, traded: u64) {
    let mut bought = 0;
    for home in &street.homes {
        let trades = home.ask(&["trades", "--limit", "1000"]);
        let trades = trades.unwrap_or_else(|| panic!("no answer:\n{}", home.log()));
        for trade in trades.as_array().unwrap() {
            if trade["buyer"] == home.meter.as_str() && trade["kind"] == "spot" {
                bought += trade["arrived"].as_u64().unwrap();
            }
        }
    }
    assert_eq!(bought, traded, "the owners' histories");
    own_sums(street, traded);
}

/// What the pages show of energy and money equals the meters' and the pool's books, to the unit.
fn own_sums(street: &Street, traded: u64) {
    let rows = street.profiles[0].len() as u64;
    let edges = [Window(0), Window(street.first.0 + rows)].map(|w| w.start(street.window_s));
    let (mut paid, mut earned, mut bought, mut sold) = (0, 0, 0, 0);
    for (home, profile) in street.homes.iter().zip(&street.profiles) {
        let history = HistoryReader::open(&home.folder.join("journal.sqlite")).unwrap();
        let me = home.meter.parse().unwrap();
        let sums = history.sums(me, street.window_s, &edges).unwrap()[0];
        let flowed: (u64, u64) = profile.iter().fold((0, 0), |(out, taken), (need, sun)| {
            (
                out + sun.saturating_sub(*need),
                taken + need.saturating_sub(*sun),
            )
        });
        let told = (sums.surplus.0, sums.deficit.0);
        assert_eq!(told, flowed, "{}: the meter's energy", home.meter);
        assert_eq!(sums.with, sums.without - sums.saved);
        paid += sums.paid.0;
        earned += sums.earned.0;
        bought += sums.bought.0;
        sold += sums.sold.0;
    }
    let books: Vec<_> = (0..rows)
        .map(|r| street.books(Window(street.first.0 + r)))
        .collect();
    let pool = |of: fn(&PoolWindow) -> u64| books.iter().map(of).sum::<u64>();
    assert_eq!((bought, traded), (traded, pool(|b| b.redeemed.0)), "bought");
    assert_eq!(sold, pool(|b| b.sold.0), "sold, as it left");
    assert_eq!((paid, earned), (pool(|b| b.paid.0), paid), "money");
}

#[test]
fn twelve_agents_trade_as_the_simulator_says() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let profiles = match data() {
        Some(folder) => real(&folder, HOMES, ROWS),
        None => generated(HOMES as u64, ROWS as u64),
    };
    let pace = Pace {
        validators: 4,
        window_s: 15,
        block_ms: 500,
        port: 30_000,
        zone: HOMES,
    };
    let mut street = Street::build(profiles, pace);
    street.start();
    let last = street.first.plus(ROWS as u64 - 1);
    street.wait_for(last.plus(2));
    let statuses: Vec<Option<Value>> = street.homes.iter().map(|h| h.ask(&["status"])).collect();
    let (traded, most) = agree(&street, ROWS);
    for (home, status) in street.homes.iter().zip(&statuses) {
        assert!(
            status.is_some(),
            "{} does not answer:\n{}",
            home.meter,
            home.log()
        );
    }
    let share = traded as f64 / most as f64;
    let summary = simulated(&street.profiles);
    let expected = number(&summary, "ceiling_share");
    println!("share of the ceiling: {share:.4} on the chain, {expected:.4} simulated");
    // Windows of 15 s hold fewer rounds of asking than simulated ones of 900 s, and a busy machine loses some more.
    assert!(
        share >= expected - 0.10,
        "{share} on the chain, {expected} simulated"
    );
    own_books(&street, traded);
    let trades: Vec<Value> = street
        .homes
        .iter()
        .map(|h| h.ask(&["trades", "--limit", "1000"]).unwrap())
        .collect();
    for home in &mut street.homes {
        assert!(home.stop(), "it stops when it is told to:\n{}", home.log());
    }
    crate::audit::passes(&street);
    crate::audit::bills_are_right(&street, &trades, ROWS);
}
