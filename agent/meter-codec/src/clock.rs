//! Meters' local times to UTC.

use wattpool_schema::Seconds;

/// A date and time of day as a clock on a wall shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Civil {
    /// Seconds since 1970 as if it were UTC; none if there is no such date or time, or it lies before 2000.
    pub fn seconds(self) -> Option<u64> {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        if !(2000..=2199).contains(&year) || day == 0 || day > days_in(year, month)? {
            return None;
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut days = 0u64;
        for y in 1970..year {
            days = days.checked_add(if is_leap(y) { 366 } else { 365 })?;
        }
        for m in 1..month {
            days = days.checked_add(u64::from(days_in(year, m)?))?;
        }
        let days = days.checked_add(u64::from(day))?.checked_sub(1)?;
        let hours = days.checked_mul(24)?.checked_add(u64::from(hour))?;
        let minutes = hours.checked_mul(60)?.checked_add(u64::from(minute))?;
        minutes.checked_mul(60)?.checked_add(u64::from(second))
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u16, month: u8) -> Option<u8> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => return None,
    })
}

/// Whether a clock shows summer time, as far as the meter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// It says so.
    Summer,
    /// It says that it does not.
    Winter,
    /// It does not tell: the rule of the European Union is taken.
    Untold,
}

/// A zone of the European Union: a winter's offset, and an hour more in summer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Hours before UTC in winter, at most 14 in either direction.
    pub winter_hours: i8,
}

impl Default for Zone {
    /// Central Europe.
    fn default() -> Self {
        Self { winter_hours: 1 }
    }
}

impl Zone {
    /// UTC of what a clock shows; none if there is no such time.
    pub fn utc(self, civil: Civil, season: Season) -> Option<Seconds> {
        let shown = i64::try_from(civil.seconds()?).ok()?;
        let winter = i64::from(self.winter_hours.clamp(-14, 14)).checked_mul(3600)?;
        let as_winter = shown.checked_sub(winter)?;
        let summer = match season {
            Season::Summer => true,
            Season::Winter => false,
            // In the hour that comes twice the later one is taken.
            Season::Untold => {
                let as_summer = as_winter.checked_sub(3600)?;
                is_summer(civil.year, as_summer)? && is_summer(civil.year, as_winter)?
            }
        };
        let utc = if summer {
            as_winter.checked_sub(3600)?
        } else {
            as_winter
        };
        u64::try_from(utc).ok().map(Seconds)
    }
}

/// From the last Sunday of March to the last Sunday of October, 1:00 UTC each (directive 2000/84/EC).
fn is_summer(year: u16, utc: i64) -> Option<bool> {
    let change = |month: u8| -> Option<i64> {
        let last = Civil {
            year,
            month,
            day: 31,
            hour: 1,
            minute: 0,
            second: 0,
        };
        let at = last.seconds()?;
        // 1970 began with a Thursday.
        let weekday = at.checked_div(86_400)?.checked_add(4)?.checked_rem(7)?;
        i64::try_from(at.checked_sub(weekday.checked_mul(86_400)?)?).ok()
    };
    Some((change(3)?..change(10)?).contains(&utc))
}

/// `2024-05-06T07:08:09Z`.
pub fn utc_text(at: Seconds) -> String {
    let (days, rest) = (at.0 / 86_400, at.0 % 86_400);
    let mut year = 1970u16;
    let mut left = days;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length || year == u16::MAX {
            break;
        }
        left = left.saturating_sub(length);
        year = year.saturating_add(1);
    }
    let mut month = 1u8;
    while let Some(length) = days_in(year, month) {
        if left < u64::from(length) || month == 12 {
            break;
        }
        left = left.saturating_sub(u64::from(length));
        month = month.saturating_add(1);
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let day = left.saturating_add(1);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(year: u16, month: u8, day: u8, hour: u8, minute: u8) -> Civil {
        Civil {
            year,
            month,
            day,
            hour,
            minute,
            second: 0,
        }
    }

    #[test]
    fn dates_agree_with_the_calendar() {
        let at = |c: Civil| utc_text(Seconds(c.seconds().unwrap()));
        assert_eq!(civil(2000, 1, 1, 0, 0).seconds(), Some(946_684_800));
        assert_eq!(civil(2026, 11, 29, 12, 0).seconds(), Some(1_795_953_600));
        assert_eq!(at(civil(2024, 2, 29, 23, 59)), "2024-02-29T23:59:00Z");
        assert_eq!(at(civil(2199, 12, 31, 0, 0)), "2199-12-31T00:00:00Z");
        for wrong in [
            civil(2023, 2, 29, 0, 0),
            civil(2023, 13, 1, 0, 0),
            civil(2023, 1, 1, 24, 0),
            civil(1999, 1, 1, 0, 0),
        ] {
            assert_eq!(wrong.seconds(), None);
        }
    }

    #[test]
    fn the_letter_decides_and_else_the_european_rule() {
        let utc = |c: Civil, s: Season| utc_text(Zone::default().utc(c, s).unwrap());
        let twice = civil(2024, 10, 27, 2, 30);
        assert_eq!(utc(twice, Season::Summer), "2024-10-27T00:30:00Z");
        assert_eq!(utc(twice, Season::Winter), "2024-10-27T01:30:00Z");
        assert_eq!(utc(twice, Season::Untold), "2024-10-27T01:30:00Z");
        assert_eq!(
            utc(civil(2024, 10, 27, 1, 59), Season::Untold),
            "2024-10-26T23:59:00Z"
        );
        assert_eq!(
            utc(civil(2024, 3, 31, 1, 59), Season::Untold),
            "2024-03-31T00:59:00Z"
        );
        assert_eq!(
            utc(civil(2024, 3, 31, 3, 0), Season::Untold),
            "2024-03-31T01:00:00Z"
        );
        assert_eq!(
            utc(civil(2024, 7, 1, 12, 0), Season::Untold),
            "2024-07-01T10:00:00Z"
        );
        assert_eq!(
            utc(civil(2024, 1, 1, 0, 30), Season::Untold),
            "2023-12-31T23:30:00Z"
        );
    }
}
