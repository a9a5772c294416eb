//! Meters, tariffs, terms between zones, roles: what other rules look up.

use super::Auditor;
use crate::export::Registered;
use crate::finding::Rule;
use std::collections::BTreeMap;
use wattpool_schema::event::{
    AdminChanged, AgentSet, DeviceSet, LimitsSet, MeterRegistered, MeterUpdated, OwnerChanged,
    OwnerProposed, RoleSet, TariffsSet, Wired, ZonePairSet,
};
use wattpool_schema::limits::Limits;
use wattpool_schema::pool::Role;
use wattpool_schema::{HouseholdId, MeterId, Micro, Ppm, Price, Tariff, Wh, Window, Zone, PPM};

/// Largest tariff or charge that a pool takes, micro-units per kWh.
const MAX_RATE: u64 = 1_000_000_000;

/// What holds of a meter from a window on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub owner: String,
    pub tenure: u64,
    pub zone: Zone,
    pub max_export: Wh,
    pub max_import: Wh,
}

/// Windows that were skipped and may still be stated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skipped {
    pub from: Window,
    pub to: Window,
    pub above: u64,
    pub below: u64,
}

/// What a meter did in one window, as the pool counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InWindow {
    pub window: Window,
    pub all: Wh,
    pub used: Wh,
}

/// What an owner's daily limits count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Day {
    pub day: u64,
    pub spent: u64,
    pub bought: u64,
    pub sold: u64,
}

/// A meter.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    pub terms: BTreeMap<Window, Terms>,
    pub household: Option<HouseholdId>,
    pub retired: bool,
    /// What its registration and later events make it.
    pub registered: Option<Registered>,
    pub proposed: Option<String>,
    pub limits: Option<(u64, Limits)>,
    pub stated: Option<Window>,
    pub sequence: u64,
    pub commitment: Option<wattpool_schema::Commitment>,
    pub skipped: Vec<Skipped>,
    pub minted: InWindow,
    pub cover: InWindow,
    pub day: Day,
    /// Locked for its standing orders.
    pub locked: i128,
}

impl Meter {
    pub fn terms_of(&self, window: Window) -> Option<&Terms> {
        let at = self.terms.range(..=window).next_back();
        // Before the first registration: a new meter trades the live window already.
        at.or_else(|| self.terms.iter().next()).map(|(_, t)| t)
    }

    fn latest(&self) -> Option<&Terms> {
        self.terms.values().next_back()
    }

    /// Changes what holds from a window on, later changes too.
    fn change(&mut self, from: Window, change: impl Fn(&mut Terms)) {
        if let Some(before) = self.terms_of(from).cloned() {
            self.terms.entry(from).or_insert(before);
            self.terms.range_mut(from..).for_each(|(_, t)| change(t));
        }
    }
}

/// All meters.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pub meters: BTreeMap<MeterId, Meter>,
}

/// Loss, charge and capacity of a zone pair, by the window from which they hold.
pub(super) type PairHistory = BTreeMap<Window, (Ppm, Price, Option<Wh>)>;

/// What the operator sets.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub tariffs: BTreeMap<Window, (Tariff, Tariff)>,
    pub pairs: BTreeMap<(Zone, Zone), PairHistory>,
    /// Arrived over pairs with a capacity, in the live window.
    pub carried: BTreeMap<(Zone, Zone), (Window, u64)>,
    pub paused: Option<bool>,
    /// Somebody paused the market, once.
    pub ever_paused: bool,
    pub roles: BTreeMap<&'static str, String>,
    pub proposed_admin: Option<Option<String>>,
    pub admin: Option<String>,
    pub confirmed: Option<Window>,
}

impl Grid {
    pub fn new(whole: bool) -> Self {
        Self {
            paused: whole.then_some(false),
            ..Self::default()
        }
    }

    pub fn tariffs_of(&self, window: Window) -> Option<(Tariff, Tariff)> {
        let at = self.tariffs.range(..=window).next_back();
        at.map(|(_, t)| *t)
    }

    pub fn pair_of(
        &self,
        from: Zone,
        to: Zone,
        window: Window,
    ) -> Option<(Ppm, Price, Option<Wh>)> {
        let history = self.pairs.get(&(from, to))?;
        history.range(..=window).next_back().map(|(_, t)| *t)
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Registrar => "registrar",
        Role::GridOperator => "grid_operator",
        Role::Regulator => "regulator",
    }
}

impl Auditor {
    /// A meter of which the export must know.
    pub(super) fn known_meter(&mut self, id: MeterId) {
        let known = self.registry.meters.get(&id);
        if self.whole() && known.is_none_or(|m| m.terms.is_empty()) {
            self.wrong(Rule::Registry, "meter", format!("{id} is not registered"));
        }
    }

    /// A meter that must be in service.
    pub(super) fn meter_in_service(&mut self, id: MeterId) {
        self.known_meter(id);
        if self.registry.meters.get(&id).is_some_and(|m| m.retired) {
            self.wrong(Rule::Registry, "meter", format!("{id} is out of service"));
        }
    }

