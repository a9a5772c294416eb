//! Whether a trade costs more in a market that has seen many.

use super::script::{people, Script};
use super::Stage;
use crate::course::binary;
use crate::people::{People, Person, OPERATOR, REGISTRAR, STRANGER};
use anyhow::{ensure, Context, Result};
use serde::Serialize;
use wattpool_fixtures::setup::pair;
use wattpool_schema::escrow::{
    ExecuteMsg as Escrow, OpenOrder, SettleTrade, MAX_BATCH, MAX_ORDERS,
};
use wattpool_schema::pool::{ExecuteMsg as Pool, Tariffs};
use wattpool_schema::{Tariff, TradeKind, Wh, Window};

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

/// Measures in a market of ten meters and trades, then fills it up and measures again: after so many changes of terms and owners, and with eight standing
/// orders on both sides, if there are to be changes.
///
/// # Errors
/// A message fails that should not.
pub fn grow(stage: &mut impl Stage, people: People, changes: usize) -> Result<Growth> {
    let many = people.homes.len();
    let mut script = Script::begin(stage, people)?;
    let half = many / 2;
    script.register((0..FEW / 2).chain(half..half + FEW / 2))?;
    script.deposit(0, 1_000)?;
    script.deposit(half, 1_000_000_000)?;
    script.enter(0)?;
    script.enter(half)?;
    script.fill(FEW)?;
    let (few_settle, few_state) = script.sample()?;
    let rest: Vec<usize> = (FEW / 2..half).chain(half + FEW / 2..many).collect();
    for meters in rest.chunks(TOGETHER) {
        script.register(meters.iter().copied())?;
    }
    script.fill(many - FEW)?;
    if changes > 0 {
        script.change(changes)?;
        script.open_all()?;
    }
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

    /// So many changes, each in a window of its own: tariffs, terms between the zones, the seller's maxima, its owner.
    fn change(&mut self, changes: usize) -> Result<()> {
        let (owner, mut heir) = (self.market.of(0).owner, STRANGER);
        let meter = self.market.of(0).meter;
        let pool = self.market.contracts.pool.clone();
        for i in 0..changes {
            self.next_window()?;
            let from_window = self.market.running().plus(2);
            let small = u64::try_from(i % 100)?;
            let mut messages = Vec::new();
            let sender = match i % 4 {
                0 => {
                    let tariffs = Tariffs {
                        import: Tariff(300_000),
                        feed_in: Tariff(10_000 + i64::try_from(small)?),
                    };
                    messages.push(Pool::SetTariffs {
                        from_window,
                        tariffs,
                    });
                    OPERATOR
                }
                1 => {
                    let terms = pair(0, 1, 60_000, 9_000 + small, None);
                    messages.push(Pool::SetZonePair { from_window, terms });
                    OPERATOR
                }
                2 => {
                    messages.push(Pool::UpdateMeter {
                        meter,
                        zone: None,
                        kind: None,
                        max_export: Some(Wh(90_000 + small)),
                        max_import: None,
                    });
                    REGISTRAR
                }
                _ => {
                    let to = Some(self.market.people.address(heir));
                    let propose = Pool::ProposeOwner { meter, owner: to };
                    let by = self.market.of(0).owner;
                    self.quietly(by, vec![(pool.clone(), binary(&propose), vec![])])?;
                    messages.push(Pool::AcceptOwner { meter });
                    self.market.people.homes[0].owner = heir;
                    std::mem::replace(&mut heir, by)
                }
            };
            let messages = messages.iter().map(|m| (pool.clone(), binary(m), vec![]));
            self.quietly(sender, messages.collect())?;
        }
        ensure!(
            self.market.of(0).owner == owner,
            "changes end with the first owner: expected a multiple of 8, found {changes}"
        );
        self.enter(0)?;
        // The tenure of the windows that are traded is the last one again.
        self.next_window()?;
        self.next_window()?;
        Ok(())
    }

    /// As many standing orders as a meter may have, between the seller and the buyer.
    fn open_all(&mut self) -> Result<()> {
        self.market.now = self.stage.now();
        let (first, buyer) = (self.market.running(), self.buyer(0));
        let (escrow, agent) = (
            self.market.contracts.escrow.clone(),
            self.market.of(buyer).agent,
        );
        for _ in 0..MAX_ORDERS {
            let mut approval = self.market.approval(0, buyer, 50, 200_000);
            approval.kind = TradeKind::Forward;
            (approval.first_window, approval.count) = (first, 8);
            let order = OpenOrder {
                trade_id: self.market.people.homes[buyer].next(1),
                wh: Wh(50),
                approval: self.market.sign(0, approval),
            };
            let msg = binary(&Escrow::OpenOrder { order });
            self.quietly(agent, vec![(escrow.clone(), msg, vec![])])?;
        }
        Ok(())
    }
}
