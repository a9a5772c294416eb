//! `wattpool inspect`: what a file of profiles or prices holds, and the mapping that reads it.

use crate::{print, Failure};
use std::path::PathBuf;
use wattpool_scenario::inspect::{inspect, Inspection};

/// Finds out how a file of profiles or prices is written, and prints the mapping that reads it.
#[derive(clap::Args)]
pub struct Args {
    /// CSV files or workbooks.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Time zone of stamps without an offset, such as Europe/Berlin; UTC when absent.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Print what was found as JSON: an array with an object for each file.
    #[arg(long)]
    json: bool,
}

/// Looks at the files.
///
/// # Errors
/// A file cannot be read or holds no table (exit code 2).
pub fn run(args: &Args) -> Result<u8, Failure> {
    let mut found = Vec::with_capacity(args.files.len());
    for file in &args.files {
        if file.is_dir() {
            return Err(Failure::input(anyhow::anyhow!(
                "{}: is a folder; expected files, such as {}",
                file.display(),
                file.join("*.csv").display()
            )));
        }
        found.push(inspect(file, args.zone.as_deref()).map_err(Failure::input)?);
    }
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&found)?))?;
    } else {
        let texts: Vec<String> = found.iter().map(human).collect();
        print(&texts.join("\n"))?;
    }
    Ok(0)
}

/// What was found, for people.
fn human(found: &Inspection) -> String {
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
    out.push("  Scenario to paste (check units and zone):\n".into());
    out.push(found.mapping.clone());
    out.join("\n")
}
