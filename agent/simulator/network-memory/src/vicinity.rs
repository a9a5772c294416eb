//! The nodes near a target, as bits of a set, and what each of them answers when it is asked for the target.
//!
//! Tables do not change, so that an answer is worked out once: searches of all seekers end among the same nodes.

use crate::routing::{Branch, Rank, Routing};

/// What a node answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The nodes near the target in it.
    pub(crate) near: u64,
    /// The others, nearest first.
    pub(crate) further: Box<[Rank]>,
    /// How many in all.
    pub(crate) contacts: u64,
}

/// The nodes closest to a target: at most 64. Bit `i` of a set is the `i`-th closest.
pub(crate) struct Vicinity {
    /// Nearest first.
    ranks: Box<[Rank]>,
    /// The same by rank, each with its place among them.
    order: Box<[(Rank, u8)]>,
    replies: Box<[Option<Reply>]>,
}

impl Vicinity {
    /// Of these, nearest first.
    pub(crate) fn new(ranks: Vec<Rank>) -> Self {
        let mut order: Vec<(Rank, u8)> = ranks.iter().copied().zip(0u8..64).collect();
        order.sort_unstable();
        Self {
            replies: vec![None; ranks.len()].into(),
            ranks: ranks.into(),
            order: order.into(),
        }
    }

    /// Nearest first.
    pub(crate) fn ranks(&self) -> &[Rank] {
        &self.ranks
    }

    /// A node's place among the closest.
    pub(crate) fn position(&self, node: Rank) -> Option<u32> {
        let at = self.order.binary_search_by_key(&node, |(rank, _)| *rank);
        at.ok()
            .and_then(|at| self.order.get(at))
            .map(|(_, position)| u32::from(*position))
    }

    /// The set of one node; empty if it is not near.
    pub(crate) fn bit_of(&self, node: Rank) -> u64 {
        self.position(node).map_or(0, |at| 1u64 << at)
    }

    /// The node at a place.
    pub(crate) fn rank(&self, position: u32) -> Option<Rank> {
        let at = usize::try_from(position).ok()?;
        self.ranks.get(at).copied()
    }

    /// The members of a set, nearest first, each with its bit.
    pub(crate) fn members(&self, set: u64) -> impl Iterator<Item = (u64, Rank)> + '_ {
        bits(set).filter_map(|at| self.rank(at).map(|rank| (1u64 << at, rank)))
    }

    /// Splits contacts, nearest first, into those near the target and the others.
    pub(crate) fn split(&self, contacts: &[Rank]) -> Reply {
        let mut near = 0;
        let mut further = Vec::new();
        for rank in contacts {
            match self.position(*rank) {
                Some(at) => near |= 1u64 << at,
                None => further.push(*rank),
            }
        }
        Reply {
            near,
            further: further.into(),
            contacts: u64::try_from(contacts.len()).unwrap_or(u64::MAX),
        }
    }

    /// What the node at a place answers; worked out the first time.
    pub(crate) fn reply(
        &mut self,
        position: u32,
        routing: &Routing,
        branch: &Branch,
        room: &mut Vec<Rank>,
    ) -> Option<&Reply> {
        let at = usize::try_from(position).ok()?;
        if self.replies.get(at)?.is_none() {
            routing.contacts(*self.ranks.get(at)?, branch, room);
            let reply = self.split(room);
            *self.replies.get_mut(at)? = Some(reply);
        }
        self.replies.get(at)?.as_ref()
    }

    /// Bytes held beyond the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        let nodes = self.ranks.len();
        let each = size_of::<Rank>()
            .saturating_add(size_of::<(Rank, u8)>())
            .saturating_add(size_of::<Option<Reply>>());
        let further = self.replies.iter().flatten().map(|r| r.further.len());
        let further = further.sum::<usize>().saturating_mul(size_of::<Rank>());
        nodes.saturating_mul(each).saturating_add(further)
    }
}

/// The positions in a set, lowest first.
pub(crate) fn bits(mut set: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let at = set.trailing_zeros();
        set &= set.checked_sub(1)?;
        Some(at)
    })
}

/// The `n` lowest of a set.
pub(crate) fn lowest(set: u64, n: usize) -> u64 {
    let mut rest = set;
    for _ in 0..n {
        if rest == 0 {
            break;
        }
        rest &= rest.wrapping_sub(1);
    }
    set & !rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_bits() {
        assert_eq!(bits(0).count(), 0);
        assert_eq!(bits(0b1_0110).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(
            bits(u64::MAX).collect::<Vec<_>>(),
            (0..64).collect::<Vec<_>>()
        );
        assert_eq!(lowest(0b1_0110, 2), 0b110);
        assert_eq!(lowest(0b1_0110, 9), 0b1_0110);
        assert_eq!(lowest(u64::MAX, 0), 0);
        assert_eq!(lowest(u64::MAX, 64), u64::MAX);
    }

    #[test]
    fn positions_are_by_distance() {
        let v = Vicinity::new(vec![7, 2, 9]);
        assert_eq!(v.position(9), Some(2));
        assert_eq!(v.position(3), None);
        assert_eq!(v.bit_of(2), 0b10);
        assert_eq!(v.members(0b101).collect::<Vec<_>>(), [(1, 7), (4, 9)]);
        let reply = v.split(&[1, 9, 7, 4]);
        assert_eq!((reply.near, reply.contacts), (0b101, 4));
        assert_eq!(*reply.further, [1, 4]);
    }
}
