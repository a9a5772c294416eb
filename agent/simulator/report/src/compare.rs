//! Finished runs side by side: as a table, as JSON, and as a page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;
use serde::Serialize;

use crate::error::RunError;
use crate::format::{kilograms, kilowatts, kwh, number, percent, price, rate, UNDEFINED};
use crate::inputs::{self, Difference, Inputs, MOST_LINES};
use crate::page::words::{counted, length, money, Per};
use crate::summary::Summary;
use crate::write::SUMMARY;

/// A finished run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// What it is called in the comparison: its folder.
    pub name: String,
    /// Its figures.
    pub summary: Summary,
    /// The settings of its scenario that are not the same in all runs.
    pub inputs: Inputs,
    /// All settings of its scenario; `None` where none lie beside the results.
    #[serde(skip)]
    pub scenario: Option<Inputs>,
}

/// Reads the runs in these folders.
///
/// # Errors
/// There are fewer than two, or one of them is not a finished run's folder.
pub fn read_runs<P: AsRef<Path>>(folders: &[P]) -> Result<Vec<Run>, RunError> {
    if folders.len() < 2 {
        return Err(RunError::Few {
            found: folders.len(),
        });
    }
    let read = folders.iter().map(|folder| read_run(folder.as_ref()));
    let mut runs = read.collect::<Result<Vec<Run>, RunError>>()?;
    let same: BTreeSet<String> = match runs.first().and_then(|run| run.scenario.clone()) {
        None => BTreeSet::new(),
        Some(first) => first
            .into_iter()
            .filter(|(key, value)| {
                let scenarios = runs.iter().filter_map(|run| run.scenario.as_ref());
                scenarios.map(|s| s.get(key)).all(|own| own == Some(value))
            })
            .map(|(key, _)| key)
            .collect(),
    };
    for run in &mut runs {
        let own = run.scenario.iter().flatten();
        let own = own.filter(|(key, _)| !same.contains(*key));
        run.inputs = own
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
    }
    Ok(runs)
}

fn read_run(folder: &Path) -> Result<Run, RunError> {
    let path = folder.join(SUMMARY);
    let text = fs::read_to_string(&path).map_err(|source| RunError::Io {
        path: path.clone(),
        source,
    })?;
    let summary =
        serde_json::from_str(&text).map_err(|source| RunError::Summary { path, source })?;
    Ok(Run {
        name: folder.display().to_string(),
        summary,
        inputs: Inputs::new(),
        scenario: inputs::read(folder)?,
    })
}

/// A line of the comparison: a label, and a value per run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub label: &'static str,
    /// In the order of the runs.
    pub values: Vec<String>,
}

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What they are about.
    pub title: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
}

type Value = fn(&Summary, Per) -> String;

/// An amount at the rate of the span, if there is a home that it is of.
fn at_rate(s: &Summary, per: Per, micro: i64, homes: u64) -> String {
    if homes == 0 {
        return UNDEFINED.into();
    }
    format!("{} {}", money(s, per.of(s, micro)), per.words())
}

/// One span for all: that which suits the shortest.
fn common(runs: &[Run]) -> Per {
    let spans = || runs.iter().map(|run| Per::usual(&run.summary));
    if spans().any(|per| per == Per::Day) {
        Per::Day
    } else {
        Per::Week
    }
}

const MONEY: [(&str, Value); 11] = [
    ("Gain of all homes at one rate", |s, per| {
        at_rate(s, per, s.welfare, s.meters)
    }),
    ("Gain of all homes, after fees", |s, _| money(s, s.welfare)),
    ("Share of the bill without trading", |s, _| {
        let share = s.welfare as f64 / s.bill_without_trading as f64;
        percent((s.bill_without_trading > 0).then_some(share))
    }),
    ("A home without generation gains (median)", |s, per| {
        at_rate(s, per, s.consumers.gain_median, s.consumers.homes)
    }),
    ("A home with generation gains (median)", |s, per| {
        at_rate(s, per, s.producers.gain_median, s.producers.homes)
    }),
    ("Homes that lose", |s, _| {
        s.consumers
            .losers
            .saturating_add(s.producers.losers)
            .to_string()
    }),
    ("Bill without trading", |s, _| {
        money(s, s.bill_without_trading)
    }),
    ("Bill with trading, fees included", |s, _| money(s, s.bill)),
    ("Fees", |s, _| money(s, s.machinery.fees)),
    ("Fees over what trading brings", |s, _| {
        percent(s.machinery.share_of_welfare)
    }),
    ("Mean price per kWh", |s, _| price(s.mean_price)),
];

