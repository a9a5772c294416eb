//! The tables of a run: one CSV file per kind of row, units in the column names, times in RFC 3339.

use std::io::Write;

use serde::{Deserialize, Serialize};
use wattpool_scenario::model::{HomeKind, Neighbourhood};
use wattpool_scenario::Clock;

use crate::accounts::Accounts;
use crate::dictionary::described;
use crate::measures::counted_trades;
use crate::money::to_i64;
use crate::outcome::{Outcome, TradeKind};
use crate::time::{local, rfc3339};

described! {
/// A row of `windows.csv`: the community in one metered window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowRow {
    /// Index of the window: unix seconds over its length.
    pub window: u64,
    /// Its first second, UTC.
    pub start: String,
    /// The same on the clock of the people's time zone.
    pub start_local: String,
    /// Consumed.
    pub demand_wh: u64,
    /// Generated.
    pub generation_wh: u64,
    /// Generated and consumed in the same home.
    pub own_use_wh: u64,
    /// Generated beyond the homes' own demands.
    pub surplus_wh: u64,
    /// Demanded beyond the homes' own generation.
    pub deficit_wh: u64,
    /// What perfect matching could have delivered.
    pub ceiling_wh: f64,
    /// Arrived by trade.
    pub traded_wh: u64,
    /// Lost on the way.
    pub lost_wh: u64,
    /// Supplied by the national grid.
    pub grid_import_wh: u64,
    /// Fed into the national grid.
    pub feed_in_wh: u64,
    /// Mean price of what arrived; empty without trade.
    pub mean_price_micro_per_kwh: Option<f64>,
    /// Grid purchase tariff.
    pub import_tariff_micro_per_kwh: i64,
    /// Feed-in tariff.
    pub feed_in_tariff_micro_per_kwh: i64,
    /// Carbon intensity of the national grid.
    pub carbon_g_per_kwh: f64,
    /// CO2 not emitted thanks to trades.
    pub co2_avoided_g: f64,
    /// Fees for the homes' messages.
    pub fees_micro: i64,
    /// Sum of the homes' bills, fees included.
    pub bill_micro: i64,
    /// The same without trading.
    pub bill_without_trading_micro: i64,
}
}

described! {
/// A row of `meters.csv`: one home over all finished windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterRow {
    /// The home's name.
    pub home: String,
    /// Its zone.
    pub zone: u16,
    /// What stands behind the meter.
    pub kind: HomeKind,
    /// It does not keep to the rules (`[attackers]`).
    pub attacks: bool,
    /// Consumed.
    pub demand_wh: u64,
    /// Generated.
    pub generation_wh: u64,
    /// Generated and consumed in the home, in the same window.
    pub own_use_wh: u64,
    /// Arrived by trade.
    pub bought_wh: u64,
    /// Given for trades: arrived and lost.
    pub sold_gross_wh: u64,
    /// Supplied by the national grid.
    pub grid_import_wh: u64,
    /// Fed into the national grid.
    pub feed_in_wh: u64,
    /// Own use and what was bought, over demand; empty without demand.
    pub self_sufficiency: Option<f64>,
    /// Own use over demand; empty without demand.
    pub self_sufficiency_without_trading: Option<f64>,
    /// Paid for trades, network charge included.
    pub spent_micro: i64,
    /// Earned with trades.
    pub earned_micro: i64,
    /// Paid for the grid's supply.
    pub grid_cost_micro: i64,
    /// Credited for feed-in; negative is billed.
    pub feed_in_credit_micro: i64,
    /// Fees for the home's messages.
    pub fees_micro: i64,
    /// What selling brought over the feed-in credit.
    pub gain_from_selling_micro: i64,
    /// What buying saved against the grid.
    pub gain_from_buying_micro: i64,
    /// What trading brings after fees: bill without trading − bill.
    pub gain_micro: i64,
    /// Grid cost − feed-in credit + spent − earned + fees.
    pub bill_micro: i64,
    /// The same without trading.
    pub bill_without_trading_micro: i64,
}
}

described! {
/// A row of `trades.csv`: a closed trade in the chain's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeTableRow {
    /// Position in the chain's log of closed trades.
    pub sequence: u64,
    /// Spot or forward.
    pub kind: TradeKind,
    /// (First) window in which the energy was metered.
    pub window: u64,
    /// Its first second.
    pub window_start: String,
    /// Selling home.
    pub seller: String,
    /// Buying home.
    pub buyer: String,
    /// Agreed, arriving energy.
    pub asked_wh: u64,
    /// Arrived.
    pub arrived_wh: u64,
    /// Declined by the buyer.
    pub declined_wh: u64,
    /// Lost on the way.
    pub lost_wh: u64,
    /// Price per arriving kWh.
    pub price_micro_per_kwh: u64,
    /// Paid to the seller.
    pub paid_micro: u64,
    /// Network charge on top.
    pub charge_micro: u64,
    /// Fees of the messages that made it.
    pub fee_micro: u64,
    /// When the buyer asked.
    pub requested: String,
    /// When it closed.
    pub closed: String,
    /// From request to close.
    pub duration_s: u64,
}
}

