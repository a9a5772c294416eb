//! What all charts share: a canvas that becomes an accessible inline SVG, and the time axis.

use std::ops::Range;

use chrono::{DateTime, Datelike, Utc};
use plotters::backend::SVGBackend;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::coord::types::RangedCoordf64;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::prelude::Ranged;
use plotters::style::{Color, IntoFont, ShapeStyle, TextStyle};

use serde::Serialize;

use super::palette::{Colour, INK, RULE};
use crate::time::instant;
use wattpool_schema::Seconds;

/// The surface of a chart.
pub type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A line of a legend.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The colour's legend class.
    pub colour: &'static str,
    /// What it stands for.
    pub text: &'static str,
    /// Drawn as a line instead of an area.
    pub line: bool,
}

impl Entry {
    /// An area or a bar.
    pub fn area(colour: Colour, text: &'static str) -> Self {
        Self {
            colour: colour.name,
            text,
            line: false,
        }
    }

    /// A line.
    pub fn line(colour: Colour, text: &'static str) -> Self {
        Self {
            colour: colour.name,
            text,
            line: true,
        }
    }
}

/// A chart with what a reader who cannot see it needs.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Heading.
    pub title: String,
    /// What is shown, with units and down-sampling.
    pub caption: String,
    /// What the colours stand for.
    pub legend: Vec<Entry>,
    /// The inline SVG for screens and paper.
    pub svg: String,
    /// The same, drawn for a telephone.
    pub narrow: String,
    /// What is said where somebody points.
    pub hints: Hints,
    /// Takes the page's whole width.
    pub wide: bool,
}

/// What is said where somebody points at a chart: its width is divided evenly among the places.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hints {
    /// The chart's id.
    pub id: String,
    /// One line per place.
    pub places: Vec<String>,
}

/// Where a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A screen of usual width, and paper.
    Wide,
    /// A telephone, in a drawing of its own lest the text shrink.
    Narrow,
}

impl Medium {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    /// Appended to ids.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Wide => "",
            Self::Narrow => "-narrow",
        }
    }
}

/// What a chart is besides its drawing.
pub struct Frame<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// For assistive technology.
    pub title: &'a str,
    /// For assistive technology.
    pub description: &'a str,
    /// Pixels left and right of the plotted area.
    pub sides: (u32, u32),
}

/// Any error of the drawing library as text.
pub fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Size of text in charts as the drawing library counts it: it writes 13.7 pixels.
const TEXT: i32 = 17;

/// Text of axes.
pub fn text_style() -> TextStyle<'static> {
    TextStyle {
        color: INK.rgb().to_backend_color(),
        ..TextStyle::from(("sans-serif", TEXT).into_font())
    }
}

/// Thin lines of the mesh.
pub fn rule_style() -> ShapeStyle {
    RULE.rgb().stroke_width(1)
}

/// A filled shape.
pub fn filled(colour: Colour) -> ShapeStyle {
    colour.rgb().filled()
}

/// Text that is safe between tags.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// An axis with its labels at given places.
pub struct Ticked {
    inner: RangedCoordf64,
    ticks: Vec<f64>,
}

impl Ticked {
    /// An axis over `range` with these ticks.
    pub fn new(range: Range<f64>, ticks: Vec<f64>) -> Self {
        Self {
            inner: range.into(),
            ticks,
        }
    }
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.inner.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.inner.range()
    }
}

/// Draws on a canvas of the given size in pixels and returns the SVG for embedding.
pub fn svg(
    frame: &Frame<'_>,
    medium: Medium,
    size: (u32, u32),
    draw: impl FnOnce(&Canvas) -> Result<(), String>,
) -> Result<String, String> {
    let id = format!("{}{}", frame.id, medium.suffix());
    let mut drawn = String::new();
    {
        let canvas = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        draw(&canvas)?;
        canvas.present().map_err(failed)?;
    }
    // The library's own opening tag has a fixed size and no title.
    let content = drawn
        .split_once("<svg")
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(_, rest)| rest);
    let content = content.ok_or_else(|| format!("chart {id}: the drawing has no content"))?;
    Ok(format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
         data-left=\"{}\" data-right=\"{}\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>{content}",
        size.0,
        size.1,
        frame.sides.0,
        frame.sides.1,
        escaped(frame.title),
        escaped(frame.description)
    ))
}

