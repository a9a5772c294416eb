//! What every file of a run holds: taken from the definitions of its rows, so that it cannot lag behind them.

use std::io::Write;

use serde::Serialize;

use crate::fees::{Fees, MessageCost};
use crate::gains::Group;
use crate::record::{EventRow, HomeWindowRow, OfferRow, RequestRow};
use crate::summary::Summary;
use crate::tables::{MeterRow, TradeTableRow, WindowRow};
use crate::write;

/// A column of a table, or a field of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in the program.
    pub kind: &'static str,
    /// What it means, in words.
    pub meaning: &'static str,
}

/// A row or object whose fields are described.
pub trait Described {
    /// Its fields in their order.
    const COLUMNS: &'static [Column];
}

/// Defines a struct, and keeps what its fields' comments say.
macro_rules! described {
    ($(#[$outer:meta])* pub struct $name:ident {
        $($(#[doc = $doc:literal])* pub $field:ident: $kind:ty,)*
    }) => {
        $(#[$outer])*
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $kind,)*
        }

        impl $crate::dictionary::Described for $name {
            const COLUMNS: &'static [$crate::dictionary::Column] = &[
                $($crate::dictionary::Column {
                    name: stringify!($field),
                    kind: stringify!($kind),
                    meaning: concat!($($doc),*),
                },)*
            ];
        }
    };
}
pub(crate) use described;

/// A file or a part of one.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The file, and the object in it.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
}

/// Every table of a run.
pub const TABLES: [Table; 10] = [
    Table {
        name: write::SUMMARY,
        about: "Every figure of the run, one JSON object.",
        columns: Summary::COLUMNS,
    },
    Table {
        name: "summary.json: consumers, producers",
        about: "Homes without and with generation.",
        columns: Group::COLUMNS,
    },
    Table {
        name: "summary.json: machinery",
        about: "Gas and fees.",
        columns: Fees::COLUMNS,
    },
    Table {
        name: "summary.json: machinery.messages",
        about: "By the message's name.",
        columns: MessageCost::COLUMNS,
    },
    Table {
        name: write::WINDOWS,
        about: "A row per metered window: all homes together.",
        columns: WindowRow::COLUMNS,
    },
    Table {
        name: write::METERS,
        about: "A row per home: all windows together.",
        columns: MeterRow::COLUMNS,
    },
    Table {
        name: write::TRADES,
        about: "A row per closed trade, in the chain's order.",
        columns: TradeTableRow::COLUMNS,
    },
    Table {
        name: write::HOMES,
        about: "With --record: a row per home and window.",
        columns: HomeWindowRow::COLUMNS,
    },
    Table {
        name: write::OFFERS,
        about: "With --record: a row per offer that a home announced.",
        columns: OfferRow::COLUMNS,
    },
    Table {
        name: write::REQUESTS,
        about: "With --record: a row per request, with its answer.",
        columns: RequestRow::COLUMNS,
    },
];

/// The lines of `events.jsonl`.
pub const EVENTS: Table = Table {
    name: write::EVENTS,
    about: "With --record: a JSON object per event of the chain, in its order.",
    columns: EventRow::COLUMNS,
};

/// All of them.
pub fn tables() -> impl Iterator<Item = Table> {
    TABLES.into_iter().chain([EVENTS])
}

/// The unit that a name ends in, if it does.
fn unit(name: &str) -> &'static str {
    let units = [
        ("_micro_per_kwh", "micro-units per kWh"),
        ("_g_per_kwh", "g per kWh"),
        ("_micro", "micro-units"),
        ("_wh", "Wh"),
        ("_w", "W"),
        ("_s", "s"),
        ("_g", "g"),
        ("_bytes", "bytes"),
    ];
    let found = units.iter().find(|(end, _)| name.ends_with(end));
    found.map_or("", |(_, unit)| unit)
}

/// A type as people who do not write the program call it.
fn kind(kind: &str) -> String {
    let plain = kind.strip_prefix("Option").map_or(kind, |rest| {
        rest.trim()
            .trim_start_matches('<')
            .trim_end_matches('>')
            .trim()
    });
    let optional = plain.len() < kind.len();
    let name = match plain {
        "u64" | "u32" | "u16" | "i64" | "usize" => "whole number",
        "f64" => "number",
        "bool" => "true or false",
        "String" | "HomeKind" | "TradeKind" => "text",
        "Vec<String>" => "list of texts",
        _ => "object",
    };
    if optional {
        format!("{name}, or nothing")
    } else {
        name.into()
    }
}

#[derive(Serialize)]
struct Line {
    file: &'static str,
    column: &'static str,
    r#type: String,
    unit: &'static str,
    meaning: String,
}

fn lines() -> impl Iterator<Item = Line> {
    tables().flat_map(|table| {
        table.columns.iter().map(move |column| Line {
            file: table.name,
            column: column.name,
            r#type: kind(column.kind),
            unit: unit(column.name),
            meaning: column.meaning.trim().into(),
        })
    })
}

/// Writes the dictionary as CSV.
///
/// # Errors
/// The writer's.
pub fn write_csv(out: impl Write) -> Result<(), csv::Error> {
    crate::tables::write_rows(out, lines())
}

/// The dictionary as a page of the documents.
pub fn markdown() -> String {
    let mut text = String::from(
        "# What the files of a run hold\n\n\
         Written by `cargo run -p wattpool-report --example dictionary` from the definitions of the rows; every run has the\n\
         same as `dictionary.csv`. Energy is in whole Wh, money in micro-units (a millionth of a unit of the scenario's\n\
         `currency`), shares are from 0 to 1. Times are RFC 3339 in UTC; columns that end in `_local` show the clock of the\n\
         scenario's time zone. `scenario.json` is the scenario as it was simulated: homes with their policies and energy, tariffs, zones, lines, faults, attackers.\n",
    );
    for table in tables() {
        text.push_str(&format!(
            "\n## {}\n\n{}\n\n| column | type | unit | meaning |\n|---|---|---|---|\n",
            table.name, table.about
        ));
        for column in table.columns {
            text.push_str(&format!(
                "| `{}` | {} | {} | {} |\n",
                column.name,
                kind(column.kind),
                unit(column.name),
                column.meaning.trim().replace('|', "\\|")
            ));
        }
    }
    text
}
