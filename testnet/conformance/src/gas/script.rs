//! Every message of the three contracts, once, in a market that is at work.

use super::{Message, Stage, Used};
use crate::course::{binary, Course};
use crate::people::{People, Person, ADMIN, OPERATOR, REGISTRAR, REGULATOR, STRANGER};
use crate::record::Part;
use anyhow::{ensure, Context, Result};
use cosmwasm_std::{coins, Binary, Coin, Uint128};
use serde::Serialize;
use wattpool_fixtures::setup::{pair, DENOM};
use wattpool_schema::cw20::{EmbeddedLogo, Logo};
use wattpool_schema::escrow::{ExecuteMsg as Escrow, LimitsChange, OpenOrder, SettleTrade};
use wattpool_schema::pool::{ExecuteMsg as Pool, HoldReason, Role, Tariffs};
use wattpool_schema::token::{self, ExecuteMsg as Token};
use wattpool_schema::{Micro, Price, Tariff, TradeKind, Wh, Window, Zone};

/// Seconds of a window: enough for what has to happen in one on a busy machine.
pub const WINDOW_S: u32 = 15;
/// Meters that are registered. The first half sells, the second half buys.
pub const METERS: usize = 100;
/// Statements and covers in a full message.
const BATCH: usize = 50;
/// Settles in a batch.
const SETTLES: usize = 10;
/// Registrations in one transaction, where only the meters count.
const TOGETHER: usize = 25;

/// A message and what it took.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Contract and message.
    pub name: String,
    /// Items in it, statements for instance.
    pub items: u64,
    /// Where it was sent.
    pub part: Part,
    /// The transaction's call, for those who measure what surrounds it.
    pub message: Message,
    /// Who sent it.
    pub sender: usize,
    /// What it took.
    pub used: Used,
}

/// A market in the hands of a script.
pub(crate) struct Script<'s, S> {
    pub(crate) stage: &'s mut S,
    pub(crate) market: Course,
    pub(crate) scenes: Vec<Scene>,
}

/// People of a market that a script is played with: of two zones, each meter with an owner of its own.
pub fn people(seed: u64, meters: usize) -> People {
    let zones: Vec<Zone> = (0..meters)
        .map(|i| Zone(u16::from(i >= meters / 2)))
        .collect();
    People::with_homes(seed, &zones, meters)
}

/// Plays what spot trades need: registrations, deposits, statements, covers, settles.
///
/// # Errors
/// A message fails that should not.
pub fn play_trades(stage: &mut impl Stage, seed: u64) -> Result<Vec<Scene>> {
    let mut script = Script::begin(stage, people(seed, METERS))?;
    script.settle_in()?;
    script.trade()?;
    Ok(script.scenes)
}

/// Plays all of it.
///
/// # Errors
/// A message fails that should not.
pub fn play(stage: &mut impl Stage, seed: u64) -> Result<Vec<Scene>> {
    let mut script = Script::begin(stage, people(seed, METERS))?;
    script.settle_in()?;
    script.administer()?;
    script.trade()?;
    script.order()?;
    script.pay()?;
    let mut scenes: Vec<Scene> = Vec::new();
    for scene in script.scenes {
        scenes.retain(|before| before.name != scene.name);
        scenes.push(scene);
    }
    Ok(scenes)
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Pool => "pool",
            Self::Escrow => "escrow",
        }
    }
}

impl<'s, S: Stage> Script<'s, S> {
    /// A market that is wired.
    pub(crate) fn begin(stage: &'s mut S, people: People) -> Result<Self> {
        Self::begin_with(stage, people, WINDOW_S)
    }

