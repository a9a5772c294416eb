//! What a transfer loses on the lines of the local grid: the physics, and what an agent can know of it.
//!
//! Two losses are kept apart. The *contractual* loss of a zone pair is a number of the market's terms: tokens
//! are burnt by it, payments follow it, and the deliverable amount of an offer is reckoned with it alone. The
//! *physical* loss of this module depends on the way through the low-voltage lines, on how much flows there
//! and on how warm the conductors are. It is nobody's to pay: an agent estimates it to score offers.
//!
//! A line goes from the zone's transformer past its homes. A piece of it with the net power `P` has the current
//! `I = |P| / (√3·U)` per conductor, the conductor is at `θ = θ_air + ΔT·(I/I_r)²` and has the resistance
//! `R = r·length·(1 + α·(θ − 20 °C))`; it turns `3·I²·R` into heat, the share `|P|·R/U²` of what flows. Energy
//! that goes with the flow bears that share; energy that goes against it makes the flow smaller and bears none.

use wattpool_schema::{MeterId, Window, Zone};

/// Temperature coefficient of the resistance of aluminium at 20 °C, per K (IEC 60889).
const ALPHA: f64 = 0.004_03;
/// Temperature that resistances are stated for, °C.
const STATED_AT_C: f64 = 20.0;
/// Places are published in steps of so many metres: a map of the street, not of the houses.
const PUBLISHED_M: u32 = 50;

/// Data sheet of a line: three-phase, balanced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Resistance of one conductor at 20 °C, Ω per km.
    pub ohm_per_km: f64,
    /// Voltage between conductors, V.
    pub voltage_v: f64,
    /// Current that it carries for ever, A.
    pub rated_a: f64,
    /// How much warmer than the air it is then, K.
    pub rated_rise_k: f64,
}

/// Where a meter hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the line among those of its zone's transformer.
    pub line: u16,
    /// Way along the line from the transformer.
    pub metres: u32,
}

impl Place {
    /// The place as it is published: to the next 50 m, never at the transformer itself.
    pub const fn published(self) -> Self {
        let steps = self.metres.div_ceil(PUBLISHED_M);
        let steps = if steps == 0 { 1 } else { steps };
        Self {
            line: self.line,
            metres: steps.saturating_mul(PUBLISHED_M),
        }
    }
}

/// What is publicly known of the lines: the grid operator's plan and a weather feed.
pub trait Lines {
    /// Where a meter hangs, to 50 m ([`Place::published`]); none if it is not in the plan.
    fn place(&self, meter: &MeterId) -> Option<Place>;
    /// Data sheet of a zone's lines.
    fn line(&self, zone: Zone) -> Option<Line>;
    /// Mean air temperature in a metered window, °C.
    fn air_c(&self, window: Window) -> Option<f64>;
}

/// Net powers along one line in one window: what is fed in or drawn where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flows {
    /// Metres from the transformer, ascending, and W (feeding in positive).
    points: Vec<(u32, f64)>,
}

impl Flows {
    /// Of the homes of one line, in any order: metres from the transformer and W, feeding in positive.
    pub fn new(homes: impl Iterator<Item = (u32, f64)>) -> Self {
        let mut points: Vec<(u32, f64)> = homes.collect();
        points.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { points }
    }

    /// Share in `[0, 1)` of energy that is lost on the way along the line between two places (metres from the
    /// transformer, 0 for the transformer itself), with the air at `air_c` °C.
    pub fn lost(&self, line: &Line, from_m: u32, to_m: u32, air_c: f64) -> f64 {
        let (near, far) = (from_m.min(to_m), from_m.max(to_m));
        let up = from_m > to_m;
        let mut beyond: f64 = self
            .points
            .iter()
            .filter(|(m, _)| *m > near)
            .map(|(_, w)| w)
            .sum();
        let (mut at, mut kept) = (near, 1.0);
        let within = self.points.iter().filter(|(m, _)| *m > near && *m < far);
        for (m, watts) in within {
            kept *= 1.0 - line.share(beyond, m.saturating_sub(at), up, air_c);
            at = *m;
            beyond -= watts;
        }
        kept *= 1.0 - line.share(beyond, far.saturating_sub(at), up, air_c);
        1.0 - kept
    }
}

