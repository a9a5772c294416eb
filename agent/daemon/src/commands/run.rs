//! `wattpool-agent run`.

use super::At;
use crate::Failure;
use wattpool_core::ports::home::Journal;
use wattpool_daemon::config::Config;
use wattpool_journal_sqlite::SqliteJournal;

pub fn run(at: &At) -> Result<u8, Failure> {
    let config = Config::read(&at.config).map_err(Failure::input)?;
    // What another agent holds, or this one cannot read, no restart mends: the service manager does not try.
    SqliteJournal::open(&config.storage.file)
        .and_then(|journal| journal.entries())
        .map_err(Failure::input)?;
    crate::run::run(&at.config, &config)?;
    Ok(0)
}