pub(crate) fn write_rows<T: Serialize>(
    out: impl Write,
    rows: impl Iterator<Item = T>,
) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    for row in rows {
        writer.serialize(row)?;
    }
    writer.flush()?;
    Ok(())
}

/// Writes `windows.csv`: one row per finished window.
pub fn write_windows(out: impl Write, clock: Clock, accounts: &Accounts) -> Result<(), csv::Error> {
    let rows = accounts.windows.iter().map(|account| WindowRow {
        window: account.window.get(),
        start: rfc3339(account.start),
        start_local: local(account.start, clock),
        demand_wh: account.energy.demand,
        generation_wh: account.energy.generation,
        own_use_wh: account.energy.own_use,
        surplus_wh: account.energy.surplus,
        deficit_wh: account.energy.deficit,
        ceiling_wh: account.ceiling_wh,
        traded_wh: account.energy.bought,
        lost_wh: account
            .energy
            .sold_gross
            .saturating_sub(account.energy.bought),
        grid_import_wh: account.energy.grid_import,
        feed_in_wh: account.energy.feed_in,
        mean_price_micro_per_kwh: account.mean_price(),
        import_tariff_micro_per_kwh: account.import_tariff.get(),
        feed_in_tariff_micro_per_kwh: account.feed_in_tariff.get(),
        carbon_g_per_kwh: account.carbon_g_per_kwh,
        co2_avoided_g: account.co2_avoided_g(),
        fees_micro: to_i64(account.money.fees),
        bill_micro: to_i64(account.money.bill()),
        bill_without_trading_micro: to_i64(account.money.bill_without_trading()),
    });
    write_rows(out, rows)
}

/// Writes `meters.csv`: one row per home.
pub fn write_meters(
    out: impl Write,
    neighbourhood: &Neighbourhood,
    accounts: &Accounts,
    attackers: &[u32],
) -> Result<(), csv::Error> {
    let rows = neighbourhood
        .homes
        .iter()
        .zip(&accounts.homes)
        .zip(0u32..)
        .map(|((home, account), number)| MeterRow {
            home: home.name.clone(),
            zone: home.zone.get(),
            kind: home.kind,
            attacks: attackers.contains(&number),
            demand_wh: account.energy.demand,
            generation_wh: account.energy.generation,
            own_use_wh: account.energy.own_use,
            bought_wh: account.energy.bought,
            sold_gross_wh: account.energy.sold_gross,
            grid_import_wh: account.energy.grid_import,
            feed_in_wh: account.energy.feed_in,
            self_sufficiency: account.energy.self_sufficiency(),
            self_sufficiency_without_trading: account.energy.self_sufficiency_without_trading(),
            spent_micro: to_i64(account.money.spent),
            earned_micro: to_i64(account.money.earned),
            grid_cost_micro: to_i64(account.money.grid_cost),
            feed_in_credit_micro: to_i64(account.money.feed_in_credit),
            fees_micro: to_i64(account.money.fees),
            gain_from_selling_micro: to_i64(account.money.prosumer_gain()),
            gain_from_buying_micro: to_i64(account.money.consumer_savings()),
            gain_micro: to_i64(account.money.gain()),
            bill_micro: to_i64(account.money.bill()),
            bill_without_trading_micro: to_i64(account.money.bill_without_trading()),
        });
    write_rows(out, rows)
}

/// Writes `trades.csv`: the closed trades of the finished windows. A home index outside the
/// neighbourhood, which measuring refuses, is written as its number.
pub fn write_trades(
    out: impl Write,
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
) -> Result<(), csv::Error> {
    let name = |home: u32| {
        let found = usize::try_from(home)
            .ok()
            .and_then(|index| neighbourhood.homes.get(index));
        found.map_or_else(|| home.to_string(), |home| home.name.clone())
    };
    let rows = counted_trades(neighbourhood, outcome).map(|trade| TradeTableRow {
        sequence: trade.sequence,
        kind: trade.kind,
        window: trade.window.get(),
        window_start: rfc3339(trade.window.start(neighbourhood.window_s)),
        seller: name(trade.seller),
        buyer: name(trade.buyer),
        asked_wh: trade.asked.get(),
        arrived_wh: trade.arrived.get(),
        declined_wh: trade.declined.get(),
        lost_wh: trade.lost.get(),
        price_micro_per_kwh: trade.price.get(),
        paid_micro: trade.paid.get(),
        charge_micro: trade.charge.get(),
        fee_micro: trade.fee.get(),
        requested: rfc3339(trade.requested),
        closed: rfc3339(trade.closed),
        duration_s: trade.closed.saturating_sub(trade.requested).get(),
    });
    write_rows(out, rows)
}
