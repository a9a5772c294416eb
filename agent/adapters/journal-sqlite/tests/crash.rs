//! A process that is killed right after an append: the entry is there. Run without a harness, because it starts
//! itself as the process that is killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

mod common;

use common::metered;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use wattpool_core::io::JournalEntry;
use wattpool_core::ports::home::Journal;
use wattpool_journal_sqlite::SqliteJournal;

const FILE: &str = "WATTPOOL_TEST_JOURNAL";

fn main() {
    match std::env::var_os(FILE) {
        Some(file) => append_for_ever(Path::new(&file)),
        None => kill_at_every_step(),
    }
}

/// Appends, and says so after each entry.
fn append_for_ever(file: &Path) {
    let mut journal = SqliteJournal::open(file).expect("the journal opens");
    let begun = journal.entries().expect("it can be read").len() as u64;
    let mut out = std::io::stdout().lock();
    for window in begun.. {
        journal.append(&metered(window)).expect("it takes an entry");
        writeln!(out, "{window}")
            .and_then(|()| out.flush())
            .expect("the parent listens");
    }
}

fn kill_at_every_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.sqlite");
    let mut said = None;
    for entries in [1, 2, 3, 20, 1] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..entries {
            said = Some(lines.next().unwrap().unwrap().parse::<u64>().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = SqliteJournal::open(&file).unwrap().entries().unwrap();
        let said = said.unwrap();
        // It may have got further than it could say.
        assert!(kept.len() as u64 > said, "{} kept, {said} said", kept.len());
        let wanted: Vec<JournalEntry> = (0..kept.len() as u64).map(metered).collect();
        assert_eq!(kept, wanted);
    }
    println!("test a_killed_process_loses_no_entry_it_told_of ... ok");
}
