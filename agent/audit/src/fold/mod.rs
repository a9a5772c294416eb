//! The fold: every event into books of its own, and against the rules.

mod energy;
mod feed_in;
mod holds;
mod money;
mod orders;
mod registry;
mod state;
mod statements;
mod trades;

use crate::export::{name, Header, Row, Said};
use crate::finding::{Finding, Findings, Place, Rule};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use wattpool_schema::event::MarketEvent as E;
use wattpool_schema::{Micro, Seconds, Wh, Window};

/// What an audit found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was counted.
    pub totals: Totals,
    /// What is wrong.
    pub findings: Findings,
}

/// Sums over everything that was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Events.
    pub events: u64,
    /// Entries of the contracts' state that were compared.
    pub states: u64,
    /// First block with an event.
    pub first_height: u64,
    /// Last block that was read.
    pub last_height: u64,
    /// Windows in which anything was minted, stated or traded.
    pub windows: u64,
    /// Closed trades.
    pub trades: u64,
    /// Minted.
    pub minted: Wh,
    /// Arrived.
    pub redeemed: Wh,
    /// Lost on the way.
    pub lost: Wh,
    /// Not sold: minted − redeemed − lost.
    pub expired: Wh,
    /// Stated late, without tokens.
    pub late: Wh,
    /// Paid to sellers.
    pub paid: Micro,
    /// Network charges.
    pub charges: Micro,
    /// Paid for feed-in.
    pub feed_in: Micro,
}

/// Folds events in the chain's order.
pub struct Auditor {
    header: Header,
    at: Place,
    /// Name of the event that is being looked at.
    event: String,
    findings: Findings,
    totals: Totals,
    /// The live window when the first event came: what happened in it before is not known unless the export is whole.
    first_live: Option<Window>,
    registry: registry::Registry,
    grid: registry::Grid,
    energy: energy::Energy,
    money: money::Money,
    feed_in: feed_in::FeedInBooks,
    log: trades::Log,
    orders: BTreeMap<orders::Key, orders::Order>,
    tx: trades::Transaction,
    compared: state::Compared,
}

impl Auditor {
    /// Of what a header names.
    pub fn new(header: Header) -> Self {
        let whole = header.whole;
        Self {
            header,
            at: Place::default(),
            event: String::new(),
            findings: Findings::default(),
            totals: Totals::default(),
            first_live: None,
            registry: registry::Registry::default(),
            grid: registry::Grid::new(whole),
            energy: energy::Energy::default(),
            money: money::Money::new(whole),
            feed_in: feed_in::FeedInBooks::default(),
            log: trades::Log::new(whole),
            orders: BTreeMap::new(),
            tx: trades::Transaction::default(),
            compared: state::Compared::default(),
        }
    }

