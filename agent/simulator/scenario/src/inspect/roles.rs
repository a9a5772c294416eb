//! What a column is about: by its name, by its file's, and by its values.

use super::columns::Guess;
use crate::csv_profile::CsvData;
use crate::stamps::Clock;
use chrono::Timelike;
use std::collections::BTreeSet;

/// Words that headers hold, what they mean, and whether they leave no doubt. The first that fits counts; words of up
/// to three letters stand alone.
const ROLES: [(&str, bool, &[&str]); 9] = [
    (
        "other",
        true,
        &["irradi", "predicted", "forecast", "temperature", "humidity"],
    ),
    (
        "carbon",
        true,
        &["co2", "co₂", "carbon", "intensity", "emission"],
    ),
    (
        "price",
        true,
        &[
            "price", "pricing", "eur", "tariff", "cost", "preis", "usd", "gbp", "spot", "precio",
            "prix", "€/", "£/", "$/", "ct/",
        ],
    ),
    (
        "generation",
        true,
        &[
            "pv",
            "solar",
            "generation",
            "generated",
            "production",
            "produced",
            "erzeug",
            "einspeis",
            "export",
            "injection",
            "feed",
            "ac_power",
            "teruglever",
            "retour",
        ],
    ),
    ("net", true, &["net", "netto"]),
    (
        "load",
        true,
        &[
            "load",
            "consum",
            "verbrauch",
            "demand",
            "import",
            "bezug",
            "usage",
            "use",
            "konsum",
            "ae_kwh",
            "afname",
            "levering",
        ],
    ),
    ("net", false, &["grid"]),
    (
        "load",
        false,
        &[
            "electricity",
            "valeur",
            "energy",
            "kwh/hh",
            "value",
            "kwh",
            "wh",
            "kw",
            "power",
            "leistung",
            "energie",
            "meter",
            "zähler",
            "reading",
            "register",
        ],
    ),
    (
        "other",
        true,
        &[
            "temp",
            "humid",
            "irradi",
            "wind",
            "month",
            "hour",
            "day",
            "year",
            "quality",
            "code",
            "postcode",
            "lat",
            "lon",
            "volt",
            "current",
            "frequency",
            "gas",
            "water",
            "total",
            "sum",
            "summe",
            "aggregate",
            "average",
            "mean",
        ],
    ),
];

/// Words of file names that speak of panels.
const PANELS: [&str; 8] = [
    "pv",
    "solar",
    "sun",
    "roof",
    "photovoltaic",
    "generation",
    "einspeisung",
    "erzeugung",
];

/// What a name says a column is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) role: &'static str,
    /// False where another column may be called the same.
    pub(super) sure: bool,
}

/// Words of a name, in small letters.
fn words(lower: &str) -> Vec<&str> {
    lower
        .split(|c: char| !c.is_alphanumeric() && c != '/')
        .collect()
}

/// What a column's name says, among so many columns. One without a word that is known is `unknown`.
pub(super) fn said(name: &str, columns: usize) -> Said {
    let lower = name.to_lowercase();
    let words = words(&lower);
    // Energies of whole countries.
    if ["mwh", "gwh", "mw", "gw"].iter().any(|w| words.contains(w)) {
        return Said {
            role: if lower.contains(['€', '£', '$']) {
                "price"
            } else {
                "other"
            },
            sure: true,
        };
    }
    let found = ROLES.iter().find(|(_, _, all)| {
        all.iter().any(|word| match word.len() {
            0..=3 if !word.contains('/') => words.contains(word),
            _ => lower.contains(word),
        })
    });
    match found {
        Some((role, sure, _)) => Said { role, sure: *sure },
        // A column alone beside the stamps is what the file is about.
        None if columns <= 2 => Said {
            role: "load",
            sure: false,
        },
        None => Said {
            role: "unknown",
            sure: false,
        },
    }
}

