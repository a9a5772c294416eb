//! Totals of the ready mappings, worked out again from the files by a few lines that share no code with the reader.
//! Real files are looked for in `$WATTPOOL_DATA`; of the others a file of the same form is made here.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{load, Overrides};

fn mapping(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scenarios")
        .join(name)
}

fn data(folder: &str) -> Option<PathBuf> {
    let found = std::env::var_os("WATTPOOL_DATA").map(|d| PathBuf::from(d).join(folder));
    let found = found.filter(|f| f.is_dir());
    if found.is_none() {
        println!("skipped: no {folder} (set WATTPOOL_DATA)");
    }
    found
}

fn totals(n: &Neighbourhood) -> (u64, u64) {
    let sum = |wh: &[u32]| wh.iter().map(|wh| u64::from(*wh)).sum::<u64>();
    (
        n.homes.iter().map(|h| sum(&h.demand_wh)).sum(),
        n.homes.iter().map(|h| sum(&h.generation_wh)).sum(),
    )
}

/// Sum of the second column of a CSV file in plain form.
fn second_column(file: &Path) -> f64 {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap().parse::<f64>().unwrap())
        .sum()
}

#[test]
fn hamlet() {
    let Some(folder) = data("hamlet") else { return };
    let n = load(
        &mapping("hamlet.toml"),
        Some(folder.parent().unwrap()),
        &Overrides::default(),
    )
    .unwrap();
    assert_eq!((n.homes.len(), n.windows), (16, 4_316));
    assert_eq!(n.start().get(), 1_613_343_600);
    let mut watts = 0.0;
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("hh_") {
            watts += second_column(&entry.path());
        }
    }
    let pv = [1, 2, 3].map(|i| second_column(&folder.join(format!("pv_{i}_pu.csv"))));
    // kWp of the homes with each of the three profiles.
    let generation = (5.0 + 8.0 + 7.0) * pv[0] + (6.0 + 5.0 + 8.0) * pv[1] + (7.0 + 6.0) * pv[2];
    let (demand_wh, generation_wh) = totals(&n);
    // A quarter of an hour; a home's sum is rounded once.
    assert!(
        (demand_wh as f64 - watts / 4.0).abs() <= 16.0,
        "{demand_wh} {watts}"
    );
    assert!(
        (generation_wh as f64 - generation * 250.0).abs() <= 16.0,
        "{generation_wh} {generation}"
    );
}

#[test]
fn citylearn() {
    let Some(folder) = data("citylearn-2022") else {
        return;
    };
    let (mut demand, mut generation) = (0.0, 0.0);
    for home in 1..=17 {
        let text = fs::read_to_string(folder.join(format!("Building_{home}.csv"))).unwrap();
        let kwp = if [1, 2, 3, 5, 6, 7, 8, 9].contains(&home) {
            4.0
        } else {
            5.0
        };
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            demand += cells[7].parse::<f64>().unwrap() * 1_000.0;
            generation += cells[11].parse::<f64>().unwrap() * kwp;
        }
    }
    for name in [
        "citylearn.toml",
        "citylearn-losses.toml",
        "citylearn-feeders.toml",
    ] {
        let n = load(
            &mapping(name),
            Some(folder.parent().unwrap()),
            &Overrides::default(),
        )
        .unwrap();
        let (demand_wh, generation_wh) = totals(&n);
        assert!(
            (demand_wh as f64 - demand).abs() <= 17.0,
            "{name}: {demand_wh} {demand}"
        );
        assert!(
            (generation_wh as f64 - generation).abs() <= 17.0,
            "{name}: {generation_wh} {generation}"
        );
        assert!(
            !n.notes.iter().any(|note| note.starts_with("profiles")),
            "{:?}",
            n.notes
        );
    }
}

