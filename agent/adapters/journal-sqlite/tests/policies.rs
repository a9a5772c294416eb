//! Changes of the policy: each once, with who asked, whichever of both is written first.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use wattpool_core::io::JournalEntry;
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::Journal;
use wattpool_journal_sqlite::{HistoryReader, SqliteJournal};
use wattpool_schema::Wh;

fn policy(reserve: u64) -> Policy {
    Policy {
        reserve_wh: Wh(reserve),
        ..Policy::default()
    }
}

#[test]
fn a_change_and_who_asked_are_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&file).unwrap();
    let mut beside = SqliteJournal::open_for_history(&file).unwrap();
    let mut put = |reserve| {
        let entry = JournalEntry::Policy(Box::new(policy(reserve)));
        journal.append(&entry).unwrap();
    };
    // Who asked is known before, after, or not at all; what was asked and did not come into force is not told.
    beside.note_policy_asked("commands", &policy(1)).unwrap();
    put(1);
    put(2);
    beside.note_policy_asked("page ab", &policy(2)).unwrap();
    beside.note_policy_asked("page cd", &policy(7)).unwrap();
    put(3);
    let reader = HistoryReader::open(&file).unwrap();
    let told = reader.policies(None, 10).unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|row| {
            let before = row.before.as_ref().map(|p| p.reserve_wh.0);
            (row.who.as_deref(), before, row.policy.reserve_wh.0)
        })
        .collect();
    let want = [
        (None, Some(2), 3),
        (Some("page ab"), Some(1), 2),
        (Some("commands"), None, 1),
    ];
    assert_eq!(told, want);
    let page = reader.policies(None, 1).unwrap();
    let rest = reader.policies(Some(page[0].number), 10).unwrap();
    assert_eq!(rest.len(), 2);
}

#[test]
fn long_policies_take_no_more_room_than_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    let mut journal = SqliteJournal::open(&file).unwrap();
    for n in 0..40_u8 {
        let blocked = (0..4_000_u32).map(|m| {
            let mut id = [n; 16];
            id[..4].copy_from_slice(&m.to_be_bytes());
            wattpool_schema::MeterId(id)
        });
        let long = Policy {
            blocked: blocked.collect(),
            ..policy(u64::from(n))
        };
        let entry = JournalEntry::Policy(Box::new(long));
        journal.append(&entry).unwrap();
    }
    let kept = HistoryReader::open(&file)
        .unwrap()
        .policies(None, 100)
        .unwrap();
    assert!((1..20).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[0].policy.reserve_wh, Wh(39));
}
