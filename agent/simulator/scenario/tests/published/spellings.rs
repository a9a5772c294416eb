//! Spellings of stamps and numbers, and rows that are not quite in form.

use super::*;

/// Two hours, the first at the beginning of 4 May 2026 in Berlin.
fn two_hours(time: &str, first: &str, second: &str) {
    let n = read(
        &hourly("", LOAD, time),
        &format!("t,x\n{first},1\n{second},2\n"),
    );
    assert_eq!(
        (n.start().get(), demand(&n)),
        (MAY - 7_200, vec![1, 2]),
        "{first}"
    );
}

#[test]
fn iso_with_an_offset() {
    for (first, second) in [
        ("2026-05-04T00:00:00+02:00", "2026-05-04T01:00:00+02:00"),
        ("2026-05-04 00:00:00+0200", "2026-05-04 01:00:00+0200"),
        ("2026-05-04 00:00+02", "2026-05-04 01:00+02"),
        (
            "2026-05-04T00:00:00.000+02:00",
            "2026-05-04T01:00:00.000+02:00",
        ),
        ("2026-05-03T22:00:00Z", "2026-05-03T23:00:00.0000000Z"),
        ("2026-05-03 22:00:00 UTC", "2026-05-03 23:00:00 UTC"),
        ("20260503T220000Z", "20260503T230000Z"),
        ("2026/5/3 22:00Z", "2026/5/3 23:00Z"),
        ("2026-05-04 0:00+2", "2026-05-04 1:00+2"),
        ("2026-05-04T00+02:00", "2026-05-04T01+02:00"),
        (
            "2026-05-04 00:00:00 +0200 CEST",
            "2026-05-04 01:00:00 +0200 CEST",
        ),
        ("2026-124T00:00+02:00", "2026-124T01:00+02:00"),
        ("2026-W19-1T00:00+02:00", "2026-W19-1T01:00+02:00"),
        (
            "2026-05-04 00:00:00 GMT+02:00",
            "2026-05-04 01:00:00 GMT+02:00",
        ),
    ] {
        two_hours(ISO, first, second);
    }
}

#[test]
fn local_times() {
    let zone = |format: &str| format!("column = \"t\"\n{format}\nzone = \"Europe/Berlin\"");
    two_hours(&zone(""), "2026-05-04 00:00", "2026-05-04 01:00");
    two_hours(&zone(""), "2026-5-4 0:00:00", "2026-5-4 1:00:00");
    for (format, first, second) in [
        ("%d.%m.%Y %H:%M", "4.5.2026 0:00", "4.5.2026 1:00"),
        (
            "%m/%d/%y %I:%M %p",
            "05/04/26 12:00 AM",
            "05/04/26 01:00 am",
        ),
        (
            "%m/%d/%Y %I:%M %p",
            "5/4/2026 12:00 a.m.",
            "5/4/2026 1:00 A. M.",
        ),
        ("%d %b %Y %H:%M", "04 May 2026 00:00", "04 May 2026 01:00"),
        (
            "%d.%m.%Y %H:%M %Z",
            "04.05.2026 00:00 CEST",
            "04.05.2026 01:00 CEST",
        ),
        ("%Y%m%d%H%M", "202605040000", "202605040100"),
        ("%d.%m.%Y %H", "04.05.2026 0", "04.05.2026 1"),
    ] {
        two_hours(&zone(&format!("format = \"{format}\"")), first, second);
    }
}

/// Standard time all year beside a clock that changes: an hour off all summer, if it were read by that clock.
#[test]
fn names_of_zones_are_held_against_the_clock() {
    let time =
        |zone: &str| format!("column = \"t\"\nformat = \"%Y-%m-%d %H:%M %Z\"\nzone = \"{zone}\"");
    let rows = "t,x\n2026-05-04 00:00 CET,1\n2026-05-04 01:00 CET,2\n";
    let said = refused(&hourly("", LOAD, &time("Europe/Berlin")), rows);
    assert!(
        said.contains("a.csv:2:") && said.contains("shows CET then"),
        "{said}"
    );
}

