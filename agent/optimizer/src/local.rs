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

/// Improves the incumbent by the best exchange of two sellers at a time, until none helps or `steps` pairs
/// have been looked at. What the bound rules out is not looked at: the core is in order of the parts.
pub(crate) fn improve_pairs(task: &Task, core: &Core, steps: u64, best: &mut Best) {
    let k = best.items.len();
    let mut left = steps;
    let mut out = (0, 1);
    while out.1 < k && left > 0 {
        let rest = best.items.iter().enumerate();
        let rest = rest.filter(|(at, _)| *at != out.0 && *at != out.1);
        let rest = rest.map(|(_, item)| item);
        let parts: f64 = rest.clone().map(|item| core.part(item)).sum();
        let search = Pairs {
            task,
            items: &core.items,
            rest: Sums::of(rest.clone()),
            reach: core.base + parts,
        };
        let member = |item: &Item| rest.clone().any(|other| other.id == item.id);
        let steps = left.saturating_sub(k as u64);
        let (found, scored, spent) = search.best(best.score, steps, member);
        left = steps.saturating_sub(spent);
        best.evaluations = best.evaluations.saturating_add(scored);
        out = match found {
            Some((a, b, score)) => {
                best.items[out.0] = a;
                best.items[out.1] = b;
                best.score = score;
                (0, 1)
            }
            None if out.1.saturating_add(1) < k => (out.0, out.1.saturating_add(1)),
            None => (out.0.saturating_add(1), out.0.saturating_add(2)),
        };
    }
}

/// The search for two items that complete `rest`.
struct Pairs<'a> {
    task: &'a Task,
    items: &'a [Item],
    rest: Sums,
    /// The bound without the two.
    reach: f64,
}

impl Pairs<'_> {
    /// The best pair scoring above `to_beat` with the set's score; sets scored, and pairs looked at.
    fn best(
        &self,
        to_beat: f64,
        steps: u64,
        member: impl Fn(&Item) -> bool,
    ) -> (Option<(Item, Item, f64)>, u64, u64) {
        let missing = self.task.need.saturating_sub(self.rest.g);
        let mut to_beat = to_beat + SCORE_TOLERANCE;
        let (mut found, mut scored, mut spent) = (None, 0u64, 0u64);
        // Of alike offers one stands for all.
        let mut first: Option<&Item> = None;
        for (at, a) in self.items.iter().enumerate() {
            let others = &self.items[at.saturating_add(1)..];
            let Some(next) = others.first() else { break };
            if self.reach + a.c + next.c <= to_beat || spent >= steps {
                break;
            }
            if first.is_some_and(|other| other.alike(a)) || member(a) {
                continue;
            }
            first = Some(a);
            let with = self.rest.with(a);
            let mut second: Option<&Item> = None;
            for b in others {
                spent = spent.saturating_add(1);
                if self.reach + a.c + b.c <= to_beat || spent >= steps {
                    break;
                }
                if a.g.saturating_add(b.g) < missing || second.is_some_and(|other| other.alike(b)) {
                    continue;
                }
                second = Some(b);
                scored = scored.saturating_add(1);
                let score = with.with(b).score(self.task);
                if score > to_beat {
                    if member(b) {
                        second = None;
                    } else {
                        to_beat = score + SCORE_TOLERANCE;
                        found = Some((*a, *b, score));
                    }
                }
            }
        }
        (found, scored, spent)
    }
}
