//! Closing a trade: the record, the hash chain, the statistics, the event. Nothing here is ever undone.

use cosmwasm_std::Storage;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{Statistics, TradeRecord, TINY_TRADE};
use wattpool_schema::event::TradeClosed;
use wattpool_schema::record::record_bytes_digest;
use wattpool_schema::Wh;

use crate::checked::Checked;
use crate::state::{self, Book, MeterBook};

/// Longest duration that one trade may add to the statistics: a day.
const LONGEST_SECONDS: u64 = 86_400;

/// Appends the record (its `sequence` is given here) and counts it in both meters' statistics unless both
/// belong to one owner or it is tiny.
pub fn close(
    storage: &mut dyn Storage,
    book: &mut Book,
    seller: &mut MeterBook,
    buyer: &mut MeterBook,
    mut record: TradeRecord,
    one_owner: bool,
) -> Result<TradeClosed, MarketError> {
    record.sequence = book.trades;
    let bytes = record.to_bytes();
    book.trades = book.trades.plus(1)?;
    book.head = record_bytes_digest(&book.head, &bytes);
    state::append_record(storage, &record);
    // Asked and not declined: the size of a trade, whatever became of it.
    let wanted = record.asked.saturating_sub(record.declined);
    if !one_owner && wanted >= TINY_TRADE {
        count(seller, buyer, &record, wanted);
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
fn count(seller: &mut MeterBook, buyer: &mut MeterBook, record: &TradeRecord, wanted: Wh) {
    let seconds = record
        .closed_at
        .saturating_sub(record.requested_at)
        .0
        .min(LONGEST_SECONDS);
    let s = seller.statistics;
    seller.statistics = Statistics {
        sales: s.sales.saturating_add(1),
        asked: s.asked.saturating_add(wanted),
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
