//! Money, prices and energy as people write them: `20.5 watt`, `0.30/kWh`, `2.5 kWh`. What has no unit is refused:
//! between `20` coins and `20` of their millionths lies a factor of a million.

use crate::error::{Result, WalletError};
use std::fmt::Write;
use wattpool_schema::{Micro, Price, Tariff, Wh};

/// Decimals of a coin: a `watt` is a million `uwatt`.
const COIN_PLACES: u32 = 6;
/// Base units of energy, watt-hours, in each unit of energy as a power of ten.
const ENERGY: [(&str, u32); 4] = [("Wh", 0), ("kWh", 3), ("MWh", 6), ("GWh", 9)];
/// The unit of prices.
const PER: &str = "/kWh";

/// A denomination and how people call a million of it.
fn coin_name(denom: &str) -> Option<&str> {
    denom.strip_prefix('u').filter(|name| name.len() > 2)
}

/// Splits `20.5 watt` into its number and its unit.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text
        .find(|c: char| !(c.is_ascii_digit() || ".,-+_'".contains(c)))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(at).unwrap_or((text, ""));
    (number.trim(), unit.trim())
}

/// A decimal number as an integer of its last place; `places` decimals at most.
fn decimal(what: &str, number: &str, places: u32, unit: &str) -> Result<u128> {
    let bad = |why: String| WalletError::input(what, why);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let plain = digits(whole) && digits(fraction) && !whole.is_empty();
    if !plain || (number.contains('.') && fraction.is_empty()) {
        return Err(bad(format!(
            "expected a number such as 20 or 20.5, found {number:?}"
        )));
    }
    let places = usize::try_from(places).unwrap_or(usize::MAX);
    if fraction.len() > places {
        return Err(bad(format!(
            "expected at most {places} decimals of {unit}, found {} in {number}",
            fraction.len()
        )));
    }
    format!("{whole}{fraction:0<places$}")
        .parse()
        .map_err(|_| bad(format!("{number} is too large")))
}

/// An amount of one denomination, in its base units: `20.5 watt`, `20500000uwatt`, `3stake`.
///
/// # Errors
/// It has no unit, too many decimals, or is no number. `what` names it.
pub fn coin(what: &str, text: &str) -> Result<(u128, String)> {
    let (number, unit) = split(text);
    if unit.is_empty() {
        return Err(WalletError::input(
            what,
            format!("expected an amount with its unit, such as \"20.5 watt\" or 20500000uwatt, found {text:?}"),
        ));
    }
    // The chain's own denominations, by their coins' names.
    for denom in [
        wattpool_schema::PAYMENT_DENOM,
        wattpool_schema::STAKING_DENOM,
    ] {
        if coin_name(denom) == Some(unit) {
            return Ok((decimal(what, number, COIN_PLACES, unit)?, denom.to_owned()));
        }
    }
    let named = unit.len() > 2
        && unit.starts_with(|c: char| c.is_ascii_alphabetic())
        && unit
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/:._-".contains(c));
    if !named {
        return Err(WalletError::input(
            what,
            format!("expected a denomination such as watt or uwatt, found {unit:?}"),
        ));
    }
    Ok((decimal(what, number, 0, unit)?, unit.to_owned()))
}

/// Amounts of several denominations, separated by commas; ascending by denomination, none twice.
///
/// # Errors
/// As [`coin`], or a denomination is there twice.
pub fn coins(what: &str, text: &str) -> Result<Vec<(u128, String)>> {
    let mut all: Vec<(u128, String)> = text
        .split(',')
        .map(|one| coin(what, one))
        .collect::<Result<_>>()?;
    all.sort_by(|a, b| a.1.cmp(&b.1));
    let twice = all.windows(2).find_map(|pair| match pair {
        [a, b] if a.1 == b.1 => Some(a.1.clone()),
        _ => None,
    });
    if let Some(denom) = twice {
        return Err(WalletError::input(what, format!("{denom} is there twice")));
    }
    all.retain(|(amount, _)| *amount != 0);
    Ok(all)
}

