//! What is learned of sellers from each request that ends (FR-12): under which conditions it was asked, what
//! became of it, and the checkpoints that a restart takes up.

use super::order_book::Order;
use super::{Agent, Out};
use crate::context::Context;
use crate::io::{Command, Experience, JournalEntry, Learned, Millis, Notice};
use wattpool_optimizer::predict::{
    quality_label, Conditions, Kind, Outcome, Predictor, Priors, Record,
};
use wattpool_schema::event::TradeClosed;
use wattpool_schema::{MeterId, Wh};

/// Quality expected of a seller of whom nothing is known.
const PRIOR_QUALITY: f64 = 0.95;
/// Outcomes after which what was learned is written down; a new day does it too.
const SAVE_AFTER: u32 = 16;

/// The predictor, and what of it is not written down yet.
#[derive(Debug)]
pub(super) struct Learning {
    predictor: Predictor<MeterId>,
    unsaved: u32,
    /// UTC day of the last checkpoint.
    saved_on: u64,
}

impl Learning {
    /// Nothing learned: a spot trade is expected to take two blocks, a standing order until its last window.
    pub fn new(block_s: u64, order_s: u64) -> Self {
        let prior = |duration: u64| Priors {
            quality: PRIOR_QUALITY,
            duration_s: super::seconds_f64(duration.max(1)),
        };
        Self {
            predictor: Predictor::new(prior(block_s.saturating_mul(2)), prior(order_s)),
            unsaved: 0,
            saved_on: 0,
        }
    }

    pub fn predictor(&self) -> &Predictor<MeterId> {
        &self.predictor
    }

    /// Takes up a checkpoint. One of another form says nothing: learning begins anew.
    pub fn resume(&mut self, learned: Learned) {
        if let Some(predictor) = learned.predictor.restored() {
            self.predictor = predictor;
        }
    }
}

impl Agent {
    /// The conditions of a request for so much to a seller, whose energy arrives in this share.
    pub(super) fn conditions(
        &self,
        now: Millis,
        seller: &MeterId,
        wh: Wh,
        efficiency: f64,
        cx: &Context<'_>,
    ) -> Conditions {
        let (supply, need) = (whole(self.buying.supply), whole(self.buying.need));
        let chain = cx.registry.record(seller);
        let lines = cx.registry.lines();
        let since_block = now
            .since(self.block_seen_at)
            .checked_rem(self.market.timing.block_ms.max(1))
            .unwrap_or(0);
        Conditions {
            at_s: self.chain_now(now).0,
            amount_wh: wh.0,
            lost: 1.0 - efficiency,
            air_c: lines.and_then(|lines| lines.air_c(self.buying.window)),
            supply: if supply + need > 0.0 {
                supply / (supply + need)
            } else {
                0.5
            },
            record: Record {
                sales: chain.sales,
                asked_wh: chain.asked_wh,
                arrived_wh: chain.arrived_wh,
            },
            block_age: super::seconds_f64(since_block)
                / super::seconds_f64(self.market.timing.block_ms.max(1)),
        }
    }

    /// A request came to nothing by its seller's doing.
    pub(super) fn learn_failure(&mut self, seller: MeterId, asked: &Conditions, out: &mut Out) {
        let outcome = Outcome {
            quality: 0.0,
            duration_s: None,
        };
        self.learn(seller, Kind::Spot, asked, outcome, out);
    }

    /// All that was agreed on arrived.
    pub(super) fn learn_success(
        &mut self,
        seller: MeterId,
        wh: Wh,
        asked: &Conditions,
        out: &mut Out,
    ) {
        let duration_s = seconds_since(self.block.time.0, asked.at_s);
        let agreed_s = super::seconds_f64(u64::from(self.market.window_s));
        let label = quality_label(wh.0, 0, wh.0, Some(duration_s), agreed_s);
        if let Some(quality) = label {
            let outcome = Outcome {
                quality,
                duration_s: Some(duration_s),
            };
            self.learn(seller, Kind::Spot, asked, outcome, out);
        }
    }

    /// Something of a standing order has arrived.
    pub(super) fn note_chunk(&mut self, buyer: MeterId, trade_id: u64) {
        let at = self.block.time;
        let mine = |o: &&mut Order| !o.selling && o.buyer == buyer && o.trade_id == trade_id;
        if let Some(order) = self.orders.open.iter_mut().find(mine) {
            order.last_chunk = Some(at);
        }
    }

    /// A standing order that this meter bought has been closed.
    pub(super) fn learn_order(&mut self, t: &TradeClosed, out: &mut Out) {
        let mine = |o: &&mut Order| !o.selling && o.buyer == t.buyer && o.trade_id == t.trade_id;
        let Some(order) = self.orders.open.iter_mut().find(mine) else {
            return;
        };
        // Taken, so that nothing is learned twice.
        let (Some(about), last_chunk) = (order.about.take(), order.last_chunk) else {
            return;
        };
        let duration_s = last_chunk.map(|at| seconds_since(at.0, about.at_s));
        let agreed_s = super::seconds_f64(super::orders::span_s(self.market.window_s));
        let label = quality_label(t.asked.0, t.declined.0, t.arrived.0, duration_s, agreed_s);
        if let Some(quality) = label {
            let outcome = Outcome {
                quality,
                duration_s,
            };
            self.learn(t.seller, Kind::Forward, &about, outcome, out);
        }
    }

    fn learn(
        &mut self,
        seller: MeterId,
        kind: Kind,
        asked: &Conditions,
        outcome: Outcome,
        out: &mut Out,
    ) {
        let predictor = &mut self.learning.predictor;
        let expected = predictor.expect(&seller, kind, asked);
        predictor.learn(seller, kind, asked, &outcome);
        self.learning.unsaved = self.learning.unsaved.saturating_add(1);
        out.push(Command::Tell(Notice::Experienced(Box::new(Experience {
            seller,
            kind,
            conditions: *asked,
            expected,
            outcome,
        }))));
    }

    /// Writes down what was learned since the last time, where that is much or a day has passed.
    pub(super) fn save_learned(&mut self, out: &mut Out) {
        let learning = &mut self.learning;
        let due = learning.unsaved >= SAVE_AFTER
            || learning.unsaved > 0 && learning.saved_on != self.day.number;
        if due {
            learning.unsaved = 0;
            learning.saved_on = self.day.number;
            out.push(Command::Journal(JournalEntry::Learned(Box::new(Learned {
                predictor: learning.predictor.clone(),
            }))));
        }
    }
}

/// Seconds between two chain times; a block's time may lie a little before the agent's guess of it.
pub(super) fn seconds_since(later: u64, earlier: u64) -> f64 {
    super::seconds_f64(later.saturating_sub(earlier))
}

fn whole(wh: Wh) -> f64 {
    super::seconds_f64(wh.0)
}
