//! What lies between rows: gaps that may be filled, rows that last longer, stamps that jitter.

use super::*;

impl Placing<'_> {
    /// Refuses a row that does not follow the one before it, unless the gap may be filled.
    pub(super) fn gap(
        &self,
        places: &[At],
        spans: &[(i64, u32)],
        i: usize,
        ahead: i64,
        step: i64,
    ) -> Result<(), ScenarioError> {
        let before = i.saturating_sub(1);
        let (row, last) = match (places.get(i), places.get(before)) {
            (Some(place), Some(last)) => (place.row, last.row),
            _ => return Ok(()),
        };
        let length = i64::from(spans.get(before).map_or(1, |(_, s)| *s));
        let passed = ahead.saturating_add(length);
        let found = format!(
            "'{}', {passed} s after line {}",
            self.shown(row),
            self.line(last)
        );
        let whole = ahead.checked_rem(step) == Some(0);
        let expected = match (ahead > 0 && whole, self.missing) {
            (true, Missing::Refuse) => {
                let mut or = match self.missing_key {
                    "missing" => "missing = \"previous\"".to_string(),
                    key => format!("{key} = \"zero\" or \"previous\""),
                };
                if self.doubled_once(before, i, length) {
                    or = format!(
                        "{or}; or clock_change = \"same_rows\", if the hour that the clocks show twice is there once for both"
                    );
                } else if let Some(longer) = self.lasting(spans, i, passed) {
                    or = format!("{or}; or step_s = [{longer}, {step}], if the step changes there");
                }
                format!("{length} s, the length of a step (or {or})")
            }
            (true, _) if ahead <= LONGEST_GAP_S => return Ok(()),
            (true, _) => "gaps of at most a week".into(),
            (false, _) => {
                let mut text = format!("{length} s, the length of a step");
                if let Some(shorter) = self.lasting(spans, i, passed) {
                    text = format!(
                        "{text} (or step_s = [{length}, {shorter}], if the step changes there)"
                    );
                } else if let Some((usual, off)) = self.jitter(places) {
                    text = format!(
                        "{usual} s, the length of a step (or tolerance_s = {off}, if the stamps jitter, \
                         or resample_s, if they come when something happens)"
                    );
                } else {
                    text = format!("{text} (or resample_s, if rows come when something happens)");
                }
                text
            }
        };
        Err(self.refuse(row, found, expected))
    }

    /// True where rows follow one another by the clock, and an hour more has passed: the clocks went back.
    fn doubled_once(&self, before: usize, i: usize, length: i64) -> bool {
        let shown = |i: usize| match self.rows.moments.get(i) {
            Some(Moment::Shown(local)) => Some(local.and_utc().timestamp()),
            _ => None,
        };
        let passed = shown(i)
            .zip(shown(before))
            .map(|(b, a)| b.saturating_sub(a));
        passed == Some(length)
    }

    /// The distance to this row, where the next two have it as well.
    pub(super) fn lasting(&self, spans: &[(i64, u32)], i: usize, passed: i64) -> Option<i64> {
        let at = |n: usize| spans.get(n).map(|(at, _)| *at);
        let same = |n: usize| {
            let next = at(n.saturating_add(1))?;
            Some(next.saturating_sub(at(n)?) == passed)
        };
        (same(i)? && same(i.saturating_add(1))? && self.stamped.steps.len() < 2).then_some(passed)
    }

    /// The length that jitter hides, and the tolerance that would do.
    pub(super) fn jitter(&self, places: &[At]) -> Option<(u32, u64)> {
        let mut passed: Vec<i64> = places
            .windows(2)
            .filter_map(|p| match p {
                [a, b] => Some(b.at.saturating_sub(a.at)),
                _ => None,
            })
            .collect();
        passed.sort_unstable();
        let median = passed.get(passed.len().checked_div(2)?).copied()?;
        let step_s = nearest_length(u32::try_from(median).ok()?)?;
        let step = i64::from(step_s);
        let first = places.first()?.at;
        let mut most = 0;
        for place in places {
            let past = place.at.saturating_sub(first).checked_rem_euclid(step)?;
            most = most.max(past.min(step.saturating_sub(past)));
        }
        let most = u64::try_from(most).ok()?;
        (most > 0 && most.saturating_mul(10) <= u64::from(step_s)).then_some((step_s, most))
    }
}
