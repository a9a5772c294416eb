//! Figures as people read and write them: kWh, money, prices, local time. What a program reads stays exact elsewhere.

use chrono::{DateTime, Datelike, Days, Local, Months, NaiveDate, TimeZone};

/// Micro-units in a coin, and Wh in 1,000 kWh: six decimals.
const MILLION: u64 = 1_000_000;

/// A number of millionths with so many decimals at least, and no idle zeros after them.
fn decimal(millionths: u128, least: usize) -> String {
    let million = u128::from(MILLION);
    let whole = millionths.checked_div(million).unwrap_or(0);
    let rest = format!("{:06}", millionths.checked_rem(million).unwrap_or(0));
    let kept = rest.trim_end_matches('0').len().max(least).min(rest.len());
    let rest = rest.get(..kept).unwrap_or_default();
    if rest.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{rest}")
    }
}

/// Energy: `1.234 kWh`.
pub fn energy(wh: u64) -> String {
    let kwh = decimal(u128::from(wh).saturating_mul(1_000), 3);
    format!("{kwh} kWh")
}

/// Money: `-0.39 EUR`. All decimals that there are.
pub fn money(micro: i64, currency: &str) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let text = decimal(u128::from(micro.unsigned_abs()), 2);
    format!("{sign}{text} {currency}")
}

/// A price: `0.21 EUR/kWh`.
pub fn price(micro_per_kwh: i64, currency: &str) -> String {
    format!("{}/kWh", money(micro_per_kwh, currency))
}

/// A meter, short enough to be told apart by eye.
pub fn short(meter: &str) -> String {
    meter.chars().take(8).collect()
}

fn at(seconds: u64) -> Option<DateTime<Local>> {
    let seconds = i64::try_from(seconds).ok()?;
    Local.timestamp_opt(seconds, 0).single()
}

/// Local date and time: `2026-05-03 14:15`.
pub fn time(seconds: u64) -> String {
    at(seconds).map_or_else(
        || format!("second {seconds}"),
        |at| at.format("%Y-%m-%d %H:%M").to_string(),
    )
}

/// Local time of the day: `14:15`.
pub fn clock(seconds: u64) -> String {
    at(seconds).map_or_else(
        || format!("second {seconds}"),
        |at| at.format("%H:%M").to_string(),
    )
}

/// Where the local day began that holds a time, Unix seconds.
pub fn midnight(seconds: u64) -> u64 {
    let begun = at(seconds)
        .and_then(|at| at.date_naive().and_hms_opt(0, 0, 0))
        .and_then(|naive| Local.from_local_datetime(&naive).earliest());
    begun.map_or(seconds, |begun| {
        u64::try_from(begun.timestamp()).unwrap_or(seconds)
    })
}

/// A span of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// When a day of the calendar begins here, Unix seconds.
fn begins(date: NaiveDate) -> Option<u64> {
    let naive = date.and_hms_opt(0, 0, 0)?;
    // Where the clock jumps over midnight the day begins an hour later.
    let begun = Local.from_local_datetime(&naive).earliest();
    let begun = begun.or_else(|| {
        let later = naive.checked_add_signed(chrono::TimeDelta::hours(1))?;
        Local.from_local_datetime(&later).earliest()
    });
    u64::try_from(begun?.timestamp()).ok()
}

/// Where the last `count` spans begin here, ascending, and where the running one ends. Unix seconds.
pub fn edges(period: Period, count: u32, now: u64) -> Vec<u64> {
    let Some(today) = at(now).map(|at| at.date_naive()) else {
        return Vec::new();
    };
    let weekday = u64::from(today.weekday().num_days_from_monday());
    let first = match period {
        Period::Day => Some(today),
        Period::Week => today.checked_sub_days(Days::new(weekday)),
        Period::Month => today.with_day(1),
        Period::Year => today.with_ordinal(1),
    };
    let Some(first) = first else {
        return Vec::new();
    };
    let back = |n: u32| match period {
        Period::Day => first.checked_sub_days(Days::new(u64::from(n))),
        Period::Week => first.checked_sub_days(Days::new(u64::from(n).saturating_mul(7))),
        Period::Month => first.checked_sub_months(Months::new(n)),
        Period::Year => first.checked_sub_months(Months::new(n.saturating_mul(12))),
    };
    let end = match period {
        Period::Day => first.checked_add_days(Days::new(1)),
        Period::Week => first.checked_add_days(Days::new(7)),
        Period::Month => first.checked_add_months(Months::new(1)),
        Period::Year => first.checked_add_months(Months::new(12)),
    };
    let starts = (0..count).rev().filter_map(back);
    // Before 1970 there is nothing.
    starts.chain(end).filter_map(begins).collect()
}

