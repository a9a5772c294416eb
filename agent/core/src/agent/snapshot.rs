//! What the agent is at, for its owner to see.

use super::Agent;
use crate::metering::Balance;
use schemars::JsonSchema;
use serde::Serialize;
use wattpool_schema::pool::MeterKind;
use wattpool_schema::{MeterId, Micro, Price, Wh, Window, Zone};

/// An offer of another meter, as far as the owner's limits let it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfferSeen {
    /// Who offers.
    pub seller: MeterId,
    /// From where.
    pub zone: Zone,
    /// As what its meter is registered: where the energy comes from.
    pub kind: Option<MeterKind>,
    /// Still to be had, arriving.
    pub wh: Wh,
    /// Highest price per arriving kWh that will be agreed to, without the network charge.
    pub price: Price,
    /// Network charge per arriving kWh.
    pub charge: Price,
}

/// A standing order of this meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderSeen {
    /// Buying meter.
    pub buyer: MeterId,
    /// Its number for it; zero while only the approval is known.
    pub trade_id: u64,
    /// First metered window.
    pub first: Window,
    /// Last metered window.
    pub last: Window,
    /// Arriving per window.
    pub wh: Wh,
    /// This meter sells.
    pub selling: bool,
}

/// What the meters of a zone announced of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Announced {
    /// Surplus.
    pub supply: Wh,
    /// Deficits, with what is not credible left out.
    pub demand: Wh,
}

/// The running window of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Snapshot {
    /// The metered window that is being traded; none before the first.
    pub live: Option<Window>,
    /// The last window of which the registers are believed.
    pub metered: Option<Window>,
    /// Surplus, deficit or neither.
    pub balance: Balance,
    /// Net export of the live window.
    pub surplus: Wh,
    /// Net import of the live window.
    pub deficit: Wh,
    /// Of the deficit bought by trade.
    pub bought: Wh,
    /// Tokenised in the live window.
    pub minted: Wh,
    /// Of this sold, gross.
    pub sold: Wh,
    /// Of the rest free to offer.
    pub sellable: Wh,
    /// Approvals that may still be used.
    pub promises: usize,
    /// Trades on their way to the chain.
    pub settling: usize,
    /// Offers known in this window.
    pub offers: Vec<OfferSeen>,
    /// What this zone announced of the live window; none: the agent had no reason to look.
    pub announced: Option<Announced>,
    /// Standing orders.
    pub orders: Vec<OrderSeen>,
    /// Statements that the chain has not confirmed.
    pub unconfirmed_statements: usize,
    /// The market is stopped.
    pub market_paused: bool,
    /// Bought since midnight UTC.
    pub bought_today: Wh,
    /// Sold since midnight UTC.
    pub sold_today: Wh,
    /// Spent since midnight UTC.
    pub spent_today: Micro,
}

impl Agent {
    /// The metered window that is traded, the last one believed, and the oldest one that the chain has not confirmed.
    pub fn standing(&self) -> (Option<Window>, Option<Window>, Option<Window>) {
        (
            self.terms.as_ref().map(|t| t.live()),
            self.metering.last().map(|r| r.window),
            self.stating.oldest_waiting(),
        )
    }

    /// What it is at.
    pub fn snapshot(&self) -> Snapshot {
        let live = self.terms.as_ref().map(|t| t.live());
        let energy = live.and_then(|l| self.stating.of(l));
        let offer = |o: &super::buying::Offered| OfferSeen {
            seller: o.seller,
            zone: o.zone,
            kind: o.kind,
            wh: o.net,
            price: o.max_price,
            charge: o.charge,
        };
        let order = |o: &super::order_book::Order| OrderSeen {
            buyer: o.buyer,
            trade_id: o.trade_id,
            first: o.first,
            last: o.last,
            wh: o.wh,
            selling: o.selling,
        };
        Snapshot {
            live,
            metered: self.metering.last().map(|r| r.window),
            balance: self.balance,
            surplus: energy.map_or(Wh::ZERO, |m| m.surplus),
            deficit: energy.map_or(Wh::ZERO, |m| m.deficit),
            bought: self.buying.bought,
            minted: self.selling.minted,
            sold: self.selling.sold,
            sellable: self.sellable(),
            promises: self.selling.reservations.len(),
            settling: self.buying.settling.len(),
            offers: self.buying.offers.iter().map(offer).collect(),
            announced: self
                .ratio_of
                .filter(|window| Some(*window) == live)
                .map(|_| Announced {
                    supply: self.ratio.0,
                    demand: self.ratio.1,
                }),
            orders: self.orders.open.iter().map(order).collect(),
            unconfirmed_statements: self.stating.unconfirmed_statements(),
            market_paused: self.paused,
            bought_today: self.day.bought,
            sold_today: self.day.sold,
            spent_today: self.day.spent,
        }
    }
}
