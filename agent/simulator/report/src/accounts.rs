//! The books of a run: energy and money per window, per home and in total.
//!
//! Per home and window: surplus = max(generation − demand, 0), deficit = max(demand − generation, 0);
//! the grid supplies deficit − bought and takes surplus − sold. Only the finished windows count.

use wattpool_scenario::model::{Home, Neighbourhood};
use wattpool_schema::{Seconds, Tariff, Window, Zone};

use crate::ceiling::Ceiling;
use crate::error::MeasureError;
use crate::money::{feed_in_credit, grid_cost};
use crate::outcome::Outcome;

/// Sums of energy, Wh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Energy {
    /// Consumed.
    pub demand: u64,
    /// Generated.
    pub generation: u64,
    /// Generated and consumed in the same home and window.
    pub own_use: u64,
    /// Generated beyond the home's own demand.
    pub surplus: u64,
    /// Demanded beyond the home's own generation.
    pub deficit: u64,
    /// Arrived by trade.
    pub bought: u64,
    /// Given for trades: arrived and lost.
    pub sold_gross: u64,
    /// Supplied by the national grid.
    pub grid_import: u64,
    /// Fed into the national grid.
    pub feed_in: u64,
}

/// Sums of money, micro-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// Paid for trades, network charge included.
    pub spent: i128,
    /// Earned with trades.
    pub earned: i128,
    /// Paid for the grid's supply.
    pub grid_cost: i128,
    /// Credited for feed-in; negative where the feed-in tariff is.
    pub feed_in_credit: i128,
    /// What the whole deficit would have cost from the grid.
    pub grid_cost_without: i128,
    /// What the whole surplus would have earned from the grid.
    pub feed_in_credit_without: i128,
    /// Fees for the messages to the chain.
    pub fees: i128,
}

impl Energy {
    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.demand, other.demand),
            (&mut self.generation, other.generation),
            (&mut self.own_use, other.own_use),
            (&mut self.surplus, other.surplus),
            (&mut self.deficit, other.deficit),
            (&mut self.bought, other.bought),
            (&mut self.sold_gross, other.sold_gross),
            (&mut self.grid_import, other.grid_import),
            (&mut self.feed_in, other.feed_in),
        ];
        for (sum, term) in pairs {
            *sum = sum.saturating_add(term);
        }
    }

    /// Generation used inside the community: own use and what arrived by trade, Wh.
    pub fn locally_used(&self) -> u64 {
        self.own_use.saturating_add(self.bought)
    }

    /// Locally used over demand; `None` without demand.
    pub fn self_sufficiency(&self) -> Option<f64> {
        (self.demand > 0).then(|| self.locally_used() as f64 / self.demand as f64)
    }

    /// Own use over demand; `None` without demand.
    pub fn self_sufficiency_without_trading(&self) -> Option<f64> {
        (self.demand > 0).then(|| self.own_use as f64 / self.demand as f64)
    }
}

impl Money {
    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.spent, other.spent),
            (&mut self.earned, other.earned),
            (&mut self.grid_cost, other.grid_cost),
            (&mut self.feed_in_credit, other.feed_in_credit),
            (&mut self.grid_cost_without, other.grid_cost_without),
            (
                &mut self.feed_in_credit_without,
                other.feed_in_credit_without,
            ),
            (&mut self.fees, other.fees),
        ];
        for (sum, term) in pairs {
            *sum = sum.saturating_add(term);
        }
    }

    /// The bill: grid supply − feed-in + spent − earned + fees, micro-units; negative is income.
    pub fn bill(&self) -> i128 {
        self.grid_cost
            .saturating_sub(self.feed_in_credit)
            .saturating_add(self.spent)
            .saturating_sub(self.earned)
            .saturating_add(self.fees)
    }

    /// What trading brought before fees: sellers' gain and buyers' savings, micro-units.
    pub fn welfare(&self) -> i128 {
        self.prosumer_gain().saturating_add(self.consumer_savings())
    }

    /// What is left of it after fees: the bill without trading less the bill, micro-units.
    pub fn gain(&self) -> i128 {
        self.welfare().saturating_sub(self.fees)
    }

    /// The bill had there been no trading, micro-units.
    pub fn bill_without_trading(&self) -> i128 {
        self.grid_cost_without
            .saturating_sub(self.feed_in_credit_without)
    }

    /// What selling to neighbours brought beyond the feed-in credit it replaced, micro-units.
    pub fn prosumer_gain(&self) -> i128 {
        self.earned.saturating_sub(
            self.feed_in_credit_without
                .saturating_sub(self.feed_in_credit),
        )
    }

    /// What buying from neighbours saved against the grid's price, micro-units.
    pub fn consumer_savings(&self) -> i128 {
        self.grid_cost_without
            .saturating_sub(self.grid_cost)
            .saturating_sub(self.spent)
    }
}

