//! Writes `schema/json`: the JSON Schemas of every message, signed record, event and refusal, made from
//! the types in `wattpool-schema`; and `docs/access.md`, who may send what. The same types give the same bytes, on every machine.

mod access;
mod contracts;
mod documents;
mod errors;
mod events;
mod records;
mod write;

use anyhow::{bail, Context, Result};
use std::path::Path;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(directory), Some(page), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("expected two arguments: the directory to write, such as schema/json, and the page of permissions, such as docs/access.md");
    };
    write::replace(Path::new(&directory), &documents::all()?)?;
    std::fs::write(&page, access::page()?).with_context(|| Path::new(&page).display().to_string())
}
