//! A home with a past: its folder, and a journal that the program's own code wrote. No chain is reached.

use std::fs;
use std::path::Path;
use wattpool_core::io::{BlockRef, JournalEntry, Notice};
use wattpool_core::policy::Policy;
use wattpool_core::ports::home::{History, Journal};
use wattpool_journal_sqlite::SqliteJournal;
use wattpool_ledger_wasmd::market::{Deployed, MARKET_VERSION};
use wattpool_ledger_wasmd::{Key, Market};
use wattpool_schema::event::{Delivered, MarketEvent, TradeClosed};
use wattpool_schema::pool::Tariffs;
use wattpool_schema::{Digest32, MeterId, Micro, Price, Seconds, Tariff, TradeKind, Wh, Window};

/// This home's meter.
pub const METER: &str = "a00000000000000000000000000000e1";
/// Length of a window, seconds.
pub const LEN: u64 = 900;
const DAY: u64 = 96;
/// Fees of a window, micro-units.
pub const FEES: u64 = 131;
/// What the home uses of its panels at once, in windows with surplus, Wh.
pub const USED_AT_ONCE: u64 = 60;

fn contract(n: u8) -> Deployed {
    let key = Key::from_bytes(&[n; 32], "watt").unwrap();
    Deployed {
        address: key.address().to_owned(),
        code_id: u64::from(n),
        checksum: "00".repeat(32),
        pinned: true,
    }
}

/// Market and profile of a home, beside its configuration.
pub fn files(folder: &Path) {
    let market = Market {
        version: MARKET_VERSION,
        chain_id: "wattpool-1".into(),
        address_prefix: "watt".into(),
        denom: "uwatt".into(),
        window_seconds: 900,
        first_part_seconds: 60,
        code_administrator: None,
        token: contract(1),
        pool: contract(2),
        escrow: contract(3),
        trusted: None,
    };
    market.write(&folder.join("market.json")).unwrap();
    fs::write(
        folder.join("profile.csv"),
        "demand_wh,generation_wh\n100,0\n100,400\n",
    )
    .unwrap();
}

/// A number that looks drawn, the same each time.
fn drawn(window: u64, what: u64, most: u64) -> u64 {
    let mixed = (window ^ (what << 40))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 33) % most.max(1)
}

/// Surplus and deficit of a window: sun around noon, more of it in summer; the evening needs most.
pub fn balance(window: u64) -> (u64, u64) {
    let quarter = window % DAY;
    let season = (window / DAY) % 365;
    let summer = 100 - (season.abs_diff(182) * 80 / 182);
    let sun = 24_u64.saturating_sub(quarter.abs_diff(46)) * 24 * summer / 100;
    let sun = sun * (40 + drawn(window / DAY, 1, 61)) / 100;
    let evening = 14_u64.saturating_sub(quarter.abs_diff(76)) * 22;
    let need = 45 + evening + drawn(window, 2, 60);
    (sun.saturating_sub(need), need.saturating_sub(sun))
}

/// The other meters of the street.
pub fn neighbour(n: u64) -> MeterId {
    format!("b0000000000000000000000000{:06x}", n * 0x1357 + 7)
        .parse()
        .unwrap()
}

