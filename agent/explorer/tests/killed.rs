//! The index, killed at every step of its writing and started again: no gap, no double.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod common;

use common::{blocks, dump, export, index, rows};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wattpool_explorer::{Block, IndexError};

/// What a kill would leave: the files as they are at this moment.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for end in ["", "-wal"] {
        let file = PathBuf::from(format!("{}{end}", from.display()));
        if file.exists() {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn killed_at_every_step_it_goes_on_without_a_gap_or_a_double() {
    let (header, rows) = rows(&export(6));
    let all = blocks(&rows);
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.sqlite");
    let mut reference = index(&whole, &header);
    all.iter()
        .for_each(|block| reference.take(std::slice::from_ref(block), false).unwrap());
    reference.finish(&[], 99).unwrap();
    drop(reference);
    let expected = dump(&whole);
    assert!(expected.len() > 300, "{}", expected.len());

    let file = folder.path().join("index.sqlite");
    let mut written = index(&file, &header);
    let steps: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let (seen, from, to) = (Arc::clone(&steps), file, folder.path().join("killed"));
    // The founding block is many steps that are alike: every fiftieth of them, and every one of the trades' blocks.
    let (mut count, mut transactions) = (0_usize, 0);
    written.watch(move |step| {
        count += 1;
        transactions += usize::from(step == "begun");
        let mut seen = seen.lock().unwrap();
        if transactions > 1 || count.is_multiple_of(50) || step != "a change" && step != "an event"
        {
            copied(&from, &to.join(seen.len().to_string()));
            seen.push(step);
        }
    });
    written.take(&all[..1], false).unwrap();
    for two in all[1..4].chunks(2) {
        written.take(two, false).unwrap();
    }
    written.take(&all[4..], false).unwrap();
    written.finish(&[], 99).unwrap();
    drop(written);
    let steps = steps.lock().unwrap().clone();
    for kind in [
        "begun",
        "a block",
        "an event",
        "a change",
        "before the commit",
        "committed",
        "before the last commit",
        "finished",
    ] {
        assert!(steps.contains(&kind), "{kind}: {steps:?}");
    }
    assert!(steps.len() > 60, "{}", steps.len());
    for (number, step) in steps.iter().enumerate() {
        let left = folder
            .path()
            .join("killed")
            .join(number.to_string())
            .join("index.sqlite");
        let mut again = index(&left, &header);
        let next = again.next();
        // What is there is whole: a block is all in it or not at all.
        let rest: Vec<Block> = all.iter().filter(|b| b.height >= next).cloned().collect();
        again.take(&rest, false).unwrap();
        again.finish(&[], 99).unwrap();
        drop(again);
        assert!(
            dump(&left) == expected,
            "killed at step {number}, {step}, next {next}"
        );
    }
}

#[test]
fn gaps_doubles_and_foreign_files_are_refused() {
    let (header, rows) = rows(&export(8));
    let all = blocks(&rows);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("index.sqlite");
    let mut written = index(&file, &header);
    written.take(&all[..2], false).unwrap();
    let before = dump(&file);
    for wrong in [
        &all[3..4],
        &all[1..2],
        &all[2..].iter().rev().cloned().collect::<Vec<_>>()[..2],
    ] {
        let refused = written.take(wrong, false);
        assert!(
            matches!(refused, Err(IndexError::Gap { .. })),
            "{refused:?}"
        );
    }
    // A trade that is there already: nothing of its block is taken.
    let mut twice = all[2].clone();
    twice.rows = all[1].rows.clone();
    for row in &mut twice.rows {
        row.height = twice.height;
    }
    let refused = written.take(&[twice], false).unwrap_err().to_string();
    assert!(
        refused.contains("block 3") && refused.contains("twice"),
        "{refused}"
    );
    assert_eq!(dump(&file), before);
    assert_eq!(written.next(), 3);
    drop(written);
    // Another market.
    let mut other = header.clone();
    other.escrow = "another".to_owned();
    let of = |header| wattpool_explorer::Of {
        header,
        print: None,
    };
    let refused = wattpool_explorer::Index::open(&file, of(other))
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("the escrow another"),
        "{refused}"
    );
    // Something else is left alone.
    for content in [&b"a letter to somebody"[..], &[0; 5_000]] {
        let strange = folder.path().join("letter.txt");
        std::fs::write(&strange, content).unwrap();
        let refused = wattpool_explorer::Index::open(&strange, of(header.clone()))
            .err()
            .unwrap();
        assert!(matches!(refused, IndexError::Foreign(_)), "{refused}");
        assert_eq!(std::fs::read(&strange).unwrap(), content);
    }
    // Of another run: made anew.
    let of = |print: &str| wattpool_explorer::Of {
        header: header.clone(),
        print: Some(print.to_owned()),
    };
    let runs = folder.path().join("run.sqlite");
    let mut first = wattpool_explorer::Index::open(&runs, of("one")).unwrap();
    first.take(&all[..2], true).unwrap();
    drop(first);
    assert_eq!(
        wattpool_explorer::Index::open(&runs, of("one"))
            .unwrap()
            .next(),
        3
    );
    assert_eq!(
        wattpool_explorer::Index::open(&runs, of("two"))
            .unwrap()
            .next(),
        1
    );
}
