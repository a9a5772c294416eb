//! What should be refused, whoever sends it and whenever; that both ledgers agree on how is what counts here.

use crate::course::{binary, Course, Operation};
use crate::messages::{escrow, one, pool, token};
use crate::people::{ADMIN, OPERATOR, STRANGER};
use crate::record::Part;
use cosmwasm_std::{coin, coins, Uint128};
use wattpool_fixtures::setup::DENOM;
use wattpool_schema::escrow::{ExecuteMsg as Escrow, SettleTrade};
use wattpool_schema::pool::{ExecuteMsg as Pool, RedeemMsg};
use wattpool_schema::token::{ExecuteMsg as Token, MintItem, SettleMsg};
use wattpool_schema::{Micro, Wh};

impl Course {
    pub(crate) fn hostile(&mut self) -> Operation {
        match self.chance.below(12) {
            0 => self.replays_a_statement(),
            1 => self.forges_a_statement(),
            2 => self.repeats_a_trade(),
            3..=4 => self.alters_a_trade(),
            5 => self.sends_for_another(),
            6 => self.plays_contract(),
            7 => self.sends_wrong_coins(),
            8 => self.misspells(),
            9 => self.sends_to_the_market(),
            10 => self.fails_halfway(),
            _ => self.spends_too_much(),
        }
    }

    fn replays_a_statement(&mut self) -> Operation {
        let Some(i) = self.statements.len().checked_sub(1) else {
            return self.forges_a_statement();
        };
        let statements = vec![self.statements[self.chance.index(i + 1)].clone()];
        pool(
            STRANGER,
            "replaying a statement",
            &Pool::State { statements },
        )
    }

    /// Two statements in one message, the first of them forged.
    fn forges_a_statement(&mut self) -> Operation {
        let (a, b) = self.pair();
        let live = self.live();
        let mut forged = self.statement(a, live, 500);
        match self.chance.below(6) {
            0 => forged.statement.export_wh = Wh(501),
            1 => forged.statement.sequence += 1,
            2 => forged.signature = self.statement(b, live, 500).signature,
            3 => forged.statement.chain = "another-chain".into(),
            4 => forged.statement.pool.clone_from(&self.contracts.escrow),
            _ => forged = self.statement(a, live.plus(1), 500),
        }
        let statements = vec![forged, self.statement(b, live, 700)];
        pool(STRANGER, "forging a statement", &Pool::State { statements })
    }

    fn repeats_a_trade(&mut self) -> Operation {
        let Some(last) = self.settled.len().checked_sub(1) else {
            return self.alters_a_trade();
        };
        let (sender, trade) = self.settled[self.chance.index(last + 1)].clone();
        let trade = match self.chance.below(3) {
            0 => trade,
            1 => SettleTrade {
                trade_id: trade.trade_id + 1_000,
                ..trade
            },
            _ => SettleTrade {
                wh: Wh(trade.wh.0.saturating_sub(1).max(1)),
                ..trade
            },
        };
        escrow(sender, "repeating a trade", &Escrow::Settle { trade })
    }

    fn alters_a_trade(&mut self) -> Operation {
        let (seller, buyer) = self.pair();
        let mut trade = self.trade(seller, buyer);
        let approval = &mut trade.approval.approval;
        match self.chance.below(9) {
            0 => approval.price.0 += 1,
            1 => approval.wh.0 += 1,
            2 => approval.nonce += 1,
            3 => approval.expires_at.0 = approval.requested_at.0,
            4 => approval.max_gross.0 += 1,
            5 => trade.wh = Wh(approval.wh.0 + 1),
            6 => trade.wh = Wh(0),
            7 => approval.version += 1,
            _ => trade.approval.signature.0[7] ^= 1,
        }
        let sender = self.of(buyer).agent;
        escrow(sender, "altering a trade", &Escrow::Settle { trade })
    }

    fn sends_for_another(&mut self) -> Operation {
        let (seller, buyer) = self.pair();
        let trade = self.trade(seller, buyer);
        let sender = [self.of(seller).agent, self.of(buyer).owner, STRANGER][self.chance.index(3)];
        escrow(sender, "sending for another", &Escrow::Settle { trade })
    }

