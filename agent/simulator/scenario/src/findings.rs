//! What was done to profiles and what looks strange in them, for the notes.

use crate::file::ProfilesTable;
use crate::resample::{Fit, Span};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Most remarks on what looks strange.
const MOST_STRANGE: usize = 20;

/// What was found on the way.
#[derive(Default)]
pub(crate) struct Findings {
    /// Lengths of steps and how they lie to windows.
    pub(crate) fits: BTreeSet<(u32, Fit)>,
    /// Filled values by file.
    pub(crate) filled: Vec<(PathBuf, u64)>,
    /// Negative values taken as zero.
    pub(crate) negative: u64,
    /// Homes known by their net import.
    pub(crate) net_homes: usize,
    /// Remarks with file and line.
    pub(crate) strange: Vec<String>,
}

impl Findings {
    /// Adds the notes.
    pub(crate) fn describe(&self, span: &Span, table: &ProfilesTable, notes: &mut Vec<String>) {
        for (step_s, fit) in &self.fits {
            let window_s = span.window_s;
            match fit {
                Fit::Same => {}
                Fit::Finer(n) => {
                    notes.push(format!("profiles: {n} steps of {step_s} s are added up to each window of {window_s} s"));
                }
                Fit::Coarser(n) => notes.push(format!(
                    "profiles: steps of {step_s} s are spread evenly over {n} windows of {window_s} s \
                     (whole Wh, the remainder carried)"
                )),
            }
        }
        let filled: u64 = self.filled.iter().map(|(_, n)| n).sum();
        if filled > 0 {
            let how = format!("{:?}", table.missing).to_lowercase();
            let mut files: Vec<String> = self
                .filled
                .iter()
                .take(5)
                .map(|(f, n)| format!("{}: {n}", f.display()))
                .collect();
            if self.filled.len() > files.len() {
                files.push("…".into());
            }
            notes.push(format!(
                "profiles: {filled} missing values filled ({how}; {})",
                files.join(", ")
            ));
        }
        if self.negative > 0 {
            notes.push(format!(
                "profiles: {} negative values taken as zero",
                self.negative
            ));
        }
        let mut seen = BTreeSet::new();
        let mut left_out = 0_usize;
        for remark in &self.strange {
            if !seen.insert(remark) {
                continue;
            }
            if seen.len() <= MOST_STRANGE {
                notes.push(format!("profiles: {remark}"));
            } else {
                left_out = left_out.saturating_add(1);
            }
        }
        if left_out > 0 {
            notes.push(format!("profiles: {left_out} more remarks of that kind"));
        }
        if self.net_homes > 0 {
            notes.push(format!(
                "profiles: {} homes are known by their net import only; what they use of their own \
                 generation within a window is not in demand or generation",
                self.net_homes
            ));
        }
    }
}
