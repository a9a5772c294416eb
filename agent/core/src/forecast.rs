//! What the coming windows will bring: the same window of yesterday, blended with the last ones.

use wattpool_schema::{Wh, Window};

/// Net energy per window of the day, and the recent course.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Net (surplus positive) of the last day, by window of the day.
    yesterday: Vec<i32>,
    /// Whether a slot has been seen.
    seen: u32,
    /// Blend of the last windows' differences from yesterday.
    drift: i64,
    /// What yesterday's slot of the window last added was, for `drift`.
    last: Option<Window>,
}

impl Forecast {
    /// Without history; `window_s` cuts the day.
    pub fn new(window_s: u32) -> Self {
        let slots = 86_400u32
            .checked_div(window_s.max(1))
            .unwrap_or(1)
            .clamp(1, 1_440);
        Self {
            yesterday: vec![0; usize::try_from(slots).unwrap_or(1)],
            seen: 0,
            drift: 0,
            last: None,
        }
    }

    fn slot(&self, window: Window) -> usize {
        let slots = u64::try_from(self.yesterday.len()).unwrap_or(1).max(1);
        window
            .0
            .checked_rem(slots)
            .and_then(|slot| usize::try_from(slot).ok())
            .unwrap_or(0)
    }

    /// A day has been seen.
    pub fn ready(&self) -> bool {
        usize::try_from(self.seen).is_ok_and(|seen| seen >= self.yesterday.len())
    }

    /// Adds a metered window.
    pub fn add(&mut self, window: Window, surplus: Wh, deficit: Wh) {
        let net = to_i32(surplus).saturating_sub(to_i32(deficit));
        let slot = self.slot(window);
        let ready = self.ready();
        if let Some(old) = self.yesterday.get_mut(slot) {
            if ready {
                // Half of the difference is carried on: two windows weigh 3/4.
                self.drift = self
                    .drift
                    .saturating_add(i64::from(net.saturating_sub(*old)))
                    / 2;
            }
            *old = net;
        }
        self.seen = self.seen.saturating_add(1);
        self.last = Some(window);
    }

    /// Expected net energy of a window up to a day ahead: yesterday's, shifted by the recent drift,
    /// which fades by half with every window ahead. Without a day of history: none.
    pub fn net(&self, window: Window) -> Option<i64> {
        let last = self.last?;
        if !self.ready() || window <= last {
            return None;
        }
        let ahead = u32::try_from(window.0.saturating_sub(last.0).min(62)).unwrap_or(62);
        let base = self
            .yesterday
            .get(self.slot(window))
            .copied()
            .map(i64::from)?;
        Some(base.saturating_add(self.drift.checked_shr(ahead.saturating_sub(1)).unwrap_or(0)))
    }

    /// Least expected surplus and least expected deficit over a span of windows.
    pub fn span(&self, from: Window, count: u32) -> Option<(Wh, Wh)> {
        let mut least = (Wh::MAX, Wh::MAX);
        for i in 0..u64::from(count) {
            let net = self.net(from.plus(i))?;
            let (surplus, deficit) = (net.max(0).unsigned_abs(), net.min(0).unsigned_abs());
            least = (least.0.min(Wh(surplus)), least.1.min(Wh(deficit)));
        }
        Some(least)
    }
}

fn to_i32(wh: Wh) -> i32 {
    i32::try_from(wh.0).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yesterday_and_drift() {
        let mut f = Forecast::new(21_600); // four windows a day
        assert_eq!(f.net(Window(1)), None);
        for (w, net) in [(0u64, 0i64), (1, 100), (2, 50), (3, -200)] {
            f.add(
                Window(w),
                Wh(net.max(0).unsigned_abs()),
                Wh(net.min(0).unsigned_abs()),
            );
        }
        assert_eq!(f.net(Window(5)), Some(100));
        assert_eq!(f.net(Window(7)), Some(-200));
        f.add(Window(4), Wh(40), Wh(0)); // 40 above yesterday's 0
        assert_eq!(f.net(Window(5)), Some(120));
        assert_eq!(f.net(Window(6)), Some(60));
        assert_eq!(f.span(Window(5), 2), Some((Wh(60), Wh(0))));
        assert_eq!(f.span(Window(6), 2), Some((Wh(0), Wh(0))));
    }
}
