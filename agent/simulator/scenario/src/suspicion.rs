//! What no home has: meters' error values, registers taken for energies, powers beyond a house connection.

use crate::csv_profile::{CsvData, Measure, Want};

/// Values that meters and loggers write when they have none: all bits set, the least whole number, the largest
/// fraction, or nines.
const ERROR_VALUES: [f64; 37] = [
    42_949_672.95,
    429_496_729.5,
    167_772.15,
    1_677_721.5,
    21_474_836.47,
    655.35,
    9_999.99,
    99_999.9,
    99_999.99,
    999_999.9,
    16_777_215.0,
    16_777.215,
    4_294_967_295.0,
    4_294_967.295,
    2_147_483_647.0,
    2_147_483.647,
    65_535.0,
    65.535,
    6_553.5,
    32_767.0,
    32_768.0,
    8_388_607.0,
    9_999.0,
    99_999.0,
    999_999.0,
    9_999_999.0,
    999.0,
    999.9,
    9_999.9,
    99_999_999.0,
    2_147_483_648.0,
    2_147_483.648,
    9.223_372_036_854_776e18,
    1.844_674_407_370_955_2e19,
    3.402_823_466_385_288_6e38,
    1e20,
    1e30,
];

/// No count of energy reaches this.
const HUGE: f64 = 1e15;
/// Fewest values from which a column is remarked on as a whole.
const FEWEST: usize = 48;
/// Fewest rows, and seconds, for which the same value stands still.
const STILL: (usize, i64) = (96, 2 * 86_400);
/// Mean power above which rising energies look like a register's, kW.
const LARGE_KW: f64 = 15.0;
/// Mean power below which no home's demand lies, W: 44 kWh a year.
const LEAST_W: f64 = 5.0;

/// A word on a value that is none.
#[allow(clippy::float_cmp, reason = "an error value is a number as written")]
pub(crate) fn error_value(value: f64) -> Option<String> {
    let huge = value.abs() >= HUGE;
    (huge || ERROR_VALUES.contains(&value.abs())).then(|| {
        format!("this looks like an error value: markers = [\"{value}\"] makes it a missing one")
    })
}

/// A column under suspicion.
pub(crate) struct Column<'a> {
    pub(crate) data: &'a CsvData,
    pub(crate) want: &'a Want,
    pub(crate) values: &'a [f64],
    pub(crate) most_kw: f64,
}

