//! The page's colours: one list for charts, legends and style sheet.
//!
//! Charts are drawn in the light colour; the style sheet maps each to a variable, so that the dark
//! scheme recolours the same SVG. Hues are those of Okabe and Ito, told apart with any colour vision.

use plotters::style::RGBColor;

/// A colour with its twin for the dark scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Name of its variable and its legend class.
    pub name: &'static str,
    light: (u8, u8, u8),
    dark: (u8, u8, u8),
}

/// Text in charts.
pub const INK: Colour = Colour {
    name: "ink",
    light: (75, 85, 99),
    dark: (176, 184, 196),
};
/// Grid lines and axes of charts.
pub const RULE: Colour = Colour {
    name: "rule",
    light: (222, 226, 231),
    dark: (56, 64, 76),
};
/// Own use.
pub const OWN: Colour = Colour {
    name: "own",
    light: (0, 158, 115),
    dark: (24, 176, 133),
};
/// Traded between neighbours.
pub const TRADED: Colour = Colour {
    name: "traded",
    light: (230, 159, 0),
    dark: (240, 176, 40),
};
/// The national grid, and what was before trading.
pub const GRID: Colour = Colour {
    name: "grid",
    light: (176, 184, 194),
    dark: (98, 108, 122),
};
/// Generation, and sales.
pub const GENERATION: Colour = Colour {
    name: "generation",
    light: (0, 114, 178),
    dark: (86, 180, 233),
};
/// Feed-in.
pub const FEED_IN: Colour = Colour {
    name: "feed-in",
    light: (204, 121, 167),
    dark: (220, 146, 186),
};

/// Every colour of the page.
pub const ALL: [Colour; 7] = [INK, RULE, OWN, TRADED, GRID, GENERATION, FEED_IN];

fn hex((r, g, b): (u8, u8, u8)) -> String {
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
    let variables = |pick: fn(&Colour) -> (u8, u8, u8)| -> String {
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
