//! Closed trades: lists, one with its settlement, one with its proof.

use super::{limit, meter_of, not_here, prefix_of, read, window_at, EventRow, Shared};
use crate::index::{Cursor, Entry, Sort, TradeFilter, PAGE};
use crate::live::Proof;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::Json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wattpool_audit::export::Said;
use wattpool_audit::record;
use wattpool_audit::trades::Trade;
use wattpool_schema::escrow::{record_digest, TradeRecord};
use wattpool_schema::event::MarketEvent as E;
use wattpool_schema::{Digest32, TradeKind, Wh};
use wattpool_web::answer::{Answer, Asked, Refusal};

/// Which trades.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The first digits of a meter that sold or bought.
    meter: Option<String>,
    /// The meter that sold.
    seller: Option<String>,
    /// The meter that bought.
    buyer: Option<String>,
    /// Spot trades, or standing orders.
    kind: Option<TradeKind>,
    /// Metered from this Unix time on.
    from: Option<u64>,
    /// Metered before this Unix time.
    to: Option<u64>,
    /// Price of at least this, micro-units per kWh.
    min_price: Option<u64>,
    /// Price of at most this.
    max_price: Option<u64>,
    /// The order [default: time, the newest first].
    sort: Option<Sort>,
    /// Where the page before ended: its `next`.
    after: Option<String>,
    /// At most so many, 1 to 200 [default: 50].
    limit: Option<u32>,
}

/// Trades.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Trades {
    /// In the order that was asked for.
    trades: Vec<Trade>,
    /// Ask for those after this; none: these were the last.
    next: Option<String>,
}

fn cursor(text: &str) -> Result<Cursor, Refusal> {
    let found = text.split_once('.').and_then(|(value, sequence)| {
        Some(Cursor {
            value: value.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    });
    found.ok_or_else(|| Refusal::bad("after: expected what an earlier page said as next"))
}

pub async fn trades(State(shared): State<Shared>, Asked(asked): Asked<Find>) -> Answer<Trades> {
    let limit = limit(asked.limit, 50, PAGE)?;
    let meter =
        |name: &str, text: &Option<String>| text.as_ref().map(|t| meter_of(name, t)).transpose();
    let filter = TradeFilter {
        meter: asked
            .meter
            .as_ref()
            .map(|t| prefix_of("meter", t))
            .transpose()?,
        seller: meter("seller", &asked.seller)?,
        buyer: meter("buyer", &asked.buyer)?,
        kind: asked.kind.map(|kind| match kind {
            TradeKind::Spot => "spot",
            TradeKind::Forward => "forward",
        }),
        from: asked.from.map(|t| window_at(&shared, t)),
        to: asked.to.map(|t| window_at(&shared, t)),
        least: asked.min_price,
        most: asked.max_price,
        sort: asked.sort.unwrap_or_default(),
        after: asked.after.as_deref().map(cursor).transpose()?,
    };
    let page = read(&shared, move |_, reader| reader.trades(&filter, limit)).await?;
    let next = page.next.map(|c| format!("{}.{}", c.value, c.sequence));
    Ok(Json(Trades {
        trades: page.trades,
        next,
    }))
}

/// What was worked out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// Which: `record`, `energy`, `money`, `log`.
    name: &'static str,
    /// Whether it holds; none: what is needed is not in the index.
    holds: Option<bool>,
    /// What was compared, or what is wrong.
    said: String,
}

/// A trade.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TradeDetail {
    /// As it was closed.
    trade: Trade,
    /// As the escrow stores it.
    record: TradeRecord,
    /// The record's bytes, hexadecimal: what the hash is made of.
    record_bytes: String,
    /// Head of the log before it, and after it.
    head_before: Option<String>,
    /// Head after it.
    head: String,
    /// What was worked out again.
    checks: Vec<Check>,
    /// What the three contracts said of it, oldest first.
    events: Vec<EventRow>,
    /// Whether a node can be asked for a proof.
    provable: bool,
}

