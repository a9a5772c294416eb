//! Local search: exchange one seller for a better one until no exchange helps.

// Every index in this module comes from its own loops over the same slices.
#![allow(clippy::indexing_slicing)]

use crate::pool::{Best, Item, Sums, Task};

/// Improves the incumbent by best single exchanges with `pool` until none helps or `evaluations`
/// sets have been scored.
pub(crate) fn improve(task: &Task, pool: &[Item], evaluations: u64, best: &mut Best) {
    let limit = best.evaluations.saturating_add(evaluations);
    while best.evaluations < limit {
        let mut found: Option<(usize, usize, f64)> = None;
        let mut score_to_beat = best.score;
        for out in 0..best.items.len() {
            let rest = Sums::of(
                best.items
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at != out)
                    .map(|(_, item)| item),
            );
            let missing = task.need.saturating_sub(rest.g);
            best.evaluations = best.evaluations.saturating_add(pool.len() as u64);
            for (at, item) in pool.iter().enumerate() {
                if item.g < missing {
                    continue;
                }
                let score = rest.with(item).score(task);
                if score > score_to_beat + crate::score::SCORE_TOLERANCE
                    && best.items.iter().all(|member| member.id != item.id)
                {
                    score_to_beat = score;
                    found = Some((out, at, score));
                }
            }
        }
        let Some((out, at, score)) = found else {
            return;
        };
        best.items[out] = pool[at];
        best.score = score;
    }
}
