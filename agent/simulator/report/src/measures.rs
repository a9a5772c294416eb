//! From a run's columns to its figures ("Measures reported" of the requirements).

use std::collections::{BTreeMap, BTreeSet};

use wattpool_scenario::attackers::Attack;
use wattpool_scenario::model::Neighbourhood;
use wattpool_schema::Window;

use crate::accounts::{self, Accounts};
use crate::error::MeasureError;
use crate::fairness::{gini, gini_among_like, Seller};
use crate::fees::{Fees, FEES_WARNED_FROM};
use crate::gains::Group;
use crate::money::to_i64;
use crate::outcome::{Outcome, TradeKind, TradeRow};
use crate::summary::Summary;
use crate::time::{local, rfc3339};

/// Violations listed in the summary; all are counted.
const VIOLATIONS_LISTED: usize = 20;

/// The figures of a run and the books they were taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// Every figure.
    pub summary: Summary,
    /// Energy and money per window and per home.
    pub accounts: Accounts,
}

/// Share of `whole`; `None` of nothing.
fn share(part: f64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part / whole as f64)
}

fn mean(sum: f64, count: u64) -> Option<f64> {
    share(sum, count)
}

/// Trades whose (first) window is among the finished ones, in the chain's order.
pub fn counted_trades<'a>(
    neighbourhood: &Neighbourhood,
    outcome: &'a Outcome,
) -> impl Iterator<Item = &'a TradeRow> {
    let first = neighbourhood.first_window;
    let finished: Window = first.plus(outcome.finished_windows as u64);
    outcome
        .trades
        .iter()
        .filter(move |trade| trade.window >= first && trade.window < finished)
}

/// Figures taken from the log of closed trades.
#[derive(Default)]
struct TradeFigures {
    trades: u64,
    forward: u64,
    asked: u64,
    arrived: u64,
    price_wh: f64,
    spot: u64,
    spot_wh: u64,
    agreed_wh: u64,
    missed_wh: u64,
    duration_s: u64,
    needs: BTreeSet<(Window, u32)>,
    pairs: BTreeSet<(Window, u32, u32)>,
}

impl TradeFigures {
    fn collect(neighbourhood: &Neighbourhood, outcome: &Outcome) -> Result<Self, MeasureError> {
        let homes = neighbourhood.homes.len();
        let mut figures = Self::default();
        for trade in counted_trades(neighbourhood, outcome) {
            for home in [trade.seller, trade.buyer] {
                if usize::try_from(home).map_or(true, |index| index >= homes) {
                    return Err(MeasureError::Home {
                        sequence: trade.sequence,
                        home,
                        homes,
                    });
                }
            }
            figures.add(trade);
        }
        Ok(figures)
    }

    fn add(&mut self, trade: &TradeRow) {
        let arrived = trade.arrived.get();
        self.trades = self.trades.saturating_add(1);
        self.asked = self.asked.saturating_add(trade.asked.get());
        self.arrived = self.arrived.saturating_add(arrived);
        self.price_wh += trade.price.get() as f64 * arrived as f64;
        match trade.kind {
            TradeKind::Forward => {
                self.forward = self.forward.saturating_add(1);
                let agreed = trade.asked.saturating_sub(trade.declined).get();
                self.agreed_wh = self.agreed_wh.saturating_add(agreed);
                let missed = agreed.saturating_sub(arrived);
                self.missed_wh = self.missed_wh.saturating_add(missed);
            }
            TradeKind::Spot => {
                self.spot = self.spot.saturating_add(1);
                self.spot_wh = self.spot_wh.saturating_add(arrived);
                let duration = trade.closed.saturating_sub(trade.requested).get();
                self.duration_s = self.duration_s.saturating_add(duration);
                if arrived > 0 {
                    self.needs.insert((trade.window, trade.buyer));
                    self.pairs.insert((trade.window, trade.buyer, trade.seller));
                }
            }
        }
    }
}

impl TradeFigures {
    /// Of what was promised, the share that did not arrive.
    fn shortfall(&self, promised_wh: u64) -> Option<f64> {
        let missing = promised_wh.saturating_sub(self.spot_wh);
        let missing = missing.saturating_add(self.missed_wh);
        share(missing as f64, promised_wh.saturating_add(self.agreed_wh))
    }
}

/// The homes that had surplus, by what makes sellers alike.
fn like_sellers(
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    books: &Accounts,
) -> Vec<Seller<(u16, u8, u32, bool)>> {
    let homes = neighbourhood.homes.iter().zip(&books.homes).zip(0u32..);
    homes
        .filter(|((_, account), _)| account.energy.surplus > 0)
        .map(|((home, account), number)| {
            let bad = outcome.bad_sellers.contains(&number);
            let size = account.energy.surplus.max(1).ilog2();
            Seller {
                group: (home.zone.get(), home.kind as u8, size, bad),
                sold: account.energy.sold_gross as f64 / account.energy.surplus as f64,
            }
        })
        .collect()
}

