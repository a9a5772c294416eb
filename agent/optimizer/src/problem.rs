//! A choice problem with named offers, as people write it: unchecked input and its checked form.

use crate::choose::{choose, Candidate, Demand, Settings, Workspace};
use crate::problem_file::{Answer, Delivery};
use crate::score::{deliverable, FactorError, Factors, Scoring, Weights, MAX_WH};
use serde::{Deserialize, Serialize};

/// One offer, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its name, unique in the problem and not empty.
    pub id: String,
    /// `o`: Wh that the seller would send, at most [`MAX_WH`].
    pub offered_wh: u64,
    /// `e`: share that arrives, in `(0, 1]`.
    pub efficiency: f64,
    /// `t`: predicted chain seconds from the request to the last chunk, above zero.
    pub duration_s: f64,
    /// `q`: predicted quality, in `[0, 1]`.
    pub quality: f64,
    /// `p`: trades in which the seller sold before.
    pub past_sales: u64,
    /// `g`: Wh that would arrive, where integer loss rules say so; otherwise `floor(e·o)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliverable_wh: Option<u64>,
    /// Price and charge together, micro-units per kWh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<u64>,
    /// The seller's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<u16>,
    /// Decides between offers equal in size and value: the smaller wins, then the earlier.
    #[serde(default)]
    pub tie: u64,
}

/// The owner's hard limits. Absent ones do not bind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Offers above this price (micro-units per kWh) are left out.
    pub max_price: Option<u64>,
    /// Plans have at most this many sellers, at least 1.
    pub max_sellers: Option<usize>,
    /// Offers of other zones are left out.
    pub zones: Option<Vec<u16>>,
}

/// A problem as it was read, unchecked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemInput {
    /// `d`: Wh needed at the buyer, from 1 to [`MAX_WH`].
    pub need_wh: u64,
    /// Weights of the factors.
    #[serde(default)]
    pub weights: Weights,
    /// `T` of the duration utility, seconds.
    #[serde(default = "default_duration_scale")]
    pub duration_scale_s: f64,
    /// `P` of the participation utility, sales.
    #[serde(default = "default_participation_scale")]
    pub participation_scale: f64,
    /// The owner's limits.
    #[serde(default)]
    pub limits: Limits,
    /// What is offered; may be empty.
    pub offers: Vec<Offer>,
}

fn default_duration_scale() -> f64 {
    Scoring::DURATION_SCALE_S
}

fn default_participation_scale() -> f64 {
    Scoring::PARTICIPATION_SCALE
}

/// What is wrong with a problem.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProblemError {
    /// A field of the problem itself.
    #[error("{0}")]
    Field(FactorError),
    /// A field of one offer.
    #[error("offers[{index}] (id {id:?}): {error}")]
    Offer {
        /// Position of the offer, from 0.
        index: usize,
        /// Its id.
        id: String,
        /// What is wrong with it.
        error: FactorError,
    },
    /// Not JSON, a missing or unknown key, or a value of the wrong type.
    #[error("{file}: line {line} column {column}: {field}: {problem}")]
    Syntax {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Path of the field, such as `offers[3].quality`.
        field: String,
        /// What was expected.
        problem: String,
    },
    /// A value out of range in a file.
    #[error("{file}: {error}")]
    InFile {
        /// Name of the file.
        file: String,
        /// What is wrong.
        error: Box<ProblemError>,
    },
}

/// A checked problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    need_wh: u64,
    surplus_weight: f64,
    max_sellers: Option<usize>,
    /// Ids of the offers within the limits, in the order of the input.
    ids: Vec<String>,
    candidates: Vec<Candidate>,
}

impl Problem {
    /// Checks the input and applies its limits.
    ///
    /// The price utility reaches zero at `limits.max_price`, or without a ceiling at the highest
    /// price on offer.
    ///
    /// # Errors
    /// [`ProblemError::Field`] or [`ProblemError::Offer`] naming the first value that is out of range,
    /// repeated (ids), or missing where a weight or a limit asks for it (price, zone).
    pub fn new(input: ProblemInput) -> Result<Self, ProblemError> {
        let need = input.need_wh;
        if need == 0 || need > MAX_WH {
            return Err(field("need_wh", "from 1 to 1000000000000 Wh", need));
        }
        let limits = &input.limits;
        if limits.max_sellers == Some(0) {
            return Err(field("limits.max_sellers", "at least 1", 0));
        }
        let highest = input.offers.iter().filter_map(|offer| offer.price).max();
        let scoring = Scoring::new(
            input.weights,
            input.duration_scale_s,
            input.participation_scale,
            limits.max_price.or(highest).unwrap_or(0),
        )
        .map_err(ProblemError::Field)?;
        unique(&input.offers)?;
        let mut ids = Vec::with_capacity(input.offers.len());
        let mut candidates = Vec::with_capacity(input.offers.len());
        for (index, offer) in input.offers.into_iter().enumerate() {
            match admit(&offer, limits, &scoring) {
                Ok(Some(candidate)) => {
                    ids.push(offer.id);
                    candidates.push(candidate);
                }
                Ok(None) => {}
                Err(error) => {
                    return Err(ProblemError::Offer {
                        index,
                        id: offer.id,
                        error,
                    })
                }
            }
        }
        Ok(Self {
            need_wh: need,
            surplus_weight: scoring.weights().surplus,
            max_sellers: limits.max_sellers,
            ids,
            candidates,
        })
    }

