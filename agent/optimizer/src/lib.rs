//! The choice of the optimum trade (SRS §3.2.5, FR-05, FR-12).
//!
//! A buyer has a need of `d` Wh and offers of different size, efficiency, expected duration and
//! quality. [`choose`] covers the need with the fewest sellers and, among the plans with that few,
//! takes the one with the largest score `f` (equation 1, [`plan_score`]).
//!
//! - [`Scoring`] turns an offer's factors into its value `v`; [`deliverable`] into its `g`.
//! - [`choose`] is the hot path: slices and indices in, a plan out, scratch memory in a [`Workspace`].
//! - [`Problem`] is the checked form of a problem with named offers; [`problem_file`] its JSON.
//!
//! The smallest number of sellers `K*` and the best split among given sellers are known in closed
//! form, so a search only chooses which `K*` offers. An upper bound first discards almost all of
//! them; what remains is searched exactly (pairs, or branch and bound) or by a genetic algorithm.
//!
//! Nothing here reads a clock, a random device or the order of a hash map: a problem and a seed give
//! the same plan on every machine. `benches/choose.rs` measures times and gaps; on one core of a
//! busy server, from factors to plan, 2 to 8 sellers, median:
//!
//! | offers | exact | genetic | gap of the genetic, 99th percentile |
//! |---|---|---|---|
//! | 40 | 2–3 µs | 12–35 µs | 0 % |
//! | 100 | 3–5 µs | 15–40 µs | 0 % |
//! | 1,000 | 20–35 µs | 40–70 µs | < 0.07 % |
//! | 10,000 | 200–320 µs | 240–340 µs | < 0.1 % |

mod bound;
mod choose;
mod cover;
mod exact;
mod ga;
mod local;
mod pool;
pub mod predict;
mod problem;
pub mod problem_file;
pub mod problems;
mod reduce;
mod score;
mod staircase;

pub use choose::{choose, Candidate, Choice, Demand, FoundBy, Method, Pick, Settings, Workspace};
pub use problem::{Limits, Offer, Problem, ProblemError, ProblemInput};
pub use score::{deliverable, plan_score, FactorError, Factors, Scoring, Share, Weights, MAX_WH};
