//! One simulated meter: its host, keys and journal.

use crate::keys::HomeKeys;
use std::collections::VecDeque;
use wattpool_core::context::Identity;
use wattpool_core::io::{of_use, JournalEntry};
use wattpool_core::policy::Policy;
use wattpool_host::{Effect, Host, Input};
use wattpool_ledger_embedded::MeterAccount;
use wattpool_scenario::attackers::Attack;
use wattpool_schema::{Micro, Window};

/// One meter.
pub(crate) struct Home {
    pub host: Host,
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
    /// What it does against the rules, if it does.
    pub attack: Option<Attack>,
    /// From when until when nothing is left for fees (a fault), milliseconds, ascending.
    pub unfunded: VecDeque<(u64, u64)>,
    /// When it is woken next, if at all, milliseconds.
    pub wake: Option<u64>,
    /// What happens in the present tick, and what the host wants done.
    pub inbox: Vec<Input>,
    pub outbox: Vec<Effect>,
}

impl Home {
    pub fn new(
        host: Host,
        identity: Identity,
        policy: Policy,
        keys: HomeKeys,
        account: MeterAccount,
        deposit: Micro,
        silent: bool,
    ) -> Self {
        Self {
            host,
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
            attack: None,
            unfunded: VecDeque::new(),
            wake: None,
            inbox: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// Nothing is left for fees now.
    pub fn is_unfunded(&mut self, now: u64) -> bool {
        while self
            .unfunded
            .front()
            .is_some_and(|(_, until)| *until <= now)
        {
            self.unfunded.pop_front();
        }
        self.unfunded.front().is_some_and(|(from, _)| *from <= now)
    }

    /// The agent is gone; what it journalled stays.
    pub fn crash(&mut self) {
        self.online = false;
        self.incarnation = self.incarnation.wrapping_add(1);
        self.wake = None;
        self.inbox.clear();
        self.outbox.clear();
    }

    /// Length of its journal as it is written to a device, bytes.
    pub fn journal_bytes(&self) -> u64 {
        let length = |entry| serde_json::to_string(entry).map_or(0, |text| text.len());
        let bytes = self.journal.iter().map(length).sum::<usize>();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Drops journal entries that are of use only before a window; the last reading, the policy and what was learned
    /// last stay.
    pub fn prune(&mut self, before: Window) {
        let mut keep = of_use(&self.journal, before).into_iter();
        self.journal.retain(|_| keep.next().unwrap_or(true));
    }
}
