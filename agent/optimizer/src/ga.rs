//! The genetic algorithm (SRS §3.2.5). A genome is a set of exactly `K*` offers; every individual
//! covers the need: what mutation or crossover leaves short is repaired at once.

// Indices and their arithmetic stay inside this module's own vectors; energies are added saturating.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::local;
use crate::pool::{Best, Item, Sums, Task};
use crate::reduce::Core;
use crate::staircase::Staircase;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Individuals in a generation.
const POPULATION: usize = 32;

/// Individuals that pass unchanged into the next generation.
const ELITE: usize = 2;

/// Chance of a mutation, out of 256.
const MUTATION: u32 = 160;

/// Generations without progress after which it stops: this many, one more for every four sellers and
/// for every `CORE_PER_PATIENCE` different offers of the core up to `LARGE_CORE`. Measured (`wattpool-bench
/// choose`): beyond that hardly a run improves.
const PATIENCE: usize = 4;
const CORE_PER_PATIENCE: usize = 8;
const LARGE_CORE: usize = 96;
const LARGE_K: usize = 16;

/// Pairs that the last local search may look at for each evaluation of the budget: a pair costs a few
/// nanoseconds, an evaluation in a generation some ten times as much.
const PAIRS_PER_EVALUATION: u64 = 8;

/// Sellers in a set that counts as one evaluation.
const USUAL_K: usize = 64;

/// Random tries of a repair before it takes the largest offer.
const REPAIR_TRIES: usize = 4;

/// Scratch of the genetic algorithm.
#[derive(Clone, Debug, Default)]
pub(crate) struct GaSpace {
    /// `POPULATION` genomes of `k` positions in the core each, one after the other.
    genomes: Vec<u32>,
    next: Vec<u32>,
    scores: Vec<f64>,
    next_scores: Vec<f64>,
    child: Vec<u32>,
    spare: Vec<u32>,
    /// Last use of each position, to tell members from others without clearing.
    stamps: Vec<u64>,
    stamp: u64,
    staircase: Staircase,
}

/// Random positions from a fixed algorithm, the same on every machine.
struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Uniform in `0..n` (0 for `n = 0`).
    fn below(&mut self, n: usize) -> usize {
        let high = self.0.next_u64() >> 32;
        ((high.wrapping_mul(n as u64)) >> 32) as usize
    }

    /// In `0..n`, small ones more often (the least of two).
    fn early(&mut self, n: usize) -> usize {
        self.below(n).min(self.below(n))
    }

    fn chance(&mut self, of_256: u32) -> bool {
        self.0.next_u64() >> 56 < u64::from(of_256)
    }
}

/// Evolves sets of core offers from the incumbent, the greedy sets and random ones, for about
/// `evaluations` scored sets. The incumbent only ever gets better.
pub(crate) fn evolve(
    task: &Task,
    core: &Core,
    evaluations: u64,
    seed: u64,
    space: &mut GaSpace,
    best: &mut Best,
) {
    let items = &core.items[..];
    if core.proven || items.len() <= task.k {
        return;
    }
    let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
    // A larger set costs more: the budget is for sets of up to `USUAL_K`.
    let dear = (task.k / USUAL_K).max(1) as u64;
    let end = best.evaluations.saturating_add(evaluations / dear);
    space.prepare(items);
    if !space.covers(task) {
        return;
    }
    let bound = core.bound(task);
    space.populate(task, core, best, &mut dice);
    let patience =
        PATIENCE + task.k.min(LARGE_K) / 4 + different(items).min(LARGE_CORE) / CORE_PER_PATIENCE;
    let mut idle = 0;
    while best.evaluations < end && idle < patience && best.beaten_by(bound) {
        let before = best.score;
        space.generation(task, core, best, &mut dice);
        idle += 1;
        if best.score > before {
            idle = 0;
            local::improve(task, core, end.saturating_sub(best.evaluations), best);
        }
    }
    if best.beaten_by(bound) {
        local::improve_pairs(
            task,
            core,
            evaluations.saturating_mul(PAIRS_PER_EVALUATION),
            best,
        );
    }
}

/// Offers of the core that are not alike: alike ones stand beside each other.
fn different(items: &[Item]) -> usize {
    let changes = items.windows(2).filter(|pair| !pair[0].alike(&pair[1]));
    changes.count() + 1
}

