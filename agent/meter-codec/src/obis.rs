//! OBIS codes (IEC 62056-61): which quantity a value is.

use std::fmt;
use std::str::FromStr;

/// `A-B:C.D.E*F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Obis(pub [u8; 6]);

impl Obis {
    /// Active energy taken from the grid, all tariffs.
    pub const IMPORT: Self = Self::electricity(1, 8, 0);
    /// Active energy given to the grid, all tariffs.
    pub const EXPORT: Self = Self::electricity(2, 8, 0);
    /// Active power taken from the grid.
    pub const POWER_IN: Self = Self::electricity(1, 7, 0);
    /// Active power given to the grid.
    pub const POWER_OUT: Self = Self::electricity(2, 7, 0);
    /// Active power, import positive.
    pub const POWER: Self = Self::electricity(16, 7, 0);

    /// `1-0:C.D.E*255`.
    pub const fn electricity(c: u8, d: u8, e: u8) -> Self {
        Self([1, 0, c, d, e, 255])
    }

    /// C, D and E, if the code is of electricity and of now (not of an earlier billing period).
    pub const fn current(self) -> Option<(u8, u8, u8)> {
        let [a, _, c, d, e, f] = self.0;
        // A few meters say 0 for electricity's active energy.
        if (a == 1 || a == 0) && f == 255 {
            Some((c, d, e))
        } else {
            None
        }
    }

    /// An energy register of a direction (C), a phase's or the sum.
    pub const fn is_active_energy(self) -> bool {
        matches!(
            self.current(),
            Some((1 | 2 | 21 | 22 | 41 | 42 | 61 | 62, 8, _))
        )
    }

    /// A momentary active power, a phase's or the sum.
    pub const fn is_active_power(self) -> bool {
        matches!(
            self.current(),
            Some((
                1 | 2 | 16 | 21 | 22 | 36 | 41 | 42 | 56 | 61 | 62 | 76,
                7,
                _
            ))
        )
    }
}

impl fmt::Display for Obis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a}-{b}:{c}.{d}.{e}")?;
        if f != 255 {
            write!(out, "*{f}")?;
        }
        Ok(())
    }
}

/// A text that is no OBIS code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an OBIS code such as 1-0:1.8.0, found {0:?}")]
pub struct NoObis(pub String);

impl FromStr for Obis {
    type Err = NoObis;

    fn from_str(text: &str) -> Result<Self, NoObis> {
        let fail = || NoObis(text.chars().take(40).collect());
        let mut parts = text.split(['-', ':', '.', '*']);
        let mut code = [255u8; 6];
        for (n, byte) in code.iter_mut().enumerate() {
            match parts.next() {
                Some(part) => *byte = part.parse().map_err(|_| fail())?,
                None if n == 5 => {}
                None => return Err(fail()),
            }
        }
        let shape: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        if parts.next().is_some() || !matches!(shape.as_str(), "-:.." | "-:..*" | "-:...") {
            return Err(fail());
        }
        Ok(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_and_written() {
        for text in ["1-0:1.8.0", "0-1:24.2.1", "1-0:1.8.0*1"] {
            assert_eq!(text.parse::<Obis>().unwrap().to_string(), text);
        }
        assert_eq!("1-0:2.8.0*255".parse(), Ok(Obis::EXPORT));
        for text in [
            "",
            "1-0:1.8",
            "1-0:1.8.256",
            "1.0.1.8.0",
            "1-0:1.8.0.1.1",
            "1-0:1.-8.0",
        ] {
            assert!(text.parse::<Obis>().is_err(), "{text}");
        }
    }
}