/// Money in the market's denomination.
///
/// # Errors
/// As [`coin`], or it is in another denomination or too large.
pub fn money(what: &str, text: &str, denom: &str) -> Result<Micro> {
    let (amount, found) = coin(what, text)?;
    if found != denom {
        let name = coin_name(denom).unwrap_or(denom);
        return Err(WalletError::input(
            what,
            format!("the market is paid in {name}, found {found}"),
        ));
    }
    u64::try_from(amount)
        .map(Micro)
        .map_err(|_| WalletError::input(what, format!("{text} is too large")))
}

/// Micro-units per kWh and whether a sign stood before them.
fn per_kwh(what: &str, text: &str, denom: &str) -> Result<(bool, u64)> {
    let trimmed = text.trim();
    let (negative, unsigned) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    let amount = unsigned.strip_suffix(PER).map(str::trim).ok_or_else(|| {
        WalletError::input(
            what,
            format!("expected a price such as 0.30/kWh or \"0.30 watt/kWh\", found {text:?}"),
        )
    })?;
    let micro = if split(amount).1.is_empty() {
        let name = coin_name(denom).unwrap_or(denom);
        let number = decimal(what, amount, COIN_PLACES, name)?;
        u64::try_from(number).map_err(|_| WalletError::input(what, "it is too large"))?
    } else {
        money(what, amount, denom)?.get()
    };
    Ok((negative, micro))
}

/// A price per kWh, never negative: `0.30/kWh`, `0.30 watt/kWh`, `300000uwatt/kWh`.
///
/// # Errors
/// It is none, negative, in another denomination, or has too many decimals.
pub fn price(what: &str, text: &str, denom: &str) -> Result<Price> {
    match per_kwh(what, text, denom)? {
        (false, micro) => Ok(Price(micro)),
        (true, _) => Err(WalletError::input(
            what,
            format!("expected a price of 0 or more, found {text:?}"),
        )),
    }
}

/// A tariff per kWh, which may be negative.
///
/// # Errors
/// As [`price`].
pub fn tariff(what: &str, text: &str, denom: &str) -> Result<Tariff> {
    let (negative, micro) = per_kwh(what, text, denom)?;
    let signed = i64::try_from(micro).map_err(|_| WalletError::input(what, "it is too large"))?;
    Ok(Tariff(if negative {
        signed.saturating_neg()
    } else {
        signed
    }))
}

/// Energy: `2.5 kWh`, `300 Wh`, `1.2MWh`.
///
/// # Errors
/// It has no unit of energy, is not a whole number of watt-hours, or is too large.
pub fn energy(what: &str, text: &str) -> Result<Wh> {
    let (number, unit) = split(text);
    let places = ENERGY
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let Some((name, places)) = places else {
        return Err(WalletError::input(
            what,
            format!("expected energy such as \"2.5 kWh\" or \"300 Wh\", found {text:?}"),
        ));
    };
    let wh = decimal(what, number, *places, name)?;
    u64::try_from(wh)
        .map(Wh)
        .map_err(|_| WalletError::input(what, format!("{text} is too large")))
}

