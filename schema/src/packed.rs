//! Binary records: what contracts store. Shorter than JSON, several times faster to read, less code. Numbers take 7 bits a byte, low bits first (LEB128); keys stand as they are.

use crate::escrow::{Limits, Participation, Statistics, TradeRecord};
use crate::pool::{HoldReason, MeterKind, MeterPosition, Notice, PoolWindow, SkippedRange};
use crate::{
    AgentKey, Commitment, DeviceKey, Digest32, HouseholdId, MeterId, Micro, Ppm, Price, Seconds,
    Tariff, TradeKind, Wh, Window, Zone,
};
use cosmwasm_std::Addr;

/// A value with a binary form.
pub trait Packed: Sized {
    /// Appends it.
    fn pack(&self, out: &mut Vec<u8>);
    /// Takes it off the front; `None` when it is not there.
    fn unpack(from: &mut &[u8]) -> Option<Self>;
}

/// Gives a struct the binary form of its fields, in the order listed.
#[macro_export]
macro_rules! packed {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::packed::Packed for $type {
            fn pack(&self, out: &mut Vec<u8>) {
                $( $crate::packed::Packed::pack(&self.$field, out); )*
            }
            fn unpack(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $( $field: $crate::packed::Packed::unpack(from)? ),* })
            }
        }
    };
}
pub use packed;

/// Reads a value that must be all of `bytes`; `None` when they are none of it.
pub fn read<T: Packed>(mut bytes: &[u8]) -> Option<T> {
    let from = &mut bytes;
    let value = T::unpack(from)?;
    from.is_empty().then_some(value)
}

/// The binary form of a value.
pub fn bytes<T: Packed>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    value.pack(&mut bytes);
    bytes
}

fn split<'a>(from: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = from.split_at_checked(len)?;
    *from = tail;
    Some(head)
}

impl Packed for u64 {
    fn pack(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        loop {
            let low = rest.to_le_bytes()[0] & 0x7f;
            rest >>= 7;
            if rest == 0 {
                return out.push(low);
            }
            out.push(low | 0x80);
        }
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *split(from, 1)?.first()?;
            let part = u64::from(byte & 0x7f);
            let shifted = part.checked_shl(shift)?;
            if shifted.checked_shr(shift)? != part {
                return None;
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// Numbers that are stored as [`u64`].
macro_rules! numbers {
    ($($type:ident),*) => { $(impl Packed for $type {
        fn pack(&self, out: &mut Vec<u8>) {
            u64::from(self.0).pack(out);
        }
        fn unpack(from: &mut &[u8]) -> Option<Self> {
            u64::unpack(from)?.try_into().ok().map($type)
        }
    })* };
}
numbers!(Wh, Micro, Price, Window, Seconds, Zone, Ppm);

/// Either sign: the sign stands in the lowest bit, so that small amounts stay short.
impl Packed for Tariff {
    fn pack(&self, out: &mut Vec<u8>) {
        let sign = u64::from(self.0 < 0);
        ((self.0.unsigned_abs().wrapping_sub(sign) << 1) | sign).pack(out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let value = u64::unpack(from)?;
        let size = i64::try_from(value >> 1).ok()?;
        Some(Self(if value & 1 == 0 { size } else { !size }))
    }
}

impl Packed for u32 {
    fn pack(&self, out: &mut Vec<u8>) {
        u64::from(*self).pack(out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        u64::unpack(from)?.try_into().ok()
    }
}

impl Packed for u16 {
    fn pack(&self, out: &mut Vec<u8>) {
        u64::from(*self).pack(out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        u64::unpack(from)?.try_into().ok()
    }
}

/// Byte strings of a fixed size.
macro_rules! fixed {
    ($($type:ident),*) => { $(impl Packed for $type {
        fn pack(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0);
        }
        fn unpack(from: &mut &[u8]) -> Option<Self> {
            $type::from_slice(split(from, $type::LEN)?)
        }
    })* };
}
fixed!(
    MeterId,
    HouseholdId,
    DeviceKey,
    AgentKey,
    Commitment,
    Digest32
);

impl Packed for bool {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        match split(from, 1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl<T: Packed> Packed for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_some().pack(out);
        if let Some(value) = self {
            value.pack(out);
        }
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let there = bool::unpack(from)?;
        some(there, from)
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        u64::try_from(self.len()).unwrap_or(u64::MAX).pack(out);
        self.iter().for_each(|value| value.pack(out));
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let len = u64::unpack(from)?;
        (0..len).map(|_| T::unpack(from)).collect()
    }
}

impl Packed for String {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self, out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let len = usize::try_from(u64::unpack(from)?).ok()?;
        let text = std::str::from_utf8(split(from, len)?).ok()?;
        Some(text.to_owned())
    }
}

fn pack_text(text: &str, out: &mut Vec<u8>) {
    u64::try_from(text.len()).unwrap_or(u64::MAX).pack(out);
    out.extend_from_slice(text.as_bytes());
}

impl Packed for Addr {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_text(self.as_str(), out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        String::unpack(from).map(Addr::unchecked)
    }
}

/// Values one after the other.
macro_rules! tuples {
    ($(($($type:ident $at:tt),*))*) => { $(impl<$($type: Packed),*> Packed for ($($type,)*) {
        fn pack(&self, out: &mut Vec<u8>) {
            $( self.$at.pack(out); )*
        }
        fn unpack(from: &mut &[u8]) -> Option<Self> {
            Some(($($type::unpack(from)?,)*))
        }
    })* };
}
tuples!((A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3));

impl Packed for MeterKind {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Pv => 0,
            Self::Wind => 1,
            Self::Battery => 2,
            Self::Mixed => 3,
            Self::Consumer => 4,
        });
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Some(match split(from, 1)? {
            [0] => Self::Pv,
            [1] => Self::Wind,
            [2] => Self::Battery,
            [3] => Self::Mixed,
            [4] => Self::Consumer,
            _ => return None,
        })
    }
}

impl Packed for HoldReason {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::ReadingsDiffer => 0,
            Self::MeterFault => 1,
            Self::Tampering => 2,
        });
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Some(match split(from, 1)? {
            [0] => Self::ReadingsDiffer,
            [1] => Self::MeterFault,
            [2] => Self::Tampering,
            _ => return None,
        })
    }
}

