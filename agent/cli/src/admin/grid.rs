//! What the grid operator sets, confirms and pays.

use crate::chain::{block_on, time, unusable, Session};
use crate::market::{pool, to_contract, to_escrow, to_pool};
use crate::wallet::balances::ask;
use crate::Failure;
use anyhow::anyhow;
use wattpool_schema::escrow::ExecuteMsg as Escrow;
use wattpool_schema::pool::{ExecuteMsg, GridState, QueryMsg, Tariffs, ZonePairTerms};
use wattpool_schema::{Ppm, Window, Zone};
use wattpool_wallet::amount::{
    energy, money, price, show_energy, show_money, show_price, show_tariff, tariff,
};

/// Sets tariffs.
#[derive(clap::Args)]
pub struct SetTariffs {
    /// Price of a kWh from the national grid, such as 0.30/kWh; it may be negative.
    #[arg(long, value_name = "PRICE", allow_hyphen_values = true)]
    import: String,
    /// What the national grid pays for a kWh; it may be negative.
    #[arg(long, value_name = "PRICE", allow_hyphen_values = true)]
    feed_in: String,
    /// First window; without it, the earliest that is taken.
    #[arg(long, value_name = "WINDOW")]
    from_window: Option<Window>,
}

/// Sets terms between zones.
#[derive(clap::Args)]
pub struct SetZonePair {
    /// Seller's zone.
    #[arg(long, value_name = "N")]
    from_zone: Zone,
    /// Buyer's zone.
    #[arg(long, value_name = "N")]
    to_zone: Zone,
    /// Lost on the way, parts per million.
    #[arg(long, value_name = "N", default_value = "0")]
    loss_ppm: Ppm,
    /// Network charge per kWh that arrives, such as 0.015/kWh.
    #[arg(long, value_name = "PRICE", default_value = "0/kWh")]
    charge: String,
    /// Most energy that may arrive in a window, such as "50 kWh"; without it, there is no limit.
    #[arg(long, value_name = "ENERGY")]
    capacity: Option<String>,
    /// First window; without it, the earliest that is taken.
    #[arg(long, value_name = "WINDOW")]
    from_window: Option<Window>,
}

/// Confirms feed-in.
#[derive(clap::Args)]
pub struct ConfirmFeedIn {
    /// Last window that is confirmed.
    #[arg(long, value_name = "WINDOW")]
    through: Window,
}

/// Adds to the reserve.
#[derive(clap::Args)]
pub struct FundReserve {
    /// How much, such as "100 watt".
    #[arg(long, value_name = "AMOUNT")]
    amount: String,
}

/// Takes back from the reserve.
#[derive(clap::Args)]
pub struct TakeBack {
    /// How much, such as "100 watt"; without it, all that nobody is owed.
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
}

/// The named window, or the earliest from which terms can change: the second after the live one is metered.
fn first_window(session: &Session, given: Option<Window>) -> Result<Window, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    if session.options().offline {
        return Err(Failure::input(anyhow!(
            "--offline: --from-window is needed too"
        )));
    }
    let market = session.market()?;
    block_on(async {
        let client = session.client().await?;
        let state: GridState = ask(&client, &market.pool.address, &QueryMsg::GridState {}).await?;
        // The live metered window is the last whole one; the running one follows, then the next, then the second next.
        // One more, as a window may end before the block.
        Ok(Window(state.window.get().saturating_add(4)))
    })
}

/// Sets and prints what came of it.
///
/// # Errors
/// The input is wrong (exit code 2), or the pool refuses.
pub fn set_tariffs(session: &Session, args: &SetTariffs) -> Result<u8, Failure> {
    let market = session.market()?;
    let denom = &market.denom;
    let tariffs = Tariffs {
        import: tariff("--import", &args.import, denom).map_err(unusable)?,
        feed_in: tariff("--feed-in", &args.feed_in, denom).map_err(unusable)?,
    };
    let from_window = first_window(session, args.from_window)?;
    let words = format!(
        "set tariffs from window {from_window} ({}) on: import {}, feed-in {}",
        time(from_window.start(market.window_seconds).get()),
        show_tariff(tariffs.import, denom),
        show_tariff(tariffs.feed_in, denom)
    );
    to_pool(
        session,
        &words,
        &ExecuteMsg::SetTariffs {
            from_window,
            tariffs,
        },
    )
}

