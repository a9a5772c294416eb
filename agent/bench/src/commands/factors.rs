//! `wattpool-bench factors`: whether choosing by the six factors pays, against simpler strategies.
//!
//! Every seed is one experiment: a part of the year, who of the sellers is bad, and what margin each owner
//! asks are drawn from it; each strategy then trades the same neighbourhood. Differences are paired by seed.

use crate::{print, Failure};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use wattpool_chance::spread;
use wattpool_core::policy::Selection;
use wattpool_report::{measure, Summary};
use wattpool_scenario::model::{Feeders, Neighbourhood};
use wattpool_scenario::{load, neighbourhood, GenerateOptions, Overrides};
use wattpool_simulator::{run as simulate, RunOptions, Signatures};

/// Measures the strategies of choice over many seeds.
#[derive(clap::Args)]
pub struct Args {
    /// Folder with the CityLearn profiles.
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "generated",
        conflicts_with = "generated"
    )]
    data: Option<PathBuf>,
    /// Scenario with feeders and bad sellers.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "agent/simulator/scenarios/citylearn-feeders.toml"
    )]
    scenario: PathBuf,
    /// Take generated homes instead, with feeders and one bad seller in ten.
    #[arg(long)]
    generated: bool,
    /// Homes that are generated.
    #[arg(long, default_value_t = 17)]
    meters: u32,
    /// Experiments.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Days of each.
    #[arg(long, default_value_t = 28)]
    days: u32,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Every strategy, the six factors first.
const STRATEGIES: [(&str, Selection); 4] = [
    ("six factors", Selection::Factors),
    ("price alone", Selection::Price),
    ("nearest first", Selection::Nearest),
    ("random", Selection::Random),
];
/// Owners ask up to this on top of the market's price, per mille.
const MARGIN: u64 = 100;

/// What a strategy is judged by in one run; less is better in each.
#[derive(Clone, Copy, Debug, Serialize)]
struct Measured {
    shortfall: f64,
    lost_per_traded: f64,
    gini_like_sellers: f64,
}

impl Measured {
    fn of(s: &Summary) -> anyhow::Result<Self> {
        let defined = |value: Option<f64>, what: &str| {
            value.ok_or_else(|| anyhow::anyhow!("{what} is not defined: nothing was traded"))
        };
        Ok(Self {
            shortfall: defined(s.shortfall, "the shortfall")?,
            lost_per_traded: defined(s.lost_per_traded, "what is lost per traded kWh")?,
            gini_like_sellers: defined(s.gini_like_sellers, "the Gini coefficient")?,
        })
    }
}

/// A measure's name, and where it stands.
type Measure = (&'static str, fn(&Measured) -> f64);

const MEASURES: [Measure; 3] = [
    ("shortfall", |m| m.shortfall),
    ("lost_per_traded", |m| m.lost_per_traded),
    ("gini_like_sellers", |m| m.gini_like_sellers),
];

/// A mean and the half-width of its 95 % confidence interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Interval {
    pub mean: f64,
    pub half: f64,
}

/// One strategy.
#[derive(Debug, Serialize)]
struct Row {
    strategy: &'static str,
    shortfall: Interval,
    lost_per_traded: Interval,
    gini_like_sellers: Interval,
    /// Strategy less six factors, paired by seed: above zero where the factors are better.
    shortfall_more: Interval,
    lost_per_traded_more: Interval,
    gini_like_sellers_more: Interval,
    share_of_ceiling: f64,
    invariant_violations: u64,
}