/// A number for an axis: as few decimals as the range needs.
pub fn axis_number(value: f64, range: f64) -> String {
    let decimals = if range >= 8.0 {
        0
    } else if range >= 0.8 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Most labels on a time axis.
const MOST_TICKS: i64 = 10;

fn at(seconds: f64) -> DateTime<Utc> {
    // Times on the page come from whole, non-negative unix seconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = seconds.max(0.0).round() as u64;
    instant(Seconds(whole))
}

/// Round times between two unix seconds, and how they are written.
pub fn time_ticks(from: f64, to: f64) -> (Vec<f64>, &'static str) {
    #[allow(clippy::cast_possible_truncation)]
    let (first, last) = (from as i64, to as i64);
    let span = last.saturating_sub(first);
    let steps = [
        HOUR / 4,
        HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        7 * DAY,
        14 * DAY,
    ];
    let fits = |step: &&i64| {
        span.checked_div(**step)
            .is_some_and(|ticks| ticks <= MOST_TICKS)
    };
    if let Some(step) = steps.iter().find(fits) {
        let start = first.div_euclid(*step).saturating_mul(*step);
        let ticks = (0..=MOST_TICKS.saturating_add(2))
            .map(|i| start.saturating_add(step.saturating_mul(i)))
            .filter(|tick| (first..=last).contains(tick))
            .map(|tick| tick as f64);
        let pattern = match *step {
            step if step < 6 * HOUR => "%H:%M",
            step if step < DAY => "%d %b %H:%M",
            _ => "%d %b",
        };
        return (ticks.collect(), pattern);
    }
    // Months: the first of every n-th month.
    let months = span.checked_div(30 * DAY).unwrap_or(0);
    let rounds = [1i64, 2, 3, 6, 12, 24, 60, 120, 600, 1_200];
    let few = |every: &i64| {
        months
            .checked_div(*every)
            .is_some_and(|ticks| ticks <= MOST_TICKS)
    };
    let every = rounds.into_iter().find(few).unwrap_or(12_000);
    let (start, end) = (at(from), at(to));
    let number = |time: &DateTime<Utc>| {
        i64::from(time.year())
            .saturating_mul(12)
            .saturating_add(i64::from(time.month0()))
    };
    let ticks = (number(&start)..=number(&end))
        .filter(|month| month.rem_euclid(every) == 0)
        .filter_map(|month| {
            let year = i32::try_from(month.div_euclid(12)).ok()?;
            let month = u32::try_from(month.rem_euclid(12)).ok()?.saturating_add(1);
            let first = chrono::NaiveDate::from_ymd_opt(year, month, 1)?
                .and_hms_opt(0, 0, 0)?
                .and_utc();
            (first >= start && first <= end).then(|| first.timestamp() as f64)
        });
    (ticks.collect(), "%b %Y")
}

/// A tick as text.
pub fn time_label(seconds: f64, pattern: &str) -> String {
    at(seconds).format(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let start = 1_780_272_000.0; // 2026-06-01T00:00:00Z
        for days in [0.1, 0.5, 1.0, 3.0, 7.0, 30.0, 100.0, 365.0, 3_650.0] {
            let (ticks, pattern) = time_ticks(start, start + days * 86_400.0);
            assert!(
                (2..=14).contains(&ticks.len()),
                "{days} days: {}",
                ticks.len()
            );
            assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(!time_label(ticks[0], pattern).is_empty());
        }
        let (ticks, pattern) = time_ticks(start, start + 365.0 * 86_400.0);
        assert_eq!(time_label(ticks[0], pattern), "Jul 2026");
    }

    #[test]
    fn svg_is_embedded_without_the_librarys_head() {
        let frame = Frame {
            id: "x",
            title: "a<b",
            description: "d",
            sides: (1, 2),
        };
        let drawn = svg(&frame, Medium::Wide, (100, 50), |_| Ok(())).unwrap();
        assert!(drawn.starts_with("<svg viewBox=\"0 0 100 50\" role=\"img\""));
        assert!(drawn.contains("<title id=\"x-title\">a&lt;b</title>"));
        assert!(drawn.trim_end().ends_with("</svg>"));
        assert!(!drawn.contains("http"));
    }
}
