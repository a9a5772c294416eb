//! Charts over time: where the demand was met from, and prices.

use plotters::chart::ChartBuilder;
use plotters::element::Circle;
use plotters::series::{AreaSeries, LineSeries};
use plotters::style::Color;

use super::draw::{
    axis_number, failed, rule_style, svg, text_style, time_label, time_ticks, Canvas, Entry,
    Figure, Frame, Hints, Medium, Ticked,
};
use super::palette::{Colour, FEED_IN, GENERATION, GRID, OWN, TRADED};
use super::series::Point;

/// Pixels left of the plotted area: margin and labels.
const LEFT: u32 = 78;
/// Pixels right of it.
const RIGHT: u32 = 24;

const fn size(medium: Medium) -> (u32, u32) {
    match medium {
        Medium::Wide => (900, 290),
        Medium::Narrow => (320, 250),
    }
}

/// The horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Unix seconds.
    Period,
    /// Seconds of a day.
    Day,
}

/// What to draw on a time axis, from the back to the front.
struct Layers {
    areas: Vec<(Colour, Vec<f64>)>,
    lines: Vec<(Colour, Vec<Option<f64>>)>,
    unit: String,
}

/// Most labels that fit under a narrow chart.
const NARROW_TICKS: usize = 2;

/// Of many ticks, every second, third, … one, so that their labels fit.
fn thinned(ticks: Vec<f64>, medium: Medium, pattern: &str) -> Vec<f64> {
    let most = match (medium, pattern.len()) {
        (Medium::Wide, _) => return ticks,
        (Medium::Narrow, 0..=5) => NARROW_TICKS.saturating_add(3),
        (Medium::Narrow, _) => NARROW_TICKS,
    };
    let step = ticks.len().div_ceil(most).max(1);
    ticks.into_iter().step_by(step).collect()
}

fn ticks(points: &[Point], axis: Axis) -> (f64, f64, Vec<f64>, &'static str) {
    let (first, last) = (
        points.first().map_or(0.0, |p| p.at),
        points.last().map_or(1.0, |p| p.at),
    );
    match axis {
        Axis::Day => (
            0.0,
            86_400.0,
            (0..=8).map(|i| f64::from(i) * 10_800.0).collect(),
            "%H:%M",
        ),
        Axis::Period => {
            // Points are in the middle of what they stand for: the axis starts half a point earlier.
            let half = points
                .get(1)
                .map_or(450.0, |second| (second.at - first) / 2.0);
            let (from, to) = (first - half, last + half);
            let (ticks, pattern) = time_ticks(from, to);
            (from, to, ticks, pattern)
        }
    }
}

/// Stretches of defined values: a line is interrupted where nothing was traded.
fn stretches(points: &[Point], values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut all = vec![Vec::new()];
    for (point, value) in points.iter().zip(values) {
        match (value, all.last_mut()) {
            (Some(value), Some(stretch)) => stretch.push((point.at, *value)),
            _ => all.push(Vec::new()),
        }
    }
    all.retain(|stretch| !stretch.is_empty());
    all
}

fn draw(
    canvas: &Canvas,
    points: &[Point],
    axis: Axis,
    layers: &Layers,
    medium: Medium,
) -> Result<(), String> {
    let values = || {
        let areas = layers
            .areas
            .iter()
            .flat_map(|(_, values)| values.iter().copied());
        areas.chain(
            layers
                .lines
                .iter()
                .flat_map(|(_, values)| values.iter().copied().flatten()),
        )
    };
    let top = values().fold(0.0, f64::max);
    let bottom = values().fold(0.0, f64::min);
    let range = if top > bottom { top - bottom } else { 1.0 };
    let (from, to, keys, pattern) = ticks(points, axis);
    let keys = thinned(keys, medium, pattern);
    let lower = if bottom < 0.0 {
        bottom - range * 0.05
    } else {
        0.0
    };
    let mut chart = ChartBuilder::on(canvas)
        .margin(8)
        .margin_top(14)
        .margin_right(RIGHT)
        .x_label_area_size(32)
        .y_label_area_size(70)
        .build_cartesian_2d(Ticked::new(from..to, keys), lower..bottom + range * 1.06)
        .map_err(failed)?;
    let unit = layers.unit.as_str();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(rule_style())
        .light_line_style(plotters::style::TRANSPARENT)
        .axis_style(rule_style())
        .label_style(text_style())
        .y_labels(6)
        .x_label_formatter(&|x| {
            time_label(
                *x,
                if axis == Axis::Day && *x > 86_000.0 {
                    "24:00"
                } else {
                    pattern
                },
            )
        })
        .y_label_formatter(&|y| {
            format!("{} {unit}", axis_number(*y, range))
                .trim_end()
                .to_string()
        })
        .draw()
        .map_err(failed)?;
    for (colour, values) in &layers.areas {
        let line = points
            .iter()
            .zip(values)
            .map(|(point, value)| (point.at, *value));
        chart
            .draw_series(AreaSeries::new(line, 0.0, colour.rgb()))
            .map_err(failed)?;
    }
    for (colour, values) in &layers.lines {
        for stretch in stretches(points, values) {
            if let [lonely] = stretch.as_slice() {
                let dot = Circle::new(*lonely, 2, colour.rgb().filled());
                chart.draw_series(std::iter::once(dot)).map_err(failed)?;
            } else {
                chart
                    .draw_series(LineSeries::new(stretch, colour.rgb().stroke_width(2)))
                    .map_err(failed)?;
            }
        }
    }
    Ok(())
}

