//! `wattpool-bench attack`: what honest homes lose when some of the others do not keep to the rules.
//!
//! Every seed is one neighbourhood, simulated once with everybody honest and once for each attack. The attackers are the same homes in both. The
//! honest homes' ceiling counts the attackers at what they did trade, so that energy that an attacker keeps to itself is nobody's loss.

use super::factors::{interval, Interval};
use crate::{print, Failure};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use wattpool_report::measure;
use wattpool_scenario::attackers::{Attack, Attackers};
use wattpool_scenario::model::Neighbourhood;
use wattpool_scenario::{neighbourhood, GenerateOptions};
use wattpool_schema::{MeterId, WH_PER_KWH};
use wattpool_simulator::{run_observed, Observed, RunOptions, Signatures};

/// The honest homes' share of their ceiling may fall by so much.
const SHARE_BOUND: f64 = 0.01;
/// What is expected of honest sellers may move by so much on average.
const EXPECTED_BOUND: f64 = 0.02;

/// Measures every attack over many seeds.
#[derive(clap::Args)]
pub struct Args {
    /// Neighbourhoods.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Days of each.
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// Homes of each.
    #[arg(long, default_value_t = 30)]
    meters: u32,
    /// Share of the homes that attack.
    #[arg(long, default_value_t = 0.1)]
    share: f64,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What the honest homes got in one run.
#[derive(Clone, Debug)]
struct Honest {
    /// Of their ceiling.
    share: f64,
    /// Times that one of them paid more, or got less, than the grid's price in a window.
    worse_than_grid: u64,
    /// Missed in their standing orders with attackers, and with each other, Wh.
    missed: (u64, u64),
    /// Mean price that they paid, micro-units per kWh, charges included.
    price: f64,
    /// Mean of what honest buyers expected of each honest seller.
    expected: BTreeMap<MeterId, f64>,
    violations: u64,
}

/// One attack.
#[derive(Debug, Serialize)]
struct Row {
    attack: Attack,
    share: Interval,
    /// Everybody honest less attacked, paired by seed.
    lost: Interval,
    largest_loss: f64,
    worse_than_grid: u64,
    /// Missed by honest sellers in standing orders with attackers, through what the chain takes for their fault.
    missed_to_attackers_wh: u64,
    /// Missed by honest sellers in standing orders with honest buyers: clouds do that, too.
    missed_wh: u64,
    /// The same with everybody honest.
    missed_before_wh: u64,
    /// Mean price that honest homes paid, charges included, attacked less honest, in parts of the price.
    price_more: Interval,
    /// Mean over honest sellers of what is expected of them, attacked less honest, paired by seed.
    expected_more: Interval,
    largest_expected_change: f64,
    invariant_violations: u64,
    /// Within the bounds.
    kept: bool,
}

/// Simulates all attacks over all seeds and prints a row for each.
///
/// # Errors
/// Wrong arguments (exit code 2), a simulation fails, or a bound is broken (exit code 1).
pub fn run(args: &Args) -> Result<u8, Failure> {
    let share = args.share > 0.0 && args.share < 1.0;
    if args.seeds < 2 || args.days == 0 || args.meters < 4 || !share {
        return Err(Failure::input(anyhow::anyhow!(
            "--seeds {}, --days {}, --meters {}, --share {}; expected at least 2 seeds, 1 day, 4 meters and a share between 0 and 1",
            args.seeds,
            args.days,
            args.meters,
            args.share
        )));
    }
    let mut runs: BTreeMap<usize, Vec<(Honest, Honest)>> = BTreeMap::new();
    for seed in 1..=args.seeds {
        let mut n = neighbourhood(&GenerateOptions {
            homes: args.meters,
            days: args.days,
            seed,
            ..GenerateOptions::default()
        })?;
        for (orders, attacks) in [(false, true), (true, false)] {
            // Attacks on standing orders need a street that has them; the others are tried without.
            for home in &mut n.homes {
                home.policy.forward = orders;
            }
            let mut all_honest: Option<Observed> = None;
            for (index, attack) in Attack::ALL.into_iter().enumerate() {
                if (attack == Attack::BreakingOrders) == attacks {
                    continue;
                }
                n.attackers = None;
                let before = match all_honest.take() {
                    Some(before) => before,
                    None => simulated(&n, seed)?,
                };
                n.attackers = Some(Attackers {
                    share: args.share,
                    attack,
                });
                let attacked = simulated(&n, seed)?;
                let attackers: BTreeSet<u32> = attacked.outcome.attackers.iter().copied().collect();
                let pair = (
                    honest(&n, &before, &attackers)?,
                    honest(&n, &attacked, &attackers)?,
                );
                runs.entry(index).or_default().push(pair);
                all_honest = Some(before);
            }
        }
        eprintln!("{seed} of {} neighbourhoods", args.seeds);
    }
    let rows: Vec<Row> = Attack::ALL
        .into_iter()
        .enumerate()
        .filter_map(|(index, attack)| Some(row(attack, runs.get(&index)?)))
        .collect();
    show(args, &rows)?;
    let broken = rows.iter().filter(|row| !row.kept);
    let broken = broken.map(|row| eprintln!("{:?}: beyond its bounds", row.attack));
    Ok(u8::from(broken.count() > 0))
}

fn simulated(n: &Neighbourhood, seed: u64) -> anyhow::Result<Observed> {
    let options = RunOptions {
        seed,
        threads: 1,
        signatures: Signatures::Trusted,
        record: false,
    };
    run_observed(n, &options)
}

fn honest(n: &Neighbourhood, run: &Observed, attackers: &BTreeSet<u32>) -> anyhow::Result<Honest> {
    let outcome = &run.outcome;
    let attacks = |home: usize| u32::try_from(home).is_ok_and(|h| attackers.contains(&h));
    let homes = n.homes.len();
    let cell = |series: &[u32], window: usize, home: usize| {
        let at = window.saturating_mul(homes).saturating_add(home);
        series.get(at).copied().unwrap_or(0)
    };
    let mut counted = n.clone();
    for (home, row) in counted
        .homes
        .iter_mut()
        .enumerate()
        .filter(|(h, _)| attacks(*h))
    {
        let traded = |series: &[u32]| (0..n.windows).map(|w| cell(series, w, home)).collect();
        row.demand_wh = traded(&outcome.bought_wh);
        row.generation_wh = traded(&outcome.sold_gross_wh);
    }
    let mut worse = 0u64;
    let (mut paid, mut arrived) = (0.0, 0.0);
    let prices = n.import_tariff.iter().zip(&n.feed_in_tariff);
    for (window, (import, feed_in)) in prices.enumerate().take(outcome.finished_windows) {
        for home in (0..homes).filter(|h| !attacks(*h)) {
            let at = window.saturating_mul(homes).saturating_add(home);
            let micro = |series: &[u64]| i128::from(series.get(at).copied().unwrap_or(0));
            let priced = |wh: u32, tariff: i64| {
                let micro = i128::from(wh).saturating_mul(i128::from(tariff));
                micro.checked_div(i128::from(WH_PER_KWH)).unwrap_or(0)
            };
            let bought = priced(cell(&outcome.bought_wh, window, home), import.0);
            let sold = priced(cell(&outcome.sold_gross_wh, window, home), feed_in.0);
            paid += outcome.spent.get(at).copied().unwrap_or(0) as f64;
            arrived += f64::from(cell(&outcome.bought_wh, window, home));
            // Each payment is rounded by itself: at most a micro-unit per partner.
            let rounding = i128::try_from(homes)?;
            let worse_off = micro(&outcome.spent) > bought.saturating_add(rounding)
                || micro(&outcome.earned).saturating_add(rounding) < sold;
            worse = worse.saturating_add(u64::from(worse_off));
        }
    }
    let numbers: BTreeMap<MeterId, usize> = run.meters.iter().copied().zip(0..).collect();
    let mut expected: BTreeMap<MeterId, (f64, f64)> = BTreeMap::new();
    for (buyer, e) in &run.experiences {
        let seller = numbers.get(&e.seller).copied().unwrap_or(usize::MAX);
        if !attackers.contains(buyer) && !attacks(seller) {
            let (sum, count) = expected.entry(e.seller).or_default();
            *sum += e.expected.quality;
            *count += 1.0;
        }
    }
    let mut missed = (0u64, 0u64);
    for ((seller, buyer), wh) in &outcome.missed_wh {
        let sum = match (attackers.contains(seller), attackers.contains(buyer)) {
            (true, _) => continue,
            (false, true) => &mut missed.0,
            (false, false) => &mut missed.1,
        };
        *sum = sum.saturating_add(wh.0);
    }
    Ok(Honest {
        share: measure(&counted, outcome)?
            .summary
            .ceiling_share
            .unwrap_or(1.0),
        worse_than_grid: worse,
        price: paid / f64::max(arrived, 1.0) * f64::from(u32::try_from(WH_PER_KWH)?),
        missed,
        expected: expected.into_iter().map(|(m, (s, c))| (m, s / c)).collect(),
        violations: u64::try_from(outcome.invariant_violations.len())?,
    })
}

fn row(attack: Attack, runs: &[(Honest, Honest)]) -> Row {
    let lost = |(before, attacked): &(Honest, Honest)| before.share - attacked.share;
    let changes = |(before, attacked): &(Honest, Honest)| -> Vec<f64> {
        let both = attacked.expected.iter();
        both.filter_map(|(seller, e)| Some(e - before.expected.get(seller)?))
            .collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / (values.len() as f64).max(1.0);
    let total = |of: fn(&Honest) -> u64| runs.iter().map(|(_, attacked)| of(attacked)).sum();
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let share = interval(runs.iter().map(|(_, attacked)| attacked.share));
    let missed_before: u64 = runs.iter().map(|(before, _)| before.missed.1).sum();
    let dearer = |(before, attacked): &(Honest, Honest)| attacked.price / before.price - 1.0;
    let lost_by = interval(runs.iter().map(lost));
    let expected_more = interval(runs.iter().map(|run| mean(&changes(run))));
    let largest = most(&mut runs.iter().flat_map(changes).map(f64::abs));
    let worse: u64 = total(|h| h.worse_than_grid);
    let to_attackers: u64 = total(|h| h.missed.0);
    let violations: u64 = total(|h| h.violations);
    Row {
        attack,
        share,
        lost: lost_by,
        largest_loss: most(&mut runs.iter().map(lost)),
        worse_than_grid: worse,
        missed_to_attackers_wh: to_attackers,
        missed_wh: total(|h| h.missed.1),
        missed_before_wh: missed_before,
        price_more: interval(runs.iter().map(dearer)),
        expected_more,
        largest_expected_change: largest,
        invariant_violations: violations,
        kept: lost_by.mean <= SHARE_BOUND
            && expected_more.mean.abs() <= EXPECTED_BOUND
            && worse == 0
            && to_attackers == 0
            && violations == 0,
    }
}

fn show(args: &Args, rows: &[Row]) -> anyhow::Result<()> {
    if args.json {
        let out = serde_json::json!({
            "seeds": args.seeds, "days": args.days, "meters": args.meters, "share": args.share, "attacks": rows
        });
        return print(&format!("{out}\n"));
    }
    print(&format!(
        "{} neighbourhoods of {} homes and {} days, {:.0} % of the homes attack; mean ± half-width of the 95 % confidence interval\n\n\
         | attack | honest homes' share of their ceiling, % | lost by the attack, points | largest loss | price they pay, % | worse than the grid | missed to attackers, Wh | to honest homes (without attackers) | expected of honest sellers | largest change |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
        args.seeds,
        args.meters,
        args.days,
        args.share * 100.0
    ))?;
    for row in rows {
        let name = serde_json::to_value(row.attack)?;
        print(&format!(
            "| {} | {:.2} ± {:.2} | {:+.3} ± {:.3} | {:+.2} | {:+.2} ± {:.2} | {} | {} | {} ({}) | {:+.4} ± {:.4} | {:.3} |\n",
            name.as_str().unwrap_or_default(),
            row.share.mean * 100.0,
            row.share.half * 100.0,
            row.lost.mean * 100.0,
            row.lost.half * 100.0,
            row.largest_loss * 100.0,
            row.price_more.mean * 100.0,
            row.price_more.half * 100.0,
            row.worse_than_grid,
            row.missed_to_attackers_wh,
            row.missed_wh,
            row.missed_before_wh,
            row.expected_more.mean,
            row.expected_more.half,
            row.largest_expected_change
        ))?;
    }
    Ok(())
}
