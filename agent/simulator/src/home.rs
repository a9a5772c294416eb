//! One simulated meter: its host, keys and journal.

use crate::keys::HomeKeys;
use wattpool_core::context::Identity;
use wattpool_core::io::{of_use, JournalEntry};
use wattpool_core::policy::Policy;
use wattpool_host::{Effect, Host, Input};
use wattpool_ledger_embedded::MeterAccount;
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
            wake: None,
            inbox: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// The agent is gone; what it journalled stays.
    pub fn crash(&mut self) {
        self.online = false;
        self.incarnation = self.incarnation.wrapping_add(1);
        self.wake = None;
        self.inbox.clear();
        self.outbox.clear();
    }

    /// Drops journal entries that are of use only before a window; the last reading, the policy and what was learned
    /// last stay.
    pub fn prune(&mut self, before: Window) {
        let mut keep = of_use(&self.journal, before).into_iter();
        self.journal.retain(|_| keep.next().unwrap_or(true));
    }
}