impl GaSpace {
    fn prepare(&mut self, items: &[Item]) {
        self.stamps.clear();
        self.stamps.resize(items.len(), 0);
        self.stamp = 0;
        self.staircase.build(items);
        self.genomes.clear();
        self.scores.clear();
    }

    /// False where not even the largest offers of the core cover: then the incumbent is the best.
    fn covers(&self, task: &Task) -> bool {
        let largest = self
            .staircase
            .items
            .iter()
            .rev()
            .take(task.k)
            .map(|(item, _)| item);
        Sums::of(largest).g >= task.need
    }

    fn populate(&mut self, task: &Task, core: &Core, best: &mut Best, dice: &mut Dice) {
        let k = task.k;
        let items = &core.items[..];
        for individual in 0..POPULATION {
            self.begin_child();
            match individual {
                // The incumbent, as far as its offers are in the core; greedy by part; greedy by size.
                0 => {
                    self.spare.clear();
                    self.spare.extend(best.items.iter().map(|member| member.id));
                    self.spare.sort_unstable();
                    for (at, item) in (0u32..).zip(items) {
                        if self.spare.binary_search(&item.id).is_ok() {
                            self.take(at);
                        }
                    }
                }
                1 => (0u32..).take(k).for_each(|at| {
                    self.take(at);
                }),
                2 => {
                    for step in 1..=k {
                        let (_, position) = self.staircase.items[items.len() - step];
                        self.take(position);
                    }
                }
                _ => {}
            }
            self.fill(k, items.len(), dice);
            let score = self.finish(task, core, best, dice);
            self.genomes.extend_from_slice(&self.child);
            self.scores.push(score);
        }
    }

    fn generation(&mut self, task: &Task, core: &Core, best: &mut Best, dice: &mut Dice) {
        let k = task.k;
        self.next.clear();
        self.next_scores.clear();
        let mut last = f64::INFINITY;
        for _ in 0..ELITE {
            // The best, then the best of another score: copies of one plan teach nothing.
            let mut elite = 0;
            let mut found = f64::NEG_INFINITY;
            for (at, score) in self.scores.iter().enumerate() {
                if *score > found && *score < last {
                    elite = at;
                    found = *score;
                }
            }
            last = found;
            self.next
                .extend_from_slice(&self.genomes[elite * k..(elite + 1) * k]);
            self.next_scores.push(self.scores[elite]);
        }
        while self.next_scores.len() < POPULATION {
            let mother = self.tournament(dice);
            let father = self.tournament(dice);
            self.cross(k, mother, father, dice);
            if self.spare.is_empty() || dice.chance(MUTATION) {
                self.mutate(core.items.len(), dice);
            }
            let score = self.finish(task, core, best, dice);
            self.next.extend_from_slice(&self.child);
            self.next_scores.push(score);
        }
        std::mem::swap(&mut self.genomes, &mut self.next);
        std::mem::swap(&mut self.scores, &mut self.next_scores);
    }

    fn tournament(&self, dice: &mut Dice) -> usize {
        let (a, b) = (dice.below(POPULATION), dice.below(POPULATION));
        if self.scores[b] > self.scores[a] {
            b
        } else {
            a
        }
    }

    /// What both parents have, and from the rest of either as many as fill the set. Leaves the
    /// unused genes in `spare`: none where the parents are the same.
    fn cross(&mut self, k: usize, mother: usize, father: usize, dice: &mut Dice) {
        self.begin_child();
        let once = self.stamp;
        for at in mother * k..(mother + 1) * k {
            self.stamps[self.genomes[at] as usize] = once;
        }
        // The child's members carry a fresh stamp, so the mother's genes are still told apart.
        self.stamp += 1;
        self.spare.clear();
        for at in father * k..(father + 1) * k {
            let gene = self.genomes[at];
            if self.stamps[gene as usize] == once {
                self.take(gene);
            } else {
                self.spare.push(gene);
            }
        }
        for at in mother * k..(mother + 1) * k {
            let gene = self.genomes[at];
            if self.stamps[gene as usize] == once {
                self.spare.push(gene);
            }
        }
        while self.child.len() < k && !self.spare.is_empty() {
            let gene = self.spare.swap_remove(dice.below(self.spare.len()));
            self.take(gene);
        }
    }

