//! What the escrow stores, behind load and save functions: binary records under short keys, for every
//! byte written costs gas. A key is its kind's letter, then whatever names the record.

use cosmwasm_std::{Addr, Order as Direction, StdResult, Storage};
use wattpool_contract_common::keys;
use wattpool_contract_common::records::{load, must, read, save};
use wattpool_contract_common::Holder;
use wattpool_schema::error::MarketError;
use wattpool_schema::escrow::TradeRecord;
use wattpool_schema::packed::packed;
use wattpool_schema::stored::escrow::{self as stored, numbered, BY_BUYER, BY_SELLER};
pub use wattpool_schema::stored::escrow::{MeterBook, Promises};
use wattpool_schema::{Digest32, MeterId, Micro};

use crate::order::Order;

const CONFIG: &[u8] = b"config";
const BOOK: &[u8] = b"book";
const BATCH: &[u8] = b"batch";
const ACCOUNTS: u8 = b'a';

fn key(kind: u8, name: &[u8]) -> Vec<u8> {
    keys::key(kind, &[name])
}

/// The wiring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The energy token.
    pub token: Addr,
    /// The energy pool.
    pub pool: Addr,
    /// Denomination of all payments.
    pub denom: String,
    /// Window length in seconds.
    pub window_seconds: u32,
    /// How long tokens and cover are held for standing orders, in seconds; zero: none are opened.
    pub first_part_seconds: u32,
    /// Chain id at instantiation.
    pub chain: String,
}

/// What the contract owes, and the head of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Free money of all accounts.
    pub accounts: Micro,
    /// Locked money of all orders.
    pub locked: Micro,
    /// Network charges not paid out.
    pub charges: Micro,
    /// Number of closed trades.
    pub trades: u64,
    /// Head of the hash chain.
    pub head: Digest32,
    /// Orders opened so far.
    pub orders: u64,
}

/// A money account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Free to spend and withdraw.
    pub free: Micro,
    /// Locked for standing orders.
    pub locked: Micro,
}

packed!(Config {
    token,
    pool,
    denom,
    window_seconds,
    first_part_seconds,
    chain
});
packed!(Book {
    accounts,
    locked,
    charges,
    trades,
    head,
    orders
});
packed!(Account { free, locked });
/// Stores the wiring.
pub fn save_config(storage: &mut dyn Storage, config: &Config) {
    save(storage, CONFIG, config);
}
/// The wiring.
pub fn config(storage: &dyn Storage) -> StdResult<Config> {
    must(storage, CONFIG)
}

/// The books.
pub fn book(storage: &dyn Storage) -> StdResult<Book> {
    must(storage, BOOK)
}
/// Stores the books.
pub fn save_book(storage: &mut dyn Storage, book: &Book) {
    save(storage, BOOK, book);
}

/// An account; an empty one for who has none.
pub fn account(storage: &dyn Storage, owner: &Holder) -> StdResult<Account> {
    Ok(load(storage, &key(ACCOUNTS, owner.as_bytes()))?.unwrap_or_default())
}
/// Stores an account.
pub fn save_account(storage: &mut dyn Storage, owner: &Holder, account: &Account) {
    save(storage, &key(ACCOUNTS, owner.as_bytes()), account);
}

/// A meter's book; an empty one for a meter that never traded.
pub fn meter(storage: &dyn Storage, meter: &MeterId) -> StdResult<MeterBook> {
    Ok(load(storage, &stored::meter(meter))?.unwrap_or_default())
}
/// Stores a meter's book.
pub fn save_meter(storage: &mut dyn Storage, meter: &MeterId, book: &MeterBook) {
    save(storage, &stored::meter(meter), book);
}

/// A meter's standing orders.
pub fn promises(storage: &dyn Storage, meter: &MeterId) -> StdResult<Promises> {
    Ok(load(storage, &stored::promises(meter))?.unwrap_or_default())
}
/// Stores a meter's standing orders.
pub fn save_promises(storage: &mut dyn Storage, meter: &MeterId, promises: &Promises) {
    let key = stored::promises(meter);
    if *promises == Promises::default() {
        storage.remove(&key);
    } else {
        save(storage, &key, promises);
    }
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
    let named: Option<Option<u64>> = load(storage, &numbered(BY_BUYER, buyer, trade_id))?;
    Ok(match named {
        None => Named::Free,
        Some(None) => Named::Open,
        Some(Some(sequence)) => Named::Closed(sequence),
    })
}

/// Whether a seller's nonce is consumed.
pub fn nonce_used(storage: &dyn Storage, seller: &MeterId, nonce: u64) -> bool {
    storage.get(&numbered(BY_SELLER, seller, nonce)).is_some()
}

/// Takes a buyer's trade id and a seller's nonce for an order.
pub fn take_names(
    storage: &mut dyn Storage,
    buyer: &MeterId,
    trade_id: u64,
    seller: &MeterId,
    nonce: u64,
) {
    save(storage, &numbered(BY_BUYER, buyer, trade_id), &None::<u64>);
    save(storage, &numbered(BY_SELLER, seller, nonce), &None::<u64>);
}

/// Appends a record to the log under both its names. It is stored shorter than [`TradeRecord::to_bytes`], over which
/// the hash chain goes.
pub fn append_record(storage: &mut dyn Storage, record: &TradeRecord) {
    let r = record;
    save(storage, &stored::record(r.sequence), r);
    let sequence = Some(r.sequence);
    save(
        storage,
        &numbered(BY_BUYER, &r.buyer, r.trade_id),
        &sequence,
    );
    save(storage, &numbered(BY_SELLER, &r.seller, r.nonce), &sequence);
}

/// A record of the log.
pub fn record(storage: &dyn Storage, sequence: u64) -> StdResult<Option<TradeRecord>> {
    load(storage, &stored::record(sequence))
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
    index: u8,
    storage: &'a dyn Storage,
    meter: &MeterId,
    start_after: Option<u64>,
) -> impl Iterator<Item = StdResult<u64>> + 'a {
    // A zero byte more makes the next possible key.
    let mut from = numbered(index, meter, start_after.unwrap_or(0));
    if start_after.is_some() {
        from.push(0);
    }
    let mut to = numbered(index, meter, u64::MAX);
    to.push(0);
    let entries = (from < to).then(|| storage.range(Some(&from), Some(&to), Direction::Ascending));
    entries
        .into_iter()
        .flatten()
        .filter_map(|(_, sequence)| read::<Option<u64>>(&sequence).transpose())
}

/// A standing order that is not closed.
pub fn order(storage: &dyn Storage, buyer: &MeterId, trade_id: u64) -> Result<Order, MarketError> {
    load(storage, &stored::order(buyer, trade_id))?.ok_or(MarketError::UnknownTrade { trade_id })
}
/// Stores an order.
pub fn save_order(storage: &mut dyn Storage, buyer: &MeterId, trade_id: u64, order: &Order) {
    save(storage, &stored::order(buyer, trade_id), order);
}
/// Forgets a closed order.
pub fn remove_order(storage: &mut dyn Storage, buyer: &MeterId, trade_id: u64) {
    storage.remove(&stored::order(buyer, trade_id));
}

/// Answers collected by a running batch: the code of a refusal, or none.
pub fn batch(storage: &dyn Storage) -> StdResult<Vec<Option<String>>> {
    must(storage, BATCH)
}
/// Stores the answers of a running batch.
pub fn save_batch(storage: &mut dyn Storage, answers: &Vec<Option<String>>) {
    save(storage, BATCH, answers);
}
/// Ends a batch.
pub fn end_batch(storage: &mut dyn Storage) {
    storage.remove(BATCH);
}
