//! What became of trades that waited for their owner, as time goes on and over a restart.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use wattpool_core::io::{BlockRef, Notice};
use wattpool_core::ports::home::History;
use wattpool_journal_sqlite::{Fate, HistoryReader, SqliteJournal};
use wattpool_schema::event::{MarketEvent, TradeClosed};
use wattpool_schema::{Digest32, MeterId, Micro, Price, Seconds, TradeKind, Wh, Window};

const ME: MeterId = MeterId([1; 16]);
const OTHER: MeterId = MeterId([2; 16]);
const THIRD: MeterId = MeterId([3; 16]);
const LEN: u32 = 900;
/// The window that runs while owners are asked, and its first second.
const RUNNING: (u64, u64) = (100, 100 * 900);

fn waits(history: &mut SqliteJournal, at: u64, request: u64, partner: MeterId, selling: bool) {
    let notice = Notice::AwaitingApproval {
        request,
        partner,
        wh: Wh(500),
        price: Price(200_000),
        selling,
        until: Seconds(RUNNING.1 + 890),
    };
    history.note(Seconds(RUNNING.1 + at), &notice).unwrap();
}

fn decides(history: &mut SqliteJournal, at: u64, request: u64, accept: bool) {
    let notice = Notice::TradeDecided { request, accept };
    history.note(Seconds(RUNNING.1 + at), &notice).unwrap();
}

fn closed(
    history: &mut SqliteJournal,
    sequence: u64,
    trade_id: u64,
    buyer: MeterId,
    seller: MeterId,
) {
    let block = BlockRef {
        height: sequence,
        time: Seconds(RUNNING.1 + 300),
    };
    let trade = TradeClosed {
        sequence,
        kind: TradeKind::Spot,
        trade_id,
        buyer,
        seller,
        nonce: 1,
        window: Window(RUNNING.0 - 1),
        count: 1,
        asked: Wh(400),
        arrived: Wh(390),
        declined: Wh(0),
        missed: Wh(10),
        lost: Wh(1),
        price: Price(200_000),
        paid: Micro(78_000),
        charge: Micro(390),
        requested_at: Seconds(RUNNING.1 + 290),
        closed_at: block.time,
        head: Digest32([4; 32]),
    };
    let event = MarketEvent::TradeClosed(trade);
    history.note_events(block, &[event]).unwrap();
}

#[test]
fn each_that_waited_has_a_fate_that_time_may_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    let mut history = SqliteJournal::open_for_history(&file).unwrap();
    let reader = HistoryReader::open(&file).unwrap();
    let fates = |now: u64, limit| {
        let rows = reader.approvals(ME, LEN, Seconds(RUNNING.1 + now), limit);
        let rows = rows.unwrap().into_iter();
        rows.map(|row| (row.request, row.fate)).collect::<Vec<_>>()
    };
    assert_eq!(fates(0, 50), []);
    waits(&mut history, 10, 7, OTHER, false);
    waits(&mut history, 11, 8, THIRD, false);
    assert_eq!(fates(20, 50), [(8, Fate::Waiting), (7, Fate::Waiting)]);
    decides(&mut history, 60, 7, true);
    decides(&mut history, 61, 8, false);
    assert_eq!(fates(90, 50), [(8, Fate::Declined), (7, Fate::UnderWay)]);
    // After a restart the number is given once more: the first decision is not of the second question.
    waits(&mut history, 200, 7, THIRD, false);
    let last = fates(210, 1);
    assert_eq!(last, [(7, Fate::Waiting)]);
    // A trade of another number, or with somebody else, is not what was accepted.
    closed(&mut history, 1, 9, ME, OTHER);
    let ended = [(7, Fate::Lapsed), (8, Fate::Declined), (7, Fate::Failed)];
    assert_eq!(fates(2_000, 50), ended);
    closed(&mut history, 2, 7, ME, OTHER);
    let rows = reader.approvals(ME, LEN, Seconds(RUNNING.1 + 2_000), 50);
    let bought = rows.unwrap()[2];
    assert_eq!((bought.fate, bought.traded), (Fate::Traded, Some(Wh(390))));
    // A buyer pays the charge as well, a seller gets none of it.
    assert_eq!(bought.money, Some(Micro(78_390)));
    assert_eq!(bought.decided_at, Some(Seconds(RUNNING.1 + 60)));
    waits(&mut history, 210, 1 << 40, OTHER, true);
    decides(&mut history, 220, 1 << 40, true);
    closed(&mut history, 3, 55, OTHER, ME);
    let rows = reader.approvals(ME, LEN, Seconds(RUNNING.1 + 400), 1);
    let sold = rows.unwrap()[0];
    assert_eq!((sold.fate, sold.money), (Fate::Traded, Some(Micro(78_000))));
}
