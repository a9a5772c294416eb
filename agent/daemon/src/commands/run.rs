//! `wattpool-agent run`.

use super::At;
use crate::Failure;
use wattpool_daemon::config::Config;

pub fn run(at: &At) -> Result<u8, Failure> {
    let config = Config::read(&at.config).map_err(Failure::input)?;
    crate::run::run(&config)?;
    Ok(0)
}
