//! From registers to surplus and deficit (FR-01): which readings are believed, and what they mean.

use crate::io::Reading;
use serde::{Deserialize, Serialize};
use wattpool_schema::{Seconds, Wh, Window};

/// Why a reading is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingProblem {
    /// Of a window that is read already.
    Repeated,
    /// A register went back.
    RolledBack,
    /// More than the device can have carried.
    BeyondPower,
    /// Power flows but no register moves.
    Frozen,
    /// Taken before the window ended.
    Stale,
    /// Stamped in the future.
    ClockAhead,
    /// Windows lie between this reading and the last one believed: those first.
    Gap {
        /// The first that is missing.
        missing: Window,
    },
}

/// Largest tolerated difference between the meter's clock and the chain's, seconds.
const CLOCK_TOLERANCE_S: u64 = 60;
/// A power below this is no proof that a register must move, W.
const IDLE_POWER_W: u64 = 100;
/// 32-bit registers roll over here (SunSpec acc32).
const ROLL_OVER: u64 = 1 << 32;

/// The meter as the agent knows it.
#[derive(Clone, Copy, Debug)]
pub struct Metering {
    window_s: u32,
    max_export: Wh,
    max_import: Wh,
    last: Option<Reading>,
}

/// A window's energy, from registers that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Registers at its end, continued over roll-overs.
    pub reading: Reading,
    /// Net export.
    pub surplus: Wh,
    /// Net import.
    pub deficit: Wh,
}

impl Metering {
    /// A meter of which nothing has been read. The limits are per window, as registered.
    pub const fn new(window_s: u32, max_export: Wh, max_import: Wh) -> Self {
        Self {
            window_s,
            max_export,
            max_import,
            last: None,
        }
    }

    /// The last reading believed.
    pub const fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// Continues from a reading that was believed before a restart, or that was taken at installation.
    pub fn resume(&mut self, reading: Reading) {
        self.last = Some(reading);
    }

    /// Whether a later reading can stand behind a gap: no register went back, and none rose by more than the
    /// windows between can have carried.
    pub fn may_precede(&self, later: &Reading) -> bool {
        let Some(last) = self.last else { return true };
        let windows = later.window.0.saturating_sub(last.window.0);
        let rise_within = |before: Wh, now: Wh, most: Wh| {
            now.checked_sub(before)
                .is_some_and(|risen| risen.0 <= most.0.saturating_mul(windows))
        };
        rise_within(last.import_register, later.import_register, self.max_import)
            && rise_within(last.export_register, later.export_register, self.max_export)
    }

    /// Takes the registers at the end of a window. `chain_now` is the best guess of block time.
    ///
    /// # Errors
    /// [`ReadingProblem`] says why the reading is not believed; nothing changes then.
    pub fn take(
        &mut self,
        reading: Reading,
        chain_now: Seconds,
    ) -> Result<Option<Metered>, ReadingProblem> {
        if reading.taken_at.0 > chain_now.0.saturating_add(CLOCK_TOLERANCE_S) {
            return Err(ReadingProblem::ClockAhead);
        }
        let end = reading.window.end(self.window_s);
        if reading
            .taken_at
            .0
            .saturating_add(CLOCK_TOLERANCE_S.min(u64::from(self.window_s) / 4))
            < end.0
        {
            return Err(ReadingProblem::Stale);
        }
        let Some(last) = self.last else {
            self.last = Some(reading);
            return Ok(None);
        };
        if reading.window <= last.window {
            return Err(ReadingProblem::Repeated);
        }
        if reading.window != last.window.next() {
            return Err(ReadingProblem::Gap {
                missing: last.window.next(),
            });
        }
        let import = rise(
            last.import_register,
            reading.import_register,
            self.max_import,
        )?;
        let export = rise(
            last.export_register,
            reading.export_register,
            self.max_export,
        )?;
        let moving = reading
            .power_w
            .is_some_and(|p| p.unsigned_abs() > IDLE_POWER_W);
        if import.is_zero() && export.is_zero() && moving {
            return Err(ReadingProblem::Frozen);
        }
        let continued = Reading {
            import_register: last.import_register.saturating_add(import),
            export_register: last.export_register.saturating_add(export),
            ..reading
        };
        self.last = Some(continued);
        Ok(Some(Metered {
            reading: continued,
            surplus: export.saturating_sub(import),
            deficit: import.saturating_sub(export),
        }))
    }
}

/// By how much a register rose within one window. A meter's register of 32 bits rolls over; the agent
/// continues it beyond, so a raw value below the last one is compared modulo 2^32.
fn rise(before: Wh, now: Wh, most: Wh) -> Result<Wh, ReadingProblem> {
    if let Some(risen) = now.checked_sub(before) {
        return if risen > most {
            Err(ReadingProblem::BeyondPower)
        } else {
            Ok(risen)
        };
    }
    let wrapped = before.0 % ROLL_OVER;
    let risen = now
        .0
        .checked_sub(wrapped)
        .unwrap_or_else(|| now.0.saturating_add(ROLL_OVER).saturating_sub(wrapped));
    if now.0 >= ROLL_OVER || risen > most.0 {
        return Err(ReadingProblem::RolledBack);
    }
    Ok(Wh(risen))
}

