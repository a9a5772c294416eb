//! What a home's page shows after a month is what the chain and the meter have in their books, day by day and to the unit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use wattpool_core::ports::home::History;
use wattpool_journal_sqlite::{HistoryReader, SqliteJournal, Sums};
use wattpool_report::{measure, Outcome};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_schema::Seconds;
use wattpool_simulator::{run_keeping, RunOptions, Signatures};

const HOMES: u32 = 4;
const DAYS: u32 = 30;
const DAY_S: u64 = 86_400;

/// The same figures from the meters' profiles and the chain's books.
#[derive(Default)]
struct Day {
    surplus: u64,
    deficit: u64,
    bought: u64,
    sold: u64,
    spent: u64,
    earned: u64,
    /// In micro-units times Wh per kWh: nothing is rounded yet.
    without: i128,
    with: i128,
}

fn days(n: &Neighbourhood, o: &Outcome, home: usize, from: Seconds) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    let profile = &n.homes[home];
    for window in 0..n.windows {
        let cell = window * n.homes.len() + home;
        let begun = n.first_window.plus(window as u64).start(n.window_s).0;
        let day = usize::try_from((begun - from.0) / DAY_S).unwrap();
        days.resize_with(days.len().max(day + 1), Day::default);
        let day = &mut days[day];
        let (made, used) = (profile.generation_wh[window], profile.demand_wh[window]);
        let surplus = u64::from(made.saturating_sub(used));
        let deficit = u64::from(used.saturating_sub(made));
        let [bought, sold] = [o.bought_wh[cell], o.sold_gross_wh[cell]].map(u64::from);
        day.surplus += surplus;
        day.deficit += deficit;
        day.bought += bought;
        day.sold += sold;
        day.spent += o.spent[cell];
        day.earned += o.earned[cell];
        let (import, feed_in) = (n.import_tariff[window].0, n.feed_in_tariff[window].0);
        let grid = |taken: u64, given: u64| {
            i128::from(taken) * i128::from(import) - i128::from(given) * i128::from(feed_in)
        };
        day.without += grid(deficit, surplus);
        day.with += grid(deficit - bought, surplus - sold)
            + 1_000 * (i128::from(o.spent[cell]) - i128::from(o.earned[cell]));
    }
    days
}

fn agree(day: &Day, told: &Sums, at: &str) {
    let energy = [told.surplus, told.deficit, told.bought, told.sold].map(|wh| wh.0);
    assert_eq!(
        energy,
        [day.surplus, day.deficit, day.bought, day.sold],
        "{at}: energy"
    );
    assert_eq!(told.paid.0 + told.charge.0, day.spent, "{at}: spent");
    assert_eq!(told.earned.0, day.earned, "{at}: earned");
    assert_eq!(
        i128::from(told.without),
        day.without.div_euclid(1_000),
        "{at}: without trading"
    );
    let saved = (day.without - day.with).div_euclid(1_000);
    assert_eq!(i128::from(told.saved), saved, "{at}: saved");
    assert_eq!(told.with, told.without - told.saved, "{at}: with trading");
    assert_eq!(told.unpriced, 0, "{at}: tariffs of all windows are known");
}

#[test]
fn a_months_money_and_energy_are_those_of_the_chain_and_the_meter() {
    let options = GenerateOptions {
        homes: HOMES,
        days: DAYS,
        seed: 11,
        zones: 2,
        ..GenerateOptions::default()
    };
    let n = neighbourhood(&options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |home: usize| folder.path().join(format!("{home}.sqlite"));
    let history = |home: usize| -> Box<dyn History> {
        Box::new(SqliteJournal::open_for_history(&file(home)).unwrap())
    };
    let histories = (0..n.homes.len()).map(history).collect();
    let options = RunOptions {
        seed: 11,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    let (o, meters) = run_keeping(&n, &options, histories).unwrap();
    assert_eq!(o.invariant_violations, Vec::<String>::new());
    assert_eq!(o.finished_windows, n.windows);
    let from = n.first_window.start(n.window_s);
    let edges: Vec<Seconds> = (0..=u64::from(DAYS))
        .map(|d| Seconds(from.0 + d * DAY_S))
        .collect();
    let bills = measure(&n, &o).unwrap();
    for (home, meter) in meters.iter().enumerate() {
        let reader = HistoryReader::open(&file(home)).unwrap();
        let told = reader.sums(*meter, n.window_s, &edges).unwrap();
        let own = days(&n, &o, home, from);
        assert_eq!(told.len(), own.len());
        for (number, (day, told)) in own.iter().zip(&told).enumerate() {
            agree(day, told, &format!("home {home}, day {number}"));
            assert_eq!(told.windows, DAY_S / u64::from(n.window_s));
        }
        // The month at once is rounded once; the report rounds each window's bill against the home.
        let month = reader
            .sums(*meter, n.window_s, &[edges[0], edges[edges.len() - 1]])
            .unwrap()[0];
        let bill = bills.accounts.homes[home].money;
        let apart = bill.bill() - bill.fees - i128::from(month.with);
        assert!(
            (0..=2 * n.windows as i128).contains(&apart),
            "home {home}: {apart} micro-units apart"
        );
        println!("home {home}: saved {} of {}", month.saved, month.without);
    }
    let traded: u64 = o.bought_wh.iter().map(|wh| u64::from(*wh)).sum();
    assert!(traded > 10_000, "{traded} Wh were traded");
}
