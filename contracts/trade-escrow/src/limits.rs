//! The owner's limits on a meter's agent. A day is a UTC day of block time.

use cosmwasm_std::Env;
use wattpool_schema::error::MarketError;
use wattpool_schema::{MeterId, Micro, Price, Wh};

use crate::checked::Checked;
use crate::state::MeterBook;

const DAY_SECONDS: u64 = 86_400;

/// The UTC day of block time, counted from 1970.
pub fn day(env: &Env) -> u64 {
    env.block
        .time
        .seconds()
        .checked_div(DAY_SECONDS)
        .unwrap_or_default()
}

/// Counters of another day start again.
fn turn_day(book: &mut MeterBook, day: u64) {
    if book.day != day {
        book.day = day;
        book.spent = Micro::ZERO;
        book.bought = Wh::ZERO;
        book.sold = Wh::ZERO;
    }
}

/// Checks a sale of `wh` arriving Wh at `price` against the seller's limits and counts it.
pub fn count_sale(
    book: &mut MeterBook,
    meter: MeterId,
    day: u64,
    price: Price,
    wh: Wh,
) -> Result<(), MarketError> {
    let limits = book.limits.clone();
    if limits.trading_off {
        return Err(MarketError::TradingOff { meter });
    }
    if let Some(limit) = limits.min_sell_price.filter(|limit| price < *limit) {
        return Err(MarketError::LimitPrice {
            limit: limit.0,
            found: price.0,
        });
    }
    turn_day(book, day);
    book.sold = book.sold.plus(wh)?;
    check_energy(limits.max_sell_per_day, book.sold)
}

/// Checks a purchase of `wh` arriving Wh that costs `spent` (charge included) against the buyer's limits
/// and counts it.
pub fn count_purchase(
    book: &mut MeterBook,
    meter: MeterId,
    day: u64,
    price_and_charge: Price,
    wh: Wh,
    spent: Micro,
) -> Result<(), MarketError> {
    let limits = book.limits.clone();
    if limits.trading_off {
        return Err(MarketError::TradingOff { meter });
    }
    let over = |limit: &Price| price_and_charge > *limit;
    if let Some(limit) = limits.max_buy_price.filter(over) {
        return Err(MarketError::LimitPrice {
            limit: limit.0,
            found: price_and_charge.0,
        });
    }
    turn_day(book, day);
    book.spent = book.spent.plus(spent)?;
    let spent = book.spent;
    if let Some(limit) = limits.max_spend_per_day.filter(|limit| spent > *limit) {
        return Err(MarketError::LimitSpend {
            limit: limit.0,
            found: spent.0,
        });
    }
    book.bought = book.bought.plus(wh)?;
    check_energy(limits.max_buy_per_day, book.bought)
}

fn check_energy(limit: Option<Wh>, found: Wh) -> Result<(), MarketError> {
    match limit {
        Some(limit) if found > limit => Err(MarketError::LimitEnergy {
            limit: limit.0,
            found: found.0,
        }),
        _ => Ok(()),
    }
}
