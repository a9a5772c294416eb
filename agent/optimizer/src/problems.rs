//! Random problems of a known number of sellers, and the check of an answer to one: what the tests, the
//! benchmark and the comparison with other solvers are all made of.
//!
//! ```
//! use wattpool_optimizer::problems::{check, draw, Family, Numbers};
//! use wattpool_optimizer::{choose, Scoring, Settings, Weights, Workspace};
//!
//! let scoring = Scoring::new(Weights::default(), 900.0, 20.0, 0)?;
//! let drawn = draw(Family::Opposed, 100, 3, &mut Numbers::new(7)).expect("3 of 100");
//! let candidates = drawn.candidates(&scoring);
//! let demand = drawn.demand(&scoring, &candidates);
//! let mut workspace = Workspace::new();
//! let choice = choose(&demand, &Settings::default(), &mut workspace);
//! assert_eq!((choice.plan.len(), check(&demand, &choice)), (3, Ok(())));
//! # Ok::<(), wattpool_optimizer::FactorError>(())
//! ```

use crate::choose::{Candidate, Choice, Demand};
use crate::problem::{Limits, Offer, ProblemInput};
use crate::score::{deliverable, plan_score, Factors, Scoring, Share};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A seeded stream of numbers, the same on every machine.
#[derive(Clone, Debug)]
pub struct Numbers(Xoshiro256PlusPlus);

impl Numbers {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// In `0..n`; 0 for `n = 0`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.any().checked_rem(n).unwrap_or(0)
    }

    /// In `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        // 53 bits fill a double's mantissa exactly.
        (self.any() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How the sizes and factors of offers are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Sizes and factors independent of each other.
    Random,
    /// Few sizes and few factors: many offers alike.
    Ties,
    /// All offers the same.
    Equal,
    /// One offer ten times as large as the others.
    OneGiant,
    /// A few Wh each: the sum of many sizes hits the need often.
    Tiny,
    /// The larger, the worse in every factor.
    Opposed,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Random,
        Self::Ties,
        Self::Equal,
        Self::OneGiant,
        Self::Tiny,
        Self::Opposed,
    ];

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Ties => "ties",
            Self::Equal => "equal offers",
            Self::OneGiant => "one giant",
            Self::Tiny => "all tiny",
            Self::Opposed => "opposed",
        }
    }
}

/// One offer of a drawn problem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// `o`, Wh.
    pub offered_wh: u64,
    /// Its factors.
    pub factors: Factors,
    /// Its tie number.
    pub tie: u64,
}

impl Drawn {
    /// `g`, Wh.
    pub fn deliverable_wh(&self) -> u64 {
        deliverable(self.offered_wh, self.factors.efficiency)
    }

    /// The offer as the hot path sees it.
    pub fn candidate(&self, scoring: &Scoring) -> Candidate {
        Candidate {
            deliverable_wh: self.deliverable_wh(),
            value: scoring.value(&self.factors),
            tie: self.tie,
        }
    }
}

/// A drawn problem.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnProblem {
    /// `d`, Wh.
    pub need_wh: u64,
    /// `K*`.
    pub sellers: usize,
    /// The offers.
    pub offers: Vec<Drawn>,
}

/// Draws offers of a family.
pub fn offers(family: Family, count: usize, numbers: &mut Numbers) -> Vec<Drawn> {
    let giant = count / 2;
    (0..count)
        .map(|at| offer(family, at == giant, numbers))
        .collect()
}

