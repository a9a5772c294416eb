//! The report page: one self-contained HTML file that opens without a network.

mod bars;
mod draw;
mod figures;
mod flows;
mod homes;
mod lines;
mod palette;
mod sections;
mod series;
mod story;
pub mod words;

use askama::Template;
use wattpool_scenario::model::Neighbourhood;

use crate::format::{grouped, kilograms, kilowatts, kwh, percent};
use crate::human::signature_note;
use crate::measures::Measures;
use crate::outcome::Outcome;
use crate::summary::Summary;
use draw::{Figure, Medium};
use flows::FlowLine;
use homes::HomeLine;
use sections::{sections, Section};
use story::{story, Story};

/// Homes in the page's table and with a page of their own; `meters.csv` has all.
const HOMES_LISTED: usize = 2_000;
/// Homes shown before somebody asks for all.
const HOMES_FIRST: usize = 40;

/// What every page of results looks like.
pub fn style() -> String {
    format!(
        "{}\n{}",
        palette::style_sheet(),
        include_str!("../../templates/page.css")
    )
}

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
    /// Colours and lengths in percent of the whole, one after the other.
    parts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    scenario: &'a str,
    story: Story,
    subtitle: String,
    style: String,
    script: &'static str,
    interrupted: Option<String>,
    violations: &'a [String],
    violation_count: u64,
    headlines: Vec<Headline>,
    gauges: Vec<Gauge>,
    figures: Vec<Figure>,
    hints: String,
    sections: Vec<Section>,
    homes: Vec<HomeLine>,
    homes_total: usize,
    homes_first: usize,
    pages: String,
    unit: String,
    length: String,
    maps: Vec<(&'static str, String)>,
    flows: Vec<FlowLine>,
    flows_total: usize,
    zones: Vec<FlowLine>,
    notes: &'a [String],
    signatures: String,
    json: String,
}

fn headlines(s: &Summary) -> Vec<Headline> {
    let avoided = s
        .grid_import_without_trading_wh
        .saturating_sub(s.grid_import_wh);
    vec![
        Headline {
            label: "Traded",
            value: kwh(s.traded_wh),
            detail: format!(
                "{} of the {:.1} kWh that perfect matching could deliver",
                percent(s.ceiling_share),
                s.ceiling_wh / 1_000.0
            ),
        },
        Headline {
            label: "CO₂ avoided",
            value: kilograms(s.co2_avoided_g),
            detail: format!("{} less from the national grid", kwh(avoided)),
        },
        Headline {
            label: "Trades",
            value: grouped(s.trades),
            detail: format!("{} of what was asked arrived", percent(s.quality)),
        },
        Headline {
            label: "Own generation used in the street",
            value: percent(s.self_consumption),
            detail: format!(
                "{} without trading",
                percent(s.self_consumption_without_trading)
            ),
        },
        Headline {
            label: "Highest import",
            value: kilowatts(s.peak_import_w),
            detail: format!(
                "{} without trading",
                kilowatts(s.peak_import_without_trading_w)
            ),
        },
    ]
}

fn gauges(s: &Summary) -> Vec<Gauge> {
    let percents = |share: f64| format!("{:.2}", share.clamp(0.0, 1.0) * 100.0);
    let own = s.self_sufficiency_without_trading.unwrap_or(0.0);
    let traded = s.self_sufficiency.unwrap_or(0.0) - own;
    let most = s.self_sufficiency_ceiling;
    vec![
        Gauge {
            label: "Without trading",
            value: percent(s.self_sufficiency_without_trading),
            parts: vec![(palette::OWN.name, percents(own))],
        },
        Gauge {
            label: "With trading",
            value: percent(s.self_sufficiency),
            parts: vec![
                (palette::OWN.name, percents(own)),
                (palette::TRADED.name, percents(traded)),
            ],
        },
        Gauge {
            label: "At best: perfect matching",
            value: percent(most),
            parts: vec![(palette::CEILING.name, percents(most.unwrap_or(0.0)))],
        },
    ]
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
    let figures = figures::figures(neighbourhood, outcome, measures)?;
    let hints: Vec<_> = figures.iter().map(|figure| &figure.hints).collect();
    let hints = homes::script_json(&hints)?;
    let flows = flows::flows(neighbourhood, outcome);
    let order = homes::ranking(measures, HOMES_LISTED);
    let (largest, flows_total) = flows::largest(neighbourhood, s, &flows);
    let map = |medium, class| Some((class, flows::map(neighbourhood, &flows, medium)?));
    let maps = [
        map(Medium::Wide, "wide-only"),
        map(Medium::Narrow, "narrow-only"),
    ];
    let page = Page {
        scenario: &s.scenario,
        story: story(neighbourhood, s),
        subtitle: format!(
            "Scenario {} · windows of {} · times in {} · seed {}",
            s.scenario,
            crate::format::duration(s.window_s.into()),
            s.timezone,
            s.seed
        ),
        style: style(),
        script: include_str!("../../templates/report.js"),
        interrupted: (!s.finished).then(|| {
            format!(
                "{} of {} windows were finished",
                grouped(s.windows),
                grouped(s.windows_planned)
            )
        }),
        violations: &s.violations,
        violation_count: s.invariant_violations,
        headlines: headlines(s),
        gauges: gauges(s),
        figures,
        hints,
        sections: sections(s),
        homes: homes::lines(neighbourhood, measures, &order),
        homes_total: neighbourhood.homes.len(),
        homes_first: HOMES_FIRST,
        pages: homes::pages(neighbourhood, outcome, measures, &flows, &order)?,
        unit: s.currency.clone().map_or_else(
            || "Amounts are in the money of the scenario's tariffs".into(),
            |currency| format!("Amounts are in {currency}"),
        ),
        length: words::length(s),
        maps: maps.into_iter().flatten().collect(),
        flows: largest,
        flows_total,
        zones: flows::between_zones(neighbourhood, s, &flows),
        notes: &s.notes,
        signatures: signature_note(s),
        json,
    };
    page.render().map_err(|error| error.to_string())
}
