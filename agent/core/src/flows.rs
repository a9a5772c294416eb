//! Which zone should supply which: the transport problem of one window over zones, small enough for a meter.
//!
//! ```text
//! max Σ x_ab   s.t.   Σ_b x_ab / (1 − loss_ab) ≤ surplus_a,   Σ_a x_ab ≤ need_b,   0 ≤ x_ab ≤ capacity_ab
//! ```
//!
//! Filling the links by falling efficiency is best in all but one case: where surplus is shut in behind thin
//! lines, a neighbour zone should take it and leave its own to those that only it can reach. Amounts are
//! announced coarsely, so this is a plan and no more; floats do.

// Rows and columns are numbered by this module's own loops over sizes it has set up.
#![allow(clippy::indexing_slicing)]

use wattpool_schema::{Ppm, Wh, PPM};

/// Most links that are planned for: a tableau of about half a MiB.
const MOST_LINKS: usize = 144;
/// What counts as zero, relative to Wh.
const ZERO: f64 = 1e-7;

/// A link that may trade, between zones given by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Seller's zone.
    pub from: usize,
    /// Buyer's zone.
    pub to: usize,
    /// Share lost on the way, less than the whole.
    pub loss: Ppm,
    /// Most that may arrive.
    pub capacity: Option<Wh>,
}

impl Link {
    fn kept(&self) -> f64 {
        f64::from(PPM.saturating_sub(self.loss.0)).max(1.0) / f64::from(PPM)
    }
}

/// One window of all zones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zones {
    /// Surplus per zone, Wh.
    pub surplus: Vec<f64>,
    /// Need per zone, Wh.
    pub need: Vec<f64>,
    /// What trades with what.
    pub links: Vec<Link>,
}

impl Zones {
    /// Links filled by falling efficiency, each as far as it goes: Wh that arrive, per link.
    pub fn greedy(&self) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.links.len()).collect();
        order.sort_by_key(|l| {
            (
                self.links[*l].loss,
                self.links[*l].from != self.links[*l].to,
            )
        });
        let (mut surplus, mut need) = (self.surplus.clone(), self.need.clone());
        let mut flows = vec![0.0; self.links.len()];
        for l in order {
            let link = self.links[l];
            let most = surplus[link.from] * link.kept();
            let flow = link.limit().min(most).min(need[link.to]).max(0.0);
            surplus[link.from] -= flow / link.kept();
            need[link.to] -= flow;
            flows[l] = flow;
        }
        flows
    }

    /// The best flows (Wh that arrive, per link) where they beat the greedy ones by more than `gain`, a share;
    /// none where they do not, or where there are too many links to plan for.
    pub fn better_than_greedy(&self, gain: f64) -> Option<Vec<f64>> {
        let fits = |z: usize| z < self.surplus.len() && z < self.need.len();
        let sound = self.links.iter().all(|l| fits(l.from) && fits(l.to));
        if !sound || self.links.len() > MOST_LINKS {
            return None;
        }
        let greedy = self.greedy();
        let reached: f64 = greedy.iter().sum();
        // Most windows end here: nothing could beat greed by so much.
        if reached * (1.0 + gain) >= self.bound() {
            return None;
        }
        let best = self.simplex()?;
        (best.iter().sum::<f64>() > reached * (1.0 + gain)).then_some(best)
    }

    /// No plan delivers more than the zones' surplus over their best links, nor than their needs take in.
    fn bound(&self) -> f64 {
        let of = |which: fn(&Link) -> usize, zone: usize| {
            self.links.iter().filter(move |link| which(link) == zone)
        };
        let surplus = self.surplus.iter().enumerate().map(|(zone, wh)| {
            let best = of(|l| l.from, zone).map(Link::kept).fold(0.0, f64::max);
            let limits: f64 = of(|l| l.from, zone).map(Link::limit).sum();
            (wh * best).min(limits)
        });
        let need = self.need.iter().enumerate().map(|(zone, wh)| {
            let most = |link: &Link| link.limit().min(self.surplus[link.from] * link.kept());
            wh.min(of(|l| l.to, zone).map(most).sum())
        });
        surplus.sum::<f64>().min(need.sum())
    }

    /// The simplex method from the empty plan, which is feasible; entering columns by the largest gain, after
    /// many steps by the lowest number (Bland 1977), so that it ends.
    fn simplex(&self) -> Option<Vec<f64>> {
        let links = self.links.len();
        let limits: Vec<usize> = (0..links)
            .filter(|l| self.links[*l].capacity.is_some())
            .collect();
        let (sources, sinks) = (self.surplus.len(), self.need.len());
        let rows = sources.saturating_add(sinks).saturating_add(limits.len());
        let columns = links.saturating_add(rows);
        let mut table = vec![vec![0.0; columns.saturating_add(1)]; rows];
        for (row, line) in table.iter_mut().enumerate() {
            line[links.saturating_add(row)] = 1.0;
            let (sink, limit) = (
                row.checked_sub(sources),
                row.checked_sub(sources.saturating_add(sinks)),
            );
            match (sink, limit) {
                (_, Some(limit)) => {
                    line[limits[limit]] = 1.0;
                    line[columns] = self.links[limits[limit]].limit();
                }
                (Some(sink), None) => {
                    for (l, link) in self.links.iter().enumerate() {
                        if link.to == sink {
                            line[l] = 1.0;
                        }
                    }
                    line[columns] = self.need[sink];
                }
                (None, None) => {
                    for (l, link) in self.links.iter().enumerate() {
                        if link.from == row {
                            line[l] = 1.0 / link.kept();
                        }
                    }
                    line[columns] = self.surplus[row];
                }
            }
        }
        let mut gains: Vec<f64> = (0..columns)
            .map(|c| f64::from(u8::from(c < links)))
            .collect();
        let mut basis: Vec<usize> = (links..columns).collect();
        let steps = columns.saturating_mul(4);
        for step in 0..steps.saturating_mul(2) {
            let improving = gains.iter().enumerate().filter(|(_, g)| **g > 1e-9);
            let entering = if step < steps {
                improving.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
            } else {
                improving.min_by_key(|(c, _)| *c)
            };
            let Some(entering) = entering.map(|(c, _)| c) else {
                let mut flows = vec![0.0; links];
                for (line, column) in table.iter().zip(&basis) {
                    if *column < links {
                        flows[*column] = line[columns].max(0.0);
                    }
                }
                return Some(flows);
            };
            let leaving = (0..rows)
                .filter(|r| table[*r][entering] > ZERO)
                .map(|r| (table[r][columns] / table[r][entering], r))
                .min_by(|a, b| a.0.total_cmp(&b.0).then(basis[a.1].cmp(&basis[b.1])));
            // Every column is bounded by its zones: there is always one.
            let (_, leaving) = leaving?;
            let pivot = table[leaving][entering];
            for value in &mut table[leaving] {
                *value /= pivot;
            }
            let line = table[leaving].clone();
            for (row, other) in table.iter_mut().enumerate() {
                let factor = other[entering];
                if row != leaving && factor != 0.0 {
                    for (value, by) in other.iter_mut().zip(&line) {
                        *value -= factor * by;
                    }
                }
            }
            let factor = gains[entering];
            for (value, by) in gains.iter_mut().zip(&line) {
                *value -= factor * by;
            }
            basis[leaving] = entering;
        }
        None
    }
}

