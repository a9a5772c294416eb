//! The iterative search for the nodes closest to a target.
//!
//! Kademlia §2.3: ask the `alpha` closest known nodes at a time for the closest they know, until the `k` closest
//! known have all answered. A round lasts as long as its slowest answer or timeout.

use crate::network::is_up;
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
                let online = is_up(self.online, *rank);
                reply.clear();
                if online {
                    self.routing.contacts(*rank, self.branch, &mut reply);
                }
                let contacts = u64::try_from(reply.len()).unwrap_or(u64::MAX);
                let answer = ANSWER_BYTES.saturating_add(contacts.saturating_mul(CONTACT_BYTES));
                let went = transport.exchange(at, online, REQUEST_BYTES, answer);
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

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers of a test"
)]
mod tests {
    use super::*;
    use crate::routing::mix;
    use crate::NetworkConfig;

    /// Walks of many seekers over a network of `n`: (share of the `closest` live nodes found, nodes asked, rounds), means.
    fn walks(n: u32, down_every: usize, closest: usize) -> (f64, f64, f64) {
        let ids: Vec<[u8; 32]> = (0..n)
            .map(|i| {
                let mut id = [0; 32];
                id[..8].copy_from_slice(&mix(i.into()).to_be_bytes());
                id[8..16].copy_from_slice(&mix(mix(i.into())).to_be_bytes());
                id
            })
            .collect();
        let config = NetworkConfig::default();
        let (routing, _) = Routing::new(&ids, config.k, 5).unwrap();
        let mut transport = Transport::new(5, &config);
        let online: Vec<bool> = (0..n as usize)
            .map(|i| down_every == 0 || i % down_every != 0)
            .collect();
        let (mut found, mut wanted, mut rounds, mut asked) = (0, 0, 0, 0);
        let tries = 40;
        for i in 0..tries {
            let seeker = (1 + 7 * i) % n;
            let target = u128::from(mix(1_000_000 + u64::from(i))) << 64;
            let branch = routing.branch(target);
            let search = Search {
                routing: &routing,
                online: &online,
                seeker,
                branch: &branch,
                k: config.k,
                alpha: config.alpha,
                deadline: u64::MAX,
            };
            let walk = search.run(&mut transport, 0);
            assert!(walk.finished);
            let truth = routing.closest(target, n as usize);
            let truth: Vec<Rank> = truth
                .into_iter()
                .filter(|r| *r != seeker && online[*r as usize])
                .take(closest)
                .collect();
            wanted += truth.len();
            found += truth.iter().filter(|r| walk.answered.contains(r)).count();
            asked += walk.answered.len();
            rounds += walk.rounds;
        }
        let per_walk = |total: f64| total / f64::from(tries);
        (
            found as f64 / wanted as f64,
            per_walk(asked as f64),
            per_walk(rounds as f64),
        )
    }

    #[test]
    fn the_closest_nodes_are_reached_in_few_rounds() {
        for n in [2, 10, 100, 1_000, 10_000] {
            let (found, asked, rounds) = walks(n, 0, 20);
            println!("{n} nodes: {found:.4} of the closest, {asked:.1} asked, {rounds:.1} rounds");
            assert!(found > 0.999, "{n} nodes: found {found} of the closest");
            assert!(asked <= 26.0, "{n} nodes: asked {asked}");
            assert!(rounds <= 10.0, "{n} nodes: {rounds} rounds");
        }
    }

    #[test]
    fn the_closest_live_nodes_are_reached_around_dead_ones() {
        for n in [10, 100, 1_000, 10_000] {
            // Answers name dead contacts too, so that somewhat fewer than 20 live ones become known.
            let (all, ..) = walks(n, 4, 20);
            let (nearest, asked, rounds) = walks(n, 4, 10);
            println!("{n} nodes, a quarter down: {all:.4}, nearest {nearest:.4}, {asked:.1} asked, {rounds:.1} rounds");
            assert!(all > 0.8, "{n} nodes: found {all} of the 20 closest");
            assert!(
                nearest > 0.99,
                "{n} nodes: found {nearest} of the 10 closest"
            );
            assert!(rounds <= 16.0, "{n} nodes: {rounds} rounds");
        }
    }
}
