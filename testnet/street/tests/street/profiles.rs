//! What flows in the homes: rows of (demand, generation) in Wh per window.

use std::fmt::Write;
use std::path::Path;

pub type Profile = Vec<(u64, u64)>;

/// Homes with sun on some of the roofs: amounts of a quarter of an hour around noon.
pub fn generated(homes: u64, rows: u64) -> Vec<Profile> {
    let mix = |n: u64| {
        let n = (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        n ^ (n >> 29)
    };
    let profile = |home: u64| {
        let row = |row: u64| {
            let demand = 60 + mix(home * 1_000 + row) % 240;
            let sun = 300 + mix(home * 7_919 + row * 13) % 500;
            (demand, if home.is_multiple_of(2) { sun } else { 0 })
        };
        (0..rows).map(row).collect()
    };
    (0..homes).map(profile).collect()
}

/// The same of real homes: hours of a summer's day of CityLearn 2022, from 10 o'clock on.
pub fn real(folder: &Path, homes: usize, rows: usize) -> Vec<Profile> {
    let profile = |home: usize| {
        let file = folder.join(format!("Building_{home}.csv"));
        let kwp = if matches!(home, 4 | 10..=17) {
            5.0
        } else {
            4.0
        };
        let rows = wattpool_program_harness::table(&file)
            .into_iter()
            .skip(10)
            .take(rows);
        let wh = |row: std::collections::HashMap<String, String>| {
            let value = |column: &str| row[column].parse::<f64>().unwrap();
            let demand = value("non_shiftable_load") * 1_000.0;
            let generation = value("solar_generation") * kwp;
            (demand.round() as u64, generation.round() as u64)
        };
        rows.map(wh).collect()
    };
    (1..=homes).map(profile).collect()
}

pub fn csv(profile: &Profile) -> String {
    let mut text = String::from("demand_wh,generation_wh\n");
    for (demand, generation) in profile {
        writeln!(text, "{demand},{generation}").unwrap();
    }
    text
}

/// What perfect matching could trade, and what is exported, in each row.
pub fn ceiling(profiles: &[Profile], row: usize) -> (u64, u64) {
    let (mut surplus, mut deficit) = (0, 0);
    for profile in profiles {
        let (demand, generation) = profile[row];
        surplus += generation.saturating_sub(demand);
        deficit += demand.saturating_sub(generation);
    }
    (surplus.min(deficit), surplus)
}