/// Unit, factor, and whether the name says so.
pub(super) fn unit(name: &str, role: &str, register: bool) -> (&'static str, f64, bool) {
    let lower = name.to_lowercase();
    let words = words(&lower);
    let has = |unit: &str| words.contains(&unit);
    match role {
        "price" if lower.contains("mwh") => ("per MWh", 1.0, true),
        "price" => {
            let hundredths = ["ct/", "cent", "p/kwh", "pence"];
            let hundredth = hundredths.iter().any(|h| lower.contains(h)) || has("ct");
            let named = hundredth || lower.contains("kwh");
            ("per kWh", if hundredth { 0.01 } else { 1.0 }, named)
        }
        "carbon" if has("kg") || lower.contains("kgco") => ("kg per kWh", 1.0, true),
        "carbon" => ("g per kWh", 1.0, has("g") || lower.contains("gco")),
        _ if lower.contains("per kwp") || lower.contains("/kwp") => ("W per kWp", 1.0, true),
        _ if has("wh") => (if register { "Wh register" } else { "Wh" }, 1.0, true),
        _ if has("kwh") || lower.contains("kwh") => {
            (if register { "kWh register" } else { "kWh" }, 1.0, true)
        }
        _ if has("kw") => ("kW", 1.0, true),
        _ if has("w") || has("watt") || has("watts") => ("W", 1.0, true),
        _ if register => ("kWh register", 1.0, true),
        _ => ("kWh", 1.0, false),
    }
}

/// True where a file's name speaks of panels.
pub(super) fn of_panels(stem: &str) -> bool {
    let lower = stem.to_lowercase();
    let all = words(&lower);
    let mut parts = all.iter().flat_map(|w| w.split('_'));
    parts.any(|part| PANELS.contains(&part.trim_end_matches(|c: char| c.is_ascii_digit())))
}

/// What the values say about a column whose name leaves it open, and a word on it.
pub(super) fn by_values(
    guess: &mut Guess,
    values: &[f64],
    data: &CsvData,
    (stem, alone): (&str, bool),
    clock: Option<Clock>,
) -> Option<String> {
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut remark = None;
    if matches!(guess.role, "load" | "unknown") && !guess.sure && !guess.unit.ends_with("register")
    {
        let named = alone && of_panels(stem);
        if named || follows_the_sun(data, values, clock) {
            guess.role = "generation";
            let why = match named {
                true => "the file's name speaks of panels",
                false => "nothing at night and most in the middle of the day",
            };
            remark = Some(format!(
                "column '{}': {why}: taken for generation",
                guess.name
            ));
        }
    }
    let dark = values.iter().filter(|v| **v == 0.0).count();
    let per_kwp =
        most > 0.2 && most <= 1.1 && dark.saturating_mul(10) > values.len().saturating_mul(3);
    if per_kwp && matches!(guess.role, "load" | "generation") {
        if guess.role == "generation" && !guess.named {
            guess.unit = "kW per kWp";
            guess.named = true;
        }
        let taken = match guess.unit {
            "kW per kWp" => {
                "taken for generation for each kW installed, unit = \"kW per kWp\": put in kwp"
            }
            _ => "generation for each kW installed? unit = \"kW per kWp\"",
        };
        return Some(format!(
            "column '{}': nothing in a third of the steps and never more than {most:.2}: {taken}",
            guess.name
        ));
    }
    if guess.role == "generation" && !guess.named && most > 200.0 && most <= 1_100.0 {
        return Some(format!(
            "column '{}': never more than {most:.0}: of a small roof, or for each kW installed (unit = \"W per kWp\" with kwp)?",
            guess.name
        ));
    }
    if guess.role == "carbon" && !guess.named && most < 2.0 {
        guess.unit = "kg per kWh";
    }
    if guess.role == "price" && !guess.named {
        let mean = values.iter().map(|v| v.abs()).sum::<f64>() / values.len().max(1) as f64;
        if mean > 2.0 {
            guess.unit = "per MWh";
            remark = Some(format!(
                "column '{}': {mean:.1} on average, taken for a price per MWh; hundredths per kWh are unit = \"per kWh\" with scale = 0.01",
                guess.name
            ));
        }
    }
    remark
}

