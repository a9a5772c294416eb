//! A meter that replays a home's profile in windows that are chosen while it is read.

use std::sync::{Arc, OnceLock};
use wattpool_core::io::Reading;
use wattpool_core::ports::home::{Meter, MeterError};
use wattpool_scenario::model::Home;
use wattpool_schema::{Wh, Window};

use crate::street::net;

/// Both registers before the profile begins, Wh.
const INSTALLED: u64 = 1_000_000_000;

/// The window in which the profile begins, the same for all meters; until it is set nothing flows.
pub type Beginning = Arc<OnceLock<Window>>;

/// A load profile in windows of the chain.
pub struct ProfileMeter {
    beginning: Beginning,
    window_s: u32,
    /// Registers above [`INSTALLED`] after 0, 1, 2, … windows of the profile: import, export.
    ends: Vec<(u64, u64)>,
}

impl ProfileMeter {
    /// The meter of a home.
    pub fn new(home: &Home, windows: usize, window_s: u32, beginning: Beginning) -> Self {
        let mut ends = vec![(0, 0)];
        for window in 0..windows {
            let (import, export) = net(home, window);
            let last = ends[window];
            ends.push((last.0 + import, last.1 + export));
        }
        Self {
            beginning,
            window_s,
            ends,
        }
    }
}

impl Meter for ProfileMeter {
    async fn registers(&self, end_of: Window) -> Result<Reading, MeterError> {
        let passed = self
            .beginning
            .get()
            .map_or(0, |first| end_of.next().0.saturating_sub(first.0));
        let at = usize::try_from(passed).unwrap_or(usize::MAX);
        let (import, export) = self.ends[at.min(self.ends.len() - 1)];
        Ok(Reading {
            window: end_of,
            taken_at: end_of.end(self.window_s),
            import_register: Wh(INSTALLED + import),
            export_register: Wh(INSTALLED + export),
            power_w: None,
        })
    }
}
