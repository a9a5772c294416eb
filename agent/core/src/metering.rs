//! From registers to surplus and deficit (FR-01): which readings are believed, and what they mean.
//!
//! A reading of the window after the last one believed is believed at once if its registers rose by what can have
//! flowed. Every other one is kept until others agree with it: a single one could be wrong, and nothing would show it.
//! Readings that agree with each other and with the last one believed go on from it; some that agree with each other
//! alone are a new beginning.

mod balance;
mod exchange;
mod registers;

pub use balance::Balance;
use exchange::Exchanged;
pub use exchange::{Exchange, Registers};

use crate::io::Reading;
use registers::{all_ones, step_of, Rise, Side, Trust};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// A register shows all ones: no value.
    NoValue,
    /// Taken before the window ended.
    Stale,
    /// Stamped in the future.
    ClockAhead,
    /// Windows lie between this reading and the last one believed: those first. Told of a reading that is believed:
    /// what flowed in them is counted with its own.
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
    /// The owner told of another meter: its readings go on at once. Registers of the old one as they were closed,
    /// continued over roll-overs.
    Exchanged {
        /// The old import register.
        closing_import: Wh,
        /// The old export register.
        closing_export: Wh,
    },
}

/// Largest tolerated difference between the meter's clock and the chain's, seconds.
const CLOCK_TOLERANCE_S: u64 = 60;
/// A power below this is no proof that a register must move, W.
const IDLE_POWER_W: u64 = 100;
/// Readings that make a new beginning, after which the old registers are those of another meter.
const NEW_BEGINNING: usize = 4;
/// So many, if none of them moves: a glitch stands still, too.
const STILL_BEGINNING: usize = 96;
/// How long what flowed may have taken to show, and may take to be counted, seconds.
const SPREAD_S: u64 = 86_400;

/// What has to be known beside the continued registers to go on with them. What registers showed before it could be
/// counted, Wh: a window takes no more than the registered maximum. Below 0 where too much was counted: a reading was
/// wrong, as later ones showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Of the import register.
    pub import: i64,
    /// Of the export register.
    pub export: i64,
    /// What the meter itself showed: the continued registers do not tell it after a roll-over or an exchange. None: it
    /// was not written down, by an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Registers>,
}

/// What a reading adds to the last one.
#[derive(Clone, Copy, Debug)]
struct Rises {
    import: Rise,
    export: Rise,
    /// Windows since the last one.
    windows: u64,
    /// The step of the registers, as far as this reading tells.
    step: u64,
    /// What the power told since a register moved, Wh.
    expected: u64,
}

impl Rises {
    /// More than is registered.
    const fn over(&self) -> bool {
        self.import.over || self.export.over
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
    /// Readings that are not believed yet, the latest answer for each window.
    waiting: BTreeMap<Window, Reading>,
    /// The meter before the last new beginning: it may have been the right one.
    former: Option<Former>,
    /// The owner told of another meter, of which no reading is believed yet.
    exchanged: Option<Exchanged>,
    /// A window's energy was told: from then on the continued registers never go back.
    counted: bool,
    /// The last window that was believed although it carried more than is registered.
    over: Option<Window>,
    noted: Vec<(Window, ReadingProblem)>,
}

/// Where a meter stood when another one's registers were believed in its place.
#[derive(Clone, Copy, Debug)]
struct Former {
    last: Reading,
    import: Side,
    export: Side,
    step: u64,
    /// By how much the registers rose that were believed since.
    since: (u64, u64),
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
    /// What is left to count in the windows to come.
    pub carried: Carried,
}

impl Metering {
    /// A meter of which nothing has been read. The limits are per window, as registered.
    pub const fn new(window_s: u32, max_export: Wh, max_import: Wh) -> Self {
        Self {
            window_s,
            max_export,
            max_import,
            last: None,
            import: Side::NEW,
            export: Side::NEW,
            step: 1000,
            expected: 0,
            waiting: BTreeMap::new(),
            former: None,
            exchanged: None,
            counted: false,
            over: None,
            noted: Vec::new(),
        }
    }

