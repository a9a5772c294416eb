//! Who best takes the rest: the offers by rising size, each linked to the next one that is larger and
//! more valuable. Of all offers that are large enough, only those on this staircase can be the best
//! to take what the others leave open: a larger one of no more value only adds surplus.

// Indices and their arithmetic stay inside this module's own vectors.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::pool::{Item, Sums, Task};

#[derive(Clone, Debug, Default)]
pub(crate) struct Staircase {
    /// By rising size, of equal sizes the most valuable first; with their position in the core.
    pub items: Vec<(Item, u32)>,
    next_better: Vec<u32>,
    /// Largest value from each position on.
    best_after: Vec<f64>,
}

/// The best completion and how many were scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    /// Item and position in the core, with the score of the completed set.
    pub found: Option<(Item, u32, f64)>,
    pub scored: u64,
}

impl Staircase {
    /// Sorts the core's items.
    pub fn build(&mut self, core: &[Item]) {
        self.items.clear();
        self.items.extend(core.iter().copied().zip(0u32..));
        self.items.sort_unstable_by(|(a, at_a), (b, at_b)| {
            a.g.cmp(&b.g).then(b.v.total_cmp(&a.v)).then(at_a.cmp(at_b))
        });
        let n = self.items.len();
        self.next_better.clear();
        self.next_better.resize(n, 0);
        self.best_after.clear();
        self.best_after.resize(n, 0.0);
        for at in (0..n).rev() {
            let v = self.items[at].0.v;
            let mut next = at + 1;
            while next < n && self.items[next].0.v <= v {
                next = self.next_better[next] as usize;
            }
            // Candidates are counted in u32 (see `choose`).
            self.next_better[at] = u32::try_from(next).unwrap_or(u32::MAX);
            self.best_after[at] = if at + 1 < n {
                v.max(self.best_after[at + 1])
            } else {
                v
            };
        }
    }

    /// First position with at least `g` Wh.
    pub fn at_least(&self, g: u64) -> usize {
        self.items.partition_point(|(item, _)| item.g < g)
    }

    /// The item from position `from` on (all of which must complete `rest`, `k − 1` sellers that do
    /// not cover) that takes the rest best, if the set then scores above `to_beat`.
    pub fn complete(
        &self,
        task: &Task,
        rest: &Sums,
        from: usize,
        to_beat: f64,
        member: impl Fn(&Item, u32) -> bool,
    ) -> Completion {
        let open = 1.0 - rest.x;
        let mut completion = Completion {
            found: None,
            scored: 0,
        };
        let mut to_beat = to_beat;
        let mut at = from;
        while at < self.items.len() {
            let (item, position) = &self.items[at];
            let reach =
                task.surplus_weight / (rest.x + item.x) + rest.w + open * self.best_after[at];
            if reach <= to_beat {
                break;
            }
            if member(item, *position) {
                // It hides those just behind it: go on without its staircase.
                at += 1;
                continue;
            }
            completion.scored += 1;
            let score = rest.with(item).score(task);
            if score > to_beat {
                to_beat = score;
                completion.found = Some((*item, *position, score));
            }
            at = self.next_better[at] as usize;
        }
        completion
    }
}
