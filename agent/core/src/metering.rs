//! From registers to surplus and deficit (FR-01): which readings are believed, and what they mean.

mod registers;

use crate::io::Reading;
use registers::{risen, step_of};
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
    /// Believed, but more than is registered: the rest is not counted.
    Capped {
        /// What is not counted, Wh.
        beyond: Wh,
    },
    /// Several readings agree with each other and not with what was believed: another meter, or one that was wrong
    /// before. What flowed since the registers named is not known.
    NewBeginning {
        /// The import register that was believed last.
        closing_import: Wh,
        /// The export register that was believed last.
        closing_export: Wh,
    },
}

/// Largest tolerated difference between the meter's clock and the chain's, seconds.
const CLOCK_TOLERANCE_S: u64 = 60;
/// A power below this is no proof that a register must move, W.
const IDLE_POWER_W: u64 = 100;
/// Readings in a row that make a new beginning, after which the old registers are those of another meter.
const NEW_BEGINNING: usize = 4;
/// So many, if none of them moves: a glitch stands still, too.
const STILL_BEGINNING: usize = 96;
/// Longest time for which a coarse register's step is spread, windows.
const SPREAD: u64 = 96;

/// One register's way through the windows.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Rise that the maximum of the windows so far did not take, of a register with a coarse step.
    carried: u64,
    /// Windows since it moved.
    still: u64,
}

/// What a reading adds to the last one.
#[derive(Clone, Copy, Debug)]
struct Rises {
    /// By how much the register rose, and how much of it may be counted, now or later.
    import: (u64, u64),
    export: (u64, u64),
    /// The step of the registers, as far as this reading tells.
    step: u64,
    /// What the power told since a register moved, Wh.
    expected: u64,
}

impl Rises {
    /// More than is registered.
    const fn capped(&self) -> bool {
        self.import.0 > self.import.1 || self.export.0 > self.export.1
    }
}

