//! What a minute of a meter's words tells of it: what is right and what is wrong, in words.

use crate::settings::Device;
use crate::source::Said;
use wattpool_meter_codec::profile::MOST_APART_S;
use wattpool_schema::{Seconds, Wh};

/// What was heard of a device.
#[derive(Clone, Debug, Default)]
pub struct Minute {
    said: Vec<Said>,
    /// Why it was not read.
    pub troubles: Vec<String>,
    /// What of it was left out.
    pub refused: Vec<String>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it should be.
    pub right: bool,
    /// In words.
    pub words: String,
}

/// Most words that are remembered.
const MOST: usize = 10_000;
/// Power that must show at the registers, W.
const FLOWS_W: i64 = 100;

impl Minute {
    /// What a device said.
    pub fn hear(&mut self, said: Said) {
        if self.said.len() < MOST {
            self.said.push(said);
        }
    }

    /// What it tells, when so many seconds were listened.
    pub fn judge(&self, device: &Device, seconds: u64) -> Vec<Finding> {
        let mut all = Vec::new();
        let mut find = |right: bool, words: String| all.push(Finding { right, words });
        let registers = self
            .said
            .iter()
            .filter(|s| s.reading.import.or(s.reading.export).is_some());
        let registers: Vec<&Said> = registers.collect();
        let Some(first) = registers.first() else {
            let why = self.troubles.last().or(self.refused.last());
            let why = why.map_or("nothing was said".to_owned(), Clone::clone);
            find(false, format!("no register within {seconds} s: {why}"));
            return all;
        };
        let power = registers
            .iter()
            .filter(|s| s.reading.power_w.is_some())
            .count();
        find(
            true,
            format!(
                "{} readings with registers, {power} with power",
                registers.len()
            ),
        );
        self.gaps(first, &mut find);
        if let Some(off) = self.said.iter().find_map(|s| s.clock_off_s) {
            find(
                false,
                format!("its clock is off by {off} s: the time of arrival is taken instead"),
            );
        }
        let steps = registers
            .iter()
            .flat_map(|s| [s.reading.import, s.reading.export])
            .flatten();
        let step = steps.map(|r| r.step.0).max().unwrap_or(1);
        if step > 1 {
            let words = format!("its registers move in steps of {step} Wh: what a window used shows only when they move");
            find(false, words);
        } else {
            find(true, "its registers tell single Wh".into());
        }
        let (imports, exports) = device.role.counts();
        let lacks_export = exports && self.said.iter().all(|s| s.reading.export.is_none());
        if imports && self.said.iter().all(|s| s.reading.import.is_none()) {
            find(false, "it tells no import register".into());
        } else if lacks_export && !imports {
            find(false, "it tells no export register".into());
        } else if lacks_export {
            find(
                true,
                "it tells no export register: export counts as 0".into(),
            );
        }
        self.wiring(step, &mut find);
        if !self.refused.is_empty() {
            let last = self.refused.last().map_or("", String::as_str);
            find(
                false,
                format!(
                    "{} times something was left out, last: {last}",
                    self.refused.len()
                ),
            );
        }
        if !self.troubles.is_empty() {
            let last = self.troubles.last().map_or("", String::as_str);
            find(
                false,
                format!(
                    "{} times it was not reached, last: {last}",
                    self.troubles.len()
                ),
            );
        }
        all
    }

    fn gaps(&self, first: &Said, find: &mut impl FnMut(bool, String)) {
        let times = self
            .said
            .iter()
            .filter(|s| s.line == first.line)
            .map(|s| s.at);
        let times: Vec<Seconds> = times.collect();
        let apart = times.windows(2).filter_map(|w| match w {
            [a, b] => Some(b.0.saturating_sub(a.0)),
            _ => None,
        });
        match apart.max() {
            None => find(false, "one reading only: whether the ends of windows are met cannot be told".into()),
            Some(gap) if gap > MOST_APART_S => find(
                false,
                format!("up to {gap} s between two readings: windows are joined where it is more than {MOST_APART_S} s"),
            ),
            Some(gap) => find(true, format!("at most {gap} s between two readings")),
        }
    }

