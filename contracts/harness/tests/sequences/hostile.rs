//! What must never succeed, whoever sends it and whenever.

use crate::world::World;
use cosmwasm_std::{coin, coins, Addr, Uint128};
use cw20::Cw20ReceiveMsg;
use serde::Serialize;
use wattpool_contract_harness::setup::{DENOM, FOREIGN_DENOM};
use wattpool_contract_harness::{code_of, keys};
use wattpool_schema::escrow::{ExecuteMsg as Escrow, Limits, SettleTrade};
use wattpool_schema::pool::{ExecuteMsg as Pool, RedeemMsg};
use wattpool_schema::token::{ExecuteMsg as Token, MintItem, SettleMsg};
use wattpool_schema::{Micro, SignedStatement, Wh};

/// The hook that a cw20 token calls.
#[derive(Serialize, Debug)]
#[serde(rename_all = "snake_case")]
enum Hook {
    Receive(Cw20ReceiveMsg),
}

impl World {
    /// One attempt; panics if it succeeds.
    pub fn hostile(&mut self) {
        match self.chance.below(14) {
            0 => self.replays_statements(),
            1 => self.forges_statements(),
            2 => self.repeats_trades(),
            3 => self.alters_trades(),
            4 => self.forges_approvals(),
            5 => self.sends_for_others(),
            6 => self.plays_contract(),
            7 => self.forges_hooks(),
            8 => self.sends_wrong_coins(),
            9 => self.misspells_addresses(),
            10 => self.steals_with_the_agent_key(),
            11 => self.trades_with_itself(),
            12 => self.gives(),
            _ => self.sends_to_the_market(),
        }
    }

    fn refused<T, E>(&self, result: Result<T, E>, what: &str) {
        assert!(result.is_err(), "{what} succeeded");
    }

    fn answers_refusal(&mut self, statement: SignedStatement, what: &str) {
        let sender = self.market.stranger.clone();
        let msg = Pool::State {
            statements: vec![statement],
        };
        let response = self
            .market
            .pool(&sender, &msg)
            .expect("a batch answers per item");
        assert!(code_of(&response)[0].is_some(), "{what} was taken");
    }

    fn replays_statements(&mut self) {
        self.doing = "replaying a statement";
        if self.statements.is_empty() {
            return;
        }
        let i = self.chance.index(self.statements.len());
        let statement = self.statements[i].clone();
        let meter = statement.statement.meter;
        let position = self.market.meters().into_iter().find(|m| m.meter == meter);
        let stated = position.and_then(|m| m.position.stated);
        // One that was refused at first (too high, meter retired) may have become good: not a replay.
        if stated == Some(statement.statement.window) {
            self.answers_refusal(statement, "a replayed statement");
        }
    }

    fn forges_statements(&mut self) {
        self.doing = "forging a statement";
        let (a, b) = self.pair();
        let live = self.market.live();
        let honest = self.market.statement(a, live, 500);
        let mut forged = honest.clone();
        match self.chance.below(6) {
            0 => forged.statement.export_wh = Wh(501),
            1 => forged.statement.sequence += 1,
            2 => forged.signature = self.market.statement(b, live, 500).signature,
            3 => forged.statement.chain = "another-chain".into(),
            4 => forged.statement.pool = self.market.escrow.to_string(),
            _ => forged = self.market.statement(a, live.plus(1), 500),
        }
        self.answers_refusal(forged, "a forged statement");
    }

    fn repeats_trades(&mut self) {
        self.doing = "repeating a trade";
        if self.settled.is_empty() {
            return;
        }
        let i = self.chance.index(self.settled.len());
        let (sender, trade) = self.settled[i].clone();
        let closed = self.market.watch.closed;
        self.escrow(
            &sender,
            &Escrow::Settle {
                trade: trade.clone(),
            },
        )
        .expect("the same trade again succeeds");
        assert_eq!(self.market.watch.closed, closed, "a trade was closed twice");
        // The approval under another id: its nonce is consumed.
        let buyer = self.home_of(trade.approval.approval.buyer);
        let trade_id = self.market.homes[buyer].next_trade_id();
        let again = SettleTrade { trade_id, ..trade };
        let result = self.escrow(&sender, &Escrow::Settle { trade: again });
        self.refused(result, "a consumed approval");
    }

