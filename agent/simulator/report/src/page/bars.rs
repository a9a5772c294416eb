//! Histograms.

use plotters::chart::ChartBuilder;
use plotters::element::Rectangle;

use super::draw::{
    axis_number, failed, filled, rule_style, svg, text_style, Canvas, Figure, Frame, Hints, Medium,
};
use super::palette::GENERATION;

/// Bins of a histogram, at most.
const MOST_BINS: u64 = 24;
/// Pixels left of the plotted area.
const LEFT: u32 = 78;
/// Pixels right of it.
const RIGHT: u32 = 28;

const fn size(medium: Medium) -> (u32, u32) {
    match medium {
        Medium::Wide => (440, 260),
        Medium::Narrow => (320, 240),
    }
}

/// Width of bins (1, 2 or 5 times a power of ten) and the count in each, from zero.
pub fn bins(values: &[u64]) -> (u64, Vec<u64>) {
    let most = values.iter().copied().max().unwrap_or(0);
    let widths = (0u32..19).flat_map(|power| {
        [1u64, 2, 5].map(|digit| digit.saturating_mul(10u64.saturating_pow(power)))
    });
    let fits = |width: &u64| most.checked_div(*width).is_some_and(|bin| bin < MOST_BINS);
    let width = widths.clone().find(fits).unwrap_or(u64::MAX);
    let bin = |value: u64| usize::try_from(value.checked_div(width).unwrap_or(0)).unwrap_or(0);
    let mut counts = vec![0u64; bin(most).saturating_add(1)];
    for value in values {
        if let Some(count) = counts.get_mut(bin(*value)) {
            *count = count.saturating_add(1);
        }
    }
    (width, counts)
}

fn draw_histogram(
    canvas: &Canvas,
    width: u64,
    counts: &[u64],
    along: &str,
    medium: Medium,
) -> Result<(), String> {
    let right = counts.len() as f64 * width as f64;
    let high = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = ChartBuilder::on(canvas)
        .margin(8)
        .margin_top(14)
        .margin_right(RIGHT)
        .x_label_area_size(52)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..right, 0.0..high * 1.06)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(rule_style())
        .light_line_style(plotters::style::TRANSPARENT)
        .axis_style(rule_style())
        .label_style(text_style())
        .axis_desc_style(text_style())
        .x_desc(along)
        .y_desc("trades")
        .x_labels(if medium == Medium::Wide { 5 } else { 3 })
        .y_labels(5)
        .x_label_formatter(&|x| axis_number(*x, right))
        .y_label_formatter(&|y| axis_number(*y, high))
        .draw()
        .map_err(failed)?;
    let bars = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(bin, count)| {
            let left = bin as f64 * width as f64;
            let gap = width as f64 * 0.06;
            let corners = [
                (left + gap, 0.0),
                (left + width as f64 - gap, *count as f64),
            ];
            Rectangle::new(corners, filled(GENERATION))
        });
    chart.draw_series(bars).map_err(failed)?;
    Ok(())
}

/// How many trades have which size. `along`: what the horizontal axis shows, with its unit.
pub fn histogram(
    id: &str,
    title: &str,
    caption: &str,
    (along, unit): (&str, &str),
    values: &[u64],
) -> Result<Figure, String> {
    let (width, counts) = bins(values);
    let caption = format!("{caption} Each bar is {width} {unit} wide.");
    let frame = Frame {
        id,
        title,
        description: &caption,
        sides: (LEFT, RIGHT),
    };
    let along = format!("{along}, {unit}");
    let [wide, narrow] = Medium::BOTH.map(|medium| {
        svg(&frame, medium, size(medium), |canvas| {
            draw_histogram(canvas, width, &counts, &along, medium)
        })
    });
    let place = |(bin, count): (usize, &u64)| {
        let from = width.saturating_mul(u64::try_from(bin).unwrap_or(u64::MAX));
        let to = from.saturating_add(width);
        format!("{from} to {to} {unit}: {count} trades")
    };
    Ok(Figure {
        title: title.into(),
        svg: wide?,
        narrow: narrow?,
        hints: Hints {
            id: id.into(),
            places: counts.iter().enumerate().map(place).collect(),
        },
        caption,
        legend: Vec::new(),
        wide: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_round_few_and_complete() {
        assert_eq!(bins(&[]), (1, vec![0]));
        assert_eq!(bins(&[0, 1, 1, 3]), (1, vec![1, 2, 0, 1]));
        let (width, counts) = bins(&[10, 990, 999, 1_000]);
        assert_eq!((width, counts.len()), (50, 21));
        assert_eq!((counts[0], counts[19], counts[20]), (1, 2, 1));
        let (_, counts) = bins(&[u64::MAX, 5]);
        assert_eq!(counts.iter().sum::<u64>(), 2);
        assert!(counts.len() as u64 <= MOST_BINS);
    }
}