fn offer(family: Family, giant: bool, numbers: &mut Numbers) -> Drawn {
    let size = numbers.below(950).saturating_add(50);
    let mut drawn = Drawn {
        offered_wh: size,
        factors: Factors {
            efficiency: 1.0 - 0.15 * numbers.unit(),
            duration_s: 10.0 + 1_800.0 * numbers.unit(),
            quality: numbers.unit(),
            past_sales: numbers.below(200),
            price: None,
        },
        tie: numbers.below(4),
    };
    let f = &mut drawn.factors;
    match family {
        Family::Random => {}
        Family::Ties => {
            drawn.offered_wh = 100u64.saturating_mul(numbers.below(5).saturating_add(1));
            *f = Factors {
                efficiency: if numbers.below(2) == 0 { 1.0 } else { 0.9 },
                quality: 0.5 * numbers.below(3) as f64,
                ..USUAL
            };
        }
        Family::Equal => {
            drawn.offered_wh = 400;
            *f = USUAL;
        }
        Family::OneGiant if giant => drawn.offered_wh = 9_990,
        Family::OneGiant => {}
        Family::Tiny => drawn.offered_wh = numbers.below(4).saturating_add(2),
        Family::Opposed => {
            let worse = size as f64 / 1_000.0;
            *f = Factors {
                efficiency: 1.0 - 0.15 * worse,
                duration_s: 10.0 + 1_800.0 * worse,
                quality: 1.0 - worse,
                past_sales: size / 5,
                price: None,
            };
        }
    }
    drawn
}

const USUAL: Factors = Factors {
    efficiency: 0.95,
    duration_s: 60.0,
    quality: 0.5,
    past_sales: 10,
    price: None,
};

/// A problem of a family in which `sellers` are the fewest that cover; the need is anywhere between what
/// one seller fewer and the largest of that many deliver. None where there are not so many offers that deliver something.
pub fn draw(
    family: Family,
    count: usize,
    sellers: usize,
    numbers: &mut Numbers,
) -> Option<DrawnProblem> {
    let offers = offers(family, count, numbers);
    let sizes: Vec<u64> = offers.iter().map(Drawn::deliverable_wh).collect();
    Some(DrawnProblem {
        need_wh: need_for(&sizes, sellers, numbers)?,
        sellers,
        offers,
    })
}

/// A need that the `sellers` largest of these sizes just cover and fewer do not, at a random place of that range.
pub fn need_for(sizes: &[u64], sellers: usize, numbers: &mut Numbers) -> Option<u64> {
    let mut largest: Vec<u64> = sizes.to_vec();
    let last = sellers.checked_sub(1)?;
    if last >= largest.len() {
        return None;
    }
    let (fewer, last, _) = largest.select_nth_unstable_by(last, |a, b| b.cmp(a));
    let fewer = fewer.iter().fold(0u64, |sum, g| sum.saturating_add(*g));
    (*last > 0).then(|| fewer.saturating_add(1).saturating_add(numbers.below(*last)))
}

impl DrawnProblem {
    /// The offers as the hot path sees them.
    pub fn candidates(&self, scoring: &Scoring) -> Vec<Candidate> {
        self.offers.iter().map(|o| o.candidate(scoring)).collect()
    }

    /// The problem in the form of the hot path.
    pub fn demand<'a>(&self, scoring: &Scoring, candidates: &'a [Candidate]) -> Demand<'a> {
        Demand {
            need_wh: self.need_wh,
            surplus_weight: scoring.weights().surplus,
            candidates,
            max_sellers: None,
            last_plan: &[],
        }
    }

    /// The problem as `wattpool choose` reads it, with the default scales; offers are named `m0`, `m1`, …
    pub fn input(&self, scoring: &Scoring) -> ProblemInput {
        let offer = |(at, drawn): (usize, &Drawn)| Offer {
            id: format!("m{at}"),
            offered_wh: drawn.offered_wh,
            efficiency: drawn.factors.efficiency,
            duration_s: drawn.factors.duration_s,
            quality: drawn.factors.quality,
            past_sales: drawn.factors.past_sales,
            deliverable_wh: None,
            price: drawn.factors.price,
            zone: None,
            tie: drawn.tie,
        };
        ProblemInput {
            need_wh: self.need_wh,
            weights: *scoring.weights(),
            duration_scale_s: Scoring::DURATION_SCALE_S,
            participation_scale: Scoring::PARTICIPATION_SCALE,
            limits: Limits::default(),
            offers: self.offers.iter().enumerate().map(offer).collect(),
        }
    }
}

