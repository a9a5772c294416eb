//! `prepared-home FOLDER [DAYS] [TRADES]`: a home's folder with a past, for tests and pictures of its page: a market, a
//! profile and a journal that the program's own code wrote. `wattpool-agent init` adds its keys and configuration.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

#[path = "../tests/common/prepared.rs"]
mod prepared;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(
        arguments
            .next()
            .expect("prepared-home FOLDER [DAYS] [TRADES]"),
    );
    let mut number = |default: u64| {
        arguments
            .next()
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (days, trades) = (number(365), number(10_000));
    std::fs::create_dir_all(&folder).unwrap();
    prepared::files(&folder);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = since.as_secs() / prepared::LEN;
    prepared::fill(&folder.join("journal.sqlite"), days * 96, trades, end);
    println!("{}", prepared::METER);
}