/// Reads a mapping with files made here.
fn made(name: &str, replace: &[(&str, &str)], files: &[(&str, String)]) -> Neighbourhood {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in files {
        fs::write(dir.path().join(file), text).unwrap();
    }
    let mut text = fs::read_to_string(mapping(name)).unwrap();
    for (from, to) in replace {
        assert!(text.contains(from), "nothing to replace: {from}");
        text = text.replace(from, to);
    }
    fs::write(dir.path().join(name), text).unwrap();
    load(&dir.path().join(name), None, &Overrides::default())
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn london_lcl() {
    let mut text =
        "LCLid,stdorToU,DateTime,KWH/hh (per half hour) ,Acorn,Acorn_grouped\n".to_string();
    for (home, wh) in [("MAC000002", 100), ("MAC000003", 250)] {
        for i in 0..48 {
            let value = if i == 7 {
                "Null".to_string()
            } else {
                format!("0.{wh}")
            };
            text += &format!(
                "{home},Std,2012-10-12 {:02}:{:02}:00.0000000,{value},ACORN-A,Affluent\n",
                i / 2,
                i % 2 * 30
            );
        }
    }
    let n = made("london-lcl.toml", &[], &[("LCL-June2015v2_0.csv", text)]);
    assert_eq!((n.windows, totals(&n)), (48, (48 * 350, 0)));
    // 12 October 2012, midnight.
    assert_eq!(n.start().get(), 1_350_000_000);
}

#[test]
fn smard() {
    let mut text =
        "\u{feff}Datum von;Datum bis;Deutschland/Luxemburg [€/MWh] Originalauflösungen\n"
            .to_string();
    for hour in 0..24 {
        text += &format!(
            "04.05.2026 {hour:02}:00;04.05.2026 {:02}:00;{},25\n",
            (hour + 1) % 24,
            1_000 * i32::from(hour == 18) + hour
        );
    }
    let text = text.replace("1018,25", "1.018,25");
    let n = made("smard.toml", &[], &[("smard.csv", text)]);
    // Four windows an hour, in millionths per kWh.
    assert_eq!(n.import_tariff[0].0, 250);
    assert_eq!(n.import_tariff[4 * 18].0, 1_018_250);
    assert_eq!(n.import_tariff[4 * 23 + 3].0, 23_250);
}

#[test]
fn pvgis() {
    let mut text = "Latitude (decimal degrees):\t52.0\nLongitude (decimal degrees):\t13.0\nElevation (m):\t40\nRadiation database:\tPVGIS-SARAH3\n\n\
        Slope: 35 deg.\nAzimuth: 0 deg.\nNominal power of the PV system (c-Si) (kWp):\t4.0\nSystem losses (%):\t14.0\n\ntime,P,G(i),H_sun,T2m,WS10m,Int\n".to_string();
    for hour in 0..24 {
        text += &format!("20200615:{hour:02}10,{}.5,0,0,20,1,0.0\n", hour * 10);
    }
    text += "\nP: PV system power (W)\nG(i): Global irradiance (W/m2)\nPVGIS (c) European Union\n";
    let n = made("pvgis.toml", &[], &[("pvgis.csv", text)]);
    assert_eq!(
        (n.windows, totals(&n)),
        (24, (0, (0..24).map(|h| h * 10).sum::<u64>() + 12))
    );
    assert_eq!(n.start().get(), 1_592_179_200);
}

#[test]
fn enedis_and_datadis() {
    let mut text = "Identifiant PRM;Type de données;Unité;Pas en minutes\n00000000000000;Courbe de charge;W;\nHorodate;Valeur\n".to_string();
    for i in 1..=47 {
        text += &format!("2023-01-01T{:02}:{:02}:00+01:00;460\n", i / 2, i % 2 * 30);
    }
    text += "2023-01-02T00:00:00+01:00;478\n";
    let n = made("enedis.toml", &[], &[("enedis.csv", text)]);
    assert_eq!((n.windows, totals(&n)), (48, (47 * 230 + 239, 0)));
    // Midnight in Paris.
    assert_eq!(n.start().get(), 1_672_527_600);
    let mut text = "CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion\n".to_string();
    for hour in 1..=24 {
        text += &format!("ES0;2026/05/04;{hour:02}:00;0,125;Real\n");
    }
    let n = made("datadis.toml", &[], &[("datadis.csv", text)]);
    assert_eq!((n.windows, totals(&n)), (24, (24 * 125, 0)));
    // Midnight in Madrid.
    assert_eq!(n.start().get(), 1_777_845_600);
}

/// Look-alikes of `$WATTPOOL_CASES`, read by the ready mappings with the look-alike's names in them.
#[test]
fn look_alikes_of_the_cases() {
    let Some(cases) = std::env::var_os("WATTPOOL_CASES").map(PathBuf::from) else {
        println!("skipped: no cases (set WATTPOOL_CASES)");
        return;
    };
    let text = |case: &str, file: &str| fs::read_to_string(cases.join(case).join(file)).unwrap();
    // Cells of the lines that begin with a digit, after so many lines.
    let cells = |case: &str, skip: usize, mark: char| -> Vec<Vec<String>> {
        text(case, "data.csv")
            .lines()
            .skip(skip)
            .filter(|l| l.contains(mark) && l.contains(|c: char| c.is_ascii_digit()))
            .map(|l| l.split(mark).map(str::to_string).collect())
            .collect()
    };
    let sum = |rows: &[Vec<String>], at: usize, factor: f64| -> u64 {
        let values = rows.iter().map(|r| r[at].parse::<f64>().unwrap());
        (values.sum::<f64>() * factor).round() as u64
    };

    let rows = cells("long-format", 1, ',');
    let n = made(
        "london-lcl.toml",
        &[
            ("home_column = \"LCLid\"", "home_column = \"id\""),
            ("\"MAC000002\", \"MAC000003\"", "\"M1\", \"M2\""),
            ("KWH/hh (per half hour)", "load"),
            ("column = \"DateTime\"", "column = \"t\""),
        ],
        &[("LCL-June2015v2_0.csv", text("long-format", "data.csv"))],
    );
    assert_eq!((n.homes.len(), totals(&n)), (2, (sum(&rows, 2, 1e3), 0)));

    let rows = cells("pvgis", 4, ',');
    let n = made(
        "pvgis.toml",
        &[("skip = 10", "skip = 3"), ("footer = 3", "footer = 1")],
        &[("pvgis.csv", text("pvgis", "data.csv"))],
    );
    assert_eq!(
        (n.windows, totals(&n)),
        (rows.len(), (0, sum(&rows, 1, 1.0)))
    );

    let rows = cells("linky-preamble", 3, ';');
    let n = made(
        "enedis.toml",
        &[],
        &[("enedis.csv", text("linky-preamble", "data.csv"))],
    );
    assert_eq!(
        (n.windows, totals(&n)),
        (rows.len(), (sum(&rows, 1, 0.5), 0))
    );

    let rows = cells("date-and-time-columns", 1, ',');
    let n = made(
        "datadis.toml",
        &[
            ("delimiter = \";\"\ndecimal = \",\"", "missing = \"zero\""),
            ("[\"Fecha\", \"Hora\"]", "[\"date\", \"time\"]"),
            ("Consumo_kWh", "a"),
        ],
        &[("datadis.csv", text("date-and-time-columns", "data.csv"))],
    );
    assert_eq!((n.windows, totals(&n)), (24, (sum(&rows, 2, 1e3), 0)));

    // Prices of another dialect, in the case's own scenario.
    let folder = cases.join("price-other-dialect");
    let n = load(&folder.join("scenario.toml"), None, &Overrides::default()).unwrap();
    let prices: Vec<i64> = text("price-other-dialect", "prices.csv")
        .lines()
        .skip(1)
        .map(|l| {
            l.split(';')
                .nth(1)
                .unwrap()
                .replace(',', "")
                .parse::<i64>()
                .unwrap()
                * 100
        })
        .collect();
    let found: Vec<i64> = n.import_tariff.iter().map(|t| t.0).collect();
    assert_eq!(found, prices);
}

/// A mapping that never saw its real file says so in its first line; all say where to get the data.
#[test]
fn mappings_say_what_they_have_seen() {
    for name in [
        "ausgrid",
        "london-lcl",
        "smard",
        "pvgis",
        "enedis",
        "datadis",
    ] {
        let text = fs::read_to_string(mapping(&format!("{name}.toml"))).unwrap();
        let first = text.lines().next().unwrap();
        assert!(
            first.contains("Never tried on the real file"),
            "{name}: {first}"
        );
    }
    for name in [
        "ausgrid",
        "london-lcl",
        "smard",
        "pvgis",
        "enedis",
        "datadis",
        "hamlet",
        "citylearn",
    ] {
        let text = fs::read_to_string(mapping(&format!("{name}.toml"))).unwrap();
        assert!(text.contains("https://"), "{name}");
    }
}
