//! `wattpool admin`: what a market's operators do.

mod deploy;
mod grant_fees;
mod meters;
mod register_meter;

use crate::Failure;

/// Deploy a market, register meters, pay homes' fees.
#[derive(clap::Subcommand)]
pub enum Admin {
    /// Put the contracts on a chain and connect them; harmless when run again.
    Deploy(deploy::Args),
    /// Register a meter (by the registrar).
    RegisterMeter(register_meter::Args),
    /// Give a meter another device's key (by the registrar).
    SetDevice(meters::SetDevice),
    /// Take a meter out of service (by the registrar or its owner).
    RetireMeter(meters::Retire),
    /// Let an agent pay its fees from this account; harmless when run again.
    GrantFees(grant_fees::Args),
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(command: &Admin) -> Result<u8, Failure> {
    match command {
        Admin::Deploy(args) => deploy::run(args),
        Admin::RegisterMeter(args) => register_meter::run(args),
        Admin::SetDevice(args) => meters::set_device(args),
        Admin::RetireMeter(args) => meters::retire(args),
        Admin::GrantFees(args) => grant_fees::run(args),
    }
}
