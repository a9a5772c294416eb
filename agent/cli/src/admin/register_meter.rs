//! `wattpool admin register-meter`.

use crate::on_chain::{to_pool, MarketArgs};
use crate::Failure;
use wattpool_schema::pool::{ExecuteMsg, MeterKind, Registration};
use wattpool_schema::{DeviceKey, HouseholdId, MeterId, Wh, Zone};

/// What stands behind the meter.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Photovoltaics.
    Pv,
    /// Wind.
    Wind,
    /// Battery.
    Battery,
    /// Several of these.
    Mixed,
    /// Load only.
    Consumer,
}

/// Registers a meter, signed by the registrar. It trades once its owner has named an agent.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    market: MarketArgs,
    /// Pseudonym: 32 hexadecimal digits, the keyed hash of the meter's number.
    #[arg(long, value_name = "ID")]
    meter: MeterId,
    /// Owner's address.
    #[arg(long, value_name = "ADDRESS")]
    owner: String,
    /// The device's public key.
    #[arg(long, value_name = "KEY")]
    device: DeviceKey,
    /// Marks the meters of one household: 32 hexadecimal digits, the keyed hash of the connection's number.
    #[arg(long, value_name = "ID")]
    household: Option<HouseholdId>,
    /// Zone of the local grid.
    #[arg(long, value_name = "N")]
    zone: u16,
    /// What stands behind the meter.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Largest export per window, Wh.
    #[arg(long, value_name = "WH")]
    max_export: u64,
    /// Largest import per window, Wh.
    #[arg(long, value_name = "WH")]
    max_import: u64,
}

/// Registers and prints where.
///
/// # Errors
/// The input is wrong (exit code 2), or the pool refuses.
pub fn run(args: &Args) -> Result<u8, Failure> {
    let msg = ExecuteMsg::RegisterMeter {
        registration: Registration {
            meter: args.meter,
            owner: args.owner.clone(),
            device: args.device,
            household: args.household,
            zone: Zone(args.zone),
            kind: match args.kind {
                Kind::Pv => MeterKind::Pv,
                Kind::Wind => MeterKind::Wind,
                Kind::Battery => MeterKind::Battery,
                Kind::Mixed => MeterKind::Mixed,
                Kind::Consumer => MeterKind::Consumer,
            },
            max_export: Wh(args.max_export),
            max_import: Wh(args.max_import),
        },
    };
    to_pool(&args.market, &format!("meter {}", args.meter), &msg)
}
