#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use super::*;
use crate::opening::{Opening, VERSION};
use wattpool_schema::event::TariffsSet;

const METER: MeterId = MeterId([1; 16]);

/// A meter that took 100 Wh in every window from 5 on, stated all but window 8, and opens all that it stated.
fn stated() -> (Ledger, Openings) {
    let mut ledger = Ledger::new(METER);
    let row = |said| Row {
        height: 7,
        time: 90_000,
        tx: 1,
        index: 0,
        contract: "pool".to_owned(),
        said: Said::Event(Box::new(said)),
    };
    ledger.take(
        None,
        &row(E::TariffsSet(TariffsSet {
            from_window: Window(0),
            import: Tariff(300_000),
            feed_in: Tariff(80_000),
        })),
    );
    let mut openings = Vec::<Opening>::new();
    for window in [5, 6, 7, 9, 10, 11] {
        let opening = Opening {
            window: Window(window),
            registers: Registers {
                import: Wh(1_000 + 100 * (window - 4)),
                export: Wh(50),
            },
            salt: [u8::try_from(window).unwrap(); 16],
            previous: openings.last().map(Opening::commitment).unwrap_or_default(),
        };
        openings.push(opening);
        ledger.take(
            None,
            &row(E::Stated(Stated {
                meter: METER,
                owner: "o".into(),
                window: opening.window,
                sequence: window,
                wh: Wh(0),
                commitment: opening.commitment(),
                minted: true,
            })),
        );
    }
    let installed = Registers {
        import: Wh(1_000),
        export: Wh(50),
    };
    let document = Openings {
        version: VERSION,
        meter: METER,
        home: None,
        installed: Some(installed),
        openings,
    };
    (ledger, document)
}

fn said(found: &[Finding]) -> String {
    let all: Vec<String> = found.iter().map(Finding::to_string).collect();
    all.join("\n")
}

#[test]
fn a_bill_begins_where_the_registers_are_known() {
    let (ledger, document) = stated();
    assert_eq!(ledger.first_billed(&document, true), Window(5));
    let (bill, found) = ledger.bill(&document, Window(5), Window(11), true);
    assert_eq!(said(&found), "");
    assert_eq!((bill.total.import_wh, bill.total.windows), (700, 7));
    assert_eq!((bill.coverage.stated, bill.coverage.opened), (6, 6));
    let (bill, found) = ledger.bill(&document, Window(7), Window(9), true);
    assert_eq!(said(&found), "");
    assert_eq!(bill.total.import_wh, 300);
    // The window before the period is none that was stated.
    let (bill, found) = ledger.bill(&document, Window(9), Window(11), true);
    assert_eq!((said(&found), bill.total.import_wh), (String::new(), 400));
    let remarks = bill.remarks.join("\n");
    assert!(remarks.contains("1 of them before the period"), "{remarks}");
}

#[test]
fn installed_registers_do_not_count_in_the_middle() {
    let (ledger, whole) = stated();
    let mut cut = whole.clone();
    cut.openings.drain(..3);
    cut.installed = Some(Registers::default());
    for (from, needs) in [(9, "window 7 has"), (10, ""), (11, "")] {
        let (bill, found) = ledger.bill(&cut, Window(from), Window(11), true);
        assert!(said(&found).contains(needs), "{}", said(&found));
        assert_eq!(found.is_empty(), needs.is_empty(), "{}", said(&found));
        assert!(bill.total.import_wh <= 200, "{bill:?}");
    }
    assert_eq!(ledger.first_billed(&cut, true), Window(10));
    // Nor the last one before the period left out, with those before it there.
    let mut holed = whole.clone();
    holed.openings.remove(1);
    holed.openings.remove(1);
    let (bill, found) = ledger.bill(&holed, Window(8), Window(11), true);
    assert!(said(&found).contains("window 7 has"), "{}", said(&found));
    assert_eq!(bill.total.import_wh, 200);
    // Nor a first opening that was altered.
    let mut altered = whole.clone();
    altered.openings[2].registers.import = Wh(1);
    let (_, found) = ledger.bill(&altered, Window(9), Window(11), true);
    assert!(
        said(&found).contains("make the commitment"),
        "{}",
        said(&found)
    );
    // Nor where the source begins later than the market.
    let (_, found) = ledger.bill(&whole, Window(5), Window(11), false);
    assert!(
        said(&found).contains("the source begins later"),
        "{}",
        said(&found)
    );
    let mut later = ledger.clone();
    later.stated.retain(|w, _| *w >= Window(9));
    let (bill, found) = later.bill(&whole, Window(9), Window(11), false);
    assert_eq!((said(&found), bill.total.import_wh), (String::new(), 400));
    let mut invented = whole;
    invented.openings[2].registers.import = Wh(1_200);
    let (_, found) = later.bill(&invented, Window(9), Window(11), false);
    assert!(
        said(&found).contains("has to be opened"),
        "{}",
        said(&found)
    );
    // Without those of the installation, a bill begins after the first opening.
    let (ledger, mut bare) = stated();
    bare.installed = None;
    assert_eq!(ledger.first_billed(&bare, true), Window(6));
    let (_, found) = ledger.bill(&bare, Window(5), Window(11), true);
    assert!(
        said(&found).contains("begin with window 6"),
        "{}",
        said(&found)
    );
}

#[test]
fn a_period_without_statements_is_no_bill() {
    let (ledger, document) = stated();
    let (bill, found) = ledger.bill(&document, Window(20), Window(30), true);
    assert_eq!(found.len(), 1, "{}", said(&found));
    assert!(said(&found).contains("stated nothing"), "{}", said(&found));
    assert_eq!(bill.coverage.not_stated.len(), 1);
}