/// True for what follows the sun: nothing in the same hours of every day, five of them in a row at least, most in the
/// middle of the others, and values that differ from day to day.
fn follows_the_sun(data: &CsvData, values: &[f64], clock: Option<Clock>) -> bool {
    let days = i64::try_from(values.len())
        .unwrap_or(0)
        .saturating_mul(i64::from(data.step_s));
    if data.step_s > 3_600 || days < 2 * 86_400 {
        return false;
    }
    let most = values.iter().copied().fold(0.0, f64::max);
    let mut hours = [(0.0_f64, 0.0_f64, 0_u32); 24];
    for (i, value) in values.iter().enumerate() {
        let passed = i64::try_from(i)
            .unwrap_or(0)
            .saturating_mul(i64::from(data.step_s));
        let hour = clock
            .unwrap_or_else(Clock::utc)
            .shows(data.start.saturating_add(passed))
            .and_then(|t| usize::try_from(t.hour()).ok());
        if let Some((high, sum, count)) = hour.and_then(|h| hours.get_mut(h)) {
            *high = high.max(*value);
            *sum += value;
            *count = count.saturating_add(1);
        }
    }
    let at = |hour: usize| {
        hours
            .get(hour.checked_rem(24).unwrap_or(0))
            .copied()
            .unwrap_or_default()
    };
    let dark = |hour: usize| at(hour).0 <= most * 0.005;
    let night = (0..24).filter(|h| dark(*h)).count();
    // The first hour of light after the night; all dark hours must lie in one night.
    let Some(dawn) = (0..24_usize).find(|h| !dark(*h) && dark(h.saturating_add(23))) else {
        return false;
    };
    let light = 24_usize.saturating_sub(night);
    let whole = (0..light).all(|h| !dark(dawn.saturating_add(h)));
    if !whole || !(5..=18).contains(&night) || most <= 0.0 {
        return false;
    }
    let mean = |h: usize| {
        let (_, sum, count) = at(dawn.saturating_add(h));
        sum / f64::from(count.max(1))
    };
    let edge = light.checked_div(6).unwrap_or(0).max(1);
    let edges: f64 = (0..edge)
        .chain(light.saturating_sub(edge)..light)
        .map(mean)
        .sum();
    let edges = edges / (edge.saturating_mul(2).max(1)) as f64;
    let inner: Vec<f64> = (edge..light.saturating_sub(edge)).map(mean).collect();
    let middle = inner.iter().sum::<f64>() / inner.len().max(1) as f64;
    let noon = dawn
        .saturating_add(light.checked_div(2).unwrap_or(0))
        .checked_rem(24);
    let by_day = clock.is_none() || noon.is_some_and(|h| (10..=15).contains(&h));
    let light_values = values.iter().filter(|v| **v > 0.0);
    let (mut different, mut count) = (BTreeSet::new(), 0_usize);
    for value in light_values {
        different.insert(value.to_bits());
        count = count.saturating_add(1);
    }
    // A charger or a heater is on or off.
    let varies = different.len().saturating_mul(5) >= count || different.len() > 100;
    by_day && middle > 1.5 * edges && varies
}

/// What is done about values of the wrong sign: a column of both signs is a net one, generation may be counted as
/// negative, and a little below 0 is taken as nothing. Returns whether `negative = "zero"` is needed.
pub(super) fn by_sign(guess: &mut Guess, values: &[f64], other_generation: bool) -> bool {
    let below = values.iter().filter(|v| **v < 0.0).count();
    if below == 0 || !matches!(guess.role, "load" | "generation") {
        return false;
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most <= 0.0 {
        guess.scale = -guess.scale;
        return false;
    }
    if least.abs() * 20.0 <= most {
        return true;
    }
    if guess.role == "load" && !other_generation {
        guess.role = "net";
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_columns_are_about() {
        for (name, role, sure) in [
            ("PV-Erzeugung (kWh)", "generation", true),
            ("Grid import (kWh)", "load", true),
            ("grid_export_kwh", "generation", true),
            ("Netto", "net", true),
            ("net_load", "net", true),
            ("Power (W)", "load", false),
            ("Deutschland/Luxemburg [€/MWh]", "price", true),
            ("Netzlast [MWh]", "other", true),
            ("Carbon Intensity gCO₂eq/kWh (direct)", "carbon", true),
            ("outdoor_temperature", "other", true),
            ("MAC000002", "unknown", false),
        ] {
            assert_eq!(said(name, 5), Said { role, sure }, "{name}");
        }
        assert_eq!(said("P", 2).role, "load");
    }

    #[test]
    fn names_say_units() {
        for (name, role, found) in [
            ("Spot [€/MWh]", "price", ("per MWh", 1.0, true)),
            ("Preis ct/kWh", "price", ("per kWh", 0.01, true)),
            ("price", "price", ("per kWh", 1.0, false)),
            ("Power (W)", "load", ("W", 1.0, true)),
            ("E [Wh]", "load", ("Wh", 1.0, true)),
            ("kgCO2/kWh", "carbon", ("kg per kWh", 1.0, true)),
        ] {
            assert_eq!(unit(name, role, false), found, "{name}");
        }
        assert!(of_panels("pv_1_pu") && of_panels("roof-south") && of_panels("Solar2"));
        assert!(!of_panels("hh_2012_3") && !of_panels("spvgis"));
    }
}