    /// Calls that only the market's contracts may make.
    fn plays_contract(&mut self) -> Operation {
        let (a, b) = self.pair();
        let (seller, buyer) = (self.of(a).meter, self.of(b).meter);
        let (from, to) = (
            self.people.address(self.of(a).owner),
            self.people.address(self.of(b).owner),
        );
        let window = self.live();
        let sender = [self.of(b).agent, ADMIN, OPERATOR][self.chance.index(3)];
        let doing = "playing contract";
        match self.chance.below(4) {
            0 => {
                let redeem = RedeemMsg {
                    window,
                    trade_id: 1,
                    seller,
                    buyer,
                    gross: Wh(1),
                    net: Wh(1),
                    paid: Micro(0),
                    capped_from: None,
                    cover: None,
                };
                pool(sender, doing, &Pool::Redeem { redeem })
            }
            1 => {
                let trade = SettleMsg {
                    window,
                    trade_id: 1,
                    seller,
                    buyer,
                    from,
                    to,
                    gross: Wh(1),
                    net: Wh(1),
                };
                token(sender, doing, &Token::Settle { trade })
            }
            2 => {
                let items = vec![MintItem {
                    meter: seller,
                    owner: to,
                    wh: Wh(1),
                }];
                token(sender, doing, &Token::MintSurplus { window, items })
            }
            _ => {
                let trade = self.trade(a, b);
                let sender_text = self.people.address(sender);
                let msg = Escrow::SettleItem {
                    sender: sender_text,
                    trade,
                };
                escrow(sender, doing, &msg)
            }
        }
    }

    fn sends_wrong_coins(&mut self) -> Operation {
        let home = self.home();
        let owner = self.of(home).owner;
        let funds = match self.chance.below(3) {
            0 => vec![],
            1 => coins(1_000_000_000_000_000, DENOM),
            _ => vec![coin(5, DENOM)],
        };
        let (part, msg) = match self.chance.below(3) {
            0 => (Part::Escrow, binary(&Escrow::Deposit {})),
            1 => (
                Part::Escrow,
                binary(&Escrow::Withdraw {
                    amount: Some(Micro(1)),
                }),
            ),
            _ => (Part::Pool, binary(&Pool::FundReserve {})),
        };
        let mut operation = one(owner, "sending wrong coins", part, msg);
        operation.calls[0].2 = funds;
        operation
    }

    fn misspells(&mut self) -> Operation {
        let (a, b) = self.pair();
        let owner = self.of(a).owner;
        let recipient = match self.chance.below(3) {
            0 => self.people.address(self.of(b).owner).to_uppercase(),
            1 => "watt1nobody".to_owned(),
            _ => String::new(),
        };
        let amount = Uint128::one();
        token(
            owner,
            "misspelling an address",
            &Token::Transfer { recipient, amount },
        )
    }

    fn sends_to_the_market(&mut self) -> Operation {
        let home = self.home();
        let owner = self.of(home).owner;
        let amount = Uint128::one();
        let doing = "sending to the market";
        let contract = [&self.contracts.pool, &self.contracts.escrow][self.chance.index(2)].clone();
        match self.chance.below(4) {
            0 => token(
                owner,
                doing,
                &Token::Transfer {
                    recipient: contract,
                    amount,
                },
            ),
            1 => token(owner, doing, &Token::Burn { amount }),
            2 => {
                let msg = binary(&"nonsense");
                token(
                    owner,
                    doing,
                    &Token::Send {
                        contract,
                        amount,
                        msg,
                    },
                )
            }
            _ => one(owner, "talking nonsense", Part::Escrow, binary(&"nonsense")),
        }
    }

    /// The first message is good, the second is not: neither may take effect.
    fn fails_halfway(&mut self) -> Operation {
        let home = self.home();
        let owner = self.of(home).owner;
        let mut operation = self.deposit(owner, 1_000);
        operation.calls.push((
            Part::Escrow,
            binary(&Escrow::SetLimits {
                meter: wattpool_schema::MeterId([9; 16]),
                set: Default::default(),
                remove: Vec::new(),
            }),
            vec![],
        ));
        operation.doing = "failing halfway";
        operation
    }

    fn spends_too_much(&mut self) -> Operation {
        let home = self.home();
        let owner = self.of(home).owner;
        let amount = Some(Micro(u64::MAX));
        escrow(owner, "withdrawing too much", &Escrow::Withdraw { amount })
    }
}