    fn alters_trades(&mut self) {
        self.doing = "altering a trade";
        let (seller, buyer) = self.pair();
        let mut trade = self.trade(seller, buyer);
        let approval = &mut trade.approval.approval;
        match self.chance.below(8) {
            0 => approval.price.0 = approval.price.0.saturating_sub(1).max(1) + 1_000_000,
            1 => approval.wh.0 += 1,
            2 => approval.nonce += 1,
            3 => approval.expires_at.0 += 1,
            4 => approval.max_gross.0 += 1,
            5 => trade.wh = Wh(approval.wh.0 + 1),
            6 => trade.wh = Wh(0),
            _ => trade.approval.signature.0[7] ^= 1,
        }
        let sender = self.market.homes[buyer].agent_address.clone();
        let result = self.escrow(&sender, &Escrow::Settle { trade });
        self.refused(result, "an altered trade");
    }

    fn forges_approvals(&mut self) {
        self.doing = "forging an approval";
        let (seller, buyer) = self.pair();
        let mut trade = self.trade(seller, buyer);
        let bytes = trade.approval.approval.sign_bytes();
        let thief = keys::AgentSigner::from_seed(9_999);
        trade.approval.signature = thief.sign(&bytes, self.market.real_signatures);
        let sender = self.market.homes[buyer].agent_address.clone();
        let result = self.escrow(&sender, &Escrow::Settle { trade });
        self.refused(result, "a forged approval");
    }

    fn sends_for_others(&mut self) {
        self.doing = "sending for others";
        let (seller, buyer) = self.pair();
        let trade = self.trade(seller, buyer);
        for sender in [
            self.market.homes[seller].agent_address.clone(),
            self.market.homes[buyer].owner.clone(),
            self.market.stranger.clone(),
        ] {
            let result = self.escrow(
                &sender,
                &Escrow::Settle {
                    trade: trade.clone(),
                },
            );
            self.refused(result, "another's settle");
        }
    }

    /// Calls that only the market's contracts may make.
    fn plays_contract(&mut self) {
        self.doing = "playing contract";
        let (a, b) = self.pair();
        let (seller, buyer) = (self.market.homes[a].meter, self.market.homes[b].meter);
        let (from, to) = (
            self.market.homes[a].owner.to_string(),
            self.market.homes[b].owner.to_string(),
        );
        let window = self.market.live();
        let agent = self.market.homes[b].agent_address.clone();
        for sender in [
            agent,
            self.market.admin.clone(),
            self.market.operator.clone(),
        ] {
            let redeem = RedeemMsg {
                window,
                trade_id: 1,
                seller,
                buyer,
                gross: Wh(1),
                net: Wh(1),
                paid: Micro(0),
                cover: None,
            };
            let result = self.market.pool(&sender, &Pool::Redeem { redeem });
            self.refused(result, "a redemption");
            let trade = SettleMsg {
                window,
                trade_id: 1,
                seller,
                buyer,
                from: from.clone(),
                to: to.clone(),
                gross: Wh(1),
                net: Wh(1),
            };
            let result = self.market.token(&sender, &Token::Settle { trade });
            self.refused(result, "a token settle");
            let items = vec![MintItem {
                meter: seller,
                owner: to.clone(),
                wh: Wh(1),
            }];
            let result = self
                .market
                .token(&sender, &Token::MintSurplus { window, items });
            self.refused(result, "minting");
            let trade = self.trade(a, b);
            let item = Escrow::SettleItem {
                sender: sender.to_string(),
                trade,
            };
            let result = self.escrow(&sender, &item);
            self.refused(result, "an item by itself");
        }
    }

    fn forges_hooks(&mut self) {
        self.doing = "forging a hook";
        let owner = self.home();
        let hook = Hook::Receive(Cw20ReceiveMsg {
            sender: self.market.homes[owner].owner.to_string(),
            amount: Uint128::new(1_000_000),
            msg: self.nonsense(),
        });
        let stranger = self.market.stranger.clone();
        for contract in [
            self.market.escrow.clone(),
            self.market.pool.clone(),
            self.market.token.clone(),
        ] {
            let result = self.market.send(&stranger, &contract, &hook, &[]);
            self.refused(result, "a forged hook");
        }
    }