impl Packed for TradeKind {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Spot => 0,
            Self::Forward => 1,
        });
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Some(match split(from, 1)? {
            [0] => Self::Spot,
            [1] => Self::Forward,
            _ => return None,
        })
    }
}

/// Beside what they mostly are, some figures take a byte: what arrived beside what was asked for, the closing beside the request.
impl Packed for TradeRecord {
    fn pack(&self, out: &mut Vec<u8>) {
        self.version.pack(out);
        self.sequence.pack(out);
        self.kind.pack(out);
        self.trade_id.pack(out);
        self.buyer.pack(out);
        self.seller.pack(out);
        self.nonce.pack(out);
        self.window.pack(out);
        self.count.pack(out);
        self.asked.pack(out);
        beside(self.asked.0, self.arrived.0).pack(out);
        self.declined.pack(out);
        self.missed.pack(out);
        self.lost.pack(out);
        self.price.pack(out);
        self.paid.pack(out);
        self.charge.pack(out);
        self.requested_at.pack(out);
        beside(self.requested_at.0, self.closed_at.0).pack(out);
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let mut record = Self {
            version: u16::unpack(from)?,
            sequence: u64::unpack(from)?,
            kind: TradeKind::unpack(from)?,
            trade_id: u64::unpack(from)?,
            buyer: MeterId::unpack(from)?,
            seller: MeterId::unpack(from)?,
            nonce: u64::unpack(from)?,
            window: Window::unpack(from)?,
            count: u32::unpack(from)?,
            asked: Wh::unpack(from)?,
            arrived: Wh(u64::unpack(from)?),
            declined: Wh::unpack(from)?,
            missed: Wh::unpack(from)?,
            lost: Wh::unpack(from)?,
            price: Price::unpack(from)?,
            paid: Micro::unpack(from)?,
            charge: Micro::unpack(from)?,
            requested_at: Seconds::unpack(from)?,
            closed_at: Seconds(u64::unpack(from)?),
        };
        record.arrived = Wh(from_beside(record.asked.0, record.arrived.0));
        record.closed_at = Seconds(from_beside(record.requested_at.0, record.closed_at.0));
        Some(record)
    }
}

/// How far `value` is from `base`, the direction in the lowest bit: small where both are alike. Every pair of numbers has one.
const fn beside(base: u64, value: u64) -> u64 {
    let ahead = value.wrapping_sub(base);
    (ahead << 1) ^ 0u64.wrapping_sub(ahead >> 63)
}

