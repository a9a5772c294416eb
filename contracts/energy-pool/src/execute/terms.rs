//! `SetTariffs` and `SetZonePair`: announced two windows ahead, so that no running trade changes its terms.

use super::instantiate::pair_set;
use super::{bad_input, Call};
use crate::{state, MAX_RATE};
use cosmwasm_std::Response;
use wattpool_schema::error::MarketError;
use wattpool_schema::event::TariffsSet;
use wattpool_schema::pool::{Tariffs, ZonePairTerms};
use wattpool_schema::{Window, PPM};

/// Sets the grid's prices from a window on.
pub fn set_tariffs(call: Call, from: Window, tariffs: Tariffs) -> Result<Response, MarketError> {
    check_tariffs(&tariffs)?;
    check_window(&call, from)?;
    state::save_tariffs(call.deps.storage, from, &tariffs);
    Ok(Response::new().add_event(TariffsSet {
        from_window: from,
        import: tariffs.import,
        feed_in: tariffs.feed_in,
    }))
}

/// Sets the terms between two zones from a window on.
pub fn set_zone_pair(
    call: Call,
    from: Window,
    terms: ZonePairTerms,
) -> Result<Response, MarketError> {
    check_pair(&terms)?;
    check_window(&call, from)?;
    state::save_pair(call.deps.storage, from, &terms);
    Ok(Response::new().add_event(pair_set(from, &terms)))
}

fn check_window(call: &Call, window: Window) -> Result<(), MarketError> {
    let first = call.now().plus(2);
    if window >= first {
        Ok(())
    } else {
        Err(MarketError::TariffTooSoon { window, first })
    }
}

/// Tariffs may be negative, but not absurd.
pub fn check_tariffs(tariffs: &Tariffs) -> Result<(), MarketError> {
    for (field, tariff) in [("import", tariffs.import), ("feed_in", tariffs.feed_in)] {
        if tariff.0.unsigned_abs() > MAX_RATE {
            let expected = format!("-{MAX_RATE} to {MAX_RATE} micro-units per kWh");
            return Err(bad_input(field, expected));
        }
    }
    Ok(())
}

/// Something must arrive, at a charge within bounds.
pub fn check_pair(terms: &ZonePairTerms) -> Result<(), MarketError> {
    if terms.loss.0 >= PPM {
        return Err(bad_input("loss", format!("below {PPM} ppm")));
    }
    if terms.charge.0 > MAX_RATE {
        let expected = format!("at most {MAX_RATE} micro-units per kWh");
        return Err(bad_input("charge", expected));
    }
    Ok(())
}
