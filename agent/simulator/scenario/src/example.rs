//! A small street as files, to start from.

use crate::generate::{neighbourhood, GenerateOptions};
use crate::model::Neighbourhood;
use crate::stamps::Clock;
use crate::ScenarioError;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names of the homes; the generator's own have numbers.
const HOMES: [&str; 4] = ["anna", "bert", "carla", "dora"];

const SCENARIO: &str = r#"# A street of four homes for a week, read from files: change the files and the keys, and run
#   wattpool simulate street.toml --out results
# All keys: docs/data.md.
name = "street"
# Length of a market window in seconds; the files have a row every quarter of an hour.
window_s = 900

[profiles]
# One file for each home; {home} stands for its name.
file = "homes/{home}.csv"
homes = ["anna", "bert", "carla", "dora"]
load = [{ column = "load_kwh", unit = "kWh" }]
# Two homes have no panels, and no such column.
generation = [{ column = "pv_kwh", unit = "kWh", optional = true }]

[profiles.time]
column = "time"
format = "%d.%m.%Y %H:%M"
# The stamps are local; summer time is heeded.
zone = "Europe/Berlin"

# What the grid's energy costs: a price for every hour, in the currency per MWh.
[tariff.import]
file = "prices.csv"
column = "price"
unit = "per MWh"
delimiter = ";"
decimal = ","

# What feeding in earns, in millionths of the currency per kWh: 0.08.
[tariff.feed_in]
flat = 80_000
"#;

/// Why the example could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExampleError {
    /// A file could not be written.
    #[error("{}: cannot be written ({source}); expected a folder that is new or has no such file", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The street could not be made.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

/// Writes a scenario, a file for each of four homes, and prices into a folder; returns what it wrote. Nothing
/// that is there is replaced.
///
/// # Errors
/// For a file that is there already or cannot be written.
pub fn write_example(dir: &Path) -> Result<Vec<PathBuf>, ExampleError> {
    let options = GenerateOptions {
        homes: 4,
        days: 7,
        seed: 5,
        pv_share: 0.5,
        ..GenerateOptions::default()
    };
    let street = neighbourhood(&options)?;
    let clock = Clock::Named(options.timezone);
    let mut files = vec![(dir.join("street.toml"), SCENARIO.to_string())];
    // Homes with panels first, so that the names say which.
    let mut homes: Vec<_> = street.homes.iter().collect();
    homes.sort_by_key(|h| !h.generation_wh.iter().any(|wh| *wh > 0));
    for (name, home) in HOMES.into_iter().zip(homes) {
        let generates = home.generation_wh.iter().any(|wh| *wh > 0);
        let mut text = if generates {
            "time,load_kwh,pv_kwh\n"
        } else {
            "time,load_kwh\n"
        }
        .to_string();
        for (i, (demand, generation)) in home.demand_wh.iter().zip(&home.generation_wh).enumerate()
        {
            text.push_str(&stamp(&street, clock, i));
            text.push_str(&format!(",{}", kwh(*demand, '.')));
            if generates {
                text.push_str(&format!(",{}", kwh(*generation, '.')));
            }
            text.push('\n');
        }
        files.push((dir.join("homes").join(format!("{name}.csv")), text));
    }
    let mut prices = "time;price\n".to_string();
    for (i, tariff) in street.import_tariff.iter().enumerate().step_by(4) {
        // Micro-units per kWh are thousandths of a unit per MWh.
        let thousandths = u32::try_from(tariff.0.max(0)).unwrap_or(u32::MAX);
        prices.push_str(&format!(
            "{};{}\n",
            stamp(&street, clock, i),
            kwh(thousandths, ',')
        ));
    }
    files.push((dir.join("prices.csv"), prices));
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |source| ExampleError::Write { file, source }
    };
    for (file, _) in &files {
        if file.exists() {
            let source = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(failed(file)(source));
        }
    }
    for (file, text) in &files {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .map_err(failed(file))?;
        out.write_all(text.as_bytes()).map_err(failed(file))?;
    }
    Ok(files.into_iter().map(|(file, _)| file).collect())
}

/// Local time at the beginning of a window.
fn stamp(street: &Neighbourhood, clock: Clock, window: usize) -> String {
    let start = i64::try_from(street.start().get()).unwrap_or(0);
    let passed = i64::try_from(window)
        .unwrap_or(0)
        .saturating_mul(i64::from(street.window_s));
    clock
        .shows(start.saturating_add(passed))
        .map_or_else(String::new, |t| t.format("%d.%m.%Y %H:%M").to_string())
}

/// Thousands with three digits behind the mark.
fn kwh(thousandths: u32, mark: char) -> String {
    let whole = thousandths.checked_div(1_000).unwrap_or(0);
    let rest = thousandths.checked_rem(1_000).unwrap_or(0);
    format!("{whole}{mark}{rest:03}")
}
