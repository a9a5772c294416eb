//! Local search: exchange one seller for a better one until no exchange helps.

// Indices stay inside this module's own slices.
#![allow(clippy::indexing_slicing)]

use crate::pool::{Best, Item, Sums, Task};
use crate::reduce::Core;
use crate::score::SCORE_TOLERANCE;

/// Steps of one local search, each one a seller added up or a set scored: far more than usual
/// problems need, a limit for plans of thousands of sellers.
const STEPS: u64 = 200_000;

/// Improves the incumbent by the best single exchange with the core until none helps, or the steps
/// or `evaluations` scored sets are used up.
pub(crate) fn improve(task: &Task, core: &Core, evaluations: u64, best: &mut Best) {
    let limit = best.evaluations.saturating_add(evaluations);
    let mut steps = 0u64;
    while best.evaluations < limit && steps < STEPS {
        let mut found: Option<(usize, Item, f64)> = None;
        let mut to_beat = best.score;
        for out in 0..best.items.len() {
            if steps >= STEPS {
                break;
            }
            let rest = best
                .items
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != out)
                .map(|(_, item)| item);
            let parts: f64 = rest.clone().map(|item| core.part(item)).sum();
            let member = |item: &Item| best.items.iter().any(|other| other.id == item.id);
            let (filled, scored) = complete(task, core, &Sums::of(rest), parts, to_beat, member);
            best.evaluations = best.evaluations.saturating_add(scored);
            steps = steps.saturating_add(scored).saturating_add(task.k as u64);
            if let Some((at, score)) = filled {
                to_beat = score;
                found = Some((out, core.items[at], score));
            }
        }
        let Some((out, item, score)) = found else {
            return;
        };
        best.items[out] = item;
        best.score = score;
    }
}

/// The core item that completes `rest` (`k − 1` sellers whose parts of the bound sum to `parts`) to
/// the best covering set scoring above `to_beat`: its position and the score; and how many were scored.
///
/// The core is in order of the parts, so the bound ends the pass early.
pub(crate) fn complete(
    task: &Task,
    core: &Core,
    rest: &Sums,
    parts: f64,
    to_beat: f64,
    member: impl Fn(&Item) -> bool,
) -> (Option<(usize, f64)>, u64) {
    let missing = task.need.saturating_sub(rest.g);
    let reach = core.base + parts;
    let mut to_beat = to_beat + SCORE_TOLERANCE;
    let mut found = None;
    let mut scored = 0u64;
    for (at, item) in core.items.iter().enumerate() {
        if reach + item.c <= to_beat {
            break;
        }
        if item.g < missing {
            continue;
        }
        scored = scored.saturating_add(1);
        let score = rest.with(item).score(task);
        if score > to_beat && !member(item) {
            to_beat = score + SCORE_TOLERANCE;
            found = Some((at, score));
        }
    }
    (found, scored)
}
