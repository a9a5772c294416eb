//! Loss between zones: what arrives of what is sent.

use crate::{to_u64, OutOfRange};
use wattpool_schema::{Ppm, Wh, PPM};

/// Whole Wh that arrive when `gross` are sent: `floor(gross · (1 − loss))`. A loss of 100 % or more lets nothing through.
pub fn arriving(gross: Wh, loss: Ppm) -> Wh {
    let kept = u128::from(PPM.saturating_sub(loss.0));
    let net = u128::from(gross.0)
        .saturating_mul(kept)
        .checked_div(u128::from(PPM))
        .unwrap_or(0);
    Wh(u64::try_from(net).unwrap_or(u64::MAX))
}

/// Least amount to send so that `net` arrive: `ceil(net / (1 − loss))`.
///
/// # Errors
/// The loss is 100 % or more (unless nothing is to arrive), or the result does not fit.
pub fn gross_for(net: Wh, loss: Ppm) -> Result<Wh, OutOfRange> {
    const WHAT: &str = "energy to send";
    if net.is_zero() {
        return Ok(Wh::ZERO);
    }
    let kept = u128::from(PPM.saturating_sub(loss.0));
    if kept == 0 {
        return Err(OutOfRange { what: WHAT });
    }
    let gross = u128::from(net.0)
        .saturating_mul(u128::from(PPM))
        .div_ceil(kept);
    to_u64(gross, WHAT).map(Wh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gross_is_the_least_that_suffices(net in 0u64..1_000_000_000_000, loss in 0u32..PPM) {
            let gross = gross_for(Wh(net), Ppm(loss)).unwrap();
            prop_assert!(arriving(gross, Ppm(loss)).0 >= net);
            if gross.0 > 0 {
                prop_assert!(arriving(Wh(gross.0 - 1), Ppm(loss)).0 < net);
            }
        }
    }

    #[test]
    fn total_loss_lets_nothing_through() {
        assert_eq!(arriving(Wh(10), Ppm(PPM)), Wh(0));
        assert!(gross_for(Wh(1), Ppm(PPM)).is_err());
        assert_eq!(gross_for(Wh(0), Ppm(PPM)), Ok(Wh(0)));
        assert!(gross_for(Wh(u64::MAX), Ppm(500_000)).is_err());
    }
}
