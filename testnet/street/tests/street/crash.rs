//! Agents that are killed (SIGKILL) at every step of a spot trade that they write down, buyers and sellers.
//!
//! A pair of homes has a zone of its own, so that each kill hits the one trade there is, and six pairs are hit in one
//! window. The steps of a standing order need a day of history before them: agent/core's tests have those.

use crate::home::Home;
use crate::profiles::Profile;
use crate::street::{Pace, Street};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use wattpool_core::io::JournalEntry;
use wattpool_schema::escrow::TradeStatus;
use wattpool_schema::{Wh, Window};

const PAIRS: usize = 6;
const ROWS: usize = 7;
const WINDOW_S: u32 = 16;

/// What is written down on the way of a spot trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Metered,
    Approved,
    Settling,
}

/// One kill: the step of which side, how long after it was written down, and how long the home stays dead.
#[derive(Clone, Copy, Debug)]
struct Kill {
    row: usize,
    pair: usize,
    sells: bool,
    step: Step,
    after_ms: u64,
    dead_s: u64,
}

/// The plan. Approvals hold for three seconds here: of those who stay dead for longer, none can be used any more.
fn plan() -> Vec<Kill> {
    use Step::{Approved, Metered, Settling};
    let mut kills = Vec::new();
    let mut add = |row, pair, sells, step, after_ms, dead_s| {
        kills.push(Kill {
            row,
            pair,
            sells,
            step,
            after_ms,
            dead_s,
        });
    };
    // At once. The delays reach from before the next act over a transaction under way to one in a block.
    add(1, 0, true, Metered, 0, 0);
    add(1, 1, true, Approved, 0, 0);
    add(1, 2, false, Metered, 0, 0);
    add(1, 3, false, Settling, 0, 0);
    add(1, 4, false, Settling, 800, 0);
    add(1, 5, true, Metered, 0, 0);
    add(1, 5, false, Metered, 0, 0);
    add(2, 0, true, Metered, 700, 0);
    add(2, 1, true, Approved, 300, 0);
    add(2, 2, false, Metered, 700, 0);
    add(2, 3, false, Settling, 200, 0);
    add(2, 4, true, Approved, 0, 0);
    add(2, 4, false, Settling, 0, 0);
    add(2, 5, true, Approved, 1_000, 0);
    // After the approvals expired: in the same window, and in the next one.
    for (row, dead_s) in [(3, 8), (4, u64::from(WINDOW_S))] {
        add(row, 0, true, Metered, 0, dead_s);
        add(row, 1, true, Approved, 0, dead_s);
        add(row, 2, false, Metered, 0, dead_s);
        add(row, 3, false, Settling, 0, dead_s);
        add(row, 4, true, Approved, 0, dead_s);
        add(row, 4, false, Settling, 0, dead_s);
        add(row, 5, true, Approved, 400, dead_s);
    }
    kills
}

/// Whether whoever is hit by a kill in this row is back at once, or nobody is hit.
const fn undisturbed(row: usize) -> bool {
    // Those who were dead at the end of a window miss the beginning of the next one, too.
    !matches!(row, 3..=5)
}

/// The step that an entry is, and of which metered window.
fn step_of(entry: &JournalEntry) -> Option<(Step, Window)> {
    match entry {
        JournalEntry::Metered { reading, .. } => Some((Step::Metered, reading.window)),
        JournalEntry::Approved { approval, .. } => {
            Some((Step::Approved, approval.approval.first_window))
        }
        JournalEntry::Settling(trade) => {
            Some((Step::Settling, trade.approval.approval.first_window))
        }
        JournalEntry::Exchanged { .. }
        | JournalEntry::Ordering(_)
        | JournalEntry::Policy(_)
        | JournalEntry::Learned(_)
        | JournalEntry::Partners(_) => None,
    }
}

/// What a home has written down, as it grows.
struct Written {
    db: rusqlite::Connection,
    last: i64,
    entries: Vec<JournalEntry>,
}

impl Written {
    fn by(home: &Home) -> Self {
        let file = home.folder.join("journal.sqlite");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        Self {
            db: rusqlite::Connection::open_with_flags(file, flags).unwrap(),
            last: 0,
            entries: Vec::new(),
        }
    }

    /// Reads on. The file may be busy: then the next time does.
    fn read(&mut self) {
        let mut add = || -> rusqlite::Result<()> {
            let mut select = self
                .db
                .prepare("SELECT number, entry FROM journal WHERE number > ?1 ORDER BY number")?;
            let mut rows = select.query([self.last])?;
            while let Some(row) = rows.next()? {
                self.last = row.get(0)?;
                let text: String = row.get(1)?;
                self.entries.push(serde_json::from_str(&text).unwrap());
            }
            Ok(())
        };
        // Nothing is lost: what was not read is still there.
        let _ = add();
    }

    fn has(&self, step: Step, window: Window) -> bool {
        self.entries
            .iter()
            .any(|e| step_of(e) == Some((step, window)))
    }
}