const ENERGY: [(&str, Value); 9] = [
    ("Self-sufficiency without trading", |s, _| {
        percent(s.self_sufficiency_without_trading)
    }),
    ("Self-sufficiency with trading", |s, _| {
        percent(s.self_sufficiency)
    }),
    ("Ceiling: perfect matching", |s, _| {
        percent(s.self_sufficiency_ceiling)
    }),
    ("Share of the ceiling", |s, _| percent(s.ceiling_share)),
    ("Traded", |s, _| kwh(s.traded_wh)),
    ("Lost between neighbours", |s, _| kwh(s.lost_wh)),
    ("From the national grid", |s, _| kwh(s.grid_import_wh)),
    ("Peak import", |s, _| kilowatts(s.peak_import_w)),
    ("CO2 avoided", |s, _| kilograms(s.co2_avoided_g)),
];

const MARKET: [(&str, Value); 6] = [
    ("Trades", |s, _| crate::format::grouped(s.trades)),
    ("Sellers per need", |s, _| number(s.sellers_per_need, 2)),
    ("Fulfilment", |s, _| percent(s.quality)),
    ("Gini among like sellers", |s, _| {
        number(s.gini_like_sellers, 3)
    }),
    ("Gas per traded kWh", |s, _| {
        rate(s.machinery.gas_per_traded_kwh)
    }),
    ("Invariants violated", |s, _| {
        s.invariant_violations.to_string()
    }),
];

const RUN: [(&str, Value); 6] = [
    ("Scenario", |s, _| s.scenario.clone()),
    ("Homes", |s, _| counted(s.meters, "home", "homes")),
    ("Period", |s, _| {
        format!("{} from {}", length(s), s.start_local)
    }),
    ("Window", |s, _| crate::format::duration(s.window_s.into())),
    ("Seed", |s, _| s.seed.to_string()),
    ("Finished", |s, _| {
        if s.finished { "yes" } else { "interrupted" }.into()
    }),
];

fn block(title: &'static str, runs: &[Run], lines: &[(&'static str, Value)]) -> Block {
    let per = common(runs);
    let line = |(label, value): &(&'static str, Value)| Line {
        label,
        values: runs.iter().map(|run| value(&run.summary, per)).collect(),
    };
    Block {
        title,
        lines: lines.iter().map(line).collect(),
    }
}

/// Every line of the comparison, by subject.
pub fn blocks(runs: &[Run]) -> Vec<Block> {
    vec![
        block("Runs", runs, &RUN),
        block("Money", runs, &MONEY),
        block("Energy", runs, &ENERGY),
        block("Market", runs, &MARKET),
    ]
}

/// In what the scenarios differ, as far as every run has kept its own.
pub fn differing(runs: &[Run]) -> Vec<Difference> {
    let kept: Option<Vec<&Inputs>> = runs.iter().map(|run| run.scenario.as_ref()).collect();
    kept.map(|all| inputs::differences(&all))
        .unwrap_or_default()
}

/// A sentence where there is nothing to list.
fn nothing_differs(runs: &[Run], differing: &[Difference]) -> Option<String> {
    match runs.iter().find(|run| run.scenario.is_none()) {
        Some(run) => Some(format!(
            "{} has no {}: in what the scenarios differ is not known",
            run.name,
            crate::write::SCENARIO
        )),
        None if differing.is_empty() => Some("the scenarios are the same in all settings".into()),
        None => None,
    }
}