    fn mutate(&mut self, n: usize, dice: &mut Dice) {
        let gene = self.outsider(n, dice);
        let out = dice.below(self.child.len());
        self.replace(out, gene);
    }

    fn begin_child(&mut self) {
        self.child.clear();
        self.stamp += 1;
    }

    /// Adds a position unless it is a member.
    fn take(&mut self, gene: u32) -> bool {
        if self.stamps[gene as usize] == self.stamp {
            return false;
        }
        self.stamps[gene as usize] = self.stamp;
        self.child.push(gene);
        true
    }

    fn replace(&mut self, out: usize, gene: u32) {
        self.stamps[self.child[out] as usize] = 0;
        self.stamps[gene as usize] = self.stamp;
        self.child[out] = gene;
    }

    /// A random position that is no member; there are more positions than members.
    fn outsider(&self, n: usize, dice: &mut Dice) -> u32 {
        let mut at = dice.early(n);
        while self.stamps[at] == self.stamp {
            at = if at + 1 == n { 0 } else { at + 1 };
        }
        // Candidates are counted in u32 (see `choose`).
        u32::try_from(at).unwrap_or(0)
    }

    fn fill(&mut self, k: usize, n: usize, dice: &mut Dice) {
        while self.child.len() < k {
            let gene = self.outsider(n, dice);
            self.take(gene);
        }
    }

    /// Repairs and scores the child, and offers it to the incumbent.
    fn finish(&mut self, task: &Task, core: &Core, best: &mut Best, dice: &mut Dice) -> f64 {
        let items = &core.items[..];
        let mut size = self
            .child
            .iter()
            .fold(0u64, |g, at| g.saturating_add(items[*at as usize].g));
        let mut tries = REPAIR_TRIES;
        while size < task.need {
            let (out, gene) = self.mend(task.need - size, items, tries, dice);
            size = size
                .saturating_sub(items[self.child[out] as usize].g)
                .saturating_add(items[gene as usize].g);
            self.replace(out, gene);
            tries = tries.saturating_sub(1);
        }
        // One member makes room for whoever completes the others best.
        let out = dice.below(self.child.len());
        let score = Sums::of(self.child.iter().map(|at| &items[*at as usize])).score(task);
        let rest = self.child.iter().enumerate().filter(|(at, _)| *at != out);
        let rest = rest.map(|(_, at)| &items[*at as usize]);
        let member = |_: &Item, at: u32| self.stamps[at as usize] == self.stamp;
        let sums = Sums::of(rest);
        let from = self.staircase.at_least(task.need.saturating_sub(sums.g));
        let completion = self.staircase.complete(task, &sums, from, score, member);
        best.evaluations = best
            .evaluations
            .saturating_add(completion.scored)
            .saturating_add(1);
        let score = match completion.found {
            Some((_, position, better)) => {
                self.replace(out, position);
                better
            }
            None => score,
        };
        if best.beaten_by(score) {
            best.replace(score, self.child.iter().map(|at| items[*at as usize]));
        }
        score
    }

    /// An exchange towards covering: a random member for one that closes the gap alone, or, when
    /// none was found, the smallest member for the largest outsider (which ends at the `K*` largest).
    fn mend(&self, gap: u64, items: &[Item], tries: usize, dice: &mut Dice) -> (usize, u32) {
        if tries > 0 {
            let out = dice.below(self.child.len());
            let least = items[self.child[out] as usize].g.saturating_add(gap);
            let enough = self.staircase.at_least(least);
            if enough < items.len() {
                let (_, gene) = self.staircase.items[enough + dice.below(items.len() - enough)];
                if self.stamps[gene as usize] != self.stamp {
                    return (out, gene);
                }
            }
        }
        let mut out = 0;
        for at in 1..self.child.len() {
            if items[self.child[at] as usize].g < items[self.child[out] as usize].g {
                out = at;
            }
        }
        let outsider = |gene: &u32| self.stamps[*gene as usize] != self.stamp;
        let largest = self
            .staircase
            .items
            .iter()
            .rev()
            .map(|(_, position)| *position)
            .find(outsider);
        (out, largest.unwrap_or(0))
    }
}