    /// The last reading believed.
    pub const fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// Continues from what was believed before a restart.
    pub fn resume(&mut self, reading: Reading, carried: Carried) {
        self.begin(reading);
        self.counted = true;
        let shown = |of: fn(Registers) -> Wh| carried.shown.map(|shown| of(shown).0);
        self.import
            .resume(carried.import, self.max_import.0, shown(|s| s.import));
        self.export
            .resume(carried.export, self.max_export.0, shown(|s| s.export));
        if let Some(shown) = carried.shown {
            self.step = step_of(1000, &shown.of(&reading));
        }
    }

    /// What is to be told of readings that were believed: what was capped, joined, or begun anew. Each once.
    pub fn noted(&mut self) -> Vec<(Window, ReadingProblem)> {
        std::mem::take(&mut self.noted)
    }

    fn begin(&mut self, reading: Reading) {
        self.import.begin(reading.import_register.0);
        self.export.begin(reading.export_register.0);
        self.step = step_of(1000, &reading);
        self.expected = 0;
        self.exchanged = None;
        // The continued registers do not go back: what was committed to stays in order.
        let continued = match self.last {
            Some(last) if self.counted => Reading {
                import_register: last.import_register,
                export_register: last.export_register,
                ..reading
            },
            _ => reading,
        };
        self.believed(continued);
    }

    fn believed(&mut self, reading: Reading) {
        self.waiting.retain(|w, _| *w > reading.window);
        self.last = Some(reading);
    }

    fn spread(&self) -> u64 {
        SPREAD_S
            .checked_div(u64::from(self.window_s))
            .unwrap_or(1)
            .max(1)
    }

    /// Takes the registers at the end of a window. `chain_now` is the best guess of block time.
    ///
    /// # Errors
    /// [`ReadingProblem`] says why the reading is not believed; it may be later, see [`Self::go_on`].
    pub fn take(
        &mut self,
        reading: Reading,
        chain_now: Seconds,
    ) -> Result<Option<Metered>, ReadingProblem> {
        self.check_alone(&reading, chain_now)?;
        let Some(last) = self.last else {
            self.begin(reading);
            return Ok(None);
        };
        if reading.window <= last.window {
            return Err(ReadingProblem::Repeated);
        }
        if let Some(exchanged) = self.exchanged {
            return self.take_exchanged(exchanged, &last, reading);
        }
        if reading.window != last.window.next() {
            self.keep(reading);
            return Err(ReadingProblem::Gap {
                missing: last.window.next(),
            });
        }
        match self.rises(&last, &reading, false) {
            Ok(rises) if !rises.over() || self.trusts_over(reading.window) => {
                Ok(Some(self.follow(&last, reading, rises)))
            }
            // More than is registered: a glitch, or a maximum that is registered too low. The next reading tells.
            Ok(_) => {
                self.keep(reading);
                Err(ReadingProblem::BeyondPower)
            }
            Err(problem) => {
                self.keep(reading);
                Err(problem)
            }
        }
    }

    /// A reading behind windows that the meter does not have, or behind readings that were refused. If it agrees with
    /// another one, and one of them with the last one believed, metering goes on there, what lies between joined with
    /// it; several that agree with each other alone make a new beginning.
    ///
    /// Empty: not yet.
    pub fn go_on(&mut self, reading: Reading, chain_now: Seconds) -> Vec<Metered> {
        let Some(last) = self.last.filter(|l| l.window < reading.window) else {
            return Vec::new();
        };
        if self.exchanged.is_some_and(|e| reading.window < e.window) {
            return Vec::new();
        }
        if self.check_alone(&reading, chain_now).is_err() {
            return Vec::new();
        }
        self.keep(reading);
        let run = self.run();
        let (Some(first), Some(newest)) = (run.first(), run.last()) else {
            return Vec::new();
        };
        if self.joins(&last, &run) {
            return self.follow_run(&run);
        }
        let moved = first.import_register != newest.import_register
            || first.export_register != newest.export_register;
        if moved && self.return_to_former(&run) {
            return self.follow_run(&run);
        }
        let enough = if moved {
            NEW_BEGINNING
        } else {
            STILL_BEGINNING
        };
        // In a row: none between them says something else.
        let since = self.waiting.range(first.window..).count();
        if run.len() < enough || since > run.len() {
            return Vec::new();
        }
        self.note_beginning(&last, first.window);
        self.former = Some(Former {
            last,
            import: self.import,
            export: self.export,
            step: self.step,
            since: (0, 0),
        });
        self.begin(*first);
        self.follow_run(run.get(1..).unwrap_or_default())
    }

