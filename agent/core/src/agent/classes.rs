//! Classes of loss: over which zone pairs a buyer asks when, and how much a thin line may still carry.
//!
//! Filling the links between zones by falling efficiency comes within 0.01 % of the best that could be
//! done (`docs/market.md`); in any order it falls short by as much as the detours lose. No agent can order
//! the others, but all read the same terms and the same clock: pairs that lose more open later.

use super::Agent;
use crate::context::Context;
use crate::io::Millis;
use wattpool_schema::pool::ZonePairTerms;
use wattpool_schema::{Ppm, Wh, Zone};

/// Loss beyond that of the own zone per class.
const CLASS: Ppm = Ppm(20_000);
/// The last class: whatever is lost beyond.
const LAST: u8 = 6;

impl Agent {
    /// 0 for the own zone and for zones that are as good; one more for every 2 % lost beyond what the own
    /// zone loses, at least one where a line carries only so much: who has no other way shall find it free.
    /// A plan ([`super::surveying`]) opens the zones that it names first and the others after them.
    pub(super) fn loss_class(&self, pair: &ZonePairTerms) -> u8 {
        let survey = &self.buying.survey;
        if survey.planned {
            let named = survey.quotas.iter().any(|(zone, _)| *zone == pair.from);
            return if named {
                0
            } else {
                self.plain_class(pair).max(1)
            };
        }
        self.plain_class(pair)
    }

    fn plain_class(&self, pair: &ZonePairTerms) -> u8 {
        if pair.from == self.id.zone {
            return 0;
        }
        let own = self
            .terms
            .as_ref()
            .and_then(|t| t.pair(self.id.zone, self.id.zone))
            .map_or(0, |p| p.loss.0);
        let beyond = pair.loss.0.saturating_sub(own).div_ceil(CLASS.0);
        let class = u8::try_from(beyond).unwrap_or(LAST).min(LAST);
        class.max(u8::from(pair.capacity.is_some()))
    }

    /// When a class opens, the first with the search for offers. Half the time that is left belongs to the
    /// last one, however late the window was seen to open.
    fn class_opens(&self, class: u8) -> Millis {
        let t = &self.market.timing;
        let first = self.opened_at.plus(t.seek_ms);
        let left = self.closing_at().since(first);
        let most = (left / 2).checked_div(u64::from(LAST)).unwrap_or(0);
        let step = t.class_ms.min(most);
        first.plus(step.saturating_mul(u64::from(class)))
    }

    /// Opens the classes whose time has come: true if there is more to look through or to ask for than before.
    pub(super) fn open_classes(&mut self, now: Millis) -> bool {
        let open = (1..=LAST)
            .take_while(|class| self.class_opens(*class) <= now)
            .last()
            .unwrap_or(0);
        let plan_over = open > 0 && self.buying.survey.end_quotas();
        let class = self.terms.as_ref().and_then(|terms| {
            let pairs = terms.pairs.iter().filter(|p| p.to == self.id.zone);
            let classes = pairs.map(|p| self.loss_class(p));
            classes.filter(|class| *class <= open).max()
        });
        let class = class.unwrap_or(0);
        let opened = class > self.buying.class;
        self.buying.class = self.buying.class.max(class);
        opened || plan_over
    }

    /// When the next class opens that a zone pair of this buyer is in, or the plan's quotas end.
    pub(super) fn next_class_opens(&self) -> Option<Millis> {
        if self.buying.survey.limits() {
            return Some(self.class_opens(1));
        }
        let terms = self.terms.as_ref()?;
        let pairs = terms.pairs.iter().filter(|p| p.to == self.id.zone);
        pairs
            .map(|p| self.loss_class(p))
            .filter(|class| *class > self.buying.class)
            .min()
            .map(|class| self.class_opens(class))
    }

    /// The most that can be asked for over the line from a zone, beside what is under way, while a plan is
    /// followed within its quota; none without a limit.
    pub(super) fn carriable(&self, from: Zone, cx: &Context<'_>) -> Option<Wh> {
        let terms = self.terms.as_ref()?;
        let b = &self.buying;
        let capacity = terms.pair(from, self.id.zone)?.capacity;
        let left = capacity.map(|capacity| {
            cx.registry
                .capacity_left(from, self.id.zone)
                .map_or(capacity, |left| left.min(capacity))
        });
        let planned = b.survey.limits();
        if left.is_none() && !planned {
            return None;
        }
        let is_from = |seller| {
            let offer = b.offers.iter().find(|o| o.seller == seller);
            offer.is_some_and(|o| o.zone == from)
        };
        let asked = b.asked.iter().map(|a| &a.request.request);
        let asked = asked.filter(|r| is_from(r.seller)).map(|r| r.wh);
        let settling = b.settling.iter().map(|s| &s.trade);
        let settling = settling
            .filter(|t| is_from(t.approval.approval.seller))
            .map(|t| t.wh);
        let under_way = asked.chain(settling).fold(Wh::ZERO, Wh::saturating_add);
        let left = left.map(|left| left.saturating_sub(under_way));
        if !planned {
            return left;
        }
        let quota = b.survey.quotas.iter().find(|(zone, _)| *zone == from);
        let bought = b.from.iter().filter(|(seller, _)| is_from(*seller));
        let bought = bought.map(|(_, wh)| *wh).fold(Wh::ZERO, Wh::saturating_add);
        let quota = quota.map_or(Wh::ZERO, |(_, wh)| *wh);
        let quota = quota.saturating_sub(bought).saturating_sub(under_way);
        Some(left.map_or(quota, |left| left.min(quota)))
    }
}