/// The value whose distance from `base` this is.
const fn from_beside(base: u64, distance: u64) -> u64 {
    base.wrapping_add((distance >> 1) ^ 0u64.wrapping_sub(distance & 1))
}
packed!(SkippedRange {
    from,
    to,
    above,
    below
});

/// A position begins with one byte that tells which parts follow: what was stated, what was skipped, what was minted, what
/// was covered; and whether the last two belong to the window that was stated last, which is not repeated then.
impl Packed for MeterPosition {
    fn pack(&self, out: &mut Vec<u8>) {
        let minted = (self.minted_window, (self.minted, self.sold));
        let covered = (self.cover_window, (self.covered, self.redeemed));
        let none = (Window::ZERO, (Wh::ZERO, Wh::ZERO));
        let parts = [
            (STATED, self.stated.is_some()),
            (SEQUENCE, self.sequence != 0),
            (COMMITMENT, self.commitment.is_some()),
            (SKIPPED, !self.skipped.is_empty()),
            (MINTED, minted != none),
            (MINTED_IN_STATED, self.stated == Some(minted.0)),
            (COVERED, covered != none),
            (COVERED_IN_STATED, self.stated == Some(covered.0)),
        ];
        let parts = parts.iter().filter(|(_, there)| *there);
        let parts = parts.fold(0, |parts, (part, _)| parts | part);
        out.push(parts);
        let has = |part| parts & part != 0;
        if let Some(stated) = self.stated {
            stated.pack(out);
        }
        if has(SEQUENCE) {
            self.sequence.pack(out);
        }
        if let Some(commitment) = self.commitment {
            commitment.pack(out);
        }
        if has(SKIPPED) {
            self.skipped.pack(out);
        }
        for (part, in_stated, (window, amounts)) in [
            (MINTED, MINTED_IN_STATED, minted),
            (COVERED, COVERED_IN_STATED, covered),
        ] {
            if has(part) {
                if !has(in_stated) {
                    window.pack(out);
                }
                amounts.pack(out);
            }
        }
    }
    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let parts = *split(from, 1)?.first()?;
        let has = |part| parts & part != 0;
        let stated = some(has(STATED), from)?;
        let sequence = some(has(SEQUENCE), from)?.unwrap_or_default();
        let commitment = some(has(COMMITMENT), from)?;
        let skipped = some(has(SKIPPED), from)?.unwrap_or_default();
        let mut amounts = |part, in_stated| {
            if !has(part) {
                return Some(Default::default());
            }
            let window = if has(in_stated) {
                stated?
            } else {
                Window::unpack(from)?
            };
            Some((window, <(Wh, Wh)>::unpack(from)?))
        };
        let (minted_window, (minted, sold)) = amounts(MINTED, MINTED_IN_STATED)?;
        let (cover_window, (covered, redeemed)) = amounts(COVERED, COVERED_IN_STATED)?;
        Some(Self {
            stated,
            sequence,
            commitment,
            skipped,
            minted_window,
            minted,
            sold,
            cover_window,
            covered,
            redeemed,
        })
    }
}

const STATED: u8 = 1;
const SEQUENCE: u8 = 1 << 1;
const COMMITMENT: u8 = 1 << 2;
const SKIPPED: u8 = 1 << 3;
const MINTED: u8 = 1 << 4;
const MINTED_IN_STATED: u8 = 1 << 5;
const COVERED: u8 = 1 << 6;
const COVERED_IN_STATED: u8 = 1 << 7;

/// A value, if it is there.
fn some<T: Packed>(there: bool, from: &mut &[u8]) -> Option<Option<T>> {
    if there {
        T::unpack(from).map(Some)
    } else {
        Some(None)
    }
}