    fn note_beginning(&mut self, last: &Reading, window: Window) {
        let problem = ReadingProblem::NewBeginning {
            closing_import: last.import_register,
            closing_export: last.export_register,
        };
        self.noted.push((window, problem));
    }

    /// Whether metering can go on with one of these readings.
    fn joins(&self, last: &Reading, run: &[Reading]) -> bool {
        let joins = |(n, reading): (usize, &Reading)| {
            let next = n.checked_add(1).and_then(|n| run.get(n));
            let rises = self.rises(last, reading, true);
            rises.is_ok_and(|r| self.stands(&r, reading, next))
        };
        run.len() > 1 && run.iter().enumerate().any(joins)
    }

    /// The registers from before the last new beginning are back within a day: what was believed since was wrong, and
    /// is subtracted from what they moved.
    fn return_to_former(&mut self, run: &[Reading]) -> bool {
        let (Some(former), Some(last), Some(first)) = (self.former, self.last, run.first()) else {
            return false;
        };
        if first.window.0.saturating_sub(former.last.window.0) > self.spread() {
            return false;
        }
        let mut back = self.clone();
        back.import = former.import.owing(former.since.0, self.import);
        back.export = former.export.owing(former.since.1, self.export);
        back.step = former.step;
        // The continued registers do not go back: they are ahead by what is owed.
        let ahead = Reading {
            import_register: former
                .last
                .import_register
                .saturating_add(Wh(former.since.0)),
            export_register: former
                .last
                .export_register
                .saturating_add(Wh(former.since.1)),
            ..former.last
        };
        back.last = Some(ahead);
        if !back.joins(&ahead, run) {
            return false;
        }
        back.former = None;
        back.note_beginning(&last, first.window);
        *self = back;
        true
    }

    /// Whether what a reading says is a value at all, and of its window.
    fn check_alone(&self, reading: &Reading, chain_now: Seconds) -> Result<(), ReadingProblem> {
        if reading.taken_at.0 > chain_now.0.saturating_add(CLOCK_TOLERANCE_S) {
            return Err(ReadingProblem::ClockAhead);
        }
        let end = reading.window.end(self.window_s);
        let tolerance = CLOCK_TOLERANCE_S.min(u64::from(self.window_s) / 4);
        if reading.taken_at.0.saturating_add(tolerance) < end.0 {
            return Err(ReadingProblem::Stale);
        }
        if all_ones(reading.import_register.0) || all_ones(reading.export_register.0) {
            return Err(ReadingProblem::NoValue);
        }
        Ok(())
    }

    fn keep(&mut self, reading: Reading) {
        self.waiting.insert(reading.window, reading);
        if self.waiting.len() > STILL_BEGINNING {
            self.waiting.pop_first();
        }
    }

    /// The readings that wait, up to the newest one, of which each agrees with the next; those that do not are left out.
    fn run(&self) -> Vec<Reading> {
        let mut run: Vec<Reading> = Vec::new();
        for reading in self.waiting.values().rev() {
            if run.last().is_none_or(|later| self.agree(reading, later)) {
                run.push(*reading);
            }
        }
        run.reverse();
        run
    }

    /// Whether the second of two readings can have followed the first.
    fn agree(&self, first: &Reading, second: &Reading) -> bool {
        let mut alone = Self::new(self.window_s, self.max_export, self.max_import);
        alone.begin(*first);
        alone.step = alone.step.min(self.step);
        alone.rises(first, second, false).is_ok()
    }

    fn trusts_over(&self, window: Window) -> bool {
        self.over
            .is_some_and(|o| window.0.saturating_sub(o.0) <= self.spread())
    }

    /// Whether a reading that can follow the last one is to be believed, seeing the one behind it: where it is more
    /// than is registered that has to show the same flow. A glitch upwards leaves little for it, or less than nothing.
    fn stands(&self, rises: &Rises, reading: &Reading, next: Option<&Reading>) -> bool {
        if !rises.over() || self.trusts_over(reading.window) {
            return true;
        }
        let Some(next) = next else { return false };
        let flows = |over: bool, before: Wh, now: Wh, most: Wh| {
            !over || now.saturating_sub(before).0 >= most.0 / 2
        };
        flows(
            rises.import.over,
            reading.import_register,
            next.import_register,
            self.max_import,
        ) && flows(
            rises.export.over,
            reading.export_register,
            next.export_register,
            self.max_export,
        )
    }