impl Link {
    fn limit(&self) -> f64 {
        self.capacity.map_or(f64::MAX, |wh| wh.0 as f64)
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]
mod tests {
    use super::*;

    fn link(from: usize, to: usize, percent: u32, capacity: Option<u64>) -> Link {
        Link {
            from,
            to,
            loss: Ppm(percent * 10_000),
            capacity: capacity.map(Wh),
        }
    }

    /// Zone 0 has much surplus and only a thin line to zone 2, which needs much; zone 1 lies between.
    fn shut_in(capacity: u64) -> Zones {
        Zones {
            surplus: vec![3_000.0, 1_400.0, 0.0],
            need: vec![0.0, 1_700.0, 2_000.0],
            links: vec![
                link(0, 0, 0, None),
                link(1, 1, 0, None),
                link(2, 2, 0, None),
                link(0, 1, 5, None),
                link(1, 2, 2, None),
                link(0, 2, 7, Some(capacity)),
            ],
        }
    }

    #[test]
    fn surplus_that_is_shut_in_goes_next_door() {
        let zones = shut_in(140);
        let greedy: f64 = zones.greedy().iter().sum();
        assert!(
            (greedy - (1_400.0 + 300.0 + 140.0)).abs() < 1e-6,
            "{greedy}"
        );
        let best = zones.better_than_greedy(0.01).unwrap();
        // Zone 1 takes all from zone 0 and leaves its own 1,400 to zone 2.
        let expected = [0.0, 0.0, 0.0, 1_700.0, 1_372.0, 140.0];
        for (found, expected) in best.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{best:?}");
        }
    }

    #[test]
    fn without_thin_lines_greedy_is_as_good() {
        let mut zones = shut_in(5_000);
        assert_eq!(zones.better_than_greedy(0.01), None);
        zones.links.clear();
        assert_eq!(zones.better_than_greedy(0.01), None);
        zones.links.push(link(0, 9, 0, None));
        assert_eq!(zones.better_than_greedy(0.01), None);
    }

    #[test]
    fn plans_are_feasible_and_no_worse_than_greedy() {
        let mut state = 7u64;
        let mut draw = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut better = 0;
        for _ in 0..300 {
            let zones = 3 + draw(5) as usize;
            let mut z = Zones {
                surplus: (0..zones).map(|_| draw(3_000) as f64).collect(),
                need: (0..zones).map(|_| draw(3_000) as f64).collect(),
                links: Vec::new(),
            };
            for from in 0..zones {
                for to in 0..zones {
                    let loss = if from == to { 0 } else { 1 + draw(9) as u32 };
                    let thin = from != to && draw(2) == 0;
                    let capacity = thin.then(|| 50 + draw(300));
                    z.links.push(link(from, to, loss, capacity));
                }
            }
            let greedy: f64 = z.greedy().iter().sum();
            let Some(flows) = z.simplex() else {
                panic!("no end: {z:?}");
            };
            assert!(flows.iter().sum::<f64>() >= greedy - 1e-6);
            for zone in 0..zones {
                let sent: f64 = z
                    .links
                    .iter()
                    .zip(&flows)
                    .filter(|(l, _)| l.from == zone)
                    .map(|(l, x)| x / l.kept())
                    .sum();
                let arrived: f64 = z
                    .links
                    .iter()
                    .zip(&flows)
                    .filter(|(l, _)| l.to == zone)
                    .map(|(_, x)| x)
                    .sum();
                assert!(sent <= z.surplus[zone] + 1e-6 && arrived <= z.need[zone] + 1e-6);
            }
            assert!(z
                .links
                .iter()
                .zip(&flows)
                .all(|(l, x)| *x <= l.limit() + 1e-6 && *x >= 0.0));
            // What greed leaves out is found, and the short cut hides nothing.
            let found = z.better_than_greedy(0.01).is_some();
            assert_eq!(found, flows.iter().sum::<f64>() > greedy * 1.01);
            better += u32::from(found);
        }
        assert!(better > 5, "{better}");
    }
}
