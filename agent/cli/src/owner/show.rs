//! `wattpool owner show`: all of it at a glance.

use super::limits;
use crate::admin::{hold_line, holds, notice};
use crate::chain::{block_on, time, Session};
use crate::wallet::balances::{account, ask, in_market};
use crate::wallet::history::meters_of;
use crate::Failure;
use serde_json::{json, Value};
use std::fmt::Write;
use wattpool_ledger_wasmd::{Client, Market};
use wattpool_schema::escrow::{self, MeterBookResponse, OrderResponse, TradeStatus, TINY_TRADE};
use wattpool_schema::pool::MeterResponse;
use wattpool_wallet::amount::{show_energy, show_money, show_price};

/// Shows an owner's meters and money.
#[derive(clap::Args)]
pub struct Show {
    /// Name of a key or an address; without it, --from.
    key: Option<String>,
}

/// What a meter bought and sold, as the escrow counts it.
fn traded(book: &MeterBookResponse, denom: &str) -> String {
    let counted = &book.statistics;
    let trades = |n: u64| format!("{n} {}", if n == 1 { "trade" } else { "trades" });
    let mut text = format!(
        "  today (UTC) bought {} for {} with network charges, sold {}\n",
        show_energy(book.bought_today),
        show_money(book.spent_today, denom),
        show_energy(book.sold_today)
    );
    let missed = if counted.missed.is_zero() {
        String::new()
    } else {
        let missed = show_energy(counted.missed);
        format!(", {missed} more were promised and not delivered")
    };
    // A string takes everything.
    let _ = write!(
        text,
        "  so far bought {} in {}\n  so far sold {} in {}{missed}\n",
        show_energy(counted.bought),
        trades(counted.purchases),
        show_energy(counted.arrived),
        trades(counted.sales),
    );
    let _ = writeln!(
        text,
        "  (one trade: one seller and one window, or one standing order; those below {} and within the household are left out; money of each: wallet trades)",
        show_energy(TINY_TRADE)
    );
    text
}

fn meter_text(
    market: &Market,
    meter: &MeterResponse,
    book: &MeterBookResponse,
    orders: &[OrderResponse],
) -> Result<String, Failure> {
    let denom = &market.denom;
    let mut text = format!(
        "meter {}{}\n  kind {}, zone {}, at most {} out and {} in a window\n",
        meter.meter,
        if meter.retired {
            " (out of service)"
        } else {
            ""
        },
        format!("{:?}", meter.kind).to_lowercase(),
        meter.zone,
        show_energy(meter.max_export),
        show_energy(meter.max_import),
    );
    match &meter.agent_address {
        Some(agent) => writeln!(text, "  agent {agent}").ok(),
        None => writeln!(
            text,
            "  no agent: nobody can trade for it (owner set-agent)"
        )
        .ok(),
    };
    match &meter.proposed_owner {
        Some(other) if meter.notice.is_none() => writeln!(text, "  offered to {other}").ok(),
        _ => write!(text, "{}", notice(meter)).ok(),
    };
    match meter.position.stated {
        Some(window) => writeln!(
            text,
            "  stated up to {} (window {window})",
            time(window.end(market.window_seconds).get())
        )
        .ok(),
        None => writeln!(text, "  nothing stated yet").ok(),
    };
    text.push_str(&traded(book, denom));
    if book.tenure == Some(meter.tenure) {
        text.push_str("  limits\n");
        text.push_str(&limits::lines(&book.limits, denom, "    ")?);
    } else {
        text.push_str("  no limits: it buys nothing (owner set-limits)\n");
    }
    for order in orders {
        let side = if order.buyer == meter.meter {
            "buys"
        } else {
            "sells"
        };
        writeln!(
            text,
            "  order {} of meter {}: {side} {} a window at {}, up to window {}, {} locked",
            order.trade_id,
            order.buyer,
            show_energy(order.wh),
            show_price(order.price, denom),
            order.last_window,
            show_money(order.locked, denom)
        )
        .ok();
    }
    Ok(text)
}

async fn orders(
    client: &Client,
    escrow: &str,
    book: &MeterBookResponse,
) -> Result<Vec<OrderResponse>, Failure> {
    let mut all = Vec::new();
    for order in book.buys.iter().chain(&book.sells) {
        let (buyer, trade_id) = (order.buyer, order.trade_id);
        let status: TradeStatus = ask(
            client,
            escrow,
            &escrow::QueryMsg::TradeOf { buyer, trade_id },
        )
        .await?;
        if let TradeStatus::Open { order } = status {
            all.push(*order);
        }
    }
    Ok(all)
}

/// Asks and prints.
///
/// # Errors
/// The account is none (exit code 2), or no node answers.
pub fn run(session: &Session, args: &Show) -> Result<u8, Failure> {
    let market = session.market()?;
    let address = account(session, args.key.as_ref())?;
    block_on(async {
        let client = session.client().await?;
        let (money, lines) = in_market(&client, &market, &address).await?;
        let mut text = format!("{address}\n{lines}");
        let held = holds(&client, &market, Some(&address)).await?;
        for hold in &held {
            writeln!(text, "  held       {}", hold_line(&market, hold)).ok();
        }
        let mut meters: Vec<Value> = Vec::new();
        for meter in meters_of(&client, &market.pool.address, &address).await? {
            let question = escrow::QueryMsg::Meter { meter: meter.meter };
            let book: MeterBookResponse = ask(&client, &market.escrow.address, &question).await?;
            let orders = orders(&client, &market.escrow.address, &book).await?;
            text.push_str(&meter_text(&market, &meter, &book, &orders)?);
            meters.push(json!({"meter": meter, "book": book, "orders": orders}));
        }
        if meters.is_empty() {
            text.push_str("no meters\n");
        }
        session.answer(
            &json!({"address": address, "market": money, "holds": held, "meters": meters}),
            || text,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattpool_schema::escrow::{Limits, Statistics};
    use wattpool_schema::{Micro, Wh};

    #[test]
    fn what_was_traded_says_what_it_counts() {
        let mut book = MeterBookResponse {
            limits: Limits::default(),
            tenure: None,
            locked: Micro::ZERO,
            spent_today: Micro(1_250_000),
            bought_today: Wh(4_500),
            sold_today: Wh(20),
            statistics: Statistics {
                sales: 1,
                asked: Wh(900),
                arrived: Wh(800),
                missed: Wh(100),
                purchases: 214,
                bought: Wh(12_345),
                ..Statistics::default()
            },
            sells: Vec::new(),
            buys: Vec::new(),
        };
        let told = traded(&book, "uwatt");
        for line in [
            "  today (UTC) bought 4.5 kWh for 1.25 watt with network charges, sold 20 Wh\n",
            "  so far bought 12.345 kWh in 214 trades\n",
            "  so far sold 800 Wh in 1 trade, 100 Wh more were promised and not delivered\n",
            "  (one trade: one seller and one window, or one standing order; those below 5 Wh ",
        ] {
            assert!(told.contains(line), "{line:?} is not in {told}");
        }
        book.statistics.missed = Wh::ZERO;
        assert!(!traded(&book, "uwatt").contains("promised"));
    }
}