    /// Believes readings that agree with each other, from the first one that can follow what was believed.
    fn follow_run(&mut self, run: &[Reading]) -> Vec<Metered> {
        let mut metered = Vec::new();
        for (n, reading) in run.iter().enumerate() {
            let Some(last) = self.last else { break };
            let next = n.checked_add(1).and_then(|n| run.get(n));
            let Ok(rises) = self.rises(&last, reading, true) else {
                continue;
            };
            if !self.stands(&rises, reading, next) {
                // The newest one waits for the next; another one is left out, as if the meter did not have it.
                continue;
            }
            let missing = last.window.next();
            if missing != reading.window {
                let gap = ReadingProblem::Gap { missing };
                self.noted.push((reading.window, gap));
            }
            metered.push(self.follow(&last, *reading, rises));
        }
        metered
    }

    /// By how much the registers rose since `last`. `confirmed`: another reading agrees with this one.
    fn rises(
        &self,
        last: &Reading,
        reading: &Reading,
        confirmed: bool,
    ) -> Result<Rises, ReadingProblem> {
        let windows = reading.window.0.saturating_sub(last.window.0);
        let step = step_of(self.step, reading);
        let zero = reading.import_register.is_zero() && reading.export_register.is_zero();
        let trust = Trust {
            confirmed,
            zero: confirmed && !zero,
        };
        let limits = |side: &Side, most: Wh| side.limits(most.0, windows, step, self.spread());
        let import = self.import.rise(
            last.import_register.0,
            reading.import_register.0,
            limits(&self.import, self.max_import),
            trust,
        )?;
        let export = self.export.rise(
            last.export_register.0,
            reading.export_register.0,
            limits(&self.export, self.max_export),
            trust,
        )?;
        let power = reading.power_w.map_or(0, i64::unsigned_abs);
        let told = power.saturating_mul(u64::from(self.window_s)) / 3600;
        let still = import.still() && export.still();
        let expected = if still {
            self.expected.saturating_add(told)
        } else {
            0
        };
        // Two steps: the power at a window's end is not that of the whole window.
        if power > IDLE_POWER_W && expected > step.saturating_mul(2) {
            return Err(ReadingProblem::Frozen);
        }
        Ok(Rises {
            import,
            export,
            windows,
            step,
            expected,
        })
    }

    /// A reading behind `last`, believed.
    fn follow(&mut self, last: &Reading, reading: Reading, rises: Rises) -> Metered {
        self.step = rises.step;
        self.expected = rises.expected;
        if rises.over() {
            self.over = Some(reading.window);
        }
        let (windows, spread) = (rises.windows, self.spread());
        let import = self
            .import
            .count(rises.import, self.max_import.0, windows, spread);
        let export = self
            .export
            .count(rises.export, self.max_export.0, windows, spread);
        if let Some(former) = &mut self.former {
            let (i, e) = former.since;
            former.since = (i.saturating_add(import.rose), e.saturating_add(export.rose));
        }
        let beyond = import.lost.saturating_add(export.lost);
        if beyond > 0 {
            let problem = ReadingProblem::Capped { beyond: Wh(beyond) };
            self.noted.push((reading.window, problem));
        }
        let continued = Reading {
            import_register: last.import_register.saturating_add(Wh(import.rose)),
            export_register: last.export_register.saturating_add(Wh(export.rose)),
            ..reading
        };
        self.counted = true;
        self.exchanged = None;
        self.believed(continued);
        Metered {
            reading: continued,
            surplus: Wh(export.now.saturating_sub(import.now)),
            deficit: Wh(import.now.saturating_sub(export.now)),
            carried: Carried {
                import: self.import.uncounted(),
                export: self.export.uncounted(),
                shown: Some(Registers {
                    import: reading.import_register,
                    export: reading.export_register,
                }),
            },
        }
    }
}

#[cfg(test)]
mod tests;
