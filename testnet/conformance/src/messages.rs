//! What people do who play by the rules, with chance in their figures.

use crate::course::{binary, Course, Operation, Then};
use crate::people::{ADMIN, OPERATOR, REGISTRAR, STRANGER};
use crate::record::Part;
use cosmwasm_std::{coins, Uint128};
use wattpool_fixtures::setup::DENOM;
use wattpool_schema::escrow::{
    ExecuteMsg as Escrow, LimitName, LimitsChange, OpenOrder, SettleTrade,
};
use wattpool_schema::pool::{ExecuteMsg as Pool, Tariffs, ZonePairTerms};
use wattpool_schema::token::ExecuteMsg as Token;
use wattpool_schema::{Micro, Ppm, Price, SignedCover, Tariff, TradeKind, Wh};

pub(crate) fn pool(sender: usize, doing: &'static str, msg: &Pool) -> Operation {
    one(sender, doing, Part::Pool, binary(msg))
}

pub(crate) fn escrow(sender: usize, doing: &'static str, msg: &Escrow) -> Operation {
    one(sender, doing, Part::Escrow, binary(msg))
}

pub(crate) fn token(sender: usize, doing: &'static str, msg: &Token) -> Operation {
    one(sender, doing, Part::Token, binary(msg))
}

pub(crate) fn one(
    sender: usize,
    doing: &'static str,
    part: Part,
    msg: cosmwasm_std::Binary,
) -> Operation {
    Operation {
        sender,
        calls: vec![(part, msg, vec![])],
        doing,
        then: Then::Nothing,
    }
}

impl Course {
    pub(crate) fn honest(&mut self) -> Operation {
        match self.chance.below(100) {
            0..=15 => self.states(),
            16..=19 => self.covers(),
            20..=44 => self.settles(),
            45..=49 => self.settles_several(),
            50..=58 => self.opens(),
            59..=72 => self.delivers(),
            73..=75 => self.cancels(),
            76..=79 => self.closes(),
            80..=83 => self.moves_money(),
            84..=86 => self.limits(),
            87..=90 => self.moves_tokens(),
            91..=93 => self.feeds_in(),
            94..=96 => self.rules(),
            _ => self.changes_hands(),
        }
    }

    fn states(&mut self) -> Operation {
        let i = self.home();
        let back = self.chance.below(12).saturating_sub(8);
        let window = self.live().saturating_sub(back.into());
        self.people.homes[i].stated = self.of(i).stated.max(Some(window));
        let wh = if self.chance.once_in(6) {
            0
        } else {
            self.wh() * 3
        };
        let statement = self.statement(i, window, wh);
        self.statements.push(statement.clone());
        let statements = vec![statement];
        pool(self.of(i).agent, "stating", &Pool::State { statements })
    }

    fn covers(&mut self) -> Operation {
        let (i, wh) = (self.home(), self.wh());
        let covers = vec![self.cover(i, self.live(), wh)];
        pool(STRANGER, "covering", &Pool::Cover { covers })
    }

    fn maybe_cover(&mut self, i: usize, wh: u64) -> Option<SignedCover> {
        if self.chance.once_in(5) {
            return None;
        }
        let wh = self.chance.between(wh - wh / 8, wh * 3);
        Some(self.cover(i, self.live(), wh))
    }

    pub(crate) fn trade(&mut self, seller: usize, buyer: usize) -> SettleTrade {
        let (wh, price) = (self.wh(), self.chance.between(0, 300_000));
        let approval = self.approval(seller, buyer, wh, price);
        let take = if self.chance.once_in(3) {
            self.chance.between(1, wh)
        } else {
            wh
        };
        SettleTrade {
            trade_id: self.people.homes[buyer].next(1),
            wh: Wh(take),
            approval: self.sign(seller, approval),
            cover: self.maybe_cover(buyer, take),
        }
    }

    /// Half of the settles state the seller's surplus in the same transaction: else most would find nothing to buy.
    fn settles(&mut self) -> Operation {
        let (seller, buyer) = self.pair();
        let trade = self.trade(seller, buyer);
        let sender = self.of(buyer).agent;
        let mut operation = escrow(
            sender,
            "settling",
            &Escrow::Settle {
                trade: trade.clone(),
            },
        );
        let live = self.live();
        if self.of(seller).stated.is_none_or(|stated| stated < live) && !self.chance.once_in(4) {
            self.people.homes[seller].stated = Some(live);
            let wh = self.chance.between(500, 60_000);
            let statement = self.statement(seller, live, wh);
            self.statements.push(statement.clone());
            let statements = vec![statement];
            operation
                .calls
                .insert(0, (Part::Pool, binary(&Pool::State { statements }), vec![]));
            operation.doing = "stating and settling";
        }
        operation.then = Then::Settled(sender, Box::new(trade));
        operation
    }

