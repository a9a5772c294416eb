//! The file: what it keeps, and what it refuses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

mod common;

use common::metered;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use wattpool_core::io::{BlockRef, JournalEntry, Notice};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{History, Journal};
use wattpool_journal_sqlite::{HistoryReader, SqliteJournal, TradeFilter, VERSION};
use wattpool_schema::event::{MarketEvent, Stated, TradeClosed};
use wattpool_schema::{
    Commitment, Digest32, MeterId, Micro, Price, Seconds, TradeKind, Wh, Window,
};

struct Place {
    file: PathBuf,
    _dir: tempfile::TempDir,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place {
        file: dir.path().join("journal.sqlite"),
        _dir: dir,
    }
}

fn policy(margin: u32) -> JournalEntry {
    JournalEntry::Policy(Box::new(Policy {
        margin_permille: margin,
        ..Policy::default()
    }))
}

fn trade(id: u64) -> MarketEvent {
    MarketEvent::TradeClosed(TradeClosed {
        sequence: id,
        kind: TradeKind::Spot,
        trade_id: id,
        buyer: MeterId([1; 16]),
        seller: MeterId([2; 16]),
        nonce: 7,
        window: Window(3),
        count: 1,
        asked: Wh(50),
        arrived: Wh(50),
        declined: Wh(0),
        missed: Wh(0),
        lost: Wh(1),
        price: Price(200_000),
        paid: Micro(10_000),
        charge: Micro(0),
        requested_at: Seconds(1),
        closed_at: Seconds(2),
        head: Digest32([4; 32]),
    })
}

fn stated() -> MarketEvent {
    MarketEvent::Stated(Stated {
        meter: MeterId([1; 16]),
        owner: "owner".into(),
        window: Window(3),
        sequence: 1,
        wh: Wh(5),
        commitment: Commitment([0; 32]),
        minted: true,
    })
}

const fn block(height: u64) -> BlockRef {
    BlockRef {
        height,
        time: Seconds(height * 5),
    }
}

#[test]
fn what_was_appended_is_there_after_opening_again() {
    let p = place();
    let entries = vec![metered(1), policy(3), metered(2)];
    {
        let mut journal = SqliteJournal::open(&p.file).unwrap();
        for entry in &entries {
            journal.append(entry).unwrap();
        }
    }
    let journal = SqliteJournal::open(&p.file).unwrap();
    assert_eq!(journal.entries().unwrap(), entries);
}

#[test]
fn pruning_keeps_what_is_of_use_the_last_reading_and_the_last_policy() {
    let p = place();
    let mut journal = SqliteJournal::open(&p.file).unwrap();
    for entry in [policy(1), metered(1), metered(2), policy(2), metered(3)] {
        journal.append(&entry).unwrap();
    }
    journal.prune(Window(2)).unwrap();
    let kept = vec![metered(2), policy(2), metered(3)];
    assert_eq!(journal.entries().unwrap(), kept);
    journal.prune(Window(9)).unwrap();
    assert_eq!(journal.entries().unwrap(), vec![policy(2), metered(3)]);
    drop(journal);
    let again = SqliteJournal::open(&p.file).unwrap();
    assert_eq!(again.entries().unwrap(), vec![policy(2), metered(3)]);
}

#[test]
fn damage_is_refused_with_a_word() {
    let p = place();
    let mut journal = SqliteJournal::open(&p.file).unwrap();
    for window in 0..200 {
        journal.append(&metered(window)).unwrap();
    }
    drop(journal);
    let mut bytes = fs::read(&p.file).unwrap();
    let middle = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(middle).take(9_000) {
        *byte = 0xa5;
    }
    fs::write(&p.file, &bytes).unwrap();
    let error = SqliteJournal::open(&p.file).err().unwrap().to_string();
    assert!(
        error.starts_with(&format!("journal {}: ", p.file.display())),
        "{error}"
    );
    assert!(
        error.contains("damaged") || error.contains("malformed"),
        "{error}"
    );
    assert!(!error.contains('\n'), "{error}");

    fs::write(
        &p.file,
        b"this is no database, however long one looks at it",
    )
    .unwrap();
    let error = SqliteJournal::open(&p.file).err().unwrap().to_string();
    assert!(error.ends_with("file is not a database"), "{error}");
}

