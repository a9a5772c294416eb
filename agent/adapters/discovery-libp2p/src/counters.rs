//! What a node counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures since the node was started, but for the last six, which are of this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Announcements, those published again among them.
    pub puts: u64,
    /// Requests sent for them, searches included.
    pub put_requests: u64,
    /// Time that they took together, microseconds.
    pub put_us: u64,
    /// Look-ups.
    pub gets: u64,
    /// Requests sent for them, searches included.
    pub get_requests: u64,
    /// Time that they took together, microseconds.
    pub get_us: u64,
    /// Look-ups that the deadline cut short.
    pub gets_cut: u64,
    /// Searches of the nodes closest to a location.
    pub searches: u64,
    /// Requests about records answered for others.
    pub served: u64,
    /// Records stored for others.
    pub stored: u64,
    /// Records refused when they should be stored.
    pub refused: u64,
    /// Records dropped when they were read: forged, expired, of another network or version, misplaced.
    pub dropped: u64,
    /// Requests turned away because their peer sent too many.
    pub limited: u64,
    /// Invalid messages and records, for which peers got strikes.
    pub strikes: u64,
    /// Bans.
    pub bans: u64,
    /// Trade requests sent.
    pub asks: u64,
    /// Trade requests received.
    pub asked: u64,
    /// Messages or nodes of another version met.
    pub other_version: u64,
    /// Greetings sent.
    pub greetings: u64,
    /// Searches that found more nodes without a meter than a location may have: somebody crowds it.
    pub crowded: u64,
    /// Connections that go on without the relay over which they began.
    pub punched: u64,
    /// Connections forwarded for others.
    pub relayed: u64,
    /// Records held for others.
    pub held: u64,
    /// Own records that are out.
    pub own: u64,
    /// Nodes in the routing table.
    pub known: u64,
    /// Connected peers.
    pub linked: u64,
    /// Nodes of registered meters that are remembered.
    pub members: u64,
    /// 1: others cannot reach this node directly.
    pub hidden: u64,
}

macro_rules! counters {
    ($($name:ident)*) => {
        /// The same as [`Figures`], counted from several tasks.
        #[derive(Default)]
        pub(crate) struct Counters { $(pub $name: Count),* }

        impl Counters {
            pub fn figures(&self) -> Figures {
                Figures { $($name: self.$name.get()),* }
            }
        }

        impl Figures {
            /// The figures of two nodes together.
            #[must_use]
            pub const fn plus(self, other: Self) -> Self {
                Self { $($name: self.$name.saturating_add(other.$name)),* }
            }
        }
    };
}

counters! {
    puts put_requests put_us gets get_requests get_us gets_cut searches served stored refused dropped limited strikes
    bans asks asked other_version greetings crowded punched relayed held own known linked members hidden
}

/// A counter.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }
    pub fn one(&self) {
        self.add(1);
    }
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
