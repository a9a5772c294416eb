//! Charts that compare homes, and histograms.

use plotters::chart::ChartBuilder;
use plotters::element::Rectangle;

use super::draw::{
    axis_number, failed, filled, rule_style, svg, text_style, Canvas, Entry, Figure, Ticked,
};
use super::palette::{Colour, GENERATION};

/// Width of charts that stand side by side.
const WIDTH: u32 = 520;
/// Height of one home's bars.
const ROW: u32 = 26;
/// Characters of a home's name that fit beside its bars.
const NAME: usize = 18;
/// Bins of a histogram, at most.
const MOST_BINS: u64 = 24;

/// One home's bars, one value per colour of the chart.
#[derive(Clone, Debug)]
pub struct HomeBars {
    /// The home's name.
    pub name: String,
    /// Lengths in the unit of the chart.
    pub values: Vec<f64>,
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.into();
    }
    let kept: String = name.chars().take(NAME.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn draw_homes(
    canvas: &Canvas,
    homes: &[HomeBars],
    colours: &[Colour],
    unit: &str,
) -> Result<(), String> {
    let values = || homes.iter().flat_map(|home| home.values.iter().copied());
    let (low, high) = (values().fold(0.0, f64::min), values().fold(0.0, f64::max));
    let range = if high > low { high - low } else { 1.0 };
    let rows = homes.len() as f64;
    let longest = homes
        .iter()
        .map(|home| home.name.chars().count().min(NAME))
        .max()
        .unwrap_or(0);
    let names = u32::try_from(longest)
        .unwrap_or(0)
        .saturating_mul(8)
        .saturating_add(14);
    let middles: Vec<f64> = (0..homes.len()).map(|row| row as f64 + 0.5).collect();
    let mut chart = ChartBuilder::on(canvas)
        .margin(8)
        .margin_right(28)
        .x_label_area_size(28)
        .y_label_area_size(names)
        .build_cartesian_2d(
            (if low < 0.0 { low - range * 0.03 } else { 0.0 })..(low + range * 1.03),
            Ticked::new(0.0..rows, middles),
        )
        .map_err(failed)?;
    // Row 0 is at the bottom: the first home is drawn at the top.
    let top_down = || homes.iter().rev();
    chart
        .configure_mesh()
        .disable_y_mesh()
        .bold_line_style(rule_style())
        .light_line_style(plotters::style::TRANSPARENT)
        .axis_style(rule_style())
        .label_style(text_style())
        .x_labels(6)
        .x_label_formatter(&|x| {
            format!("{} {unit}", axis_number(*x, range))
                .trim_end()
                .to_string()
        })
        .y_label_formatter(&|y| {
            let row = (0..homes.len()).find(|row| (*row as f64 + 0.5 - y).abs() < 0.25);
            row.and_then(|row| top_down().nth(row))
                .map_or_else(String::new, |home| shortened(&home.name))
        })
        .draw()
        .map_err(failed)?;
    let thickness = 0.76 / colours.len().max(1) as f64;
    for (row, home) in top_down().enumerate() {
        for ((bar, value), colour) in home.values.iter().enumerate().zip(colours) {
            let top = row as f64 + 0.88 - bar as f64 * thickness;
            let corners = [(0.0, top - thickness), (*value, top)];
            chart
                .draw_series(std::iter::once(Rectangle::new(corners, filled(*colour))))
                .map_err(failed)?;
        }
    }
    Ok(())
}

/// Horizontal bars, one group per home in the order given.
pub fn homes(
    id: &str,
    title: &str,
    caption: String,
    unit: &str,
    bars: &[HomeBars],
    legend: &[(Colour, &'static str)],
) -> Result<Figure, String> {
    let colours: Vec<Colour> = legend.iter().map(|(colour, _)| *colour).collect();
    let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX);
    let height = rows.saturating_mul(ROW).saturating_add(50);
    Ok(Figure {
        title: title.into(),
        svg: svg(id, title, &caption, (WIDTH, height), |canvas| {
            draw_homes(canvas, bars, &colours, unit)
        })?,
        caption,
        legend: legend
            .iter()
            .map(|(colour, text)| Entry::area(*colour, text))
            .collect(),
        wide: false,
    })
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

fn draw_histogram(canvas: &Canvas, width: u64, counts: &[u64], unit: &str) -> Result<(), String> {
    let right = counts.len() as f64 * width as f64;
    let high = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut chart = ChartBuilder::on(canvas)
        .margin(8)
        .margin_top(14)
        .margin_right(28)
        .x_label_area_size(28)
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
        .x_labels(8)
        .y_labels(5)
        .x_label_formatter(&|x| format!("{} {unit}", axis_number(*x, right)))
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

/// How many trades have which size.
pub fn histogram(
    id: &str,
    title: &str,
    caption: &str,
    unit: &str,
    values: &[u64],
) -> Result<Figure, String> {
    let (width, counts) = bins(values);
    let caption = format!("{caption} Each bar is {width} {unit} wide.");
    Ok(Figure {
        title: title.into(),
        svg: svg(id, title, &caption, (WIDTH, 260), |canvas| {
            draw_histogram(canvas, width, &counts, unit)
        })?,
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

    #[test]
    fn long_names_are_cut_at_characters() {
        assert_eq!(shortened("home-17"), "home-17");
        assert_eq!(shortened("Ärzte-und-Apotheken-Haus").chars().count(), NAME);
    }
}