/// Why the runs are not alike in more than what is compared; empty where they are.
pub fn remarks(runs: &[Run]) -> Vec<String> {
    let differ = |value: &dyn Fn(&Summary) -> String| {
        let mut values = runs.iter().map(|run| value(&run.summary));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    type Said<'a> = &'a dyn Fn(&Summary) -> String;
    let checks: [(&str, Said<'_>); 5] = [
        (
            "the periods differ: compare what is told at one rate",
            &|s| format!("{} {}", s.start, s.days),
        ),
        (
            "the windows differ: within a longer one a home nets more by itself, and its bill without trading is another",
            &|s| s.window_s.to_string(),
        ),
        ("the currencies differ", &|s| format!("{:?}", s.currency)),
        ("the numbers of homes differ", &|s| s.meters.to_string()),
        (
            "the homes' energy differs: these are not the same homes and days",
            &|s| format!("{} {}", s.demand_wh, s.generation_wh),
        ),
    ];
    let said = checks.iter().filter(|(_, value)| differ(*value));
    let said = said.map(|(text, _)| (*text).to_owned());
    said.chain(nothing_differs(runs, &differing(runs)))
        .collect()
}

/// Names of the runs without the folders that hold all of them.
fn short_names(runs: &[Run]) -> Vec<String> {
    let parts = |run: &Run| -> Vec<String> {
        let parts = Path::new(&run.name).components();
        parts
            .map(|p| p.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    let all: Vec<Vec<String>> = runs.iter().map(parts).collect();
    let shortest = all.iter().map(Vec::len).min().unwrap_or(0);
    let same = |i: &usize| {
        let mut at = all.iter().map(|parts| parts.get(*i));
        let first = at.next();
        at.all(|part| Some(part) == first)
    };
    // The last part is the run's own, whatever it is called.
    let shared = (0..shortest.saturating_sub(1)).take_while(same).count();
    let rest = all.iter().map(|parts| parts.iter().skip(shared));
    rest.map(|parts| parts.collect::<PathBuf>().display().to_string())
        .collect()
}

/// The comparison as aligned columns for a terminal, ending with a newline.
pub fn table(runs: &[Run]) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let names = short_names(runs);
    rows.push(std::iter::once(String::new()).chain(names).collect());
    for block in blocks(runs) {
        for line in block.lines {
            rows.push(
                std::iter::once(line.label.to_owned())
                    .chain(line.values)
                    .collect(),
            );
        }
    }
    let columns = runs.len().saturating_add(1);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for remark in remarks(runs) {
        text.push_str(&format!("Note: {remark}\n"));
    }
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            if column == 0 {
                line.push_str(cell);
                line.push_str(&pad);
            } else {
                line.push_str("  ");
                line.push_str(&pad);
                line.push_str(cell);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let differing = differing(runs);
    if !differing.is_empty() {
        text.push_str("Settings that differ:\n");
    }
    for difference in differing.iter().take(MOST_LINES) {
        text.push_str(&format!(
            "  {}: {}\n",
            difference.key,
            difference.values.join(" | ")
        ));
    }
    if differing.len() > MOST_LINES {
        let more = differing.len().saturating_sub(MOST_LINES);
        text.push_str(&format!("  and {more} more; all are in --json\n"));
    }
    text
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'a> {
    style: String,
    runs: &'a [String],
    blocks: Vec<Block>,
    remarks: Vec<String>,
    bars: Vec<Bar>,
    differing: Vec<Difference>,
}

/// A run's gain beside the others'.
struct Bar {
    name: String,
    value: String,
    length: String,
    loses: bool,
}

fn bars(runs: &[Run]) -> Vec<Bar> {
    let per = common(runs);
    let gains = || {
        runs.iter()
            .map(move |run| (run, per.of(&run.summary, run.summary.welfare)))
    };
    let largest = gains().map(|(_, gain)| gain.unsigned_abs()).max();
    let largest = largest.unwrap_or(0).max(1) as f64;
    gains()
        .zip(short_names(runs))
        .map(|((run, gain), name)| Bar {
            name,
            value: at_rate(&run.summary, per, run.summary.welfare, run.summary.meters),
            length: format!("{:.1}", gain.unsigned_abs() as f64 / largest * 100.0),
            loses: gain < 0,
        })
        .collect()
}

/// The comparison as one self-contained page.
///
/// # Errors
/// The page cannot be written out.
pub fn page(runs: &[Run]) -> Result<String, String> {
    let names = short_names(runs);
    let page = Page {
        style: crate::page::style(),
        runs: &names,
        blocks: blocks(runs),
        remarks: remarks(runs),
        bars: bars(runs),
        differing: differing(runs).into_iter().take(MOST_LINES).collect(),
    };
    page.render().map_err(|error| error.to_string())
}