/// The meter as the agent knows it.
#[derive(Clone, Debug)]
pub struct Metering {
    window_s: u32,
    max_export: Wh,
    max_import: Wh,
    last: Option<Reading>,
    import: Side,
    export: Side,
    /// The largest power of ten, up to a kWh, that every register so far is a multiple of, Wh.
    step: u64,
    /// What the power told since a register moved, Wh.
    expected: u64,
    /// Readings in a row that agree with each other but do not follow the last one believed.
    chain: Vec<Reading>,
    noted: Vec<(Window, ReadingProblem)>,
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
        const NEW: Side = Side {
            carried: 0,
            still: 0,
        };
        Self {
            window_s,
            max_export,
            max_import,
            last: None,
            import: NEW,
            export: NEW,
            step: 1000,
            expected: 0,
            chain: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// The last reading believed.
    pub const fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// Continues from a reading that was believed before a restart, or that was taken at installation.
    pub fn resume(&mut self, reading: Reading) {
        self.begin(reading);
    }

    /// The meter was exchanged: registers go on from the new one's, and what lies between is not counted.
    pub fn replace(&mut self, opening: Reading) {
        self.begin(opening);
    }

    /// What is to be told of readings that were believed: what was capped, joined, or begun anew. Each once.
    pub fn noted(&mut self) -> Vec<(Window, ReadingProblem)> {
        std::mem::take(&mut self.noted)
    }

    fn begin(&mut self, reading: Reading) {
        self.last = Some(reading);
        (self.import, self.export) = (Side::default(), Side::default());
        self.step = step_of(1000, &reading);
        self.expected = 0;
        self.chain.clear();
    }

    /// Whether a later reading can stand behind a gap: each register rose (over a roll-over perhaps) by no more than
    /// the windows between can have carried.
    pub fn may_precede(&self, later: &Reading) -> bool {
        let Some(last) = self.last else { return true };
        let windows = later.window.0.saturating_sub(last.window.0);
        let within = |before: Wh, now: Wh, most: Wh| {
            let most = most.0.saturating_mul(windows).saturating_add(self.coarse());
            risen(before.0, now.0, most).is_ok_and(|r| r <= most)
        };
        within(last.import_register, later.import_register, self.max_import)
            && within(last.export_register, later.export_register, self.max_export)
    }

    /// A step that is worth a word, Wh.
    const fn coarse(&self) -> u64 {
        if self.step > 1 {
            self.step
        } else {
            0
        }
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
        self.check_clock(&reading, chain_now)?;
        let Some(last) = self.last else {
            self.begin(reading);
            return Ok(None);
        };
        if reading.window <= last.window {
            return Err(ReadingProblem::Repeated);
        }
        if reading.window != last.window.next() {
            self.observe(reading);
            return Err(ReadingProblem::Gap {
                missing: last.window.next(),
            });
        }
        match self.rises(&last, &reading) {
            // More than is registered: a glitch, or a maximum that is registered too low. The next reading tells.
            Ok(rises) if rises.capped() => {
                self.observe(reading);
                Err(ReadingProblem::BeyondPower)
            }
            Ok(rises) => {
                self.chain.clear();
                Ok(Some(self.follow(&last, reading, rises)))
            }
            Err(problem) => {
                self.observe(reading);
                Err(problem)
            }
        }
    }

    /// Keeps a reading that is not believed, if it agrees with the one before it.
    fn observe(&mut self, reading: Reading) {
        let same = |r: &Reading| {
            r.window == reading.window
                && r.import_register == reading.import_register
                && r.export_register == reading.export_register
        };
        if self.chain.iter().any(same) {
            return;
        }
        let follows = self.chain.last().is_some_and(|before| {
            let mut alone = Self::new(self.window_s, self.max_export, self.max_import);
            alone.begin(*before);
            before.window.next() == reading.window && alone.rises(before, &reading).is_ok()
        });
        if !follows {
            self.chain.clear();
        }
        self.chain.push(reading);
        if self.chain.len() > STILL_BEGINNING {
            self.chain.remove(0);
        }
    }

    /// A reading behind a gap whose windows the meter does not have, or behind readings that were refused. Two that
    /// agree with each other and with the last one believed go on, the gap joined with the first of them; several
    /// that agree with each other alone make a new beginning. A single one could be wrong, and nothing would show it.
    ///
    /// Empty: not yet.
    pub fn go_on(&mut self, reading: Reading, chain_now: Seconds) -> Vec<Metered> {
        if self.check_clock(&reading, chain_now).is_err() {
            return Vec::new();
        }
        self.observe(reading);
        let Some(first) = self.chain.first().copied() else {
            return Vec::new();
        };
        let joins = self.may_precede(&first) || self.capped(&first);
        let moved = first.import_register != reading.import_register
            || first.export_register != reading.export_register;
        let enough = if joins {
            2
        } else if moved {
            NEW_BEGINNING
        } else {
            STILL_BEGINNING
        };
        if self.chain.len() < enough {
            return Vec::new();
        }
        self.begin_with_chain(joins)
    }

    /// Whether a reading follows the last one believed, but by more than is registered.
    fn capped(&self, reading: &Reading) -> bool {
        self.last.is_some_and(|last| {
            last.window.next() == reading.window
                && self.rises(&last, reading).is_ok_and(|r| r.capped())
        })
    }

    /// Whether the reading behind a capped one shows the same flow: a glitch upwards leaves little for it, or less
    /// than nothing.
    fn bears_out(&self, capped: &Reading, next: &Reading) -> bool {
        let half = |before: Wh, now: Wh, most: Wh| now.saturating_sub(before).0 >= most.0 / 2;
        let over = |before: Wh, now: Wh, most: Wh| now.saturating_sub(before) > most;
        let Some(last) = self.last else { return false };
        let import = over(
            last.import_register,
            capped.import_register,
            self.max_import,
        );
        let export = over(
            last.export_register,
            capped.export_register,
            self.max_export,
        );
        (!import
            || half(
                capped.import_register,
                next.import_register,
                self.max_import,
            ))
            && (!export
                || half(
                    capped.export_register,
                    next.export_register,
                    self.max_export,
                ))
    }

    fn begin_with_chain(&mut self, joins: bool) -> Vec<Metered> {
        let mut metered = Vec::new();
        let mut chain = std::mem::take(&mut self.chain).into_iter().peekable();
        let (Some(mut first), Some(last)) = (chain.next(), self.last) else {
            return metered;
        };
        let missing = last.window.next();
        if joins {
            let borne_out = chain
                .peek()
                .is_some_and(|next| self.bears_out(&first, next));
            if self.capped(&first) && !borne_out {
                // Its window is left out, as one that the meter does not have.
                let Some(next) = chain.next() else {
                    return metered;
                };
                first = next;
            }
            let windows = first.window.0.saturating_sub(last.window.0);
            if windows > 1 {
                self.noted
                    .push((first.window, ReadingProblem::Gap { missing }));
            }
            metered.extend(self.join(&last, first));
        } else {
            let problem = ReadingProblem::NewBeginning {
                closing_import: last.import_register,
                closing_export: last.export_register,
            };
            self.noted.push((first.window, problem));
            self.begin(first);
        }
        while let (Some(before), Some(reading)) = (self.last, chain.next()) {
            match self.rises(&before, &reading) {
                Ok(rises) if !rises.capped() => {
                    metered.push(self.follow(&before, reading, rises));
                }
                // It waits for the next one in its turn.
                _ => {
                    self.chain.push(reading);
                    self.chain.extend(chain);
                    break;
                }
            }
        }
        metered
    }

    /// What flowed in the windows of a gap belongs to the first window behind it, up to its maximum.
    fn join(&mut self, last: &Reading, first: Reading) -> Option<Metered> {
        let windows = first.window.0.saturating_sub(last.window.0);
        let rise = |before: Wh, now: Wh, most: Wh| {
            let most = most.0.saturating_mul(windows).saturating_add(self.coarse());
            risen(before.0, now.0, most).ok()
        };
        let import = rise(last.import_register, first.import_register, self.max_import)?;
        let export = rise(last.export_register, first.export_register, self.max_export)?;
        Some(self.believe(last, first, (import, import), (export, export)))
    }

    fn check_clock(&self, reading: &Reading, chain_now: Seconds) -> Result<(), ReadingProblem> {
        if reading.taken_at.0 > chain_now.0.saturating_add(CLOCK_TOLERANCE_S) {
            return Err(ReadingProblem::ClockAhead);
        }
        let end = reading.window.end(self.window_s);
        let tolerance = CLOCK_TOLERANCE_S.min(u64::from(self.window_s) / 4);
        if reading.taken_at.0.saturating_add(tolerance) < end.0 {
            return Err(ReadingProblem::Stale);
        }
        Ok(())
    }

    /// By how much the registers rose in the window after `last`.
    fn rises(&self, last: &Reading, reading: &Reading) -> Result<Rises, ReadingProblem> {
        let step = step_of(self.step, reading);
        let rise = |side: &Side, before: Wh, now: Wh, most: Wh| {
            // A coarse register tells at once what flowed while it stood still.
            let windows = if step > 1 {
                side.still.min(SPREAD).saturating_add(1)
            } else {
                1
            };
            let spread =
                most.0
                    .saturating_mul(windows)
                    .saturating_add(if step > 1 { step } else { 0 });
            // Twice the maximum is taken for a maximum that is registered too low, more for a glitch.
            let plausible = spread.max(most.0.saturating_mul(2));
            let risen = risen(before.0, now.0, plausible)?;
            if risen > plausible {
                return Err(ReadingProblem::BeyondPower);
            }
            // What the spread does not explain is lost to the maximum.
            Ok((risen, risen.min(spread.max(most.0))))
        };
        let import = rise(
            &self.import,
            last.import_register,
            reading.import_register,
            self.max_import,
        )?;
        let export = rise(
            &self.export,
            last.export_register,
            reading.export_register,
            self.max_export,
        )?;
        let power = reading.power_w.map_or(0, i64::unsigned_abs);
        let told = power.saturating_mul(u64::from(self.window_s)) / 3600;
        let expected = self.expected.saturating_add(told);
        let still = import.0 == 0 && export.0 == 0;
        let much = if step > 1 { step.saturating_mul(2) } else { 0 };
        if still && power > IDLE_POWER_W && expected > much {
            return Err(ReadingProblem::Frozen);
        }
        Ok(Rises {
            import,
            export,
            step,
            expected: if still { expected } else { 0 },
        })
    }

    /// The reading of the window after `last`, believed.
    fn follow(&mut self, last: &Reading, reading: Reading, rises: Rises) -> Metered {
        self.step = rises.step;
        self.expected = rises.expected;
        self.believe(last, reading, rises.import, rises.export)
    }

    /// `import` and `export`: by how much the register rose, and how much of it may be counted, now or later.
    fn believe(
        &mut self,
        last: &Reading,
        reading: Reading,
        import: (u64, u64),
        export: (u64, u64),
    ) -> Metered {
        let coarse = self.step > 1;
        let mut beyond = 0u64;
        let mut count = |side: &mut Side, (risen, counted): (u64, u64), most: Wh| {
            side.still = if risen == 0 {
                side.still.saturating_add(1)
            } else {
                0
            };
            let due = side.carried.saturating_add(counted);
            let now = due.min(most.0);
            let rest = due.saturating_sub(now);
            side.carried = if coarse { rest } else { 0 };
            let lost = risen
                .saturating_sub(counted)
                .saturating_add(if coarse { 0 } else { rest });
            beyond = beyond.saturating_add(lost);
            now
        };
        let imported = Wh(count(&mut self.import, import, self.max_import));
        let exported = Wh(count(&mut self.export, export, self.max_export));
        if beyond > 0 {
            let problem = ReadingProblem::Capped { beyond: Wh(beyond) };
            self.noted.push((reading.window, problem));
        }
        let continued = Reading {
            import_register: last.import_register.saturating_add(Wh(import.0)),
            export_register: last.export_register.saturating_add(Wh(export.0)),
            ..reading
        };
        self.last = Some(continued);
        Metered {
            reading: continued,
            surplus: exported.saturating_sub(imported),
            deficit: imported.saturating_sub(exported),
        }
    }
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
mod tests;
