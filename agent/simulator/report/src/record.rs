//! What a run records on demand: rows per home and window, offers, requests, events of the chain.

use std::collections::BTreeMap;
use std::io::Write;

use serde::{Deserialize, Serialize};
use wattpool_audit::export::{Header, Row, State, Writer};
use wattpool_audit::opening::{Opening, Openings};
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{Price, Seconds, TradeKind, Wh, Window};

use crate::accounts::cells;
use crate::dictionary::described;
use crate::error::MeasureError;
use crate::money::to_i64;
use crate::outcome::Outcome;
use crate::tables::write_rows;
use crate::time::rfc3339;

/// An offer as it was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Chain time, or the agent's.
    pub at: Seconds,
    /// Who.
    pub home: u32,
    /// For which window.
    pub window: Window,
    /// How much could be sent.
    pub wh: Wh,
    /// Per arriving kWh.
    pub price: Price,
}

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it was sent.
    pub at: Seconds,
    /// Who asked.
    pub buyer: u32,
    /// Whom; none: a meter that is not of the neighbourhood.
    pub seller: Option<u32>,
    /// Spot or standing order.
    pub kind: TradeKind,
    /// First window.
    pub window: Window,
    /// Windows.
    pub count: u32,
    /// Per window.
    pub wh: Wh,
    /// At most.
    pub max_price: Price,
    /// What the seller said; none: nothing.
    pub answer: Option<Reply>,
}

/// A seller's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// When it was sent.
    pub at: Seconds,
    /// `approved`, or the reason of the denial.
    pub what: String,
    /// Approved, or still available.
    pub wh: Wh,
    /// Price of what was approved.
    pub price: Option<Price>,
}

/// Everything recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// In the order of announcement, each once however many places it was stored in.
    pub offers: Vec<Offer>,
    /// In the order of asking.
    pub requests: Vec<Request>,
    /// In the chain's order.
    pub events: Vec<EventRow>,
    /// The whole chain, as an audit reads it.
    pub chain: Option<Chain>,
    /// What the homes' owners can open of their statements, by home, while the run goes on.
    pub openings: BTreeMap<u32, Vec<Opening>>,
    /// Last sequence announced, per home.
    announced: BTreeMap<u32, u64>,
    /// Requests without an answer so far, by buyer and number.
    open: BTreeMap<(u32, u64), usize>,
}

/// All that the market's contracts said from their beginning, and what they store at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// What it is of.
    pub header: Header,
    /// What was said, in the chain's order.
    pub rows: Vec<Row>,
    /// What is stored at the end.
    pub state: Vec<State>,
    /// The last block.
    pub to_height: u64,
    /// What the meters' owners can open.
    pub openings: Vec<Openings>,
}

impl Recorded {
    /// An offer is announced, perhaps at one more place.
    pub fn offer(&mut self, sequence: u64, offer: Offer) {
        if self.announced.insert(offer.home, sequence) != Some(sequence) {
            self.offers.push(offer);
        }
    }

    /// A request is sent; `id` is the buyer's number for it.
    pub fn request(&mut self, id: u64, request: Request) {
        self.open.insert((request.buyer, id), self.requests.len());
        self.requests.push(request);
    }

    /// It is answered.
    pub fn answer(&mut self, buyer: u32, id: u64, reply: Reply) {
        let place = self.open.remove(&(buyer, id));
        if let Some(request) = place.and_then(|place| self.requests.get_mut(place)) {
            request.answer = Some(reply);
        }
    }
}

described! {
/// A row of `homes.csv`: one home in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HomeWindowRow {
    /// Index of the window: unix seconds over its length.
    pub window: u64,
    /// Its first second, UTC.
    pub start: String,
    /// The home's name.
    pub home: String,
    /// Consumed.
    pub demand_wh: u64,
    /// Generated.
    pub generation_wh: u64,
    /// Generated and consumed in the home.
    pub own_use_wh: u64,
    /// Arrived by trade.
    pub bought_wh: u64,
    /// Given for trades: arrived and lost.
    pub sold_gross_wh: u64,
    /// Supplied by the national grid.
    pub grid_import_wh: u64,
    /// Fed into the national grid.
    pub feed_in_wh: u64,
    /// Paid for trades, network charge included.
    pub spent_micro: i64,
    /// Earned with trades.
    pub earned_micro: i64,
    /// Fees for the home's messages about this window.
    pub fees_micro: i64,
    /// Grid cost − feed-in credit + spent − earned + fees.
    pub bill_micro: i64,
    /// The same without trading.
    pub bill_without_trading_micro: i64,
}
}

described! {
/// A row of `offers.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRow {
    /// When it was announced.
    pub at: String,
    /// The home that offers.
    pub home: String,
    /// The metered window whose energy is offered.
    pub window: u64,
    /// How much the home can still send.
    pub offered_wh: u64,
    /// Price asked per arriving kWh.
    pub price_micro_per_kwh: u64,
}
}

described! {
/// A row of `requests.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    /// When it was sent.
    pub at: String,
    /// The home that asks.
    pub buyer: String,
    /// The home that is asked.
    pub seller: Option<String>,
    /// Spot or forward.
    pub kind: String,
    /// First metered window.
    pub window: u64,
    /// Number of windows.
    pub windows: u32,
    /// Energy asked for, per window.
    pub asked_wh: u64,
    /// Highest price per arriving kWh.
    pub max_price_micro_per_kwh: u64,
    /// When it was answered; empty: never.
    pub answered: Option<String>,
    /// Approved, waiting (for its owner), or the reason of a denial: sold_out, price, policy, window, invalid, busy, later.
    pub answer: Option<String>,
    /// Approved, or still available where it was denied.
    pub answered_wh: Option<u64>,
    /// Price of what was approved.
    pub price_micro_per_kwh: Option<u64>,
}
}

