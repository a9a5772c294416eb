//! Which pattern reads a stamp.

use super::pattern::local;
use chrono::Datelike;

/// Patterns of local times that files are written with; where day and month cannot be told apart, the day
/// stands first.
const PATTERNS: [&str; 26] = [
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M %p",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d/%m/%y %H:%M",
    "%Y%m%d:%H%M",
    "%Y%m%d %H%M",
    "%d %b %Y %H:%M",
    "%d-%b-%Y %H:%M",
    "%d-%b-%y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y-%m-%d %H",
    "%Y/%m/%d %H",
    "%d.%m.%Y %H",
    "%d/%m/%Y %H",
];

/// The patterns that read all of these stamps, as years that people mean.
pub(crate) fn patterns(texts: &[&str]) -> Vec<&'static str> {
    let reads = |pattern: &&&str| {
        !texts.is_empty()
            && texts
                .iter()
                .all(|text| local(text, pattern).is_some_and(|t| (1970..2200).contains(&t.year())))
    };
    PATTERNS.iter().filter(reads).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_told_apart_where_the_stamps_allow_it() {
        assert_eq!(patterns(&["04.05.2026 10:00"]), ["%d.%m.%Y %H:%M"]);
        assert_eq!(patterns(&["5/14/2026 11:30 AM"]), ["%m/%d/%Y %I:%M %p"]);
        assert_eq!(patterns(&["04/05/2026 10:00"]).len(), 2);
        assert_eq!(
            patterns(&["04/05/2026 10:00", "13/05/2026 10:00"]),
            ["%d/%m/%Y %H:%M"]
        );
        assert_eq!(patterns(&["20200615:0810"]), ["%Y%m%d:%H%M"]);
        assert_eq!(
            patterns(&["2026/05/04 1", "2026/05/04 24"]),
            ["%Y/%m/%d %H"]
        );
        assert!(patterns(&["noon"]).is_empty());
    }
}