/// One metered window of the whole community.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowAccount {
    /// The window.
    pub window: Window,
    /// Its first second.
    pub start: Seconds,
    /// Energy of all homes.
    pub energy: Energy,
    /// Money of all homes.
    pub money: Money,
    /// The most that could have arrived by trade, Wh.
    pub ceiling_wh: f64,
    /// What could have arrived besides by perfect matching of what was left at the window's end, Wh.
    pub left_over_wh: f64,
    /// Grid purchase tariff, micro-units per kWh.
    pub import_tariff: Tariff,
    /// Feed-in tariff, micro-units per kWh.
    pub feed_in_tariff: Tariff,
    /// Carbon intensity of the national grid, g CO2 per kWh.
    pub carbon_g_per_kwh: f64,
}

impl WindowAccount {
    /// CO2 not emitted because trades replaced grid supply, g.
    pub fn co2_avoided_g(&self) -> f64 {
        let avoided = self.energy.deficit.saturating_sub(self.energy.grid_import);
        avoided as f64 * self.carbon_g_per_kwh / 1_000.0
    }

    /// Mean price per arrived kWh, micro-units; `None` without trade.
    pub fn mean_price(&self) -> Option<f64> {
        (self.energy.bought > 0)
            .then(|| self.money.earned as f64 * 1_000.0 / self.energy.bought as f64)
    }
}

/// One home over all finished windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HomeAccount {
    /// Its energy.
    pub energy: Energy,
    /// Its money.
    pub money: Money,
}

/// All books of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accounts {
    /// Per finished window.
    pub windows: Vec<WindowAccount>,
    /// Per home, in the neighbourhood's order.
    pub homes: Vec<HomeAccount>,
    /// Energy of the community.
    pub energy: Energy,
    /// Money of the community.
    pub money: Money,
    /// Cells whose trades exceed the home's deficit or surplus, one line each. Where readings are wrong or missing this
    /// happens by right: a window that is joined with the ones before it carries their energy, too, and is traded with it.
    pub violations: Vec<String>,
}

/// One home in one window.
struct Cell {
    bought: u32,
    sold_gross: u32,
    spent: u64,
    earned: u64,
    fees: u32,
}

impl Cell {
    fn energy(&self, demand: u32, generation: u32) -> Energy {
        let (surplus, deficit) = (
            generation.saturating_sub(demand),
            demand.saturating_sub(generation),
        );
        Energy {
            demand: demand.into(),
            generation: generation.into(),
            own_use: demand.min(generation).into(),
            surplus: surplus.into(),
            deficit: deficit.into(),
            bought: self.bought.into(),
            sold_gross: self.sold_gross.into(),
            grid_import: deficit.saturating_sub(self.bought).into(),
            feed_in: surplus.saturating_sub(self.sold_gross).into(),
        }
    }

    fn money(&self, energy: &Energy, import: Tariff, feed_in: Tariff) -> Money {
        Money {
            spent: self.spent.into(),
            earned: self.earned.into(),
            grid_cost: grid_cost(energy.grid_import, import),
            feed_in_credit: feed_in_credit(energy.feed_in, feed_in),
            grid_cost_without: grid_cost(energy.deficit, import),
            feed_in_credit_without: feed_in_credit(energy.surplus, feed_in),
            fees: self.fees.into(),
        }
    }
}

/// The home's entry of a row-major column.
fn row<'a, T>(
    column: &'a [T],
    window: usize,
    homes: usize,
    name: &'static str,
) -> Result<&'a [T], MeasureError> {
    let start = window.saturating_mul(homes);
    column
        .get(start..start.saturating_add(homes))
        .ok_or(MeasureError::Column {
            name,
            expected: start.saturating_add(homes),
            found: column.len(),
        })
}

fn series<T: Copy>(values: &[T], window: usize, name: &'static str) -> Result<T, MeasureError> {
    values.get(window).copied().ok_or(MeasureError::Series {
        name,
        expected: window.saturating_add(1),
        found: values.len(),
    })
}

fn violation(home: &Home, window: Window, energy: &Energy) -> Option<String> {
    let (what, traded, limit) = if energy.bought > energy.deficit {
        ("bought", energy.bought, energy.deficit)
    } else if energy.sold_gross > energy.surplus {
        ("sold", energy.sold_gross, energy.surplus)
    } else {
        return None;
    };
    let side = if what == "bought" {
        "deficit"
    } else {
        "surplus"
    };
    Some(format!(
        "window {window}, home {}: {what} {traded} Wh of a {side} of {limit} Wh",
        home.name
    ))
}

