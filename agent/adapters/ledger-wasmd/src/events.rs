//! The market's events among all that a chain reports, and whose item of a batch they are.

use crate::market::Market;
use crate::rpc::ChainEvent;
use cosmwasm_std::Attribute;
use wattpool_core::io::{MarketTx, TxFailure};
use wattpool_schema::error::Code;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::event::{BadEvent, MarketEvent};
use wattpool_schema::{MeterId, SignedStatement};

/// Attribute under which a chain names the contract that an event is from. No contract can write it itself.
const CONTRACT: &str = "_contract_address";

/// The market's events, in their order. Those of other contracts are left out, whatever they look like.
///
/// # Errors
/// One of the market's own contracts reports what this version cannot read.
pub fn market_events(events: &[ChainEvent], market: &Market) -> Result<Vec<MarketEvent>, BadEvent> {
    let mut found = Vec::new();
    for event in events {
        let from = event.value(CONTRACT);
        if !event.kind.starts_with("wasm-") || !from.is_some_and(|a| market.is_ours(a)) {
            continue;
        }
        let attributes: Vec<Attribute> = event
            .attributes
            .iter()
            .map(|a| Attribute {
                key: a.key.clone(),
                value: a.value.clone(),
            })
            .collect();
        found.extend(MarketEvent::parse(&event.kind, &attributes)?);
    }
    Ok(found)
}

/// The outcome of each of several transactions that were sent as one message.
pub fn outcomes(
    joined: &[MarketTx],
    events: Vec<MarketEvent>,
) -> Vec<Result<Vec<MarketEvent>, TxFailure>> {
    let mut outcomes: Vec<Result<Vec<MarketEvent>, TxFailure>> =
        joined.iter().map(|_| Ok(Vec::new())).collect();
    if let [only] = outcomes.as_mut_slice() {
        *only = Ok(events);
        return outcomes;
    }
    // What names no item (tokens that expired, say) stands beside the item whose work found it.
    let mut current = 0;
    for event in events {
        if let MarketEvent::ItemRefused(refused) = &event {
            let Some((owner, first)) = item_owner(joined, refused.index) else {
                continue;
            };
            let Some(outcome) = outcomes.get_mut(owner) else {
                continue;
            };
            match joined.get(owner) {
                Some(MarketTx::State(_)) => {
                    if let Ok(events) = outcome {
                        let mut own = refused.clone();
                        own.index = own.index.saturating_sub(first);
                        events.push(MarketEvent::ItemRefused(own));
                    }
                }
                _ => *outcome = Err(refusal(&refused.code)),
            }
            continue;
        }
        if let Some(owner) = joined.iter().position(|tx| concerns(tx, &event)) {
            current = owner;
        }
        if let Some(Ok(events)) = outcomes.get_mut(current) {
            events.push(event);
        }
    }
    outcomes
}

/// A refusal by its code.
pub fn refusal(code: &str) -> TxFailure {
    Code::of(code).map_or_else(
        || TxFailure::Unknown(format!("code {code}")),
        TxFailure::Refused,
    )
}

/// Which transaction an item of the joined message belongs to, and the index of that one's first item.
fn item_owner(joined: &[MarketTx], index: u32) -> Option<(usize, u32)> {
    let mut first = 0u32;
    for (owner, tx) in joined.iter().enumerate() {
        let next = first.saturating_add(items(tx));
        if index < next {
            return Some((owner, first));
        }
        first = next;
    }
    None
}

/// Items that a transaction adds to a joined message.
pub fn items(tx: &MarketTx) -> u32 {
    match tx {
        MarketTx::State(statements) => u32::try_from(statements.len()).unwrap_or(u32::MAX),
        _ => 1,
    }
}

fn concerns(tx: &MarketTx, event: &MarketEvent) -> bool {
    match tx {
        MarketTx::State(statements) => states(statements, event),
        MarketTx::Settle(trade) => settles(trade, event),
        _ => false,
    }
}

fn states(statements: &[SignedStatement], event: &MarketEvent) -> bool {
    let (meter, window) = match event {
        MarketEvent::Stated(e) => (e.meter, e.window),
        MarketEvent::StatedTooOld(e) => (e.meter, e.window),
        MarketEvent::Minted(e) => (e.meter, e.window),
        _ => return false,
    };
    let said = |s: &SignedStatement| s.statement.meter == meter && s.statement.window == window;
    statements.iter().any(said)
}

fn settles(trade: &SettleTrade, event: &MarketEvent) -> bool {
    let (buyer, trade_id): (MeterId, u64) = match event {
        MarketEvent::Moved(e) => (e.buyer, e.trade_id),
        MarketEvent::Redeemed(e) => (e.buyer, e.trade_id),
        MarketEvent::Delivered(e) => (e.buyer, e.trade_id),
        MarketEvent::TradeClosed(e) => (e.buyer, e.trade_id),
        _ => return false,
    };
    trade.trade_id == trade_id && trade.approval.approval.buyer == buyer
}
