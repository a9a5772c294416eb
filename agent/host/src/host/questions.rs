//! Questions of other meters: each is answered, waits for the owner, or is let go.

use super::{on_tick, Host, Question, Tools, OPEN_QUESTIONS};
use crate::io::Effect;
use crate::status::add;
use wattpool_core::io::{Event, Millis};
use wattpool_schema::peer::{Answer, SignedRequest, TradeAnswer};

impl Host {
    /// Another meter asks: it gets an answer, waits for the owner, or is let go at once.
    pub(super) fn asked(
        &mut self,
        now: Millis,
        ticket: u64,
        request: Box<SignedRequest>,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        add(&mut self.counters.requests_received, 1);
        let (buyer, id) = (request.request.buyer, request.request.id);
        let same = |q: &Question| (q.buyer, q.id) == (buyer, id);
        if let Some(at) = self.questions.iter().position(same) {
            self.let_go(at, out);
        }
        if self.questions.len() >= OPEN_QUESTIONS {
            self.let_go(0, out);
        }
        self.questions.push_back(Question {
            ticket,
            buyer,
            id,
            until: now.plus(on_tick(self.market.timing.answer_ms, true)),
        });
        self.feed(now, Event::Request(request), tools, out);
        if let Some(at) = self.questions.iter().position(|q| q.ticket == ticket) {
            self.let_go(at, out);
        }
    }

    pub(super) fn let_go(&mut self, at: usize, out: &mut Vec<Effect>) {
        if let Some(question) = self.questions.remove(at) {
            add(&mut self.counters.requests_unanswered, 1);
            out.push(Effect::Silence {
                ticket: question.ticket,
            });
        }
    }

    pub(super) fn reply(&mut self, answer: Box<TradeAnswer>, out: &mut Vec<Effect>) {
        let asker = (answer.buyer, answer.id);
        let waiting = self.questions.iter().position(|q| (q.buyer, q.id) == asker);
        match waiting.and_then(|at| self.questions.remove(at)) {
            Some(question) => {
                if let Answer::Denied { reason, .. } = &answer.answer {
                    tracing::debug!(buyer = %answer.buyer, ?reason, "denied");
                }
                out.push(Effect::Reply {
                    ticket: question.ticket,
                    answer,
                });
            }
            // The owner decided late: asked again, the agent has the same answer.
            None => tracing::debug!(buyer = %answer.buyer, "nobody waits for this answer any more"),
        }
    }
}
