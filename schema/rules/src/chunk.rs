//! One chunk of a trade: from the energy that shall arrive to what is sent, paid and charged.

use crate::loss::gross_for;
use crate::payment::payment_due;
use crate::OutOfRange;
use wattpool_schema::{Micro, Ppm, Price, Wh};

/// Terms of a trade, fixed for all its chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Lost on the way.
    pub loss: Ppm,
    /// Per arriving kWh, to the seller.
    pub price: Price,
    /// Per arriving kWh, network charge.
    pub charge: Price,
}

/// Totals of a trade so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Arrived.
    pub net: Wh,
    /// Sent.
    pub gross: Wh,
    /// Paid to the seller.
    pub paid: Micro,
    /// Network charge.
    pub charge: Micro,
}

/// The next chunk of `net` Wh on top of `so_far`: what it adds to each total. Every total is a function
/// of the total energy alone, except that what is sent is rounded up within each window (tokens of
/// different windows do not mix): pass the window's own totals for `gross_in_window` and `net_in_window`.
///
/// # Errors
/// A total does not fit.
pub fn next(
    terms: Terms,
    so_far: Totals,
    net_in_window: Wh,
    gross_in_window: Wh,
    net: Wh,
) -> Result<Totals, OutOfRange> {
    let range = |what| OutOfRange { what };
    let total = so_far.net.checked_add(net).ok_or(range("energy"))?;
    let window_total = net_in_window.checked_add(net).ok_or(range("energy"))?;
    Ok(Totals {
        net,
        gross: gross_for(window_total, terms.loss)?.saturating_sub(gross_in_window),
        paid: payment_due(total, terms.price, so_far.paid)?,
        charge: payment_due(total, terms.charge, so_far.charge)?,
    })
}

impl Totals {
    /// Sum of two totals.
    ///
    /// # Errors
    /// A sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        let range = OutOfRange { what: "total" };
        Ok(Self {
            net: self.net.checked_add(other.net).ok_or(range)?,
            gross: self.gross.checked_add(other.gross).ok_or(range)?,
            paid: self.paid.checked_add(other.paid).ok_or(range)?,
            charge: self.charge.checked_add(other.charge).ok_or(range)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chunk_is_sent_paid_and_charged() {
        let terms = Terms {
            loss: Ppm(100_000),
            price: Price(200_000),
            charge: Price(10_000),
        };
        let chunk = Totals {
            net: Wh(900),
            gross: Wh(1_000),
            paid: Micro(180_000),
            charge: Micro(9_000),
        };
        let zero = Totals::default();
        assert_eq!(next(terms, zero, Wh(0), Wh(0), Wh(900)), Ok(chunk));
    }

    proptest! {
        #[test]
        fn one_wh_chunks_cost_what_one_chunk_costs(
            net in 1u64..300, loss in 0u32..900_000, price in 0u64..1_000_000, charge in 0u64..100_000,
        ) {
            let terms = Terms { loss: Ppm(loss), price: Price(price), charge: Price(charge) };
            let zero = Totals::default();
            let whole = next(terms, zero, Wh(0), Wh(0), Wh(net)).unwrap();
            let mut sum = zero;
            for _ in 0..net {
                sum = sum.plus(next(terms, sum, sum.net, sum.gross, Wh(1)).unwrap()).unwrap();
            }
            prop_assert_eq!(sum, whole);
        }
    }
}