    fn settles_several(&mut self) -> Operation {
        let (seller, buyer) = self.pair();
        let mut trades: Vec<SettleTrade> = (0..self.chance.between(1, 4))
            .map(|_| self.trade(seller, buyer))
            .collect();
        if self.chance.once_in(3) {
            trades.push(trades[0].clone());
        }
        let sender = self.of(buyer).agent;
        escrow(sender, "settling a batch", &Escrow::SettleBatch { trades })
    }

    fn opens(&mut self) -> Operation {
        let (seller, buyer) = self.pair();
        let first = self.running().plus(self.chance.below(3));
        let count = u32::try_from(self.chance.between(1, 6)).expect("small");
        let (wh, price) = (self.wh().min(5_000), self.chance.between(0, 300_000));
        let mut approval = self.approval(seller, buyer, wh, price);
        approval.kind = TradeKind::Forward;
        (approval.first_window, approval.count) = (first, count);
        let order = OpenOrder {
            trade_id: self.people.homes[buyer].next(1),
            wh: Wh(self.chance.between(1, wh)),
            approval: self.sign(seller, approval),
        };
        let then = Then::Opened(
            buyer,
            order.trade_id,
            first,
            first.plus(u64::from(count) - 1),
        );
        let mut operation = escrow(
            self.of(buyer).agent,
            "opening an order",
            &Escrow::OpenOrder { order },
        );
        operation.then = then;
        operation
    }

    fn order(&mut self) -> (usize, u64) {
        if self.orders.is_empty() {
            let buyer = self.home();
            return (buyer, 1);
        }
        let i = self.chance.index(self.orders.len());
        let (buyer, id, ..) = self.orders[i];
        (buyer, id)
    }

    fn delivers(&mut self) -> Operation {
        let live = self.live();
        let due: Vec<(usize, u64)> = self
            .orders
            .iter()
            .filter(|(_, _, first, last)| (*first..=*last).contains(&live))
            .map(|(buyer, id, ..)| (*buyer, *id))
            .collect();
        if due.is_empty() {
            return self.settles();
        }
        let (buyer, trade_id) = due[self.chance.index(due.len())];
        let wh = self.wh();
        let msg = Escrow::Deliver {
            buyer: self.of(buyer).meter,
            trade_id,
            cover: self.maybe_cover(buyer, wh),
        };
        escrow(self.of(buyer).agent, "delivering", &msg)
    }

    fn cancels(&mut self) -> Operation {
        let (buyer, trade_id) = self.order();
        let msg = Escrow::CancelOrder {
            buyer: self.of(buyer).meter,
            trade_id,
        };
        escrow(self.of(buyer).owner, "cancelling", &msg)
    }

    fn closes(&mut self) -> Operation {
        let (buyer, trade_id) = self.order();
        let msg = Escrow::CloseOrder {
            buyer: self.of(buyer).meter,
            trade_id,
        };
        escrow(STRANGER, "closing", &msg)
    }

    fn moves_money(&mut self) -> Operation {
        let home = self.home();
        let owner = self.of(home).owner;
        match self.chance.below(5) {
            0..=1 => {
                let amount = self.money().0;
                self.deposit(owner, amount)
            }
            2..=3 => {
                let amount = self.chance.once_in(2).then(|| self.money());
                escrow(owner, "withdrawing", &Escrow::Withdraw { amount })
            }
            _ => escrow(OPERATOR, "taking charges", &Escrow::WithdrawCharges {}),
        }
    }

    fn limits(&mut self) -> Operation {
        let i = self.home();
        let mut maybe = |most: u64| {
            let value = self.chance.between(1, most);
            self.chance.once_in(3).then_some(value)
        };
        let (sell, buy, spend) = (maybe(200_000), maybe(400_000), maybe(1_000_000));
        let (bought, sold) = (maybe(20_000), maybe(20_000));
        let set = LimitsChange {
            trading_off: Some(self.chance.once_in(8)),
            min_sell_price: sell.map(Price),
            max_buy_price: buy.map(Price),
            max_spend_per_day: spend.map(Micro),
            max_buy_per_day: bought.map(Wh),
            max_sell_per_day: sold.map(Wh),
        };
        let meter = self.of(i).meter;
        escrow(
            self.of(i).owner,
            "setting limits",
            &Escrow::SetLimits {
                meter,
                set,
                remove: vec![LimitName::MaxSpendPerDay, LimitName::MaxBuyPerDay],
            },
        )
    }

