//! What people do who play by the rules, with chance in their figures.

use crate::world::World;
use cosmwasm_std::{coins, to_json_binary, Uint128};
use wattpool_contract_harness::setup::DENOM;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{ExecuteMsg as Escrow, Limits, OpenOrder, SettleTrade};
use wattpool_schema::pool::{ExecuteMsg as Pool, Tariffs, ZonePairTerms};
use wattpool_schema::token::ExecuteMsg as Token;
use wattpool_schema::{Micro, Ppm, Price, SignedCover, Tariff, Wh, Window};

/// Energies from one Wh to more than there is.
fn wh(world: &mut World) -> u64 {
    match world.chance.below(8) {
        0 => 1,
        1 => world.chance.between(1, 10),
        2..=6 => world.chance.between(10, 2_000),
        _ => world.chance.between(1, 60_000),
    }
}

impl World {
    /// One operation; true if it succeeded.
    pub fn honest(&mut self) -> bool {
        match self.chance.below(100) {
            0..=21 => self.states(),
            22..=26 => self.covers(),
            27..=46 => self.settles(),
            47..=51 => self.settles_several(),
            52..=61 => self.opens(),
            62..=75 => self.delivers(),
            76..=77 => self.cancels(),
            78..=81 => self.closes(),
            82..=85 => self.moves_money(),
            86..=88 => self.limits(),
            89..=92 => self.moves_tokens(),
            93..=94 => self.feeds_in(),
            95..=97 => self.rules(),
            _ => self.changes_hands(),
        }
    }

    fn states(&mut self) -> bool {
        self.doing = "stating";
        let i = self.home();
        let live = self.market.live();
        let skip = self.chance.below(12);
        let late = skip >= 9 && live.0 >= 100;
        let window = if late {
            live.saturating_sub((skip - 8).into())
        } else {
            live
        };
        self.state_export(i, window)
    }

    /// An honest device states each window once.
    fn state_export(&mut self, i: usize, window: Window) -> bool {
        if self.stated[i].is_some_and(|stated| stated >= window) {
            return false;
        }
        let wh = if self.chance.once_in(6) {
            0
        } else {
            wh(self) * 3
        };
        let statement = self.market.statement(i, window, wh);
        self.statements.push(statement.clone());
        self.stated[i] = Some(window);
        let sender = self.market.homes[i].agent_address.clone();
        let msg = Pool::State {
            statements: vec![statement],
        };
        self.market.pool(&sender, &msg).is_ok()
    }

    fn covers(&mut self) -> bool {
        self.doing = "covering";
        let i = self.home();
        let wh = wh(self);
        let cover = self.market.cover(i, self.market.live(), wh);
        let sender = self.market.stranger.clone();
        self.market
            .pool(
                &sender,
                &Pool::Cover {
                    covers: vec![cover],
                },
            )
            .is_ok()
    }

    /// A seller with surplus, if there is one, and another home.
    fn traders(&mut self) -> (usize, usize) {
        for _ in 0..4 {
            let (seller, buyer) = self.pair();
            if self.stated[seller] == Some(self.market.live()) {
                return (seller, buyer);
            }
        }
        let (seller, buyer) = self.pair();
        if !self.chance.once_in(4) {
            self.state_export(seller, self.market.live());
        }
        (seller, buyer)
    }

    fn maybe_cover(&mut self, i: usize, wh: u64) -> Option<SignedCover> {
        if self.chance.once_in(4) {
            return None;
        }
        let wh = self.chance.between(wh / 2, wh * 3);
        Some(self.market.cover(i, self.market.live(), wh))
    }

    /// A spot trade as the buyer's agent would send it.
    pub fn trade(&mut self, seller: usize, buyer: usize) -> SettleTrade {
        let wh = wh(self);
        let price = self.chance.between(0, 300_000);
        let approval = self.market.spot(seller, buyer, wh, price);
        let take = if self.chance.once_in(3) {
            self.chance.between(1, wh)
        } else {
            wh
        };
        SettleTrade {
            trade_id: self.market.homes[buyer].next_trade_id(),
            wh: Wh(take),
            approval: self.market.approve(seller, approval),
            cover: self.maybe_cover(buyer, take),
        }
    }

    fn settles(&mut self) -> bool {
        self.doing = "settling";
        let (seller, buyer) = self.traders();
        let trade = self.trade(seller, buyer);
        let sender = self.market.homes[buyer].agent_address.clone();
        let done = self
            .escrow(
                &sender,
                &Escrow::Settle {
                    trade: trade.clone(),
                },
            )
            .is_ok();
        if done {
            self.settled.push((sender, trade));
        }
        done
    }

    fn settles_several(&mut self) -> bool {
        self.doing = "settling a batch";
        let (seller, buyer) = self.traders();
        let mut trades: Vec<SettleTrade> = (0..self.chance.between(1, 4))
            .map(|_| self.trade(seller, buyer))
            .collect();
        if self.chance.once_in(3) {
            trades.push(trades[0].clone());
        }
        let sender = self.market.homes[buyer].agent_address.clone();
        let count = trades.len();
        let response = self
            .escrow(&sender, &Escrow::SettleBatch { trades })
            .expect("a batch answers per item");
        assert_eq!(wattpool_contract_harness::code_of(&response).len(), count);
        true
    }