/// When a point is, for a hint.
fn moment(point: &Point, axis: Axis, span: f64) -> String {
    let pattern = match axis {
        Axis::Day => "%H:%M",
        Axis::Period if span >= 86_400.0 => "%a %-d %b",
        Axis::Period => "%a %-d %b %H:%M",
    };
    let begin = point.at - span / 2.0;
    time_label(begin, pattern)
}

/// A chart over time.
pub struct Chart<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// Heading.
    pub title: &'a str,
    /// Below it.
    pub caption: String,
    /// What is drawn.
    pub points: &'a [Point],
    /// Along what.
    pub axis: Axis,
}

impl Chart<'_> {
    /// Length of what a point stands for, seconds.
    fn span(&self) -> f64 {
        match (self.axis, self.points) {
            (Axis::Day, points) => 86_400.0 / points.len().max(1) as f64,
            (Axis::Period, [first, second, ..]) => second.at - first.at,
            (Axis::Period, _) => 0.0,
        }
    }

    fn figure(
        self,
        layers: &Layers,
        legend: Vec<Entry>,
        say: impl Fn(&Point) -> String,
    ) -> Result<Figure, String> {
        let frame = Frame {
            id: self.id,
            title: self.title,
            description: &self.caption,
            sides: (LEFT, RIGHT),
        };
        let [wide, narrow] = Medium::BOTH.map(|medium| {
            svg(&frame, medium, size(medium), |canvas| {
                draw(canvas, self.points, self.axis, layers, medium)
            })
        });
        let span = self.span();
        let places = self
            .points
            .iter()
            .map(|point| format!("{}: {}", moment(point, self.axis, span), say(point)))
            .collect();
        Ok(Figure {
            title: self.title.into(),
            svg: wide?,
            narrow: narrow?,
            hints: Hints {
                id: self.id.into(),
                places,
            },
            caption: self.caption,
            legend,
            wide: true,
        })
    }
}

/// Demand by where it was met from, stacked, with generation as a line.
pub fn supply(chart: Chart<'_>) -> Result<Figure, String> {
    let points = chart.points;
    let stacked = |parts: &dyn Fn(&Point) -> f64| points.iter().map(parts).collect::<Vec<_>>();
    let layers = Layers {
        areas: vec![
            (
                GRID,
                stacked(&|p| p.own_use_kw() + p.traded_kw() + p.grid_import_kw()),
            ),
            (TRADED, stacked(&|p| p.own_use_kw() + p.traded_kw())),
            (OWN, stacked(&|p| p.own_use_kw())),
        ],
        lines: vec![
            (
                FEED_IN,
                points.iter().map(|p| Some(p.feed_in_kw())).collect(),
            ),
            (
                GENERATION,
                points.iter().map(|p| Some(p.generation_kw())).collect(),
            ),
        ],
        unit: "kW".into(),
    };
    let legend = vec![
        Entry::area(OWN, "own use"),
        Entry::area(TRADED, "traded between neighbours"),
        Entry::area(GRID, "from the national grid"),
        Entry::line(GENERATION, "generation"),
        Entry::line(FEED_IN, "fed into the grid"),
    ];
    chart.figure(&layers, legend, |p| {
        format!(
            "own use {:.2} kW, traded {:.2}, from the grid {:.2}, generation {:.2}, fed in {:.2}",
            p.own_use_kw(),
            p.traded_kw(),
            p.grid_import_kw(),
            p.generation_kw(),
            p.feed_in_kw()
        )
    })
}

/// Prices of trades between the two grid tariffs.
pub fn prices(chart: Chart<'_>) -> Result<Figure, String> {
    let points = chart.points;
    let layers = Layers {
        areas: Vec::new(),
        lines: vec![
            (
                GRID,
                points.iter().map(|p| Some(p.import_tariff())).collect(),
            ),
            (
                FEED_IN,
                points.iter().map(|p| Some(p.feed_in_tariff())).collect(),
            ),
            (TRADED, points.iter().map(Point::price).collect()),
        ],
        unit: String::new(),
    };
    let legend = vec![
        Entry::line(GRID, "price of the grid"),
        Entry::line(TRADED, "mean price of trades"),
        Entry::line(FEED_IN, "feed-in tariff"),
    ];
    chart.figure(&layers, legend, |p| {
        let traded = p
            .price()
            .map_or_else(|| "no trade".into(), |price| format!("trades {price:.4}"));
        format!(
            "{traded}, grid {:.4}, feed-in {:.4}",
            p.import_tariff(),
            p.feed_in_tariff()
        )
    })
}
