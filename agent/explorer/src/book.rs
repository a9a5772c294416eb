//! The events against the rules, and who sells how much: what is folded beside the index.

use crate::index::{IndexError, Reader};
use wattpool_audit::export::{Header, Row, State};
use wattpool_audit::fold::Totals;
use wattpool_audit::market::{Market, Report};
use wattpool_audit::{Auditor, Findings};

/// Books over all events of an index.
pub struct Book {
    auditor: Option<Auditor>,
    finished: Option<wattpool_audit::Report>,
    market: Market,
    height: u64,
}

impl Book {
    /// Of what is in an index.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn of(header: &Header, reader: &Reader) -> Result<Self, IndexError> {
        let mut rows = Self::new(header);
        let mut states = Vec::new();
        reader.replay::<IndexError>(
            |row| {
                rows.take(&row);
                Ok(())
            },
            |state| {
                states.push(state);
                Ok(())
            },
        )?;
        states.iter().for_each(|state| rows.state(state));
        let progress = reader.progress()?;
        if let (true, Some(height)) = (progress.complete, progress.height) {
            rows.finish(height);
        }
        Ok(rows)
    }

    /// Empty.
    pub fn new(header: &Header) -> Self {
        Self {
            auditor: Some(Auditor::new(header.clone())),
            finished: None,
            market: Market::new(header.window_seconds),
            height: 0,
        }
    }

    /// Takes an event.
    pub fn take(&mut self, row: &Row) {
        self.height = self.height.max(row.height);
        self.market.take(row);
        if let Some(auditor) = &mut self.auditor {
            auditor.take(None, row);
        }
    }

    /// Takes what a contract stores.
    pub fn state(&mut self, state: &State) {
        if let Some(auditor) = &mut self.auditor {
            auditor.state(None, state);
        }
    }

    /// Nothing more comes.
    pub fn finish(&mut self, to_height: u64) {
        self.height = self.height.max(to_height);
        if let Some(auditor) = self.auditor.take() {
            self.finished = Some(auditor.finish(Some(to_height)));
        }
    }

    /// What was counted. `to_height`: the last block that is indexed.
    pub fn totals(&self, to_height: Option<u64>) -> Totals {
        match (&self.auditor, &self.finished) {
            (Some(auditor), _) => auditor.totals(to_height),
            (None, Some(report)) => report.totals,
            (None, None) => Totals::default(),
        }
    }

    /// What is wrong; none yet: nothing was read.
    pub fn findings(&self) -> Option<&Findings> {
        let open = self.auditor.as_ref().map(Auditor::findings);
        open.or_else(|| self.finished.as_ref().map(|r| &r.findings))
    }

    /// Who sells how much, at what prices.
    pub fn market(&self) -> Report {
        self.market.report()
    }
}
