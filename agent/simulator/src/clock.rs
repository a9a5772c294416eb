//! Wall-clock time by part of the machinery; it has no influence on the run.

use std::time::Instant;
use wattpool_core::context::ChoiceClock;

/// Adds up the time between `begin` and `end`.
#[derive(Debug, Default)]
pub(crate) struct StopWatch {
    since: Option<Instant>,
    pub seconds: f64,
}

impl StopWatch {
    pub fn start(&mut self) {
        self.since = Some(Instant::now());
    }
    pub fn stop(&mut self) {
        if let Some(since) = self.since.take() {
            self.seconds += since.elapsed().as_secs_f64();
        }
    }
}

impl ChoiceClock for StopWatch {
    fn begin(&mut self) {
        self.start();
    }
    fn end(&mut self) {
        self.stop();
    }
}