    fn opens(&mut self) -> bool {
        self.doing = "opening an order";
        let (seller, buyer) = self.pair();
        let first = self.market.running().plus(self.chance.below(3));
        let count = u32::try_from(self.chance.between(1, 8)).expect("small");
        let (wh, price) = (wh(self).min(5_000), self.chance.between(0, 300_000));
        let approval = self
            .market
            .forward(seller, buyer, (first, count), wh, price);
        let order = OpenOrder {
            trade_id: self.market.homes[buyer].next_trade_id(),
            wh: Wh(self.chance.between(1, wh)),
            approval: self.market.approve(seller, approval),
        };
        let trade_id = order.trade_id;
        let sender = self.market.homes[buyer].agent_address.clone();
        let done = self.escrow(&sender, &Escrow::OpenOrder { order }).is_ok();
        if done {
            self.orders.push((buyer, seller, trade_id));
        }
        done
    }

    /// Mostly recent ones: older ones have ended.
    fn order(&mut self) -> Option<(usize, usize, u64)> {
        if self.orders.is_empty() {
            return None;
        }
        let from = self.orders.len().saturating_sub(6);
        let i = from + self.chance.index(self.orders.len() - from);
        Some(self.orders[i])
    }

    /// One that may deliver now.
    fn due(&mut self) -> Option<(usize, usize, u64)> {
        let live = self.market.live();
        let due: Vec<_> = (0..self.market.homes.len())
            .flat_map(|i| self.market.orders_of(i))
            .filter(|o| (o.first_window..=o.last_window).contains(&live))
            .map(|o| (self.home_of(o.buyer), self.home_of(o.seller), o.trade_id))
            .collect();
        if due.is_empty() {
            return None;
        }
        Some(due[self.chance.index(due.len())])
    }

    fn delivers(&mut self) -> bool {
        self.doing = "delivering";
        let order = if self.chance.once_in(8) {
            self.order()
        } else {
            self.due()
        };
        let Some((buyer, seller, trade_id)) = order else {
            return false;
        };
        if self.chance.once_in(2) {
            self.state_export(seller, self.market.live());
        }
        let side = if self.chance.once_in(2) {
            buyer
        } else {
            seller
        };
        let wh = wh(self);
        let msg = Escrow::Deliver {
            buyer: self.market.homes[buyer].meter,
            trade_id,
            cover: self.maybe_cover(buyer, wh),
        };
        let sender = self.market.homes[side].agent_address.clone();
        self.escrow(&sender, &msg).is_ok()
    }

    fn cancels(&mut self) -> bool {
        self.doing = "cancelling";
        let Some((buyer, seller, trade_id)) = self.order() else {
            return false;
        };
        let side = if self.chance.once_in(2) {
            buyer
        } else {
            seller
        };
        let sender = self.market.homes[side].owner.clone();
        let buyer = self.market.homes[buyer].meter;
        self.escrow(&sender, &Escrow::CancelOrder { buyer, trade_id })
            .is_ok()
    }

    fn closes(&mut self) -> bool {
        self.doing = "closing";
        if self.orders.is_empty() {
            return false;
        }
        let i = self.chance.index(self.orders.len());
        let (buyer, _, trade_id) = self.orders[i];
        let sender = self.market.stranger.clone();
        let buyer = self.market.homes[buyer].meter;
        self.escrow(&sender, &Escrow::CloseOrder { buyer, trade_id })
            .is_ok()
    }

    fn moves_money(&mut self) -> bool {
        self.doing = "moving money";
        let i = self.home();
        let owner = self.market.homes[i].owner.clone();
        let amount = self.chance.between(1, 500_000);
        match self.chance.below(5) {
            0..=2 => self.market.deposit(&owner, amount).is_ok(),
            3 => {
                let amount = Some(Micro(amount));
                self.escrow(&owner, &Escrow::Withdraw { amount }).is_ok()
            }
            _ => {
                let operator = self.market.operator.clone();
                self.escrow(&operator, &Escrow::WithdrawCharges {}).is_ok()
            }
        }
    }

    fn limits(&mut self) -> bool {
        self.doing = "setting limits";
        let i = self.home();
        let mut maybe = |most: u64| {
            let value = self.chance.between(1, most);
            self.chance.once_in(3).then_some(value)
        };
        let (sell, buy, spend) = (maybe(200_000), maybe(400_000), maybe(1_000_000));
        let (bought, sold) = (maybe(20_000), maybe(20_000));
        let limits = Limits {
            trading_off: self.chance.once_in(8),
            min_sell_price: sell.map(Price),
            max_buy_price: buy.map(Price),
            max_spend_per_day: spend.map(Micro),
            max_buy_per_day: bought.map(Wh),
            max_sell_per_day: sold.map(Wh),
        };
        let meter = self.market.homes[i].meter;
        let sender = self.market.homes[i].owner.clone();
        self.escrow(&sender, &Escrow::SetLimits { meter, limits })
            .is_ok()
    }

