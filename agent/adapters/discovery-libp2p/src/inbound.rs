//! Trade requests from outside, on their way to this meter's agent.

use crate::counters::Counters;
use crate::handle::Outgoing;
use crate::wire::{decode_ask, encode_reply, Refusal, TradeReply, WireError};
use libp2p::request_response::ResponseChannel;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::mpsc;
use wattpool_core::ports::network::Replier;
use wattpool_schema::peer::{SignedRequest, TradeAnswer};

/// What the agent takes.
pub(crate) type Asked = (SignedRequest, Replier);

/// Where trade requests go. At most `waiting` of them are unanswered.
pub(crate) struct Inbound {
    agent: mpsc::Sender<Asked>,
    out: mpsc::UnboundedSender<Outgoing>,
    waiting: Arc<AtomicUsize>,
    most: usize,
    counters: Arc<Counters>,
}

/// A request that waits for its answer; dropped, it waits no more.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn begin(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |n: usize| (n < most).then(|| n.saturating_add(1));
        count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()
            .map(|_| Self(Arc::clone(count)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inbound {
    /// Requests come out of the first receiver. Answers of the agent come out of the second one: that channel has no
    /// bound of its own, because there are no more answers than requests that wait.
    pub fn new(
        waiting: usize,
        counters: Arc<Counters>,
    ) -> (
        Self,
        mpsc::Receiver<Asked>,
        mpsc::UnboundedReceiver<Outgoing>,
    ) {
        let (agent, requests) = mpsc::channel(waiting.max(1));
        let (out, answers) = mpsc::unbounded_channel();
        let inbound = Self {
            agent,
            out,
            waiting: Arc::default(),
            most: waiting,
            counters,
        };
        (inbound, requests, answers)
    }

    /// Takes a request. What is answered at once comes back, with the strikes that it earned.
    pub fn take(&self, bytes: &[u8], channel: ResponseChannel<Vec<u8>>) -> Option<(Outgoing, u32)> {
        self.counters.asked.one();
        let at_once = |reply: TradeReply, channel, strikes| {
            let bytes = encode_reply(&reply);
            Some((Outgoing { channel, bytes }, strikes))
        };
        let request = match decode_ask(bytes) {
            Ok(request) => request,
            Err(WireError::OtherVersion { .. }) => {
                self.counters.other_version.one();
                return at_once(TradeReply::Refused(Refusal::OtherVersion), channel, 0);
            }
            Err(WireError::Malformed(_)) => {
                return at_once(TradeReply::Refused(Refusal::Malformed), channel, 1);
            }
        };
        let (Some(waiting), Ok(slot)) = (
            Waiting::begin(&self.waiting, self.most),
            self.agent.try_reserve(),
        ) else {
            self.counters.limited.one();
            return at_once(TradeReply::Busy, channel, 0);
        };
        let out = self.out.clone();
        let reply = move |answer: TradeAnswer| {
            let bytes = encode_reply(&TradeReply::Answer(answer));
            // Stopped: the asker gets silence.
            let _ = out.send(Outgoing { channel, bytes });
            drop(waiting);
        };
        slot.send((request, Box::new(reply)));
        None
    }
}