#[test]
fn unix_times() {
    let (first, second) = (MAY - 7_200, MAY - 3_600);
    for (format, ending) in [
        ("unix", ""),
        ("unix", ".0"),
        ("unix", "e0"),
        ("unix_ms", "000"),
        ("unix_ms", "000.0"),
        ("unix_us", "000000"),
        ("unix_ns", "000000000"),
    ] {
        let time = format!("column = \"t\"\nformat = \"{format}\"");
        two_hours(
            &time,
            &format!("{first}{ending}"),
            &format!("{second}{ending}"),
        );
        if ending.len() > 2 {
            let said = refused(
                &hourly("", LOAD, "column = \"t\"\nformat = \"unix\""),
                &format!("t,x\n{first}{ending},1\n{second}{ending},2\n"),
            );
            assert!(
                said.contains("a.csv:2:") && said.contains(&format!("format = \"{format}\"")),
                "{said}"
            );
        }
    }
    let said = refused(
        &hourly(
            "",
            LOAD,
            "column = \"t\"\nformat = \"%s\"\nzone = \"Europe/Berlin\"",
        ),
        "t,x\n",
    );
    assert!(said.contains("format = \"unix\" and no zone"), "{said}");
}

/// What looks like another stamp than it is read as is said.
#[test]
fn stamps_that_are_something_else() {
    let local = "column = \"t\"\nformat = \"%d.%m.%Y %H:%M\"\nzone = \"Europe/Berlin\"";
    for (time, stamp, hint) in [
        (local, "04.05.26 10:00", "format = \"%d.%m.%y %H:%M\""),
        (
            "column = \"t\"\nzone = \"UTC\"",
            "46146.416666667",
            "spreadsheet's day number",
        ),
        (ISO, "2026-05-04T10:00:00 EST", "a format with %Z, and zone"),
    ] {
        let said = refused(&hourly("", LOAD, time), &format!("t,x\n{stamp},1\n"));
        assert!(said.contains("a.csv:2:") && said.contains(hint), "{said}");
    }
    // Seconds with a decimal comma, as a German spreadsheet writes them.
    let n = read(
        &hourly(
            "delimiter = \";\"\ndecimal = \",\"",
            LOAD,
            "column = \"t\"\nformat = \"unix\"",
        ),
        &format!("t;x\n{MAY},0;1\n{},0;2\n", MAY + 3_600),
    );
    assert_eq!((n.start().get(), demand(&n)), (MAY, vec![1, 2]));
    // Minutes since 1970 are read as seconds, and the year says so.
    let rows: String = (0..4)
        .map(|i| format!("{},1\n", MAY / 60 / 3_600 * 3_600 + i * 3_600))
        .collect();
    let n = read(
        &hourly("", LOAD, "column = \"t\"\nformat = \"unix\""),
        &format!("t,x\n{rows}"),
    );
    assert!(
        n.notes
            .iter()
            .any(|note| note.contains("the rows begin at 1970")),
        "{:?}",
        n.notes
    );
}

#[test]
fn texts_that_spreadsheets_guard_and_headers_that_look_the_same() {
    let n = read(
        &hourly("", LOAD, ISO),
        "t,x\n\"=\"\"2026-05-04T00:00Z\"\"\",1\n\"=\"\"2026-05-04T01:00Z\"\"\",\"=\"\"2\"\"\"\n",
    );
    assert_eq!(demand(&n), [1, 2]);
    let columns = |name: &str| format!("load = [{{ column = \"{name}\", unit = \"Wh\" }}]");
    let file = |header: &str| format!("t,\"{header}\"\n2026-05-04T00:00Z,1\n2026-05-04T01:00Z,2\n");
    // A blank of another kind, and a line break.
    for header in ["Use (Wh)", "Use\u{a0}(Wh)", "Use\n(Wh)", "\u{feff}Use (Wh)"] {
        let n = read(&hourly("", &columns("Use (Wh)"), ISO), &file(header));
        assert_eq!(demand(&n), [1, 2], "{header:?}");
    }
    for header in ["Ku\u{308}che", "küche"] {
        let said = refused(&hourly("", &columns("Küche"), ISO), &file(header));
        assert!(said.contains("is written otherwise"), "{said}");
    }
}