    /// A market that is wired, with windows of another length.
    pub(crate) fn begin_with(stage: &'s mut S, people: People, window_s: u32) -> Result<Self> {
        let mut market = Course::new(0, &stage.chain_id(), window_s);
        market.people = people;
        let mut script = Self {
            stage,
            market,
            scenes: Vec::new(),
        };
        let admin = script.person(ADMIN);
        for part in [Part::Token, Part::Pool, Part::Escrow] {
            let msg = match part {
                Part::Token => binary(&token::InstantiateMsg {
                    name: "Wattpool energy".into(),
                    symbol: "KWH".into(),
                    window_seconds: window_s,
                    marketing: Some(admin.address.to_string()),
                }),
                _ => script.market.instantiation(part),
            };
            let (address, used) = script.stage.instantiate(&admin, part, msg.clone())?;
            crate::embedded::set(&mut script.market.contracts, part, address.clone());
            script.scenes.push(Scene {
                name: format!("{} instantiate", part.name()),
                items: 1,
                part,
                message: (address, msg, vec![]),
                sender: ADMIN,
                used,
            });
        }
        let (pool, escrow) = (
            script.market.contracts.pool.clone(),
            script.market.contracts.escrow.clone(),
        );
        let wire = Token::Wire {
            pool,
            escrow: escrow.clone(),
        };
        script.token(ADMIN, "wire", &wire)?;
        script.pool(ADMIN, "wire", &Pool::Wire { escrow })?;
        Ok(script)
    }

    /// Registers all meters and fills the accounts.
    fn settle_in(&mut self) -> Result<()> {
        let meters = self.market.people.homes.len();
        for first in (0..meters - 1).step_by(TOGETHER) {
            let last = (first + TOGETHER).min(meters - 1);
            self.register(first..last)?;
        }
        let registration = self.market.registration(meters - 1);
        let register = Pool::RegisterMeter { registration };
        self.pool(REGISTRAR, "register_meter", &register)?;
        for home in [0, 1, meters / 2, meters / 2 + 1] {
            self.enter(home)?;
            self.deposit(home, 100_000_000)?;
        }
        self.deposit(0, 1_000_000)
    }

    fn person(&self, index: usize) -> Person {
        self.market.people.all[index].clone()
    }

    /// Registers meters in one transaction.
    pub(crate) fn register(&mut self, meters: impl IntoIterator<Item = usize>) -> Result<Used> {
        let register = meters.into_iter().map(|i| {
            let registration = self.market.registration(i);
            let msg = binary(&Pool::RegisterMeter { registration });
            (self.market.contracts.pool.clone(), msg, vec![])
        });
        let register = register.collect();
        self.quietly(REGISTRAR, register)
    }

    /// An owner names its meter's agent and lets the meter buy.
    pub(crate) fn enter(&mut self, home: usize) -> Result<()> {
        let entering = self.market.entering(home);
        let calls = entering
            .calls
            .into_iter()
            .map(|(part, msg, funds)| (self.market.contracts.of(part).to_owned(), msg, funds));
        let calls = calls.collect();
        self.quietly(entering.sender, calls).map(|_| ())
    }

    /// Sends what only prepares.
    pub(crate) fn quietly(&mut self, sender: usize, messages: Vec<Message>) -> Result<Used> {
        let by = self.person(sender);
        self.stage.send(&by, messages)
    }

    fn send(
        &mut self,
        sender: usize,
        part: Part,
        name: &str,
        items: usize,
        msg: &impl Serialize,
        funds: Vec<Coin>,
    ) -> Result<()> {
        let name = format!("{} {name}", part.name());
        let message = (
            self.market.contracts.of(part).to_owned(),
            binary(msg),
            funds,
        );
        let used = self
            .quietly(sender, vec![message.clone()])
            .with_context(|| name.clone())?;
        ensure!(used.refused == 0, "{name}: {} items refused", used.refused);
        self.scenes.push(Scene {
            name,
            items: items as u64,
            part,
            message,
            sender,
            used,
        });
        Ok(())
    }

    fn token(&mut self, sender: usize, name: &str, msg: &Token) -> Result<()> {
        self.send(sender, Part::Token, name, 1, msg, vec![])
    }

    fn pool(&mut self, sender: usize, name: &str, msg: &Pool) -> Result<()> {
        self.send(sender, Part::Pool, name, 1, msg, vec![])
    }

    fn escrow(&mut self, sender: usize, name: &str, msg: &Escrow) -> Result<()> {
        self.send(sender, Part::Escrow, name, 1, msg, vec![])
    }

