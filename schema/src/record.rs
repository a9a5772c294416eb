//! The closed trade as bytes, and the hash chain over all of them: what makes the log checkable.
//!
//! Layout: the fields of [`TradeRecord`] in the order of their definition, integers big-endian, the kind
//! as one byte (0 spot, 1 forward), meters as their 16 bytes. The escrow stores the record shorter ([`mod@crate::packed`]).

use crate::escrow::TradeRecord;
use crate::event::TradeClosed;
use crate::signing::{digest, SignBytes, RECORD_VERSION};
use crate::{Digest32, MeterId, Micro, Price, Seconds, TradeKind, Wh, Window};

/// Length of an encoded record.
pub const RECORD_BYTES: usize = 151;

impl TradeRecord {
    /// The record's bytes, [`RECORD_BYTES`] of them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(RECORD_BYTES);
        bytes.extend_from_slice(&self.version.to_be_bytes());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.push(match self.kind {
            TradeKind::Spot => 0,
            TradeKind::Forward => 1,
        });
        bytes.extend_from_slice(&self.trade_id.to_be_bytes());
        bytes.extend_from_slice(&self.buyer.0);
        bytes.extend_from_slice(&self.seller.0);
        bytes.extend_from_slice(&self.nonce.to_be_bytes());
        bytes.extend_from_slice(&self.window.0.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        for number in [
            self.asked.0,
            self.arrived.0,
            self.declined.0,
            self.missed.0,
            self.lost.0,
            self.price.0,
            self.paid.0,
            self.charge.0,
            self.requested_at.0,
            self.closed_at.0,
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` when the bytes are no record.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let record = Self {
            version: u16::from_be_bytes(take(&mut rest)?),
            sequence: number(&mut rest)?,
            kind: match take::<1>(&mut rest)? {
                [0] => TradeKind::Spot,
                [1] => TradeKind::Forward,
                _ => return None,
            },
            trade_id: number(&mut rest)?,
            buyer: MeterId(take(&mut rest)?),
            seller: MeterId(take(&mut rest)?),
            nonce: number(&mut rest)?,
            window: Window(number(&mut rest)?),
            count: u32::from_be_bytes(take(&mut rest)?),
            asked: Wh(number(&mut rest)?),
            arrived: Wh(number(&mut rest)?),
            declined: Wh(number(&mut rest)?),
            missed: Wh(number(&mut rest)?),
            lost: Wh(number(&mut rest)?),
            price: Price(number(&mut rest)?),
            paid: Micro(number(&mut rest)?),
            charge: Micro(number(&mut rest)?),
            requested_at: Seconds(number(&mut rest)?),
            closed_at: Seconds(number(&mut rest)?),
        };
        rest.is_empty().then_some(record)
    }
}

impl From<&TradeClosed> for TradeRecord {
    /// The record that an event reports.
    fn from(e: &TradeClosed) -> Self {
        Self {
            version: RECORD_VERSION,
            sequence: e.sequence,
            kind: e.kind,
            trade_id: e.trade_id,
            buyer: e.buyer,
            seller: e.seller,
            nonce: e.nonce,
            window: e.window,
            count: e.count,
            asked: e.asked,
            arrived: e.arrived,
            declined: e.declined,
            missed: e.missed,
            lost: e.lost,
            price: e.price,
            paid: e.paid,
            charge: e.charge,
            requested_at: e.requested_at,
            closed_at: e.closed_at,
        }
    }
}

/// Next head of the hash chain: `SHA-256("wattpool/trade" ‖ 0 ‖ previous head ‖ record)`. Before the first
/// record the head is all zeros.
pub fn record_digest(previous: &Digest32, record: &TradeRecord) -> Digest32 {
    record_bytes_digest(previous, &record.to_bytes())
}

/// [`record_digest`] for a record that is bytes already.
pub fn record_bytes_digest(previous: &Digest32, record: &[u8]) -> Digest32 {
    let mut bytes = SignBytes::new("wattpool/trade").fixed(&previous.0).finish();
    bytes.extend_from_slice(record);
    Digest32(digest(&bytes))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> TradeRecord {
        TradeRecord {
            version: 1,
            sequence: 2,
            kind: TradeKind::Forward,
            trade_id: 3,
            buyer: MeterId([4; 16]),
            seller: MeterId([5; 16]),
            nonce: 6,
            window: Window(7),
            count: 8,
            asked: Wh(9),
            arrived: Wh(10),
            declined: Wh(11),
            missed: Wh(12),
            lost: Wh(13),
            price: Price(14),
            paid: Micro(15),
            charge: Micro(16),
            requested_at: Seconds(17),
            closed_at: Seconds(18),
        }
    }

    #[test]
    fn records_go_there_and_back() {
        let bytes = record().to_bytes();
        assert_eq!(bytes.len(), RECORD_BYTES);
        assert_eq!(TradeRecord::from_bytes(&bytes), Some(record()));
        assert_eq!(TradeRecord::from_bytes(bytes.split_last().unwrap().1), None);
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(TradeRecord::from_bytes(&longer), None);
    }

    #[test]
    fn every_byte_of_a_record_counts() {
        let zero = Digest32::default();
        let head = record_digest(&zero, &record());
        assert_ne!(head, record_digest(&head, &record()));
        let bytes = record().to_bytes();
        for i in 0..bytes.len() {
            let mut other = bytes.clone();
            other[i] ^= 1;
            assert_ne!(record_bytes_digest(&zero, &other), head, "byte {i}");
        }
    }
}
