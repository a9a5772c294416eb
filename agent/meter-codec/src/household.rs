//! A home's registers from several meters that each speak when they like: a profile for each of them, and their sum
//! at the ends of windows. Nothing here reads a clock: the time of arrival is handed in.

use crate::profile::{Moment, NoEnd, Profile, MOST_APART_S};
use crate::telegram::{Reading, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_schema::{Seconds, Wh, Window};

/// What a meter's registers count for in the home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Both: it stands between the home and the grid.
    #[default]
    Grid,
    /// Its import alone counts, as the home's import.
    Import,
    /// Its export alone counts, as the home's export.
    Export,
    /// It measures all that the home uses: its import counts as the home's import.
    Consumption,
    /// It measures all that the home makes: its export counts as the home's export.
    Generation,
    /// It measures what is made behind a meter that stands at the grid: told to the owner, no part of what is traded.
    Panels,
}

impl Role {
    /// Whether import and export count.
    pub const fn counts(self) -> (bool, bool) {
        match self {
            Self::Grid => (true, true),
            Self::Import | Self::Consumption => (true, false),
            Self::Export | Self::Generation | Self::Panels => (false, true),
        }
    }
}

/// The time a value is taken for, and by how many seconds the meter's clock is off where that is too much to
/// believe it.
///
/// A stamp within [`MOST_APART_S`] of its arrival is the better time: a push may take seconds on its way.
pub fn moment_of(stamp: Option<Time>, arrived: Seconds) -> (Seconds, Option<i64>) {
    let Some(Time::Utc(stamp)) = stamp else {
        return (arrived, None);
    };
    if stamp.0.abs_diff(arrived.0) <= MOST_APART_S {
        return (stamp, None);
    }
    let signed = |s: u64| i64::try_from(s).unwrap_or(i64::MAX);
    let off = signed(stamp.0).saturating_sub(signed(arrived.0));
    (arrived, Some(off))
}

/// One row of registers that are told together.
#[derive(Clone, Debug)]
struct Line {
    role: Role,
    counts: (bool, bool),
    profile: Profile,
    /// Export register last told: some frames leave it out.
    export: Wh,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is the line's newest.
    Taken,
    /// It is not newer than the last one.
    Repeated,
    /// The clock was set back by so many seconds: the line begins anew.
    SetBack(u64),
    /// It has no register that counts.
    NoRegister,
}

/// Power of a home at this moment, as far as its devices tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PowerNow {
    /// Net power, import positive, W. None: a device tells none, or has told none lately.
    pub power_w: Option<i64>,
    /// What is generated, W, where a device of this role tells it.
    pub generation_w: Option<u64>,
    /// What is used, W, where a device of this role tells it.
    pub consumption_w: Option<u64>,
}

/// A power that was told longer ago than this is none of now, seconds.
const NOW_S: u64 = 120;

/// All lines of a home.
#[derive(Clone, Debug)]
pub struct Household {
    window_s: u32,
    lines: Vec<Line>,
}

impl Household {
    /// A home without a meter. `window_s`: length of a window in seconds.
    pub const fn new(window_s: u32) -> Self {
        Self {
            window_s,
            lines: Vec::new(),
        }
    }

    /// Another line; its number is given back.
    pub fn add(&mut self, role: Role) -> usize {
        self.lines.push(Line {
            role,
            counts: role.counts(),
            profile: Profile::new(self.window_s),
            export: Wh(0),
        });
        self.lines.len().saturating_sub(1)
    }

    /// What a line says. Registers that are not counted may be absent; a frame that tells import alone leaves export
    /// at what was told last, or at 0.
    pub fn hear(&mut self, line: usize, at: Seconds, reading: &Reading) -> Heard {
        let Some(line) = self.lines.get_mut(line) else {
            return Heard::NoRegister;
        };
        let (imports, exports) = line.counts;
        let import = reading.import.map(|r| r.wh).filter(|_| imports);
        let export = reading.export.map(|r| r.wh).filter(|_| exports);
        if import.is_none() && (imports || export.is_none()) {
            return Heard::NoRegister;
        }
        line.export = export.unwrap_or(line.export);
        let moment = Moment {
            at,
            import: import.unwrap_or(Wh(0)),
            export: line.export,
            power_w: reading.power_w,
        };
        if let Some(last) = line.profile.last().filter(|l| l.at > at) {
            let back = last.at.0.saturating_sub(at.0);
            if back > MOST_APART_S {
                line.profile.begin_again(moment);
                return Heard::SetBack(back);
            }
        }
        if line.profile.hear(moment) {
            Heard::Taken
        } else {
            Heard::Repeated
        }
    }

    /// The registers at the end of a window, summed over all lines.
    ///
    /// # Errors
    /// [`NoEnd`]: a line has none, or not yet.
    pub fn end(&self, window: Window) -> Result<Moment, NoEnd> {
        let mut sum = Moment {
            at: window.end(self.window_s),
            import: Wh(0),
            export: Wh(0),
            power_w: Some(0),
        };
        let mut apart = None;
        for line in &self.lines {
            match line.profile.end(window) {
                Ok(end) => {
                    sum.import = sum.import.saturating_add(end.import);
                    sum.export = sum.export.saturating_add(end.export);
                    sum.power_w = match (sum.power_w, end.power_w) {
                        (Some(a), Some(b)) => Some(a.saturating_add(b)),
                        _ => None,
                    };
                }
                Err(NoEnd::Apart(s)) => apart = apart.max(Some(s)),
                Err(other) => return Err(other),
            }
        }
        if self.lines.is_empty() {
            return Err(NoEnd::NotYet);
        }
        apart.map_or(Ok(sum), |s| Err(NoEnd::Apart(s)))
    }

    /// The power that the home's devices tell now.
    pub fn power_now(&self, now: Seconds) -> PowerNow {
        let of = |line: &Line| {
            let last = line.profile.last()?;
            let fresh = now.0.saturating_sub(last.at.0) <= NOW_S;
            last.power_w.filter(|_| fresh)
        };
        let sum = |lines: &mut dyn Iterator<Item = &Line>| {
            let mut sum = None;
            for line in lines {
                sum = Some(of(line)?.saturating_add(sum.unwrap_or(0)));
            }
            sum
        };
        let role = |role: Role| sum(&mut self.lines.iter().filter(|l| l.role == role));
        // What a meter of generation exports is what is made.
        let positive = |watts: i64| watts.max(0).unsigned_abs();
        PowerNow {
            power_w: sum(&mut self.lines.iter()),
            generation_w: role(Role::Generation).map(|w| positive(w.saturating_neg())),
            consumption_w: role(Role::Consumption).map(positive),
        }
    }

    /// A line's ends of windows, for keeping them.
    pub fn profile(&self, line: usize) -> Option<&Profile> {
        self.lines.get(line).map(|l| &l.profile)
    }

    /// Puts back what was kept of a line.
    pub fn restore(&mut self, line: usize, window: Window, end: Result<Moment, u64>) {
        if let Some(line) = self.lines.get_mut(line) {
            line.profile.restore(window, end);
            if let Ok(end) = end {
                line.export = end.export;
            }
        }
    }
}
