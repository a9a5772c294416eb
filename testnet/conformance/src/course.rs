//! A random sequence of operations of one neighbourhood.

use crate::people::{Home, People, ADMIN, OPERATOR, REGISTRAR, REGULATOR};
use crate::record::Part;
use cosmwasm_std::{coins, to_json_binary, Binary, Coin};
use serde::Serialize;
use wattpool_fixtures::setup::BLOCK_SECONDS;
use wattpool_fixtures::setup::{pair, DENOM};
use wattpool_fixtures::{chance, Chance};
use wattpool_rules::order::first_part;
use wattpool_schema::escrow::SettleTrade;
use wattpool_schema::pool::{MeterKind, Registration, Tariffs};
use wattpool_schema::{
    escrow, pool, token, Commitment, Cover, Micro, Price, Seconds, SignedCover, SignedStatement,
    Statement, Tariff, TradeKind, Wh, Window, RECORD_VERSION,
};
use wattpool_schema::{Approval, SignedApproval};

/// One transaction to be sent.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Index of the sender among the people.
    pub sender: usize,
    /// The calls, in order: contract, message, coins.
    pub calls: Vec<(Part, Binary, Vec<Coin>)>,
    /// What is being tried.
    pub doing: &'static str,
    pub(crate) then: Then,
}

/// What to remember once an operation succeeded.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    Nothing,
    Settled(usize, Box<SettleTrade>),
    Opened(usize, u64, Window, Window),
    Owns(usize, usize),
}

/// Addresses of a market's contracts.
#[derive(Clone, Debug, Default)]
pub struct Contracts {
    /// Energy token.
    pub token: String,
    /// Energy pool.
    pub pool: String,
    /// Trade escrow.
    pub escrow: String,
}

impl Contracts {
    /// Address of a part.
    pub fn of(&self, part: Part) -> &str {
        match part {
            Part::Token => &self.token,
            Part::Pool => &self.pool,
            Part::Escrow => &self.escrow,
        }
    }
}

/// A neighbourhood in the hands of chance.
pub struct Course {
    /// Its people.
    pub people: People,
    /// Its contracts, once they exist.
    pub contracts: Contracts,
    pub(crate) chain: String,
    pub(crate) window_s: u32,
    pub(crate) chance: Chance,
    pub(crate) now: Seconds,
    pub(crate) statements: Vec<SignedStatement>,
    pub(crate) settled: Vec<(usize, SettleTrade)>,
    pub(crate) orders: Vec<(usize, u64, Window, Window)>,
}

impl Course {
    /// The course of a seed on a chain, with windows of so many seconds.
    pub fn new(seed: u64, chain: &str, window_s: u32) -> Self {
        Self {
            people: People::from_seed(seed),
            contracts: Contracts::default(),
            chain: chain.to_owned(),
            window_s,
            chance: chance(seed),
            now: Seconds(0),
            statements: Vec::new(),
            settled: Vec::new(),
            orders: Vec::new(),
        }
    }

    /// What each contract is instantiated with, in this order; token and pool must be known for the later ones.
    pub fn instantiation(&self, part: Part) -> Binary {
        let address = |person| self.people.address(person);
        match part {
            Part::Token => binary(&token::InstantiateMsg {
                name: "Wattpool energy".into(),
                symbol: "KWH".into(),
                window_seconds: self.window_s,
                marketing: None,
            }),
            Part::Pool => binary(&pool::InstantiateMsg {
                admin: address(ADMIN),
                registrar: address(REGISTRAR),
                grid_operator: address(OPERATOR),
                regulator: address(REGULATOR),
                token: self.contracts.token.clone(),
                denom: DENOM.into(),
                window_seconds: self.window_s,
                credit_delay_days: 1,
                halt_seconds: match first_part(self.window_s, self.block_s()) {
                    0 => self.window_s / 2,
                    part => part / 2,
                },
                block_seconds: self.block_s(),
                first_part_seconds: first_part(self.window_s, self.block_s()),
                notice_days: 14,
                tariffs: Tariffs {
                    import: Tariff(300_000),
                    feed_in: Tariff(80_000),
                },
                zone_pairs: vec![
                    pair(0, 0, 0, 0, None),
                    pair(0, 1, 70_000, 10_000, None),
                    pair(1, 0, 70_000, 10_000, None),
                    pair(1, 1, 0, 0, None),
                    pair(0, 2, 20_000, 5_000, Some(700)),
                ],
            }),
            Part::Escrow => binary(&escrow::InstantiateMsg {
                token: self.contracts.token.clone(),
                pool: self.contracts.pool.clone(),
                denom: DENOM.into(),
                window_seconds: self.window_s,
            }),
        }
    }

