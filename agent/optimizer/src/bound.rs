//! An upper bound on the score of any `k` sellers that cover the need, and the reduction it allows.
//!
//! For every `θ ≥ 0` and `α ≥ −C_s·d/G_max` (`G_max`: largest `G` that can still win), each covering set
//! of `k` sellers satisfies
//!
//! ```text
//! f(S) ≤ C_s + θ − α + Σ_S c_j      with  c_j = x_j·[max(v_j − θ, 0) + α],  x_j = g_j/d
//! ```
//!
//! (the split by linear-programming duality: `Σ z·v ≤ θ·d + Σ g·max(v−θ, 0)` for every `Σ z = d`,
//! `z ≤ g`; the surplus by the chord `d/G ≤ 1 − (G−d)/G_max`; the cover `Σ x ≥ 1` by its multiplier.)
//! So the `k` largest `c_j` bound every score, and an item whose `c_j` lies further below the
//! `k`-th largest than bound and incumbent are apart is in no better plan.

// Indices and their arithmetic stay inside this module's own vectors; energies are added saturating.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::pool::{Best, Columns, Item, Task};
use crate::score::SCORE_TOLERANCE;

/// Up to this many, the largest are kept by insertion; beyond, by partial selection.
const INSERTION_MAX: usize = 24;

/// Cuts per line search: each one is a vertex of a convex piecewise linear function, few are needed.
const CUTS_MAX: usize = 24;

/// The multipliers and the bound they give.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dual {
    pub theta: f64,
    pub alpha: f64,
    /// No covering set scores more.
    pub bound: f64,
    /// The `k`-th largest `c`.
    pub kth: f64,
    /// True where the search ended at the least `α` allowed: a smaller `G_max` would tighten it.
    pub at_edge: bool,
}

impl Dual {
    /// An item's part of the bound.
    #[inline]
    pub fn part(&self, x: f64, v: f64) -> f64 {
        x * ((v - self.theta).max(0.0) + self.alpha)
    }

    /// The bound without the items' parts.
    pub fn base(&self, task: &Task) -> f64 {
        task.surplus_weight + self.theta - self.alpha
    }

    /// Parts below this belong to no set better than `score`.
    pub fn cutoff(&self, score: f64) -> f64 {
        self.kth - (self.bound - score) - SCORE_TOLERANCE
    }
}

/// Scratch for the `k` largest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Top {
    /// Largest first when found by insertion; (part, position).
    picked: Vec<(f64, u32)>,
}

/// A cut of the dual function at the current `θ`: `C_s + θ + y + (x − 1)·α`.
#[derive(Clone, Copy, Debug)]
struct Cut {
    x: f64,
    y: f64,
    kth: f64,
}

impl Top {
    /// Finds the `k` items with the largest `x·(gain·max(v − θ, 0) + α)`; ties go to the earlier item.
    fn find(&mut self, items: &Columns, k: usize, theta: f64, gain: f64, alpha: f64) {
        let part = |x: f64, v: f64| x * (gain * (v - theta).max(0.0) + alpha);
        self.picked.clear();
        let parts = items
            .x
            .iter()
            .zip(&items.v)
            .zip(0u32..)
            .map(|((x, v), at)| (part(*x, *v), at));
        if k > INSERTION_MAX {
            self.picked.extend(parts);
            if k < self.picked.len() {
                self.picked
                    .select_nth_unstable_by(k.saturating_sub(1), |a, b| {
                        b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
                    });
                self.picked.truncate(k);
            }
            return;
        }
        let mut least = f64::NEG_INFINITY;
        for (c, at) in parts {
            if c <= least {
                continue;
            }
            if self.picked.len() == k {
                self.picked.pop();
            }
            let mut place = self.picked.len();
            self.picked.push((c, at));
            while place > 0 && self.picked[place - 1].0 < c {
                self.picked[place] = self.picked[place - 1];
                place -= 1;
            }
            self.picked[place] = (c, at);
            if self.picked.len() == k {
                least = self.picked[k - 1].0;
            }
        }
    }

