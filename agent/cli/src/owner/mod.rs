//! `wattpool owner`: what a meter's owner does on the chain.

mod join;
mod limits;
mod lines;
mod show;

use crate::chain::{unusable, Options, Session};
use crate::market::{escrow, to_contract, to_escrow, to_pool};
use crate::Failure;
use anyhow::anyhow;
use wattpool_schema::escrow::ExecuteMsg as Escrow;
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{AgentKey, MeterId};
use wattpool_wallet::amount::{money, show_money};

/// A meter's money, its agent, its limits.
#[derive(clap::Args)]
pub struct Owner {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Names a meter.
#[derive(clap::Args)]
pub struct MeterArgs {
    /// The meter: 32 hexadecimal digits.
    #[arg(long, value_name = "ID")]
    pub meter: MeterId,
}

/// Names a standing order.
#[derive(clap::Args)]
pub struct OrderArgs {
    /// The buying meter.
    #[arg(long, value_name = "ID")]
    buyer: MeterId,
    /// Its trade id.
    #[arg(long, value_name = "N")]
    trade_id: u64,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Go through everything that a new meter needs, up to the first trade, and print what belongs into agent.toml.
    Join(join::Join),
    /// Show the meters, their limits, orders and money.
    Show(show::Show),
    /// Add money to the escrow, for purchases.
    Deposit {
        /// How much, such as "20.5 watt".
        #[arg(long, value_name = "AMOUNT")]
        amount: String,
    },
    /// Take money out of the escrow that no order has locked.
    Withdraw {
        /// How much, such as "20.5 watt"; without it, all that is free.
        #[arg(long, value_name = "AMOUNT")]
        amount: Option<String>,
    },
    /// Name the agent that may trade for a meter, or none.
    SetAgent {
        #[command(flatten)]
        meter: MeterArgs,
        /// The agent's public key; without it nobody may trade.
        #[arg(long, value_name = "KEY")]
        agent: Option<AgentKey>,
    },
    /// Hand a meter over to another owner, who has to accept it.
    Propose {
        #[command(flatten)]
        meter: MeterArgs,
        /// The other owner's address; without it the proposal is withdrawn.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
    },
    /// Accept a meter that was handed over.
    Accept(MeterArgs),
    /// Object to the registrar's notice: nothing happens to the meter until the administrator decides.
    Object(MeterArgs),
    /// Take a meter out of service.
    Retire(MeterArgs),
    /// Change the limits within which a meter's agent may trade; those that are not named stay.
    SetLimits(limits::SetLimits),
    /// End a standing order with the next window.
    CancelOrder(OrderArgs),
    /// Close a standing order that has ended: its locked money is free again (anybody may).
    CloseOrder(OrderArgs),
    /// Turn feed-in credit that is due into money and have it paid.
    ClaimFeedIn {
        /// Whose; without it, the signer's.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
        /// Most windows at once [default: 30].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: Option<u32>,
    },
}

/// Runs one of them.
///
/// # Errors
/// The input is wrong (exit code 2), or the chain refuses.
pub fn run(owner: &Owner) -> Result<u8, Failure> {
    let session = &Session::new(&owner.options)?;
    match &owner.command {
        Command::Join(args) => join::run(session, args),
        Command::Show(args) => show::run(session, args),
        Command::Deposit { amount } => {
            let denom = session.market()?.denom;
            let amount = money("--amount", amount, &denom).map_err(unusable)?;
            if amount.is_zero() {
                return Err(Failure::input(anyhow!(
                    "--amount: expected more than nothing"
                )));
            }
            let words = format!("deposit {} into the escrow", show_money(amount, &denom));
            to_contract(session, escrow, &words, &Escrow::Deposit {}, amount)
        }
        Command::Withdraw { amount } => {
            let denom = session.market()?.denom;
            let read = |text: &String| money("--amount", text, &denom).map_err(unusable);
            let amount = amount.as_ref().map(read).transpose()?;
            let how_much =
                amount.map_or_else(|| "all free money".to_owned(), |a| show_money(a, &denom));
            to_escrow(
                session,
                &format!("withdraw {how_much} from the escrow"),
                &Escrow::Withdraw { amount },
            )
        }
        Command::SetAgent { meter, agent } => {
            let (meter, agent) = (meter.meter, *agent);
            let words = match agent {
                Some(agent) => format!("let the agent {agent} trade for meter {meter}; what its agent before it signed and nobody used is void"),
                None => format!("stop all trading of meter {meter}: it has no agent then"),
            };
            to_pool(session, &words, &Pool::SetAgent { meter, agent })
        }
        Command::Propose { meter, owner } => {
            let meter = meter.meter;
            let owner = owner
                .as_ref()
                .map(|o| session.resolve("--owner", o))
                .transpose()?;
            let words = match &owner {
                Some(owner) => format!("offer meter {meter} to {owner}, who has to accept it"),
                None => format!("withdraw the offer of meter {meter}"),
            };
            to_pool(session, &words, &Pool::ProposeOwner { meter, owner })
        }
        Command::Accept(MeterArgs { meter }) => {
            let words = format!(
                "take meter {meter} over with the next window; it has no agent until one is named, and buys nothing until limits are set"
            );
            to_pool(session, &words, &Pool::AcceptOwner { meter: *meter })
        }
        Command::Object(MeterArgs { meter }) => {
            let words = format!("object to the registrar's notice for meter {meter}");
            to_pool(session, &words, &Pool::Object { meter: *meter })
        }
        Command::Retire(MeterArgs { meter }) => {
            let words = format!(
                "take meter {meter} out of service; the registrar alone can register it again"
            );
            to_pool(session, &words, &Pool::RetireMeter { meter: *meter })
        }
        Command::SetLimits(args) => limits::run(session, args),
        Command::CancelOrder(OrderArgs { buyer, trade_id }) => {
            let words = format!("end order {trade_id} of meter {buyer} with the next window");
            let (buyer, trade_id) = (*buyer, *trade_id);
            to_escrow(session, &words, &Escrow::CancelOrder { buyer, trade_id })
        }
        Command::CloseOrder(OrderArgs { buyer, trade_id }) => {
            let words = format!("close the ended order {trade_id} of meter {buyer}");
            let (buyer, trade_id) = (*buyer, *trade_id);
            to_escrow(session, &words, &Escrow::CloseOrder { buyer, trade_id })
        }
        Command::ClaimFeedIn { owner, limit } => {
            let owner = match owner {
                Some(owner) => session.resolve("--owner", owner)?,
                None => session.signer()?.address,
            };
            let words = format!("claim the feed-in credit of {owner} that is due");
            to_pool(
                session,
                &words,
                &Pool::ClaimFeedIn {
                    owner,
                    limit: *limit,
                },
            )
        }
    }
}
