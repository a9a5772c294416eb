//! How many requests go to one peer at once: a connection has room for so many streams, in both directions together.

use crate::handle::{Contact, Exchange, Failure};
use libp2p::PeerId;
use std::collections::{HashMap, VecDeque};
use tokio::sync::oneshot;

/// Requests under way to one peer, per exchange. Two nodes that both ask that much stay within the room for streams.
const AT_ONCE: usize = 12;
/// Requests that wait for them.
const WAITING: usize = 256;

/// A request to be sent.
pub(crate) struct Message {
    pub to: Contact,
    pub bytes: Vec<u8>,
    pub answer: oneshot::Sender<Result<Vec<u8>, Failure>>,
}

#[derive(Default)]
struct Queue {
    under_way: usize,
    waiting: VecDeque<Message>,
}

/// What is to be done with a request.
pub(crate) enum Entered {
    /// Send it.
    Now(Message),
    /// It waits.
    Later,
    /// Too many wait already.
    Full(Message),
}

/// Requests under way and waiting, per peer and exchange.
#[derive(Default)]
pub(crate) struct Outbound(HashMap<(Exchange, PeerId), Queue>);

impl Outbound {
    /// A request comes.
    pub fn enter(&mut self, exchange: Exchange, message: Message) -> Entered {
        let queue = self.0.entry((exchange, message.to.peer)).or_default();
        if queue.under_way < AT_ONCE {
            queue.under_way = queue.under_way.saturating_add(1);
            return Entered::Now(message);
        }
        queue.waiting.retain(|m| !m.answer.is_closed());
        if queue.waiting.len() >= WAITING {
            return Entered::Full(message);
        }
        queue.waiting.push_back(message);
        Entered::Later
    }

    /// A request ended; the next one to be sent, of those that somebody still waits for.
    pub fn leave(&mut self, exchange: Exchange, peer: PeerId) -> Option<Message> {
        let queue = self.0.get_mut(&(exchange, peer))?;
        while let Some(next) = queue.waiting.pop_front() {
            if !next.answer.is_closed() {
                return Some(next);
            }
        }
        queue.under_way = queue.under_way.saturating_sub(1);
        if queue.under_way == 0 {
            self.0.remove(&(exchange, peer));
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_sent_so_much_at_once_and_the_rest_in_turn() {
        let (mut outbound, peer) = (Outbound::default(), PeerId::random());
        let mut waiting = Vec::new();
        let mut enter = |outbound: &mut Outbound, n: usize| {
            let (answer, receiver) = oneshot::channel();
            waiting.push(receiver);
            let to = Contact {
                peer,
                addresses: Vec::new(),
                registered: true,
            };
            let bytes = vec![u8::try_from(n % 256).unwrap()];
            outbound.enter(Exchange::Trade, Message { to, bytes, answer })
        };
        for n in 0..AT_ONCE {
            assert!(matches!(enter(&mut outbound, n), Entered::Now(_)));
        }
        for n in 0..WAITING {
            assert!(matches!(enter(&mut outbound, n), Entered::Later));
        }
        assert!(matches!(enter(&mut outbound, 0), Entered::Full(_)));
        assert!(outbound.leave(Exchange::Records, peer).is_none());
        // The first two that wait have been given up.
        waiting.drain(AT_ONCE..AT_ONCE + 2);
        let next = outbound.leave(Exchange::Trade, peer).unwrap();
        assert_eq!(next.bytes, [2]);
        drop(waiting);
        for _ in 0..AT_ONCE {
            assert!(outbound.leave(Exchange::Trade, peer).is_none());
        }
        assert!(outbound.0.is_empty());
    }
}
