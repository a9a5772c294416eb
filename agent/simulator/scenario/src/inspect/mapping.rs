//! The scenario that reads a file, as text to paste.

use super::layout::Layout;
use super::ColumnFound;
use crate::csv_profile::{CsvData, Manner};
use crate::file::{ClockChange, Stamp};
use crate::stamps::{Clock, StampFormat, UNIX};
use crate::timing::{RowTime, Stamped};
use std::path::Path;

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// The format as a scenario says it.
pub(super) fn format_name(stamped: &Stamped) -> String {
    match &stamped.format {
        StampFormat::Iso => "rfc3339".into(),
        StampFormat::IsoLocal(_) => "ISO 8601 without an offset (no format key)".into(),
        StampFormat::Unix(parts) => UNIX
            .iter()
            .find(|(_, p)| p == parts)
            .map_or_else(String::new, |(name, _)| (*name).to_string()),
        StampFormat::WithOffset(pattern)
        | StampFormat::Local(pattern, _)
        | StampFormat::Hours(pattern, _) => pattern.clone(),
    }
}

/// The time table.
fn time(manner: &Manner) -> Vec<String> {
    let mut lines = Vec::new();
    let stamped = match &manner.time {
        RowTime::Stamped(stamped) => stamped,
        RowTime::Counted { .. } => {
            return vec![
                "step_s = 3600                     # length of a step: check".into(),
                "start = \"2026-01-01T00:00:00Z\"    # first row: check".into(),
            ]
        }
    };
    match &stamped.columns[..] {
        [column] => lines.push(format!("column = {}", quoted(column))),
        several => {
            let names: Vec<String> = several.iter().map(|c| quoted(c)).collect();
            lines.push(format!("columns = [{}]", names.join(", ")));
        }
    }
    match &stamped.format {
        StampFormat::Iso | StampFormat::IsoLocal(_) => {}
        _ => lines.push(format!("format = {}", quoted(&format_name(stamped)))),
    }
    match stamped.format.clock() {
        Some(Clock::Named(zone)) => lines.push(format!("zone = {}", quoted(zone.name()))),
        Some(Clock::Fixed(offset)) => lines.push(format!("zone = {}", quoted(&offset.to_string()))),
        None => {}
    }
    match stamped.stamp {
        Stamp::Start => {}
        Stamp::End => lines.push("stamp = \"end\"".into()),
        Stamp::Interval => lines.push("stamp = \"interval\"".into()),
    }
    if stamped.across {
        lines.push("across = true".into());
    }
    if stamped.tolerance_s > 0 {
        lines.push(format!("tolerance_s = {}", stamped.tolerance_s));
    }
    if stamped.clock_change == ClockChange::SameRows {
        lines.push("clock_change = \"same_rows\"".into());
    }
    lines
}

/// The whole scenario.
pub(super) fn text(
    file: &Path,
    layout: &Layout,
    manner: &Manner,
    homes: Option<&(String, Vec<String>)>,
    columns: &[ColumnFound],
    data: Option<&CsvData>,
    missing: bool,
) -> String {
    let name = file
        .file_stem()
        .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let path = file
        .file_name()
        .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let step_s = data.map_or(900, |d| d.step_s);
    let window_s = if (60..=3_600).contains(&step_s) && 86_400_u32.checked_rem(step_s) == Some(0) {
        step_s
    } else {
        900
    };
    let mut out = vec![
        format!("name = {}", quoted(&name)),
        format!("window_s = {window_s}"),
    ];
    let of =
        |role: &str| -> Vec<&ColumnFound> { columns.iter().filter(|c| c.role == role).collect() };
    let prices = of("price");
    let energy = !(of("load").is_empty() && of("generation").is_empty() && of("net").is_empty());
    let written = |out: &mut Vec<String>| {
        for (key, value) in layout.written() {
            match key {
                "skip" | "footer" => out.push(format!("{key} = {value}")),
                "header" => {
                    let names = layout.dialect.header.iter().flatten().map(|n| quoted(n));
                    out.push(format!(
                        "header = [{}]",
                        names.collect::<Vec<_>>().join(", ")
                    ));
                }
                _ => out.push(format!("{key} = {}", quoted(&value))),
            }
        }
    };
    if energy {
        out.push(String::new());
        out.push("[profiles]".into());
        out.push(format!("file = {}", quoted(&path)));
        match homes {
            Some((column, all)) => {
                out.push(format!("home_column = {}", quoted(column)));
                let names: Vec<String> = all.iter().map(|h| quoted(h)).collect();
                out.push(format!("homes = [{}]", names.join(", ")));
            }
            None => out.push(format!("homes = [{}]", quoted(&name))),
        }
        written(&mut out);
        if missing {
            out.push("missing = \"previous\"".into());
        }
        let gross = !(of("load").is_empty() && of("generation").is_empty());
        let roles: &[&str] = if gross {
            &["load", "generation"]
        } else {
            &["net"]
        };
        for role in roles {
            let all = of(role);
            // The first is taken; the others stand in a remark for who knows the file.
            if let Some((first, others)) = all.split_first() {
                out.push(format!(
                    "{role} = [{{ column = {}, unit = {} }}]",
                    quoted(&first.name),
                    quoted(first.unit)
                ));
                for other in others {
                    out.push(format!(
                        "#   or besides: {{ column = {}, unit = {} }}",
                        quoted(&other.name),
                        quoted(other.unit)
                    ));
                }
            }
        }
        out.push(String::new());
        out.push("[profiles.time]".into());
        out.extend(time(manner));
    }
    out.push(String::new());
    out.push("[tariff.import]".into());
    match prices.first() {
        Some(price) => {
            out.push(format!("file = {}", quoted(&path)));
            out.push(format!("column = {}", quoted(&price.name)));
            out.push(format!("unit = {}", quoted(price.unit)));
            if !energy {
                written(&mut out);
                out.push(format!("time = {{ {} }}", time(manner).join(", ")));
            }
        }
        None => out.push("flat = 300_000                    # 0.30 a kWh: your tariff".into()),
    }
    out.push(String::new());
    out.push("[tariff.feed_in]".into());
    out.push("flat = 80_000                     # 0.08 a kWh: what feeding in earns".into());
    out.join("\n") + "\n"
}
