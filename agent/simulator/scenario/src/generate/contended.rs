//! A generated neighbourhood in which the way from surplus to need matters.

use super::random::{Draws, Purpose};
use super::{neighbourhood, GenerateOptions};
use crate::errors::ScenarioError;
use crate::model::{HomeKind, Neighbourhood, ZonePair};
use wattpool_schema::{Ppm, Price, Wh, Zone};

/// Homes per zone, about, and the most zones.
const HOMES_PER_ZONE: u32 = 16;
const MOST: u32 = 8;
/// Share of the homes that live where their kind does: producers on the sunny side, consumers opposite.
const SORTED: f64 = 0.75;
/// Stream of the lines: beyond every home's number.
const LINES: u32 = u32::MAX >> 2;

/// Zones between which energy is lost (1 to 9 %), charged for, and on every second line limited: producers
/// live in the odd zones mostly, consumers in the even ones, and a thin line carries what some homes of its
/// end consume, less than would flow over it in the sun. `options.zones` does not count.
///
/// # Errors
/// [`ScenarioError::Option`] for options out of range.
pub fn contended(options: &GenerateOptions) -> Result<Neighbourhood, ScenarioError> {
    let mut made = neighbourhood(options)?;
    let zones = options.homes.div_ceil(HOMES_PER_ZONE).clamp(2, MOST);
    let mut draws = Draws::new(options.seed, Purpose::Traits, LINES);
    for home in &mut made.homes {
        let sunny = home.kind != HomeKind::Consumer;
        let sorted = draws.unit() < SORTED;
        let place = draws.below(zones.div_ceil(2)).saturating_mul(2);
        // Zones count from 1: an even place is an odd zone.
        let place = place.saturating_add(u32::from(sunny != sorted));
        let zone = place.min(zones.saturating_sub(1)).saturating_add(1);
        home.zone = Zone(u16::try_from(zone).unwrap_or(1));
    }
    let per_zone = f64::from(options.homes) / f64::from(zones);
    let quarter_hours = f64::from(options.window_s) / 900.0;
    let mut pairs = Vec::new();
    for from in 1..=zones {
        for to in 1..=zones {
            let (percent, thin, width) = (
                draws.below(9).saturating_add(1),
                draws.unit() < 0.5,
                draws.between(10.0, 40.0),
            );
            let (from_zone, to_zone) = (
                Zone(u16::try_from(from).unwrap_or(1)),
                Zone(u16::try_from(to).unwrap_or(1)),
            );
            let own = from == to;
            let width = (width * per_zone * quarter_hours).clamp(1.0, 1e9);
            // Within the range by the clamp.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let width = Wh(width as u64);
            pairs.push(ZonePair {
                from: from_zone,
                to: to_zone,
                loss: Ppm(if own {
                    0
                } else {
                    percent.saturating_mul(10_000)
                }),
                charge: Price(if own {
                    0
                } else {
                    u64::from(percent).saturating_mul(5_000)
                }),
                capacity: (thin && !own).then_some(width),
            });
        }
    }
    made.zone_pairs = pairs;
    made.name = format!("contended-{}", options.seed);
    Ok(made)
}
