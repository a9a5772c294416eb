//! Figures by window: added up exactly, once, whatever the file was before.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

use proptest::prelude::*;
use std::path::PathBuf;
use wattpool_core::io::{BlockRef, Notice};
use wattpool_core::ports::home::History;
use wattpool_journal_sqlite::{HistoryReader, SqliteJournal, TradeFilter};
use wattpool_schema::event::{Delivered, MarketEvent, TradeClosed};
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{Digest32, MeterId, Micro, Price, Seconds, Tariff, TradeKind, Wh, Window};

const ME: MeterId = MeterId([1; 16]);
const OTHER: MeterId = MeterId([2; 16]);
const LEN: u32 = 900;

struct Place {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    Place {
        _folder: folder,
        file,
    }
}

const fn block(height: u64) -> BlockRef {
    BlockRef {
        height,
        time: Seconds(height * 5),
    }
}

fn delivered(window: u64, buys: bool, net: u64, paid: u64, charge: u64) -> MarketEvent {
    let (buyer, seller) = if buys { (ME, OTHER) } else { (OTHER, ME) };
    MarketEvent::Delivered(Delivered {
        kind: TradeKind::Spot,
        window: Window(window),
        trade_id: 1,
        seller,
        buyer,
        seller_owner: "s".into(),
        buyer_owner: "b".into(),
        net: Wh(net),
        gross: Wh(net + net / 10),
        paid: Micro(paid),
        charge: Micro(charge),
    })
}

fn closed(sequence: u64, buys: bool, at: u64) -> MarketEvent {
    let (buyer, seller) = if buys { (ME, OTHER) } else { (OTHER, ME) };
    MarketEvent::TradeClosed(TradeClosed {
        sequence,
        kind: TradeKind::Spot,
        trade_id: sequence,
        buyer,
        seller,
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
        closed_at: Seconds(at),
        head: Digest32([4; 32]),
    })
}

const fn metered(window: u64, surplus: u64, deficit: u64) -> Notice {
    Notice::Metered {
        window: Window(window),
        surplus: Wh(surplus),
        deficit: Wh(deficit),
    }
}

const TARIFFS: Tariffs = Tariffs {
    import: Tariff(300_000),
    feed_in: Tariff(80_000),
};

#[test]
fn a_span_is_what_its_windows_came_to() {
    let p = place();
    let mut history = SqliteJournal::open_for_history(&p.file).unwrap();
    for window in [4, 5] {
        history.note_tariffs(Window(window), TARIFFS).unwrap();
    }
    history.note(Seconds(0), &metered(4, 0, 400)).unwrap();
    history.note(Seconds(0), &metered(5, 600, 0)).unwrap();
    history.note(Seconds(0), &metered(6, 0, 100)).unwrap();
    let block_4 = [
        delivered(4, true, 250, 50_000, 1_500),
        closed(1, true, 4_600),
    ];
    // A block that is heard again counts once.
    for _ in 0..2 {
        history.note_events(block(9), &block_4).unwrap();
        history
            .note_events(block(10), &[delivered(5, false, 500, 90_001, 0)])
            .unwrap();
    }
    let reader = HistoryReader::open(&p.file).unwrap();
    let edges = [4 * 900, 5 * 900, 7 * 900, 8 * 900].map(Seconds);
    let sums = reader.sums(ME, LEN, &edges).unwrap();
    assert_eq!(sums.len(), 3);
    let bought = sums[0];
    assert_eq!((bought.windows, bought.unpriced), (1, 0));
    assert_eq!((bought.deficit, bought.bought), (Wh(400), Wh(250)));
    // 400 Wh at 0.30 alone; 150 Wh at 0.30 and what was paid with trading.
    assert_eq!(bought.without, 120_000);
    assert_eq!(bought.with, 45_000 + 50_000 + 1_500);
    assert_eq!(bought.saved, 23_500);
    let sold = sums[1];
    assert_eq!((sold.windows, sold.unpriced), (2, 1));
    assert_eq!((sold.surplus, sold.sold), (Wh(600), Wh(550)));
    assert_eq!(sold.without, -48_000);
    assert_eq!(sold.saved, 90_001 - 44_000);
    assert_eq!(sold.with, sold.without - sold.saved);
    // The grid took 50 Wh of window 5.
    assert_eq!((bought.feed_in, sold.feed_in), (0, 4_000));
    assert_eq!(sold.with, -sold.feed_in - 90_001);
    assert_eq!((sums[2].windows, sums[2].saved), (0, 0));
    // The other side of the same deliveries.
    let theirs = reader.sums(OTHER, LEN, &edges).unwrap();
    assert_eq!((theirs[0].sold, theirs[0].earned), (Wh(275), Micro(50_000)));
    let last = reader.last_tariffs().unwrap();
    assert_eq!(last, Some((Window(5), 300_000, 80_000)));
    let rows = reader
        .windows(ME, LEN, Seconds(0), Seconds(9_000), 10)
        .unwrap();
    let seen: Vec<u64> = rows.iter().map(|r| r.window.0).collect();
    assert_eq!(seen, [4, 5, 6]);
}

