//! What devices state and cover, and what is minted of it.

use super::registry::{InWindow, Skipped};
use super::Auditor;
use crate::finding::Rule;
use wattpool_rules::feed_in::credit;
use wattpool_schema::event::{Covered, Minted, Stated, StatedTooOld};
use wattpool_schema::{Wh, Window};

/// Ranges of skipped windows that a pool keeps.
const MAX_SKIPPED: usize = 8;

impl Auditor {
    pub(super) fn stated(&mut self, e: &Stated) {
        self.meter_in_service(e.meter);
        let (now, live) = (self.now(), self.live());
        if e.window >= now {
            let what = format!("{}, but window {now} is running", e.window);
            self.wrong(Rule::Statement, "window", what);
        }
        if let Some(terms) = self.terms_of(e.meter, e.window) {
            self.same(Rule::Statement, "owner", &e.owner, &terms.owner);
            if e.wh > terms.max_export {
                let what = format!("{}, registered for {}", e.wh, terms.max_export);
                self.wrong(Rule::Registered, "wh", what);
            }
        }
        let next = self.place_statement(e);
        let open = next && e.window == live;
        match self.grid.paused {
            // A statement of the live window is minted unless the market is paused.
            Some(paused) if e.minted != (open && !paused) => {
                let what = format!("{}, expected {}", e.minted, !e.minted);
                self.wrong(Rule::Statement, "minted", what);
            }
            _ => {}
        }
        let sums = self.energy.window(e.window);
        sums.statements = sums.statements.saturating_add(1);
        if e.minted {
            let meter = self.registry.meters.entry(e.meter).or_default();
            meter.minted = InWindow {
                window: e.window,
                all: e.wh,
                used: Wh::ZERO,
            };
            if !e.wh.is_zero() {
                self.tx.to_mint.push((e.clone(), self.at));
            }
            return;
        }
        sums.late = sums.late.saturating_add(e.wh.0);
        if e.wh.is_zero() {
            return;
        }
        let tariff = self.grid.tariffs_of(e.window).map(|(_, feed_in)| feed_in);
        let amount = tariff.and_then(|t| credit(e.wh, t).ok());
        self.feed_in.earn_late(&e.owner, live, e.wh, amount);
    }

    /// Whether a statement comes after all others of its meter; otherwise it must fill a gap. Each window once, sequences rise with the windows.
    fn place_statement(&mut self, e: &Stated) -> bool {
        let whole = self.whole();
        let meter = self.registry.meters.entry(e.meter).or_default();
        let known = meter.stated.is_some();
        if meter.stated.is_none_or(|stated| e.window > stated) {
            let (above, first) = (
                meter.sequence,
                meter.stated.map_or(Window::ZERO, Window::next),
            );
            if known || whole {
                if first < e.window {
                    if meter.skipped.len() >= MAX_SKIPPED {
                        meter.skipped.remove(0);
                    }
                    meter.skipped.push(Skipped {
                        from: first,
                        to: e.window.prev(),
                        above,
                        below: e.sequence,
                    });
                }
                if e.sequence <= above {
                    let what = format!("{}, expected more than {above}", e.sequence);
                    self.wrong(Rule::Statement, "sequence", what);
                }
            }
            let meter = self.registry.meters.entry(e.meter).or_default();
            meter.stated = Some(e.window);
            meter.sequence = e.sequence;
            meter.commitment = Some(e.commitment);
            return true;
        }
        let mut ranges = meter.skipped.iter_mut();
        let range = ranges.find(|r| r.from <= e.window && e.window <= r.to);
        match range {
            Some(range) => {
                let (above, below) = (range.above, range.below);
                range.from = e.window.next();
                range.above = e.sequence;
                if e.sequence <= above || e.sequence >= below {
                    let what = format!("{}, expected between {above} and {below}", e.sequence);
                    self.wrong(Rule::Statement, "sequence", what);
                }
            }
            None if whole => {
                let what = format!("{} was stated before, or given up", e.window);
                self.wrong(Rule::Statement, "window", what);
            }
            None => {}
        }
        false
    }

    pub(super) fn stated_too_old(&mut self, e: &StatedTooOld) {
        self.known_meter(e.meter);
        let now = self.now();
        if e.window >= now {
            let what = format!("{} is not old: window {now} is running", e.window);
            self.wrong(Rule::Statement, "window", what);
        }
        if let Some(terms) = self.terms_of(e.meter, e.window) {
            if e.wh > terms.max_export {
                let what = format!("{}, registered for {}", e.wh, terms.max_export);
                self.wrong(Rule::Registered, "wh", what);
            }
        }
    }

    pub(super) fn minted(&mut self, e: &Minted) {
        self.must_be_live("window", e.window);
        let at = self.tx.to_mint.iter().position(|(s, _)| s.meter == e.meter);
        match at {
            Some(at) => {
                let (stated, _) = self.tx.to_mint.remove(at);
                self.same(Rule::Statement, "window", &e.window, &stated.window);
                self.same(Rule::Statement, "wh", &e.wh, &stated.wh);
                self.same(Rule::Statement, "owner", &e.owner, &stated.owner);
            }
            None => {
                let what = format!(
                    "no statement of meter {} stands behind these tokens",
                    e.meter
                );
                self.wrong(Rule::Statement, "meter", what);
            }
        }
        let sums = self.energy.window(e.window);
        sums.minted = sums.minted.saturating_add(e.wh.0);
        self.hold(&e.owner.clone(), e.window, i128::from(e.wh.0), 0);
    }

    pub(super) fn covered(&mut self, e: &Covered) {
        self.meter_in_service(e.meter);
        self.must_be_live("window", e.window);
        if let Some(terms) = self.terms_of(e.meter, e.window) {
            if e.covered > terms.max_import {
                let what = format!("{}, registered for {}", e.covered, terms.max_import);
                self.wrong(Rule::Registered, "covered", what);
            }
        }
        let sees = self.sees(e.window);
        let meter = self.registry.meters.entry(e.meter).or_default();
        let before = meter.cover;
        let (known, used) = if before.window == e.window {
            (before.all, before.used)
        } else {
            (Wh::ZERO, Wh::ZERO)
        };
        meter.cover = InWindow {
            window: e.window,
            all: e.covered,
            used,
        };
        if sees && e.covered <= known {
            let what = format!("{}, expected more than {known}", e.covered);
            self.wrong(Rule::Covered, "covered", what);
        }
        let rise = e.covered.0.saturating_sub(known.0);
        let sums = self.energy.window(e.window);
        sums.covered = sums.covered.saturating_add(rise);
    }

    /// Energy is minted, covered and traded in the window after its own.
    pub(super) fn must_be_live(&mut self, field: &str, window: Window) {
        let live = self.live();
        if window != live {
            let what = format!("{window}, but at block time window {live} is traded");
            self.wrong(Rule::LiveWindow, field, what);
        }
    }
}