described! {
/// A line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Height of the block.
    pub height: u64,
    /// Its time, unix seconds.
    pub time: u64,
    /// The home that sent the transaction, by number; none: the operator or an owner.
    pub sender: Option<u32>,
    /// The event: its name with its values, as in schema/json.
    pub event: MarketEvent,
}
}

/// The homes' names by number.
fn name(n: &Neighbourhood, home: u32) -> String {
    let found = usize::try_from(home).ok().and_then(|h| n.homes.get(h));
    found.map_or_else(|| home.to_string(), |home| home.name.clone())
}

/// Writes `homes.csv`: the finished windows, home by home in each.
///
/// # Errors
/// The outcome's columns do not fit the neighbourhood, or the writer fails.
pub fn write_homes(
    out: impl Write,
    n: &Neighbourhood,
    outcome: &Outcome,
) -> Result<Result<(), csv::Error>, MeasureError> {
    let mut writer = csv::Writer::from_writer(out);
    for window in 0..outcome.finished_windows {
        let at = n
            .first_window
            .plus(u64::try_from(window).unwrap_or(u64::MAX));
        let start = rfc3339(at.start(n.window_s));
        for (home, (energy, money)) in n.homes.iter().zip(cells(n, outcome, window)?) {
            let row = HomeWindowRow {
                window: at.get(),
                start: start.clone(),
                home: home.name.clone(),
                demand_wh: energy.demand,
                generation_wh: energy.generation,
                own_use_wh: energy.own_use,
                bought_wh: energy.bought,
                sold_gross_wh: energy.sold_gross,
                grid_import_wh: energy.grid_import,
                feed_in_wh: energy.feed_in,
                spent_micro: to_i64(money.spent),
                earned_micro: to_i64(money.earned),
                fees_micro: to_i64(money.fees),
                bill_micro: to_i64(money.bill()),
                bill_without_trading_micro: to_i64(money.bill_without_trading()),
            };
            if let Err(error) = writer.serialize(row) {
                return Ok(Err(error));
            }
        }
    }
    Ok(writer.flush().map_err(Into::into))
}

/// Writes `offers.csv`.
///
/// # Errors
/// The writer's.
pub fn write_offers(
    out: impl Write,
    n: &Neighbourhood,
    recorded: &Recorded,
) -> Result<(), csv::Error> {
    let rows = recorded.offers.iter().map(|offer| OfferRow {
        at: rfc3339(offer.at),
        home: name(n, offer.home),
        window: offer.window.get(),
        offered_wh: offer.wh.get(),
        price_micro_per_kwh: offer.price.get(),
    });
    write_rows(out, rows)
}

/// Writes `requests.csv`.
///
/// # Errors
/// The writer's.
pub fn write_requests(
    out: impl Write,
    n: &Neighbourhood,
    recorded: &Recorded,
) -> Result<(), csv::Error> {
    let rows = recorded.requests.iter().map(|request| {
        let answer = request.answer.as_ref();
        RequestRow {
            at: rfc3339(request.at),
            buyer: name(n, request.buyer),
            seller: request.seller.map(|home| name(n, home)),
            kind: match request.kind {
                TradeKind::Spot => "spot".into(),
                TradeKind::Forward => "forward".into(),
            },
            window: request.window.get(),
            windows: request.count,
            asked_wh: request.wh.get(),
            max_price_micro_per_kwh: request.max_price.get(),
            answered: answer.map(|a| rfc3339(a.at)),
            answer: answer.map(|a| a.what.clone()),
            answered_wh: answer.map(|a| a.wh.get()),
            price_micro_per_kwh: answer.and_then(|a| a.price).map(Price::get),
        }
    });
    write_rows(out, rows)
}

/// Writes `chain.jsonl`: an export for `wattpool audit`, which nobody signed.
///
/// # Errors
/// The writer's.
pub fn write_chain(out: impl Write, chain: &Chain) -> std::io::Result<()> {
    let mut writer = Writer::new(out, &chain.header)?;
    for row in &chain.rows {
        writer.row(row)?;
    }
    for state in &chain.state {
        writer.state(state)?;
    }
    writer.read_to(chain.to_height);
    writer.finish(|_| None).map(|_| ())
}

/// Writes `openings.jsonl`: a line per home, what its owner would open to an auditor.
///
/// # Errors
/// The serialiser's or the writer's.
pub fn write_openings(mut out: impl Write, chain: &Chain) -> Result<(), serde_json::Error> {
    for home in &chain.openings {
        serde_json::to_writer(&mut out, home)?;
        out.write_all(b"\n").map_err(serde_json::Error::io)?;
    }
    Ok(())
}

/// Writes `events.jsonl`: a JSON object per line.
///
/// # Errors
/// The serialiser's or the writer's.
pub fn write_events(mut out: impl Write, recorded: &Recorded) -> Result<(), serde_json::Error> {
    for event in &recorded.events {
        serde_json::to_writer(&mut out, event)?;
        out.write_all(b"\n").map_err(serde_json::Error::io)?;
    }
    Ok(())
}