/// The local date: `2026-05-03`.
pub fn day(seconds: u64) -> String {
    at(seconds).map_or_else(
        || format!("second {seconds}"),
        |at| at.format("%Y-%m-%d").to_string(),
    )
}

/// When the day of `2026-05-03`, or so many days after it, begins here, Unix seconds; none: it is none.
pub fn day_begins(text: &str, after: u64) -> Option<u64> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    begins(date.checked_add_days(Days::new(after))?)
}

/// The local hour at which an hour of the UTC day begins today: `08:00`.
pub fn local_hour(now: u64, utc_hour: u8) -> String {
    let day = now.saturating_sub(now % 86_400);
    clock(day.saturating_add(u64::from(utc_hour).saturating_mul(3_600)))
}

/// Millionths of a number such as `0.3` or `12`.
fn millionths(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || rest.len() > 6 || !digits(whole) || !digits(rest) {
        return None;
    }
    let rest: u64 = format!("{rest:0<6}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(MILLION)?
        .checked_add(rest)
}

/// What somebody wrote with a unit, in the units of the policy: `20 kWh` and `500 Wh` in Wh, `0.30/kWh` and `0.30
/// EUR/kWh` in micro-units per kWh, `5 EUR` in micro-units. None: it has no unit.
pub fn read(text: &str, currency: &str) -> Option<u64> {
    let text = text.trim();
    let number = |text: &str| millionths(text.trim());
    if let Some(price) = text.strip_suffix("/kWh") {
        let price = price.strip_suffix(currency).unwrap_or(price);
        return number(price);
    }
    if let Some(kwh) = text.strip_suffix("kWh") {
        // Whole Wh alone.
        let millionths = number(kwh)?;
        return (millionths % 1_000 == 0).then(|| millionths.checked_div(1_000))?;
    }
    if let Some(wh) = text.strip_suffix("Wh") {
        return wh.trim().parse().ok();
    }
    number(text.strip_suffix(currency)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_and_short() {
        assert_eq!(energy(1_234), "1.234 kWh");
        assert_eq!(energy(0), "0.000 kWh");
        assert_eq!(energy(u64::MAX), "18446744073709551.615 kWh");
        assert_eq!(money(391_486, "EUR"), "0.391486 EUR");
        assert_eq!(money(-1_500_000, "EUR"), "-1.50 EUR");
        assert_eq!(money(i64::MIN, "X"), "-9223372036854.775808 X");
        assert_eq!(price(300_000, "EUR"), "0.30 EUR/kWh");
        assert_eq!(short("a0000000111122223333444455556666"), "a0000000");
    }

    #[test]
    fn spans_follow_each_other_up_to_the_running_one() {
        let now = 1_795_000_000;
        for period in [Period::Day, Period::Week, Period::Month, Period::Year] {
            for count in [1, 3, 40] {
                let edges = edges(period, count, now);
                assert_eq!(edges.len(), count as usize + 1, "{period:?}");
                assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
                let [.., from, to] = edges[..] else {
                    panic!("{edges:?}");
                };
                assert!(from <= now && now < to, "{period:?}: {edges:?}");
            }
        }
        let day = day(now);
        assert_eq!(
            day_begins(&day, 0),
            edges(Period::Day, 1, now).first().copied()
        );
        assert_eq!(
            day_begins(&day, 1),
            edges(Period::Day, 1, now).last().copied()
        );
        assert_eq!(day_begins("2026-02-30", 0), None);
    }

    #[test]
    fn what_is_written_with_a_unit_is_read_exactly() {
        assert_eq!(read("0.30/kWh", "EUR"), Some(300_000));
        assert_eq!(read("0.3 EUR/kWh", "EUR"), Some(300_000));
        assert_eq!(read("5 EUR", "EUR"), Some(5_000_000));
        assert_eq!(read("0.000001EUR", "EUR"), Some(1));
        assert_eq!(read("20 kWh", "EUR"), Some(20_000));
        assert_eq!(read("1.5kWh", "EUR"), Some(1_500));
        assert_eq!(read("500 Wh", "EUR"), Some(500));
        for bad in [
            "",
            "300000",
            "0.3",
            "0.0000001 EUR",
            "1.2345 kWh",
            "-1 EUR",
            ". EUR",
            "EUR",
            "x/kWh",
            "99999999999999999999 kWh",
            "1 USD",
        ] {
            assert_eq!(read(bad, "EUR"), None, "{bad}");
        }
    }

    #[test]
    fn a_day_begins_before_each_of_its_times() {
        for now in [0u64, 1_000_000_000, 1_795_946_400] {
            let begun = midnight(now);
            assert!(begun <= now && now - begun < 90_000, "{begun} {now}");
        }
    }
}
