//! Figures as people read them. Money and energy are formatted from integers.

/// What stands for a figure that is not defined.
pub const UNDEFINED: &str = "–";

/// `1234567` as `1,234,567`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len().saturating_mul(2));
    for (left, digit) in (0..digits.len()).rev().zip(digits.chars()) {
        text.push(digit);
        if left > 0 && left % 3 == 0 {
            text.push(',');
        }
    }
    text
}

/// A share as a percentage with two decimals.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(
        || UNDEFINED.into(),
        |share| format!("{:.2} %", share * 100.0),
    )
}

/// `thousandths` of a unit with `decimals` (0–3) of them, rounded half up.
fn scaled(value: u64, per_unit: u64, decimals: u32) -> String {
    let fine = 10u64.saturating_pow(decimals);
    let step = per_unit.checked_div(fine).unwrap_or(1).max(1);
    let rounded = value
        .saturating_add(step / 2)
        .checked_div(step)
        .unwrap_or(value);
    let whole = grouped(rounded.checked_div(fine).unwrap_or(rounded));
    match decimals {
        0 => whole,
        _ => {
            let rest = rounded.checked_rem(fine).unwrap_or(0);
            format!("{whole}.{rest:0width$}", width = decimals as usize)
        }
    }
}

/// Energy in kWh with one decimal; two below 100 kWh.
pub fn kwh(wh: u64) -> String {
    format!(
        "{} kWh",
        scaled(wh, 1_000, if wh < 100_000 { 2 } else { 1 })
    )
}

/// Money in whole coins with two decimals, rounded half away from zero.
pub fn coins(micro: i64) -> String {
    let text = scaled(micro.unsigned_abs(), 1_000_000, 2);
    if micro < 0 && text != "0.00" {
        format!("−{text}")
    } else {
        text
    }
}

/// A price per kWh in micro-units as coins with four decimals.
pub fn price(micro_per_kwh: Option<f64>) -> String {
    micro_per_kwh.map_or_else(|| UNDEFINED.into(), |price| format!("{:.4}", price / 1e6))
}

/// CO2 in kg with one decimal.
pub fn kilograms(grams: f64) -> String {
    format!("{:.1} kg", grams / 1_000.0)
}

/// Power in kW with two decimals.
pub fn kilowatts(watts: f64) -> String {
    format!("{:.2} kW", watts / 1_000.0)
}

/// A number with the given decimals, or the sign for undefined.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| UNDEFINED.into(), |value| format!("{value:.decimals$}"))
}

/// A rate per second in whole numbers; with two decimals below ten.
pub fn rate(per_second: Option<f64>) -> String {
    match per_second {
        Some(rate) if rate >= 10.0 => {
            // A saturating conversion of a positive number.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let whole = rate.round() as u64;
            grouped(whole)
        }
        other => number(other, 2),
    }
}

/// Memory in MiB with one decimal.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// A length of time: `45 s`, `15 min`, `6 h`, `2 days`.
pub fn duration(seconds: u64) -> String {
    let units = [(86_400, "days"), (3_600, "h"), (60, "min")];
    for (length, name) in units {
        let count = seconds.checked_div(length).unwrap_or(0);
        if seconds > 0 && seconds.checked_rem(length) == Some(0) {
            let name = if count == 1 && length == 86_400 {
                "day"
            } else {
                name
            };
            return format!("{count} {name}");
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_and_counts() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(kwh(0), "0.00 kWh");
        assert_eq!(kwh(1_234), "1.23 kWh");
        assert_eq!(kwh(99_995), "100.00 kWh");
        assert_eq!(kwh(12_345_650), "12,345.7 kWh");
    }

    #[test]
    fn money_keeps_its_sign() {
        assert_eq!(coins(0), "0.00");
        assert_eq!(coins(-4_999), "0.00");
        assert_eq!(coins(-5_000), "−0.01");
        assert_eq!(coins(1_234_567_890), "1,234.57");
        assert_eq!(coins(i64::MIN), "−9,223,372,036,854.78");
        assert_eq!(price(Some(215_000.0)), "0.2150");
    }

    #[test]
    fn shares_powers_and_times() {
        assert_eq!(percent(Some(0.33904)), "33.90 %");
        assert_eq!(percent(None), UNDEFINED);
        assert_eq!(kilowatts(3_200.0), "3.20 kW");
        assert_eq!(kilograms(560_000.0), "560.0 kg");
        assert_eq!(number(Some(1.25), 2), "1.25");
        assert_eq!(number(None, 2), UNDEFINED);
        assert_eq!(rate(Some(57_120.6)), "57,121");
        assert_eq!(rate(Some(1.5)), "1.50");
        assert_eq!(rate(None), UNDEFINED);
        assert_eq!(mebibytes(123_456_789), "117.7 MiB");
        let lengths = [0, 45, 900, 21_600, 86_400, 172_800].map(duration);
        assert_eq!(lengths, ["0 s", "45 s", "15 min", "6 h", "1 day", "2 days"]);
    }
}
