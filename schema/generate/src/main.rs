//! Writes `schema/json`: the JSON Schemas of every message, signed record, event and refusal, made from
//! the types in `wattpool-schema`. The same types give the same bytes, on every machine.

mod contracts;
mod documents;
mod errors;
mod events;
mod records;
mod write;

use anyhow::{bail, Result};
use std::path::Path;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(directory), None) = (arguments.next(), arguments.next()) else {
        bail!("expected one argument: the directory to write, such as schema/json");
    };
    write::replace(Path::new(&directory), &documents::all()?)
}
