//! Registers: what a meter has counted since it was new, read from time to time.

use crate::csv_profile::{Manner, Want};
use crate::errors::ScenarioError;
use crate::file::Missing;
use crate::suspicion::error_value;
use std::path::Path;

/// How many times the largest usual rise a rise over a roll-over or an exchange may be.
const PLAUSIBLE: f64 = 10.0;

/// Amounts in the steps between readings, one fewer than readings. What was counted over missing readings is
/// spread evenly over their steps; how many were bridged so is returned.
///
/// # Errors
/// For a register that falls and neither rolls over nor begins anew, and missing readings where they are
/// refused.
pub(crate) fn amounts(
    file: &Path,
    want: &Want,
    readings: &[f64],
    lines: &[u64],
    manner: &Manner,
    notes: &mut Vec<String>,
) -> Result<(Vec<f64>, u64), ScenarioError> {
    let known: Vec<(usize, f64)> = readings
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, v)| v.is_finite())
        .collect();
    let line = |i: usize| lines.get(i).copied().unwrap_or(1);
    let bridged = readings.len().saturating_sub(known.len());
    if bridged > 0 && manner.missing == Missing::Refuse {
        let first = readings.iter().position(|v| !v.is_finite()).unwrap_or(0);
        return Err(ScenarioError::Cell {
            file: file.into(),
            line: line(first),
            column: want.column.clone(),
            found: "a missing reading".into(),
            expected: format!(
                "a reading (or {} = \"previous\": what was counted is spread over the gap)",
                manner.missing_key
            ),
        });
    }
    let places: Vec<(f64, f64, u64)> = known
        .iter()
        .map(|(i, v)| (float(*i), *v, line(*i)))
        .collect();
    let rises = rises(file, want, &places, manner.missing, notes)?;
    let mut out = vec![f64::NAN; readings.len().saturating_sub(1)];
    for (pair, rise) in known.windows(2).zip(rises) {
        let [(from, _), (to, _)] = pair else { continue };
        let steps = to.saturating_sub(*from);
        for amount in out.iter_mut().skip(*from).take(steps) {
            *amount = rise / float(steps);
        }
    }
    // Before the first reading and after the last nothing is known.
    Ok((out, u64::try_from(bridged).unwrap_or(0)))
}

fn float(steps: usize) -> f64 {
    u32::try_from(steps).map_or(f64::from(u32::MAX), f64::from)
}

/// What was counted between each reading and the next: `(moment, reading, line)` in order, moments in any
/// unit of time.
///
/// # Errors
/// As [`amounts`].
pub(crate) fn rises(
    file: &Path,
    want: &Want,
    readings: &[(f64, f64, u64)],
    missing: Missing,
    notes: &mut Vec<String>,
) -> Result<Vec<f64>, ScenarioError> {
    let pairs = || {
        readings.windows(2).filter_map(|pair| match pair {
            [a, b] => Some((*a, *b)),
            _ => None,
        })
    };
    // The largest usual rise in a unit of time: the 99th percentile, or the last but one, so that one leap does not
    // set it.
    let mut rates: Vec<f64> = pairs()
        .filter(|(a, b)| b.1 >= a.1)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0).max(f64::MIN_POSITIVE))
        .collect();
    rates.sort_unstable_by(f64::total_cmp);
    let at = rates.len().saturating_mul(99).checked_div(100).unwrap_or(0);
    let usual = rates
        .get(at.min(rates.len().saturating_sub(2)))
        .copied()
        .unwrap_or(0.0);
    let mut out = Vec::with_capacity(readings.len());
    for (i, (a, b)) in pairs().enumerate() {
        let ((from, was, before), (to, is, line)) = (a, b);
        // A leap to a value that meters write when they have none, or one to begin with.
        let most = (PLAUSIBLE * usual * (to - from)).max(1.0);
        let none = [
            (is, line, is - was > most),
            (was, before, i == 0 && was - is > most),
        ];
        for (value, line, leaps) in none {
            if let Some(expected) = error_value(value).filter(|_| leaps) {
                return Err(ScenarioError::Cell {
                    file: file.into(),
                    line,
                    column: want.column.clone(),
                    found: value.to_string(),
                    expected: format!("a reading; {expected}"),
                });
            }
        }
        if is >= was {
            out.push(is - was);
            continue;
        }
        // A fall that the next reading takes back is none of the meter's.
        let next = readings
            .get(i.saturating_add(2))
            .map(|(at, reading, _)| (*at, *reading));
        let back = next.is_some_and(|(at, next)| {
            next >= was
                && next - was <= (PLAUSIBLE * usual * (at - from)).max(1.0)
                && next - is > most
        });
        if back {
            return Err(ScenarioError::Cell {
                file: file.into(),
                line,
                column: want.column.clone(),
                found: format!("{is} between {was} and {}", next.map_or(was, |n| n.1)),
                expected: format!("a reading; markers = [\"{is}\"] makes it a missing one"),
            });
        }
        let over = ends(was)
            .map(|end| end - was + is)
            .filter(|over| *over <= most)
            .min_by(f64::total_cmp);
        let column = &want.column;
        if let Some(over) = over.filter(|_| was > 0.0 && is >= 0.0) {
            notes.push(format!(
                "line {line}: column '{column}' goes from {was} to {is}: it rolled over, {over} counted"
            ));
            out.push(over);
        } else if is >= 0.0 && is <= most {
            notes.push(format!(
                "line {line}: column '{column}' goes from {was} to {is}: the meter was exchanged, {is} counted"
            ));
            out.push(is);
        } else if missing != Missing::Refuse && is >= 0.0 {
            notes.push(format!(
                "line {line}: column '{column}' goes from {was} to {is}: the meter was exchanged, nothing counted"
            ));
            out.push(0.0);
        } else {
            return Err(ScenarioError::Cell {
                file: file.into(),
                line,
                column: column.clone(),
                found: format!("{is} after {was}"),
                expected: format!(
                    "a register that does not fall, or begins near 0 after an exchange (or markers = [\"{is}\"] if \
                     this is no reading, or missing = \"zero\": nothing is counted there)"
                ),
            });
        }
    }
    Ok(out)
}

