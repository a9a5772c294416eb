//! The report page: one self-contained HTML file that opens without a network.

mod bars;
mod draw;
mod figures;
mod lines;
mod palette;
mod sections;
mod series;

use askama::Template;
use wattpool_scenario::model::Neighbourhood;

use crate::format::{coins, duration, grouped, kilograms, kilowatts, kwh, percent};
use crate::human::signature_note;
use crate::measures::Measures;
use crate::outcome::Outcome;
use draw::Figure;
use sections::{homes, sections, HomeLine, Section};

/// Homes listed in the page's table; `meters.csv` has all.
const HOMES_LISTED: usize = 200;

/// One headline figure.
struct Headline {
    label: &'static str,
    value: String,
    detail: String,
}

/// A bar of the self-sufficiency gauge.
struct Gauge {
    label: &'static str,
    value: String,
    colour: &'static str,
    /// Length in percent of the whole.
    length: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    scenario: &'a str,
    period: String,
    style: String,
    signatures: String,
    trusted: bool,
    seed: u64,
    interrupted: Option<String>,
    violations: &'a [String],
    violation_count: u64,
    headlines: Vec<Headline>,
    gauges: Vec<Gauge>,
    figures: Vec<Figure>,
    sections: Vec<Section>,
    homes: Vec<HomeLine>,
    homes_total: usize,
    notes: &'a [String],
    json: String,
}

fn headlines(measures: &Measures) -> Vec<Headline> {
    let s = &measures.summary;
    vec![
        Headline {
            label: "Share of the ceiling",
            value: percent(s.ceiling_share),
            detail: format!(
                "{} traded of {:.1} kWh that perfect matching could deliver",
                kwh(s.traded_wh),
                s.ceiling_wh / 1_000.0
            ),
        },
        Headline {
            label: "Bill of all homes, coins",
            value: coins(s.bill),
            detail: format!(
                "{} without trading: {} saved",
                coins(s.bill_without_trading),
                coins(s.welfare)
            ),
        },
        Headline {
            label: "CO₂ avoided",
            value: kilograms(s.co2_avoided_g),
            detail: format!(
                "{} less from the national grid",
                kwh(s
                    .grid_import_without_trading_wh
                    .saturating_sub(s.grid_import_wh))
            ),
        },
        Headline {
            label: "Trades",
            value: grouped(s.trades),
            detail: format!("{} of what was asked arrived", percent(s.quality)),
        },
        Headline {
            label: "Self-consumption",
            value: percent(s.self_consumption),
            detail: format!(
                "{} without trading",
                percent(s.self_consumption_without_trading)
            ),
        },
        Headline {
            label: "Peak import",
            value: kilowatts(s.peak_import_w),
            detail: format!(
                "{} without trading",
                kilowatts(s.peak_import_without_trading_w)
            ),
        },
    ]
}

fn gauges(measures: &Measures) -> Vec<Gauge> {
    let s = &measures.summary;
    let bars = [
        (
            "Without trading",
            s.self_sufficiency_without_trading,
            palette::GRID,
        ),
        ("With trading", s.self_sufficiency, palette::OWN),
        (
            "Ceiling: perfect matching",
            s.self_sufficiency_ceiling,
            palette::TRADED,
        ),
    ];
    let gauge = |(label, share, colour): (&'static str, Option<f64>, palette::Colour)| Gauge {
        label,
        value: percent(share),
        colour: colour.name,
        length: format!("{:.2}", share.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0),
    };
    bars.into_iter().map(gauge).collect()
}

/// Renders the page of a measured run. Fails only when a chart cannot be drawn; the error says which
/// part.
pub fn render(
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    measures: &Measures,
) -> Result<String, String> {
    let s = &measures.summary;
    let json = serde_json::to_string_pretty(s).map_err(|error| error.to_string())?;
    let page = Page {
        scenario: &s.scenario,
        period: format!(
            "{} meters · {} windows of {} from {}",
            grouped(s.meters),
            grouped(s.windows),
            duration(s.window_s.into()),
            s.start
        ),
        style: palette::style_sheet(),
        signatures: signature_note(s),
        trusted: s.signatures_trusted(),
        seed: s.seed,
        interrupted: (!s.finished).then(|| {
            format!(
                "{} of {} windows were finished",
                grouped(s.windows),
                grouped(s.windows_planned)
            )
        }),
        violations: &s.violations,
        violation_count: s.invariant_violations,
        headlines: headlines(measures),
        gauges: gauges(measures),
        figures: figures::figures(neighbourhood, outcome, measures)?,
        sections: sections(s),
        homes: homes(neighbourhood, measures, HOMES_LISTED),
        homes_total: neighbourhood.homes.len(),
        notes: &s.notes,
        json,
    };
    page.render().map_err(|error| error.to_string())
}