/// Sets and prints what came of it.
///
/// # Errors
/// As [`set_tariffs`].
pub fn set_zone_pair(session: &Session, args: &SetZonePair) -> Result<u8, Failure> {
    let market = session.market()?;
    let capacity = args
        .capacity
        .as_deref()
        .map(|text| energy("--capacity", text));
    let terms = ZonePairTerms {
        from: args.from_zone,
        to: args.to_zone,
        loss: args.loss_ppm,
        charge: price("--charge", &args.charge, &market.denom).map_err(unusable)?,
        capacity: capacity.transpose().map_err(unusable)?,
    };
    if terms.loss.get() >= 1_000_000 {
        return Err(Failure::input(anyhow!(
            "--loss-ppm: expected below 1000000, found {}",
            terms.loss
        )));
    }
    let from_window = first_window(session, args.from_window)?;
    let words = format!(
        "set terms from zone {} to zone {} from window {from_window} ({}) on: {} ppm lost, {} charged, {} a window",
        terms.from,
        terms.to,
        time(from_window.start(market.window_seconds).get()),
        terms.loss,
        show_price(terms.charge, &market.denom),
        terms.capacity.map_or_else(|| "any amount".to_owned(), |c| format!("at most {}", show_energy(c)))
    );
    to_pool(
        session,
        &words,
        &ExecuteMsg::SetZonePair { from_window, terms },
    )
}

/// Confirms and prints what came of it.
///
/// # Errors
/// As [`set_tariffs`].
pub fn confirm_feed_in(session: &Session, args: &ConfirmFeedIn) -> Result<u8, Failure> {
    let market = session.market()?;
    let through = args.through;
    let until = time(through.end(market.window_seconds).get());
    let words = format!("confirm for good that all feed-in up to window {through} (until {until}) reached the grid: its credit is due then");
    to_pool(session, &words, &ExecuteMsg::ConfirmFeedIn { through })
}

/// Adds and prints what came of it.
///
/// # Errors
/// As [`set_tariffs`].
pub fn fund_reserve(session: &Session, args: &FundReserve) -> Result<u8, Failure> {
    let market = session.market()?;
    let amount = money("--amount", &args.amount, &market.denom).map_err(unusable)?;
    if amount.is_zero() {
        return Err(Failure::input(anyhow!(
            "--amount: expected more than nothing"
        )));
    }
    let words = format!(
        "add {} to the feed-in reserve, from which only what nobody is owed comes back",
        show_money(amount, &market.denom)
    );
    to_contract(session, pool, &words, &ExecuteMsg::FundReserve {}, amount)
}

/// Takes back and prints what came of it.
///
/// # Errors
/// As [`set_tariffs`].
pub fn take_back(session: &Session, args: &TakeBack) -> Result<u8, Failure> {
    let market = session.market()?;
    let read = |text: &String| money("--amount", text, &market.denom).map_err(unusable);
    let amount = args.amount.as_ref().map(read).transpose()?;
    let much = amount.map_or_else(
        || "all that nobody is owed".to_owned(),
        |a| show_money(a, &market.denom),
    );
    let words = format!("take {much} back from the feed-in reserve");
    to_pool(session, &words, &ExecuteMsg::TakeBack { amount })
}

/// Pays out and prints what came of it.
///
/// # Errors
/// The escrow refuses.
pub fn withdraw_charges(session: &Session) -> Result<u8, Failure> {
    to_escrow(
        session,
        "pay the network charges out to the grid operator",
        &Escrow::WithdrawCharges {},
    )
}