/// Where a register that shows this much may roll over: at the next power of ten, or where the bits of its count end,
/// in units or in thousandths of them.
fn ends(shown: f64) -> impl Iterator<Item = f64> {
    let mut power = 1_000.0;
    while power <= shown && power < 1e15 {
        power *= 10.0;
    }
    let bits = [16, 24, 31, 32].map(|bits| 2.0_f64.powi(bits));
    let thousandths = bits.map(|end| end / 1_000.0);
    bits.into_iter()
        .chain(thousandths)
        .chain([power])
        .filter(move |end| *end > shown)
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;
    use crate::csv_profile::Measure;

    fn of(values: &[f64]) -> (Result<Vec<f64>, ScenarioError>, Vec<String>) {
        let want = Want {
            column: "r".into(),
            measure: Measure::Register,
            optional: false,
        };
        let mut at = 0.0;
        let readings: Vec<(f64, f64, u64)> = values
            .iter()
            .map(|v| {
                at += 1.0;
                (at, *v, 7)
            })
            .collect();
        let mut notes = Vec::new();
        let all = rises(
            Path::new("r.csv"),
            &want,
            &readings,
            Missing::Refuse,
            &mut notes,
        );
        (all, notes)
    }

    #[test]
    fn roll_over_and_exchange_are_told_apart() {
        let (all, notes) = of(&[99_998.0, 99_999.0, 0.5, 1.5]);
        assert_eq!(all.unwrap(), [1.0, 1.5, 1.0]);
        assert!(notes[0].contains("rolled over"), "{notes:?}");
        // A count of Wh in 32 bits, shown in kWh.
        let (all, notes) = of(&[4_294_966.0, 4_294_967.0, 0.5, 1.5]);
        let all: Vec<f64> = all
            .unwrap()
            .iter()
            .map(|v| (v * 1e3).round() / 1e3)
            .collect();
        assert_eq!(all, [1.0, 0.796, 1.0]);
        assert!(notes[0].contains("rolled over"), "{notes:?}");
        let (all, notes) = of(&[45_000.0, 45_001.0, 0.5, 1.5]);
        assert_eq!(all.unwrap(), [1.0, 0.5, 1.0]);
        assert!(notes[0].contains("exchanged"), "{notes:?}");
        let (all, _) = of(&[45_000.0, 45_001.0, 300.0, 301.0]);
        assert!(all.unwrap_err().to_string().contains("300 after 45001"));
    }

    #[test]
    fn a_reading_that_is_none_is_named() {
        let said = of(&[5_000.0, 5_000.5, 0.0, 5_001.0, 5_001.5])
            .0
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("0 between 5000.5 and 5001") && said.contains("markers = [\"0\"]"),
            "{said}"
        );
        for readings in [
            &[5.0, 6.0, 16_777.215, 7.0, 8.0][..],
            &[5.0, 6.0, 7.0, 4_294_967_295.0],
            &[16_777.215, 7.0, 8.0, 9.0],
        ] {
            let said = of(readings).0.unwrap_err().to_string();
            assert!(said.contains("markers = ["), "{said}");
        }
        // It may stand in a register that gets there by itself.
        let (all, _) = of(&[65_533.0, 65_534.0, 65_535.0, 65_536.0]);
        assert_eq!(all.unwrap(), [1.0, 1.0, 1.0]);
    }
}