#[test]
fn hours_by_number_to_the_end_of_the_day() {
    let scenario = hourly(
        "",
        LOAD,
        "columns = [\"day\", \"hour\"]\nformat = \"%Y/%m/%d %H\"\nzone = \"UTC\"\nstamp = \"end\"",
    );
    let rows: String = (1..=24)
        .map(|h| format!("2026/05/04,{h},{}\n", h * 10))
        .collect();
    let n = read(&scenario, &format!("day,hour,x\n{rows}2026/05/05,1,250\n"));
    let hours: Vec<u32> = (1..=25).map(|h| h * 10).collect();
    assert_eq!((n.start().get(), demand(&n)), (MAY, hours));
    // Numbered as they pass: 25 where the clocks go back, 23 where they go forward.
    for (date, next, count) in [
        ("2026/10/25", "2026/10/26", 25),
        ("2026/03/29", "2026/03/30", 23),
    ] {
        let rows: String = (1..=count).map(|h| format!("{date},{h},{h}\n")).collect();
        let file = format!("day,hour,x\n{rows}{next},1,77\n");
        let zone = scenario.replace("\"UTC\"", "\"Europe/Madrid\"");
        let counted = zone.clone() + "clock_change = \"counted\"\n";
        let hours: Vec<u32> = (1..=count).chain([77]).collect();
        assert_eq!(demand(&read(&counted, &file)), hours);
        refused(&zone, &file);
    }
    // A pattern without the hour's half of the day, or without the hour, does not turn times into midnights.
    for (format, text) in [
        ("%Y/%m/%d %I", "2026/05/04 1"),
        ("%Y/%m/%d", "2026/05/04 1"),
    ] {
        let time = format!("column = \"t\"\nformat = \"{format}\"\nzone = \"UTC\"");
        let said = refused(&hourly("", LOAD, &time), &format!("t,x\n{text},1\n"));
        assert!(
            said.contains("a.csv:2:") && said.contains("format = \"%Y/%m/%d %H\""),
            "{said}"
        );
    }
}

#[test]
fn intervals_with_and_without_blanks() {
    let time = "columns = [\"d\", \"h\"]\nformat = \"%d/%m/%Y %H:%M\"\nzone = \"UTC\"\nstamp = \"interval\"";
    for mark in [" - ", "-", " \u{2013} ", "\u{2013}", " to "] {
        let n = read(
            &hourly("", LOAD, time),
            &format!("d,h,x\n04/05/2026,00:00{mark}01:00,1\n04/05/2026,01:00{mark}02:00,2\n"),
        );
        assert_eq!((n.start().get(), demand(&n)), (MAY, vec![1, 2]), "{mark}");
    }
}

#[test]
fn lines_that_end_in_any_way() {
    let rows = ["t,x", "2026-05-04T00:00Z,1", "2026-05-04T01:00Z,2"];
    for end in ["\n", "\r\n", "\r"] {
        let file = rows.join(end) + end;
        assert_eq!(
            demand(&read(&hourly("", LOAD, ISO), &file)),
            [1, 2],
            "{end:?}"
        );
        let said = refused(
            &hourly("skip = 1", LOAD, ISO),
            &format!(
                "a title{end}{}{end}2026-05-04T02:00Z,much{end}",
                rows.join(end)
            ),
        );
        assert!(said.contains("a.csv:5: column 'x': found 'much'"), "{said}");
    }
}

#[test]
fn delimiters_too_many_at_the_end_of_a_line() {
    for (header, row) in [
        ("t,x", ","),
        ("t,x,", ","),
        ("t,x,", ""),
        ("t,x,,", ",,"),
        ("t,x,,", ","),
    ] {
        let file = format!("{header}\n2026-05-04T00:00Z,1{row}\n2026-05-04T01:00Z,2{row}\n");
        assert_eq!(
            demand(&read(&hourly("", LOAD, ISO), &file)),
            [1, 2],
            "{header} {row}"
        );
    }
    for rows in ["2026-05-04T00:00Z,1,5\n", "2026-05-04T00:00Z\n"] {
        let said = refused(&hourly("", LOAD, ISO), &format!("t,x\n{rows}"));
        assert!(
            said.contains("a.csv:2:") && said.contains("2 cells"),
            "{said}"
        );
    }
}

