//! The most that perfect matching could deliver in a window: the yardstick of the market.
//!
//! Without losses, capacities and excluded pairs it is `min(Σ surplus, Σ deficit)`. Otherwise it is a
//! transport problem over zones, with `x_ab` the Wh that arrive in `b` from `a`:
//!
//! ```text
//! max Σ x_ab   s.t.   Σ_b x_ab / (1 − loss_ab) ≤ surplus_a,   Σ_a x_ab ≤ deficit_b,   0 ≤ x_ab ≤ capacity_ab
//! ```
//!
//! A zone pair at whose tariffs and charge nobody gains does not trade and is left out (FR-07). It is
//! the physical ceiling: homes whose owners do not trade count as well.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use thiserror::Error;
use wattpool_scenario::model::{Neighbourhood, ZonePair};
use wattpool_schema::units::PPM;
use wattpool_schema::{Ppm, Price, Tariff, Wh, Zone};

/// Why a ceiling could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CeilingError {
    /// A home lies in a zone outside the neighbourhood the ceiling was prepared for.
    #[error("ceiling: zone {zone} is not a zone of this neighbourhood")]
    UnknownZone {
        /// The zone.
        zone: Zone,
    },
    /// The solver gave up; the transport problem always has a solution.
    #[error("ceiling: the transport problem over zones was not solved: {reason}")]
    Solver {
        /// The solver's word.
        reason: String,
    },
}

/// Wh below which two ceilings are the same.
const TOLERANCE_WH: f64 = 1e-6;

/// One directed zone pair with the zones as indices.
#[derive(Clone, Copy, Debug)]
struct Link {
    from: usize,
    to: usize,
    loss: Ppm,
    efficiency: f64,
    charge: Price,
    capacity: f64,
}

/// A link that can carry something in one window: `limit` is the most that may arrive over it.
#[derive(Clone, Copy, Debug)]
struct Active {
    from: usize,
    to: usize,
    efficiency: f64,
    limit: f64,
    capacity_binds: bool,
}

/// Computes the ceiling window by window for one neighbourhood.
#[derive(Clone, Debug)]
pub struct Ceiling {
    zones: BTreeMap<Zone, usize>,
    links: Vec<Link>,
}

/// True when both sides can gain on a zone pair (FR-07): `U = import − charge` is at least
/// `max(L, 0)` with `L = max(feed-in, 0) / (1 − loss)`; a tie trades. Compared in integers.
pub fn pair_trades(loss: Ppm, charge: Price, import: Tariff, feed_in: Tariff) -> bool {
    let upper = i128::from(import.get()).saturating_sub(i128::from(charge.get()));
    let Some(kept) = PPM.checked_sub(loss.get()).filter(|kept| *kept > 0) else {
        return false;
    };
    let lower = i128::from(feed_in.get().max(0)).saturating_mul(i128::from(PPM));
    upper >= 0 && upper.saturating_mul(i128::from(kept)) >= lower
}

impl Ceiling {
    /// Prepares the zones and terms of a neighbourhood.
    pub fn new(neighbourhood: &Neighbourhood) -> Self {
        Self::from_terms(
            neighbourhood.homes.iter().map(|home| home.zone),
            &neighbourhood.zone_pairs,
        )
    }

    /// Prepares for the given zones of homes and terms between them. A pair without terms cannot trade.
    pub fn from_terms(homes: impl IntoIterator<Item = Zone>, pairs: &[ZonePair]) -> Self {
        let mut zones: BTreeMap<Zone, usize> = homes.into_iter().map(|zone| (zone, 0)).collect();
        for (slot, index) in zones.values_mut().zip(0..) {
            *slot = index;
        }
        let links = pairs.iter().filter_map(|pair| {
            Some(Link {
                from: *zones.get(&pair.from)?,
                to: *zones.get(&pair.to)?,
                loss: pair.loss,
                efficiency: 1.0 - f64::from(pair.loss.get()) / f64::from(PPM),
                charge: pair.charge,
                capacity: pair.capacity.map_or(f64::INFINITY, |wh| wh.get() as f64),
            })
        });
        Self {
            links: links.collect(),
            zones,
        }
    }

    /// Index of a zone in the slices given to [`Ceiling::window`].
    pub fn zone_index(&self, zone: Zone) -> Result<usize, CeilingError> {
        self.zones
            .get(&zone)
            .copied()
            .ok_or(CeilingError::UnknownZone { zone })
    }

    /// Number of zones.
    pub fn zones(&self) -> usize {
        self.zones.len()
    }

    /// The most that could arrive by trade in a window, Wh. `surplus` and `deficit` are the sums over
    /// each zone's homes, in the order of [`Ceiling::zone_index`]; tariffs are those of the window.
    pub fn window(
        &self,
        surplus: &[u64],
        deficit: &[u64],
        import: Tariff,
        feed_in: Tariff,
    ) -> Result<f64, CeilingError> {
        let supply: Vec<f64> = surplus.iter().map(|wh| *wh as f64).collect();
        let need: Vec<f64> = deficit.iter().map(|wh| *wh as f64).collect();
        let active = self.active(&supply, &need, import, feed_in);
        if active.is_empty() {
            return Ok(0.0);
        }
        if let Some(closed_form) = pooled(&active, &supply, &need) {
            return Ok(closed_form);
        }
        // A greedy plan that meets an upper bound is optimal: most windows end here.
        let (reached, bound) = (
            greedy(&active, &supply, &need),
            upper_bound(&active, &supply, &need),
        );
        if reached + TOLERANCE_WH >= bound {
            return Ok(bound);
        }
        // The solver's rounding may not leave what the greedy plan and the bound prove.
        Ok(transport(&active, &supply, &need)?.clamp(reached, bound))
    }

