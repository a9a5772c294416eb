//! A closed trade's record by itself: what can be wrong with it whatever else is known.

use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::TradeKind;

/// The field that is wrong with a record, and why; `sequence` is its place in the log.
pub fn wrong(record: &TradeRecord, sequence: u64) -> Option<(&'static str, String)> {
    if record.sequence != sequence {
        let what = format!("expected trade {sequence}, found {}", record.sequence);
        return Some(("sequence", what));
    }
    let parts = [record.arrived, record.declined, record.missed];
    let sum = parts.iter().map(|wh| u128::from(wh.get())).sum::<u128>();
    if sum > u128::from(record.asked.get()) {
        let what = format!(
            "trade {sequence}: arrived, declined and missed are more than the {} Wh asked",
            record.asked
        );
        return Some(("asked", what));
    }
    if record.kind == TradeKind::Spot && record.count != 1 {
        let what = format!("trade {sequence}: a spot trade of {} windows", record.count);
        return Some(("count", what));
    }
    // Rounded up once over all that arrived.
    let exact = u128::from(record.arrived.get()).saturating_mul(u128::from(record.price.get()));
    if u128::from(record.paid.get()) != exact.div_ceil(1_000) {
        let what = format!(
            "trade {sequence}: paid {}, but {} Wh at {} make another sum",
            record.paid, record.arrived, record.price
        );
        return Some(("paid", what));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::{MeterId, Micro, Price, Seconds, Wh, Window, RECORD_VERSION};

    fn record() -> TradeRecord {
        TradeRecord {
            version: RECORD_VERSION,
            sequence: 3,
            kind: TradeKind::Spot,
            trade_id: 1,
            buyer: MeterId([1; 16]),
            seller: MeterId([2; 16]),
            nonce: 9,
            window: Window(7),
            count: 1,
            asked: Wh(1_001),
            arrived: Wh(1_001),
            declined: Wh(0),
            missed: Wh(0),
            lost: Wh(0),
            price: Price(7),
            paid: Micro(8),
            charge: Micro(0),
            requested_at: Seconds(1),
            closed_at: Seconds(2),
        }
    }

    #[test]
    fn each_field_is_named() {
        assert_eq!(wrong(&record(), 3), None);
        let named = |change: fn(&mut TradeRecord)| {
            let mut record = record();
            change(&mut record);
            wrong(&record, 3).map(|(field, _)| field)
        };
        assert_eq!(named(|r| r.sequence = 4), Some("sequence"));
        assert_eq!(named(|r| r.missed = Wh(1)), Some("asked"));
        assert_eq!(named(|r| r.arrived = Wh(u64::MAX)), Some("asked"));
        assert_eq!(named(|r| r.count = 2), Some("count"));
        assert_eq!(named(|r| r.paid = Micro(7)), Some("paid"));
    }
}