impl Column<'_> {
    /// True where the values only rise, as those of a register do.
    fn never_falls(&self) -> bool {
        let rises = |pair: &[f64]| matches!(pair, [a, b] if b > a);
        let falls = |pair: &[f64]| matches!(pair, [a, b] if b < a);
        let pairs = || self.values.windows(2);
        let rising = pairs().filter(|p| rises(p)).count();
        self.values.len() > 2
            && !pairs().any(falls)
            && rising.saturating_mul(4) >= self.values.len()
    }

    /// What a value beyond all measure should have been.
    pub(crate) fn at_most(&self, value: f64) -> String {
        let step_h = f64::from(self.data.step_s) / 3_600.0;
        let mut expected = format!(
            "at most {} kW on average, {} kWh in a step of {} s (profiles.most_kw)",
            self.most_kw,
            self.most_kw * step_h,
            self.data.step_s
        );
        if let Some(hint) = error_value(value) {
            expected = format!("{expected}; {hint}");
        } else if self.want.measure == Measure::Amount && self.never_falls() {
            expected = format!(
                "{expected}; the column never falls, as a register does: unit = \"kWh register\" (or \"Wh register\")"
            );
        } else if self.want.measure == Measure::Register {
            expected = format!("{expected}; the register leaps here");
        } else {
            expected = format!("{expected}; is the unit right?");
        }
        expected
    }

    /// A remark on a value that was taken as zero.
    pub(crate) fn strange(&self, step: usize, value: f64) -> String {
        let hint = error_value(value).unwrap_or_else(|| "more than any home has".into());
        format!(
            "{}:{}: column '{}': {value} taken as zero; {hint}",
            self.data.file.display(),
            self.data.line(step),
            self.want.column
        )
    }

    /// A word on a demand that is too small for a home; `wh` are its energies in each step.
    pub(crate) fn too_small(&self, wh: &[f64]) -> Option<String> {
        let hours = f64::from(self.data.step_s) / 3_600.0 * wh.len() as f64;
        let mean_w = wh.iter().sum::<f64>() / hours.max(f64::MIN_POSITIVE);
        // One that is 0 throughout stands still.
        (wh.len() >= FEWEST && mean_w > 0.0 && mean_w < LEAST_W).then(|| {
            format!(
                "{}: column '{}' is a demand of {mean_w:.3} W on average: is the unit right?",
                self.data.file.display(),
                self.want.column
            )
        })
    }

    /// A word on few energies that never fall and are large for a home; `wh` are its energies in each step.
    pub(crate) fn like_a_register(&self, wh: &[f64]) -> Option<String> {
        let hours = f64::from(self.data.step_s) / 3_600.0 * wh.len() as f64;
        let mean_kw = wh.iter().sum::<f64>() / 1_000.0 / hours.max(f64::MIN_POSITIVE);
        let few = (4..FEWEST).contains(&wh.len());
        (few && self.want.measure == Measure::Amount && mean_kw > LARGE_KW && self.never_falls()).then(|| {
            format!(
                "{}: column '{}' never falls and is {mean_kw:.0} kW on average: a register? unit = \"kWh register\" (or \"Wh register\")",
                self.data.file.display(),
                self.want.column
            )
        })
    }

    /// A word on a column that holds the same value throughout, or for days: what a meter measures moves.
    #[allow(clippy::float_cmp, reason = "the same value as written")]
    pub(crate) fn stands_still(&self) -> Option<String> {
        let named = || {
            format!(
                "{}: column '{}'",
                self.data.file.display(),
                self.want.column
            )
        };
        let first = *self.values.first()?;
        if self.values.len() >= FEWEST && self.values.iter().all(|v| *v == first) {
            return Some(format!(
                "{} holds {first} in every row: does the meter stand still?",
                named()
            ));
        }
        // The longest run of rows; steps that were filled or made of a longer one have the line of another.
        let (mut best, mut from, mut rows) = ((0_usize, 0_usize, 0_usize), 0_usize, 0_usize);
        for (step, value) in self.values.iter().enumerate() {
            let before = step.checked_sub(1);
            let same = before.and_then(|b| self.values.get(b)) == Some(value);
            if !same {
                (from, rows) = (step, 0);
            }
            let new_row = before.is_none_or(|b| self.data.line(b) != self.data.line(step));
            rows = rows.saturating_add(usize::from(new_row));
            if *value != 0.0 && rows > best.2 {
                best = (from, step, rows);
            }
        }
        let (from, to, rows) = best;
        let steps = i64::try_from(to.saturating_sub(from))
            .unwrap_or(0)
            .saturating_add(1);
        let seconds = steps.saturating_mul(i64::from(self.data.step_s));
        (rows >= STILL.0 && seconds >= STILL.1).then(|| {
            format!(
                "{}:{}: column '{}' stands still at {} for {} days: is that measured?",
                self.data.file.display(),
                self.data.line(from),
                self.want.column,
                self.values.get(from).copied().unwrap_or(0.0),
                seconds.checked_div(86_400).unwrap_or(0)
            )
        })
    }

    /// Remarks on the column as a whole and on values that are believed although they look strange.
    pub(crate) fn looks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let named = format!(
            "{}: column '{}'",
            self.data.file.display(),
            self.want.column
        );
        if self.want.measure == Measure::Amount && self.values.len() >= FEWEST && self.never_falls()
        {
            remarks.push(format!(
                "{named} never falls, as a register does: if it is one, unit = \"kWh register\" (or \"Wh register\")"
            ));
        }
        let usual = self.values.iter().filter(|v| error_value(**v).is_none());
        let usual = usual.fold(0.0_f64, |most, v| most.max(v.abs()));
        let odd = self.values.iter().enumerate().filter(|(_, v)| {
            let large = v.abs() > 30_000.0 || v.fract() != 0.0;
            (large || v.abs() > 10.0 * usual) && error_value(**v).is_some()
        });
        for (step, value) in odd.take(3) {
            remarks.push(format!(
                "{}:{}: column '{}': {value} looks like an error value; markers = [\"{value}\"] would make it a missing one",
                self.data.file.display(),
                self.data.line(step),
                self.want.column
            ));
        }
        remarks
    }
}
