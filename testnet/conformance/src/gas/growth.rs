//! Whether a trade costs more in a market that has seen many.

use super::script::{people, Script};
use super::Stage;
use crate::course::binary;
use crate::people::{People, Person, STRANGER};
use anyhow::{ensure, Context, Result};
use serde::Serialize;
use wattpool_schema::escrow::{ExecuteMsg as Escrow, SettleTrade, MAX_BATCH};
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::Window;

/// Meters and trades of the market that has hardly begun.
pub const FEW: usize = 10;
/// Registrations in one transaction.
const TOGETHER: usize = 40;

/// A settle and a statement at two sizes of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// Meters, and trades, of the large market; the small one has [`FEW`].
    pub many: usize,
    /// Gas of a settle in the small and the large one.
    pub settle: [u64; 2],
    /// Gas of a statement alone in the small and the large one.
    pub state: [u64; 2],
}

/// The people of a market of that many meters, and those of them who pay for transactions.
pub fn cast(seed: u64, many: usize) -> (People, Vec<Person>) {
    let people = people(seed, many);
    let buyer = &people.homes[many / 2];
    let senders = (0..=STRANGER).chain([people.homes[0].owner, buyer.owner, buyer.agent]);
    let senders = senders.map(|i| people.all[i].clone()).collect();
    (people, senders)
}

/// Measures in a market of ten meters and trades, then fills it up and measures again.
///
/// # Errors
/// A message fails that should not.
pub fn grow(stage: &mut impl Stage, people: People) -> Result<Growth> {
    let many = people.homes.len();
    let mut script = Script::begin(stage, people)?;
    let half = many / 2;
    script.register((0..FEW / 2).chain(half..half + FEW / 2))?;
    script.deposit(0, 1_000)?;
    script.deposit(half, 1_000_000_000)?;
    script.fill(FEW)?;
    let (few_settle, few_state) = script.sample()?;
    let rest: Vec<usize> = (FEW / 2..half).chain(half + FEW / 2..many).collect();
    for meters in rest.chunks(TOGETHER) {
        script.register(meters.iter().copied())?;
    }
    script.fill(many - FEW)?;
    let (settle, state) = script.sample()?;
    Ok(Growth {
        many,
        settle: [few_settle, settle],
        state: [few_state, state],
    })
}

impl<S: Stage> Script<'_, S> {
    /// A statement and a settle in a new window.
    fn sample(&mut self) -> Result<(u64, u64)> {
        self.state_now()?;
        // The first trade of a window turns its records over, as the statement did for the account.
        self.trades(1)?;
        self.settle("settle", 60_000)?;
        let state = self.state_now()?;
        let settle = self.scenes.last().context("a settle")?.used.gas;
        Ok((settle, state))
    }

    /// States the seller's surplus in the next window.
    fn state_now(&mut self) -> Result<u64> {
        let live = self.next_window()?;
        let statements = vec![self.market.statement(0, live, 60_000)];
        let state = binary(&Pool::State { statements });
        let pool = self.market.contracts.pool.clone();
        Ok(self.quietly(STRANGER, vec![(pool, state, vec![])])?.gas)
    }

    /// So many small trades, in full batches.
    fn fill(&mut self, mut trades: usize) -> Result<()> {
        let (mut stated, mut empty) = (None, 0);
        while trades > 0 {
            let live = Window::at(self.stage.now(), super::WINDOW_S).prev();
            if stated != Some(live) {
                self.state_now()?;
                stated = Some(self.market.live());
            }
            let batch = trades.min(usize::try_from(MAX_BATCH)?);
            let closed = self.trades(batch)?;
            trades -= closed;
            // A batch that comes after its window's end closes nothing; the next one is in time.
            empty = if closed == 0 { empty + 1 } else { 0 };
            ensure!(empty < 3, "three batches in a row closed no trade");
        }
        Ok(())
    }

    /// A batch of trades; tells how many were closed: those that came after the window's end were not.
    fn trades(&mut self, count: usize) -> Result<usize> {
        self.market.now = self.stage.now();
        let buyer = self.buyer(0);
        let trades: Vec<SettleTrade> = (0..count)
            .map(|_| self.market.spot(0, buyer, 2, 50_000))
            .collect();
        let (escrow, agent) = (
            self.market.contracts.escrow.clone(),
            self.market.of(buyer).agent,
        );
        let msg = binary(&Escrow::SettleBatch { trades });
        let used = self.quietly(agent, vec![(escrow, msg, vec![])])?;
        Ok(count.saturating_sub(used.refused))
    }
}
