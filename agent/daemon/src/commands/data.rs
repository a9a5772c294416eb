//! `wattpool-agent data`: what this device keeps of its people, handed out, or deleted.

use super::At;
use crate::Failure;
use anyhow::{anyhow, Context};
use clap::Subcommand;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use wattpool_daemon::config::Config;
use wattpool_journal_sqlite::{HistoryReader, SqliteJournal};
use wattpool_schema::Window;

#[derive(Subcommand)]
pub enum Data {
    /// Write all that is kept of the home: registers behind statements, what the chain did to its meter, what the agent told, and the load profile; a JSON line each.
    Export(Export),
    /// Delete all that is kept of the home on this device, once its agent has stopped. Keys and configuration stay; so does what is on the chain.
    Delete(Delete),
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    at: At,
    /// The file to write, for its owner's eyes alone; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Delete {
    #[command(flatten)]
    at: At,
    /// Delete; without it, only what would be deleted is shown.
    #[arg(long)]
    yes: bool,
}

/// Notices read at once.
const PAGE: u32 = 1_000;

pub fn run(command: &Data) -> Result<u8, Failure> {
    match command {
        Data::Export(args) => export(args),
        Data::Delete(args) => delete(args),
    }
}

fn export(args: &Export) -> Result<u8, Failure> {
    let config = Config::read(&args.at.config).map_err(Failure::input)?;
    match &args.out {
        None => write_all(&config, &mut std::io::stdout().lock())?,
        Some(file) => {
            let mut options = OpenOptions::new();
            let made = options.write(true).create_new(true).mode(0o600).open(file);
            let made = made.map_err(|e| Failure::input(anyhow!("{}: {e}", file.display())))?;
            let mut out = BufWriter::new(made);
            write_all(&config, &mut out)?;
            out.into_inner()
                .map_err(|e| anyhow!("{}: {e}", file.display()))?
                .sync_all()
                .with_context(|| file.display().to_string())?;
        }
    }
    Ok(0)
}

fn write_all(config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
    let mut line = |value: serde_json::Value| writeln!(out, "{value}");
    line(json!({ "meter": config.meter.id }))?;
    if config.storage.file.exists() {
        let history = HistoryReader::open(&config.storage.file)?;
        for row in history.readings(Window(0), Window(u64::MAX >> 1))? {
            line(json!({ "reading": row }))?;
        }
        for row in history.events()? {
            line(json!({ "event": { "height": row.height, "event": row.event } }))?;
        }
        let mut before = None;
        loop {
            let page = history.notices(before, PAGE)?;
            let Some(last) = page.last() else { break };
            before = Some(last.number);
            for row in page {
                line(json!({ "notice": row }))?;
            }
        }
        let mut before = None;
        loop {
            let page = history.policies(before, PAGE)?;
            let Some(last) = page.last() else { break };
            before = Some(last.number);
            for row in page {
                let changed = json!({ "at": row.at, "who": row.who, "policy": row.policy });
                line(json!({ "policy_changed": changed }))?;
            }
        }
    }
    let profile = &config.meter.load_profile;
    if profile.exists() {
        let file = std::fs::File::open(profile).with_context(|| profile.display().to_string())?;
        for text in BufReader::new(file).lines() {
            // A line that was cut off by a power cut tells nothing.
            if let Ok(end) = serde_json::from_str::<serde_json::Value>(&text?) {
                line(json!({ "load_profile": end }))?;
            }
        }
    }
    Ok(())
}

/// A file's name with something at its end.
fn with(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn delete(args: &Delete) -> Result<u8, Failure> {
    let config = Config::read(&args.at.config).map_err(Failure::input)?;
    let storage = &config.storage.file;
    let files = [
        storage.clone(),
        with(storage, "-wal"),
        with(storage, "-shm"),
        storage.with_extension("verified.json"),
        config.meter.load_profile.clone(),
        config.http.access_file.clone(),
    ];
    let there: Vec<&PathBuf> = files.iter().filter(|f| f.exists()).collect();
    // Held until all is gone: an agent that runs has it, and one that starts meanwhile must not find a half.
    let _journal = if storage.exists() {
        Some(SqliteJournal::open(storage).map_err(Failure::input)?)
    } else {
        None
    };
    for file in &there {
        if args.yes {
            std::fs::remove_file(file).with_context(|| file.display().to_string())?;
        }
        let done = if args.yes {
            "deleted"
        } else {
            "would be deleted"
        };
        crate::print(&format!("{done} {}\n", file.display()))?;
    }
    if !args.yes {
        eprintln!(
            "wattpool-agent: nothing is deleted without --yes; promises that are still to be kept and what shows that bills are right go with it"
        );
    }
    Ok(0)
}