    /// Terms of a meter in a window, if they are known.
    pub(super) fn terms_of(&self, id: MeterId, window: Window) -> Option<Terms> {
        let meter = self.registry.meters.get(&id)?;
        meter.terms_of(window).cloned()
    }

    pub(super) fn meter_registered(&mut self, e: &MeterRegistered) {
        let now = self.now();
        let whole = self.whole();
        let known = self.registry.meters.get(&e.meter);
        let in_service = known.is_some_and(|m| !m.retired && m.latest().is_some());
        let last = known.and_then(|m| m.latest()).map(|t| t.tenure);
        if in_service {
            self.wrong(Rule::Registry, "meter", "is registered already");
        }
        match last {
            Some(last) => {
                self.same(Rule::Registry, "tenure", &e.tenure, &last.saturating_add(1));
            }
            None if whole => {
                self.same(Rule::Registry, "tenure", &e.tenure, &1);
            }
            None => {}
        }
        let meter = self.registry.meters.entry(e.meter).or_default();
        meter.retired = false;
        meter.registered = Some(Registered {
            device: e.device,
            agent: None,
            agent_address: None,
            household: e.household,
            zone: e.zone,
            kind: e.kind,
            max_export: e.max_export,
            max_import: e.max_import,
        });
        meter.proposed = None;
        meter.household = e.household;
        meter.terms.split_off(&now);
        meter.terms.insert(
            now,
            Terms {
                owner: e.owner.clone(),
                tenure: e.tenure,
                zone: e.zone,
                max_export: e.max_export,
                max_import: e.max_import,
            },
        );
    }

    pub(super) fn meter_updated(&mut self, e: &MeterUpdated) {
        self.meter_in_service(e.meter);
        let expected = self.now().plus(2);
        self.same(Rule::Terms, "from_window", &e.from_window, &expected);
        if let Some(meter) = self.registry.meters.get_mut(&e.meter) {
            meter.change(e.from_window, |t| {
                t.zone = e.zone;
                t.max_export = e.max_export;
                t.max_import = e.max_import;
            });
            if let Some(known) = &mut meter.registered {
                known.zone = e.zone;
                known.kind = e.kind;
                known.max_export = e.max_export;
                known.max_import = e.max_import;
            }
        }
    }

    pub(super) fn device_set(&mut self, e: &DeviceSet) {
        self.meter_in_service(e.meter);
        let meter = self.registry.meters.get_mut(&e.meter);
        if let Some(known) = meter.and_then(|m| m.registered.as_mut()) {
            known.device = e.device;
        }
    }

    pub(super) fn agent_set(&mut self, e: &AgentSet) {
        self.known_meter(e.meter);
        let latest = self.registry.meters.get(&e.meter).and_then(|m| m.latest());
        if let Some(t) = latest.cloned() {
            self.same(Rule::Registry, "zone", &e.zone, &t.zone);
            self.same(Rule::Registry, "max_export", &e.max_export, &t.max_export);
            self.same(Rule::Registry, "max_import", &e.max_import, &t.max_import);
        }
        if e.agent.is_some() != e.agent_address.is_some() {
            let what = "a key and its address go together";
            self.wrong(Rule::Registry, "agent_address", what);
        }
        let known = self.registry.meters.get(&e.meter);
        let kind = known.and_then(|m| m.registered.as_ref()).map(|r| r.kind);
        if let Some(kind) = kind.filter(|kind| *kind != e.kind) {
            let what = format!("{:?}, expected {kind:?}", e.kind);
            self.wrong(Rule::Registry, "kind", what);
        }
        let meter = self.registry.meters.get_mut(&e.meter);
        if let Some(known) = meter.and_then(|m| m.registered.as_mut()) {
            known.agent = e.agent;
            known.agent_address.clone_from(&e.agent_address);
        }
    }

    pub(super) fn owner_proposed(&mut self, e: &OwnerProposed) {
        self.known_meter(e.meter);
        if let Some(meter) = self.registry.meters.get_mut(&e.meter) {
            meter.proposed.clone_from(&e.owner);
        }
    }

    pub(super) fn owner_changed(&mut self, e: &OwnerChanged) {
        self.known_meter(e.meter);
        let expected = self.now().next();
        self.same(Rule::Terms, "from_window", &e.from_window, &expected);
        let Some(meter) = self.registry.meters.get(&e.meter).cloned() else {
            return;
        };
        if let Some(latest) = meter.latest() {
            self.same(Rule::Registry, "from", &e.from, &latest.owner);
            let next = latest.tenure.saturating_add(1);
            self.same(Rule::Registry, "tenure", &e.tenure, &next);
        }
        if self.whole() && meter.proposed.as_ref() != Some(&e.to) {
            let what = format!("{:?} was not proposed", e.to);
            self.wrong(Rule::Registry, "to", what);
        }
        if let Some(meter) = self.registry.meters.get_mut(&e.meter) {
            meter.proposed = None;
            // The new owner names an agent of its own.
            if let Some(known) = &mut meter.registered {
                known.agent = None;
                known.agent_address = None;
            }
            meter.change(e.from_window, |t| {
                t.owner.clone_from(&e.to);
                t.tenure = e.tenure;
            });
        }
    }

