//! A register's way through the windows: where it rolls over, what its step is, and how much of its rise is counted.

use super::ReadingProblem;
use crate::io::Reading;
use wattpool_schema::Wh;

/// Accumulators of 32 bits (SunSpec acc32), times their scale.
pub(super) const ACC32: u64 = 1 << 32;
/// Where registers roll over, Wh: 32 bits times a scale, and 5 to 9 digits of kWh.
const ROLL_OVERS: [u64; 9] = [
    ACC32,
    ACC32 * 10,
    ACC32 * 100,
    ACC32 * 1000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
];
/// Of accumulators in tenths to thousandths of a Wh: only on the first round, for a smaller number fits by chance.
const FIRST_ROLL_OVERS: [u64; 3] = [ACC32 / 10, ACC32 / 100, ACC32 / 1000];
/// What registers without a value show: all ones, with a sign or without, of 32 and 64 bits.
const ALL_ONES: [u64; 4] = [ACC32 - 1, ACC32 / 2 - 1, u64::MAX, u64::MAX / 2];

/// Whether a register shows all ones, perhaps scaled from kWh or 100 Wh. One that passes that number is asked again.
pub(super) fn all_ones(wh: u64) -> bool {
    let scaled = |ones: &u64| {
        [1u64, 10, 100, 1000]
            .iter()
            .any(|scale| ones.checked_mul(*scale) == Some(wh))
    };
    ALL_ONES.iter().any(scaled)
}

/// What can have flowed, Wh.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// By the registered maximum, in the windows that it flowed in.
    flow: u64,
    /// That, and what a coarse register may be ahead of it.
    registered: u64,
    /// As much of that as is counted.
    counted: u64,
    /// Twice the maximum is taken for a maximum that is registered too low, more for a glitch.
    plausible: u64,
    /// Over a roll-over: after a longer gap another meter is likelier.
    over: u64,
}

/// What stands behind a reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust {
    /// Another reading agrees with it.
    pub confirmed: bool,
    /// A register that says 0 has a value: the other one has, too.
    pub zero: bool,
}

/// By how much a register moved, Wh.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rise {
    /// What the meter shows now.
    told: u64,
    /// Upwards.
    moved: u64,
    /// Back, where the reading believed before was wrong.
    back: u64,
    /// Of what moved, what may be counted.
    counted: u64,
    /// What can have flowed.
    flow: u64,
    /// More than is registered.
    pub over: bool,
}

impl Rise {
    pub const fn still(&self) -> bool {
        self.moved == 0 && self.back == 0
    }
}

/// What is counted of a rise, Wh.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    /// In this window.
    pub now: u64,
    /// By how much the continued register rose.
    pub rose: u64,
    /// Never.
    pub lost: u64,
}

/// One register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    /// What the meter showed last; none after a restart, when only the continued register is known.
    told: Option<u64>,
    /// What moved and is not counted yet: a window takes no more than the registered maximum.
    carried: u64,
    /// What was counted too much: the reading was wrong, as the next ones showed. The continued register is ahead of
    /// what the meter shows by so much.
    debt: u64,
    /// How far the reading believed last can have been wrong: by no more than it made the register rise.
    doubt: u64,
    /// What it moved beyond the maximum because it moves in coarse steps.
    ahead: u64,
    /// What the windows that were joined last had room for: a reading that came late leaves it to the next.
    room: u64,
    /// Windows since it moved.
    still: u64,
}

impl Side {
    pub const NEW: Self = Self {
        told: None,
        carried: 0,
        debt: 0,
        doubt: 0,
        ahead: 0,
        room: 0,
        still: 0,
    };

    /// Goes on from a register. What is carried has flowed whatever the register shows.
    pub fn begin(&mut self, told: u64) {
        *self = Self {
            told: Some(told),
            carried: self.carried,
            ..Self::NEW
        };
    }

    /// Goes on after a restart, from what the meter showed; if that is not known, from the continued register.
    pub fn resume(&mut self, carried: i64, most: u64, told: Option<u64>) {
        let (ahead, owed) = (carried.max(0), carried.min(0));
        *self = Self {
            carried: ahead.unsigned_abs(),
            debt: owed.unsigned_abs(),
            doubt: most,
            told,
            ..Self::NEW
        };
    }

    /// The meter is closed at a rise that is believed, and another one goes on: what moved and is not counted yet is
    /// left to the windows to come. By how much the continued register rose.
    pub fn close(&mut self, rise: Rise, most: u64, spread: u64) -> u64 {
        self.debt = self.debt.saturating_add(rise.back);
        let paid = rise.moved.min(self.debt);
        let rose = rise.moved.saturating_sub(paid);
        let due = self.carried.saturating_add(rise.counted.min(rose));
        *self = Self {
            carried: due.min(most.saturating_mul(spread)),
            debt: self.debt.saturating_sub(paid),
            ..Self::NEW
        };
        rose
    }

    /// Another meter's register, which was at so much when it was put on; none: its first reading tells.
    pub fn open(&mut self, told: Option<u64>) {
        *self = Self {
            told,
            carried: self.carried,
            debt: self.debt,
            ..Self::NEW
        };
    }

