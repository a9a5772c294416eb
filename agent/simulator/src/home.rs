//! One simulated meter: its agent, keys, timers and journal.

use crate::keys::HomeKeys;
use wattpool_core::context::Identity;
use wattpool_core::io::{of_use, Command, Event, JournalEntry, Timer};
use wattpool_core::policy::Policy;
use wattpool_core::Agent;
use wattpool_ledger_embedded::MeterAccount;
use wattpool_schema::{Micro, Window};

/// Number of timers an agent has.
const TIMERS: usize = 8;

/// One meter.
pub(crate) struct Home {
    pub agent: Agent,
    pub identity: Identity,
    pub policy: Policy,
    pub keys: HomeKeys,
    pub account: MeterAccount,
    /// What its owner put into the escrow.
    pub deposit: Micro,
    pub journal: Vec<JournalEntry>,
    pub online: bool,
    pub incarnation: u32,
    /// Never answers requests (a fault).
    pub silent: bool,
    /// Habitually unable to sell what it approved (a fault).
    pub bad: bool,
    timers: [u64; TIMERS],
    /// Events of the present tick and what the agent wants done.
    pub inbox: Vec<Event>,
    pub outbox: Vec<Command>,
}

impl Home {
    pub fn new(
        agent: Agent,
        identity: Identity,
        policy: Policy,
        keys: HomeKeys,
        account: MeterAccount,
        deposit: Micro,
        silent: bool,
    ) -> Self {
        Self {
            agent,
            identity,
            policy,
            keys,
            account,
            deposit,
            journal: Vec::new(),
            online: true,
            incarnation: 0,
            silent,
            bad: false,
            timers: [0; TIMERS],
            inbox: Vec::new(),
            outbox: Vec::new(),
        }
    }

    fn timer_mut(&mut self, timer: Timer) -> &mut u64 {
        let slot = match timer {
            Timer::Meter => 0,
            Timer::Price => 1,
            Timer::Seek => 2,
            Timer::Answers => 3,
            Timer::Deliver => 4,
            Timer::Release => 5,
            Timer::Resubmit => 6,
            Timer::Orders => 7,
        };
        // `slot` is below TIMERS by the match above.
        #[allow(clippy::indexing_slicing)]
        &mut self.timers[slot]
    }

    /// Sets or moves a timer.
    pub fn set_timer(&mut self, timer: Timer, at: u64) {
        *self.timer_mut(timer) = at;
    }

    /// Takes a timer that is due; false if it was moved.
    pub fn take_timer(&mut self, timer: Timer, now: u64) -> bool {
        let slot = self.timer_mut(timer);
        let due = *slot != 0 && *slot <= now;
        if due {
            *slot = 0;
        }
        due
    }

    /// The agent is gone; what it journalled stays.
    pub fn crash(&mut self) {
        self.online = false;
        self.incarnation = self.incarnation.wrapping_add(1);
        self.timers = [0; TIMERS];
        self.inbox.clear();
        self.outbox.clear();
    }

    /// Drops journal entries that are of use only before a window; the last reading and the policy stay.
    pub fn prune(&mut self, before: Window) {
        let mut keep = of_use(&self.journal, before).into_iter();
        self.journal.retain(|_| keep.next().unwrap_or(true));
    }
}
