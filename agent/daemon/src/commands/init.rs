//! `wattpool-agent init`: a commented configuration, and new keys beside it.

use super::keys::PublicKeys;
use super::Shown;
use crate::keystore::Keystore;
use crate::passphrase;
use crate::Failure;
use anyhow::Context;
use std::fs::OpenOptions;
use std::io::Write;
use wattpool_daemon::config::{Config, TEMPLATE};
use wattpool_schema::MeterId;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    shown: Shown,
    /// The meter's pseudonym, if the registrar has told it already.
    #[arg(long, value_name = "ID")]
    meter: Option<MeterId>,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let file = &args.shown.at.config;
    let mut text = TEMPLATE.to_owned();
    if let Some(meter) = args.meter {
        let nobody = MeterId([0; 16]).to_string();
        text = text.replacen(&nobody, &meter.to_string(), 1);
    }
    let name = || format!("configuration {}", file.display());
    if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(name)?;
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .with_context(name)?;
    out.write_all(text.as_bytes()).with_context(name)?;
    let config = Config::read(file).map_err(Failure::input)?;
    let passphrase = passphrase::choose(&config.keys.passphrase_file)?;
    let keystore = Keystore::create(&config.keys.file, passphrase)?;
    let keys = PublicKeys::of(&keystore)?;
    eprintln!(
        "wattpool: wrote {} and {}; edit the first, back up the second",
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
