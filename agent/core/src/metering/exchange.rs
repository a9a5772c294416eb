//! Another meter in the place of the old one, as its owner tells: what the old one moved up to its end is counted, and
//! the first reading of the new one is believed at once.

use super::registers::step_of;
use super::{Metered, Metering, ReadingProblem};
use crate::io::Reading;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_schema::{Seconds, Wh, Window};

/// Both registers of a meter, as it shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registers {
    /// OBIS 1-0:1.8.0, Wh.
    pub import: Wh,
    /// OBIS 1-0:2.8.0, Wh.
    pub export: Wh,
}

impl Registers {
    /// A reading that shows these.
    pub(super) const fn of(self, reading: &Reading) -> Reading {
        Reading {
            import_register: self.import,
            export_register: self.export,
            ..*reading
        }
    }
}

/// What was noted when the meter was exchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The old meter's registers at its end. None: what it moved since its last reading is not known, and not counted.
    pub closing: Option<Registers>,
    /// The new meter's registers at its beginning. None: those of its first reading.
    pub opening: Option<Registers>,
}

/// An exchange of which no reading is believed yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchanged {
    /// The window in which it was told: readings of windows before it are the old meter's.
    pub(super) window: Window,
    /// What was noted of it.
    exchange: Exchange,
}

impl Metering {
    /// Whether this exchange was told, and no reading of the new meter is believed yet.
    pub fn expects(&self, exchange: &Exchange) -> bool {
        self.exchanged.is_some_and(|e| e.exchange == *exchange)
    }

    /// Another meter goes on. `window`: the running one.
    ///
    /// # Errors
    /// [`ReadingProblem`]: nothing was believed yet, so that there is nothing to close (`stale`), or the closing
    /// registers cannot have followed the last ones believed. Then nothing is changed.
    pub fn exchange(&mut self, exchange: &Exchange, window: Window) -> Result<(), ReadingProblem> {
        // Heard twice.
        if self.expects(exchange) {
            return Ok(());
        }
        let Some(mut last) = self.last else {
            return Err(ReadingProblem::Stale);
        };
        let spread = self.spread();
        if let Some(closing) = exchange.closing {
            let end = Reading {
                window: window.max(last.window.next()),
                taken_at: Seconds(0),
                import_register: closing.import,
                export_register: closing.export,
                power_w: None,
            };
            let rises = self.rises(&last, &end, true)?;
            // A digit too many must not become energy: nobody else confirms it.
            if rises.over() {
                return Err(ReadingProblem::BeyondPower);
            }
            let (most_import, most_export) = (self.max_import.0, self.max_export.0);
            let import = self.import.close(rises.import, most_import, spread);
            let export = self.export.close(rises.export, most_export, spread);
            last.import_register = last.import_register.saturating_add(Wh(import));
            last.export_register = last.export_register.saturating_add(Wh(export));
        }
        let opening = exchange.opening;
        self.import.open(opening.map(|o| o.import.0));
        self.export.open(opening.map(|o| o.export.0));
        self.step = opening.map_or(1000, |o| step_of(1000, &o.of(&last)));
        self.expected = 0;
        self.waiting.clear();
        self.former = None;
        self.over = None;
        self.last = Some(last);
        self.exchanged = Some(Exchanged {
            window,
            exchange: *exchange,
        });
        let problem = ReadingProblem::Exchanged {
            closing_import: last.import_register,
            closing_export: last.export_register,
        };
        self.noted.push((window, problem));
        Ok(())
    }

    /// A reading behind an exchange: believed at once if it can have followed the opening registers, whatever windows
    /// lie between; if these are not known, it is they.
    pub(super) fn take_exchanged(
        &mut self,
        exchanged: Exchanged,
        last: &Reading,
        reading: Reading,
    ) -> Result<Option<Metered>, ReadingProblem> {
        if reading.window < exchanged.window {
            return Err(ReadingProblem::Repeated);
        }
        if exchanged.exchange.opening.is_none() {
            self.exchanged = None;
            self.import.open(Some(reading.import_register.0));
            self.export.open(Some(reading.export_register.0));
            self.step = step_of(1000, &reading);
            self.believed(Reading {
                import_register: last.import_register,
                export_register: last.export_register,
                ..reading
            });
            return Ok(None);
        }
        match self.rises(last, &reading, false) {
            Ok(rises) if !rises.over() => {
                let missing = last.window.next();
                if missing != reading.window {
                    let gap = ReadingProblem::Gap { missing };
                    self.noted.push((reading.window, gap));
                }
                Ok(Some(self.follow(last, reading, rises)))
            }
            Ok(_) => {
                self.keep(reading);
                Err(ReadingProblem::BeyondPower)
            }
            Err(problem) => {
                self.keep(reading);
                Err(problem)
            }
        }
    }
}
