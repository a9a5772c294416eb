//! Trade requests from outside, on their way to this meter's agent.

use crate::budget::Checks;
use crate::counters::Counters;
use crate::handle::Outgoing;
use crate::members::Source;
use crate::wire::{decode_ask, encode_reply, Refusal, TradeReply, WireError};
use libp2p::request_response::ResponseChannel;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc;
use wattpool_core::ports::network::Replier;
use wattpool_schema::peer::{SignedRequest, TradeAnswer};

/// What the agent takes.
pub(crate) type Asked = (SignedRequest, Replier);

/// One source may have this part of all places, and all peers without a meter this part together.
const SHARE: usize = 16;
const STRANGERS: usize = 8;

/// Where trade requests go. At most `waiting` of them are unanswered.
pub(crate) struct Inbound {
    agent: mpsc::Sender<Asked>,
    out: mpsc::UnboundedSender<Outgoing>,
    waiting: Arc<Mutex<Places>>,
    checks: Checks,
    counters: Arc<Counters>,
}

/// Places that are taken.
#[derive(Default)]
struct Places {
    most: usize,
    taken: usize,
    strangers: usize,
    sources: HashMap<Source, usize>,
}

impl Places {
    fn take(&mut self, source: Source) -> bool {
        let part = |of: usize| self.most.checked_div(of).unwrap_or(0).max(1);
        let own = self.sources.get(&source).copied().unwrap_or(0);
        let stranger = matches!(source, Source::Host(_));
        if self.taken >= self.most
            || own >= part(SHARE)
            || (stranger && self.strangers >= part(STRANGERS))
        {
            return false;
        }
        self.taken = self.taken.saturating_add(1);
        self.strangers = self.strangers.saturating_add(usize::from(stranger));
        self.sources.insert(source, own.saturating_add(1));
        true
    }

    fn leave(&mut self, source: Source) {
        let stranger = matches!(source, Source::Host(_));
        self.taken = self.taken.saturating_sub(1);
        self.strangers = self.strangers.saturating_sub(usize::from(stranger));
        let left = self.sources.get(&source).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            self.sources.remove(&source);
        } else {
            self.sources.insert(source, left);
        }
    }
}

/// A request that waits for its answer; dropped, it waits no more.
struct Waiting(Arc<Mutex<Places>>, Source);

impl Waiting {
    fn begin(places: &Arc<Mutex<Places>>, source: Source) -> Option<Self> {
        let mut all = places.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.take(source);
        drop(all);
        taken.then(|| Self(Arc::clone(places), source))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.leave(self.1);
    }
}

impl Inbound {
    /// Requests come out of the first receiver. Answers of the agent come out of the second one: that channel has no
    /// bound of its own, because there are no more answers than requests that wait.
    pub fn new(
        waiting: usize,
        checks: Checks,
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
            waiting: Arc::new(Mutex::new(Places {
                most: waiting,
                ..Places::default()
            })),
            checks,
            counters,
        };
        (inbound, requests, answers)
    }

    /// Takes a request. What is answered at once comes back, with the strikes that it earned.
    pub fn take(
        &self,
        source: Source,
        bytes: &[u8],
        channel: ResponseChannel<Vec<u8>>,
        now: Instant,
    ) -> Option<(Outgoing, u32)> {
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
        let (Some(waiting), Ok(slot), true) = (
            Waiting::begin(&self.waiting, source),
            self.agent.try_reserve(),
            // The agent checks its signature.
            self.checks.take(source, now),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::Host;
    use std::net::Ipv4Addr;
    use wattpool_schema::MeterId;

    #[test]
    fn strangers_and_single_meters_have_their_part_of_the_places() {
        let places = Arc::new(Mutex::new(Places {
            most: 64,
            ..Places::default()
        }));
        let take = |source| -> Vec<Waiting> {
            let places = std::iter::repeat_with(|| Waiting::begin(&places, source));
            places.map_while(|w| w).collect()
        };
        let host = |n| Source::Host(Host::V4(Ipv4Addr::new(192, 0, 2, n)));
        let meter = |n| Source::Meter(MeterId([n; 16]));
        let first = take(host(1));
        let others: Vec<_> = (2..100).map(host).map(take).collect();
        let strangers: usize = others.iter().map(Vec::len).sum();
        assert_eq!((first.len(), strangers), (4, 4));
        let meters: Vec<_> = (0..15).map(meter).map(take).collect();
        let sizes: Vec<_> = meters.iter().map(Vec::len).collect();
        assert_eq!(sizes, [4; 14].into_iter().chain([0]).collect::<Vec<_>>());
        drop((first, others, meters));
        let left = places.lock().unwrap();
        assert_eq!((left.taken, left.strangers, left.sources.len()), (0, 0, 0));
    }
}
