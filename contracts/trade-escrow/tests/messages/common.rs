//! A market in the middle of a window, and the trades and orders that the tests begin with.

use cosmwasm_std::Addr;
use cw_multi_test::AppResponse;
use wattpool_fixtures::{code_of, events_of, Market, Setup};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{
    ExecuteMsg, LimitName, LimitsChange, OpenOrder, OrderResponse, QueryMsg, SettleTrade,
};
use wattpool_schema::event::MarketEvent;
use wattpool_schema::pool::ExecuteMsg as Pool;
use wattpool_schema::{Micro, Price, SignedCover, Wh, Window};

/// Money of every home's owner in the escrow.
pub const MONEY: u64 = 10_000_000;
/// What home 0 stated for the live window.
pub const SURPLUS: u64 = 1_000;
/// Sells: zone 0.
pub const SELLER: usize = 0;
/// Buys: zone 0, without loss or charge.
pub const NEAR: usize = 1;
/// Buys: zone 1, 7 % loss, 10,000 charge.
pub const FAR: usize = 2;

/// Owners have deposited, home 0 has stated 1,000 Wh.
pub fn market() -> Market {
    let mut m = Market::new(&Setup::default());
    for i in 0..m.homes.len() {
        let owner = m.homes[i].owner.clone();
        m.deposit(&owner, MONEY).unwrap();
        m.limit(i, generous(), &[]).unwrap();
    }
    m.windows(2);
    m.advance(60);
    let live = m.live();
    m.state(SELLER, live, SURPLUS).unwrap();
    m
}

/// Limits that leave room for any price: what binds by default has tests of its own.
pub fn generous() -> LimitsChange {
    LimitsChange {
        min_sell_price: Some(Price(0)),
        max_buy_price: Some(Price(1_000_000_000)),
        max_spend_per_day: Some(Micro(MONEY * 100)),
        ..LimitsChange::default()
    }
}

/// A trade of `wh` at `price` with a cover of exactly that much.
pub fn trade(m: &mut Market, seller: usize, buyer: usize, wh: u64, price: u64) -> SettleTrade {
    let approval = m.spot(seller, buyer, wh, price);
    SettleTrade {
        trade_id: m.homes[buyer].next_trade_id(),
        wh: Wh(wh),
        approval: m.approve(seller, approval),
        cover: Some(m.cover(buyer, m.live(), wh)),
    }
}

/// Sent by the buyer's agent.
pub fn settle(
    m: &mut Market,
    buyer: usize,
    trade: SettleTrade,
) -> Result<AppResponse, MarketError> {
    let sender = m.homes[buyer].agent_address.clone();
    m.escrow(&sender, &ExecuteMsg::Settle { trade })
}

/// An order of `wh` per window from `first` on.
pub fn order(
    m: &mut Market,
    (seller, buyer): (usize, usize),
    windows: (Window, u32),
    wh: u64,
    price: u64,
) -> OpenOrder {
    let approval = m.forward(seller, buyer, windows, wh, price);
    OpenOrder {
        trade_id: m.homes[buyer].next_trade_id(),
        wh: Wh(wh),
        approval: m.approve(seller, approval),
    }
}

/// Sent by the buyer's agent.
pub fn open(m: &mut Market, buyer: usize, order: OpenOrder) -> Result<AppResponse, MarketError> {
    let sender = m.homes[buyer].agent_address.clone();
    m.escrow(&sender, &ExecuteMsg::OpenOrder { order })
}

/// Opens an order that runs from the running window on; returns its trade id.
pub fn opened(m: &mut Market, seller: usize, buyer: usize, count: u32, wh: u64, price: u64) -> u64 {
    let first = m.running();
    let order = order(m, (seller, buyer), (first, count), wh, price);
    let trade_id = order.trade_id;
    open(m, buyer, order).unwrap();
    trade_id
}

/// Sent by the agent of home `by`.
pub fn deliver(
    m: &mut Market,
    by: usize,
    buyer: usize,
    trade_id: u64,
    cover: Option<SignedCover>,
) -> Result<AppResponse, MarketError> {
    let sender = m.homes[by].agent_address.clone();
    let buyer = m.homes[buyer].meter;
    let msg = ExecuteMsg::Deliver {
        buyer,
        trade_id,
        cover,
    };
    m.escrow(&sender, &msg)
}

/// Cancels or closes.
pub fn close(
    m: &mut Market,
    by: &Addr,
    buyer: usize,
    trade_id: u64,
) -> Result<AppResponse, MarketError> {
    let buyer = m.homes[buyer].meter;
    m.escrow(by, &ExecuteMsg::CloseOrder { buyer, trade_id })
}

/// Cancels.
pub fn cancel(
    m: &mut Market,
    by: &Addr,
    buyer: usize,
    trade_id: u64,
) -> Result<AppResponse, MarketError> {
    let buyer = m.homes[buyer].meter;
    m.escrow(by, &ExecuteMsg::CancelOrder { buyer, trade_id })
}

/// A standing order as it is.
pub fn order_of(m: &Market, buyer: usize, trade_id: u64) -> OrderResponse {
    let buyer = m.homes[buyer].meter;
    m.ask_escrow(&QueryMsg::Order { buyer, trade_id })
}

/// A message of the administrator's.
pub fn pause(m: &mut Market, paused: bool) {
    let admin = m.admin.clone();
    let msg = if paused {
        Pool::Pause {}
    } else {
        Pool::Unpause {}
    };
    m.pool(&admin, &msg).unwrap();
}

/// The one event of a kind among a response's.
pub fn only<T>(response: &AppResponse, pick: fn(MarketEvent) -> Option<T>) -> T {
    let mut found: Vec<T> = events_of(&response.events)
        .into_iter()
        .filter_map(pick)
        .collect();
    assert_eq!(found.len(), 1, "one event of the kind");
    found.remove(0)
}

/// `UNAUTHORIZED` with its data.
pub fn only_the(needs: &str) -> MarketError {
    MarketError::Unauthorized {
        needs: needs.to_owned(),
    }
}

/// Anybody tells the pool what home `i` imported at least in the live window.
pub fn show_cover(m: &mut Market, i: usize, wh: u64) {
    let cover = m.cover(i, m.live(), wh);
    let sender = m.stranger.clone();
    let response = m
        .pool(
            &sender,
            &Pool::Cover {
                covers: vec![cover],
            },
        )
        .unwrap();
    assert_eq!(code_of(&response), [None]);
}

/// Goes into the second half of the first part of the next window; the seller states so much.
pub fn next(m: &mut Market, wh: u64) {
    m.windows(1);
    m.advance(100);
    let live = m.live();
    m.state(SELLER, live, wh).unwrap();
}

/// Closes an ended order of a buyer and tells what of it was declined and missed.
pub fn closed(m: &mut Market, buyer: usize, id: u64) -> (u64, u64) {
    let anyone = m.stranger.clone();
    close(m, &anyone, buyer, id).unwrap();
    m.check_all().unwrap();
    let log = m.log();
    let record = log.last().unwrap();
    (record.declined.0, record.missed.0)
}

/// A market in which only what binds by default binds.
pub fn by_default() -> Market {
    let mut m = market();
    let all = [
        LimitName::MinSellPrice,
        LimitName::MaxBuyPrice,
        LimitName::MaxSpendPerDay,
    ];
    for i in 0..m.homes.len() {
        m.limit(i, LimitsChange::default(), &all).unwrap();
    }
    m
}