    fn cut(&self, items: &Columns, theta: f64) -> Cut {
        let mut cut = Cut {
            x: 0.0,
            y: 0.0,
            kth: f64::INFINITY,
        };
        for (c, at) in &self.picked {
            let at = *at as usize;
            cut.x += items.x[at];
            cut.y += items.x[at] * (items.v[at] - theta).max(0.0);
            cut.kth = cut.kth.min(*c);
        }
        cut
    }

    /// `Σ g` of the `k` largest, Wh.
    fn size(&self, items: &Columns) -> u64 {
        self.picked.iter().fold(0u64, |sum, (_, at)| {
            sum.saturating_add(items.g[*at as usize])
        })
    }

    fn set<'a>(&'a self, items: &'a Columns) -> impl Iterator<Item = Item> + 'a {
        self.picked.iter().map(|(_, at)| items.item(*at as usize))
    }

    /// Offers the `k` largest to the incumbent.
    fn offer(&self, task: &Task, items: &Columns, set: &mut Vec<Item>, best: &mut Best) {
        set.clear();
        set.extend(self.set(items));
        best.offer(task, set.iter());
    }
}

/// Scratch of the bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoundSpace {
    top: Top,
    set: Vec<Item>,
}

impl BoundSpace {
    /// Offers the `k` largest items, which always cover, and returns their `Σ g/d`.
    pub fn largest(&mut self, task: &Task, items: &Columns, best: &mut Best) -> f64 {
        self.top.find(items, task.k, 0.0, 0.0, 1.0);
        self.top.offer(task, items, &mut self.set, best);
        self.top.cut(items, 0.0).x
    }

    /// No covering set's `Σ z·v/d` exceeds this: the bound at `α = 0` without the surplus' share.
    pub fn value_limit(&mut self, task: &Task, items: &Columns, theta: f64) -> f64 {
        self.top.find(items, task.k, theta, 1.0, 0.0);
        theta + self.top.cut(items, theta).y
    }

    /// Least bound over `α ≥ alpha_min` at a fixed `θ` (intersecting cuts of the convex dual
    /// function). Minus infinity where no `k` of the items cover. Covering sets met on the way are offered to the incumbent.
    pub fn minimise(
        &mut self,
        task: &Task,
        items: &Columns,
        theta: f64,
        alpha_min: f64,
        best: &mut Best,
    ) -> Dual {
        let offset = task.surplus_weight + theta;
        // For α without end the largest items win: their cut closes the bracket from above.
        self.top.find(items, task.k, theta, 0.0, 1.0);
        let mut high = self.top.cut(items, theta);
        if self.top.size(items) < task.need {
            return Dual {
                theta,
                alpha: alpha_min,
                bound: f64::NEG_INFINITY,
                kth: 0.0,
                at_edge: false,
            };
        }
        self.top.find(items, task.k, theta, 1.0, alpha_min);
        self.top.offer(task, items, &mut self.set, best);
        let mut low = self.top.cut(items, theta);
        let value = |cut: &Cut, alpha: f64| offset + cut.y + (cut.x - 1.0) * alpha;
        let mut dual = Dual {
            theta,
            alpha: alpha_min,
            bound: value(&low, alpha_min),
            kth: low.kth,
            at_edge: low.x >= 1.0,
        };
        if dual.at_edge {
            return dual;
        }
        for _ in 0..CUTS_MAX {
            let spread = high.x - low.x;
            if spread <= 0.0 {
                break;
            }
            let alpha = ((low.y - high.y) / spread).max(alpha_min);
            self.top.find(items, task.k, theta, 1.0, alpha);
            let cut = self.top.cut(items, theta);
            let bound = value(&cut, alpha);
            if bound < dual.bound {
                dual = Dual {
                    theta,
                    alpha,
                    bound,
                    kth: cut.kth,
                    at_edge: false,
                };
            }
            if cut.x >= 1.0 - SCORE_TOLERANCE {
                self.top.offer(task, items, &mut self.set, best);
            }
            // No cut lies above the two that were intersected: this is the minimum.
            if bound <= value(&low, alpha).max(value(&high, alpha)) + SCORE_TOLERANCE {
                break;
            }
            if cut.x < 1.0 {
                low = cut;
            } else {
                high = cut;
            }
        }
        dual
    }
}