/// Lives a home's life with its kills; returns all that it wrote down, and the kills that came about.
fn live(
    home: &mut Home,
    kills: &[Kill],
    first: Window,
    until: Instant,
) -> (Vec<JournalEntry>, Vec<Kill>) {
    let mut written = Written::by(home);
    let (mut due, mut done) = (kills.iter().peekable(), Vec::new());
    while Instant::now() < until {
        written.read();
        let hit = |k: &&Kill| written.has(k.step, Window(first.0 + k.row as u64));
        if let Some(kill) = due.next_if(hit) {
            std::thread::sleep(Duration::from_millis(kill.after_ms));
            home.kill();
            std::thread::sleep(Duration::from_secs(kill.dead_s));
            home.start();
            done.push(*kill);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    written.read();
    (written.entries, done)
}

/// Differs from pair to pair and from row to row, so that no two mistakes add up to nothing.
fn amounts(pair: usize, row: usize) -> (u64, u64) {
    let more = (pair * 10 + row) as u64;
    (700 + more, 400 + more)
}

#[test]
fn whoever_is_killed_at_a_step_of_a_trade_ends_it_after_the_restart() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let mut profiles: Vec<Profile> = Vec::new();
    for pair in 0..PAIRS {
        profiles.push((0..ROWS).map(|row| (0, amounts(pair, row).0)).collect());
        profiles.push((0..ROWS).map(|row| (amounts(pair, row).1, 0)).collect());
    }
    let pace = Pace {
        validators: 1,
        window_s: WINDOW_S,
        block_ms: 500,
        port: 30_400,
        zone: 2,
    };
    let mut street = Street::build(profiles, pace);
    street.start();
    let first = street.first;
    street.wait_for(Window(first.0 - 1));
    // The last row is traded in the window after it.
    let until = Instant::now() + Duration::from_secs(u64::from(WINDOW_S) * (ROWS as u64 + 2));
    let plan = plan();
    let lives: Vec<(Vec<JournalEntry>, Vec<Kill>)> = std::thread::scope(|scope| {
        let one = |(n, home)| {
            let of = |k: &&Kill| k.pair == n / 2 && k.sells == (n % 2 == 0);
            let kills: Vec<Kill> = plan.iter().filter(of).copied().collect();
            scope.spawn(move || live(home, &kills, first, until))
        };
        let homes = street.homes.iter_mut().enumerate().map(one);
        let homes: Vec<_> = homes.collect();
        homes.into_iter().map(|h| h.join().unwrap()).collect()
    });
    street.wait_for(first.plus(ROWS as u64 + 1));

    let killed: usize = lives.iter().map(|(_, done)| done.len()).sum();
    println!("{killed} of {} kills came about", plan.len());
    for (n, (_, done)) in lives.iter().enumerate() {
        for kill in done {
            println!("  home {n}: {kill:?}");
        }
    }
    // Whoever is dead in one row writes nothing in it that could be waited for; all before must have come about.
    let early = |k: &&Kill| k.row <= 3;
    let came: usize = lives
        .iter()
        .flat_map(|(_, done)| done)
        .filter(early)
        .count();
    assert_eq!(
        came,
        plan.iter().filter(early).count(),
        "every step was written and hit"
    );

    let mut sums: BTreeMap<Window, (u64, u64, u64)> = BTreeMap::new();
    for pair in 0..PAIRS {
        let (seller, buyer) = (&street.homes[pair * 2], &street.homes[pair * 2 + 1]);
        let trades = street.purchases(&buyer.meter);
        for row in 0..ROWS {
            let window = Window(first.0 + row as u64);
            let (surplus, deficit) = amounts(pair, row);
            let of = trades.iter().filter(|t| t.window == window);
            let bought: u64 = of.map(|t| t.arrived.0).sum();
            println!("pair {pair} row {row}: {bought} of {deficit} bought, {surplus} exported");
            let logs = || format!("seller\n{}\nbuyer\n{}", seller.log(), buyer.log());
            assert!(bought <= deficit, "pair {pair} row {row}: {}", logs());
            if undisturbed(row) {
                assert_eq!(bought, deficit, "pair {pair} row {row}: {}", logs());
            }
            let sum = sums.entry(window).or_default();
            *sum = (sum.0 + surplus, sum.1 + deficit, sum.2 + bought);
        }
        // A trade that was written down ends as if nobody had been killed, if its approval could still be used.
        let mut settled: BTreeMap<u64, (Window, Wh)> = BTreeMap::new();
        for entry in &lives[pair * 2 + 1].0 {
            if let JournalEntry::Settling(t) = entry {
                settled.insert(t.trade_id, (t.approval.approval.first_window, t.wh));
            }
        }
        for (id, (window, wh)) in &settled {
            match street.trade(&buyer.meter, *id) {
                TradeStatus::Closed { record } => {
                    assert_eq!((record.window, record.arrived), (*window, *wh));
                }
                status => {
                    let row = (window.0 - first.0) as usize;
                    assert!(!undisturbed(row), "pair {pair} row {row}: {status:?}");
                    println!("pair {pair} row {row}: a trade lapsed with its approval");
                }
            }
        }
        // And there is none that was not written down.
        for trade in &trades {
            assert!(settled.contains_key(&trade.trade_id), "{trade:?}");
        }
        // The owner's history, caught up after the restart, has each of them once.
        let told = buyer.ask(&["trades", "--limit", "1000"]).unwrap();
        let told = told.as_array().unwrap().iter();
        let told: u64 = told.map(|t| t["arrived"].as_u64().unwrap()).sum();
        let chain: u64 = trades.iter().map(|t| t.arrived.0).sum();
        assert_eq!(told, chain, "the history of the buyer of pair {pair}");
    }
    for (window, (surplus, deficit, bought)) in sums {
        let books = street.books(window);
        let row = (window.0 - first.0) as usize;
        let (minted, late) = (books.minted.0, books.late.0);
        println!(
            "row {row}: exported {surplus} = minted {minted} + late {late}; traded {bought}, fed in {}, from the grid {}",
            surplus - bought,
            deficit - bought
        );
        assert_eq!(
            minted + late,
            surplus,
            "every export is stated once, row {row}"
        );
        if undisturbed(row) {
            assert_eq!(late, 0, "row {row}");
        }
        // The lines lose nothing here: what was sent arrived, and what was not sent is fed in.
        assert_eq!(
            (books.sold.0, books.redeemed.0),
            (bought, bought),
            "row {row}"
        );
    }
}
