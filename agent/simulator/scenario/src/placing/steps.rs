//! Lengths of steps, where several occur in a file.

use crate::file::Stamp;

/// The length nearest to a distance of stamps that divides the day, in whole minutes from one on.
pub(super) fn nearest_length(passed: u32) -> Option<u32> {
    (1..=86_400_u32)
        .filter(|s| 86_400_u32.checked_rem(*s) == Some(0))
        .filter(|s| *s == passed || s.checked_rem(60) == Some(0))
        .min_by_key(|s| (s.abs_diff(passed), *s))
}

/// Length of each row's step where several occur: the distance to its neighbour, if the next but one is as
/// far; a single longer distance is a gap.
pub(super) fn regimes(seconds: &[i64], lengths: &[u32], stamp: Stamp) -> Vec<u32> {
    let distance = |i: usize| -> Option<u32> {
        let next = seconds.get(i.checked_add(1)?)?;
        let passed = u32::try_from(next.checked_sub(*seconds.get(i)?)?).ok()?;
        lengths.contains(&passed).then_some(passed)
    };
    let shortest = lengths.last().copied().unwrap_or(1);
    let mut found: Vec<u32> = Vec::with_capacity(seconds.len());
    for i in 0..seconds.len() {
        let own = match stamp {
            Stamp::End => i.checked_sub(1),
            Stamp::Start | Stamp::Interval => Some(i),
        };
        let steady = |at: usize| {
            let passed = distance(at)?;
            let beside = [at.checked_sub(1), at.checked_add(1)];
            let lasts = beside
                .into_iter()
                .flatten()
                .any(|b| distance(b) == Some(passed));
            (lasts || passed == shortest).then_some(passed)
        };
        let length = own
            .and_then(steady)
            .or(found.last().copied())
            .or_else(|| steady(0))
            .unwrap_or(shortest);
        found.push(length);
    }
    found
}
