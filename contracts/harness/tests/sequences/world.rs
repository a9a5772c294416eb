//! The people of a sequence, what they remember, and what must hold of their successes.

use cosmwasm_std::Addr;
use cw_multi_test::AppResponse;
use wattpool_contract_harness::Chance;
use wattpool_contract_harness::{events_of, Market, Setup};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg, SettleTrade};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::{pool, MeterId, SignedStatement, TradeKind, Window, Zone};

/// A market in the hands of chance.
pub struct World {
    /// The market.
    pub market: Market,
    /// Chance.
    pub chance: Chance,
    /// Statements made so far, for replays.
    pub statements: Vec<SignedStatement>,
    /// Settled trades and their senders, for repetitions.
    pub settled: Vec<(Addr, SettleTrade)>,
    /// Orders opened: buyer's and seller's home, trade id.
    pub orders: Vec<(usize, usize, u64)>,
    /// Highest window that each home has stated.
    pub stated: Vec<Option<Window>>,
    /// What is being done.
    pub doing: &'static str,
}

impl World {
    /// Homes with money at the start of a window, all from a seed.
    pub fn new(seed: u64, real_signatures: bool) -> Self {
        let mut chance = Chance::new(seed);
        let setup = Setup {
            real_signatures,
            homes: vec![Zone(0), Zone(0), Zone(1), Zone(1), Zone(2), Zone(0)],
            // Fewer owners than homes now and then: trades within one owner's hands.
            owners: chance.between(3, 6) as usize,
            credit_delay_days: 1,
            ..Setup::default()
        };
        let mut market = Market::new(&setup);
        for i in 0..market.homes.len() {
            let owner = market.homes[i].owner.clone();
            let amount = chance.between(1_000, 2_000_000);
            market.deposit(&owner, amount).expect("owners have coins");
        }
        let homes = market.homes.len();
        market.windows(2);
        Self {
            market,
            chance,
            statements: Vec::new(),
            settled: Vec::new(),
            orders: Vec::new(),
            stated: vec![None; homes],
            doing: "nothing",
        }
    }

    /// One random operation; true if a message succeeded or time passed.
    pub fn step(&mut self) -> bool {
        match self.chance.below(100) {
            0..=11 => self.pass_time(),
            12..=83 => self.honest(),
            _ => {
                self.hostile();
                true
            }
        }
    }

    fn pass_time(&mut self) -> bool {
        self.doing = "passing time";
        match self.chance.below(10) {
            0..=4 => {
                let seconds = self.chance.between(5, 300);
                self.market.advance(seconds);
            }
            5..=7 => self.market.windows(1),
            8 => {
                let seconds = self.chance.between(200, 2_000);
                self.market.halt(seconds);
            }
            _ => {
                let n = self.chance.between(2, 120);
                self.market.windows(n);
            }
        }
        true
    }

    /// A random home.
    pub fn home(&mut self) -> usize {
        let homes = self.market.homes.len();
        self.chance.index(homes)
    }

    /// Two different random homes.
    pub fn pair(&mut self) -> (usize, usize) {
        let a = self.home();
        let b = (a + 1 + self.chance.index(self.market.homes.len() - 1)) % self.market.homes.len();
        (a, b)
    }

    /// Which home a meter is.
    pub fn home_of(&self, meter: MeterId) -> usize {
        let found = self.market.homes.iter().position(|h| h.meter == meter);
        found.expect("only homes trade")
    }

    /// Sends to the escrow; a success must respect the owners' limits.
    pub fn escrow(&mut self, sender: &Addr, msg: &ExecuteMsg) -> Result<AppResponse, MarketError> {
        let response = self.market.escrow(sender, msg)?;
        self.check_limits(&events_of(&response.events));
        Ok(response)
    }

    /// Invariant 8: whatever an agent brought about is within both owners' limits.
    fn check_limits(&self, events: &[MarketEvent]) {
        for event in events {
            let (seller, buyer, price) = match event {
                MarketEvent::OrderOpened(e) => (e.seller, e.buyer, e.price),
                MarketEvent::TradeClosed(e) if e.kind == TradeKind::Spot => {
                    (e.seller, e.buyer, e.price)
                }
                _ => continue,
            };
            let book = self.market.book_of(self.home_of(seller));
            assert!(!book.limits.trading_off, "{event:?}");
            assert!(
                book.limits.min_sell_price.is_none_or(|l| price >= l),
                "{event:?}"
            );
            assert!(
                book.limits
                    .max_sell_per_day
                    .is_none_or(|l| book.sold_today <= l),
                "{event:?}"
            );
            let book = self.market.book_of(self.home_of(buyer));
            assert!(!book.limits.trading_off, "{event:?}");
            assert!(
                book.limits.max_buy_price.is_none_or(|l| price <= l),
                "{event:?}"
            );
            assert!(
                book.limits
                    .max_buy_per_day
                    .is_none_or(|l| book.bought_today <= l),
                "{event:?}"
            );
            assert!(
                book.limits
                    .max_spend_per_day
                    .is_none_or(|l| book.spent_today <= l),
                "{event:?}"
            );
        }
    }

    /// Ends the sequence: time passes, every order is closed by a stranger, everybody takes their money out
    /// and claims feed-in, and nothing but gifts remains.
    pub fn finish(&mut self) {
        self.doing = "finishing";
        let (admin, operator) = (self.market.admin.clone(), self.market.operator.clone());
        self.market.windows(200);
        let stranger = self.market.stranger.clone();
        for i in 0..self.market.homes.len() {
            for order in self.market.orders_of(i) {
                let (buyer, trade_id) = (order.buyer, order.trade_id);
                self.escrow(&stranger, &ExecuteMsg::CloseOrder { buyer, trade_id })
                    .expect("an ended order closes, whoever sends it");
            }
        }
        for owner in self.market.watch.accounts.clone() {
            let owner = Addr::unchecked(owner);
            let (free, locked) = self.market.money(&owner);
            assert!(locked.is_zero(), "{locked} locked without an order");
            if !free.is_zero() {
                self.escrow(&owner, &ExecuteMsg::Withdraw { amount: None })
                    .expect("free money goes out at any time");
            }
        }
        // Already paused or not: the operator's charges come out as well.
        let _ = self.escrow(&operator, &ExecuteMsg::WithdrawCharges {});
        let escrow = self.market.escrow.clone();
        let gifts = self.market.watch.gifts.get(escrow.as_str()).copied();
        assert_eq!(self.market.bank(&escrow), gifts.unwrap_or_default());
        let _ = self.market.pool(&admin, &pool::ExecuteMsg::Unpause {});
        for owner in self.market.holders() {
            let msg = pool::ExecuteMsg::ClaimFeedIn {
                owner,
                limit: Some(100),
            };
            let _ = self.market.pool(&stranger, &msg);
        }
        if let Err(violation) = self.market.check_all() {
            panic!("at the end: {violation}");
        }
    }
}
