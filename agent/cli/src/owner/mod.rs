//! `wattpool owner`: what a meter's owner does with the owner's key, which is not on the meter.

use crate::on_chain::{to_contract, to_pool, MarketArgs};
use crate::Failure;
use serde::Serialize;
use wattpool_schema::escrow::{ExecuteMsg as Escrow, LimitName, LimitsChange};
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{AgentKey, MeterId, Micro, Price, Wh};

/// Put money in, take it out, name the agent, set its limits, hand a meter over.
#[derive(clap::Subcommand)]
pub enum Owner {
    /// Put money into the owner's account at the market.
    Deposit {
        #[command(flatten)]
        market: MarketArgs,
        /// Micro-units of the payment denomination.
        #[arg(long, value_name = "MICRO")]
        amount: u64,
    },
    /// Take free money out of the owner's account.
    Withdraw {
        #[command(flatten)]
        market: MarketArgs,
        /// Micro-units of the payment denomination; without it, everything that is free.
        #[arg(long, value_name = "MICRO")]
        amount: Option<u64>,
    },
    /// Name the agent that may trade for a meter, or none.
    SetAgent {
        #[command(flatten)]
        market: MarketArgs,
        /// The meter.
        #[arg(long, value_name = "ID")]
        meter: MeterId,
        /// The agent's public key; without it nobody may trade.
        #[arg(long, value_name = "KEY")]
        agent: Option<AgentKey>,
    },
    /// Hand a meter over to another owner, who has to accept it.
    Propose {
        #[command(flatten)]
        market: MarketArgs,
        /// The meter.
        #[arg(long, value_name = "ID")]
        meter: MeterId,
        /// The other owner's address; without it the proposal is withdrawn.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
    },
    /// Accept a meter that was handed over.
    Accept {
        #[command(flatten)]
        market: MarketArgs,
        /// The meter.
        #[arg(long, value_name = "ID")]
        meter: MeterId,
    },
    /// Set the limits within which a meter's agent may trade; those that are left out stay as they are, or bind by default.
    SetLimits {
        #[command(flatten)]
        market: MarketArgs,
        /// The meter.
        #[arg(long, value_name = "ID")]
        meter: MeterId,
        #[command(flatten)]
        limits: LimitArgs,
    },
}

/// Limits.
#[derive(clap::Args)]
pub struct LimitArgs {
    /// Nothing may be traded.
    #[arg(long)]
    trading_off: bool,
    /// Trading is allowed again.
    #[arg(long, conflicts_with = "trading_off")]
    trading_on: bool,
    /// Lowest price to sell at, micro-units per kWh.
    #[arg(long, value_name = "PRICE")]
    min_sell_price: Option<Price>,
    /// Highest price to buy at, network charge included, micro-units per kWh.
    #[arg(long, value_name = "PRICE")]
    max_buy_price: Option<Price>,
    /// Most money a day, micro-units.
    #[arg(long, value_name = "MICRO")]
    max_spend_per_day: Option<Micro>,
    /// Most energy bought a day, Wh.
    #[arg(long, value_name = "WH")]
    max_buy_per_day: Option<Wh>,
    /// Most energy sold a day, Wh.
    #[arg(long, value_name = "WH")]
    max_sell_per_day: Option<Wh>,
    /// Remove a limit, so that what binds by default binds; can be repeated.
    #[arg(long, value_name = "LIMIT", value_enum)]
    remove: Vec<Limit>,
}

/// A limit that can be removed.
#[derive(clap::ValueEnum, Clone, Copy)]
enum Limit {
    /// Lowest price to sell at.
    MinSellPrice,
    /// Highest price to buy at.
    MaxBuyPrice,
    /// Most money a day.
    MaxSpendPerDay,
    /// Most energy bought a day.
    MaxBuyPerDay,
    /// Most energy sold a day.
    MaxSellPerDay,
}

impl From<&Limit> for LimitName {
    fn from(limit: &Limit) -> Self {
        match limit {
            Limit::MinSellPrice => Self::MinSellPrice,
            Limit::MaxBuyPrice => Self::MaxBuyPrice,
            Limit::MaxSpendPerDay => Self::MaxSpendPerDay,
            Limit::MaxBuyPerDay => Self::MaxBuyPerDay,
            Limit::MaxSellPerDay => Self::MaxSellPerDay,
        }
    }
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(command: &Owner) -> Result<u8, Failure> {
    match command {
        Owner::Deposit { market, amount } => {
            let msg = Escrow::Deposit {};
            to_escrow(market, "deposit", &msg, *amount)
        }
        Owner::Withdraw { market, amount } => {
            let amount = amount.map(Micro);
            to_escrow(market, "withdrawal", &Escrow::Withdraw { amount }, 0)
        }
        Owner::SetAgent {
            market,
            meter,
            agent,
        } => {
            let (meter, agent) = (*meter, *agent);
            to_pool(market, "agent", &Pool::SetAgent { meter, agent })
        }
        Owner::Propose {
            market,
            meter,
            owner,
        } => {
            let (meter, owner) = (*meter, owner.clone());
            to_pool(
                market,
                "proposed owner",
                &Pool::ProposeOwner { meter, owner },
            )
        }
        Owner::Accept { market, meter } => {
            to_pool(market, "owner", &Pool::AcceptOwner { meter: *meter })
        }
        Owner::SetLimits {
            market,
            meter,
            limits,
        } => {
            let remove = limits.remove.iter().map(LimitName::from).collect();
            let set = LimitsChange {
                trading_off: limits
                    .trading_off
                    .then_some(true)
                    .or(limits.trading_on.then_some(false)),
                min_sell_price: limits.min_sell_price,
                max_buy_price: limits.max_buy_price,
                max_spend_per_day: limits.max_spend_per_day,
                max_buy_per_day: limits.max_buy_per_day,
                max_sell_per_day: limits.max_sell_per_day,
            };
            let meter = *meter;

            let msg = Escrow::SetLimits { meter, set, remove };
            to_escrow(market, "limits", &msg, 0)
        }
    }
}

fn to_escrow(
    market: &MarketArgs,
    doing: &str,
    msg: &impl Serialize,
    amount: u64,
) -> Result<u8, Failure> {
    to_contract(market, |found| &found.escrow, doing, msg, amount)
}
