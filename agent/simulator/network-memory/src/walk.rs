//! The iterative search for the nodes closest to a target.
//!
//! Kademlia §2.3: ask the `alpha` closest known nodes at a time for the closest they know, until the `k` closest
//! known have all answered. A round lasts as long as its slowest answer or timeout.

use crate::network::is_up;
use crate::routing::{Branch, Rank, Routing};
use crate::transport::{Transport, ANSWER_BYTES, CONTACT_BYTES, REQUEST_BYTES};
use crate::vicinity::{bits, lowest, Vicinity};

/// What a search has come to.
pub(crate) struct Walk {
    /// Who answered, of the nodes near the target.
    pub(crate) answered: u64,
    /// Rounds taken.
    pub(crate) rounds: u64,
    /// When the last round ended; milliseconds, at most the deadline.
    pub(crate) at: u64,
    /// False if the deadline came first.
    pub(crate) finished: bool,
}

impl Walk {
    /// A search that had nobody to ask.
    pub(crate) const fn nobody(now: u64) -> Self {
        Self {
            answered: 0,
            rounds: 0,
            at: now,
            finished: true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Answered,
    Silent,
}

/// A node beyond those near the target.
struct Candidate {
    distance: u128,
    rank: Rank,
    state: State,
}

/// Whom to ask.
#[derive(Clone, Copy)]
enum Ask {
    /// A node near the target, by its place.
    Near(u32),
    Further(Rank),
}

/// The candidates known so far: those near the target as sets, the others nearest first.
struct Shortlist<'a> {
    routing: &'a Routing,
    seeker: Rank,
    target: u128,
    known: u64,
    answered: u64,
    silent: u64,
    further: Vec<Candidate>,
}

impl Shortlist<'_> {
    fn distance(&self, rank: Rank) -> u128 {
        self.routing.key_of(rank) ^ self.target
    }

    /// Takes up what a node answered.
    fn add(&mut self, near: u64, further: &[Rank]) {
        self.known |= near;
        for rank in further.iter().filter(|rank| **rank != self.seeker) {
            let distance = self.distance(*rank);
            if let Err(at) = self.further.binary_search_by_key(&distance, |c| c.distance) {
                self.further.insert(
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
    fn next(&self, k: usize, alpha: usize, out: &mut Vec<Ask>) {
        out.clear();
        let live = self.known & !self.silent;
        let near = lowest(live, k) & !self.answered;
        out.extend(bits(near).take(alpha).map(Ask::Near));
        let room = k.saturating_sub(usize::try_from(live.count_ones()).unwrap_or(k));
        let live = self.further.iter().filter(|c| c.state != State::Silent);
        let fresh = live.take(room).filter(|c| c.state == State::Fresh);
        let left = alpha.saturating_sub(out.len());
        out.extend(fresh.take(left).map(|c| Ask::Further(c.rank)));
    }

    fn mark(&mut self, ask: Ask, answered: bool) {
        match ask {
            Ask::Near(at) if answered => self.answered |= 1u64 << at,
            Ask::Near(at) => self.silent |= 1u64 << at,
            Ask::Further(rank) => {
                let distance = self.distance(rank);
                let at = self.further.binary_search_by_key(&distance, |c| c.distance);
                if let Some(c) = at.ok().and_then(|at| self.further.get_mut(at)) {
                    c.state = if answered {
                        State::Answered
                    } else {
                        State::Silent
                    };
                }
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
    /// Searches from the seeker's own table for the nodes of this vicinity.
    pub(crate) fn run(&self, vicinity: &mut Vicinity, transport: &mut Transport, now: u64) -> Walk {
        let mut list = Shortlist {
            routing: self.routing,
            seeker: self.seeker,
            target: self.branch.target(),
            known: 0,
            answered: 0,
            silent: 0,
            further: Vec::with_capacity(self.k.saturating_mul(2)),
        };
        let own = vicinity.bit_of(self.seeker);
        let mut room = Vec::with_capacity(self.k.saturating_mul(2));
        self.routing.contacts(self.seeker, self.branch, &mut room);
        let reply = vicinity.split(&room);
        list.add(reply.near & !own, &reply.further);
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
            for asked in &ask {
                let rank = match asked {
                    Ask::Near(at) => vicinity.rank(*at).unwrap_or(self.seeker),
                    Ask::Further(rank) => *rank,
                };
                let online = is_up(self.online, rank);
                let further;
                let reply = match asked {
                    _ if !online => None,
                    Ask::Near(at) => vicinity.reply(*at, self.routing, self.branch, &mut room),
                    Ask::Further(rank) => {
                        self.routing.contacts(*rank, self.branch, &mut room);
                        further = vicinity.split(&room);
                        Some(&further)
                    }
                };
                let contacts = reply.map_or(0, |reply| reply.contacts);
                let answer = ANSWER_BYTES.saturating_add(contacts.saturating_mul(CONTACT_BYTES));
                let went = transport.exchange(at, online, REQUEST_BYTES, answer);
                end = end.max(went.at);
                let answered = went.answered && went.at <= self.deadline;
                list.mark(*asked, answered);
                if let (true, Some(reply)) = (answered, reply) {
                    list.add(reply.near & !own, &reply.further);
                }
            }
            at = end;
        }
        transport.counters.searches = transport.counters.searches.saturating_add(1);
        transport.counters.search_rounds = transport.counters.search_rounds.saturating_add(rounds);
        Walk {
            answered: list.answered,
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
    use crate::NetworkConfig;
    use wattpool_chance::spread;

    /// Walks of many seekers over a network of `n`: (share of the `closest` live nodes found, nodes asked, rounds), means.
    fn walks(n: u32, down_every: usize, closest: usize) -> (f64, f64, f64) {
        let ids: Vec<[u8; 32]> = (0..n)
            .map(|i| {
                let mut id = [0; 32];
                id[..8].copy_from_slice(&spread(i.into()).to_be_bytes());
                id[8..16].copy_from_slice(&spread(spread(i.into())).to_be_bytes());
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
            let target = u128::from(spread(1_000_000 + u64::from(i))) << 64;
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
            let mut vicinity = Vicinity::new(routing.closest(target, 64));
            let before = transport.counters.messages;
            let walk = search.run(&mut vicinity, &mut transport, 0);
            assert!(walk.finished);
            let truth = routing.closest(target, n as usize);
            let truth: Vec<Rank> = truth
                .into_iter()
                .filter(|r| *r != seeker && online[*r as usize])
                .take(closest)
                .collect();
            wanted += truth.len();
            let answered = |r: &&Rank| walk.answered & vicinity.bit_of(**r) != 0;
            found += truth.iter().filter(answered).count();
            // A request and its answer.
            asked += (transport.counters.messages - before) / 2;
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