/// Peak as average power in W, and peak over mean, of the energy per window.
fn peak(per_window: impl Iterator<Item = u64>, window_s: u32) -> (f64, Option<f64>) {
    let (mut largest, mut sum, mut count) = (0u64, 0u64, 0u64);
    for wh in per_window {
        largest = largest.max(wh);
        sum = sum.saturating_add(wh);
        count = count.saturating_add(1);
    }
    let power = largest as f64 * 3_600.0 / f64::from(window_s.max(1));
    (power, share(largest as f64 * count as f64, sum))
}

fn notes(
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    books: &Accounts,
    ceiling_wh: f64,
) -> Vec<String> {
    let mut notes = neighbourhood.notes.clone();
    if books.energy.demand == 0 {
        notes.push("self-sufficiency is not defined: there was no demand".into());
    }
    if books.energy.generation == 0 {
        notes.push("self-consumption is not defined: there was no generation".into());
    }
    if ceiling_wh <= 0.0 {
        notes.push(
            "the share of the ceiling is not defined: in no window could one home sell what another needed \
             with a gain to both"
                .into(),
        );
    }
    if outcome.finished_windows < neighbourhood.windows {
        notes.push(format!(
            "interrupted: the figures cover the first {} of {} windows; counts of messages, transactions \
             and faults cover the whole elapsed run",
            outcome.finished_windows, neighbourhood.windows
        ));
    }
    notes
}

/// What is said where fees eat more than a tenth of what trading brings.
pub fn fee_warning(fees: &Fees) -> String {
    match fees.share_of_welfare {
        Some(share) => format!(
            "fees eat {:.1} % of what trading brings (more than {:.0} %): longer windows (window_s), a lower price of \
             gas, or fewer and larger trades would leave more",
            share * 100.0,
            FEES_WARNED_FROM * 100.0
        ),
        None => "fees are paid, and trading brings nothing".into(),
    }
}