#[test]
fn an_entry_of_a_shape_unknown_is_refused_with_its_number() {
    let p = place();
    let mut journal = SqliteJournal::open(&p.file).unwrap();
    journal.append(&metered(1)).unwrap();
    drop(journal);
    let db = rusqlite::Connection::open(&p.file).unwrap();
    db.execute(
        "INSERT INTO journal (entry) VALUES ('{\"teleported\":1}')",
        [],
    )
    .unwrap();
    drop(db);
    let journal = SqliteJournal::open(&p.file).unwrap();
    let error = journal.entries().unwrap_err();
    assert!(
        error
            .why
            .starts_with("entry 2 cannot be read: unknown variant"),
        "{error}"
    );
    assert!(error.why.contains("install that one again"), "{error}");
}

#[test]
fn other_versions_and_other_programs_are_refused() {
    let p = place();
    drop(SqliteJournal::open(&p.file).unwrap());
    let db = rusqlite::Connection::open(&p.file).unwrap();
    let newer = VERSION + 1;
    db.pragma_update(None, "user_version", newer).unwrap();
    drop(db);
    let why =
        format!("version {newer}, this program knows up to {VERSION}: install a newer wattpool");
    assert_eq!(SqliteJournal::open(&p.file).err().unwrap().why, why);
    assert_eq!(HistoryReader::open(&p.file).err().unwrap().why, why);

    let other = place();
    let db = rusqlite::Connection::open(&other.file).unwrap();
    db.execute_batch("CREATE TABLE songs (name TEXT)").unwrap();
    drop(db);
    let error = SqliteJournal::open(&other.file).err().unwrap();
    assert_eq!(error.why, "not a journal of wattpool");
}

#[test]
fn history_is_noted_once_and_read_beside_the_writer() {
    let p = place();
    let mut journal = SqliteJournal::open(&p.file).unwrap();
    let mut history = SqliteJournal::open_for_history(&p.file).unwrap();
    assert_eq!(history.noted_to().unwrap(), None);
    history
        .note_events(block(4), &[stated(), trade(1)])
        .unwrap();
    history.note_events(block(6), &[trade(2)]).unwrap();
    journal.append(&metered(1)).unwrap();
    history.set_noted_to(6).unwrap();
    // Blocks may be read again after a crash.
    history
        .note_events(block(4), &[stated(), trade(1)])
        .unwrap();
    history.set_noted_to(7).unwrap();
    let told = Notice::Bought {
        window: Window(3),
        seller: MeterId([2; 16]),
        wh: Wh(50),
    };
    history.note(Seconds(30), &told).unwrap();
    let reader = HistoryReader::open(&p.file).unwrap();
    let trades = reader.trades(&TradeFilter::default(), 10).unwrap();
    let ids: Vec<(u64, u64)> = trades
        .iter()
        .map(|t| (t.height, t.trade.trade_id))
        .collect();
    assert_eq!(ids, [(6, 2), (4, 1)]);
    assert_eq!(reader.trades(&TradeFilter::default(), 1).unwrap().len(), 1);
    let notices = reader.notices(None, 10).unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].notice["bought"]["wh"], 50);
    assert_eq!(history.noted_to().unwrap(), Some(7));
    assert_eq!(journal.entries().unwrap().len(), 1);
}