/// Simulates all strategies over all seeds and prints a row for each.
///
/// # Errors
/// Wrong arguments or missing data (exit code 2), or a simulation fails.
pub fn run(args: &Args) -> Result<u8, Failure> {
    if args.seeds < 2 || args.days == 0 || args.meters < 2 {
        return Err(Failure::input(anyhow::anyhow!(
            "--seeds {}, --days {}, --meters {}; expected at least 2 seeds, 1 day and 2 meters",
            args.seeds,
            args.days,
            args.meters
        )));
    }
    let year = if args.generated {
        None
    } else {
        let data = args.data.as_deref();
        Some(load(&args.scenario, data, &Overrides::default()).map_err(Failure::input)?)
    };
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); STRATEGIES.len()];
    let mut shares = vec![0.0; STRATEGIES.len()];
    let mut violations = vec![0u64; STRATEGIES.len()];
    for seed in 1..=args.seeds {
        let mut n = match &year {
            Some(year) => part(year, seed, args.days)?,
            None => generated(args, seed)?,
        };
        for (home, number) in n.homes.iter_mut().zip(0u64..) {
            let margin = spread(seed ^ spread(number)).checked_rem(MARGIN.saturating_add(1));
            home.policy.margin_permille = u32::try_from(margin.unwrap_or(0)).unwrap_or(0);
        }
        let kept = measured.iter_mut().zip(&mut shares).zip(&mut violations);
        for (((runs, share), violated), (_, selection)) in kept.zip(STRATEGIES) {
            for home in &mut n.homes {
                home.policy.selection = selection;
                // What is expected of a seller is one of the factors: the others do without.
                if selection != Selection::Factors {
                    home.policy.min_quality = 0.0;
                }
            }
            let options = RunOptions {
                seed,
                threads: 1,
                signatures: Signatures::Trusted,
                record: false,
            };
            let outcome = simulate(&n, &options, &AtomicBool::new(false), &mut |_| {})?;
            let s = measure(&n, &outcome)?.summary;
            runs.push(Measured::of(&s)?);
            *share += s.ceiling_share.unwrap_or(0.0) / args.seeds as f64;
            *violated = violated.saturating_add(s.invariant_violations);
        }
    }
    let mut rows = Vec::new();
    let factors = measured.first().cloned().unwrap_or_default();
    let results = measured.iter().zip(&shares).zip(&violations);
    for (((runs, share), violated), (name, _)) in results.zip(STRATEGIES) {
        let of = |which: fn(&Measured) -> f64| interval(runs.iter().map(which));
        let more = |which: fn(&Measured) -> f64| {
            interval(runs.iter().zip(&factors).map(|(a, b)| which(a) - which(b)))
        };
        let [(_, shortfall), (_, lost), (_, gini)] = MEASURES;
        rows.push(Row {
            strategy: name,
            shortfall: of(shortfall),
            lost_per_traded: of(lost),
            gini_like_sellers: of(gini),
            shortfall_more: more(shortfall),
            lost_per_traded_more: more(lost),
            gini_like_sellers_more: more(gini),
            share_of_ceiling: *share,
            invariant_violations: *violated,
        });
    }
    show(args, &rows)?;
    Ok(if violations.iter().all(|v| *v == 0) {
        0
    } else {
        3
    })
}

fn show(args: &Args, rows: &[Row]) -> anyhow::Result<()> {
    if args.json {
        let out = serde_json::json!({ "seeds": args.seeds, "days": args.days, "strategies": rows });
        return print(&format!("{out}\n"));
    }
    print(&format!(
        "{} seeds of {} days; mean ± half-width of the 95 % confidence interval; in brackets the paired difference\n\
         from the six factors (above zero: the factors are better)\n\n\
         | strategy | promised and not delivered | lost per traded kWh | Gini among like sellers | share of ceiling |\n\
         |---|---|---|---|---|\n",
        args.seeds, args.days
    ))?;
    for row in rows {
        let percent = |own: Interval, more: Interval| {
            let own = format!("{:.2} ± {:.2} %", own.mean * 100.0, own.half * 100.0);
            let more = format!("{:+.2} ± {:.2}", more.mean * 100.0, more.half * 100.0);
            (own, more)
        };
        let gini = |own: Interval, more: Interval| {
            let own = format!("{:.3} ± {:.3}", own.mean, own.half);
            (own, format!("{:+.3} ± {:.3}", more.mean, more.half))
        };
        let first = row.strategy == STRATEGIES[0].0;
        let cell = |(own, more): (String, String)| {
            if first {
                own
            } else {
                format!("{own} ({more})")
            }
        };
        print(&format!(
            "| {} | {} | {} | {} | {:.2} % |\n",
            row.strategy,
            cell(percent(row.shortfall, row.shortfall_more)),
            cell(percent(row.lost_per_traded, row.lost_per_traded_more)),
            cell(gini(row.gini_like_sellers, row.gini_like_sellers_more)),
            row.share_of_ceiling * 100.0
        ))?;
    }
    Ok(())
}

