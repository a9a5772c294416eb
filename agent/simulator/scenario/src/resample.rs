//! From the steps of a file to market windows, and from fractions to whole watt-hours.

/// Rounds a running total instead of each value: what one value gains or loses by rounding, the next
/// gives back, so that the sum of what is booked is the rounded sum of what was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct WhCarry {
    total: f64,
    booked: u64,
}

impl WhCarry {
    /// Adds an amount in Wh (not negative, finite) and returns the whole Wh to book now; held at
    /// `u32::MAX`.
    pub fn take(&mut self, wh: f64) -> u32 {
        self.total += wh;
        let due = whole(self.total.round()).saturating_sub(self.booked);
        let now = u32::try_from(due).unwrap_or(u32::MAX);
        self.booked = self.booked.saturating_add(u64::from(now));
        now
    }
}

/// A float's whole part, zero when negative.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

/// The market windows of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// First second of the first window, Unix time.
    pub(crate) start: i64,
    /// Length of a window in seconds.
    pub(crate) window_s: u32,
    /// Number of windows.
    pub(crate) windows: usize,
}

impl Span {
    /// First second after the last window.
    pub(crate) fn end(&self) -> i64 {
        let windows = i64::try_from(self.windows).unwrap_or(i64::MAX);
        self.start
            .saturating_add(windows.saturating_mul(i64::from(self.window_s)))
    }
}

/// How steps lie to windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// One step is one window.
    Same,
    /// So many steps make a window.
    Finer(usize),
    /// So many windows make a step.
    Coarser(usize),
}

impl Fit {
    /// How steps of `step_s` seconds lie to windows of `window_s`; `None` when neither divides the other.
    pub(crate) fn of(step_s: u32, window_s: u32) -> Option<Self> {
        let parts = |whole: u32, part: u32| {
            (whole.checked_rem(part)? == 0)
                .then(|| usize::try_from(whole.checked_div(part)?).ok())?
        };
        if step_s == window_s {
            Some(Self::Same)
        } else if step_s < window_s {
            parts(window_s, step_s).map(Self::Finer)
        } else {
            parts(step_s, window_s).map(Self::Coarser)
        }
    }
}

/// A run of equal steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps<'a> {
    /// First second of the first step, Unix time.
    pub(crate) start: i64,
    /// Length of a step in seconds.
    pub(crate) step_s: u32,
    /// A value per step.
    pub(crate) values: &'a [f64],
}

impl Steps<'_> {
    /// Energy per window from energy per step: finer steps are added up, coarser ones spread evenly.
    /// `None` when the steps do not cover the windows or do not meet their edges.
    pub(crate) fn energy(&self, span: &Span) -> Option<Vec<f64>> {
        self.fold(span, |steps| steps.iter().sum(), |step, parts| step / parts)
    }

    /// A level (price, intensity) per window: finer steps are averaged, coarser ones repeated.
    pub(crate) fn level(&self, span: &Span) -> Option<Vec<f64>> {
        self.fold(
            span,
            |steps| steps.iter().sum::<f64>() / steps.len().max(1) as f64,
            |step, _| step,
        )
    }

    fn fold(
        &self,
        span: &Span,
        join: impl Fn(&[f64]) -> f64,
        split: impl Fn(f64, f64) -> f64,
    ) -> Option<Vec<f64>> {
        let ahead = usize::try_from(span.start.checked_sub(self.start)?).ok()?;
        let step = usize::try_from(self.step_s).ok()?;
        let (skip, off) = (ahead.checked_div(step)?, ahead.checked_rem(step)?);
        let window = usize::try_from(span.window_s).ok()?;
        match Fit::of(self.step_s, span.window_s)? {
            Fit::Same | Fit::Finer(_) => {
                let parts = window.checked_div(step)?;
                let until = span.windows.checked_mul(parts)?.checked_add(skip)?;
                let used = self.values.get(skip..until).filter(|_| off == 0)?;
                Some(used.chunks_exact(parts).map(join).collect())
            }
            Fit::Coarser(parts) => {
                let first = (off.checked_rem(window)? == 0).then(|| off.checked_div(window))??;
                let mut windows = self
                    .values
                    .get(skip..)?
                    .iter()
                    .flat_map(|v| std::iter::repeat_n(split(*v, parts as f64), parts))
                    .skip(first);
                let taken: Vec<f64> = windows.by_ref().take(span.windows).collect();
                (taken.len() == span.windows).then_some(taken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, window_s: u32, windows: usize) -> Span {
        Span {
            start,
            window_s,
            windows,
        }
    }

    #[test]
    fn rounding_is_carried_so_that_the_sum_stays_right() {
        let mut carry = WhCarry::default();
        let booked: Vec<u32> = (0..7).map(|_| carry.take(1_000.0 / 7.0)).collect();
        assert_eq!(booked.iter().sum::<u32>(), 1_000);
        assert!(
            booked.iter().all(|wh| (142..=144).contains(wh)),
            "{booked:?}"
        );
    }

    #[test]
    fn finer_steps_are_added_up() {
        let steps = Steps {
            start: 0,
            step_s: 300,
            values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        };
        assert_eq!(steps.energy(&span(0, 900, 2)), Some(vec![6.0, 15.0]));
        assert_eq!(steps.energy(&span(300, 900, 2)), Some(vec![9.0, 18.0]));
        assert_eq!(steps.level(&span(0, 900, 2)), Some(vec![2.0, 5.0]));
        assert_eq!(steps.energy(&span(0, 900, 3)), None);
        assert_eq!(steps.energy(&span(100, 900, 1)), None);
    }

    #[test]
    fn coarser_steps_are_spread_evenly() {
        let steps = Steps {
            start: 0,
            step_s: 3_600,
            values: &[4.0, 8.0],
        };
        assert_eq!(
            steps.energy(&span(0, 900, 8)),
            Some(vec![1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0])
        );
        assert_eq!(steps.energy(&span(2_700, 900, 2)), Some(vec![1.0, 2.0]));
        assert_eq!(steps.level(&span(2_700, 900, 2)), Some(vec![4.0, 8.0]));
        assert_eq!(steps.energy(&span(2_700, 900, 6)), None);
        assert_eq!(steps.energy(&span(-900, 900, 1)), None);
    }

    #[test]
    fn lengths_must_divide_one_another() {
        assert_eq!(Fit::of(900, 900), Some(Fit::Same));
        assert_eq!(Fit::of(300, 900), Some(Fit::Finer(3)));
        assert_eq!(Fit::of(3_600, 900), Some(Fit::Coarser(4)));
        assert_eq!(Fit::of(600, 900), None);
    }
}