    fn moves_tokens(&mut self) -> bool {
        self.doing = "moving tokens";
        let (a, b) = self.pair();
        let amount = Uint128::from(wh(self));
        let (from, to) = (
            self.market.homes[a].owner.clone(),
            self.market.homes[b].owner.to_string(),
        );
        let owner = from.to_string();
        match self.chance.below(4) {
            0..=1 => self
                .market
                .token(
                    &from,
                    &Token::Transfer {
                        recipient: to,
                        amount,
                    },
                )
                .is_ok(),
            2 => {
                let spender = self.market.stranger.to_string();
                let expires = None;
                let msg = Token::IncreaseAllowance {
                    spender,
                    amount,
                    expires,
                };
                self.market.token(&from, &msg).is_ok()
            }
            _ => {
                let stranger = self.market.stranger.clone();
                let msg = Token::TransferFrom {
                    owner,
                    recipient: to,
                    amount,
                };
                self.market.token(&stranger, &msg).is_ok()
            }
        }
    }

    fn feeds_in(&mut self) -> bool {
        self.doing = "feeding in";
        let operator = self.market.operator.clone();
        match self.chance.below(4) {
            0 => {
                let pool = self.market.pool.clone();
                let funds = coins(u128::from(self.chance.between(1, 5_000)), DENOM);
                self.market
                    .send(&operator, &pool, &Pool::FundReserve {}, &funds)
                    .is_ok()
            }
            1 => {
                let through = self
                    .market
                    .live()
                    .saturating_sub(self.chance.between(1, 4).into());
                self.market
                    .pool(&operator, &Pool::ConfirmFeedIn { through })
                    .is_ok()
            }
            _ => {
                let i = self.home();
                let owner = self.market.homes[i].owner.to_string();
                let limit = self.chance.once_in(2).then_some(2);
                self.market
                    .pool(&operator, &Pool::ClaimFeedIn { owner, limit })
                    .is_ok()
            }
        }
    }

    fn rules(&mut self) -> bool {
        self.doing = "ruling";
        let (admin, operator) = (self.market.admin.clone(), self.market.operator.clone());
        let from_window = self.market.running().plus(self.chance.between(1, 4));
        match self.chance.below(8) {
            0 => self.market.pool(&admin, &Pool::Pause {}).is_ok(),
            1..=5 => self.market.pool(&admin, &Pool::Unpause {}).is_ok(),
            6 => {
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
                self.market.pool(&operator, &msg).is_ok()
            }
            _ => {
                let (a, b) = self.pair();
                let terms = ZonePairTerms {
                    from: self.market.homes[a].zone,
                    to: self.market.homes[b].zone,
                    loss: Ppm(u32::try_from(self.chance.below(400_000)).expect("small")),
                    charge: Price(self.chance.below(50_000)),
                    capacity: self.chance.once_in(2).then_some(Wh(3_000)),
                };
                self.market
                    .pool(&operator, &Pool::SetZonePair { from_window, terms })
                    .is_ok()
            }
        }
    }

    /// Meters change hands, retire and come back; the new owner names the agent again.
    fn changes_hands(&mut self) -> bool {
        self.doing = "changing hands";
        let (a, b) = self.pair();
        let (meter, owner) = (
            self.market.homes[a].meter,
            self.market.homes[a].owner.clone(),
        );
        let registrar = self.market.registrar.clone();
        let agent = Some(self.market.homes[a].agent.public);
        if self.chance.once_in(3) {
            let retired = self
                .market
                .pool(&owner, &Pool::RetireMeter { meter })
                .is_ok();
            let registration = self.market.homes[a].registration();
            return match self
                .market
                .pool(&registrar, &Pool::RegisterMeter { registration })
            {
                Ok(_) => true,
                Err(refusal) => {
                    assert!(!retired, "a retired meter comes back: {refusal}");
                    refusal == MarketError::MeterExists { meter }
                }
            };
        }
        let heir = self.market.homes[b].owner.clone();
        let owner_text = Some(heir.to_string());
        let propose = Pool::ProposeOwner {
            meter,
            owner: owner_text,
        };
        if self.market.pool(&owner, &propose).is_err() {
            return false;
        }
        if self
            .market
            .pool(&heir, &Pool::AcceptOwner { meter })
            .is_err()
        {
            return false;
        }
        self.market.homes[a].owner = heir.clone();
        self.market
            .pool(&heir, &Pool::SetAgent { meter, agent })
            .is_ok()
    }

    /// For those who need bytes that mean nothing.
    pub fn nonsense(&self) -> cosmwasm_std::Binary {
        to_json_binary("nonsense").expect("text is JSON")
    }
}
