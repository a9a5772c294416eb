//! What one frame says, and the one form that all formats are brought to.

use crate::obis::Obis;
use wattpool_schema::{Seconds, Wh};

/// What a value is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Watt-hours.
    Wh,
    /// Watts.
    W,
}

/// A value of electricity, exactly as the meter tells it: `number` × 10^`scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Which quantity.
    pub obis: Obis,
    /// Digits.
    pub number: i64,
    /// Power of ten.
    pub scale: i8,
    /// Unit.
    pub unit: Unit,
}

/// Values are summed in these: a millionth of their unit.
const PARTS: i128 = 1_000_000;

impl Value {
    /// In millionths; finer digits are cut off.
    fn parts(self) -> Option<i128> {
        let number = i128::from(self.number);
        let shift = i32::from(self.scale).checked_add(6)?;
        let power = 10i128.checked_pow(shift.unsigned_abs())?;
        if shift >= 0 {
            number.checked_mul(power)
        } else {
            number.checked_div_euclid(power)
        }
    }

    /// In whole units: energy rounded down, power to the nearest.
    pub fn whole(self) -> Option<i64> {
        let parts = self.parts()?;
        let whole = match self.unit {
            Unit::Wh => parts.checked_div_euclid(PARTS)?,
            Unit::W => nearest(parts),
        };
        i64::try_from(whole).ok()
    }
}

fn nearest(parts: i128) -> i128 {
    let half = if parts < 0 { -PARTS / 2 } else { PARTS / 2 };
    parts.saturating_add(half).checked_div(PARTS).unwrap_or(0)
}

/// When a meter says it measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// In UTC.
    Utc(Seconds),
    /// Seconds of the meter's own counter, which is no time of day.
    Counter(u64),
}

/// What one frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telegram {
    /// Where its frame begins, counted from the stream's beginning.
    pub offset: u64,
    /// The meter's name of itself.
    pub meter: Option<String>,
    /// When it measured.
    pub time: Option<Time>,
    /// What it measured.
    pub values: Vec<Value>,
    /// What is to be known of the frame, such as that it came without a check.
    pub remarks: Vec<&'static str>,
}

/// Where registers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistersFrom {
    /// The meter's own sum over the phases, or the sum of its tariffs.
    #[default]
    Total,
    /// The sum of the three phases' registers.
    Phases,
}

/// A cumulative register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Whole Wh, rounded down.
    pub wh: Wh,
    /// Its smallest step, Wh, as far as the format tells; at least 1.
    pub step: Wh,
}

/// What all formats are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When the meter says it measured.
    pub time: Option<Time>,
    /// Taken from the grid, OBIS 1-0:1.8.0.
    pub import: Option<Register>,
    /// Given to the grid, OBIS 1-0:2.8.0.
    pub export: Option<Register>,
    /// Net power now, W, import positive.
    pub power_w: Option<i64>,
}

/// Values that make no reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A register below zero or beyond 2^63 Wh.
    #[error("register {obis} is {number}e{scale} Wh: expected 0 to 2^63")]
    OutOfRange {
        /// Which.
        obis: Obis,
        /// Its digits.
        number: i64,
        /// Its power of ten.
        scale: i8,
    },
    /// There is neither a register nor a power.
    #[error("no register of import or export and no power")]
    Nothing,
}

