//! `wattpool admin set-device` and `retire-meter`.

use crate::on_chain::{to_pool, MarketArgs};
use crate::Failure;
use wattpool_schema::pool::ExecuteMsg;
use wattpool_schema::{DeviceKey, MeterId};

/// Gives a meter another device's key, signed by the registrar.
#[derive(clap::Args)]
pub struct SetDevice {
    #[command(flatten)]
    market: MarketArgs,
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// The new device's public key.
    #[arg(long, value_name = "KEY")]
    device: DeviceKey,
}

/// Takes a meter out of service, signed by the registrar or its owner.
#[derive(clap::Args)]
pub struct Retire {
    #[command(flatten)]
    market: MarketArgs,
    /// The meter.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
}

/// Sets the key and prints where.
///
/// # Errors
/// The input is wrong (exit code 2), or the pool refuses.
pub fn set_device(args: &SetDevice) -> Result<u8, Failure> {
    let (meter, device) = (args.meter, args.device);
    let msg = ExecuteMsg::SetDevice { meter, device };
    to_pool(&args.market, &format!("device of {meter}"), &msg)
}

/// Retires the meter and prints where.
///
/// # Errors
/// As [`set_device`].
pub fn retire(args: &Retire) -> Result<u8, Failure> {
    let meter = args.meter;
    let msg = ExecuteMsg::RetireMeter { meter };
    to_pool(&args.market, &format!("retirement of {meter}"), &msg)
}
