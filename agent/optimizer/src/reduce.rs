//! The common first half of every search with two or more sellers: a good first plan, and the core,
//! the few offers that could still be part of a better one, ordered by their part of the bound.

// Indices and their arithmetic stay inside this module's own vectors; energies are added saturating.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::bound::{BoundSpace, Dual};
use crate::local;
use crate::pool::{Best, Columns, Item, Task};
use crate::score::SCORE_TOLERANCE;

/// Rounds of tightening `G_max` and `θ`.
const ROUNDS: usize = 3;

/// Sets that one local search may score.
const LOCAL_EVALUATIONS: u64 = 20_000;

/// The offers that may be part of a plan better than the incumbent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Core {
    /// Largest part of the bound first; of one size at most `k`.
    pub items: Vec<Item>,
    /// Bound on every score: `base + Σ` parts.
    pub base: f64,
    /// The multipliers `θ` and `α` of the parts.
    theta: f64,
    alpha: f64,
    /// True where the incumbent is proven best.
    pub proven: bool,
}

impl Core {
    /// An item's part of the bound, whether or not it is in the core.
    pub fn part(&self, item: &Item) -> f64 {
        item.x * ((item.v - self.theta).max(0.0) + self.alpha)
    }

    /// No set of `k` of its offers scores more.
    pub fn bound(&self, task: &Task) -> f64 {
        self.base
            + self
                .items
                .iter()
                .take(task.k)
                .map(|item| item.c)
                .sum::<f64>()
    }
}

/// Scratch of the reduction.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReduceSpace {
    bound: BoundSpace,
}

/// Finds a first plan, reduces `items` (all of which may be part of a smallest cover; at least `k`,
/// the `k` largest of which cover) and fills `core`.
pub(crate) fn reduce(
    task: &Task,
    items: &mut Columns,
    space: &mut ReduceSpace,
    core: &mut Core,
    best: &mut Best,
) {
    core.items.clear();
    core.base = 0.0;
    let largest = space.bound.largest(task, items, best);
    if items.len() <= task.k {
        core.proven = true;
        return;
    }
    let mut alpha_min = -task.surplus_weight / largest;
    let mut theta = 0.0;
    let mut chosen: Option<Dual> = None;
    for _ in 0..ROUNDS {
        let dual = space.bound.minimise(task, items, theta, alpha_min, best);
        if !best.beaten_by(dual.bound) {
            core.proven = true;
            return;
        }
        let cutoff = dual.cutoff(best.score);
        items.retain(|x, v| dual.part(x, v) >= cutoff);
        if items.len() <= task.k {
            core.proven = true;
            return;
        }
        let tighter = chosen.as_ref().is_none_or(|old| dual.bound < old.bound);
        if tighter {
            chosen = Some(dual);
        }
        let mut progress = false;
        if dual.at_edge {
            // A better plan cannot have more surplus than leaves it the incumbent's score.
            let margin = best.score - space.bound.value_limit(task, items, theta);
            if margin > 0.0 {
                let edge = -task.surplus_weight / largest.min(task.surplus_weight / margin);
                progress |= edge < alpha_min - SCORE_TOLERANCE;
                alpha_min = alpha_min.min(edge);
            }
        }
        // At the optimum θ is the value of the seller that takes the rest.
        let least = best.least_value();
        progress |= least != theta;
        theta = least;
        if !progress {
            break;
        }
    }
    let Some(dual) = chosen else { return };
    order(task, items, &dual, core);
    local::improve(task, core, LOCAL_EVALUATIONS, best);
    trim(task, &dual, core, best);
}

/// Puts the items into the core, largest part first, alike ones beside each other; of one size only the
/// `k` most valuable. (Of two sellers of one size the more valuable one is never worse: it can deliver
/// whatever the other delivers, and every seller of a smallest cover delivers something.)
fn order(task: &Task, items: &Columns, dual: &Dual, core: &mut Core) {
    core.base = dual.base(task);
    core.theta = dual.theta;
    core.alpha = dual.alpha;
    core.items.extend((0..items.len()).map(|at| {
        let item = items.item(at);
        Item {
            c: dual.part(item.x, item.v),
            ..item
        }
    }));
    core.items.sort_unstable_by(|a, b| {
        a.g.cmp(&b.g)
            .then(b.v.total_cmp(&a.v))
            .then(a.id.cmp(&b.id))
    });
    let (mut kept, mut same) = (0usize, 0usize);
    for at in 0..core.items.len() {
        let item = core.items[at];
        same = if kept > 0 && core.items[kept - 1].g == item.g {
            same + 1
        } else {
            1
        };
        if same <= task.k {
            core.items[kept] = item;
            kept += 1;
        }
    }
    core.items.truncate(kept);
    core.items.sort_unstable_by(|a, b| {
        b.c.total_cmp(&a.c)
            .then(b.g.cmp(&a.g))
            .then(b.v.total_cmp(&a.v))
            .then(a.id.cmp(&b.id))
    });
}

/// Cuts off what the improved incumbent rules out.
fn trim(task: &Task, dual: &Dual, core: &mut Core, best: &Best) {
    let bound = core.bound(task);
    let Some(kth) = core.items.get(task.k.saturating_sub(1)).map(|item| item.c) else {
        core.proven = true;
        return;
    };
    let tight = Dual {
        bound,
        kth,
        ..*dual
    };
    let cutoff = tight.cutoff(best.score);
    let kept = core.items.partition_point(|item| item.c >= cutoff);
    core.items.truncate(kept);
    core.proven = kept < task.k || !best.beaten_by(bound);
}
