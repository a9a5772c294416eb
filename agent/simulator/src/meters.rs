//! The simulated meters: cumulative registers from the profiles, and readings that can be wrong.

use crate::chance::{Chance, Stream};
use wattpool_core::io::Reading;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::{Seconds, Wh, Window};

/// Registers at the installation, Wh. Not zero: a register that goes back must come out below the one before. Not
/// round: a register that shows whole kWh only is taken for one that moves in such steps.
const INSTALLED: u64 = 1_000_000_007;

/// Registers of all meters at the end of one window.
pub(crate) struct Meters {
    registers: Vec<(u64, u64)>,
    /// The window at whose end the registers stand so.
    at: Window,
    chance: Chance,
    wrong: f64,
    pub wrong_readings: u64,
}

/// Net energy of a home in a window: (import, export). Zero outside the profile.
pub(crate) fn energy(n: &Neighbourhood, home: usize, window: Window) -> (u64, u64) {
    let Some(index) = window
        .0
        .checked_sub(n.first_window.0)
        .and_then(|i| usize::try_from(i).ok())
    else {
        return (0, 0);
    };
    let Some(home) = n.homes.get(home) else {
        return (0, 0);
    };
    let demand = home.demand_wh.get(index).copied().unwrap_or(0);
    let generation = home.generation_wh.get(index).copied().unwrap_or(0);
    (
        u64::from(demand.saturating_sub(generation)),
        u64::from(generation.saturating_sub(demand)),
    )
}

impl Meters {
    /// Registers before the first window.
    pub fn new(n: &Neighbourhood, seed: u64) -> Self {
        Self {
            registers: vec![(INSTALLED, INSTALLED); n.homes.len()],
            at: n.first_window.prev(),
            chance: Chance::new(seed, Stream::Readings),
            wrong: n.faults.wrong_readings,
            wrong_readings: 0,
        }
    }

    /// Moves all registers to the end of a window.
    pub fn advance(&mut self, n: &Neighbourhood, to: Window) {
        while self.at < to {
            self.at = self.at.next();
            for (home, (import, export)) in self.registers.iter_mut().enumerate() {
                let (i, e) = energy(n, home, self.at);
                *import = import.saturating_add(i);
                *export = export.saturating_add(e);
            }
        }
    }

    /// The true registers at the end of a window up to the present one.
    pub fn truth(&self, n: &Neighbourhood, home: usize, window: Window) -> Option<Reading> {
        let (mut import, mut export) = *self.registers.get(home)?;
        let mut later = self.at;
        while later > window {
            let (i, e) = energy(n, home, later);
            import = import.saturating_sub(i);
            export = export.saturating_sub(e);
            later = later.prev();
        }
        let (i, e) = energy(n, home, window);
        let net = i64::try_from(i)
            .unwrap_or(0)
            .saturating_sub(i64::try_from(e).unwrap_or(0));
        let power = net
            .saturating_mul(3600)
            .checked_div(i64::from(n.window_s.max(1)))
            .unwrap_or(0);
        Some(Reading {
            window,
            taken_at: window.end(n.window_s),
            import_register: Wh(import),
            export_register: Wh(export),
            power_w: Some(power),
        })
    }

    /// What the agent reads: the truth, or with the scenario's probability something wrong or nothing.
    pub fn read(&mut self, n: &Neighbourhood, home: usize, window: Window) -> Option<Reading> {
        let reading = self.truth(n, home, window)?;
        if !self.chance.happens(self.wrong) {
            return Some(reading);
        }
        self.wrong_readings = self.wrong_readings.saturating_add(1);
        let before = self.truth(n, home, window.prev())?;
        match self.chance.between(0, 6) {
            0 => None,
            1 => Some(Reading {
                taken_at: Seconds(reading.taken_at.0.saturating_sub(u64::from(n.window_s))),
                ..reading
            }),
            2 => Some(Reading {
                import_register: before.import_register,
                export_register: before.export_register,
                power_w: Some(reading.power_w.unwrap_or(0).max(500)),
                ..reading
            }),
            3 => Some(Reading {
                import_register: Wh(reading.import_register.0 / 2),
                export_register: Wh((reading.export_register.0 / 2).saturating_sub(1)),
                ..reading
            }),
            4 => Some(Reading {
                taken_at: Seconds(reading.taken_at.0.saturating_add(300)),
                ..reading
            }),
            _ => Some(Reading {
                export_register: Wh(reading.export_register.0.saturating_add(10_000_000)),
                ..reading
            }),
        }
    }
}
