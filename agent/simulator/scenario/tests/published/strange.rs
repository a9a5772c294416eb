//! What would make a wrong figure is refused, or said with its line.

use super::*;

fn noted(n: &Neighbourhood, parts: &[&str]) {
    let all = |note: &String| parts.iter().all(|p| note.contains(p));
    assert!(n.notes.iter().any(all), "{:?}", n.notes);
}

/// Hourly rows from 4 May 2026 on.
fn rows(values: impl IntoIterator<Item = String>) -> String {
    let row =
        |(h, v): (usize, String)| format!("2026-05-{:02}T{:02}:00Z,{v}\n", 4 + h / 24, h % 24);
    let rows: String = values.into_iter().enumerate().map(row).collect();
    format!("t,x\n{rows}")
}

#[test]
fn readings_that_are_none_in_a_register() {
    let register = "load = [{ column = \"x\", unit = \"kWh register\" }]";
    for value in ["16777.215", "4294967.295", "4294967295", "999999"] {
        let file = rows(["100", "100.5", value, "101", "101.5"].map(String::from));
        let said = refused(&hourly("", register, ISO), &file);
        assert!(
            said.contains("a.csv:4:") && said.contains(&format!("markers = [\"{value}\"]")),
            "{said}"
        );
        let keys = format!("markers = [\"{value}\"]\nmissing = \"previous\"");
        assert_eq!(
            demand(&read(&hourly(&keys, register, ISO), &file)),
            [500, 250, 250, 500]
        );
    }
}

/// A reading that falls and is taken back by the next is none; one that stays is a meter's exchange.
#[test]
fn a_reading_that_falls_and_comes_back() {
    let register = "load = [{ column = \"x\", unit = \"kWh register\" }]";
    let file = rows(["5000", "5000.5", "0", "5001", "5001.5"].map(String::from));
    let said = refused(&hourly("", register, ISO), &file);
    assert!(
        said.contains("a.csv:4:") && said.contains("markers = [\"0\"]"),
        "{said}"
    );
    let keys = "markers = [\"0\"]\nmissing = \"previous\"";
    assert_eq!(
        demand(&read(&hourly(keys, register, ISO), &file)),
        [500, 250, 250, 500]
    );
}

#[test]
fn a_register_that_counts_in_bits() {
    let register = "load = [{ column = \"x\", unit = \"Wh register\" }]";
    for last in [65_535_u64, 16_777_215, 2_147_483_647, 4_294_967_295] {
        let readings = [last - 500, last - 250, 249, 499].map(|r| r.to_string());
        let n = read(&hourly("", register, ISO), &rows(readings));
        assert_eq!(demand(&n), [250, 500, 250], "{last}");
        noted(&n, &["line 4", "rolled over"]);
    }
}

#[test]
fn units_that_make_no_home() {
    let file = rows((0..48).map(|i| format!("0.{}", 2 + i % 3)));
    let n = read(
        &hourly("", "load = [{ column = \"x\", unit = \"W\" }]", ISO),
        &file,
    );
    noted(
        &n,
        &[
            "a.csv: column 'x' is a demand of 0.300 W on average",
            "is the unit right?",
        ],
    );
    let n = read(
        &hourly("", "load = [{ column = \"x\", unit = \"kWh\" }]", ISO),
        &file,
    );
    assert!(n.notes.is_empty(), "{:?}", n.notes);
}

/// One hour of demand with another tariff and carbon intensity.
fn priced(tables: &str) -> Neighbourhood {
    let dir = tempfile::tempdir().unwrap();
    let scenario = hourly("", LOAD, ISO) + tables;
    fs::write(dir.path().join("case.toml"), scenario).unwrap();
    fs::write(
        dir.path().join("a.csv"),
        "t,x,p\n2026-05-04T00:00Z,1,0.3\n2026-05-04T01:00Z,1,0.25\n",
    )
    .unwrap();
    load(&dir.path().join("case.toml"), None, &Overrides::default()).unwrap()
}

#[test]
fn prices_and_intensities_in_another_unit() {
    let file = "file = \"a.csv\"\ncolumn = \"p\"\n";
    let n = priced(&format!("[tariff.import]\n{file}[carbon]\n{file}"));
    noted(
        &n,
        &[
            "tariff.import is at most 0.300 millionths per kWh",
            "unit = \"per kWh\"",
        ],
    );
    noted(
        &n,
        &["carbon is at most 0.300 g per kWh", "unit = \"kg per kWh\""],
    );
    let n = priced("[tariff.import]\nflat = 30.5\nunit = \"per kWh\"\n[carbon]\nflat = 300\n");
    noted(
        &n,
        &["tariff.import is 30.50 a kWh on average", "scale = 0.01"],
    );
    let n = priced(&format!(
        "[tariff.import]\n{file}unit = \"per kWh\"\n[carbon]\n{file}unit = \"kg per kWh\"\n"
    ));
    assert!(
        n.notes.iter().all(|note| !note.contains("unit")),
        "{:?}",
        n.notes
    );
}