/// Fills a journal with windows up to now, and about so many trades.
pub fn fill(file: &Path, windows: u64, trades: u64, end: u64) {
    let me: MeterId = METER.parse().unwrap();
    let mut journal = SqliteJournal::open(file).unwrap();
    let policy = Policy {
        max_buy_price: Some(Price(320_000)),
        max_spend_per_day: Some(Micro(4_000_000)),
        preferred: [neighbour(1)].into_iter().collect(),
        blocked: [neighbour(9)].into_iter().collect(),
        manual_approval: true,
        ..Policy::default()
    };
    journal
        .append(&JournalEntry::Policy(Box::new(policy)))
        .unwrap();
    drop(journal);
    let mut beside = SqliteJournal::open_for_history(file).unwrap();
    // What the panels made: what was given, and what the home used at once.
    let mut register = 1_000;
    for window in (end - windows - 1)..end {
        if window >= end - windows {
            let (surplus, _) = balance(window);
            register += surplus + if surplus > 0 { USED_AT_ONCE } else { 0 };
            beside.note_fees(Window(window), Micro(FEES)).unwrap();
        }
        beside.note_generated(Window(window), Wh(register)).unwrap();
    }
    drop(beside);
    let mut history = SqliteJournal::open_for_history(file).unwrap();
    // So many windows share a trade.
    let every = (windows / trades.max(1)).max(1);
    let mut sequence = 40;
    let mut all = Vec::new();
    for window in (end - windows)..end {
        let (surplus, deficit) = balance(window);
        let tariffs = Tariffs {
            import: Tariff(if (24..84).contains(&(window % DAY)) {
                342_000
            } else {
                287_000
            }),
            feed_in: Tariff(81_000),
        };
        let at = Seconds((window + 1) * LEN + 40);
        history.note_tariffs(Window(window), tariffs).unwrap();
        let metered = Notice::Metered {
            window: Window(window),
            surplus: Wh(surplus),
            deficit: Wh(deficit),
        };
        history.note(at, &metered).unwrap();
        if window % every != 0 {
            continue;
        }
        let buys = deficit > 0;
        let wh = if buys { deficit } else { surplus } * (30 + drawn(window, 3, 60)) / 100;
        if wh < 5 {
            continue;
        }
        let other = neighbour(drawn(window, 4, 8));
        let (buyer, seller) = if buys { (me, other) } else { (other, me) };
        let price = 140_000 + drawn(window, 5, 90_000);
        let (paid, charge) = ((wh * price).div_ceil(1_000), (wh * 6_000).div_ceil(1_000));
        sequence += 1;
        let block = BlockRef {
            height: 1_000 + window - (end - windows),
            time: at,
        };
        let delivered = MarketEvent::Delivered(Delivered {
            kind: TradeKind::Spot,
            window: Window(window),
            trade_id: sequence,
            seller,
            buyer,
            seller_owner: "watt1seller".into(),
            buyer_owner: "watt1buyer".into(),
            net: Wh(wh),
            gross: Wh(wh + wh / 50),
            paid: Micro(paid),
            charge: Micro(charge),
        });
        let closed = TradeClosed {
            sequence,
            kind: if sequence % 11 == 0 {
                TradeKind::Forward
            } else {
                TradeKind::Spot
            },
            trade_id: sequence,
            buyer,
            seller,
            nonce: sequence,
            window: Window(window),
            count: 1,
            asked: Wh(wh),
            arrived: Wh(wh),
            declined: Wh(0),
            missed: Wh(0),
            lost: Wh(wh / 50),
            price: Price(price),
            paid: Micro(paid),
            charge: Micro(charge),
            requested_at: Seconds(at.0 - 30),
            closed_at: at,
            head: Digest32([7; 32]),
        };
        all.push(closed.clone());
        let closed = MarketEvent::TradeClosed(closed);
        history.note_events(block, &[delivered, closed]).unwrap();
    }
    waited(&mut history, end, &all);
    history
        .note(
            Seconds(end * LEN),
            &Notice::Unstated {
                window: Window(end - 3_000),
                wh: Wh(120),
            },
        )
        .unwrap();
    history
        .note(Seconds(end * LEN + 5), &Notice::Refused { code: None })
        .unwrap();
}

/// Trades that waited for their owner: one bought and one sold of those that were closed, one declined, one that came to nothing, one that lapsed.
fn waited(history: &mut SqliteJournal, end: u64, closed: &[TradeClosed]) {
    let me: MeterId = METER.parse().unwrap();
    let spot = closed.iter().rev().filter(|t| t.kind == TradeKind::Spot);
    let bought = spot.clone().find(|t| t.buyer == me).unwrap();
    let sold = spot.clone().find(|t| t.seller == me).unwrap();
    let mut wait = |request, partner, running: u64, wh, selling, accept: Option<bool>| {
        let asked = Notice::AwaitingApproval {
            request,
            partner,
            wh,
            price: Price(206_000),
            selling,
            until: Seconds((running + 1) * LEN - 10),
        };
        history.note(Seconds(running * LEN + 5), &asked).unwrap();
        if let Some(accept) = accept {
            let decided = Notice::TradeDecided { request, accept };
            history.note(Seconds(running * LEN + 20), &decided).unwrap();
        }
    };
    // A buyer's number is the trade's; a seller has its own, and a purchase of another number is another one.
    let seller = bought.seller;
    wait(
        bought.trade_id,
        seller,
        bought.window.0 + 1,
        bought.asked,
        false,
        Some(true),
    );
    wait(
        9_000_001,
        sold.buyer,
        sold.window.0 + 1,
        sold.asked,
        true,
        Some(true),
    );
    wait(9_000_002, seller, end - 5, Wh(230), false, Some(true));
    wait(
        9_000_003,
        neighbour(3),
        end - 4,
        Wh(310),
        false,
        Some(false),
    );
    wait(9_000_004, neighbour(4), end - 3, Wh(120), false, None);
}
