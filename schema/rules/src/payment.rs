//! What a buyer pays: price and network charge, each rounded up to a micro-unit.

use crate::{to_u64, OutOfRange};
use wattpool_schema::{Micro, Price, Wh, WH_PER_KWH};

/// `ceil(wh · price / 1000)`.
///
/// # Errors
/// The result does not fit.
pub fn payment(wh: Wh, price: Price) -> Result<Micro, OutOfRange> {
    let micro = u128::from(wh.0)
        .saturating_mul(u128::from(price.0))
        .div_ceil(u128::from(WH_PER_KWH));
    to_u64(micro, "payment").map(Micro)
}

/// What is still to be paid for `total` when `booked` has been: `payment(total) − booked`, not below zero.
///
/// # Errors
/// The payment does not fit.
pub fn payment_due(total: Wh, price: Price, booked: Micro) -> Result<Micro, OutOfRange> {
    Ok(payment(total, price)?.saturating_sub(booked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn splitting_changes_nothing(chunks in prop::collection::vec(1u64..100_000, 1..40), price in 0u64..2_000_000) {
            let (mut total, mut booked) = (0, 0);
            for c in &chunks {
                total += c;
                booked += payment_due(Wh(total), Price(price), Micro(booked)).unwrap().0;
            }
            prop_assert_eq!(payment(Wh(total), Price(price)).unwrap().0, booked);
        }
    }

    #[test]
    fn rounds_up() {
        assert_eq!(payment(Wh(1), Price(1)), Ok(Micro(1)));
        assert_eq!(payment(Wh(1000), Price(7)), Ok(Micro(7)));
        assert_eq!(payment(Wh(1001), Price(7)), Ok(Micro(8)));
        assert_eq!(payment(Wh(0), Price(7)), Ok(Micro(0)));
        assert!(payment(Wh(u64::MAX), Price(u64::MAX)).is_err());
    }
}