    fn moves_tokens(&mut self) -> Operation {
        let (a, b) = self.pair();
        let amount = Uint128::from(self.wh());
        let from = self.of(a).owner;
        let recipient = self.people.address(self.of(b).owner);
        match self.chance.below(4) {
            0..=1 => token(from, "transferring", &Token::Transfer { recipient, amount }),
            2 => {
                let spender = self.people.address(STRANGER);
                let expires = None;
                token(
                    from,
                    "allowing",
                    &Token::IncreaseAllowance {
                        spender,
                        amount,
                        expires,
                    },
                )
            }
            _ => {
                let owner = self.people.address(from);
                token(
                    STRANGER,
                    "transferring for another",
                    &Token::TransferFrom {
                        owner,
                        recipient,
                        amount,
                    },
                )
            }
        }
    }

    fn feeds_in(&mut self) -> Operation {
        match self.chance.below(5) {
            0 => {
                let amount = u128::from(self.chance.between(1, 5_000));
                let mut operation = pool(OPERATOR, "funding the reserve", &Pool::FundReserve {});
                operation.calls[0].2 = coins(amount, DENOM);
                operation
            }
            1..=2 => {
                let back = self.chance.between(1, 4);
                let through = self.live().saturating_sub(back.into());
                pool(
                    OPERATOR,
                    "confirming feed-in",
                    &Pool::ConfirmFeedIn { through },
                )
            }
            3 => {
                let amount = Some(Micro(self.chance.between(1, 3_000)));
                pool(
                    OPERATOR,
                    "taking back from the reserve",
                    &Pool::TakeBack { amount },
                )
            }
            _ => {
                let home = self.home();
                let owner = self.people.address(self.of(home).owner);
                let limit = self.chance.once_in(2).then_some(2);
                pool(
                    STRANGER,
                    "claiming feed-in",
                    &Pool::ClaimFeedIn { owner, limit },
                )
            }
        }
    }

    fn rules(&mut self) -> Operation {
        let from_window = self.running().plus(self.chance.between(1, 4));
        match self.chance.below(8) {
            0 => pool(ADMIN, "pausing", &Pool::Pause {}),
            1..=4 => pool(ADMIN, "unpausing", &Pool::Unpause {}),
            5..=6 => {
                let tariffs = Tariffs {
                    import: Tariff(300_000),
                    feed_in: Tariff(if self.chance.once_in(2) {
                        -5_000
                    } else {
                        70_000
                    }),
                };
                let msg = Pool::SetTariffs {
                    from_window,
                    tariffs,
                };
                pool(OPERATOR, "setting tariffs", &msg)
            }
            _ => {
                let (a, b) = self.pair();
                let terms = ZonePairTerms {
                    from: self.of(a).zone,
                    to: self.of(b).zone,
                    loss: Ppm(u32::try_from(self.chance.below(400_000)).expect("small")),
                    charge: Price(self.chance.below(50_000)),
                    capacity: self.chance.once_in(2).then_some(Wh(3_000)),
                };
                let msg = Pool::SetZonePair { from_window, terms };
                pool(OPERATOR, "setting zone terms", &msg)
            }
        }
    }

    /// Meters change hands, or retire and come back, in one transaction.
    fn changes_hands(&mut self) -> Operation {
        let (a, b) = self.pair();
        let (meter, owner, heir) = (self.of(a).meter, self.of(a).owner, self.of(b).owner);
        if self.chance.once_in(3) {
            let registration = self.registration(a);
            let mut operation = pool(REGISTRAR, "retiring", &Pool::RetireMeter { meter });
            if !self.chance.once_in(3) {
                operation.calls.push((
                    Part::Pool,
                    binary(&Pool::RegisterMeter { registration }),
                    vec![],
                ));
            }
            return operation;
        }
        if self.chance.once_in(2) {
            let proposed = Some(self.people.address(heir));
            let msg = Pool::ProposeOwner {
                meter,
                owner: proposed,
            };
            return pool(owner, "proposing an owner", &msg);
        }
        let agent = Some(self.people.agent_key(a).public);
        let mut operation = pool(heir, "taking a meter over", &Pool::AcceptOwner { meter });
        operation
            .calls
            .push((Part::Pool, binary(&Pool::SetAgent { meter, agent }), vec![]));
        operation.then = Then::Owns(a, heir);
        operation
    }
}
