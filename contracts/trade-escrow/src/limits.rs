//! The owner's limits on a meter's agent, and what binds in their place. A day is a UTC day of block time.

use cosmwasm_std::Env;
use wattpool_rules::price::sale_floor;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::Limits;
use wattpool_schema::{MeterId, Micro, Ppm, Price, Tariff, Wh, WH_PER_KWH};

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
pub fn turn_day(book: &mut MeterBook, day: u64) {
    if book.day != day {
        book.day = day;
        book.spent = Micro::ZERO;
        book.bought = Wh::ZERO;
        book.sold = Wh::ZERO;
    }
}

/// Limits of a seller: those of another tenure are no more than none.
pub fn of_seller(book: &MeterBook, tenure: u64) -> Limits {
    if book.tenure == Some(tenure) {
        book.limits.clone()
    } else {
        Limits::default()
    }
}

/// Limits of a buyer: without any of this tenure nothing is bought, for nobody but the owner of this tenure can say that an account pays.
pub fn of_buyer(book: &MeterBook, meter: MeterId, tenure: u64) -> Result<Limits, MarketError> {
    if book.tenure != Some(tenure) {
        return Err(MarketError::NoLimits { meter });
    }
    if book.limits.trading_off {
        return Err(MarketError::TradingOff { meter });
    }
    Ok(book.limits.clone())
}

/// Lowest price to sell at; none where nothing arrives.
pub fn lowest_price(limits: &Limits, feed_in: Tariff, loss: Ppm) -> Option<Price> {
    limits.min_sell_price.or_else(|| sale_floor(feed_in, loss))
}

/// Highest price to buy at, charge included; none: at no price.
pub fn highest_price(limits: &Limits, import: Tariff) -> Option<Price> {
    let by_tariff = u64::try_from(import.0).ok().map(Price);
    limits.max_buy_price.or(by_tariff)
}

/// Refuses a sale that the seller's owner has switched off, or below the lowest price.
pub fn check_sale(
    limits: &Limits,
    meter: MeterId,
    price: Price,
    feed_in: Tariff,
    loss: Ppm,
) -> Result<(), MarketError> {
    if limits.trading_off {
        return Err(MarketError::TradingOff { meter });
    }
    match lowest_price(limits, feed_in, loss) {
        Some(limit) if price >= limit => Ok(()),
        limit => Err(MarketError::LimitPrice {
            limit: limit.unwrap_or(Price::MAX).0,
            found: price.0,
        }),
    }
}

/// Refuses a purchase above the highest price. `price` includes the network charge.
pub fn check_price(limits: &Limits, price: Price, import: Tariff) -> Result<(), MarketError> {
    match highest_price(limits, import) {
        Some(limit) if price <= limit => Ok(()),
        limit => Err(MarketError::LimitPrice {
            limit: limit.unwrap_or_default().0,
            found: price.0,
        }),
    }
}

/// Most money a day: the owner's limit, or what the home may import in a day at the import tariff.
pub fn daily_spending(
    limits: &Limits,
    max_import: Wh,
    import: Tariff,
    window_seconds: u32,
) -> Micro {
    limits.max_spend_per_day.unwrap_or_else(|| {
        let windows = DAY_SECONDS.div_ceil(u64::from(window_seconds).max(1));
        let micro = u128::from(max_import.0)
            .saturating_mul(u128::from(windows))
            .saturating_mul(u128::from(import.0.max(0).unsigned_abs()))
            .div_ceil(u128::from(WH_PER_KWH));
        Micro(u64::try_from(micro).unwrap_or(u64::MAX))
    })
}

/// Counts what a seller sends, within its daily limit.
pub fn count_sale(
    book: &mut MeterBook,
    limits: &Limits,
    day: u64,
    gross: Wh,
) -> Result<(), MarketError> {
    turn_day(book, day);
    book.sold = book.sold.try_add(gross)?;
    check_energy(limits.max_sell_per_day, book.sold)
}

/// Counts what a buyer gets and pays (charge included), within its daily limits.
pub fn count_purchase(
    book: &mut MeterBook,
    limits: &Limits,
    spending: Micro,
    day: u64,
    (wh, spent): (Wh, Micro),
) -> Result<(), MarketError> {
    turn_day(book, day);
    book.spent = book.spent.try_add(spent)?;
    if book.spent > spending {
        return Err(MarketError::LimitSpend {
            limit: spending.0,
            found: book.spent.0,
        });
    }
    book.bought = book.bought.try_add(wh)?;
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

/// What the daily limits still let a seller send. The counters must be today's.
pub fn sale_left(book: &MeterBook, limits: &Limits) -> Wh {
    let limit = limits.max_sell_per_day.unwrap_or(Wh::MAX);
    limit.saturating_sub(book.sold)
}

/// What the daily limits still let a buyer take at `price` (charge included). The counters must be today's.
pub fn purchase_left(book: &MeterBook, limits: &Limits, spending: Micro, price: Price) -> Wh {
    let by_energy = limits
        .max_buy_per_day
        .unwrap_or(Wh::MAX)
        .saturating_sub(book.bought);
    // Price and charge are each rounded up to a micro-unit.
    let money = spending.saturating_sub(book.spent).saturating_sub(Micro(2));
    let by_money = u128::from(money.0)
        .saturating_mul(u128::from(WH_PER_KWH))
        .checked_div(u128::from(price.0))
        .map_or(u64::MAX, |wh| u64::try_from(wh).unwrap_or(u64::MAX));
    by_energy.min(Wh(by_money))
}
