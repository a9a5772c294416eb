//! `wattpool-agent meter scan`: the SunSpec models of a device.

use crate::Failure;
use serde_json::json;
use wattpool_home_devices::{scan, Device};
use wattpool_meter_codec::sunspec::{kind, Kind};

#[derive(clap::Args)]
pub struct Args {
    /// Name or address, with a port where it is not 502; or a serial port.
    #[arg(value_name = "HOST")]
    host: String,
    /// Modbus unit.
    #[arg(long, value_name = "N", default_value_t = 1)]
    unit: u8,
    /// Serial line, such as "19200 8N1".
    #[arg(long, value_name = "LINE")]
    line: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<u8, Failure> {
    let connection = if args.host.starts_with('/') || args.host.contains("://") {
        args.host.clone()
    } else {
        format!("tcp://{}", args.host)
    };
    let device = json!({ "kind": "sunspec", "connection": connection, "line": args.line });
    let device: Device = serde_json::from_value(device)?;
    device.check().map_err(Failure::input)?;
    let wire = device.wire().map_err(Failure::input)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let models = runtime
        .block_on(scan(&wire, Some(args.unit)))
        .map_err(|why| anyhow::anyhow!("{wire}: {why}"))?;
    let what = |id| match kind(id) {
        Kind::Common => "name",
        Kind::Inverter => "inverter",
        Kind::Meter => "meter",
        Kind::Resource => "resource",
        Kind::Other => "not read",
    };
    if args.json {
        let list = models.iter().map(|m| {
            json!({ "model": m.id, "kind": what(m.id), "register": m.at, "registers": m.length })
        });
        crate::print(&crate::json(&list.collect::<Vec<_>>())?)?;
    } else {
        let mut text = String::new();
        for m in &models {
            let line = format!(
                "{:>5}  {:<9} at register {}, {} registers\n",
                m.id,
                what(m.id),
                m.at,
                m.length
            );
            text.push_str(&line);
        }
        crate::print(&text)?;
    }
    Ok(u8::from(
        !models.iter().any(wattpool_home_devices::Model::measures),
    ))
}
