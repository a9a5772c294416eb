//! What the escrow stores, behind load and save functions. Names in stored records are short: every
//! byte written costs gas.

use cosmwasm_std::{Addr, Order as Direction, StdError, StdResult, Storage};
use cw_storage_plus::{Bound, Item, Map};
use serde::{Deserialize, Serialize};
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::{Limits, Statistics, TradeRecord};
use wattpool_schema::{Digest32, MeterId, Micro, Price, Wh};

use crate::order::Order;

const CONFIG: Item<Config> = Item::new("config");
const BOOK: Item<Book> = Item::new("book");
const BATCH: Item<Vec<Option<String>>> = Item::new("batch");
const ACCOUNTS: Map<&str, Account> = Map::new("a");
const METERS: Map<[u8; 16], MeterBook> = Map::new("m");
const ORDERS: Map<(&[u8], u64), Order> = Map::new("o");
const BY_BUYER: Map<(&[u8], u64), Option<u64>> = Map::new("b");
const BY_SELLER: Map<(&[u8], u64), Option<u64>> = Map::new("s");
/// Only its keys are used: the values are the bytes of `TradeRecord::to_bytes`.
const RECORDS: Map<u64, ()> = Map::new("t");

/// The wiring.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The energy token.
    pub token: Addr,
    /// The energy pool.
    pub pool: Addr,
    /// Denomination of all payments.
    pub denom: String,
    /// Window length in seconds.
    pub window_seconds: u32,
    /// Chain id at instantiation.
    pub chain: String,
}

/// What the contract owes, and the head of the log.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Free money of all accounts.
    #[serde(rename = "a")]
    pub accounts: Micro,
    /// Locked money of all orders.
    #[serde(rename = "l")]
    pub locked: Micro,
    /// Network charges not paid out.
    #[serde(rename = "c")]
    pub charges: Micro,
    /// Number of closed trades.
    #[serde(rename = "t")]
    pub trades: u64,
    /// Head of the hash chain.
    #[serde(rename = "h")]
    pub head: Digest32,
    /// Orders opened so far.
    #[serde(rename = "o")]
    pub orders: u64,
}

/// A money account.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Free to spend and withdraw.
    #[serde(rename = "f")]
    pub free: Micro,
    /// Locked for standing orders.
    #[serde(rename = "l", default, skip_serializing_if = "is_default")]
    pub locked: Micro,
}

/// The owner's limits as a row: trading off, least price to sell at, highest to buy at, money, energy
/// bought, energy sold a day.
type LimitsRow = (
    bool,
    Option<Price>,
    Option<Price>,
    Option<Micro>,
    Option<Wh>,
    Option<Wh>,
);

/// A meter's limits, day counters, orders and statistics.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterBook {
    #[serde(rename = "l", default, skip_serializing_if = "is_default")]
    limits: Option<LimitsRow>,
    /// UTC day (since 1970) of the counters.
    #[serde(rename = "d", default)]
    pub day: u64,
    /// Spent or locked that day.
    #[serde(rename = "m", default, skip_serializing_if = "is_default")]
    pub spent: Micro,
    /// Bought that day.
    #[serde(rename = "b", default, skip_serializing_if = "is_default")]
    pub bought: Wh,
    /// Sold that day.
    #[serde(rename = "s", default, skip_serializing_if = "is_default")]
    pub sold: Wh,
    /// Sales, asked, arrived, missed, purchases, bought, Wh·s.
    #[serde(rename = "t", default, skip_serializing_if = "is_default")]
    statistics: [u64; 7],
    /// Standing orders on the selling side, by rank: buyer and its trade id.
    #[serde(rename = "o", default, skip_serializing_if = "is_default")]
    pub sells: Vec<(MeterId, u64)>,
    /// Standing orders on the buying side, by rank: own trade ids.
    #[serde(rename = "p", default, skip_serializing_if = "is_default")]
    pub buys: Vec<u64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl MeterBook {
    /// The owner's limits.
    pub fn limits(&self) -> Limits {
        let (trading_off, min_sell, max_buy, spend, buy, sell) = self.limits.unwrap_or_default();
        Limits {
            trading_off,
            min_sell_price: min_sell,
            max_buy_price: max_buy,
            max_spend_per_day: spend,
            max_buy_per_day: buy,
            max_sell_per_day: sell,
        }
    }

    /// Replaces the owner's limits.
    pub fn set_limits(&mut self, limits: &Limits) {
        let row = (
            limits.trading_off,
            limits.min_sell_price,
            limits.max_buy_price,
            limits.max_spend_per_day,
            limits.max_buy_per_day,
            limits.max_sell_per_day,
        );
        self.limits = (row != LimitsRow::default()).then_some(row);
    }

    /// The statistics.
    pub fn statistics(&self) -> Statistics {
        let [sales, asked, arrived, missed, purchases, bought, wh_seconds] = self.statistics;
        Statistics {
            sales,
            asked: Wh(asked),
            arrived: Wh(arrived),
            missed: Wh(missed),
            purchases,
            bought: Wh(bought),
            wh_seconds,
        }
    }

    /// Replaces the statistics.
    pub fn set_statistics(&mut self, s: &Statistics) {
        self.statistics = [
            s.sales,
            s.asked.0,
            s.arrived.0,
            s.missed.0,
            s.purchases,
            s.bought.0,
            s.wh_seconds,
        ];
    }
}

/// Stores the wiring.
pub fn save_config(storage: &mut dyn Storage, config: &Config) -> StdResult<()> {
    CONFIG.save(storage, config)
}
/// The wiring.
pub fn config(storage: &dyn Storage) -> StdResult<Config> {
    CONFIG.load(storage)
}