packed!(PoolWindow {
    minted,
    late,
    covered,
    sold,
    redeemed,
    paid,
    statements,
    halted,
    paused
});
packed!(Limits {
    trading_off,
    min_sell_price,
    max_buy_price,
    max_spend_per_day,
    max_buy_per_day,
    max_sell_per_day
});
packed!(Statistics {
    sales,
    asked,
    arrived,
    missed,
    purchases,
    bought,
    wh_seconds,
    part
});
packed!(Notice {
    retire,
    from,
    objected
});
packed!(Participation {
    period,
    windows,
    before
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for number in [0, 1, 127, 128, 300, 1 << 35, u64::MAX - 1, u64::MAX] {
            assert_eq!(read::<u64>(&bytes(&number)), Some(number));
        }
        assert_eq!(bytes(&300u64), [0xac, 0x02]);
        for tariff in [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN].map(Tariff) {
            assert_eq!(read::<Tariff>(&bytes(&tariff)), Some(tariff));
        }
        assert_eq!(bytes(&Tariff(-64)), [0x7f]);
        let list = vec![Some(Wh(7)), None, Some(Wh(u64::MAX))];
        assert_eq!(read::<Vec<Option<Wh>>>(&bytes(&list)), Some(list));
        let address = Addr::unchecked("watt1abc");
        assert_eq!(read::<Addr>(&bytes(&address)), Some(address));
        for kind in [
            MeterKind::Pv,
            MeterKind::Wind,
            MeterKind::Battery,
            MeterKind::Mixed,
            MeterKind::Consumer,
        ] {
            assert_eq!(read::<MeterKind>(&bytes(&kind)), Some(kind));
        }
        for reason in HoldReason::ALL {
            assert_eq!(read::<HoldReason>(&bytes(&reason)), Some(reason));
            assert_eq!(HoldReason::of(reason.code()), Some(reason));
        }
        for kind in [TradeKind::Spot, TradeKind::Forward] {
            assert_eq!(read::<TradeKind>(&bytes(&kind)), Some(kind));
        }
        assert_eq!(read::<u16>(&bytes(&u16::MAX)), Some(u16::MAX));
    }

    /// A position with the parts that the bits of `parts` tell.
    fn position(parts: u8, stated: Window) -> MeterPosition {
        let has = |part| parts & part != 0;
        let wh = |part| if has(part) { Wh(300) } else { Wh::ZERO };
        let window = |part, same| match (has(part), has(same)) {
            (false, _) => Window::ZERO,
            (true, true) => stated,
            (true, false) => Window(7),
        };
        let range = SkippedRange {
            from: Window(3),
            to: Window(4),
            above: 5,
            below: 9,
        };
        MeterPosition {
            stated: has(STATED).then_some(stated),
            sequence: if has(SEQUENCE) { 12 } else { 0 },
            commitment: has(COMMITMENT).then_some(Commitment([9; 32])),
            skipped: vec![range; usize::from(has(SKIPPED))],
            minted_window: window(MINTED, MINTED_IN_STATED),
            minted: wh(MINTED),
            sold: Wh::ZERO,
            cover_window: window(COVERED, COVERED_IN_STATED),
            covered: wh(COVERED),
            redeemed: wh(COVERED),
        }
    }

    #[test]
    fn positions_of_all_parts_there_and_back() {
        for stated in [0, 1_970_000, u64::MAX].map(Window) {
            for parts in 0..=u8::MAX {
                let position = position(parts, stated);
                assert_eq!(read(&bytes(&position)), Some(position), "{parts:08b}");
            }
        }
        assert_eq!(bytes(&MeterPosition::default()), [0]);
        let stated_and_minted = STATED | SEQUENCE | COMMITMENT | MINTED | MINTED_IN_STATED;
        let bytes = bytes(&position(stated_and_minted, Window(1_970_000)));
        assert_eq!(bytes.len(), 1 + 3 + 1 + 32 + 3, "the window is there once");
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let window_of_nothing = [MINTED | MINTED_IN_STATED, 1, 1];
        assert!(read::<MeterPosition>(&window_of_nothing).is_none());
        assert!(read::<u64>(&[]).is_none());
        assert!(read::<u64>(&[0x80]).is_none());
        assert!(read::<u64>(&[1, 0]).is_none(), "bytes are left");
        let too_large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert!(read::<u64>(&too_large).is_none());
        assert!(read::<Zone>(&bytes(&65_536u64)).is_none());
        assert!(read::<bool>(&[2]).is_none());
        assert!(read::<MeterKind>(&[5]).is_none());
        assert!(read::<TradeKind>(&[2]).is_none());
        assert!(read::<HoldReason>(&[3]).is_none());
        assert!(read::<u16>(&bytes(&65_536u64)).is_none());
        assert!(read::<Addr>(&[3, b'a', b'b']).is_none());
        assert!(read::<Vec<u64>>(&bytes(&u64::MAX)).is_none());
    }
}