#[test]
fn trades_are_filtered_and_paged() {
    let p = place();
    let mut history = SqliteJournal::open_for_history(&p.file).unwrap();
    for n in 1..=10 {
        history
            .note_events(block(n), &[closed(n, n % 2 == 0, n * 100)])
            .unwrap();
    }
    let reader = HistoryReader::open(&p.file).unwrap();
    let asked = |filter: TradeFilter, limit| -> Vec<u64> {
        let rows = reader.trades(&filter, limit).unwrap();
        rows.iter().map(|t| t.trade.sequence).collect()
    };
    let all = TradeFilter::default();
    assert_eq!(asked(all.clone(), 3), [10, 9, 8]);
    let next = TradeFilter {
        before: Some(8),
        ..all.clone()
    };
    assert_eq!(asked(next, 3), [7, 6, 5]);
    let between = TradeFilter {
        from: Some(Seconds(300)),
        to: Some(Seconds(600)),
        ..all.clone()
    };
    assert_eq!(asked(between, 9), [5, 4, 3]);
    let bought = TradeFilter {
        buyer: Some(ME),
        ..all.clone()
    };
    assert_eq!(asked(bought, 2), [10, 8]);
    let nobody = TradeFilter {
        partner: Some(MeterId([9; 16])),
        ..all
    };
    assert!(asked(nobody, 9).is_empty());
}

/// The tables as the second version wrote them, with a window, a delivery and a trade.
#[test]
fn a_file_of_the_second_version_keeps_its_figures() {
    let p = place();
    let db = rusqlite::Connection::open(&p.file).unwrap();
    db.execute_batch(
        "CREATE TABLE journal (number INTEGER PRIMARY KEY, entry TEXT NOT NULL);
         CREATE TABLE noted (only INTEGER PRIMARY KEY CHECK (only = 1), height INTEGER NOT NULL);
         CREATE TABLE events (height INTEGER NOT NULL, place INTEGER NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL,
             event TEXT NOT NULL, PRIMARY KEY (height, place)) WITHOUT ROWID;
         CREATE INDEX events_by_kind ON events (kind, height);
         CREATE TABLE notices (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, notice TEXT NOT NULL);
         CREATE TABLE sizes (of TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
         PRAGMA application_id = 2002875508;
         PRAGMA user_version = 2;",
    )
    .unwrap();
    let text = |value: &MarketEvent| serde_json::to_string(value).unwrap();
    let insert = "INSERT INTO events VALUES (9, ?1, 45, ?2, ?3)";
    let event = text(&delivered(4, true, 250, 50_000, 0));
    db.execute(insert, rusqlite::params![0, "delivered", event])
        .unwrap();
    let event = text(&closed(7, true, 4_600));
    db.execute(insert, rusqlite::params![1, "trade_closed", event])
        .unwrap();
    let notice = serde_json::to_string(&metered(4, 0, 400)).unwrap();
    db.execute(
        "INSERT INTO notices (time, notice) VALUES (1, ?1)",
        [notice],
    )
    .unwrap();
    drop(db);
    drop(SqliteJournal::open(&p.file).unwrap());
    let reader = HistoryReader::open(&p.file).unwrap();
    let sums = reader
        .sums(ME, LEN, &[Seconds(0), Seconds(90_000)])
        .unwrap();
    assert_eq!((sums[0].deficit, sums[0].bought), (Wh(400), Wh(250)));
    assert_eq!((sums[0].windows, sums[0].unpriced), (1, 1));
    let trades = reader.trades(&TradeFilter::default(), 9).unwrap();
    assert_eq!((trades[0].height, trades[0].trade.sequence), (9, 7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever the edges: spans side by side add up to the whole, and money to what each window says.
    #[test]
    fn spans_add_up(
        windows in prop::collection::vec((0u64..3_000, 0u64..3_000, 0u64..900, -50_000i64..400_000, 0i64..200_000), 1..40),
        cuts in prop::collection::btree_set(1u64..36_000, 0..6),
    ) {
        let p = place();
        let mut history = SqliteJournal::open_for_history(&p.file).unwrap();
        let (mut without, mut saved) = (0i128, 0i128);
        for (at, (surplus, deficit, net, import, feed_in)) in (0u64..).zip(&windows) {
            let tariffs = Tariffs { import: Tariff(*import), feed_in: Tariff(*feed_in) };
            history.note_tariffs(Window(at), tariffs).unwrap();
            history.note(Seconds(0), &metered(at, *surplus, *deficit)).unwrap();
            history.note_events(block(at + 1), &[delivered(at, at % 2 == 0, *net, 7 * net, 3)]).unwrap();
            let (import, feed_in) = (i128::from(*import), i128::from(*feed_in));
            without += i128::from(*deficit) * import - i128::from(*surplus) * feed_in;
            saved += if at % 2 == 0 {
                i128::from(*net) * import - 1_000 * i128::from(7 * net + 3)
            } else {
                1_000 * i128::from(7 * net) - i128::from(net + net / 10) * feed_in
            };
        }
        let reader = HistoryReader::open(&p.file).unwrap();
        let whole = reader.sums(ME, LEN, &[Seconds(0), Seconds(36_000)]).unwrap()[0];
        prop_assert_eq!(i128::from(whole.without), without.div_euclid(1_000));
        prop_assert_eq!(i128::from(whole.saved), saved.div_euclid(1_000));
        prop_assert_eq!(whole.with, whole.without - whole.saved);
        let edges: Vec<Seconds> = [0].into_iter().chain(cuts).chain([36_000]).map(Seconds).collect();
        let parts = reader.sums(ME, LEN, &edges).unwrap();
        prop_assert_eq!(parts.iter().map(|s| s.deficit.0).sum::<u64>(), whole.deficit.0);
        prop_assert_eq!(parts.iter().map(|s| s.paid.0).sum::<u64>(), whole.paid.0);
        prop_assert_eq!(parts.iter().map(|s| s.windows).sum::<u64>(), windows.len() as u64);
        // Each span is rounded down by less than a micro-unit.
        let apart = whole.saved - parts.iter().map(|s| s.saved).sum::<i64>();
        prop_assert!((0..=edges.len() as i64).contains(&apart), "{}", apart);
    }
}