    pub(super) fn meter_retired(&mut self, id: MeterId) {
        self.meter_in_service(id);
        if let Some(meter) = self.registry.meters.get_mut(&id) {
            meter.retired = true;
        }
    }

    pub(super) fn limits_set(&mut self, e: &LimitsSet) {
        self.known_meter(e.meter);
        let live = self.live();
        if let Some(meter) = self.registry.meters.get(&e.meter) {
            let of = |t: Option<&Terms>| t.map(|t| t.tenure);
            let (now, latest) = (of(meter.terms_of(live)), of(meter.latest()));
            if latest.is_some() && now != Some(e.tenure) && latest != Some(e.tenure) {
                let what = format!("{}, expected {}", e.tenure, latest.unwrap_or_default());
                self.wrong(Rule::Limits, "tenure", what);
            }
        }
        let limits = Limits {
            trading_off: e.trading_off,
            min_sell_price: e.min_sell_price,
            max_buy_price: e.max_buy_price,
            max_spend_per_day: e.max_spend_per_day,
            max_buy_per_day: e.max_buy_per_day,
            max_sell_per_day: e.max_sell_per_day,
        };
        let meter = self.registry.meters.entry(e.meter).or_default();
        meter.limits = Some((e.tenure, limits));
    }

    /// Terms hold from the second next window on, the first ones from window 0.
    fn announced(&mut self, from: Window, first: bool) {
        let earliest = self.now().plus(2);
        if from < earliest && !(from.is_zero() && (first || !self.whole())) {
            let what = format!("{from}, expected {earliest} or later");
            self.wrong(Rule::Terms, "from_window", what);
        }
    }

    pub(super) fn tariffs_set(&mut self, e: &TariffsSet) {
        self.announced(e.from_window, self.grid.tariffs.is_empty());
        for (field, tariff) in [("import", e.import), ("feed_in", e.feed_in)] {
            if tariff.0.unsigned_abs() > MAX_RATE {
                self.wrong(Rule::Terms, field, format!("{tariff} is beyond {MAX_RATE}"));
            }
        }
        let tariffs = (e.import, e.feed_in);
        self.grid.tariffs.insert(e.from_window, tariffs);
    }

    pub(super) fn zone_pair_set(&mut self, e: &ZonePairSet) {
        let known = self.grid.pairs.contains_key(&(e.from, e.to));
        self.announced(e.from_window, !known);
        if e.loss.0 >= PPM {
            self.wrong(
                Rule::Terms,
                "loss",
                format!("{}, expected below {PPM}", e.loss),
            );
        }
        if e.charge.0 > MAX_RATE {
            let what = format!("{} is beyond {MAX_RATE}", e.charge);
            self.wrong(Rule::Terms, "charge", what);
        }
        let history = self.grid.pairs.entry((e.from, e.to)).or_default();
        history.insert(e.from_window, (e.loss, e.charge, e.capacity));
    }

    pub(super) fn role_set(&mut self, e: &RoleSet) {
        let name = role_name(e.role);
        self.grid.roles.insert(name, e.address.clone());
    }

    pub(super) fn admin_changed(&mut self, e: &AdminChanged) {
        let first = self.grid.admin.is_none();
        let proposed = self.grid.proposed_admin.take().flatten();
        if !first && proposed.as_ref() != Some(&e.admin) {
            let what = format!("{:?} was not proposed", e.admin);
            self.wrong(Rule::Roles, "admin", what);
        }
        self.grid.admin = Some(e.admin.clone());
    }

    pub(super) fn wired(&mut self, e: &Wired) {
        let (pool, escrow) = (self.header.pool.clone(), self.header.escrow.clone());
        if let Some(named) = &e.pool {
            self.same(Rule::Contract, "pool", named, &pool);
        }
        self.same(Rule::Contract, "escrow", &e.escrow, &escrow);
    }

    /// What only the grid operator gets or does.
    pub(super) fn only_operator(&mut self, field: &str, who: &str) {
        self.only_role("grid_operator", field, who);
    }

    /// What only who holds a role gets or does.
    pub(super) fn only_role(&mut self, role: &str, field: &str, who: &str) {
        let holder = self.grid.roles.get(role).cloned();
        if let Some(holder) = holder.filter(|holder| holder != who) {
            let role = role.replace('_', " ");
            let what = format!("{who:?}, expected the {role} {holder}");
            self.wrong(Rule::Roles, field, what);
        }
    }

    /// Most a meter may spend a day: its owner's limit, or what the home may import in a day at the import tariff.
    pub(super) fn daily_spending(&self, limits: &Limits, most: Wh, import: Tariff) -> Micro {
        limits.max_spend_per_day.unwrap_or_else(|| {
            let windows = 86_400_u64.div_ceil(u64::from(self.header.window_seconds).max(1));
            let micro = u128::from(most.0)
                .saturating_mul(u128::from(windows))
                .saturating_mul(u128::from(import.0.max(0).unsigned_abs()))
                .div_ceil(1_000);
            Micro(u64::try_from(micro).unwrap_or(u64::MAX))
        })
    }
}
