//! Registers: where they roll over, and what their step is.

use super::ReadingProblem;
use crate::io::Reading;
use wattpool_schema::Wh;

/// Accumulators of 32 bits (SunSpec acc32), times their scale.
pub(super) const ACC32: u64 = 1 << 32;
/// Where registers roll over, Wh, whatever was told of them before: 32 bits times a scale, and 5 to 9 digits of kWh.
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

/// By how much a register rose, Wh; over a roll-over only if that makes at most `most`.
pub(super) fn risen(before: u64, now: u64, most: u64) -> Result<u64, ReadingProblem> {
    if let Some(risen) = now.checked_sub(before) {
        return Ok(risen);
    }
    // A register that says 0 may as well say nothing: the next reading tells.
    if now == 0 {
        return Err(ReadingProblem::RolledBack);
    }
    let first_round = FIRST_ROLL_OVERS.iter().filter(|m| before < **m);
    let over = |modulus: &u64| {
        let raw = before.checked_rem(*modulus)?;
        let risen = now
            .checked_sub(raw)
            .or_else(|| now.checked_add(*modulus)?.checked_sub(raw))?;
        (now < *modulus && risen <= most).then_some(risen)
    };
    let mut all = ROLL_OVERS.iter().chain(first_round);
    all.find_map(over).ok_or(ReadingProblem::RolledBack)
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