    /// Whether the registers move as the power says.
    fn wiring(&self, step: u64, find: &mut impl FnMut(bool, String)) {
        let moved = |pick: fn(&Said) -> Option<Wh>| -> Option<i64> {
            let mut lines: std::collections::BTreeMap<usize, (Wh, Wh)> = Default::default();
            for said in &self.said {
                if let Some(wh) = pick(said) {
                    lines.entry(said.line).or_insert((wh, wh)).1 = wh;
                }
            }
            let signed = |wh: Wh| i64::try_from(wh.0).unwrap_or(i64::MAX);
            let moves = lines
                .values()
                .map(|(a, b)| signed(*b).saturating_sub(signed(*a)));
            moves.reduce(i64::saturating_add)
        };
        let import = moved(|s| s.reading.import.map(|r| r.wh)).unwrap_or(0);
        let export = moved(|s| s.reading.export.map(|r| r.wh)).unwrap_or(0);
        if import < 0 || export < 0 {
            find(false, "a register went back".into());
            return;
        }
        let powers: Vec<(u64, i64)> = self
            .said
            .iter()
            .filter(|s| s.line == 0)
            .filter_map(|s| Some((s.at.0, s.reading.power_w?)))
            .collect();
        let (Some((from, _)), Some((to, _))) = (powers.first(), powers.last()) else {
            find(
                true,
                format!("moved: {import} Wh imported, {export} Wh exported (it tells no power)"),
            );
            return;
        };
        let count = i64::try_from(powers.len()).unwrap_or(1);
        let sum = powers
            .iter()
            .map(|(_, p)| *p)
            .fold(0i64, i64::saturating_add);
        let mean = sum.checked_div(count).unwrap_or(0);
        let took = i64::try_from(to.saturating_sub(*from)).unwrap_or(0);
        let expected = mean.saturating_mul(took).checked_div(3_600).unwrap_or(0);
        let told = format!("{import} Wh imported and {export} Wh exported at {mean} W on average");
        let enough = expected.unsigned_abs() > step.saturating_mul(2);
        if mean.abs() < FLOWS_W || !enough {
            find(
                true,
                format!(
                    "{told}: too little to tell whether it is wired right; try with a kettle on"
                ),
            );
        } else if import == 0 && export == 0 {
            find(false, format!("{told}: power flows but no register moves"));
        } else if (mean > 0) == (import >= export) {
            find(true, format!("{told}: registers move as the power says"));
        } else {
            find(
                false,
                format!(
                    "{told}: import and export are the wrong way round; wiring, or swapped = true"
                ),
            );
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use wattpool_meter_codec::{Reading, Register};

    fn device() -> Device {
        toml::from_str("kind = \"p1\"\nconnection = \"/dev/ttyUSB0\"").unwrap()
    }

    /// A minute in which a register moves by so much and the power is as told.
    fn minute(every: u64, step: u64, import: u64, export: u64, power: i64) -> Vec<Finding> {
        let mut minute = Minute::default();
        let mut at = 0;
        while at <= 60 {
            let register = |wh| {
                Some(Register {
                    wh: Wh(1_000 + wh),
                    step: Wh(step),
                })
            };
            minute.hear(Said {
                line: 0,
                at: Seconds(1_000_000 + at),
                reading: Reading {
                    time: None,
                    import: register(import * at / 60),
                    export: register(export * at / 60),
                    power_w: Some(power),
                },
                meter: None,
                clock_off_s: None,
                remarks: Vec::new(),
            });
            at += every;
        }
        minute.judge(&device(), 60)
    }

    fn wrong(findings: &[Finding]) -> Vec<&str> {
        findings
            .iter()
            .filter(|f| !f.right)
            .map(|f| f.words.as_str())
            .collect()
    }

    #[test]
    fn a_meter_that_is_right_is_said_to_be() {
        assert_eq!(wrong(&minute(10, 1, 33, 0, 2_000)), Vec::<&str>::new());
        assert_eq!(wrong(&minute(10, 1, 0, 33, -2_000)), Vec::<&str>::new());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let swapped = minute(10, 1, 0, 33, 2_000);
        assert!(
            wrong(&swapped)[0].contains("the wrong way round"),
            "{swapped:?}"
        );
        let frozen = minute(10, 1, 0, 0, 2_000);
        assert!(
            wrong(&frozen)[0].contains("no register moves"),
            "{frozen:?}"
        );
        let coarse = minute(10, 1_000, 0, 0, 2_000);
        assert!(wrong(&coarse)[0].contains("steps of 1000 Wh"), "{coarse:?}");
        assert_eq!(
            wrong(&coarse).len(),
            1,
            "a step has not come yet: {coarse:?}"
        );
        let once = minute(61, 1, 0, 0, 0);
        assert!(wrong(&once)[0].contains("one reading only"), "{once:?}");
        let mut silent = Minute::default();
        silent.troubles.push("/dev/ttyUSB0: no such file".into());
        let silent = silent.judge(&device(), 60);
        assert_eq!(
            wrong(&silent),
            ["no register within 60 s: /dev/ttyUSB0: no such file"]
        );
    }
}
