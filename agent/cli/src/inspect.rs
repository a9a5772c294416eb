//! `wattpool inspect`: what files of profiles or prices hold, and the scenario that reads them.

use crate::{print, Failure};
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use wattpool_scenario::inspect::{together, Inspection, Together};

/// Finds out how files of profiles or prices are written, and prints the scenario that reads them.
///
/// Several files that belong together, such as one for each home, are read by one scenario.
#[derive(clap::Args)]
pub struct Args {
    /// CSV files or workbooks, or a folder of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Time zone of stamps without an offset, such as Europe/Berlin; UTC when absent.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Print what was found as JSON: an object with each file, the scenario, and what was remarked on.
    #[arg(long)]
    json: bool,
}

/// Endings of the files that are looked at in a folder.
const ENDINGS: [&str; 9] = [
    "csv", "tsv", "txt", "dat", "xlsx", "xlsm", "xlsb", "xls", "ods",
];

/// The tables in a folder, in the order of their names.
fn tables(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e: std::io::Error| {
        Failure::input(anyhow!(
            "{}: cannot be read ({e}); expected a folder of tables",
            folder.display()
        ))
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        let hidden = path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && path.is_file() && ending.is_some_and(|e| ENDINGS.contains(&e.as_str())) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Failure::input(anyhow!(
            "{}: no table is in this folder; expected files that end in .{}",
            folder.display(),
            ENDINGS.join(", .")
        )));
    }
    found.sort();
    Ok(found)
}

/// Looks at the files.
///
/// # Errors
/// A file cannot be read or holds no table (exit code 2).
pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut files = Vec::with_capacity(args.files.len());
    for file in &args.files {
        if file.is_dir() {
            files.extend(tables(file)?);
        } else {
            files.push(file.clone());
        }
    }
    let found = together(&files, args.zone.as_deref()).map_err(Failure::input)?;
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&found)?))?;
    } else {
        print(&human(&found))?;
    }
    Ok(0)
}

/// What was found, for people.
fn human(found: &Together) -> String {
    let one = found.files.len() == 1;
    let mut out: Vec<String> = Vec::new();
    for file in &found.files {
        out.extend(table(file));
        if one || found.scenario.is_none() {
            out.extend(found.read.iter().map(|read| format!("  Scenario  {read}")));
            out.push("  Scenario to paste (check units and zone):\n".into());
            out.push(file.mapping.clone());
        } else {
            out.push(String::new());
        }
    }
    if !one {
        out.push(format!("{} files", found.files.len()));
        if !found.remarks.is_empty() {
            out.push("  To look at:".into());
            out.extend(found.remarks.iter().map(|r| format!("  - {r}")));
        }
        if let Some(scenario) = &found.scenario {
            out.extend(found.read.iter().map(|read| format!("  Scenario  {read}")));
            let folder = match found.folder.as_os_str().is_empty() {
                true => ".".into(),
                false => found.folder.display().to_string(),
            };
            out.push(format!(
                "  One scenario for all, to save in {folder} (check units, zone and roofs):\n"
            ));
            out.push(scenario.clone());
        }
    }
    out.join("\n")
}

/// A file, for people.
fn table(found: &Inspection) -> Vec<String> {
    let mut out = vec![format!("{}", found.file.display())];
    let mut line = |label: &str, value: String| out.push(format!("  {label:<10}{value}"));
    let written: Vec<String> = found
        .written
        .iter()
        .map(|(key, value)| format!("{key} {value:?}"))
        .collect();
    if !written.is_empty() {
        line("Written", written.join(", "));
    }
    match &found.format {
        Some(format) => line("Stamps", format!("{} as {format}", found.stamps.join(" "))),
        None => line("Stamps", "none".into()),
    }
    if let (Some(step_s), Some(from), Some(until)) = (found.step_s, &found.from, &found.until) {
        line(
            "Rows",
            format!("{} steps of {step_s} s from {from} to {until}", found.steps),
        );
    } else {
        line("Rows", found.steps.to_string());
    }
    if let Some((column, all)) = &found.homes {
        line(
            "Homes",
            format!("{}, named by column '{column}'", all.len()),
        );
    }
    if !found.columns.is_empty() {
        out.push(format!(
            "  {:<24} {:<11} {:<13} {:>12} {:>12} {:>12} {:>12}  day 0-24 h",
            "Column", "looks like", "unit (guess)", "least", "mean", "most", "kWh in all"
        ));
    }
    for column in &found.columns {
        let number = |value: f64| format!("{value:.3}");
        out.push(format!(
            "  {:<24} {:<11} {:<13} {:>12} {:>12} {:>12} {:>12}  {}",
            column.name,
            column.role,
            column.unit,
            number(column.least),
            number(column.mean),
            number(column.most),
            column.kwh.map_or_else(String::new, number),
            column.day
        ));
    }
    if !found.remarks.is_empty() {
        out.push("  To look at:".into());
        out.extend(found.remarks.iter().map(|r| format!("  - {r}")));
    }
    out
}
