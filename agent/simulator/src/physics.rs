//! What traded energy loses on the low-voltage lines: a side account in Wh that no contract knows of.

use crate::meters::energy;
use std::collections::BTreeMap;
use wattpool_core::lines::{lost_between, Flows};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::event::Delivered;
use wattpool_schema::{Window, Zone};

/// The lines' true loading, window by window, and what trades lost on them.
#[derive(Default)]
pub(crate) struct Physics {
    window: Option<Window>,
    flows: BTreeMap<(Zone, u16), Flows>,
    /// Lost on the lines by what was traded, Wh.
    pub lost_wh: f64,
}

impl Physics {
    /// Accounts a delivery: all that the seller sends goes the way between the two homes, past what really
    /// flows there in that window, in that window's weather.
    pub fn deliver(&mut self, n: &Neighbourhood, seller: u32, buyer: u32, d: &Delivered) {
        let Some(feeders) = &n.feeders else { return };
        if self.window != Some(d.window) {
            self.window = Some(d.window);
            self.load(n, d.window);
        }
        let place = |home: u32| {
            let index = usize::try_from(home).ok()?;
            Some((n.homes.get(index)?.zone, *feeders.places.get(index)?))
        };
        let air = d.window.0.checked_sub(n.first_window.0);
        let air = air
            .and_then(|w| usize::try_from(w).ok())
            .and_then(|w| feeders.air_c.get(w));
        let (Some(from), Some(to), Some(air_c)) = (place(seller), place(buyer), air) else {
            return;
        };
        let flows = |zone, line| self.flows.get(&(zone, line)).cloned();
        let share = lost_between(from, to, |_| Some(feeders.line), flows, *air_c);
        let sent = f64::from(u32::try_from(d.gross.0).unwrap_or(u32::MAX));
        self.lost_wh += sent * share;
    }

    fn load(&mut self, n: &Neighbourhood, window: Window) {
        let Some(feeders) = &n.feeders else { return };
        let mut lines: BTreeMap<(Zone, u16), Vec<(u32, f64)>> = BTreeMap::new();
        let to_watts = 3_600.0 / f64::from(n.window_s.max(1));
        for (index, (home, place)) in n.homes.iter().zip(&feeders.places).enumerate() {
            let (import, export) = energy(n, index, window);
            let whole = |wh: u64| f64::from(u32::try_from(wh).unwrap_or(u32::MAX));
            let watts = (whole(export) - whole(import)) * to_watts;
            lines
                .entry((home.zone, place.line))
                .or_default()
                .push((place.metres, watts));
        }
        self.flows = lines
            .into_iter()
            .map(|(key, homes)| (key, Flows::new(homes.into_iter())))
            .collect();
    }
}