/// The same energy and money in all events.
fn sums(events: &[Entry], record: &TradeRecord) -> [Check; 2] {
    let (mut moved, mut redeemed, mut delivered) = ((0_u64, 0_u64), (0_u64, 0_u64), (0_u64, 0_u64));
    let (mut paid, mut charge) = (0_u64, 0_u64);
    let plus = |sum: &mut (u64, u64), gross: Wh, net: Wh| {
        sum.0 = sum.0.saturating_add(gross.0);
        sum.1 = sum.1.saturating_add(net.0);
    };
    for entry in events {
        let Said::Event(event) = &entry.row.said else {
            continue;
        };
        match event.as_ref() {
            E::Moved(e) => plus(&mut moved, e.gross, e.net),
            E::Redeemed(e) => plus(&mut redeemed, e.gross, e.net),
            E::Delivered(e) => {
                plus(&mut delivered, e.gross, e.net);
                paid = paid.saturating_add(e.paid.0);
                charge = charge.saturating_add(e.charge.0);
            }
            _ => {}
        }
    }
    let arrived = (
        record.arrived.0.saturating_add(record.lost.0),
        record.arrived.0,
    );
    let all = [moved, redeemed, delivered];
    let energy = Check {
        name: "energy",
        holds: Some(all.iter().all(|sum| *sum == arrived)),
        said: format!(
            "sent and arrived, Wh: token {}/{}, pool {}/{}, escrow {}/{}, record {}/{}",
            moved.0,
            moved.1,
            redeemed.0,
            redeemed.1,
            delivered.0,
            delivered.1,
            arrived.0,
            arrived.1
        ),
    };
    let money = Check {
        name: "money",
        holds: Some(paid == record.paid.0 && charge == record.charge.0),
        said: format!(
            "paid {paid} and charged {charge} in deliveries; the record says {} and {}",
            record.paid, record.charge
        ),
    };
    [energy, money]
}

fn checks(
    events: &[Entry],
    record: &TradeRecord,
    before: Option<Digest32>,
    head: Digest32,
) -> Vec<Check> {
    let wrong = record::wrong(record, record.sequence);
    let form = Check {
        name: "record",
        holds: Some(wrong.is_none()),
        said: wrong.map_or_else(
            || {
                format!(
                    "{} Wh at {} per kWh are {}, rounded up once",
                    record.arrived, record.price, record.paid
                )
            },
            |(field, what)| format!("{field}: {what}"),
        ),
    };
    let log = match before {
        None => Check {
            name: "log",
            holds: None,
            said: "the trade before it is not in the index".to_owned(),
        },
        Some(before) => {
            let made = record_digest(&before, record);
            Check {
                name: "log",
                holds: Some(made == head),
                said: format!(
                    "SHA-256 over {before} and the record is {made}; the log says {head}"
                ),
            }
        }
    };
    let [energy, money] = sums(events, record);
    vec![form, energy, money, log]
}

fn sequence_of(text: &str) -> Result<u64, Refusal> {
    text.parse()
        .map_err(|_| Refusal::bad("expected a trade's place in the log, a number from 0"))
}

pub async fn trade(
    State(shared): State<Shared>,
    Path(sequence): Path<String>,
) -> Answer<TradeDetail> {
    let sequence = sequence_of(&sequence)?;
    let found = read(&shared, move |site, reader| {
        let Some((trade, before, head)) = reader.trade(sequence)? else {
            return Ok(None);
        };
        let events = reader.of_trade(trade.buyer, trade.trade_id)?;
        let record = events.iter().find_map(|entry| match &entry.row.said {
            Said::Event(event) => match event.as_ref() {
                E::TradeClosed(closed) if closed.sequence == sequence => {
                    Some(TradeRecord::from(closed))
                }
                _ => None,
            },
            Said::Transfer(_) => None,
        });
        let Some(record) = record else {
            return Ok(None);
        };
        Ok(Some(TradeDetail {
            checks: checks(&events, &record, before, head),
            record_bytes: hex::encode(record.to_bytes()),
            head_before: before.map(|h| h.to_string()),
            head: head.to_string(),
            events: events.into_iter().map(Into::into).collect(),
            provable: site.explorer.live.is_some(),
            trade,
            record,
        }))
    });
    found
        .await?
        .map(Json)
        .ok_or_else(|| not_here(format!("trade {sequence}")))
}

pub async fn proof(State(shared): State<Shared>, Path(sequence): Path<String>) -> Answer<Proof> {
    let sequence = sequence_of(&sequence)?;
    let Some(live) = shared.explorer.live.clone() else {
        let why =
            "nothing can be proven of a file: only a node has the state, and validators signed it";
        return Err(Refusal::new(StatusCode::NOT_FOUND, why));
    };
    // A node is asked a dozen times for one.
    let Ok(_one) = shared.proofs.try_acquire() else {
        let mut refusal =
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "another proof is being made");
        refusal.retry_after = Some(2);
        return Err(refusal);
    };
    live.proof(sequence).await.map(Json).map_err(Refusal::later)
}