    /// Offers within the limits.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The problem in the form of the hot path.
    pub fn demand(&self) -> Demand<'_> {
        Demand {
            need_wh: self.need_wh,
            surplus_weight: self.surplus_weight,
            candidates: &self.candidates,
            max_sellers: self.max_sellers,
            last_plan: &[],
        }
    }

    /// Chooses the trade and names the sellers. `elapsed_us` is left for the caller to fill in.
    pub fn solve(&self, settings: &Settings, workspace: &mut Workspace) -> Answer {
        let choice = choose(&self.demand(), settings, workspace);
        Answer {
            covered: choice.covered,
            sellers: choice.plan.len(),
            score: choice.score,
            optimal: choice.optimal,
            plan: choice
                .plan
                .iter()
                .filter_map(|pick| {
                    let id = self.ids.get(pick.index)?.clone();
                    Some(Delivery {
                        id,
                        delivered_wh: pick.delivered_wh,
                    })
                })
                .collect(),
            method: choice.found_by,
            evaluations: choice.evaluations,
            elapsed_us: None,
        }
    }
}

fn field(name: &'static str, expected: &'static str, got: impl ToString) -> ProblemError {
    ProblemError::Field(FactorError::new(name, expected, got))
}

/// Checks one offer; `None` if the limits leave it out.
fn admit(
    offer: &Offer,
    limits: &Limits,
    scoring: &Scoring,
) -> Result<Option<Candidate>, FactorError> {
    if offer.id.is_empty() {
        return Err(FactorError::new("id", "a name", "an empty one"));
    }
    if offer.offered_wh > MAX_WH {
        return Err(FactorError::new(
            "offered_wh",
            "at most 1000000000000 Wh",
            offer.offered_wh,
        ));
    }
    let factors = Factors {
        efficiency: offer.efficiency,
        duration_s: offer.duration_s,
        quality: offer.quality,
        past_sales: offer.past_sales,
        price: offer.price,
    };
    scoring.check(&factors)?;
    let deliverable_wh = match offer.deliverable_wh {
        Some(given) if given > offer.offered_wh => {
            return Err(FactorError::new(
                "deliverable_wh",
                "at most offered_wh",
                given,
            ));
        }
        Some(given) => given,
        None => deliverable(offer.offered_wh, offer.efficiency),
    };
    if let Some(ceiling) = limits.max_price {
        match offer.price {
            None => {
                return Err(FactorError::new(
                    "price",
                    "a price, since limits.max_price is set",
                    "none",
                ))
            }
            Some(price) if price > ceiling => return Ok(None),
            Some(_) => {}
        }
    }
    if let Some(zones) = &limits.zones {
        match offer.zone {
            None => {
                return Err(FactorError::new(
                    "zone",
                    "a zone, since limits.zones is set",
                    "none",
                ))
            }
            Some(zone) if !zones.contains(&zone) => return Ok(None),
            Some(_) => {}
        }
    }
    Ok(Some(Candidate {
        deliverable_wh,
        value: scoring.value(&factors),
        tie: offer.tie,
    }))
}

/// Refuses the earliest repetition of an id.
fn unique(offers: &[Offer]) -> Result<(), ProblemError> {
    let mut ids: Vec<(&str, usize)> = offers
        .iter()
        .enumerate()
        .map(|(index, offer)| (offer.id.as_str(), index))
        .collect();
    ids.sort_unstable();
    let repeated = ids.windows(2).filter_map(|pair| match pair {
        [(a, _), (b, index)] if a == b => Some((*index, *b)),
        _ => None,
    });
    match repeated.min() {
        Some((index, id)) => Err(ProblemError::Offer {
            index,
            id: id.to_owned(),
            error: FactorError::new("id", "an id that no earlier offer has", id),
        }),
        None => Ok(()),
    }
}