/// Measures a run. Fails when the outcome's columns do not fit the neighbourhood.
pub fn measure(neighbourhood: &Neighbourhood, outcome: &Outcome) -> Result<Measures, MeasureError> {
    let books = accounts::close(neighbourhood, outcome)?;
    let trades = TradeFigures::collect(neighbourhood, outcome)?;
    let (energy, money) = (&books.energy, &books.money);
    let ceiling_wh: f64 = books.windows.iter().map(|window| window.ceiling_wh).sum();
    let left_over_wh: f64 = books.windows.iter().map(|w| w.left_over_wh).sum();
    let (own_use, best) = (energy.own_use as f64, energy.own_use as f64 + ceiling_wh);
    let used = energy.locally_used() as f64;

    let imports = books.windows.iter().map(|window| window.energy.grid_import);
    let (peak_import_w, peak_to_average) = peak(imports, neighbourhood.window_s);
    let deficits = books.windows.iter().map(|window| window.energy.deficit);
    let (peak_without, average_without) = peak(deficits, neighbourhood.window_s);

    let sellers = || {
        books
            .homes
            .iter()
            .map(|home| &home.energy)
            .filter(|energy| energy.surplus > 0)
    };
    let sold: Vec<f64> = sellers().map(|energy| energy.sold_gross as f64).collect();
    let sold_share: Vec<f64> = sellers()
        .map(|energy| energy.sold_gross as f64 / energy.surplus as f64)
        .collect();

    let meters = books.homes.len() as u64;
    let windows = books.windows.len() as u64;
    let metered = meters as f64 * windows as f64;
    let violations = || outcome.invariant_violations.iter().chain(&books.violations);
    let bill = money.bill();
    let without = money.bill_without_trading();
    let generating = |does: bool| {
        books
            .homes
            .iter()
            .filter(move |h| (h.energy.generation > 0) == does)
    };
    let attacked = !outcome.attackers.is_empty();
    let attacking = |does: bool| {
        let homes = books.homes.iter().zip(0u32..);
        let those = homes.filter(move |(_, n)| outcome.attackers.contains(n) == does);
        those.map(|(home, _)| home)
    };
    let mut notes = notes(neighbourhood, outcome, &books, ceiling_wh);
    let orders = neighbourhood.attackers.map(|a| a.attack) == Some(Attack::BreakingOrders);
    if attacked && orders && trades.forward == 0 {
        notes.push(
            "no standing order was opened: the attack breaking_orders had nothing to break (policy.forward opens them)".into(),
        );
    }
    let fees = Fees::of(
        neighbourhood,
        outcome,
        money.fees,
        money.welfare(),
        energy.bought,
    )?;
    if fees.is_warning() {
        notes.push(fee_warning(&fees));
    }
    let summary = Summary {
        scenario: neighbourhood.name.clone(),
        seed: outcome.seed,
        meters,
        windows,
        windows_planned: neighbourhood.windows as u64,
        finished: outcome.finished_windows == neighbourhood.windows,
        window_s: neighbourhood.window_s,
        start: rfc3339(neighbourhood.start()),
        start_local: local(neighbourhood.start(), neighbourhood.clock),
        timezone: neighbourhood.clock.to_string(),
        days: windows as f64 * f64::from(neighbourhood.window_s) / 86_400.0,
        currency: neighbourhood.currency.clone(),
        signatures: outcome.signatures.clone(),
        self_sufficiency: energy.self_sufficiency(),
        self_sufficiency_without_trading: energy.self_sufficiency_without_trading(),
        self_sufficiency_ceiling: share(best, energy.demand),
        self_consumption: share(used, energy.generation),
        self_consumption_without_trading: share(own_use, energy.generation),
        self_consumption_ceiling: share(best, energy.generation),
        ceiling_share: (ceiling_wh > 0.0).then(|| energy.bought as f64 / ceiling_wh),
        demand_wh: energy.demand,
        generation_wh: energy.generation,
        own_use_wh: energy.own_use,
        traded_wh: energy.bought,
        lost_wh: energy.sold_gross.saturating_sub(energy.bought),
        line_loss_wh: outcome.line_loss_wh,
        lost_per_traded: share(
            energy.sold_gross.saturating_sub(energy.bought) as f64
                + outcome.line_loss_wh.unwrap_or(0.0),
            energy.bought,
        ),
        ceiling_wh,
        left_over_wh,
        misplaced_wh: (ceiling_wh - energy.bought as f64 - left_over_wh).max(0.0),
        grid_import_wh: energy.grid_import,
        grid_import_without_trading_wh: energy.deficit,
        feed_in_wh: energy.feed_in,
        feed_in_without_trading_wh: energy.surplus,
        bill: to_i64(bill),
        bill_without_trading: to_i64(without),
        welfare: to_i64(without.saturating_sub(bill)),
        welfare_before_fees: to_i64(money.welfare()),
        consumers: Group::of(generating(false)),
        producers: Group::of(generating(true)),
        attack: neighbourhood.attackers.map(|a| a.attack),
        attackers: attacked.then(|| Group::of(attacking(true))),
        honest: attacked.then(|| Group::of(attacking(false))),
        machinery: fees,
        prosumer_income: to_i64(money.earned),
        prosumer_gain: to_i64(money.prosumer_gain()),
        consumer_savings: to_i64(money.consumer_savings()),
        network_charges: to_i64(money.spent.saturating_sub(money.earned)),
        mean_price: mean(trades.price_wh, trades.arrived),
        co2_avoided_g: books
            .windows
            .iter()
            .map(|window| window.co2_avoided_g())
            .sum(),
        peak_import_w,
        peak_import_without_trading_w: peak_without,
        peak_to_average,
        peak_to_average_without_trading: average_without,
        trades: trades.trades,
        forward_trades: trades.forward,
        needs_served: trades.needs.len() as u64,
        sellers_per_need: mean(trades.pairs.len() as f64, trades.needs.len() as u64),
        mean_duration_s: mean(trades.duration_s as f64, trades.spot),
        quality: share(trades.arrived as f64, trades.asked),
        promised_wh: outcome.promised_wh,
        // Promises are counted over the whole elapsed run.
        shortfall: (outcome.finished_windows == neighbourhood.windows)
            .then(|| trades.shortfall(outcome.promised_wh))
            .flatten(),
        gini_sales: gini(&sold),
        gini_sales_share: gini(&sold_share),
        gini_like_sellers: gini_among_like(&like_sellers(neighbourhood, outcome, &books)),
        requests: outcome.requests,
        approvals: outcome.approvals,
        lookups: outcome.lookups,
        messages: outcome.messages,
        messages_per_lookup: mean(outcome.messages as f64, outcome.lookups),
        transactions: outcome.transactions,
        refused_transactions: outcome.refused_transactions,
        faults: outcome
            .faults
            .iter()
            .fold(BTreeMap::new(), |mut counts, (name, count)| {
                let sum: &mut u64 = counts.entry(name.clone()).or_default();
                *sum = sum.saturating_add(*count);
                counts
            }),
        invariant_checks: outcome.invariant_checks,
        invariant_violations: violations().count() as u64,
        violations: violations().take(VIOLATIONS_LISTED).cloned().collect(),
        threads: outcome.threads as u64,
        elapsed_s: outcome.elapsed_s,
        meter_windows_per_second: (outcome.elapsed_s > 0.0).then(|| metered / outcome.elapsed_s),
        timings: outcome.timings,
        peak_memory_bytes: outcome.peak_memory_bytes,
        state_hash: outcome.state_hash.clone(),
        notes,
    };
    Ok(Measures {
        summary,
        accounts: books,
    })
}