#[test]
fn what_no_home_has_is_refused_or_noted() {
    let file = |values: &[&str]| -> String {
        let rows = values
            .iter()
            .enumerate()
            .map(|(h, v)| format!("2026-05-{:02}T{:02}:00Z,{v}\n", 4 + h / 24, h % 24));
        format!("t,x\n{}", rows.collect::<String>())
    };
    let kwh = "load = [{ column = \"x\", unit = \"kWh\" }]";
    for (value, hint) in [
        ("16777.215", "markers = [\"16777.215\"]"),
        ("4294967.295", "markers = [\"4294967.295\"]"),
        ("42949672.95", "markers = [\"42949672.95\"]"),
        ("167772.15", "markers = [\"167772.15\"]"),
        ("9999.99", "markers = [\"9999.99\"]"),
        ("3.4e38", "markers = [\"3"),
        ("123.4", "is the unit right?"),
    ] {
        let said = refused(&hourly("", kwh, ISO), &file(&["1", value, "1"]));
        assert!(said.contains("a.csv:3:") && said.contains(hint), "{said}");
    }
    let n = read(
        &hourly("most_kw = 150", kwh, ISO),
        &file(&["1", "123.4", "1"]),
    );
    assert_eq!(demand(&n)[1], 123_400);
    // A word in place of a number, and a value beyond all others that a home may have.
    let said = refused(&hourly("", kwh, ISO), &file(&["1", "offline", "1"]));
    assert!(said.contains("markers = [\"offline\"]"), "{said}");
    let n = read(&hourly("", LOAD, ISO), &file(&["100", "9999", "120", "90"]));
    noted(&n, &["a.csv:3:", "9999 looks like an error value"]);
    // A register taken for energies: refused where it is too large, else noted.
    let n = read(&hourly("", kwh, ISO), &file(&["40", "40.5", "41", "41.5"]));
    noted(&n, &["never falls", "41 kW on average", "kWh register"]);
    let said = refused(
        &hourly("", kwh, ISO),
        &file(&["5000", "5001", "5002.5", "5003"]),
    );
    assert!(
        said.contains("never falls") && said.contains("kWh register"),
        "{said}"
    );
    let small: Vec<String> = (0..60).map(|i| format!("{}.5", 10 + i / 2)).collect();
    let small: Vec<&str> = small.iter().map(String::as_str).collect();
    let n = read(&hourly("", kwh, ISO), &file(&small));
    assert!(
        n.notes.iter().any(|n| n.contains("never falls")),
        "{:?}",
        n.notes
    );
}

#[test]
fn a_missing_price_is_never_nothing() {
    let scenario = |missing: &str| {
        hourly("missing = \"zero\"", LOAD, ISO)
            + "[tariff.import]\nfile = \"a.csv\"\ncolumn = \"p\"\nunit = \"per kWh\"\n"
            + missing
            + "[carbon]\nflat = 0\n"
    };
    let file = "t,x,p\n2026-05-04T00:00Z,1,0.3\n2026-05-04T01:00Z,,\n";
    let run = |missing: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.csv"), file).unwrap();
        fs::write(dir.path().join("case.toml"), scenario(missing)).unwrap();
        load(&dir.path().join("case.toml"), None, &Overrides::default())
    };
    let said = run("").map(|n| n.import_tariff).unwrap_err().to_string();
    assert!(
        said.contains("a.csv:3: column 'p': found a missing value")
            && said.contains("missing = \"previous\""),
        "{said}"
    );
    let said = run("missing = \"zero\"\n")
        .map(|n| n.import_tariff)
        .unwrap_err()
        .to_string();
    assert!(said.contains("tariff.import.missing"), "{said}");
    let n = run("missing = \"previous\"\n").unwrap();
    assert_eq!(
        n.import_tariff.iter().map(|t| t.0).collect::<Vec<_>>(),
        [300_000, 300_000]
    );
    assert_eq!(demand(&n), [1, 0]);
}

#[test]
fn times_that_the_chain_cannot_hold() {
    for start in ["2600-01-01T00:00:00Z", "9999-12-31T00:00:00Z"] {
        let said = attempt(
            &format!("name = \"case\"\nwindow_s = 3600\nstart = \"{start}\"\n[profiles]\nfile = \"a.csv\"\nhomes = [\"a\"]\n{LOAD}\n[profiles.time]\nstep_s = 3600\n"),
            &[("a.csv", b"x\n1\n")],
        )
        .map(|n| n.notes)
        .unwrap_err()
        .to_string();
        assert!(
            said.contains("case.toml:3: start") && said.contains("2554-07-21"),
            "{said}"
        );
    }
    let said = refused(
        &hourly("", LOAD, ISO),
        "t,x\n2600-01-01T00:00Z,1\n2600-01-01T01:00Z,1\n",
    );
    assert!(
        said.contains("a.csv:2:") && said.contains("2554-07-21"),
        "{said}"
    );
    let said = attempt(
        "name = \"far\"\nstart = \"2554-07-20\"\ndays = 9\n[generate]\nhomes = 2\n",
        &[],
    )
    .map(|n| n.notes)
    .unwrap_err()
    .to_string();
    assert!(said.contains("2554-07-21"), "{said}");
}