#[test]
fn a_journal_has_one_agent_and_one_reader() {
    let p = place();
    let one = SqliteJournal::open(&p.file).unwrap();
    let error = SqliteJournal::open(&p.file).err().unwrap();
    assert!(error.why.starts_with("another agent uses it"), "{error}");
    let mode = fs::metadata(&p.file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
    drop(one);
    drop(SqliteJournal::open(&p.file).unwrap());
}

/// The tables as the first version wrote them.
const VERSION_1: &str = "
    CREATE TABLE journal (number INTEGER PRIMARY KEY, entry TEXT NOT NULL);
    CREATE TABLE noted (only INTEGER PRIMARY KEY CHECK (only = 1), height INTEGER NOT NULL);
    CREATE TABLE events (
        height INTEGER NOT NULL, place INTEGER NOT NULL, time INTEGER NOT NULL,
        kind TEXT NOT NULL, event TEXT NOT NULL, PRIMARY KEY (height, place)
    ) WITHOUT ROWID;
    CREATE INDEX events_by_kind ON events (kind, height);
    CREATE TABLE notices (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, notice TEXT NOT NULL);
    PRAGMA application_id = 2002875508;
    PRAGMA user_version = 1;
";

#[test]
fn a_file_of_the_first_version_goes_on_with_everything_in_it() {
    let p = place();
    let db = rusqlite::Connection::open(&p.file).unwrap();
    db.execute_batch(VERSION_1).unwrap();
    for entry in [policy(7), metered(4)] {
        let entry = serde_json::to_string(&entry).unwrap();
        db.execute("INSERT INTO journal (entry) VALUES (?1)", [entry])
            .unwrap();
    }
    let event = serde_json::to_string(&trade(1)).unwrap();
    db.execute(
        "INSERT INTO events VALUES (4, 0, 20, 'trade_closed', ?1)",
        [&event],
    )
    .unwrap();
    drop(db);
    let journal = SqliteJournal::open(&p.file).unwrap();
    assert_eq!(journal.entries().unwrap(), [policy(7), metered(4)]);
    let reader = HistoryReader::open(&p.file).unwrap();
    let kept = reader.readings(Window(0), Window(9)).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].window, kept[0].export), (Window(4), Wh(80)));
    let mut history = SqliteJournal::open_for_history(&p.file).unwrap();
    history.note_events(block(6), &[trade(2)]).unwrap();
    let trades = HistoryReader::open(&p.file)
        .unwrap()
        .trades(&TradeFilter::default(), 9)
        .unwrap();
    assert_eq!(trades.len(), 2);
    let db = rusqlite::Connection::open(&p.file).unwrap();
    let bytes: i64 = db
        .query_row("SELECT bytes FROM sizes WHERE of = 'events'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(bytes, 2 * event.len() as i64);
}

#[test]
fn what_stands_behind_statements_outlives_the_journal() {
    let p = place();
    let mut journal = SqliteJournal::open(&p.file).unwrap().keeping_readings(10);
    for window in 1..=30 {
        journal.append(&metered(window)).unwrap();
    }
    journal.prune(Window(30)).unwrap();
    assert_eq!(journal.entries().unwrap(), [metered(30)]);
    let windows = |from, to| -> Vec<u64> {
        let reader = HistoryReader::open(&p.file).unwrap();
        let rows = reader.readings(Window(from), Window(to)).unwrap();
        rows.iter().map(|r| r.window.0).collect()
    };
    assert_eq!(windows(0, 99), (20..=30).collect::<Vec<_>>());
    // With the one before the range: the registers begin there.
    assert_eq!(windows(25, 26), [24, 25, 26]);
    assert_eq!(windows(20, 20), [20]);
    assert_eq!(windows(40, 50), [30]);
    let row = HistoryReader::open(&p.file)
        .unwrap()
        .readings(Window(25), Window(25))
        .unwrap()[1];
    assert_eq!(
        (row.import, row.export, row.sequence),
        (Wh(250), Wh(500), 25)
    );
    assert_eq!(row.commitment, Commitment([3; 32]));
}

/// Ten years would take too long here: a history that is full costs no more than one that has just begun, and stays
/// as large as it is.
#[test]
fn a_note_costs_the_same_in_a_full_history() {
    let p = place();
    let mut history = SqliteJournal::open_for_history(&p.file).unwrap();
    let steps = |history: &mut SqliteJournal, from: u64, count: u64| {
        let begun = std::time::Instant::now();
        for height in from..from + count {
            history
                .note_events(block(height), &[trade(height), trade(height + 1)])
                .unwrap();
        }
        begun.elapsed()
    };
    let young = steps(&mut history, 1, 300);
    // Fill it up in large blocks.
    let many: Vec<_> = (0..2_000).map(trade).collect();
    for height in 1_000..1_014 {
        history.note_events(block(height), &many).unwrap();
    }
    let db = rusqlite::Connection::open(&p.file).unwrap();
    let bytes = || -> i64 {
        db.query_row("SELECT bytes FROM sizes WHERE of = 'events'", [], |row| {
            row.get(0)
        })
        .unwrap()
    };
    let old = steps(&mut history, 2_000, 300);
    assert!(bytes() <= 10 << 20, "{} bytes", bytes());
    let real: i64 = db
        .query_row("SELECT sum(length(event)) FROM events", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(bytes(), real);
    println!("300 blocks in {young:?} when young, {old:?} when full");
    assert!(old < young * 5, "{young:?} grew to {old:?}");
    let size = fs::metadata(&p.file).unwrap().len();
    assert!(size < 16 << 20, "{size} bytes");
}
