//! What earlier-ranked standing orders can still use of a seller's tokens and a buyer's cover. To a spot
//! trade every order is an earlier one.

use cosmwasm_std::Storage;
use wattpool_rules::loss::{arriving, gross_for};
use wattpool_schema::error::MarketError;
use wattpool_schema::pool::OtherMeter;
use wattpool_schema::{MeterId, Wh, Window};

use crate::checked::Checked;
use crate::order::Order;
use crate::state::{self, MeterBook};

/// Standing orders that come first, by rank: of the seller, and of the buyer.
#[derive(Debug, Default)]
pub struct Rivals {
    /// The seller's sales, each with its buyer.
    sells: Vec<(MeterId, Order)>,
    /// The buyer's purchases, each with its seller.
    buys: Vec<(MeterId, Order)>,
}

/// Tokens and cover that are not free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Of the seller's tokens.
    pub gross: Wh,
    /// Of the buyer's cover.
    pub cover: Wh,
}

/// A trade's two meters and what they have in the live window.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    /// Selling meter.
    pub seller: MeterId,
    /// Buying meter.
    pub buyer: MeterId,
    /// Tokens the seller can sell.
    pub unsold: Wh,
    /// Cover the buyer has left.
    pub cover_left: Wh,
}

impl Rivals {
    /// Loads the orders that come before `stop` (all of them without it). At most eight a side.
    pub fn load(
        storage: &dyn Storage,
        seller_book: &MeterBook,
        buyer: MeterId,
        buyer_book: &MeterBook,
        stop: Option<u64>,
    ) -> Result<Self, MarketError> {
        let before = |order: &Order| stop.is_none_or(|rank| order.rank < rank);
        let mut rivals = Self::default();
        for (other, trade_id) in &seller_book.sells {
            let order = state::order(storage, other, *trade_id)?;
            if !before(&order) {
                break;
            }
            rivals.sells.push((*other, order));
        }
        for trade_id in &buyer_book.buys {
            let order = state::order(storage, &buyer, *trade_id)?;
            if !before(&order) {
                break;
            }
            rivals.buys.push((order.seller, order));
        }
        Ok(rivals)
    }

    /// True when no order comes first.
    pub fn is_empty(&self) -> bool {
        self.sells.is_empty() && self.buys.is_empty()
    }

    /// The counterparties to ask the pool about, in the order in which [`Self::claims`] wants the answers.
    pub fn others(&self) -> Vec<MeterId> {
        self.sells
            .iter()
            .chain(&self.buys)
            .map(|(other, _)| *other)
            .collect()
    }

    /// What the orders can still use in the live window. Several orders with the same counterparty share
    /// what that one has.
    pub fn claims(
        &self,
        live: Window,
        sides: Sides,
        answers: &[OtherMeter],
    ) -> Result<Claims, MarketError> {
        let figure = |id: MeterId, answer: Option<&OtherMeter>| {
            let known = answer.map_or((Wh::ZERO, Wh::ZERO), |a| (a.unsold, a.cover_left));
            // The trade's own sides are known better: what was passed on, the cover that comes along.
            (
                if id == sides.seller {
                    sides.unsold
                } else {
                    known.0
                },
                if id == sides.buyer {
                    sides.cover_left
                } else {
                    known.1
                },
            )
        };
        let (of_sells, of_buys) = answers
            .split_at_checked(self.sells.len())
            .unwrap_or((answers, &[]));
        let mut claims = Claims::default();
        let mut used: Vec<(MeterId, Wh)> = Vec::new();
        for (i, (other, order)) in self.sells.iter().enumerate() {
            let (_, cover_left) = figure(*other, of_sells.get(i));
            let there = cover_left.saturating_sub(sum(&used, *other));
            let net = order.undelivered(live).min(there);
            claims.gross = claims.gross.saturating_add(gross_of(order, live, net)?);
            used.push((*other, net));
        }
        used.clear();
        for (i, (other, order)) in self.buys.iter().enumerate() {
            let (unsold, _) = figure(*other, of_buys.get(i));
            let there = unsold.saturating_sub(sum(&used, *other));
            let net = order.undelivered(live).min(net_of(order, live, there));
            claims.cover = claims.cover.saturating_add(net);
            used.push((*other, gross_of(order, live, net)?));
        }
        Ok(claims)
    }
}

fn sum(used: &[(MeterId, Wh)], of: MeterId) -> Wh {
    used.iter()
        .filter(|(id, _)| *id == of)
        .fold(Wh::ZERO, |sum, (_, wh)| sum.saturating_add(*wh))
}

/// Tokens an order takes for `net` more in the live window.
fn gross_of(order: &Order, live: Window, net: Wh) -> Result<Wh, MarketError> {
    let now = order.figures(live);
    gross_for(now.net.plus(net)?, order.loss)?.minus(now.gross)
}

/// What arrives for an order of `gross` more tokens in the live window.
pub fn net_of(order: &Order, live: Window, gross: Wh) -> Wh {
    let now = order.figures(live);
    arriving(now.gross.saturating_add(gross), order.loss).saturating_sub(now.net)
}