    pub(crate) fn deposit(&mut self, home: usize, amount: u128) -> Result<()> {
        let owner = self.market.of(home).owner;
        let (msg, funds) = (Escrow::Deposit {}, coins(amount, DENOM));
        self.send(owner, Part::Escrow, "deposit", 1, &msg, funds)
    }

    /// Waits for the beginning of the next window: what was metered in the one that ends can be stated now.
    pub(crate) fn next_window(&mut self) -> Result<Window> {
        let window_s = self.market.window_s;
        let next = Window::at(self.stage.now(), window_s).next();
        self.stage.wait_until(next.start(window_s))?;
        self.market.now = self.stage.now();
        Ok(self.market.live())
    }

    pub(crate) fn buyer(&self, i: usize) -> usize {
        self.market.people.homes.len() / 2 + i
    }

    fn administer(&mut self) -> Result<()> {
        let spare = self.market.people.homes.len() - 1;
        let (meter, owner) = (self.market.of(spare).meter, self.market.of(spare).owner);
        let heir = self.market.of(0).owner;
        let address = self.market.people.address(REGULATOR);
        let admin = Some(address.clone());
        self.pool(ADMIN, "propose_admin", &Pool::ProposeAdmin { admin })?;
        self.pool(REGULATOR, "accept_admin", &Pool::AcceptAdmin {})?;
        let role = Role::Regulator;
        self.pool(REGULATOR, "set_role", &Pool::SetRole { role, address })?;
        self.pool(REGULATOR, "pause", &Pool::Pause {})?;
        self.pool(REGULATOR, "unpause", &Pool::Unpause {})?;
        let update = Pool::UpdateMeter {
            meter,
            zone: Some(Zone(0)),
            kind: None,
            max_export: Some(Wh(90_000)),
            max_import: None,
        };
        self.pool(REGISTRAR, "update_meter", &update)?;
        let device = self.market.of(0).device.public;
        self.pool(REGISTRAR, "set_device", &Pool::SetDevice { meter, device })?;
        let agent = Some(self.market.people.agent_key(spare).public);
        self.pool(owner, "set_agent", &Pool::SetAgent { meter, agent })?;
        let proposed = Some(self.market.people.address(heir));
        let propose = Pool::ProposeOwner {
            meter,
            owner: proposed,
        };
        self.pool(owner, "propose_owner", &propose)?;
        self.pool(heir, "accept_owner", &Pool::AcceptOwner { meter })?;
        // By the registrar it is a notice, to which the owner objects.
        self.pool(REGISTRAR, "retire_meter", &Pool::RetireMeter { meter })?;
        self.pool(heir, "object", &Pool::Object { meter })?;
        let decide = Pool::Decide {
            meter,
            uphold: true,
        };
        self.pool(REGULATOR, "decide", &decide)?;
        let from_window = Window::at(self.stage.now(), WINDOW_S).plus(3);
        let tariffs = Tariffs {
            import: Tariff(300_000),
            feed_in: Tariff(80_000),
        };
        let set = Pool::SetTariffs {
            from_window,
            tariffs,
        };
        self.pool(OPERATOR, "set_tariffs", &set)?;
        let terms = pair(1, 0, 60_000, 9_000, None);
        let set = Pool::SetZonePair { from_window, terms };
        self.pool(OPERATOR, "set_zone_pair", &set)?;
        let (fund, funds) = (Pool::FundReserve {}, coins(1_000_000, DENOM));
        self.send(OPERATOR, Part::Pool, "fund_reserve", 1, &fund, funds)?;
        let take = Pool::TakeBack {
            amount: Some(Micro(1_000)),
        };
        self.pool(OPERATOR, "take_back", &take)?;
        let set = LimitsChange {
            max_buy_price: Some(Price(400_000)),
            max_spend_per_day: Some(Micro(50_000_000)),
            ..LimitsChange::default()
        };
        let remove = Vec::new();
        let buyer = self.buyer(0);
        let (meter, owner) = (self.market.of(buyer).meter, self.market.of(buyer).owner);
        self.escrow(
            owner,
            "set_limits",
            &Escrow::SetLimits { meter, set, remove },
        )?;
        let update = Token::UpdateMarketing {
            project: Some("https://example.org".into()),
            description: Some("Energy of a neighbourhood, by the window".into()),
            marketing: None,
        };
        self.token(ADMIN, "update_marketing", &update)?;
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 192]].concat();
        let logo = Logo::Embedded(EmbeddedLogo::Png(png.into()));
        self.token(ADMIN, "upload_logo (200 bytes)", &Token::UploadLogo(logo))
    }

    /// Statements, covers and spot trades. A window before, so that accounts hold what expires now, as they do in
    /// a market at work.
    fn trade(&mut self) -> Result<()> {
        let live = self.next_window()?;
        self.state_all(live)?;
        let live = self.next_window()?;
        let one = vec![self.market.statement(0, live, 50_000)];
        let agent = self.market.of(0).agent;
        self.pool(agent, "state", &Pool::State { statements: one })?;
        self.state_all(live)?;
        let one = vec![self.market.cover(self.buyer(1), live, 50_000)];
        self.pool(STRANGER, "cover", &Pool::Cover { covers: one })?;
        let covers: Vec<_> = (0..BATCH - 2)
            .map(|i| self.market.cover(self.buyer(i % 40 + 2), live, 40_000))
            .collect();
        let (items, msg) = (covers.len(), Pool::Cover { covers });
        let name = format!("cover ({items} covers)");
        self.send(STRANGER, Part::Pool, &name, items, &msg, vec![])?;
        self.settle("settle, the meters' first trade", 1_000)?;
        self.settle("settle", 2_000)?;
        let trades: Vec<SettleTrade> = (3..).take(SETTLES).map(|i| self.spot(1_000 * i)).collect();
        let agent = self.market.of(self.buyer(0)).agent;
        let (items, msg) = (trades.len(), Escrow::SettleBatch { trades });
        let name = format!("settle_batch ({items} trades)");
        self.send(agent, Part::Escrow, &name, items, &msg, vec![])
    }

    /// The first fifty meters state; those that did already are left out.
    fn state_all(&mut self, live: Window) -> Result<()> {
        let from = usize::from(self.scenes.iter().any(|scene| scene.name == "pool state"));
        let statements: Vec<_> = (from..from + BATCH)
            .map(|i| self.market.statement(i, live, 50_000))
            .collect();
        let (items, msg) = (statements.len(), Pool::State { statements });
        let name = format!("state ({items} statements)");
        self.send(STRANGER, Part::Pool, &name, items, &msg, vec![])
    }

    fn spot(&mut self, covered: u64) -> SettleTrade {
        self.market.now = self.stage.now();
        let buyer = self.buyer(0);
        self.market.spot(0, buyer, 800, covered)
    }

    /// A spot trade with the buyer's cover.
    pub(crate) fn settle(&mut self, name: &str, covered: u64) -> Result<()> {
        let trade = self.spot(covered);
        let agent = self.market.of(self.buyer(0)).agent;
        self.escrow(agent, name, &Escrow::Settle { trade })
    }

    fn order(&mut self) -> Result<()> {
        let (seller, buyer) = (1, self.buyer(1));
        self.market.now = self.stage.now();
        let first = self.market.running();
        let mut ids = [0; 2];
        for (id, windows) in ids.iter_mut().zip([1, 4]) {
            let mut approval = self.market.approval(seller, buyer, 500, 200_000);
            approval.kind = TradeKind::Forward;
            (approval.first_window, approval.count) = (first, windows);
            *id = self.market.people.homes[buyer].next(1);
            let order = OpenOrder {
                trade_id: *id,
                wh: Wh(500),
                approval: self.market.sign(seller, approval),
            };
            let agent = self.market.of(buyer).agent;
            self.escrow(agent, "open_order", &Escrow::OpenOrder { order })?;
        }
        let meter = self.market.of(buyer).meter;
        let live = self.next_window()?;
        let statements = vec![self.market.statement(seller, live, 50_000)];
        let pool = self.market.contracts.pool.clone();
        let state = binary(&Pool::State { statements });
        self.quietly(STRANGER, vec![(pool, state, vec![])])?;
        let deliver = Escrow::Deliver {
            buyer: meter,
            trade_id: ids[0],
            cover: Some(self.market.cover(buyer, live, 600)),
        };
        let agent = self.market.of(buyer).agent;
        self.escrow(agent, "deliver", &deliver)?;
        let cancel = Escrow::CancelOrder {
            buyer: meter,
            trade_id: ids[1],
        };
        let owner = self.market.of(buyer).owner;
        self.escrow(owner, "cancel_order", &cancel)?;
        self.next_window()?;
        let close = Escrow::CloseOrder {
            buyer: meter,
            trade_id: ids[0],
        };
        self.escrow(STRANGER, "close_order", &close)
    }

    fn pay(&mut self) -> Result<()> {
        let live = self.next_window()?;
        let statements = vec![self.market.statement(2, live, 50_000)];
        let state = binary(&Pool::State { statements });
        let pool = self.market.contracts.pool.clone();
        self.quietly(STRANGER, vec![(pool, state, vec![])])?;
        let (owner, amount) = (self.market.of(2).owner, Uint128::new(1_000));
        let recipient = self.market.people.address(self.market.of(3).owner);
        let transfer = Token::Transfer {
            recipient: recipient.clone(),
            amount,
        };
        self.token(owner, "transfer", &transfer)?;
        let spender = self.market.people.address(STRANGER);
        let allow = Token::IncreaseAllowance {
            spender: spender.clone(),
            amount,
            expires: None,
        };
        self.token(owner, "increase_allowance", &allow)?;
        let from = Token::TransferFrom {
            owner: self.market.people.address(owner),
            recipient,
            amount: Uint128::new(400),
        };
        self.token(STRANGER, "transfer_from", &from)?;
        let by = self.person(STRANGER);
        let contract = self.stage.receiver(&by)?;
        let (msg, amount) = (Binary::from(b"{}"), Uint128::new(100));
        let send = Token::Send {
            contract: contract.clone(),
            amount,
            msg: msg.clone(),
        };
        self.token(owner, "send", &send)?;
        let from = Token::SendFrom {
            owner: self.market.people.address(owner),
            contract,
            amount,
            msg,
        };
        self.token(STRANGER, "send_from", &from)?;
        let less = Token::DecreaseAllowance {
            spender,
            amount: Uint128::new(100),
            expires: None,
        };
        self.token(owner, "decrease_allowance", &less)?;
        let through = live.saturating_sub(1.into());
        self.pool(
            OPERATOR,
            "confirm_feed_in",
            &Pool::ConfirmFeedIn { through },
        )?;
        let claim = Pool::ClaimFeedIn {
            owner: self.market.people.address(self.market.of(2).owner),
            limit: None,
        };
        self.pool(STRANGER, "claim_feed_in", &claim)?;
        self.dispute(through)?;
        self.escrow(OPERATOR, "withdraw_charges", &Escrow::WithdrawCharges {})?;
        let withdraw = Escrow::Withdraw {
            amount: Some(Micro(1_000)),
        };
        self.escrow(self.market.of(0).owner, "withdraw", &withdraw)
    }

    /// One hold is claimed, confirmed and struck out, another one released.
    fn dispute(&mut self, through: Window) -> Result<()> {
        let from = through.saturating_sub(9.into());
        let [struck, released] =
            [3, 4].map(|i| self.market.people.address(self.market.of(i).owner));
        let hold = |owner: &String| Pool::HoldCredit {
            owner: owner.clone(),
            from,
            through,
            reason: HoldReason::ReadingsDiffer,
        };
        self.pool(OPERATOR, "hold_credit", &hold(&struck))?;
        let owner = struck.clone();
        let claim = Pool::ClaimFeedIn { owner, limit: None };
        self.pool(STRANGER, "claim_feed_in, set aside", &claim)?;
        let owner = struck.clone();
        self.pool(
            REGULATOR,
            "confirm_hold",
            &Pool::ConfirmHold { owner, from },
        )?;
        let strike = Pool::StrikeOut {
            owner: struck,
            from,
            limit: None,
        };
        self.pool(REGULATOR, "strike_out", &strike)?;
        self.pool(OPERATOR, "hold_credit", &hold(&released))?;
        let owner = released;
        self.pool(OPERATOR, "release_hold", &Pool::ReleaseHold { owner, from })
    }
}
