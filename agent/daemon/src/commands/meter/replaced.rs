//! `wattpool-agent meter replaced`: another meter in the place of the old one.

use crate::client::Client;
use crate::commands::keys::PublicKeys;
use crate::commands::Shown;
use crate::keystore::{renew, Renew};
use crate::passphrase;
use crate::Failure;
use anyhow::{anyhow, Context};
use wattpool_core::metering::{Exchange, Registers};
use wattpool_daemon::config::Config;
use wattpool_daemon::figures;
use wattpool_schema::Wh;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    shown: Shown,
    /// The old meter's import register at its end, such as "13423.4 kWh"; without it and the next one, what it moved since its last reading is not counted.
    #[arg(long, value_name = "ENERGY", requires = "closing_export")]
    closing_import: Option<String>,
    /// The old meter's export register at its end.
    #[arg(long, value_name = "ENERGY", requires = "closing_import")]
    closing_export: Option<String>,
    /// The new meter's import register at its beginning; without it and the next one, its first reading is its beginning.
    #[arg(long, value_name = "ENERGY", requires = "opening_export")]
    opening_import: Option<String>,
    /// The new meter's export register at its beginning.
    #[arg(long, value_name = "ENERGY", requires = "opening_import")]
    opening_export: Option<String>,
    /// Draw a new device's key instead, for a meter whose device has a key of its own on the chain. The registrar has to set it, and the agent to be started again.
    #[arg(long, conflicts_with_all = ["closing_import", "opening_import"])]
    new_device_key: bool,
}

fn energy(option: &str, text: &str) -> Result<Wh, Failure> {
    let read = figures::read(text, "").filter(|_| text.trim().ends_with("Wh"));
    read.map(Wh).ok_or_else(|| {
        Failure::input(anyhow!(
            "{option}: expected an energy of whole Wh such as \"13423.4 kWh\" or \"250 Wh\", found {text:?}"
        ))
    })
}

fn registers(
    name: &str,
    import: Option<&String>,
    export: Option<&String>,
) -> Result<Option<Registers>, Failure> {
    let (Some(import), Some(export)) = (import, export) else {
        return Ok(None);
    };
    Ok(Some(Registers {
        import: energy(&format!("--{name}-import"), import)?,
        export: energy(&format!("--{name}-export"), export)?,
    }))
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let config = Config::read(&args.shown.at.config).map_err(Failure::input)?;
    if args.new_device_key {
        return new_key(&config, args.shown.json);
    }
    let exchange = Exchange {
        closing: registers(
            "closing",
            args.closing_import.as_ref(),
            args.closing_export.as_ref(),
        )?,
        opening: registers(
            "opening",
            args.opening_import.as_ref(),
            args.opening_export.as_ref(),
        )?,
    };
    let noted: Exchange = Client::of(&config)?.post("/api/v1/meter/replaced", &exchange)?;
    if args.shown.json {
        crate::print(&crate::json(&noted)?)?;
        return Ok(0);
    }
    let told = |what: &str, registers: Option<Registers>, without: &str| match registers {
        Some(r) => format!(
            "{what}: import {}, export {}\n",
            figures::energy(r.import.0),
            figures::energy(r.export.0)
        ),
        None => format!("{what}: {without}\n"),
    };
    let mut text = told(
        "the old meter ended at",
        noted.closing,
        "its last reading that was believed",
    );
    text.push_str(&told(
        "the new meter begins at",
        noted.opening,
        "its first reading",
    ));
    crate::print(&text)?;
    Ok(0)
}

fn new_key(config: &Config, json: bool) -> Result<u8, Failure> {
    let passphrase = passphrase::get(&config.keys.passphrase_file)?;
    let keystore =
        renew(&config.keys.file, passphrase, Renew::Device).context("new device's key")?;
    let keys = PublicKeys::of(&keystore)?;
    eprintln!(
        "wattpool-agent: {} has a new device's key, the old file is kept beside it with .before at its end; the registrar has to set the key (wattpool admin set-device --meter {} --device KEY), then start the agent again",
        config.keys.file.display(),
        config.meter.id
    );
    crate::print(&if json {
        crate::json(&keys)?
    } else {
        keys.text()
    })?;
    Ok(0)
}
