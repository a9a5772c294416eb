//! The exact search over a core: pairs for two sellers, branch and bound for more.

// Indices and their arithmetic stay inside this module's own vectors; energies are added saturating.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::pool::{Best, Item, Sums, Task};
use crate::reduce::Core;
use crate::score::SCORE_TOLERANCE;
use crate::staircase::Staircase;

/// Scratch of the exact search.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExactSpace {
    /// Sums of the parts before each position.
    before: Vec<f64>,
    /// Largest `g` from each position on; one more than there are items.
    largest: Vec<u64>,
    path: Vec<Level>,
    staircase: Staircase,
}

/// One seller chosen on the way down, and where the search goes on from there.
#[derive(Clone, Copy, Debug)]
struct Level {
    sums: Sums,
    parts: f64,
    /// First position this level may try.
    first: usize,
    /// Position to try next.
    at: usize,
}

/// Searches the core for a better plan than the incumbent; true if the incumbent is then proven best,
/// false if `nodes` ran out.
pub(crate) fn search(
    task: &Task,
    core: &Core,
    nodes: u64,
    space: &mut ExactSpace,
    best: &mut Best,
) -> bool {
    if core.proven {
        return true;
    }
    if task.k == 2 {
        pairs(task, &core.items, nodes, &mut space.staircase, best)
    } else {
        branch(task, core, nodes, space, best)
    }
}

/// Two sellers: for each one that gives all, the best to take the rest.
fn pairs(
    task: &Task,
    items: &[Item],
    nodes: u64,
    staircase: &mut Staircase,
    best: &mut Best,
) -> bool {
    staircase.build(items);
    let mut left = nodes;
    let mut start = 0;
    // From the largest down, the least size that completes the pair rises.
    for (full, _) in staircase.items.iter().rev() {
        let missing = task.need.saturating_sub(full.g);
        while staircase
            .items
            .get(start)
            .is_some_and(|(item, _)| item.g < missing)
        {
            start += 1;
        }
        let rest = Sums::EMPTY.with(full);
        let to_beat = best.score + SCORE_TOLERANCE;
        let completion =
            staircase.complete(task, &rest, start, to_beat, |item, _| item.id == full.id);
        best.evaluations = best.evaluations.saturating_add(completion.scored);
        if let Some((item, _, score)) = completion.found {
            best.replace(score, [*full, item]);
        }
        left = left.saturating_sub(completion.scored.saturating_add(1));
        if left == 0 {
            return false;
        }
    }
    true
}

/// Depth-first over the core in order of the parts: the best completion of a partial set is the
/// next items in order, so the bound costs one subtraction.
fn branch(task: &Task, core: &Core, nodes: u64, space: &mut ExactSpace, best: &mut Best) -> bool {
    let items = &core.items;
    let n = items.len();
    prepare(items, space);
    let ExactSpace {
        before,
        largest,
        path,
        ..
    } = space;
    path.clear();
    path.push(Level {
        sums: Sums::EMPTY,
        parts: core.base,
        first: 0,
        at: 0,
    });
    let mut left = nodes;
    while let Some(depth) = path.len().checked_sub(1) {
        let level = path[depth];
        let open = task.k - depth;
        let at = level.at;
        if at + open > n
            || level.parts + (before[at + open] - before[at]) <= best.score + SCORE_TOLERANCE
        {
            path.pop();
            continue;
        }
        left = left.saturating_sub(1);
        if left == 0 {
            return false;
        }
        let item = &items[at];
        path[depth].at = at + 1;
        // Of alike offers only the first ones: the others give the same sets again.
        if at > level.first && items[at - 1].alike(item) {
            continue;
        }
        let sums = level.sums.with(item);
        let reach = largest[at + 1].saturating_mul(open as u64 - 1);
        if sums.g.saturating_add(reach) < task.need {
            continue;
        }
        if open == 1 {
            best.evaluations = best.evaluations.saturating_add(1);
            let score = sums.score(task);
            if best.beaten_by(score) {
                best.replace(score, path.iter().map(|level| items[level.at - 1]));
            }
        } else {
            path.push(Level {
                sums,
                parts: level.parts + item.c,
                first: at + 1,
                at: at + 1,
            });
        }
    }
    true
}

fn prepare(items: &[Item], space: &mut ExactSpace) {
    space.before.clear();
    space.before.push(0.0);
    let mut sum = 0.0;
    for item in items {
        sum += item.c;
        space.before.push(sum);
    }
    space.largest.clear();
    space.largest.resize(items.len() + 1, 0);
    for at in (0..items.len()).rev() {
        space.largest[at] = space.largest[at + 1].max(items[at].g);
    }
}
