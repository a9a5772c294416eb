//! Fees and generation: noted once, added up by window, whatever the file was before.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use wattpool_core::io::Notice;
use wattpool_core::ports::home::History;
use wattpool_journal_sqlite::{Generated, HistoryReader, SqliteJournal, Use};
use wattpool_schema::{MeterId, Micro, Seconds, Wh, Window};

const ME: MeterId = MeterId([1; 16]);
const LEN: u32 = 900;

fn at(window: u64) -> Seconds {
    Window(window).start(LEN)
}

#[test]
fn fees_add_up_and_generation_is_the_difference_of_a_register() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    let mut history = SqliteJournal::open_for_history(&file).unwrap();
    for (window, spent) in [(10, 5), (10, 7), (11, 1), (20, 100)] {
        history.note_fees(Window(window), Micro(spent)).unwrap();
    }
    // Window 12 is joined with 13, and from 15 on it is another meter.
    for (window, register) in [
        (9, 1_000),
        (10, 1_400),
        (11, 1_500),
        (13, 1_900),
        (14, 1_900),
        (15, 20),
        (16, 90),
    ] {
        history
            .note_generated(Window(window), Wh(register))
            .unwrap();
    }
    // The same again changes nothing.
    history.note_generated(Window(16), Wh(90)).unwrap();
    for (window, surplus, deficit) in [
        (10, 300, 0),
        (11, 0, 50),
        (12, 0, 0),
        (13, 100, 0),
        (16, 0, 30),
    ] {
        let metered = Notice::Metered {
            window: Window(window),
            surplus: Wh(surplus),
            deficit: Wh(deficit),
        };
        history.note(at(window + 1), &metered).unwrap();
    }
    let reader = HistoryReader::open(&file).unwrap();
    let fees = reader.fees(LEN, at(10), at(20)).unwrap();
    assert_eq!(
        fees.into_iter().collect::<Vec<_>>(),
        [(Window(10), Micro(12)), (Window(11), Micro(1))]
    );
    let spent = reader.spent(LEN, &[at(9), at(11), at(12), at(20)]).unwrap();
    assert_eq!(spent, [Micro(12), Micro(1), Micro(0)]);
    assert_eq!(reader.last_generated().unwrap(), Some(Window(16)));
    let made = reader
        .generated(LEN, at(10), at(17), Generated::Beside)
        .unwrap();
    let made: Vec<(u64, u64)> = made.into_iter().map(|(w, wh)| (w.0, wh.0)).collect();
    assert_eq!(made, [(10, 400), (11, 100), (13, 400), (14, 0), (16, 70)]);
    let uses = reader
        .uses(ME, LEN, &[at(9), at(11), at(14), at(17)], Generated::Beside)
        .unwrap();
    let sum = |windows, generated, used| Use {
        windows,
        generated: Wh(generated),
        used: Wh(used),
    };
    assert_eq!(uses, [sum(1, 400, 100), sum(2, 500, 450), sum(1, 70, 100)]);
    // All of time is asked for in no more than what is kept takes.
    let ever = [Seconds(0), Seconds(u64::MAX)];
    let uses = reader.uses(ME, LEN, &ever, Generated::Beside).unwrap();
    assert_eq!(uses, [sum(4, 970, 650)]);
    // The registers behind the statements are others, and there are none.
    let stated = reader
        .generated(LEN, at(10), at(17), Generated::Stated)
        .unwrap();
    assert!(stated.is_empty());
}