    fn sends_wrong_coins(&mut self) {
        self.doing = "sending wrong coins";
        let stranger = self.market.stranger.clone();
        let escrow = self.market.escrow.clone();
        let pool = self.market.pool.clone();
        for funds in [
            vec![],
            coins(5, FOREIGN_DENOM),
            vec![coin(5, DENOM), coin(5, FOREIGN_DENOM)],
        ] {
            let result = self
                .market
                .send(&stranger, &escrow, &Escrow::Deposit {}, &funds);
            self.refused(result, "a deposit of other coins");
            let result = self
                .market
                .send(&stranger, &pool, &Pool::FundReserve {}, &funds);
            self.refused(result, "funding with other coins");
        }
        let (seller, buyer) = self.pair();
        let trade = self.trade(seller, buyer);
        let sender = self.market.homes[buyer].owner.clone();
        let msg = Escrow::Settle { trade };
        let result = self.market.send(&sender, &escrow, &msg, &coins(1, DENOM));
        self.refused(result, "a settle with coins");
    }

    fn misspells_addresses(&mut self) {
        self.doing = "misspelling an address";
        let i = self.home();
        let (meter, owner) = (
            self.market.homes[i].meter,
            self.market.homes[i].owner.clone(),
        );
        let foreign = cw_multi_test::MockApiBech32::new("cosmos").addr_make("somebody");
        for bad in [
            owner.as_str().to_uppercase(),
            foreign.to_string(),
            String::new(),
        ] {
            let to = Some(bad.clone());
            let result = self
                .market
                .pool(&owner, &Pool::ProposeOwner { meter, owner: to });
            self.refused(result, "a misspelt owner");
            let msg = Token::Transfer {
                recipient: bad.clone(),
                amount: Uint128::one(),
            };
            let result = self.market.token(&owner, &msg);
            self.refused(result, "a misspelt recipient");
        }
        // An account in capitals is nobody's.
        let capitals = Addr::unchecked(owner.as_str().to_uppercase());
        let result = self.escrow(&capitals, &Escrow::Withdraw { amount: None });
        self.refused(result, "a withdrawal in capitals");
    }

    /// Who holds the agent's key can neither take money out nor loosen the limits.
    fn steals_with_the_agent_key(&mut self) {
        self.doing = "stealing with the agent's key";
        let i = self.home();
        let meter = self.market.homes[i].meter;
        let thief = self.market.homes[i].agent_address.clone();
        let result = self.escrow(&thief, &Escrow::Withdraw { amount: None });
        self.refused(result, "the agent's withdrawal");
        let limits = Limits::default();
        let result = self.escrow(&thief, &Escrow::SetLimits { meter, limits });
        self.refused(result, "the agent's own limits");
        let agent = Some(self.market.homes[i].agent.public);
        let result = self.market.pool(&thief, &Pool::SetAgent { meter, agent });
        self.refused(result, "an agent named by the agent");
        let owner = Some(thief.to_string());
        let result = self
            .market
            .pool(&thief, &Pool::ProposeOwner { meter, owner });
        self.refused(result, "the agent's handing over");
        let result = self.escrow(&thief, &Escrow::WithdrawCharges {});
        self.refused(result, "the operator's charges");
    }

    fn trades_with_itself(&mut self) {
        self.doing = "trading with itself";
        let i = self.home();
        let trade = self.trade(i, i);
        let sender = self.market.homes[i].agent_address.clone();
        let result = self.escrow(&sender, &Escrow::Settle { trade });
        self.refused(result, "a trade of a meter with itself");
    }

    /// Coins without a message change nobody's account.
    fn gives(&mut self) {
        self.doing = "giving";
        let to = [&self.market.escrow, &self.market.pool, &self.market.token][self.chance.index(3)]
            .clone();
        let amount = self.chance.between(1, 100);
        self.market.gift(&to, amount);
    }

    fn sends_to_the_market(&mut self) {
        self.doing = "sending tokens to the market";
        let i = self.home();
        let owner = self.market.homes[i].owner.clone();
        let amount = Uint128::one();
        let contracts = [&self.market.escrow, &self.market.pool, &self.market.token];
        for contract in contracts.map(ToString::to_string) {
            let msg = self.nonsense();
            for msg in [
                Token::Transfer {
                    recipient: contract.clone(),
                    amount,
                },
                Token::Send {
                    contract: contract.clone(),
                    amount,
                    msg,
                },
            ] {
                let result = self.market.token(&owner, &msg);
                self.refused(result, "energy sent to the market");
            }
        }
        let result = self.market.token(&owner, &Token::Burn { amount });
        self.refused(result, "burning");
    }
}