#[test]
fn marks_between_groups_of_digits() {
    let keys = |thousands: &str| format!("decimal = \",\"\ndelimiter = \";\"\n{thousands}");
    for (mark, number) in [
        (".", "1.250"),
        ("'", "1'250"),
        (" ", "1 250"),
        (" ", "1\u{a0}250"),
        (" ", "1\u{202f}250"),
    ] {
        let file = format!("t;x\n2026-05-04T00:00Z;{number},5\n2026-05-04T01:00Z;100,5\n");
        let n = read(
            &hourly(&keys(&format!("thousands = \"{mark}\"")), LOAD, ISO),
            &file,
        );
        assert_eq!(demand(&n), [1_251, 100], "{number}");
        let said = refused(&hourly(&keys(""), LOAD, ISO), &file);
        assert!(
            said.contains("a.csv:2:") && said.contains(&format!("thousands = \"{mark}\"")),
            "{said}"
        );
    }
    let said = refused(&hourly("", LOAD, ISO), "t,x\n2026-05-04T00:00Z,1.250.000\n");
    assert!(said.contains("thousands = \".\""), "{said}");
    // Where no decimals tell it, it is said.
    let file = "t,x\n2026-05-04T00:00Z,980\n2026-05-04T01:00Z,1.250\n2026-05-04T02:00Z,12.500\n";
    let n = read(&hourly("", LOAD, ISO), file);
    assert!(
        n.notes[0].contains("column 'x'") && n.notes[0].contains("thousands = \".\""),
        "{:?}",
        n.notes
    );
}

#[test]
fn commas_between_columns_and_before_fractions() {
    let scenario = hourly("decimal = \",\"", LOAD, ISO);
    let file = "t,x\n2026-05-04T00:00Z,\"1,5\"\n2026-05-04T01:00Z,\"2,5\"\n2026-05-04T02:00Z,3\n";
    assert_eq!(demand(&read(&scenario, file)), [2, 2, 3]);
    let said = refused(&scenario, &file.replace('"', ""));
    assert!(
        said.contains("a.csv:2: 3 cells") && said.contains("needs quotes around numbers"),
        "{said}"
    );
}

#[test]
fn a_line_of_units_below_the_names() {
    let file = "t,x\n,[Wh]\n2026-05-04T00:00Z,1\n2026-05-04T01:00Z,2\n";
    let said = refused(&hourly("", LOAD, ISO), file);
    let offered = "skip = 2 and header = [\"t\", \"x\"]";
    assert!(
        said.contains("a.csv:2:") && said.contains(offered),
        "{said}"
    );
    let n = read(
        &hourly("skip = 2\nheader = [\"t\", \"x\"]", LOAD, ISO),
        file,
    );
    assert_eq!(demand(&n), [1, 2]);
}

#[test]
fn words_for_a_missing_value() {
    for word in [
        "", "NA", "N/A", "#N/A", "nan", "-nan", "<NA>", "NULL", "None", "-", "?", "#VALUE!", "#NV",
        "k.A.", "(null)", "missing",
    ] {
        let file = format!("t,x\n2026-05-04T00:00Z,5\n2026-05-04T01:00Z,{word}\n");
        let n = read(&hourly("missing = \"previous\"", LOAD, ISO), &file);
        assert_eq!(demand(&n), [5, 5], "{word}");
        let said = refused(&hourly("", LOAD, ISO), &file);
        assert!(
            said.contains("a.csv:3: column 'x': found a missing value"),
            "{said}"
        );
    }
}

/// Stamps that need no zone, and a start as people write it: by the clock that results are shown in.
#[test]
fn a_local_start_beside_unix_times() {
    let scenario = |head: &str| {
        let keys = hourly("", LOAD, "column = \"t\"\nformat = \"unix\"");
        keys.replace("window_s = 3600\n", &format!("window_s = 3600\n{head}"))
    };
    // From 23:00 in Berlin on 3 May 2026; the day begins an hour later.
    let from = MAY - 7_200 - 3_600;
    let file: String = (0..4)
        .map(|h| format!("{},{}\n", from + h * 3_600, h + 1))
        .collect();
    let file = format!("t,x\n{file}");
    let zoned = "timezone = \"Europe/Berlin\"\nstart = \"2026-05-04\"\n";
    assert_eq!(demand(&read(&scenario(zoned), &file)), [2, 3, 4]);
    let said = refused(&scenario("start = \"2026-05-04\"\n"), &file);
    assert!(
        said.contains("case.toml:3: start:") && said.contains("beside a timezone or zone"),
        "{said}"
    );
}