impl Line {
    /// Share of the energy through a piece of the line that turns into heat, in `[0, 0.99]`; zero against the
    /// flow. `watts` go towards the transformer where positive.
    fn share(&self, watts: f64, metres: u32, up: bool, air_c: f64) -> f64 {
        if metres == 0 || (watts > 0.0) != up {
            return 0.0;
        }
        let power = watts.abs();
        let current = power / (3.0_f64.sqrt() * self.voltage_v);
        let load = current / self.rated_a;
        let conductor_c = air_c + self.rated_rise_k * load * load;
        let cold = self.ohm_per_km * f64::from(metres) / 1_000.0;
        let ohm = cold * (1.0 + ALPHA * (conductor_c - STATED_AT_C));
        (power * ohm / (self.voltage_v * self.voltage_v)).clamp(0.0, 0.99)
    }
}

/// Share of a transfer that is lost on the lines between two homes: on the one line they share, or from the
/// seller up its line and down the buyer's. What is lost between the transformers is the zone pair's affair.
pub fn lost_between(
    seller: (Zone, Place),
    buyer: (Zone, Place),
    line_of: impl Fn(Zone) -> Option<Line>,
    flows_of: impl Fn(Zone, u16) -> Option<Flows>,
    air_c: f64,
) -> f64 {
    let along = |(zone, place): (Zone, Place), from: u32, to: u32| {
        let line = line_of(zone)?;
        Some(flows_of(zone, place.line)?.lost(&line, from, to, air_c))
    };
    let ((_, s), (_, b)) = (seller, buyer);
    if seller.0 == buyer.0 && s.line == b.line {
        return along(seller, s.metres, b.metres).unwrap_or(0.0);
    }
    let up = along(seller, s.metres, 0).unwrap_or(0.0);
    let down = along(buyer, 0, b.metres).unwrap_or(0.0);
    1.0 - (1.0 - up) * (1.0 - down)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 × 50 mm² aluminium.
    const LINE: Line = Line {
        ohm_per_km: 0.641,
        voltage_v: 400.0,
        rated_a: 144.0,
        rated_rise_k: 45.0,
    };

    #[test]
    fn one_piece_by_hand() {
        // 20 kW over 500 m at 20 °C: I = 28.87 A, 4 % of the rated heat: 21.81 °C, R = 0.3205·1.00729 Ω.
        let flows = Flows::new([(500, 20_000.0)].into_iter());
        let lost = flows.lost(&LINE, 500, 0, 20.0);
        let load: f64 = 20_000.0 / (3.0_f64.sqrt() * 400.0) / 144.0;
        let ohm = 0.3205 * (1.0 + 0.00403 * 45.0 * load * load);
        assert!((lost - 20_000.0 * ohm / 160_000.0).abs() < 1e-12, "{lost}");
        assert!((lost - 0.0404).abs() < 1e-4, "{lost}");
    }

    #[test]
    fn further_fuller_and_warmer_loses_more_and_against_the_flow_nothing_is_lost() {
        let flows = |w: f64| Flows::new([(100, w), (200, w), (300, w)].into_iter());
        let lost = |w, from, to, air| flows(w).lost(&LINE, from, to, air);
        assert!(lost(2_000.0, 300, 0, 20.0) > lost(2_000.0, 200, 0, 20.0));
        assert!(lost(4_000.0, 300, 0, 20.0) > 1.9 * lost(2_000.0, 300, 0, 20.0));
        assert!(lost(2_000.0, 300, 0, 35.0) > lost(2_000.0, 300, 0, 5.0));
        assert_eq!(lost(2_000.0, 0, 300, 20.0), 0.0);
        assert_eq!(lost(-2_000.0, 300, 0, 20.0), 0.0);
        // Between neighbours: the piece between them carries what comes from beyond.
        let one = flows(2_000.0).lost(&LINE, 200, 100, 20.0);
        let line = 4_000.0 * 0.0641 / 160_000.0;
        assert!((one - line).abs() < line * 0.01, "{one}");
    }

    #[test]
    fn two_lines_add_up() {
        let at = |zone, line, metres| (Zone(zone), Place { line, metres });
        let flows = |zone: Zone, _| {
            let watts = if zone == Zone(1) { 3_000.0 } else { -3_000.0 };
            Some(Flows::new([(400, watts)].into_iter()))
        };
        let lost = lost_between(at(1, 0, 400), at(2, 0, 400), |_| Some(LINE), flows, 20.0);
        let up = flows(Zone(1), 0).unwrap().lost(&LINE, 400, 0, 20.0);
        assert!((lost - (1.0 - (1.0 - up) * (1.0 - up))).abs() < 1e-12);
        // Without a plan nothing is known.
        assert_eq!(
            lost_between(at(1, 0, 400), at(2, 0, 400), |_| None, flows, 20.0),
            0.0
        );
    }

    #[test]
    fn places_are_published_coarsely() {
        let at = |metres| Place { line: 3, metres }.published().metres;
        assert_eq!([at(0), at(1), at(50), at(51)], [50, 50, 50, 100]);
    }
}