    /// The same zones and terms with the capacities less what has been carried over them.
    pub fn less(&self, carried: impl IntoIterator<Item = (Zone, Zone, Wh)>) -> Self {
        let mut left = self.clone();
        for (from, to, wh) in carried {
            let (from, to) = (self.zones.get(&from), self.zones.get(&to));
            let on_it = |link: &&mut Link| Some(&link.from) == from && Some(&link.to) == to;
            if let Some(link) = left.links.iter_mut().find(on_it) {
                link.capacity = (link.capacity - wh.get() as f64).max(0.0);
            }
        }
        left
    }

    /// What filling the links by falling efficiency would deliver, Wh: what a market of agents that each know
    /// only the terms can be expected to come near to.
    pub fn greedy(&self, surplus: &[u64], deficit: &[u64], import: Tariff, feed_in: Tariff) -> f64 {
        let supply: Vec<f64> = surplus.iter().map(|wh| *wh as f64).collect();
        let need: Vec<f64> = deficit.iter().map(|wh| *wh as f64).collect();
        let active = self.active(&supply, &need, import, feed_in);
        greedy(&active, &supply, &need)
    }

    fn active(&self, supply: &[f64], need: &[f64], import: Tariff, feed_in: Tariff) -> Vec<Active> {
        let carries = |link: &Link| {
            let available = supply.get(link.from).copied().unwrap_or(0.0) * link.efficiency;
            let uncapped = available.min(need.get(link.to).copied().unwrap_or(0.0));
            let limit = uncapped.min(link.capacity);
            (limit > 0.0 && pair_trades(link.loss, link.charge, import, feed_in)).then_some(
                Active {
                    from: link.from,
                    to: link.to,
                    efficiency: link.efficiency,
                    limit,
                    capacity_binds: link.capacity < uncapped,
                },
            )
        };
        self.links.iter().filter_map(carries).collect()
    }
}

fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(0.0)
}

/// Sum of `values` over the distinct indices.
fn sum_over(values: &[f64], indices: impl Iterator<Item = usize>) -> (f64, usize) {
    let mut seen: Vec<usize> = indices.collect();
    seen.sort_unstable();
    seen.dedup();
    (
        seen.iter().map(|index| at(values, *index)).sum(),
        seen.len(),
    )
}

/// The closed form when every active zone reaches every other at the same loss and no capacity binds.
fn pooled(active: &[Active], supply: &[f64], need: &[f64]) -> Option<f64> {
    let first = active.first()?;
    if active
        .iter()
        .any(|link| link.capacity_binds || link.efficiency != first.efficiency)
    {
        return None;
    }
    let (offered, sources) = sum_over(supply, active.iter().map(|link| link.from));
    let (wanted, sinks) = sum_over(need, active.iter().map(|link| link.to));
    (active.len() == sources.saturating_mul(sinks))
        .then(|| (offered * first.efficiency).min(wanted))
}

/// Fills the links by falling efficiency: feasible, and optimal for one source or one sink.
fn greedy(active: &[Active], supply: &[f64], need: &[f64]) -> f64 {
    let mut order: Vec<&Active> = active.iter().collect();
    order.sort_by(|a, b| b.efficiency.total_cmp(&a.efficiency));
    let (mut supply, mut need) = (supply.to_vec(), need.to_vec());
    let mut total = 0.0;
    for link in order {
        if let (Some(offered), Some(wanted)) = (supply.get_mut(link.from), need.get_mut(link.to)) {
            let arriving = link
                .limit
                .min(*offered * link.efficiency)
                .min(*wanted)
                .max(0.0);
            *offered -= arriving / link.efficiency;
            *wanted -= arriving;
            total += arriving;
        }
    }
    total
}

/// No plan delivers more than its sources' best links yield, nor than its sinks can take.
fn upper_bound(active: &[Active], supply: &[f64], need: &[f64]) -> f64 {
    let zones = supply.len().max(need.len());
    let from_sources: f64 = (0..zones)
        .map(|zone| {
            let links = active.iter().filter(|link| link.from == zone);
            let best = links
                .clone()
                .map(|link| link.efficiency)
                .fold(0.0, f64::max);
            (at(supply, zone) * best).min(links.map(|link| link.limit).sum())
        })
        .sum();
    let into_sinks: f64 = (0..zones)
        .map(|zone| {
            let arriving = active
                .iter()
                .filter(|link| link.to == zone)
                .map(|link| link.limit);
            at(need, zone).min(arriving.sum())
        })
        .sum();
    from_sources.min(into_sinks)
}

/// The transport problem itself.
fn transport(active: &[Active], supply: &[f64], need: &[f64]) -> Result<f64, CeilingError> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let flows: Vec<_> = active
        .iter()
        .map(|link| (link, problem.add_var(1.0, (0.0, link.limit))))
        .collect();
    for zone in 0..supply.len() {
        let row: Vec<_> = flows
            .iter()
            .filter(|(l, _)| l.from == zone)
            .map(|(l, x)| (*x, 1.0 / l.efficiency))
            .collect();
        if !row.is_empty() {
            problem.add_constraint(&row, ComparisonOp::Le, at(supply, zone));
        }
    }
    for zone in 0..need.len() {
        let row: Vec<_> = flows
            .iter()
            .filter(|(l, _)| l.to == zone)
            .map(|(_, x)| (*x, 1.0))
            .collect();
        if !row.is_empty() {
            problem.add_constraint(&row, ComparisonOp::Le, at(need, zone));
        }
    }
    let outcome = problem.solve().map_err(|error| CeilingError::Solver {
        reason: error.to_string(),
    })?;
    let solution = outcome.into_solution().map_err(|_| CeilingError::Solver {
        reason: "stopped before a solution was found".into(),
    })?;
    Ok(solution.objective())
}
