//! The page's colours: one list for charts, legends and style sheet.
//!
//! Charts are drawn in the light colour; the style sheet maps each to a variable, so that the dark
//! scheme recolours the same SVG. Hues are near those of Okabe and Ito, told apart with any colour vision, and dark
//! (in the dark scheme light) enough for graphics: 3:1 against the card they are drawn on.

use plotters::style::RGBColor;

/// Red, green, blue.
type Rgb = (u8, u8, u8);

/// A colour with its twin for the dark scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Name of its variable and its legend class.
    pub name: &'static str,
    light: Rgb,
    dark: Rgb,
}

const fn colour(name: &'static str, light: Rgb, dark: Rgb) -> Colour {
    Colour { name, light, dark }
}

/// Text in charts.
pub const INK: Colour = colour("ink", (75, 85, 99), (176, 184, 196));
/// Grid lines and axes of charts.
pub const RULE: Colour = colour("rule", (222, 226, 231), (56, 64, 76));
/// Own use.
pub const OWN: Colour = colour("own", (0, 140, 102), (24, 176, 133));
/// Traded between neighbours.
pub const TRADED: Colour = colour("traded", (196, 116, 0), (240, 176, 40));
/// The national grid, and what was before trading.
pub const GRID: Colour = colour("grid", (122, 132, 145), (138, 148, 162));
/// Generation, and sales.
pub const GENERATION: Colour = colour("generation", (0, 102, 170), (86, 180, 233));
/// Feed-in.
pub const FEED_IN: Colour = colour("feed-in", (176, 82, 136), (220, 146, 186));
/// What perfect matching could reach.
pub const CEILING: Colour = colour("ceiling", (108, 90, 170), (160, 145, 220));
/// A home that loses.
pub const LOSS: Colour = colour("loss", (200, 50, 45), (240, 110, 100));

/// The cards that everything is drawn on.
#[cfg(test)]
const CARD: Colour = colour("card", (255, 255, 255), (27, 33, 42));

/// Every colour of the page.
pub const ALL: [Colour; 9] = [
    INK, RULE, OWN, TRADED, GRID, GENERATION, FEED_IN, CEILING, LOSS,
];

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

impl Colour {
    /// For the drawing library.
    pub fn rgb(self) -> RGBColor {
        let (r, g, b) = self.light;
        RGBColor(r, g, b)
    }
}

/// Variables for both schemes, legend classes, and the mapping of drawn colours to variables.
pub fn style_sheet() -> String {
    let variables = |pick: fn(&Colour) -> Rgb| -> String {
        ALL.iter()
            .map(|colour| format!("--{}:{};", colour.name, hex(pick(colour))))
            .collect()
    };
    let mut css = format!(
        ":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n",
        variables(|colour| colour.light),
        variables(|colour| colour.dark)
    );
    for colour in &ALL {
        let (name, drawn) = (colour.name, hex(colour.light));
        css.push_str(&format!(
            ".c-{name}{{background:var(--{name})}}\
             svg [fill=\"{drawn}\"]{{fill:var(--{name})}}\
             svg [stroke=\"{drawn}\"]{{stroke:var(--{name})}}\n"
        ));
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2.
    fn luminance((r, g, b): Rgb) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 {
                v / 12.92
            } else {
                ((v + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    #[test]
    fn graphics_stand_out_from_their_card() {
        let contrast = |a, b| {
            let (a, b) = (luminance(a), luminance(b));
            (f64::max(a, b) + 0.05) / (f64::min(a, b) + 0.05)
        };
        // The mesh is decoration: values are read from labels and hints.
        for colour in ALL.iter().filter(|colour| **colour != RULE) {
            let least = if *colour == INK { 4.5 } else { 3.0 };
            assert!(contrast(colour.light, CARD.light) >= least, "{colour:?}");
            assert!(contrast(colour.dark, CARD.dark) >= least, "{colour:?}");
        }
    }

    #[test]
    fn light_colours_are_distinct_so_that_the_mapping_is_unique() {
        for (i, a) in ALL.iter().enumerate() {
            assert!(ALL
                .iter()
                .skip(i + 1)
                .all(|b| a.light != b.light && a.name != b.name));
        }
    }
}
