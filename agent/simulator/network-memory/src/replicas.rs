//! Talking to the replicas of a place: the remembered ones, or those that a search finds.

use crate::contacts::until;
use crate::network::{get_mut, is_up, Network};
use crate::routing::Rank;
use crate::transport::{ANSWER_BYTES, REQUEST_BYTES};
use crate::vicinity::lowest;
use crate::walk::{Search, Walk};

/// How asking a location went.
pub(crate) struct Asked {
    /// The nodes near it that answered in time.
    pub(crate) answered: u64,
    pub(crate) rounds: u64,
    pub(crate) at: u64,
    pub(crate) finished: bool,
    pub(crate) cold: bool,
}

impl Network {
    /// The closest nodes the node knows of a place, searched if it remembers none.
    fn known(&mut self, now: u64, rank: Rank, place: u32) -> (u64, u64) {
        let remembered = get_mut(&mut self.contacts, rank).and_then(|c| c.get(place, now));
        match remembered {
            Some(found) => (found, now),
            None => {
                let walk = self.search(now, rank, place, u64::MAX);
                (self.learn(now, rank, place, &walk), walk.at)
            }
        }
    }

    fn search(&mut self, now: u64, rank: Rank, place: u32, deadline: u64) -> Walk {
        let Some(at) = get_mut(&mut self.places, place) else {
            return Walk::nobody(now);
        };
        let branch = self.routing.branch(at.key);
        let search = Search {
            routing: &self.routing,
            online: &self.online,
            seeker: rank,
            branch: &branch,
            k: self.config.k,
            alpha: self.config.alpha,
            deadline,
        };
        search.run(&mut at.near, &mut self.transport, now)
    }

    /// Remembers the `k` closest that answered; their set.
    fn learn(&mut self, now: u64, rank: Rank, place: u32, walk: &Walk) -> u64 {
        let found = lowest(walk.answered, self.config.k);
        let until = until(now, self.config.remember_ms, rank, place);
        if let Some(contacts) = get_mut(&mut self.contacts, rank) {
            contacts.learn(place, found, until, self.config.remembered_locations);
        }
        found
    }

    /// Tells the replicas of a place something: (who got it, who said so, when that was over). A node that is itself
    /// among the `k` closest needs no message.
    pub(crate) fn tell(
        &mut self,
        now: u64,
        rank: Rank,
        place: u32,
        request: u64,
    ) -> (u64, u64, u64) {
        let (found, start) = self.known(now, rank, place);
        let Some(at) = get_mut(&mut self.places, place) else {
            return (0, 0, now);
        };
        let own = at.near.bit_of(rank) & at.closest_set(self.config.k);
        let (mut reached, mut acknowledged, mut silent, mut end) = (own, own, 0, start);
        let others = self.config.k.saturating_sub(usize::from(own != 0));
        for (bit, replica) in at.near.members(found).take(others) {
            let online = is_up(&self.online, replica);
            let went = self
                .transport
                .exchange(start, online, request, ANSWER_BYTES);
            end = end.max(went.at);
            if went.delivered {
                reached |= bit;
            }
            if went.answered {
                acknowledged |= bit;
            } else {
                silent |= bit;
            }
        }
        self.forget(rank, place, silent);
        (reached, acknowledged, end)
    }

    fn forget(&mut self, rank: Rank, place: u32, silent: u64) {
        if silent != 0 {
            if let Some(contacts) = get_mut(&mut self.contacts, rank) {
                contacts.forget(place, silent);
            }
        }
    }

    /// Asks a place for its list.
    pub(crate) fn ask(&mut self, now: u64, rank: Rank, place: u32, deadline: u64) -> Asked {
        let remembered = get_mut(&mut self.contacts, rank).and_then(|c| c.get(place, now));
        let Some(found) = remembered else {
            let walk = self.search(now, rank, place, deadline);
            if walk.finished {
                self.learn(now, rank, place, &walk);
            }
            let Walk {
                answered,
                rounds,
                at,
                finished,
                ..
            } = walk;
            return Asked {
                answered,
                rounds,
                at,
                finished,
                cold: true,
            };
        };
        let mut asked = Asked {
            answered: 0,
            rounds: 0,
            at: now,
            finished: false,
            cold: false,
        };
        let Some(at) = get_mut(&mut self.places, place) else {
            return asked;
        };
        let wanted = u32::try_from(self.config.alpha).unwrap_or(u32::MAX);
        let mut silent = 0;
        let mut replicas = at.near.members(found).peekable();
        while asked.at < deadline {
            let missing = wanted.saturating_sub(asked.answered.count_ones());
            if missing == 0 || replicas.peek().is_none() {
                asked.finished = true;
                break;
            }
            asked.rounds = asked.rounds.saturating_add(1);
            let start = asked.at;
            for _ in 0..missing {
                let Some((bit, replica)) = replicas.next() else {
                    break;
                };
                let online = is_up(&self.online, replica);
                let went = self
                    .transport
                    .exchange(start, online, REQUEST_BYTES, ANSWER_BYTES);
                asked.at = asked.at.max(went.at);
                if went.answered && went.at <= deadline {
                    asked.answered |= bit;
                } else if !went.answered {
                    silent |= bit;
                }
            }
        }
        drop(replicas);
        // The last answers may come with the deadline itself.
        asked.finished |= asked.answered.count_ones() >= wanted;
        asked.at = asked.at.min(deadline).max(now);
        self.forget(rank, place, silent);
        asked
    }
}
