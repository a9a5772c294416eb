//! Registers at the ends of windows, from a meter that speaks when it likes: the last value before a border and the
//! first one after it, linear between them when they are at most a minute apart.

use std::collections::BTreeMap;
use wattpool_schema::{Seconds, Wh, Window};

/// Longest time between the two values that a border is drawn between, seconds.
pub const MOST_APART_S: u64 = 60;
/// How long ends of windows are kept, seconds: longer than the market takes late statements.
pub const KEPT_S: u64 = 40 * 86_400;

/// Both registers at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in UTC.
    pub at: Seconds,
    /// OBIS 1-0:1.8.0.
    pub import: Wh,
    /// OBIS 1-0:2.8.0.
    pub export: Wh,
    /// Net power now, import positive, W.
    pub power_w: Option<i64>,
}

/// Why there are no registers for a window's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEnd {
    /// It has not been passed yet, or nothing has been heard since.
    #[error("nothing was heard after the window's end yet")]
    NotYet,
    /// What was heard before and after it lies too far apart: the window is joined with the next one.
    #[error("nothing was heard for {0} s around the window's end: it is joined with the next one")]
    Apart(u64),
    /// It is older than all that is kept, or than the first that was heard.
    #[error("the window ended before what is kept begins")]
    NotKept,
}

/// The load profile of a meter.
#[derive(Clone, Debug)]
pub struct Profile {
    window_s: u32,
    /// Ends of windows; none where the values around lie so many seconds apart.
    ends: BTreeMap<Window, Result<Moment, u64>>,
    last: Option<Moment>,
}

impl Profile {
    /// Of a meter that nothing was heard of. `window_s`: length of a window in seconds, at least 1.
    pub const fn new(window_s: u32) -> Self {
        Self {
            window_s: if window_s == 0 { 1 } else { window_s },
            ends: BTreeMap::new(),
            last: None,
        }
    }

    /// The last moment that was heard.
    pub const fn last(&self) -> Option<&Moment> {
        self.last.as_ref()
    }

    /// What was heard. A moment that is not later than the last one is a repetition, or of a clock that was set
    /// back: it is left out (false).
    pub fn hear(&mut self, moment: Moment) -> bool {
        let Some(last) = self.last else {
            self.last = Some(moment);
            if self.begins_at(moment.at) {
                let ended = self.window_of(moment.at).prev();
                self.ends.insert(ended, Ok(moment));
            }
            return true;
        };
        if moment.at <= last.at {
            return false;
        }
        self.last = Some(moment);
        let apart = moment.at.0.saturating_sub(last.at.0);
        let live = self.window_of(moment.at);
        let oldest = self.oldest(live);
        let mut window = self.window_of(last.at).max(oldest);
        while window < live {
            let border = window.end(self.window_s);
            let end = if border == moment.at {
                Ok(moment)
            } else if apart <= MOST_APART_S {
                between(&last, &moment, border).ok_or(apart)
            } else {
                Err(apart)
            };
            self.ends.insert(window, end);
            window = window.next();
        }
        self.ends = self.ends.split_off(&oldest);
        true
    }

    /// The clock was set back: what was heard of later than this moment is forgotten, and the profile goes on from it.
    pub fn begin_again(&mut self, moment: Moment) {
        let live = self.window_of(moment.at);
        drop(self.ends.split_off(&live));
        self.last = Some(moment);
    }

    /// Puts back an end of a window that was kept; the newest one is the last moment heard.
    pub fn restore(&mut self, window: Window, end: Result<Moment, u64>) {
        self.ends.insert(window, end);
        if let Ok(end) = end {
            if self.last.is_none_or(|l| l.at < end.at) {
                self.last = Some(end);
            }
        }
    }

    /// Ends of windows from one on, oldest first; of those without registers, how many seconds nothing was heard.
    pub fn ends_from(
        &self,
        window: Window,
    ) -> impl Iterator<Item = (Window, Result<Moment, u64>)> + '_ {
        self.ends.range(window..).map(|(w, end)| (*w, *end))
    }

    /// Registers at the end of a window.
    ///
    /// # Errors
    /// [`NoEnd`]: there are none, or not yet.
    pub fn end(&self, window: Window) -> Result<Moment, NoEnd> {
        match self.ends.get(&window) {
            Some(Ok(moment)) => Ok(*moment),
            Some(Err(apart)) => Err(NoEnd::Apart(*apart)),
            None if self.last.is_none_or(|l| l.at < window.end(self.window_s)) => {
                Err(NoEnd::NotYet)
            }
            None => Err(NoEnd::NotKept),
        }
    }

    fn window_of(&self, at: Seconds) -> Window {
        Window(at.0.checked_div(u64::from(self.window_s)).unwrap_or(0))
    }

    fn begins_at(&self, at: Seconds) -> bool {
        self.window_of(at).start(self.window_s) == at
    }

    fn oldest(&self, live: Window) -> Window {
        let kept = KEPT_S.checked_div(u64::from(self.window_s)).unwrap_or(0);
        Window(live.0.saturating_sub(kept))
    }
}

/// What the registers were at a moment between two: whole Wh, rounded down. None where a register fell.
fn between(before: &Moment, after: &Moment, at: Seconds) -> Option<Moment> {
    let whole = u128::from(after.at.0.checked_sub(before.at.0)?);
    let part = u128::from(at.0.checked_sub(before.at.0)?);
    let share = |from: Wh, to: Wh| -> Option<Wh> {
        let risen = u128::from(to.0.checked_sub(from.0)?);
        let risen = risen.checked_mul(part)?.checked_div(whole)?;
        from.checked_add(Wh(u64::try_from(risen).ok()?))
    };
    Some(Moment {
        at,
        import: share(before.import, after.import)?,
        export: share(before.export, after.export)?,
        power_w: after.power_w,
    })
}
