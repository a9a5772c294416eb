//! ISO 8601 in the spellings that programs write.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

/// Takes `count` digits.
fn digits(text: &mut &str, count: usize) -> Option<u32> {
    let part = text.get(..count)?;
    if !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    *text = text.get(count..)?;
    part.parse().ok()
}

/// Takes one digit or two.
fn short(text: &mut &str) -> Option<u32> {
    digits(text, 2).or_else(|| digits(text, 1))
}

/// Takes a character if it is there.
fn takes(text: &mut &str, marks: &[char]) -> bool {
    match text.strip_prefix(marks) {
        Some(rest) => {
            *text = rest;
            true
        }
        None => false,
    }
}

/// Local time and offset in seconds: date and time with or without marks (with them, also of one digit), `T` or spaces
/// between them, seconds and their fraction or not (to the nearest second), 24:00, `Z` or an offset with or without
/// colon and minutes, a zone's name in brackets after it.
pub(crate) fn read(text: &str) -> Option<(NaiveDateTime, Option<i64>)> {
    let mut rest = text.trim();
    // Java's name of the zone after the offset says nothing more.
    if let Some((before, zone)) = rest.split_once('[') {
        if zone.ends_with(']') {
            rest = before.trim_end();
        }
    }
    let year = digits(&mut rest, 4)?;
    let marked = takes(&mut rest, &['-', '/']);
    let two: fn(&mut &str) -> Option<u32> = if marked {
        short
    } else {
        |text| digits(text, 2)
    };
    let year = i32::try_from(year).ok()?;
    let date = match counted(&mut rest, year, marked) {
        Some(date) => date,
        None => {
            let month = two(&mut rest)?;
            if marked && !takes(&mut rest, &['-', '/']) {
                return None;
            }
            let day = two(&mut rest)?;
            NaiveDate::from_ymd_opt(year, month, day)?
        }
    };
    if rest.is_empty() {
        return Some((date.and_hms_opt(0, 0, 0)?, None));
    }
    if !takes(&mut rest, &['T', 't', ' ']) {
        return None;
    }
    rest = rest.trim_start();
    let hour = short(&mut rest)?;
    let marked = takes(&mut rest, &[':']);
    // An hour alone is one with an offset after it: without, it may be a time without its colon.
    let minute = match digits(&mut rest, 2) {
        Some(minute) => minute,
        None if !marked && !rest.is_empty() => 0,
        None => return None,
    };
    let mut second = 0;
    let mut up = false;
    let has_seconds = if marked {
        takes(&mut rest, &[':'])
    } else {
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    if has_seconds {
        second = digits(&mut rest, 2)?;
        if takes(&mut rest, &['.', ',']) {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            let fraction = rest.get(..length).filter(|f| !f.is_empty())?;
            up = fraction.as_bytes().first().is_some_and(|b| *b >= b'5');
            rest = rest.get(length..)?;
        }
    }
    let offset = offset(rest.trim_start())?;
    let local = match (hour, minute, second) {
        (24, 0, 0) => date.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?,
        _ => date.and_hms_opt(hour, minute, second)?,
    };
    let local = local.checked_add_signed(TimeDelta::seconds(i64::from(up)))?;
    Some((local, offset))
}

/// A date by its week and day, `2026-W19-1`, or by its day in the year, `2026-124`; nothing is taken where it is none.
fn counted(text: &mut &str, year: i32, marked: bool) -> Option<NaiveDate> {
    let mut rest = *text;
    let date = if takes(&mut rest, &['W']) {
        let week = digits(&mut rest, 2)?;
        if marked && !takes(&mut rest, &['-']) {
            return None;
        }
        let day = digits(&mut rest, 1)?.checked_sub(1)?;
        let day = Weekday::try_from(u8::try_from(day).ok()?).ok()?;
        NaiveDate::from_isoywd_opt(year, week, day)?
    } else {
        // Without a mark, three digits may be the beginning of more.
        let day = digits(&mut rest, 3).filter(|_| marked)?;
        NaiveDate::from_yo_opt(year, day)?
    };
    let ends = rest.is_empty() || rest.starts_with(['T', 't', ' ']);
    ends.then(|| {
        *text = rest;
        date
    })
}

/// `Z`, `+02:00`, `+0200` or `+02`; nothing is no offset. `None` for anything else.
fn offset(mut text: &str) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    for zero in ["Z", "UTC", "GMT"] {
        if text.eq_ignore_ascii_case(zero) {
            return Some(Some(0));
        }
        // `UTC+02:00`: what follows is the distance.
        text = text
            .get(..zero.len())
            .filter(|t| zero.len() > 1 && t.eq_ignore_ascii_case(zero))
            .and_then(|_| text.get(zero.len()..))
            .unwrap_or(text);
    }
    let west = text.starts_with(['-', '\u{2212}']);
    if !takes(&mut text, &['+', '-', '\u{2212}']) {
        return None;
    }
    let hours = short(&mut text)?;
    takes(&mut text, &[':']);
    let minutes = if text.is_empty() || text.starts_with(' ') {
        0
    } else {
        digits(&mut text, 2)?
    };
    // The zone's name after the distance says nothing more.
    let name = text.trim_start();
    let named = name.len() < text.len() && name.bytes().all(|b| b.is_ascii_uppercase());
    if !(text.is_empty() || named) || hours > 18 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours)
        .checked_mul(3_600)?
        .checked_add(i64::from(minutes).checked_mul(60)?)?;
    Some(Some(if west {
        seconds.checked_neg()?
    } else {
        seconds
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_one_moment() {
        for text in [
            "2026-05-04T10:00:00Z",
            "2026-05-04 10:00:00+00:00",
            "2026-05-04T10:00:00+0000",
            "2026-05-04 04:00:00-06",
            "2026-05-04T12:00+02",
            "20260504T100000Z",
            "2026-05-04T09:59:59.998Z",
            "2026-05-04T12:00:00.000+02:00[Europe/Berlin]",
            "2026/05/04 10:00 UTC",
            "2026-05-04 10:00:00 +0000",
            "2026-5-4 12:00+2",
            "2026/5/4  10:00:00Z",
            "2026-05-04T10Z",
            "2026-05-04T12:00:00 UTC+02:00",
            "2026-05-04 12:00:00 +0200 CEST",
            "2026-124T10:00Z",
            "2026-W19-1T10:00Z",
            "2026W191T10:00Z",
        ] {
            let (local, offset) = read(text).unwrap();
            let at = local.and_utc().timestamp() - offset.unwrap();
            assert_eq!(at, 1_777_888_800, "{text}");
        }
        let (local, offset) = read("2026-05-04 24:00").unwrap();
        assert_eq!(
            (local.to_string().as_str(), offset),
            ("2026-05-05 00:00:00", None)
        );
        for text in [
            "",
            "noon",
            "2026-13-01",
            "2026-05-04T25:00Z",
            "04.05.2026",
            "2026-05-04T10:00:00+25",
            "2026-05-0410:00",
            "2026-05-04T10",
            "2026-05-04T1000+2500",
            "202654 10:00Z",
            "2026-05-04T10:00:00.Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