/// The fewest sellers that cover a need, by sorting; none where all together do not.
pub fn fewest(candidates: &[Candidate], need_wh: u64) -> Option<usize> {
    if need_wh == 0 {
        return Some(0);
    }
    let mut sizes: Vec<u64> = candidates.iter().map(|c| c.deliverable_wh).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut sum = 0u64;
    sizes
        .iter()
        .position(|g| {
            sum = sum.saturating_add(*g);
            sum >= need_wh
        })
        .map(|at| at.saturating_add(1))
}

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Flaw {
    /// An index twice, out of order or of no offer.
    #[error("seller {0}: expected rising indices of offers")]
    Seller(usize),
    /// An amount of nothing, or more than the seller can deliver.
    #[error("seller {seller}: expected 1 to {most} Wh, found {found}")]
    Amount {
        /// Index of the offer.
        seller: usize,
        /// `g`.
        most: u64,
        /// `z`.
        found: u64,
    },
    /// Not the fewest sellers that cover.
    #[error("expected {expected} sellers, found {found}")]
    Sellers {
        /// `K*`.
        expected: usize,
        /// In the plan.
        found: usize,
    },
    /// Says that the need is covered where it is not, or the reverse.
    #[error("expected covered = {0}")]
    Covered(bool),
    /// The deliveries do not sum to the need, or to the most that can be had.
    #[error("expected {expected} Wh in all, found {found}")]
    Total {
        /// The need, or the most.
        expected: u64,
        /// `Σ z`.
        found: u64,
    },
    /// The score is not that of the plan.
    #[error("expected a score of {expected}, found {found}")]
    Score {
        /// Equation 1 of the plan; 0 where the need is not covered.
        expected: f64,
        /// As stated.
        found: f64,
    },
}

/// Checks a plan against its demand by the definition, without the search's means: who delivers, how
/// much, how few, and the score. Whether a plan with so few sellers could score more is not looked at.
/// All candidates' values must be utilities.
///
/// # Errors
/// The first [`Flaw`].
pub fn check(demand: &Demand<'_>, choice: &Choice<'_>) -> Result<(), Flaw> {
    let mut total = 0u64;
    let mut last = None;
    let mut shares = Vec::with_capacity(choice.plan.len());
    for pick in choice.plan {
        let candidate = demand
            .candidates
            .get(pick.index)
            .filter(|_| last < Some(pick.index))
            .ok_or(Flaw::Seller(pick.index))?;
        last = Some(pick.index);
        if pick.delivered_wh == 0 || pick.delivered_wh > candidate.deliverable_wh {
            return Err(Flaw::Amount {
                seller: pick.index,
                most: candidate.deliverable_wh,
                found: pick.delivered_wh,
            });
        }
        total = total.saturating_add(pick.delivered_wh);
        shares.push(Share {
            deliverable_wh: candidate.deliverable_wh,
            delivered_wh: pick.delivered_wh,
            value: candidate.value,
        });
    }
    let most = demand.max_sellers.unwrap_or(usize::MAX);
    let sellers = fewest(demand.candidates, demand.need_wh).filter(|k| *k <= most);
    if choice.covered != sellers.is_some() {
        return Err(Flaw::Covered(sellers.is_some()));
    }
    let expected = match sellers {
        Some(_) => demand.need_wh,
        None => {
            let mut sizes: Vec<u64> = demand.candidates.iter().map(|c| c.deliverable_wh).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let largest = sizes.iter().take(most);
            largest.fold(0, |sum: u64, g| sum.saturating_add(*g))
        }
    };
    if let Some(expected) = sellers.filter(|k| *k != choice.plan.len()) {
        return Err(Flaw::Sellers {
            expected,
            found: choice.plan.len(),
        });
    }
    if total != expected {
        return Err(Flaw::Total {
            expected,
            found: total,
        });
    }
    let score = plan_score(demand.need_wh, demand.surplus_weight, shares);
    let score = if sellers.is_some() { score } else { 0.0 };
    if choice.score != score {
        return Err(Flaw::Score {
            expected: score,
            found: choice.score,
        });
    }
    Ok(())
}