/// Surplus, deficit or neither, with hysteresis: what has begun ends only below half the threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// Neither.
    #[default]
    Even,
    /// More generated than needed.
    Surplus,
    /// More needed than generated.
    Deficit,
}

impl Balance {
    /// The balance after a window.
    pub fn after(self, surplus: Wh, deficit: Wh, threshold: Wh) -> Self {
        let half = threshold.0 / 2;
        let enough = |wh: u64, began: bool| wh > 0 && (wh >= threshold.0 || (began && wh >= half));
        if enough(surplus.0, matches!(self, Self::Surplus)) {
            Self::Surplus
        } else if enough(deficit.0, matches!(self, Self::Deficit)) {
            Self::Deficit
        } else {
            Self::Even
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: u32 = 900;

    fn reading(window: u64, import: u64, export: u64) -> Reading {
        Reading {
            window: Window(window),
            taken_at: Window(window).end(LEN),
            import_register: Wh(import),
            export_register: Wh(export),
            power_w: None,
        }
    }

    fn metering() -> (Metering, Seconds) {
        let mut m = Metering::new(LEN, Wh(5_000), Wh(10_000));
        let now = Window(20).end(LEN);
        assert_eq!(m.take(reading(9, 1_000, 500), now), Ok(None));
        (m, now)
    }

    #[test]
    fn surplus_and_deficit_are_net() {
        let (mut m, now) = metering();
        let w = m.take(reading(10, 1_100, 800), now).unwrap().unwrap();
        assert_eq!((w.surplus, w.deficit), (Wh(200), Wh(0)));
        let w = m.take(reading(11, 1_400, 900), now).unwrap().unwrap();
        assert_eq!((w.surplus, w.deficit), (Wh(0), Wh(200)));
    }

    #[test]
    fn what_is_not_believed_changes_nothing() {
        let (mut m, now) = metering();
        let cases = [
            (reading(9, 1_000, 500), ReadingProblem::Repeated),
            (reading(10, 999, 500), ReadingProblem::RolledBack),
            (reading(10, 11_001, 500), ReadingProblem::BeyondPower),
            (reading(10, 1_000, 5_501), ReadingProblem::BeyondPower),
            (
                Reading {
                    power_w: Some(-2_000),
                    ..reading(10, 1_000, 500)
                },
                ReadingProblem::Frozen,
            ),
            (
                Reading {
                    taken_at: Window(10).start(LEN),
                    ..reading(10, 1_000, 500)
                },
                ReadingProblem::Stale,
            ),
            (
                Reading {
                    taken_at: Seconds(now.0 + 61),
                    ..reading(10, 1_000, 500)
                },
                ReadingProblem::ClockAhead,
            ),
            (
                reading(12, 1_100, 500),
                ReadingProblem::Gap {
                    missing: Window(10),
                },
            ),
        ];
        for (bad, problem) in cases {
            assert_eq!(m.take(bad, now), Err(problem));
            assert_eq!(m.last().map(|r| r.window), Some(Window(9)));
        }
        assert!(m.take(reading(10, 1_001, 500), now).is_ok());
    }

    #[test]
    fn what_lies_behind_a_gap_must_be_possible() {
        let (m, _) = metering();
        assert!(m.may_precede(&reading(12, 1_100, 500)));
        assert!(m.may_precede(&reading(12, 31_000, 15_500)));
        assert!(!m.may_precede(&reading(12, 31_001, 500)));
        assert!(!m.may_precede(&reading(12, 1_000, 15_501)));
        assert!(!m.may_precede(&reading(12, 999, 500)));
    }

    #[test]
    fn registers_roll_over_at_32_bits_and_go_on() {
        let mut m = Metering::new(LEN, Wh(5_000), Wh(10_000));
        let now = Window(20).end(LEN);
        m.resume(reading(9, ROLL_OVER - 100, 0));
        let w = m.take(reading(10, 50, 0), now).unwrap().unwrap();
        assert_eq!(w.deficit, Wh(150));
        assert_eq!(w.reading.import_register, Wh(ROLL_OVER + 50));
        assert_eq!(
            m.take(reading(11, 80, 0), now).unwrap().unwrap().deficit,
            Wh(30)
        );
        assert_eq!(
            m.take(reading(12, 40, 0), now),
            Err(ReadingProblem::RolledBack)
        );
    }

    #[test]
    fn hysteresis() {
        let t = Wh(10);
        let b = Balance::Even.after(Wh(9), Wh(0), t);
        assert_eq!(b, Balance::Even);
        let b = b.after(Wh(10), Wh(0), t);
        assert_eq!(b, Balance::Surplus);
        assert_eq!(b.after(Wh(5), Wh(0), t), Balance::Surplus);
        assert_eq!(b.after(Wh(4), Wh(0), t), Balance::Even);
        assert_eq!(b.after(Wh(0), Wh(9), t), Balance::Even);
        assert_eq!(b.after(Wh(0), Wh(10), t), Balance::Deficit);
        assert_eq!(Balance::Even.after(Wh(0), Wh(0), Wh(0)), Balance::Even);
    }
}