/// The books.
pub fn book(storage: &dyn Storage) -> StdResult<Book> {
    BOOK.load(storage)
}
/// Stores the books.
pub fn save_book(storage: &mut dyn Storage, book: &Book) -> StdResult<()> {
    BOOK.save(storage, book)
}

/// An account; an empty one for who has none.
pub fn account(storage: &dyn Storage, owner: &str) -> StdResult<Account> {
    Ok(ACCOUNTS.may_load(storage, owner)?.unwrap_or_default())
}
/// Stores an account.
pub fn save_account(storage: &mut dyn Storage, owner: &str, account: &Account) -> StdResult<()> {
    ACCOUNTS.save(storage, owner, account)
}

/// A meter's book; an empty one for a meter that never traded.
pub fn meter(storage: &dyn Storage, meter: &MeterId) -> StdResult<MeterBook> {
    Ok(METERS.may_load(storage, meter.0)?.unwrap_or_default())
}
/// Stores a meter's book.
pub fn save_meter(storage: &mut dyn Storage, meter: &MeterId, book: &MeterBook) -> StdResult<()> {
    METERS.save(storage, meter.0, book)
}

/// What a buyer's trade id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Nothing yet.
    Free,
    /// A standing order that is not closed.
    Open,
    /// A closed trade at this place of the log.
    Closed(u64),
}

/// What a buyer's trade id stands for.
pub fn named(storage: &dyn Storage, buyer: &MeterId, trade_id: u64) -> StdResult<Named> {
    Ok(match BY_BUYER.may_load(storage, (&buyer.0, trade_id))? {
        None => Named::Free,
        Some(None) => Named::Open,
        Some(Some(sequence)) => Named::Closed(sequence),
    })
}

/// Whether a seller's nonce is consumed.
pub fn nonce_used(storage: &dyn Storage, seller: &MeterId, nonce: u64) -> bool {
    BY_SELLER.has(storage, (&seller.0, nonce))
}

/// Takes a buyer's trade id and a seller's nonce for an order.
pub fn take_names(
    storage: &mut dyn Storage,
    buyer: &MeterId,
    trade_id: u64,
    seller: &MeterId,
    nonce: u64,
) -> StdResult<()> {
    BY_BUYER.save(storage, (&buyer.0, trade_id), &None)?;
    BY_SELLER.save(storage, (&seller.0, nonce), &None)
}

/// Appends a record to the log under both its names. `bytes` are the record's.
pub fn append_record(
    storage: &mut dyn Storage,
    record: &TradeRecord,
    bytes: &[u8],
) -> StdResult<()> {
    let sequence = Some(record.sequence);
    storage.set(&RECORDS.key(record.sequence), bytes);
    BY_BUYER.save(storage, (&record.buyer.0, record.trade_id), &sequence)?;
    BY_SELLER.save(storage, (&record.seller.0, record.nonce), &sequence)
}

/// A record of the log.
pub fn record(storage: &dyn Storage, sequence: u64) -> StdResult<Option<TradeRecord>> {
    let Some(bytes) = storage.get(&RECORDS.key(sequence)) else {
        return Ok(None);
    };
    TradeRecord::from_bytes(&bytes)
        .map(Some)
        .ok_or_else(|| StdError::generic_err(format!("trade record {sequence} does not decode")))
}

/// Places in the log of a meter's purchases, ascending by trade id.
pub fn purchases<'a>(
    storage: &'a dyn Storage,
    meter: &MeterId,
    start_after: Option<u64>,
) -> impl Iterator<Item = StdResult<u64>> + 'a {
    closed(BY_BUYER, storage, meter, start_after)
}

/// Places in the log of a meter's sales, ascending by nonce.
pub fn sales<'a>(
    storage: &'a dyn Storage,
    meter: &MeterId,
    start_after: Option<u64>,
) -> impl Iterator<Item = StdResult<u64>> + 'a {
    closed(BY_SELLER, storage, meter, start_after)
}

fn closed<'a>(
    index: Map<(&[u8], u64), Option<u64>>,
    storage: &'a dyn Storage,
    meter: &MeterId,
    start_after: Option<u64>,
) -> impl Iterator<Item = StdResult<u64>> + 'a {
    index
        .prefix(&meter.0)
        .range(
            storage,
            start_after.map(Bound::exclusive),
            None,
            Direction::Ascending,
        )
        .filter_map(|entry| entry.map(|(_, sequence)| sequence).transpose())
}

/// A standing order that is not closed.
pub fn order(storage: &dyn Storage, buyer: &MeterId, trade_id: u64) -> Result<Order, MarketError> {
    ORDERS
        .may_load(storage, (&buyer.0, trade_id))?
        .ok_or(MarketError::UnknownTrade { trade_id })
}
/// Stores an order.
pub fn save_order(
    storage: &mut dyn Storage,
    buyer: &MeterId,
    trade_id: u64,
    order: &Order,
) -> StdResult<()> {
    ORDERS.save(storage, (&buyer.0, trade_id), order)
}
/// Forgets a closed order.
pub fn remove_order(storage: &mut dyn Storage, buyer: &MeterId, trade_id: u64) {
    ORDERS.remove(storage, (&buyer.0, trade_id));
}

/// Answers collected by a running batch: the code of a refusal, or none.
pub fn batch(storage: &dyn Storage) -> StdResult<Vec<Option<String>>> {
    BATCH.load(storage)
}
/// Stores the answers of a running batch.
pub fn save_batch(storage: &mut dyn Storage, answers: &Vec<Option<String>>) -> StdResult<()> {
    BATCH.save(storage, answers)
}
/// Ends a batch.
pub fn end_batch(storage: &mut dyn Storage) {
    BATCH.remove(storage);
}