    /// The operations that a neighbourhood begins with: wiring, registration, deposits.
    pub fn opening(&mut self) -> Vec<Operation> {
        let wire_token = token::ExecuteMsg::Wire {
            pool: self.contracts.pool.clone(),
            escrow: self.contracts.escrow.clone(),
        };
        let wire_pool = pool::ExecuteMsg::Wire {
            escrow: self.contracts.escrow.clone(),
        };
        let mut operations = vec![Operation {
            sender: ADMIN,
            calls: vec![
                (Part::Token, binary(&wire_token), vec![]),
                (Part::Pool, binary(&wire_pool), vec![]),
            ],
            doing: "wiring",
            then: Then::Nothing,
        }];
        let register = (0..self.people.homes.len())
            .map(|i| {
                let registration = self.registration(i);
                let msg = pool::ExecuteMsg::RegisterMeter { registration };
                (Part::Pool, binary(&msg), vec![])
            })
            .collect();
        operations.push(Operation {
            sender: REGISTRAR,
            calls: register,
            doing: "registering",
            then: Then::Nothing,
        });
        for i in 0..self.people.homes.len() {
            operations.push(self.entering(i));
        }
        let mut owners: Vec<usize> = self.people.homes.iter().map(|h| h.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        for owner in owners {
            let amount = self.chance.between(100_000, 9_000_000);
            operations.push(self.deposit(owner, amount));
        }
        operations
    }

    pub(crate) fn deposit(&self, owner: usize, amount: u64) -> Operation {
        let msg = binary(&escrow::ExecuteMsg::Deposit {});
        Operation {
            sender: owner,
            calls: vec![(Part::Escrow, msg, coins(u128::from(amount), DENOM))],
            doing: "depositing",
            then: Then::Nothing,
        }
    }

    /// Longest usual time between two blocks: short windows need quick ones, so that standing orders can be opened.
    fn block_s(&self) -> u32 {
        BLOCK_SECONDS.min(self.window_s / 12).max(1)
    }

    /// An owner names its agent and says that the meter may buy, in one transaction.
    pub(crate) fn entering(&self, i: usize) -> Operation {
        let (meter, agent) = (self.of(i).meter, Some(self.people.agent_key(i).public));
        let limits = escrow::ExecuteMsg::SetLimits {
            meter,
            set: escrow::LimitsChange::default(),
            remove: Vec::new(),
        };
        Operation {
            sender: self.of(i).owner,
            calls: vec![
                (
                    Part::Pool,
                    binary(&pool::ExecuteMsg::SetAgent { meter, agent }),
                    vec![],
                ),
                (Part::Escrow, binary(&limits), vec![]),
            ],
            doing: "entering the market",
            then: Then::Nothing,
        }
    }

    /// The next operation, made for this block time.
    pub fn next(&mut self, now: Seconds) -> Operation {
        self.now = now;
        match self.chance.below(100) {
            0..=79 => self.honest(),
            _ => self.hostile(),
        }
    }

    /// Learns that an operation succeeded.
    pub fn succeeded(&mut self, operation: &Operation) {
        match &operation.then {
            Then::Nothing => {}
            Then::Settled(sender, trade) => self.settled.push((*sender, (**trade).clone())),
            Then::Opened(buyer, id, first, last) => self.orders.push((*buyer, *id, *first, *last)),
            Then::Owns(home, owner) => self.people.homes[*home].owner = *owner,
        }
    }

    pub(crate) fn running(&self) -> Window {
        Window::at(self.now, self.window_s)
    }

    pub(crate) fn live(&self) -> Window {
        self.running().prev()
    }

    pub(crate) fn home(&mut self) -> usize {
        self.chance.index(self.people.homes.len())
    }

    pub(crate) fn pair(&mut self) -> (usize, usize) {
        let n = self.people.homes.len();
        let a = self.home();
        let b = (a + 1 + self.chance.index(n - 1)) % n;
        (a, b)
    }

    pub(crate) fn of(&self, home: usize) -> &Home {
        &self.people.homes[home]
    }

    pub(crate) fn registration(&self, i: usize) -> Registration {
        let home = self.of(i);
        Registration {
            meter: home.meter,
            owner: self.people.address(home.owner),
            device: home.device.public,
            household: None,
            zone: home.zone,
            kind: MeterKind::Pv,
            max_export: Wh(100_000),
            max_import: Wh(100_000),
        }
    }

    pub(crate) fn statement(&mut self, i: usize, window: Window, wh: u64) -> SignedStatement {
        let statement = Statement {
            version: RECORD_VERSION,
            chain: self.chain.clone(),
            pool: self.contracts.pool.clone(),
            meter: self.of(i).meter,
            window,
            sequence: self.people.homes[i].next(0),
            export_wh: Wh(wh),
            commitment: Commitment([u8::try_from(i % 256).unwrap_or(0); 32]),
        };
        let signature = self.of(i).device.sign(&statement.sign_bytes(), true);
        SignedStatement {
            statement,
            signature,
        }
    }

    pub(crate) fn cover(&self, i: usize, window: Window, wh: u64) -> SignedCover {
        let cover = Cover {
            version: RECORD_VERSION,
            chain: self.chain.clone(),
            pool: self.contracts.pool.clone(),
            meter: self.of(i).meter,
            window,
            import_wh: Wh(wh),
        };
        let signature = self.of(i).device.sign(&cover.sign_bytes(), true);
        SignedCover { cover, signature }
    }

    /// An unsigned approval of the live window with a fresh nonce and generous bounds.
    pub(crate) fn approval(
        &mut self,
        seller: usize,
        buyer: usize,
        wh: u64,
        price: u64,
    ) -> Approval {
        Approval {
            version: RECORD_VERSION,
            kind: TradeKind::Spot,
            chain: self.chain.clone(),
            escrow: self.contracts.escrow.clone(),
            seller: self.of(seller).meter,
            buyer: self.of(buyer).meter,
            first_window: self.live(),
            count: 1,
            wh: Wh(wh),
            min_wh: Wh(1),
            price: Price(price),
            max_gross: Wh(wh.saturating_mul(2)),
            max_charge: Price(1_000_000),
            requested_at: self.now.saturating_sub(Seconds(2)),
            expires_at: self.now.saturating_add(Seconds(60)),
            nonce: self.people.homes[seller].next(2),
        }
    }

    pub(crate) fn sign(&self, seller: usize, approval: Approval) -> SignedApproval {
        let signature = self
            .people
            .agent_key(seller)
            .sign(&approval.sign_bytes(), true);
        SignedApproval {
            approval,
            signature,
        }
    }

    /// A spot trade of the live window whose buyer has so much cover.
    pub(crate) fn spot(
        &mut self,
        seller: usize,
        buyer: usize,
        wh: u64,
        covered: u64,
    ) -> SettleTrade {
        let approval = self.approval(seller, buyer, wh, 200_000);
        SettleTrade {
            trade_id: self.people.homes[buyer].next(1),
            wh: Wh(wh),
            approval: self.sign(seller, approval),
            cover: Some(self.cover(buyer, self.live(), covered)),
        }
    }

    /// Money a person may move: from one micro-unit to more than there is.
    pub(crate) fn money(&mut self) -> Micro {
        Micro(self.chance.between(1, 3_000_000))
    }

    /// Energies from one Wh to more than there is.
    pub(crate) fn wh(&mut self) -> u64 {
        match self.chance.below(8) {
            0 => 1,
            1 => self.chance.between(1, 10),
            2..=6 => self.chance.between(10, 2_000),
            _ => self.chance.between(1, 60_000),
        }
    }
}

pub(crate) fn binary(msg: &impl Serialize) -> Binary {
    to_json_binary(msg).expect("messages are JSON")
}