    /// Adds what somebody else found.
    pub fn note(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What was found so far.
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Whether everything is known from the market's beginning.
    const fn whole(&self) -> bool {
        self.header.whole
    }

    /// Whether everything that happened while a window was live is known.
    fn sees(&self, window: Window) -> bool {
        self.whole() || self.first_live.is_some_and(|first| window > first)
    }

    fn now(&self) -> Window {
        Window::at(Seconds(self.at.time), self.header.window_seconds)
    }

    fn live(&self) -> Window {
        self.now().prev()
    }

    /// UTC day of block time.
    const fn day(&self) -> u64 {
        self.at.time / 86_400
    }

    /// Notes that a rule is broken here.
    fn wrong(&mut self, rule: Rule, field: &str, what: impl Into<String>) {
        let finding = Finding {
            rule,
            at: self.at,
            event: self.event.clone(),
            field: field.to_owned(),
            what: what.into(),
        };
        self.findings.push(finding);
    }

    /// Notes a difference between what is there and what was expected.
    fn same<T: PartialEq + std::fmt::Display>(
        &mut self,
        rule: Rule,
        field: &str,
        found: &T,
        expected: &T,
    ) -> bool {
        if found == expected {
            return true;
        }
        self.wrong(rule, field, format!("{found}, expected {expected}"));
        false
    }

    /// Takes the next event. `line`: where it stands in a file.
    pub fn take(&mut self, line: Option<u64>, row: &Row) {
        let before = self.at;
        let at = Place {
            line,
            height: row.height,
            time: row.time,
            tx: row.tx,
            index: row.index,
        };
        let first = self.totals.events == 0;
        let next_tx = (before.height, before.tx) != (at.height, at.tx);
        if next_tx && !first {
            self.end_of_transaction();
        }
        self.at = at;
        self.event = name(&row.said);
        if first {
            self.first_live = Some(self.live());
            self.totals.first_height = at.height;
        }
        self.totals.events = self.totals.events.saturating_add(1);
        self.check_order(before, first, next_tx);
        self.check_contract(row);
        match &row.said {
            Said::Transfer(t) => self.transfer(t),
            Said::Event(event) => self.event(event),
        }
    }

    fn check_order(&mut self, before: Place, first: bool, next_tx: bool) {
        let at = self.at;
        let expected = if next_tx || first {
            0
        } else {
            before.index.saturating_add(1)
        };
        if at.index != expected {
            let what = format!(
                "{}, expected {expected}: events are left out or moved",
                at.index
            );
            self.wrong(Rule::Order, "index", what);
        }
        if first {
            if at.height < self.header.from_height {
                let what = format!("{}, before the first block of the export", at.height);
                self.wrong(Rule::Order, "height", what);
            }
            return;
        }
        if at.height < before.height {
            let what = format!("{} after {}", at.height, before.height);
            self.wrong(Rule::Order, "height", what);
        } else if at.height == before.height && at.tx < before.tx {
            self.wrong(Rule::Order, "tx", format!("{} after {}", at.tx, before.tx));
        }
        let same_block = at.height == before.height;
        if at.time < before.time || (same_block && at.time != before.time) {
            let what = format!(
                "{} at height {}, after {} at height {}",
                at.time, at.height, before.time, before.height
            );
            self.wrong(Rule::Order, "time", what);
        }
    }

    /// Which of the three contracts reports such an event.
    fn check_contract(&mut self, row: &Row) {
        let h = &self.header;
        let (token, pool, escrow) = (&h.token, &h.pool, &h.escrow);
        let by: &[&String] = match &row.said {
            Said::Transfer(_) => &[token],
            Said::Event(event) => match event.as_ref() {
                E::Minted(_) | E::Expired(_) | E::Moved(_) => &[token],
                E::Wired(_) => &[token, pool],
                E::ItemRefused(_) => &[pool, escrow],
                E::Deposited(_)
                | E::Withdrawn(_)
                | E::LimitsSet(_)
                | E::Delivered(_)
                | E::TradeClosed(_)
                | E::OrderOpened(_)
                | E::OrderCancelled(_)
                | E::OrderWindow(_)
                | E::ChargesWithdrawn(_) => &[escrow],
                _ => &[pool],
            },
        };
        if !by.contains(&&row.contract) {
            let expected: Vec<&str> = by.iter().map(|a| a.as_str()).collect();
            let expected = expected.join(" or ");
            let what = format!(
                "{:?} is not the market's contract for this: expected {expected}",
                row.contract
            );
            self.wrong(Rule::Contract, "contract", what);
        }
    }

    fn event(&mut self, event: &E) {
        match event {
            E::Minted(e) => self.minted(e),
            E::Expired(e) => self.expired(e),
            E::Moved(e) => self.moved(e),
            E::MeterRegistered(e) => self.meter_registered(e),
            E::MeterUpdated(e) => self.meter_updated(e),
            E::DeviceSet(e) => self.device_set(e),
            E::AgentSet(e) => self.agent_set(e),
            E::OwnerProposed(e) => self.owner_proposed(e),
            E::OwnerChanged(e) => self.owner_changed(e),
            E::NoticeGiven(e) => self.known_meter(e.meter),
            E::Objected(e) => self.known_meter(e.meter),
            E::Decided(e) => self.known_meter(e.meter),
            E::MeterRetired(e) => self.meter_retired(e.meter),
            E::Stated(e) => self.stated(e),
            E::StatedTooOld(e) => self.stated_too_old(e),
            E::Covered(e) => self.covered(e),
            E::Redeemed(e) => self.redeemed(e),
            E::TariffsSet(e) => self.tariffs_set(e),
            E::ZonePairSet(e) => self.zone_pair_set(e),
            E::ReserveFunded(e) => self.reserve_funded(e),
            E::ReserveTaken(e) => self.reserve_taken(e),
            E::FeedInConfirmed(e) => self.feed_in_confirmed(e),
            E::FeedInCredited(e) => self.feed_in_credited(e),
            E::FeedInPaid(e) => self.feed_in_paid(e),
            E::CreditHoldSet(e) => self.credit_hold_set(e),
            E::CreditHoldConfirmed(e) => self.credit_hold_confirmed(e),
            E::CreditHoldReleased(e) => self.credit_hold_released(e),
            E::CreditHeld(e) => self.credit_held(e),
            E::CreditStruck(e) => self.credit_struck(e),
            E::PauseSet(e) => {
                self.grid.paused = Some(e.paused);
                self.grid.ever_paused |= e.paused;
            }
            E::RoleSet(e) => self.role_set(e),
            E::AdminProposed(e) => self.grid.proposed_admin = Some(e.admin.clone()),
            E::AdminChanged(e) => self.admin_changed(e),
            E::Wired(e) => self.wired(e),
            E::Deposited(e) => self.deposited(e),
            E::Withdrawn(e) => self.withdrawn(e),
            E::LimitsSet(e) => self.limits_set(e),
            E::Delivered(e) => self.delivered(e),
            E::TradeClosed(e) => self.trade_closed(e),
            E::OrderOpened(e) => self.order_opened(e),
            E::OrderCancelled(e) => self.order_cancelled(e),
            E::OrderWindow(e) => self.order_window(e),
            E::ItemRefused(e) => {
                let known = wattpool_schema::error::Code::of(&e.code).is_some();
                if !known {
                    let what = format!("{:?} is no code of a refusal", e.code);
                    self.wrong(Rule::Form, "code", what);
                }
            }
            E::ChargesWithdrawn(e) => self.charges_withdrawn(e),
        }
    }

    /// Ends the fold. `to_height`: the last block that was read.
    pub fn finish(mut self, to_height: Option<u64>) -> Report {
        self.end_of_transaction();
        if let Some(to) = to_height.filter(|to| *to < self.at.height) {
            self.event = "end".to_owned();
            let what = format!("{to}, but there are events at {}", self.at.height);
            self.wrong(Rule::Order, "to_height", what);
        }
        self.compare_left();
        Report {
            totals: self.totals(to_height),
            findings: self.findings,
        }
    }

    /// What was counted so far. `to_height`: the last block that was read.
    pub fn totals(&self, to_height: Option<u64>) -> Totals {
        let mut totals = self.sum_up();
        totals.last_height = to_height.unwrap_or(self.at.height);
        totals
    }
}
