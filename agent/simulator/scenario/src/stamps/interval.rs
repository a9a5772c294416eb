//! Start and end in one cell.

/// What stands between start and end, with blanks around it.
const BETWEEN: [&str; 7] = [
    " - ",
    " \u{2013} ",
    " \u{2014} ",
    " to ",
    " bis ",
    " a ",
    " \u{e0} ",
];

/// Start and end of an interval; `None` where nothing parts the two.
pub(crate) fn interval(text: &str) -> Option<(&str, &str)> {
    let spaced = BETWEEN.iter().find_map(|mark| text.split_once(mark));
    // ISO 8601; in other texts a slash parts day and month.
    let slash = || {
        text.split_once('/')
            .filter(|(start, _)| start.contains(':'))
    };
    spaced
        .or_else(slash)
        .or_else(|| dash(text))
        .map(|(start, end)| (start.trim(), end.trim()))
}

/// The dash right after a time of day: those before it are of the date.
fn dash(text: &str) -> Option<(&str, &str)> {
    let (colon, _) = text.char_indices().find(|(_, c)| *c == ':')?;
    let after = text.get(colon..)?;
    let (at, mark) = after
        .char_indices()
        .find(|(_, c)| matches!(c, '-' | '\u{2013}' | '\u{2014}'))?;
    let at = colon.checked_add(at)?;
    let end = text.get(at.checked_add(mark.len_utf8())?..)?;
    // What has no colon is the distance from UTC.
    end.contains(':').then_some((text.get(..at)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_an_interval() {
        for (text, start, end) in [
            (
                "04.05.2026 10:00 - 04.05.2026 10:15",
                "04.05.2026 10:00",
                "04.05.2026 10:15",
            ),
            (
                "04.05.2026 10:00 \u{2013} 10:15",
                "04.05.2026 10:00",
                "10:15",
            ),
            ("04/05/2026 10:00-10:15", "04/05/2026 10:00", "10:15"),
            (
                "2026-05-04 10:00-2026-05-04 10:15",
                "2026-05-04 10:00",
                "2026-05-04 10:15",
            ),
            (
                "2026-05-04T10:00Z/2026-05-04T10:15Z",
                "2026-05-04T10:00Z",
                "2026-05-04T10:15Z",
            ),
            (
                "2026-05-04T10:00-06:00/2026-05-04T10:15-06:00",
                "2026-05-04T10:00-06:00",
                "2026-05-04T10:15-06:00",
            ),
            ("01.05.2026 bis 02.05.2026", "01.05.2026", "02.05.2026"),
        ] {
            assert_eq!(interval(text), Some((start, end)), "{text}");
        }
        for text in ["", "04/05/2026 10:00", "2026-05-04", "2026-05-04 10:00-06"] {
            assert_eq!(interval(text), None, "{text}");
        }
    }
}