impl Telegram {
    /// A telegram of which nothing is known yet.
    pub const fn empty() -> Self {
        Self {
            offset: 0,
            meter: None,
            time: None,
            values: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Brings the values to one form.
    ///
    /// # Errors
    /// A register is out of range, or there is nothing of use.
    pub fn reading(&self, from: RegistersFrom) -> Result<Reading, Unreadable> {
        let reading = Reading {
            time: self.time,
            import: self.register(from, 1)?,
            export: self.register(from, 2)?,
            power_w: self.power(),
        };
        if reading.import.is_none() && reading.export.is_none() && reading.power_w.is_none() {
            return Err(Unreadable::Nothing);
        }
        Ok(reading)
    }

    fn values_of(&self, c: u8, d: u8) -> impl Iterator<Item = (u8, &Value)> + '_ {
        self.values.iter().filter_map(move |v| {
            let (vc, vd, e) = v.obis.current()?;
            (vc == c && vd == d).then_some((e, v))
        })
    }

    /// The total of a direction (1 import, 2 export): E = 0, or all tariffs summed.
    fn direction(&self, c: u8) -> Vec<&Value> {
        if let Some((_, total)) = self.values_of(c, 8).find(|(e, _)| *e == 0) {
            return vec![total];
        }
        self.values_of(c, 8).map(|(_, v)| v).collect()
    }

    fn register(&self, from: RegistersFrom, c: u8) -> Result<Option<Register>, Unreadable> {
        let values: Vec<&Value> = match from {
            RegistersFrom::Total => self.direction(c),
            RegistersFrom::Phases => [20u8, 40, 60]
                .into_iter()
                .flat_map(|phase| self.direction(phase.saturating_add(c)))
                .collect(),
        };
        let Some(first) = values.first() else {
            return Ok(None);
        };
        let bad = |v: &Value| Unreadable::OutOfRange {
            obis: v.obis,
            number: v.number,
            scale: v.scale,
        };
        let mut sum = 0i128;
        let mut step = u64::MAX;
        for value in &values {
            let parts = value.parts().filter(|_| value.number >= 0);
            sum = parts
                .and_then(|p| sum.checked_add(p))
                .ok_or_else(|| bad(value))?;
            let scale = u32::try_from(value.scale).unwrap_or(0);
            step = step.min(10u64.saturating_pow(scale));
        }
        let wh = sum.checked_div(PARTS).and_then(|wh| u64::try_from(wh).ok());
        match wh.filter(|wh| *wh < 1 << 63) {
            Some(wh) => Ok(Some(Register {
                wh: Wh(wh),
                step: Wh(step),
            })),
            None => Err(bad(first)),
        }
    }

    fn power(&self) -> Option<i64> {
        let sum = |codes: &[u8]| -> Option<i128> {
            let mut all = codes.iter().filter_map(|c| {
                let (_, v) = self.values_of(*c, 7).next()?;
                v.parts()
            });
            let first = all.next()?;
            all.try_fold(first, i128::checked_add)
        };
        let parts = if let Some(net) = sum(&[16]) {
            net
        } else if let Some(taken) = sum(&[1]) {
            taken.checked_sub(sum(&[2]).unwrap_or(0))?
        } else if let Some(given) = sum(&[2]) {
            given.checked_neg()?
        } else if let Some(net) = sum(&[36, 56, 76]) {
            net
        } else {
            sum(&[21, 41, 61])?.checked_sub(sum(&[22, 42, 62]).unwrap_or(0))?
        };
        i64::try_from(nearest(parts)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telegram(values: &[(u8, u8, u8, i64, i8, Unit)]) -> Telegram {
        let values = values.iter().map(|&(c, d, e, number, scale, unit)| Value {
            obis: Obis::electricity(c, d, e),
            number,
            scale,
            unit,
        });
        Telegram {
            values: values.collect(),
            ..Telegram::empty()
        }
    }

    #[test]
    fn tariffs_are_summed_before_they_are_cut_to_whole_wh() {
        let t = telegram(&[(1, 8, 1, 15, -1, Unit::Wh), (1, 8, 2, 25, -1, Unit::Wh)]);
        let r = t.reading(RegistersFrom::Total).unwrap();
        assert_eq!(
            r.import,
            Some(Register {
                wh: Wh(4),
                step: Wh(1)
            })
        );
        assert_eq!(r.export, None);
    }

    #[test]
    fn the_meters_own_total_goes_before_its_tariffs() {
        let t = telegram(&[
            (1, 8, 1, 1, 3, Unit::Wh),
            (1, 8, 0, 7, 3, Unit::Wh),
            (2, 8, 0, 12, 2, Unit::Wh),
            (21, 8, 0, 1, 0, Unit::Wh),
            (41, 8, 0, 2, 0, Unit::Wh),
            (61, 8, 0, 3, 0, Unit::Wh),
        ]);
        let r = t.reading(RegistersFrom::Total).unwrap();
        assert_eq!(
            r.import,
            Some(Register {
                wh: Wh(7_000),
                step: Wh(1_000)
            })
        );
        assert_eq!(
            r.export,
            Some(Register {
                wh: Wh(1_200),
                step: Wh(100)
            })
        );
        let r = t.reading(RegistersFrom::Phases).unwrap();
        assert_eq!(
            r.import,
            Some(Register {
                wh: Wh(6),
                step: Wh(1)
            })
        );
    }

    #[test]
    fn power_is_net_and_rounded() {
        let power = |v: &[(u8, u8, u8, i64, i8, Unit)]| {
            telegram(v).reading(RegistersFrom::Total).map(|r| r.power_w)
        };
        assert_eq!(power(&[(16, 7, 0, -29_912, -2, Unit::W)]), Ok(Some(-299)));
        assert_eq!(power(&[(16, 7, 0, -10_550, -2, Unit::W)]), Ok(Some(-106)));
        let both = [(1, 7, 0, 100, 0, Unit::W), (2, 7, 0, 1_500, 0, Unit::W)];
        assert_eq!(power(&both), Ok(Some(-1_400)));
        assert_eq!(
            power(&[(21, 7, 0, 5, 0, Unit::W), (42, 7, 0, 7, 0, Unit::W)]),
            Ok(Some(-2))
        );
        assert_eq!(power(&[]), Err(Unreadable::Nothing));
    }

    #[test]
    fn registers_out_of_range_are_refused() {
        for (number, scale) in [(-1, 0), (i64::MAX, 3), (1, 127), (i64::MAX, 0)] {
            let t = telegram(&[(1, 8, 0, number, scale, Unit::Wh)]);
            let read = t.reading(RegistersFrom::Total);
            if (number, scale) == (i64::MAX, 0) {
                assert!(read.is_ok());
            } else {
                assert!(read.is_err(), "{number}e{scale}");
            }
        }
    }
}
