//! Charts over time: where the demand was met from, and prices.

use plotters::chart::ChartBuilder;
use plotters::element::Circle;
use plotters::series::{AreaSeries, LineSeries};
use plotters::style::Color;

use super::draw::{
    axis_number, failed, rule_style, svg, text_style, time_label, time_ticks, Canvas, Entry,
    Figure, Ticked,
};
use super::palette::{Colour, FEED_IN, GENERATION, GRID, OWN, TRADED};
use super::series::Point;

const SIZE: (u32, u32) = (900, 290);

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
    unit: &'static str,
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

fn draw(canvas: &Canvas, points: &[Point], axis: Axis, layers: &Layers) -> Result<(), String> {
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
    let lower = if bottom < 0.0 {
        bottom - range * 0.05
    } else {
        0.0
    };
    let mut chart = ChartBuilder::on(canvas)
        .margin(8)
        .margin_top(14)
        .margin_right(24)
        .x_label_area_size(28)
        .y_label_area_size(60)
        .build_cartesian_2d(Ticked::new(from..to, keys), lower..bottom + range * 1.06)
        .map_err(failed)?;
    let unit = layers.unit;
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

/// Demand by where it was met from, stacked, with generation as a line.
pub fn supply(
    id: &str,
    title: &str,
    caption: String,
    points: &[Point],
    axis: Axis,
) -> Result<Figure, String> {
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
        unit: "kW",
    };
    Ok(Figure {
        title: title.into(),
        svg: svg(id, title, &caption, SIZE, |canvas| {
            draw(canvas, points, axis, &layers)
        })?,
        caption,
        legend: vec![
            Entry::area(OWN, "own use"),
            Entry::area(TRADED, "traded between neighbours"),
            Entry::area(GRID, "from the national grid"),
            Entry::line(GENERATION, "generation"),
            Entry::line(FEED_IN, "fed into the grid"),
        ],
        wide: true,
    })
}

/// Prices of trades between the two grid tariffs.
pub fn prices(
    id: &str,
    title: &str,
    caption: String,
    points: &[Point],
    axis: Axis,
) -> Result<Figure, String> {
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
        unit: "",
    };
    Ok(Figure {
        title: title.into(),
        svg: svg(id, title, &caption, SIZE, |canvas| {
            draw(canvas, points, axis, &layers)
        })?,
        caption,
        legend: vec![
            Entry::line(GRID, "grid purchase tariff"),
            Entry::line(TRADED, "mean price of trades"),
            Entry::line(FEED_IN, "feed-in tariff"),
        ],
        wide: true,
    })
}