    /// What moved and is not counted yet, less what was counted too much.
    pub fn uncounted(&self) -> i64 {
        let signed = |wh: u64| i64::try_from(wh).unwrap_or(i64::MAX);
        signed(self.carried).saturating_sub(signed(self.debt))
    }

    /// Goes on where it stood, when so much was counted since that was another's.
    pub fn owing(self, since: u64, other: Self) -> Self {
        Self {
            carried: other.carried,
            debt: self.debt.saturating_add(since),
            ..self
        }
    }

    /// What can have flowed in so many windows, none of which carries more than `most`.
    pub fn limits(&self, most: u64, windows: u64, step: u64, spread: u64) -> Limits {
        // A coarse register tells at once what flowed while it stood still.
        let (still, slack) = if step > 1 {
            (self.still, step.saturating_sub(self.ahead))
        } else {
            (0, 0)
        };
        let flowing = windows.saturating_add(still.min(spread));
        let flow = most.saturating_mul(flowing);
        let slack = slack.saturating_add(self.room);
        let registered = flow.saturating_add(slack);
        let counted = most.saturating_mul(flowing.min(spread));
        let plausible = most
            .saturating_mul(2)
            .saturating_mul(windows)
            .max(registered);
        Limits {
            flow,
            plausible,
            over: plausible.min(most.saturating_mul(spread)),
            registered,
            counted: counted.saturating_add(slack),
        }
    }

    /// By how much it moved from the continued register `before` to what the meter shows now.
    pub fn rise(
        &self,
        before: u64,
        now: u64,
        limits: Limits,
        trust: Trust,
    ) -> Result<Rise, ReadingProblem> {
        let from = self.told.unwrap_or(before.saturating_sub(self.debt));
        // A register that says 0 may as well say nothing.
        let over = (now > 0 || trust.zero).then_some(limits.over);
        let (moved, back) = match risen(from, now, over, self.told.is_some()) {
            Ok(moved) => (moved, 0),
            Err(problem) => {
                let back = from.saturating_sub(now);
                // A little back, and others agree: the one before was wrong by so much.
                if !trust.confirmed || now == 0 || back > self.doubt {
                    return Err(problem);
                }
                (0, back)
            }
        };
        if moved > limits.plausible {
            return Err(ReadingProblem::BeyondPower);
        }
        Ok(Rise {
            told: now,
            moved,
            back,
            counted: moved.min(limits.counted),
            flow: limits.flow,
            over: moved > limits.registered,
        })
    }

    /// Takes a rise that is believed.
    pub fn count(&mut self, rise: Rise, most: u64, windows: u64, spread: u64) -> Counted {
        self.still = if rise.moved == 0 {
            self.still.saturating_add(windows)
        } else {
            0
        };
        self.told = Some(rise.told);
        self.doubt = rise.moved;
        let room = rise.flow.saturating_add(self.room);
        let all = self.ahead.saturating_add(rise.counted);
        self.ahead = all.saturating_sub(room);
        self.room = if windows > 1 {
            room.saturating_sub(all).min(most.saturating_mul(spread))
        } else {
            0
        };
        self.debt = self.debt.saturating_add(rise.back);
        let paid = rise.moved.min(self.debt);
        self.debt = self.debt.saturating_sub(paid);
        let rose = rise.moved.saturating_sub(paid);
        let due = self.carried.saturating_add(rise.counted.min(rose));
        let now = due.min(most);
        let rest = due.saturating_sub(now);
        self.carried = rest.min(most.saturating_mul(spread));
        let lost = rose
            .saturating_sub(rise.counted)
            .saturating_add(rest.saturating_sub(self.carried));
        Counted { now, rose, lost }
    }
}

/// By how much a register rose, Wh; over a roll-over only if that makes at most `most`, and never without. `exact`: `before` is what the
/// meter showed, and not a register continued over roll-overs.
fn risen(before: u64, now: u64, most: Option<u64>, exact: bool) -> Result<u64, ReadingProblem> {
    if let Some(risen) = now.checked_sub(before) {
        return Ok(risen);
    }
    let most = most.ok_or(ReadingProblem::RolledBack)?;
    let over = |modulus: &u64| {
        let raw = before.checked_rem(*modulus)?;
        let risen = now
            .checked_sub(raw)
            .or_else(|| now.checked_add(*modulus)?.checked_sub(raw))?;
        (now < *modulus && risen <= most).then_some(risen)
    };
    let any = ROLL_OVERS.iter().filter(|m| !exact || before < **m);
    let first_round = FIRST_ROLL_OVERS.iter().filter(|m| before < **m);
    any.chain(first_round)
        .find_map(over)
        .ok_or(ReadingProblem::RolledBack)
}

/// The largest power of ten up to `step` that both registers are multiples of, Wh.
pub(super) fn step_of(step: u64, reading: &Reading) -> u64 {
    let fits = |s: &u64| {
        let rest = |wh: Wh| wh.0.checked_rem(*s).unwrap_or(0);
        rest(reading.import_register) == 0 && rest(reading.export_register) == 0
    };
    [1000, 100, 10]
        .into_iter()
        .filter(|s| *s <= step)
        .find(fits)
        .unwrap_or(1)
}
