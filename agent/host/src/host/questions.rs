//! Questions of other meters: each is answered at once, or let go at once.

use super::{Host, Question, Tools};
use crate::io::Effect;
use crate::status::add;
use wattpool_core::io::{Event, Millis};
use wattpool_schema::peer::{Answer, SignedRequest, TradeAnswer};

impl Host {
    /// Another meter asks: it gets the agent's answer, or is let go.
    pub(super) fn asked(
        &mut self,
        now: Millis,
        ticket: u64,
        request: Box<SignedRequest>,
        tools: &mut Tools<'_>,
        out: &mut Vec<Effect>,
    ) {
        add(&mut self.counters.requests_received, 1);
        self.question = Some(Question {
            ticket,
            buyer: request.request.buyer,
            id: request.request.id,
        });
        self.feed(now, Event::Request(request), tools, out);
        if let Some(question) = self.question.take() {
            add(&mut self.counters.requests_unanswered, 1);
            out.push(Effect::Silence {
                ticket: question.ticket,
            });
        }
    }

    pub(super) fn reply(&mut self, answer: Box<TradeAnswer>, out: &mut Vec<Effect>) {
        let asked = |q: &mut Question| (q.buyer, q.id) == (answer.buyer, answer.id);
        let Some(question) = self.question.take_if(asked) else {
            tracing::warn!(buyer = %answer.buyer, "an answer to a question that nobody asked");
            return;
        };
        if let Answer::Denied { reason, .. } = &answer.answer {
            tracing::debug!(buyer = %answer.buyer, ?reason, "denied");
        }
        out.push(Effect::Reply {
            ticket: question.ticket,
            answer,
        });
    }
}
