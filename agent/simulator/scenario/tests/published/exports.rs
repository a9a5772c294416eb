//! Tables and logs as programs export them.

use super::*;

#[test]
fn days_in_rows_and_times_in_the_header() {
    let times: Vec<String> = (1..=48)
        .map(|i| format!("{}:{:02}", i / 2 % 24, i % 2 * 30))
        .collect();
    let row = |home: &str, kind: &str, date: &str, value: &str| {
        format!(
            "{home},1.5,2000,{kind},{date},{},\n",
            vec![value; 48].join(",")
        )
    };
    let file = format!(
        "A title\nCustomer,Generator Capacity,Postcode,Consumption Category,date,{},Row Quality\n{}{}{}{}",
        times.join(","),
        row("1", "GC", "3/10/2012", "0.5"),
        row("1", "GC", "4/10/2012", "0.25"),
        row("1", "GG", "3/10/2012", "0.1"),
        row("1", "GG", "4/10/2012", "0.2"),
    );
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/ausgrid.toml");
    let scenario = fs::read_to_string(folder).unwrap();
    let scenario = scenario
        .replace("2012-2013 Solar home electricity data v2.csv", "a.csv")
        .replace("[\"1\", \"2\", \"3\"]", "[\"1\"]");
    let (scenario, _) = scenario.split_once("[tariff.import]").unwrap();
    let n = read(scenario, &file);
    assert_eq!(n.windows, 96);
    // Midnight in Sydney, UTC+10 on 3 October 2012.
    assert_eq!(n.start().get(), 1_349_186_400);
    let sum = |wh: &[u32]| wh.iter().map(|wh| u64::from(*wh)).sum::<u64>();
    assert_eq!(sum(&n.homes[0].demand_wh), 48 * 500 + 48 * 250);
    assert_eq!(sum(&n.homes[0].generation_wh), 48 * 100 + 48 * 200);
}

/// Home Assistant's history: a row whenever a sensor changes, its name in a column, stamps with milliseconds.
#[test]
fn home_assistant_history() {
    let file = "entity_id,state,last_changed\nsensor.meter,100.0,2026-05-04T00:00:00.000Z\n\
        sensor.meter,100.5,2026-05-04T00:30:00.001Z\nsensor.other,9,2026-05-04T00:40:00.000Z\n\
        sensor.meter,unavailable,2026-05-04T01:10:00.000Z\nsensor.meter,102.0,2026-05-04T02:00:00.000Z\n";
    let scenario = hourly(
        "missing = \"previous\"",
        "load = [{ column = \"state\", unit = \"kWh register\", where = { entity_id = \"sensor.meter\" } }]",
        "column = \"last_changed\"\nresample_s = 3600",
    );
    let n = read(&scenario, file);
    assert_eq!(demand(&n), [1_000, 1_000]);
    // Powers hold until they change.
    let watts = file
        .replace("100.0", "100")
        .replace("100.5", "200")
        .replace("102.0", "50");
    let scenario = scenario.replace("kWh register", "W");
    assert_eq!(demand(&read(&scenario, &watts)), [150, 200]);
}

/// Home Assistant's download of the energy page: a row for each sensor, a column for each hour.
#[test]
fn home_assistant_energy_page() {
    let file = "entity_id,type,unit,2026-05-04T00:00:00.000Z,2026-05-04T01:00:00.000Z,2026-05-04T02:00:00.000Z\n\
        sensor.import,grid_consumption,kWh,0.5,0.25,1\nsensor.solar,solar_production,kWh,0,2,3\n";
    let scenario = hourly(
        "",
        "load = [{ column = \"value\", unit = \"kWh\", where = { type = \"grid_consumption\" } }]\n\
         generation = [{ column = \"value\", unit = \"kWh\", where = { type = \"solar_production\" } }]",
        "across = true",
    );
    let n = read(&scenario, file);
    assert_eq!(
        (demand(&n), n.homes[0].generation_wh.clone()),
        (vec![500, 250, 1_000], vec![0, 2_000, 3_000])
    );
    assert_eq!(n.start().get(), MAY);
}

/// evcc's charging sessions: energy between two moments.
#[test]
fn charging_sessions() {
    let file = "Created;Finished;Loadpoint;Energy (kWh)\n2026-05-04 00:30:00;2026-05-04 02:30:00;Carport;8,0\n\
        2026-05-04 03:00:00;2026-05-04 03:15:00;Carport;1,0\n";
    let scenario = hourly(
        "delimiter = \";\"\ndecimal = \",\"",
        "load = [{ column = \"Energy (kWh)\", unit = \"kWh\" }]",
        "column = \"Created\"\nuntil = \"Finished\"\nresample_s = 3600\nzone = \"UTC\"",
    );
    let n = read(&scenario, file);
    assert_eq!(
        (n.start().get(), demand(&n)),
        (MAY, vec![2_000, 4_000, 2_000, 1_000])
    );
}

/// A P1 logger: registers of two tariffs, import and export, read every quarter of an hour.
#[test]
fn p1_logger() {
    let file = "time,Import T1 kWh,Import T2 kWh,Export T1 kWh,Export T2 kWh\n\
        2026-05-04 00:00,1000.0,2000.0,10.0,20.0\n2026-05-04 00:30,1000.5,2000.0,10.0,20.0\n\
        2026-05-04 01:00,1000.5,2000.25,10.0,20.0\n2026-05-04 01:30,1000.5,2000.25,10.75,20.0\n2026-05-04 02:00,1000.5,2000.25,10.75,20.25\n";
    let columns = ["Import T1", "Import T2", "Export T1", "Export T2"].map(|name| {
        let sign = if name.starts_with("Export") {
            ", scale = -1"
        } else {
            ""
        };
        format!("{{ column = \"{name} kWh\", unit = \"kWh register\"{sign} }}")
    });
    let scenario = hourly(
        "",
        &format!("net = [{}]", columns.join(", ")),
        "column = \"time\"\nzone = \"UTC\"",
    );
    let n = read(&scenario, file);
    assert_eq!(
        (demand(&n), n.homes[0].generation_wh.clone()),
        (vec![750, 0], vec![0, 1_000])
    );
}