/// Mean and confidence interval by Student's t.
pub(super) fn interval(values: impl Iterator<Item = f64>) -> Interval {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let freedom = (n - 1.0).max(1.0);
    let half = quantile(freedom) * (squares / freedom / n.max(1.0)).sqrt();
    Interval { mean, half }
}

/// 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5; exact for one and two degrees of freedom,
/// within 0.02 from three on).
fn quantile(freedom: f64) -> f64 {
    if freedom < 1.5 {
        return 12.706;
    }
    if freedom < 2.5 {
        return 4.303;
    }
    let z = 1.959_964_f64;
    let (z3, z5, z7, z9) = (z.powi(3), z.powi(5), z.powi(7), z.powi(9));
    let (v, v2) = (freedom, freedom * freedom);
    z + (z3 + z) / (4.0 * v)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * v2)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * v2 * v)
        + (79.0 * z9 + 776.0 * z7 + 1482.0 * z5 - 1920.0 * z3 - 945.0 * z) / (92_160.0 * v2 * v2)
}

/// So many days of the scenario, from a day that the seed says.
fn part(year: &Neighbourhood, seed: u64, days: u32) -> Result<Neighbourhood, Failure> {
    let a_day = 86_400usize
        .checked_div(usize::try_from(year.window_s)?)
        .unwrap_or(1);
    let count = a_day.saturating_mul(usize::try_from(days)?);
    let spare = year.windows.checked_sub(count).ok_or_else(|| {
        let held = year.windows.checked_div(a_day).unwrap_or(0);
        Failure::input(anyhow::anyhow!(
            "--days {days}; expected at most {held}, what the scenario holds"
        ))
    })?;
    let starts = u64::try_from(spare.checked_div(a_day).unwrap_or(0))?.saturating_add(1);
    let day = usize::try_from(spread(seed).checked_rem(starts).unwrap_or(0))?;
    let from = day.saturating_mul(a_day);
    fn cut<T: Clone>(series: &[T], from: usize, count: usize) -> Vec<T> {
        series.iter().skip(from).take(count).cloned().collect()
    }
    let mut n = year.clone();
    for home in &mut n.homes {
        home.demand_wh = cut(&home.demand_wh, from, count);
        home.generation_wh = cut(&home.generation_wh, from, count);
    }
    n.import_tariff = cut(&n.import_tariff, from, count);
    n.feed_in_tariff = cut(&n.feed_in_tariff, from, count);
    n.carbon_g_per_kwh = cut(&n.carbon_g_per_kwh, from, count);
    if let Some(feeders) = &mut n.feeders {
        feeders.air_c = cut(&feeders.air_c, from, count);
    }
    n.first_window = n.first_window.plus(u64::try_from(from)?);
    n.windows = count;
    Ok(n)
}

fn generated(args: &Args, seed: u64) -> anyhow::Result<Neighbourhood> {
    let mut n = neighbourhood(&GenerateOptions {
        homes: args.meters,
        days: args.days,
        seed,
        pv_share: 0.7,
        wind_share: 0.0,
        ..GenerateOptions::default()
    })?;
    n.feeders = Some(Feeders::typical(&n, 3));
    n.faults.bad_sellers = 0.1;
    n.faults.bad_failures = 0.8;
    Ok(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_by_hand() {
        // 1, 2, 3: mean 2, standard error 1/√3.
        let i = interval([1.0, 2.0, 3.0].into_iter());
        assert!((i.mean - 2.0).abs() < 1e-12);
        assert!((i.half - 4.303 / 3.0_f64.sqrt()).abs() < 1e-9);
        // Tables: t(9) = 2.262, t(19) = 2.093, t(3) = 3.182.
        for (freedom, expected, within) in [
            (9.0, 2.262, 0.001),
            (19.0, 2.093, 0.001),
            (3.0, 3.182, 0.02),
        ] {
            assert!((quantile(freedom) - expected).abs() < within, "{freedom}");
        }
    }
}
