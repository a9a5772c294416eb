//! How much of the clear sky's light comes through, and how the wind blows.
//!
//! A weather regime (clear, broken, overcast) follows a Markov chain over blocks of three hours and is
//! the same for the whole neighbourhood; within it the clear-sky index wavers with a first-order
//! autoregression, one part shared and one part of each home's own.

use super::random::{Draws, Purpose};
use libm::exp;

/// Length of a regime's block, in seconds.
const BLOCK_S: u32 = 10_800;
/// Chance to keep the regime from one block to the next.
const PERSISTENCE: f64 = 0.72;
/// Mean clear-sky index and its standard deviation: clear, broken, overcast.
const REGIMES: [(f64, f64); 3] = [(0.98, 0.03), (0.68, 0.22), (0.30, 0.09)];
/// How often each regime comes when the weather changes: spring and summer of a temperate climate.
const SHARES: [f64; 2] = [0.45, 0.37];
/// Time in which a regime takes over, and memory of the shared and local wavering and of the wind, in
/// seconds.
const TAKEOVER_S: f64 = 2_700.0;
const SHARED_S: f64 = 3_000.0;
const LOCAL_S: f64 = 900.0;
const WIND_S: f64 = 21_600.0;
/// Weights of the shared and local wavering; their squares sum to 1.
const SHARED_WEIGHT: f64 = 0.8;
const LOCAL_WEIGHT: f64 = 0.6;

/// A first-order autoregression with mean 0 and variance 1.
#[derive(Clone, Copy, Debug)]
struct Wavering {
    keep: f64,
    push: f64,
    value: f64,
}

impl Wavering {
    /// `memory_s`: time after which the correlation has fallen to 1/e.
    fn new(memory_s: f64, step_s: u32) -> Self {
        let keep = exp(-f64::from(step_s) / memory_s);
        Self {
            keep,
            push: (1.0 - keep * keep).sqrt(),
            value: 0.0,
        }
    }

    fn step(&mut self, draws: &mut Draws) -> f64 {
        self.value = self.value * self.keep + draws.normal() * self.push;
        self.value
    }
}

/// Weather of one step, shared by all homes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weather {
    /// Mean clear-sky index of the regime plus the shared wavering.
    shared: f64,
    /// Weight of a home's own wavering.
    local: f64,
    /// Wind speed at hub height, m/s.
    pub(crate) wind: f64,
}

/// The weather of `days` days in steps of `step_s` seconds.
pub(crate) fn weather(seed: u64, days: u32, step_s: u32) -> Vec<Weather> {
    let steps_per_day = 86_400_u32.checked_div(step_s).unwrap_or(1).max(1);
    let steps_per_block = BLOCK_S.checked_div(step_s).unwrap_or(1).max(1);
    let takeover = 1.0 - exp(-f64::from(step_s) / TAKEOVER_S);
    let mut draws = Draws::new(seed, Purpose::Weather, 0);
    let mut wavering = Wavering::new(SHARED_S, step_s);
    let mut gusts = Wavering::new(WIND_S, step_s);
    let mut regime = REGIMES[0];
    let (mut mean, mut spread) = REGIMES[0];
    let mut all = Vec::new();
    for day in 0..days {
        draws.seek_day(day);
        for step in 0..steps_per_day {
            if step.checked_rem(steps_per_block) == Some(0) {
                let (change, which) = (draws.unit(), draws.unit());
                if change > PERSISTENCE {
                    regime = match which {
                        w if w < SHARES[0] => REGIMES[0],
                        w if w < SHARES[0] + SHARES[1] => REGIMES[1],
                        _ => REGIMES[2],
                    };
                }
            }
            mean += (regime.0 - mean) * takeover;
            spread += (regime.1 - spread) * takeover;
            let wind = (5.2 + 2.4 * gusts.step(&mut draws)).max(0.0);
            let shared = mean + spread * SHARED_WEIGHT * wavering.step(&mut draws);
            all.push(Weather {
                shared,
                local: spread * LOCAL_WEIGHT,
                wind,
            });
        }
    }
    all
}

/// The sky above one home: the shared weather and its own clouds.
pub(crate) struct Sky {
    wavering: Wavering,
    draws: Draws,
}

impl Sky {
    /// The sky above the home with this index.
    pub(crate) fn new(seed: u64, home: u32, step_s: u32) -> Self {
        Self {
            wavering: Wavering::new(LOCAL_S, step_s),
            draws: Draws::new(seed, Purpose::Sky, home),
        }
    }

    /// Moves to the start of a day.
    pub(crate) fn seek_day(&mut self, day: u32) {
        self.draws.seek_day(day);
    }

    /// Clear-sky index of the next step, in `[0.04, 1.06]` (more than 1 at the bright edge of a cloud).
    pub(crate) fn clear_sky_index(&mut self, weather: &Weather) -> f64 {
        (weather.shared + weather.local * self.wavering.step(&mut self.draws)).clamp(0.04, 1.06)
    }

    /// Wind here over the neighbourhood's in the next step, in `[0.3, 1.7]`.
    pub(crate) fn gust(&mut self) -> f64 {
        (1.0 + 0.15 * self.wavering.step(&mut self.draws)).clamp(0.3, 1.7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_days_keep_the_first() {
        let (short, long) = (weather(3, 2, 900), weather(3, 5, 900));
        assert_eq!(short.len(), 192);
        assert_eq!(short[..], long[..192]);
    }

    #[test]
    fn neighbours_share_the_weather_but_not_every_cloud() {
        let weather = weather(11, 60, 900);
        let index = |home| {
            let mut sky = Sky::new(11, home, 900);
            weather
                .iter()
                .map(|w| sky.clear_sky_index(w))
                .collect::<Vec<_>>()
        };
        let (a, b) = (index(0), index(1));
        let n = a.len() as f64;
        let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
        let (ma, mb) = (mean(&a), mean(&b));
        let cov = a
            .iter()
            .zip(&b)
            .map(|(x, y)| (x - ma) * (y - mb))
            .sum::<f64>();
        let var = |x: &[f64], m: f64| x.iter().map(|v| (v - m) * (v - m)).sum::<f64>();
        let correlation = cov / (var(&a, ma) * var(&b, mb)).sqrt();
        assert!(
            correlation > 0.7 && correlation < 0.98,
            "correlation {correlation}"
        );
        assert!(ma > 0.5 && ma < 0.9, "mean {ma}");
        assert!(a.iter().all(|k| (0.04..=1.06).contains(k)));
    }
}
