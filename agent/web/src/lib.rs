//! What the page of an agent and that of a market's explorer share.
//!
//! [`serve`] takes connections, bounded in number and time; [`guard`] is what every request passes; [`answer`] the one form of error; [`files`] hands
//! out a page's files, which are part of the program. [`PAGE`] are those that both pages have: looks, charts, figures, languages.

pub mod answer;
pub mod files;
pub mod guard;
pub mod openapi;
pub mod serve;

use files::{File, DRAWING, SCRIPT, STYLE};

/// Files of every page. A page brings `/page/words.js`, its texts, and what it shows.
pub const PAGE: &[File] = &[
    ("/page/style.css", STYLE, include_str!("page/style.css")),
    ("/page/ask.js", SCRIPT, include_str!("page/ask.js")),
    ("/page/draw.js", SCRIPT, include_str!("page/draw.js")),
    ("/page/figures.js", SCRIPT, include_str!("page/figures.js")),
    ("/page/texts.js", SCRIPT, include_str!("page/texts.js")),
    ("/page/icon.svg", DRAWING, include_str!("page/icon.svg")),
];
