//! `wattpool-agent init`: a commented configuration, and new keys beside it.

use super::keys::PublicKeys;
use super::Shown;
use crate::keystore::Keystore;
use crate::passphrase;
use crate::Failure;
use anyhow::Context;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::str::FromStr;
use wattpool_daemon::config::Config;
use wattpool_daemon::template::{configuration, METERS};
use wattpool_schema::MeterId;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    shown: Shown,
    /// The kind of meter to read, such as p1 or shelly; without it a profile is replayed. Or, as --id, the pseudonym.
    #[arg(long, value_name = "KIND|ID")]
    meter: Option<Named>,
    /// Where the meter is: a serial port, or such as tcp://192.168.1.20:502.
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
    /// The meter's pseudonym, if the registrar has told it already.
    #[arg(long, value_name = "ID")]
    id: Option<MeterId>,
}

/// A kind of meter, or a pseudonym.
#[derive(Clone)]
enum Named {
    /// What stands in the configuration for it.
    Kind(&'static str),
    Id(MeterId),
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, block)) = METERS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Kind(block));
        }
        let names: Vec<&str> = METERS.iter().map(|(name, _)| *name).collect();
        text.parse().map(Self::Id).map_err(|_| {
            format!(
                "expected {}, or a pseudonym of 32 hexadecimal digits",
                names.join(", ")
            )
        })
    }
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let file = &args.shown.at.config;
    let (block, named) = match &args.meter {
        Some(Named::Kind(block)) => (Some(*block), None),
        Some(Named::Id(id)) => (None, Some(*id)),
        None => (None, None),
    };
    let name = || format!("configuration {}", file.display());
    // One that is there is kept: an earlier call may have ended between the two files.
    let kept = file.exists();
    let text = if kept {
        if block.is_some() || named.is_some() || args.id.is_some() || args.connection.is_some() {
            return Err(Failure::input(anyhow::anyhow!(
                "{}: it is there already: leave the options of a new one out to add keys to it, or name another file",
                name()
            )));
        }
        std::fs::read_to_string(file)
            .with_context(name)
            .map_err(Failure::input)?
    } else {
        configuration(block, args.connection.as_deref(), args.id.or(named))
            .map_err(Failure::input)?
    };
    // Nothing is written that could not be read, or without a passphrase for the keys that go with it.
    let planned = Config::parse(file, &text).map_err(Failure::input)?.keys;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let keys = folder.join(planned.file);
    if keys.exists() {
        return Err(Failure::input(anyhow::anyhow!(
            "keys {}: they are there already, and are never overwritten; `wattpool-agent keys` shows their public side",
            keys.display()
        )));
    }
    let mut word = planned.passphrase_file;
    if !word.as_os_str().is_empty() {
        word = folder.join(word);
    }
    let passphrase = passphrase::choose(&word)?;
    if !kept {
        if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(name)?;
        }
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .with_context(name)?;
        out.write_all(text.as_bytes()).with_context(name)?;
    }
    let config = Config::read(file).map_err(Failure::input)?;
    let keystore = Keystore::create(&config.keys.file, passphrase)?;
    let keys = PublicKeys::of(&keystore)?;
    eprintln!(
        "wattpool: {} {} and wrote {}; edit the first, back up the second",
        if kept { "kept" } else { "wrote" },
        file.display(),
        config.keys.file.display()
    );
    crate::print(&if args.shown.json {
        crate::json(&keys)?
    } else {
        keys.text()
    })?;
    Ok(0)
}
