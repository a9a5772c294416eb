//! Agents that are killed (SIGKILL) at every step that they write down, and started again at once: every trade ends as if
//! nobody had been killed.

use crate::home::Home;
use crate::profiles::Profile;
use crate::street::{Pace, Street};
use std::time::{Duration, Instant};
use wattpool_schema::Window;

/// What an agent has written down so far, by kind.
fn written(home: &Home, kind: &str) -> usize {
    let file = home.folder.join("journal.sqlite");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let count = rusqlite::Connection::open_with_flags(file, flags).and_then(|db| {
        db.query_row(
            "SELECT coalesce(max(number), 0) FROM journal WHERE entry LIKE ?1",
            [format!("{{\"{kind}\"%")],
            |row| row.get::<_, i64>(0),
        )
    });
    count.map_or(0, |n| n as usize)
}

/// Kills an agent as soon as it has written an entry of a kind that was not there before; starts it again.
fn kill_after(home: &mut Home, kind: &str, within: Duration) -> bool {
    let before = written(home, kind);
    let begun = Instant::now();
    while written(home, kind) <= before {
        if begun.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    home.kill();
    home.start();
    true
}

#[test]
fn whoever_is_killed_at_a_step_of_a_trade_ends_it_after_the_restart() {
    const ROWS: usize = 6;
    let _one = crate::ONE_AT_A_TIME.lock();
    let seller: Profile = vec![(0, 700); ROWS];
    let buyer: Profile = vec![(400, 0); ROWS];
    let pace = Pace {
        validators: 1,
        window_s: 40,
        block_ms: 1_000,
        port: 30_400,
    };
    let mut street = Street::build(vec![seller, buyer], pace);
    street.start();
    // The first window passes undisturbed; then one step of one side a window.
    let steps = [
        (0, "metered"),
        (0, "approved"),
        (1, "metered"),
        (1, "settling"),
    ];
    let window = Duration::from_secs(u64::from(street.window_s));
    for (n, (home, kind)) in steps.into_iter().enumerate() {
        // Row n + 1 is metered at the end of its window and traded in the next.
        street.wait_for(street.first.plus(n as u64 + 1));
        std::thread::sleep(window * 3 / 4);
        let killed = kill_after(&mut street.homes[home], kind, window);
        assert!(
            killed,
            "home {home} wrote no {kind}:\n{}",
            street.homes[home].log()
        );
        println!("killed home {home} after {kind}");
    }
    street.wait_for(street.first.plus(ROWS as u64 + 1));
    for row in 0..ROWS {
        let books = street.books(Window(street.first.0 + row as u64));
        println!(
            "window {row}: minted {} late {} traded {}",
            books.minted, books.late, books.redeemed
        );
        assert_eq!((books.minted.0, books.late.0), (700, 0), "window {row}");
        assert_eq!(books.redeemed.0, 400, "window {row}");
    }
}