/// `digits` with a decimal point before its last `places`, without zeros at the end.
fn point(digits: u128, places: usize) -> String {
    let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
    let (whole, fraction) = padded
        .split_at_checked(padded.len().saturating_sub(places))
        .unwrap_or((&padded, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    }
}

/// An amount in the unit that people use: `20.5 watt`.
pub fn show_coin(amount: u128, denom: &str) -> String {
    match coin_name(denom) {
        Some(name) => format!("{} {name}", point(amount, 6)),
        None => format!("{amount} {denom}"),
    }
}

/// Amounts, or `nothing`.
pub fn show_coins(amounts: &[(u128, String)]) -> String {
    let mut text = String::new();
    for (amount, denom) in amounts {
        let separator = if text.is_empty() { "" } else { ", " };
        write!(text, "{separator}{}", show_coin(*amount, denom)).ok();
    }
    if text.is_empty() {
        "nothing".to_owned()
    } else {
        text
    }
}

/// Money of the market.
pub fn show_money(amount: Micro, denom: &str) -> String {
    show_coin(u128::from(amount.get()), denom)
}

/// A price: `0.3 watt/kWh`.
pub fn show_price(price: Price, denom: &str) -> String {
    format!("{}{PER}", show_coin(u128::from(price.get()), denom))
}

/// A tariff: `-0.02 watt/kWh`.
pub fn show_tariff(tariff: Tariff, denom: &str) -> String {
    let sign = if tariff.get() < 0 { "-" } else { "" };
    let amount = u128::from(tariff.get().unsigned_abs());
    format!("{sign}{}{PER}", show_coin(amount, denom))
}

/// Energy: `2.5 kWh`, below a kilowatt-hour `300 Wh`.
pub fn show_energy(wh: Wh) -> String {
    if wh.get() < 1_000 {
        return format!("{wh} Wh");
    }
    format!("{} kWh", point(u128::from(wh.get()), 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_as_people_write_it() {
        for (text, micro) in [
            ("20.5 watt", 20_500_000),
            ("20.5watt", 20_500_000),
            ("20500000uwatt", 20_500_000),
            (" 0.000001 watt", 1),
            ("0 watt", 0),
        ] {
            assert_eq!(
                money("--amount", text, "uwatt").unwrap(),
                Micro(micro),
                "{text}"
            );
        }
        let told = |text: &str| money("--amount", text, "uwatt").unwrap_err().to_string();
        assert!(told("20000000").starts_with("--amount: expected an amount with its unit"));
        assert!(told("1.1234567 watt").contains("at most 6 decimals of watt, found 7"));
        assert!(told("1.5uwatt").contains("at most 0 decimals"));
        assert!(told("3 stake").contains("paid in watt"));
        assert!(told("1,5 watt").contains("a number such as 20 or 20.5"));
        assert!(told("-1 watt").contains("a number such as"));
        assert!(told("1. watt").contains("a number such as"));
        assert!(told(".5 watt").contains("a number such as"));
        assert!(told("99999999999999999999 watt").contains("too large"));
        assert!(told("5 %").contains("a denomination such as"));
        let two = coins("--fees", "2ustake,1.5 watt").unwrap();
        assert_eq!(
            two,
            [(2, "ustake".to_owned()), (1_500_000, "uwatt".to_owned())]
        );
        assert!(coins("--fees", "1watt,2uwatt").is_err());
    }

    #[test]
    fn prices_and_energy_have_their_units() {
        assert_eq!(price("p", "0.30/kWh", "uwatt").unwrap(), Price(300_000));
        assert_eq!(
            price("p", "0.30 watt/kWh", "uwatt").unwrap(),
            Price(300_000)
        );
        assert_eq!(
            price("p", "300000uwatt/kWh", "uwatt").unwrap(),
            Price(300_000)
        );
        assert_eq!(tariff("p", "-0.02/kWh", "uwatt").unwrap(), Tariff(-20_000));
        assert!(price("p", "-0.02/kWh", "uwatt").is_err());
        assert!(price("p", "300000", "uwatt").is_err());
        assert!(price("p", "0.1234567/kWh", "uwatt").is_err());
        assert_eq!(energy("e", "2.5 kWh").unwrap(), Wh(2_500));
        assert_eq!(energy("e", "300Wh").unwrap(), Wh(300));
        assert_eq!(energy("e", "1 mwh").unwrap(), Wh(1_000_000));
        for text in ["2.5", "2.5 Wh", "2.0005 kWh", "kWh", "-1 kWh", "2.5 kW"] {
            assert!(energy("e", text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for micro in [0, 1, 1_000_000, 20_500_000, u64::MAX] {
            let text = show_money(Micro(micro), "uwatt");
            assert_eq!(money("m", &text, "uwatt").unwrap(), Micro(micro), "{text}");
            let text = show_price(Price(micro), "uwatt");
            assert_eq!(price("m", &text, "uwatt").unwrap(), Price(micro), "{text}");
        }
        for wh in [0, 999, 1_000, 1_001, u64::MAX] {
            let text = show_energy(Wh(wh));
            assert_eq!(energy("m", &text).unwrap(), Wh(wh), "{text}");
        }
        assert_eq!(show_tariff(Tariff(-20_000), "uwatt"), "-0.02 watt/kWh");
        assert_eq!(show_coin(5, "stake"), "5 stake");
        assert_eq!(show_coins(&[]), "nothing");
    }
}
