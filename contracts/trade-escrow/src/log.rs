//! Closing a trade: the record, the hash chain, the statistics, the event. Nothing here is ever undone.

use cosmwasm_std::Storage;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{Statistics, TradeRecord, TINY_TRADE};
use wattpool_schema::event::TradeClosed;
use wattpool_schema::record::record_bytes_digest;
use wattpool_schema::{Seconds, Wh, Window};

use crate::state::{self, Book, MeterBook};

/// Longest duration that one trade may add to the statistics: a day.
const LONGEST_SECONDS: u64 = 86_400;

/// Appends the record (its `sequence` is given here) and counts it in both meters' statistics unless both
/// belong to one household (`inside`) or it is tiny.
pub fn close(
    storage: &mut dyn Storage,
    book: &mut Book,
    seller: &mut MeterBook,
    buyer: &mut MeterBook,
    mut record: TradeRecord,
    inside: bool,
) -> Result<TradeClosed, MarketError> {
    record.sequence = book.trades;
    let bytes = record.to_bytes();
    book.trades = book.trades.saturating_add(1);
    book.head = record_bytes_digest(&book.head, &bytes);
    state::append_record(storage, &record);
    // What the seller answers for; what nobody is to blame for counts for nobody.
    let due = record.arrived.saturating_add(record.missed);
    if !inside && due >= TINY_TRADE {
        count(seller, buyer, &record, due);
    }
    Ok(TradeClosed {
        sequence: record.sequence,
        kind: record.kind,
        trade_id: record.trade_id,
        buyer: record.buyer,
        seller: record.seller,
        nonce: record.nonce,
        window: record.window,
        count: record.count,
        asked: record.asked,
        arrived: record.arrived,
        declined: record.declined,
        missed: record.missed,
        lost: record.lost,
        price: record.price,
        paid: record.paid,
        charge: record.charge,
        requested_at: record.requested_at,
        closed_at: record.closed_at,
        head: book.head,
    })
}

/// Statistics saturate: they inform, nothing is paid by them. A duration counts from the request, at least
/// zero (a request may be dated ahead of block time) and at most a day.
fn count(seller: &mut MeterBook, buyer: &mut MeterBook, record: &TradeRecord, due: Wh) {
    let seconds = record
        .closed_at
        .saturating_sub(record.requested_at)
        .0
        .min(LONGEST_SECONDS);
    let s = seller.statistics;
    seller.statistics = Statistics {
        sales: s.sales.saturating_add(1),
        asked: s.asked.saturating_add(due),
        arrived: s.arrived.saturating_add(record.arrived),
        missed: s.missed.saturating_add(record.missed),
        wh_seconds: s
            .wh_seconds
            .saturating_add(record.arrived.0.saturating_mul(seconds)),
        ..s
    };
    let b = buyer.statistics;
    buyer.statistics = Statistics {
        purchases: b.purchases.saturating_add(1),
        bought: b.bought.saturating_add(record.arrived),
        ..b
    };
}

/// Counts what a seller sent outside its household: the window counts as taken part in once that is half of what was minted in it.
pub fn take_part(seller: &mut MeterBook, window: Window, gross: Wh, minted: Wh, now: Seconds) {
    let so_far = match seller.part {
        (of, wh) if of == window => wh,
        _ => Wh::ZERO,
    };
    let half = |wh: Wh| wh.0.saturating_mul(2) >= minted.0;
    let sum = so_far.saturating_add(gross);
    seller.part = (window, sum);
    if half(sum) && (so_far.is_zero() || !half(so_far)) {
        let mut part = seller.statistics.part.at(now);
        part.windows = part.windows.saturating_add(1);
        seller.statistics.part = part;
    }
}
