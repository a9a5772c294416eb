//! The iterative search for the nodes closest to a target.
//!
//! Kademlia §2.3: ask the `alpha` closest known nodes at a time for the closest they know, until the `k` closest
//! known have all answered. A round lasts as long as its slowest answer or timeout.

use crate::routing::{Branch, Rank, Routing};
use crate::transport::{Transport, ANSWER_BYTES, CONTACT_BYTES, REQUEST_BYTES};

/// What a search has come to.
pub(crate) struct Walk {
    /// Who answered, nearest first.
    pub(crate) answered: Vec<Rank>,
    /// Rounds taken.
    pub(crate) rounds: u64,
    /// When the last round ended; milliseconds, at most the deadline.
    pub(crate) at: u64,
    /// False if the deadline came first.
    pub(crate) finished: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Answered,
    Silent,
}

struct Candidate {
    distance: u128,
    rank: Rank,
    state: State,
}

/// The candidates known so far, nearest first.
struct Shortlist<'a> {
    routing: &'a Routing,
    seeker: Rank,
    target: u128,
    known: Vec<Candidate>,
}

impl Shortlist<'_> {
    fn add(&mut self, ranks: &[Rank]) {
        for rank in ranks.iter().filter(|rank| **rank != self.seeker) {
            let distance = self.routing.key_of(*rank) ^ self.target;
            if let Err(at) = self.known.binary_search_by_key(&distance, |c| c.distance) {
                self.known.insert(
                    at,
                    Candidate {
                        distance,
                        rank: *rank,
                        state: State::Fresh,
                    },
                );
            }
        }
    }

    /// Up to `alpha` not yet asked among the `k` closest that are not silent.
    fn next(&self, k: usize, alpha: usize, out: &mut Vec<Rank>) {
        out.clear();
        let live = self
            .known
            .iter()
            .filter(|c| c.state != State::Silent)
            .take(k);
        out.extend(
            live.filter(|c| c.state == State::Fresh)
                .take(alpha)
                .map(|c| c.rank),
        );
    }

    fn mark(&mut self, rank: Rank, state: State) {
        let distance = self.routing.key_of(rank) ^ self.target;
        if let Ok(at) = self.known.binary_search_by_key(&distance, |c| c.distance) {
            if let Some(candidate) = self.known.get_mut(at) {
                candidate.state = state;
            }
        }
    }
}

/// Who searches what, until when.
pub(crate) struct Search<'a> {
    pub(crate) routing: &'a Routing,
    pub(crate) online: &'a [bool],
    pub(crate) seeker: Rank,
    pub(crate) branch: &'a Branch,
    pub(crate) k: usize,
    pub(crate) alpha: usize,
    pub(crate) deadline: u64,
}

impl Search<'_> {
    /// Searches from the seeker's own table.
    pub(crate) fn run(&self, transport: &mut Transport, now: u64) -> Walk {
        let mut list = Shortlist {
            routing: self.routing,
            seeker: self.seeker,
            target: self.branch.target(),
            known: Vec::with_capacity(self.k.saturating_mul(4)),
        };
        let mut reply = Vec::with_capacity(self.k.saturating_mul(2));
        self.routing.contacts(self.seeker, self.branch, &mut reply);
        list.add(&reply);
        let mut ask = Vec::with_capacity(self.alpha);
        let (mut at, mut rounds, mut finished) = (now, 0u64, false);
        while at < self.deadline {
            list.next(self.k, self.alpha, &mut ask);
            if ask.is_empty() {
                finished = true;
                break;
            }
            rounds = rounds.saturating_add(1);
            let mut end = at;
            for rank in &ask {
                self.routing.contacts(*rank, self.branch, &mut reply);
                let contacts = u64::try_from(reply.len()).unwrap_or(u64::MAX);
                let answer = ANSWER_BYTES.saturating_add(contacts.saturating_mul(CONTACT_BYTES));
                let online = usize::try_from(*rank)
                    .ok()
                    .and_then(|r| self.online.get(r))
                    .copied();
                let went = transport.exchange(at, online.unwrap_or(false), REQUEST_BYTES, answer);
                end = end.max(went.at);
                if went.answered && went.at <= self.deadline {
                    list.mark(*rank, State::Answered);
                    list.add(&reply);
                } else {
                    list.mark(*rank, State::Silent);
                }
            }
            at = end;
        }
        transport.counters.searches = transport.counters.searches.saturating_add(1);
        transport.counters.search_rounds = transport.counters.search_rounds.saturating_add(rounds);
        let answered = list
            .known
            .iter()
            .filter(|c| c.state == State::Answered)
            .map(|c| c.rank)
            .collect();
        Walk {
            answered,
            rounds,
            at: at.min(self.deadline),
            finished,
        }
    }
}