/// Energy and money of every home in one window, by its place among the finished ones.
///
/// # Errors
/// The outcome's columns or the neighbourhood's series are too short.
pub fn cells(
    neighbourhood: &Neighbourhood,
    outcome: &Outcome,
    index: usize,
) -> Result<Vec<(Energy, Money)>, MeasureError> {
    let count = neighbourhood.homes.len();
    let import_tariff = series(&neighbourhood.import_tariff, index, "import_tariff")?;
    let feed_in_tariff = series(&neighbourhood.feed_in_tariff, index, "feed_in_tariff")?;
    let columns = row(&outcome.bought_wh, index, count, "bought_wh")?
        .iter()
        .zip(row(&outcome.sold_gross_wh, index, count, "sold_gross_wh")?)
        .zip(row(&outcome.spent, index, count, "spent")?)
        .zip(row(&outcome.earned, index, count, "earned")?)
        .zip(row(&outcome.fees, index, count, "fees")?);
    let homes = neighbourhood.homes.iter().zip(columns);
    homes
        .map(|(home, ((((bought, sold_gross), spent), earned), fees))| {
            let cell = Cell {
                bought: *bought,
                sold_gross: *sold_gross,
                spent: *spent,
                earned: *earned,
                fees: *fees,
            };
            let energy = cell.energy(
                series(&home.demand_wh, index, "demand_wh")?,
                series(&home.generation_wh, index, "generation_wh")?,
            );
            Ok((energy, cell.money(&energy, import_tariff, feed_in_tariff)))
        })
        .collect()
}

/// Closes the books over the finished windows of a run.
pub fn close(neighbourhood: &Neighbourhood, outcome: &Outcome) -> Result<Accounts, MeasureError> {
    if outcome.finished_windows > neighbourhood.windows {
        return Err(MeasureError::Windows {
            finished: outcome.finished_windows,
            planned: neighbourhood.windows,
        });
    }
    let ceiling = Ceiling::new(neighbourhood);
    let zones = neighbourhood
        .homes
        .iter()
        .map(|home| ceiling.zone_index(home.zone))
        .collect::<Result<Vec<_>, _>>()?;
    let count = neighbourhood.homes.len();
    let mut books = Accounts {
        homes: vec![HomeAccount::default(); count],
        ..Accounts::default()
    };
    for index in 0..outcome.finished_windows {
        let window = neighbourhood.first_window.plus(index as u64);
        let import_tariff = series(&neighbourhood.import_tariff, index, "import_tariff")?;
        let feed_in_tariff = series(&neighbourhood.feed_in_tariff, index, "feed_in_tariff")?;
        let carbon_g_per_kwh = series(&neighbourhood.carbon_g_per_kwh, index, "carbon_g_per_kwh")?;
        let (mut energy, mut money) = (Energy::default(), Money::default());
        let zeros = || vec![0u64; ceiling.zones()];
        let (mut surplus, mut deficit) = (zeros(), zeros());
        let (mut unsold, mut unmet) = (zeros(), zeros());
        let homes = neighbourhood
            .homes
            .iter()
            .zip(&zones)
            .zip(books.homes.iter_mut());
        let cells = cells(neighbourhood, outcome, index)?;
        for (((home, zone), account), (in_window, cash)) in homes.zip(cells) {
            books.violations.extend(violation(home, window, &in_window));
            for (sums, wh) in [
                (&mut surplus, in_window.surplus),
                (&mut deficit, in_window.deficit),
                (&mut unsold, in_window.feed_in),
                (&mut unmet, in_window.grid_import),
            ] {
                if let Some(sum) = sums.get_mut(*zone) {
                    *sum = sum.saturating_add(wh);
                }
            }
            for sum in [&mut energy, &mut account.energy] {
                sum.add(&in_window);
            }
            for sum in [&mut money, &mut account.money] {
                sum.add(&cash);
            }
        }
        books.energy.add(&energy);
        books.money.add(&money);
        let carried = outcome
            .carried
            .range((window, Zone(0), Zone(0))..=(window, Zone(u16::MAX), Zone(u16::MAX)));
        let carried: Vec<_> = carried
            .map(|((_, from, to), wh)| (*from, *to, *wh))
            .collect();
        let (tariffs, at_end) = ((import_tariff, feed_in_tariff), (&unsold, &unmet));
        let left_over_wh = if carried.is_empty() {
            ceiling.window(at_end.0, at_end.1, tariffs.0, tariffs.1)?
        } else {
            let left = ceiling.less(carried);
            left.window(at_end.0, at_end.1, tariffs.0, tariffs.1)?
        };
        books.windows.push(WindowAccount {
            window,
            start: window.start(neighbourhood.window_s),
            energy,
            money,
            ceiling_wh: ceiling.window(&surplus, &deficit, import_tariff, feed_in_tariff)?,
            left_over_wh,
            import_tariff,
            feed_in_tariff,
            carbon_g_per_kwh,
        });
    }
    Ok(books)
}
