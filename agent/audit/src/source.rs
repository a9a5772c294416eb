//! From a chain's events to rows: what of a transaction's events is the market's.

use crate::export::{Row, Said, Transfer};
use cosmwasm_std::Attribute;
use wattpool_schema::event::{BadEvent, MarketEvent};
use wattpool_schema::Wh;

/// A transaction's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InBlock {
    /// Height of the block.
    pub height: u64,
    /// Its time, unix seconds.
    pub time: u64,
    /// Place of the transaction in it.
    pub tx: u32,
}

/// An event as a chain gives it.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// Address of the contract that it is from.
    pub contract: &'a str,
    /// Its name: `wasm`, or `wasm-` and the contract's own name for it.
    pub name: &'a str,
    /// Its attributes.
    pub attributes: &'a [Attribute],
}

/// cw20's transfers in the attributes of a `wasm` event of the token. A trade's carries the attributes of a burn behind those of the transfer.
fn transfer(attributes: &[Attribute]) -> Option<Transfer> {
    let mut actions = attributes.iter().filter(|a| a.key == "action");
    let action = actions.next()?.value.as_str();
    let moves = ["transfer", "send", "transfer_from", "send_from"].contains(&action);
    if !moves || actions.next().is_some() {
        return None;
    }
    let first = |key: &str| {
        let found = attributes.iter().find(|a| a.key == key);
        found.map(|a| a.value.clone())
    };
    Some(Transfer {
        from: first("from")?,
        to: first("to")?,
        wh: Wh(first("amount")?.parse().ok()?),
    })
}

/// The rows of a transaction's events. `token` is the token's address; events of other contracts than the market's have to be left out before.
///
/// # Errors
/// One of the market's contracts reports what this version cannot read.
pub fn rows<'a>(
    at: InBlock,
    token: &str,
    events: impl IntoIterator<Item = Raw<'a>>,
) -> Result<Vec<Row>, BadEvent> {
    let mut found: Vec<Row> = Vec::new();
    for raw in events {
        let said = if raw.name == "wasm" {
            match transfer(raw.attributes).filter(|_| raw.contract == token) {
                Some(transfer) => Said::Transfer(transfer),
                None => continue,
            }
        } else {
            match MarketEvent::parse(raw.name, raw.attributes)? {
                Some(event) => Said::Event(Box::new(event)),
                None => continue,
            }
        };
        found.push(Row {
            height: at.height,
            time: at.time,
            tx: at.tx,
            index: u32::try_from(found.len()).unwrap_or(u32::MAX),
            contract: raw.contract.to_owned(),
            said,
        });
    }
    Ok(found)
}
